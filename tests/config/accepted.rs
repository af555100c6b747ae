//! Whole files: the example, and one with every key of the seed.

use heattrax::{
    config,
    model::{BrokerHost, Class},
};

use crate::{SMALL, bad, env, good, parse, parse_with};

const EXAMPLE: &str = include_str!("../../config/heattrax.yaml");

/// Every key that the seed knew, in one file of our own.
const SEED: &str = include_str!("seed.yaml");

#[test]
fn the_example_has_neither_problems_nor_warnings() {
    let account = env(&[("HEATTRAX_TAPO_USERNAME", "ann@example.org"), ("HEATTRAX_TAPO_PASSWORD", "hunter22")]);
    let settings = parse_with(EXAMPLE, &account).unwrap_or_else(|problems| panic!("{problems}"));
    assert_eq!(settings.warnings, Vec::<String>::new());
    assert_eq!(settings.devices.len(), 1, "the mat and the lights hang on one plug");
    assert_eq!(settings.devices[0].outlet_names[&2], "Porch lights");
    let walkway = settings.control.groups.values().find(|it| it.name == "walkway").unwrap();
    assert_eq!((walkway.class, walkway.schedules.len()), (Class::Heater, 2));
    assert_eq!(settings.mqtt.as_ref().unwrap().host, BrokerHost::Remote("localhost".to_owned()));
    assert_eq!(config::report(&Ok(settings)), "OK");
}

#[test]
fn the_example_s_placeholders_are_named() {
    let lines = bad(EXAMPLE);
    assert_eq!(lines.len(), 2);
    assert!(lines[0].contains("devices.credentials.username: found the placeholder of a template"), "{lines:#?}");
    assert!(lines[1].contains("devices.credentials.password: found the placeholder of a template"), "{lines:#?}");
}

#[test]
fn a_file_of_the_seed_loads_unchanged() {
    let settings = good(SEED);
    assert_eq!(settings.devices.len(), 4);
    assert_eq!(settings.control.groups.len(), 3);
    assert!(settings.mqtt.is_none());
    let weather = settings.weather.as_ref().unwrap();
    assert_eq!((weather.horizon_hours, weather.retry_at_most.as_secs()), (24, 3600));
    assert_eq!(weather.cache_file.to_string_lossy(), "data/state/weather_cache.json");
}

#[test]
fn what_nothing_uses_yet_is_warned_about_once_with_its_place() {
    let warnings = good(SEED).warnings;
    for (path, text) in [
        ("mqtt", "there is no such section: MQTT is off"),
        ("weather_api.openweathermap", "accepted, not used by this version"),
        ("weather_api.resilience.outage_alert_after_minutes", "accepted, not used by this version"),
        ("devices.groups.legacy_mats.automation", "accepted, but not translated by this version"),
        ("devices.groups.legacy_mats.schedule", "accepted, but not translated by this version"),
        ("thresholds.temperature_f", "accepted, not used by this version"),
        ("morning_mode", "accepted, not used by this version"),
        ("scheduler", "accepted, not used by this version"),
        ("logging.max_file_size_mb", "accepted, not used by this version"),
        ("health_check", "accepted, not used by this version"),
        ("reboot", "accepted, not used by this version"),
        ("health_server", "accepted, not used by this version"),
        ("notifications", "accepted, not used by this version: no notification is sent"),
        ("web.pin", "accepted, not used by this version"),
        ("web.auth", "accepted, not used by this version"),
    ] {
        let of_it: Vec<_> = warnings.iter().filter(|it| it.contains(&format!(": {path}: "))).collect();
        assert_eq!(of_it.len(), 1, "{path}: {warnings:#?}");
        assert!(of_it[0].starts_with("house.yaml:") && of_it[0].contains(text), "{path}: {of_it:?}");
    }
}

#[test]
fn the_seed_s_template_for_new_users_needs_only_an_account() {
    let text = SMALL.replace("{username: ann@example.org, password: hunter22}", "{username: '', password: ''}");
    let lines = bad(&text);
    assert_eq!(lines.len(), 2, "{lines:#?}");
}

#[test]
fn keys_without_a_value_say_nothing() {
    let settings = good(&format!("{SMALL}safety:\nweb:\n  port:\nthresholds:\n  # nothing here\n"));
    assert_eq!(settings.control.safety.longest_on.as_hours(), 6);
    assert_eq!(settings.web.unwrap().port, 4328);
    let lines = bad(&format!("{SMALL}safty:\n"));
    assert!(lines[0].starts_with("house.yaml:9:1: safty: found an unknown key `safty`"), "{lines:#?}");
    let lines = bad(&SMALL.replace("    mat:", "    empty:\n    mat:"));
    assert_eq!(
        lines,
        ["house.yaml:5:10: devices.groups.empty: found nothing; allowed: a section: keys with values, indented below"]
    );
}

#[test]
fn defaults_hold_when_nobody_says_otherwise() {
    let settings = good(SMALL);
    let control = &settings.control;
    assert_eq!((control.safety.longest_on.as_hours(), control.safety.rest.as_mins()), (6, 30));
    assert_eq!((control.thresholds.lead.as_mins(), control.thresholds.trailing.as_mins()), (60, 60));
    let ice = control.thresholds.black_ice.unwrap();
    assert!((ice.temperature_max.fahrenheit() - 36.0).abs() < 1e-9 && (ice.spread * 1.8 - 4.0).abs() < 1e-9);
    assert_eq!(ice.humidity_min, 80.0);
    assert_eq!((control.wish_lasts.as_hours(), control.forecast_valid.unwrap().as_hours()), (3, 6));
    assert_eq!(control.zone.iana_name(), Some("America/New_York"));
    let weather = settings.weather.unwrap();
    assert_eq!(weather.open_meteo_base_url, "https://api.open-meteo.com");
    assert_eq!((weather.refresh_every.as_secs(), weather.retry_after.as_secs()), (600, 300));
    assert_eq!(settings.web.unwrap().bind_host, "127.0.0.1");
    assert!(settings.homeassistant.discovery);
    assert!(settings.warnings.is_empty());
}

#[test]
fn weather_and_web_can_be_switched_off() {
    let settings =
        good(&format!("{SMALL}weather_api: {{enabled: false, provider: openweathermap}}\nweb: {{enabled: no}}\n"));
    assert!(settings.weather.is_none() && settings.control.forecast_valid.is_none() && settings.web.is_none());
}

#[test]
fn anchors_and_merged_maps_work() {
    let text = SMALL.replace(
        "{latitude: 40.7, longitude: -74.0, timezone: America/New_York}",
        "&here\n  latitude: 40.7\n  longitude: -74.0\n  timezone: UTC",
    );
    assert_eq!(good(&text).control.place.longitude, -74.0);
    let text = format!("{SMALL}x: &x {{port: 80}}\nweb:\n  <<: *x\n  bind_host: 0.0.0.0\n");
    let problems = parse(&text).unwrap_err();
    assert_eq!(problems.list.len(), 1, "{problems}");
    assert_eq!(problems.partial.web.port, 80);
}

#[test]
fn a_missing_zone_is_utc_with_a_warning() {
    let settings = good(&SMALL.replace(", timezone: America/New_York", ""));
    assert_eq!(settings.warnings, ["house.yaml:1:1: location.timezone: not set: wall-clock times are UTC"]);
}
