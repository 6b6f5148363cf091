//! Institutions sign their agreements each by itself, wherever they are (G12): what they send is judged by its
//! signatures, never by who brings it. With the second signature the agreement stands, without anybody's hand at the
//! center.

use audit::{Digest, Event};
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use decision::Cause;
use model::{Agreement, AgreementId, AgreementSignature, DocumentFault, InstitutionId, Section, Side, parse_document};
use pki::VerifiedInstitution;
use registry::Commit;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use texts::{Arg, Reason};

use crate::apply::apply_with;
use crate::{Center, Refused, Trouble};

/// How an agreement stands after it was sent in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signed {
    /// Which.
    pub agreement: AgreementId,
    /// Who has signed.
    pub by: Vec<Side>,
    /// Whether this time brought a signature.
    pub changed: bool,
}

/// Takes in agreements that somebody sent, with at least one new or known good signature each; all or nothing. An
/// agreement the center knows keeps its terms and the signatures it has.
///
/// # Errors
/// [`Refused`]: a document that is more than agreements, other terms under a known number, a signature that is not the
/// party's; also what `apply` refuses.
pub async fn countersign(center: &Center, name: &str, document: &str) -> Result<Vec<Signed>, Refused> {
    countersign_for(center, name, document, None, Commit::at(center.now())).await
}

/// The same as an institution brings it, with rows beside it in the same transaction, if there is anything new. Who
/// brings it admits nothing; it tells on whose side a fault lies.
///
/// # Errors
/// As [`countersign`].
pub async fn countersign_for(
    center: &Center,
    name: &str,
    document: &str,
    bearer: Option<&InstitutionId>,
    beside: Commit,
) -> Result<Vec<Signed>, Refused> {
    let wrong = |place: String, fault: &DocumentFault| Refused::because(vec![Trouble::fault(place, fault)]);
    let parsed = parse_document(name, document).map_err(|e| wrong(e.place(), &e.fault))?;
    let alone = parsed.institution.is_none() && parsed.site.is_none() && parsed.services.is_empty();
    let only_agreements = alone && parsed.checksheet.is_none();
    if parsed.agreements.is_empty() || !only_agreements {
        return Err(wrong(name.to_owned(), &DocumentFault::NotAgreementsAlone {}));
    }
    // Two parties may sign at the same moment; neither signature may be lost to the other.
    static ONE_AFTER_THE_OTHER: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());
    let _turn = ONE_AFTER_THE_OTHER.lock().await;
    let known = crate::applied_network(center).await;
    let (mut text, mut events, mut signed) = (String::new(), Vec::new(), Vec::new());
    for sent in parsed.agreements {
        let held = known.agreements.get(&sent.id);
        if held.is_some_and(|held| held.signed_bytes() != sent.signed_bytes()) {
            let args = [("agreement", Arg::text(&sent.id))];
            return Err(Refused::because(vec![Trouble::AgreementDiffers.reason(args)]));
        }
        if sent.signatures.is_empty() {
            return Err(wrong(sent.id.to_string(), &DocumentFault::NobodySigned {}));
        }
        let mut merged = held.cloned().unwrap_or_else(|| Agreement { signatures: Default::default(), ..sent.clone() });
        let mut changed = false;
        for (side, signature) in &sent.signatures {
            let (signer, signature) = good(center, &sent, *side, signature, bearer)?;
            if merged.signatures.contains_key(side) {
                continue;
            }
            merged.signatures.insert(*side, signature);
            changed = true;
            events.push(Event::AgreementSigned {
                agreement: sent.id.clone(),
                side: side.to_string(),
                institution: signer.id().to_owned(),
                certificate: Digest(*signer.certificate().fingerprint()),
                complete: merged.signatures.len() == 2,
            });
        }
        signed.push(Signed { agreement: sent.id.clone(), by: merged.signatures.keys().copied().collect(), changed });
        if changed {
            text.push_str(&written(&merged));
        }
    }
    if !events.is_empty() {
        let operator = "agreements that institutions signed".to_owned();
        let beside = beside.events(events);
        apply_with(center, vec![(name.to_owned(), text)], operator, beside, None).await?;
    }
    Ok(signed)
}

/// The signature is good now and its signer is the party. What comes back is what was judged and nothing else: text or a
/// key that stood beside the certificates is not kept, and whoever reads it later reads the same.
fn good(
    center: &Center,
    agreement: &Agreement,
    side: Side,
    signature: &AgreementSignature,
    bearer: Option<&InstitutionId>,
) -> Result<(VerifiedInstitution, AgreementSignature), Refused> {
    let party = agreement.party(side);
    // From who is not known, one signature alone is their own; of two, the one that is not good is the other's.
    let own = bearer.map_or(agreement.signatures.len() == 1, |bearer| bearer == party);
    let section = if own { Section::InHouseLan } else { Section::Peer };
    let not_good = |why: &str| {
        let why = Arg::Key(format!("signature-why-{why}"));
        let args = [("agreement", Arg::text(&agreement.id)), ("party", Arg::text(party)), ("why", why)];
        Trouble::SignatureNotGood.reason_in(section, args)
    };
    let refuse = |why| Refused::because(vec![not_good(why)]);
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(signature.certificate.as_bytes()).collect();
    let chain = chain.map_err(|_| refuse("chain"))?;
    let slices: Vec<&[u8]> = chain.iter().map(|der| der.as_ref()).collect();
    let trust = center.trust();
    let now = center.now().unix_seconds();
    let signer = pki::verify_institution(&slices, &trust.anchors, trust.revocation(), now).map_err(|refusals| {
        if refusals.iter().all(pki::Refusal::is_of_lists) {
            return Refused::because(vec![lists_are_late(agreement, party)]);
        }
        let because = decision::Denial::from_institution(&refusals, section);
        Refused::because([&[not_good("certificate")], because.reasons()].concat())
    })?;
    if signer.id() != party.as_str() {
        return Err(refuse("another"));
    }
    let value = BASE64.decode(signature.value.trim()).map_err(|_| refuse("value"))?;
    match trust.anchors.verify_detached(signer.certificate(), &agreement.signed_bytes(), &value) {
        Ok(()) => {
            let certificate = slices.iter().map(|der| pem(der)).collect();
            Ok((signer, AgreementSignature { certificate, value: BASE64.encode(&value) }))
        }
        Err(_) => Err(refuse("key")),
    }
}

/// A certificate as RFC 7468 §5 writes it.
fn pem(der: &[u8]) -> String {
    let text = BASE64.encode(der);
    let mut out = "-----BEGIN CERTIFICATE-----\n".to_owned();
    let mut rest = text.as_str();
    while let Some((line, more)) = rest.split_at_checked(64) {
        out.push_str(line);
        out.push('\n');
        rest = more;
    }
    if !rest.is_empty() {
        out.push_str(rest);
        out.push('\n');
    }
    out + "-----END CERTIFICATE-----\n"
}

/// Neither institution can mend that.
fn lists_are_late(agreement: &Agreement, party: &InstitutionId) -> Reason {
    let cause = Cause::SignerRevocationUnknown;
    let (section, note) = cause.sections()[0];
    let args = [("agreement", Arg::text(&agreement.id)), ("party", Arg::text(party))];
    Reason {
        code: cause.code().into(),
        section,
        key: cause.key().into(),
        note: Some(note.into()),
        args: args.map(|(name, arg)| (name.to_owned(), arg)).into(),
    }
}

/// The agreement as a document says it.
fn written(agreement: &Agreement) -> String {
    let mut text = format!(
        "[[agreement]]\nid = \"{}\"\nconsumer = \"{}\"\nprovider = \"{}\"\nservice = \"{}\"\nvalid_from = \"{}\"\n\
         valid_until = \"{}\"\n",
        agreement.id,
        agreement.consumer,
        agreement.provider,
        agreement.service,
        agreement.valid_from,
        agreement.valid_until
    );
    // A JSON string is a TOML basic string too, and nothing in it can end it: a chain may carry any text beside its PEM.
    let quoted = |text: &str| serde_json::Value::String(text.trim().to_owned()).to_string();
    for (side, signature) in &agreement.signatures {
        let (certificate, value) = (quoted(&signature.certificate), quoted(&signature.value));
        text.push_str(&format!("\n[agreement.signature.{side}]\ncertificate = {certificate}\nvalue = {value}\n"));
    }
    text.push('\n');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_is_written_in_lines_and_read_the_same() {
        for length in [1_usize, 2, 47, 48, 49, 96, 1000] {
            let der: Vec<u8> = (0..length).map(|n| n as u8).collect();
            let text = pem(&der);
            assert!(text.lines().all(|line| line.len() <= 64));
            let read: Vec<_> = CertificateDer::pem_slice_iter(text.as_bytes()).collect::<Result<_, _>>().unwrap();
            assert_eq!(read, [CertificateDer::from(der)]);
        }
    }
}
