//! Attempts to come in, followed by what strongSwan says of them: why one failed, on which machine one succeeded.
//!
//! strongSwan 5.9 tells reasons only in words (its `alert` event is new in 6.0.3), each with the number of the IKE SA it
//! speaks of. Words are matched from their beginning, and what a client sent stands behind quotes in them, so a client cannot
//! speak for another. A test in the lab holds these words against the daemon's.

use std::collections::BTreeMap;
use std::net::IpAddr;

use crate::account::Standing;
use crate::event::Cause;

/// Somebody was not let in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Why.
    pub cause: Cause,
    /// From where, if it was seen.
    pub address: Option<IpAddr>,
    /// The VPN-ID it said, right or wrong; absent if it did not get so far.
    pub vpn_id: Option<String>,
    /// Distinguished name of the certificate it showed, proved or not.
    pub machine: Option<String>,
}

/// What a line meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Said {
    /// An attempt failed, or another wrong password was tried in it.
    Refused(Refusal),
    /// The IKE SA of this number stands.
    Established {
        /// strongSwan's number.
        number: u32,
        /// Distinguished name of the certificate whose possession was proved.
        machine: Option<String>,
    },
}

/// More attempts at a time than this are forgotten, oldest first: anybody on the Internet can begin one.
const MOST: usize = 4096;

/// The attempts under way.
#[derive(Debug, Default)]
pub struct Attempts(BTreeMap<u32, Attempt>);

#[derive(Debug, Default)]
struct Attempt {
    address: Option<IpAddr>,
    shown: Option<String>,
    proved: Option<String>,
    vpn_id: Option<String>,
    hint: Option<Cause>,
    without_secret: bool,
    told: bool,
}

impl Attempts {
    /// Takes a line in. `number`: of the IKE SA it speaks of. `standing`: of an account, by what the client called itself.
    pub fn line(&mut self, number: u32, line: &str, standing: impl Fn(&str) -> Option<Standing>) -> Option<Said> {
        let line = line.trim_start();
        if let Some(address) = line.strip_suffix(" is initiating an IKE_SA") {
            // Numbers begin anew when strongSwan does.
            self.0.insert(number, Attempt { address: address.parse().ok(), ..Attempt::default() });
            if self.0.len() > MOST {
                self.0.pop_first();
            }
            return None;
        }
        let attempt = self.0.get_mut(&number)?;
        if let Some(subject) = quoted(line, "using certificate \"", '"') {
            attempt.shown = Some(subject.to_owned());
        } else if line.starts_with("authentication of '") && line.ends_with("successful") {
            // EAP proves the person: only what a certificate proved is a machine. The server's own says "(myself)".
            if !line.contains("' (myself) ") && !line.ends_with("' with EAP successful") {
                attempt.proved = attempt.shown.clone();
            }
        } else if let Some(name) = quoted(line, "received EAP identity '", '\'') {
            attempt.vpn_id = Some(name.to_owned());
        } else if line.starts_with("no EAP key found for hosts ") {
            attempt.without_secret = true;
        } else if line.starts_with("switching to peer config ") {
            attempt.hint = None;
        } else if let Some(cause) = hint(line) {
            // The first reason is the nearest: what follows only says that authentication failed.
            attempt.hint.get_or_insert(cause);
        } else if line.starts_with("EAP-MS-CHAPv2 verification failed") {
            attempt.told = true;
            let cause = match (attempt.without_secret, attempt.vpn_id.as_deref().and_then(standing)) {
                (false, _) => Cause::WrongPassword,
                (true, None) => Cause::UnknownVpnId,
                (true, Some(Standing::Locked)) => Cause::LockedAccount,
                (true, Some(Standing::Closed)) => Cause::ClosedAccount,
                (true, Some(Standing::Open)) => Cause::NotReady,
            };
            return Some(Said::Refused(attempt.refusal(cause)));
        } else if line.starts_with("IKE_SA ") && line.contains(" established between ") {
            let machine = self.0.remove(&number).and_then(|done| done.proved);
            return Some(Said::Established { number, machine });
        } else if fails(line) {
            let attempt = self.0.remove(&number)?;
            let cause = attempt.hint.unwrap_or(Cause::Other);
            return (!attempt.told).then(|| Said::Refused(attempt.refusal(cause)));
        }
        None
    }

    /// Nothing is under way any more: strongSwan ended.
    pub fn clear(&mut self) {
        self.0.clear();
    }
}

impl Attempt {
    fn refusal(&self, cause: Cause) -> Refusal {
        Refusal { cause, address: self.address, vpn_id: self.vpn_id.clone(), machine: self.shown.clone() }
    }
}

fn hint(line: &str) -> Option<Cause> {
    let words = [
        ("certificate was revoked on ", Cause::RevokedMachineCertificate),
        ("no issuer certificate found for ", Cause::ForeignMachineCertificate),
        ("subject certificate invalid (valid from ", Cause::ExpiredMachineCertificate),
        ("constraint check failed: RULE_CRL_VALIDATION ", Cause::MachineStatusUnknown),
        ("constraint check failed: RULE_OCSP_VALIDATION ", Cause::MachineStatusUnknown),
        // A good certificate, but of an authority that is not for machines.
        ("constraint check failed: peer not authenticated by CA ", Cause::ForeignMachineCertificate),
        ("peer requested EAP, config un", Cause::NoMachineCertificate),
        ("peer requested EAP, config in", Cause::NoMachineCertificate),
    ];
    words.into_iter().find_map(|(words, cause)| line.starts_with(words).then_some(cause))
}

/// The answer that ends an attempt: AUTHENTICATION_FAILED (RFC 7296 §3.10.1) or EAP-Failure.
fn fails(line: &str) -> bool {
    line.starts_with("generating IKE_AUTH response ")
        && (line.contains(" N(AUTH_FAILED) ") || line.contains(" EAP/FAIL "))
}

fn quoted<'a>(line: &'a str, before: &str, end: char) -> Option<&'a str> {
    line.strip_prefix(before)?.strip_suffix(end)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const BEGIN: &str = "192.0.2.20 is initiating an IKE_SA";
    const AUTH_FAILED: &str = "generating IKE_AUTH response 1 [ N(AUTH_FAILED) ]";
    const ESTABLISHED: &str =
        "IKE_SA clients-checked[7] established between 192.0.2.10[vpn.center.test]...192.0.2.20[V000001]";

    fn accounts(name: &str) -> Option<Standing> {
        match name {
            "V000001" => Some(Standing::Open),
            "V000003" => Some(Standing::Locked),
            "V000004" => Some(Standing::Closed),
            _ => None,
        }
    }

    fn play(lines: &[&str]) -> Vec<Said> {
        let mut attempts = Attempts::default();
        lines.iter().filter_map(|line| attempts.line(7, line, accounts)).collect()
    }

    fn causes(lines: &[&str]) -> Vec<Cause> {
        let refused = play(lines).into_iter().filter_map(|said| match said {
            Said::Refused(refusal) => Some(refusal.cause),
            Said::Established { .. } => None,
        });
        refused.collect()
    }

    // Lines as strongSwan 5.9.8 wrote them.
    #[test]
    fn a_revoked_certificate() {
        let lines = [
            BEGIN,
            "received end entity cert \"C=JP, O=TEST, CN=pc2\"",
            "selected peer config 'clients-checked'",
            "  using certificate \"C=JP, O=TEST, CN=pc2\"",
            "  using trusted ca certificate \"C=JP, O=TEST, CN=ca\"",
            "checking certificate status of \"C=JP, O=TEST, CN=pc2\"",
            "  using trusted certificate \"C=JP, O=TEST, CN=ca\"",
            "certificate was revoked on Nov 21 13:31:01 UTC 2026, reason: unspecified",
            "no trusted ECDSA public key found for 'C=JP, O=TEST, CN=pc2'",
            AUTH_FAILED,
        ];
        let expected = Refusal {
            cause: Cause::RevokedMachineCertificate,
            address: Some("192.0.2.20".parse().unwrap()),
            vpn_id: None,
            machine: Some("C=JP, O=TEST, CN=pc2".into()),
        };
        assert_eq!(play(&lines), [Said::Refused(expected)]);
    }

    #[test]
    fn other_faults_of_a_certificate() {
        let with = |line| causes(&[BEGIN, "  using certificate \"CN=x\"", line, AUTH_FAILED]);
        assert_eq!(with("no issuer certificate found for \"CN=x\""), [Cause::ForeignMachineCertificate]);
        assert_eq!(
            with("constraint check failed: RULE_CRL_VALIDATION is FAILED, but requires at least GOOD"),
            [Cause::MachineStatusUnknown]
        );
        assert_eq!(
            with("subject certificate invalid (valid from Nov 21 to Nov 22)"),
            [Cause::ExpiredMachineCertificate]
        );
        assert_eq!(with("peer requested EAP, config unacceptable"), [Cause::NoMachineCertificate]);
        assert_eq!(with("something new"), [Cause::Other]);
    }

    #[test]
    fn a_client_that_may_come_without_a_machine_is_not_refused() {
        let lines = [
            BEGIN,
            "peer requested EAP, config unacceptable",
            "switching to peer config 'clients-unchecked'",
            ESTABLISHED,
        ];
        assert_eq!(play(&lines), [Said::Established { number: 7, machine: None }]);
    }

    #[test]
    fn every_wrong_password_counts_once() {
        let lines = [
            BEGIN,
            "received EAP identity 'V000001'",
            "EAP-MS-CHAPv2 verification failed, retry (1)",
            "EAP-MS-CHAPv2 verification failed, retry (2)",
            "EAP-MS-CHAPv2 verification failed: tried too often",
            "generating IKE_AUTH response 6 [ EAP/FAIL ]",
        ];
        assert_eq!(causes(&lines), [Cause::WrongPassword; 3]);
    }

    #[test]
    fn names_without_a_secret_are_told_apart() {
        let who = |name: &str| {
            causes(&[
                BEGIN,
                &format!("received EAP identity '{name}'"),
                &format!("no EAP key found for hosts 'vpn.center.test' - '{name}'"),
                "EAP-MS-CHAPv2 verification failed, retry (1)",
            ])
        };
        assert_eq!(who("V999999"), [Cause::UnknownVpnId]);
        assert_eq!(who("V000003"), [Cause::LockedAccount]);
        assert_eq!(who("V000004"), [Cause::ClosedAccount]);
        assert_eq!(who("V000001"), [Cause::NotReady]);
        assert_eq!(who("' with EAP successful"), [Cause::UnknownVpnId]);
    }

    #[test]
    fn the_machine_is_the_one_that_was_proved() {
        let lines = [
            BEGIN,
            "  using certificate \"CN=shown first\"",
            "no trusted ECDSA public key found for 'CN=shown first'",
            "  using certificate \"CN=pc1\"",
            "authentication of 'CN=pc1' with ECDSA_WITH_SHA256_DER successful",
            "authentication of 'vpn.center.test' (myself) with ECDSA_WITH_SHA256_DER successful",
            "authentication of 'V000001' with EAP successful",
            ESTABLISHED,
        ];
        assert_eq!(play(&lines), [Said::Established { number: 7, machine: Some("CN=pc1".into()) }]);
        let shown_only =
            [BEGIN, "  using certificate \"CN=pc1\"", "authentication of 'V000001' with EAP successful", ESTABLISHED];
        assert_eq!(play(&shown_only), [Said::Established { number: 7, machine: None }]);
    }

    #[test]
    fn only_the_newest_are_remembered() {
        let mut attempts = Attempts::default();
        for number in 0..10_000 {
            attempts.line(number, BEGIN, accounts);
        }
        assert_eq!(attempts.0.len(), MOST);
        assert_eq!(attempts.line(1, AUTH_FAILED, accounts), None);
        assert!(attempts.line(9_999, AUTH_FAILED, accounts).is_some());
    }

    proptest! {
        #[test]
        fn no_line_panics_and_no_name_speaks_for_the_daemon(name in "\\PC{0,40}", noise in "\\PC{0,80}") {
            let said = play(&[BEGIN, &noise, &format!("received EAP identity '{name}'"), AUTH_FAILED]);
            prop_assert!(said.len() <= 2);
            let said = play(&[BEGIN, &format!("received EAP identity '{name}'"), AUTH_FAILED]);
            let expected = Refusal {
                cause: Cause::Other,
                address: Some("192.0.2.20".parse().unwrap()),
                vpn_id: Some(name),
                machine: None,
            };
            prop_assert_eq!(said, [Said::Refused(expected)]);
        }
    }
}
