use std::sync::Arc;

use heattrax::{
    model::{House, NoticeKind},
    notify::Notebook,
};
use jiff::SignedDuration;

use crate::{
    home::{Room, Thought, events, house, mat, minutes, noon},
    http::{Mood, Sink},
};

const AT_SEVEN: &str = "daily_summary: \"07:00\"";

/// At that time the mat was on for so many minutes since midnight, and has drawn so much since it was first seen.
fn after(at: i64, minutes: i64, kwh: f64) -> House {
    let mut house = house();
    house.at = crate::home::minutes(at);
    let outlet = Arc::make_mut(house.outlets.get_mut(&mat()).unwrap());
    outlet.runtime_today = SignedDuration::from_mins(minutes);
    outlet.energy_total = Some(kwh);
    house
}

#[test]
fn the_summary_comes_at_its_time_with_hours_energy_cost_and_events() {
    let mut thought = Thought::of(AT_SEVEN);
    // The day before, at eight in the morning.
    let start = -23 * 60;
    assert!(thought.look(&after(start, 0, 10.0), minutes(start)).is_empty());
    assert_eq!(thought.desk.next(minutes(start)), Some(noon()));
    thought.hear(NoticeKind::Overheat, minutes(-600), "Mat is too hot");
    thought.look(&after(-500, 90, 11.5), minutes(-500));
    // Midnight has passed: the count begins anew, but not at once.
    thought.look(&after(-419, 90, 11.5), minutes(-419));
    thought.look(&after(-300, 60, 12.5), minutes(-300));
    assert!(thought.tick(minutes(-1)).is_empty());
    let told = thought.tick(noon());
    assert_eq!(events(&told), ["daily_summary"]);
    let wanted =
        "Since Wed 14 Jan 08:00: Mat outlet 1 was on for 2 h 30 min, 2.5 kWh, 0.50 $.\nWhat happened: overheat once.";
    assert_eq!(told[0].message, wanted);
    let details = &told[0].details;
    assert_eq!((&details["hours_on"], &details["kwh"], &details["cost"]), (&2.5.into(), &2.5.into(), &0.5.into()));
    assert!(thought.tick(minutes(1)).is_empty());
    // The next day begins with nothing.
    let told = thought.tick(minutes(24 * 60));
    assert!(told[0].message.ends_with("nothing was on.\nNothing else happened."), "{}", told[0].message);
}

#[test]
fn several_outlets_are_summed_up_and_listed() {
    let mut thought = Thought::of(AT_SEVEN);
    thought.look(&after(-600, 0, 10.0), minutes(-600));
    let mut house = after(-500, 90, 11.5);
    let steps = house.outlets.get_mut(&"steps/1".parse().unwrap()).unwrap();
    Arc::make_mut(steps).runtime_today = SignedDuration::from_mins(45);
    thought.look(&house, minutes(-500));
    let told = thought.tick(noon());
    let wanted = "Since Wed 14 Jan 21:00: 2 outlets were on, together for 2 h 15 min, 1.5 kWh, 0.30 $.\nNothing else happened.\n\
                  - Mat outlet 1: 1 h 30 min, 1.5 kWh, 0.30 $\n- Steps outlet 1: 45 min";
    assert_eq!(told[0].message, wanted);
}

#[test]
fn a_restart_keeps_the_day_and_a_summary_that_was_missed_comes_late() {
    let mut thought = Thought::of(AT_SEVEN);
    thought.look(&after(-600, 0, 10.0), minutes(-600));
    thought.look(&after(-500, 90, 11.5), minutes(-500));
    let notebook: Notebook = serde_json::from_str(&serde_json::to_string(thought.desk.notebook()).unwrap()).unwrap();
    let mut next = Thought::after(AT_SEVEN, notebook.clone());
    // The plug has counted on while the bridge was away.
    let told = next.look(&after(60, 30, 12.0), minutes(60));
    assert!(told[0].message.contains("Mat outlet 1 was on for 2 h 0 min, 2.0 kWh"), "{}", told[0].message);
    let mut much_later = Thought::after(AT_SEVEN, notebook);
    assert!(much_later.look(&after(7 * 60, 30, 12.0), minutes(7 * 60)).is_empty(), "nobody waits for it any more");
    assert_eq!(much_later.tick(minutes(24 * 60)).len(), 1);
}

#[test]
fn a_bridge_that_is_set_up_after_seven_waits_for_the_next_day() {
    let mut thought = Thought::of(AT_SEVEN);
    assert!(thought.look(&house(), minutes(30)).is_empty());
    assert_eq!(thought.tick(minutes(24 * 60)).len(), 1);
}

#[tokio::test]
async fn the_summary_arrives_when_the_clock_of_the_house_shows_its_time() {
    let (mut sink, folder) = (Sink::start(Mood::Takes).await, tempfile::tempdir().unwrap());
    // Five minutes are a second.
    let lines = format!("{}\n{AT_SEVEN}", sink.webhook());
    let room = Room::start(&lines, folder.path(), minutes(-20), 300.0);
    room.board.send_replace(Arc::new(after(-20, 30, 1.0)));
    let posted = sink.next().await;
    assert_eq!(posted.body["event_type"], "daily_summary");
    let at = posted.body["timestamp"].as_str().unwrap();
    assert!(at.starts_with("2026-01-15T07:"), "{at}");
    room.stop().await;
}
