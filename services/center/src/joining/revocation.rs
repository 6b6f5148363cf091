//! An account that ended keeps no certificate (R10, R11): what it holds for services goes onto the revocation list, whether
//! an operator suspended it or its reporting manager removed it.
//!
//! The accounts are the truth, looked at after every change, at every start, and from time to time: a center that was
//! killed between the two catches up. Wrong passwords revoke nothing: whoever guesses could take anybody's certificates.

use issuing::{Identity, Issuing, Reason, Refused};
use joining::{Account, UserId};
use model::Timestamp;
use registry::{Page, Record, Registry};
use std::collections::BTreeSet;
use std::time::Duration;

/// How often everything is looked at without a change of this process.
const LOOK: Duration = Duration::from_secs(60);
/// Changes that come together are looked at once.
const GATHER: Duration = Duration::from_millis(100);
/// Rows read at once.
const PAGE: u32 = 1_000;
/// Who did it, on record: nobody in person; the entry of the account says who.
const BY: &str = "account-ended";

/// Keeps it so until the process ends.
pub(super) async fn keep(registry: Registry, issuing: Issuing, now: impl Fn() -> Timestamp + Send) {
    let mut changes = registry.accounts_changed();
    let mut seen = Seen::default();
    loop {
        changes.borrow_and_update();
        if let Err(error) = once(&registry, &issuing, now(), &mut seen).await {
            tracing::error!(%error, "certificates of ended accounts are not revoked yet; trying again");
            seen = Seen::default();
        }
        tokio::select! {
            changed = changes.changed() => if changed.is_err() { return },
            () = tokio::time::sleep(LOOK) => seen = Seen::default(),
        }
        tokio::time::sleep(GATHER).await;
    }
}

/// Accounts, in the version they ended in, that hold nothing any more, so that not each is asked about at each change.
/// Forgotten from time to time: a certificate may have been under way.
#[derive(Debug, Default)]
struct Seen(BTreeSet<(UserId, i64)>);

async fn once(registry: &Registry, issuing: &Issuing, now: Timestamp, seen: &mut Seen) -> Result<(), Refused> {
    let mut ended = BTreeSet::new();
    for (state, reason) in [("removed", Reason::AffiliationChanged), ("suspended", Reason::PrivilegeWithdrawn)] {
        let mut page = Page::first(PAGE);
        loop {
            let records: Vec<Record<Account>> = registry.kept_in(state, page).await?;
            let Some(last) = records.last() else { break };
            page.after = Some((last.value.made_at, last.id));
            for record in &records {
                let user = record.value.user;
                ended.insert((user, record.version));
                if seen.0.contains(&(user, record.version)) {
                    continue;
                }
                let Some(identity) = Identity::user(&user.to_string()) else { continue };
                let count = issuing.revoke_all(now, &identity, reason, BY).await?;
                if count > 0 {
                    tracing::info!(count, "certificates of an ended account are revoked");
                }
            }
        }
    }
    seen.0 = ended;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use ::joining::{AccountRole, AccountState, InstitutionId, Lockout, MailAddress, Stage, VpnSecret};
    use issuance::{Request, Subject, sealed};
    use issuing::{Offer, Question, Settings};
    use registry::Commit;
    use ring::rand::SystemRandom;
    use ring::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair};

    const NOW: Timestamp = Timestamp(1_795_219_200_000);

    fn now() -> Timestamp {
        Timestamp(NOW.0 + 1_000)
    }

    fn event(user: UserId) -> audit::Event {
        audit::Event::AccountChanged { user: user.to_string(), by: "ito".into(), what: "suspended".into() }
    }

    async fn account(registry: &Registry, number: u32) -> UserId {
        let user = UserId::new(number).unwrap();
        let account = Account {
            user,
            vpn: format!("v23456{}", &number.to_string()[4..]).replace(['0', '1'], "2").parse().unwrap(),
            institution: InstitutionId(1),
            role: AccountRole::Staff,
            state: AccountState::Active,
            stage: Stage::Chosen,
            name: "青葉 花子".into(),
            kana: "アオバ ハナコ".into(),
            mail: MailAddress::parse("hanako@clinic.example").unwrap(),
            lang: texts::Lang::Ja,
            made_at: NOW,
            password: String::new(),
            password_at: NOW,
            earlier: Vec::new(),
            lockout: Lockout::default(),
            vpn_secret: VpnSecret::NotShown,
            factors: Vec::new(),
        };
        registry.commit(Commit::at(NOW).insert(i64::from(number), &account).event(event(user))).await.unwrap();
        user
    }

    async fn change(registry: &Registry, user: UserId, how: impl Fn(&mut Account)) {
        let mut record = registry.kept::<Account>(i64::from(user.number())).await.unwrap().unwrap();
        how(&mut record.value);
        registry.commit(Commit::at(NOW).update(&record).event(event(user))).await.unwrap();
    }

    async fn certified(issuing: &Issuing, user: UserId) {
        let identity = Identity::user(&user.to_string()).unwrap();
        let until = Timestamp(NOW.0 + 3_600_000);
        let offer =
            Offer { identity: &identity, organization: "青葉診療所", dns_names: &[], operator: "ito", until };
        let code = issuing.offer(NOW, &offer).await.unwrap().code.expose().to_owned();
        let (algorithm, random) = (&ECDSA_P256_SHA256_ASN1_SIGNING, SystemRandom::new());
        let key = EcdsaKeyPair::generate_pkcs8(algorithm, &random).unwrap();
        let key = EcdsaKeyPair::from_pkcs8(algorithm, key.as_ref(), &random).unwrap();
        let spki = issuance::p256_spki(key.public_key().as_ref()).unwrap();
        let subject = Subject { organization: String::new(), common_name: "x".into() };
        let uris = [identity.uri()];
        let asked = Request { subject: &subject, spki: &spki, uris: &uris, binding: None }.to_be_signed();
        let request = sealed(&asked, key.sign(&random, &asked).unwrap().as_ref());
        issuing.enroll(NOW, &user.to_string(), &code, &Question::new(&request)).await.unwrap();
    }

    /// Whether a certificate of theirs counts.
    async fn counts(issuing: &Issuing, user: UserId) -> bool {
        let identity = Identity::user(&user.to_string()).unwrap();
        issuing.certificates(&identity).await.unwrap().iter().any(|row| row.revoked.is_none())
    }

    async fn until_none_counts(issuing: &Issuing, user: UserId) {
        for _ in 0..3_000 {
            if !counts(issuing, user).await {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("a certificate of an ended account counts on");
    }

    #[tokio::test]
    async fn an_account_that_ends_loses_its_certificates_and_no_other_does_r10_r11() {
        let dir = tempfile::tempdir().unwrap();
        let registry = Registry::open(&format!("sqlite://{}/registry.db", dir.path().display())).await.unwrap();
        let settings = Settings {
            dir: dir.path().join("authorities"),
            organization: "TEST Operator".into(),
            keys: std::collections::BTreeMap::new(),
            trust: None,
            crl_base: None,
        };
        let issuing = Issuing::open(registry.clone(), settings, NOW).await.unwrap();
        let mut all = Vec::new();
        for number in [12_342_222, 12_343_333, 12_344_444, 12_345_555] {
            let user = account(&registry, number).await;
            certified(&issuing, user).await;
            all.push(user);
        }
        let [removed, suspended, guessed, earlier] = all[..] else { panic!() };
        // While nobody looked: a center that was killed after the account ended.
        change(&registry, earlier, Account::remove).await;
        let kept = tokio::spawn(keep(registry.clone(), issuing.clone(), now));
        until_none_counts(&issuing, earlier).await;
        change(&registry, guessed, |a| a.lockout.hard = true).await;
        change(&registry, removed, Account::remove).await;
        until_none_counts(&issuing, removed).await;
        assert!(counts(&issuing, suspended).await);
        change(&registry, suspended, |a| a.state = AccountState::Suspended).await;
        until_none_counts(&issuing, suspended).await;
        assert!(counts(&issuing, guessed).await, "wrong passwords take nobody's certificate");
        // Back at work, with a certificate of its own again.
        change(&registry, suspended, |a| a.state = AccountState::Active).await;
        certified(&issuing, suspended).await;
        change(&registry, removed, |a| a.lockout.wrong += 1).await;
        assert!(counts(&issuing, suspended).await);
        change(&registry, suspended, |a| a.state = AccountState::Suspended).await;
        until_none_counts(&issuing, suspended).await;
        assert!(counts(&issuing, guessed).await);
        kept.abort();
    }
}
