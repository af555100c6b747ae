//! The forecast and the plan in the shapes that earlier clients of the page know: an object with `status`, times with an offset.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::{inputs::rounded, json::in_zone};
use crate::{
    control::{black_ice_risk, precipitation, sun},
    model::{Celsius, ControlSettings, House, Interval, Plan, PrecipitationKind, Slug, Switch, WeatherState},
};

/// What is shown ahead.
const AHEAD: SignedDuration = SignedDuration::from_hours(48);

/// The forecast from the running hour on, 48 h at most. Depths in mm, wind in m/s, temperatures in both units.
pub fn forecast(settings: &ControlSettings, house: &House) -> Value {
    let board = &house.weather;
    let Some(valid) = settings.forecast_valid else { return no_data("weather is switched off") };
    let Some(forecast) = &board.forecast else { return no_data("there is no forecast yet") };
    let until = house.at.checked_add(AHEAD).unwrap_or(Timestamp::MAX);
    let hours: Vec<Value> = forecast.between(house.at, until).map(|it| hour(settings, it)).collect();
    let age = house.at.duration_since(forecast.issued_at).as_secs_f64() / 3600.0;
    let state = seed_state(WeatherState::of(board, Some(valid), house.at));
    json!({
        "status": "ok",
        "last_updated": local(settings, forecast.issued_at),
        "provider": forecast.source,
        "timezone": settings.zone.iana_name(),
        "cache_age_hours": rounded(age.max(0.0)),
        "cache_valid_hours": rounded(valid.as_secs_f64() / 3600.0),
        "forecast_hours": hours.len(),
        "hours": hours,
        "alerts": [],
        "weather_state": state,
    })
}

/// The three words that earlier clients know.
pub fn seed_state(state: WeatherState) -> &'static str {
    match state {
        WeatherState::Online => "online",
        WeatherState::Degraded => "degraded_offline_using_cache",
        WeatherState::Offline => "offline_no_weather_data",
    }
}

/// When the sun rises and sets today, `null` on a day without.
pub fn solar_times(settings: &ControlSettings, now: Timestamp) -> Value {
    let date = settings.zone.to_datetime(now).date();
    let (rise, set) = sun(settings.zone.clone(), settings.place, date);
    let clock = |at: Option<Timestamp>| at.map(|it| settings.zone.to_datetime(it).strftime("%H:%M").to_string());
    json!({
        "date": date.to_string(),
        "sunrise": clock(rise),
        "sunset": clock(set),
        "timezone": settings.zone.iana_name(),
    })
}

/// When each group will be on and off, as the planner has worked it out.
pub fn mat_forecast(settings: &ControlSettings, house: &House, plans: &BTreeMap<Slug, Plan>) -> Value {
    if plans.is_empty() {
        return no_data("nothing is planned yet");
    }
    let groups: serde_json::Map<String, Value> =
        plans.iter().map(|(group, plan)| (group.to_string(), windows(settings, house, plan).into())).collect();
    let until = plans.values().map(|it| it.until).max().unwrap_or(house.at);
    let horizon = until.duration_since(house.at).as_secs_f64() / 3600.0;
    json!({
        "status": "ok",
        "horizon_hours": rounded(horizon.max(0.0)),
        "step_minutes": 60,
        "generated_at": plans.values().map(|it| it.made_at).max().map(|it| local(settings, it)),
        "groups": groups,
    })
}

fn no_data(reason: &str) -> Value {
    json!({ "status": "no_data", "reason": reason })
}

fn local(settings: &ControlSettings, at: Timestamp) -> String {
    at.display_with_offset(settings.zone.to_offset(at)).to_string()
}

fn hour(settings: &ControlSettings, it: &Interval) -> Value {
    let fahrenheit = |it: Option<Celsius>| it.map(|it| rounded(it.fahrenheit()));
    let celsius = |it: Option<Celsius>| it.map(|it| rounded(it.0));
    let mut raw = json!(it);
    in_zone(&mut raw, &settings.zone);
    json!({
        "time": local(settings, it.start),
        "temp_f": fahrenheit(it.temperature),
        "temp_c": celsius(it.temperature),
        "dewpoint_f": fahrenheit(it.dew_point),
        "dewpoint_c": celsius(it.dew_point),
        "humidity_percent": it.humidity.map(rounded),
        "black_ice_risk": black_ice_risk(&settings.thresholds, it),
        "precip_prob": null,
        "precip_intensity": it.precipitation.map(rounded),
        "precip_type": kind(it),
        "wind_speed": it.wind.map(rounded),
        "alerts": [],
        "raw": raw,
    })
}

fn kind(it: &Interval) -> Option<&'static str> {
    precipitation(it).map(|it| match it {
        PrecipitationKind::Rain => "rain",
        PrecipitationKind::Snow => "snow",
        PrecipitationKind::FreezingRain => "freezing_rain",
    })
}

/// The windows that are on, and what lies between them.
fn windows(settings: &ControlSettings, house: &House, plan: &Plan) -> Vec<Value> {
    let off = if house.vacation { "vacation_mode" } else { "no_active_schedule" };
    let window = |start, end, state: Switch, reason: &str, details: Value| {
        json!({
            "start": local(settings, start), "end": local(settings, end), "state": state.to_string().to_lowercase(),
            "reason": reason, "details": details,
        })
    };
    let mut shown = Vec::new();
    let mut at = plan.made_at;
    for it in &plan.windows {
        if at < it.start {
            shown.push(window(at, it.start, Switch::Off, off, json!({})));
        }
        let details = json!({ "sentence": it.reason, "kwh": it.kwh, "cost": it.cost });
        shown.push(window(it.start, it.end, Switch::On, it.mode.as_str(), details));
        at = it.end;
    }
    if at < plan.until {
        shown.push(window(at, plan.until, Switch::Off, off, json!({})));
    }
    shown
}
