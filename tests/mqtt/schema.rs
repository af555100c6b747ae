//! What Home Assistant asks of announcements, as far as it can be told without it. `interop/schema` asks its own code.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    sync::Arc,
};

use heattrax::model::{Class, DeviceLayout, HomeAssistantVersion, House, Housing};
use serde_json::{Value, json};

use crate::{
    house::{change, device, housing, id, outlet, slug, weathered},
    layouts::{LAYOUTS, entities, laid_out_for},
};

/// Model, number of its sockets, does it measure power, and voltage?
const MODELS: [(&str, u8, bool, bool); 7] = [
    ("P100", 1, false, false),
    ("P110", 1, true, false),
    ("P110M", 1, true, true),
    ("P300", 3, false, false),
    ("P304M", 4, true, false),
    ("P316M", 6, true, true),
    ("EP40M", 2, false, false),
];

/// A house with each model, each kind of load, and everything that a bridge can have.
fn full() -> House {
    let mut house = weathered();
    for (number, (model, slots, energy, voltage)) in MODELS.into_iter().enumerate() {
        let mut said = Housing::clone(&housing(model, &format!("A0:B1:C2:00:01:{number:02X}"), energy, slots));
        said.sockets.iter_mut().for_each(|it| it.meters_voltage = voltage);
        let device = device(&format!("A {model}"), Some(Arc::new(said)));
        for slot in 1..=slots {
            let id = id(device.slug.as_str(), slot);
            house.outlets.insert(id.clone(), Arc::new(outlet(id.clone(), &format!("{model} {slot}"), None, None)));
            let class = if slot % 2 == 1 { Class::Heater } else { Class::Light };
            change(&mut house, &id, |it| it.class = class);
        }
        house.devices.insert(slug(device.slug.as_str()), Arc::new(device));
    }
    house
}

/// Every announcement that there can be: each layout, each model, with and without commands that expire.
fn all() -> Vec<(DeviceLayout, Option<u16>, BTreeMap<String, Value>)> {
    let house = full();
    let kinds = LAYOUTS.into_iter().flat_map(|layout| [None, Some(15)].map(|expiry| (layout, expiry)));
    // What expires, and children, are for newer ones, and so are the times of schedules.
    let oldest = |layout, expiry: Option<u16>| match (layout, expiry) {
        (DeviceLayout::ChildDevices, _) => Some(HomeAssistantVersion::CHILD_DEVICES),
        (_, Some(_)) => Some(HomeAssistantVersion::TIMES),
        _ => None,
    };
    let laid = |layout, expiry| laid_out_for(&house, layout, expiry, oldest(layout, expiry));
    kinds.map(|(layout, expiry)| (layout, expiry, laid(layout, expiry))).collect()
}

fn keys(it: &Value) -> BTreeSet<&str> {
    it.as_object().unwrap().keys().map(String::as_str).collect()
}

/// What every entity may say, beside what its platform knows.
const COMMON: [&str; 11] =
    ["p", "name", "uniq_id", "def_ent_id", "avty", "avty_mode", "en", "ent_cat", "json_attr_t", "qos", "msg_exp_int"];

/// What an entity of a platform must say, and what it may.
fn platform(name: &str) -> (&'static [&'static str], &'static [&'static str]) {
    match name {
        "switch" => (&["cmd_t", "stat_t"], &["val_tpl", "pl_on", "pl_off", "dev_cla"]),
        "sensor" => (&["stat_t"], &["val_tpl", "dev_cla", "stat_cla", "unit_of_meas", "sug_dsp_prc", "ops", "exp_aft"]),
        "binary_sensor" => (&["stat_t"], &["val_tpl", "dev_cla", "pl_on", "pl_off"]),
        "select" => (&["cmd_t", "ops", "stat_t"], &["val_tpl", "cmd_tpl"]),
        "button" => (&["cmd_t"], &["dev_cla", "pl_prs"]),
        "number" => (&["cmd_t", "stat_t", "min", "max"], &["val_tpl", "step", "mode", "dev_cla", "unit_of_meas"]),
        "time" => (&["cmd_t", "stat_t"], &["val_tpl"]),
        "event" => (&["stat_t", "evt_typ"], &[]),
        other => panic!("{other} is no platform that every Home Assistant knows"),
    }
}

/// The units that a class of sensor may have, of those that are used.
fn units(class: &str) -> &'static [&'static str] {
    match class {
        "power" => &["W", "kW"],
        "temperature" => &["°C", "°F", "K"],
        "energy" => &["kWh", "Wh"],
        "voltage" => &["V"],
        "current" => &["A"],
        "duration" => &["s", "min", "h"],
        "signal_strength" => &["dBm"],
        "timestamp" | "enum" => &[],
        other => panic!("{other} is no class of sensor that is used"),
    }
}

fn sensor_is_right(unique: &str, it: &Value) {
    let text = |key: &str| it.get(key).and_then(Value::as_str);
    match text("dev_cla") {
        Some(class) => {
            assert_eq!(text("unit_of_meas").is_some(), !units(class).is_empty(), "{unique} has a unit or lacks it");
            assert!(text("unit_of_meas").is_none_or(|unit| units(class).contains(&unit)), "{unique}");
        }
        None => assert_eq!((text("unit_of_meas"), text("stat_cla")), (None, None), "{unique} has no class"),
    }
    assert_eq!(it.get("ops").is_some(), text("dev_cla") == Some("enum"), "{unique}");
    // What counts energy never measures it, and the other way round; a text has no statistics.
    let statistics: &[Option<&str>] = match text("dev_cla") {
        Some("energy") => &[Some("total_increasing")],
        // A time that was counted, or the age of something.
        Some("duration") => &[Some("total_increasing"), Some("measurement")],
        Some("power" | "temperature" | "voltage" | "current" | "signal_strength") => &[Some("measurement")],
        _ => &[None],
    };
    assert!(statistics.contains(&text("stat_cla")), "{unique}");
    assert_ne!(text("ent_cat"), Some("config"), "{unique} is a sensor: nothing can be set there");
}

fn entity_is_right(it: &Value, expiry: Option<u16>) {
    let unique = it["uniq_id"].as_str().unwrap();
    let name = it["p"].as_str().unwrap();
    let (must, may) = platform(name);
    for key in must {
        assert!(it.get(key).is_some(), "{unique} lacks {key}");
    }
    for key in keys(it).into_iter().filter(|key| !["dev", "o"].contains(key)) {
        assert!(COMMON.contains(&key) || must.contains(&key) || may.contains(&key), "{unique} says {key}");
    }
    if name == "sensor" {
        sensor_is_right(unique, it);
    }
    assert_eq!(it.get("msg_exp_int"), expiry.filter(|_| it.get("cmd_t").is_some()).map(|it| json!(it)).as_ref());
    let entity_id = it["def_ent_id"].as_str().unwrap();
    let object = entity_id.strip_prefix(&format!("{name}.")).unwrap();
    assert!(object.chars().all(|it| it.is_ascii_lowercase() || it.is_ascii_digit() || it == '_'), "{entity_id}");
    assert!(it.get("ent_cat").is_none_or(|it| ["config", "diagnostic"].contains(&it.as_str().unwrap())), "{unique}");
    // A topic of state or command has no wildcard, and a template ends as it began.
    for topic in ["stat_t", "cmd_t", "json_attr_t"].iter().filter_map(|key| it.get(*key)?.as_str()) {
        assert!(!topic.contains(['+', '#']) && topic.starts_with("heattrax/"), "{unique} {topic}");
    }
    if let Some(template) = it.get("val_tpl").and_then(Value::as_str) {
        assert!(template.starts_with("{{ ") && template.ends_with(" }}"), "{unique} {template}");
    }
}

/// One root key that Home Assistant does not know, and it drops the whole device.
fn root_is_right(topic: &str, root: &Value, layout: DeviceLayout) {
    let known = ["dev", "o", "avty", "avty_mode", "qos", "cmps"].into_iter();
    match layout {
        DeviceLayout::Components => assert!(root.get("p").is_none() && root.get("cmps").is_none(), "{topic}"),
        DeviceLayout::ChildDevices if root.get("cdevs").is_some() => {
            assert_eq!(keys(root), known.chain(["cdevs"]).collect(), "{topic}");
        }
        _ => assert_eq!(keys(root), known.collect(), "{topic}"),
    }
    let device = keys(&root["dev"]);
    let may = BTreeSet::from(["ids", "cns", "name", "mf", "mdl", "hw", "sw", "via_device"]);
    assert!(device.is_subset(&may) && device.contains("ids"), "{topic} {device:?}");
    assert_eq!(keys(&root["o"]), BTreeSet::from(["name", "sw"]), "{topic}");
    let levels = topic.strip_prefix("homeassistant/").and_then(|it| it.strip_suffix("/config")).unwrap();
    let plain = |it: &str| it.chars().all(|it| it.is_ascii_alphanumeric() || it == '_' || it == '-');
    assert!(levels.split('/').all(plain), "{topic}");
    assert!(root.to_string().len() < 64_000, "{topic} is large");
}

#[test]
fn every_announcement_is_what_home_assistant_takes() {
    for (layout, expiry, announced) in all() {
        let mut unique = BTreeSet::new();
        for (topic, root) in &announced {
            root_is_right(topic, root, layout);
            for (_, entity) in entities(topic, root) {
                entity_is_right(&entity, expiry);
                assert!(unique.insert(entity["uniq_id"].to_string()), "{} twice", entity["uniq_id"]);
            }
        }
        assert!(unique.len() > 300, "{}", unique.len());
    }
}

/// The payloads for `interop/schema`: written to the file that `ANNOUNCEMENTS` names.
#[test]
fn every_announcement_can_be_written_down() {
    let lines = all().into_iter().flat_map(|(layout, expiry, announced)| {
        announced.into_iter().map(move |(topic, payload)| {
            let needs = match (layout, expiry) {
                (DeviceLayout::ChildDevices, _) => "2026.11",
                (_, Some(_)) => "2026.7",
                _ => "2024.12",
            };
            json!({ "topic": topic, "payload": payload, "min_version": needs }).to_string() + "\n"
        })
    });
    let lines: String = lines.collect();
    assert!(lines.lines().count() > 600);
    if let Some(file) = std::env::var_os("ANNOUNCEMENTS") {
        fs::write(file, lines).unwrap();
    }
}
