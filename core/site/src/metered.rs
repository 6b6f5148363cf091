//! What of a switch's rules is metered, each port apart: first packets on their way to the gate (N1), and questions for an
//! address, which the switch answers itself (G16).

use model::{Action, EtherType, FlowMatch, PortNo, Table};

/// The meter that first packets from this port pass on their way to the gate: one a port, so that a flood at one takes
/// nothing of another's share (N1).
pub const fn first_packet_meter(port: PortNo) -> u32 {
    port.0
}

/// The meter that questions for an address (ARP, Neighbour Solicitations) from this port pass before they are answered:
/// one a port, and another than that of its first packets, so that neither takes of the other's share (G16).
///
/// Nothing for a number no port of a switch has: those end at 0xff00 (OpenFlow 1.0 §5.3.1, kept by Open vSwitch), and one
/// above might be a meter of questions itself.
pub const fn question_meter(port: PortNo) -> Option<u32> {
    if port.0 <= LAST_PORT { Some(QUESTIONS + port.0) } else { None }
}

const QUESTIONS: u32 = 0x1_0000;
const LAST_PORT: u32 = 0xff00;

/// The meter that packets of a match pass, and when.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Metered {
    /// On their way to the gate only.
    FirstPackets(Option<u32>),
    /// Whatever becomes of them.
    Questions(Option<u32>),
}

impl Metered {
    pub(crate) fn of(table: Table, m: &FlowMatch) -> Self {
        match (table, m.eth_type) {
            (Table::Admission, Some(EtherType::Arp | EtherType::Neighbour)) => {
                Self::Questions(m.in_port.and_then(question_meter))
            }
            _ => Self::FirstPackets(m.in_port.map(first_packet_meter)),
        }
    }

    /// Must these actions be metered?
    pub(crate) fn applies(self, actions: &[Action]) -> bool {
        match self {
            Self::FirstPackets(_) => actions.contains(&Action::ToGate),
            Self::Questions(_) => !actions.is_empty(),
        }
    }

    /// Its number, if the match names a port.
    pub(crate) fn meter(self) -> Option<u32> {
        match self {
            Self::FirstPackets(meter) | Self::Questions(meter) => meter,
        }
    }
}
