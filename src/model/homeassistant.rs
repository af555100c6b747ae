//! What Home Assistant is told, and how.

use std::{fmt, str::FromStr};

/// Home Assistant discovery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HomeAssistantSettings {
    /// Announce anything at all?
    pub discovery: bool,
    /// Default `homeassistant`.
    pub discovery_prefix: String,
    /// Default `homeassistant/status`.
    pub status_topic: String,
    /// How devices are laid out.
    pub layout: DeviceLayout,
    /// The oldest Home Assistant that listens: what it does not know is not announced. `None`: 2024.12, the first that knows
    /// devices.
    pub min_version: Option<HomeAssistantVersion>,
    /// After so many seconds the broker drops a command that nobody has taken. `None`: never. For Home Assistant since 2026.7
    /// that speaks MQTT 5: over 3.1.1 it would send no command at all.
    pub command_expiry: Option<u16>,
}

impl Default for HomeAssistantSettings {
    /// Home Assistant's own defaults.
    fn default() -> Self {
        Self {
            discovery: true,
            discovery_prefix: "homeassistant".to_owned(),
            status_topic: "homeassistant/status".to_owned(),
            layout: DeviceLayout::default(),
            min_version: None,
            command_expiry: None,
        }
    }
}

/// How devices are laid out in announcements. Unique ids are the same in each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DeviceLayout {
    /// A device, and an announcement, for each housing, outlet and group. Outlets name their housing.
    #[default]
    ViaDevice,
    /// One announcement for a housing with its outlets as child devices: Home Assistant since 2026.11.
    ChildDevices,
    /// One announcement for each entity: openHAB, Domoticz, Home Assistant before 2024.12.
    Components,
}

/// A release of Home Assistant: year and month.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct HomeAssistantVersion {
    /// Such as 2026.
    pub year: u16,
    /// 1 to 12.
    pub month: u8,
}

impl HomeAssistantVersion {
    /// Knows child devices.
    pub const CHILD_DEVICES: Self = Self { year: 2026, month: 11 };
    /// Knows when a command expires.
    pub const EXPIRY: Self = Self { year: 2026, month: 7 };
    /// Knows times of a day that can be set. An older one drops the whole device for one of them.
    pub const TIMES: Self = Self { year: 2026, month: 7 };
}

impl fmt::Display for HomeAssistantVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.year, self.month)
    }
}

impl FromStr for HomeAssistantVersion {
    type Err = NotAVersion;

    /// `2026.11`, or `2026.11.2` of which the last part does not matter.
    fn from_str(text: &str) -> Result<Self, NotAVersion> {
        let number =
            |part: &str| part.bytes().all(|it| it.is_ascii_digit()).then(|| part.parse::<u16>().ok()).flatten();
        let parts: Option<Vec<u16>> = text.split('.').map(number).collect();
        match parts.as_deref() {
            Some([year @ 2000..=2999, month @ 1..=12] | [year @ 2000..=2999, month @ 1..=12, _]) => {
                Ok(Self { year: *year, month: u8::try_from(*month).map_err(|_| NotAVersion)? })
            }
            _ => Err(NotAVersion),
        }
    }
}

/// Not a version of Home Assistant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a version of Home Assistant, such as 2025.12")]
pub struct NotAVersion;
