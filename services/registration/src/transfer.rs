//! Everything that is applied, taken out as one file, and a file taken in after a trial (N10).
//!
//! Who takes a file in has seen what it changes: the trial answers with a digest over the file and what is applied, and
//! only with that digest is the file taken in. So neither another file nor a network that moved meanwhile slips under.

use audit::{Digest, Event};
use joining::{Action, access};
use model::{Changed, GrantId, Network, SiteId};
use registry::Commit;
use std::sync::Arc;

use crate::{Refused, Registration, Who};

/// A file that is brought.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Brought {
    /// What it is called in faults.
    pub name: String,
    /// What `sekisho export` wrote, or a document.
    pub text: String,
}

/// What a file changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trial {
    /// Names the file and the network it was tried on.
    pub tried: Digest,
    /// Thing by thing; empty if everything is applied already.
    pub changes: Vec<Changed>,
    /// Sites whose tables change.
    pub sites: Vec<SiteId>,
    /// Live connections that end by it.
    pub ended: Vec<GrantId>,
}

/// Octets a name may have: it stands in faults.
const LONGEST_NAME: usize = 100;

impl Brought {
    /// As forms and programs bring it; a browser makes two octets of the end of a line.
    pub fn new(name: &str, text: &str) -> Self {
        let name: String = name.chars().filter(|c| !c.is_control()).take(LONGEST_NAME).collect();
        let name = if name.trim().is_empty() { "import".to_owned() } else { name };
        Self { name, text: text.replace("\r\n", "\n") }
    }

    /// What a trial on this network answers with.
    fn tried_on(&self, network: &Network) -> Result<Digest, Refused> {
        let on = of(network)?;
        Ok(Digest::of(format!("sekisho import on {on}\n{}", self.text).as_bytes()))
    }

    fn documents(&self) -> Vec<(String, String)> {
        vec![(self.name.clone(), self.text.clone())]
    }
}

/// SHA-256 of a network as the audit log names it.
fn of(network: &Network) -> Result<Digest, Refused> {
    let text = audit::canonical(network).map_err(connections::Refused::unwritable)?;
    Ok(Digest::of(text.as_bytes()))
}

fn allowed(who: Who<'_>) -> Result<(), Refused> {
    if access::may(who.role(), Action::Transfer) { Ok(()) } else { Err(reception::Refused::MayNot.into()) }
}

impl Registration {
    /// The file, and the record that it was taken out.
    ///
    /// # Errors
    /// `MayNot`, `Registry`.
    pub async fn export(&self, who: Who<'_>) -> Result<String, Refused> {
        allowed(who)?;
        let network = connections::applied_network(&self.center).await;
        let text = model::export(&network).map_err(connections::Refused::unwritable)?;
        let event = Event::NetworkExported { operator: who.name(), digest: of(&network)? };
        self.registry().commit(Commit::at(self.now()).event(event)).await?;
        Ok(text)
    }

    /// What a file would change, with both proofs; nothing changes.
    ///
    /// # Errors
    /// `MayNot`, `Import` with every fault of the file.
    pub async fn try_import(&self, who: Who<'_>, file: &Brought) -> Result<Trial, Refused> {
        allowed(who)?;
        let tried = connections::tried(&self.center, &file.documents()).await.map_err(Refused::Import)?;
        Ok(Trial {
            tried: file.tried_on(&tried.before)?,
            changes: model::changes(&tried.before, &tried.after),
            sites: tried.applied.sites.iter().map(|delta| delta.site.clone()).collect(),
            ended: tried.applied.grants_ended,
        })
    }

    /// Takes the file in that was tried.
    ///
    /// # Errors
    /// `MayNot`; `NotTried` if it is another file than the digest names, or what is applied changed since; `Import`.
    pub async fn import(&self, who: Who<'_>, file: &Brought, tried: &str) -> Result<Trial, Refused> {
        allowed(who)?;
        let before = connections::applied_network(&self.center).await;
        let digest = file.tried_on(&before)?;
        if tried.trim() != digest.to_string() {
            return Err(Refused::NotTried);
        }
        let event = Event::NetworkImported { operator: who.name(), file: Digest::of(file.text.as_bytes()) };
        let beside = Commit::at(self.now()).event(event);
        let done = connections::apply_from(&self.center, &before, file.documents(), who.name(), beside).await;
        let applied = done.map_err(Refused::Import)?;
        Ok(Trial {
            tried: digest,
            changes: changed(&before, file),
            sites: applied.sites.iter().map(|delta| delta.site.clone()).collect(),
            ended: applied.grants_ended,
        })
    }
}

/// What was applied by it, from what it was applied to: what came after is somebody else's.
fn changed(before: &Arc<Network>, file: &Brought) -> Vec<Changed> {
    let documents = model::parse_documents(&file.name, &file.text).unwrap_or_default();
    before.with(&documents).map(|after| model::changes(before, &after)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_names_the_file_and_what_it_was_tried_on_n10() {
        let clinic = include_str!("../../../core/model/tests/documents/clinic.toml");
        let file = Brought::new("a.toml", clinic);
        let none = Network::default();
        let some = none.with(&[model::parse_document("a.toml", clinic).unwrap()]).unwrap();
        let digest = file.tried_on(&none).unwrap();
        assert_eq!(digest, Brought::new("b.toml", &clinic.replace('\n', "\r\n")).tried_on(&none).unwrap());
        assert_ne!(digest, file.tried_on(&some).unwrap(), "on another network");
        assert_ne!(digest, Brought::new("a.toml", &format!("{clinic}#")).tried_on(&none).unwrap(), "another file");
    }

    #[test]
    fn a_name_is_one_short_line() {
        assert_eq!(Brought::new("a\r\n\0b", "").name, "ab");
        assert_eq!(Brought::new(" \n", "").name, "import");
        assert_eq!(Brought::new(&"長".repeat(500), "").name.chars().count(), LONGEST_NAME);
    }
}
