//! What the planner writes for the example documents: a site's switch before and after one grant.

use model::{
    Document, Endpoint, FlowRule, Grant, GrantId, Network, Protocol, SiteId, SiteState, Timestamp, parse_document,
};
use site::{elements, to_add, to_entry};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;
use std::str::FromStr;

use crate::HandbookError;
use crate::page::head;

const DOCUMENTS: [(&str, &str); 3] = [
    ("clinic.toml", include_str!("../../../core/model/tests/documents/clinic.toml")),
    ("hospital.toml", include_str!("../../../core/model/tests/documents/hospital.toml")),
    ("provider.toml", include_str!("../../../core/model/tests/documents/provider.toml")),
];

pub(crate) fn page() -> Result<String, HandbookError> {
    let network = network()?;
    let grant = grant(&network)?;
    let before = plan::from_scratch(&network, &[]).map_err(example)?;
    let after = plan::from_scratch(&network, std::slice::from_ref(&grant)).map_err(example)?;
    let state = |states: &BTreeMap<SiteId, SiteState>, site: &str| -> Result<SiteState, HandbookError> {
        states.get(&parsed::<SiteId>(site)?).cloned().ok_or_else(|| example(format!("{site} has no state")))
    };
    let (clinic_before, clinic_after) = (state(&before, "clinic")?, state(&after, "clinic")?);
    let (hospital_before, hospital_after) = (state(&before, "hospital")?, state(&after, "hospital")?);

    let mut out = head("Flow tables of a site", "拠点のフローテーブル", "`plan` on `core/model/tests/documents`");
    out.push_str(
        "\nIn the notation of `ovs-ofctl`, as `core/site` sends them. Table-miss drops everywhere: what no line below \
         matches goes nowhere. `reg0` is the tag that only table 0 writes; the first 16 bits of a cookie say whose rule it \
         is (`0x5e01` standing, `0x5e02` a grant, `0x5e03` in-house). 記載のない通信はすべて破棄されます。\n",
    );
    out.push_str("\n## The clinic before anything is open · 何も開いていない診療所\n");
    out.push_str(&listing(clinic_before.rules.iter())?);
    out.push_str(&format!(
        "\n## What `sekisho open {}` adds · 一本の接続で加わるもの\n\nGrant `{}` from `{}` to `{}`, {}, ports {:?}.\n",
        grant.service,
        grant.id,
        grant.origin.host_ref(),
        grant.destination.host_ref(),
        grant.protocol,
        grant.ports
    ));
    for (name, before, after) in
        [("clinic", &clinic_before, &clinic_after), ("hospital", &hospital_before, &hospital_after)]
    {
        out.push_str(&format!("\n### {name}\n"));
        out.push_str(&listing(after.rules.difference(&before.rules))?);
        if !before.rules.is_subset(&after.rules) {
            return Err(example(format!("opening removes rules at {name}")));
        }
        out.push_str(&rest(after));
    }
    out.push_str("\nClosing removes exactly these lines, and the conntrack entries with them.\n");
    Ok(out)
}

fn rest(after: &SiteState) -> String {
    let mut out = String::from("\n```text\n");
    for tunnel in &after.tunnels {
        let role = if tunnel.initiator { "initiates" } else { "answers" };
        out.push_str(&format!("tunnel to {}: {} === {} ({role})\n", tunnel.peer, tunnel.local, tunnel.remote));
    }
    let wanted: BTreeMap<_, _> =
        after.filters.iter().flat_map(|f| elements(f).map(move |element| (element, f.owner))).collect();
    let removed: BTreeSet<site::FilterElement> = BTreeSet::new();
    out.push_str(&site::change_script(wanted.iter(), removed.iter()));
    out + "```\n"
}

fn listing<'a>(rules: impl Iterator<Item = &'a FlowRule>) -> Result<String, HandbookError> {
    let mut lines = Vec::new();
    for rule in rules {
        let (key, body) = to_entry(rule).map_err(example)?;
        lines.push((key.table, Reverse(key.priority), to_add(&key, &body).to_string()));
    }
    lines.sort();
    let mut out = String::new();
    let mut table = None;
    for (number, _, line) in lines {
        if table != Some(number) {
            out.push_str(if table.is_some() { "```\n" } else { "" });
            out.push_str(&format!("\n```text\n# table {number} {}\n", name(number)));
            table = Some(number);
        }
        out.push_str(&format!("{line}\n"));
    }
    Ok(out + "```\n")
}

fn name(table: u8) -> String {
    model::Table::from_number(table).map(|t| format!("{t:?}").to_lowercase()).unwrap_or_default()
}

fn network() -> Result<Network, HandbookError> {
    let documents: Vec<Document> =
        DOCUMENTS.iter().map(|(name, text)| parse_document(name, text)).collect::<Result<_, _>>().map_err(example)?;
    Network::default()
        .with(&documents)
        .map_err(|faults| example(faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")))
}

fn grant(network: &Network) -> Result<Grant, HandbookError> {
    Ok(Grant {
        id: GrantId(7),
        agreement: parsed("A-0012")?,
        service: parsed("keyaki/records")?,
        origin: end(network, "clinic/exam-1")?,
        destination: end(network, "hospital/record-server")?,
        protocol: Protocol::Tcp,
        ports: vec![443],
        granted_at: Timestamp(0),
        lease_until: Timestamp(1_800_000),
        idle_ms: None,
    })
}

fn end(network: &Network, at: &str) -> Result<Endpoint, HandbookError> {
    let unknown = || example(format!("{at} is unknown"));
    let (site, host) = network.host(&parsed(at)?).ok_or_else(unknown)?;
    Ok(Endpoint {
        site: site.id.clone(),
        institution: site.institution.clone(),
        host: host.id.clone(),
        address: host.address,
        zone: site.zone_of(host).ok_or_else(unknown)?,
    })
}

fn parsed<T: FromStr<Err: Display>>(text: &str) -> Result<T, HandbookError> {
    text.parse().map_err(example)
}

fn example(why: impl Display) -> HandbookError {
    HandbookError::Example(why.to_string())
}
