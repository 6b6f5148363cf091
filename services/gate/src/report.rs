//! What the device says of itself to the registration centre (G1): only what it has just tried, signed with its first-tier
//! key, and brought where certificates are fetched.

use std::collections::BTreeSet;

use applications::Store;
use enrolment::{Client, Failure, Key, ServerTrust};
use equipment::{
    DeviceFact, DeviceReport, Permit, Refusal, Signature, SignedOperator, SignedPermit, SignedReport, verify_operator,
    verify_permit,
};
use model::Timestamp;
use std::path::Path;
use wire::enrolment::{DEVICE_REPORT, OPERATOR};

use crate::config::Config;
use crate::enroll::{EnrollError, Layout, certificates};
use crate::{applications as own, fault, first_tier};

/// What can be tried only before this process gives its PIN: whether the element does anything without it.
pub(crate) fn asks_for_its_pin(layout: &Layout) -> bool {
    let Some(element) = &layout.element else { return false };
    let tried =
        keys::driver(&element.module).map(|driver| driver.works_without_pin(&element.token, first_tier::EQUIPMENT));
    matches!(tried, Ok(Ok(Some(false))))
}

/// Finds out what holds, and tells it. Nothing to do on a machine that is no registered device.
///
/// # Errors
/// [`EnrollError`]; a center that keeps no equipment refuses.
pub(crate) async fn send(
    url: &str,
    trust: &ServerTrust,
    layout: &Layout,
    asks_for_its_pin: bool,
    (config, now): (&Config, Timestamp),
    language: &str,
) -> Result<(), EnrollError> {
    let Some((chain, key)) = first_tier::shown(layout)? else { return Ok(()) };
    let told = |said: String| EnrollError::papers(fault::Fault::Papers { said });
    let device = own::device(config).map_err(|e| told(e.to_string()))?;
    let mut client = Client::reach(url, trust, None, language).await?;
    let authority = layout.folder.join(format!("gate-{}/gate-ca.pem", config.site));
    let provider = provider_stands(&mut client, &authority, &device, now).await?;
    let mut facts = BTreeSet::new();
    let mut holds = |fact: DeviceFact, it: bool| it.then(|| facts.insert(fact));
    holds(DeviceFact::OperatorVerified, provider);
    holds(DeviceFact::AccessControlled, asks_for_its_pin);
    holds(DeviceFact::IdInElement, id_is_inside(&key, chain.first())?);
    let store = Store::open(&own::folder(config)).map_err(|e| told(e.to_string()))?;
    let run = |name| store.check(name, &device, now).map(drop);
    holds(DeviceFact::ApplicationsPermitted, store.installed().all(|(name, _)| run(name).is_ok()));
    let permits: Vec<SignedPermit> = store.installed().map(|(_, one)| one.permit.clone()).collect();
    drop(store);
    holds(DeviceFact::PermitsVerified, permits_count(&permits, &device, now));
    let report = DeviceReport { device: device.id, at: now, facts };
    let signature = Signature::new(&chain, &key.sign(&report.signed_bytes())?);
    let text = SignedReport { report, signature }.to_toml();
    client.post(DEVICE_REPORT, "application/toml", text.into_bytes()).await?;
    Ok(())
}

/// Whether a VPN operator that the registration authority certified stands for this authority of gate certificates, found
/// out now. False where nobody says so, and where the registration authority's list is too old to know: a site does not stop
/// because a person far away is late.
///
/// # Errors
/// [`EnrollError::Papers`] if somebody says so who may not: nothing is to be taken from there.
pub(crate) async fn provider_stands(
    client: &mut Client,
    authority: &Path,
    device: &applications::Device,
    now: Timestamp,
) -> Result<bool, EnrollError> {
    let text = client.get(OPERATOR).await?;
    if text.is_empty() {
        return Ok(false);
    }
    let own = certificates(authority)?.first().and_then(|der| pki::Certificate::parse(der).ok());
    let own = own.ok_or_else(|| files::Fault::of(authority, fault::Fault::EnrollAgain {}))?;
    let refused =
        |refusals: Vec<Refusal>| EnrollError::papers(fault::Fault::Operator { why: fault::of_equipment(&refusals) });
    let signed = SignedOperator::from_toml(&String::from_utf8_lossy(&text)).map_err(|one| refused(vec![one]))?;
    match verify_operator(&signed, &own, &device.anchors, &device.lists, now) {
        Ok(_) => Ok(true),
        Err(refusals) if refusals.iter().all(unknown) => Ok(false),
        Err(refusals) => Err(refused(refusals)),
    }
}

/// Only says that nobody can know whether the operator was revoked.
fn unknown(refusal: &Refusal) -> bool {
    matches!(refusal, Refusal::Signer(refusal) if refusal.is_of_lists())
}

/// The certificate that names the id lies in the element, beside its key, which the element does not give out.
fn id_is_inside(key: &Key, certificate: Option<&Vec<u8>>) -> Result<bool, Failure> {
    let Some(token) = key.token() else { return Ok(false) };
    Ok(token.certificate()?.as_ref() == certificate && token.stays_inside()?)
}

/// Those that verify are taken, and the same with another number is not: tried, so there must be one.
fn permits_count(permits: &[SignedPermit], device: &applications::Device, now: Timestamp) -> bool {
    let taken = |permit: &SignedPermit| verify_permit(permit, &device.id, &device.anchors, &device.lists, now).is_ok();
    let forged = |permit: &SignedPermit| {
        let number = format!("{:.60}-x", permit.permit.number.as_str()).parse();
        let number = number.unwrap_or_else(|_| permit.permit.number.clone());
        SignedPermit { permit: Permit { number, ..permit.permit.clone() }, signature: permit.signature.clone() }
    };
    permits.iter().any(|permit| taken(permit) && !taken(&forged(permit)))
}
