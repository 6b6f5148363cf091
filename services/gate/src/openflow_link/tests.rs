use openflow::{ChannelConfig, FlowUpdate, RoleStatus};

use super::*;

fn talk() -> Talk {
    Talk::new(Channel::new(ChannelConfig::default(), 0))
}

fn news() -> MultipartReply {
    MultipartReply { more: false, body: MultipartReplyBody::FlowMonitor(vec![FlowUpdate::Own { xid: 3 }]) }
}

/// Open vSwitch refuses with a transaction id of its own: only the barrier, answered before any news, tells.
#[test]
fn a_monitor_that_is_refused_is_told_once_and_one_that_speaks_first_is_not() {
    let mut refused = talk();
    refused.monitor = Monitor::Asked { barrier: 7 };
    assert!(matches!(refused.message(6, Message::BarrierReply), Ok(None)), "another barrier");
    assert!(matches!(refused.message(7, Message::BarrierReply), Ok(Some(Event::Unmonitored(_)))));
    assert!(refused.monitor == Monitor::Off);
    assert!(matches!(refused.message(7, Message::BarrierReply), Ok(None)));
    let mut accepted = talk();
    accepted.monitor = Monitor::Asked { barrier: 7 };
    assert!(accepted.news(news()).is_empty(), "own changes are known");
    assert!(accepted.monitor == Monitor::On);
    assert!(matches!(accepted.message(7, Message::BarrierReply), Ok(None)));
}

/// While a switch does not keep up, its news cannot be told apart from our own doing; afterwards a reading is asked for.
#[test]
fn a_paused_monitor_ends_in_a_reading() {
    let mut talk = talk();
    talk.monitor = Monitor::On;
    assert!(matches!(talk.message(0, Message::FlowMonitorPaused), Ok(None)));
    assert!(talk.news(news()).is_empty() && talk.monitor == Monitor::Paused);
    assert!(matches!(talk.message(0, Message::FlowMonitorResumed), Ok(Some(Event::FlowsUnclear))));
    assert!(talk.monitor == Monitor::On);
}

#[test]
fn a_lost_role_is_told_with_its_election() {
    let status = RoleStatus { role: openflow::Role::Slave, reason: 0, generation_id: 9 };
    let told = talk().message(0, Message::RoleStatus(status));
    assert!(matches!(told, Ok(Some(Event::RoleChanged(openflow::Role::Slave, 9)))));
}
