//! A site whose gate and strongSwan sign with a key in a secure element (G1).

use std::fs;

use lab::SecureElement;

use super::{Stage, StageError, put};
use crate::configuration;

/// Label of the gate's key in its element.
const KEY: &str = "gate";
/// CKA_ID of it.
const ID: &str = "5e01";

impl Stage {
    /// Gives a site a key that is made in the element and never leaves it, in place of the one in a file; gate and charon
    /// are started again with it.
    pub fn with_element(&mut self, site: &str, element: SecureElement) -> Result<(), StageError> {
        let public = element.make_key(KEY, ID)?;
        let issued = self.authority.issue_gate_for(site, &public)?;
        self.kill_gate(site);
        let path = configuration::gate_config(&self.dir, site);
        let home = self.dir.join("gate").join(site);
        put(&home, "cert.pem", &issued.chain_pem)?;
        let key = home.join("key.pem");
        fs::remove_file(&key).map_err(StageError::file(&key))?;
        let text = fs::read_to_string(&path).map_err(StageError::file(&path))?;
        let (module, pin) = (element.module().display(), element.pin_file().display());
        let named = format!(
            "[certificates.element]\nmodule = \"{module}\"\ntoken = \"{}\"\nkey = \"{KEY}\"\npin = \"{pin}\"\n",
            element.label()
        );
        let text = text.replacen("key = \"key.pem\"\n", "", 1);
        put(&home, "gate.toml", format!("{text}\n{named}"))?;
        self.lab.site(site)?.charon.with_element(&element)?;
        self.issued_gates.insert(site.to_owned(), issued);
        self.elements.insert(site.to_owned(), element);
        self.start_gate(site)?;
        self.in_force()
    }

    /// The secure element of a site.
    pub fn element(&self, site: &str) -> Option<&SecureElement> {
        self.elements.get(site)
    }
}
