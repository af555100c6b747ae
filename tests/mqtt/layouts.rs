//! The same entities in each layout, and the move from one to another.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use heattrax::{
    model::{DeviceLayout, HomeAssistantSettings, HomeAssistantVersion, House},
    mqtt::parts::Truth,
};
use serde_json::{Value, json};

use crate::{
    house::{change, homeassistant, id, identity, outbound, owed, settings, topics, weathered},
    peer::{Bridge, Peer, broker, retained},
};

pub(crate) const LAYOUTS: [DeviceLayout; 3] =
    [DeviceLayout::ViaDevice, DeviceLayout::ChildDevices, DeviceLayout::Components];

/// What is announced of a house in a layout.
pub(crate) fn laid_out(house: &House, layout: DeviceLayout, expiry: Option<u16>) -> BTreeMap<String, Value> {
    laid_out_for(house, layout, expiry, Some(HomeAssistantVersion::TIMES))
}

/// The same for the oldest Home Assistant that listens.
pub(crate) fn laid_out_for(
    house: &House,
    layout: DeviceLayout,
    expiry: Option<u16>,
    oldest: Option<HomeAssistantVersion>,
) -> BTreeMap<String, Value> {
    let (mut outbound, mut truth) = (outbound(), Truth::default());
    outbound.context.min_version = oldest;
    outbound.context.layout = layout;
    outbound.context.command_expiry = expiry;
    outbound.look(&Arc::new(house.clone()), &mut truth);
    let all = owed(&mut truth).into_iter().filter(|it| it.0.starts_with("homeassistant/"));
    all.map(|(topic, payload)| (topic, serde_json::from_str(&payload).unwrap())).collect()
}

/// The entities of an announcement, with the device that each belongs to, and its platform put back.
pub(crate) fn entities(topic: &str, root: &Value) -> Vec<(String, Value)> {
    let of = |device: &Value, components: &Value| {
        let id = device["ids"][0].as_str().unwrap().to_owned();
        components.as_object().unwrap().values().map(move |it| (id.clone(), it.clone())).collect::<Vec<_>>()
    };
    if root.get("cmps").is_none() {
        let mut alone = root.clone();
        alone["p"] = json!(topic.split('/').nth(1).unwrap());
        return vec![(root["dev"]["ids"][0].as_str().unwrap().to_owned(), alone)];
    }
    let children = root.get("cdevs").and_then(Value::as_array).into_iter().flatten();
    let own = of(&root["dev"], &root["cmps"]);
    own.into_iter().chain(children.flat_map(|child| of(child, &child["cmps"]))).collect()
}

/// What makes an entity what it is, in any layout.
fn essence(announced: &BTreeMap<String, Value>) -> BTreeSet<String> {
    let all = announced.iter().flat_map(|(topic, root)| entities(topic, root));
    let plain = all.map(|(device, mut component)| {
        let it = component.as_object_mut().unwrap();
        ["dev", "o", "qos", "avty", "avty_mode"].iter().for_each(|key| drop(it.remove(*key)));
        format!("{device} {component}")
    });
    plain.collect()
}

#[test]
fn each_layout_has_the_same_entities_with_the_same_ids_of_the_same_devices() {
    let [via, children, components] = LAYOUTS.map(|it| essence(&laid_out(&weathered(), it, None)));
    assert!(via.len() > 60, "{}", via.len());
    assert_eq!(via, children);
    let sorted = |it: BTreeSet<String>| -> BTreeSet<String> {
        let sorted = it.iter().map(|line| {
            let (device, component) = line.split_once(' ').unwrap();
            let component: BTreeMap<String, Value> = serde_json::from_str(component).unwrap();
            format!("{device} {component:?}")
        });
        sorted.collect()
    };
    assert_eq!(sorted(via), sorted(components));
}

#[test]
fn a_strip_holds_its_outlets_as_children() {
    let announced = laid_out(&weathered(), DeviceLayout::ChildDevices, None);
    let topics: Vec<_> = announced.keys().map(|it| it.split('/').nth(2).unwrap()).collect();
    assert_eq!(
        topics,
        ["heattrax_k7", "heattrax_k7_group_mats", "tapo_a0b1c2d3e4f5", "tapo_a0b1c2d3e4f6", "tapo_a0b1c2d3e4f7"]
    );
    let strip = &announced["homeassistant/device/tapo_a0b1c2d3e4f5/config"];
    let children = strip["cdevs"].as_array().unwrap();
    let keys = |it: &Value| it.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(children.iter().map(keys).collect::<Vec<_>>(), vec![vec!["ids", "name", "cmps"]; 2]);
    assert_eq!((&children[0]["ids"], &children[0]["name"]), (&json!(["tapo_a0b1c2d3e4f5_1"]), &json!("Walkway mat")));
    // Keys are unique over a device and its children.
    let all: Vec<_> = [&strip["cmps"], &children[0]["cmps"], &children[1]["cmps"]].into_iter().flat_map(keys).collect();
    assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), all.len());
    assert_eq!(announced["homeassistant/device/heattrax_k7/config"].get("cdevs"), None);
}

#[test]
fn an_entity_that_is_announced_by_itself_holds_its_device_and_its_availability() {
    let announced = laid_out(&weathered(), DeviceLayout::Components, None);
    let switch = &announced["homeassistant/switch/tapo_a0b1c2d3e4f5_1/1_switch/config"];
    assert_eq!(switch["dev"]["via_device"], "tapo_a0b1c2d3e4f5");
    assert_eq!(switch["o"]["name"], "heattrax");
    assert_eq!(switch["avty"], json!([{"t": "heattrax/bridge/availability"}, {"t": "heattrax/driveway/availability"}]));
    assert_eq!((switch.get("p"), &switch["qos"], &switch["avty_mode"]), (None, &json!(1), &json!("all")));
    let reachable = &announced["homeassistant/binary_sensor/tapo_a0b1c2d3e4f5/reachable/config"];
    assert_eq!(reachable["avty"], json!([{"t": "heattrax/bridge/availability"}]));
    let connection = &announced["homeassistant/binary_sensor/heattrax_k7/connection/config"];
    assert_eq!((connection.get("avty"), connection.get("avty_mode")), (None, None));
}

#[test]
fn what_is_gone_goes_in_each_layout() {
    for layout in LAYOUTS {
        let (mut outbound, mut truth) = (outbound(), Truth::default());
        outbound.context.layout = layout;
        let mut house = weathered();
        outbound.look(&Arc::new(house.clone()), &mut truth);
        owed(&mut truth);
        // A socket that is no heater's any more has no fault to acknowledge, and the tree's is gone altogether.
        change(&mut house, &id("porch", 1), |it| {
            it.class = heattrax::model::Class::Light;
            it.name = "Porch lamp".to_owned();
        });
        house.outlets.remove(&id("driveway", 2));
        outbound.look(&Arc::new(house), &mut truth);
        let said = owed(&mut truth);
        let gone = |topic: &str| said.iter().any(|it| it.0 == topic && it.1.is_empty());
        let ends = |topic: &str, key: &str, platform: &str| {
            let payloads = said.iter().filter(|it| it.0 == topic && !it.1.is_empty());
            let all: Vec<Value> = payloads.map(|it| serde_json::from_str(&it.1).unwrap()).collect();
            all.len() == 2 && all[0]["cmps"][key] == json!({ "p": platform }) && !all[1].to_string().contains(key)
        };
        let device = |unique: &str| topics().announced(unique);
        match layout {
            DeviceLayout::ViaDevice => {
                assert!(gone(&device("tapo_a0b1c2d3e4f5_2")));
                assert!(ends(&device("tapo_a0b1c2d3e4f6_1"), "1_acknowledge", "button"));
            }
            DeviceLayout::ChildDevices => {
                assert!(ends(&device("tapo_a0b1c2d3e4f5"), "2_switch", "switch"));
                assert!(ends(&device("tapo_a0b1c2d3e4f6"), "1_acknowledge", "button"));
            }
            DeviceLayout::Components => {
                assert!(gone("homeassistant/switch/tapo_a0b1c2d3e4f5_2/2_switch/config"));
                assert!(gone("homeassistant/button/tapo_a0b1c2d3e4f6_1/1_acknowledge/config"));
            }
        }
    }
}

async fn moves(from: DeviceLayout, to: DeviceLayout) {
    let broker = broker().await;
    let peer = Peer::at(broker.address()).await;
    let before = laid_out(&weathered(), from, None);
    let after = laid_out(&weathered(), to, None);
    for (topic, payload) in &before {
        peer.say_retained(topic, &payload.to_string()).await;
    }
    peer.settle().await;
    peer.forget();
    let announced = HomeAssistantSettings { layout: to, ..homeassistant() };
    let _bridge = Bridge::told(settings(broker.address().port()), announced, identity(), weathered());
    let left: Vec<_> = before.keys().filter(|topic| !after.contains_key(*topic)).collect();
    let strip = before.keys().find(|topic| topic.contains("tapo_a0b1c2d3e4f5")).unwrap();
    // Home Assistant makes no child of a device and no device of a child: both are forgotten, and announced anew.
    let anew = [from, to].contains(&DeviceLayout::ChildDevices);
    if anew {
        peer.wait_for(strip, "").await;
    } else if left.is_empty() {
        peer.wait("the move", |it| it.topic == *strip && it.payload.contains("migrate_discovery")).await;
    }
    for topic in &left {
        peer.wait_for(topic, "").await;
    }
    peer.wait("the rest", |it| it.topic == "heattrax/weather").await;
    peer.settle().await;
    let seen = peer.seen();
    for topic in left.iter().filter(|_| !anew) {
        let said: Vec<_> = seen.iter().enumerate().filter(|(_, it)| it.topic == **topic).collect();
        let [(asked, marker), (ended, cleared)] = said[..] else { panic!("{from:?} {to:?} {topic}: {said:#?}") };
        assert_eq!((marker.json(), marker.retain), (json!({ "migrate_discovery": true }), false));
        assert!(cleared.payload.is_empty());
        // What was announced there is announced anew in between.
        let ids: BTreeSet<_> =
            entities(topic, &before[*topic]).into_iter().map(|it| it.1["uniq_id"].to_string()).collect();
        let anew =
            seen[asked..ended].iter().filter(|it| after.contains_key(&it.topic) && it.payload.contains("uniq_id"));
        let anew: BTreeSet<_> =
            anew.flat_map(|it| entities(&it.topic, &it.json())).map(|it| it.1["uniq_id"].to_string()).collect();
        assert!(ids.is_subset(&anew), "{from:?} {to:?} {topic}: {:?}", ids.difference(&anew));
    }
    // Nothing is ever taken back by name: Home Assistant would forget it.
    assert!(!seen.iter().any(|it| it.topic.starts_with("homeassistant/") && it.payload.contains(r#"{"p":"switch"}"#)));
    let mut held = BTreeMap::new();
    for _ in 0..40 {
        let kept = retained(broker.address()).await.into_iter().filter(|it| it.topic.starts_with("homeassistant/"));
        held = kept.map(|it| (it.topic.clone(), it.json())).collect();
        if held == after {
            break;
        }
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
    assert!(held == after, "{from:?} {to:?}: {:#?}", held.keys());
}

#[tokio::test]
async fn entities_move_from_one_layout_to_another() {
    let pairs = LAYOUTS.iter().flat_map(|from| LAYOUTS.iter().map(move |to| (*from, *to)));
    let mut moved = tokio::task::JoinSet::new();
    pairs.filter(|(from, to)| from != to).for_each(|(from, to)| drop(moved.spawn(moves(from, to))));
    moved.join_all().await;
}
