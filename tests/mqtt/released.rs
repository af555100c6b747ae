//! What was ever released stays: unique ids, component keys, platforms.

use std::collections::BTreeSet;

use crate::{
    announced::{announcements, components},
    house::weathered,
};

/// What a device of Home Assistant stands for, component key and platform. A line may be added; none may go or change, for
/// people's automations and statistics hang on them.
const RELEASED: &str = include_str!("released.txt");

/// What a device stands for, by its id, and the slot that its component keys begin with.
fn stands_for(device: &str) -> (&'static str, String) {
    match device.split('_').collect::<Vec<_>>()[..] {
        ["heattrax", "k7"] => ("bridge", String::new()),
        ["heattrax", "k7", "group", "mats"] => ("group", String::new()),
        ["tapo", mac] if mac.len() == 12 => ("device", String::new()),
        ["tapo", mac, slot] if mac.len() == 12 => ("outlet", format!("{slot}_")),
        _ => panic!("{device} is no id that was ever released"),
    }
}

#[test]
fn what_was_released_stays_and_what_is_new_is_written_down() {
    let mut found = BTreeSet::new();
    let mut unique_ids = BTreeSet::new();
    for (topic, root) in announcements(&weathered()) {
        let device = topic.split('/').nth(2).unwrap();
        assert_eq!(root["dev"]["ids"][0], device);
        let (kind, slot) = stands_for(device);
        for (key, component) in components(&root) {
            let key = key.strip_prefix(&slot).unwrap();
            let unique = component["uniq_id"].as_str().unwrap();
            assert_eq!(unique, format!("{device}_{key}"));
            assert!(unique_ids.insert(unique.to_owned()), "{unique} is used twice, at {topic} again");
            found.insert(format!("{kind} {key} {}", component["p"].as_str().unwrap()));
        }
    }
    let released: BTreeSet<_> = RELEASED.lines().map(str::to_owned).collect();
    let gone: Vec<_> = released.difference(&found).collect();
    assert!(gone.is_empty(), "these were released and are gone: {gone:#?}");
    let new: Vec<_> = found.difference(&released).collect();
    assert!(new.is_empty(), "add these to released.txt: {new:#?}");
}
