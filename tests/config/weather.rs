//! How often the forecast is asked for.

use heattrax::model::WeatherState;

use crate::good;

/// The seconds of the refresh that comes of these keys, and what is said of them.
fn refresh(keys: &str) -> (u64, Vec<String>) {
    let settings = good(&crate::small_and(&format!("weather_api: {{resilience: {{{keys}}}}}\n")));
    (settings.weather.unwrap().refresh_every.as_secs(), settings.warnings)
}

#[test]
fn a_forecast_is_renewed_before_it_is_too_old() {
    let said = "the forecast is asked for every";
    let trouble = "min, and not more seldom: one that is 2 h old counts as trouble";
    let half = "min, and not more seldom: half of `cache_valid_hours`";
    for (keys, minutes, words) in [
        ("refresh_interval_minutes: 100", 100, None),
        ("refresh_interval_minutes: 30, cache_valid_hours: 1", 30, None),
        ("cache_valid_hours: 168, refresh_interval_minutes: 1", 1, None),
        (
            "refresh_interval_minutes: 180",
            100,
            Some(format!("resilience.refresh_interval_minutes: {said} 100 {trouble}")),
        ),
        (
            "refresh_interval_minutes: 1440",
            100,
            Some(format!("resilience.refresh_interval_minutes: {said} 100 {trouble}")),
        ),
        (
            "refresh_interval_minutes: 90, cache_valid_hours: 2",
            60,
            Some(format!("resilience.refresh_interval_minutes: {said} 60 {half}")),
        ),
        ("cache_valid_hours: 0.2", 6, Some(format!("resilience.cache_valid_hours: {said} 6 {half}"))),
        ("cache_valid_hours: 0.01", 1, Some(format!("resilience.cache_valid_hours: {said} 1 {half}"))),
    ] {
        let (seconds, warnings) = refresh(keys);
        assert_eq!(seconds, minutes * 60, "{keys}");
        assert_eq!(warnings.len(), usize::from(words.is_some()), "{keys}: {warnings:?}");
        let is_said = |words: String| warnings[0].starts_with("house.yaml:9:") && warnings[0].ends_with(&words);
        assert!(words.is_none_or(is_said), "{warnings:?}");
        // With a tenth more by chance, and three and a half minutes past the full hour.
        let latest = seconds + seconds / 10 + 210;
        assert!(latest < WeatherState::RENEWED_WITHIN.unsigned_abs().as_secs(), "{keys}");
    }
}

#[test]
fn with_met_norway_a_forecast_is_acted_on_until_it_can_have_been_renewed() {
    let met = "met_norway: {contact: you@example.org}";
    let said = "resilience.cache_valid_hours: a forecast is acted on for 2 h, and no shorter: met-norway is not asked again before it `Expires`";
    for (providers, hours, minutes, is_raised) in [
        ("providers: [open-meteo]", "1", 60, false),
        ("providers: [met-norway]", "1", 120, true),
        ("providers: [open-meteo, met-norway]", "0.1", 120, true),
        ("providers: [met-norway]", "2", 120, false),
        ("providers: [met-norway]", "6", 360, false),
    ] {
        let keys = format!("{{{providers}, {met}, resilience: {{cache_valid_hours: {hours}}}}}");
        let settings = good(&crate::small_and(&format!("weather_api: {keys}\n")));
        let valid = settings.weather.unwrap().valid;
        assert_eq!((valid.as_mins(), settings.control.forecast_valid), (minutes, Some(valid)), "{keys}");
        assert_eq!(settings.warnings.iter().any(|it| it.ends_with(said)), is_raised, "{:?}", settings.warnings);
    }
}
