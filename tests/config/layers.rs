//! Defaults, file, environment, command line: the later one wins.

use heattrax::{
    config::{self, Overrides, Place, Sources},
    model::{BrokerHost, LogFormat, Protocol},
};

use crate::{SMALL, env, good, parse_with, small_and};

#[test]
fn the_environment_wins_over_the_file_and_the_command_line_over_both() {
    let text = small_and("data: /from/file\nlogging: {level: error, format: text}\nweb: {port: 1}\n");
    let env = env(&[
        ("HEATTRAX_DATA", "/from/env"),
        ("HEATTRAX_LOG_LEVEL", "WARNING"),
        ("HEATTRAX_WEB_PORT", "2"),
        ("HEATTRAX_LATITUDE", "51.5"),
        ("HEATTRAX_VACATION_MODE", "on"),
        ("HEATTRAX_MQTT__HOST", "broker.lan"),
        ("HEATTRAX_MQTT__PROTOCOL", "3.1.1"),
        ("HEATTRAX_MAX_RUNTIME_HOURS", "4.5"),
    ]);
    let settings = parse_with(&text, &env).unwrap();
    assert_eq!(settings.data.to_string_lossy(), "/from/env");
    assert_eq!(settings.log.level, "warn");
    assert_eq!(settings.web.as_ref().unwrap().port, 2);
    assert_eq!((settings.control.place.latitude, settings.control.place.longitude), (51.5, -74.0));
    assert!(settings.control.vacation);
    let mqtt = settings.mqtt.unwrap();
    assert_eq!((mqtt.host, mqtt.protocol), (BrokerHost::Remote("broker.lan".to_owned()), Protocol::V4));
    assert_eq!(settings.control.safety.longest_on.as_mins(), 270);
    assert_eq!(settings.shown["web"]["port"], 2);
    assert_eq!(settings.shown["vacation_mode"], "on");

    let flags = Overrides {
        data: Some("/from/flag".into()),
        log_level: Some("heattrax::mqtt=debug,info".to_owned()),
        log_format: Some("json".to_owned()),
    };
    let settings = config::parse("house.yaml", &text, &env, &flags).unwrap();
    assert_eq!(settings.data.to_string_lossy(), "/from/flag");
    assert_eq!(settings.log.level, "heattrax::mqtt=debug,info");
    assert_eq!(settings.log.format, LogFormat::Json);
    assert!(settings.weather.unwrap().cache_file.starts_with("/from/flag"));
}

#[test]
fn bad_values_name_their_variable_or_option() {
    let env = env(&[
        ("HEATTRAX_LATITUDE", "north"),
        ("HEATTRAX_WEB_PORT", "99999"),
        ("HEATTRAX_VACATION_MODE", "perhaps"),
        ("HEATTRAX_MQTT__PROT", "1883"),
        ("HEATTRAX_MQTT____PORT", "1883"),
        ("HEATTRAX_TIMEZONE", "Mars/Base"),
    ]);
    let flags = Overrides { log_format: Some("xml".to_owned()), ..Overrides::default() };
    let problems = config::parse("house.yaml", SMALL, &env, &flags).unwrap_err();
    let lines: Vec<String> = problems.list.iter().map(ToString::to_string).collect();
    let start = |at: usize, text: &str| assert!(lines[at].starts_with(text), "{lines:#?}");
    start(0, "environment HEATTRAX_LATITUDE: location.latitude: found \"north\"; allowed: a number from -90 to 90");
    start(1, "environment HEATTRAX_MQTT__PROT: mqtt.prot: found an unknown key `prot`");
    assert!(lines[1].ends_with("did you mean `port`?"), "{lines:#?}");
    start(2, "environment HEATTRAX_MQTT____PORT: mqtt..port: found an empty part");
    start(3, "environment HEATTRAX_TIMEZONE: location.timezone: found \"Mars/Base\"");
    start(4, "environment HEATTRAX_VACATION_MODE: vacation_mode: found \"perhaps\"; allowed: true or false");
    start(5, "environment HEATTRAX_WEB_PORT: web.port: found \"99999\"; allowed: a whole number from 1 to 65535");
    start(6, "option --log-format: logging.format: found \"xml\"; allowed: text or json");
    assert_eq!(lines.len(), 7);
}

#[test]
fn an_unknown_single_name_is_a_warning_and_an_empty_value_is_none() {
    let env = env(&[
        ("HEATTRAX_LATITUD", "3"),
        ("HEATTRAX_LONGITUDE", ""),
        ("HEATTRAX_CONFIG_PATH", "/somewhere"),
        ("PATH", "/bin"),
        ("HEATTRAX_LOG_LEVEL", "error"),
        ("HEATTRAX_LOG", "debug"),
        ("HEATTRAX_LOGGING__LEVEL", "trace"),
    ]);
    let settings = parse_with(SMALL, &env).unwrap();
    assert_eq!(settings.control.place.longitude, -74.0);
    assert_eq!(settings.log.level, "trace");
    assert_eq!(
        settings.warnings,
        [
            "environment HEATTRAX_LATITUD: no such setting, ignored; did you mean `HEATTRAX_LATITUDE`?",
            "environment HEATTRAX_LOG_LEVEL: logging.level: wins over environment HEATTRAX_LOG",
            "environment HEATTRAX_LOGGING__LEVEL: logging.level: wins over environment HEATTRAX_LOG_LEVEL",
        ]
    );
}

#[test]
fn a_path_finds_keys_that_are_not_lower_case() {
    let text = SMALL.replace("    mat:", "    Front Mat:");
    let env = env(&[("HEATTRAX_DEVICES__GROUPS__FRONT_MAT__ENABLED", "no")]);
    let settings = parse_with(&text, &env).unwrap();
    assert!(!settings.control.groups.values().next().unwrap().enabled);
}

#[test]
fn a_mistake_in_the_file_is_told_though_the_environment_speaks_of_the_same_section() {
    let text = SMALL.replace("{host: localhost}", "localhost");
    let problems = parse_with(&text, &env(&[("HEATTRAX_MQTT__HOST", "broker.lan")])).unwrap_err();
    assert_eq!(problems.list.len(), 1);
    assert!(problems.list[0].to_string().starts_with("house.yaml:8:7: mqtt: found text; allowed: a section"));
}

#[test]
fn a_word_in_the_file_hides_no_section_of_the_environment_where_both_may_stand() {
    let text = format!("{SMALL}\nweather_api: {{ when_unknown: \"off\" }}\n");
    let held = |pairs: &[(&str, &str)]| parse_with(&text, &env(pairs)).unwrap().control.hold_unknown;
    assert_eq!(held(&[]), None);
    let held = held(&[("HEATTRAX_WEATHER_API__WHEN_UNKNOWN__HOLD", "2h")]);
    assert_eq!(held.map(|it| it.as_hours()), Some(2));
}

#[test]
fn a_variable_that_leads_into_a_list_is_told() {
    let name = "HEATTRAX_DEVICES__GROUPS__MAT__ITEMS__0__IP_ADDRESS";
    let problems = parse_with(SMALL, &env(&[(name, "192.0.2.9")])).unwrap_err().to_string();
    let words = format!("environment {name}: devices.groups.mat.items: found a part of a list");
    assert!(problems.contains(&words), "{problems}");
}

#[test]
fn no_login_is_told_where_a_host_is_wanted() {
    for text in [
        SMALL.replace("host: localhost", "host: \"mqtt://user:s3cret@broker\""),
        format!("{SMALL}\nnotifications: {{ email: {{ enabled: true, smtp_host: \"me:s3cret@mail.example\" }} }}\n"),
        format!(
            "{SMALL}\nnotifications: {{ webhook: {{ enabled: true, url: \"http://h/\", headers: {{ Authorization_file: /run/s3cret }} }} }}\n"
        ),
    ] {
        let problems = parse_with(&text, &env(&[])).unwrap_err().to_string();
        assert!(!problems.contains("s3cret"), "{problems}");
    }
}

#[test]
fn the_client_id_carries_the_machine_s_name() {
    let id = |hostname: &str| parse_with(SMALL, &env(&[("HOSTNAME", hostname)])).unwrap().mqtt.unwrap().client_id;
    assert_eq!(id("pi"), "heattrax-pi");
    assert_eq!(id("two words"), "heattrax");
    assert_eq!(id(""), "heattrax");
}

#[test]
fn tls_moves_the_port_and_embedded_needs_no_network() {
    let mqtt = |section: &str| good(&SMALL.replace("{host: localhost}", section)).mqtt.unwrap();
    let tls = mqtt("{host: b, tls: {ca_file: /ca.pem, server_name: broker}}");
    assert_eq!((tls.port, tls.tls.unwrap().server_name.unwrap().as_str()), (8883, "broker"));
    assert_eq!(mqtt("{host: b, tls: {}, port: 1}").port, 1);
    assert_eq!(mqtt("{host: embedded}").host, BrokerHost::Embedded);
    assert_eq!(mqtt("{host: b, base_topic: a/b, client_id: x, keep_alive_seconds: 30}").keep_alive.as_secs(), 30);
}

#[test]
fn a_missing_file_is_one_problem_and_the_environment_still_counts() {
    let sources = Sources {
        file: Some("/no/such/heattrax.yaml".into()),
        env: env(&[("HEATTRAX_MQTT__HOST", "broker.lan"), ("HEATTRAX_WEB_PORT", "80x")]),
        flags: Overrides::default(),
    };
    let problems = config::load(&sources).unwrap_err();
    assert_eq!(problems.list.len(), 2, "{problems}");
    assert_eq!(problems.list[0].place, Place::Whole("/no/such/heattrax.yaml".into()));
    assert!(problems.list[0].to_string().contains("config/heattrax.yaml or /etc/heattrax/heattrax.yaml"));
    assert_eq!(problems.list[1].place, Place::Environment("HEATTRAX_WEB_PORT".to_owned()));
    assert_eq!(problems.partial.mqtt.unwrap().host, BrokerHost::Remote("broker.lan".to_owned()));
}

#[test]
fn the_file_is_named_by_option_then_environment() {
    let folder = tempfile::tempdir().unwrap();
    let (one, two) = (folder.path().join("one.yaml"), folder.path().join("two.yaml"));
    std::fs::write(&one, format!("{SMALL}web: {{port: 1}}\n")).unwrap();
    std::fs::write(&two, format!("{SMALL}web: {{port: 2}}\n")).unwrap();
    let mut sources = Sources::default();
    sources.env.insert("HEATTRAX_CONFIG_PATH".to_owned(), two.to_string_lossy().into_owned());
    assert_eq!(config::load(&sources).unwrap().web.unwrap().port, 2);
    sources.file = Some(one);
    assert_eq!(config::load(&sources).unwrap().web.unwrap().port, 1);
}

#[test]
fn bytes_that_are_no_text_have_a_place() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("house.yaml");
    std::fs::write(&file, b"a: 1\nb: \xC3\xA9\xFF\n").unwrap();
    let problems = config::load(&Sources { file: Some(file.clone()), ..Sources::default() }).unwrap_err();
    let line = problems.list[0].to_string();
    assert_eq!(line, format!("{}:2:5: found a byte that is no UTF-8; allowed: text in UTF-8", file.display()));
}

/// Every name that the scheduler before this bridge read, and the key that it is for.
const BEFORE: [(&str, &str, &str); 48] = [
    ("LATITUDE", "44.5", "location.latitude"),
    ("LONGITUDE", "-71.5", "location.longitude"),
    ("TIMEZONE", "America/Toronto", "location.timezone"),
    ("WEATHER_ENABLED", "true", "weather_api.enabled"),
    ("WEATHER_PROVIDER", "openweathermap", "weather_api.provider"),
    ("OPENWEATHERMAP_API_KEY", "0123456789abcdef0123456789abcdef", "weather_api.openweathermap.api_key"),
    ("WEATHER_CACHE_FILE", "state/other.json", "weather_api.resilience.cache_file"),
    ("WEATHER_CACHE_VALID_HOURS", "5.5", "weather_api.resilience.cache_valid_hours"),
    ("WEATHER_FORECAST_HORIZON_HOURS", "24", "weather_api.resilience.forecast_horizon_hours"),
    ("WEATHER_REFRESH_INTERVAL_MINUTES", "15", "weather_api.resilience.refresh_interval_minutes"),
    ("WEATHER_RETRY_INTERVAL_MINUTES", "6", "weather_api.resilience.retry_interval_minutes"),
    ("WEATHER_MAX_RETRY_INTERVAL_MINUTES", "50", "weather_api.resilience.max_retry_interval_minutes"),
    ("WEATHER_OUTAGE_ALERT_AFTER_MINUTES", "40", "weather_api.resilience.outage_alert_after_minutes"),
    ("TAPO_USERNAME", "snow@example.org", "devices.credentials.username"),
    ("TAPO_PASSWORD", "of the plugs", "devices.credentials.password"),
    ("THRESHOLD_TEMP_F", "35.5", "thresholds.temperature_f"),
    ("LEAD_TIME_MINUTES", "45", "thresholds.lead_time_minutes"),
    ("TRAILING_TIME_MINUTES", "75", "thresholds.trailing_time_minutes"),
    ("CHECK_INTERVAL_MINUTES", "11", "scheduler.check_interval_minutes"),
    ("FORECAST_HOURS", "13", "scheduler.forecast_hours"),
    ("MAX_RUNTIME_HOURS", "4.5", "safety.max_runtime_hours"),
    ("COOLDOWN_MINUTES", "25", "safety.cooldown_minutes"),
    ("VACATION_MODE", "true", "vacation_mode"),
    ("LOG_LEVEL", "WARNING", "logging.level"),
    ("HEALTH_CHECK_INTERVAL_HOURS", "12", "health_check.interval_hours"),
    ("HEALTH_CHECK_MAX_FAILURES", "4", "health_check.max_consecutive_failures"),
    ("HEALTH_SERVER_ENABLED", "true", "health_server.enabled"),
    ("HEALTH_SERVER_HOST", "127.0.0.1", "health_server.host"),
    ("HEALTH_SERVER_PORT", "4444", "health_server.port"),
    ("REBOOT_PAUSE_SECONDS", "61", "reboot.pause_seconds"),
    ("NOTIFICATIONS_TEST_ON_STARTUP", "true", "notifications.test_on_startup"),
    ("NOTIFICATION_EMAIL_ENABLED", "true", "notifications.email.enabled"),
    ("NOTIFICATION_EMAIL_SMTP_HOST", "smtp.example.org", "notifications.email.smtp_host"),
    ("NOTIFICATION_EMAIL_SMTP_PORT", "2525", "notifications.email.smtp_port"),
    ("NOTIFICATION_EMAIL_SMTP_USERNAME", "heat", "notifications.email.smtp_username"),
    ("NOTIFICATION_EMAIL_SMTP_PASSWORD", "of the mail", "notifications.email.smtp_password"),
    ("NOTIFICATION_EMAIL_FROM", "heat@example.org", "notifications.email.from_email"),
    ("NOTIFICATION_EMAIL_TO", "one@example.org", "notifications.email.to_emails"),
    ("NOTIFICATION_EMAIL_USE_TLS", "true", "notifications.email.use_tls"),
    ("NOTIFICATION_WEBHOOK_ENABLED", "true", "notifications.webhook.enabled"),
    ("NOTIFICATION_WEBHOOK_URL", "https://hooks.example.org/x", "notifications.webhook.url"),
    ("NOTIFICATION_FORECAST_ENABLED", "true", "notifications.forecast.enabled"),
    ("NOTIFICATION_FORECAST_NOTIFY_MODE", "always", "notifications.forecast.notify_mode"),
    ("WEB_ENABLED", "true", "web.enabled"),
    ("WEB_HOST", "127.0.0.2", "web.bind_host"),
    ("WEB_PORT", "4329", "web.port"),
    ("WEB_PIN", "2468", "web.pin"),
    ("WEB_PASSWORD", "of the page", "web.password"),
];
/// They are never shown.
const SECRET: [&str; 7] = [
    "weather_api.openweathermap.api_key",
    "devices.credentials.username",
    "devices.credentials.password",
    "notifications.email.smtp_password",
    "notifications.webhook.url",
    "web.pin",
    "web.password",
];

#[test]
fn every_name_of_the_environment_before_is_for_its_key() {
    let names: Vec<(String, &str)> =
        BEFORE.iter().map(|(name, value, _)| (format!("HEATTRAX_{name}"), *value)).collect();
    let all: Vec<(&str, &str)> = names.iter().map(|(name, value)| (name.as_str(), *value)).collect();
    let settings = parse_with(SMALL, &env(&all)).unwrap_or_else(|problems| panic!("{problems}"));
    for (name, value, path) in BEFORE {
        let shown = settings.shown.pointer(&format!("/{}", path.replace('.', "/")));
        let shown = shown.unwrap_or_else(|| panic!("{name}: `{path}` is not set")).clone();
        let text = shown.as_str().map_or_else(|| shown.to_string(), str::to_owned);
        if SECRET.contains(&path) {
            assert!(!text.contains(value), "{name} is shown");
        } else {
            assert!(text.contains(value), "{name}: `{path}` is {text} and not {value}");
        }
    }
}
