//! Certificates as the center's operators speak of them, and the papers a gate fetches with its first certificate
//! (R10, G1, N10).

use model::{AgreementId, Side, SiteId, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

/// `POST /v1/certificates/offer`: somebody may fetch a certificate once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OfferCall {
    /// Who it is for, e.g. `urn:sekisho:gate:clinic`.
    pub identity: String,
    /// Name of the institution in it.
    pub organization: String,
    /// DNS names in it. A gate gets its IKE identity from its site's document besides.
    #[serde(default)]
    pub dns_names: Vec<String>,
    /// How many hours the code is good.
    #[serde(default = "a_day")]
    pub hours: u32,
}

fn a_day() -> u32 {
    24
}

/// What is handed over, by another way than the machine's own line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OfferReport {
    /// Who it is for.
    pub identity: String,
    /// The code, as a person types it.
    pub code: String,
    /// Address, server's key, name and code in one text, as a machine reads it.
    pub token: String,
    /// Until when it is good.
    pub until: Timestamp,
}

/// A certificate that was issued.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CertificateView {
    /// Which authority issued it, e.g. `gate`.
    pub kind: String,
    /// Serial number, hexadecimal.
    pub serial: String,
    /// Who it is for.
    pub identity: String,
    /// Name of the institution in it.
    pub organization: String,
    /// When it was issued.
    pub issued_at: Timestamp,
    /// End of its validity.
    pub not_after: Timestamp,
    /// When it was revoked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked_at: Option<Timestamp>,
}

/// `GET /v1/certificates?identity=…`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CertificateList {
    /// Oldest first.
    pub certificates: Vec<CertificateView>,
}

/// Query of [`CertificateList`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CertificateQuery {
    /// Whose.
    pub identity: String,
}

/// `POST /v1/certificates/revoke`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RevokeCall {
    /// Which authority issued it.
    pub kind: String,
    /// Serial number, hexadecimal.
    pub serial: String,
    /// Why, as RFC 5280 §5.3.1 names it.
    pub reason: String,
}

/// `GET /.well-known/sekisho/gate`, shown to a gate that shows its certificate: everything it needs besides its key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GatePapers {
    /// Its site.
    pub site: SiteId,
    /// Where gates dial in.
    pub center: SocketAddr,
    /// Name in the center's certificate (`urn:sekisho:center:<name>`).
    pub center_name: String,
    /// Public key of the center's orders, PEM.
    pub order_key: String,
    /// CA certificates by what they are trusted for, PEM: `center`, `gate`, `switch`.
    pub authorities: BTreeMap<String, String>,
    /// Their revocation lists, PEM, and that of the registration authority (`registration`) where equipment is registered.
    pub lists: BTreeMap<String, String>,
    /// The gateway's addresses in the site's segments, where terminals find it; empty if the site is not applied yet.
    pub gateways: Vec<IpAddr>,
}

/// Where a device brings its report (G1): `POST`, TOML, signed with its first-tier key.
pub const DEVICE_REPORT: &str = "/.well-known/sekisho/equipment/report";

/// Where a device learns which VPN operator stands for the authority of gate certificates here (G1): `GET`, TOML, signed by
/// the operator; empty if nobody does.
pub const OPERATOR: &str = "/.well-known/sekisho/equipment/operator";

/// Where institutions send agreements they signed: `POST`, a document of agreements alone.
pub const AGREEMENTS: &str = "/.well-known/sekisho/agreements";

/// How an agreement stands after it was sent in (G12).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgreementView {
    /// Its number.
    pub agreement: AgreementId,
    /// Who has signed.
    pub signed_by: Vec<Side>,
    /// Both have.
    pub complete: bool,
    /// This time brought a signature.
    pub changed: bool,
}
