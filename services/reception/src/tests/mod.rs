//! The use cases over both databases. `both!` makes two of each.

mod answers;
mod killed;
mod review;
mod search;
mod story;
mod tokens;

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicI64, Ordering};

use joining::{CallOutcome, FullForm, LetterKind, MailForm, Randomness, UserId, VpnId};
use model::Timestamp;
use registry::{DueLetter, Registry};
use texts::Lang;

use crate::{Approved, CallForm, Hashing, Joining, Operator, Settings, SignInAnswer, SignedIn, World};

/// A clock that stands until it is moved, and numbers that are the same each time.
#[derive(Debug)]
pub(crate) struct Still {
    now: AtomicI64,
    state: Mutex<u64>,
}

impl Still {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self { now: AtomicI64::new(1_800_000_000_000), state: Mutex::new(42) })
    }
    pub(crate) fn pass(&self, ms: i64) {
        self.now.fetch_add(ms, Ordering::SeqCst);
    }
    pub(crate) fn days(&self, days: i64) {
        self.pass(days * 86_400_000);
    }
}

impl Randomness for Still {
    fn fill(&self, bytes: &mut [u8]) {
        let mut state = self.state.lock().unwrap();
        for byte in bytes {
            *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
            let mixed = (*state ^ (*state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            *byte = (mixed ^ (mixed >> 27)) as u8;
        }
    }
}

impl World for Still {
    fn now(&self) -> Timestamp {
        Timestamp(self.now.load(Ordering::SeqCst))
    }
}

/// A place for a registry, gone when dropped.
pub(crate) struct Place {
    pub(crate) url: String,
    _kept: Kept,
}

enum Kept {
    Directory {
        _dir: tempfile::TempDir,
    },
    Server {
        _server: Arc<postgres::Server>,
    },
    /// Somebody else's.
    None,
}

impl Place {
    pub(crate) fn sqlite() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}/registry.db", dir.path().display());
        Self { url, _kept: Kept::Directory { _dir: dir } }
    }
    pub(crate) async fn postgres() -> Self {
        let server = postgres::Server::shared();
        Self { url: server.new_database().await, _kept: Kept::Server { _server: server } }
    }
    /// Every text in the database, one after the other.
    pub(crate) async fn all_texts(&self) -> String {
        use sqlx::{Connection, Executor, Row};
        sqlx::any::install_default_drivers();
        let mut raw = sqlx::AnyConnection::connect(&self.url).await.unwrap();
        let mut all = String::new();
        for query in [
            "SELECT document FROM join_application",
            "SELECT document FROM join_account",
            "SELECT document FROM join_service",
            "SELECT document FROM join_token",
            "SELECT document FROM join_letter",
            "SELECT hash FROM join_link",
            "SELECT hash FROM join_session",
            "SELECT body FROM audit",
        ] {
            for row in raw.fetch_all(query).await.unwrap() {
                all.push_str(&row.get::<String, _>(0));
                all.push('\n');
            }
        }
        all
    }
}

pub(crate) fn settings() -> Settings {
    let mut settings = Settings::new("https://join.example/", "https://inside.example", "canreg@center.example");
    settings.hashing = Some(Hashing { memory_kib: 8, passes: 1 });
    settings
}

/// A reception, its clock and its place.
pub(crate) struct Desk {
    pub(crate) joining: Joining,
    pub(crate) still: Arc<Still>,
    pub(crate) place: Place,
    pub(crate) operator: Operator,
}

/// An institution's manager after the first sign-in.
pub(crate) struct Manager {
    pub(crate) user: UserId,
    pub(crate) vpn: VpnId,
    pub(crate) password: &'static str,
}

pub(crate) const PASSWORD: &str = "tsukimi-4-dango";

impl Desk {
    pub(crate) async fn open(place: Place) -> Self {
        Self::with(place, settings()).await
    }

    pub(crate) async fn with(place: Place, settings: Settings) -> Self {
        let registry = Registry::open(&place.url).await.unwrap();
        let still = Still::new();
        let joining = Joining::new(registry, settings, still.clone());
        let operator = Operator::new("op-1");
        joining.put_institutions(&operator, directory::institutions(60, 1)).await.unwrap();
        Self { joining, still, place, operator }
    }

    /// Letters that are due now, as the mail room gets them; they count as sent.
    pub(crate) async fn post(&self) -> Vec<DueLetter> {
        let now = self.joining.now();
        let due = self.joining.registry().letters_due(now, 100).await.unwrap();
        for one in &due {
            self.joining.registry().letter_sent(&one.letter, now).await.unwrap();
        }
        due
    }

    /// The token of the newest letter with a URL to an address.
    pub(crate) async fn token(&self, mail: &str) -> String {
        let form = MailForm { mail: mail.into(), again: mail.into() };
        self.joining.begin(&form, Lang::Ja).await.unwrap();
        let post = self.post().await;
        let letter = post.iter().rev().find(|l| l.letter.kind == LetterKind::ApplicationLink).unwrap();
        letter.letter.secret.as_ref().unwrap().rsplit('/').next().unwrap().to_owned()
    }

    /// A form for one of the institutions.
    pub(crate) async fn form(&self, institution: i64) -> FullForm {
        let id = joining::InstitutionId(institution);
        let found = self.joining.registry().institution(id).await.unwrap().unwrap();
        FullForm {
            prefecture: found.prefecture.number().to_string(),
            institution: institution.to_string(),
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
        }
    }

    /// An application of an institution that waits for review; its number.
    pub(crate) async fn applied(&self, mail: &str, institution: i64) -> i64 {
        let token = self.token(mail).await;
        self.joining.submit_full(&token, &self.form(institution).await).await.unwrap().number
    }

    pub(crate) fn call(&self, outcome: CallOutcome) -> CallForm {
        CallForm { phone: "012-123-1234".into(), outcome, note: "代表番号に発信".into() }
    }

    /// Approved by one operator after a call; user ID, VPN-ID, initial password.
    pub(crate) async fn approved(&self, number: i64) -> (UserId, VpnId, String) {
        let page = self.joining.review(&self.operator, number).await.unwrap();
        let page = self
            .joining
            .record_call(&self.operator, number, page.version, &self.call(CallOutcome::Confirmed))
            .await
            .unwrap();
        match self.joining.approve(&self.operator, number, page.version).await.unwrap() {
            Approved::Done { user, vpn, initial, .. } => (user, vpn, initial.reveal().to_owned()),
            Approved::AwaitsSecond => panic!("one pair of eyes is enough here"),
        }
    }

    /// The whole way to an account that works.
    pub(crate) async fn manager(&self, mail: &str, institution: i64) -> Manager {
        let number = self.applied(mail, institution).await;
        let (user, vpn, initial) = self.approved(number).await;
        self.settle(user, &initial).await;
        Manager { user, vpn, password: PASSWORD }
    }

    /// From the initial password to one of one's own and the VPN password.
    pub(crate) async fn settle(&self, user: UserId, initial: &str) {
        let joining = &self.joining;
        let token = joining.first_sign_in(&user.to_string(), initial).await.unwrap();
        let who = joining.settling(token.reveal()).await.unwrap();
        let settled = joining.change_initial(&who, initial, PASSWORD, PASSWORD).await.unwrap();
        let who = joining.settling(settled.token.reveal()).await.unwrap();
        joining.show_vpn_password(&who).await.unwrap();
        joining.end_settling(&who).await.unwrap();
    }

    pub(crate) async fn signed_in(&self, manager: &Manager) -> SignedIn {
        self.signed_in_as(manager.user, manager.password).await
    }

    pub(crate) async fn signed_in_as(&self, user: UserId, password: &str) -> SignedIn {
        match self.joining.sign_in(&user.to_string(), password).await.unwrap() {
            SignInAnswer::In { token, .. } => self.joining.session(token.reveal()).await.unwrap(),
            other => panic!("{other:?}"),
        }
    }
}

macro_rules! both {
    ($($name:ident)*) => {$(
        mod $name {
            #[tokio::test(flavor = "multi_thread")]
            async fn sqlite() { super::$name(crate::tests::Place::sqlite()).await }
            #[tokio::test(flavor = "multi_thread")]
            async fn postgres() { super::$name(crate::tests::Place::postgres().await).await }
        }
    )*};
}
pub(crate) use both;
