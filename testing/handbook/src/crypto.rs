//! The algorithm profile. Which keywords are shown is chosen here; the verdict on each is `pki::ike_profile`'s.

use pki::ike_profile::{
    CHILD_LIFETIME, CHILD_PACKETS, ESP_PROPOSAL, Grade, IKE_LIFETIME, IKE_PROPOSAL, Protocol, REPLAY_WINDOW,
    check_proposal, check_version,
};

use crate::page::{head, table};

/// Keyword and the proposal that holds it and is otherwise mandated.
const AEAD: &[&str] = &["aes256gcm16", "chacha20poly1305", "aes128gcm16", "aes192gcm16"];
const CIPHER: &[&str] = &["aes256", "aes128", "aes192", "3des", "des", "null", "rc5", "blowfish", "cast128"];
const INTEGRITY: &[&str] = &["sha256", "sha384", "sha512", "sha1", "md5"];
const PRF: &[&str] = &["prfsha384", "prfsha512", "prfsha256", "prfsha1", "prfmd5"];
const EXCHANGE: &[&str] = &[
    "ecp256",
    "ecp384",
    "x25519",
    "modp2048",
    "modp3072",
    "modp4096",
    "modp768",
    "modp1024",
    "modp1536",
    "modp1024s160",
    "modp2048s224",
    "modp2048s256",
];
const ADDITIONAL: &[&str] = &["ke1_mlkem768", "ke1_mlkem1024", "ke1_mlkem512"];

pub(crate) fn page() -> String {
    let mut out = head("Cryptographic profile", "暗号プロファイル", "`pki::ike_profile`");
    out.push_str(&format!(
        "\n| what | value |\n| --- | --- |\n| IKE proposal | `{IKE_PROPOSAL}` |\n| ESP proposal | `{ESP_PROPOSAL}` |\n\
         | lifetime of an IKE SA | {IKE_LIFETIME} s |\n| lifetime of a CHILD SA | {CHILD_LIFETIME} s or {CHILD_PACKETS} packets |\n\
         | smallest anti-replay window | {REPLAY_WINDOW} packets |\n"
    ));
    let versions = [1, 2].map(|v| match check_version(v) {
        Ok(()) => format!("IKEv{v}: accepted"),
        Err(refusal) => format!("IKEv{v}: refused, `{}`", refusal.code),
    });
    out.push_str(&format!(
        "\n{}. Below, *compatible* means accepted only where compatibility is asked for.\n",
        versions.join("; ")
    ));
    let whole = [
        ("Encryption with integrity", AEAD, "{}-prfsha384-ecp256"),
        ("Encryption alone", CIPHER, "{}-sha384-ecp256"),
        ("Integrity", INTEGRITY, "aes256-{}-ecp256"),
        ("Pseudo-random function", PRF, "aes256gcm16-{}-ecp256"),
        ("Key exchange", EXCHANGE, "aes256gcm16-prfsha384-{}"),
        ("Additional key exchange", ADDITIONAL, "aes256gcm16-prfsha384-ecp256-{}"),
    ];
    for (title, keywords, pattern) in whole {
        out.push_str(&format!("\n## {title}\n"));
        out.push_str(&table(
            &["keyword", "in IKE"],
            keywords.iter().map(|keyword| vec![format!("`{keyword}`"), verdict(&pattern.replace("{}", keyword))]),
        ));
    }
    out
}

fn verdict(proposal: &str) -> String {
    match check_proposal(Protocol::Ike, proposal) {
        Ok(Grade::Mandated) => "mandated".into(),
        Ok(Grade::Compatible) => "compatible".into(),
        Err(refusals) => {
            let codes: Vec<String> = refusals.iter().map(|r| format!("`{}`", r.code)).collect();
            format!("refused, {}", codes.join(" "))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_keyword_shown_is_unknown_to_the_profile() {
        let page = page();
        assert!(!page.contains("ALG_UNKNOWN") && !page.contains("_MISSING"), "{page}");
        assert!(page.contains("`ALG_3DES`") && page.contains("`IKE_V1`"));
    }
}
