//! The longest runtime and the rest: whoever switched it on, and whatever else happens.

use heattrax::model::{NoticeKind, Verb};

use crate::home::*;

fn mat() -> Plan {
    home().mats("mat", &["mat/1"], [all_day().named("always")])
}

#[test]
fn it_goes_off_at_the_longest_runtime_and_rests() {
    let mut day = mat().starts("2026-01-10 00:00");
    day.obey().heard();
    assert_eq!(day.lives_until("05:59:59").wanted("mat/1"), On);
    assert_eq!(
        day.decision("mat/1").next.map(|it| (day.local(it.at), it.switch)),
        Some(("2026-01-10 06:00:00".into(), Off))
    );
    day.heard();
    day.at("06:00");
    assert_eq!((day.wanted("mat/1"), day.key("mat/1")), (Off, "max_runtime"));
    assert_eq!(day.why("mat/1"), "on for 6 h, the longest allowed is 6 h");
    assert_eq!(day.heard_kinds(), ["max_runtime"]);
    day.obey();
    assert_eq!(day.heard_kinds(), ["cooldown", "switched"]);
    assert_eq!(day.key("mat/1"), "cooldown");
    assert_eq!(day.decision("mat/1").until.map(|at| day.local(at)), Some("2026-01-10 06:30:00".into()));
    assert_eq!(day.at("06:29:59").wanted("mat/1"), Off);
    assert_eq!(day.at("06:30").wanted("mat/1"), On);
    // And the run begins anew.
    assert_eq!(day.lives_until("12:29:59").wanted("mat/1"), On);
    assert_eq!(day.at("12:30").key("mat/1"), "max_runtime");
}

#[test]
fn off_is_ordered_for_as_long_as_it_is_reported_on() {
    let mut day = mat().starts("2026-01-10 00:00");
    day.obey().at("06:00").heard();
    for minute in 1..120 {
        day.at(&format!("{:02}:{:02}", 6 + minute / 60, minute % 60)).report("mat/1", polled(On));
        // From the third look on it is held to be stuck: that is more to know than that it ran too long.
        let key = if minute < 3 { "max_runtime" } else { "lockout" };
        assert_eq!((day.order("mat/1"), day.key("mat/1")), (Some(Off), key));
    }
    assert_eq!(day.heard_kinds(), ["relay_stuck", "lockout"], "told once, and the cut once before");
    // The rest counts from when it was seen off, and somebody has to have looked.
    day.at("08:00").report("mat/1", switched(Off));
    assert_eq!(day.at("08:10").asks("mat/1", heattrax::model::Verb::Acknowledge).key("mat/1"), "cooldown");
    assert_eq!(day.at("08:29:59").order("mat/1"), Some(Off));
    assert_eq!(day.at("08:30").order("mat/1"), Some(On));
}

#[test]
fn the_larger_of_the_plugs_count_and_ours_is_the_runtime() {
    // The plug says more: it was on before we came.
    let mut day = mat().starts("2026-01-10 10:00");
    day.report("mat/1", first(On).on_for(hours(5)));
    assert_eq!(day.at("10:59:59").wanted("mat/1"), On);
    assert_eq!(day.at("11:00").key("mat/1"), "max_runtime");
    // The plug says less: it has rebooted, or counts from a relay click that we did not see.
    let mut day = mat().starts("2026-01-10 10:00");
    day.report("mat/1", first(On)).at("15:00").report("mat/1", polled(On).on_for(minutes(1)));
    assert_eq!(day.at("15:59:59").wanted("mat/1"), On);
    assert_eq!(day.at("16:00").key("mat/1"), "max_runtime");
    // Nonsense changes nothing and stops nothing.
    for nonsense in [jiff::SignedDuration::MIN, jiff::SignedDuration::MAX, hours(-3)] {
        let mut day = mat().starts("2026-01-10 10:00");
        day.report("mat/1", first(On).on_for(nonsense));
        let expected = if nonsense.is_negative() { On } else { Off };
        assert_eq!(day.wanted("mat/1"), expected, "{nonsense:?}");
    }
}

#[test]
fn it_does_not_matter_who_switched_it_on() {
    let plan = home().mats("mat", &["mat/1"], []).with(|it| it.wish_lasts = hours(24));
    // By MQTT until the rules next change: nobody has named an end, so the global limit holds.
    let next_change = heattrax::model::Verb::Set(On, heattrax::model::Lasting::NextChange);
    let mut day = plan.clone().starts("2026-01-10 00:00");
    day.report("mat/1", first(Off)).asks("mat/1", next_change).report("mat/1", switched(On));
    assert_eq!(day.at("05:59").wanted("mat/1"), On);
    assert_eq!(day.at("06:00").key("mat/1"), "max_runtime");
    // By the plug's button: the limit is the wish's own end.
    let mut day = plan.with(|it| it.wish_lasts = hours(2)).starts("2026-01-10 00:00");
    day.report("mat/1", first(Off)).at("01:00").report("mat/1", polled(On));
    assert_eq!(day.key("mat/1"), "manual_on");
    assert_eq!(day.at("02:59:59").wanted("mat/1"), On);
    assert_eq!(day.at("03:00").wanted("mat/1"), Off);
}

#[test]
fn a_persons_end_is_a_limit_of_its_own_and_no_breach_of_the_rules() {
    let mut day = home().mats("mat", &["mat/1"], []).starts("2026-01-10 00:00");
    day.report("mat/1", first(Off)).asks("mat/1", set_for(On, hours(8))).obey().heard();
    assert_eq!(day.lives_until("07:59:59").wanted("mat/1"), On);
    day.lives_until("08:00:00");
    assert_eq!((day.wanted("mat/1"), day.key("mat/1")), (Off, "nothing_asks"));
    assert_eq!(day.heard_kinds(), ["switched"], "nobody is told of a safety cut");
    // A rule that then wants it must wait, for it has run longer than the rule allows; a person need not.
    let mut day = home().mats("mat", &["mat/1"], [daily("08:05", "20:00")]).starts("2026-01-10 00:00");
    day.report("mat/1", first(Off)).asks("mat/1", set_for(On, hours(8))).lives_until("08:05");
    assert_eq!((day.wanted("mat/1"), day.key("mat/1")), (Off, "cooldown"));
    assert_eq!(day.at("08:30").wanted("mat/1"), On);
    let mut day = home().mats("mat", &["mat/1"], []).starts("2026-01-10 00:00");
    day.report("mat/1", first(Off)).asks("mat/1", set_for(On, hours(8))).lives_until("08:05");
    assert_eq!(day.asks("mat/1", set_for(On, hours(1))).wanted("mat/1"), On);
}

#[test]
fn a_window_as_long_as_the_limit_is_no_breach() {
    let mut day = home().mats("mat", &["mat/1"], [daily("00:00", "06:00")]).starts("2026-01-10 00:00");
    day.obey().heard();
    day.at("06:00").after(seconds(3)).report("mat/1", switched(Off));
    assert_eq!(day.heard_kinds(), ["switched"]);
    assert_eq!(day.key("mat/1"), "nothing_asks");
}

#[test]
fn a_person_who_switches_off_at_the_last_moment_causes_no_cut() {
    let mut day = mat().starts("2026-01-10 00:00:00");
    day.obey().at("05:59:58").asks("mat/1", set(Off)).heard();
    day.at("06:00:01").report("mat/1", switched(Off));
    assert_eq!(day.heard_kinds(), ["switched"]);
    assert_eq!(day.key("mat/1"), "manual_off");
}

#[test]
fn a_cut_ends_the_wish_that_led_to_it() {
    let next_change = heattrax::model::Verb::Set(On, heattrax::model::Lasting::NextChange);
    let mut day = home().mats("mat", &["mat/1"], []).starts("2026-01-10 00:00");
    day.report("mat/1", first(Off)).asks("mat/1", next_change).lives_until("06:00");
    assert_eq!(day.key("mat/1"), "cooldown");
    assert_eq!(day.lives_until("07:00").key("mat/1"), "nothing_asks");
}

#[test]
fn a_plug_that_has_not_been_seen_to_obey_is_cut_at_the_limit_though_nobody_wants_it_on() {
    let mut day = home().mats("mat", &["mat/1"], [daily("00:00", "05:00")]).starts("2026-01-10 00:00");
    day.obey().at("05:00").lost("mat");
    assert_eq!((day.at("05:59:59").order("mat/1"), day.key("mat/1")), (Some(Off), "nothing_asks"));
    day.heard();
    day.at("06:00");
    assert!(day.hears(NoticeKind::MaxRuntime).is_some());
    assert_eq!(day.key("mat/1"), "max_runtime");
}

#[test]
fn rest_comes_only_after_a_cut() {
    let rules = [daily("06:00", "08:00"), daily("08:05", "09:00")];
    let mut day = home().mats("mat", &["mat/1"], rules).starts("2026-01-10 05:00");
    assert_eq!(day.lives_until("08:01").wanted("mat/1"), Off);
    assert_eq!(day.lives_until("08:05").wanted("mat/1"), On);
    assert_eq!(day.lives_until("09:00").wanted("mat/1"), Off);
}

#[test]
fn a_short_break_does_not_lift_the_limit_and_a_real_rest_does() {
    for (pause, expected) in [(20, "06:20"), (30, "09:30")] {
        let mut day = mat().starts("2026-01-10 00:00");
        day.obey().at("03:00").asks("mat/1", set(Off)).obey();
        day.after(minutes(pause)).asks("mat/1", CONTROL_AUTO).obey();
        let expected = day.instant(expected);
        let before = expected.checked_sub(seconds(1)).unwrap();
        assert_eq!(day.until(before).wanted("mat/1"), On, "a pause of {pause} min");
        assert_eq!(day.until(expected).key("mat/1"), "max_runtime", "a pause of {pause} min");
    }
}

#[test]
fn the_largest_limit_of_those_that_want_it_on_holds() {
    let rules = || [all_day().named("a").at_most_on(hours(2)), daily("00:00", "03:00").named("b").at_most_on(hours(4))];
    let mut day = home().mats("mat", &["mat/1"], rules()).starts("2026-01-10 00:00");
    day.obey();
    assert_eq!(day.at("02:30").wanted("mat/1"), On);
    // When the one with the larger limit closes, the other's holds at once.
    assert_eq!(day.at("03:00").key("mat/1"), "max_runtime");
    // One that is not active has no say.
    let rules = [all_day().at_most_on(hours(2)), daily("12:00", "13:00").at_most_on(hours(5))];
    let mut day = home().mats("mat", &["mat/1"], rules).starts("2026-01-10 00:00");
    day.obey();
    assert_eq!(day.at("02:00").key("mat/1"), "max_runtime");
}

#[test]
fn a_schedule_may_have_its_own_limit_and_rest() {
    let rule = all_day().at_most_on(hours(1)).rests(minutes(90));
    let mut day = home().mats("mat", &["mat/1"], [rule]).starts("2026-01-10 00:00");
    day.obey();
    assert_eq!(day.lives_until("01:00").key("mat/1"), "cooldown");
    assert_eq!(day.lives_until("02:29:59").wanted("mat/1"), Off);
    assert_eq!(day.lives_until("02:30").wanted("mat/1"), On);
}

#[test]
fn control_off_beats_everything() {
    let mut day = mat().starts("2026-01-10 00:00");
    day.obey().asks("mat/1", CONTROL_OFF);
    assert_eq!((day.wanted("mat/1"), day.key("mat/1")), (Off, "control_off"));
    // Even a plug that stays on past its limit is off by a person's word; both say OFF.
    assert_eq!(day.at("07:00").key("mat/1"), "control_off");
    let opinions: Vec<_> = day.decision("mat/1").opinions.iter().map(|it| (it.voice.as_str(), it.wish)).collect();
    assert_eq!(opinions[0], ("control", Some(Off)));
    assert_eq!(opinions.last(), Some(&("schedule", Some(On))), "every voice is shown");
}

#[test]
fn the_rest_is_remembered_across_a_restart() {
    let mut day = mat().starts("2026-01-10 00:00");
    day.lives_until("06:10").restart();
    assert_eq!((day.wanted("mat/1"), day.key("mat/1")), (Off, "cooldown"), "before the plug has answered");
    day.report("mat/1", first(Off));
    assert_eq!(day.at("06:29:59").key("mat/1"), "cooldown");
    assert_eq!(day.at("06:30").wanted("mat/1"), On);
}

#[test]
fn the_runtime_is_remembered_across_a_restart() {
    let mut day = mat().starts("2026-01-10 00:00");
    day.obey().at("05:00").restart().report("mat/1", first(On));
    assert_eq!(day.at("05:59:59").wanted("mat/1"), On);
    assert_eq!(day.at("06:00").key("mat/1"), "max_runtime");
    // Cut, and restarted before the plug was seen off: the rest still begins only then.
    day.restart();
    assert_eq!(day.at("09:00").order("mat/1"), Some(Off));
    day.report("mat/1", first(Off));
    assert_eq!(day.at("09:29").order("mat/1"), Some(Off));
    assert_eq!(day.at("09:30").order("mat/1"), Some(On));
}

#[test]
fn losing_the_plug_lifts_no_limit() {
    let mut day = mat().starts("2026-01-10 00:00");
    day.obey().at("01:00").lost("mat");
    assert_eq!(day.at("05:59").wanted("mat/1"), On);
    assert_eq!(day.at("06:00").key("mat/1"), "max_runtime");
    // It rests only from when it is seen off again.
    assert_eq!(day.at("10:00").order("mat/1"), Some(Off));
    day.report("mat/1", first(Off));
    assert_eq!(day.at("10:29").order("mat/1"), Some(Off));
    assert_eq!(day.at("10:30").order("mat/1"), Some(On));
}

#[test]
fn a_rest_that_nobody_could_watch_counts_by_the_plugs_own_word() {
    // It ran five hours, went off, and was switched on two minutes later while the bridge was away.
    for away in [Day::restart as fn(&mut Day) -> &mut Day, |day| day.lost("mat")] {
        let mut day = home()
            .mats("mat", &["mat/1"], [daily("00:00", "05:00"), daily("07:00", "20:00")])
            .starts("2026-01-10 00:00");
        day.lives_until("05:00");
        away(&mut day).at("07:00").report("mat/1", first(On).on_for(minutes(118)));
        assert_eq!(day.key("mat/1"), "max_runtime", "{}", day.why("mat/1"));
    }
    // It rested for real, and was switched on ten minutes ago.
    let mut day =
        home().mats("mat", &["mat/1"], [daily("00:00", "05:00"), daily("07:00", "20:00")]).starts("2026-01-10 00:00");
    day.lives_until("05:00").lost("mat").at("07:00").report("mat/1", first(On).on_for(minutes(10)));
    assert_eq!(day.wanted("mat/1"), On);
    assert_eq!(day.at("12:49:59").wanted("mat/1"), On);
    assert_eq!(day.at("12:50").key("mat/1"), "max_runtime");
}

#[test]
fn setting_the_clock_changes_no_runtime_no_rest_and_no_length() {
    for step in [hours(-30), hours(-2), hours(2), hours(30), hours(24 * 365 * 20), hours(-24 * 20)] {
        let mut day = mat().starts("2026-03-10 00:00");
        day.obey().at("05:00").clock_set(step);
        assert_eq!(day.after(minutes(59)).wanted("mat/1"), On, "{step:#}");
        assert_eq!(day.after(minutes(1)).key("mat/1"), "max_runtime", "{step:#}");
        day.obey().clock_set(step);
        assert_eq!(day.after(minutes(29)).key("mat/1"), "cooldown", "{step:#}");
        assert_eq!(day.after(minutes(1)).wanted("mat/1"), On, "{step:#}");

        // A person's length holds even if the clock has gone mad.
        let mut day = home().mats("mat", &["mat/1"], []).starts("2026-03-10 00:00");
        let step = if step == hours(-24 * 20) { hours(-24 * 365 * 20) } else { step };
        day.report("mat/1", first(Off)).asks("mat/1", set_for(On, hours(2))).obey().after(hours(1)).clock_set(step);
        assert_eq!(day.after(minutes(59)).wanted("mat/1"), On, "{step:#}");
        assert_eq!(day.after(minutes(1)).wanted("mat/1"), Off, "{step:#}");
    }
}

#[test]
fn a_clock_set_back_does_not_make_a_wish_last_for_days() {
    let until =
        |day: &Day, when: &str| heattrax::model::Verb::Set(On, heattrax::model::Lasting::Until(day.instant(when)));
    let mut day = home().mats("mat", &["mat/1"], []).starts("2026-01-10 00:00");
    let verb = until(&day, "10:00");
    day.report("mat/1", first(Off)).asks("mat/1", verb).obey();
    // A time on the wall moves with the wall …
    assert_eq!(day.clock_set(hours(2)).at("2026-01-10 09:59").wanted("mat/1"), On);
    assert_eq!(day.at("2026-01-10 10:00").wanted("mat/1"), Off);
    // … but 24 h are the longest.
    let verb = until(&day, "20:00");
    day.obey().asks("mat/1", verb).obey().clock_set(hours(-72));
    assert_eq!(day.after(hours(24)).wanted("mat/1"), Off);
    // However often it is set back.
    let mut day = home().mats("mat", &["mat/1"], []).starts("2026-01-10 00:00");
    let verb = until(&day, "20:00");
    day.report("mat/1", first(Off)).asks("mat/1", verb).obey();
    for _ in 0..3 {
        day.clock_set(hours(-19)).after(hours(7)).obey();
    }
    assert_eq!(day.wanted("mat/1"), On, "21 h after it was asked for");
    assert_eq!(day.clock_set(hours(-19)).after(hours(3)).wanted("mat/1"), Off, "24 h are over");
}

#[test]
fn the_clock_being_set_is_told() {
    let mut day = mat().starts("2026-01-10 00:00");
    day.heard();
    day.clock_set(hours(1));
    assert_eq!(day.heard_kinds(), ["clock_stepped"]);
}

#[test]
fn a_person_may_lower_the_longest_runtime_and_not_raise_it() {
    let mut day = home().mats("mats", &["mat/1"], [daily("06:00", "20:00")]).starts("2026-01-10 05:00");
    day.report("mat/1", first(Off)).at("06:00").obey().heard();
    day.asks("mat/1", Verb::LongestOn(hours(2)));
    assert_eq!((day.outlet("mat/1").longest_allowed(), day.heard_kinds()), (hours(2), vec!["answered"]));
    day.restart().report("mat/1", first(On).on_for(minutes(0)));
    assert_eq!(day.at("07:59").wanted("mat/1"), On);
    assert_eq!((day.at("08:00").wanted("mat/1"), day.key("mat/1")), (Off, "max_runtime"));
    day.obey().asks("mat/1", Verb::LongestOn(hours(7)));
    let said = day.hears(NoticeKind::Refused).unwrap().message;
    assert!(said.contains("the config allows 360 min"), "{said}");
    // What the config says is no limit of one's own.
    day.asks("mat/1", Verb::LongestOn(hours(6)));
    assert_eq!(day.outlet("mat/1").memory.longest_on, None);
    assert_eq!(day.asks_group("mats", Verb::LongestOn(hours(1))).heard_kinds().last(), Some(&"refused"));
}

#[test]
fn a_lowered_limit_holds_against_a_wish_and_a_storm_too() {
    let long = daily("06:00", "20:00").at_most_on(hours(12));
    let mut day = home().mats("mats", &["mat/1"], [long]).starts("2026-01-10 05:00");
    day.report("mat/1", first(Off)).asks("mat/1", Verb::LongestOn(hours(2))).at("06:00").obey();
    day.asks("mat/1", set_for(On, hours(10))).obey();
    assert_eq!((day.at("08:00").wanted("mat/1"), day.key("mat/1")), (Off, "max_runtime"));
}
