//! What must survive a restart.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{OutletId, Pause, Pin, Remembered, Slug};

/// What must survive a restart, of the whole house. The settings are not in it: their owner is the config file.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Memory {
    /// What somebody last said of the vacation. `None` in a memory that has never been told: the config's value holds.
    pub vacation: Option<VacationTold>,
    /// All rules are silent for a while.
    pub paused: Option<Pause>,
    /// Identities by device.
    pub pins: BTreeMap<Slug, Pin>,
    /// What is remembered of each outlet.
    pub outlets: BTreeMap<OutletId, Remembered>,
    /// What is remembered of every outlet of a device, by whoever did not know how many it has: handed to them when it says so.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub whole: BTreeMap<Slug, Remembered>,
    /// Devices that the config does not name any more, the newest last.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub gone: Vec<Gone>,
    /// When this was last written: a clock that shows an earlier time is not trusted.
    pub written_at: Option<Timestamp>,
}

/// A device that the config does not name any more: it may come back under another name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Gone {
    /// Its identity.
    pub pin: Pin,
    /// What is remembered of its outlets, by slot.
    pub outlets: BTreeMap<u8, Remembered>,
}

/// Somebody said whether everybody is away. It holds until somebody says otherwise, or the config's own value is changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VacationTold {
    /// Is everybody away?
    pub away: bool,
    /// The config's `vacation_mode` at that time.
    pub config: bool,
}
