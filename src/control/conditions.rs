//! Whether the weather is as a schedule asks: yes, no or unknown.

use jiff::{SignedDuration, Timestamp};

use super::civil::later;
use crate::model::{BlackIce, Conditions, ControlSettings, Fact, Forecast, Interval, Thresholds};

/// Black ice is looked for this far ahead.
const BLACK_ICE_AHEAD: SignedDuration = SignedDuration::from_mins(60);
/// A forecast that claims to come from further in the future than this is not trusted: a clock is wrong.
const FROM_THE_FUTURE: SignedDuration = SignedDuration::from_mins(10);
/// Figures that differ by less are equal: they went through a change of units.
const EPSILON: f64 = 1e-9;

/// When a forecast stops being acted on. `None` when weather is switched off.
pub(super) fn stale_at(settings: &ControlSettings, forecast: &Forecast) -> Option<Timestamp> {
    settings.forecast_valid.map(|valid| later(forecast.issued_at, valid))
}

/// The forecast, if it is fresh enough to act on.
pub(super) fn fresh<'a>(
    settings: &ControlSettings,
    forecast: Option<&'a Forecast>,
    now: Timestamp,
) -> Option<&'a Forecast> {
    let forecast = forecast?;
    let not_from_the_future = forecast.issued_at <= later(now, FROM_THE_FUTURE);
    (now < stale_at(settings, forecast)? && not_from_the_future).then_some(forecast)
}

/// Do all conditions hold? With the first one that does not, or is unknown, in words.
pub(super) fn hold(
    wanted: &Conditions,
    thresholds: &Thresholds,
    forecast: Option<&Forecast>,
    now: Timestamp,
) -> (Fact, String) {
    let mut unknown = None;
    for (fact, words) in facts(wanted, thresholds, forecast, now).into_iter().flatten() {
        match fact {
            Fact::Yes => {}
            Fact::No => return (Fact::No, words),
            Fact::Unknown => unknown = unknown.or(Some(words)),
        }
    }
    unknown.map_or((Fact::Yes, String::new()), |words| (Fact::Unknown, words))
}

fn facts(
    wanted: &Conditions,
    thresholds: &Thresholds,
    forecast: Option<&Forecast>,
    now: Timestamp,
) -> [Option<(Fact, String)>; 3] {
    let is = |fact: Fact, wish: bool| match fact {
        Fact::Unknown => Fact::Unknown,
        known => Fact::from_bool((known == Fact::Yes) == wish),
    };
    let temperature = wanted.temperature_max.map(|max| {
        let air = forecast.and_then(|it| it.at(now)).and_then(|it| it.temperature);
        let Some(air) = air else { return (Fact::Unknown, "the air temperature".to_owned()) };
        let words = format!("the air has {:.1} °C, at most {:.1} °C is asked", air.0, max.0);
        (Fact::from_bool(air.0 <= max.0 + EPSILON), words)
    });
    let precipitation = wanted.precipitation_active.map(|wish| {
        let fact = is(forecast.map_or(Fact::Unknown, |it| precipitation(it, thresholds, now)), wish);
        let words = match fact {
            Fact::Unknown => "precipitation",
            _ if wish => "no precipitation now or near",
            _ => "precipitation now or near",
        };
        (fact, words.to_owned())
    });
    let black_ice = wanted.black_ice_risk.map(|wish| {
        let risk = thresholds
            .black_ice
            .map_or(Fact::No, |rule| forecast.map_or(Fact::Unknown, |it| black_ice(it, &rule, now)));
        let fact = is(risk, wish);
        let words = match fact {
            Fact::Unknown => "the risk of black ice",
            _ if wish => "no risk of black ice",
            _ => "a risk of black ice",
        };
        (fact, words.to_owned())
    });
    [temperature, precipitation, black_ice]
}

/// Precipitation now, ahead within the lead time, or past within the trailing time.
fn precipitation(forecast: &Forecast, thresholds: &Thresholds, now: Timestamp) -> Fact {
    let from = later(now, -thresholds.trailing);
    // The instant itself always counts, even with no lead time.
    let to = later(now, thresholds.lead.max(SignedDuration::from_nanos(1)));
    any(forecast, from, to, |it| it.precipitation.map(|amount| amount > 0.0))
}

/// The rule of the thresholds, for any interval that begins within the hour ahead, the present one included.
fn black_ice(forecast: &Forecast, rule: &BlackIce, now: Timestamp) -> Fact {
    any(forecast, now, later(now, BLACK_ICE_AHEAD), |it| {
        let tests = [
            it.temperature.map(|air| air.0 <= rule.temperature_max.0 + EPSILON),
            it.temperature.zip(it.dew_point).map(|(air, dew)| air.0 - dew.0 <= rule.spread + EPSILON),
            it.humidity.map(|humidity| humidity >= rule.humidity_min - EPSILON),
        ];
        // One test that fails settles it, whatever is unknown besides.
        if tests.contains(&Some(false)) { Some(false) } else { tests.iter().all(Option::is_some).then_some(true) }
    })
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

/// When any of these facts could change by itself.
pub(super) fn change_at(thresholds: &Thresholds, forecast: &Forecast, now: Timestamp) -> Option<Timestamp> {
    let ahead = thresholds.lead.max(BLACK_ICE_AHEAD) + SignedDuration::from_hours(24);
    let edges = forecast.between(later(now, -thresholds.trailing), later(now, ahead)).flat_map(|it| {
        [
            later(it.start, -thresholds.lead),
            later(it.start, -BLACK_ICE_AHEAD),
            it.start,
            it.end,
            later(it.end, thresholds.trailing),
        ]
    });
    edges.filter(|at| *at > now).min()
}
