//! The whole picture: what every shell reads and only the hub renews.

use std::{collections::BTreeMap, sync::Arc};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{
    Availability, Class, Control, Decision, Fault, Gone, Housing, Learned, Mac, Memory, Metering, OnToday, OutletId,
    Pause, Pending, Report, Schedule, Slug, Switch, Trouble, VacationTold, WeatherBoard, Wish,
};

/// The whole picture. Cheap to copy: every part is shared.
#[derive(Clone, Debug, PartialEq)]
pub struct House {
    /// When the picture was taken.
    pub at: Timestamp,
    /// Every device of the config.
    pub devices: BTreeMap<Slug, Arc<Device>>,
    /// Every outlet of every device that has been identified, and every outlet that the config names.
    pub outlets: BTreeMap<OutletId, Arc<Outlet>>,
    /// What is remembered of all outlets of devices that have not said yet how many they have.
    pub whole: BTreeMap<Slug, Remembered>,
    /// Devices that the config does not name any more, the newest last.
    pub gone: Arc<Vec<Gone>>,
    /// Every group of the config.
    pub groups: BTreeMap<Slug, Arc<Group>>,
    /// The weather.
    pub weather: Arc<WeatherBoard>,
    /// Is everybody away?
    pub vacation: bool,
    /// All rules are silent for a while.
    pub paused: Option<Pause>,
    /// What somebody last said of it; `None` while the config's value holds.
    pub vacation_told: Option<VacationTold>,
    /// The broker.
    pub broker: Broker,
    /// Is the clock right?
    pub clock: ClockTrust,
}

impl House {
    /// Have all devices been asked once?
    pub fn every_device_asked(&self) -> bool {
        self.devices.values().all(|it| it.availability != Availability::Unknown)
    }

    /// What must survive a restart.
    pub fn memory(&self) -> Memory {
        let outlets = self.outlets.iter().map(|(id, it)| (id.clone(), it.remembered()));
        let pins = self.devices.iter().filter_map(|(slug, it)| Some((slug.clone(), it.pin.clone()?)));
        Memory {
            vacation: self.vacation_told,
            paused: self.paused,
            pins: pins.collect(),
            outlets: outlets.filter(|(_, it)| *it != Remembered::default()).collect(),
            whole: self.whole.clone(),
            gone: self.gone.to_vec(),
            // A clock that has gone wrong must not make the memory younger than it is.
            written_at: self.clock.newest.max(Some(self.at)),
        }
    }
}

/// Is the clock right?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClockTrust {
    /// While it is not, the rules of heaters are silent.
    pub is_trusted: bool,
    /// The newest time that was remembered when the bridge started.
    pub newest: Option<Timestamp>,
}

impl Default for ClockTrust {
    fn default() -> Self {
        Self { is_trusted: true, newest: None }
    }
}

/// The connection to the broker.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Broker {
    /// Not tried yet, or none is configured.
    #[default]
    Unknown,
    /// Connected.
    Connected,
    /// Not connected.
    Lost(Trouble),
}

/// One housing.
#[derive(Clone, Debug, PartialEq)]
pub struct Device {
    /// As topics name it.
    pub slug: Slug,
    /// As people name it.
    pub name: String,
    /// `host[:port]` of the config.
    pub address: String,
    /// What it says about itself; kept while it is away.
    pub housing: Option<Arc<Housing>>,
    /// Is it there?
    pub availability: Availability,
    /// Why it is not there.
    pub trouble: Option<Trouble>,
    /// Wi-Fi signal in dBm.
    pub rssi: Option<i16>,
    /// Its identity, drawn at the first contact.
    pub pin: Option<Pin>,
}

/// A device's identity, drawn at the first contact or given in the config.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pin {
    /// MAC address.
    pub mac: Mac,
    /// The device's own id; `None` when only the config's `mac` is known.
    pub device_id: Option<String>,
    /// What its sockets were seen to measure: held to be so until it is learned again, or Home Assistant would lose the meters at
    /// each start and find them again a second later.
    #[serde(default)]
    pub metered: BTreeMap<u8, Metered>,
    /// The minutes that the bridge itself has set each socket's lasting auto-off timer to: any other figure is somebody's.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub auto_off: BTreeMap<u8, u32>,
}

impl Pin {
    /// A device that is known by its MAC address alone.
    pub fn of_mac(mac: Mac) -> Self {
        Self { mac, device_id: None, metered: BTreeMap::new(), auto_off: BTreeMap::new() }
    }

    /// The identity of a housing.
    pub fn of(housing: &Housing) -> Self {
        // A firmware that does not tell its id is known by its MAC alone.
        let device_id = Some(housing.device_id.clone()).filter(|it| !it.is_empty());
        let metered = housing.sockets.iter().map(|it| {
            let metered = Metered { energy: it.meters_energy, voltage: it.meters_voltage };
            (it.slot, metered)
        });
        Self { mac: housing.mac, device_id, metered: metered.collect(), auto_off: BTreeMap::new() }
    }

    /// The identity of a housing that may have been known before: then it still holds what was written into it.
    pub fn renewed(housing: &Housing, before: Option<&Self>) -> Self {
        let same = before.filter(|it| it.mac == housing.mac);
        Self { auto_off: same.map(|it| it.auto_off.clone()).unwrap_or_default(), ..Self::of(housing) }
    }
}

/// What a socket measures.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Metered {
    /// Power and energy.
    pub energy: bool,
    /// Voltage and current.
    pub voltage: bool,
}

/// One switched socket.
#[derive(Clone, Debug, PartialEq)]
pub struct Outlet {
    /// Device and slot.
    pub id: OutletId,
    /// As people name it.
    pub name: String,
    /// The group that lists it.
    pub group: Option<Slug>,
    /// What hangs on it.
    pub class: Class,
    /// Does the device answer?
    pub availability: Availability,
    /// The last report; kept while the device is away, so look at `availability` too.
    pub reported: Option<Report>,
    /// When that report arrived.
    pub reported_at: Option<Timestamp>,
    /// On since, by the plug's own count where there is one.
    pub on_since: Option<Timestamp>,
    /// What must survive a restart.
    pub memory: Remembered,
    /// What is wanted, and why.
    pub decision: Decision,
    /// How many commands were given (counts up).
    pub commanded: u64,
    /// The newest of them that a report has answered.
    pub answered: u64,
    /// A command that still waits for its answer.
    pub pending: Option<Pending>,
    /// The longest time on by the config (`safety.max_runtime_hours`).
    pub longest_on: SignedDuration,
    /// Time on since local midnight.
    pub runtime_today: SignedDuration,
    /// A fault that its meter or its disobedience shows.
    pub alarm: Option<Fault>,
    /// Energy since it was first seen, in kWh: the bridge's own count, which never falls. `None` while unknown.
    pub energy_total: Option<f64>,
}

/// A timer on the plug that ends within this time is one that watches over the heat: the longest that is armed, and a minute.
const WATCHES: SignedDuration = SignedDuration::from_mins(16);

impl Outlet {
    /// The position that the plug reported last.
    pub fn switch(&self) -> Option<Switch> {
        self.reported.as_ref().map(|it| it.switch)
    }

    /// Does a timer on the plug, confirmed by it, see to it that the outlet goes off soon although nobody tells it to?
    pub fn is_watched(&self, now: Timestamp) -> bool {
        let Some(report) = self.reported.as_ref().filter(|it| it.switch.is_on()) else { return false };
        let Some((remain, at)) = report.timer.zip(self.reported_at) else { return false };
        let left = remain.saturating_sub(now.duration_since(at));
        left > SignedDuration::ZERO && left <= WATCHES
    }

    /// The longest time on that holds: a person's own limit, else that of the config. Schedules and storms may allow more than the
    /// latter.
    pub fn longest_allowed(&self) -> SignedDuration {
        self.memory.longest_on.map_or(self.longest_on, |it| it.min(self.longest_on))
    }

    /// The fault that the plug reports, or that its meter shows.
    pub fn shown_fault(&self) -> Option<Fault> {
        self.reported.as_ref().and_then(|it| it.fault).or(self.alarm)
    }

    /// When the plug switches off by itself, by the timers that it has confirmed.
    pub fn device_timer_off_at(&self) -> Option<Timestamp> {
        let remain = self.reported.as_ref().filter(|it| it.switch.is_on())?.timer?;
        self.reported_at?.checked_add(remain).ok()
    }

    /// What is kept over a restart. An ON of a heater that waits for its answer is not: its deadline would be forgotten, and a plug
    /// that comes back hours later would heat.
    fn remembered(&self) -> Remembered {
        let waits = self.class == Class::Heater && self.pending.as_ref().is_some_and(|it| it.switch.is_on());
        let wish = self.memory.wish.filter(|it| !(waits && it.switch.is_on()));
        Remembered { wish, ..self.memory.clone() }
    }

    /// What a `control` select shows: `off`, `on` while a wish for ON holds, else `auto`.
    pub fn control(&self) -> Control {
        match (self.memory.control, &self.memory.wish) {
            (Control::Off, _) => Control::Off,
            (_, Some(wish)) if wish.switch.is_on() => Control::On,
            _ => Control::Auto,
        }
    }
}

/// What must survive a restart, of one outlet.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Remembered {
    /// Only `Auto` and `Off` are stored.
    pub control: Control,
    /// A person's wish that has not ended.
    pub wish: Option<Wish>,
    /// A person's own limit of the time on, below that of the config.
    pub longest_on: Option<SignedDuration>,
    /// Why a person wanted what was asked last, in their own words.
    pub asked_because: Option<String>,
    /// How long it has been on.
    pub run: Run,
    /// A safety cut whose rest is not over.
    pub cut: Option<Cut>,
    /// Since when rules have wished it on without a break.
    pub ruled_since: Option<Timestamp>,
    /// When the relay was last seen to have moved.
    pub moved_at: Option<Timestamp>,
    /// A fault that keeps it off until somebody acknowledges it.
    pub lockout: Option<Lockout>,
    /// The bridge's own count of energy.
    pub metering: Option<Metering>,
    /// The time on of the day on which it was on last; a few minutes behind while it is on.
    pub today: Option<OnToday>,
    /// The power that a heater usually draws.
    pub learned: Option<Learned>,
}

/// A heater is locked off by a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lockout {
    /// What the plug reported, or its meter showed.
    pub fault: Fault,
    /// Since when.
    pub at: Timestamp,
    /// Somebody has acknowledged it; the plug still shows its flag, as it does until it is switched on again.
    pub acknowledged: bool,
}

/// The time on since the last real rest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Run {
    /// Time on in earlier stretches since the last real rest.
    pub before: SignedDuration,
    /// The present stretch began then; `None` while off.
    pub on_since: Option<Timestamp>,
    /// It went off then; `None` while on or never seen on.
    pub off_since: Option<Timestamp>,
}

impl Run {
    /// Time on since the last real rest.
    pub fn elapsed(&self, now: Timestamp) -> SignedDuration {
        let stretch =
            self.on_since.map_or(SignedDuration::ZERO, |since| now.duration_since(since).max(SignedDuration::ZERO));
        self.before.saturating_add(stretch)
    }
}

/// A safety cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cut {
    /// When the limit was reached.
    pub at: Timestamp,
    /// How long it must rest from when it was seen off.
    pub rest: SignedDuration,
    /// The time it had been on.
    pub ran: SignedDuration,
    /// The limit that it reached.
    pub limit: SignedDuration,
}

/// Outlets that share rules and limits.
#[derive(Clone, Debug, PartialEq)]
pub struct Group {
    /// As topics name it.
    pub slug: Slug,
    /// As the config names it.
    pub name: String,
    /// Its outlets, as far as they are known.
    pub outlets: Vec<OutletId>,
    /// Its schedules, as the config has them.
    pub schedules: Arc<[Schedule]>,
    /// How long before frozen precipitation it heats. `None` where it does not heat by the weather.
    pub lead: Option<SignedDuration>,
}

/// The position of a whole group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GroupState {
    /// Every outlet that is known is on.
    On,
    /// Every one is off.
    Off,
    /// Some are on.
    Mixed,
    /// None is known.
    Unknown,
}

impl Group {
    /// The position of the whole group by what its outlets reported.
    pub fn state(&self, house: &House) -> GroupState {
        let mut on = 0;
        let mut off = 0;
        for switch in self.outlets.iter().filter_map(|id| house.outlets.get(id)?.switch()) {
            match switch {
                Switch::On => on += 1,
                Switch::Off => off += 1,
            }
        }
        match (on, off) {
            (0, 0) => GroupState::Unknown,
            (0, _) => GroupState::Off,
            (_, 0) => GroupState::On,
            _ => GroupState::Mixed,
        }
    }
}
