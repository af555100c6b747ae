//! What is remembered, and what is not believed of it.

use heattrax::model::{Control, Cut, End, Memory, Origin, Remembered, Run, Wish};
use jiff::{SignedDuration, Timestamp};

use crate::home::*;

const NOW: &str = "2026-01-10 12:00";

fn remembering(plan: Plan, remembered: Remembered) -> Day {
    let memory = Memory { outlets: [(id("mat/1"), remembered)].into(), ..Memory::default() };
    plan.remembers(memory, NOW)
}

fn always() -> Plan {
    home().mats("mat", &["mat/1"], [all_day()])
}

fn at(when: &str) -> Timestamp {
    instant(&zone("America/New_York"), when)
}

#[test]
fn a_rest_in_memory_always_ends() {
    let cut = |at, rest| Some(Cut { at, rest, ran: hours(6), limit: hours(6) });
    let run = |off_since| Run { off_since, before: hours(6), ..Run::default() };
    let rows = [
        ("a cut of the future", cut(at("2036-01-10 12:00"), minutes(30)), run(Some(at("2036-01-10 12:01")))),
        ("a cut that was never seen off", cut(at("2026-01-10 11:59"), minutes(30)), Run::default()),
        ("the farthest future", cut(Timestamp::MAX, minutes(30)), run(Some(Timestamp::MAX))),
    ];
    for (case, cut, run) in rows {
        let mut day = remembering(always(), Remembered { cut, run, ..Remembered::default() });
        day.report("mat/1", first(Off));
        assert_eq!(day.wanted("mat/1"), Off, "{case}");
        assert_eq!(day.at("12:29").wanted("mat/1"), Off, "{case}");
        assert_eq!(day.at("12:30").wanted("mat/1"), On, "{case}");
    }
    for rest in [SignedDuration::MAX, SignedDuration::MIN] {
        let remembered = Remembered { cut: cut(at(NOW), rest), run: run(Some(at(NOW))), ..Remembered::default() };
        let mut day = remembering(always(), remembered);
        assert_eq!(day.report("mat/1", first(Off)).at("2026-01-18 12:00").wanted("mat/1"), On, "a rest of {rest:?}");
    }
}

#[test]
fn a_runtime_in_memory_is_never_less_than_it_can_be() {
    let rows = [
        ("on since the future: since now", Some(at("2030-01-01 00:00")), SignedDuration::ZERO, On),
        ("on since yesterday", Some(at("2026-01-09 12:00")), SignedDuration::ZERO, Off),
        ("on since the beginning of time", Some(Timestamp::MIN), SignedDuration::MAX, Off),
        ("less than nothing before", Some(at("2026-01-10 11:00")), SignedDuration::MIN, On),
    ];
    for (case, on_since, before, expected) in rows {
        let run = Run { before, on_since, off_since: None };
        let mut day = remembering(always(), Remembered { run, ..Remembered::default() });
        assert_eq!(day.report("mat/1", first(On)).wanted("mat/1"), expected, "{case}");
        let limit = day.until(at("2026-01-10 18:00")).wanted("mat/1");
        assert_eq!(limit, Off, "{case}: six hours later at the latest");
    }
}

#[test]
fn a_clock_that_is_behind_makes_no_wish_longer_than_it_was_asked_for() {
    let since = at("2026-01-11 06:00");
    let later = at("2026-01-11 07:00");
    for end in [End::Elapsed(later), End::At(later), End::NextChange { rules_said: Off, latest: later }] {
        let wish = Some(Wish { switch: On, since, end, origin: Origin::Mqtt });
        let mut day = remembering(home().mats("mat", &["mat/1"], []), Remembered { wish, ..Remembered::default() });
        assert_eq!(day.report("mat/1", first(On)).at("12:59:59").wanted("mat/1"), On, "{end:?}");
        assert_eq!(day.at("13:00").wanted("mat/1"), Off, "{end:?}");
        // The clock is set right meanwhile: that changes no length.
        let mut day = remembering(home().mats("mat", &["mat/1"], []), Remembered { wish, ..Remembered::default() });
        day.report("mat/1", first(On)).after(minutes(30)).clock_set(hours(18));
        assert_eq!(day.after(minutes(30)).wanted("mat/1"), Off, "{end:?}, and the clock was set");
    }
}

#[test]
fn what_has_run_for_too_long_is_not_left_alone_until_the_first_forecast() {
    for (on_since, expected) in [("2026-01-10 07:00", None), ("2026-01-10 06:00", Some(Off))] {
        let run = Run { on_since: Some(at(on_since)), ..Run::default() };
        let plan = home().mats("mat", &["mat/1"], [all_day().if_precipitation(true)]);
        let mut day = remembering(plan, Remembered { run, ..Remembered::default() });
        assert_eq!(day.report("mat/1", first(On)).key("mat/1"), "weather_unknown");
        assert_eq!(day.order("mat/1"), expected, "on since {on_since}");
    }
}

#[test]
fn a_wish_in_memory_holds_at_most_a_day() {
    let wish = |end| Some(Wish { switch: On, since: at(NOW), end, origin: Origin::Mqtt });
    let later = at("2026-01-10 13:00");
    let rows = [
        ("for", End::Elapsed(later), On),
        ("until", End::At(later), On),
        ("over", End::Elapsed(at(NOW)), Off),
        ("for ten years", End::Elapsed(at("2036-01-10 12:00")), Off),
        ("until the end of time", End::At(Timestamp::MAX), Off),
        ("until the next change, some day", End::NextChange { rules_said: Off, latest: at("2027-01-10 12:00") }, Off),
        ("until the next change", End::NextChange { rules_said: Off, latest: later }, On),
        ("until a change that has come", End::NextChange { rules_said: On, latest: later }, Off),
    ];
    for (case, end, expected) in rows {
        let remembered = Remembered { wish: wish(end), ..Remembered::default() };
        let mut day = remembering(home().mats("mat", &["mat/1"], []), remembered);
        assert_eq!(day.wanted("mat/1"), expected, "{case}");
        assert_eq!(day.at("13:00").wanted("mat/1"), Off, "{case}");
    }
}

#[test]
fn control_off_and_vacation_survive_a_restart() {
    let mut day = always().starts(NOW);
    day.asks("mat/1", CONTROL_OFF).restart();
    assert_eq!(day.key("mat/1"), "control_off");
    assert_eq!(day.outlet("mat/1").control(), Control::Off);
    day.asks("mat/1", CONTROL_AUTO).vacation(true).restart();
    assert_eq!(day.key("mat/1"), "vacation");
    // The config's word holds only until somebody has said something.
    let mut day = always().with(|it| it.vacation = true).starts(NOW);
    assert_eq!(day.key("mat/1"), "vacation");
    assert_eq!(day.vacation(false).restart().wanted("mat/1"), On);
}

#[test]
fn outlets_that_the_config_no_longer_knows_are_forgotten() {
    let remembered = Remembered { control: Control::Off, ..Remembered::default() };
    let memory = Memory { outlets: [(id("gone/1"), remembered)].into(), ..Memory::default() };
    let day = always().remembers(memory, NOW);
    assert!(!day.controller.house().outlets.contains_key(&id("gone/1")));
}

#[test]
fn an_outlet_that_no_group_lists_keeps_its_memory_before_it_is_identified() {
    let remembered = Remembered { control: Control::Off, ..Remembered::default() };
    let memory = Memory { outlets: [(id("lamp/2"), remembered)].into(), ..Memory::default() };
    let mut day = home().device("lamp").remembers(memory, NOW);
    assert_eq!(day.key("lamp/2"), "control_off");
    day.identified("lamp", 2);
    assert_eq!((day.key("lamp/1"), day.key("lamp/2")), ("nothing_asks", "control_off"));
}

/// Since when rules have wished the mat on, and when its relay moved.
fn remembered(day: &Day) -> (Option<String>, Option<String>) {
    let memory = &day.outlet("mat/1").memory;
    let local = |at: Option<Timestamp>| at.map(|at| day.local(at)[11..].to_owned());
    (local(memory.ruled_since), local(memory.moved_at))
}

fn both(ruled: &str, moved: &str) -> (Option<String>, Option<String>) {
    (Some(ruled.to_owned()), Some(moved.to_owned()))
}

#[test]
fn it_is_remembered_since_when_rules_have_wished_it_on_and_when_the_relay_moved() {
    let mut day = home().mats("mat", &["mat/1"], [daily("13:00", "18:00")]).starts(NOW);
    day.report("mat/1", first(Off)).at("12:30").report("mat/1", polled(Off));
    assert_eq!(remembered(&day), (None, None), "nothing has happened yet");
    day.at("13:00").after(seconds(2)).report("mat/1", switched(On));
    assert_eq!(remembered(&day), both("13:00:00", "13:00:02"));
    // A person does not end what rules wish, and the relay moves.
    day.at("14:00").asks("mat/1", set_for(Off, hours(1))).obey();
    assert_eq!(remembered(&day), both("13:00:00", "14:00:00"));
    day.lives_until("15:00");
    assert_eq!(remembered(&day), both("13:00:00", "15:00:00"));
    // Neither does a restart, before and after the plug has spoken.
    day.at("15:30").restart();
    assert_eq!(remembered(&day), both("13:00:00", "15:00:00"));
    day.report("mat/1", first(On));
    assert_eq!(remembered(&day), both("13:00:00", "15:00:00"));
    // Everything that is above rules does, a person's wish apart.
    day.at("16:00").asks("mat/1", CONTROL_OFF);
    assert_eq!(remembered(&day).0, None);
    day.asks("mat/1", CONTROL_AUTO);
    assert_eq!(remembered(&day), both("16:00:00", "15:00:00"));
    day.at("18:00").after(seconds(1)).report("mat/1", switched(Off));
    assert_eq!(remembered(&day), (None, Some("18:00:01".to_owned())));
}

#[test]
fn a_relay_that_moved_while_nobody_looked_moved_by_the_plugs_count() {
    let mut day = always().starts(NOW);
    day.report("mat/1", first(On).on_for(hours(1)));
    assert_eq!(remembered(&day).1, None, "the first contact ever");
    day.at("12:10").report("mat/1", switched(Off)).at("13:00").restart();
    day.report("mat/1", first(On).on_for(minutes(20)));
    assert_eq!(remembered(&day).1, Some("12:40:00".to_owned()));
    day.at("14:00").restart().report("mat/1", first(Off));
    assert_eq!(remembered(&day).1, Some("14:00:00".to_owned()), "nobody knows more");
}

#[test]
fn rules_that_have_not_heard_of_the_weather_since_the_start_have_not_changed_their_mind() {
    let mut day = home().mats("mat", &["mat/1"], [all_day().if_precipitation(true)]).starts(NOW);
    day.expects("2026-01-10 10:00", &[SNOW; 24]).obey().at("13:00").restart();
    assert_eq!((day.key("mat/1"), remembered(&day).0), ("weather_unknown", Some("12:00:00".to_owned())));
    day.report("mat/1", first(On)).expects("2026-01-10 10:00", &[SNOW; 24]);
    assert_eq!(remembered(&day).0, Some("12:00:00".to_owned()));
    day.expects("2026-01-10 10:00", &[DRY; 24]);
    assert_eq!(remembered(&day).0, None);
    // One that never comes is none.
    day.expects("2026-01-10 10:00", &[SNOW; 24]).obey().restart();
    day.report("mat/1", first(On)).after(minutes(2));
    assert_eq!((day.key("mat/1"), remembered(&day).0), ("weather_unknown", None));
}

#[test]
fn the_clock_moves_what_is_remembered_along() {
    for step in [hours(-30), hours(30)] {
        let mut day = home().mats("mat", &["mat/1"], [all_day()]).starts(NOW);
        day.report("mat/1", first(Off)).after(minutes(1)).report("mat/1", switched(On)).clock_set(step);
        let memory = &day.outlet("mat/1").memory;
        let ago = |at: Option<Timestamp>| day.now.duration_since(at.unwrap());
        assert_eq!((ago(memory.ruled_since), ago(memory.moved_at)), (minutes(1), minutes(0)), "{step:#}");
    }
}

#[test]
fn what_was_said_of_a_whole_device_is_for_all_its_outlets_whatever_the_config_calls_them_meanwhile() {
    let wish =
        Wish { switch: On, since: at("2026-01-10 11:00"), end: End::At(at("2026-01-10 14:00")), origin: Origin::Web };
    let remembered = Remembered { wish: Some(wish), ..Remembered::default() };
    let whole = || Memory { whole: [(slug("mat"), remembered.clone())].into(), ..Memory::default() };
    // Listed by its outlet by now.
    let mats = |outlet: &str| home().mats("mats", &[outlet], [daily("17:00", "18:00")]);
    let mut day = mats("mat/1").remembers(whole(), NOW);
    assert_eq!((day.outlet("mat/1").memory.wish, day.controller.house().outlets.len()), (Some(wish), 1));
    // Renamed before it has answered.
    day.goes_on_with(mats("walk/1")).identified("walk", 2);
    for outlet in ["walk/1", "walk/2"] {
        assert_eq!(day.outlet(outlet).memory.wish, Some(wish), "{outlet}");
    }
    assert!(day.controller.house().memory().whole.is_empty(), "handed over once");
}

#[test]
fn the_time_on_of_today_is_known_after_a_restart_and_gone_the_next_day() {
    let mut day = remembering(always(), Remembered::default());
    day.report("mat/1", first(On));
    for minute in 1..=22 {
        day.at(&format!("12:{minute:02}")).report("mat/1", polled(On));
    }
    assert_eq!(day.outlet("mat/1").runtime_today, minutes(22));
    // While it is on it is kept every five minutes, the first of them after one.
    assert_eq!(day.restart().outlet("mat/1").runtime_today, minutes(21));
    day.report("mat/1", first(On)).at("12:23").report("mat/1", polled(On));
    day.report("mat/1", polled(Off));
    assert_eq!(day.restart().outlet("mat/1").runtime_today, minutes(22));
    // Started before midnight, and met after it.
    day.at("23:59:50").restart().at("2026-01-11 00:00:05").report("mat/1", first(On));
    day.at("2026-01-11 00:00:50").report("mat/1", polled(On));
    assert_eq!(day.outlet("mat/1").runtime_today, SignedDuration::from_secs(45));
    assert_eq!(day.at("2026-01-12 00:01").restart().outlet("mat/1").runtime_today, minutes(0));
}
