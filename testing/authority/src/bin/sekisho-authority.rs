//! `sekisho-authority`: issues TEST certificates from the shell. Never use it for real ones.

use authority::{Authority, AuthorityError, CaKind, CardSpec, Issued, RevocationReason};
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
  revoke DIR CA SERIAL               CA: hpki-authentication gate device switch institution center …
  crl DIR CA|all HOURS               list valid from now; negative HOURS: one that expired so long ago
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
        ["institution", dir, id] => open(dir)?.issue_institution(id)?,
        ["revoke", dir, ca, serial] => {
            let Some(ca) = CaKind::from_name(ca) else { return Ok(None) };
            let mut authority = open(dir)?;
            authority.revoke(ca, serial, now, RevocationReason::KeyCompromise)?;
            let list = authority.write_crl(ca, now, now + 7 * 86_400)?;
            return Ok(Some(list.path.display().to_string()));
        }
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
    let next_update = now + hours * 3600;
    let this_update = if hours > 0 { now } else { next_update - 86_400 };
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

fn describe(issued: &Issued) -> String {
    format!("{} (serial {})", issued.folder.display(), issued.serial)
}
