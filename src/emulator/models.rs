//! The devices that can be emulated, and what each of them has and says.
//!
//! What a real device lacks matters as much as what it has: clients fail on missing fields. So each model states its
//! components, as the device itself does, and the fields of its answers follow from them.

use std::{fmt, str::FromStr};

/// A model of plug or strip, in the firmware named in the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Model {
    /// Outdoor-sized dual plug with a meter for each outlet, firmware 1.0.3.
    P210M,
    /// Outdoor dual plug of the Kasa family, firmware 1.1.0. No meter, no auto-off, and it lists outlet 2 first.
    Ep40m,
    /// Outdoor dual plug, firmware 1.1.3. No recording of one is public; assumed to be an EP40M with auto-off.
    P400m,
    /// Strip with three outlets and no meter, firmware 1.0.15. Lists them as 3, 2, 1.
    P300,
    /// Strip with four metered outlets, firmware 1.0.3.
    P304m,
    /// Strip with four outlets and a night light, which is listed as a fifth child, firmware 1.1.2.
    P306,
    /// Single plug with a meter, firmware 1.4.4.
    P110m,
    /// Single plug with a meter, firmware 1.3.0, which tells no charging status.
    P110,
    /// Single plug without a meter, firmware 1.4.0.
    P100,
}

impl Model {
    /// Every model.
    pub const ALL: [Self; 9] = [
        Self::P210M,
        Self::Ep40m,
        Self::P400m,
        Self::P300,
        Self::P304m,
        Self::P306,
        Self::P110m,
        Self::P110,
        Self::P100,
    ];

    /// As the device names itself: `P210M`.
    pub fn name(self) -> &'static str {
        self.traits().name
    }

    /// How many outlets it has, the night light of a P306 counted too.
    pub fn outlets(self) -> u8 {
        u8::try_from(self.traits().listed.len()).unwrap_or(u8::MAX)
    }

    /// Does it measure power and energy?
    pub fn meters_energy(self) -> bool {
        self.traits().has("energy_monitoring")
    }

    /// Is it a housing with several outlets, each a child device?
    pub fn is_strip(self) -> bool {
        self.traits().is_strip()
    }

    /// The device family that clients ask for: `SMART.TAPOPLUG` or `SMART.KASAPLUG`.
    pub fn family(self) -> &'static str {
        self.traits().family
    }

    pub(super) fn traits(self) -> &'static Traits {
        match self {
            Self::P210M => &P210M,
            Self::Ep40m => &EP40M,
            Self::P400m => &P400M,
            Self::P300 => &P300,
            Self::P304m => &P304M,
            Self::P306 => &P306,
            Self::P110m => &P110M,
            Self::P110 => &P110,
            Self::P100 => &P100,
        }
    }
}

impl fmt::Display for Model {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Model {
    type Err = String;

    /// Reads a model's name in any case.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|it| it.name().eq_ignore_ascii_case(text)).ok_or_else(|| {
            let known: Vec<_> = Self::ALL.iter().map(|it| it.name()).collect();
            format!("`{text}` is not a model that can be emulated; it is one of {}", known.join(", "))
        })
    }
}

/// How a device says that it is too hot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Heat {
    /// Not at all.
    Silent,
    /// `"overheated": false`.
    Flag,
    /// `"overheat_status": "normal"`.
    Status,
}

/// What the meter answers to `get_emeter_data`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Emeter {
    /// It does not know the question.
    Unknown,
    /// Voltage, current, power and the energy in Wh.
    Plain,
    /// The energy in mWh too, as newer firmware has it.
    Fine,
}

/// What tells one model from another.
#[derive(Debug)]
pub(super) struct Traits {
    pub(super) name: &'static str,
    pub(super) family: &'static str,
    pub(super) firmware: &'static str,
    pub(super) hardware: &'static str,
    /// The first half of its MAC address.
    pub(super) maker: [u8; 3],
    /// The positions of its outlets in the order in which it lists them.
    pub(super) listed: &'static [u8],
    /// The child that is a lamp.
    pub(super) night_light: Option<u8>,
    /// Components beyond those that every plug has.
    extras: &'static [(&'static str, u8)],
    pub(super) heat: Heat,
    pub(super) emeter: Emeter,
    /// Do its children say whether they are USB sockets?
    pub(super) tells_usb: bool,
    /// Does it close the connection after each answer?
    pub(super) hangs_up: bool,
    /// Mains voltage in mV.
    pub(super) millivolts: u32,
    /// The load that it carries, in W.
    pub(super) max_watts: u32,
}

/// Components that every plug has, parent and child.
const COMMON: [(&str, u8); 12] = [
    ("device", 2),
    ("quick_setup", 3),
    ("time", 1),
    ("schedule", 2),
    ("countdown", 2),
    ("antitheft", 1),
    ("account", 1),
    ("synchronize", 1),
    ("sunrise_sunset", 1),
    ("cloud_connect", 1),
    ("iot_cloud", 1),
    ("default_states", 1),
];
/// Components of what has the radio and the light: a single plug, or the housing of a strip.
const HOUSING: [(&str, u8); 2] = [("wireless", 1), ("led", 1)];
/// Components that only the housing of a strip has.
const STRIP: [(&str, u8); 2] = [("control_child", 2), ("child_device", 2)];
/// Components that the housing keeps to itself although they are among the extras.
const NOT_FOR_CHILDREN: [&str; 3] = ["matter", "homekit", "tpap"];

impl Traits {
    pub(super) fn is_strip(&self) -> bool {
        self.listed.len() > 1
    }

    /// Does it have a component?
    pub(super) fn has(&self, component: &str) -> bool {
        self.extras.iter().any(|(id, _)| *id == component)
    }

    /// What it answers to `component_nego`, as a single plug or the housing of a strip.
    pub(super) fn housing_components(&self) -> Vec<(&'static str, u8)> {
        let strip: &[_] = if self.is_strip() { &STRIP } else { &[] };
        [&COMMON[..], &HOUSING, strip, self.extras].concat()
    }

    /// What each of a strip's outlets has.
    pub(super) fn child_components(&self, position: u8) -> Vec<(&'static str, u8)> {
        let is_lamp = self.night_light == Some(position);
        let kept = |id: &str| !NOT_FOR_CHILDREN.contains(&id) && (id != "auto_off" || !is_lamp);
        let extras = self.extras.iter().filter(|(id, _)| kept(id));
        let mut all: Vec<_> = COMMON.iter().chain(extras).copied().collect();
        if is_lamp {
            all.push(("brightness", 1));
        }
        all
    }
}

const FIRMWARE: (&str, u8) = ("firmware", 2);
const LOCAL_TIME: (&str, u8) = ("device_local_time", 1);
const LOCAL_SMART: (&str, u8) = ("localSmart", 1);
const AUTO_OFF: (&str, u8) = ("auto_off", 2);
const MATTER: (&str, u8) = ("matter", 2);
const HOMEKIT: (&str, u8) = ("homekit", 2);
const OVERHEAT: (&str, u8) = ("overheat_protection", 1);
const ENERGY: (&str, u8) = ("energy_monitoring", 2);
const POWER: (&str, u8) = ("power_protection", 1);
const CURRENT: (&str, u8) = ("current_protection", 1);
const CHARGING: (&str, u8) = ("charging_protection", 2);

const P210M: Traits = Traits {
    name: "P210M",
    family: "SMART.TAPOPLUG",
    firmware: "1.0.3 Build 240703 Rel.114246",
    hardware: "1.0",
    maker: [0xDC, 0x62, 0x79],
    listed: &[1, 2],
    night_light: None,
    extras: &[FIRMWARE, LOCAL_TIME, LOCAL_SMART, AUTO_OFF, MATTER, ENERGY, CURRENT, POWER, CHARGING],
    heat: Heat::Status,
    emeter: Emeter::Plain,
    tells_usb: true,
    hangs_up: false,
    millivolts: 120_254,
    max_watts: 1835,
};

const EP40M: Traits = Traits {
    name: "EP40M",
    family: "SMART.KASAPLUG",
    firmware: "1.1.0 Build 240415 Rel.171219",
    maker: [0xF0, 0x09, 0x0D],
    listed: &[2, 1],
    extras: &[FIRMWARE, LOCAL_TIME, MATTER, OVERHEAT],
    emeter: Emeter::Unknown,
    ..P210M
};

const P400M: Traits = Traits {
    name: "P400M",
    family: "SMART.TAPOPLUG",
    firmware: "1.1.3 Build 240828 Rel.104711",
    maker: [0x78, 0x8C, 0xB5],
    extras: &[FIRMWARE, LOCAL_TIME, AUTO_OFF, MATTER, OVERHEAT],
    ..EP40M
};

const P300: Traits = Traits {
    name: "P300",
    firmware: "1.0.15 Build 231130 Rel.122554",
    listed: &[3, 2, 1],
    extras: &[FIRMWARE, LOCAL_TIME, AUTO_OFF, HOMEKIT, OVERHEAT],
    tells_usb: false,
    millivolts: 234_000,
    max_watts: 2990,
    ..P400M
};

const P304M: Traits = Traits {
    name: "P304M",
    firmware: "1.0.3 Build 240605 Rel.091502",
    maker: [0xA8, 0x6E, 0x84],
    listed: &[1, 2, 3, 4],
    extras: &[FIRMWARE, LOCAL_TIME, LOCAL_SMART, AUTO_OFF, MATTER, OVERHEAT, ENERGY, CURRENT, POWER, CHARGING],
    millivolts: 241_000,
    max_watts: 3252,
    ..P210M
};

const P306: Traits = Traits {
    name: "P306",
    firmware: "1.1.2 Build 240531 Rel.204226",
    maker: [0xA8, 0x6E, 0x84],
    listed: &[4, 3, 2, 1, 5],
    night_light: Some(5),
    extras: &[FIRMWARE, LOCAL_TIME, LOCAL_SMART, AUTO_OFF, HOMEKIT, OVERHEAT, ("auto_light_control", 1)],
    tells_usb: true,
    millivolts: 120_000,
    max_watts: 1875,
    ..P300
};

const P110M: Traits = Traits {
    name: "P110M",
    firmware: "1.4.4 Build 260723 Rel.025417",
    maker: [0xF0, 0xA7, 0x31],
    listed: &[1],
    extras: &[
        FIRMWARE,
        LOCAL_TIME,
        AUTO_OFF,
        LOCAL_SMART,
        ("energy_unit", 1),
        ENERGY,
        POWER,
        CHARGING,
        ("matter", 3),
        CURRENT,
        ("tpap", 1),
        ("realtime_emeter", 1),
    ],
    heat: Heat::Silent,
    emeter: Emeter::Fine,
    ..P210M
};

const P110: Traits = Traits {
    name: "P110",
    firmware: "1.3.0 Build 230905 Rel.152200",
    maker: [0x48, 0x22, 0x54],
    listed: &[1],
    extras: &[FIRMWARE, LOCAL_TIME, AUTO_OFF, LOCAL_SMART, ENERGY, POWER, CURRENT],
    heat: Heat::Flag,
    // The recorded firmware does not know the question.
    emeter: Emeter::Unknown,
    millivolts: 241_000,
    max_watts: 3379,
    ..P210M
};

const P100: Traits = Traits {
    name: "P100",
    firmware: "1.4.0 Build 20231017 Rel. 33876",
    hardware: "1.0.0",
    maker: [0x74, 0xDA, 0x88],
    extras: &[("firmware", 1)],
    emeter: Emeter::Unknown,
    hangs_up: true,
    ..P110
};
