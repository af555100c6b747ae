//! The part of the table that is about groups.

use serde_json::json;

use super::{BOX, CONFIG, COUNTED, class, entity, field, unit};
use crate::mqtt::{
    sheet::{Attributes, Entity, Form, More, Row, Sheet, Template},
    timetable::LONGEST_LEAD,
    views::{GroupView, PlanView, minutes, time},
};

/// Everything about a group.
pub(in crate::mqtt) const GROUP: &[Sheet<GroupView>] = &[Sheet {
    topic: |topics, it| topics.group(&it.group.slug),
    has: |_| true,
    form: Form::Fields,
    rows: &[
        Row {
            entity: Some(Entity {
                name: None,
                template: Template::Mixed,
                command: Some("set"),
                more: &[("pl_on", More::Text("ON")), ("pl_off", More::Text("OFF"))],
                ..entity("switch", "switch", "")
            }),
            ..field("state", GroupView::state)
        },
        Row {
            entity: Some(Entity {
                command: Some("control/set"),
                more: &[("ops", More::Controls)],
                ..entity("control", "select", "Control")
            }),
            ..field("control", GroupView::control)
        },
        Row {
            entity: Some(Entity {
                attributes: Attributes::Own,
                more: &[class("enum"), ("ops", More::Modes)],
                ..entity("mode", "sensor", "Mode")
            }),
            ..field("mode", |it: &GroupView| it.spoken(|decision| json!(decision.mode().as_str())))
        },
        field("reason", |it: &GroupView| it.spoken(|decision| json!(decision.reason.key()))),
        Row {
            entity: Some(Entity { template: Template::Short, ..entity("reason", "sensor", "Reason") }),
            ..field("sentence", |it: &GroupView| it.spoken(|decision| json!(decision.reason.to_string())))
        },
        field("until", |it: &GroupView| it.spoken(|decision| time(decision.until))),
        Row {
            entity: Some(Entity {
                attributes: Attributes::Below("plan"),
                more: &[class("timestamp")],
                ..entity("next_on", "sensor", "Next on")
            }),
            ..field("next_on", GroupView::next_on)
        },
        Row {
            entity: Some(Entity { more: &[class("timestamp")], ..entity("next_off", "sensor", "Next off") }),
            ..field("next_off", GroupView::next_off)
        },
        field("runtime_min", GroupView::runtime),
        Row {
            entity: Some(Entity {
                more: &[class("duration"), COUNTED, unit("min")],
                ..entity("runtime_today", "sensor", "Runtime today")
            }),
            ..field("runtime_today_min", GroupView::runtime_today)
        },
        field("cooldown_until", GroupView::cooldown),
        Row {
            has: |it| it.group.lead.is_some(),
            bounds: Some(|_| (json!(0), json!(LONGEST_LEAD))),
            entity: Some(Entity {
                command: Some("preheat_lead/set"),
                more: &[class("duration"), unit("min"), CONFIG, BOX, ("step", More::Number(5))],
                ..entity("preheat_lead", "number", "Preheat lead")
            }),
            ..field("preheat_lead_min", |it: &GroupView| minutes(it.group.lead.unwrap_or_default()))
        },
    ],
}];

/// What a group will do. It has no entity of its own: it is the attributes of the group's `next_on`.
pub(in crate::mqtt) const PLAN: &[Sheet<PlanView>] = &[Sheet {
    topic: |topics, it| topics.plan(&it.group),
    has: |_| true,
    form: Form::Fields,
    rows: &[
        field("made_at", |it: &PlanView| time(Some(it.plan.made_at))),
        field("until", |it: &PlanView| time(Some(it.plan.until))),
        field("windows", |it: &PlanView| json!(it.plan.windows)),
        field("kwh", |it: &PlanView| json!(it.plan.kwh)),
        field("cost", |it: &PlanView| json!(it.plan.cost)),
        Row { has: |it| it.plan.currency.is_some(), ..field("currency", |it: &PlanView| json!(it.plan.currency)) },
    ],
}];
