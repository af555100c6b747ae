//! Whole files: the example, and one with every key of the seed.

use heattrax::{
    config,
    model::{
        BrokerHost, Class, DeviceLayout, HomeAssistantSettings, HomeAssistantVersion, Melt, Provider, ProviderSettings,
    },
};

use crate::{SMALL, bad, env, good, parse, parse_with};

const EXAMPLE: &str = include_str!("../../config/heattrax.yaml");
const SNOW_MELT: &str = include_str!("../../config/snow-melt.yaml");
const ACCOUNT: [(&str, &str); 2] =
    [("HEATTRAX_TAPO_USERNAME", "ann@example.org"), ("HEATTRAX_TAPO_PASSWORD", "hunter22")];

/// Every key that the seed knew, in one file of our own.
const SEED: &str = include_str!("seed.yaml");

#[test]
fn the_example_has_neither_problems_nor_warnings() {
    let settings = parse_with(EXAMPLE, &env(&ACCOUNT)).unwrap_or_else(|problems| panic!("{problems}"));
    assert_eq!(settings.warnings, Vec::<String>::new());
    assert_eq!(settings.devices.len(), 2, "the mat and the lights hang on one plug");
    assert_eq!(settings.devices[0].outlet_names[&2], "Porch lights");
    let group = |name: &str| settings.control.groups.values().find(|it| it.name == name).unwrap();
    let (walkway, steps) = (group("walkway"), group("back_steps"));
    assert_eq!((walkway.class, walkway.schedules.len(), &walkway.melt), (Class::Heater, 0, &Some(Melt::default())));
    assert_eq!((steps.class, steps.schedules.len(), &steps.melt), (Class::Heater, 2, &None));
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
fn what_the_example_has_behind_comment_signs_loads_too() {
    let keys = [
        "rated_watts:",
        "circuit:",
        "name: porch",
        "amps:",
        "volts:",
        "except:",
        "also:",
        "tariff:",
        "price_per_kwh:",
        "currency:",
        "windows:",
        "- {name: Peak",
        "username: heattrax",
    ];
    let uncommented = |line: &str| match line.split_once("# ") {
        Some((margin, rest)) if margin.trim().is_empty() && keys.iter().any(|it| rest.trim_start().starts_with(it)) => {
            format!("{margin}{rest}\n")
        }
        _ => format!("{line}\n"),
    };
    let text: String = EXAMPLE.lines().map(uncommented).collect();
    let settings = parse_with(&text, &env(&ACCOUNT)).unwrap_or_else(|problems| panic!("{problems}"));
    assert_eq!(settings.warnings, Vec::<String>::new());
    assert_eq!(settings.control.circuits["porch"].amps, 12.0);
    assert_eq!(settings.control.tariff.as_ref().unwrap().windows.len(), 1);
    let dates: Vec<_> = settings.control.groups.values().flat_map(|it| &it.schedules).flat_map(|it| &it.also).collect();
    assert_eq!(dates.len(), 1);
}

#[test]
fn the_recommended_config_takes_its_place_from_the_environment_and_melts_by_the_defaults() {
    let place =
        [("HEATTRAX_LATITUDE", "40.7"), ("HEATTRAX_LONGITUDE", "-74.2"), ("HEATTRAX_TIMEZONE", "America/New_York")];
    let settings = parse_with(SNOW_MELT, &env(&[place.as_slice(), &ACCOUNT].concat()))
        .unwrap_or_else(|problems| panic!("{problems}"));
    assert_eq!(settings.warnings, Vec::<String>::new());
    let control = &settings.control;
    assert_eq!(control.groups.keys().map(|it| it.as_str()).collect::<Vec<_>>(), ["mats"]);
    let mats = control.groups.values().next().unwrap();
    assert_eq!((mats.class, &mats.melt), (Class::Heater, &Some(Melt::default())), "what is written out is the default");
    assert_eq!((mats.members.len(), mats.members[0].rated_watts), (1, Some(1500)));
    assert_eq!((mats.schedules.len(), control.circuits.len(), &control.tariff), (0, 0, &None));
    assert_eq!((control.place.latitude, control.zone.iana_name()), (40.7, Some("America/New_York")));
    // Every key that there is stands in it.
    let shown = settings.shown["devices"]["groups"]["mats"]["melt"].as_object().unwrap().len();
    assert_eq!(shown, 12, "a new key of `melt` belongs into the file");

    let problems = parse_with(SNOW_MELT, &env(&place)).unwrap_err();
    assert_eq!(problems.list.len(), 2, "{problems}");
    assert!(problems.list.iter().all(|it| it.found == "the placeholder of a template"), "{problems}");
    let problems = parse_with(SNOW_MELT, &env(&ACCOUNT)).unwrap_err();
    assert_eq!(problems.list.iter().map(|it| it.path.as_str()).collect::<Vec<_>>(), ["location"]);
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
        ("weather_api.openweathermap.api_url", "accepted, not used: the address without `/data/2.5` is `base_url`"),
        ("devices.groups.legacy_mats.automation", "read as `schedules: [{name: Precipitation (from automation), "),
        ("devices.groups.legacy_mats.schedule", "without effect, as it always was"),
        ("morning_mode", "without effect: only groups with `automation`"),
        ("scheduler", "accepted, not used by this version"),
        ("logging.max_file_size_mb", "accepted, not used by this version"),
        ("health_check", "accepted, not used by this version"),
        ("reboot", "accepted, not used by this version"),
        ("notifications.required", "accepted, not used by this version"),
        ("notifications.check_interval_seconds", "accepted, not used by this version"),
        ("notifications.forecast.state_file", "accepted, not used: what was told is kept in the data folder"),
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
    assert_eq!(weather.providers, [ProviderSettings::usual(Provider::OpenMeteo)]);
    assert_eq!(weather.providers[0].base_url, "https://api.open-meteo.com");
    assert_eq!((weather.refresh_every.as_secs(), weather.retry_after.as_secs()), (600, 300));
    assert_eq!(settings.web.unwrap().bind_host, "127.0.0.1");
    assert_eq!(settings.homeassistant, HomeAssistantSettings::default());
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

#[test]
fn a_layout_and_a_version_of_home_assistant_are_read() {
    let read = |line: &str| good(&format!("{SMALL}homeassistant: {{{line}}}\n")).homeassistant;
    let children = read("min_version: 2026.11.2, device_layout: child_devices, command_expiry_seconds: 15");
    assert_eq!(children.layout, DeviceLayout::ChildDevices);
    assert_eq!(children.min_version, Some(HomeAssistantVersion { year: 2026, month: 11 }));
    assert_eq!(children.command_expiry, Some(15));
    // As a number, 2026.10 would be 2026.1.
    assert_eq!(read("min_version: 2026.10").min_version.unwrap().to_string(), "2026.10");
    assert_eq!(read("device_layout: components").layout, DeviceLayout::Components);
}

#[test]
fn providers_keep_their_order_and_their_secrets_stay_secrets() {
    let settings = good(&format!(
        "{SMALL}weather_api:\n  providers: [nws, met_norway, pirate-weather, openweathermap]\n  \
         met_norway: {{contact: \"me@example.org\"}}\n  pirate_weather: {{api_key: abcdef}}\n  \
         openweathermap: {{api_key: 123456, one_call: true, base_url: \"http://127.0.0.1:8080/\"}}\n"
    ));
    assert!(!settings.shown.to_string().contains("abcdef") && !settings.shown.to_string().contains("123456"));
    let providers = settings.weather.unwrap().providers;
    let names: Vec<_> = providers.iter().map(|it| it.provider.name()).collect();
    assert_eq!(names, ["nws", "met-norway", "pirate-weather", "openweathermap"]);
    assert_eq!(providers[1].contact.as_deref(), Some("me@example.org"));
    assert_eq!(providers[2].api_key.as_ref().unwrap().reveal(), "abcdef");
    assert_eq!((providers[3].one_call, providers[3].base_url.as_str()), (true, "http://127.0.0.1:8080"));
    assert!(!format!("{providers:?}").contains("abcdef"));
}

#[test]
fn a_proxy_is_the_same_however_its_address_is_written() {
    let text = r#"[ 172.30.32.2, "::ffff:172.30.32.2", "::ffff:172.30.32.0/119", "2001:db8::7/64" ]"#;
    let web = good(&format!("{SMALL}\nweb: {{ trusted_proxies: {text} }}\n")).web.unwrap();
    let shown: Vec<_> = web.trusted_proxies.iter().map(ToString::to_string).collect();
    assert_eq!(shown, ["172.30.32.2/32", "172.30.32.2/32", "172.30.32.0/23", "2001:db8::/64"]);
}

#[test]
fn the_health_server_is_off_until_it_is_switched_on() {
    assert_eq!(good(SMALL).health, None);
    let on = good(&format!("{SMALL}\nhealth_server: {{enabled: true, host: 127.0.0.1}}\n")).health.unwrap();
    assert_eq!((on.bind_host.as_str(), on.port), ("127.0.0.1", 4329));
}
