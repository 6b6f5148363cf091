//! `sekisho-authority`: issues TEST certificates from the shell. Never use it for real ones.

use authority::{
    Authority, AuthorityError, CaKind, CardSpec, CertIdHash, Issued, OcspSigner, OcspSpec, ResponderSpec,
    RevocationReason, serve_ocsp,
};
use std::net::IpAddr;
use std::path::Path;
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

const USAGE: &str = "usage: sekisho-authority COMMAND DIR …   (TEST certificates only)
  new DIR                            make all certification authorities
  card DIR NAME ROLE [signature]     a person's card, e.g. card DIR 'SATO HANAKO' 'Medical Doctor'
  gate DIR SITE
  device DIR SITE HOST
  switch DIR SITE DPID               DPID in hexadecimal
  center DIR NAME DNS-OR-IP…
  institution DIR ID
  operator DIR NAME
  revoke DIR CA SERIAL               CA: hpki-authentication gate device switch institution center …
  crl DIR CA|all HOURS               list valid from now; negative HOURS: one that expired so long ago
  ocsp DIR CA SERIAL HOURS [delegate]
                                     writes DIR/ocsp/<CA>-<SERIAL>.ocsp: what the register says, valid so long;
                                     negative HOURS as above; delegate: signed by a responder made for it
  ocsp-serve DIR ADDRESS HOURS       answers requests over HTTP until it is stopped
Prints the folder with key.pem, cert.pem, cert.der and chain.pem.";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match run(&words) {
        Ok(Some(line)) => {
            println!("{line}");
            ExitCode::SUCCESS
        }
        Ok(None) => {
            eprintln!("{USAGE}");
            ExitCode::from(2)
        }
        Err(e) => {
            eprintln!("sekisho-authority: {e}");
            ExitCode::FAILURE
        }
    }
}

/// What to print, or none if the words are no command.
fn run(words: &[&str]) -> Result<Option<String>, AuthorityError> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs() as i64);
    let open = |dir: &str| Authority::open(Path::new(dir));
    let issued = match words {
        ["new", dir] => {
            Authority::new(Path::new(dir), now)?;
            return Ok(Some((*dir).to_owned()));
        }
        ["card", dir, name, role] => open(dir)?.issue_card(&CardSpec::new(name, role))?,
        ["card", dir, name, role, "signature"] => open(dir)?.issue_card(&CardSpec::signature(name, role))?,
        ["gate", dir, site] => open(dir)?.issue_gate(site)?,
        ["device", dir, site, host] => open(dir)?.issue_device(site, host)?,
        ["switch", dir, site, dpid] => match u64::from_str_radix(dpid, 16) {
            Ok(dpid) => open(dir)?.issue_switch(site, dpid)?,
            Err(_) => return Ok(None),
        },
        ["center", dir, name, reached @ ..] => {
            let addresses: Vec<IpAddr> = reached.iter().filter_map(|text| text.parse().ok()).collect();
            let names: Vec<&str> = reached.iter().filter(|text| text.parse::<IpAddr>().is_err()).copied().collect();
            open(dir)?.issue_center(name, &names, &addresses)?
        }
        ["operator", dir, name] => open(dir)?.issue_operator(name)?,
        ["institution", dir, id] => open(dir)?.issue_institution(id)?,
        ["revoke", dir, ca, serial] => {
            let Some(ca) = CaKind::from_name(ca) else { return Ok(None) };
            let mut authority = open(dir)?;
            authority.revoke(ca, serial, now, RevocationReason::KeyCompromise)?;
            let list = authority.write_crl(ca, now, now + 7 * 86_400)?;
            return Ok(Some(list.path.display().to_string()));
        }
        ["ocsp", dir, ca, serial, hours] => return write_answer(&mut open(dir)?, dir, ca, serial, hours, now, false),
        ["ocsp", dir, ca, serial, hours, "delegate"] => {
            return write_answer(&mut open(dir)?, dir, ca, serial, hours, now, true);
        }
        ["ocsp-serve", dir, address, hours] => return serve(&open(dir)?, address, hours),
        ["crl", dir, which, hours] => return write_lists(&mut open(dir)?, which, hours, now),
        _ => return Ok(None),
    };
    Ok(Some(describe(&issued)))
}

fn write_lists(
    authority: &mut Authority,
    which: &str,
    hours: &str,
    now: i64,
) -> Result<Option<String>, AuthorityError> {
    let Ok(hours) = hours.parse::<i64>() else { return Ok(None) };
    let (this_update, next_update) = validity(now, hours);
    let kinds = match (which, CaKind::from_name(which)) {
        ("all", _) => CaKind::ALL.to_vec(),
        (_, Some(kind)) => vec![kind],
        (_, None) => return Ok(None),
    };
    let mut paths = Vec::new();
    for kind in kinds {
        paths.push(authority.write_crl(kind, this_update, next_update)?.path.display().to_string());
    }
    Ok(Some(paths.join("\n")))
}

/// This update and next update of what is valid for so many hours, or expired so many hours ago.
fn validity(now: i64, hours: i64) -> (i64, i64) {
    let next_update = now + hours * 3600;
    (if hours > 0 { now } else { next_update - 86_400 }, next_update)
}

fn write_answer(
    authority: &mut Authority,
    dir: &str,
    ca: &str,
    serial: &str,
    hours: &str,
    now: i64,
    delegated: bool,
) -> Result<Option<String>, AuthorityError> {
    let (Some(kind), Ok(hours)) = (CaKind::from_name(ca), hours.parse()) else { return Ok(None) };
    let (this_update, next_update) = validity(now, hours);
    let delegate = if delegated { Some(authority.issue_responder(&ResponderSpec::new(kind))?) } else { None };
    let signer = delegate.as_ref().map_or(OcspSigner::Authority, OcspSigner::Delegate);
    let spec = OcspSpec { signer, ..OcspSpec::new(this_update, next_update) };
    let response = authority.ocsp_response(kind, serial, CertIdHash::Sha1, &spec)?;
    let folder = Path::new(dir).join("ocsp");
    let path = folder.join(format!("{ca}-{serial}.ocsp"));
    let failed = |source| AuthorityError::File { path: path.clone(), source };
    std::fs::create_dir_all(&folder).map_err(failed)?;
    std::fs::write(&path, response).map_err(failed)?;
    Ok(Some(path.display().to_string()))
}

fn serve(authority: &Authority, address: &str, hours: &str) -> Result<Option<String>, AuthorityError> {
    let Ok(hours) = hours.parse::<i64>() else { return Ok(None) };
    let failed = |source| AuthorityError::File { path: address.into(), source };
    let listener = std::net::TcpListener::bind(address).map_err(failed)?;
    println!("http://{}/", listener.local_addr().map_err(failed)?);
    loop {
        let (stream, _) = listener.accept().map_err(failed)?;
        // A client that hangs must not keep the others out for long; a broken one is its own trouble.
        let _ = stream.set_read_timeout(Some(std::time::Duration::from_secs(2)));
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs() as i64);
        let (this_update, next_update) = validity(now, hours);
        let spec = OcspSpec::new(this_update, next_update);
        if let Err(error) = serve_ocsp(stream, |request| authority.ocsp_answer(request, &spec).ok()) {
            eprintln!("sekisho-authority: {error}");
        }
    }
}

fn describe(issued: &Issued) -> String {
    format!("{} (serial {})", issued.folder.display(), issued.serial)
}
