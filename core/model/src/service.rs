//! What can be reached.

use serde::{Deserialize, Serialize};

use crate::{HostRef, LocalizedName, Protocol, ServiceId, Timestamp};

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
}
