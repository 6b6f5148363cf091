//! Judges the cards that are second factors: chain, revocation, signature (R5, N2).

use connections::{Center, Refused};
use portal::joining::{CardShown, Cards, Later};
use texts::Reason;

/// By the center's trust.
pub(super) struct Judge(pub Center);

impl Cards for Judge {
    fn judge<'a>(&'a self, shown: &'a CardShown) -> Later<'a, Result<String, Reason>> {
        Box::pin(async move {
            let about = vec![(pki::Purpose::HpkiAuthentication, shown.chain.clone())];
            let trust = self.0.trust_about(about).await;
            let chain: Vec<&[u8]> = shown.chain.iter().map(Vec::as_slice).collect();
            let refused = |refusals: &[pki::PersonRefusal]| first(decision::Denial::from_person(refusals));
            let person = pki::verify_person(&chain, &trust.anchors, trust.revocation(), self.0.now().unix_seconds())
                .map_err(|refusals| refused(&refusals))?;
            person.verify(&shown.message, &shown.signature).map_err(|refusal| refused(&[refusal]))?;
            Ok(person.fingerprint().iter().map(|byte| format!("{byte:02x}")).collect())
        })
    }
}

fn first(denial: decision::Denial) -> Reason {
    let reasons = Refused::from(denial).reasons;
    reasons.into_iter().next().unwrap_or_else(|| reception::Refused::WrongSecondFactor.reason())
}
