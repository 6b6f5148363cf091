//! The people of the story and their cards.

use authority::{Authority, CardSpec, Issued, RevocationReason};
use lab::softhsm::Token;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::set::{CardOrder, Flaw};
use crate::stage::StageError;

/// PIN of every card of the story.
pub const PIN: &str = "4649";

/// Somebody with a card.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Person {
    /// A doctor whom everybody may admit.
    Doctor,
    /// A pharmacist.
    Pharmacist,
    /// A doctor whose card was revoked.
    Revoked,
    /// A doctor with a signature card.
    SignatureCard,
    /// A doctor whose card comes from an authority that only has the right names.
    Forged,
}

impl Person {
    /// Everybody.
    pub const ALL: [Self; 5] = [Self::Doctor, Self::Pharmacist, Self::Revoked, Self::SignatureCard, Self::Forged];

    /// Label of the card.
    pub fn label(self) -> &'static str {
        match self {
            Self::Doctor => "doctor",
            Self::Pharmacist => "pharmacist",
            Self::Revoked => "revoked",
            Self::SignatureCard => "signature",
            Self::Forged => "forged",
        }
    }

    pub(crate) fn order(self) -> CardOrder {
        let spec = match self {
            Self::Doctor | Self::Forged => CardSpec::new("SATO HANAKO", "Medical Doctor"),
            Self::Pharmacist => CardSpec::new("SUZUKI TARO", "Pharmacist"),
            Self::Revoked => CardSpec::new("TANAKA JIRO", "Medical Doctor"),
            Self::SignatureCard => CardSpec::signature("SATO HANAKO", "Medical Doctor"),
        };
        let flaw = match self {
            Self::Revoked => Flaw::Revoked,
            Self::Forged => Flaw::Forged,
            Self::Doctor | Self::Pharmacist | Self::SignatureCard => Flaw::None,
        };
        CardOrder { label: self.label().to_owned(), spec, flaw }
    }
}

/// The cards, each in a reader of its own.
pub struct Cards {
    tokens: BTreeMap<String, Token>,
    issued: BTreeMap<String, Issued>,
    /// File with the PIN.
    pub pin: PathBuf,
}

impl Cards {
    /// Issues every card and puts it on a token. Revokes what is to be revoked; the caller writes the lists.
    pub fn issue(
        dir: &Path,
        authority: &mut Authority,
        forger: &mut Authority,
        orders: &[CardOrder],
    ) -> Result<Self, StageError> {
        fs::create_dir_all(dir).map_err(StageError::file(dir))?;
        let pin = dir.join("pin");
        fs::write(&pin, format!("{PIN}\n")).map_err(StageError::file(&pin))?;
        let mut cards = Self { tokens: BTreeMap::new(), issued: BTreeMap::new(), pin };
        for CardOrder { label, spec, flaw } in orders {
            let issued = if *flaw == Flaw::Forged { forger.issue_card(spec)? } else { authority.issue_card(spec)? };
            if *flaw == Flaw::Revoked {
                authority.revoke_issued(&issued, RevocationReason::KeyCompromise)?;
            }
            let token = Token::create(&dir.join(label), label, PIN, &issued.key_pem, &issued.cert_pem)?;
            cards.tokens.insert(label.clone(), token);
            cards.issued.insert(label.clone(), issued);
        }
        Ok(cards)
    }

    /// The token of a person of the story.
    pub fn token(&self, person: Person) -> &Token {
        self.token_of(person.label()).expect("every person has a card")
    }

    /// The token with a label.
    pub fn token_of(&self, label: &str) -> Option<&Token> {
        self.tokens.get(label)
    }

    /// What was issued under a label.
    pub fn issued(&self, label: &str) -> Option<&Issued> {
        self.issued.get(label)
    }
}
