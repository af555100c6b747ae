//! The part of the table that is about the bridge.

use serde_json::{Value, json};

use super::{CONFIG, DIAGNOSTIC, HIDDEN, OFFLINE, ONLINE, class, entity, field, weather::WEATHER};
use crate::mqtt::{
    requests,
    sheet::{Attributes, Entity, Form, More, Outlives, Row, Sheet, Template},
    views::{BridgeView, time},
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
            field("mqtt", BridgeView::mqtt),
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

const TIMERS: &str = "a heater is switched on with a timer on its plug that switches it off within 15 minutes if the bridge or the \
     network fails; other outlets, and plugs that speak TPAP only, stay as they are";
