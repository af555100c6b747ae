//! Every bad input has its place, and says what is allowed there.

use crate::{SMALL, bad, group_with, parse, parse_with, small_and};

/// The first line that `small_and` adds is line 9.
#[track_caller]
pub(crate) fn says(text: &str, expected: &[&str]) {
    assert_eq!(bad(text), expected, "\n{text}");
}

#[test]
fn a_wrong_type_is_told_with_line_and_column() {
    says(
        &SMALL.replace("40.7", "north"),
        &["house.yaml:1:22: location.latitude: found \"north\"; allowed: a number from -90 to 90 degrees north"],
    );
    says(
        &small_and("vacation_mode: maybe\n"),
        &["house.yaml:9:16: vacation_mode: found \"maybe\"; allowed: true or false"],
    );
    says(
        &SMALL.replace("[0]", "[0, x]"),
        &["house.yaml:7:62: devices.groups.mat.items[0].outlets[1]: found \"x\"; allowed: a whole number from 0 to 15"],
    );
    says(
        &small_and("web: 4328\n"),
        &["house.yaml:9:6: web: found a number; allowed: a section: keys with values, indented below"],
    );
    says(
        &group_with("enabled: \"no\""),
        &["house.yaml:8:16: devices.groups.mat.enabled: found \"no\"; allowed: true or false"],
    );
    says(
        &SMALL.replace("host: localhost", "host: 7"),
        &["house.yaml:8:14: mqtt.host: found 7; allowed: text (write it in quotes)"],
    );
}

#[test]
fn an_unknown_key_is_told_with_the_nearest_right_one() {
    says(
        &SMALL.replace("outlets:", "outlet_s:"),
        &["house.yaml:7:49: devices.groups.mat.items[0].outlet_s: found an unknown key `outlet_s`; allowed: \
           `discovery_timeout_seconds` `ip_address` `mac` `name` `outlet` `outlets` `poll_seconds` `rated_watts`; did you \
           mean `outlets`?"],
    );
    let lines = bad(&small_and("safty: {max_runtime_hours: 3}\n"));
    assert_eq!(lines.len(), 1);
    assert!(lines[0].starts_with("house.yaml:9:1: safty: found an unknown key `safty`; allowed: `data` `devices`"));
    assert!(lines[0].ends_with("did you mean `safety`?"));
}

#[test]
fn every_duplicate_key_is_told() {
    says(
        &small_and("web:\n  port: 1\n  port: 2\nlocation: {}\nweb: {}\n"),
        &[
            "house.yaml:11:3: web.port: found `port` again (first on line 10); allowed: each key once",
            "house.yaml:12:1: location: found `location` again (first on line 1); allowed: each key once",
            "house.yaml:13:1: web: found `web` again (first on line 9); allowed: each key once",
        ],
    );
}

#[test]
fn a_time_that_does_not_exist_is_told() {
    let text =
        group_with("schedules:\n  - on: {type: time, value: \"25:00\"}\n    off: {type: time, value: \"07:60\"}");
    says(
        &text,
        &[
            "house.yaml:9:35: devices.groups.mat.schedules[0].on.value: found \"25:00\"; allowed: a time of day, HH:MM from \
         00:00 to 23:59",
            "house.yaml:10:36: devices.groups.mat.schedules[0].off.value: found \"07:60\"; allowed: a time of day, HH:MM from \
         00:00 to 23:59",
        ],
    );
}

#[test]
fn an_unknown_zone_is_told_with_a_near_one() {
    for (wrong, near) in [
        ("America/New_Yrok", "America/New_York"),
        ("America/NewYork", "America/New_York"),
        ("Berlin", "Europe/Berlin"),
        ("Europe/Berlín", "Europe/Berlin"),
    ] {
        says(
            &SMALL.replace("America/New_York", wrong),
            &[&format!(
                "house.yaml:1:56: location.timezone: found \"{wrong}\"; allowed: an IANA time zone, such as \
                 Europe/Berlin; did you mean `{near}`?"
            )],
        );
    }
    assert_eq!(bad(&SMALL.replace("America/New_York", "Mars/Base")).len(), 1);
}

#[test]
fn values_out_of_range_are_told() {
    let table = [
        ("safety: {max_runtime_hours: 0}", "9:29: safety.max_runtime_hours", "above 0, at most 8760 hours"),
        ("safety: {cooldown_minutes: 0}", "9:28: safety.cooldown_minutes", "above 0, at most 525600 minutes"),
        ("safety: {max_runtime_hours: .nan}", "9:29: safety.max_runtime_hours", "above 0, at most 8760 hours"),
        ("safety: {max_runtime_hours: .inf}", "9:29: safety.max_runtime_hours", "above 0, at most 8760 hours"),
        ("safety: {max_runtime_hours: 1e999}", "9:29: safety.max_runtime_hours", "above 0, at most 8760 hours"),
        ("thresholds: {lead_time_minutes: -1}", "9:33: thresholds.lead_time_minutes", "from 0 to 1440 minutes"),
        ("web: {port: 0}", "9:13: web.port", "a whole number from 1 to 65535"),
        ("web: {port: 65536}", "9:13: web.port", "a whole number from 1 to 65535"),
        ("web: {port: 80.5}", "9:13: web.port", "a whole number from 1 to 65535"),
        ("web: {bind_host: \"my host\"}", "9:18: web.bind_host", "an IP address or a host name"),
        ("web: {manual_override_timeout_hours: 25}", "9:38: web.manual_override_timeout_hours", "at most 24 hours"),
        ("web: {manual_override_timeout_hours: 0}", "9:38: web.manual_override_timeout_hours", "above 0"),
        ("scheduler: {check_interval_minutes: 0}", "9:37: scheduler.check_interval_minutes", "from 1 to 1440 minutes"),
        ("logging: {level: loud}", "9:18: logging.level", "error, warn, info, debug or trace"),
        ("logging: {format: xml}", "9:19: logging.format", "text or json"),
        ("units: kelvin", "9:8: units", "imperial or metric"),
    ];
    are_told(&table);
}

#[test]
fn values_of_home_assistant_weather_and_notifications_are_checked() {
    let table = [
        (
            "homeassistant: {device_layout: child_devices}",
            "9:32: homeassistant.device_layout",
            "min_version: \"2026.11\"` or later",
        ),
        (
            "homeassistant: {min_version: 2026.10, device_layout: child_devices}",
            "9:54: homeassistant.device_layout",
            "min_version: \"2026.11\"` or later",
        ),
        ("homeassistant: {device_layout: flat}", "9:32: homeassistant.device_layout", "via_device, child_devices or"),
        (
            "homeassistant: {min_version: 2026.6, command_expiry_seconds: 15}",
            "9:62: homeassistant.command_expiry_seconds",
            "min_version: \"2026.7\"` or later",
        ),
        ("homeassistant: {min_version: 2026.13}", "9:30: homeassistant.min_version", "a version of Home Assistant"),
        (
            "homeassistant: {min_version: 2026.7, command_expiry_seconds: 4}",
            "9:62: homeassistant.command_expiry_seconds",
            "5 to 3600 seconds",
        ),
        ("homeassistant: {discovery_prefix: a//b}", "9:35: homeassistant.discovery_prefix", "topic levels"),
        ("homeassistant: {min_version: latest}", "9:30: homeassistant.min_version", "a version of Home Assistant"),
        ("weather_api: {provider: openweathermap}", "9:1: weather_api.openweathermap", "a section with `api_key`"),
        ("weather_api: {provider: pirate_weather}", "9:1: weather_api.pirate_weather", "a section with `api_key`"),
        ("weather_api: {provider: met-norway}", "9:1: weather_api.met_norway", "a section with `contact`"),
        (
            "weather_api: {provider: met-norway, met_norway: {base_url: \"http://x\"}}",
            "9:37: weather_api.met_norway.contact",
            "an e-mail address",
        ),
        ("weather_api: {nws: {contact: me}}", "9:30: weather_api.nws.contact", "an e-mail address"),
        ("weather_api: {providers: [open-meteo, nwz]}", "9:26: weather_api.providers", "did you mean `nws`"),
        ("weather_api: {providers: [nws, NWS]}", "9:26: weather_api.providers", "each provider once"),
        ("weather_api: {second_opinion: true}", "9:31: weather_api.second_opinion", "at least two"),
        ("weather_api: {providers: []}", "9:26: weather_api.providers", "open-meteo, met-norway, nws,"),
        ("weather_api: {when_unknown: hold}", "9:29: weather_api.when_unknown", "off or `hold: 2h`"),
        ("weather_api: {when_unknown: {hold: 7h}}", "9:36: weather_api.when_unknown.hold", "above 0, at most 6h"),
        ("weather_api: {open_meteo: {base_url: \"ftp://x\"}}", "9:38: weather_api.open_meteo.base_url", "an http://"),
        ("notifications: {email: {enabled: true}}", "9:17: notifications.email.smtp_host", "because email is enabled"),
        ("notifications: {webhook: {enabled: true}}", "9:17: notifications.webhook.url", "because the webhook"),
        ("notifications: {email: {smtp_port: 0}}", "9:36: notifications.email.smtp_port", "1 to 65535"),
    ];
    are_told(&table);
}

/// Each line below a small config is told with its place and with what is allowed.
fn are_told(table: &[(&str, &str, &str)]) {
    for (line, place, allowed) in table {
        let lines = bad(&small_and(&format!("{line}\n")));
        let place = format!("house.yaml:{place}: found ");
        assert!(lines.iter().any(|it| it.starts_with(&place) && it.contains(allowed)), "{line}: {lines:#?}");
    }
}

#[test]
fn the_brokers_keys_are_checked() {
    let table = [
        ("{port: 1883}", "8:1: mqtt.host"),
        ("{host: \"mqtt://localhost\"}", "8:14: mqtt.host"),
        ("{host: \"localhost:1883\"}", "8:14: mqtt.host"),
        ("{host: a, base_topic: /x}", "8:29: mqtt.base_topic"),
        ("{host: a, base_topic: x/}", "8:29: mqtt.base_topic"),
        ("{host: a, base_topic: \"x/+\"}", "8:29: mqtt.base_topic"),
        ("{host: a, base_topic: \"#\"}", "8:29: mqtt.base_topic"),
        ("{host: a, base_topic: \"$SYS/x\"}", "8:29: mqtt.base_topic"),
        ("{host: a, base_topic: \"\"}", "8:29: mqtt.base_topic"),
        ("{host: a, protocol: 6}", "8:27: mqtt.protocol"),
        ("{host: a, client_id: \"two words\"}", "8:28: mqtt.client_id"),
        ("{host: a, keep_alive_seconds: 1}", "8:37: mqtt.keep_alive_seconds"),
        ("{host: a, tls: {client_cert_file: x}}", "8:17: mqtt.tls.client_key_file"),
        ("{host: embedded, tls: {ca_file: x}}", "8:29: mqtt.tls"),
        ("{host: a, transport: websocket}", "8:1: mqtt.port"),
        ("{host: a, port: 80, transport: udp}", "8:38: mqtt.transport"),
        ("{host: a, port: 80, transport: websocket, path: mqtt}", "8:55: mqtt.path"),
        ("{host: a, path: /mqtt}", "8:23: mqtt.path"),
        ("{host: embedded, port: 80, transport: websocket}", "8:45: mqtt.transport"),
        ("{host: a, password: [a]}", "8:27: mqtt.password"),
        ("{host: a, password: x, password_file: y}", "8:45: mqtt.password_file"),
        ("{host: a, password_file: /no/such/file}", "8:32: mqtt.password_file"),
    ];
    for (section, place) in table {
        let lines = bad(&SMALL.replace("{host: localhost}", section));
        assert_eq!(lines.len(), 1, "{section}: {lines:#?}");
        assert!(lines[0].starts_with(&format!("house.yaml:{place}: found ")), "{section}: {lines:#?}");
    }
}

#[test]
fn all_problems_are_told_at_once_in_the_order_of_the_file() {
    let text = "\
location: {latitude: 95, longitude: west, timezone: Mars/Base}
devices:
  groups:
    mat:
      items:
        - {name: Walk, ip_address: 999.999.999.999}
safety: {max_runtime_hours: -1}
sefety: {}
";
    let places: Vec<String> =
        bad(text).iter().map(|line| line.split(": ").take(2).collect::<Vec<_>>().join(" ")).collect();
    assert_eq!(
        places,
        [
            "house.yaml:1:22 location.latitude",
            "house.yaml:1:37 location.longitude",
            "house.yaml:1:53 location.timezone",
            "house.yaml:2:1 devices.credentials",
            "house.yaml:6:36 devices.groups.mat.items[0].ip_address",
            "house.yaml:7:29 safety.max_runtime_hours",
            "house.yaml:8:1 sefety",
        ]
    );
}

#[test]
fn missing_sections_are_told() {
    says(
        "",
        &[
            "house.yaml:1:1: devices: found nothing; allowed: a section with the keys `credentials` and `groups`",
            "house.yaml:1:1: location: found nothing; allowed: a section with the keys `latitude`, `longitude` and `timezone`",
        ],
    );
}

#[test]
fn what_is_not_yaml_is_one_problem() {
    let table = [
        ("a: [", "1:4: found a mistake in the YAML (unclosed bracket '[')"),
        ("x: 1\n y: 2", "2:3: found a mistake in the YAML ("),
        ("location:\n\tlatitude: 1", "2:2: found a mistake in the YAML ("),
        ("a: *nobody", "1:4: found a mistake in the YAML (alias references unknown anchor)"),
        ("a: 'x", "1:4: found a mistake in the YAML (unclosed quote)"),
        ("a: 1\n---\nb: 2", "3:1: found a second document"),
        ("- 1", "1:1: found a list"),
        ("just words", "1:1: found text"),
    ];
    for (text, start) in table {
        let lines = bad(text);
        assert_eq!(lines.len(), 1, "{text}: {lines:#?}");
        assert!(lines[0].starts_with(&format!("house.yaml:{start}")), "{text}: {lines:#?}");
    }
}

#[test]
fn a_template_s_account_is_told() {
    for (account, wrong) in [
        ("{username: \"\", password: hunter22}", "username"),
        ("{username: \"  \", password: hunter22}", "username"),
        ("{username: Your_Tapo_Email@example.com, password: hunter22}", "username"),
        ("{username: your_username, password: hunter22}", "username"),
        ("{username: a@b.c, password: \"\"}", "password"),
        ("{username: a@b.c, password: your_tapo_password}", "password"),
        ("{username: a@b.c, password: password}", "password"),
        ("{username: a@b.c}", "password"),
    ] {
        let lines = bad(&SMALL.replace("{username: ann@example.org, password: hunter22}", account));
        assert_eq!(lines.len(), 1, "{account}: {lines:#?}");
        assert!(lines[0].contains(&format!("devices.credentials.{wrong}: found")), "{lines:#?}");
        assert!(lines[0].contains(&format!("HEATTRAX_TAPO_{}", wrong.to_uppercase())), "{lines:#?}");
    }
}

#[test]
fn what_could_be_read_is_kept_for_setup_mode() {
    let text = "\
location: {latitude: 95, longitude: 0, timezone: UTC}
mqtt: {host: broker.lan, base_topic: house/heat}
web: {bind_host: 0.0.0.0, port: 8080}
logging: {level: DEBUG, format: json}
data: /var/lib/heattrax
";
    let partial = parse(text).unwrap_err().partial;
    assert_eq!(partial.mqtt.as_ref().unwrap().base_topic, "house/heat");
    assert_eq!((partial.web.bind_host.as_str(), partial.web.port), ("0.0.0.0", 8080));
    assert_eq!(partial.log.level, "debug");
    assert_eq!(partial.data.to_string_lossy(), "/var/lib/heattrax");

    let wrong = text.replace("base_topic: house/heat", "base_topic: '#'").replace("port: 8080", "port: 0");
    let partial = parse(&wrong).unwrap_err().partial;
    assert!(partial.mqtt.is_none(), "a broker that nobody understood is not spoken to");
    assert_eq!((partial.web.bind_host.as_str(), partial.web.port), ("0.0.0.0", 4328));
}

#[test]
fn a_mistake_in_the_yaml_does_not_hide_the_other_sections() {
    let text = "mqtt:\n  host: broker.lan\ndevices:\n  groups: [\nweb:\n  port: 8080\n";
    let problems = parse_with(text, &crate::env(&[("HEATTRAX_LOG_LEVEL", "debug")])).unwrap_err();
    assert_eq!(problems.list.len(), 1);
    assert!(problems.partial.mqtt.is_some());
    assert_eq!(problems.partial.web.port, 8080);
    assert_eq!(problems.partial.log.level, "debug");
}
