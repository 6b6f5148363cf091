//! The catalogue of reasons: declared once, here; texts, documentation and tests are held against it.

use model::Section;

use Section::{AccessLine, InHouseLan, Operator, Peer, Service, Terminal};

macro_rules! causes {
    ($($code:literal $name:ident, $key:literal, [$($section:ident $note:literal),+], $doc:literal;)+) => {
        /// Why a connection is not permitted. Codes are stable: never reused, never renumbered.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Cause {
            $(#[doc = concat!($code, ": ", $doc)] $name,)+
        }

        impl Cause {
            /// Every cause, by code.
            pub const ALL: &'static [Self] = &[$(Self::$name),+];

            /// The stable code, e.g. `D017`.
            pub fn code(self) -> &'static str {
                match self { $(Self::$name => $code,)+ }
            }

            /// Key of its text; the remedy is this with `-do`.
            pub fn key(self) -> &'static str {
                match self { $(Self::$name => concat!("denied-", $key),)+ }
            }

            /// The sections it can lie in (N12), each with the key of the text that says who answers for it. Several
            /// where it depends on which institution the fault is at.
            pub fn sections(self) -> &'static [(Section, &'static str)] {
                match self { $(Self::$name => &[$(($section, $note)),+],)+ }
            }

            /// What it means, for the documentation.
            pub fn doc(self) -> &'static str {
                match self { $(Self::$name => $doc,)+ }
            }
        }
    };
}

causes! {
    "D001" ServiceUnknown, "service-unknown", [Service "whose-catalogue"],
        "No service of this id is described in the network.";
    "D002" SiteUnknown, "site-unknown", [Operator "whose-sites"],
        "The terminal's site is not described in the network.";
    "D003" HostUnknown, "host-unknown", [InHouseLan "whose-own-terminals"],
        "The terminal's site has no such host.";
    "D004" NotATerminal, "not-a-terminal", [InHouseLan "whose-own-terminals"],
        "The host is registered, but not as a terminal of people.";
    "D005" DeviceMismatch, "device-mismatch", [Terminal "whose-device"],
        "The device certificate names another host or site than the request.";
    "D006" RequestNotConfirmed, "request-not-confirmed", [Terminal "whose-person"],
        "The card's answer was given for another request.";
    "D007" ServiceHostMissing, "service-host-missing", [Peer "whose-peer-host"],
        "The service's host is not described at the provider's site.";
    "D008" ServiceNotOfProvider, "service-not-of-provider", [Operator "whose-documents"],
        "The service's host stands at a site of another institution than the one that offers the service.";
    "D009" SameSite, "same-site", [InHouseLan "whose-own-network"],
        "Terminal and service stand at one site: no tunnel is needed, in-house rules apply (G8).";
    "D010" SameInstitution, "same-institution", [InHouseLan "whose-own-network"],
        "Both sites belong to one institution: an agreement needs two (G12).";
    "D016" RoleUnrecognised, "role-unrecognised", [Terminal "whose-person"],
        "The card's qualification is not one this product knows; it carries no privileges (N2).";
    "D017" RoleNotAdmitted, "role-not-admitted", [Peer "whose-peer-roles"],
        "The service does not admit the qualification of the card (N2).";
    "D020" NoAllowRule, "no-allow-rule", [InHouseLan "whose-own-policy"],
        "The site's whitelist has no rule for the service (N1).";
    "D021" AllowNotThisTerminal, "allow-not-this-terminal", [InHouseLan "whose-own-policy"],
        "The site's whitelist allows the service, but not from this terminal (N1).";
    "D022" AllowNotThisRole, "allow-not-this-role", [InHouseLan "whose-own-policy"],
        "The site's whitelist allows the service, but not to this qualification (N1).";
    "D023" AllowNotTogether, "allow-not-together", [InHouseLan "whose-own-policy"],
        "The site's whitelist names this terminal and this qualification for the service, but in no rule together (N1).";
    "D030" NoAgreement, "no-agreement", [InHouseLan "whose-both-agree"],
        "The two institutions have no agreement about the service (G12).";
    "D031" SignatureMissing, "signature-missing", [InHouseLan "whose-own-signature", Peer "whose-peer-signature"],
        "The agreement is not signed by this side (G12).";
    "D032" SignatureInvalid, "signature-invalid", [InHouseLan "whose-own-signature", Peer "whose-peer-signature"],
        "The signature does not fit the agreement: one of the two was changed, or it is unreadable (G12).";
    "D033" SignerNotValidNow, "signer-not-valid-now", [InHouseLan "whose-own-signature", Peer "whose-peer-signature"],
        "The signing certificate is expired or not yet valid.";
    "D034" SignerRevoked, "signer-revoked", [InHouseLan "whose-own-signature", Peer "whose-peer-signature"],
        "The signing certificate is revoked.";
    "D035" SignerIsAnother, "signer-is-another", [InHouseLan "whose-own-signature", Peer "whose-peer-signature"],
        "The signing certificate is not that of the institution on this side.";
    "D036" SignerNotTrusted, "signer-not-trusted", [InHouseLan "whose-own-signature", Peer "whose-peer-signature"],
        "The signing certificate is malformed, of a wrong kind, or leads to no trust anchor.";
    "D037" SignerRevocationUnknown, "signer-revocation-unknown", [Operator "whose-revocation-lists"],
        "No fresh revocation list covers the signing certificate: refused until there is one.";
    "D038" AgreementNotYetValid, "agreement-not-yet-valid", [InHouseLan "whose-both-agree"],
        "The agreement does not hold yet.";
    "D039" AgreementExpired, "agreement-expired", [InHouseLan "whose-both-agree"],
        "The agreement holds no longer.";
    "D040" OutsideHours, "outside-hours", [Service "whose-hours"],
        "It is outside the service's daily window (Japan time).";
    "D041" NotBooked, "not-booked", [Service "whose-hours"],
        "The service may be used in booked windows only, and none is now (N8).";
    "D042" DeviceKindNotAdmitted, "device-kind-not-admitted", [Peer "whose-peer-conditions"],
        "The service does not admit terminals of this kind (N8).";
    "D043" OriginZoneNotAdmitted, "origin-zone-not-admitted", [Peer "whose-peer-conditions"],
        "The service does not admit terminals of this zone (G8).";
    "D044" ChecksheetMissing, "checksheet-missing", [InHouseLan "whose-own-checksheet", Peer "whose-peer-checksheet"],
        "The site on this side has no checksheet of its model (G12, items 1-1-1 to 1-1-3 of the other side's).";
    "D045" ChecksheetFails, "checksheet-fails", [InHouseLan "whose-own-checksheet", Peer "whose-peer-checksheet"],
        "The checksheet of the site on this side does not pass (G12, items 1-1-1 to 1-1-3 of the other side's).";
    "D050" ZoneForbidsOrigin, "zone-forbids-origin", [InHouseLan "whose-own-zones"],
        "The terminal's zone may not originate toward other sites, or only through a proxy (G8).";
    "D051" ZoneForbidsDestination, "zone-forbids-destination", [Peer "whose-peer-zones"],
        "The zone of the service's host may not be reached from other sites, or only through a proxy (G8).";
    "D060" OwnGateDisconnected, "own-gate-disconnected", [AccessLine "whose-own-line"],
        "The gate of the terminal's site has no link to the center.";
    "D061" PeerGateDisconnected, "peer-gate-disconnected", [Peer "whose-peer-gate"],
        "The gate of the service's site has no link to the center.";
    "D062" OwnGateRevoked, "own-gate-revoked", [InHouseLan "whose-own-gate"],
        "The certificate of the gate of the terminal's site is revoked (G1).";
    "D063" PeerGateRevoked, "peer-gate-revoked", [Peer "whose-peer-gate"],
        "The certificate of the gate of the service's site is revoked (G1).";
    "D070" AlreadyOpen, "already-open", [Terminal "whose-person"],
        "The service is already open from this terminal.";
    "D071" NoTimeLeft, "no-time-left", [Terminal "whose-person"],
        "A certificate, the agreement or the window ends at this instant: nothing is left to lease.";
    "D072" ExclusiveInUse, "exclusive-in-use", [InHouseLan "whose-own-lines"],
        "A service that tolerates no other on its circuit is open at this site (N8).";
    "D073" ApprovalNeeded, "approval-needed", [Peer "whose-peer-approval"],
        "Somebody at the provider must agree first (N8).";
    "D074" ApprovalRefused, "approval-refused", [Peer "whose-peer-approval"],
        "Somebody at the provider did not agree (N8).";
    "D075" SessionOver, "session-over", [Terminal "whose-person"],
        "The person's session at this terminal is over.";
    "D076" CutByOperator, "cut-by-operator", [Operator "whose-operator-cut"],
        "An operator cut this; it opens again only for somebody who signs in anew (G14).";
    "D080" ApproverNotOfProvider, "approver-not-of-provider", [Terminal "whose-person"],
        "Who wants to agree sits at a terminal of another institution than the provider.";
    "D081" ApproverRole, "approver-role", [Peer "whose-peer-roles"],
        "The service does not let this qualification agree.";
    "D082" ApproverIsAsker, "approver-is-asker", [Terminal "whose-person"],
        "Nobody agrees to what they asked for themselves.";
    "D083" ApprovalNotAsked, "approval-not-asked", [Service "whose-catalogue"],
        "The service needs nobody's approval.";
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use texts::{Lang, Texts};

    #[test]
    fn codes_and_keys_are_unique_and_in_order() {
        let codes: Vec<_> = Cause::ALL.iter().map(|c| c.code()).collect();
        assert!(codes.is_sorted() && codes.iter().collect::<BTreeSet<_>>().len() == codes.len());
        assert_eq!(Cause::ALL.iter().map(|c| c.key()).collect::<BTreeSet<_>>().len(), codes.len());
    }

    #[test]
    fn every_cause_has_text_remedy_and_notes_in_both_languages_x5() {
        for lang in Lang::ALL {
            let texts = Texts::new(lang);
            for cause in Cause::ALL {
                assert!(texts.has(cause.key()), "{lang}: {}", cause.key());
                assert!(texts.has(&format!("{}-do", cause.key())), "{lang}: {}-do", cause.key());
                for (_, note) in cause.sections() {
                    assert!(texts.has(note), "{lang}: {note}");
                }
            }
        }
    }
}
