//! The algorithm profile for IKEv2 and ESP (G3): what is mandated, allowed or refused.
//!
//! Basis: RFC 8247 (IKEv2 algorithms), RFC 8221 (ESP), RFC 9395 (IKEv1 deprecated), CRYPTREC list.
//! Proposals are written in strongSwan's notation, `aes256gcm16-prfsha384-ecp256`.

/// Mandated IKE proposal: AES-256-GCM, HMAC-SHA2-384, P-256.
pub const IKE_PROPOSAL: &str = "aes256gcm16-prfsha384-ecp256";
/// Mandated ESP proposal: AES-256-GCM with a fresh P-256 exchange on every rekey (PFS).
pub const ESP_PROPOSAL: &str = "aes256gcm16-ecp256";
/// Lifetime of an IKE SA, seconds.
pub const IKE_LIFETIME: u32 = 8 * 3600;
/// Lifetime of a CHILD SA, seconds.
pub const CHILD_LIFETIME: u32 = 3600;
/// Packets after which a CHILD SA is rekeyed.
pub const CHILD_PACKETS: u64 = 1 << 32;
/// Seconds without traffic after which an on-demand SA ends.
pub const CHILD_IDLE: u32 = 300;
/// Smallest anti-replay window, packets.
pub const REPLAY_WINDOW: u32 = 128;

/// Which protocol a proposal is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// The IKE SA.
    Ike,
    /// A CHILD SA.
    Esp,
}

/// How far the profile accepts a proposal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Grade {
    /// All of it is mandated: use it by default.
    Mandated,
    /// Something in it is accepted only under the flag `compat`.
    Compatible,
}

/// Why a proposal or version is refused; `code` is stable.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {token}")]
pub struct AlgRefusal {
    /// `ALG_3DES`, `INTEG_SHA1_96`, `DH_GROUP2`, `IKE_V1`, …
    pub code: &'static str,
    /// The keyword, or what is missing.
    pub token: String,
}

/// Checks one or more comma-separated proposals; all of them must be acceptable, since a peer may
/// choose any. Returns the lowest grade, or every reason.
pub fn check_proposal(protocol: Protocol, proposals: &str) -> Result<Grade, Vec<AlgRefusal>> {
    let mut grade = Grade::Mandated;
    let mut refusals = Vec::new();
    for proposal in proposals.split(',') {
        match check_one(protocol, proposal.trim()) {
            Ok(one) => grade = grade.max(one),
            Err(reasons) => refusals.extend(reasons),
        }
    }
    if refusals.is_empty() { Ok(grade) } else { Err(refusals) }
}

/// Only IKEv2 (RFC 9395).
pub fn check_version(version: u8) -> Result<(), AlgRefusal> {
    match version {
        2 => Ok(()),
        1 => Err(AlgRefusal { code: "IKE_V1", token: "1".into() }),
        other => Err(AlgRefusal { code: "IKE_VERSION_UNKNOWN", token: other.to_string() }),
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Aead,
    Cipher,
    Integrity,
    Prf,
    KeyExchange,
    AdditionalKeyExchange,
    SequenceNumbers,
}

#[derive(Debug, Clone, Copy)]
enum Verdict {
    Use(Part, Grade),
    Refuse(Part, &'static str),
}

fn check_one(protocol: Protocol, proposal: &str) -> Result<Grade, Vec<AlgRefusal>> {
    let mut grade = Grade::Mandated;
    let mut refusals = Vec::new();
    let mut parts = Vec::new();
    let refuse = |refusals: &mut Vec<AlgRefusal>, code, token: &str| {
        refusals.push(AlgRefusal { code, token: token.to_owned() });
    };
    for token in proposal.split('-') {
        let verdict = judge(token, protocol);
        match verdict {
            Some(Verdict::Use(part, one)) => {
                grade = grade.max(one);
                parts.push(part);
            }
            Some(Verdict::Refuse(part, code)) => {
                refuse(&mut refusals, code, token);
                parts.push(part);
            }
            None => refuse(&mut refusals, "ALG_UNKNOWN", token),
        }
    }
    let has = |part| parts.contains(&part);
    if !has(Part::Aead) && !has(Part::Cipher) {
        refuse(&mut refusals, "ENCR_MISSING", proposal);
    }
    if has(Part::Cipher) && !has(Part::Integrity) {
        refuse(&mut refusals, "INTEG_MISSING", proposal);
    }
    // With a CBC cipher strongSwan derives the PRF from the integrity algorithm.
    if protocol == Protocol::Ike && has(Part::Aead) && !has(Part::Prf) {
        refuse(&mut refusals, "PRF_MISSING", proposal);
    }
    if !has(Part::KeyExchange) {
        let code = if protocol == Protocol::Ike { "DH_MISSING" } else { "PFS_MISSING" };
        refuse(&mut refusals, code, proposal);
    }
    if refusals.is_empty() { Ok(grade) } else { Err(refusals) }
}

fn judge(token: &str, protocol: Protocol) -> Option<Verdict> {
    use Grade::{Compatible, Mandated};
    use Part::{AdditionalKeyExchange, Aead, Cipher, Integrity, KeyExchange, Prf, SequenceNumbers};
    use Verdict::{Refuse, Use};
    Some(match token {
        "aes256gcm16" | "aes256gcm128" => Use(Aead, Mandated),
        "chacha20poly1305" => Use(Aead, Compatible),
        "aes256" | "aes256cbc" => Use(Cipher, Compatible),
        "aes128gcm16" | "aes128gcm128" | "aes192gcm16" | "aes192gcm128" => Refuse(Aead, "ENCR_KEY_LENGTH"),
        "aes" | "aes128" | "aes192" | "aes128cbc" | "aes192cbc" => Refuse(Cipher, "ENCR_KEY_LENGTH"),
        "3des" => Refuse(Cipher, "ALG_3DES"),
        "des" => Refuse(Cipher, "ALG_DES"),
        "null" => Refuse(Cipher, "ALG_NULL"),
        "rc5" => Refuse(Cipher, "ALG_RC5"),
        "blowfish" | "blowfish128" | "blowfish192" | "blowfish256" => Refuse(Cipher, "ALG_BLOWFISH"),
        "cast128" => Refuse(Cipher, "ALG_CAST"),
        "sha256" | "sha2_256" | "sha384" | "sha2_384" | "sha512" | "sha2_512" => Use(Integrity, Compatible),
        "md5" => Refuse(Integrity, "INTEG_MD5_96"),
        "sha" | "sha1" => Refuse(Integrity, "INTEG_SHA1_96"),
        "prfsha384" | "prfsha512" if protocol == Protocol::Ike => Use(Prf, Mandated),
        "prfsha256" if protocol == Protocol::Ike => Use(Prf, Compatible),
        "prfsha1" => Refuse(Prf, "PRF_SHA1"),
        "prfmd5" => Refuse(Prf, "PRF_MD5"),
        "ecp256" | "ecp384" | "x25519" | "curve25519" => Use(KeyExchange, Mandated),
        // MODP-2048 has 112-bit strength: CRYPTREC allows no new use of it after 2030.
        "modp2048" | "modp3072" | "modp4096" => Use(KeyExchange, Compatible),
        "modp768" => Refuse(KeyExchange, "DH_GROUP1"),
        "modp1024" => Refuse(KeyExchange, "DH_GROUP2"),
        "modp1536" => Refuse(KeyExchange, "DH_GROUP5"),
        "modp1024s160" => Refuse(KeyExchange, "DH_GROUP22"),
        "modp2048s224" => Refuse(KeyExchange, "DH_GROUP23"),
        "modp2048s256" => Refuse(KeyExchange, "DH_GROUP24"),
        "ke1_mlkem768" | "ke1_mlkem1024" => Use(AdditionalKeyExchange, Mandated),
        "ke1_mlkem512" => Refuse(AdditionalKeyExchange, "KE_MLKEM512"),
        "esn" | "noesn" if protocol == Protocol::Esp => Use(SequenceNumbers, Mandated),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn codes(protocol: Protocol, proposal: &str) -> Vec<&'static str> {
        check_proposal(protocol, proposal).map_or_else(|all| all.iter().map(|one| one.code).collect(), |_| vec![])
    }

    #[test]
    fn the_defaults_are_mandated() {
        assert_eq!(check_proposal(Protocol::Ike, IKE_PROPOSAL), Ok(Grade::Mandated));
        assert_eq!(check_proposal(Protocol::Esp, ESP_PROPOSAL), Ok(Grade::Mandated));
        assert_eq!(check_proposal(Protocol::Esp, "aes256gcm16-ecp384-esn"), Ok(Grade::Mandated));
        assert_eq!(check_version(2), Ok(()));
    }

    #[test]
    fn the_parameters_of_2007_are_refused_with_every_reason() {
        assert_eq!(codes(Protocol::Ike, "3des-sha1-modp1024"), ["ALG_3DES", "INTEG_SHA1_96", "DH_GROUP2"]);
        assert_eq!(codes(Protocol::Esp, "3des-sha1"), ["ALG_3DES", "INTEG_SHA1_96", "PFS_MISSING"]);
        assert_eq!(check_version(1).unwrap_err().code, "IKE_V1");
    }

    #[test]
    fn compatible_and_incomplete_proposals() {
        assert_eq!(check_proposal(Protocol::Ike, "aes256-sha256-modp3072"), Ok(Grade::Compatible));
        assert_eq!(
            check_proposal(Protocol::Ike, "aes256gcm16-prfsha384-ecp384,aes256-sha256-ecp256"),
            Ok(Grade::Compatible)
        );
        assert_eq!(codes(Protocol::Ike, "aes256gcm16-ecp256"), ["PRF_MISSING"]);
        assert_eq!(codes(Protocol::Ike, "aes256-ecp256"), ["INTEG_MISSING"]);
        assert_eq!(codes(Protocol::Ike, "aes256gcm16-prfsha384"), ["DH_MISSING"]);
        assert_eq!(codes(Protocol::Esp, "aes256gcm16"), ["PFS_MISSING"]);
        assert_eq!(codes(Protocol::Esp, "aes128gcm16-ecp256"), ["ENCR_KEY_LENGTH"]);
        assert_eq!(codes(Protocol::Esp, "null-sha256-ecp256"), ["ALG_NULL"]);
        assert_eq!(codes(Protocol::Ike, ""), ["ALG_UNKNOWN", "ENCR_MISSING", "DH_MISSING"]);
        assert_eq!(codes(Protocol::Ike, "default"), ["ALG_UNKNOWN", "ENCR_MISSING", "DH_MISSING"]);
        assert_eq!(codes(Protocol::Ike, "AES256GCM16-prfsha384-ecp256")[0], "ALG_UNKNOWN");
    }

    #[test]
    fn one_bad_proposal_among_good_ones_is_refused() {
        let mixed = format!("{IKE_PROPOSAL},3des-md5-modp768");
        assert_eq!(codes(Protocol::Ike, &mixed), ["ALG_3DES", "INTEG_MD5_96", "DH_GROUP1"]);
    }

    proptest! {
        #[test]
        fn arbitrary_text_never_panics_and_nothing_weak_passes(text in "[a-z0-9,_-]{0,40}") {
            if check_proposal(Protocol::Ike, &text).is_ok() {
                prop_assert!(!text.contains("des") && !text.contains("md5") && !text.contains("sha1"));
            }
        }
    }
}
