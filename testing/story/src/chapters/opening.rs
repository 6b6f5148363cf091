//! 2. The doctor opens the record service with the card.

use lab::PacketClass;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use super::{FirstLine, that};
use crate::account::Account;
use crate::people::Person;
use crate::snapshot::Snapshot;
use crate::stage::{Stage, StageError};

pub(super) fn tell(stage: &mut Stage, account: &mut Account) -> Result<FirstLine, StageError> {
    account.chapter("demo-chapter-opening");
    let before = Snapshot::take(stage.lab())?;
    let mark = stage.lab().capture().mark();
    let shown = stage.at_terminal("clinic/exam-1", Person::Doctor, &["card"])?;
    account.quote(&shown.stdout);
    let opened = stage.at_terminal("clinic/exam-1", Person::Doctor, &["open", "keyaki/records", "--pin-fd", "9"])?;
    account.quote(&opened.stdout);
    account.check("demo-opened", &[], that(opened.code == 0, || opened.seen()));
    account.time("demo-time-open-cold", opened.took);
    let status = stage.operator(&["--json", "status"])?.json();
    let connection = status["connections"][0].clone();
    account.check("demo-status-open", &[], that(connection["state"] == "open", || status.to_string()));

    let doctor = stage.lab().netns("sk-clinic-exam-1")?;
    let page = stage.record_server().get(doctor, "/", Duration::from_secs(30));
    account.check("demo-https-works", &[], page.map(drop));
    let clear = stage.lab().capture().clear_since(mark, &stage.lab().private_prefixes())?;
    account.check("demo-nothing-clear", &[], that(clear.is_empty(), || format!("{clear:?}")));
    account.check("demo-only-ike-and-esp", &[], only_ike_and_esp(stage, mark)?);
    Ok(FirstLine { before, grant: connection["grant"].as_u64().unwrap_or_default() })
}

/// Between gateways only IKE and ESP in UDP; to and from the center only TLS.
fn only_ike_and_esp(stage: &Stage, mark: lab::Mark) -> Result<Result<(), String>, StageError> {
    let center = IpAddr::V4(stage.lab().scenario().internet.center);
    let clinic = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 11));
    let hospital = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 12));
    let mut esp = 0;
    let mut strange = Vec::new();
    for packet in stage.lab().capture().packets_since(mark)? {
        let ends = [packet.source, packet.destination];
        let with_center = ends.contains(&center);
        let pair = ends.contains(&clinic) && ends.contains(&hospital);
        match packet.class {
            PacketClass::Arp => {}
            PacketClass::Tcp if with_center => {}
            PacketClass::Ike | PacketClass::NatKeepalive if pair => {}
            PacketClass::EspInUdp if pair => esp += 1,
            _ => strange.push(format!("{packet:?}")),
        }
    }
    Ok(that(strange.is_empty() && esp > 0, || format!("{esp} ESP packets, and {strange:?}")))
}
