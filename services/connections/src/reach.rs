//! Everything a host can begin, and everything that can begin with it.

use model::HostRef;
use std::sync::Arc;
use std::time::Instant;
use texts::Texts;
use verify::{Possible, possible};
use wire::questions::{PossibleView, ReachReport};

use crate::supposed::{asked, stage};
use crate::{Center, Refused, Scene};

/// Answers by the tables as they are committed. Cost follows the network: what reaches a host is known only after every
/// other host was asked.
///
/// # Errors
/// [`Refused`] if there is no such host.
pub async fn reach(center: &Center, host: HostRef, texts: &Texts) -> Result<ReachReport, Refused> {
    let stage = stage(center, &[], &[]).await?;
    stage.known(&host)?;
    let hosts = stage.hosts();
    let states = Arc::new(stage.states);
    let began = Instant::now();
    let all = asked(Arc::clone(&states), move |exact| possible(exact, &hosts)).await?;
    let micros = began.elapsed().as_micros() as u64;
    let scene = Scene::of_states(&states);
    let views = |wanted: &dyn Fn(&&Possible) -> bool| {
        all.iter().filter(wanted).map(|p| view(p, &scene, texts)).collect::<Vec<_>>()
    };
    let (begins, receives) = (views(&|p| p.from == host), views(&|p| p.to == host && p.from != host));
    Ok(ReachReport { host, begins, receives, micros })
}

/// `tcp/443`; `other` for what is neither TCP nor UDP.
pub(crate) fn what(possible: &Possible) -> String {
    match possible.protocol {
        Some(protocol) => format!("{protocol}/{}", possible.ports),
        None => "other".to_owned(),
    }
}

pub(crate) fn view(possible: &Possible, scene: &Scene, texts: &Texts) -> PossibleView {
    let lines = possible.because.iter().map(|owner| scene.policy_line(&possible.from.site, *owner, texts));
    PossibleView {
        from: possible.from.clone(),
        to: possible.to.clone(),
        what: what(possible),
        because: lines.collect(),
    }
}
