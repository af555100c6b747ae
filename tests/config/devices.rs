//! Groups, items, devices and their outlets.

use std::time::Duration;

use heattrax::model::{Class, Slug};

use crate::{SMALL, bad, good, group_with};

/// A config with these groups; the first of them is on line 5.
fn groups(groups: &str) -> String {
    let head = SMALL.split("    mat:").next().unwrap();
    let groups: String = groups.lines().map(|line| format!("    {line}\n")).collect();
    format!("{head}{groups}")
}

fn slug(text: &str) -> Slug {
    text.parse().unwrap()
}

#[test]
fn items_with_one_address_are_one_device() {
    let settings = good(&groups(
        "mat:\n  items:\n  - {name: Front Porch, ip_address: 192.168.1.5, outlets: [0]}\n\
         lights:\n  items:\n  - {name: Tree, ip_address: \"192.168.1.5:80\", outlets: [1]}\n  \
         - {name: Garage, ip_address: garage.lan}",
    ));
    let names: Vec<_> = settings.devices.iter().map(|it| (it.slug.as_str(), it.name.as_str())).collect();
    assert_eq!(names, [("front_porch", "Front Porch"), ("garage", "Garage")]);
    let porch = &settings.devices[0];
    assert_eq!(
        porch.outlet_names.clone().into_iter().collect::<Vec<_>>(),
        [(1, "Front Porch".to_owned()), (2, "Tree".to_owned())]
    );
    let lights = &settings.control.groups[&slug("lights")];
    let members: Vec<_> = lights.members.iter().map(|it| (it.device.as_str(), it.slots.clone())).collect();
    assert_eq!(members, [("front_porch", Some(vec![2])), ("garage", None)]);
    assert!(settings.devices[1].outlet_names.is_empty());
}

#[test]
fn outlets_count_from_0_and_slots_from_1_and_none_means_all() {
    for (outlets, slots) in [("[0, 1]", Some(vec![1, 2])), ("[15]", Some(vec![16])), ("[]", None), ("", None)] {
        let settings = good(&SMALL.replace("[0]", outlets));
        assert_eq!(settings.control.groups[&slug("mat")].members[0].slots, slots, "{outlets}");
    }
}

#[test]
fn an_outlet_in_two_groups_is_told() {
    let lines = bad(&groups(
        "mat:\n  items: [{name: Walk, ip_address: 10.0.0.1, outlets: [0, 1]}]\n\
         light:\n  items: [{name: Tree, ip_address: 10.0.0.1, outlets: [2, 1]}]",
    ));
    assert_eq!(
        lines,
        [
            "house.yaml:8:63: devices.groups.light.items[0].outlets[1]: found outlet 1 of 10.0.0.1 again; allowed: each outlet \
         in one group; devices.groups.mat.items[0] (line 6) has it"
        ]
    );
    let all = bad(&groups(
        "mat:\n  items: [{name: Walk, ip_address: 10.0.0.1, outlets: [0]}]\n\
         light:\n  items: [{name: Tree, ip_address: 10.0.0.1}]",
    ));
    assert!(all[0].starts_with("house.yaml:8:15: devices.groups.light.items[0]: found all outlets of 10.0.0.1 again"));
    let one = bad(&groups(
        "mat:\n  items: [{name: Walk, ip_address: 10.0.0.1}]\n\
         light:\n  items: [{name: Tree, ip_address: 10.0.0.1, outlets: [3]}]",
    ));
    assert!(one[0].contains("light.items[0].outlets[0]: found outlet 3 of 10.0.0.1 again"), "{one:#?}");
}

#[test]
fn an_outlet_listed_twice_is_told() {
    let lines = bad(&SMALL.replace("[0]", "[0, 0]"));
    assert_eq!(
        lines,
        ["house.yaml:7:62: devices.groups.mat.items[0].outlets[1]: found outlet 0 again; allowed: each outlet once"]
    );
    let lines = bad(&groups(
        "mat:\n  items:\n  - {name: A, ip_address: h, outlets: [0]}\n  - {name: B, ip_address: H, outlets: [0]}",
    ));
    assert!(
        lines[0].contains("items[1].outlets[0]: found outlet 0 of h again; allowed: each outlet once"),
        "{lines:#?}"
    );
}

#[test]
fn outlets_that_cannot_be_are_told() {
    for outlet in ["-1", "16", "1.5", "\"0\"", "[0]", "true"] {
        let lines = bad(&SMALL.replace("[0]", &format!("[{outlet}]")));
        assert_eq!(lines.len(), 1);
        assert!(
            lines[0].contains("outlets[0]: found") && lines[0].contains("a whole number from 0 to 15"),
            "{lines:#?}"
        );
    }
}

#[test]
fn two_devices_with_one_slug_are_told_at_both_places() {
    let lines = bad(&groups(
        "mat:\n  items:\n  - {name: Außen Lampe, ip_address: 10.0.0.1}\n  - {name: aussen-lampe, ip_address: 10.0.0.2}",
    ));
    assert_eq!(
        lines,
        [
            "house.yaml:7:16: devices.groups.mat.items[0].name: found \"Außen Lampe\", in topics `aussen_lampe`; allowed: \
         another name than that of 10.0.0.2 on line 8",
            "house.yaml:8:16: devices.groups.mat.items[1].name: found \"aussen-lampe\", in topics `aussen_lampe`; allowed: \
         another name than that of 10.0.0.1 on line 7",
        ]
    );
}

#[test]
fn two_groups_with_one_slug_are_told() {
    let lines = bad(&groups("Front Mat: {}\nfront-mat: {}"));
    assert_eq!(
        lines,
        [
            "house.yaml:6:5: devices.groups.front-mat: found a second group with the name `front_mat` in topics; allowed: \
         another name than the group's on line 5"
        ]
    );
}

#[test]
fn reserved_names_are_told() {
    for name in ["bridge", "Group", "WEATHER", "vacation"] {
        let lines = bad(&SMALL.replace("Walk", name));
        let found = format!(
            "house.yaml:7:18: devices.groups.mat.items[0].name: found the reserved name `{}`; allowed: a name with letters \
             or digits, other than automation, bridge, group, weather or vacation",
            name.to_lowercase()
        );
        assert_eq!(lines, [found]);
        let lines = bad(&SMALL.replace("    mat:", &format!("    {name}:")));
        assert!(lines[0].starts_with(&format!("house.yaml:5:5: devices.groups.{name}: found the reserved name")));
    }
    assert!(bad(&SMALL.replace("Walk", "\"!?\""))[0].contains("a name with letters or digits"));
}

#[test]
fn addresses_may_carry_a_port() {
    let table = [
        ("192.168.1.5", "192.168.1.5", None),
        ("\"127.0.0.1:9001\"", "127.0.0.1", Some(9001)),
        ("plug.lan", "plug.lan", None),
        ("\"Plug_2.lan:81\"", "plug_2.lan", Some(81)),
        ("\"[fe80::1]:9\"", "[fe80::1]", Some(9)),
        ("\"fe80::1\"", "[fe80::1]", None),
    ];
    for (written, host, port) in table {
        let settings = good(&SMALL.replace("192.168.1.5", written));
        let address = &settings.devices[0].address;
        assert_eq!((address.host.as_str(), address.port), (host, port));
    }
    for wrong in [
        "999.999.999.999",
        "1.2.3",
        "01.2.3.4",
        "\"1.2.3.4:0\"",
        "\"a:b\"",
        "\"a b\"",
        "-a",
        "\"[1::2\"",
        "\"http://a\"",
        "\"\"",
    ] {
        let lines = bad(&SMALL.replace("192.168.1.5", wrong));
        assert_eq!(lines.len(), 1, "{wrong}: {lines:#?}");
        assert!(lines[0].starts_with("house.yaml:7:36: devices.groups.mat.items[0].ip_address: found"), "{lines:#?}");
    }
}

#[test]
fn the_class_follows_from_the_rules() {
    let class = |more: &str| {
        let settings = good(&group_with(more));
        let group = &settings.control.groups[&slug("mat")];
        (group.class, group.require_device_timer)
    };
    let conditional = "schedules: [{all_day: true, conditions: {temperature_max: 34}}]";
    assert_eq!(class(conditional), (Class::Heater, true));
    assert_eq!(class("melt: {enabled: true}"), (Class::Heater, true));
    assert_eq!(class("automation: {weather_control: true}"), (Class::Heater, true));
    assert_eq!(class("automation: {weather_control: false, schedule_control: true}"), (Class::Generic, false));
    assert_eq!(class("schedules: [{all_day: true, conditions: {}}]"), (Class::Generic, false));
    assert_eq!(class("class: light"), (Class::Light, false));
    assert_eq!(class(&format!("class: generic\n{conditional}")), (Class::Generic, false));
    assert_eq!(class("class: heater\nrequire_device_timer: false"), (Class::Heater, false));
    assert!(bad(&group_with("class: heatr"))[0].ends_with("allowed: heater, light or generic; did you mean `heater`?"));
}

#[test]
fn polls_deadlines_and_identities_are_read() {
    let device = |more: &str| good(&SMALL.replace("outlets: [0]", more)).devices[0].clone();
    let plain = device("outlets: [0]");
    assert_eq!((plain.poll_every, plain.timeout), (Duration::from_secs(5), Duration::from_secs(5)));
    let set = device("poll_seconds: 1, discovery_timeout_seconds: 30, mac: a0-b1-c2-d3-e4-f5");
    assert_eq!((set.poll_every, set.timeout), (Duration::from_secs(1), Duration::from_secs(30)));
    assert_eq!(set.mac.unwrap().to_string(), "A0:B1:C2:D3:E4:F5");
    for wrong in ["poll_seconds: 0", "poll_seconds: 3601", "discovery_timeout_seconds: 61", "mac: A0:B1"] {
        assert_eq!(bad(&SMALL.replace("outlets: [0]", wrong)).len(), 1, "{wrong}");
    }
    let lines = bad(&groups(
        "mat:\n  items:\n  - {name: A, ip_address: h, outlets: [0], mac: A0B1C2D3E4F5}\n  \
         - {name: B, ip_address: h, outlets: [1], mac: A0B1C2D3E4F6}",
    ));
    assert!(
        lines[0].contains("items[1].mac: found A0:B1:C2:D3:E4:F6; allowed: A0:B1:C2:D3:E4:F5 as on line 7"),
        "{lines:#?}"
    );
}

#[test]
fn a_wish_s_length_comes_from_the_group_or_the_page() {
    let settings = good(&group_with("manual_override_hours: 8"));
    assert_eq!(settings.control.groups[&slug("mat")].wish_lasts.unwrap().as_hours(), 8);
    assert_eq!(settings.control.wish_lasts.as_hours(), 3);
    assert_eq!(bad(&group_with("manual_override_hours: 25")).len(), 1);
}

#[test]
fn an_item_without_name_or_address_is_told() {
    let lines = bad(&SMALL.replace("{name: Walk, ip_address: 192.168.1.5, outlets: [0]}", "{outlets: [0]}"));
    assert_eq!(lines.len(), 2);
    assert!(lines.iter().all(|it| it.starts_with("house.yaml:7:11: devices.groups.mat.items[0].")), "{lines:#?}");
}
