//! What is published of the plans.

use std::collections::BTreeMap;

use heattrax::{
    hub::Plans,
    model::{Mode, Plan, PlannedWindow},
    mqtt::parts::Truth,
};
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::house::{at, house, json_at, now, outbound, owed, payload, rendered, slug, topics};

const TOPIC: &str = "heattrax/group/mats/plan";

fn plan() -> Plan {
    let window = PlannedWindow {
        start: at("2026-11-24T20:00:00Z"),
        end: at("2026-11-25T02:30:00Z"),
        mode: Mode::Melt,
        reason: "snow, 3.2 mm".to_owned(),
        kwh: Some(9.75),
        cost: Some(2.44),
    };
    Plan {
        made_at: now(),
        until: at("2026-11-26T12:00:00Z"),
        windows: vec![window],
        kwh: Some(9.75),
        cost: Some(2.44),
        currency: Some("EUR".to_owned()),
    }
}

fn plans(plan: Plan) -> Plans {
    BTreeMap::from([(slug("mats"), plan)])
}

#[test]
fn a_plan_is_published_with_its_windows() {
    let (mut outbound, mut truth) = (outbound(), Truth::default());
    outbound.look_at_plans(&house(), &plans(plan()), &mut truth);
    let expected = json!({
        "made_at": "2026-11-24T12:00:00Z",
        "until": "2026-11-26T12:00:00Z",
        "windows": [{
            "start": "2026-11-24T20:00:00Z",
            "end": "2026-11-25T02:30:00Z",
            "mode": "melt",
            "reason": "snow, 3.2 mm",
            "kwh": 9.75,
            "cost": 2.44,
        }],
        "kwh": 9.75,
        "cost": 2.44,
        "currency": "EUR",
    });
    assert_eq!(json_at(&truth, TOPIC), expected);
}

#[test]
fn what_is_unknown_is_null_and_without_a_tariff_there_is_no_currency() {
    let (mut outbound, mut truth) = (outbound(), Truth::default());
    let idle = Plan { made_at: now(), until: now(), ..Plan::default() };
    outbound.look_at_plans(&house(), &plans(idle), &mut truth);
    let plan = json_at(&truth, TOPIC);
    assert_eq!((&plan["windows"], &plan["kwh"], &plan["cost"]), (&json!([]), &Value::Null, &Value::Null));
    assert_eq!(plan.get("currency"), None);
}

#[test]
fn a_plan_that_says_the_same_again_is_not_published_again() {
    let (mut outbound, mut truth) = (outbound(), Truth::default());
    outbound.look_at_plans(&house(), &plans(plan()), &mut truth);
    owed(&mut truth);
    let later = Plan { made_at: now() + SignedDuration::from_mins(10), ..plan() };
    outbound.look_at_plans(&house(), &plans(later.clone()), &mut truth);
    assert!(truth.is_settled(), "only the time at which it was worked out is another");
    let mut longer = later;
    longer.windows[0].end = at("2026-11-25T03:00:00Z");
    outbound.look_at_plans(&house(), &plans(longer), &mut truth);
    assert_eq!(owed(&mut truth).len(), 1);
    assert_eq!(json_at(&truth, TOPIC)["made_at"], "2026-11-24T12:10:00Z");
}

#[test]
fn a_plan_goes_with_its_group() {
    let (mut outbound, mut truth) = (outbound(), Truth::default());
    let stranger = BTreeMap::from([(slug("mats"), plan()), (slug("elsewhere"), plan())]);
    outbound.look_at_plans(&house(), &stranger, &mut truth);
    assert!(truth.held("heattrax/group/elsewhere/plan").is_none(), "there is no such group");
    let mut smaller = house();
    smaller.groups.clear();
    outbound.look_at_plans(&smaller, &stranger, &mut truth);
    assert_eq!(payload(&truth, TOPIC), "", "cleared");
}

#[test]
fn the_plan_is_the_attributes_of_the_next_on() {
    let root = json_at(&rendered(&house()), &topics().announced("heattrax_k7_group_mats"));
    assert_eq!(root["cmps"]["next_on"]["json_attr_t"], TOPIC);
    assert_eq!(root["cmps"]["mode"]["json_attr_t"], "heattrax/group/mats");
    assert_eq!(root["cmps"]["next_off"].get("json_attr_t"), None);
}
