//! People who join: alone, and many at once.

use joining::{CallOutcome, FullForm, InstitutionId, LetterKind, MailForm};
use measure::{Row, Summary};
use reception::{Approved, CallForm, Joining, Operator, SignInAnswer};
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use texts::Lang;

use crate::CrowdError;
use crate::pages::Reader;

const PASSWORD: &str = "tsukimi-4-dango";
/// Whole paths of one person alone.
const ALONE: usize = 20;

/// URLs out of letters, by address.
type Letterbox = Arc<Mutex<HashMap<String, String>>>;

/// How long each step took, milliseconds, and in which second of the run it ended.
#[derive(Debug, Default)]
struct Times {
    steps: Vec<(u64, f64)>,
}

/// One person alone: the whole path, as a script walks it.
pub(crate) async fn alone(name: &str, joining: &Joining) -> Result<Row, CrowdError> {
    let (letterbox, stop) = (Letterbox::default(), Arc::new(AtomicBool::new(false)));
    let room = tokio::spawn(mail_room(joining.clone(), letterbox.clone(), stop.clone()));
    let mut rounds = Vec::new();
    for n in 0..ALONE {
        let begin = Instant::now();
        let mut times = Times::default();
        let mut person = Person::new(joining, &letterbox, format!("alone{n}@clinic{n}.example"), begin);
        person.apply(&mut times).await?;
        person.join(&mut times).await?;
        rounds.push(begin.elapsed().as_secs_f64() * 1000.0);
    }
    stop.store(true, Ordering::Relaxed);
    room.await.map_err(|e| CrowdError::Subject(e.to_string()))??;
    let ours = Summary::of_times(rounds).ok_or_else(|| CrowdError::Subject("nothing was measured".into()))?;
    Ok(Row::new(format!("{name}: full path of one applicant, 18 steps and 4 letters"), "ms", ours, None))
}

/// People who have come so far that they read pages.
pub(crate) async fn readers(joining: &Joining, how_many: usize) -> Result<Vec<Reader>, CrowdError> {
    let (letterbox, stop) = (Letterbox::default(), Arc::new(AtomicBool::new(false)));
    let room = tokio::spawn(mail_room(joining.clone(), letterbox.clone(), stop.clone()));
    let (mut readers, mut times, begin) = (Vec::new(), Times::default(), Instant::now());
    for n in 0..how_many {
        let mut member = Person::new(joining, &letterbox, format!("reader{n}@clinic{n}.example"), begin);
        member.apply(&mut times).await?;
        let user = member.approved(&mut times).await?;
        let session = member.signed_in(&user, &mut times).await?;
        let applicant = Person::new(joining, &letterbox, format!("linked{n}@clinic{n}.example"), begin);
        readers.push(Reader { link: applicant.link(&mut times).await?, session });
    }
    stop.store(true, Ordering::Relaxed);
    room.await.map_err(|e| CrowdError::Subject(e.to_string()))??;
    Ok(readers)
}

/// Many at once: first applicants until the receipt, then whole paths with their passwords.
pub(crate) async fn together(
    name: &str,
    joining: &Joining,
    people: usize,
    seconds: u64,
) -> Result<Vec<Row>, CrowdError> {
    let mut rows = Vec::new();
    for (part, whole) in [("applications", false), ("whole paths", true)] {
        let (letterbox, stop) = (Letterbox::default(), Arc::new(AtomicBool::new(false)));
        let room = tokio::spawn(mail_room(joining.clone(), letterbox.clone(), stop.clone()));
        let begin = Instant::now();
        let number = Arc::new(AtomicU64::new(0));
        let tasks: Vec<_> = (0..people)
            .map(|_| {
                let (joining, letterbox, number) = (joining.clone(), letterbox.clone(), number.clone());
                tokio::spawn(async move {
                    let mut times = Times::default();
                    while begin.elapsed() < Duration::from_secs(seconds) {
                        let n = number.fetch_add(1, Ordering::Relaxed);
                        let mail = format!("{part}{n}@clinic{n}.example").replace(' ', "-");
                        let mut person = Person::new(&joining, &letterbox, mail, begin);
                        person.apply(&mut times).await?;
                        if whole {
                            person.join(&mut times).await?;
                        }
                    }
                    Ok::<_, CrowdError>(times)
                })
            })
            .collect();
        let mut all = Vec::new();
        for task in tasks {
            all.extend(task.await.map_err(|e| CrowdError::Subject(e.to_string()))??.steps);
        }
        stop.store(true, Ordering::Relaxed);
        room.await.map_err(|e| CrowdError::Subject(e.to_string()))??;
        // Whole seconds in which everybody was there.
        let mut rates = vec![0.0; seconds as usize];
        for (second, _) in &all {
            if let Some(rate) = rates.get_mut(*second as usize) {
                *rate += 1.0;
            }
        }
        let title = format!("{name}: {people} people, {part}");
        if let Some(rate) = Summary::of_rates(rates) {
            rows.push(Row::new(title.clone(), "steps/s", rate, None));
        }
        if let Some(time) = Summary::of_times(all.into_iter().map(|(_, ms)| ms).collect()) {
            rows.push(Row::new(title, "ms a step", time, None));
        }
    }
    Ok(rows)
}

/// Sends what is due: into the letterbox.
async fn mail_room(joining: Joining, letterbox: Letterbox, stop: Arc<AtomicBool>) -> Result<(), CrowdError> {
    while !stop.load(Ordering::Relaxed) {
        let now = joining.now();
        let due = joining.registry().letters_due(now, 100).await?;
        if due.is_empty() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        for one in due {
            if one.letter.kind == LetterKind::ApplicationLink
                && let Some(url) = &one.letter.secret
                && let Ok(mut open) = letterbox.lock()
            {
                open.insert(one.letter.to.to_string(), url.rsplit('/').next().unwrap_or_default().to_owned());
            }
            joining.registry().letter_sent(&one.letter, now).await?;
        }
    }
    Ok(())
}

struct Person<'a> {
    joining: &'a Joining,
    letterbox: &'a Letterbox,
    mail: String,
    begin: Instant,
    number: i64,
}

impl<'a> Person<'a> {
    fn new(joining: &'a Joining, letterbox: &'a Letterbox, mail: String, begin: Instant) -> Self {
        Self { joining, letterbox, mail, begin, number: 0 }
    }

    async fn step<T, E: Into<CrowdError>>(
        &self,
        times: &mut Times,
        step: impl Future<Output = Result<T, E>>,
    ) -> Result<T, CrowdError> {
        let begin = Instant::now();
        let done = step.await.map_err(Into::into)?;
        times.steps.push((self.begin.elapsed().as_secs(), begin.elapsed().as_secs_f64() * 1000.0));
        Ok(done)
    }

    /// From the address to the letter with the link.
    async fn link(&self, times: &mut Times) -> Result<String, CrowdError> {
        let form = MailForm { mail: self.mail.clone(), again: self.mail.clone() };
        self.step(times, self.joining.begin(&form, Lang::Ja)).await?;
        loop {
            if let Some(token) = self.letterbox.lock().ok().and_then(|mut open| open.remove(&self.mail)) {
                return Ok(token);
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    /// From the address to the receipt.
    async fn apply(&mut self, times: &mut Times) -> Result<(), CrowdError> {
        let joining = self.joining;
        let token = self.link(times).await?;
        self.step(times, joining.open_link(&token)).await?;
        let tokyo = joining::Prefecture::new(13);
        self.step(times, joining.search_institutions(tokyo, "青葉", 20)).await?;
        let list = self.step(times, joining.search_institutions(tokyo, "クリニック", 20)).await?;
        let chosen = list.found.first().map_or(InstitutionId(1), |i| i.id);
        let form = FullForm {
            prefecture: "13".into(),
            institution: chosen.0.to_string(),
            not_listed: String::new(),
            head: "医療 太郎".into(),
            head_kana: "イリョウ タロウ".into(),
            applicant: "医療 一郎".into(),
            applicant_kana: "イリョウ イチロウ".into(),
            department: "医事課".into(),
            post: "課長".into(),
            phone: "012-123-1234".into(),
            extension: "1234".into(),
            consent: true,
        };
        self.step(times, joining.check_full(&token, &form)).await?;
        self.number = self.step(times, joining.submit_full(&token, &form)).await?.number;
        Ok(())
    }

    /// From the review to a password of one's own; the user ID.
    async fn approved(&mut self, times: &mut Times) -> Result<String, CrowdError> {
        let joining = self.joining;
        let operator = Operator::new("bench");
        let page = self.step(times, joining.review(&operator, self.number)).await?;
        let call = CallForm { phone: "012-123-1234".into(), outcome: CallOutcome::Confirmed, note: String::new() };
        let page = self.step(times, joining.record_call(&operator, self.number, page.version, &call)).await?;
        let approved = self.step(times, joining.approve(&operator, self.number, page.version)).await?;
        let Approved::Done { user, initial, .. } = approved else {
            return Err(CrowdError::Subject("one pair of eyes is enough here".into()));
        };
        let user = user.to_string();
        let token = self.step(times, joining.first_sign_in(&user, initial.reveal())).await?;
        let who = joining.settling(token.reveal()).await?;
        let settled = self.step(times, joining.change_initial(&who, initial.reveal(), PASSWORD, PASSWORD)).await?;
        let who = joining.settling(settled.token.reveal()).await?;
        self.step(times, joining.show_vpn_password(&who)).await?;
        Ok(user)
    }

    async fn signed_in(&self, user: &str, times: &mut Times) -> Result<String, CrowdError> {
        match self.step(times, self.joining.sign_in(user, PASSWORD)).await? {
            SignInAnswer::In { token, .. } => Ok(token.reveal().to_owned()),
            _ => Err(CrowdError::Subject("no second factor was set up".into())),
        }
    }

    /// From the review to the menu and out again.
    async fn join(&mut self, times: &mut Times) -> Result<(), CrowdError> {
        let joining = self.joining;
        let user = self.approved(times).await?;
        let token = self.signed_in(&user, times).await?;
        let who = self.step(times, joining.session(&token)).await?;
        self.step(times, joining.notices(&who)).await?;
        self.step(times, joining.menu(&who)).await?;
        // Others of the institution may have applied: that is an answer too.
        let services = ["cancer-registry".to_owned()];
        self.step(times, async { Ok::<_, CrowdError>(joining.apply_for_services(&who, &services).await.is_ok()) })
            .await?;
        self.step(times, joining.sign_out(&who)).await
    }
}
