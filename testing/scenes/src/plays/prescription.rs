//! (f) A doctor writes a prescription and has it signed; a pharmacist reads and dispenses it, each from their own site.

use crate::farend::{FarEnd, PrescriptionServer, RemoteSigning};
use crate::play::{Play, Told, product};
use serde_json::{Value, json};

const PRESCRIBE: &str = "clinic/exam-1 → platform/rx-srv tcp/443";
const SIGNING: &str = "clinic/exam-1 → platform/sign-srv tcp/443";
const DISPENSE: &str = "pharmacy/counter-1 → platform/rx-srv tcp/8443";

pub(super) fn tell(play: &mut Play<'_>) -> Told {
    let signing = RemoteSigning::new().map_err(product)?;
    let server = PrescriptionServer::new(signing.public());
    let clients = play.papers.ca_pem.clone();
    let (rx, sign) = (play.netns("platform/rx-srv")?, play.netns("platform/sign-srv")?);
    let (rx_papers, sign_papers) = (play.server_papers("platform/rx-srv")?, play.server_papers("platform/sign-srv")?);
    let serve = |netns, port, papers, handler| FarEnd::serve(netns, port, papers, Some(&clients), handler);
    let _prescribe = serve(&rx, 443, &rx_papers, server.prescribe()).map_err(product)?;
    let _dispense = serve(&rx, 8443, &rx_papers, server.dispense()).map_err(product)?;
    let _sign = serve(&sign, 443, &sign_papers, signing.handler()).map_err(product)?;
    let (write, read) = (play.target("platform/rx-srv", 443)?, play.target("platform/rx-srv", 8443)?);
    let remote = play.target("platform/sign-srv", 443)?;
    let (doctor, pharmacist) = (play.client_papers("clinic/exam-1")?, play.client_papers("pharmacy/counter-1")?);

    play.exactly("scene-shut-before", &[])?;
    play.refused("scene-f-pharmacist-writes-not", "clinic/exam-1", "pharmacist", "kiban/prescribe", "D017")?;
    play.refused("scene-f-doctor-reads-not", "pharmacy/counter-1", "doctor", "kiban/dispense", "D017")?;
    play.refused("scene-f-not-from-there", "pharmacy/counter-1", "doctor", "kiban/prescribe", "D020")?;
    play.opens("scene-f-prescribe-open", "clinic/exam-1", "doctor", "kiban/prescribe")?;
    play.opens("scene-f-signing-open", "clinic/exam-1", "doctor", "kiban/signing")?;
    let document = json!({"patient": "4711", "drugs": [{"name": "amoxicillin", "mg": 250, "days": 5}]}).to_string();
    let unsigned = json!({"document": &document, "signer": "clinic/exam-1", "signature": ""});
    let reply = play.ask("clinic/exam-1", &write, Some(&doctor), ("POST", "/v1/prescriptions", unsigned));
    play.answers("scene-f-unsigned-refused", reply, 403);
    let asked = ("POST", "/v1/sign", json!({"document": &document}));
    let reply = play.ask("clinic/exam-1", &remote, Some(&doctor), asked);
    let mut signed = play.answers("scene-f-signed", reply, 200);
    signed["document"] = Value::from(document.clone());
    let mut altered = signed.clone();
    altered["document"] = Value::from(document.replace("250", "2500"));
    let reply = play.ask("clinic/exam-1", &write, Some(&doctor), ("POST", "/v1/prescriptions", altered));
    play.answers("scene-f-altered-refused", reply, 403);
    let reply = play.ask("clinic/exam-1", &write, Some(&doctor), ("POST", "/v1/prescriptions", signed));
    let number = play.answers("scene-f-written", reply, 200)["prescription"].as_u64().unwrap_or_default();

    play.opens("scene-f-dispense-open", "pharmacy/counter-1", "pharmacist", "kiban/dispense")?;
    let path = format!("/v1/prescriptions/{number}");
    let reply = play.ask("pharmacy/counter-1", &read, Some(&pharmacist), ("GET", &path, Value::Null));
    let seen = play.answers("scene-f-read", reply, 200);
    play.that("scene-f-same-document", seen["document"] == document.as_str(), &seen);
    let dispense = format!("{path}/dispense");
    let reply = play.ask("pharmacy/counter-1", &read, Some(&pharmacist), ("POST", &dispense, Value::Null));
    play.answers("scene-f-dispensed", reply, 200);
    let reply = play.ask("pharmacy/counter-1", &read, Some(&pharmacist), ("POST", &dispense, Value::Null));
    play.answers("scene-f-not-twice", reply, 409);
    // Two doors of one server, one for each; and no way between clinic and pharmacy by way of the platform (G7).
    play.exactly("scene-exactly", &[PRESCRIBE, SIGNING, DISPENSE])?;
    play.live_picture()?;
    play.closes("scene-f-signing-closed", "clinic/exam-1", "kiban/signing")?;
    play.exactly("scene-f-signing-alone-shut", &[PRESCRIBE, DISPENSE])?;
    play.closes("scene-f-prescribe-closed", "clinic/exam-1", "kiban/prescribe")?;
    play.closes("scene-f-dispense-closed", "pharmacy/counter-1", "kiban/dispense")
}
