//! A hand at the plug against a command, a fault against a rule, a stop against a wish: who wins.

use heattrax::model::{Control, Event, NoticeKind, Verb};

use crate::home::*;

const NOW: &str = "2026-01-10 12:00";

#[test]
fn an_off_that_arrives_after_a_press_beats_it() {
    let mut day = home().mats("mat", &["mat/1"], []).starts(NOW);
    day.report("mat/1", first(Off)).asks("mat/1", set(Off));
    // The look that answers the command sees what the hand did before it.
    day.report("mat/1", polled(On));
    assert_eq!((day.wanted("mat/1"), day.key("mat/1")), (Off, "manual_off"));
    // From then on the command is answered, and a hand is a hand.
    day.report("mat/1", switched(Off)).report("mat/1", polled(On));
    assert_eq!((day.wanted("mat/1"), day.key("mat/1")), (On, "manual_on"));
}

#[test]
fn a_stop_wants_heaters_off_and_looked_at_afresh_and_leaves_lights_alone() {
    let mut day = home().mats("mat", &["mat/1"], []).lights("lamp", &["lamp/1"], []).starts(NOW);
    day.report("mat/1", first(Off)).report("lamp/1", first(Off));
    day.asks("mat/1", set(On)).asks("lamp/1", set(On)).obey();
    let asked = day.outlet("mat/1").commanded;
    day.happens(Event::Stopping);
    assert_eq!((day.wanted("mat/1"), day.key("mat/1")), (Off, "stopping"));
    assert!(day.outlet("mat/1").commanded > asked && day.outlet("mat/1").answered < day.outlet("mat/1").commanded);
    assert_eq!(day.wanted("lamp/1"), On);
    day.restart().report("mat/1", first(Off));
    assert_eq!(day.wanted("mat/1"), On, "the wish has not ended");
}

#[test]
fn an_on_of_a_heater_that_was_never_answered_is_not_remembered() {
    let mut day = home().mats("mat", &["mat/1"], []).lights("lamp", &["lamp/1"], []).starts(NOW);
    day.asks("mat/1", set(On)).asks("lamp/1", set(On)).restart();
    assert_eq!((day.wanted("mat/1"), day.wanted("lamp/1")), (Off, On));
}

#[test]
fn a_vacation_in_the_config_holds_until_somebody_says_otherwise_and_again_when_it_is_changed() {
    let plan = |vacation| home().mats("mat", &["mat/1"], [all_day()]).with(|it| it.vacation = vacation);
    let mut day = plan(false).starts(NOW);
    let untold = day.obey().controller.house().memory();
    assert_eq!(plan(true).remembers(untold, NOW).key("mat/1"), "vacation", "nobody had said anything");
    let told = plan(true).starts(NOW).vacation(false).controller.house().memory();
    assert_eq!(plan(true).remembers(told.clone(), NOW).key("mat/1"), "schedule");
    let changed = plan(false).remembers(told, NOW).controller.house().memory();
    assert_eq!(plan(true).remembers(changed, NOW).key("mat/1"), "vacation", "the config was changed in between");
}

#[test]
fn a_wish_that_ended_while_the_plug_was_away_is_not_renewed_by_finding_it_on() {
    let mut day = home().lights("lamp", &["lamp/1"], []).starts(NOW);
    day.report("lamp/1", first(Off)).asks("lamp/1", set_for(On, hours(1))).obey();
    day.lost("lamp").after(hours(2)).report("lamp/1", first(On));
    assert_eq!((day.wanted("lamp/1"), day.key("lamp/1")), (Off, "nothing_asks"));
}

#[test]
fn whoever_repeats_a_wish_hears_of_its_failure_at_the_first_deadline() {
    let mut day = home().mats("mat", &["mat/1"], []).starts(NOW);
    day.report("mat/1", first(Off)).lost("mat");
    day.asks("mat/1", set(On)).after(seconds(9)).asks("mat/1", set(On));
    day.heard();
    day.after(seconds(2));
    assert!(day.hears(NoticeKind::SwitchFailed).is_some());
    assert_eq!(day.wanted("mat/1"), Off);
}

#[test]
fn control_auto_on_a_running_mat_is_followed_although_the_forecast_is_still_under_way() {
    let mut day = home().mats("mat", &["mat/1"], [all_day().if_precipitation(true)]).starts(NOW);
    day.report("mat/1", first(On));
    assert_eq!(day.order("mat/1"), None, "left as it is");
    day.asks("mat/1", Verb::Control(Control::Auto));
    assert_eq!(day.order("mat/1"), Some(Off));
}

#[test]
fn a_restart_in_a_storm_does_not_cut_a_mat_by_the_limit_of_a_lesser_rule() {
    let storm = all_day().named("storm").if_precipitation(true).at_most_on(hours(12));
    let night = all_day().named("night").at_most_on(hours(4));
    let mut day = home().mats("mat", &["mat/1"], [storm, night]).starts(NOW);
    day.expects("2026-01-10 10:00", &[SNOW; 24]).obey().after(hours(5)).report("mat/1", polled(On));
    assert_eq!(day.wanted("mat/1"), On);
    day.restart().report("mat/1", first(On));
    assert_eq!(day.wanted("mat/1"), On, "the storm's rule will speak when the forecast is there");
    day.expects("2026-01-10 10:00", &[SNOW; 24]);
    assert_eq!((day.wanted("mat/1"), day.outlet("mat/1").memory.cut), (On, None));
}
