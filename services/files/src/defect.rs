//! What can be wrong with a file or an address, whatever it is for. Each message is in core/texts, `files.ftl`.

use pki::{AnchorError, CrlRefusal, OcspRefusal};
use rustls_pki_types::pem;
use std::io;
use texts::Arg;

/// What a file should hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Wanted {
    Certificate,
    PrivateKey,
    PublicKey,
    List,
    Request,
}

impl Wanted {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Certificate, Self::PrivateKey, Self::PublicKey, Self::List, Self::Request];

    /// Key of its word.
    pub fn key(self) -> String {
        let name = match self {
            Self::Certificate => "certificate",
            Self::PrivateKey => "private-key",
            Self::PublicKey => "public-key",
            Self::List => "list",
            Self::Request => "request",
        };
        format!("file-wanted-{name}")
    }
}

impl From<Wanted> for Arg {
    fn from(wanted: Wanted) -> Self {
        Self::Key(wanted.key())
    }
}

texts::faults! {
    /// What is wrong with a file or an address. `said` is what the system or a library says itself.
    pub enum Defect in "file" {
        /// The configuration is not there.
        NoConfiguration = "no-configuration" { said: String }
        /// Nothing is there.
        Missing = "missing" { said: String }
        /// This program may not.
        Forbidden = "forbidden" { said: String }
        /// Nobody may write there.
        ReadOnly = "read-only" { said: String }
        /// No room.
        Full = "full" { said: String }
        /// A folder in place of a file.
        IsFolder = "is-folder" { said: String }
        /// A file in place of a folder.
        NotFolder = "not-folder" { said: String }
        /// The name is taken.
        Exists = "exists" { said: String }
        /// Anything else the system says.
        Io = "io" { said: String }
        /// Not UTF-8.
        NotText = "not-text" {}
        /// Somebody listens there already.
        AddressTaken = "address-taken" { said: String }
        /// The machine does not have the address.
        AddressElsewhere = "address-elsewhere" { said: String }
        /// A low port.
        PortForbidden = "port-forbidden" { said: String }
        /// Nobody answers there.
        NobodyListens = "nobody-listens" { said: String }
        /// Nothing of the kind in PEM.
        NoPem = "no-pem" { wanted: Arg }
        /// PEM that is cut or altered.
        BrokenPem = "broken-pem" { wanted: Arg, said: String }
        /// The encoding within.
        Unreadable = "unreadable" { wanted: Arg, said: String }
        /// Another kind of key.
        NotP256 = "not-p256" { said: String }
        /// A key that TLS cannot use.
        UnusableKey = "unusable-key" { said: String }
        /// Key and certificate are two pairs'.
        NotThePair = "not-the-pair" { certificate: String }
        /// A secret that others may read.
        OpenToOthers = "open-to-others" { mode: String }
        /// An empty file with a PIN.
        NoPin = "no-pin" {}
        /// Not what a folder of trust holds.
        NeitherNor = "neither-nor" {}
        /// A folder of trust without an anchor.
        NoAnchor = "no-anchor" {}
        /// No certification authority's certificate.
        NotAuthority = "not-authority" { subject: String }
        /// A self-signature that does not verify.
        ForgedAuthority = "forged-authority" { subject: String }
        /// A key that nobody should trust.
        WeakKey = "weak-key" { subject: String, found: String }
        /// No object identifier.
        BadPolicy = "bad-policy" { found: String }
        /// A list of an authority nobody named.
        ListOfNobody = "list-of-nobody" { issuer: String }
        /// A list that its authority did not sign.
        ListForged = "list-forged" { issuer: String }
        /// A kind of list that is not read.
        ListUnsupported = "list-unsupported" { issuer: String, said: String }
        /// A list older than another that is there.
        ListOlder = "list-older" { issuer: String }
        /// An OCSP answer that cannot be used.
        Answer = "answer" { said: String }
    }
}

impl Defect {
    /// Of a file or folder.
    pub fn io(error: &io::Error) -> Self {
        use io::ErrorKind as Kind;
        let said = error.to_string();
        match error.kind() {
            Kind::NotFound => Self::Missing { said },
            Kind::PermissionDenied => Self::Forbidden { said },
            Kind::ReadOnlyFilesystem => Self::ReadOnly { said },
            Kind::StorageFull | Kind::QuotaExceeded => Self::Full { said },
            Kind::IsADirectory => Self::IsFolder { said },
            Kind::NotADirectory => Self::NotFolder { said },
            Kind::AlreadyExists => Self::Exists { said },
            Kind::InvalidData => Self::NotText {},
            Kind::AddrInUse => Self::AddressTaken { said },
            Kind::AddrNotAvailable => Self::AddressElsewhere { said },
            Kind::ConnectionRefused => Self::NobodyListens { said },
            _ => Self::Io { said },
        }
    }

    /// Of an address to listen at: what is forbidden there is its port.
    pub fn listening(error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::PermissionDenied => Self::PortForbidden { said: error.to_string() },
            _ => Self::io(error),
        }
    }

    /// Of a PEM file.
    pub fn pem(wanted: Wanted, error: pem::Error) -> Self {
        match error {
            pem::Error::Io(error) => Self::io(&error),
            pem::Error::NoItemsFound => Self::NoPem { wanted: wanted.into() },
            other => Self::BrokenPem { wanted: wanted.into(), said: other.to_string() },
        }
    }
}

impl From<AnchorError> for Defect {
    fn from(error: AnchorError) -> Self {
        match error {
            AnchorError::Malformed(why) => {
                Self::Unreadable { wanted: Wanted::Certificate.into(), said: why.to_string() }
            }
            AnchorError::NotACa { subject } => Self::NotAuthority { subject },
            AnchorError::BadSelfSignature { subject } => Self::ForgedAuthority { subject },
            AnchorError::WeakKey { subject, key } => Self::WeakKey { subject, found: key },
            AnchorError::BadPolicy(found) => Self::BadPolicy { found },
        }
    }
}

impl From<CrlRefusal> for Defect {
    fn from(refusal: CrlRefusal) -> Self {
        match refusal {
            CrlRefusal::Malformed(why) => Self::Unreadable { wanted: Wanted::List.into(), said: why.to_string() },
            CrlRefusal::UnknownIssuer { issuer } => Self::ListOfNobody { issuer },
            CrlRefusal::BadSignature { issuer } => Self::ListForged { issuer },
            CrlRefusal::Unsupported { issuer, what } => Self::ListUnsupported { issuer, said: what },
            CrlRefusal::Older { issuer, .. } => Self::ListOlder { issuer },
        }
    }
}

impl From<OcspRefusal> for Defect {
    fn from(refusal: OcspRefusal) -> Self {
        Self::Answer { said: refusal.to_string() }
    }
}
