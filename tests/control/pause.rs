//! A pause: all rules are silent for a while, by a person's word.

use heattrax::model::{End, Fault, Mode, NoticeKind, OffTime, Target, Verb};
use jiff::SignedDuration;

use crate::home::*;

fn mat() -> Plan {
    home().mats("mats", &["mat/1"], [daily("13:00", "20:00")])
}

/// At 14:00, with the mat on by its rule.
fn running() -> Day {
    let mut day = mat().starts("2026-01-10 12:00");
    day.report("mat/1", first(Off)).at("13:00").obey().at("14:00").heard();
    assert!(day.outlet("mat/1").switch().unwrap().is_on());
    day
}

impl Day {
    fn pauses(&mut self, length: SignedDuration) -> &mut Self {
        let end = self.now.checked_add(length).unwrap();
        self.commands(Target::House, Verb::Pause(End::Elapsed(end)))
    }

    fn next(&self) -> Option<(String, heattrax::model::Switch)> {
        self.decision("mat/1").next.map(|it| (self.local(it.at), it.switch))
    }
}

#[test]
fn rules_are_silent_until_it_ends_and_speak_again_by_themselves() {
    let mut day = running();
    day.pauses(hours(2)).obey();
    assert_eq!((day.wanted("mat/1"), day.key("mat/1")), (Off, "paused"));
    assert_eq!(day.decision("mat/1").mode(), Mode::Paused);
    assert_eq!(day.why("mat/1"), "automation is paused until 2026-01-10T21:00:00Z");
    assert_eq!(day.next(), Some(("2026-01-10 16:00:00".to_owned(), On)));
    assert!(day.heard_kinds().contains(&"automation_paused"));
    assert_eq!(day.at("15:59:59").wanted("mat/1"), Off);
    assert_eq!((day.at("16:00").wanted("mat/1"), day.key("mat/1")), (On, "schedule"));
    assert_eq!(day.heard_kinds(), ["automation_resumed"]);
}

#[test]
fn what_comes_after_a_long_pause_is_known_whatever_the_rules_say_meanwhile() {
    let hourly = cron("0 5 * * * *", OffTime::After(minutes(20)));
    let mut day = home().mats("mats", &["mat/1"], [hourly]).starts("2026-01-10 12:00");
    day.report("mat/1", first(Off)).pauses(hours(80));
    assert_eq!(day.next(), Some(("2026-01-13 20:05:00".to_owned(), On)));
}

#[test]
fn a_person_ends_it() {
    let mut day = running();
    day.pauses(hours(2)).obey().heard();
    day.commands(Target::House, Verb::Resume);
    assert_eq!(day.wanted("mat/1"), On);
    assert_eq!(day.heard_kinds(), ["automation_resumed"]);
    day.commands(Target::House, Verb::Resume);
    assert_eq!(day.heard_kinds(), ["answered"], "nothing was paused");
}

#[test]
fn a_person_still_rules_and_a_fault_still_locks() {
    let mut day = running();
    day.pauses(hours(12)).obey();
    day.asks("mat/1", set(On)).obey();
    assert_eq!((day.wanted("mat/1"), day.key("mat/1")), (On, "manual_on"));
    // After the wish's end nobody asks again.
    assert_eq!((day.after(hours(3)).wanted("mat/1"), day.key("mat/1")), (Off, "paused"));
    day.obey().asks("mat/1", set(On)).obey();
    day.report("mat/1", polled(On).with_fault(Fault::Overheat));
    assert_eq!(day.wanted("mat/1"), Off);
}

#[test]
fn it_has_an_end_and_not_too_far() {
    let mut day = running();
    for (length, taken) in [(hours(0), false), (hours(-1), false), (hours(24 * 7), true), (hours(24 * 7 + 1), false)] {
        day.commands(Target::House, Verb::Resume).heard();
        day.pauses(length);
        let kind = if taken { NoticeKind::AutomationPaused } else { NoticeKind::Refused };
        assert_eq!(day.heard_kinds(), [kind.as_str()], "{length:#}");
        assert_eq!(day.key("mat/1") == "paused", taken, "{length:#}");
    }
}

#[test]
fn it_outlives_a_restart_and_a_clock_that_is_set() {
    let mut day = running();
    day.pauses(hours(2)).obey().restart();
    day.report("mat/1", first(Off));
    assert_eq!(day.key("mat/1"), "paused");
    // An hour later by the wall is no time that has passed.
    day.clock_set(hours(1));
    assert_eq!(day.key("mat/1"), "paused");
    assert_eq!(day.at("16:59:59").key("mat/1"), "paused");
    assert_eq!(day.at("17:00").wanted("mat/1"), On);
}

#[test]
fn one_that_was_over_while_the_bridge_was_down_is_over() {
    let mut day = running();
    day.pauses(hours(2)).obey();
    day.now = day.now.checked_add(hours(3)).unwrap();
    day.restart().report("mat/1", first(Off));
    assert_eq!(day.wanted("mat/1"), On);
}
