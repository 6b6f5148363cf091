//! Why the center does not start, or cannot go on: each with words for who started it (X5), in core/texts, `startup.ftl`.

use files::Fault;
use registry::RegistryError;
use std::io;
use texts::{Arg, Words};

/// Why the center does not start or go on.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The configuration, a file it names, or an address it listens at.
    #[error(transparent)]
    File(#[from] Fault),
    /// The registry.
    #[error("{}", self.words())]
    Registry(#[from] RegistryError),
    /// A certification authority of the center.
    #[error("{}", self.words())]
    Authority(Box<issuing::Refused>),
    /// What the registry holds is not believed.
    #[error("{}", self.words())]
    Unsound(Box<connections::Refused>),
    /// The system gives no threads or no signals.
    #[error("{}", self.words())]
    System(#[from] io::Error),
    /// A part ended that should not.
    #[error("{}", self.words())]
    Ended(Part),
}

texts::faults! {
    /// What is wrong beyond a single file.
    pub enum Trouble in "startup" {
        /// What the registry holds is not believed.
        Unsound = "unsound" { why: Arg }
        /// No threads, no signals.
        System = "system" { said: String }
        /// A part of the center ended.
        Ended = "ended" { part: Arg }
    }
}

texts::faults! {
    /// What is wrong with a file or a value of the center's configuration beyond its form.
    pub enum Setting in "setting" {
        /// The center's certificate.
        NoCenterName = "no-center-name" {}
        /// `[joining] passwords`.
        Passwords = "passwords" { found: String, known: Arg }
        /// `[joining.service-entrance] service`.
        NotOnOffer = "not-on-offer" { service: String, known: Arg }
        /// `[joining.service-entrance] clamd`.
        ScannerAfar = "scanner-afar" { address: String }
        /// `[joining.inside] listen`.
        InsideAddress = "inside-address" { found: String }
        /// A folder of trust that the client VPN needs something from.
        NothingNamed = "nothing-named" { ending: String }
        /// `[joining] seal`.
        Seal = "seal" {}
        /// `[joining.mail] credentials`: anybody may read it.
        CredentialsOpen = "credentials-open" { mode: String }
        /// `[joining.mail] credentials`: not of the form.
        Credentials = "credentials" {}
        /// `[joining.mail] from`.
        MailFrom = "mail-from" { found: String, said: String }
        /// `[joining.mail] tls`.
        MailInClear = "mail-in-clear" { server: String }
        /// `[joining.mail] trust`.
        MailAuthority = "mail-authority" { said: String }
        /// `[joining] directory`: a line of it.
        DirectoryLine = "directory-line" { line: String, said: String }
        /// `[joining] directory`: not taken.
        Directory = "directory" { why: Arg }
        /// `[joining.vpn]`: its accounts cannot be read.
        Accounts = "accounts" { said: String }
    }
}

macro_rules! parts {
    ($($part:ident = $key:literal, $name:literal;)+) => {
        /// A part of the center that works until the center ends.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[allow(missing_docs, reason = "`name` says it")]
        pub enum Part { $($part,)+ }

        impl Part {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$part),+];

            /// Key of its word.
            pub fn key(self) -> &'static str {
                match self { $(Self::$part => concat!("startup-part-", $key),)+ }
            }

            /// Its name in the audit log.
            pub fn name(self) -> &'static str {
                match self { $(Self::$part => $name,)+ }
            }
        }
    };
}

parts! {
    Pages = "pages", "the listener for operators' browsers";
    Devices = "devices", "the care for revoked devices";
    IssuedLists = "issued-lists", "the care for revocation lists";
    Certificates = "certificates", "the listener for certificates";
    Gates = "gates", "the listener for gates";
    Operators = "operators", "the operator's socket";
    Leases = "leases", "the watch over leases";
    Lists = "lists", "the watch over revocation lists";
    Answers = "answers", "the renewal of OCSP answers";
    Public = "public", "the public entrance";
    Inside = "inside", "the entrance inside the client VPN";
    Service = "service", "the entrance of the service";
    Letters = "letters", "the sender of letters";
    EndedAccounts = "ended-accounts", "the revocation for ended accounts";
    Applications = "applications", "the care for applications";
    Reports = "reports", "the care for report files";
    Vpn = "vpn", "the link to the client VPN";
    Accounts = "accounts", "the watch over accounts";
    VpnRecord = "vpn-record", "the record of the client VPN";
    Panicked = "panicked", "a part";
}

impl RunError {
    /// The words of it.
    pub fn words(&self) -> Words {
        match self {
            Self::File(fault) => fault.words().clone(),
            Self::Registry(error) => error.words(),
            Self::Authority(refused) => refused.words(),
            Self::Unsound(refused) => Trouble::Unsound { why: reasons(refused) }.words(),
            Self::System(error) => Trouble::System { said: error.to_string() }.words(),
            Self::Ended(part) => Trouble::Ended { part: Arg::Key(part.key().into()) }.words(),
        }
    }

    /// Whether the center had begun to serve.
    pub fn is_late(&self) -> bool {
        matches!(self, Self::Ended(_))
    }
}

impl From<issuing::Refused> for RunError {
    fn from(refused: issuing::Refused) -> Self {
        Self::Authority(Box::new(refused))
    }
}

/// Every reason, each as its own text.
pub(crate) fn reasons(refused: &connections::Refused) -> Arg {
    Arg::List(refused.reasons.iter().map(told).collect())
}

/// A reason behind its stable code, as a value of another text.
pub(crate) fn told(reason: &texts::Reason) -> Arg {
    let why = Arg::Told { key: reason.key.clone(), args: reason.args.clone() };
    Words::new("startup-reason", [("code", Arg::text(&reason.code)), ("why", why)]).what_arg()
}

#[cfg(test)]
mod tests {
    use super::*;
    use texts::{Lang, Texts};

    #[test]
    fn whatever_ends_the_center_has_text_and_mend_in_both_languages_x5() {
        assert_eq!(texts::lacking(Trouble::ALL, &[]), [""; 0]);
        assert_eq!(texts::lacking(Setting::ALL, &["place"]), [""; 0]);
        for texts in Lang::ALL.map(Texts::new) {
            for part in Part::ALL {
                assert!(texts.has(part.key()), "{}: {}", texts.lang(), part.key());
            }
        }
    }
}
