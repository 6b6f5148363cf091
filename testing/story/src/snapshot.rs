//! What stands at a moment: flow rules, conntrack entries, CHILD_SAs and filters, without their counters.

use std::collections::BTreeSet;
use std::process::Command;
use std::time::Duration;

use lab::Lab;

use crate::stage::StageError;

/// Everything that could carry traffic, at every site.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// One line a thing, `site kind text`.
    pub lines: BTreeSet<String>,
}

impl Snapshot {
    /// Takes it from the switches, the IKE daemons and the kernel, not from the product.
    pub fn take(lab: &Lab) -> Result<Self, StageError> {
        let mut lines = BTreeSet::new();
        for site in lab.sites() {
            let id = &site.spec.id;
            for flow in site.switch.dump_flows()? {
                let flow = without_counters(&flow);
                if !flow.is_empty() {
                    lines.insert(format!("{id} flow {flow}"));
                }
            }
            for entry in site.switch.dump_conntrack()? {
                // A terminal speaks to its gate to ask for connections; that is not what is compared.
                if !model::GATE_SERVICE_PORTS.iter().any(|port| entry.contains(&format!("dport={port}"))) {
                    lines.insert(format!("{id} conntrack {}", endpoints(&entry)));
                }
            }
            for sa in site.charon.list_sas()? {
                lines.insert(format!("{id} child {} {} {}", sa.child, sa.local, sa.remote));
            }
            let mut nft = Command::new("nft");
            nft.args(["list", "table", "inet", "sekisho"]);
            let listed = site.red.run(nft, Duration::from_secs(10))?;
            for line in listed.stdout.lines() {
                lines.insert(format!("{id} filter {}", without_nft_counters(line.trim())));
            }
        }
        Ok(Self { lines })
    }

    /// What the other has and this has not, and the reverse; nothing if they are equal.
    pub fn differs(&self, other: &Self) -> Option<String> {
        let gone: Vec<&String> = self.lines.difference(&other.lines).collect();
        let new: Vec<&String> = other.lines.difference(&self.lines).collect();
        if gone.is_empty() && new.is_empty() { None } else { Some(format!("gone: {gone:#?}\nnew: {new:#?}")) }
    }

    /// Numbers of the grants that have flow rules at a site (cookie kind 0x5e02).
    pub fn grants_in_flows(&self, site: &str) -> BTreeSet<u64> {
        self.lines
            .iter()
            .filter_map(|line| line.strip_prefix(&format!("{site} flow ")))
            .filter_map(|flow| flow.split("cookie=0x").nth(1))
            .filter_map(|rest| rest.split([',', ' ']).next())
            .filter_map(|hex| u64::from_str_radix(hex, 16).ok())
            .filter(|cookie| cookie >> 48 == 0x5e02)
            .map(|cookie| cookie & ((1 << 48) - 1))
            .collect()
    }
}

fn without_counters(flow: &str) -> String {
    const COUNTERS: [&str; 6] = ["duration=", "n_packets=", "n_bytes=", "idle_age=", "hard_age=", "idle_timeout="];
    let kept: Vec<&str> =
        flow.split(", ").filter(|part| !COUNTERS.iter().any(|c| part.trim_start().starts_with(c))).collect();
    let text = kept.join(", ");
    // A refused first packet leaves a temporary drop; it allows nothing and ends by itself.
    if text.contains("cookie=0x5e05") { String::new() } else { text.trim().to_owned() }
}

fn endpoints(entry: &str) -> String {
    entry.split(",state=").next().unwrap_or(entry).to_owned()
}

fn without_nft_counters(line: &str) -> String {
    let mut words = Vec::new();
    let mut skip = 0;
    for word in line.split_whitespace() {
        if skip > 0 {
            skip -= 1;
        } else if word == "counter" {
            skip = 4;
        } else {
            words.push(word);
        }
    }
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_do_not_count() {
        let flow =
            "cookie=0x5e02000000000007, duration=3.2s, table=2, n_packets=4, n_bytes=9, priority=1000,tcp actions=drop";
        assert_eq!(without_counters(flow), "cookie=0x5e02000000000007, table=2, priority=1000,tcp actions=drop");
        assert_eq!(
            without_nft_counters("ip saddr 10.0.0.1 counter packets 3 bytes 7 accept"),
            "ip saddr 10.0.0.1 accept"
        );
        let snapshot = Snapshot { lines: [format!("clinic flow {}", without_counters(flow))].into() };
        assert_eq!(snapshot.grants_in_flows("clinic"), [7].into());
        assert!(snapshot.grants_in_flows("hospital").is_empty());
    }
}
