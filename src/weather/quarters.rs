//! The quarters of an hour, where Open-Meteo has a model that knows them.
//!
//! `minutely_15` is native in North America (HRRR) and Central Europe (ICON-D2, AROME), and the hours spread out everywhere else, so it is
//! asked for there only. It has been seen dry while the hour was wet: quarters that do not come to the hour's sum are not believed, and
//! the hour counts as wet from its beginning, which errs on the warm side. Sums are those of the quarter that ends at the stamp;
//! temperatures are of the instant.

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::{
    answer::{Flaw, Reader, mean},
    sane,
};
use crate::model::{Celsius, Interval, Place};

/// What is asked for besides, where it is native: so many quarters ahead.
pub(super) const ASKED: &str = "&minutely_15=temperature_2m,precipitation&forecast_minutely_15=24";
/// The step.
const QUARTER: SignedDuration = SignedDuration::from_mins(15);
/// More stamps than are asked for.
const MOST: usize = 4 * 48;
/// Quarters may differ from their hour by this much, in mm, for both are rounded.
const ROUNDED: f64 = 0.25;
/// Or by this share of it.
const SHARE: f64 = 0.2;

/// South, north, west and east of what the models cover, well within their edges.
const NATIVE: [(f64, f64, f64, f64); 2] = [(24.0, 50.0, -122.0, -70.0), (44.0, 57.0, -3.0, 17.0)];

/// Is there a model that knows quarters of this place?
pub(super) fn are_native(place: Place) -> bool {
    let holds = |(south, north, west, east): &(f64, f64, f64, f64)| {
        (*south..=*north).contains(&place.latitude) && (*west..=*east).contains(&place.longitude)
    };
    NATIVE.iter().any(holds)
}

/// A stamp and what is told there.
struct Quarter {
    end: i64,
    temperature: Option<f64>,
    precipitation: Option<f64>,
}

/// Puts quarters in the place of the hours that they come to.
pub(super) fn refine(intervals: Vec<Interval>, body: &Value, reader: &mut Reader) -> Vec<Interval> {
    let quarters = read(body, reader);
    if quarters.is_empty() {
        return intervals;
    }
    intervals.into_iter().flat_map(|hour| split(&hour, &quarters).unwrap_or_else(|| vec![hour])).collect()
}

fn read(body: &Value, reader: &mut Reader) -> Vec<Quarter> {
    let Some(told) = body.get("minutely_15") else { return Vec::new() };
    let unit = |name: &str| body.get("minutely_15_units").and_then(|it| it.get(name)).and_then(Value::as_str);
    if unit("temperature_2m").is_some_and(|it| it != "°C") || unit("precipitation").is_some_and(|it| it != "mm") {
        reader.doubt("minutely_15", Flaw::Unit, "the whole series");
        return Vec::new();
    }
    let value = |name: &str, at: usize| told.get(name).and_then(|it| it.get(at)).and_then(Value::as_f64);
    let stamps = told.get("time").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let read = |(at, stamp): (usize, &Value)| {
        Some(Quarter {
            end: stamp.as_i64()?,
            temperature: value("temperature_2m", at).filter(|it| sane::temperature(*it)),
            precipitation: value("precipitation", at).filter(|it| sane::precipitation(*it)),
        })
    };
    let quarters: Vec<Quarter> = stamps.iter().take(MOST).enumerate().filter_map(read).collect();
    if quarters.windows(2).any(|pair| pair[0].end >= pair[1].end) {
        reader.doubt("minutely_15", Flaw::Malformed, "stamps that do not ascend");
        return Vec::new();
    }
    quarters
}

/// The four quarters of an hour, if they are known and come to what falls in it.
fn split(hour: &Interval, quarters: &[Quarter]) -> Option<Vec<Interval>> {
    let ends = (1..=4).map(|it| hour.start.checked_add(QUARTER * it).ok());
    let ends: Vec<Timestamp> = ends.collect::<Option<_>>()?;
    if ends.last() != Some(&hour.end) {
        return None;
    }
    let at = |end: &Timestamp| {
        quarters.binary_search_by_key(&end.as_second(), |it| it.end).ok().and_then(|it| quarters.get(it))
    };
    let found: Vec<&Quarter> = ends.iter().map(at).collect::<Option<_>>()?;
    let amounts: Vec<f64> = found.iter().map(|it| it.precipitation).collect::<Option<_>>()?;
    let (sum, wanted) = (amounts.iter().sum::<f64>(), hour.precipitation?);
    // A dry hour has no wet quarter to be told apart, and one that disagrees is not believed.
    if wanted <= 0.0 || sum <= 0.0 || (sum - wanted).abs() > ROUNDED.max(wanted * SHARE) {
        return None;
    }
    let before = at(&hour.start).and_then(|it| it.temperature);
    let airs = std::iter::once(before).chain(found.iter().map(|it| it.temperature)).collect::<Vec<_>>();
    let starts = std::iter::once(hour.start).chain(ends.iter().copied());
    let parts = starts.zip(&ends).zip(&amounts).zip(airs.windows(2));
    Some(parts.map(|(((start, end), amount), air)| part(hour, (start, *end), *amount / sum, air)).collect())
}

/// A quarter with its share of what the hour says falls. A dry one has no code: the hour's is of what falls.
fn part(hour: &Interval, (start, end): (Timestamp, Timestamp), share: f64, air: &[Option<f64>]) -> Interval {
    // A millionth is nothing, and a figure with sixteen digits reads back from the cache as its neighbour.
    let part = |it: f64| (it * share * 1e6).round() / 1e6;
    let ends = (air.first().copied().flatten(), air.last().copied().flatten());
    Interval {
        start,
        end,
        temperature: mean(ends.0, ends.1).map(Celsius).or(hour.temperature),
        precipitation: hour.precipitation.map(part),
        snowfall: hour.snowfall.map(part),
        code: hour.code.filter(|_| share > 0.0),
        ..hour.clone()
    }
}
