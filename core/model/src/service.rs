//! What can be reached.

use serde::{Deserialize, Serialize};

use crate::{DeviceKind, GroupId, HostRef, LocalizedName, Protocol, ServiceId, ServiceKind, Timestamp, Zone};

/// A daily window in Japan Standard Time, minutes since midnight, `from` inclusive, `to` exclusive; may pass midnight.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct DailyWindow {
    /// First minute inside.
    pub from: u16,
    /// First minute outside.
    pub to: u16,
}

impl DailyWindow {
    /// Is this instant inside the window?
    pub fn contains(self, at: Timestamp) -> bool {
        const JST_MINUTES: i64 = 9 * 60;
        let minute = (at.unix_seconds().div_euclid(60) + JST_MINUTES).rem_euclid(24 * 60) as u16;
        if self.from <= self.to {
            (self.from..self.to).contains(&minute)
        } else {
            minute >= self.from || minute < self.to
        }
    }
}

impl TryFrom<String> for DailyWindow {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        let minute = |t: &str| -> Option<u16> {
            let (h, m) = t.split_once(':')?;
            let (h, m): (u16, u16) = (h.parse().ok()?, m.parse().ok()?);
            (h < 24 && m < 60).then_some(h * 60 + m)
        };
        text.split_once('-')
            .and_then(|(a, b)| Some(Self { from: minute(a.trim())?, to: minute(b.trim())? }))
            .filter(|w| w.from != w.to)
            .ok_or_else(|| format!("`{text}` is not a daily window like 08:30-17:00 (Japan time)"))
    }
}
impl From<DailyWindow> for String {
    fn from(w: DailyWindow) -> String {
        format!("{:02}:{:02}-{:02}:{:02}", w.from / 60, w.from % 60, w.to / 60, w.to % 60)
    }
}

/// A booked window (予約枠): `from` inclusive, `until` exclusive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Booking {
    /// First instant inside.
    pub from: Timestamp,
    /// First instant outside.
    pub until: Timestamp,
}

impl Booking {
    /// Is this instant inside the window?
    pub fn contains(self, at: Timestamp) -> bool {
        self.from <= at && at < self.until
    }
}

/// A second person at the provider must agree before a line opens (接続先の承認, N8).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Approval {
    /// How long somebody who asked is waited for, and how long an answer is good for, milliseconds.
    pub wait_ms: i64,
    /// hcRole texts of those who may agree; at least one.
    pub roles: Vec<String>,
}

/// A service (サービス): a provider's host, protocol and ports, and the conditions to use it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Service {
    /// Its id; the institution in it is the provider.
    pub id: ServiceId,
    /// Its name.
    pub name: LocalizedName,
    /// Where it is served.
    pub host: HostRef,
    /// Transport protocol.
    pub protocol: Protocol,
    /// Ports, sorted, at least one.
    pub ports: Vec<u16>,
    /// hcRole texts the provider admits; at least one (N2).
    pub roles: Vec<String>,
    /// When it may be used; always if absent.
    pub window: Option<DailyWindow>,
    /// How long a grant lasts, milliseconds.
    pub lease_ms: i64,
    /// What it is in the catalogue of the guideline, if it is one of the twelve (G10).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<ServiceKind>,
    /// Kinds of terminal it may be used from; any if empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub devices: Vec<DeviceKind>,
    /// Zones it may be used from; any if empty. The zone matrix holds beside it (G8).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub zones: Vec<Zone>,
    /// A line without a packet either way for so long ends, milliseconds; never for that reason if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idle_ms: Option<i64>,
    /// How long before the end of a lease its person is warned, milliseconds.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub warn_ms: i64,
    /// While a line of this service is open at a site, no other line of this group is open there (N8).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exclusive: Option<GroupId>,
    /// It gives way to the exclusive services of this group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shares: Option<GroupId>,
    /// Who must agree before a line opens; nobody if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval: Option<Approval>,
    /// It may be used in these windows only, besides [`Service::window`]; an empty list admits nobody.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub booked: Option<Vec<Booking>>,
}

impl Service {
    /// The group it takes part in, alone or giving way.
    pub fn group(&self) -> Option<&GroupId> {
        self.exclusive.as_ref().or(self.shares.as_ref())
    }
    /// The end of the booked window that holds this instant; nothing if none does or none is needed.
    pub fn booked_until(&self, at: Timestamp) -> Option<Timestamp> {
        self.booked.iter().flatten().filter(|b| b.contains(at)).map(|b| b.until).max()
    }
}

fn is_zero(ms: &i64) -> bool {
    *ms == 0
}
