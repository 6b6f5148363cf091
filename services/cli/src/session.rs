//! What a signed-in person asks for at a terminal, what an operator cuts and watches, and how it is shown.

use model::{ConnectionState, GrantId, ServiceId};
use texts::{Arg, Lang, Texts};
use wire::api::{ConnectionView, OpenReport, TerminalStatus};
use wire::live::LiveView;
use wire::session::{
    AnswerCall, ApprovalsView, CutReport, ExtendCall, ServiceCall, ServiceState, ServiceView, ServicesView,
    SessionView, Watched,
};

use crate::arguments::{ApprovalCommand, Closing};
use crate::config::Terminal;
use crate::failure::Failure;
use crate::operator::Operator;
use crate::render::{Shown, columns, line, milliseconds};
use crate::terminal::json;

/// Opens in the session of this terminal; nothing if nobody is signed in.
pub async fn open(terminal: &Terminal, lang: Lang, service: &ServiceId) -> Result<Option<OpenReport>, Failure> {
    let mut center = json(terminal, lang).await?;
    let services: ServicesView = center.get("/v1/services").await?;
    if services.session.is_none() {
        return Ok(None);
    }
    center.post("/v1/session/open", &ServiceCall { service: service.clone() }).await.map(Some)
}

/// Signs out.
pub async fn logout(terminal: &Terminal, lang: Lang) -> Result<SessionView, Failure> {
    json(terminal, lang).await?.post("/v1/logout", &serde_json::json!({})).await
}

/// The services of whoever is signed in.
pub async fn ask(terminal: &Terminal, lang: Lang) -> Result<ServicesView, Failure> {
    json(terminal, lang).await?.get("/v1/services").await
}

/// Extends a lease.
pub async fn extend(terminal: &Terminal, lang: Lang, what: &Closing) -> Result<ConnectionView, Failure> {
    let mut center = json(terminal, lang).await?;
    let grant: GrantId = match what {
        Closing::Grant(grant) => *grant,
        Closing::Service(service) => {
            let status: TerminalStatus = center.get("/v1/status").await?;
            let found = status.connections.iter().find(|c| &c.service == service);
            found.ok_or_else(|| Failure::NothingFits(what.to_string()))?.grant
        }
    };
    center.post("/v1/extend", &ExtendCall { grant }).await
}

/// What waits for an answer, after giving one.
pub async fn answer(
    terminal: &Terminal,
    lang: Lang,
    answer: Option<&ApprovalCommand>,
) -> Result<ApprovalsView, Failure> {
    let mut center = json(terminal, lang).await?;
    let (approval, accept) = match answer {
        None => return center.get("/v1/approvals").await,
        Some(ApprovalCommand::Accept { approval }) => (approval, true),
        Some(ApprovalCommand::Refuse { approval }) => (approval, false),
    };
    center.post(&format!("/v1/approvals/{approval}"), &AnswerCall { accept }).await
}

/// Shows what is live whenever it changes, until it is stopped.
pub async fn watch(operator: &mut Operator, texts: &Texts, as_json: bool) -> Result<Shown, Failure> {
    let mut tick = None;
    loop {
        let after = tick.map_or(0, |tick: u64| tick);
        let watched: Watched = operator.json().get(&format!("/v1/live?after={after}")).await?;
        if tick == Some(watched.tick) {
            continue;
        }
        tick = Some(watched.tick);
        let shown = live(texts, &watched.live);
        // Data is a line a change; a picture for people takes the place of the one before.
        if as_json {
            println!("{}", serde_json::to_string(&watched).unwrap_or_default());
        } else {
            print!("\x1b[2J\x1b[H");
            shown.print(false);
        }
    }
}

fn live(texts: &Texts, view: &LiveView) -> Shown {
    let mut lines = vec![(texts.say("cli-label-when", &[]), Arg::Time(view.now).worded(texts))];
    for site in &view.sites {
        let key = match (site.linked, site.alarms) {
            (false, _) => "cli-live-away",
            (true, 0) => "cli-live-linked",
            (true, _) => "cli-live-alarm",
        };
        let hosts: usize = site.zones.iter().map(|z| z.hosts.len()).sum();
        let args = [
            ("site", Arg::text(&site.site)),
            ("name", Arg::Name(site.name.clone())),
            ("hosts", Arg::Number(hosts as i64)),
            ("alarms", Arg::Number(site.alarms as i64)),
        ];
        lines.push((texts.say("cli-label-site", &[]), texts.say(key, &args)));
    }
    for one in &view.lines {
        let connection = &one.connection;
        let args = [
            ("grant", Arg::text(connection.grant)),
            ("line", Arg::text(line(connection))),
            ("name", Arg::Name(one.service_name.clone())),
            ("person", Arg::text(&one.person)),
            ("until", connection.lease_until.into()),
        ];
        lines.push((texts.say(&format!("state-{}", connection.state), &[]), texts.say("cli-live-line", &args)));
    }
    if view.lines.is_empty() {
        lines.push((texts.say("cli-label-open", &[]), texts.say("cli-nothing-open", &[])));
    }
    Shown::lines(view, &lines)
}

/// Who is signed in.
pub fn signed_in(texts: &Texts, view: &SessionView) -> Shown {
    Shown::lines(view, &session(texts, view))
}

fn session(texts: &Texts, view: &SessionView) -> Vec<(String, String)> {
    let name = match (&view.person.kanji_name, texts.lang()) {
        (Some(kanji), Lang::Ja) => kanji,
        _ => &view.person.name,
    };
    let person = [
        ("name", Arg::text(name)),
        ("role", Arg::Role(view.person.role.clone())),
        ("until", view.person.valid_until.into()),
    ];
    let session = [("at", Arg::text(&view.at)), ("until", view.until.into())];
    vec![
        (texts.say("cli-label-person", &[]), texts.say("cli-person", &person)),
        (texts.say("cli-label-session", &[]), texts.say("cli-session", &session)),
    ]
}

/// Who was.
pub fn signed_out(texts: &Texts, view: &SessionView) -> Shown {
    let args = [("at", Arg::text(&view.at))];
    Shown::lines(view, &[(texts.say("cli-label-session", &[]), texts.say("cli-session-over", &args))])
}

/// Services and how each stands; refused packets.
pub fn services(texts: &Texts, view: &ServicesView) -> Shown {
    let mut lines = match &view.session {
        Some(signed_in) => session(texts, signed_in),
        None => vec![(texts.say("cli-label-session", &[]), texts.say("cli-no-session", &[]))],
    };
    for service in &view.services {
        lines.push((texts.say(&format!("service-{}", service.state.as_str()), &[]), said(texts, service)));
        for reason in &service.reasons {
            let told = reason.lines(texts);
            lines.push((String::new(), told.refused));
            lines.push((texts.say("cli-label-remedy", &[]), told.remedy));
        }
    }
    for packet in &view.recent {
        let port = packet.port.map_or(String::new(), |p| p.to_string());
        let what = packet.protocol.map_or(String::new(), |p| format!(" {p}/{port}"));
        let args = [("at", Arg::Time(packet.at)), ("destination", Arg::text(format!("{}{what}", packet.destination)))];
        lines.push((texts.say("cli-label-packet", &[]), texts.say("cli-packet-refused", &args)));
        for reason in &packet.reasons {
            let told = reason.lines(texts);
            lines.push((String::new(), told.refused));
            lines.push((texts.say("cli-label-remedy", &[]), told.remedy));
        }
    }
    Shown::plain(view, columns(&lines))
}

fn said(texts: &Texts, service: &ServiceView) -> String {
    let mut args = vec![("service", Arg::text(&service.service)), ("name", Arg::Name(service.name.clone()))];
    let key = match (service.state, &service.connection, service.approval_until) {
        (ServiceState::Open, Some(c), _) => {
            args.extend([("grant", Arg::text(c.grant)), ("until", c.lease_until.into())]);
            if service.warn { "cli-service-ends-soon" } else { "cli-service-open" }
        }
        (ServiceState::WaitingApproval, _, Some(until)) => {
            args.push(("until", until.into()));
            "cli-service-waiting"
        }
        _ => "cli-service",
    };
    texts.say(key, &args)
}

/// The line as it is now.
pub fn extended(texts: &Texts, view: &ConnectionView) -> Shown {
    let args = [("grant", Arg::text(view.grant)), ("line", Arg::text(line(view))), ("until", view.lease_until.into())];
    let label = format!("state-{}", ConnectionState::Open);
    Shown::lines(view, &[(texts.say(&label, &[]), texts.say("cli-extended", &args))])
}

/// What waits for an answer.
pub fn approvals(texts: &Texts, view: &ApprovalsView) -> Shown {
    let mut lines: Vec<(String, String)> = Vec::new();
    for one in &view.approvals {
        let args = [
            ("approval", Arg::text(one.approval)),
            ("person", Arg::text(&one.person)),
            ("role", Arg::Role(one.role.clone().unwrap_or_default())),
            ("institution", Arg::Name(one.institution.clone())),
            ("from", Arg::text(&one.from)),
            ("name", Arg::Name(one.name.clone())),
            ("until", one.until.into()),
        ];
        lines.push((texts.say("cli-label-approval", &[]), texts.say("cli-approval", &args)));
    }
    if lines.is_empty() {
        lines.push((texts.say("cli-label-approval", &[]), texts.say("cli-no-approval", &[])));
    }
    Shown::lines(view, &lines)
}

/// What a cut ended.
pub fn cut(texts: &Texts, report: &CutReport) -> Shown {
    let grants: Vec<Arg> = report.grants.iter().map(Arg::text).collect();
    let args = [
        ("lines", Arg::Number(report.grants.len() as i64)),
        ("grants", Arg::text(Arg::List(grants).worded(texts))),
        ("sessions", Arg::Number(report.sessions.len() as i64)),
        ("took", Arg::text(milliseconds(report.micros))),
    ];
    let key = if report.confirmed { "cli-cut" } else { "cli-cut-unconfirmed" };
    let mut shown = Shown::lines(report, &[(texts.say("cli-label-cut", &[]), texts.say(key, &args))]);
    shown.exit_code = u8::from(!report.confirmed);
    shown
}
