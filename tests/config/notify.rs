//! The section `notifications`.

use heattrax::model::{Channel, MailTls, NotifySettings, Severity};
use jiff::{SignedDuration, civil::time};

use crate::{bad, env, good, parse_with, small_and};

fn notify(lines: &str) -> NotifySettings {
    let lines: String = lines.lines().map(|line| format!("  {line}\n")).collect();
    good(&small_and(&format!("notifications:\n{lines}"))).notify.unwrap()
}

const MAIL: &str =
    "email: {enabled: true, smtp_host: mail.example.org, from_email: h@example.org, to_emails: [a@example.org]";

#[test]
fn nobody_is_told_anything_until_a_way_is_enabled() {
    assert_eq!(good(&small_and("")).notify, None);
    assert_eq!(good(&small_and("notifications: {daily_summary: \"07:00\", webhook: {enabled: false}}\n")).notify, None);
    // A template has every key, without values.
    let template = "notifications: {email: {enabled: false, smtp_host: '', smtp_username: '', smtp_password: '', \
                    from_email: '', to_emails: []}, webhook: {enabled: false, url: ''}}\n";
    assert_eq!(good(&small_and(template)).notify, None);
}

#[test]
fn every_key_of_the_first_heattrax_and_of_this_one() {
    let it = notify(
        r#"test_on_startup: true
limit: 10m
device_lost_after: 2m
daily_summary: "07:00"
quiet_hours: {from: "22:00", to: "06:30"}
email: {enabled: true, smtp_host: mail.example.org, smtp_port: 2525, smtp_username: ann, smtp_password: p, from_email: "HeatTrax <h@example.org>", to_emails: [a@example.org], min_severity: critical}
webhook: {enabled: true, url: "https://hooks.example.org/abc", headers: {X-House: ramp, X-Number: 12}}
ntfy: {enabled: true, topic: mats, token: tk_1, tags: [house], min_severity: warning}
forecast: {enabled: true, notify_mode: always, temp_change_threshold_f: 9, precip_change_threshold_mm: 1}
routing:
  device_lost: {email: true, webhook: false, ntfy: true}
  weather_mode_enabled: {email: false}"#,
    );
    assert!(it.on_start && it.forecast.unwrap().always);
    assert_eq!((it.limit, it.lost_after), (SignedDuration::from_mins(10), SignedDuration::from_mins(2)));
    assert_eq!(it.daily_summary, Some(time(7, 0, 0, 0)));
    assert_eq!(it.quiet, Some((time(22, 0, 0, 0), time(6, 30, 0, 0))));
    assert!((it.forecast.unwrap().temperature_change - 5.0).abs() < 1e-9, "9 °F are 5 K");
    let email = it.email.unwrap();
    assert_eq!((email.port, email.tls), (2525, MailTls::StartTls));
    assert_eq!(email.login.unwrap().0, "ann");
    let webhook = it.webhook.unwrap();
    assert_eq!(webhook.url.reveal(), "https://hooks.example.org/abc");
    assert_eq!((webhook.headers[1].0.as_str(), webhook.headers[1].1.reveal()), ("X-Number", "12"));
    let ntfy = it.ntfy.unwrap();
    assert_eq!((ntfy.server.as_str(), ntfy.topic.reveal()), ("https://ntfy.sh", "mats"));
    assert_eq!(it.at_least[&Channel::Email], Severity::Critical);
    assert!(!it.routing["device_lost"][&Channel::Webhook]);
    assert!(!it.routing.contains_key("weather_mode_enabled"));
}

#[test]
fn the_usual_is_half_an_hour_and_five_minutes() {
    let it = notify("webhook: {enabled: true, url: \"http://x.example/\"}");
    assert_eq!((it.limit, it.lost_after), (SignedDuration::from_mins(30), SignedDuration::from_mins(5)));
    assert_eq!((it.outage_after, it.daily_summary, it.quiet), (SignedDuration::from_mins(30), None, None));
    let text = "weather_api: {resilience: {outage_alert_after_minutes: 90}}\n\
                notifications: {webhook: {enabled: true, url: \"http://x.example/\"}}\n";
    assert_eq!(good(&small_and(text)).notify.unwrap().outage_after, SignedDuration::from_mins(90));
}

#[test]
fn the_line_to_the_mail_server_is_secured_as_its_port_asks() {
    for (keys, tls, port) in [
        ("", MailTls::StartTls, 587),
        (", smtp_port: 465", MailTls::Implicit, 465),
        (", tls: implicit", MailTls::Implicit, 465),
        (", smtp_port: 465, tls: starttls", MailTls::StartTls, 465),
        (", use_tls: false", MailTls::None, 587),
        (", use_tls: true, smtp_port: 25", MailTls::StartTls, 25),
        (", tls: none, smtp_port: 25", MailTls::None, 25),
    ] {
        let email = notify(&format!("{MAIL}{keys}}}")).email.unwrap();
        assert_eq!((email.tls, email.port, email.login), (tls, port, None), "{keys}");
    }
}

#[test]
fn what_is_wrong_is_told_with_its_place_and_what_is_allowed() {
    for (line, path, allowed) in [
        ("limit: soon", "limit", "such as 90s or 30m, from 0 to 24h"),
        ("limit: 25h", "limit", "from 0 to 24h"),
        ("daily_summary: \"25:00\"", "daily_summary", ""),
        ("quiet_hours: {from: \"07:00\", to: \"07:00\"}", "quiet_hours.to", "another time"),
        ("quiet_hours: {from: \"07:00\"}", "quiet_hours.to", ""),
        ("routing: {divice_lost: {email: true}}", "routing.divice_lost", "did you mean `device_lost`?"),
        ("routing: {device_lost: {pigeon: true}}", "routing.device_lost.pigeon", "`email` `ntfy` `webhook`"),
        ("routing: {device_lost: {email: perhaps}}", "routing.device_lost.email", "true or false"),
        ("email: {min_severity: loud}", "email.min_severity", "info, warning or critical"),
        ("email: {tls: ssl}", "email.tls", "starttls, implicit or none"),
        ("ntfy: {enabled: true}", "ntfy.topic", "because ntfy is enabled"),
        ("ntfy: {enabled: true, topic: \"a b\"}", "ntfy.topic", "letters, digits"),
        ("ntfy: {enabled: true, topic: a, server: ntfy.sh}", "ntfy.server", "http:// or https://"),
        ("webhook: {enabled: true, url: \"http://x.example/a b\"}", "webhook.url", "http:// or https://"),
        ("webhook: {headers: {\"X House\": a}}", "webhook.headers.X House", "a header's name"),
        ("webhook: {headers: {X-House: \"a\\nb\"}}", "webhook.headers.X-House", "plain text"),
        ("forecast: {notify_mode: never}", "forecast.notify_mode", "on_change or always"),
        ("emial: {enabled: true}", "emial", "did you mean `email`?"),
    ] {
        let lines = bad(&small_and(&format!("notifications:\n  {line}\n")));
        let path = format!(": notifications.{path}: found ");
        assert!(lines.iter().any(|it| it.contains(&path) && it.contains(allowed)), "{line}: {lines:#?}");
    }
    for (keys, path, allowed) in [
        (", smtp_username: ann", "smtp_password", "because there is a user name"),
        (", smtp_password: p", "smtp_username", "because there is a password"),
        (", smtp_port: 0", "smtp_port", "1 to 65535"),
    ] {
        let lines = bad(&small_and(&format!("notifications:\n  {MAIL}{keys}}}\n")));
        let path = format!(": notifications.email.{path}: found ");
        assert!(lines.iter().any(|it| it.contains(&path) && it.contains(allowed)), "{keys}: {lines:#?}");
    }
    let lines = bad(&small_and(&format!("notifications:\n  {}\n", MAIL.replace("a@example.org]", "nobody]}"))));
    assert!(lines[0].contains("notifications.email.to_emails: found another list"), "{lines:#?}");
}

#[test]
fn the_environment_and_files_name_the_ways_too() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    std::fs::write(&file, "tk_from_file\n").unwrap();
    let settings = parse_with(
        &small_and(""),
        &env(&[
            ("HEATTRAX_NOTIFICATION_EMAIL_ENABLED", "true"),
            ("HEATTRAX_NOTIFICATION_EMAIL_SMTP_HOST", "mail.example.org"),
            ("HEATTRAX_NOTIFICATION_EMAIL_SMTP_PORT", "465"),
            ("HEATTRAX_NOTIFICATION_EMAIL_FROM", "h@example.org"),
            ("HEATTRAX_NOTIFICATION_EMAIL_TO", "a@example.org, b@example.org"),
            ("HEATTRAX_NOTIFICATION_NTFY_ENABLED", "1"),
            ("HEATTRAX_NOTIFICATION_NTFY_TOPIC", "mats"),
            ("HEATTRAX_NOTIFICATION_NTFY_TOKEN_FILE", &file.to_string_lossy()),
            ("HEATTRAX_NOTIFICATION_WEBHOOK_ENABLED", "yes"),
            ("HEATTRAX_NOTIFICATION_WEBHOOK_URL", "http://x.example/"),
            ("HEATTRAX_NOTIFICATION_FORECAST_ENABLED", "true"),
            ("HEATTRAX_NOTIFICATION_FORECAST_NOTIFY_MODE", "on_change"),
        ]),
    );
    let it = settings.unwrap().notify.unwrap();
    let email = it.email.unwrap();
    assert_eq!((email.to.len(), email.tls), (2, MailTls::Implicit));
    assert_eq!(it.ntfy.unwrap().token.unwrap().reveal(), "tk_from_file");
    assert!(it.webhook.is_some() && !it.forecast.unwrap().always);
}

/// Every property of a schema with its path, and a value that it allows.
fn values(schema: &serde_json::Value, path: &str, found: &mut Vec<(String, serde_json::Value)>) {
    for (key, below) in schema["properties"].as_object().into_iter().flatten() {
        let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
        if below["properties"].is_object() {
            values(below, &path, found);
            continue;
        }
        let usual = [&below["default"], &below["examples"][0], &below["enum"][0]].into_iter().find(|it| !it.is_null());
        let usual = usual.cloned().unwrap_or_else(|| match below["type"].as_str() {
            Some("boolean") => true.into(),
            Some("number" | "integer") => 60.into(),
            Some("array") => serde_json::json!(["one"]),
            Some("object") => serde_json::json!({ "X-House": "ramp" }),
            Some("string") => "text".into(),
            _ => serde_json::json!({ "email": true }),
        });
        found.push((path, usual));
    }
}

#[test]
fn the_schema_names_the_keys_that_are_read_and_no_other() {
    let text = include_str!("../../config/notifications.schema.json");
    let schema: serde_json::Value = serde_json::from_str(text).unwrap();
    let mut found = Vec::new();
    values(&schema, "", &mut found);
    for (path, value) in &found {
        // A file that is not there, and half of what belongs together, are no unknown keys.
        let nested = path.rsplit('.').fold(value.to_string(), |inner, key| format!("{{\"{key}\": {inner}}}"));
        if let Err(problems) = parse_with(&small_and(&format!("notifications: {nested}\n")), &env(&[])) {
            let known = path.ends_with("_file") || path.starts_with("quiet_hours");
            assert!(known && !problems.to_string().contains("unknown"), "{path}: {problems}");
        }
    }
    let names = |of: &str| -> Vec<&str> {
        schema["properties"][of]["properties"].as_object().unwrap().keys().map(String::as_str).collect()
    };
    let routed = names("routing");
    for kind in heattrax::model::ALERT_KINDS {
        assert!(routed.contains(&kind.name), "{}", kind.name);
    }
    assert_eq!(routed.len(), heattrax::model::ALERT_KINDS.len() + heattrax::model::RETIRED_ALERTS.len());
    // What is read is named by the reader itself when it meets a key that it does not know.
    for section in ["", "email", "webhook", "ntfy", "forecast", "quiet_hours"] {
        let wrong = if section.is_empty() { "{zzz: 1}".to_owned() } else { format!("{{{section}: {{zzz: 1}}}}") };
        let lines = bad(&small_and(&format!("notifications: {wrong}\n")));
        let line = lines.iter().find(|it| it.contains("unknown key `zzz`")).unwrap();
        let allowed = line.split("allowed: ").nth(1).unwrap().split(';').next().unwrap();
        let mut read: Vec<&str> = allowed.split(' ').map(|it| it.trim_matches('`')).collect();
        let mut named = if section.is_empty() {
            schema["properties"].as_object().unwrap().keys().map(String::as_str).collect()
        } else {
            names(section)
        };
        read.sort_unstable();
        named.sort_unstable();
        assert_eq!(read, named, "{section}");
    }
}

#[test]
fn the_example_of_the_config_is_right() {
    let text = include_str!("../../config/heattrax.yaml");
    let commented = text.split("# notifications:\n").nth(1).unwrap().split("\n\n").next().unwrap();
    let lines: String = commented.lines().map(|line| format!("{}\n", line.trim_start_matches("# "))).collect();
    // The files of the example are not here.
    let lines = lines.replace("smtp_password_file: /run/secrets/smtp", "smtp_password: p");
    let lines = lines.replace("url_file: /run/secrets/webhook", "url: https://x.example/");
    let lines = lines.replace("topic_file: /run/secrets/ntfy-topic", "topic: mats");
    let it = good(&small_and(&format!("notifications:\n{lines}"))).notify.unwrap();
    assert!(it.email.is_some() && it.webhook.is_some() && it.ntfy.is_some());
}
