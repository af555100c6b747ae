//! The controller over recorded weather.

use heattrax::{
    model::{Mode, Switch},
    simulate::{self, Options, Outcome, SimulateError},
};
use jiff::{SignedDuration, Timestamp};

use crate::{START, house, mats, recording, storm};

fn run(options: &Options) -> Outcome {
    simulate::run(&mats(), &recording(&storm()), options, |_| {}).unwrap()
}

fn instant(minutes: i64) -> Timestamp {
    Timestamp::from_second(START + 60 * minutes).unwrap()
}

/// Minutes after the beginning at which the group went on or off.
fn switched(outcome: &Outcome) -> Vec<(i64, Switch)> {
    let mut found: Vec<(i64, Switch)> = Vec::new();
    for row in &outcome.groups[0].rows {
        if found.last().map(|it| it.1) != Some(row.switch) {
            found.push(((row.at.as_second() - START) / 60, row.switch));
        }
    }
    found
}

#[test]
fn a_storm_is_heated_from_the_lead_on_until_it_has_trailed_away() {
    let outcome = run(&Options::default());
    // It falls from hour 20 to 30; an hour before and after counts as active.
    assert_eq!(switched(&outcome), [(0, Switch::Off), (19 * 60, Switch::On), (31 * 60, Switch::Off)]);
    let score = &outcome.groups[0].score;
    assert_eq!((score.starts, score.onsets.warm, score.breaches.len()), (1, 1, 0));
    assert_eq!(score.precipitation.percent, Some(100.0));
    assert!((score.kwh - 18.0).abs() < 1e-9 && outcome.groups[0].assumed_watts, "12 h of 1500 W");
}

#[test]
fn snow_that_comes_earlier_than_forecast_meets_a_cold_mat() {
    let outcome = run(&Options { shift: SignedDuration::from_mins(60), ..Options::default() });
    assert_eq!(switched(&outcome)[1], (20 * 60, Switch::On), "only when it falls");
    assert_eq!(outcome.groups[0].score.onsets.warm, 0);
}

#[test]
fn decisions_fall_on_the_grid_of_the_steps() {
    let outcome = run(&Options { step: SignedDuration::from_mins(25), from: Some(instant(0)), ..Options::default() });
    let times: Vec<i64> = switched(&outcome).iter().map(|it| it.0).collect();
    assert_eq!(times, [0, 1150, 1875]);
    assert!(outcome.groups[0].rows.iter().all(|it| (it.at.as_second() - START) % 1500 == 0));
}

#[test]
fn an_outage_longer_than_a_forecast_is_valid_ends_the_heat() {
    // From hour 18 on nothing is fetched; the forecast of hour 17 holds for six hours.
    let options = Options { outages: vec![(instant(17 * 60 + 1), instant(27 * 60))], ..Options::default() };
    let outcome = run(&options);
    assert_eq!(switched(&outcome)[1..4], [(19 * 60, Switch::On), (23 * 60, Switch::Off), (27 * 60, Switch::On)]);
    assert_eq!(outcome.groups[0].score.breaches, [], "it was off in time");
}

#[test]
fn unknown_hours_switch_nothing_on() {
    let outcome = run(&Options { null_percent: 100.0, ..Options::default() });
    // The running hour is true, so it heats when it falls, and never before.
    assert_eq!(switched(&outcome)[1], (20 * 60, Switch::On));
}

#[test]
fn a_bias_moves_the_forecast_and_not_the_present() {
    // Foreseen at +2, true at -2: the rule looks at the present air.
    assert_eq!(switched(&run(&Options { bias: 4.0, ..Options::default() })), switched(&run(&Options::default())));
}

#[test]
fn a_run_repeats_exactly() {
    let options = Options { null_percent: 30.0, shift: SignedDuration::from_mins(45), ..Options::default() };
    let (one, other) = (run(&options), run(&options));
    assert_eq!(simulate::timeline(&one), simulate::timeline(&other));
    assert_eq!(one.groups[0].score, other.groups[0].score);
}

#[test]
fn from_and_to_cut_the_time() {
    let options = Options { from: Some(instant(18 * 60 + 30)), to: Some(instant(22 * 60)), ..Options::default() };
    let outcome = run(&options);
    assert!((outcome.groups[0].score.hours - 3.5).abs() < 1e-9);
    assert_eq!(switched(&outcome)[1], (19 * 60, Switch::On));
    assert!((outcome.groups[0].score.on_hours - 3.0).abs() < 1e-9);
}

#[test]
fn what_cannot_be_simulated_is_told() {
    let weather = recording(&storm());
    let run = |options: &Options| simulate::run(&mats(), &weather, options, |_| {}).unwrap_err();
    let far = Options { from: Some(instant(99 * 60)), to: Some(instant(100 * 60)), ..Options::default() };
    assert!(matches!(run(&far), SimulateError::NoWeather { .. }));
    let turned = Options { from: Some(instant(30 * 60)), to: Some(instant(20 * 60)), ..Options::default() };
    assert!(matches!(run(&turned), SimulateError::NoWeather { .. }));
    let long = Options { to: Some("9000-01-01T00:00:00Z".parse().unwrap()), ..Options::default() };
    assert!(matches!(run(&long), SimulateError::TooLong(_)));
    let empty = simulate::run(&mats(), &recording(&[]), &Options::default(), |_| {}).unwrap_err();
    assert!(matches!(empty, SimulateError::Empty));
}

#[test]
fn each_heater_is_judged_with_what_hangs_on_it() {
    let two = house(
        "    lights:
      class: light
      items: [ { name: Porch, ip_address: 192.0.2.2, outlets: [0] } ]
      schedules: [ { name: Evening, on: {type: time, value: \"17:00\"}, off: {type: time, value: \"22:00\"} } ]
    steps:
      class: heater
      items: [ { name: Steps, ip_address: 192.0.2.1, outlets: [0, 1] } ]
      schedules: [ { name: Always, all_day: true, safety: {max_runtime_hours: 5} } ]
",
    );
    let outcome = simulate::run(&two, &recording(&storm()), &Options::default(), |_| {}).unwrap();
    let judged: Vec<_> = outcome.judged().map(|it| it.slug.as_str()).collect();
    assert_eq!((judged, outcome.groups.len()), (vec!["steps"], 2));
    let steps = outcome.judged().next().unwrap();
    // Cut at its own limit, then half an hour of rest.
    let cut = steps.rows.iter().find(|it| it.mode == Mode::Cooldown).unwrap();
    assert_eq!((cut.at, cut.switch), (instant(5 * 60), Switch::Off));
    assert!((steps.score.kwh - 3.0 * steps.score.on_hours).abs() < 1e-9, "two outlets of 1500 W");
    assert_eq!(steps.score.breaches, []);
}
