//! What answers to a search say, and what is made of them.

use std::net::{IpAddr, Ipv4Addr};

use heattrax::{
    config,
    outlets::finding::{Found, Speaks, advice, gather, read, snippet, table},
};
use proptest::prelude::*;
use serde_json::{Value, json};

const HERE: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 5));

fn answer(mac: &str) -> Value {
    json!({"error_code": 0, "result": {
        "device_type": "SMART.TAPOPLUG", "device_model": "P210M(US)", "ip": "198.51.100.66", "mac": mac, "factory_default": false,
        "mgt_encrypt_schm": {"encrypt_type": "KLAP", "http_port": 80},
    }})
}

fn with(path: &str, value: Value) -> Found {
    let mut said = answer("02-00-00-00-00-01");
    *said.pointer_mut(path).unwrap() = value;
    read(&said, HERE).unwrap()
}

#[test]
fn a_device_is_where_its_answer_came_from_and_not_where_it_says() {
    let found = read(&answer("02-00-00-00-00-01"), HERE).unwrap();
    assert_eq!((found.host, found.port, found.speaks), (HERE, 80, Speaks::Klap));
    assert_eq!(found.mac.to_string(), "02:00:00:00:00:01");
    assert_eq!(found.address().to_string(), "192.0.2.5");
    assert_eq!(with("/result/mgt_encrypt_schm/http_port", json!(8080)).address().to_string(), "192.0.2.5:8080");
    assert_eq!(with("/result/mgt_encrypt_schm/http_port", json!(70_000)).port, 80);
}

#[test]
fn what_is_to_be_done_is_told() {
    let scheme = "/result/mgt_encrypt_schm/encrypt_type";
    let table: [(&str, Value, Option<&str>); 6] = [
        (scheme, json!("KLAP"), None),
        (scheme, json!("TPAP"), Some("Third-Party Compatibility")),
        (scheme, json!("AES"), Some("update its firmware")),
        (scheme, json!(7), Some("try it")),
        ("/result/factory_default", json!(true), Some("set it up in the Tapo app first")),
        ("/result/device_type", json!("SMART.TAPOBULB"), Some("it is no plug")),
    ];
    for (path, value, words) in table {
        let advice = advice(&with(path, value.clone()));
        assert_eq!(advice.is_some(), words.is_some(), "{value}");
        assert!(advice.unwrap_or_default().contains(words.unwrap_or_default()), "{value}: {advice:?}");
    }
}

#[test]
fn one_device_is_one_entry_and_a_flood_has_an_end() {
    let first = read(&answer("02-00-00-00-00-01"), HERE).unwrap();
    let again = Found { host: Ipv4Addr::LOCALHOST.into(), ..first.clone() };
    assert_eq!(gather([first.clone(), again]), std::slice::from_ref(&first));
    let flood = (0..5000_u32).map(|it| Found { mac: format!("0200{it:08x}").parse().unwrap(), ..first.clone() });
    assert_eq!(gather(flood).len(), 1024);
}

#[test]
fn the_lines_to_paste_are_a_config() {
    let mut found: Vec<_> =
        ["02-00-00-00-00-01", "02-00-00-00-00-02"].map(|it| read(&answer(it), HERE).unwrap()).into();
    found[1].host = Ipv4Addr::new(192, 0, 2, 6).into();
    let text = format!(
        "location: {{ latitude: 40.7, longitude: -74.0, timezone: America/New_York }}\n{}  credentials: {{ username: \
         me@example.com, password: secret }}\n",
        snippet(&found)
    );
    let settings = config::parse("pasted.yaml", &text, &<_>::default(), &<_>::default())
        .unwrap_or_else(|it| panic!("{it}\n{text}"));
    let macs: Vec<_> = settings.devices.iter().filter_map(|it| it.mac).collect();
    assert_eq!(macs, found.iter().map(|it| it.mac).collect::<Vec<_>>());
    assert_eq!(table(&found).lines().count(), 3);
    found.iter_mut().for_each(|it| it.factory_default = true);
    assert_eq!(snippet(&found), "");
}

fn anything() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(2, 16, 4, |inner| prop::collection::hash_map(".*", inner, 0..4).prop_map(|it| json!(it)))
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_answer_is_read_and_nothing_of_it_reaches_a_terminal_raw(
        field in prop::sample::select(vec!["mac", "device_model", "device_type", "factory_default", "mgt_encrypt_schm", "ip"]),
        value in anything(),
    ) {
        let mut said = answer("02-00-00-00-00-01");
        said["result"][field] = value;
        if let Some(found) = read(&said, HERE) {
            prop_assert_eq!(found.host, HERE);
            let shown = format!("{}{}", table(std::slice::from_ref(&found)), snippet(std::slice::from_ref(&found)));
            prop_assert!(shown.chars().all(|it| it == '\n' || it.is_ascii_graphic() || it == ' '), "{shown:?}");
        }
    }
}
