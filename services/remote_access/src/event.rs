//! What the operator's log gets to know: who came in, who was refused and why, who left and why.

use serde::{Deserialize, Serialize};
use texts::{Arg, Texts};

use crate::attempts::Refusal;
use crate::session::Session;

/// Something an operator may want to read.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// Somebody is in.
    Began(Session),
    /// Somebody is no longer in.
    Ended(Session, Ending),
    /// Somebody was not let in.
    Refused(Refusal),
}

macro_rules! codes {
    ($(#[$meta:meta])* $name:ident { $( $(#[doc = $doc:literal])* $variant:ident = $code:literal, )* }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
        pub enum $name {
            $( $(#[doc = $doc])* #[serde(rename = $code)] $variant, )*
        }
        impl $name {
            /// All there are.
            pub const ALL: &[Self] = &[$( Self::$variant, )*];
            /// Stable code.
            #[must_use]
            pub fn code(self) -> &'static str {
                match self { $( Self::$variant => $code, )* }
            }
        }
    };
}

codes! {
    /// Why somebody was not let in. Told to the operator; the client only learns that authentication failed, so that
    /// nobody finds out from outside which VPN-IDs there are.
    Cause {
        /// The machine showed no certificate.
        NoMachineCertificate = "V01",
        /// Its certificate is of none of our authorities.
        ForeignMachineCertificate = "V02",
        /// Its certificate was revoked.
        RevokedMachineCertificate = "V03",
        /// Its certificate is not valid yet or no longer.
        ExpiredMachineCertificate = "V04",
        /// No current revocation list tells about its certificate (fails closed).
        MachineStatusUnknown = "V05",
        /// The certificate is good, but of a machine that this account may not use.
        MachineOfAnother = "V06",
        /// There is no such VPN-ID.
        UnknownVpnId = "V11",
        /// The account is locked.
        LockedAccount = "V12",
        /// The account is closed.
        ClosedAccount = "V13",
        /// The VPN password is wrong.
        WrongPassword = "V14",
        /// strongSwan has just begun and does not have all accounts yet.
        NotReady = "V21",
        /// Something else failed; strongSwan's own log tells.
        Other = "V29",
    }
}

codes! {
    /// Why a session ended.
    Ending {
        /// The person disconnected, or the line died.
        Left = "E01",
        /// An operator cut it.
        Cut = "E02",
        /// Its account was locked.
        AccountLocked = "E03",
        /// Its account was closed or is gone.
        AccountClosed = "E04",
        /// The VPN password was changed.
        PasswordChanged = "E05",
        /// The machine's certificate was revoked.
        CertificateRevoked = "E06",
        /// The machine is not one that this account may use.
        MachineOfAnother = "E07",
        /// strongSwan ended.
        DaemonLost = "E08",
    }
}

impl Cause {
    /// What it means and what to do, for people.
    #[must_use]
    pub fn tell(self, texts: &Texts) -> String {
        texts.say(&format!("remote-access-cause-{}", self.code().to_ascii_lowercase()), &[])
    }
}

impl Ending {
    /// What it means, for people.
    #[must_use]
    pub fn tell(self, texts: &Texts) -> String {
        texts.say(&format!("remote-access-ending-{}", self.code().to_ascii_lowercase()), &[])
    }
}

impl Event {
    /// One line for people.
    #[must_use]
    pub fn tell(&self, texts: &Texts) -> String {
        let none = "–".to_owned();
        match self {
            Self::Began(session) => texts.say("remote-access-began", &session.facts()),
            Self::Ended(session, why) => {
                let mut facts = session.facts();
                facts.push(("why", Arg::text(why.tell(texts))));
                texts.say("remote-access-ended", &facts)
            }
            Self::Refused(refusal) => texts.say(
                "remote-access-refused",
                &[
                    ("code", Arg::text(refusal.cause.code())),
                    ("address", Arg::text(refusal.address.map_or(none.clone(), |a| a.to_string()))),
                    ("vpn", Arg::text(refusal.vpn_id.clone().unwrap_or(none.clone()))),
                    ("machine", Arg::text(refusal.machine.clone().unwrap_or(none))),
                    ("why", Arg::text(refusal.cause.tell(texts))),
                ],
            ),
        }
    }
}
