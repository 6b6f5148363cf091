//! A site whose keys are in a secure element (G1): its gate's TLS to center and switch, and strongSwan's IKE, sign in
//! there, beside a site with files. Real packets; what is killed comes back without a person.

use std::fs;
use std::path::Path;
use std::time::Duration;

use lab::{LabError, SecureElement, Trial};
use story::{Person, Stage, StageError, until};
use texts::Lang;

const WAIT: Duration = Duration::from_secs(60);
const AT: &str = "clinic/exam-1";

fn main() {
    lab::enter();
    lab::trials(vec![
        Trial::new("with keys in SoftHSM a line opens, and survives charon and gate", || {
            works(|stage, dir| SecureElement::softhsm(dir, "clinic", "4321").map_err(|e| told(stage, e)))
        }),
        Trial::new("with keys in a TPM 2.0 a line opens, and survives charon and gate", || {
            works(|stage, dir| {
                let netns = stage.lab().netns("sk-clinic-black")?;
                SecureElement::tpm(netns, dir, "clinic", "4321").map_err(|e| told(stage, e))
            })
        }),
    ]);
}

fn told(stage: &Stage, error: LabError) -> StageError {
    let logs = fs::read_dir(stage.lab().scratch().join("log")).into_iter().flatten().flatten();
    let of_tpm = logs.filter(|file| file.file_name().to_string_lossy().contains("tpm"));
    let logs: String = of_tpm.filter_map(|file| fs::read_to_string(file.path()).ok()).collect();
    StageError::Product(format!("{error}\n{logs}"))
}

fn works(element: impl Fn(&Stage, &Path) -> Result<SecureElement, StageError>) -> Result<(), StageError> {
    let mut stage = Stage::raise(Lang::En, &|_| {})?;
    let dir = stage.dir().join("element");
    fs::create_dir_all(&dir).map_err(|e| StageError::Product(e.to_string()))?;
    let made = element(&stage, &dir)?;
    stage.with_element("clinic", made)?;
    stays_inside(&stage, &dir)?;

    let opened = stage.open(AT, Person::Doctor, "keyaki/records")?;
    that(opened.code == 0, || format!("{}\n{}", opened.seen(), logs(&stage)))?;
    reads(&stage, "the line is open")?;
    let charon = &stage.lab().site("clinic")?.charon;
    let signed = charon.log_tail(400);
    that(signed.contains("from token"), || signed)?;

    charon.kill9();
    stage.lab().site("clinic")?.charon.start()?;
    reads(&stage, "charon was killed")?;
    stage.kill_gate("clinic");
    stage.start_gate("clinic")?;
    stage.settle()?;
    reads(&stage, "the gate was killed")?;
    // Both at once, and a line from nothing: every signature is a new one.
    let closed = stage.close(AT, "keyaki/records")?;
    that(closed.code == 0, || closed.seen())?;
    stage.kill_gate("clinic");
    stage.lab().site("clinic")?.charon.kill9();
    stage.lab().site("clinic")?.charon.start()?;
    stage.start_gate("clinic")?;
    stage.settle()?;
    let mut said = String::new();
    let again = until(WAIT, || match stage.open(AT, Person::Doctor, "keyaki/records") {
        Ok(answer) if answer.code == 0 => true,
        Ok(answer) => {
            said = answer.seen();
            false
        }
        Err(_) => false,
    });
    that(again, || format!("{said}\n{}", logs(&stage)))?;
    reads(&stage, "both were killed")?;
    that(stage.lab().capture().clear_counted()? == 0, || "a clear packet on the Internet segment".into())
}

/// No file of the gate holds a private key, and the element does not give it out.
fn stays_inside(stage: &Stage, dir: &Path) -> Result<(), StageError> {
    let home = stage.dir().join("gate").join("clinic");
    for file in fs::read_dir(&home).into_iter().flatten().flatten().filter(|file| file.path().is_file()) {
        let text = fs::read_to_string(file.path()).unwrap_or_default();
        that(!text.contains("PRIVATE KEY"), || format!("a private key in {}", file.path().display()))?;
    }
    let Some(element) = stage.element("clinic") else { return that(false, || "no element".into()) };
    let ask = |kind: &str, file: &str| {
        let mut tool = element.pkcs11();
        tool.args(["--token-label", element.label(), "--login", "--pin", "4321", "--read-object", "--type", kind]);
        tool.args(["--label", "gate", "--output-file"]).arg(dir.join(file));
        tool.output().map_err(|e| StageError::Product(e.to_string()))
    };
    let public = ask("pubkey", "public")?;
    that(public.status.success(), || String::from_utf8_lossy(&public.stderr).into_owned())?;
    ask("privkey", "private")?;
    let length = fs::metadata(dir.join("private")).map_or(0, |file| file.len());
    that(length == 0, || format!("the element gave out {length} octets"))?;
    let mut tool = element.pkcs11();
    tool.args(["--token-label", element.label(), "--login", "--pin", "4321", "--list-objects", "--type", "privkey"]);
    let listed = tool.output().map_err(|e| StageError::Product(e.to_string()))?;
    let listed = String::from_utf8_lossy(&listed.stdout).into_owned();
    that(listed.contains("always sensitive, never extractable, local"), || listed)
}

fn reads(stage: &Stage, when: &str) -> Result<(), StageError> {
    let doctor = stage.lab().netns("sk-clinic-exam-1")?;
    let passes = until(WAIT, || stage.record_server().get(doctor, "/", Duration::from_secs(5)).is_ok());
    that(passes, || format!("nothing passes after: {when}\n{}", logs(stage)))
}

fn logs(stage: &Stage) -> String {
    let charon = stage.lab().site("clinic").map(|site| site.charon.log_tail(60)).unwrap_or_default();
    format!("--- gate\n{}\n--- charon\n{charon}\n--- center\n{}", stage.gate_log("clinic", 30), stage.center_log(20))
}

fn that(holds: bool, seen: impl FnOnce() -> String) -> Result<(), StageError> {
    if holds { Ok(()) } else { Err(StageError::Product(seen())) }
}
