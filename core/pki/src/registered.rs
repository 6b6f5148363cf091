//! Whom the registration authority (登録認定機関) certifies, and the first-tier certificate of a device (G1).
//!
//! The profile is that of all our equipment. The registration authority certifies each of them itself: a certificate
//! under another authority that it may have certified is refused, so that a VPN operator's authority can never name a
//! maker. Identities: `urn:sekisho:maker:<id>`, `urn:sekisho:element-supplier:<id>`, `urn:sekisho:element:<serial>`,
//! `urn:sekisho:registration-centre:<id>`, `urn:sekisho:vpn-operator:<id>`; of a device `urn:sekisho:equipment:<device id>`.

use crate::anchors::{AnchorSet, Purpose};
use crate::certificate::Certificate;
use crate::equipment::{CLIENT, EquipmentIdentity, Profile, Show, one_id, verified};
use crate::refusal::Refusal;
use crate::revocation::Revocation;
use crate::time::UnixSeconds;

verified! {
    /// A maker of equipment (機器製造者).
    VerifiedMaker {
        /// Its id.
        id: String => &str
    }
}
verified! {
    /// A supplier of secure elements (セキュアメモリ供給者).
    VerifiedElementSupplier {
        /// Its id.
        id: String => &str
    }
}
verified! {
    /// A secure element by its provisional certificate (仮証明書): what it is before it is built in.
    VerifiedElement {
        /// Its serial number.
        serial: String => &str
    }
}
verified! {
    /// A registration centre (機器登録管理センター).
    VerifiedRegistrationCentre {
        /// Its id.
        id: String => &str
    }
}
verified! {
    /// A VPN operator (VPN 事業者): who offers lines to devices.
    VerifiedVpnOperator {
        /// Its id.
        id: String => &str
    }
}
verified! {
    /// A device by its first-tier certificate (機器証明書).
    VerifiedEquipment {
        /// Its device id, as it stands in the certificate.
        device: String => &str
    }
}

macro_rules! registered {
    ($($(#[$doc:meta])* $verify:ident -> $name:ident { $field:ident } $word:literal $id:literal $purposes:expr;)*) => {$(
        $(#[$doc])*
        pub fn $verify<'a>(
            chain_der: &[&[u8]],
            anchors: &AnchorSet,
            revocation: impl Into<Revocation<'a>>,
            now: UnixSeconds,
        ) -> Result<$name, Vec<Refusal>> {
            let profile = Profile {
                purpose: Purpose::Registration,
                key_purposes: $purposes,
                prefix: concat!("urn:sekisho:", $word, ":"),
                expected: concat!("urn:sekisho:", $word, ":<", $id, ">"),
            };
            let (id, certificate) = verify_direct(&profile, chain_der, anchors, revocation.into(), now)?;
            Ok($name { $field: id, certificate })
        }
    )*};
}

registered! {
    /// Verifies a maker's certificate: issued by the registration authority itself, validity, revocation, digitalSignature.
    verify_maker -> VerifiedMaker { id } "maker" "id" &[];
    /// Verifies an element supplier's certificate, as [`verify_maker`].
    verify_element_supplier -> VerifiedElementSupplier { id } "element-supplier" "id" &[];
    /// Verifies the provisional certificate of a secure element, as [`verify_maker`], and clientAuth: it is shown in TLS.
    verify_element -> VerifiedElement { serial } "element" "serial" &[CLIENT];
    /// Verifies a registration centre's certificate, as [`verify_maker`].
    verify_registration_centre -> VerifiedRegistrationCentre { id } "registration-centre" "id" &[];
    /// Verifies a VPN operator's certificate, as [`verify_maker`].
    verify_vpn_operator -> VerifiedVpnOperator { id } "vpn-operator" "id" &[];
}

/// Verifies a first-tier certificate: path to a registration centre's authority, validity, revocation, clientAuth.
pub fn verify_equipment<'a>(
    chain_der: &[&[u8]],
    anchors: &AnchorSet,
    revocation: impl Into<Revocation<'a>>,
    now: UnixSeconds,
) -> Result<VerifiedEquipment, Vec<Refusal>> {
    let profile = Profile {
        purpose: Purpose::Equipment,
        key_purposes: &[CLIENT],
        prefix: "urn:sekisho:equipment:",
        expected: "urn:sekisho:equipment:<device id>",
    };
    let (device, certificate) = profile.verify(chain_der, anchors, revocation.into(), now, one_id)?;
    Ok(VerifiedEquipment { device, certificate })
}

/// With nobody between the anchor and the end entity.
fn verify_direct(
    profile: &Profile,
    chain_der: &[&[u8]],
    anchors: &AnchorSet,
    held: Revocation<'_>,
    now: UnixSeconds,
) -> Result<(String, EquipmentIdentity), Vec<Refusal>> {
    let found = profile.verify(chain_der, anchors, held, now, one_id)?;
    let leaf = chain_der.first().and_then(|der| Certificate::parse(der).ok());
    let by_an_anchor = |leaf: &Certificate| {
        anchors.for_purpose(profile.purpose).any(|anchor| {
            leaf.issuer() == anchor.certificate.subject()
                && anchors.is_signed_by(leaf, anchor.certificate.public_key()).is_ok()
        })
    };
    match leaf {
        Some(leaf) if !by_an_anchor(&leaf) => Err(vec![Refusal::UntrustedChain {
            subject: leaf.subject().to_string(),
            issuer: leaf.issuer().to_string(),
        }]),
        _ => Ok(found),
    }
}
