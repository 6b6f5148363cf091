//! Can a connection begin? Now, or if something were otherwise.

use model::{ConnectionRequest, CookieOwner, HostRef, Protocol, ZoneSide, ZoneVerdict, may_originate};
use std::sync::Arc;
use std::time::Instant;
use texts::{Arg, Texts};
use verify::exact::Answer;
use verify::{Ending, Hop, Possible, possible};
use wire::questions::{CanCall, CanReport, Needed};

use crate::scene::tell_path;
use crate::supposed::{Stage, asked, stage};
use crate::{Center, Refused, Scene};

/// Answers by the tables: whose line lets it and on which way, or where it stops and what would be needed.
///
/// # Errors
/// [`Refused`] if there is no such host, or if what is supposed would be refused.
pub async fn can(center: &Center, call: CanCall, texts: &Texts) -> Result<CanReport, Refused> {
    let documents: Vec<_> = call.documents.into_iter().map(|d| (d.name, d.text)).collect();
    let mut stage = stage(center, &documents, &call.open).await?;
    stage.known(&call.from)?;
    let (to, wanted) = target(&stage, &call.to, call.protocol.zip(call.port))?;
    let states = Arc::new(std::mem::take(&mut stage.states));
    let began = Instant::now();
    let (from, there) = (call.from.clone(), to.clone());
    let (all, question, answer) = asked(Arc::clone(&states), move |exact| {
        let all: Vec<Possible> =
            possible(exact, std::slice::from_ref(&from)).into_iter().filter(|p| p.to == there).collect();
        // Without a port any way will do; if there is none, the one people would try first.
        let open = all.iter().find_map(|p| Some((p.protocol?, p.ports.first()?)));
        let question = wanted.or(open).unwrap_or((Protocol::Tcp, 443));
        let answer = exact.can(&from, &there, question.0, question.1);
        (all, question, answer)
    })
    .await?;
    let micros = began.elapsed().as_micros() as u64;
    let (protocol, port) = question;
    let scene = Scene::of_states(&states);
    let ends = (&call.from, &to);
    let (can, packet, path) = match answer {
        Answer::Yes { packet, path } => (true, Some(*packet), path),
        Answer::No { .. } | Answer::Unknown(_) => match verify::follow(&states, ends, protocol, port) {
            Some((packet, path)) => (false, Some(packet), path),
            None => (false, None, Vec::new()),
        },
    };
    stage.states = Arc::unwrap_or_clone(states);
    let because = if can { culprits(&scene, &path, texts) } else { Vec::new() };
    let stops = (!can).then(|| stops(&stage, ends, &path, texts));
    let mut needed = if can { Vec::new() } else { needed(&stage, ends, protocol, port, texts) };
    needed.extend(stage.denied.iter().map(|reason| lacking(reason, texts)));
    let packet = packet.map(|p| p.in_signs());
    let picture = (call.picture && !path.is_empty()).then(|| {
        let title = format!("{} → {to} {protocol}/{port}", call.from);
        let lines = because.iter().map(|p| format!("{} · {}", p.line, p.text));
        let notes: Vec<String> = lines.chain(stops.clone()).chain(needed.iter().map(|n| n.what.clone())).collect();
        let ending = if can { Ending::Arrives } else { Ending::Stops };
        scene.picture(&title, packet.as_deref(), &path, ending, &notes, texts)
    });
    Ok(CanReport {
        can,
        supposed: stage.supposed,
        from: call.from,
        to,
        protocol,
        port,
        all: all.iter().map(crate::reach::what).collect(),
        because,
        packet,
        path: tell_path(&path, texts),
        stops,
        needed,
        micros,
        picture,
    })
}

/// The host that is meant, and protocol and port if they are said: a service says them itself.
fn target(
    stage: &Stage,
    to: &HostRef,
    said: Option<(Protocol, u16)>,
) -> Result<(HostRef, Option<(Protocol, u16)>), Refused> {
    let missing = match stage.known(to) {
        Ok(()) => return Ok((to.clone(), said)),
        Err(missing) => missing,
    };
    let service = to.to_string().parse().ok().and_then(|id: model::ServiceId| stage.network.services.get(&id));
    let service = service.ok_or(missing)?;
    let own = service.ports.first().map(|port| (service.protocol, *port));
    Ok((service.host.clone(), said.or(own)))
}

/// Whose lines let the packet through: those of grants, in-house rules and transit wishes on its way, each once.
fn culprits(scene: &Scene, path: &[Hop], texts: &Texts) -> Vec<wire::questions::PolicyLine> {
    let mut lines: Vec<wire::questions::PolicyLine> = Vec::new();
    for hop in path {
        let Hop::Rule { site, owner, .. } = hop else { continue };
        if matches!(owner, CookieOwner::Standing) {
            continue;
        }
        let line = scene.policy_line(site, *owner, texts);
        if !lines.contains(&line) {
            lines.push(line);
        }
    }
    lines
}

fn stops(stage: &Stage, (from, _): (&HostRef, &HostRef), path: &[Hop], texts: &Texts) -> String {
    let text = |key: &str, args: &[(&str, Arg)]| texts.say(key, args);
    // The last place the packet was seen at, and the table it was last in.
    let mut found = text("can-stops-nowhere", &[("site", Arg::text(&from.site))]);
    for hop in path {
        found = match hop {
            Hop::Enters { site, switch, .. } => text(
                "can-stops-switch",
                &[("site", Arg::text(site)), ("switch", Arg::text(switch)), ("table", Arg::Number(0))],
            ),
            Hop::Rule { site, switch, table, .. } => text(
                if shows_gate(stage, hop) { "can-stops-gate" } else { "can-stops-switch" },
                &[
                    ("site", Arg::text(site)),
                    ("switch", Arg::text(switch)),
                    ("table", Arg::Number(i64::from(table.number()) + 1)),
                ],
            ),
            Hop::Leaves { site, switch, .. } => {
                text("can-stops-left", &[("site", Arg::text(site)), ("switch", Arg::text(switch))])
            }
            Hop::Stopped { site } | Hop::Filter { site, .. } | Hop::Tunnel { to: site, .. } => {
                text("can-stops-gateway", &[("site", Arg::text(site))])
            }
            Hop::Reaches { site, host } => {
                text("can-stops-elsewhere", &[("host", Arg::text(format!("{site}/{host}")))])
            }
            Hop::Host { .. } => continue,
        };
    }
    found
}

/// Does this rule show the packet to the gate?
fn shows_gate(stage: &Stage, hop: &Hop) -> bool {
    let Hop::Rule { site, switch, table, priority, owner } = hop else { return false };
    stage.states.get(site).is_some_and(|state| {
        state.rules.iter().any(|r| {
            (&r.switch, r.table, r.priority, r.owner) == (switch, *table, *priority, *owner)
                && r.actions.contains(&model::Action::ToGate)
        })
    })
}

fn needed(
    stage: &Stage,
    (from, to): (&HostRef, &HostRef),
    protocol: Protocol,
    port: u16,
    texts: &Texts,
) -> Vec<Needed> {
    let what = Arg::text(format!("{protocol}/{port}"));
    let args = [("from", Arg::text(from)), ("to", Arg::text(to)), ("what", what), ("site", Arg::text(&from.site))];
    let need = |key: &str| Needed { what: texts.say(key, &args), remedy: texts.say(&format!("{key}-do"), &args) };
    let network = &stage.network;
    let ends = network.host(from).zip(network.host(to));
    let Some(((origin, source), (destination, target))) = ends else { return Vec::new() };
    let mut needed = Vec::new();
    for (speaker, rule) in [origin, destination].into_iter().filter_map(|s| Some((s, s.forbids(from, to)?))) {
        let id = Arg::text(format!("{}/{}", speaker.id, rule.id));
        let args = [("id", id), ("because", Arg::Name(rule.because.clone()))];
        let remedy = texts.say("can-needs-promise-do", &args);
        needed.push(Needed { what: texts.say("can-needs-promise", &args), remedy });
    }
    if origin.id == destination.id {
        let zones = origin.zone_of(source).zip(origin.zone_of(target));
        let verdict = zones.map(|(a, b)| may_originate(ZoneSide::Zone(a), ZoneSide::Zone(b)));
        let by_proxy = source.proxy.is_some() || target.proxy.is_some();
        needed.push(match verdict {
            Some(ZoneVerdict::Denied) | None => need("can-needs-zone"),
            Some(ZoneVerdict::ViaProxy) if !by_proxy => need("can-needs-proxy"),
            Some(ZoneVerdict::ViaProxy | ZoneVerdict::Allowed) => need("can-needs-in-house"),
        });
        return needed;
    }
    let fits = |s: &&model::Service| s.host == *to && s.protocol == protocol && s.ports.contains(&port);
    let services: Vec<_> = network.services.values().filter(fits).collect();
    if services.is_empty() {
        needed.push(need("can-needs-service"));
    }
    for service in services {
        let request = ConnectionRequest { from: from.clone(), service: service.id.clone() };
        let lacks = stage.lacks(&request);
        if lacks.is_empty() {
            let args = [("service", Arg::text(&service.id)), ("from", Arg::text(from))];
            let remedy = texts.say("can-needs-open-do", &args);
            needed.push(Needed { what: texts.say("can-needs-open", &args), remedy });
        }
        needed.extend(lacks.iter().map(|reason| lacking(reason, texts)));
    }
    needed
}

fn lacking(reason: &texts::Reason, texts: &Texts) -> Needed {
    let lines = reason.lines(texts);
    Needed { what: lines.refused, remedy: lines.remedy }
}
