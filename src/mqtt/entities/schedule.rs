//! The part of the table that is about schedules.

use serde_json::json;

use super::{CONFIG, entity, field};
use crate::mqtt::{
    sheet::{Entity, Form, More, Row, Sheet, Template},
    views::{ScheduleView, clock},
};

/// A schedule of a group. Its entities are on the group's device.
pub(in crate::mqtt) const SCHEDULE: &[Sheet<ScheduleView>] = &[Sheet {
    topic: |topics, it| topics.schedule(&it.group, &it.slug),
    has: |_| true,
    form: Form::Fields,
    rows: &[
        field("name", |it: &ScheduleView| json!(it.schedule.name)),
        Row {
            entity: Some(Entity {
                name: None,
                template: Template::Holds,
                command: Some("enabled/set"),
                more: &[CONFIG, ("pl_on", More::Text("ON")), ("pl_off", More::Text("OFF"))],
                ..entity("enabled", "switch", "")
            }),
            ..field("enabled", |it: &ScheduleView| json!(it.schedule.enabled))
        },
        Row {
            has: |it| it.on().is_some(),
            entity: Some(Entity { command: Some("on/set"), more: &[CONFIG], ..entity("on", "time", "start") }),
            ..field("on", |it: &ScheduleView| clock(it.on()))
        },
        Row {
            has: |it| it.off().is_some(),
            entity: Some(Entity { command: Some("off/set"), more: &[CONFIG], ..entity("off", "time", "end") }),
            ..field("off", |it: &ScheduleView| clock(it.off()))
        },
        field("days", ScheduleView::days),
    ],
}];
