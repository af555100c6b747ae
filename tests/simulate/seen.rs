//! What the controller is shown: a true now and past, and a forecast as the options make it.

use heattrax::{
    model::{Celsius, Forecast},
    recorded,
    simulate::{Options, Sky},
};
use jiff::{SignedDuration, Timestamp};

use crate::{HEAD, START, recording};

fn minutes(minutes: i64) -> SignedDuration {
    SignedDuration::from_mins(minutes)
}

/// The forecast of some minutes after the beginning, of five days in which each hour's air is its number, with 6 mm in hour 30.
fn seen(options: &Options, at: i64) -> Forecast {
    let hours: Vec<(f64, f64)> =
        (0..120).map(|hour| (f64::from(hour) / 10.0, if hour == 30 { 6.0 } else { 0.0 })).collect();
    Sky::new(&recording(&hours), options).forecast(instant(at))
}

fn instant(minutes: i64) -> Timestamp {
    Timestamp::from_second(START + 60 * minutes).unwrap()
}

/// Start and end in minutes after the beginning, air, mm.
fn rows(forecast: &Forecast) -> Vec<(i64, i64, Option<f64>, Option<f64>)> {
    let minute = |at: Timestamp| (at.as_second() - START) / 60;
    let intervals = forecast.intervals.iter();
    intervals.map(|it| (minute(it.start), minute(it.end), it.temperature.map(|it| it.0), it.precipitation)).collect()
}

fn ascends(forecast: &Forecast) -> bool {
    forecast.intervals.iter().all(|it| it.start < it.end)
        && forecast.intervals.windows(2).all(|pair| pair[0].end <= pair[1].start)
}

#[test]
fn a_perfect_forecast_is_the_file_from_a_day_back_to_two_days_ahead() {
    let forecast = seen(&Options::default(), 40 * 60 + 20);
    let rows = rows(&forecast);
    assert_eq!(rows.first().map(|it| it.0), Some(16 * 60));
    assert_eq!(rows.last().map(|it| it.0), Some(88 * 60));
    assert_eq!(rows.len(), 73);
    assert_eq!(rows[24], (40 * 60, 41 * 60, Some(4.0), Some(0.0)));
    assert_eq!((forecast.source.as_str(), forecast.issued_at), ("recorded", instant(40 * 60 + 20)));
}

#[test]
fn a_late_forecast_says_the_weather_an_hour_later_but_now_stays_true() {
    let forecast = seen(&Options { shift: minutes(60), ..Options::default() }, 29 * 60);
    let rows = rows(&forecast);
    let at = |hour: i64| rows.iter().find(|it| it.0 == hour * 60).copied().unwrap();
    assert_eq!(at(28), (28 * 60, 29 * 60, Some(2.8), Some(0.0)));
    assert_eq!(at(29), (29 * 60, 30 * 60, Some(2.9), Some(0.0)), "the running hour is true");
    assert_eq!(at(30), (30 * 60, 31 * 60, Some(2.9), Some(0.0)), "the fall of hour 30 is forecast for 31");
    assert_eq!(at(31), (31 * 60, 32 * 60, Some(3.0), Some(6.0)));
    // When it has come it is true, and forecast once more.
    let forecast = seen(&Options { shift: minutes(60), ..Options::default() }, 30 * 60);
    assert_eq!(forecast.at(instant(30 * 60)).unwrap().precipitation, Some(6.0));
    assert!(ascends(&forecast));
}

#[test]
fn an_early_forecast_says_the_weather_before_it_comes() {
    let forecast = seen(&Options { shift: minutes(-120), ..Options::default() }, 25 * 60);
    assert_eq!(forecast.at(instant(28 * 60)).unwrap().precipitation, Some(6.0));
    assert!(ascends(&forecast));
}

#[test]
fn a_shift_of_no_whole_hour_cuts_the_first_foreseen_hour_with_its_amount() {
    let forecast = seen(&Options { shift: minutes(20), ..Options::default() }, 30 * 60);
    let rows = rows(&forecast);
    let edge = rows.iter().position(|it| it.0 == 30 * 60).unwrap();
    assert_eq!(rows[edge], (30 * 60, 31 * 60, Some(3.0), Some(6.0)));
    // Hour 30 as foreseen is [30:20, 31:20): its last 20 minutes are left.
    assert_eq!((rows[edge + 1].0, rows[edge + 1].1), (31 * 60, 31 * 60 + 20));
    assert!((rows[edge + 1].3.unwrap() - 2.0).abs() < 1e-9);
    assert_eq!((rows[edge + 2].0, rows[edge + 2].1), (31 * 60 + 20, 32 * 60 + 20));
    assert!(ascends(&forecast));
}

#[test]
fn a_bias_is_added_to_what_is_foreseen_and_to_nothing_else() {
    let forecast = seen(&Options { bias: 1.5, ..Options::default() }, 29 * 60);
    let at = |hour: i64| forecast.at(instant(hour * 60)).unwrap();
    assert_eq!(at(28).temperature, Some(Celsius(2.8)));
    assert_eq!(at(29).temperature, Some(Celsius(2.9)));
    assert_eq!(at(30).temperature, Some(Celsius(4.5)));
    assert!((at(30).dew_point.unwrap().0 - 3.5).abs() < 1e-9);
    assert_eq!((at(30).precipitation, at(30).humidity), (Some(6.0), Some(90.0)));
}

#[test]
fn null_hours_are_drawn_by_the_hour_and_never_of_the_present() {
    let options = Options { null_percent: 40.0, ..Options::default() };
    let unknown = |forecast: &Forecast| -> Vec<Timestamp> {
        let intervals = forecast.intervals.iter();
        intervals.filter(|it| it.temperature.is_none() && it.precipitation.is_none()).map(|it| it.start).collect()
    };
    let first = unknown(&seen(&options, 30 * 60));
    assert!((10..=28).contains(&first.len()), "about 40 % of 47: {}", first.len());
    assert!(first.iter().all(|it| *it > instant(30 * 60)));
    let second = unknown(&seen(&options, 31 * 60));
    let of_both = |it: &&Timestamp| **it > instant(31 * 60) && **it < instant(78 * 60);
    assert_eq!(first.iter().filter(of_both).collect::<Vec<_>>(), second.iter().filter(of_both).collect::<Vec<_>>());
    assert_eq!(unknown(&seen(&Options { null_percent: 100.0, ..Options::default() }, 30 * 60)).len(), 47);
    assert_eq!(unknown(&seen(&Options::default(), 30 * 60)), []);
}

#[test]
fn missing_hours_are_gaps() {
    let text = format!("{HEAD}{START},1,0,90,2,0,1,\n{},1,0,90,2,0,1,\n", START + 7200);
    let sky = Sky::new(&recorded::read(text.as_bytes()).unwrap(), &Options::default());
    let forecast = sky.forecast(instant(90));
    assert_eq!(forecast.at(instant(90)), None);
    assert_eq!(forecast.intervals.len(), 2);
}
