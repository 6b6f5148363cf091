//! The nouns of Sekisho and their typed ids.
//!
//! Every other room speaks in these words. This crate knows no protocol codec, no cryptography,
//! no policy and no process: it holds values, parses the documents people write into them, and
//! says which combinations are not even sayable.
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod agreement;
mod blueprint;
mod catalogue;
mod changes;
mod checksheet;
mod connection;
mod document;
mod export;
mod fault;
mod filter;
mod flow;
mod grant;
mod id;
mod institution;
mod net;
mod network;
mod never;
mod passage;
mod plan;
mod section;
mod service;
mod site;
mod time;
mod tunnel;
mod zone;

pub use agreement::{Agreement, AgreementSignature, Side};
pub use blueprint::{Blueprint, SegmentTemplate};
pub use catalogue::{ServiceForm, ServiceKind};
pub use changes::{Change, Changed, Difference, Noun, changes};
pub use checksheet::{CheckAnswer, CheckEdition, CheckItem, CheckItemError, CheckSay, Checksheet};
pub use connection::{ConnectionRequest, ConnectionState, SignIn};
pub use document::{Document, DocumentError, parse_document, read_table, write_document};
pub use export::{export, parse_documents};
pub use fault::{Clash, DocumentFault, FaultValue, Shape};
pub use filter::{Filter, FilterSide, FlowDirection};
pub use flow::{
    Action, ArpOp, Beginning, CONNTRACK_ZONE, Cookie, CookieOwner, CtMatch, EtherType, FlowMatch, FlowRule, PortMatch,
    Table, Tag,
};
pub use grant::{Endpoint, Grant};
pub use id::{
    AgreementId, ApprovalId, DeviceKind, Generation, GrantId, GroupId, HostId, HostRef, IdError, InstitutionId, LineId,
    SegmentId, ServiceId, SessionId, SiteId, SwitchId,
};
pub use institution::{Institution, LocalizedName};
pub use net::{
    Dpid, GATE_CONSOLE_PORT, GATE_SERVICE_PORT, GATE_SERVICE_PORTS, GATE_SIGN_IN_PORT, Mac, NetParseError, PortNo,
    Protocol, SwitchPort,
};
pub use network::{Network, NetworkError};
pub use never::{NeverError, NeverId, NeverRule, Part};
pub use passage::{Passage, Within};
pub use plan::{DeltaError, Plan, PlanCause, Renewal, SiteDelta, SiteState, Standing};
pub use section::Section;
pub use service::{Approval, Booking, DailyWindow, Service};
pub use site::{
    AllowRule, Gateway, Host, InHouseRule, Line, LineKind, PeerFacts, ProxyKind, Segment, Site, SiteFacts, SiteModel,
    Switch, TransitRule,
};
pub use time::Timestamp;
pub use tunnel::{Selector, Tunnel};
pub use zone::{Zone, ZoneSide, ZoneVerdict, may_originate};
