//! The part of the table that is about the bridge.

use serde_json::{Value, json};

use super::{CONFIG, DIAGNOSTIC, HIDDEN, OFFLINE, ONLINE, class, entity, field, weather::WEATHER};
use crate::mqtt::{
    requests,
    sheet::{Attributes, Entity, Form, More, Outlives, Row, Sheet, Template},
    views::{BridgeView, HealthView, time},
};

/// Everything about the bridge.
pub(in crate::mqtt) const BRIDGE: &[Sheet<BridgeView>] = &[
    Sheet {
        topic: |topics, _| topics.bridge_availability(),
        has: |_| true,
        form: Form::Whole,
        rows: &[Row {
            entity: Some(Entity {
                template: Template::Plain,
                outlives: Outlives::Bridge,
                more: &[class("connectivity"), DIAGNOSTIC, ONLINE, OFFLINE],
                ..entity("connection", "binary_sensor", "Connection")
            }),
            ..field("", |_: &BridgeView| json!("online"))
        }],
    },
    Sheet {
        topic: |topics, _| topics.bridge_info(),
        has: |_| true,
        form: Form::Fields,
        rows: &[
            Row {
                entity: Some(Entity { more: &[DIAGNOSTIC], ..entity("version", "sensor", "Version") }),
                ..field("version", |it: &BridgeView| json!(it.identity.version))
            },
            Row {
                entity: Some(Entity {
                    command: Some("bridge/request/restart"),
                    more: &[class("restart"), CONFIG, HIDDEN, ("pl_prs", More::Text("{}"))],
                    ..entity("restart", "button", "Restart")
                }),
                ..field("requests", |_: &BridgeView| json!(requests::verbs()))
            },
            Row {
                entity: Some(Entity {
                    command: Some("bridge/request/device/refresh"),
                    more: &[DIAGNOSTIC, ("pl_prs", More::Text("{}"))],
                    ..entity("refresh", "button", "Look at all devices")
                }),
                ..field("bridge_id", |it: &BridgeView| json!(it.identity.bridge_id))
            },
            Row {
                entity: Some(Entity {
                    command: Some("bridge/request/log_level"),
                    more: &[
                        CONFIG,
                        HIDDEN,
                        ("ops", More::Levels),
                        ("cmd_tpl", More::Text(r#"{"level":"{{ value }}"}"#)),
                    ],
                    ..entity("log_level", "select", "Log level")
                }),
                ..field("log_level", BridgeView::log_level)
            },
            Row {
                entity: Some(Entity {
                    command: Some("bridge/request/discover"),
                    more: &[DIAGNOSTIC, HIDDEN, ("pl_prs", More::Text("{}"))],
                    ..entity("scan", "button", "Search for devices")
                }),
                ..field("mqtt", BridgeView::mqtt)
            },
            field("setup", BridgeView::setup),
            field("device_timers", |_: &BridgeView| json!("armed")),
            field("device_timers_note", |_: &BridgeView| json!(TIMERS)),
            field("config", |it: &BridgeView| it.identity.shown.clone()),
        ],
    },
    Sheet {
        topic: |topics, _| topics.bridge_devices(),
        has: |_| true,
        form: Form::Whole,
        rows: &[field("", BridgeView::inventory)],
    },
    Sheet {
        topic: |topics, _| topics.vacation(),
        has: |_| true,
        form: Form::Whole,
        rows: &[Row {
            entity: Some(Entity {
                template: Template::Plain,
                command: Some("vacation/set"),
                more: &[("pl_on", More::Text("ON")), ("pl_off", More::Text("OFF"))],
                ..entity("vacation", "switch", "Vacation")
            }),
            ..field("", BridgeView::vacation)
        }],
    },
    Sheet {
        topic: |topics, _| topics.automation(),
        has: |_| true,
        form: Form::Fields,
        rows: &[
            Row {
                entity: Some(Entity {
                    template: Template::Holds,
                    command: Some("automation/pause/set"),
                    attributes: Attributes::Own,
                    more: &[CONFIG, ("pl_on", More::Text("ON")), ("pl_off", More::Text("OFF"))],
                    ..entity("pause", "switch", "Pause automation")
                }),
                ..field("paused", |it: &BridgeView| json!(it.house.paused.is_some()))
            },
            field("since", |it: &BridgeView| time(it.house.paused.map(|it| it.since))),
            field("until", |it: &BridgeView| time(it.house.paused.map(|it| it.end.latest()))),
        ],
    },
    WEATHER,
    Sheet {
        topic: |topics, _| topics.bridge_event(),
        has: |_| true,
        form: Form::Passing,
        rows: &[Row {
            entity: Some(Entity {
                template: Template::Plain,
                more: &[("evt_typ", More::Events)],
                ..entity("event", "event", "Event")
            }),
            ..field("event_type", |_: &BridgeView| Value::Null)
        }],
    },
];

/// How the bridge itself does: written anew from time to time, whatever happens in the house.
pub(in crate::mqtt) const HEALTH: &[Sheet<HealthView>] = &[Sheet {
    topic: |topics, _| topics.bridge_health(),
    has: |_| true,
    form: Form::Fields,
    rows: &[
        field("at", HealthView::time),
        field("control_loop", HealthView::control_loop),
        field("uptime_s", HealthView::uptime),
        field("memory_mib", HealthView::memory),
        field("forecast_age_min", HealthView::forecast_age),
        field("devices", HealthView::devices),
    ],
}];

const TIMERS: &str = "a heater is switched on with a timer on its plug that switches it off within 15 minutes if the bridge or the \
     network fails; other outlets, and plugs that speak TPAP only, stay as they are";
