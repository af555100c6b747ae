//! Each figure of the judge, by hand.

use heattrax::simulate::judge::{Because, Limits, Score, Step, Steps, Truth, judge};

use crate::{START, hours};

/// A day with frozen precipitation in hours 10 and 11, by the minute: on in these stretches of minutes.
fn judged(on: &[(usize, usize)], limits: &Limits, change: impl Fn(usize, &mut Step)) -> Score {
    let weather = hours(24, |number, it| it.precipitation = Some(if (10..12).contains(&number) { 1.0 } else { 0.0 }));
    let truth = Truth::of(&weather, START, START + 24 * 3600);
    let states = (0..24 * 60).map(|minute| {
        let on = on.iter().any(|it| (it.0..it.1).contains(&minute));
        let because = if on { Because::Weather } else { Because::Nothing };
        let mut step = Step { on, watts: if on { 1200 } else { 0 }, because, forecast_age: Some(0) };
        change(minute, &mut step);
        step
    });
    judge(&truth, &Steps { start: START, step: 60, states: states.collect() }, limits)
}

fn plain(on: &[(usize, usize)]) -> Score {
    judged(on, &Limits::default(), |_, _| {})
}

fn near(one: f64, other: f64) -> bool {
    (one - other).abs() < 1e-9
}

#[test]
fn hours_energy_and_runs_are_counted() {
    let score = plain(&[(60, 79), (300, 320), (570, 720), (1430, 1440)]);
    assert!(near(score.hours, 24.0));
    assert!(near(score.on_hours, (19.0 + 20.0 + 150.0 + 10.0) / 60.0), "{}", score.on_hours);
    assert!(near(score.kwh, score.on_hours * 1.2));
    assert_eq!(score.starts, 4);
    assert_eq!(score.short_runs, 1, "20 min are not short, and the end cuts the last one");
    assert!(near(score.longest_run_hours, 2.5));
}

#[test]
fn heat_within_two_hours_of_a_need_is_not_wasted() {
    // Neutral from 08:00 to 14:00.
    assert!(near(plain(&[(480, 840)]).wasted_hours, 0.0));
    let score = plain(&[(420, 900)]);
    assert!(near(score.wasted_hours, 2.0));
    assert!(near(score.wasted_percent.unwrap(), 25.0));
}

#[test]
fn coverage_is_the_share_of_the_need_that_it_was_on() {
    let score = plain(&[(570, 630)]);
    assert!(near(score.precipitation.hours, 2.0));
    assert!(near(score.precipitation.percent.unwrap(), 25.0));
    assert_eq!((score.frost.percent, score.refreeze.percent), (None, None), "percent of nothing is nothing");
    assert_eq!(plain(&[]).wasted_percent, None);
}

#[test]
fn a_good_day_has_no_breach() {
    assert_eq!(plain(&[(500, 800)]).breaches, []);
}

fn breaches(score: &Score) -> Vec<(i64, &str)> {
    score.breaches.iter().map(|it| ((it.at - START) / 60, it.what.as_str())).collect()
}

#[test]
fn rules_that_heat_in_warm_air_are_told_after_one_step_of_grace() {
    let warm = Limits { too_warm: Some(-3.5), ..Limits::default() };
    let what = "on in air warmer than -3.5 °C";
    assert_eq!(breaches(&judged(&[(10, 12), (20, 22)], &warm, |_, _| {})), [(10, what), (20, what)]);
    assert_eq!(breaches(&judged(&[(10, 11)], &warm, |_, _| {})), []);
    let person = judged(&[(10, 60)], &warm, |_, it| it.because = Because::Person);
    assert_eq!(breaches(&person), []);
    let at_the_limit = Limits { too_warm: Some(-3.0), ..Limits::default() };
    assert_eq!(breaches(&judged(&[(10, 60)], &at_the_limit, |_, _| {})), []);
}

#[test]
fn a_run_over_the_cap_is_told() {
    let cap = Limits { longest_on: 3600, ..Limits::default() };
    assert_eq!(breaches(&judged(&[(60, 121)], &cap, |_, _| {})), [], "a step is granted");
    assert_eq!(breaches(&judged(&[(60, 122)], &cap, |_, _| {})), [(60, "on for 62 min, 60 are allowed")]);
}

#[test]
fn a_rule_that_acts_on_an_old_forecast_is_told() {
    let what = "on by a rule although the forecast is too old";
    let valid = Limits { forecast_valid: Some(600), hold: 1200, least_on: 300, ..Limits::default() };
    let run = |because: Because, age: Option<u32>| {
        judged(&[(100, 101)], &valid, move |_, it| (it.because, it.forecast_age) = (because, age))
    };
    for (because, age, told) in [
        (Because::Weather, Some(660), false),
        (Because::Weather, Some(661), true),
        (Because::Weather, None, true),
        (Because::Held, Some(1860), false),
        (Because::Held, Some(1861), true),
        (Because::LeastOn, Some(960), false),
        (Because::LeastOn, Some(961), true),
        (Because::Clock, Some(99_999), false),
        (Because::Person, None, false),
    ] {
        let score = run(because, age);
        assert_eq!(breaches(&score), if told { vec![(100, what)] } else { vec![] }, "{because:?} {age:?}");
    }
}

#[test]
fn whatever_is_on_during_rest_or_lockout_is_told() {
    let score = judged(&[(100, 110)], &Limits::default(), |_, it| it.because = Because::Forbidden);
    assert_eq!(breaches(&score), [(100, "on during rest, lockout or control off")]);
}
