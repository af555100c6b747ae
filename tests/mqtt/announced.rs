//! What Home Assistant is told.

use heattrax::{
    model::{House, NoticeKind},
    mqtt::parts::Truth,
};
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::house::{change, complete, house, housing, id, json_at, outbound, owed, rendered, slug, topics};

pub(crate) fn announcements(house: &House) -> Vec<(String, Value)> {
    let all = owed(&mut rendered(house)).into_iter();
    let ours = all.filter(|(topic, _)| topic.starts_with("homeassistant/"));
    ours.map(|(topic, payload)| (topic, serde_json::from_str(&payload).unwrap())).collect()
}

fn announcement(house: &House, unique: &str) -> Value {
    json_at(&rendered(house), &topics().announced(unique))
}

pub(crate) fn components(root: &Value) -> impl Iterator<Item = (&String, &Value)> {
    root["cmps"].as_object().unwrap().iter()
}

#[test]
fn an_outlet_is_a_device_of_its_own_behind_its_housing() {
    let root = announcement(&house(), "tapo_a0b1c2d3e4f6_1");
    let expected: Value = serde_json::from_str(include_str!("outlet.json")).unwrap();
    assert_eq!(root, expected);
}

#[test]
fn a_metered_outlet_measures_in_units_that_home_assistant_knows() {
    let root = announcement(&house(), "tapo_a0b1c2d3e4f5_1");
    let units = |key: &str| (root["cmps"][key]["dev_cla"].clone(), root["cmps"][key]["unit_of_meas"].clone());
    assert_eq!(units("1_power"), (json!("power"), json!("W")));
    assert_eq!(units("1_voltage"), (json!("voltage"), json!("V")));
    assert_eq!(units("1_current"), (json!("current"), json!("A")));
    assert_eq!(units("1_energy_today"), (json!("energy"), json!("kWh")));
    assert_eq!(root["cmps"]["1_energy_month"]["stat_cla"], "total_increasing");
}

#[test]
fn a_housing_hangs_behind_the_bridge_and_tells_by_itself_that_it_is_away() {
    let root = announcement(&house(), "tapo_a0b1c2d3e4f5");
    assert_eq!(root["dev"]["via_device"], "heattrax_k7");
    assert_eq!(root["dev"]["sw"], "1.0.3 Build 240830");
    assert_eq!(root["dev"]["cns"], json!([["mac", "a0:b1:c2:d3:e4:f5"]]));
    let reachable = &root["cmps"]["reachable"];
    assert_eq!(reachable["avty"], json!([{ "t": "heattrax/bridge/availability" }]));
    assert_eq!(reachable["pl_on"], "online");
    assert_eq!(reachable.get("val_tpl"), None);
}

#[test]
fn a_longest_runtime_of_ones_own_is_offered_as_far_as_the_config_allows_it() {
    for (allowed, least, most) in [
        (SignedDuration::from_hours(6), 5, 360),
        (SignedDuration::from_hours(36), 5, 2160),
        (SignedDuration::from_hours(8760), 5, 525_600),
        // Home Assistant leaves a number out whose least is not below its most.
        (SignedDuration::from_mins(5), 4, 5),
        (SignedDuration::from_mins(3), 2, 3),
    ] {
        let mut house = house();
        change(&mut house, &id("driveway", 1), |it| it.longest_on = allowed);
        let number = announcement(&house, "tapo_a0b1c2d3e4f5_1")["cmps"]["1_longest_runtime"].clone();
        assert_eq!((&number["min"], &number["max"]), (&json!(least), &json!(most)), "{allowed:?}");
    }
}

#[test]
fn a_mixed_group_shows_as_on() {
    let root = announcement(&house(), "heattrax_k7_group_mats");
    let switch = &root["cmps"]["switch"];
    assert_eq!(switch["val_tpl"], "{{ 'ON' if value_json.state == 'MIXED' else value_json.state | default(none) }}");
    assert_eq!(switch["cmd_t"], "heattrax/group/mats/set");
    assert_eq!(root["dev"]["via_device"], "heattrax_k7");
    assert_eq!(root["avty"], json!([{ "t": "heattrax/bridge/availability" }]));
}

#[test]
fn the_bridge_shows_its_connection_its_vacation_and_its_events() {
    let root = announcement(&house(), "heattrax_k7");
    assert_eq!(root["cmps"]["connection"]["avty"], json!([]));
    assert_eq!(root["cmps"]["vacation"]["cmd_t"], "heattrax/vacation/set");
    assert_eq!(root["cmps"]["event"]["evt_typ"], json!(NoticeKind::ALL.map(NoticeKind::as_str)));
}

/// Home Assistant drops a whole device for one root key that it does not know; these are known since 2024.12.
#[test]
fn the_root_of_an_announcement_holds_only_keys_that_every_home_assistant_knows() {
    for (topic, root) in announcements(&complete()) {
        let keys: Vec<_> = root.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(keys, ["dev", "o", "avty", "avty_mode", "qos", "cmps"], "{topic}");
        let unique = topic.split('/').nth(2).unwrap();
        assert!(unique.chars().all(|it| it.is_ascii_alphanumeric() || it == '_'), "{topic}");
        assert!(root.to_string().len() < 16_000, "{topic} is large");
    }
}

#[test]
fn entity_ids_have_their_domain() {
    for (_, root) in announcements(&complete()) {
        for (key, component) in components(&root) {
            let platform = component["p"].as_str().unwrap();
            assert!(component["def_ent_id"].as_str().unwrap().starts_with(&format!("{platform}.")), "{key}");
        }
    }
}

#[test]
fn a_device_that_has_not_said_what_it_is_is_not_announced() {
    let all = announcements(&house());
    assert!(!all.iter().any(|(_, root)| root.to_string().contains("shed")));
    let all = announcements(&complete());
    assert!(all.iter().any(|(topic, _)| topic.contains("tapo_a0b1c2d3e4f7_1")));
}

#[test]
fn an_entity_that_is_gone_is_taken_back_by_name() {
    let (mut outbound, mut truth) = (outbound(), Truth::default());
    let mut house = complete();
    outbound.look(&std::sync::Arc::new(house.clone()), &mut truth);
    owed(&mut truth);
    let mut device = (*house.devices[&slug("driveway")]).clone();
    device.housing = Some(housing("P210M", "A0:B1:C2:D3:E4:F5", false, 2));
    house.devices.insert(slug("driveway"), std::sync::Arc::new(device));
    outbound.look(&std::sync::Arc::new(house), &mut truth);
    let owed = owed(&mut truth);
    let topic = topics().announced("tapo_a0b1c2d3e4f5_1");
    let told: Vec<Value> =
        owed.iter().filter(|it| it.0 == topic).map(|it| serde_json::from_str(&it.1).unwrap()).collect();
    assert_eq!(told.len(), 2);
    assert_eq!(told[0]["cmps"]["1_power"], json!({ "p": "sensor" }));
    assert_eq!(told[1]["cmps"].get("1_power"), None);
    assert!(told[1]["cmps"].get("1_switch").is_some());
    let state = owed.iter().find(|it| it.0 == topics().outlet(&id("driveway", 1))).unwrap();
    assert!(!state.1.contains("power"));
}

#[test]
fn nothing_is_announced_when_discovery_is_off() {
    let mut outbound = outbound();
    outbound.context.announces = false;
    let mut truth = Truth::default();
    outbound.look(&std::sync::Arc::new(house()), &mut truth);
    assert!(owed(&mut truth).iter().all(|(topic, _)| topic.starts_with("heattrax/")));
}
