//! A path read back from the lines a log keeps of it, so that it can be told in another language, or drawn.

use model::{CookieOwner, FilterSide, GrantId, HostRef, PortNo, SiteId, SwitchId, Table};

use crate::Hop;

impl Hop {
    /// The path whose steps were written, one a line, by [`Hop`]'s `Display`. Nothing if a line is none of these.
    pub fn recall<S: AsRef<str>>(lines: &[S]) -> Option<Vec<Self>> {
        let mut at: Option<(SiteId, SwitchId)> = None;
        let mut path = Vec::with_capacity(lines.len());
        for (n, line) in lines.iter().enumerate() {
            let hop = read(line.as_ref(), at.as_ref(), n == 0)?;
            // A rule's line names neither: it stands where the packet is.
            let unnamed = || "unknown".parse::<SwitchId>().ok();
            match &hop {
                Self::Enters { site, switch, .. } => at = Some((site.clone(), switch.clone())),
                Self::Host { site, .. } | Self::Tunnel { to: site, .. } => at = Some(site.clone()).zip(unnamed()),
                _ => {}
            }
            path.push(hop);
        }
        Some(path)
    }
}

fn read(line: &str, at: Option<&(SiteId, SwitchId)>, first: bool) -> Option<Hop> {
    let port = |text: &str| -> Option<(SiteId, SwitchId, PortNo)> {
        let (site, rest) = text.split_once('/')?;
        let (switch, port) = rest.split_once('/')?;
        Some((site.parse().ok()?, switch.parse().ok()?, PortNo(port.parse().ok()?)))
    };
    if let Some(text) = line.strip_prefix("in at ") {
        return port(text).map(|(site, switch, port)| Hop::Enters { site, switch, port });
    }
    if let Some(text) = line.strip_prefix("out at ") {
        return port(text).map(|(site, switch, port)| Hop::Leaves { site, switch, port });
    }
    if let Some(site) = line.strip_prefix("stopped by the filter at ") {
        return Some(Hop::Stopped { site: site.parse().ok()? });
    }
    if let Some(text) = line.strip_prefix("reaches ") {
        let HostRef { site, host } = text.parse().ok()?;
        return Some(Hop::Reaches { site, host });
    }
    if let Some(text) = line.strip_prefix("table ") {
        let (table, rest) = text.split_once(" priority ")?;
        let (priority, owner) = owned(rest)?;
        let (site, switch) = at.cloned().or_else(|| Some(("unknown".parse().ok()?, "unknown".parse().ok()?)))?;
        let table = Table::from_number(table.parse().ok()?)?;
        return Some(Hop::Rule { site, switch, table, priority: priority.parse().ok()?, owner });
    }
    if let Some(text) = line.strip_prefix("filter at ") {
        let (rest, owner) = owned(text)?;
        let mut words = rest.split(' ');
        let (site, from) = (words.next()?.parse().ok()?, side(words.next()?)?);
        let to = words.next().filter(|w| *w == "to").and_then(|_| side(words.next()?))?;
        return words.next().is_none().then_some(Hop::Filter { site, owner, from, to });
    }
    if let Some(text) = line.strip_prefix("tunnel ") {
        let (ends, grant) = match text.split_once(" (") {
            Some((ends, grant)) => (ends, Some(grant.strip_suffix(')')?.parse::<GrantId>().ok()?)),
            None => (text, None),
        };
        let (from, to) = ends.split_once(" to ")?;
        return Some(Hop::Tunnel { from: from.parse().ok()?, to: to.parse().ok()?, grant });
    }
    let HostRef { site, host } = line.parse().ok().filter(|_| first)?;
    Some(Hop::Host { site, host })
}

/// `rest (owner)`.
fn owned(text: &str) -> Option<(&str, CookieOwner)> {
    let (rest, owner) = text.strip_suffix(')')?.rsplit_once(" (")?;
    let number = |prefix: &str| owner.strip_prefix(prefix)?.strip_suffix(']')?.parse().ok();
    let owner = match owner {
        "standing" => CookieOwner::Standing,
        "refusal" => CookieOwner::Refusal,
        _ if owner.starts_with("in-house[") => CookieOwner::InHouse(number("in-house[")?),
        _ if owner.starts_with("transit[") => CookieOwner::Transit(number("transit[")?),
        _ => CookieOwner::Grant(owner.parse().ok()?),
    };
    Some((rest, owner))
}

fn side(text: &str) -> Option<FilterSide> {
    match text {
        "lan" => Some(FilterSide::Lan),
        "tunnel" => Some(FilterSide::Tunnel),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn path() -> Vec<Hop> {
        let site = |s: &str| s.parse::<SiteId>().unwrap();
        let switch: SwitchId = "sw1".parse().unwrap();
        let host = |h: &str| h.parse().unwrap();
        let rule = |at: &str, owner, table| Hop::Rule {
            site: site(at),
            switch: "sw1".parse().unwrap(),
            table,
            priority: 700,
            owner,
        };
        let (lan, tunnel) = (FilterSide::Lan, FilterSide::Tunnel);
        let seven = CookieOwner::Grant(GrantId(7));
        vec![
            Hop::Host { site: site("clinic"), host: host("exam-1") },
            Hop::Enters { site: site("clinic"), switch: switch.clone(), port: PortNo(3) },
            rule("clinic", CookieOwner::Standing, Table::Admission),
            rule("clinic", seven, Table::Connections),
            rule("clinic", CookieOwner::InHouse(2), Table::Zones),
            Hop::Leaves { site: site("clinic"), switch: switch.clone(), port: PortNo(1) },
            Hop::Filter { site: site("clinic"), owner: seven, from: lan, to: tunnel },
            Hop::Tunnel { from: site("clinic"), to: site("hospital"), grant: Some(GrantId(7)) },
            Hop::Filter { site: site("hospital"), owner: CookieOwner::Transit(0), from: tunnel, to: lan },
            Hop::Enters { site: site("hospital"), switch: switch.clone(), port: PortNo(1) },
            rule("hospital", CookieOwner::Refusal, Table::Forwarding),
            Hop::Tunnel { from: site("hospital"), to: site("provider"), grant: None },
            Hop::Stopped { site: site("provider") },
            Hop::Reaches { site: site("provider"), host: host("ops-1") },
        ]
    }

    #[test]
    fn a_path_comes_back_from_its_lines() {
        let lines: Vec<String> = path().iter().map(ToString::to_string).collect();
        assert_eq!(Hop::recall(&lines), Some(path()));
    }

    #[test]
    fn what_is_no_path_is_none() {
        for line in ["", "table x priority 3 (g-7)", "table 2 priority 3", "filter at a b to c (g-1)", "reaches a"] {
            assert_eq!(Hop::recall(&[line]), None, "{line}");
        }
        assert_eq!(Hop::recall(&["clinic/exam-1", "clinic/exam-1"]), None, "a host sends first or not at all");
    }

    proptest! {
        #[test]
        fn no_line_makes_it_panic(line in "(table |tunnel |filter at |in at )?[a-z0-9/ ()\\[\\]-]{0,40}") {
            let _ = Hop::recall(&[line]);
        }
    }
}
