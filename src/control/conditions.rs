//! Whether the weather is as a schedule asks: yes, no or unknown.

use jiff::{SignedDuration, Timestamp};

use super::civil::{earlier, later};
use crate::model::{
    BlackIce, Celsius, Conditions, ControlSettings, Fact, Forecast, Interval, Observation, Station, Thresholds,
    WeatherBoard,
};

/// Black ice is looked for this far ahead.
const BLACK_ICE_AHEAD: SignedDuration = SignedDuration::from_mins(60);
/// A forecast that claims to come from further in the future than this is not trusted: a clock is wrong.
const FROM_THE_FUTURE: SignedDuration = SignedDuration::from_mins(10);
/// Figures that differ by less are equal: they went through a change of units.
const EPSILON: f64 = 1e-9;
/// What lies exactly as far ahead as is looked still counts.
const INCLUSIVE: SignedDuration = SignedDuration::from_nanos(1);

/// The forecast as far as it may be acted on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sky<'a> {
    /// `None` where there is none, or where it is too old or from the future.
    pub(super) forecast: Option<&'a Forecast>,
    /// What another source says, as far as it may be acted on.
    pub(super) second: Option<&'a Forecast>,
    /// What stations near the house measured; what of it is held to be true is for the moment to say.
    pub(super) station: Option<&'a Station>,
    /// When that changes by itself.
    pub(super) changes_at: Option<Timestamp>,
    /// Since when it has been too old, if it is.
    pub(super) stale_since: Option<Timestamp>,
}

impl Sky<'_> {
    /// What stations near the house measured, as far as it is held to be true.
    pub(super) fn measured(&self, now: Timestamp) -> Option<Observation> {
        self.station.and_then(|it| it.at(now))
    }
}

/// What is known of the sky at `now`.
pub(super) fn sky<'a>(settings: &ControlSettings, forecast: Option<&'a Forecast>, now: Timestamp) -> Sky<'a> {
    let nothing = Sky { forecast: None, second: None, station: None, changes_at: None, stale_since: None };
    let Some((forecast, valid)) = forecast.zip(settings.forecast_valid) else { return nothing };
    let trusted_from = earlier(forecast.issued_at, FROM_THE_FUTURE);
    let stale_at = later(forecast.issued_at, valid);
    if now < trusted_from {
        Sky { changes_at: Some(trusted_from), ..nothing }
    } else if now < stale_at {
        Sky { forecast: Some(forecast), changes_at: Some(stale_at), ..nothing }
    } else {
        Sky { stale_since: Some(stale_at), ..nothing }
    }
}

/// The same with what a second source says.
pub(super) fn whole_sky<'a>(settings: &ControlSettings, board: &'a WeatherBoard, now: Timestamp) -> Sky<'a> {
    let first = sky(settings, board.forecast.as_deref(), now);
    let second = sky(settings, board.second.as_deref(), now).forecast;
    // After a fallback they may be one and the same.
    let other = second.filter(|it| first.forecast.is_some_and(|first| first.source != it.source));
    let changes_at = [first.changes_at, board.station.changes_after(now)].into_iter().flatten().min();
    Sky { second: other, station: Some(&board.station), changes_at, ..first }
}

/// Do all conditions of a schedule hold? One that asks for precipitation or for black ice takes the word of either source.
pub(super) fn unmet_by_either(
    wanted: &Conditions,
    thresholds: &Thresholds,
    sky: Sky<'_>,
    now: Timestamp,
) -> Option<(Fact, Asked)> {
    let station = sky.measured(now);
    let found = unmet(wanted, thresholds, sky.forecast, station.as_ref(), now)?;
    let asks_for_ice = wanted.precipitation_active == Some(true) || wanted.black_ice_risk == Some(true);
    let met = |it: &Forecast| unmet(wanted, thresholds, Some(it), station.as_ref(), now).is_none();
    let assumed = asks_for_ice && sky.second.is_some_and(met);
    (!assumed).then_some(found)
}

/// One thing that is asked of the weather.
#[derive(Clone, Copy, Debug)]
pub(super) enum Asked {
    /// Air at most this warm; with what it has.
    Temperature { max: Celsius, air: Option<Celsius> },
    /// Precipitation, or its absence.
    Precipitation(bool),
    /// The risk of black ice, or its absence.
    BlackIce(bool),
}

impl Asked {
    /// What is missing, or unknown, in words.
    pub(super) fn words(self, fact: Fact) -> String {
        match (self, fact) {
            (Self::Temperature { max, air: Some(air) }, _) => {
                let shown = |it: Celsius| format!("{:.1} °C ({:.1} °F)", it.0, it.fahrenheit());
                format!("the air has {}, at most {} is asked", shown(air), shown(max))
            }
            (Self::Temperature { .. }, _) => "the air temperature".to_owned(),
            (Self::Precipitation(_), Fact::Unknown) => "precipitation".to_owned(),
            (Self::Precipitation(true), _) => "no precipitation now or near".to_owned(),
            (Self::Precipitation(false), _) => "precipitation now or near".to_owned(),
            (Self::BlackIce(_), Fact::Unknown) => "the risk of black ice".to_owned(),
            (Self::BlackIce(true), _) => "no risk of black ice".to_owned(),
            (Self::BlackIce(false), _) => "a risk of black ice".to_owned(),
        }
    }
}

/// Do all conditions hold? If not, the first one that does not, else the first one that is unknown.
fn unmet(
    wanted: &Conditions,
    thresholds: &Thresholds,
    forecast: Option<&Forecast>,
    station: Option<&Observation>,
    now: Timestamp,
) -> Option<(Fact, Asked)> {
    let mut unknown = None;
    for (fact, asked) in facts(wanted, thresholds, forecast, station, now).into_iter().flatten() {
        match fact {
            Fact::Yes => {}
            Fact::No => return Some((fact, asked)),
            Fact::Unknown => unknown = unknown.or(Some((fact, asked))),
        }
    }
    unknown
}

fn facts(
    wanted: &Conditions,
    thresholds: &Thresholds,
    forecast: Option<&Forecast>,
    station: Option<&Observation>,
    now: Timestamp,
) -> [Option<(Fact, Asked)>; 3] {
    let is = |fact: Fact, wish: bool| match fact {
        Fact::Unknown => Fact::Unknown,
        known => Fact::from_bool((known == Fact::Yes) == wish),
    };
    let temperature = wanted.temperature_max.map(|max| {
        let foreseen = || forecast.and_then(|it| it.at(now)).and_then(|it| it.temperature);
        let air = station.and_then(|it| it.temperature).or_else(foreseen);
        let fact = air.map_or(Fact::Unknown, |air| Fact::from_bool(air.0 <= max.0 + EPSILON));
        (fact, Asked::Temperature { max, air })
    });
    let precipitation = wanted.precipitation_active.map(|wish| {
        // A station knows what falls now, and nothing of what falls soon: it can only add to what is foreseen.
        let fact = match station {
            Some(it) if it.is_wet() => Fact::Yes,
            _ => forecast.map_or(Fact::Unknown, |it| precipitation(it, thresholds, now)),
        };
        (is(fact, wish), Asked::Precipitation(wish))
    });
    let black_ice = wanted.black_ice_risk.map(|wish| {
        let risk = thresholds
            .black_ice
            .map_or(Fact::No, |rule| forecast.map_or(Fact::Unknown, |it| black_ice(it, station, &rule, now)));
        (is(risk, wish), Asked::BlackIce(wish))
    });
    [temperature, precipitation, black_ice]
}

/// Precipitation now, ahead within the lead time (inclusive), or past within the trailing time.
fn precipitation(forecast: &Forecast, thresholds: &Thresholds, now: Timestamp) -> Fact {
    let from = earlier(now, thresholds.trailing);
    let to = later(later(now, thresholds.lead), INCLUSIVE);
    any(forecast, from, to, |it| it.precipitation.map(|amount| amount > 0.0))
}

/// Does something fall, or will it within this time?
pub(super) fn precipitation_soon(sky: Sky<'_>, within: SignedDuration, now: Timestamp) -> Fact {
    if sky.measured(now).is_some_and(|it| it.is_wet()) {
        return Fact::Yes;
    }
    let to = later(later(now, within), INCLUSIVE);
    let soon = |it: &Forecast| any(it, now, to, |it| it.precipitation.map(|amount| amount > 0.0));
    let either = sky.second.map(soon).filter(|it| *it == Fact::Yes);
    either.unwrap_or_else(|| sky.forecast.map_or(Fact::Unknown, soon))
}

/// The risk of black ice by the rule of the thresholds, as a schedule that asks for it is answered.
pub(super) fn black_ice_soon(sky: Sky<'_>, thresholds: &Thresholds, now: Timestamp) -> Fact {
    let Some(rule) = thresholds.black_ice else { return Fact::No };
    let station = sky.measured(now);
    sky.forecast.map_or(Fact::Unknown, |it| black_ice(it, station.as_ref(), &rule, now))
}

/// The rule of the thresholds, for any interval that begins within the hour ahead (inclusive), the present one included.
fn black_ice(forecast: &Forecast, station: Option<&Observation>, rule: &BlackIce, now: Timestamp) -> Fact {
    let until = later(later(now, BLACK_ICE_AHEAD), INCLUSIVE);
    any(forecast, now, until, |it| {
        // What is measured is of now.
        is_black_ice(it, station.filter(|_| it.start <= now), rule)
    })
}

/// The rule for one interval, with what is measured in place of what is foreseen.
fn is_black_ice(it: &Interval, station: Option<&Observation>, rule: &BlackIce) -> Option<bool> {
    let temperature = station.and_then(|it| it.temperature).or(it.temperature);
    let dew_point = station.and_then(|it| it.dew_point).or(it.dew_point);
    let humidity = station.and_then(|it| it.humidity).or(it.humidity);
    let tests = [
        temperature.map(|air| air.0 <= rule.temperature_max.0 + EPSILON),
        temperature.zip(dew_point).map(|(air, dew)| air.0 - dew.0 <= rule.spread + EPSILON),
        humidity.map(|humidity| humidity >= rule.humidity_min - EPSILON),
    ];
    // One test that fails settles it, whatever is unknown besides.
    if tests.contains(&Some(false)) { Some(false) } else { tests.iter().all(Option::is_some).then_some(true) }
}

/// Has an hour of a forecast a risk of black ice by the rule of the thresholds? `None` while that is unknown.
pub fn black_ice_risk(thresholds: &Thresholds, hour: &Interval) -> Option<bool> {
    thresholds.black_ice.map_or(Some(false), |rule| is_black_ice(hour, None, &rule))
}

/// Does `test` hold anywhere in `[from, to)`? A gap and a field that is missing are unknown, never no.
fn any(forecast: &Forecast, from: Timestamp, to: Timestamp, test: impl Fn(&Interval) -> Option<bool>) -> Fact {
    let mut covered = from;
    let mut unknown = false;
    for interval in forecast.between(from, to) {
        unknown |= interval.start > covered;
        covered = interval.end;
        match test(interval) {
            Some(true) => return Fact::Yes,
            Some(false) => {}
            None => unknown = true,
        }
    }
    if unknown || covered < to { Fact::Unknown } else { Fact::No }
}

/// When any of these facts could change by itself: as an edge of an interval comes into view, is reached, or falls out of view.
pub(super) fn change_at(thresholds: &Thresholds, forecast: &Forecast, now: Timestamp) -> Option<Timestamp> {
    let view = thresholds.lead.max(BLACK_ICE_AHEAD);
    let mut first: Option<Timestamp> = None;
    for interval in forecast.between(earlier(now, thresholds.trailing), Timestamp::MAX) {
        // Those that follow come into view later still.
        if first.is_some_and(|first| first <= earlier(interval.start, view)) {
            break;
        }
        let edges = [interval.start, interval.end].into_iter().flat_map(|edge| {
            [earlier(edge, thresholds.lead), earlier(edge, BLACK_ICE_AHEAD), edge, later(edge, thresholds.trailing)]
        });
        first = edges.filter(|at| *at > now).chain(first).min();
    }
    first
}
