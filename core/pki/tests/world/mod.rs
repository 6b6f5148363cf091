//! An authority shared by the tests of one file, and the anchors and lists that trust it.

#![allow(dead_code, reason = "each test file uses a part")]

use authority::{Authority, CaKind, CardSpec, Issued};
use pki::{AnchorSet, CrlStore, Purpose, Refusal, TrustAnchor, VerifiedPerson, verify_person};
use std::sync::OnceLock;

pub const NOW: i64 = 1_795_219_200; // 2026-11-21T00:00:00Z
pub const HOUR: i64 = 3600;

static CARD_KEY: OnceLock<String> = OnceLock::new();

pub struct World {
    pub authority: Authority,
    pub anchors: AnchorSet,
    _dir: tempfile::TempDir,
}

impl World {
    pub fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let authority = Authority::new(dir.path(), NOW).unwrap();
        let mut anchors = AnchorSet::new();
        for (kind, purpose) in [
            (CaKind::HpkiRoot, Purpose::HpkiAuthentication),
            (CaKind::Gate, Purpose::Gate),
            (CaKind::Device, Purpose::Device),
            (CaKind::Switch, Purpose::Switch),
            (CaKind::Institution, Purpose::Institution),
            (CaKind::Center, Purpose::Center),
            (CaKind::Operator, Purpose::Operator),
            (CaKind::Service, Purpose::Service),
            (CaKind::Registration, Purpose::Registration),
            (CaKind::Equipment, Purpose::Equipment),
        ] {
            anchors.add(TrustAnchor::new(&authority.ca_der(kind).unwrap(), purpose).unwrap());
        }
        for kind in [CaKind::HpkiAuthentication, CaKind::HpkiSignature] {
            anchors.add_intermediate(&authority.ca_der(kind).unwrap()).unwrap();
        }
        Self { authority, anchors, _dir: dir }
    }

    /// The lists as they lie on disk now.
    pub fn crls(&self) -> CrlStore {
        self.crls_without(&[])
    }

    pub fn crls_without(&self, missing: &[CaKind]) -> CrlStore {
        let mut store = CrlStore::new();
        for kind in CaKind::ALL.into_iter().filter(|kind| !missing.contains(kind)) {
            store.add(&self.authority.crl_der(kind).unwrap(), &self.anchors).unwrap();
        }
        store
    }

    pub fn judge(&self, card: &Issued) -> Result<VerifiedPerson, Vec<Refusal>> {
        verify_person(&card.chain(), &self.anchors, &self.crls(), NOW)
    }

    /// Codes of the reasons against a card with this specification.
    pub fn codes_of(&mut self, spec: &CardSpec) -> Vec<&'static str> {
        let mut spec = spec.clone();
        if spec.rsa_bits == 2048 {
            // Making RSA keys is the slow part, and these cards sign nothing.
            let key = || self.authority.issue_doctor("KEY").unwrap().key_pem;
            spec.key_pem = Some(CARD_KEY.get_or_init(key).clone());
        }
        let card = self.authority.issue_card(&spec).unwrap();
        codes(self.judge(&card))
    }
}

pub fn codes<T>(verdict: Result<T, Vec<Refusal>>) -> Vec<&'static str> {
    verdict.err().unwrap_or_default().iter().map(Refusal::code).collect()
}
