//! Security keys as second factors (R5): what a page asks of them, and what their answers are worth.

use joining::{Factor, Field, LinkHash, OneTime, Purpose};
use registry::{Commit, RegistryError, SessionStage};
use webauthn::{Assertion, Ceremony, Fault, RelyingParty};

use crate::sign_in::Proof;
use crate::{Joining, Refused, SignInAnswer, SignedIn};

/// What a new security key is asked (`PublicKeyCredentialCreationOptions`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyOffer {
    /// Comes back with the answer, and is good once: [`NewKey::challenge`]. What is signed are its octets.
    pub challenge: OneTime,
    /// RP ID.
    pub party: String,
    /// What the browser calls us.
    pub issuer: String,
    /// User handle.
    pub handle: [u8; 32],
    /// What the browser calls the account.
    pub account: String,
    /// Credential IDs of the keys that are registered already.
    pub known: Vec<Vec<u8>>,
}

/// What a new security key answered.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NewKey {
    /// That of the offer.
    pub challenge: String,
    /// What its owner calls it.
    pub name: String,
    /// `clientDataJSON`.
    pub client_data: Vec<u8>,
    /// `attestationObject`.
    pub attestation: Vec<u8>,
}

/// A security key was added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyMade {
    /// Recovery codes, shown here and never again; none if there were some.
    pub recovery: Vec<OneTime>,
}

/// What a security key is asked at sign-in (`PublicKeyCredentialRequestOptions`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyQuestion {
    /// To be signed.
    pub challenge: [u8; 32],
    /// RP ID.
    pub party: String,
    /// Credential IDs of the account's keys.
    pub known: Vec<Vec<u8>>,
}

/// What does as a second factor in a sign-in that waits for one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecondStep {
    /// An app's code.
    pub totp: bool,
    /// A recovery code: there are some left.
    pub recovery: bool,
    /// The card.
    pub card: bool,
    /// A security key.
    pub key: Option<KeyQuestion>,
}

/// Time to find the key and touch it, minutes.
const MINUTES: i64 = 10;
/// Keys of one account.
const AT_MOST: usize = 10;

impl Joining {
    /// Can browsers ask for security keys here? They do at a name over TLS, not at an address.
    pub fn takes_keys(&self) -> bool {
        self.party().is_some()
    }

    fn party(&self) -> Option<RelyingParty> {
        RelyingParty::at(&self.settings.inside_url)
    }

    /// Begins to add a security key; an offer of before ends.
    ///
    /// # Errors
    /// `Fields` for a wrong `current` password, `WrongStand` if there are ten keys or the pages have no name, `Registry`.
    pub async fn offer_key(&self, who: &SignedIn, current: &str) -> Result<KeyOffer, Refused> {
        let record = self.own(who.user(), current).await?;
        let party = self.party().ok_or(Refused::WrongStand)?;
        let known = keys(&record.value.factors);
        if known.len() >= AT_MOST {
            return Err(Refused::WrongStand);
        }
        let challenge = OneTime::for_url(&*self.world);
        let about = i64::from(who.user().number());
        let until = self.now().plus_ms(MINUTES * 60_000);
        let commit = Commit::at(self.now())
            .end_links(Purpose::SecurityKey, about)
            .link(challenge.hash(), Purpose::SecurityKey, about, until)
            .event(audit::Event::CodeGiven { purpose: Purpose::SecurityKey.as_str().to_owned(), about });
        self.registry.commit(commit).await?;
        Ok(KeyOffer {
            challenge,
            party: party.id().to_owned(),
            issuer: self.settings.issuer.clone(),
            handle: who.user().handle(),
            account: who.user().to_string(),
            known,
        })
    }

    /// The key was touched. From now on it does as a second factor. The challenge is used up, whatever it signed; that no
    /// other account has the credential (§7.1 step 22) need not be known, because a credential is looked for in the
    /// account of a password only, never the other way round.
    ///
    /// # Errors
    /// `Fields` for the name; `LinkUnknown`, `LinkOver` for the challenge, `KeyRefused`, `Changed`, `Registry`.
    pub async fn add_key(&self, who: &SignedIn, new: &NewKey) -> Result<KeyMade, Refused> {
        // Before the challenge, which is good for one try.
        let name = joining::text(Field::KeyName, &new.name).map_err(Refused::field)?;
        let challenge = OneTime::read(&new.challenge).ok_or(Refused::LinkUnknown)?;
        self.use_challenge(who, challenge.hash()).await?;
        let party = self.party().ok_or(Refused::WrongStand)?;
        let ceremony = Ceremony { party: &party, challenge: challenge.reveal().as_bytes(), verified: false };
        let credential =
            webauthn::register(&ceremony, &new.client_data, &new.attestation).map_err(Refused::KeyRefused)?;
        let mut record = self.existing(who.user()).await?;
        let factors = &mut record.value.factors;
        if factors.iter().any(|f| f.is_key(&credential.id)) || keys(factors).len() >= AT_MOST {
            return Err(Refused::WrongStand);
        }
        let recovery = self.recovery_codes(factors);
        factors.push(Factor::Key { credential, name, at: self.now() });
        self.store_factors(record, "security-key", true, true).await?;
        Ok(KeyMade { recovery })
    }

    /// Recovery codes for an account that has none left; none for one that has some.
    pub(crate) fn recovery_codes(&self, factors: &mut Vec<Factor>) -> Vec<OneTime> {
        if factors.iter().any(|f| matches!(f, Factor::Recovery { codes } if !codes.is_empty())) {
            return Vec::new();
        }
        factors.retain(|f| !matches!(f, Factor::Recovery { .. }));
        let (factor, codes) = Factor::recovery(&*self.world);
        factors.push(factor);
        codes
    }

    async fn use_challenge(&self, who: &SignedIn, hash: LinkHash) -> Result<(), Refused> {
        let link = self.registry.link(&hash, Purpose::SecurityKey).await?.ok_or(Refused::LinkUnknown)?;
        if link.about != i64::from(who.user().number()) || link.used_at.is_some() {
            return Err(Refused::LinkUnknown);
        }
        if link.until <= self.now() {
            return Err(Refused::LinkOver { at: link.until });
        }
        let used = Commit::at(self.now())
            .use_link(hash, Purpose::SecurityKey)
            .event(audit::Event::CodeUsed { purpose: Purpose::SecurityKey.as_str().to_owned(), about: link.about });
        match self.registry.commit(used).await {
            Ok(_) => Ok(()),
            Err(RegistryError::Stale { .. }) => Err(Refused::LinkUnknown),
            Err(error) => Err(error.into()),
        }
    }

    /// Takes a security key away; with the last second factor the recovery codes go too.
    ///
    /// # Errors
    /// As [`Joining::drop_factors`]; `NoSuch` if the account has no such key.
    pub async fn drop_key(&self, who: &SignedIn, current: &str, id: &[u8]) -> Result<(), Refused> {
        let mut record = self.own(who.user(), current).await?;
        let before = record.value.factors.len();
        record.value.factors.retain(|f| !f.is_key(id));
        if record.value.factors.len() == before {
            return Err(Refused::NoSuch);
        }
        if !record.value.has_second_factor() {
            self.alone(current)?;
            record.value.factors.clear();
        }
        self.store_factors(record, "security-key", false, true).await
    }

    /// What does as a second factor where a right password was shown.
    ///
    /// # Errors
    /// `NotSignedIn`, `Registry`.
    pub async fn second_step(&self, token: &str) -> Result<SecondStep, Refused> {
        let (session, account) = self.holder(token).await?;
        if session.stage != SessionStage::SecondFactor {
            return Err(Refused::NotSignedIn);
        }
        let has = |is: fn(&Factor) -> bool| account.factors.iter().any(is);
        let known = keys(&account.factors);
        let challenge = OneTime::read(token).ok_or(Refused::NotSignedIn)?.challenge();
        let key = self.party().filter(|_| !known.is_empty());
        Ok(SecondStep {
            totp: has(|f| matches!(f, Factor::Totp { confirmed: true, .. })),
            recovery: has(|f| matches!(f, Factor::Recovery { codes } if !codes.is_empty())),
            card: has(|f| matches!(f, Factor::Card { .. })),
            key: key.map(|party| KeyQuestion { challenge, party: party.id().to_owned(), known }),
        })
    }

    /// The security key was touched. What it signed is bound to this sign-in, which ends with it: the same answer is worth
    /// nothing to another, nor twice to this.
    ///
    /// # Errors
    /// As [`Joining::second_factor_code`].
    pub async fn second_factor_key(&self, token: &str, shown: &Assertion) -> Result<SignInAnswer, Refused> {
        let challenge = OneTime::read(token).ok_or(Refused::NotSignedIn)?.challenge();
        let party = self.party().ok_or(Refused::WrongSecondFactor)?;
        let ceremony = Ceremony { party: &party, challenge: &challenge, verified: false };
        let handle = self.holder(token).await?.1.user.handle();
        self.second_factor(token, |factor| match factor {
            Factor::Key { credential, .. } => match webauthn::authenticate(&ceremony, credential, &handle, shown) {
                Ok(count) => {
                    credential.count = count;
                    Proof::Right
                }
                Err(Fault::Copied { .. }) => Proof::Copied,
                Err(_) => Proof::Wrong,
            },
            Factor::Totp { .. } | Factor::Card { .. } | Factor::Recovery { .. } => Proof::Wrong,
        })
        .await
    }
}

fn keys(factors: &[Factor]) -> Vec<Vec<u8>> {
    let id = |factor: &Factor| match factor {
        Factor::Key { credential, .. } => Some(credential.id.clone()),
        Factor::Totp { .. } | Factor::Card { .. } | Factor::Recovery { .. } => None,
    };
    factors.iter().filter_map(id).collect()
}
