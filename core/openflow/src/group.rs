//! Group table modification (§7.3.4.2).

use crate::action::Action;
use crate::buffer::{Decoded, Reader, Writer, closed_enum, open_enum};
use crate::failure::DecodeReason;
use crate::port::PortNo;

/// A group number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct GroupId(pub u32);

impl GroupId {
    /// OFPG_ALL: every group, in deletes.
    pub const ALL: Self = Self(0xffff_fffc);
    /// OFPG_ANY: wildcard in requests and flow deletes.
    pub const ANY: Self = Self(0xffff_ffff);
}

closed_enum! {
    /// What a group-mod does.
    GroupModCommand: u16 {
        /// Create.
        Add = 0,
        /// Replace type and buckets.
        Modify = 1,
        /// Delete, with every flow entry that uses it.
        Delete = 2,
    }
}

open_enum! {
    /// How a group uses its buckets.
    GroupType: u8 {
        /// Every bucket.
        All = 0,
        /// One of them, by weight.
        Select = 1,
        /// The only one.
        Indirect = 2,
        /// The first whose watched port or group is alive.
        FastFailover = 3,
    }
}

/// One alternative of a group.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Bucket {
    /// Relative weight in a select group, else 0.
    pub weight: u16,
    /// Port whose state decides, in a fast failover group; [`PortNo::ANY`] for none.
    pub watch_port: PortNo,
    /// Group whose state decides; [`GroupId::ANY`] for none.
    pub watch_group: GroupId,
    /// What it does.
    pub actions: Vec<Action>,
}

impl Bucket {
    /// A bucket without weight or watch.
    pub fn new(actions: Vec<Action>) -> Self {
        Self { weight: 0, watch_port: PortNo::ANY, watch_group: GroupId::ANY, actions }
    }

    fn encode(&self, w: &mut Writer<'_>) {
        let start = w.len();
        w.u16(0);
        w.u16(self.weight);
        w.u32(self.watch_port.0);
        w.u32(self.watch_group.0);
        w.zeros(4);
        for action in &self.actions {
            action.encode(w);
        }
        w.patch_length(start, start);
    }

    fn decode(r: &mut Reader<'_>) -> Decoded<Self> {
        r.clause("OF1.3.5 §7.3.4.2");
        let length = r.u16("len")?;
        let mut body = r.rest_of(length, 2, "bucket")?;
        let weight = body.u16("weight")?;
        let watch_port = PortNo(body.u32("watch_port")?);
        let watch_group = GroupId(body.u32("watch_group")?);
        body.skip(4)?;
        Ok(Self { weight, watch_port, watch_group, actions: Action::decode_list(&mut body, 0)? })
    }
}

/// OFPT_GROUP_MOD.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct GroupMod {
    /// What to do.
    pub command: GroupModCommand,
    /// How the group uses its buckets.
    pub kind: GroupType,
    /// Which group.
    pub group: GroupId,
    /// Its alternatives.
    pub buckets: Vec<Bucket>,
}

impl GroupMod {
    pub(crate) fn encode(&self, w: &mut Writer<'_>) {
        w.u16(self.command.to_wire());
        w.u8(self.kind.into());
        w.u8(0);
        w.u32(self.group.0);
        for bucket in &self.buckets {
            bucket.encode(w);
        }
    }

    pub(crate) fn decode(r: &mut Reader<'_>) -> Decoded<Self> {
        r.clause("OF1.3.5 §7.3.4.2");
        let command = r.u16("command")?;
        let command = GroupModCommand::from_wire(command)
            .ok_or_else(|| r.error("command", DecodeReason::BadValue(u64::from(command))))?;
        let kind = r.u8("type")?.into();
        r.skip(1)?;
        let group = GroupId(r.u32("group_id")?);
        let mut buckets = Vec::new();
        while !r.is_empty() {
            buckets.push(Bucket::decode(r)?);
        }
        Ok(Self { command, kind, group, buckets })
    }
}

/// A group as the switch describes it (OFPMP_GROUP_DESC, §7.3.5.8).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Group {
    /// How it uses its buckets.
    pub kind: GroupType,
    /// Which group.
    pub group: GroupId,
    /// Its alternatives.
    pub buckets: Vec<Bucket>,
}

impl Group {
    pub(crate) fn encode(&self, w: &mut Writer<'_>) {
        let start = w.len();
        w.u16(0);
        w.u8(self.kind.into());
        w.u8(0);
        w.u32(self.group.0);
        for bucket in &self.buckets {
            bucket.encode(w);
        }
        w.patch_length(start, start);
    }

    pub(crate) fn decode(r: &mut Reader<'_>) -> Decoded<Self> {
        r.clause("OF1.3.5 §7.3.5.8");
        let length = r.u16("length")?;
        let mut body = r.rest_of(length, 2, "group_desc")?;
        let kind = body.u8("type")?.into();
        body.skip(1)?;
        let group = GroupId(body.u32("group_id")?);
        let mut buckets = Vec::new();
        while !body.is_empty() {
            buckets.push(Bucket::decode(&mut body)?);
        }
        Ok(Self { kind, group, buckets })
    }
}
