//! Security keys without hands: the browser's own virtual authenticators (Chrome DevTools Protocol, domain WebAuthn).

use serde_json::{Value, json};

use crate::{Browser, BrowserError};

/// A security key in the browser's hand.
#[derive(Debug, Clone)]
pub struct VirtualKey(String);

impl Browser {
    /// Plugs in a new key that is touched whenever it is asked (CTAP 2 over USB, without PIN).
    pub fn plug_in(&mut self) -> Result<VirtualKey, BrowserError> {
        self.ask("WebAuthn.enable", json!({ "enableUI": false }))?;
        let options = json!({
            "protocol": "ctap2",
            "transport": "usb",
            "hasResidentKey": false,
            "hasUserVerification": false,
            "automaticPresenceSimulation": true,
        });
        let answer = self.ask("WebAuthn.addVirtualAuthenticator", json!({ "options": options }))?;
        Ok(VirtualKey(answer["authenticatorId"].as_str().unwrap_or_default().to_owned()))
    }

    /// Pulls it out.
    pub fn pull_out(&mut self, key: VirtualKey) -> Result<(), BrowserError> {
        self.ask("WebAuthn.removeVirtualAuthenticator", json!({ "authenticatorId": key.0 })).map(drop)
    }

    /// What the key holds: credentials with their private keys and counters.
    pub fn copied(&mut self, key: &VirtualKey) -> Result<Vec<Value>, BrowserError> {
        let answer = self.ask("WebAuthn.getCredentials", json!({ "authenticatorId": key.0 }))?;
        Ok(answer["credentials"].as_array().cloned().unwrap_or_default())
    }

    /// Puts what one key held into another, as who copies keys does.
    pub fn put_in(&mut self, key: &VirtualKey, credentials: &[Value]) -> Result<(), BrowserError> {
        for credential in credentials {
            let asked = json!({ "authenticatorId": key.0, "credential": credential });
            self.ask("WebAuthn.addCredential", asked)?;
        }
        Ok(())
    }
}
