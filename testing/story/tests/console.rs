//! The console and the live picture in a real Chromium: card and device certificate, real HTTPS through what was opened,
//! refusals with their remedy, keyboard, both languages, and everything nobody should be able to do (N3, G14, X5).

use std::time::Duration;

use lab::{Probe, Trial};
use story::{Look, Stage, StageError, console_timings, curl, pictures, sign_in, until, with_services};
use texts::Lang;

const TERMINAL: &str = "clinic/exam-1";
const OTHER: &str = "clinic/exam-2";
const WAIT: Duration = Duration::from_secs(30);

fn main() {
    lab::enter();
    lab::trials(vec![
        Trial::new("a person signs in with a card, works and is told why not; nobody misuses it", console),
        Trial::new("a console with a hundred services is there at once", hundred),
    ]);
}

fn console() -> Result<(), StageError> {
    let mut stage = Stage::raise(Lang::En, &|_| {})?;
    let told = at_work(&stage)
        .and_then(|()| by_keyboard_alone(&stage))
        .and_then(|()| without_scripts(&stage))
        .and_then(|()| misuse(&stage))
        .and_then(|()| live_picture(&mut stage));
    told.map_err(|error| StageError::Product(format!("{error}\n--- center\n{}", stage.center_log(40))))
}

/// Sign in, open, use, close; a refusal says why; a refused first packet is seen.
fn at_work(stage: &Stage) -> Result<(), StageError> {
    let mut browser = stage.browser(TERMINAL, Some("doctor"), Look::of("ja"))?;
    browser.go(&stage.console_url())?;
    browser.sees("サインインしていません")?;
    browser.screenshot(&pictures().join("console-1-signed-out.ja.png"))?;
    that(!records(stage), || "the record server answers although nobody is signed in".into())?;
    browser.press("#sign-in")?;
    browser.sees("この端末でサインインしますか")?;
    let asked = browser.text()?;
    that(asked.contains("SATO HANAKO") && asked.contains(TERMINAL), || format!("terminal and person: {asked}"))?;
    browser.screenshot(&pictures().join("console-2-confirm.ja.png"))?;
    browser.press("form button")?;
    browser.until("!!document.querySelector('#open-keyaki-records')", "the services")?;
    browser.until("document.documentElement.dataset.live === 'yes'", "the event stream")?;
    browser.screenshot(&pictures().join("console-3-services.ja.png"))?;

    let refused = browser.eval("document.querySelector('.is-refused').innerText")?.to_string();
    that(refused.contains("対処") && refused.contains("責任区間"), || format!("why and what to do: {refused}"))?;
    browser.send("#open-keyaki-records")?;
    browser.until("!!document.querySelector('.is-open #close-keyaki-records')", "the open line")?;
    browser.screenshot(&pictures().join("console-4-open.ja.png"))?;
    that(until(WAIT, || records(stage)), || "no real HTTPS through the line".into())?;
    browser.until("document.documentElement.dataset.live === 'yes'", "the event stream")?;
    let knock = Probe::tcp("sk-clinic-exam-1", stage.lab().address("hospital", "portal")?, 443);
    let _ = stage.lab().probe_all(&[knock.within(Duration::from_millis(100))])?;
    let seen = browser.within(
        Duration::from_secs(30),
        "[...document.querySelectorAll('.packet')].some(p => p.innerText.includes('10.2.10.20'))",
        "the refused packet",
    )?;
    println!("a refused first packet was seen in the console after {} ms", seen.as_millis());
    browser.screenshot(&pictures().join("console-5-refused-packet.ja.png"))?;

    browser.send("#extend-keyaki-records")?;
    browser.until("!!document.querySelector('.is-open #close-keyaki-records')", "the extended line")?;
    browser.send("#close-keyaki-records")?;
    browser.until("!!document.querySelector('#open-keyaki-records')", "the closed line")?;
    // While the session lasts a first packet would open it again.
    browser.send("#sign-out")?;
    browser.sees("サインインしていません")?;
    that(!records(stage), || "the record server answers after signing out".into())
}

/// Whether HTTPS from the terminal gets an answer of the record server.
fn records(stage: &Stage) -> bool {
    let netns = stage.lab().netns("sk-clinic-exam-1");
    netns.is_ok_and(|netns| stage.record_server().get(netns, "/", Duration::from_secs(2)).is_ok())
}

/// The same without a mouse, in English.
fn by_keyboard_alone(stage: &Stage) -> Result<(), StageError> {
    let mut browser = stage.browser(TERMINAL, Some("doctor"), Look { dark: true, ..Look::of("en") })?;
    browser.go(&stage.console_url())?;
    browser.sees("Nobody is signed in here")?;
    browser.tab_to("#sign-in", 8)?;
    browser.key("Enter")?;
    browser.sees("Do you want to sign in at this terminal?")?;
    browser.tab_to("form button", 6)?;
    browser.key("Enter")?;
    browser.until("!!document.querySelector('#open-keyaki-records')", "the services")?;
    browser.tab_to("#open-keyaki-records", 20)?;
    browser.key("Enter")?;
    browser.until("!!document.querySelector('#close-keyaki-records')", "the open line")?;
    browser.screenshot(&pictures().join("console-6-keyboard.en.dark.png"))?;
    browser.tab_to("#close-keyaki-records", 20)?;
    browser.key("Enter")?;
    browser.until("!!document.querySelector('#open-keyaki-records')", "the closed line")?;
    // The language is one link away.
    browser.press("a.lang")?;
    browser.sees("サービス")?;
    browser.send("#sign-out")?;
    browser.sees("サインインしていません").map_err(StageError::from)
}

/// Pages are forms and links: scripts only save reloads.
fn without_scripts(stage: &Stage) -> Result<(), StageError> {
    let mut browser = stage.browser(TERMINAL, Some("pharmacist"), Look::of("en"))?;
    browser.scripts(false)?;
    browser.go(&stage.console_url())?;
    browser.press("#sign-in")?;
    browser.sees("SUZUKI TARO")?;
    browser.send("form button")?;
    browser.sees("Section:")?;
    let page = browser.text()?;
    that(page.contains("Pharmacist") && page.contains("To do:"), || format!("a pharmacist is told why: {page}"))?;
    browser.send("#sign-out")?;
    browser.sees("Nobody is signed in here").map_err(StageError::from)
}

/// What nobody should be able to do, with the real certificates of another terminal and person.
fn misuse(stage: &Stage) -> Result<(), StageError> {
    let console = stage.console_url();
    let origin = console.trim_end_matches('/').to_owned();
    let begin = format!("{console}sign-in");
    for strange in [&["-H", "Origin: https://evil.example"][..], &["-H", "Origin: null"], &[]] {
        let said = curl(stage, TERMINAL, &[&["-X", "POST", &begin][..], strange].concat())?;
        that(said.contains(" 403 "), || format!("a form of another origin ({strange:?}): {said}"))?;
    }
    let begun = curl(stage, TERMINAL, &["-X", "POST", "-H", &format!("Origin: {origin}"), &begin])?;
    let header =
        |name: &str| begun.lines().find_map(|l| l.strip_prefix(name)).map(|v| v.trim().to_owned()).unwrap_or_default();
    let (link, cookie) = (header("location: "), header("set-cookie: "));
    let cookie = cookie.split(';').next().unwrap_or_default().to_owned();
    that(link.contains(":7446/a/") && cookie.starts_with("__Host-attempt="), || format!("an attempt: {begun}"))?;

    let (chain, key) = stage.card_files("doctor")?;
    let (chain, key) = (chain.display().to_string(), key.display().to_string());
    let show = |at: &str, cookie: &str| {
        curl(stage, at, &["--cert", &chain, "--key", &key, "-H", &format!("Cookie: {cookie}"), &link])
    };
    let elsewhere = show(OTHER, &cookie)?;
    that(elsewhere.contains(" 403 ") && elsewhere.contains("another computer"), || {
        format!("from another host: {elsewhere}")
    })?;
    let over = show(TERMINAL, &cookie)?;
    that(over.contains(" 403 ") && over.contains("is over"), || format!("a misused attempt is over: {over}"))?;

    // Somebody's session, carried away.
    let mut browser = stage.browser(TERMINAL, Some("doctor"), Look::of("en"))?;
    sign_in(stage, &mut browser)?;
    let stolen = browser.cookie("__Host-session")?;
    let carried = format!("Cookie: __Host-session={stolen}");
    let at_home = curl(stage, TERMINAL, &["-H", &carried, &console])?;
    that(at_home.contains("SATO HANAKO"), || format!("the cookie is good at its terminal: {at_home}"))?;
    let away = curl(stage, OTHER, &["-H", &carried, &console])?;
    that(!away.contains("SATO HANAKO") && away.contains("sign-in"), || format!("and nowhere else: {away}"))?;
    let opened = curl(
        stage,
        OTHER,
        &[
            "-H",
            &carried,
            "-H",
            &format!("Origin: {origin}"),
            "-d",
            "service=keyaki/records",
            &format!("{console}open"),
        ],
    )?;
    that(opened.contains(" 303 "), || format!("opening with it leads to the console: {opened}"))?;
    let lines = stage.operator(&["--json", "status"])?.json()["connections"].to_string();
    that(lines == "[]", || format!("and opens nothing: {lines}"))?;
    let policy = at_home.lines().find(|l| l.to_lowercase().starts_with("content-security-policy")).unwrap_or_default();
    that(policy.contains("default-src 'none'") && !policy.contains("unsafe"), || format!("a strict policy: {policy}"))?;

    // A card that is none of ours is told why.
    let mut stranger = stage.browser(TERMINAL, Some("revoked"), Look::of("en"))?;
    stranger.go(&console)?;
    stranger.press("#sign-in")?;
    stranger.sees("P008")?;
    stranger.screenshot(&pictures().join("console-7-revoked-card.en.png"))?;
    browser.send("#sign-out")?;
    browser.sees("Nobody is signed in here").map_err(StageError::from)
}

/// The operator sees a line come and cuts it, and then a person with everything that is theirs.
fn live_picture(stage: &mut Stage) -> Result<(), StageError> {
    let (url, watch) = (stage.pages_url(), stage.watch()?);
    let mut terminal = stage.browser(TERMINAL, Some("doctor"), Look::of("ja"))?;
    sign_in(stage, &mut terminal)?;
    let mut operator = stage.operator_browser("ito", Look::of("ja"))?;
    operator.go(&url)?;
    operator.sees("接続状況")?;
    operator.until("document.documentElement.dataset.live === 'yes'", "the event stream")?;
    terminal.send("#open-keyaki-records")?;
    operator.until(
        "!!document.querySelector('svg.live .label') && document.body.innerText.includes('SATO HANAKO')",
        "the line",
    )?;
    operator.screenshot(&pictures().join("live-1.ja.png"))?;
    that(until(WAIT, || watch.log_tail(1).contains("SATO HANAKO")), || format!("watched: {}", watch.log_tail(3)))?;
    let mut night = stage.operator_browser("ito", Look { dark: true, ..Look::of("en") })?;
    night.go(&url)?;
    night.sees("SATO HANAKO")?;
    night.screenshot(&pictures().join("live-2.en.dark.png"))?;
    operator.press("table button[id^=cut-g-]")?;
    operator.sees("開いている接続はありません")?;
    terminal.until("!document.querySelector('.is-open')", "the cut line")?;
    that(
        until(WAIT, || {
            stage
                .operator(&["--json", "status"])
                .is_ok_and(|a| a.json()["connections"].as_array().is_some_and(Vec::is_empty))
        }),
        || "nothing is left of the line".into(),
    )?;
    that(until(WAIT, || !watch.log_tail(1).contains("SATO HANAKO")), || format!("watched: {}", watch.log_tail(3)))?;
    // It comes back only for who signs in anew; then the person is cut, after a page that names what falls.
    terminal.send("#sign-out")?;
    terminal.sees("サインインしていません")?;
    sign_in(stage, &mut terminal)?;
    terminal.send("#open-keyaki-records")?;
    operator.send("a[id^=more-g-]")?;
    operator.sees("何を切断しますか")?;
    operator.screenshot(&pictures().join("live-3-more.ja.png"))?;
    operator.send("a[id^=choose-][id$=-person]")?;
    operator.sees("SATO HANAKOのすべての接続を切断")?;
    operator
        .until("!!document.querySelector('#cut') && document.body.innerText.includes('clinic/exam-1')", "what falls")?;
    operator.screenshot(&pictures().join("live-4-confirm.ja.png"))?;
    operator.send("#confirm-cut")?;
    operator.sees("開いている接続はありません")?;
    terminal.sees("サインインしていません")?;
    let stranger = curl(stage, TERMINAL, &[&url])?;
    that(!stranger.contains(" 200 "), || format!("a terminal is no operator: {stranger}"))
}

fn hundred() -> Result<(), StageError> {
    let stage = Stage::raise_set(Lang::En, 0, with_services(100), &|_| {})?;
    let mut browser = stage.browser(TERMINAL, Some("doctor"), Look::of("ja"))?;
    sign_in(&stage, &mut browser)?;
    let services = browser.eval("document.querySelectorAll('.service').length")?;
    that(services.as_u64().is_some_and(|n| n >= 100), || format!("{services} services"))?;
    browser.screenshot(&pictures().join("console-8-hundred-services.ja.png"))?;
    let mut times: Vec<f64> = console_timings(&stage, &mut browser, 10)?.iter().map(|t| t.interactive).collect();
    times.sort_by(f64::total_cmp);
    println!(
        "console with {services} services: interactive after {:.0} ms (median of {})",
        times[times.len() / 2],
        times.len()
    );
    Ok(())
}

fn that(holds: bool, what: impl FnOnce() -> String) -> Result<(), StageError> {
    if holds { Ok(()) } else { Err(StageError::Product(what())) }
}
