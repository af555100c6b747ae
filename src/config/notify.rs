//! The section `notifications`: by which ways people are told, and of what.

use std::collections::BTreeMap;

use jiff::{SignedDuration, civil::Time};

use super::{
    broker::PORT,
    range::Range,
    schedule::{clock_at, seconds},
    section::{Section, cut, nearest, unless_a_login},
    shape::Shape,
    weather::OUTAGE_MINUTES,
};
use crate::model::{
    ALERT_KINDS, AlertKind, Channel, EmailSettings, ForecastNotices, MailTls, NotifySettings, NtfySettings,
    RETIRED_ALERTS, Secret, Severity, WebhookSettings,
};

const POSITIVE: Range = Range::above(0.0, f64::MAX, "");
/// The longest `limit` and `device_lost_after`.
const LONGEST: SignedDuration = SignedDuration::from_hours(24);
const LIMIT: SignedDuration = SignedDuration::from_mins(30);
const LOST_AFTER: SignedDuration = SignedDuration::from_mins(5);
const OUTAGE: f64 = 30.0;
/// Kelvin in a degree Fahrenheit.
const KELVIN: f64 = 1.0 / 1.8;
/// More receivers, headers or tags than anybody has.
const MOST: usize = 32;

/// Reads the section. `None` where no way is enabled.
pub(super) fn read(root: &Section<'_>) -> Option<NotifySettings> {
    let it = root.section("notifications")?;
    let mut settings = NotifySettings {
        on_start: it.switch("test_on_startup").unwrap_or(false),
        limit: length(&it, "limit").unwrap_or(LIMIT),
        lost_after: length(&it, "device_lost_after").unwrap_or(LOST_AFTER),
        daily_summary: it.has("daily_summary").then(|| clock_at(&it, "daily_summary")).flatten(),
        outage_after: outage_after(root),
        ..NotifySettings::default()
    };
    it.switch("required");
    it.number("check_interval_seconds", POSITIVE);
    it.unused(&["required", "check_interval_seconds"]);
    if let Some(section) = it.section("email") {
        at_least(&section, Channel::Email, &mut settings);
        settings.email = email(section);
    }
    if let Some(section) = it.section("webhook") {
        at_least(&section, Channel::Webhook, &mut settings);
        settings.webhook = webhook(section);
    }
    if let Some(section) = it.section("ntfy") {
        at_least(&section, Channel::Ntfy, &mut settings);
        settings.ntfy = ntfy(section);
    }
    settings.quiet = it.section("quiet_hours").and_then(quiet);
    settings.forecast = it.section("forecast").and_then(forecast);
    if let Some(section) = it.section("routing") {
        routing(&section, &mut settings);
    }
    it.close();
    (!settings.channels().is_empty()).then_some(settings)
}

fn at_least(it: &Section<'_>, channel: Channel, settings: &mut NotifySettings) {
    let least = it.one_of("min_severity", &Severity::NAMES).and_then(Severity::of);
    settings.at_least.insert(channel, least.unwrap_or_default());
}

fn length(it: &Section<'_>, key: &'static str) -> Option<SignedDuration> {
    let text = it.text_or_number(key)?;
    let length = text.trim().parse::<SignedDuration>().ok();
    let length = length.or_else(|| (text.trim() == "0").then_some(SignedDuration::ZERO));
    let length = length.filter(|it| (SignedDuration::ZERO..=LONGEST).contains(it));
    if length.is_none() {
        it.refuse(key, format!("\"{}\"", cut(&text)), "a length of time such as 90s or 30m, from 0 to 24h");
    }
    length
}

/// The seed's key in the section of the weather.
fn outage_after(root: &Section<'_>) -> SignedDuration {
    let resilience = root.section("weather_api").and_then(|it| it.section("resilience"));
    let minutes = resilience.and_then(|it| it.number("outage_alert_after_minutes", OUTAGE_MINUTES));
    seconds(minutes.unwrap_or(OUTAGE) * 60.0)
}

fn quiet(it: Section<'_>) -> Option<(Time, Time)> {
    let hours = clock_at(&it, "from").zip(clock_at(&it, "to"));
    if hours.is_some_and(|(from, to)| from == to) {
        it.refuse("to", "the time at which the quiet begins", "another time than `from`");
    }
    it.close();
    hours
}

fn forecast(it: Section<'_>) -> Option<ForecastNotices> {
    let enabled = it.switch("enabled").unwrap_or(false);
    let mode = it.one_of("notify_mode", &["on_change", "always"]);
    let degrees = it.number("temp_change_threshold_f", Range::from(0.0)).unwrap_or(5.0);
    let millimetres = it.number("precip_change_threshold_mm", Range::from(0.0)).unwrap_or(2.0);
    it.text("state_file");
    it.warn("state_file", "accepted, not used: what was told is kept in the data folder");
    it.close();
    let always = mode == Some("always");
    let told = ForecastNotices { always, temperature_change: degrees * KELVIN, precipitation_change: millimetres };
    enabled.then_some(told)
}

fn routing(routing: &Section<'_>, settings: &mut NotifySettings) {
    for entry in routing.all() {
        let it = Section::new(routing.book, routing.path_of(&entry.key), entry.place.clone(), &entry.value);
        let ways = Channel::ALL.into_iter().filter_map(|channel| Some((channel, it.switch(channel.as_str())?)));
        let ways: BTreeMap<Channel, bool> = ways.collect();
        it.close();
        if let Some(alert) = AlertKind::named(&entry.key) {
            settings.routing.insert(alert.name, ways);
        } else if RETIRED_ALERTS.contains(&entry.key.as_str()) {
            let path = routing.path_of(&entry.key);
            routing.book.warn(&entry.place, &path, "accepted, not used: this does not happen in this version");
        } else {
            let names = ALERT_KINDS.iter().map(|it| it.name);
            let hint = nearest(&entry.key, names.clone());
            let allowed = format!("one of {}", names.collect::<Vec<_>>().join(" "));
            let found = format!("an unknown event `{}`", cut(&entry.key));
            routing.book.refuse_with(&entry.place, &routing.path_of(&entry.key), found, allowed, hint);
        }
    }
}

/// A text that a template leaves empty until somebody enables the section.
fn filled(it: &Section<'_>, key: &'static str, enabled: bool, allowed: &str) -> Option<String> {
    if !enabled {
        it.get(key);
        return None;
    }
    if !it.has(key) {
        it.miss(key, allowed);
    }
    it.text(key)
}

fn is_address(text: &str) -> bool {
    let bare = text.rsplit_once('<').map_or(text, |(_, rest)| rest.trim_end().trim_end_matches('>'));
    let parts = bare.split_once('@');
    parts.is_some_and(|(name, host)| !name.is_empty() && !host.is_empty() && !host.contains('@'))
        && !bare.contains(char::is_whitespace)
        && text.len() <= 320
        && !text.contains(char::is_control)
}

fn email(it: Section<'_>) -> Option<EmailSettings> {
    let enabled = it.switch("enabled").unwrap_or(false);
    let host = filled(&it, "smtp_host", enabled, "text, because email is enabled");
    let host = host.filter(|host| {
        let good = super::address::is_host(host) || host.parse::<std::net::Ipv6Addr>().is_ok();
        if !good {
            it.refuse("smtp_host", unless_a_login(host), "a host name or an IP address, without a port");
        }
        good
    });
    let from = filled(&it, "from_email", enabled, "text, because email is enabled");
    let from = from.filter(|from| {
        if !is_address(from) {
            it.refuse("from_email", "another text", "an address such as heattrax@example.org");
        }
        is_address(from)
    });
    let to = receivers(&it, enabled);
    let port = it.whole::<u16>("smtp_port", PORT);
    let tls = mail_tls(&it, port);
    let usual_port = if tls == MailTls::Implicit { 465 } else { 587 };
    let login = login(&it, enabled);
    let ca_file = it.text("ca_file").map(std::path::PathBuf::from);
    it.close();
    let (host, from) = host.zip(from)?;
    Some(EmailSettings { host, port: port.unwrap_or(usual_port), tls, ca_file, login, from, to })
}

fn receivers(it: &Section<'_>, enabled: bool) -> Vec<String> {
    let to = it.texts("to_emails").unwrap_or_default();
    if to.is_empty() && enabled {
        it.miss("to_emails", "a list of at least one address, because email is enabled");
    }
    if enabled && (to.len() > MOST || !to.iter().all(|it| is_address(it))) {
        it.refuse("to_emails", "another list", format!("at most {MOST} addresses such as ann@example.org"));
    }
    to
}

fn mail_tls(it: &Section<'_>, port: Option<u16>) -> MailTls {
    let seed = it.switch("use_tls");
    match (it.one_of("tls", &["starttls", "implicit", "none"]), seed) {
        (Some("implicit"), _) => MailTls::Implicit,
        (Some("starttls"), _) => MailTls::StartTls,
        (Some(_), _) | (None, Some(false)) => MailTls::None,
        // Whoever is told to begin in the open there would wait for ever.
        (None, _) if port == Some(465) => MailTls::Implicit,
        (None, _) => MailTls::StartTls,
    }
}

/// A name without a password, or the other way round, is a slip; neither is a server that asks for none.
fn login(it: &Section<'_>, enabled: bool) -> Option<(String, Secret)> {
    it.note("smtp_username", || Shape::Text);
    let password = it.secret("smtp_password", "smtp_password_file");
    let empty =
        |key| it.get(key).is_none_or(|it| matches!(&it.value.kind, super::tree::Kind::Text(it) if it.is_empty()));
    let name = if empty("smtp_username") { None } else { it.text("smtp_username") };
    match (name, password) {
        (Some(name), Some(password)) => Some((name, password)),
        (None, Some(_)) if enabled => {
            it.miss("smtp_username", "text, because there is a password; neither for a server without a login");
            None
        }
        (Some(_), None) if enabled => {
            it.miss("smtp_password", "text, or `smtp_password_file: PATH`, because there is a user name");
            None
        }
        _ => None,
    }
}

/// With a host and without what no address holds.
fn is_http(url: &str) -> bool {
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    rest.is_some_and(|rest| !rest.is_empty() && !rest.starts_with(['/', ':', '?', '#', '@']))
        && url.len() <= 2000
        && url.chars().all(|it| it.is_ascii_graphic())
}

fn webhook(it: Section<'_>) -> Option<WebhookSettings> {
    let enabled = it.switch("enabled").unwrap_or(false);
    let url = it.secret("url", "url_file");
    let good = url.as_ref().is_some_and(|url| is_http(url.reveal()));
    if enabled && !good {
        let found = if url.is_some() { "another text" } else { "nothing" };
        it.refuse("url", found, "an http:// or https:// address, because the webhook is enabled");
    }
    let headers = it.section("headers").map(|it| headers(&it)).unwrap_or_default();
    it.close();
    Some(WebhookSettings { url: url.filter(|_| enabled && good)?, headers })
}

fn headers(it: &Section<'_>) -> Vec<(String, Secret)> {
    let is_name = |it: &str| {
        // The path of a file would be sent as what is in it.
        let letter = |it: char| it.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(it);
        !it.is_empty() && it.len() <= 100 && it.chars().all(letter) && !it.to_lowercase().ends_with("_file")
    };
    let mut found = Vec::new();
    for entry in it.all().iter().take(MOST) {
        it.note(&entry.key, || Shape::Secret);
        let value = match &entry.value.kind {
            super::tree::Kind::Text(text) | super::tree::Kind::Number(_, text) => Some(text.trim()),
            super::tree::Kind::Bool(true) => Some("true"),
            super::tree::Kind::Bool(false) => Some("false"),
            _ => None,
        };
        let value = value.filter(|it| it.chars().all(|it| it.is_ascii_graphic() || it == ' '));
        match value.filter(|_| is_name(&entry.key)) {
            Some(value) => found.push((entry.key.clone(), Secret::new(value))),
            // Its value may be a token, so it is not repeated.
            None => {
                let allowed = "a header's name, and plain text as its value";
                it.book.refuse(&entry.value.place, &it.path_of(&cut(&entry.key)), "something else", allowed);
            }
        }
    }
    found
}

fn ntfy(it: Section<'_>) -> Option<NtfySettings> {
    let enabled = it.switch("enabled").unwrap_or(false);
    let server = it.text("server").unwrap_or_else(|| "https://ntfy.sh".to_owned());
    let good = is_http(&server) && !server.contains(['@', '?', '#']);
    if !good {
        it.refuse("server", "another text", "an http:// or https:// address without login, query and fragment");
    }
    let topic = it.secret("topic", "topic_file");
    let plain = |it: &str| it.len() <= 64 && it.chars().all(|it| it.is_ascii_alphanumeric() || it == '-' || it == '_');
    if enabled && !topic.as_ref().is_some_and(|topic| plain(topic.reveal())) {
        let found = if topic.is_some() { "another text" } else { "nothing" };
        it.refuse("topic", found, "at most 64 letters, digits, - and _, because ntfy is enabled");
    }
    let token = it.secret("token", "token_file");
    let tags = it.texts("tags").unwrap_or_default();
    if tags.len() > MOST || tags.iter().any(|it| it.len() > 40) {
        it.refuse("tags", "another list", format!("at most {MOST} tags of at most 40 letters"));
    }
    it.close();
    let server = server.trim_end_matches('/').to_owned();
    enabled.then_some(NtfySettings { server, topic: topic?, token, tags })
}
