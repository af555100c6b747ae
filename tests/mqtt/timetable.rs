//! What a message about a schedule changes.

use std::sync::Arc;

use heattrax::{
    model::{ConfigEdit, Group, House, Schedule, Which},
    mqtt::parts::{Heard, Message, Payload, read_lead, read_timetable},
};
use jiff::civil::time;
use proptest::prelude::*;
use serde_json::json;

use crate::house::{house, slug, topics};

const MORNING: &str = "heattrax/group/mats/schedule/morning";

fn read(topic: &str, payload: &[u8]) -> Result<Option<ConfigEdit>, String> {
    read_in(&house(), topic, payload)
}

fn read_in(house: &House, topic: &str, payload: &[u8]) -> Result<Option<ConfigEdit>, String> {
    let topics = topics();
    let Heard::Schedule(timetable) = topics.sort(topic) else { panic!("{topic}") };
    let payload = Payload::Bytes(payload.to_vec());
    let message = Message { topic: topic.to_owned(), payload, retain: false, reply: None };
    read_timetable(timetable, &message, house)
}

#[test]
fn a_schedule_is_silenced_and_its_times_are_moved() {
    let (group, which) = (slug("mats"), Which { name: "Morning".to_owned(), place: Some(0) });
    let silent = ConfigEdit::EnableSchedule { group: group.clone(), which: which.clone(), enabled: false };
    assert_eq!(read(&format!("{MORNING}/enabled/set"), b"OFF"), Ok(Some(silent)));
    // It is so already: the file need not be written.
    assert_eq!(read(&format!("{MORNING}/enabled/set"), b"on"), Ok(None));
    for (word, opens) in [("on", true), ("off", false)] {
        let moved =
            ConfigEdit::TimeSchedule { group: group.clone(), which: which.clone(), opens, time: time(4, 45, 0, 0) };
        assert_eq!(read(&format!("{MORNING}/{word}/set"), b"04:45:00"), Ok(Some(moved.clone())));
        assert_eq!(read(&format!("{MORNING}/{word}/set"), b"04:45"), Ok(Some(moved)));
    }
}

#[test]
fn schedules_whose_names_become_the_same_have_topics_of_their_own() {
    let mut house = house();
    let mats = &house.groups[&slug("mats")];
    let called = |name: &str| Schedule { name: name.to_owned(), ..mats.schedules[0].clone() };
    let schedules = ["Morning", "Morning!", "Morning", "Morning 2", "Morning 2"].map(called);
    let mats = Arc::new(Group { schedules: schedules.into(), ..Group::clone(mats) });
    house.groups.insert(slug("mats"), mats);
    for (topic, name, place) in [
        ("morning", "Morning", 0),
        ("morning_3", "Morning!", 1),
        ("morning_4", "Morning", 2),
        ("morning_2", "Morning 2", 3),
        ("morning_2_2", "Morning 2", 4),
    ] {
        let which = Which { name: name.to_owned(), place: Some(place) };
        let silent = ConfigEdit::EnableSchedule { group: slug("mats"), which, enabled: false };
        let topic = format!("heattrax/group/mats/schedule/{topic}/enabled/set");
        assert_eq!(read_in(&house, &topic, b"OFF"), Ok(Some(silent)), "{topic}");
    }
}

#[test]
fn what_cannot_be_set_is_told() {
    for (topic, payload, words) in [
        ("heattrax/group/lawn/schedule/morning/enabled/set", "ON", "no such group"),
        ("heattrax/group/mats/schedule/noon/enabled/set", "ON", "no such schedule"),
        ("heattrax/group/mats/schedule/morning/enabled/set", "perhaps", "neither ON nor OFF"),
        ("heattrax/group/mats/schedule/morning/on/set", "24:00", "no time"),
        ("heattrax/group/mats/schedule/morning/on/set", "06:30:10", "no time"),
        ("heattrax/group/mats/schedule/morning/off/set", "", "no time"),
    ] {
        let said = read(topic, payload.as_bytes()).unwrap_err();
        assert!(said.contains(words), "{topic} {payload}: {said}");
    }
}

fn lead(payload: &str) -> Result<Option<ConfigEdit>, String> {
    let topic = "heattrax/group/mats/preheat_lead/set";
    let topics = topics();
    let Heard::Lead(group) = topics.sort(topic) else { panic!("{topic}") };
    let payload = Payload::Bytes(payload.as_bytes().to_vec());
    read_lead(group, &Message { topic: topic.to_owned(), payload, retain: false, reply: None }, &house())
}

#[test]
fn how_early_a_group_heats_is_set_in_minutes() {
    let options = [("melt.lead_minutes".to_owned(), json!(90))].into_iter().collect();
    assert_eq!(lead("90"), Ok(Some(ConfigEdit::SetGroup { group: slug("mats"), options })));
    assert_eq!(lead("60.0"), Ok(None));
    for wrong in ["721", "-1", "1.5", "soon", "NaN", ""] {
        let said = lead(wrong).unwrap_err();
        assert!(said.contains("from 0 to 720"), "{wrong}: {said}");
    }
}

proptest! {
    #[test]
    fn any_bytes_are_read(word in prop::sample::select(vec!["enabled", "on", "off"]), bytes in any::<Vec<u8>>()) {
        let _ = read(&format!("{MORNING}/{word}/set"), &bytes);
    }
}
