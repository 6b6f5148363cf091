//! A person's card as the second factor of the portal: a center, a browser without scripts (curl), a token, and
//! `sekisho card confirm` between them (R5, N2).
#![allow(clippy::unwrap_used)]

#[allow(dead_code)]
#[path = "../../center/tests/support/running.rs"]
mod running;

use authority::{Authority, CaKind, Issued, RevocationReason};
use joining::{CallOutcome, FullForm, InstitutionId, LetterKind, MailForm};
use lab::softhsm::{MODULE, Token};
use reception::{Approved, CallForm, Hashing, Joining, Operator, RealWorld};
use registry::Registry;
use std::fs;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use texts::Lang;

use running::{Running, free};

const PASSWORD: &str = "tsukimi-4-dango";

struct Stage {
    dir: tempfile::TempDir,
    inside: SocketAddr,
    conf: PathBuf,
}

fn now() -> i64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs() as i64
}

impl Stage {
    /// What a center needs, and a reader with four cards: two of doctors, one that is revoked, and one that nobody vouches
    /// for.
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        let mut authority = Authority::new(&path("test-ca"), now() - 60).unwrap();
        let lost = authority.issue_doctor("TANAKA SABURO").unwrap();
        authority.revoke_issued(&lost, RevocationReason::KeyCompromise).unwrap();
        authority.write_crl(CaKind::HpkiAuthentication, now() - 30, now() + 86_400).unwrap();
        for (n, (folder, kind)) in [
            ("hpki", CaKind::HpkiRoot),
            ("hpki", CaKind::HpkiAuthentication),
            ("gate", CaKind::Gate),
            ("device", CaKind::Device),
            ("institution", CaKind::Institution),
        ]
        .into_iter()
        .enumerate()
        {
            fs::create_dir_all(path(&format!("trust/{folder}"))).unwrap();
            fs::write(path(&format!("trust/{folder}/{n}.der")), authority.ca_der(kind).unwrap()).unwrap();
            fs::write(path(&format!("trust/{folder}/{n}.crl")), authority.crl_der(kind).unwrap()).unwrap();
        }
        let issued = authority.issue_center("main", &["localhost"], &[IpAddr::V4(Ipv4Addr::LOCALHOST)]).unwrap();
        fs::write(path("cert.pem"), &issued.chain_pem).unwrap();
        fs::write(path("key.pem"), &issued.key_pem).unwrap();
        fs::write(path("order.key.pem"), &issued.key_pem).unwrap();
        fs::copy(authority.ca_pem_path(CaKind::Center), path("center-ca.pem")).unwrap();
        let cards = path("cards");
        let put =
            |label: &str, card: &Issued| Token::create(&cards, label, "1234", &card.key_pem, &card.cert_pem).unwrap();
        put("sato", &authority.issue_doctor("SATO HANAKO").unwrap());
        put("suzuki", &authority.issue_doctor("SUZUKI JIRO").unwrap());
        put("tanaka", &lost);
        let mut strange = Authority::new(&path("strange-ca"), now() - 60).unwrap();
        let conf = put("strange", &strange.issue_doctor("SATO HANAKO").unwrap()).conf().to_owned();
        fs::write(path("sekisho.toml"), format!("[card]\ndriver = \"{MODULE}\"\n")).unwrap();
        let [public, inside, gates] = [(); 3].map(|()| free());
        let url = |door: SocketAddr| format!("https://localhost:{}", door.port());
        let configuration = format!(
            "data = \"data\"\n[trust]\ndir = \"trust\"\n[gates]\nlisten = \"{gates}\"\n\
             [operator]\nsocket = \"center.sock\"\n[certificates]\nchain = \"cert.pem\"\nkey = \"key.pem\"\n\
             [joining]\ncontact = \"help@center.example\"\n[joining.public]\nlisten = \"{public}\"\nurl = \"{}\"\n\
             [joining.inside]\nlisten = \"{inside}\"\nurl = \"{}\"\n",
            url(public),
            url(inside),
        );
        fs::write(path("center.toml"), configuration).unwrap();
        Self { dir, inside, conf }
    }

    fn url(&self) -> String {
        format!("https://localhost:{}", self.inside.port())
    }

    /// Status, where it leads or what it says.
    async fn page(&self, to: &str, form: Option<&str>) -> (u16, String) {
        let mut command = Command::new("curl");
        command.args(["--silent", "--show-error", "--max-time", "60", "-H", "Accept-Language: en"]);
        command.args(["-w", "\n%{http_code} %{redirect_url}", "--cacert", "center-ca.pem", "-b", "jar", "-c", "jar"]);
        if let Some(form) = form {
            command.args(["-H", &format!("Origin: {}", self.url()), "--data", form]);
        }
        command.arg(format!("{}{to}", self.url())).current_dir(self.dir.path());
        let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
        assert!(output.status.success(), "{to}: {}", String::from_utf8_lossy(&output.stderr));
        let text = String::from_utf8(output.stdout).unwrap();
        let (page, end) = text.rsplit_once('\n').unwrap();
        let (status, location) = end.split_once(' ').unwrap();
        (status.parse().unwrap(), if location.is_empty() { page.to_owned() } else { location.to_owned() })
    }

    async fn log_in(&self, user: &str) -> (u16, String) {
        fs::write(self.dir.path().join("jar"), "").unwrap();
        self.page("/login", Some(&format!("user={user}&password={PASSWORD}"))).await
    }

    /// `sekisho card confirm`: exit code and all it said.
    async fn confirm(&self, card: &str, pin: &str, code: &str) -> (i32, String) {
        fs::write(self.dir.path().join("pin"), format!("{pin}\n")).unwrap();
        let mut command = Command::new("/bin/sh");
        command.args(["-c", "exec \"$0\" \"$@\" 4<pin", env!("CARGO_BIN_EXE_sekisho"), "--lang", "en"]);
        command.args(["--config", "sekisho.toml", "card", "confirm", code, "--server", &self.url()]);
        command.args(["--ca", "center-ca.pem", "--card", card, "--pin-fd", "4"]);
        command.current_dir(self.dir.path()).env("SOFTHSM2_CONF", &self.conf);
        let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
        let text = [output.stdout, output.stderr].concat();
        (output.status.code().unwrap_or(-1), String::from_utf8_lossy(&text).into_owned())
    }

    /// Somebody with an account, by the use cases, before the center runs.
    async fn member(&self) -> String {
        fs::create_dir_all(self.dir.path().join("data")).unwrap();
        let url = format!("sqlite://{}", self.dir.path().join("data/registry.db").display());
        let registry = Registry::open(&url).await.unwrap();
        let mut settings = reception::Settings::new("https://localhost", &self.url(), "help@center.example");
        settings.hashing = Some(Hashing { memory_kib: 8, passes: 1 });
        let joining = Joining::new(registry.clone(), settings, Arc::new(RealWorld));
        let operator = Operator::new("ito");
        joining.put_institutions(&operator, directory::institutions(5, 1)).await.unwrap();
        let mail = "tanto@aoba.example";
        joining.begin(&MailForm { mail: mail.into(), again: mail.into() }, Lang::Ja).await.unwrap();
        let due = registry.letters_due(joining.now(), 9).await.unwrap();
        let letter = due.into_iter().find(|l| l.letter.kind == LetterKind::ApplicationLink).unwrap().letter;
        let link = letter.secret.unwrap().rsplit('/').next().unwrap().to_owned();
        let found = registry.institution(InstitutionId(1)).await.unwrap().unwrap();
        let form = FullForm {
            prefecture: found.prefecture.number().to_string(),
            institution: "1".into(),
            head: "医療 太郎".into(),
            head_kana: "イリョウ タロウ".into(),
            applicant: "医療 一郎".into(),
            applicant_kana: "イリョウ イチロウ".into(),
            department: "医事課".into(),
            post: "課長".into(),
            phone: "012-123-1234".into(),
            extension: "1234".into(),
            consent: true,
            ..FullForm::default()
        };
        let number = joining.submit_full(&link, &form).await.unwrap().number;
        let page = joining.review(&operator, number).await.unwrap();
        let call = CallForm { phone: "012-123-1234".into(), outcome: CallOutcome::Confirmed, note: "代表".into() };
        let page = joining.record_call(&operator, number, page.version, &call).await.unwrap();
        let Approved::Done { user, initial, .. } = joining.approve(&operator, number, page.version).await.unwrap()
        else {
            panic!("one pair of eyes is enough here");
        };
        let token = joining.first_sign_in(&user.to_string(), initial.reveal()).await.unwrap();
        let who = joining.settling(token.reveal()).await.unwrap();
        joining.change_initial(&who, initial.reveal(), PASSWORD, PASSWORD).await.unwrap();
        registry.close().await.unwrap();
        user.to_string()
    }
}

fn between<'a>(text: &'a str, from: &str, to: &str) -> &'a str {
    text.split_once(from).unwrap_or_else(|| panic!("no {from} in {text}")).1.split_once(to).unwrap().0
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_card_is_added_and_confirms_a_log_in_and_another_card_does_not_r5() {
    let stage = Stage::new();
    let user = stage.member().await;
    let center = Running::begin(stage.dir.path()).await;

    let (status, to) = stage.log_in(&user).await;
    assert!(status == 303 && to.ends_with("/notices"), "{to}");
    let (_, page) = stage.page("/factor/card", Some(&format!("password={PASSWORD}"))).await;
    let code = between(&page, "id=\"card-code\">", "<").to_owned();
    assert!(page.contains(&format!("sekisho card confirm --server {}", stage.url())), "{page}");
    // A wrong PIN never leaves this machine, and a card that nobody vouches for is none.
    let (exit, said) = stage.confirm("sato", "9999", &code).await;
    assert!(exit != 0 && said.contains(&user) && said.contains("PIN"), "{exit}: {said}");
    let (exit, said) = stage.confirm("strange", "1234", &code).await;
    assert!(exit != 0 && !said.contains("confirmed"), "{exit}: {said}");
    // Nor one that its owner has lost.
    let (exit, said) = stage.confirm("tanaka", "1234", &code).await;
    assert!(exit != 0 && said.contains("P008") && said.contains("revoked"), "{exit}: {said}");
    let added = format!("code={code}");
    let (status, page) = stage.page("/factor/card/done", Some(&added)).await;
    assert!(status == 200 && page.contains("The card has not confirmed yet") && page.contains(&code), "{page}");
    let (exit, said) = stage.confirm("sato", "1234", &code).await;
    assert_eq!(exit, 0, "{said}");
    for told in [user.as_str(), &stage.url(), "becomes a second factor", "go on in the browser"] {
        assert!(said.contains(told), "{told}: {said}");
    }
    let (exit, said) = stage.confirm("sato", "1234", &code).await;
    assert!(exit != 0 && said.contains("J002"), "once: {said}");
    assert!(stage.page("/factor", None).await.1.contains("An HPKI card is registered"));
    // Alone, it makes recovery codes, which are shown once.
    let (_, page) = stage.page("/factor/card/done", Some(&added)).await;
    let recovery = between(&page, "id=\"recovery\"", "</ol>").matches("<li>").count();
    assert_eq!(recovery, 10, "{page}");
    let (_, page) = stage.page("/factor/card/done", Some(&added)).await;
    assert!(page.contains("The HPKI card was added") && !page.contains("id=\"recovery\""), "{page}");

    // From now on the password is half of it.
    let (status, page) = stage.log_in(&user).await;
    assert_eq!(status, 200, "{page}");
    let (code, step) = (between(&page, "id=\"card-code\">", "<"), between(&page, "name=\"step\" value=\"", "\""));
    let go_on = format!("step={step}");
    let (status, page) = stage.page("/login/card", Some(&go_on)).await;
    assert!(status == 200 && page.contains("The card has not confirmed yet") && page.contains(code), "{page}");
    let (exit, said) = stage.confirm("suzuki", "1234", code).await;
    assert!(exit != 0 && said.contains("J006"), "somebody else's card: {said}");
    assert_eq!(stage.page("/login/card", Some(&go_on)).await.0, 200);
    let (exit, said) = stage.confirm("sato", "1234", &code.to_lowercase().replace('-', "")).await;
    assert!(exit == 0 && said.contains("somebody logs in"), "{said}");
    let (status, to) = stage.page("/login/card", Some(&go_on)).await;
    assert!(status == 303 && to.ends_with("/notices"), "{to}");
    let (status, page) = stage.page("/login/card", Some(&go_on)).await;
    assert!(status == 401 && page.contains("J004"), "once: {page}");
    center.end().await;
}
