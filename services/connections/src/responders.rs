//! Asking OCSP responders: for what a decision needs, and ahead of time for what is open (N2).
//!
//! Fails closed: whatever goes wrong here leaves no fresh answer, and `core/pki` refuses for want of it.

use model::{ConnectionState, Timestamp};
use pki::{OcspHash, OcspNeed, OcspQuestion, OcspStatus, Purpose, RevocationPolicy, UnixSeconds};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;

use crate::trust::TrustStore;
use crate::{Asked, Center, Trust};

/// How long a decision waits for responders, all of them together.
const TO_DECIDE: Duration = Duration::from_secs(2);
/// The same for renewals, which nobody waits for.
const TO_RENEW: Duration = Duration::from_secs(10);
/// Seconds for which a responder that failed is not asked the same again, so that refusals stay quick.
const REST: i64 = 5;
/// How often renewals are looked for.
const LOOK: Duration = Duration::from_secs(60);
/// Seconds after which a fetched answer that was not renewed is forgotten.
const FORGET: i64 = 7 * 86_400;

/// An answer on its way.
pub type Answering<'a> = Pin<Box<dyn Future<Output = Result<Vec<u8>, String>> + Send + 'a>>;

/// The way to responders; this crate knows no HTTP.
pub trait Responders: Send + Sync + fmt::Debug {
    /// Sends the DER of an OCSPRequest to a responder and brings back what it says, or why it says nothing.
    fn ask<'a>(&'a self, url: &'a str, request: Vec<u8>) -> Answering<'a>;
}

/// What the anchors of one purpose demand to hear about revocation.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RevocationSettings {
    /// Whose good word is asked for.
    pub policy: RevocationPolicy,
    /// Where to ask about certificates of a CA, by its commonName.
    pub responders: BTreeMap<String, String>,
    /// Where to ask about those of other CAs; nowhere if absent.
    pub responder: Option<String>,
    /// The digest in requests.
    pub hash: OcspHash,
    /// Seconds an answer may be old; [`pki::DEFAULT_MAX_OCSP_AGE`] if absent.
    pub max_age: Option<i64>,
}

impl RevocationSettings {
    fn responder_of(&self, question: &OcspQuestion) -> Option<&String> {
        let named = question.issuer().common_name().and_then(|name| self.responders.get(name));
        named.or(self.responder.as_ref())
    }
}

/// A chain and what it is to be judged for.
pub(crate) type Chain = (Purpose, Vec<Vec<u8>>);

impl TrustStore {
    /// Sends questions this way. Without it only the answers in the folders count.
    #[must_use]
    pub fn asking(mut self, responders: Arc<dyn Responders>) -> Self {
        self.responders = Some(responders);
        self
    }

    /// Whether anybody is ever asked.
    pub(crate) fn asks(&self) -> bool {
        let asked =
            |s: &RevocationSettings| s.policy.asks_responders() && (s.responder.is_some() || !s.responders.is_empty());
        self.responders.is_some() && self.settings.revocation.values().any(asked)
    }

    /// What holds now, after responders were asked what is wanted for these chains, for at most `within`.
    async fn about(&self, chains: Vec<Chain>, now: UnixSeconds, need: OcspNeed, within: Duration) -> Arc<Trust> {
        let trust = self.now();
        let Some(responders) = self.responders.as_ref().filter(|_| self.asks()) else { return trust };
        let mut asked: JoinSet<(OcspQuestion, String, Result<Vec<u8>, String>)> = JoinSet::new();
        let mut waiting = BTreeSet::new();
        for (purpose, chain) in &chains {
            let Some(settings) = self.settings.revocation.get(purpose) else { continue };
            let chain: Vec<&[u8]> = chain.iter().map(Vec::as_slice).collect();
            for question in OcspQuestion::about(&chain, &trust.anchors, *purpose, trust.revocation(), now, need) {
                let Some(url) = settings.responder_of(&question).cloned() else { continue };
                if self.rests(&question, now) || !waiting.insert(question.clone()) {
                    continue;
                }
                let (responders, request) = (Arc::clone(responders), question.request(settings.hash));
                asked.spawn(async move {
                    let answer = responders.ask(&url, request).await;
                    (question, url, answer)
                });
            }
        }
        if asked.is_empty() {
            return trust;
        }
        let all = async {
            while let Some(Ok((question, url, answer))) = asked.join_next().await {
                waiting.remove(&question);
                self.answered(&question, &url, answer, &trust, now);
            }
        };
        if tokio::time::timeout(within, all).await.is_err() {
            for question in &waiting {
                tracing::warn!(issuer = %question.issuer(), "an OCSP responder did not answer in time");
                self.let_rest(question.clone(), now);
            }
        }
        self.with_fetched(|fetched| fetched.forget_before(now - FORGET));
        self.now()
    }

    fn answered(
        &self,
        question: &OcspQuestion,
        url: &str,
        answer: Result<Vec<u8>, String>,
        trust: &Trust,
        now: UnixSeconds,
    ) {
        let taken = answer.and_then(|der| {
            self.take(question, &der, trust).map_err(|refusal| format!("{} {refusal}", refusal.code()))
        });
        match taken {
            Ok(statuses) => tracing::debug!(url, answers = statuses.len(), "an OCSP responder answered"),
            Err(why) => {
                tracing::warn!(url, issuer = %question.issuer(), why, "no OCSP answer");
                self.let_rest(question.clone(), now);
            }
        }
    }

    fn take(&self, question: &OcspQuestion, der: &[u8], trust: &Trust) -> Result<Vec<OcspStatus>, pki::OcspRefusal> {
        self.with_fetched(|fetched| fetched.add_answer(question, der, &trust.anchors))
    }
}

impl Center {
    /// Whom to believe now, after responders were asked what these chains cannot be judged without.
    pub async fn trust_about(&self, chains: Vec<(Purpose, Vec<Vec<u8>>)>) -> Arc<Trust> {
        self.trust_store().about(chains, self.now().unix_seconds(), OcspNeed::ToDecide, TO_DECIDE).await
    }
}

/// The same for everybody a request depends on: terminal, person, both gates, and who signed the agreements.
pub(crate) async fn trust_for(center: &Center, asked: &Asked, now: Timestamp) -> Arc<Trust> {
    let store = center.trust_store();
    if !store.asks() {
        return center.trust();
    }
    let mut chains =
        vec![(Purpose::Device, asked.shown.device.clone()), (Purpose::HpkiAuthentication, asked.shown.card.clone())];
    {
        let state = center.state().await;
        let service = &asked.request.service;
        let destination = state.network.services.get(service).map(|s| &s.host.site);
        for site in [Some(&asked.request.from.site), destination].into_iter().flatten() {
            chains.extend(state.gates.get(site).map(|gate| (Purpose::Gate, gate.certificate.clone())));
        }
        let agreements = state.network.agreements.values().filter(|a| a.service == *service);
        for signature in agreements.flat_map(|agreement| agreement.signatures.values()) {
            let pem = CertificateDer::pem_slice_iter(signature.certificate.as_bytes());
            chains.push((Purpose::Institution, pem.filter_map(Result::ok).map(|der| der.to_vec()).collect()));
        }
    }
    store.about(chains, now.unix_seconds(), OcspNeed::ToDecide, TO_DECIDE).await
}

/// Renews the answers about linked gates and about the cards and terminals of what is open, so that openings find them
/// and a revocation ends what it must. Never returns.
pub async fn keep_answers(center: Center) {
    loop {
        renew_answers(&center).await;
        tokio::time::sleep(LOOK).await;
    }
}

/// One round of [`keep_answers`].
pub async fn renew_answers(center: &Center) {
    let store = center.trust_store();
    if !store.asks() {
        return;
    }
    let mut chains = Vec::new();
    {
        let state = center.state().await;
        let linked = state.gates.values().filter(|gate| gate.link.is_some());
        chains.extend(linked.map(|gate| (Purpose::Gate, gate.certificate.clone())));
        let open = state.live.values().filter(|live| live.state != ConnectionState::Closing);
        for session in state.sessions.values() {
            chains.push((Purpose::HpkiAuthentication, session.shown.card.clone()));
            chains.push((Purpose::Device, session.shown.device.clone()));
        }
        for proofs in open.filter_map(|live| live.proofs.as_ref()) {
            chains.push((Purpose::HpkiAuthentication, proofs.card.clone()));
            chains.push((Purpose::Device, proofs.device.clone()));
        }
    }
    store.about(chains, center.now().unix_seconds(), OcspNeed::ToRenew, TO_RENEW).await;
}

impl TrustStore {
    fn rests(&self, question: &OcspQuestion, now: UnixSeconds) -> bool {
        let mut resting = self.resting.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        resting.retain(|_, failed| (0..REST).contains(&now.saturating_sub(*failed)));
        resting.contains_key(question)
    }

    fn let_rest(&self, question: OcspQuestion, now: UnixSeconds) {
        self.resting.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).insert(question, now);
    }
}
