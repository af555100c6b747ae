//! The subjects as the table of entities reads them: plain questions about one outlet, housing, group or the bridge.

mod health;
mod schedule;
mod weather;

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use serde_json::{Value, json};

pub(super) use self::{
    health::HealthView,
    schedule::{ScheduleView, clock},
    weather::age,
};
use super::sheet::LEVELS;
use crate::model::{
    Availability, Class, Control, Decision, Device, Energy, Fault, Group, GroupState, House, Housing, MqttSettings,
    Notice, Outlet, OutletId, Plan, Reason, Slug, Socket, Switch, VoiceName,
};

/// What the bridge says about itself.
#[derive(Clone, Debug)]
pub struct Identity {
    /// Drawn once and kept: the bridge's identity in Home Assistant.
    pub bridge_id: String,
    /// The version of the program.
    pub version: &'static str,
    /// The config with defaults and without secrets.
    pub shown: Value,
    /// What is wrong with the config when the bridge is in setup mode; empty otherwise.
    pub setup: Vec<String>,
    /// The zone in which `until` is read when it is a plain time of day.
    pub zone: TimeZone,
}

/// The bridge itself.
#[derive(Clone, Debug)]
pub(super) struct BridgeView {
    pub house: Arc<House>,
    pub identity: Arc<Identity>,
    pub settings: Arc<MqttSettings>,
    /// The MQTT version of the connection: 5, or 4 for 3.1.1. `None` before the first one.
    pub protocol: Option<u8>,
    /// A level or a filter; `None` where nobody can tell.
    pub log_level: Option<Arc<str>>,
}

impl BridgeView {
    /// What is logged, if it is a plain level.
    pub(super) fn log_level(&self) -> Value {
        let lower = self.log_level.as_deref().map(str::to_lowercase);
        json!(lower.filter(|it| LEVELS.contains(&it.as_str())))
    }

    pub(super) fn mqtt(&self) -> Value {
        let protocol = match self.protocol {
            Some(5) => json!("5"),
            Some(_) => json!("3.1.1"),
            None => Value::Null,
        };
        json!({
            "protocol": protocol,
            "base_topic": self.settings.base_topic,
            "client_id": self.settings.client_id,
            "keep_alive_seconds": self.settings.keep_alive.as_secs(),
        })
    }

    pub(super) fn setup(&self) -> Value {
        if self.identity.setup.is_empty() { Value::Null } else { json!({ "problems": self.identity.setup }) }
    }

    pub(super) fn vacation(&self) -> Value {
        json!(Switch::from_bool(self.house.vacation))
    }

    /// Every device with its outlets and what they can do.
    pub(super) fn inventory(&self) -> Value {
        self.house.devices.values().map(|device| self.device(device)).collect()
    }

    fn device(&self, device: &Device) -> Value {
        let housing = device.housing.as_deref();
        let outlets = outlets_of(&self.house, &device.slug);
        let outlets: Value = outlets.map(|outlet| inventory_outlet(outlet, socket(housing, outlet.id.slot))).collect();
        json!({
            "device": device.slug,
            "name": device.name,
            "address": device.address,
            "mac": device.pin.as_ref().map(|pin| pin.mac).or(housing.map(|it| it.mac)),
            "model": housing.map(|it| &it.model),
            "firmware": housing.map(|it| &it.firmware),
            "hardware": housing.map(|it| &it.hardware),
            "protocol": housing.and_then(|it| it.protocol.as_ref()),
            "outlets": outlets,
        })
    }
}

/// The outlets of a device, by slot.
pub(super) fn outlets_of<'a>(house: &'a House, device: &Slug) -> impl Iterator<Item = &'a Arc<Outlet>> {
    let all = OutletId::new(device.clone(), u8::MIN)..=OutletId::new(device.clone(), u8::MAX);
    house.outlets.range(all).map(|(_, outlet)| outlet)
}

/// When an outlet was heard last, to the half minute: to the second it would be published at each look.
pub(super) fn last_seen(outlet: &Outlet) -> Option<Timestamp> {
    let second = outlet.reported_at?.as_second();
    Timestamp::from_second(second - second.rem_euclid(30)).ok()
}

fn inventory_outlet(outlet: &Outlet, socket: Option<&Socket>) -> Value {
    json!({
        "slot": outlet.id.slot,
        "name": outlet.name,
        "label": socket.map(|it| &it.label),
        "group": outlet.group,
        "class": outlet.class.as_str(),
        "capabilities": {
            "energy": socket.map(|it| it.meters_energy),
            "voltage": socket.map(|it| it.meters_voltage),
        },
    })
}

fn socket(housing: Option<&Housing>, slot: u8) -> Option<&Socket> {
    housing?.sockets.iter().find(|socket| socket.slot == slot)
}

/// A housing.
#[derive(Clone, Debug)]
pub(super) struct DeviceView {
    pub device: Arc<Device>,
    /// When it was heard last, to the half minute; `None` before the first report.
    pub seen: Option<Timestamp>,
}

impl DeviceView {
    pub(super) fn of(house: &House, device: &Arc<Device>) -> Self {
        let seen = outlets_of(house, &device.slug).filter_map(|outlet| last_seen(outlet)).max();
        Self { device: device.clone(), seen }
    }

    pub(super) fn availability(&self) -> Value {
        json!(if self.device.availability == Availability::Online { "online" } else { "offline" })
    }

    pub(super) fn said(&self, read: impl Fn(&Housing) -> Value) -> Value {
        self.device.housing.as_deref().map_or(Value::Null, read)
    }

    pub(super) fn rssi(&self) -> Value {
        json!(self.device.rssi.or_else(|| self.device.housing.as_ref()?.rssi))
    }
}

/// An outlet.
#[derive(Clone, Debug)]
pub(super) struct OutletView {
    pub outlet: Arc<Outlet>,
    pub device: Option<Arc<Device>>,
    pub at: Timestamp,
}

impl OutletView {
    pub(super) fn of(house: &House, outlet: &Arc<Outlet>) -> Self {
        let device = house.devices.get(&outlet.id.device).cloned();
        Self { outlet: outlet.clone(), device, at: house.at }
    }

    /// Has its device been identified, so that it is known what the outlet can do?
    pub(super) fn is_known(&self) -> bool {
        self.socket().is_some()
    }

    pub(super) fn meters_energy(&self) -> bool {
        self.socket().is_some_and(|it| it.meters_energy)
    }

    pub(super) fn meters_voltage(&self) -> bool {
        self.socket().is_some_and(|it| it.meters_voltage)
    }

    pub(super) fn energy(&self) -> Energy {
        self.outlet.reported.as_ref().and_then(|report| report.energy).unwrap_or_default()
    }

    pub(super) fn on_since(&self) -> Option<Timestamp> {
        self.outlet.on_since.filter(|_| self.outlet.switch() == Some(Switch::On))
    }

    pub(super) fn next(&self) -> Value {
        self.outlet.decision.next.map_or(Value::Null, |next| json!({ "at": time(Some(next.at)), "state": next.switch }))
    }

    /// Everybody who speaks about it, most important first.
    pub(super) fn voices(&self) -> Value {
        let voices = self.outlet.decision.opinions.iter().map(|opinion| {
            json!({
                "voice": opinion.voice.as_str(),
                "wish": opinion.wish,
                "reason": opinion.reason.as_ref().map(Reason::key),
                "sentence": opinion.reason.as_ref().map(Reason::to_string),
                "changes_at": time(opinion.changes_at),
            })
        });
        voices.collect()
    }

    /// The voice that keeps it off although a less important one wishes it on.
    pub(super) fn blocked_by(&self) -> Value {
        let decision = &self.outlet.decision;
        let wished_on = decision.opinions.iter().any(|opinion| opinion.wish == Some(Switch::On));
        let blocked = wished_on && decision.switch == Switch::Off;
        if blocked { json!([decision.reason.key()]) } else { json!([]) }
    }

    pub(super) fn pending(&self) -> Value {
        self.outlet.pending.as_ref().map_or(Value::Null, |pending| {
            json!({
                "state": pending.switch,
                "answer_by": time(Some(pending.answer_by)),
                "failure": pending.failure,
            })
        })
    }

    pub(super) fn safety(&self) -> Value {
        json!({
            "run_min": minutes(self.outlet.memory.run.elapsed(self.at)),
            "cooldown_until": time(rests_until(&self.outlet)),
            "lockout": self.outlet.memory.lockout.map_or(Value::Null, |it| json!({
                "fault": it.fault,
                "since": time(Some(it.at)),
                "acknowledged": it.acknowledged,
            })),
        })
    }

    pub(super) fn is_heater(&self) -> bool {
        self.outlet.class == Class::Heater
    }

    pub(super) fn has_meter_and_heats(&self) -> bool {
        self.is_heater() && self.meters_energy()
    }

    /// Is one of these faults shown?
    pub(super) fn shows(&self, faults: &[Fault]) -> bool {
        self.outlet.shown_fault().is_some_and(|fault| faults.contains(&fault))
    }

    /// Does a fault wait for somebody's acknowledgement?
    pub(super) fn is_locked(&self) -> Value {
        json!(self.outlet.memory.lockout.is_some_and(|it| !it.acknowledged))
    }

    fn socket(&self) -> Option<&Socket> {
        socket(self.device.as_ref()?.housing.as_deref(), self.outlet.id.slot)
    }
}

fn rests_until(outlet: &Outlet) -> Option<Timestamp> {
    let safety = outlet.decision.opinions.iter().find(|opinion| opinion.voice == VoiceName::Safety)?;
    match safety.reason {
        Some(Reason::Resting { until }) => until,
        _ => None,
    }
}

/// A group with its outlets.
#[derive(Clone, Debug)]
pub(super) struct GroupView {
    pub group: Arc<Group>,
    pub outlets: Vec<Arc<Outlet>>,
    pub position: GroupState,
    pub at: Timestamp,
}

impl GroupView {
    pub(super) fn of(house: &House, group: &Arc<Group>) -> Self {
        let outlets = group.outlets.iter().filter_map(|id| house.outlets.get(id).cloned()).collect();
        Self { group: group.clone(), outlets, position: group.state(house), at: house.at }
    }

    pub(super) fn state(&self) -> Value {
        match self.position {
            GroupState::On => json!("ON"),
            GroupState::Off => json!("OFF"),
            GroupState::Mixed => json!("MIXED"),
            GroupState::Unknown => Value::Null,
        }
    }

    /// What all its outlets are set to; `auto` where they differ, for then the rules decide about some of them.
    pub(super) fn control(&self) -> Value {
        let mut controls = self.outlets.iter().map(|outlet| outlet.control());
        let first = controls.next().unwrap_or_default();
        let all = controls.all(|control| control == first);
        json!(if all { first } else { Control::Auto }.as_str())
    }

    /// Asks the decision that speaks for the group: of an outlet that is wanted on, else of one that something keeps off, else
    /// of the first.
    pub(super) fn spoken(&self, read: impl Fn(&Decision) -> Value) -> Value {
        let decisions = || self.outlets.iter().map(|outlet| &outlet.decision);
        let spokesman = decisions()
            .find(|decision| decision.switch.is_on())
            .or_else(|| decisions().find(|decision| decision.reason != Reason::NothingAsks))
            .or_else(|| decisions().next());
        spokesman.map_or(Value::Null, read)
    }

    pub(super) fn next_on(&self) -> Value {
        time(self.next(Switch::On))
    }

    pub(super) fn next_off(&self) -> Value {
        time(self.next(Switch::Off))
    }

    fn next(&self, switch: Switch) -> Option<Timestamp> {
        let changes = self.outlets.iter().filter_map(|outlet| outlet.decision.next);
        changes.filter(|change| change.switch == switch).map(|change| change.at).min()
    }

    /// The longest time on since the last rest, of its outlets.
    pub(super) fn runtime(&self) -> Value {
        let longest = self.outlets.iter().map(|outlet| outlet.memory.run.elapsed(self.at)).max();
        minutes(longest.unwrap_or_default())
    }

    /// The longest time on since local midnight, of its outlets.
    pub(super) fn runtime_today(&self) -> Value {
        minutes(self.outlets.iter().map(|outlet| outlet.runtime_today).max().unwrap_or_default())
    }

    pub(super) fn cooldown(&self) -> Value {
        time(self.outlets.iter().filter_map(|outlet| rests_until(outlet)).max())
    }
}

/// What a group will do.
#[derive(Clone, Debug)]
pub(super) struct PlanView {
    pub group: Slug,
    pub plan: Plan,
}

/// An instant in RFC 3339, to the second: the one that has begun, for what has happened must not lie in the future.
pub(super) fn time(at: Option<Timestamp>) -> Value {
    let second = |at: Timestamp| Timestamp::from_second(at.as_millisecond().div_euclid(1000)).unwrap_or(at);
    at.map_or(Value::Null, |at| json!(second(at).to_string()))
}

/// Whole minutes: a finer count would publish without end.
pub(super) fn minutes(duration: SignedDuration) -> Value {
    json!(duration.as_mins().max(0))
}

/// A figure of the meter with so many decimals; nonsense is unknown.
pub(super) fn round(figure: Option<f64>, decimals: i32) -> Value {
    let scale = 10f64.powi(decimals);
    // Adding zero turns a negative zero into a plain one.
    figure.filter(|it| it.is_finite()).map_or(Value::Null, |it| json!((it * scale).round() / scale + 0.0))
}

/// Energy in kWh, to the watt-hour.
pub(super) fn kwh(figure: Option<f64>) -> Value {
    round(figure, 3)
}

/// The JSON of a notice.
pub(super) fn event(notice: &Notice) -> Value {
    let detail: Value = notice.detail.iter().map(|(key, value)| ((*key).to_owned(), json!(value))).collect();
    json!({
        "event_type": notice.kind.as_str(),
        "ts": time(Some(notice.at)),
        "device": notice.device,
        "slot": notice.slot,
        "group": notice.group,
        "message": notice.message,
        "detail": detail,
    })
}
