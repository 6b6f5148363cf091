//! Devices as an operator sees them.

use equipment::{Device, DeviceId, RowAnswer, answers};
use model::Timestamp;
use registry::{Page, Record};

use crate::{Provenance, Refused};

/// Devices on a page.
pub const PART: u32 = 50;

/// A device with its answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceView {
    /// The device.
    pub device: Device,
    /// How each of the twelve rows stands.
    pub answers: [RowAnswer; 12],
}

impl DeviceView {
    fn of(record: Record<Device>) -> Self {
        Self { answers: answers(&record.value.record), device: record.value }
    }

    /// Numbers of the rows that are not answered.
    pub fn open(&self) -> Vec<u8> {
        let numbered = equipment::ROWS.iter().zip(&self.answers);
        numbered.filter(|(_, answer)| answer.is_open()).map(|(row, _)| row.number).collect()
    }
}

/// A part of the list, oldest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DevicesPart {
    /// At most [`PART`].
    pub devices: Vec<DeviceView>,
    /// Where the next part begins, if there is one.
    pub next: Option<(Timestamp, i64)>,
}

impl Provenance {
    /// A part of all devices, after a place that an earlier part named.
    ///
    /// # Errors
    /// `Registry`.
    pub async fn devices(&self, after: Option<(Timestamp, i64)>) -> Result<DevicesPart, Refused> {
        let mut found = self.registry.kept_all::<Device>(Page { after, limit: PART + 1 }).await?;
        let more = found.len() > PART as usize;
        found.truncate(PART as usize);
        let next = found.last().filter(|_| more).map(|last| (last.value.taken_at, last.id));
        Ok(DevicesPart { devices: found.into_iter().map(DeviceView::of).collect(), next })
    }

    /// A device.
    ///
    /// # Errors
    /// `NoSuch`, `Registry`.
    pub async fn device(&self, id: &DeviceId) -> Result<DeviceView, Refused> {
        Ok(DeviceView::of(self.kept(id).await?))
    }
}
