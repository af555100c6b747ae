//! State that an earlier life of this bridge left at the broker, of devices and groups that are no more. Pure.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde_json::Value;

use super::{
    message::{Message, Payload},
    topics::{Topics, slot_of},
    views::ScheduleView,
};
use crate::model::{House, OutletId, Slug};

/// Whose state it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Left {
    /// A housing's.
    Device(Slug),
    /// A housing's, if there is more of it: by itself it may be anybody's.
    Trace(Slug),
    /// An outlet's.
    Outlet(OutletId),
    /// A group's.
    Group(Slug),
    /// That of a group's schedule.
    Schedule(Slug, Slug),
}

impl Left {
    /// Whose state a message is. `None` unless topic and payload both look like what the bridge writes: what others keep below the
    /// base topic is none of its business.
    pub(super) fn of(topics: &Topics, message: &Message) -> Option<Self> {
        let Payload::Bytes(bytes) = &message.payload else { return None };
        let below = message.topic.strip_prefix(topics.base())?.strip_prefix('/')?;
        let holds = |keys: &[&str]| {
            let found = serde_json::from_slice::<Value>(bytes).ok();
            found.is_some_and(|it| keys.iter().all(|key| it.get(key).is_some()))
        };
        let device = |name: &str| name.parse::<Slug>().ok().filter(|it| !RESERVED.contains(&it.as_str()));
        let outlet = |name: &str, slot: &str| Some(OutletId::new(device(name)?, slot_of(slot)?));
        match below.split('/').collect::<Vec<_>>()[..] {
            ["group", group] if holds(&["control", "sentence"]) => Some(Self::Group(group.parse().ok()?)),
            ["group", group, "plan"] if holds(&["made_at", "windows"]) => Some(Self::Group(group.parse().ok()?)),
            ["group", group, "schedule", schedule] if holds(&["name", "enabled", "days"]) => {
                Some(Self::Schedule(group.parse().ok()?, schedule.parse().ok()?))
            }
            [name] if holds(&["mac", "model", "protocol"]) => Some(Self::Device(device(name)?)),
            [name, "availability"] if [&b"online"[..], b"offline"].contains(&bytes.as_slice()) => {
                Some(Self::Trace(device(name)?))
            }
            [name, "last_seen"] if std::str::from_utf8(bytes).is_ok_and(|it| it.parse::<Timestamp>().is_ok()) => {
                Some(Self::Trace(device(name)?))
            }
            [name, slot] if holds(&["state", "runtime_today_min"]) => Some(Self::Outlet(outlet(name, slot)?)),
            [name, slot, "decision"] if holds(&["desired", "voices"]) => Some(Self::Outlet(outlet(name, slot)?)),
            _ => None,
        }
    }

    /// Is there still such a thing?
    pub(super) fn is_there(&self, house: &House) -> bool {
        match self {
            Self::Device(device) | Self::Trace(device) => house.devices.contains_key(device),
            Self::Outlet(outlet) => house.outlets.contains_key(outlet),
            Self::Group(group) => house.groups.contains_key(group),
            Self::Schedule(group, schedule) => {
                house.groups.get(group).is_some_and(|it| ScheduleView::of(it, schedule.as_str()).is_some())
            }
        }
    }
}

/// Without what may be anybody's: of those of which nothing else was found.
pub(super) fn proven(mut found: BTreeMap<String, Left>) -> BTreeMap<String, Left> {
    let of_device = |it: &Left| match it {
        Left::Device(device) => Some(device.clone()),
        Left::Outlet(outlet) => Some(outlet.device.clone()),
        _ => None,
    };
    let devices: BTreeSet<Slug> = found.values().filter_map(of_device).collect();
    found.retain(|_, it| !matches!(it, Left::Trace(device) if !devices.contains(device)));
    found
}

/// First levels that are no devices.
const RESERVED: [&str; 4] = ["bridge", "group", "vacation", "weather"];
