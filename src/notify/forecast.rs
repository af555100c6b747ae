//! The forecast as people hear of it: each one, or when it says something else than what they were told.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp, tz::TimeZone};

use super::{
    alert::{Alert, clock},
    desk::kind,
    notebook::Notebook,
};
use crate::model::{Celsius, Forecast, ForecastNotices, House, Interval};

/// What is told reaches so far.
const AHEAD: SignedDuration = SignedDuration::from_hours(24);
/// Hours that both forecasts must have for a judgement by the hour.
const HOURS_IN_COMMON: usize = 6;

/// Tells the newest forecast if it is to be told. `at_least` is the time between two of them.
pub(super) fn look(
    how: ForecastNotices,
    at_least: SignedDuration,
    zone: &TimeZone,
    house: &House,
    notebook: &mut Notebook,
    now: Timestamp,
) -> Option<Alert> {
    let forecast = house.weather.forecast.as_ref()?;
    if notebook.seen_forecast == Some(forecast.issued_at) {
        return None;
    }
    let told_at = notebook.forecast.as_ref().map(|(at, _)| *at);
    if told_at.is_some_and(|at| now.duration_since(at) < at_least) {
        return None;
    }
    notebook.seen_forecast = Some(forecast.issued_at);
    let before = notebook.forecast.as_ref().map(|(_, it)| it.as_ref());
    let news = how.always || before.is_none_or(|before| is_changed(how, before, forecast, now));
    if !news || hours(forecast, now).next().is_none() {
        return None;
    }
    let alert = told(forecast, before.is_some() && !how.always, zone, now);
    notebook.forecast = Some((now, Arc::clone(forecast)));
    Some(alert)
}

fn hours(forecast: &Forecast, now: Timestamp) -> impl Iterator<Item = &Interval> {
    forecast.between(now, now.checked_add(AHEAD).unwrap_or(now))
}

/// Does it say something else about the next day than the one that was told?
fn is_changed(how: ForecastNotices, before: &Forecast, newest: &Forecast, now: Timestamp) -> bool {
    let sum = |it: &Forecast| hours(it, now).filter_map(|it| it.precipitation).sum::<f64>();
    // Nothing at all is no change, even where the threshold is zero.
    let by = |difference: f64, threshold: f64| difference > 0.0 && difference >= threshold;
    if by((sum(newest) - sum(before)).abs(), how.precipitation_change) {
        return true;
    }
    let pairs = hours(newest, now).filter_map(|it| Some((it.temperature?.0, before.at(it.start)?.temperature?.0)));
    let differences: Vec<f64> = pairs.map(|(one, other)| (one - other).abs()).collect();
    if differences.len() >= HOURS_IN_COMMON {
        return differences.into_iter().any(|it| by(it, how.temperature_change));
    }
    // What was told was about another day: the extremes are compared.
    let told = extremes(&before.intervals.iter().collect::<Vec<_>>());
    let ahead = extremes(&hours(newest, now).collect::<Vec<_>>());
    told.zip(ahead).is_none_or(|(told, ahead)| {
        by((told.0 - ahead.0).abs(), how.temperature_change) || by((told.1 - ahead.1).abs(), how.temperature_change)
    })
}

/// The coldest and the warmest.
fn extremes(hours: &[&Interval]) -> Option<(f64, f64)> {
    let degrees = || hours.iter().filter_map(|it| it.temperature).map(|it| it.0);
    degrees().reduce(f64::min).zip(degrees().reduce(f64::max))
}

fn told(forecast: &Forecast, is_change: bool, zone: &TimeZone, now: Timestamp) -> Alert {
    let ahead: Vec<&Interval> = hours(forecast, now).collect();
    let rain: f64 = ahead.iter().filter_map(|it| it.precipitation).sum();
    let snow: f64 = ahead.iter().filter_map(|it| it.snowfall).sum();
    let mut words = if is_change { "The forecast has changed. Next 24 h: " } else { "Next 24 h: " }.to_owned();
    match extremes(&ahead) {
        Some((low, high)) => words.push_str(&format!("{} to {}", Celsius(low), Celsius(high))),
        None => words.push_str("temperature unknown"),
    }
    words.push_str(&if rain > 0.0 { format!(", {rain:.1} mm of precipitation") } else { ", dry".to_owned() });
    if snow > 0.0 {
        words.push_str(&format!(", {snow:.1} cm of snow"));
    }
    let wet = ahead.iter().find(|it| it.precipitation.is_some_and(|it| it > 0.0));
    if let Some(wet) = wet {
        words.push_str(&format!(", from {}", clock(wet.start.max(now), zone)));
    }
    words.push_str(&format!(". Source: {}.", forecast.source));
    let alert = Alert::new(kind("forecast_summary"), now, words);
    let alert = alert.with("source", forecast.source.as_str()).with("precipitation_mm", (rain * 10.0).round() / 10.0);
    let round = |it: f64| (Celsius(it).fahrenheit() * 10.0).round() / 10.0;
    let (low, high) = extremes(&ahead).unzip();
    alert.with("temperature_min_f", low.map(round)).with("temperature_max_f", high.map(round))
}
