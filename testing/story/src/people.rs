//! The people of the story and their cards.

use authority::{Authority, CardSpec, Issued, RevocationReason};
use lab::softhsm::Token;
use std::fs;
use std::path::{Path, PathBuf};

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

    fn spec(self) -> CardSpec {
        match self {
            Self::Doctor => CardSpec::new("SATO HANAKO", "Medical Doctor"),
            Self::Pharmacist => CardSpec::new("SUZUKI TARO", "Pharmacist"),
            Self::Revoked => CardSpec::new("TANAKA JIRO", "Medical Doctor"),
            Self::SignatureCard => CardSpec::signature("SATO HANAKO", "Medical Doctor"),
            Self::Forged => CardSpec::new("SATO HANAKO", "Medical Doctor"),
        }
    }
}

/// The cards, each in a reader of its own.
pub struct Cards {
    tokens: Vec<(Person, Token)>,
    /// File with the PIN.
    pub pin: PathBuf,
}

impl Cards {
    /// Issues every card and puts it on a token. Revokes what is to be revoked; the caller writes the lists.
    pub fn issue(dir: &Path, authority: &mut Authority, forger: &mut Authority) -> Result<Self, StageError> {
        fs::create_dir_all(dir).map_err(StageError::file(dir))?;
        let pin = dir.join("pin");
        fs::write(&pin, format!("{PIN}\n")).map_err(StageError::file(&pin))?;
        let mut tokens = Vec::new();
        for person in Person::ALL {
            let issued: Issued = match person {
                Person::Forged => forger.issue_card(&person.spec())?,
                _ => authority.issue_card(&person.spec())?,
            };
            if person == Person::Revoked {
                authority.revoke_issued(&issued, RevocationReason::KeyCompromise)?;
            }
            let token =
                Token::create(&dir.join(person.label()), person.label(), PIN, &issued.key_pem, &issued.cert_pem)?;
            tokens.push((person, token));
        }
        Ok(Self { tokens, pin })
    }

    /// The token of a person.
    pub fn token(&self, person: Person) -> &Token {
        let found = self.tokens.iter().find(|(p, _)| *p == person);
        &found.expect("every person has a card").1
    }
}
