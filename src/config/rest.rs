//! The sections `web`, `logging` and `data`, and those of the seed that nothing uses yet: they are checked all the same, so
//! that a mistake in them is not found on the day of an update.

use std::net::IpAddr;

use ipnet::IpNet;

use super::{
    broker::PORT,
    groups::WISH_HOURS,
    range::Range,
    schedule::{Units, hours},
    section::{Section, cut},
    shape::Shape,
    tree::Node,
};
use crate::model::{AccessToken, HistorySettings, LogFormat, LogSettings, MayToken, WebSettings};

/// A token that is shorter can be guessed.
const LEAST_TOKEN: usize = 16;
const SESSION_HOURS: Range = Range::above(0.0, 24.0 * 365.0, "hours");
const KEEP_DAYS: Range = Range::of(1.0, 36_500.0, "days");
const MAX_MB: Range = Range::of(1.0, 100_000.0, "MiB");
const POSITIVE: Range = Range::above(0.0, f64::MAX, "");
pub(super) const HOUR_OF_DAY: Range = Range::of(0.0, 24.0, "o'clock");

/// Loopback: what is served when nobody says otherwise, or when nobody can read what was said.
pub(super) fn usual_web() -> WebSettings {
    WebSettings::at("127.0.0.1", 4328)
}

/// The `web` section.
pub(super) struct Web {
    pub(super) enabled: bool,
    pub(super) settings: WebSettings,
    pub(super) wish_hours: f64,
}

/// Reads `web`, key by key: one that has a problem is the usual one, and takes no other with it.
pub(super) fn web(root: &Section<'_>) -> Web {
    let usual = Web { enabled: true, settings: usual_web(), wish_hours: 3.0 };
    let Some(it) = root.section("web") else { return usual };
    let read = Web {
        enabled: it.switch("enabled").unwrap_or(true),
        settings: WebSettings {
            bind_host: bind_host(&it).unwrap_or_else(|| usual.settings.bind_host.clone()),
            port: it.whole("port", PORT).unwrap_or(usual.settings.port),
            password: it.secret("password", "password_file"),
            pin: it.secret("pin", "pin_file"),
            tokens: tokens(&it),
            allowed_hosts: allowed_hosts(&it),
            trusted_proxies: trusted_proxies(&it),
            session_lasts: it.number("session_hours", SESSION_HOURS).map_or(usual.settings.session_lasts, hours),
            must_sign_in: false,
        },
        wish_hours: it.number("manual_override_timeout_hours", WISH_HOURS).unwrap_or(usual.wish_hours),
    };
    it.unused(&["auth"]);
    if let Some(auth) = it.section("auth") {
        auth.switch("enabled");
        auth.note("username", || Shape::Text);
        auth.get("username");
        auth.secret("password_hash", "password_hash_file");
        auth.close();
    }
    it.close();
    read
}

/// Tokens for programs. One with a problem lets nobody in.
fn tokens(web: &Section<'_>) -> Vec<AccessToken> {
    let read = |(path, node): (String, &Node)| {
        let before = web.book.count();
        let it = Section::new(web.book, path, node.place.clone(), node);
        let name = it.text("name").unwrap_or_else(|| "token".to_owned());
        let token = it.secret("token", "token_file");
        // A short one could be guessed.
        if token.as_ref().is_none_or(|it| it.reveal().len() < LEAST_TOKEN) {
            it.refuse("token", "another", format!("at least {LEAST_TOKEN} characters that nobody can guess"));
        }
        let may = match it.one_of("may", &["all", "read"]) {
            Some("read") => MayToken::Read,
            _ => MayToken::All,
        };
        it.close();
        token.filter(|_| web.book.count() == before).map(|token| AccessToken { name, token, may })
    };
    web.list("tokens").into_iter().filter_map(read).collect()
}

fn allowed_hosts(it: &Section<'_>) -> Vec<String> {
    let hosts = it.texts("allowed_hosts").unwrap_or_default();
    for wrong in hosts.iter().filter(|it| !super::address::is_host(it)) {
        it.refuse("allowed_hosts", format!("\"{}\"", cut(wrong)), "host names without a port");
    }
    hosts
}

/// An IPv4 network that is written as IPv6 (`::ffff:192.0.2.0/120`): addresses are compared as what they are.
fn plain(it: IpNet) -> IpNet {
    let mapped = || {
        let IpNet::V6(net) = it else { return None };
        let length = net.prefix_len().checked_sub(96)?;
        IpNet::new(net.addr().to_ipv4_mapped()?.into(), length).ok()
    };
    mapped().unwrap_or(it)
}

fn trusted_proxies(it: &Section<'_>) -> Vec<IpNet> {
    let read = |text: &String| {
        let network = text.parse::<IpNet>().ok().or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from));
        // If everybody is a proxy, everybody may say to be anybody.
        network.map(|it| plain(it).trunc()).filter(|it| it.prefix_len() > 0)
    };
    let texts = it.texts("trusted_proxies").unwrap_or_default();
    for wrong in texts.iter().filter(|it| read(it).is_none()) {
        it.refuse(
            "trusted_proxies",
            format!("\"{}\"", cut(wrong)),
            "IP addresses and networks as 192.0.2.0/24, but not all that there are",
        );
    }
    texts.iter().filter_map(read).collect()
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
    enabled.then_some(WebSettings::at(bind_host, port))
}

/// Reads `history`: `None` if it is switched off.
pub(super) fn history(root: &Section<'_>) -> Option<HistorySettings> {
    let usual = HistorySettings::default();
    let Some(it) = root.section("history") else { return Some(usual) };
    let enabled = it.switch("enabled").unwrap_or(true);
    let keep_days = it.whole("keep_days", KEEP_DAYS).unwrap_or(usual.keep_days);
    let max_mb = it.whole("max_mb", MAX_MB).unwrap_or(usual.max_mb);
    it.close();
    enabled.then_some(HistorySettings { keep_days, max_mb })
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
}
