//! What a device says about itself and its sockets, and what it is told.

use std::{collections::BTreeMap, fmt, str::FromStr};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// The position of a relay.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Switch {
    /// Current flows.
    On,
    /// No current flows.
    Off,
}

impl Switch {
    /// Is it on?
    pub fn is_on(self) -> bool {
        self == Self::On
    }

    /// The other position.
    pub fn toggled(self) -> Self {
        if self.is_on() { Self::Off } else { Self::On }
    }

    /// `On` for true.
    pub fn from_bool(on: bool) -> Self {
        if on { Self::On } else { Self::Off }
    }

    /// `ON` or `OFF`, as MQTT and people read it.
    pub fn as_str(self) -> &'static str {
        if self.is_on() { "ON" } else { "OFF" }
    }
}

impl fmt::Display for Switch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A hardware address: six bytes, shown as `a0b1c2d3e4f5` in identifiers and `A0:B1:C2:D3:E4:F5` to people.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Mac(pub [u8; 6]);

impl Mac {
    /// Twelve lower-case hexadecimal digits: the form used in identifiers, never changed once released.
    pub fn plain(self) -> String {
        self.0.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

impl fmt::Display for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, g] = self.0;
        write!(f, "{a:02X}:{b:02X}:{c:02X}:{d:02X}:{e:02X}:{g:02X}")
    }
}

impl FromStr for Mac {
    type Err = String;

    /// Reads twelve hexadecimal digits with `-`, `:` or nothing between the pairs.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digits: Vec<u32> =
            text.chars().filter(|it| !matches!(it, '-' | ':')).filter_map(|it| it.to_digit(16)).collect();
        let letters = text.chars().filter(|it| !matches!(it, '-' | ':')).count();
        if digits.len() != 12 || letters != 12 {
            return Err(format!("`{text}` is not a MAC address such as A0:B1:C2:D3:E4:F5"));
        }
        let mut bytes = [0; 6];
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks(2)) {
            *byte = u8::try_from(pair[0] * 16 + pair[1]).unwrap_or_default();
        }
        Ok(Self(bytes))
    }
}

impl TryFrom<String> for Mac {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Mac> for String {
    fn from(mac: Mac) -> Self {
        mac.to_string()
    }
}

/// What a housing says about itself when it is connected to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Housing {
    /// As the device names it: `P210M`, `EP40M`.
    pub model: String,
    /// Firmware, as the device names it.
    pub firmware: String,
    /// Hardware revision, as the device names it.
    pub hardware: String,
    /// The MAC address: its identity, together with `device_id`.
    pub mac: Mac,
    /// The device's own 40 hexadecimal digits; survives a change of address.
    pub device_id: String,
    /// `host[:port]` that it was reached at.
    pub address: String,
    /// Wi-Fi signal in dBm, at most 0. `None` while unknown.
    pub rssi: Option<i16>,
    /// `KLAP` or `TPAP`, if the link can tell.
    pub protocol: Option<String>,
    /// Is the light on it in use? `None` if it has none, or nobody knows yet.
    #[serde(default)]
    pub led: Option<bool>,
    /// Its sockets, by slot.
    pub sockets: Vec<Socket>,
}

/// One socket of a housing, as the device describes it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Socket {
    /// The device's `position`, from 1. A single plug is slot 1.
    pub slot: u8,
    /// The name that its owner gave it in the vendor's app; may be empty.
    pub label: String,
    /// Does it measure power and energy?
    pub meters_energy: bool,
    /// Does it measure voltage and current too?
    pub meters_voltage: bool,
}

/// Why a device reports what it reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Cause {
    /// The first report after a start, a reconnect, or a login after anything but the mere end of a session: the past is unknown.
    FirstContact,
    /// A look at an outlet that the bridge has not tried to switch since the look before.
    Polled,
    /// The first look after the bridge has switched it, or tried to.
    Switched,
    /// Its power was read since the report before. All others tell the power that was read last, which may be long ago.
    Measured,
}

/// A fault: a flag that the device raises by itself, or what its meter shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// Too hot; the device has cut its relay.
    Overheat,
    /// More power than the protection allows.
    Overload,
    /// More current than the hardware allows.
    Overcurrent,
    /// By the meter: a heater is on and draws nothing.
    NoLoad,
    /// By the meter: power flows although the outlet says that it is off; or it is to be off, and says for minutes that it is on.
    RelayStuck,
    /// By the meter: a heater draws more than what is written on it.
    OverRated,
    /// By the meter: a heater draws another power than it usually does.
    Drift,
}

impl Fault {
    /// As programs read it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Overheat => "overheat",
            Self::Overload => "overload",
            Self::Overcurrent => "overcurrent",
            Self::NoLoad => "no_load",
            Self::RelayStuck => "relay_stuck",
            Self::OverRated => "over_rated",
            Self::Drift => "drift",
        }
    }

    /// Does it lock a heater off until somebody acknowledges it?
    pub fn locks(self) -> bool {
        !matches!(self, Self::NoLoad | Self::Drift)
    }

    /// Who says what.
    pub fn words(self) -> &'static str {
        match self {
            Self::Overheat => "the plug says that it is too hot",
            Self::Overload => "the plug says that it is overloaded",
            Self::Overcurrent => "the plug says that too much current flows",
            Self::NoLoad => "the meter shows that nothing is drawn",
            Self::RelayStuck => "its relay seems to be stuck",
            Self::OverRated => "the meter shows more power than what is written on it",
            Self::Drift => "the meter shows another power than usual",
        }
    }
}

/// The meter's figures. What is unknown for now is `None`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Energy {
    /// Active power in W, from 0.
    pub power: Option<f64>,
    /// Voltage in V.
    pub voltage: Option<f64>,
    /// Current in A.
    pub current: Option<f64>,
    /// Energy since the device's midnight in kWh.
    pub today: Option<f64>,
    /// Energy since the first of the device's month in kWh.
    pub month: Option<f64>,
}

/// What one socket reported in one look. The hub adds the time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// Which socket, from 1.
    pub slot: u8,
    /// The relay, as the device says.
    pub switch: Switch,
    /// How long it has been on by the device's own count; `None` if it does not say.
    pub on_time: Option<SignedDuration>,
    /// The meter, where there is one.
    pub energy: Option<Energy>,
    /// A fault flag.
    pub fault: Option<Fault>,
    /// The time until the plug switches off by itself, by the timers that it has confirmed; `None` if none runs.
    pub timer: Option<SignedDuration>,
    /// Why this report exists.
    pub cause: Cause,
    /// The newest command counter ([`Orders::commanded`]) that was known before the device was asked.
    pub answers: u64,
}

/// Is the device there?
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Availability {
    /// It has not been asked yet.
    #[default]
    Unknown,
    /// It answered the last time.
    Online,
    /// It did not.
    Offline,
}

/// What is wrong with a device, a broker or a provider, in words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trouble {
    /// Will it pass by itself, or does it need a person?
    pub kind: TroubleKind,
    /// A lower-case sentence fragment that names the thing and the cause.
    pub text: String,
}

/// The two questions that matter about a trouble, and one special answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TroubleKind {
    /// Will pass by itself: unplugged, Wi-Fi, a session that expired.
    Passing,
    /// Needs a person: wrong account, third-party access switched off.
    NeedsPerson,
    /// Another device answers at the address.
    WrongDevice,
}

/// Must a timer on the plug open the relay if nobody does?
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Timer {
    /// Not switched on without.
    Required,
    /// Where the plug can.
    Wanted,
    /// None is armed, and one that a person has set is left alone.
    #[default]
    None,
}

/// What is to be brought about at one outlet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Order {
    /// The relay position that is decided.
    pub switch: Switch,
    /// When an outlet that is on will be wanted off, as far as anybody knows.
    pub off_by: Option<Timestamp>,
    /// Must a timer on the plug see to that too?
    pub timer: Timer,
    /// The longest time on that any rule allows: what the plug's lasting auto-off timer is set by. `None`: it is left alone.
    pub longest_on: Option<SignedDuration>,
    /// It reports OFF and power flows: an OFF is repeated although it seems to be done.
    pub insist: bool,
}

impl From<Switch> for Order {
    /// Without a timer.
    fn from(switch: Switch) -> Self {
        Self { switch, off_by: None, timer: Timer::None, longest_on: None, insist: false }
    }
}

/// What a device's task is to bring about: by slot. A slot that is not named is left alone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Orders {
    /// What is decided.
    pub wanted: BTreeMap<u8, Order>,
    /// Counts up with each command of a person, so that an unchanged outlet is read afresh and answered.
    pub commanded: u64,
    /// Counts up whenever somebody wants the device to be looked at afresh. Nothing else follows from it.
    pub looks: u64,
    /// Somebody wants the light on the housing on or off; the number counts up with each such wish.
    pub led: Option<(bool, u64)>,
}
