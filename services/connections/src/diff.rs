//! What differs between two moments, or between now and documents, in terms of who reaches whom.

use audit::{Event, SiteGeneration};
use model::{Generation, GrantId, SiteId, SiteState};
use registry::Past;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;
use texts::{Arg, Texts};
use verify::{compare, possible};
use wire::questions::{DiffCall, DiffReport, PossibleView};

use crate::supposed::{asked, hosts, stage};
use crate::{Center, Refused, Scene, Trouble, reach};

type States = BTreeMap<SiteId, SiteState>;

/// Every site counts its own generations. A moment of the network is that at which the named site came to one; the
/// record says where the others were then.
///
/// # Errors
/// [`Refused`] if a generation is not kept any more, was never there, or does not say of which site; or if the
/// documents would be refused.
pub async fn diff(center: &Center, call: DiffCall, texts: &Texts) -> Result<DiffReport, Refused> {
    let began = Instant::now();
    let documents: Vec<_> = call.documents.into_iter().map(|d| (d.name, d.text)).collect();
    let site = match (&call.site, call.before.or(call.after)) {
        (Some(site), _) => Some(site.clone()),
        (None, None) => None,
        (None, Some(_)) => Some(the_only_site(center).await?),
    };
    let before = moment(center, site.as_ref(), call.before).await?;
    let (after, ended) = match documents.is_empty() {
        true => (moment(center, site.as_ref(), call.after).await?, Vec::new()),
        false => {
            let stage = stage(center, &documents, &[]).await?;
            (stage.states, stage.ended)
        }
    };
    report(before, after, !documents.is_empty(), ended, began, texts).await
}

async fn report(
    before: States,
    after: States,
    supposed: bool,
    grants_ended: Vec<GrantId>,
    began: Instant,
    texts: &Texts,
) -> Result<DiffReport, Refused> {
    let (before, after) = (Arc::new(before), Arc::new(after));
    let mut found = Vec::new();
    for states in [&before, &after] {
        let hosts = hosts(states);
        found.push(asked(Arc::clone(states), move |exact| possible(exact, &hosts)).await?);
    }
    let (came, went) = compare(&found[0], &found[1]);
    let views = |all: &[verify::Possible], states: &States| -> Vec<PossibleView> {
        let scene = Scene::of_states(states);
        all.iter().map(|p| reach::view(p, &scene, texts)).collect()
    };
    let generations = |states: &States| states.iter().map(|(id, s)| (id.clone(), s.generation)).collect();
    Ok(DiffReport {
        before: generations(&before),
        after: if supposed { BTreeMap::new() } else { generations(&after) },
        supposed,
        came: views(&came, &after),
        went: views(&went, &before),
        grants_ended,
        micros: began.elapsed().as_micros() as u64,
    })
}

async fn the_only_site(center: &Center) -> Result<SiteId, Refused> {
    let state = center.state().await;
    let mut sites = state.network.sites.keys();
    match (sites.next(), sites.next()) {
        (Some(only), None) => Ok(only.clone()),
        _ => {
            let names = state.network.sites.keys().take(20).map(Arg::text).collect();
            Err(Refused::trouble(Trouble::WhichSite, [("sites", Arg::List(names))]))
        }
    }
}

/// The network when a site came to a generation; now if none is named.
async fn moment(center: &Center, site: Option<&SiteId>, at: Option<Generation>) -> Result<States, Refused> {
    let Some((site, at)) = site.zip(at) else { return Ok(center.state().await.verifier.states()) };
    if at == Generation(0) {
        // Before anything was applied there.
        return Ok(States::new());
    }
    let mut states = States::new();
    for (id, generation) in generations_at(center, site, at).await? {
        let gone = |kept: Option<Generation>| {
            let kept = kept.map_or(Arg::text("–"), Arg::text);
            let args = [("site", Arg::text(&id)), ("generation", Arg::text(generation)), ("kept", kept)];
            Refused::trouble(Trouble::GenerationNotKept, args)
        };
        match center.registry().site_state_at(&id, generation).await? {
            Past::Kept(state) => drop(states.insert(id, *state)),
            Past::Folded { kept_from } => return Err(gone(Some(kept_from))),
            Past::Never => return Err(gone(None)),
        }
    }
    Ok(states)
}

/// Where every site was when this one came to a generation, by the record of what was committed.
async fn generations_at(
    center: &Center,
    site: &SiteId,
    wanted: Generation,
) -> Result<BTreeMap<SiteId, Generation>, Refused> {
    const PAGE: u32 = 1000;
    let mut at: BTreeMap<SiteId, Generation> = BTreeMap::new();
    let mut next = 1;
    loop {
        let entries = center.registry().audit_from(next, PAGE).await?;
        let Some(last) = entries.last() else { break };
        next = last.seq + 1;
        for entry in &entries {
            for SiteGeneration { site, generation, .. } in moved(&entry.event) {
                at.insert(site.clone(), *generation);
            }
            match at.get(site) {
                Some(now) if *now == wanted => return Ok(at),
                _ => {}
            }
        }
    }
    let kept = at.get(site).map_or(Arg::text("–"), Arg::text);
    let args = [("site", Arg::text(site)), ("generation", Arg::text(wanted)), ("latest", kept)];
    Err(Refused::trouble(Trouble::NoSuchGeneration, args))
}

fn moved(event: &Event) -> &[SiteGeneration] {
    match event {
        Event::NetworkApplied { sites, .. }
        | Event::ConnectionOpening { sites, .. }
        | Event::ConnectionClosing { sites, .. } => sites,
        _ => &[],
    }
}
