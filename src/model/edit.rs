//! What somebody wants changed in the config.

use jiff::civil;
use serde_json::{Map, Value};

use super::Slug;

/// What a schedule without a name is called.
pub const UNNAMED: &str = "Unnamed Schedule";

/// Which schedule of a group is meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Which {
    /// Its name.
    pub name: String,
    /// Its place in the group's list, from 0, by whoever has seen the list: it is there only as long as that name stands there. Without a place,
    /// no other schedule of the group may have that name.
    pub place: Option<usize>,
}

impl Which {
    /// The only one with this name.
    pub fn named(name: impl Into<String>) -> Self {
        Self { name: name.into(), place: None }
    }
}

/// A change of the config, in the words of who asks for it. The config says whether it can be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConfigEdit {
    /// This schedule, as the config writes schedules, in place of another one, or as a new one.
    PutSchedule {
        /// Whose.
        group: Slug,
        /// `None` for the one with its own name, if there is one.
        replaces: Option<Which>,
        /// With its `name`.
        schedule: Map<String, Value>,
    },
    /// No such schedule any more.
    RemoveSchedule {
        /// Whose.
        group: Slug,
        /// Which of them.
        which: Which,
    },
    /// A schedule that speaks, or is silent.
    EnableSchedule {
        /// Whose.
        group: Slug,
        /// Which of them.
        which: Which,
        /// Does it speak?
        enabled: bool,
    },
    /// When the windows of a schedule open or close, where that is a time by the clock already.
    TimeSchedule {
        /// Whose.
        group: Slug,
        /// Which of them.
        which: Which,
        /// Is it the opening, or the closing?
        opens: bool,
        /// Local wall-clock time, whole minutes.
        time: civil::Time,
    },
    /// Another name for a device, or for one outlet of a device whose outlets have names of their own.
    Rename {
        /// By the name in topics that it has now.
        device: Slug,
        /// `None` for the device.
        slot: Option<u8>,
        /// As people are to read it.
        name: String,
    },
    /// Keys of a device's first item; `null` takes one out.
    SetDevice {
        /// Which.
        device: Slug,
        /// `poll_seconds`, `rated_watts`, …
        options: Map<String, Value>,
    },
    /// Keys of a group, dots between their levels; `null` takes one out.
    SetGroup {
        /// Which.
        group: Slug,
        /// `manual_override_hours`, `melt.lead_minutes`, …
        options: Map<String, Value>,
    },
    /// Flags of a group's `automation`, of which the predecessor's page knew; `null` takes one out.
    SetAutomation {
        /// Which.
        group: Slug,
        /// `weather_control`, `precipitation_control`, `morning_mode`: true or false.
        flags: Map<String, Value>,
    },
    /// Values at paths as problems write them (`safety.max_runtime_hours`, `devices.groups.mat.items[0].name`), or as JSON pointers;
    /// `null` takes one out. Only for a person who may do everything: limits too. A secret that is masked or empty stays as it is.
    Set(Vec<(String, Value)>),
    /// The config as a whole. What it does not name stays, but for groups and what stands in lists.
    Whole(Map<String, Value>),
}
