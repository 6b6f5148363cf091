//! A real strongSwan client, set up by the profile people download, comes in, is kept out, and is put out (R6, R7, G3, G14).
#![allow(clippy::unwrap_used, missing_docs)]

#[path = "support/world.rs"]
mod world;

use std::net::IpAddr;

use lab::{Answer, LabError, PacketClass, Trial};
use remote_access::{Cause, CutError, Ending, Event, Machine, Machines, Standing};
use world::{CLIENT, ELSEWHERE, PASSWORD, World};

type Outcome = Result<(), LabError>;

fn main() {
    lab::enter();
    lab::trials(vec![
        Trial::new("a client comes in, sees the login page and nothing else, is cut, and comes back", comes_in),
        Trial::new("who may not come in is refused, each for a reason of its own", refused),
        Trial::new("who may not stay is put out", put_out),
        Trial::new("with the profile's filter nothing leaves in clear when the tunnel is gone", filter),
        Trial::new(
            "a client without a machine certificate comes in only where it may, into a range of its own",
            unchecked,
        ),
    ]);
}

const V1: &str = "V0000001";
const PC1: &str = "urn:sekisho:device:aoba/pc1";

fn comes_in() -> Outcome {
    let mut world = World::raise(false)?;
    world.open()?;
    let machine = world.authority.issue_device("aoba", "pc1").unwrap();
    assert_eq!(world.elsewhere()?, Answer::Answered, "the lab's Internet works");
    world.no_login_page("pc")?;
    world.no_login_page("web")?;

    world.connect(V1, PASSWORD, Some(&machine)).unwrap();
    let session = world.event(0, |event| match event {
        Event::Began(session) => Some(session.clone()),
        Event::Ended(..) | Event::Refused(_) => None,
    });
    assert_eq!((session.vpn_id.as_str(), session.institution.as_deref()), (V1, Some("Aoba Clinic")));
    assert_eq!(session.address, Some(IpAddr::V4(CLIENT)));
    assert!(matches!(session.inside.as_slice(), [one] if world.config.pool.contains(&as_v4(*one))));
    assert_eq!(session.machine.identity(), Some(PC1));
    assert_eq!(world.sessions(), [session]);

    // Inside and nowhere else: by what is answered and by what is on the line.
    let before = world.lab.capture().mark();
    assert!(world.login_page()?.contains("sk-vpn-red"));
    world.no_login_page("web")?;
    assert_eq!(world.elsewhere()?, Answer::Silent, "another host of the Internet answers through the VPN");
    let packets = world.lab.capture().packets_since(before)?;
    assert!(packets.iter().any(|packet| packet.class == PacketClass::EspInUdp));
    let clear = packets.iter().filter(|packet| packet.source == CLIENT && packet.destination == ELSEWHERE);
    assert_eq!(clear.count(), 0, "the client speaks to the Internet in clear");

    // An operator cuts; the client may come back.
    assert_eq!(world.cut("V9999999"), Err(CutError::NotIn));
    assert_eq!(world.cut(V1), Ok(1));
    assert_eq!(ending(&world, 0), Ending::Cut);
    world.wait("the list is empty", || world.sessions().is_empty());
    world.no_login_page("pc")?;
    let mark = world.mark();
    world.connect(V1, PASSWORD, Some(&machine)).unwrap();
    world.login_page()?;

    // strongSwan dies: everything is told to the new one.
    world.server_dies()?;
    assert_eq!(ending(&world, mark), Ending::DaemonLost);
    assert!(world.sessions().is_empty());
    let mark = world.mark();
    world.connect(V1, PASSWORD, Some(&machine)).unwrap();
    world.login_page()?;
    world.disconnect();
    assert_eq!(ending(&world, mark), Ending::Left);
    Ok(())
}

fn refused() -> Outcome {
    let mut world = World::raise(false)?;
    world.open()?;
    let good = world.authority.issue_device("aoba", "pc1").unwrap();
    let revoked = world.revoked.clone();
    let foreign = world.foreign.issue_device("aoba", "pc1").unwrap();
    // A good certificate of the center's, but not of a machine.
    let no_machine = world.authority.issue_operator("tanaka").unwrap();
    let cases = [
        ("unknown VPN-ID", "V9999999", PASSWORD, Some(&good), Cause::UnknownVpnId),
        ("wrong password", V1, "wrong", Some(&good), Cause::WrongPassword),
        ("locked", "V0000002", PASSWORD, Some(&good), Cause::LockedAccount),
        ("closed", "V0000003", PASSWORD, Some(&good), Cause::ClosedAccount),
        ("no certificate", V1, PASSWORD, None, Cause::NoMachineCertificate),
        ("foreign", V1, PASSWORD, Some(&foreign), Cause::ForeignMachineCertificate),
        ("another purpose", V1, PASSWORD, Some(&no_machine), Cause::ForeignMachineCertificate),
        ("revoked", V1, PASSWORD, Some(&revoked), Cause::RevokedMachineCertificate),
    ];
    for (name, vpn_id, password, machine, cause) in cases {
        let mark = world.mark();
        let said = world.connect(vpn_id, password, machine);
        assert!(said.is_err(), "{name}: came in");
        let refusal = world.event(mark, |event| match event {
            Event::Refused(refusal) => Some(refusal.clone()),
            Event::Began(_) | Event::Ended(..) => None,
        });
        assert_eq!(refusal.cause, cause, "{name}: {refusal:?}");
        assert_eq!(refusal.address, Some(IpAddr::V4(CLIENT)), "{name}");
        let asked =
            machine.is_some() && ![Cause::ForeignMachineCertificate, Cause::RevokedMachineCertificate].contains(&cause);
        assert_eq!(refusal.vpn_id.as_deref(), asked.then_some(vpn_id), "{name}: the person is asked after the machine");
        assert_eq!(refusal.machine.is_some(), machine.is_some(), "{name}");
        assert!(world.sessions().is_empty(), "{name}");
        world.no_login_page("pc")?;
    }
    // The machine of another institution: both proofs are good, together they are not.
    world.account(Standing::Open, PASSWORD, Machines::Only(["urn:sekisho:device:keyaki/pc9".to_owned()].into()));
    let mark = world.mark();
    let _ = world.connect(V1, PASSWORD, Some(&good));
    let cause = world.event(mark, |event| match event {
        Event::Refused(refusal) => Some(refusal.cause),
        Event::Began(_) | Event::Ended(..) => None,
    });
    assert_eq!(cause, Cause::MachineOfAnother);
    world.wait("it is out", || world.answers("pc").is_ok_and(|answers| !answers) && world.sessions().is_empty());
    Ok(())
}

fn put_out() -> Outcome {
    let mut world = World::raise(false)?;
    let machine = world.authority.issue_device("aoba", "pc1").unwrap();
    let locked = |world: &World| world.account(Standing::Locked, PASSWORD, Machines::Any);
    let closed = |world: &World| world.account(Standing::Closed, PASSWORD, Machines::Any);
    let changed = |world: &World| world.account(Standing::Open, "another", Machines::Any);
    let elsewhere =
        |world: &World| world.account(Standing::Open, PASSWORD, Machines::Only(["urn:x".to_owned()].into()));
    type Change<'a> = &'a dyn Fn(&World);
    let cases: [(Change<'_>, Ending); 4] = [
        (&locked, Ending::AccountLocked),
        (&closed, Ending::AccountClosed),
        (&changed, Ending::PasswordChanged),
        (&elsewhere, Ending::MachineOfAnother),
    ];
    for (what, why) in cases {
        world.open()?;
        let mark = world.mark();
        world.connect(V1, PASSWORD, Some(&machine)).unwrap();
        began(&world, mark);
        what(&world);
        assert_eq!(ending(&world, mark), why);
        world.no_login_page("pc")?;
    }
    world.open()?;
    let mark = world.mark();
    world.connect(V1, PASSWORD, Some(&machine)).unwrap();
    began(&world, mark);
    world.revoke(&machine);
    assert_eq!(ending(&world, mark), Ending::CertificateRevoked);
    assert!(world.connect(V1, PASSWORD, Some(&machine)).is_err());
    Ok(())
}

fn filter() -> Outcome {
    let mut world = World::raise(false)?;
    world.open()?;
    let machine = world.authority.issue_device("aoba", "pc1").unwrap();
    world.load_filter()?;
    let before = world.lab.capture().mark();
    assert_eq!(world.elsewhere()?, Answer::Silent, "before the tunnel");
    world.connect(V1, PASSWORD, Some(&machine)).unwrap();
    world.login_page()?;
    assert_eq!(world.elsewhere()?, Answer::Silent, "in the tunnel");
    world.client.kill9();
    assert_eq!(world.elsewhere()?, Answer::Silent, "after the tunnel");
    world.no_login_page("pc")?;
    let packets = world.lab.capture().packets_since(before)?;
    let spoken = |packet: &&lab::Captured| packet.source == CLIENT;
    let others = packets.iter().filter(spoken).filter(|packet| {
        !matches!(packet.class, PacketClass::Ike | PacketClass::EspInUdp | PacketClass::Esp | PacketClass::NatKeepalive)
    });
    let others: Vec<_> = others.collect();
    assert!(others.is_empty(), "in clear: {others:?}");
    Ok(())
}

fn unchecked() -> Outcome {
    let mut world = World::raise(true)?;
    world.open()?;
    world.connect(V1, PASSWORD, None).unwrap();
    let session = began(&world, 0);
    assert_eq!(session.machine, Machine::Unchecked);
    let range = world.config.pool_unchecked.unwrap();
    assert!(matches!(session.inside.as_slice(), [one] if range.contains(&as_v4(*one))));
    world.login_page()?;
    world.disconnect();
    ending(&world, 0);
    // With a certificate it is checked all the same, and a bad one is not overlooked.
    let machine = world.authority.issue_device("aoba", "pc1").unwrap();
    let mark = world.mark();
    world.connect(V1, PASSWORD, Some(&machine)).unwrap();
    assert_eq!(began(&world, mark).machine.identity(), Some(PC1));
    let foreign = world.foreign.issue_device("aoba", "pc1").unwrap();
    assert!(world.connect(V1, PASSWORD, Some(&foreign)).is_err());
    Ok(())
}

fn began(world: &World, since: usize) -> remote_access::Session {
    world.event(since, |event| match event {
        Event::Began(session) => Some(session.clone()),
        Event::Ended(..) | Event::Refused(_) => None,
    })
}

fn ending(world: &World, since: usize) -> Ending {
    world.event(since, |event| match event {
        Event::Ended(_, why) => Some(*why),
        Event::Began(_) | Event::Refused(_) => None,
    })
}

fn as_v4(address: IpAddr) -> std::net::Ipv4Addr {
    match address {
        IpAddr::V4(address) => address,
        IpAddr::V6(_) => std::net::Ipv4Addr::UNSPECIFIED,
    }
}
