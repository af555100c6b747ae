//! A house: a P210M that meters (a mat and a tree), an EP40M that does not, and a plug that has never answered.

use std::sync::Arc;

use heattrax::{
    model::{
        Availability, Broker, BrokerHost, Cause, Celsius, Change, Class, Conditions, Control, DayTime, Days, Decision,
        Device, DeviceLayout, Energy, Fact, Forecast, Group, HomeAssistantSettings, HomeAssistantVersion, House,
        Housing, Interval, MqttSettings, OffTime, OnTime, Opinion, Outlet, OutletId, Pin, Priority, Protocol, Reason,
        Remembered, Report, Run, Schedule, Slug, Socket, Soon, Switch, VoiceName, WeatherBoard, WeatherState,
    },
    mqtt::{
        Identity,
        parts::{Context, Entry, Outbound, Topics, Truth},
    },
};
use jiff::{SignedDuration, Timestamp, civil, tz::TimeZone};
use serde_json::{Value, json};

pub(crate) fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

pub(crate) fn now() -> Timestamp {
    at("2026-11-24T12:00:00Z")
}

pub(crate) fn slug(text: &str) -> Slug {
    text.parse().unwrap()
}

pub(crate) fn id(device: &str, slot: u8) -> OutletId {
    OutletId::new(slug(device), slot)
}

pub(crate) fn housing(model: &str, mac: &str, meters: bool, slots: u8) -> Arc<Housing> {
    let socket = |slot| Socket { slot, label: format!("Socket {slot}"), meters_energy: meters, meters_voltage: meters };
    Arc::new(Housing {
        model: model.to_owned(),
        firmware: "1.0.3 Build 240830".to_owned(),
        hardware: "1.0".to_owned(),
        mac: mac.parse().unwrap(),
        device_id: "8022".repeat(10),
        address: "192.0.2.7".to_owned(),
        rssi: Some(-60),
        protocol: Some("KLAP".to_owned()),
        led: Some(true),
        sockets: (1..=slots).map(socket).collect(),
    })
}

pub(crate) fn device(name: &str, housing: Option<Arc<Housing>>) -> Device {
    Device {
        slug: Slug::of(name).unwrap(),
        name: name.to_owned(),
        address: "192.0.2.7".to_owned(),
        availability: if housing.is_some() { Availability::Online } else { Availability::Offline },
        trouble: None,
        rssi: Some(-58),
        pin: housing.as_ref().map(|it| Pin { device_id: Some(it.device_id.clone()), ..Pin::of_mac(it.mac) }),
        housing,
    }
}

pub(crate) fn report(slot: u8, switch: Switch, energy: Option<Energy>) -> Report {
    Report { slot, switch, on_time: None, energy, fault: None, timer: None, cause: Cause::Polled, answers: 0 }
}

fn voice(voice: VoiceName, wish: Option<Switch>, reason: Option<Reason>) -> Opinion {
    Opinion { voice, wish, reason, changes_at: None }
}

pub(crate) fn idle() -> Decision {
    Decision {
        switch: Switch::Off,
        reason: Reason::NothingAsks,
        since: at("2026-11-24T06:00:00Z"),
        until: None,
        review_at: None,
        next: None,
        opinions: vec![
            voice(VoiceName::ControlOff, None, None),
            voice(VoiceName::Safety, None, None),
            voice(VoiceName::Wish, None, None),
            voice(VoiceName::Vacation, None, None),
            voice(VoiceName::Schedule, None, None),
        ],
    }
}

pub(crate) fn scheduled() -> Decision {
    let reason =
        Reason::Schedule { name: "morning".to_owned(), until: Some(at("2026-11-24T14:00:00Z")), also: Vec::new() };
    let mut decision = idle();
    decision.switch = Switch::On;
    decision.reason = reason.clone();
    decision.until = Some(at("2026-11-24T14:00:00Z"));
    decision.next = Some(Change { at: at("2026-11-24T14:00:00Z"), switch: Switch::Off });
    decision.opinions[4] = Opinion {
        changes_at: Some(at("2026-11-24T14:00:00Z")),
        ..voice(VoiceName::Schedule, Some(Switch::On), Some(reason))
    };
    decision
}

pub(crate) fn outlet(id: OutletId, name: &str, group: Option<&str>, report: Option<Report>) -> Outlet {
    Outlet {
        name: name.to_owned(),
        group: group.map(slug),
        class: if group.is_some() { Class::Heater } else { Class::Generic },
        availability: if report.is_some() { Availability::Online } else { Availability::Unknown },
        reported_at: report.as_ref().map(|_| now()),
        on_since: None,
        reported: report,
        memory: Remembered::default(),
        decision: idle(),
        commanded: 0,
        answered: 0,
        pending: None,
        longest_on: SignedDuration::from_hours(6),
        runtime_today: SignedDuration::from_mins(142),
        alarm: None,
        energy_total: Some(418.337),
        id,
    }
}

pub(crate) fn empty() -> House {
    House {
        at: now(),
        devices: Default::default(),
        outlets: Default::default(),
        groups: Default::default(),
        weather: Default::default(),
        vacation: false,
        vacation_told: None,
        paused: None,
        broker: Broker::Unknown,
        clock: Default::default(),
        whole: Default::default(),
        gone: std::sync::Arc::default(),
    }
}

/// The mat: on by schedule, metered.
pub(crate) fn mat() -> Outlet {
    let energy =
        Energy { power: Some(812.4499), voltage: Some(120.12), current: Some(6.76543), today: Some(1.92), month: None };
    let mut mat = outlet(id("driveway", 1), "Walkway mat", Some("mats"), Some(report(1, Switch::On, Some(energy))));
    mat.on_since = Some(at("2026-11-24T11:13:00Z"));
    mat.memory.run = Run { before: SignedDuration::ZERO, on_since: mat.on_since, off_since: None };
    mat.decision = scheduled();
    mat
}

/// A schedule by the clock, of working days.
pub(crate) fn morning() -> Schedule {
    let clock = |hour| DayTime::Clock(civil::time(hour, 30, 0, 0));
    Schedule {
        name: "Morning".to_owned(),
        enabled: true,
        priority: Priority::Normal,
        days: Days([true, true, true, true, true, false, false]),
        dates: None,
        except: Vec::new(),
        also: Vec::new(),
        window: Some((OnTime::At(clock(6)), OffTime::At(clock(9)))),
        conditions: Conditions::default(),
        longest_on: None,
        rest: None,
    }
}

pub(crate) fn house() -> House {
    let mut house = empty();
    let devices = [
        device("Driveway", Some(housing("P210M", "A0:B1:C2:D3:E4:F5", true, 2))),
        device("Porch", Some(housing("EP40M", "A0:B1:C2:D3:E4:F6", false, 2))),
        device("Shed", None),
    ];
    house.devices = devices.into_iter().map(|it| (it.slug.clone(), Arc::new(it))).collect();
    let off = |slot| Some(report(slot, Switch::Off, None));
    let outlets = [
        mat(),
        outlet(id("driveway", 2), "Tree", None, Some(report(2, Switch::Off, Some(Energy::default())))),
        outlet(id("porch", 1), "Porch mat", Some("mats"), off(1)),
        outlet(id("porch", 2), "Porch light", None, off(2)),
        outlet(id("shed", 1), "Shed", None, None),
    ];
    house.outlets = outlets.into_iter().map(|it| (it.id.clone(), Arc::new(it))).collect();
    let mats = Group {
        slug: slug("mats"),
        name: "Mats".to_owned(),
        outlets: vec![id("driveway", 1), id("porch", 1)],
        schedules: [morning()].into(),
        lead: Some(SignedDuration::from_mins(60)),
    };
    house.groups = [(slug("mats"), Arc::new(mats))].into();
    house
}

/// The same house after the shed has said what it is.
pub(crate) fn complete() -> House {
    let mut house = house();
    let shed = device("Shed", Some(housing("P100", "A0:B1:C2:D3:E4:F7", false, 1)));
    house.devices.insert(slug("shed"), Arc::new(shed));
    house
}

/// The same house with a forecast.
pub(crate) fn weathered() -> House {
    let now = Interval {
        start: at("2026-11-24T12:00:00Z"),
        end: at("2026-11-24T13:00:00Z"),
        temperature: Some(Celsius(-2.34)),
        dew_point: Some(Celsius(-3.0)),
        humidity: Some(95.0),
        precipitation: Some(1.2),
        snowfall: Some(0.8),
        code: Some(73),
        cloud: Some(1.0),
        wind: None,
    };
    let forecast =
        Forecast { source: "open-meteo".to_owned(), issued_at: at("2026-11-24T11:48:00Z"), intervals: vec![now] };
    let soon = Soon {
        state: Some(WeatherState::Online),
        precipitation: Fact::Yes,
        ice: Fact::Unknown,
        frozen: Some((at("2026-11-24T12:00:00Z"), at("2026-11-24T13:00:00Z"))),
    };
    let weather =
        WeatherBoard { forecast: Some(Arc::new(forecast)), fresh: Some(true), soon, ..WeatherBoard::default() };
    House { weather: Arc::new(weather), ..complete() }
}

/// Changes one outlet of a house.
pub(crate) fn change(house: &mut House, id: &OutletId, change: impl FnOnce(&mut Outlet)) {
    let outlet = house.outlets.get_mut(id).unwrap();
    change(Arc::make_mut(outlet));
}

pub(crate) fn identity() -> Identity {
    Identity {
        bridge_id: "k7".to_owned(),
        version: "0.1.0",
        shown: json!({ "mqtt": { "host": "broker" } }),
        setup: Vec::new(),
        zone: TimeZone::get("America/New_York").unwrap(),
    }
}

pub(crate) fn settings(port: u16) -> MqttSettings {
    MqttSettings {
        host: BrokerHost::Remote("127.0.0.1".to_owned()),
        port,
        protocol: Protocol::V5,
        username: None,
        password: None,
        password_file: None,
        tls: None,
        websocket: None,
        base_topic: "heattrax".to_owned(),
        client_id: "heattrax-test".to_owned(),
        keep_alive: std::time::Duration::from_secs(15),
        station: Vec::new(),
        republish: None,
    }
}

pub(crate) fn homeassistant() -> HomeAssistantSettings {
    HomeAssistantSettings { min_version: Some(HomeAssistantVersion::TIMES), ..HomeAssistantSettings::default() }
}

pub(crate) fn topics() -> Topics {
    Topics::new("heattrax", "homeassistant", "homeassistant/status", "k7")
}

pub(crate) fn outbound() -> Outbound {
    Outbound::new(Context {
        topics: topics(),
        identity: Arc::new(identity()),
        settings: Arc::new(settings(1883)),
        announces: true,
        layout: DeviceLayout::ViaDevice,
        command_expiry: None,
        min_version: Some(HomeAssistantVersion::TIMES),
        log_level: Some("info".into()),
        protocol: Some(5),
    })
}

/// Everything that is owed, in order.
pub(crate) fn owed(truth: &mut Truth) -> Vec<(String, String)> {
    std::iter::from_fn(|| truth.take_next()).map(|it| (it.topic, it.payload)).collect()
}

/// Everything that is published for a house.
pub(crate) fn rendered(house: &House) -> Truth {
    let mut truth = Truth::default();
    outbound().look(&Arc::new(house.clone()), &mut truth);
    truth
}

pub(crate) fn payload(truth: &Truth, topic: &str) -> String {
    let Entry { payload, .. } = truth.held(topic).unwrap_or_else(|| panic!("{topic} is not published"));
    payload.clone()
}

pub(crate) fn json_at(truth: &Truth, topic: &str) -> Value {
    serde_json::from_str(&payload(truth, topic)).unwrap()
}

/// Switches an outlet's control.
pub(crate) fn set_control(house: &mut House, id: &OutletId, control: Control) {
    change(house, id, |it| it.memory.control = control);
}
