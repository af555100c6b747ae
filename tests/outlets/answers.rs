//! Every field of an answer may be missing, new or of another type.

use heattrax::{
    model::{Fault, Switch},
    outlets::answer::{about, single, strip},
};
use jiff::SignedDuration;
use proptest::prelude::*;
use serde_json::{Value, json};

fn child(position: u8, on: bool) -> Value {
    json!({
        "device_id": format!("8022AA0{}", position - 1),
        "original_device_id": "8022AA",
        "category": "plug.powerstrip.sub-plug",
        "position": position,
        "device_on": on,
        "on_time": 12,
        "nickname": "TWF0IGxlZnQ=",
        "overheat_status": "normal",
    })
}

fn strip_of(children: &[Value]) -> Value {
    json!({ "child_device_list": children, "start_index": 0, "sum": children.len() })
}

fn with(mut value: Value, key: &str, field: Value) -> Value {
    value[key] = field;
    value
}

fn without(mut value: Value, key: &str) -> Value {
    value.as_object_mut().unwrap().remove(key);
    value
}

#[test]
fn slots_are_positions_and_never_the_order_of_the_list() {
    let looks = strip(&strip_of(&[child(2, true), child(1, false)])).unwrap();
    let seen: Vec<_> = looks.iter().map(|it| (it.slot, it.switch, it.child.as_deref())).collect();
    assert_eq!(seen, [(1, Some(Switch::Off), Some("8022AA00")), (2, Some(Switch::On), Some("8022AA01"))]);
    assert_eq!(looks[0].label, "Mat left");
    assert_eq!(looks[0].on_time, Some(SignedDuration::from_secs(12)));
}

#[test]
fn a_missing_position_is_read_from_the_id() {
    for position in [Value::Null, json!(0), json!("two"), json!(-1), json!(4711)] {
        let odd = with(child(2, true), "position", position.clone());
        assert_eq!(strip(&strip_of(&[odd])).unwrap()[0].slot, 2, "{position}");
    }
    let lost = without(without(child(2, true), "position"), "original_device_id");
    assert_eq!(strip(&strip_of(&[lost])).unwrap_err(), "an outlet does not say which one it is");
}

#[test]
fn two_outlets_with_one_number_are_refused() {
    let twins = strip_of(&[child(1, true), with(child(2, true), "position", json!(1))]);
    assert_eq!(strip(&twins).unwrap_err(), "two outlets say that they are number 1");
}

#[test]
fn what_is_not_an_outlet_is_left_out() {
    let bulb = with(child(3, true), "category", json!("plug.powerstrip.sub-bulb"));
    let sensor = with(child(4, true), "category", json!("subg.trigger.contact-sensor"));
    let nameless = without(child(2, true), "category");
    let looks = strip(&strip_of(&[bulb, sensor, nameless])).unwrap();
    assert_eq!(looks.iter().map(|it| it.slot).collect::<Vec<_>>(), [2]);
}

#[test]
fn no_list_is_an_error_and_an_empty_one_is_empty() {
    assert_eq!(strip(&json!({})).unwrap_err(), "there is no list of outlets");
    assert_eq!(strip(&json!({ "child_device_list": 3 })).unwrap_err(), "there is no list of outlets");
    assert_eq!(strip(&strip_of(&[])).unwrap(), []);
}

#[test]
fn faults_are_known_words_only() {
    let table = [
        ("overheat_status", json!("overheated"), Some(Fault::Overheat)),
        ("overheat_status", json!("cool_down"), Some(Fault::Overheat)),
        ("overheat_status", json!("normal"), None),
        ("overheat_status", json!("cosy"), None),
        ("overheat_status", json!(7), None),
        ("overheated", json!(true), Some(Fault::Overheat)),
        ("overheated", json!(false), None),
        ("power_protection_status", json!("overloaded"), Some(Fault::Overload)),
        ("power_protection_status", json!("normal"), None),
        ("overcurrent_status", json!("overcurrent"), Some(Fault::Overcurrent)),
        ("overcurrent_status", json!("lifted"), None),
    ];
    for (key, value, fault) in table {
        assert_eq!(single(&json!({ "device_on": true, key: value })).fault, fault, "{key}: {value}");
    }
}

#[test]
fn the_relay_is_read_from_either_field_and_is_unknown_without() {
    let table = [
        (json!({ "device_on": true }), Some(Switch::On)),
        (json!({ "device_on": false }), Some(Switch::Off)),
        (json!({ "on_off": 1 }), Some(Switch::On)),
        (json!({ "on_off": 0 }), Some(Switch::Off)),
        (json!({ "device_on": "yes" }), None),
        (json!({}), None),
    ];
    for (info, switch) in table {
        assert_eq!(single(&info).switch, switch, "{info}");
        assert_eq!(about(&info).is_single, switch.is_some(), "{info}");
    }
}

#[test]
fn an_empty_housing_is_read_too() {
    let empty = about(&json!({}));
    assert_eq!((empty.model.as_str(), empty.mac, empty.rssi, empty.is_single), ("", None, None, false));
    let full = about(&json!({ "model": "EP40M", "mac": "F0-09-0D-00-00-01", "rssi": -66, "fw_ver": "1.1.0" }));
    assert_eq!(full.mac.unwrap().plain(), "f0090d000001");
    assert_eq!(full.rssi, Some(-66));
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "[ -~]{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| prop::collection::vec(inner, 0..4).prop_map(Value::from))
}

proptest! {
    #[test]
    fn no_value_of_any_field_costs_the_outlet(
        key in prop::sample::select(vec![
            "category", "on_time", "nickname", "overheat_status", "overheated", "power_protection_status",
            "overcurrent_status", "auto_off_remain_time", "charging_status", "default_states",
        ]),
        value in any_json(),
    ) {
        prop_assume!(key != "category" || !value.is_string());
        let looks = strip(&strip_of(&[with(child(1, true), key, value)])).unwrap();
        prop_assert_eq!(looks[0].switch, Some(Switch::On));
    }

    #[test]
    fn any_answer_is_read_without_a_panic(value in any_json()) {
        let _ = (about(&value), single(&value), strip(&value));
        let _ = strip(&json!({ "child_device_list": value }));
    }
}
