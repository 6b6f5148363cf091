//! What is wrong at a gate beyond a single file, for whoever started it (X5). The words are in core/texts, `startup.ftl`.

use equipment::Refusal;
use texts::{Arg, Words};

texts::faults! {
    /// What is wrong with a gate's configuration, certificates, kept state or switch.
    pub enum Fault in "gate" {
        /// Not one key in one place. [place]
        NoKey = "no-key" {}
        /// A key in a file and one in an element. [place]
        TwoKeys = "two-keys" {}
        /// The certificate would be refused by every peer. [place]
        NotAGate = "not-a-gate" { site: String, why: Arg }
        /// The certificate is another site's. [place]
        OtherSite = "other-site" { site: String, found: String }
        /// The secure element.
        Element = "element" { module: String, token: String, why: Arg, mend: Arg }
        /// The certificate is another key's. [place]
        OtherKey = "other-key" { key: String }
        /// What the TLS library says. [place]
        Tls = "tls" { said: String }
        /// The kept state cannot be read. [place]
        Damaged = "damaged" { said: String }
        /// The kept state breaks an invariant. [place]
        Unsound = "unsound" { why: Arg }
        /// A network namespace cannot be entered. [place]
        Namespace = "namespace" { said: String }
        /// No threads, no signals.
        System = "system" { said: String }
        /// The site's other gate is the active one.
        TakenOver = "taken-over" {}
        /// No state was kept. [place]
        NoState = "no-state" {}
        /// The switch's socket. [place]
        Socket = "socket" { said: String }
        /// What the switch says is not as it should be.
        Protocol = "protocol" { said: String }
        /// The switch says nothing.
        SilentSwitch = "silent-switch" {}
        /// Not a token, or not all of one.
        NotAToken = "not-a-token" {}
        /// A token for something else.
        OtherToken = "other-token" { label: String }
        /// A token for no site.
        NoSite = "no-site" { name: String }
        /// A token for no device.
        NoDevice = "no-device" { name: String }
        /// A provisional certificate without an element.
        ElementToo = "element-too" {}
        /// The gate's certificate is not there any more. [place]
        EnrollAgain = "enroll-again" {}
        /// The device's certificate is another key's, or names no device. [place]
        RegisterAgain = "register-again" {}
        /// No device's certificate is configured. [place]
        NoEquipment = "no-equipment" {}
        /// The center's papers.
        Papers = "papers" { said: String }
        /// Papers of another site.
        OtherPapers = "other-papers" { site: String, found: String }
        /// Papers that lack something.
        PapersLack = "papers-lack" { kind: String }
        /// Who says that they are the VPN operator is not believed.
        Operator = "operator" { why: Arg }
    }
}

/// Every reason why a certificate is not the gate's, as its own text.
pub(crate) fn of_certificate(refusals: &[pki::Refusal]) -> Arg {
    let told = |refusal: &pki::Refusal| {
        let facts = refusal.facts().into_iter().map(|(name, value)| (name, Arg::fact(name, value)));
        let bearer = [("bearer", Arg::Key("bearer-gate".into())), ("kind", Arg::text("gate"))];
        coded(refusal.code(), &Words::new(refusal.key(), facts.chain(bearer)))
    };
    Arg::List(refusals.iter().map(told).collect())
}

/// Every reason of the trust chain of equipment, as its own text.
pub(crate) fn of_equipment(refusals: &[Refusal]) -> Arg {
    let told = |refusal: &Refusal| coded(refusal.code(), &Words::new(refusal.key(), refusal.facts()));
    Arg::List(refusals.iter().map(told).collect())
}

/// A reason behind its stable code.
fn coded(code: &str, reason: &Words) -> Arg {
    Words::new("startup-reason", [("code", Arg::text(code)), ("why", reason.what_arg())]).what_arg()
}

/// What a proof was refuted with, as its own text.
pub(crate) fn of_proof(refutation: &verify::Refutation) -> Arg {
    let args = refutation.args().into_iter().map(|(name, text)| (name, Arg::Text(text)));
    coded(refutation.invariant.id(), &Words::new(refutation.key(), args))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_ends_the_gate_has_text_and_mend_in_both_languages_x5() {
        assert_eq!(texts::lacking(Fault::ALL, &["place"]), [""; 0]);
    }
}
