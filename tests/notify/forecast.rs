use std::sync::Arc;

use heattrax::model::{Celsius, Forecast, House, Interval};
use jiff::SignedDuration;

use crate::home::{Thought, events, house, minutes, noon};

const ON_CHANGE: &str = "forecast: {enabled: true, temp_change_threshold_f: 5, precip_change_threshold_mm: 2}";

/// Two days from `noon`, fetched after so many minutes: -5 °C and dry, but for one hour each.
fn forecast(fetched: i64, warmer: (usize, f64), wet: (usize, f64)) -> House {
    let mut house = house();
    let intervals = (0..48).map(|hour| {
        let start = noon() + SignedDuration::from_hours(hour);
        let mut interval = Interval::unknown(start, start + SignedDuration::from_hours(1));
        let hour = usize::try_from(hour).unwrap();
        interval.temperature = Some(Celsius(if hour == warmer.0 { -5.0 + warmer.1 } else { -5.0 }));
        interval.precipitation = Some(if hour == wet.0 { wet.1 } else { 0.0 });
        interval
    });
    let forecast =
        Forecast { source: "open-meteo".to_owned(), issued_at: minutes(fetched), intervals: intervals.collect() };
    Arc::make_mut(&mut house.weather).forecast = Some(Arc::new(forecast));
    house
}

#[test]
fn on_change_tells_what_differs_by_the_thresholds_from_what_was_told() {
    let mut thought = Thought::of(ON_CHANGE);
    let mut at = 0;
    let mut look = |house: fn(i64) -> House| {
        at += 40;
        let told = thought.look(&house(at), minutes(at));
        let words = told.first().map(|it| it.message.clone());
        assert!(events(&told).iter().all(|it| *it == "forecast_summary"));
        words
    };
    let first = look(|at| forecast(at, (0, 0.0), (0, 0.0))).expect("nothing was told before");
    assert_eq!(first, "Next 24 h: -5.0 °C (23.0 °F) to -5.0 °C (23.0 °F), dry. Source: open-meteo.");
    assert_eq!(look(|at| forecast(at, (0, 0.0), (0, 0.0))), None, "the same again");
    assert_eq!(look(|at| forecast(at, (9, 2.7), (9, 1.9))), None, "below both thresholds");
    let warmer = look(|at| forecast(at, (9, 2.8), (0, 0.0))).expect("5 °F are 2.78 K");
    assert!(warmer.starts_with("The forecast has changed. Next 24 h: -5.0 °C"), "{warmer}");
    let wet = look(|at| forecast(at, (9, 2.8), (9, 2.0))).expect("2 mm more");
    assert!(wet.contains(", 2.0 mm of precipitation, from Thu 15 Jan 16:00."), "{wet}");
    assert_eq!(look(|at| forecast(at, (9, 2.8), (10, 2.0))), None, "an hour later is not more");
    assert_eq!(look(|at| forecast(at, (9, 2.8), (40, 9.0))).map(drop), Some(()), "it is dry the next day again");
    assert_eq!(look(|at| forecast(at, (9, 2.8), (40, 9.0))), None);
}

#[test]
fn small_steps_that_add_up_are_a_change() {
    let mut thought = Thought::of(ON_CHANGE);
    let steps = [0.0, 1.0, 2.0, 3.0].into_iter().zip(1..);
    let told: Vec<usize> = steps
        .map(|(warmer, round)| thought.look(&forecast(round * 40, (9, warmer), (0, 0.0)), minutes(round * 40)).len())
        .collect();
    assert_eq!(told, [1, 0, 0, 1], "compared with what was told, not with the last one");
}

#[test]
fn always_tells_each_forecast_but_not_the_same_one_twice_nor_too_often() {
    let mut thought = Thought::of("limit: 30m\nforecast: {enabled: true, notify_mode: always}");
    let dry = |at| forecast(at, (0, 0.0), (0, 0.0));
    assert_eq!(thought.look(&dry(0), minutes(0)).len(), 1);
    assert_eq!(thought.look(&dry(0), minutes(45)).len(), 0, "the same forecast");
    assert_eq!(thought.look(&dry(50), minutes(50)).len(), 1);
    assert_eq!(thought.look(&dry(60), minutes(60)).len(), 0, "too soon");
    assert_eq!(thought.look(&dry(60), minutes(80)).len(), 1);
}

#[test]
fn a_restart_does_not_tell_the_same_again() {
    let mut thought = Thought::of(ON_CHANGE);
    assert_eq!(thought.look(&forecast(0, (0, 0.0), (0, 0.0)), minutes(0)).len(), 1);
    let notebook = serde_json::to_string(thought.desk.notebook()).unwrap();
    let mut next = Thought::after(ON_CHANGE, serde_json::from_str(&notebook).unwrap());
    assert_eq!(next.look(&forecast(60, (0, 0.0), (0, 0.0)), minutes(60)).len(), 0);
    assert_eq!(next.look(&forecast(90, (9, 9.0), (0, 0.0)), minutes(90)).len(), 1);
}

#[test]
fn forecasts_are_told_to_those_who_asked() {
    let mut thought = Thought::of("forecast: {enabled: false}");
    assert!(thought.look(&forecast(0, (0, 0.0), (0, 0.0)), minutes(0)).is_empty());
}
