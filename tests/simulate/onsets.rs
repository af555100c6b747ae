//! How warm it was when precipitation set in.

use heattrax::simulate::judge::{Limits, Onsets, Step, Steps, Truth, judge};

use crate::{START, hours};

/// Two days with snow in these hours, on in these stretches of minutes.
fn onsets(snow: &[i64], on: &[(usize, usize)]) -> Onsets {
    let weather = hours(48, |number, it| it.precipitation = Some(if snow.contains(&number) { 1.0 } else { 0.0 }));
    let truth = Truth::of(&weather, START, START + 48 * 3600);
    let state = |minute| Step { on: on.iter().any(|it| (it.0..it.1).contains(&minute)), ..Step::default() };
    let steps = Steps { start: START, step: 60, states: (0..48 * 60).map(state).collect() };
    judge(&truth, &steps, &Limits::default()).onsets
}

#[test]
fn warm_is_what_has_been_on_for_half_an_hour_and_is() {
    for (on, warm, lead) in [
        ((570, 601), 1, 30.0),
        ((571, 700), 0, 29.0),
        ((570, 600), 0, 0.0),
        ((600, 700), 0, 0.0),
        ((480, 720), 1, 120.0),
    ] {
        let found = onsets(&[10], &[on]);
        assert_eq!((found.count, found.warm, found.median_lead), (1, warm, Some(lead)), "{on:?}");
    }
}

#[test]
fn a_break_before_the_onset_starts_the_count_anew() {
    assert_eq!(onsets(&[10], &[(480, 590), (591, 660)]).median_lead, Some(9.0));
}

#[test]
fn falls_that_are_at_most_four_hours_apart_are_one_event() {
    assert_eq!(onsets(&[10, 15], &[]).count, 1);
    assert_eq!(onsets(&[10, 16], &[]).count, 2);
}

#[test]
fn the_median_lies_between_the_two_in_the_middle() {
    let found = onsets(&[10, 20], &[(560, 660), (1180, 1260)]);
    assert_eq!((found.warm, found.median_lead), (1, Some(30.0)));
    assert_eq!(found.warm_percent, Some(50.0));
}

#[test]
fn an_event_that_is_there_from_the_beginning_has_no_onset() {
    let found = onsets(&[0], &[]);
    assert_eq!((found.count, found.warm_percent, found.median_lead), (0, None, None));
}
