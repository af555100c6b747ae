//! The sections `web`, `logging` and `data`, and those of the seed that nothing uses yet: they are checked all the same, so
//! that a mistake in them is not found on the day of an update.

use super::{
    broker::PORT,
    groups::WISH_HOURS,
    range::Range,
    schedule::Units,
    section::{Section, cut},
};
use crate::model::{LogFormat, LogSettings, WebSettings};

const POSITIVE: Range = Range::above(0.0, f64::MAX, "");
pub(super) const HOUR_OF_DAY: Range = Range::of(0.0, 24.0, "o'clock");

/// Loopback: what is served when nobody says otherwise, or when nobody can read what was said.
pub(super) fn usual_web() -> WebSettings {
    WebSettings { bind_host: "127.0.0.1".to_owned(), port: 4328 }
}

/// The `web` section.
pub(super) struct Web {
    pub(super) enabled: bool,
    pub(super) settings: WebSettings,
    pub(super) wish_hours: f64,
}

/// Reads `web`; its usual settings where it has a problem.
pub(super) fn web(root: &Section<'_>) -> Web {
    let usual = Web { enabled: true, settings: usual_web(), wish_hours: 3.0 };
    let Some(it) = root.section("web") else { return usual };
    let before = it.book.count();
    let read = Web {
        enabled: it.switch("enabled").unwrap_or(true),
        settings: WebSettings {
            bind_host: bind_host(&it).unwrap_or_else(|| usual.settings.bind_host.clone()),
            port: it.whole("port", PORT).unwrap_or(usual.settings.port),
        },
        wish_hours: it.number("manual_override_timeout_hours", WISH_HOURS).unwrap_or(usual.wish_hours),
    };
    it.secret("pin", "pin_file");
    it.secret("password", "password_file");
    it.unused(&["pin", "pin_file", "password", "password_file", "auth"]);
    if let Some(auth) = it.section("auth") {
        auth.switch("enabled");
        auth.get("username");
        auth.secret("password_hash", "password_hash_file");
        auth.close();
    }
    let book = it.book;
    it.close();
    if book.count() == before { read } else { usual }
}

fn bind_host(it: &Section<'_>) -> Option<String> {
    let text = it.text("bind_host")?;
    let good = super::address::is_host(&text) || text.parse::<std::net::Ipv6Addr>().is_ok();
    if !good {
        it.refuse("bind_host", format!("\"{}\"", cut(&text)), "an IP address or a host name, without a port");
    }
    good.then_some(text)
}

/// The usual log.
pub(super) fn usual_log() -> LogSettings {
    LogSettings { level: "info".to_owned(), format: LogFormat::Text }
}

/// Reads `logging`; its usual settings where it has a problem.
pub(super) fn log(root: &Section<'_>) -> LogSettings {
    let Some(it) = root.section("logging") else { return usual_log() };
    let before = it.book.count();
    let level = it.text("level").and_then(|text| {
        let level = log_level(&text);
        if level.is_none() {
            let allowed = "error, warn, info, debug or trace, or several as target=level with commas between";
            it.refuse("level", format!("\"{}\"", cut(&text)), allowed);
        }
        level
    });
    let format = match it.one_of("format", &["text", "json"]) {
        Some("json") => LogFormat::Json,
        _ => LogFormat::Text,
    };
    it.number("max_file_size_mb", POSITIVE);
    it.whole::<i64>("backup_count", Range::from(0.0));
    it.unused(&["max_file_size_mb", "backup_count"]);
    let book = it.book;
    it.close();
    if book.count() == before { LogSettings { level: level.unwrap_or_default(), format } } else { usual_log() }
}

/// A level, the seed's names included, or a filter such as `info,heattrax::mqtt=debug`.
fn log_level(text: &str) -> Option<String> {
    let level = |word: &str| match word.to_lowercase().as_str() {
        "critical" | "fatal" | "error" => Some("error"),
        "warning" | "warn" => Some("warn"),
        "info" => Some("info"),
        "debug" => Some("debug"),
        "trace" => Some("trace"),
        "off" => Some("off"),
        _ => None,
    };
    let directive = |part: &str| {
        let Some((target, word)) = part.split_once('=') else { return level(part).map(str::to_owned) };
        let plain = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '_' | ':' | '-');
        (!target.is_empty() && target.chars().all(plain)).then_some(format!("{target}={}", level(word)?))
    };
    let parts: Option<Vec<_>> = text.split(',').map(|part| directive(part.trim())).collect();
    parts.map(|parts| parts.join(","))
}

/// Reads `health_server`: `None` unless it is switched on.
pub(super) fn health(root: &Section<'_>) -> Option<WebSettings> {
    let it = root.section("health_server")?;
    let enabled = it.switch("enabled").unwrap_or(false);
    let bind_host = it.text("host").unwrap_or_else(|| "0.0.0.0".to_owned());
    let port = it.whole("port", PORT).unwrap_or(4329);
    it.close();
    enabled.then_some(WebSettings { bind_host, port })
}

/// Checks the sections of the seed that nothing uses yet.
pub(super) fn unused(root: &Section<'_>) {
    root.unused(&["scheduler", "health_check", "reboot"]);
    if let Some(it) = root.section("scheduler") {
        it.number("check_interval_minutes", Range::of(1.0, 1440.0, "minutes"));
        it.number("forecast_hours", Range::from(1.0));
        it.close();
    }
    if let Some(it) = root.section("morning_mode") {
        it.switch("enabled");
        it.number("start_hour", HOUR_OF_DAY);
        it.number("end_hour", HOUR_OF_DAY);
        it.number("temperature_f", Units::Imperial.temperatures());
        it.close();
    }
    if let Some(it) = root.section("health_check") {
        it.number("interval_hours", POSITIVE);
        it.whole::<i64>("max_consecutive_failures", Range::from(1.0));
        it.close();
    }
    if let Some(it) = root.section("reboot") {
        it.number("pause_seconds", Range::from(-86_400.0));
        it.close();
    }
    notifications(root);
}

fn notifications(root: &Section<'_>) {
    let Some(it) = root.section("notifications") else { return };
    root.warn("notifications", "accepted, not used by this version: no notification is sent");
    it.switch("test_on_startup");
    it.switch("required");
    it.number("check_interval_seconds", POSITIVE);
    if let Some(it) = it.section("email") {
        email(it);
    }
    if let Some(it) = it.section("webhook") {
        webhook(it);
    }
    if let Some(it) = it.section("forecast") {
        it.switch("enabled");
        it.one_of("notify_mode", &["always", "on_change"]);
        it.number("temp_change_threshold_f", Range::from(0.0));
        it.number("precip_change_threshold_mm", Range::from(0.0));
        it.text("state_file");
        it.close();
    }
    if let Some(routing) = it.section("routing") {
        for entry in routing.all() {
            let it = Section::new(it.book, routing.path_of(&entry.key), entry.place.clone(), &entry.value);
            it.switch("email");
            it.switch("webhook");
            it.close();
        }
    }
    it.close();
}

fn email(it: Section<'_>) {
    let enabled = it.switch("enabled").unwrap_or(false);
    // A template leaves these empty until somebody switches the mails on.
    for key in ["smtp_host", "smtp_username", "from_email"] {
        if enabled && !it.has(key) {
            it.miss(key, "text, because email is enabled");
        } else if enabled {
            it.text(key);
        } else {
            it.get(key);
        }
    }
    let password = it.secret("smtp_password", "smtp_password_file");
    if enabled && password.is_none() {
        it.miss("smtp_password", "text, or `smtp_password_file: PATH`, because email is enabled");
    }
    it.whole::<u16>("smtp_port", PORT);
    it.switch("use_tls");
    if it.texts("to_emails").is_none_or(|list| list.is_empty()) && enabled {
        it.miss("to_emails", "a list of at least one address, because email is enabled");
    }
    it.close();
}

fn webhook(it: Section<'_>) {
    let enabled = it.switch("enabled").unwrap_or(false);
    let url = it.secret("url", "url_file");
    let is_http = |url: &str| {
        let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
        rest.is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/'))
    };
    if enabled && !url.as_ref().is_some_and(|url| is_http(url.reveal())) {
        let found = if url.is_some() { "another text" } else { "nothing" };
        it.refuse("url", found, "an http:// or https:// address, because the webhook is enabled");
    }
    it.section("headers");
    it.close();
}
