//! A clock that cannot be right silences the rules of heaters, and nobody else.

use std::sync::Arc;

use heattrax::{
    control::Controller,
    model::{Memory, NoticeKind},
};

use crate::home::*;

const MAT: &str = "mat/1";

fn house() -> Plan {
    home().mats("mat", &[MAT], [all_day()]).lights("lamp", &["lamp/1"], [all_day()])
}

/// Starts at a time that the clock shows, with a memory that was written at another.
fn starts(now: &str, written_at: Option<&str>) -> Day {
    let settings = Arc::new(house().settings);
    let at = |when| instant(&settings.zone, when);
    let memory = Memory { written_at: written_at.map(at), ..Memory::default() };
    let now = at(now);
    let controller = Controller::new(Arc::clone(&settings), &memory, now);
    Day { controller, settings, rehearses: false, now, heard: Vec::new() }
}

#[test]
fn a_clock_from_before_this_program_silences_the_rules_of_heaters_only() {
    let mut day = starts("1970-01-01 00:05", None);
    day.report(MAT, first(Off)).report("lamp/1", first(Off));
    assert_eq!((day.wanted(MAT), day.key(MAT)), (Off, "clock_not_trusted"));
    assert_eq!(day.why(MAT), "rules are silent until the clock is right");
    assert_eq!(day.decision(MAT).next, None);
    assert_eq!(day.wanted("lamp/1"), On);
    assert!(day.hears(NoticeKind::ClockStepped).unwrap().message.contains("not trusted"));
    // A person may.
    assert_eq!(day.asks(MAT, set_for(On, hours(1))).wanted(MAT), On);
    assert_eq!(day.obey().after(hours(1)).wanted(MAT), Off);
    // It stays wrong, however long it runs.
    assert_eq!(day.obey().after(hours(24 * 30)).key(MAT), "clock_not_trusted");
    // Then the network sets it.
    let step = day.instant("2026-01-10 12:00").duration_since(day.now);
    day.obey().heard();
    day.clock_set(step);
    assert_eq!(day.wanted(MAT), On);
    let said: Vec<_> = day.heard().into_iter().filter(|it| it.kind == NoticeKind::ClockStepped).collect();
    assert_eq!(said.iter().map(|it| it.message.as_str()).filter(|it| *it == "the clock is right again").count(), 1);
}

/// Rules that are silent do not go on with what a person has begun: the plug's own timer must not be set as if they did.
#[test]
fn while_the_clock_is_wrong_the_plugs_timer_ends_with_the_wish() {
    let mut day = starts("1970-01-01 00:05", None);
    day.report(MAT, first(Off)).asks(MAT, set_for(On, hours(1))).obey();
    let ends = day.now.checked_add(hours(1)).unwrap();
    assert_eq!(day.decision(MAT).next.map(|it| (it.at, it.switch)), Some((ends, Off)));
    assert_eq!(day.controller.orders(&slug("mat")).wanted[&1].off_by, Some(ends));
}

#[test]
fn a_clock_that_is_behind_what_was_remembered_is_not_trusted_until_it_has_caught_up() {
    let mut day = starts("2026-01-10 12:00", Some("2026-01-10 15:00"));
    assert_eq!(day.key(MAT), "clock_not_trusted");
    assert_eq!(day.at("14:49:59").key(MAT), "clock_not_trusted");
    assert_eq!(day.at("14:50").wanted(MAT), On);
    // A few minutes are nothing.
    assert_eq!(starts("2026-01-10 14:50", Some("2026-01-10 15:00")).wanted(MAT), On);
    assert_eq!(starts("2026-01-10 12:00", Some("2026-01-09 15:00")).wanted(MAT), On);
}

#[test]
fn a_memory_from_the_future_silences_the_rules_for_a_day_at_most() {
    let mut day = starts("2026-01-10 12:00", Some("2036-01-10 15:00"));
    day.report(MAT, first(Off)).after(hours(1)).clock_set(hours(5));
    assert_eq!(day.after(hours(23)).key(MAT), "schedule", "elapsed time counts, not the clock's");
    assert!(day.heard().iter().any(|it| it.message.contains("taken as right from now on")));
    // The memory that is written from now on is of the present.
    assert_eq!(day.controller.house().memory().written_at, Some(day.now));
    assert_eq!(day.restart().wanted(MAT), On);
}

#[test]
fn a_clock_that_is_behind_does_not_make_the_memory_younger() {
    let mut day = starts("2026-01-10 12:00", Some("2026-01-12 12:00"));
    day.report(MAT, first(Off)).after(hours(2));
    assert_eq!(day.controller.house().memory().written_at, Some(day.instant("2026-01-12 12:00")));
    assert_eq!(day.restart().key(MAT), "clock_not_trusted");
}

#[test]
fn a_clock_that_is_set_is_looked_at_again() {
    let mut day = starts("2026-01-10 12:00", Some("2026-01-10 11:00"));
    assert_eq!(day.obey().clock_set(hours(-3)).key(MAT), "clock_not_trusted");
    assert_eq!(day.clock_set(hours(3)).wanted(MAT), On);
    // An outlet that rules may not switch on is off, as at any other end of a rule.
    let mut day = starts("2026-01-10 12:00", Some("2026-01-10 11:00"));
    assert_eq!(day.obey().clock_set(hours(-24 * 365)).order(MAT), Some(Off));
}

#[test]
fn a_wish_until_the_rules_change_their_mind_survives_the_doubt() {
    let next_change = heattrax::model::Verb::Set(Off, heattrax::model::Lasting::NextChange);
    let mut day = starts("2026-01-10 12:00", Some("2026-01-10 11:00"));
    day.obey().asks(MAT, next_change).obey().clock_set(hours(-3));
    assert_eq!(day.key(MAT), "manual_off");
    day.clock_set(hours(3));
    assert_eq!(day.key(MAT), "manual_off");
}

#[test]
fn a_recording_has_no_clock_to_doubt() {
    let mut day = house().starts("2013-02-08 12:00");
    assert_eq!((day.wanted(MAT), day.heard_kinds().len()), (On, 0));
}
