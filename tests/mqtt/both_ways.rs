//! What is advertised is published and heard, and the other way round, in any house.

use std::sync::Arc;

use heattrax::{
    model::{Class, Fault, House, Housing, Switch},
    mqtt::parts::{Heard, Truth},
};
use proptest::prelude::*;
use serde_json::Value;

use crate::{
    announced::{announcements, components},
    house::{change, device, housing, id, outlet, payload, rendered, report, slug, topics, weathered},
};

/// The fields that a template reads.
fn fields(template: &str) -> impl Iterator<Item = &str> {
    template.split("value_json.").skip(1).map(|rest| {
        let end = rest.find(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_').unwrap();
        &rest[..end]
    })
}

fn shows_what_is_published(truth: &Truth, key: &str, component: &Value) {
    for topic in ["stat_t", "json_attr_t"].into_iter().filter_map(|it| component.get(it)?.as_str()) {
        if topic == "heattrax/bridge/event" || topic.ends_with("/plan") {
            continue;
        }
        let published = payload(truth, topic);
        let Some(template) = component["val_tpl"].as_str().filter(|_| component["stat_t"] == topic) else {
            assert!(component["stat_t"] != topic || !published.starts_with('{'), "{key} shows a whole object");
            continue;
        };
        let published: Value = serde_json::from_str(&published).unwrap();
        for field in fields(template) {
            assert!(published.get(field).is_some(), "{key} reads {field} from {topic}");
        }
    }
    assert!(component.get("stat_t").is_some() || component["p"] == "button", "{key} shows nothing");
}

fn holds_both_ways(house: &House) {
    let truth = rendered(house);
    let heard = |topic: &str| {
        use Heard::{Command, Lead, Led, Request, Schedule};
        matches!(topics().sort(topic), Command(_) | Request(_) | Schedule(_) | Lead(_) | Led(_))
    };
    for (_, root) in announcements(house) {
        let own = components(&root).flat_map(|(_, it)| it.get("avty").and_then(Value::as_array).into_iter().flatten());
        for topic in root["avty"].as_array().unwrap().iter().chain(own).map(|it| it["t"].as_str().unwrap()) {
            assert!(["online", "offline"].contains(&payload(&truth, topic).as_str()), "{topic}");
        }
        for (key, component) in components(&root) {
            shows_what_is_published(&truth, key, component);
            if let Some(topic) = component.get("cmd_t") {
                assert!(heard(topic.as_str().unwrap()), "{key} commands {topic}");
            }
            assert!(component["p"] != "button" || component.get("cmd_t").is_some(), "{key} does nothing");
        }
    }
}

/// The entities of a subject whose field is published are announced: the fields of metered outlets stand for all that depend on
/// what a device can do.
fn announces_what_is_published(house: &House) {
    let truth = rendered(house);
    for id in house.outlets.keys() {
        let Some(state) = truth.held(&topics().outlet(id)) else { continue };
        let state: Value = serde_json::from_str(&state.payload).unwrap();
        let mac = house.devices[&id.device].housing.as_ref().unwrap().mac.plain();
        let root = truth.held(&topics().announced(&format!("tapo_{mac}_{}", id.slot))).unwrap();
        let root: Value = serde_json::from_str(&root.payload).unwrap();
        for field in ["power", "voltage", "current", "energy_total", "no_load", "overload"] {
            let key = format!("{}_{field}", id.slot);
            assert_eq!(root["cmps"].get(&key).is_some(), state.get(field).is_some(), "{id} {field}");
        }
    }
}

#[test]
fn an_entity_is_announced_if_and_only_if_it_is_published() {
    holds_both_ways(&weathered());
    announces_what_is_published(&weathered());
}

#[derive(Clone, Debug)]
struct Plug {
    slots: u8,
    known: bool,
    energy: bool,
    voltage: bool,
    heats: bool,
    on: Option<bool>,
    fault: Option<Fault>,
}

fn plug() -> impl Strategy<Value = Plug> {
    let fault = prop::option::of(prop::sample::select(vec![Fault::Overheat, Fault::Overload, Fault::NoLoad]));
    let meters = (any::<bool>(), any::<bool>(), any::<bool>());
    (1..=6u8, any::<bool>(), meters, any::<Option<bool>>(), fault).prop_map(
        |(slots, known, (energy, voltage, heats), on, fault)| Plug { slots, known, energy, voltage, heats, on, fault },
    )
}

fn built(plugs: &[Plug]) -> House {
    let mut house = weathered();
    for (number, plug) in plugs.iter().enumerate() {
        let mut said =
            Housing::clone(&housing("Any", &format!("A0:B1:C2:00:00:{number:02X}"), plug.energy, plug.slots));
        said.sockets.iter_mut().for_each(|it| it.meters_voltage = plug.voltage);
        let device = device(&format!("Any {number}"), plug.known.then(|| Arc::new(said)));
        for slot in 1..=plug.slots {
            let id = id(device.slug.as_str(), slot);
            let report = plug.on.map(|on| report(slot, Switch::from_bool(on), None));
            house.outlets.insert(id.clone(), Arc::new(outlet(id.clone(), "Any", None, report)));
            change(&mut house, &id, |it| {
                it.class = if plug.heats { Class::Heater } else { Class::Light };
                it.alarm = plug.fault;
            });
        }
        house.devices.insert(slug(device.slug.as_str()), Arc::new(device));
    }
    house
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn in_any_house_what_is_announced_is_published(plugs in prop::collection::vec(plug(), 0..5)) {
        let house = built(&plugs);
        holds_both_ways(&house);
        announces_what_is_published(&house);
    }
}
