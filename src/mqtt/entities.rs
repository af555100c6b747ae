//! The one table: every field that is published, and the entity that Home Assistant makes of it.
//!
//! Discovery and publishing both read it, so that what is advertised is published and the other way round. Keys never change
//! once released: Home Assistant knows its entities by them.

mod bridge;
mod group;
mod schedule;
mod weather;

use serde_json::{Value, json};

pub(super) use bridge::{BRIDGE, HEALTH};
pub(super) use group::{GROUP, PLAN};
pub(super) use schedule::SCHEDULE;

use super::{
    inbound::runtimes,
    sheet::{Attributes, Entity, Form, More, Outlives, Row, Sheet, Template},
    views::{DeviceView, OutletView, kwh, minutes, round, time},
};
use crate::model::Fault;

const fn entity(key: &'static str, platform: &'static str, name: &'static str) -> Entity {
    Entity {
        key,
        platform,
        name: Some(name),
        template: Template::Field,
        command: None,
        attributes: Attributes::None,
        outlives: Outlives::Nothing,
        more: &[],
    }
}

const fn field<V>(field: &'static str, read: fn(&V) -> Value) -> Row<V> {
    Row { field, has: |_| true, read, bounds: None, entity: None }
}

const DIAGNOSTIC: (&str, More) = ("ent_cat", More::Text("diagnostic"));
const CONFIG: (&str, More) = ("ent_cat", More::Text("config"));
const HIDDEN: (&str, More) = ("en", More::Flag(false));
const BOX: (&str, More) = ("mode", More::Text("box"));
const ONLINE: (&str, More) = ("pl_on", More::Text("online"));
const OFFLINE: (&str, More) = ("pl_off", More::Text("offline"));
const MEASURED: (&str, More) = ("stat_cla", More::Text("measurement"));
const COUNTED: (&str, More) = ("stat_cla", More::Text("total_increasing"));
const KWH: (&str, More) = ("unit_of_meas", More::Text("kWh"));

const fn class(name: &'static str) -> (&'static str, More) {
    ("dev_cla", More::Text(name))
}

const fn unit(name: &'static str) -> (&'static str, More) {
    ("unit_of_meas", More::Text(name))
}

const fn digits(number: u8) -> (&'static str, More) {
    ("sug_dsp_prc", More::Number(number))
}

/// Everything about an outlet.
pub(super) const OUTLET: &[Sheet<OutletView>] = &[
    Sheet {
        topic: |topics, it| topics.outlet(&it.outlet.id),
        has: OutletView::is_known,
        form: Form::Fields,
        rows: &[
            Row {
                entity: Some(Entity {
                    name: None,
                    command: Some("set"),
                    more: &[class("outlet"), ("pl_on", More::Text("ON")), ("pl_off", More::Text("OFF"))],
                    ..entity("switch", "switch", "")
                }),
                ..field("state", |it: &OutletView| json!(it.outlet.switch()))
            },
            Row {
                has: OutletView::meters_energy,
                entity: Some(Entity {
                    more: &[class("power"), MEASURED, unit("W"), digits(1)],
                    ..entity("power", "sensor", "Power")
                }),
                ..field("power", |it: &OutletView| round(it.energy().power, 1))
            },
            Row {
                has: OutletView::meters_voltage,
                entity: Some(Entity {
                    more: &[class("voltage"), MEASURED, unit("V"), digits(1), DIAGNOSTIC],
                    ..entity("voltage", "sensor", "Voltage")
                }),
                ..field("voltage", |it: &OutletView| round(it.energy().voltage, 1))
            },
            Row {
                has: OutletView::meters_voltage,
                entity: Some(Entity {
                    more: &[class("current"), MEASURED, unit("A"), digits(2), DIAGNOSTIC],
                    ..entity("current", "sensor", "Current")
                }),
                ..field("current", |it: &OutletView| round(it.energy().current, 3))
            },
            Row {
                has: OutletView::meters_energy,
                entity: Some(Entity {
                    more: &[class("energy"), COUNTED, KWH, digits(2)],
                    ..entity("energy_today", "sensor", "Energy today")
                }),
                ..field("energy_today", |it: &OutletView| kwh(it.energy().today))
            },
            Row {
                has: OutletView::meters_energy,
                entity: Some(Entity {
                    more: &[class("energy"), COUNTED, KWH, digits(2)],
                    ..entity("energy_total", "sensor", "Energy total")
                }),
                ..field("energy_total", |it: &OutletView| kwh(it.outlet.energy_total))
            },
            Row {
                has: OutletView::meters_energy,
                entity: Some(Entity {
                    more: &[class("energy"), COUNTED, KWH, digits(1)],
                    ..entity("energy_month", "sensor", "Energy this month")
                }),
                ..field("energy_month", |it: &OutletView| kwh(it.energy().month))
            },
            Row {
                entity: Some(Entity {
                    more: &[class("timestamp"), DIAGNOSTIC, HIDDEN],
                    ..entity("on_since", "sensor", "On since")
                }),
                ..field("on_since", |it: &OutletView| time(it.on_since()))
            },
            Row {
                entity: Some(Entity {
                    more: &[class("duration"), COUNTED, unit("min")],
                    ..entity("runtime_today", "sensor", "Runtime today")
                }),
                ..field("runtime_today_min", |it: &OutletView| minutes(it.outlet.runtime_today))
            },
            // It moves whenever the timer is renewed, which is every few minutes while the outlet is on.
            Row {
                entity: Some(Entity {
                    more: &[class("timestamp"), DIAGNOSTIC, HIDDEN],
                    ..entity("timer_off_at", "sensor", "Timer on the plug")
                }),
                ..field("device_timer_off_at", |it: &OutletView| time(it.outlet.device_timer_off_at()))
            },
            Row {
                has: OutletView::is_heater,
                entity: Some(Entity {
                    template: Template::Holds,
                    more: &[DIAGNOSTIC],
                    ..entity("timer_armed", "binary_sensor", "Timer armed")
                }),
                ..field("device_timer_armed", |it: &OutletView| json!(it.outlet.device_timer_off_at().is_some()))
            },
            Row {
                entity: Some(Entity {
                    template: Template::Holds,
                    more: &[class("problem"), DIAGNOSTIC],
                    ..entity("fault", "binary_sensor", "Fault")
                }),
                ..field("fault", |it: &OutletView| json!(it.outlet.shown_fault()))
            },
            Row {
                entity: Some(Entity {
                    template: Template::Holds,
                    more: &[class("problem"), DIAGNOSTIC],
                    ..entity("overheat", "binary_sensor", "Overheated")
                }),
                ..field("overheat", |it: &OutletView| json!(it.shows(&[Fault::Overheat])))
            },
            Row {
                has: OutletView::meters_energy,
                entity: Some(Entity {
                    template: Template::Holds,
                    more: &[class("problem"), DIAGNOSTIC],
                    ..entity("overload", "binary_sensor", "Overloaded")
                }),
                ..field("overload", |it: &OutletView| json!(it.shows(&[Fault::Overload, Fault::Overcurrent])))
            },
            Row {
                has: OutletView::has_meter_and_heats,
                entity: Some(Entity {
                    template: Template::Holds,
                    more: &[class("problem"), DIAGNOSTIC],
                    ..entity("no_load", "binary_sensor", "Draws nothing")
                }),
                ..field("no_load", |it: &OutletView| json!(it.outlet.alarm == Some(Fault::NoLoad)))
            },
            Row {
                entity: Some(Entity {
                    template: Template::Holds,
                    more: &[class("problem"), DIAGNOSTIC],
                    ..entity("relay_stuck", "binary_sensor", "Relay stuck")
                }),
                ..field("relay_stuck", |it: &OutletView| json!(it.outlet.alarm == Some(Fault::RelayStuck)))
            },
        ],
    },
    Sheet {
        topic: |topics, it| topics.decision(&it.outlet.id),
        has: |_| true,
        form: Form::Fields,
        rows: &[
            field("desired", |it: &OutletView| json!(it.outlet.decision.switch)),
            Row {
                entity: Some(Entity {
                    command: Some("control/set"),
                    more: &[("ops", More::Controls)],
                    ..entity("control", "select", "Control")
                }),
                ..field("control", |it: &OutletView| json!(it.outlet.control().as_str()))
            },
            Row {
                entity: Some(Entity {
                    attributes: Attributes::Own,
                    more: &[class("enum"), ("ops", More::Modes)],
                    ..entity("mode", "sensor", "Mode")
                }),
                ..field("mode", |it: &OutletView| json!(it.outlet.decision.mode().as_str()))
            },
            Row {
                has: OutletView::is_heater,
                bounds: Some(|it: &OutletView| {
                    let (least, most) = runtimes(it.outlet.longest_on);
                    (json!(least), json!(most))
                }),
                entity: Some(Entity {
                    command: Some("longest_runtime/set"),
                    more: &[class("duration"), unit("min"), CONFIG, BOX, ("step", More::Number(5))],
                    ..entity("longest_runtime", "number", "Longest runtime")
                }),
                ..field("longest_runtime_min", |it: &OutletView| minutes(it.outlet.longest_allowed()))
            },
            field("reason", |it: &OutletView| json!(it.outlet.decision.reason.key())),
            field("sentence", |it: &OutletView| json!(it.outlet.decision.reason.to_string())),
            field("since", |it: &OutletView| time(Some(it.outlet.decision.since))),
            field("until", |it: &OutletView| time(it.outlet.decision.until)),
            field("next", OutletView::next),
            field("voices", OutletView::voices),
            field("blocked_by", OutletView::blocked_by),
            field("pending", OutletView::pending),
            field("safety", OutletView::safety),
            Row {
                has: OutletView::is_heater,
                entity: Some(Entity {
                    command: Some("acknowledge/set"),
                    more: &[DIAGNOSTIC],
                    ..entity("acknowledge", "button", "Acknowledge fault")
                }),
                ..field("locked", OutletView::is_locked)
            },
        ],
    },
];

/// Everything about a housing.
pub(super) const HOUSING: &[Sheet<DeviceView>] = &[
    Sheet {
        topic: |topics, it| topics.device_availability(&it.device.slug),
        has: |_| true,
        form: Form::Whole,
        rows: &[Row {
            entity: Some(Entity {
                template: Template::Plain,
                outlives: Outlives::Device,
                more: &[class("connectivity"), DIAGNOSTIC, ONLINE, OFFLINE],
                ..entity("reachable", "binary_sensor", "Reachable")
            }),
            ..field("", DeviceView::availability)
        }],
    },
    Sheet {
        topic: |topics, it| topics.device(&it.device.slug),
        has: |it| it.device.housing.is_some(),
        form: Form::Fields,
        rows: &[
            field("name", |it: &DeviceView| json!(it.device.name)),
            field("model", |it: &DeviceView| it.said(|housing| json!(housing.model))),
            Row {
                entity: Some(Entity { more: &[DIAGNOSTIC], ..entity("firmware", "sensor", "Firmware") }),
                ..field("firmware", |it: &DeviceView| it.said(|housing| json!(housing.firmware)))
            },
            field("hardware", |it: &DeviceView| it.said(|housing| json!(housing.hardware))),
            Row {
                entity: Some(Entity { more: &[DIAGNOSTIC, HIDDEN], ..entity("address", "sensor", "IP address") }),
                ..field("ip", |it: &DeviceView| it.said(|housing| json!(housing.address)))
            },
            field("mac", |it: &DeviceView| it.said(|housing| json!(housing.mac))),
            field("protocol", |it: &DeviceView| it.said(|housing| json!(housing.protocol))),
            field("trouble", |it: &DeviceView| json!(it.device.trouble.as_ref().map(|trouble| &trouble.text))),
            Row {
                has: |it| it.device.housing.as_ref().is_some_and(|it| it.led.is_some()),
                entity: Some(Entity {
                    template: Template::Holds,
                    command: Some("led/set"),
                    more: &[CONFIG, ("pl_on", More::Text("ON")), ("pl_off", More::Text("OFF"))],
                    ..entity("led", "switch", "LED")
                }),
                ..field("led", |it: &DeviceView| it.said(|housing| json!(housing.led)))
            },
            Row {
                entity: Some(Entity {
                    more: &[class("signal_strength"), MEASURED, unit("dBm"), DIAGNOSTIC, HIDDEN],
                    ..entity("rssi", "sensor", "Signal strength")
                }),
                ..field("rssi", DeviceView::rssi)
            },
        ],
    },
];

/// When a housing was heard last. Apart from the rest of it, for it moves twice a minute.
pub(super) const SEEN: &[Sheet<DeviceView>] = &[Sheet {
    topic: |topics, it| topics.last_seen(&it.device.slug),
    has: |it| it.device.housing.is_some() && it.seen.is_some(),
    form: Form::Whole,
    rows: &[Row {
        entity: Some(Entity {
            template: Template::Plain,
            outlives: Outlives::Device,
            more: &[class("timestamp"), DIAGNOSTIC, HIDDEN],
            ..entity("last_seen", "sensor", "Last seen")
        }),
        ..field("", |it: &DeviceView| time(it.seen))
    }],
}];
