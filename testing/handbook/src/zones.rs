//! Who may originate to whom.

use model::{SiteModel, Zone, ZoneSide, ZoneVerdict, may_originate};

use crate::page::{Both, head, table};

pub(crate) fn page() -> String {
    let both = Both::new();
    let zone = |zone: Zone| both.say(&format!("zone-{zone}"), &[]).join(" · ");
    let side = |side: ZoneSide| match side {
        ZoneSide::Zone(z) => zone(z),
        ZoneSide::Tunnel => "another site, by agreement · 他拠点".to_owned(),
    };
    let sides: Vec<ZoneSide> = Zone::ALL.into_iter().map(ZoneSide::Zone).chain([ZoneSide::Tunnel]).collect();
    let mut out = head("Zones", "ゾーン", "`model::may_originate` and `model::SiteModel` (G8, G9)");
    out.push_str("\nMay a connection originate in the row and end in the column? 行から列へ通信を始められるか。\n");
    let columns: Vec<String> = std::iter::once("from \\ to".to_owned()).chain(sides.iter().map(|s| side(*s))).collect();
    let columns: Vec<&str> = columns.iter().map(String::as_str).collect();
    out.push_str(&table(
        &columns,
        sides.iter().map(|from| {
            let verdict = |to: &ZoneSide| match may_originate(*from, *to) {
                ZoneVerdict::Allowed => "one host and port at a time",
                ZoneVerdict::ViaProxy => "only if one of the two is a proxy",
                ZoneVerdict::Denied => "never",
            };
            std::iter::once(side(*from)).chain(sides.iter().map(|to| verdict(to).to_owned())).collect()
        }),
    ));
    out.push_str("\n## Zones of the site models · 拠点モデルのゾーン\n");
    let models =
        [(SiteModel::Large, "large"), (SiteModel::Small, "small"), (SiteModel::ServiceProvider, "service-provider")];
    out.push_str(&table(
        &["`model`", "", "zones"],
        models.map(|(model, name)| {
            let zones: Vec<String> = model.zones().iter().map(|z| zone(*z)).collect();
            vec![format!("`{name}`"), both.say(&format!("site-model-{name}"), &[]).join(" · "), zones.join(", ")]
        }),
    ));
    out
}
