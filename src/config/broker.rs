//! The section `mqtt`.

use std::{path::PathBuf, time::Duration};

use super::{
    address::is_host,
    range::Range,
    section::{Section, cut, unless_a_login},
};
use crate::model::{BrokerHost, MqttSettings, Protocol, TlsFiles};

pub(super) const PORT: Range = Range::of(1.0, 65535.0, "");
const KEEP_ALIVE: Range = Range::of(5.0, 3600.0, "seconds");
/// 0 for never.
const REPUBLISH: Range = Range::of(0.0, 1440.0, "minutes");
const TOPIC: &str = "topic levels between single `/`, at most 128 characters, without `+`, `#`, `$` and blanks";

/// Reads the `mqtt` section. `None` if it is absent, or if it has a problem: then nobody knows which broker was meant.
pub(super) fn mqtt(root: &Section<'_>, hostname: Option<&str>) -> Option<MqttSettings> {
    let Some(it) = root.section("mqtt") else {
        root.book.warn(&root.book.top(), "mqtt", "there is no such section: MQTT is off");
        return None;
    };
    let before = it.book.count();
    let host = host(&it);
    let tls = tls(&it);
    if tls.is_some() && host == Some(BrokerHost::Embedded) {
        it.refuse("tls", "TLS beside `host: embedded`", "no `tls`: the embedded broker speaks plain MQTT on loopback");
    }
    let usual_port = if tls.is_some() { 8883 } else { 1883 };
    let websocket = websocket(&it);
    if websocket.is_some() && host == Some(BrokerHost::Embedded) {
        it.refuse("transport", "`websocket` beside `host: embedded`", "`tcp`: the embedded broker speaks plain MQTT");
    }
    let settings = MqttSettings {
        host: host.unwrap_or(BrokerHost::Embedded),
        port: it.whole("port", PORT).unwrap_or(usual_port),
        protocol: match it.one_of("protocol", &["5", "3.1.1", "4"]) {
            Some("3.1.1" | "4") => Protocol::V4,
            _ => Protocol::V5,
        },
        username: it.text_or_number("username"),
        password: it.secret("password", "password_file"),
        password_file: it.secret_path("password", "password_file"),
        tls,
        websocket,
        base_topic: topic(&it, "base_topic").unwrap_or_else(|| "heattrax".to_owned()),
        client_id: client_id(&it).unwrap_or_else(|| match hostname.map(str::trim).filter(|name| is_plain(name)) {
            Some(name) => format!("heattrax-{name}"),
            None => "heattrax".to_owned(),
        }),
        keep_alive: it
            .number("keep_alive_seconds", KEEP_ALIVE)
            .map_or(Duration::from_secs(15), Duration::from_secs_f64),
        station: Vec::new(),
        republish: republish(&it),
    };
    let book = it.book;
    it.close();
    (book.count() == before).then_some(settings)
}

/// The path, if the broker is spoken to over WebSocket. There is no usual port for that.
fn websocket(it: &Section<'_>) -> Option<String> {
    let is_on = it.one_of("transport", &["tcp", "websocket"]) == Some("websocket");
    let path = it.text("path");
    if !is_on {
        if path.is_some() {
            it.refuse("path", "a path", "none: only `transport: websocket` has one");
        }
        return None;
    }
    if !it.has("port") {
        it.miss("port", "the port of the broker's WebSocket listener, such as 9001 or 443");
    }
    let path = path.unwrap_or_else(|| "/mqtt".to_owned());
    let plain = |letter: u8| letter.is_ascii_graphic() && !b"\"#<>\\^`{|}".contains(&letter);
    if !path.starts_with('/') || path.len() > 256 || !path.bytes().all(plain) {
        it.refuse("path", format!("\"{}\"", cut(&path)), "a path that begins with `/`, such as /mqtt");
    }
    Some(path)
}

fn republish(it: &Section<'_>) -> Option<Duration> {
    let minutes = it.number("republish_minutes", REPUBLISH).unwrap_or(10.0);
    (minutes > 0.0).then(|| Duration::from_secs_f64(minutes * 60.0))
}

fn host(it: &Section<'_>) -> Option<BrokerHost> {
    const ALLOWED: &str = "the broker's host name or IP address without a port, or `embedded`";
    if !it.has("host") {
        it.miss("host", ALLOWED);
    }
    let text = it.text("host")?;
    if text == "embedded" {
        return Some(BrokerHost::Embedded);
    }
    if is_host(&text) || text.parse::<std::net::Ipv6Addr>().is_ok() {
        return Some(BrokerHost::Remote(text));
    }
    it.refuse("host", unless_a_login(&text), ALLOWED);
    None
}

fn tls(it: &Section<'_>) -> Option<TlsFiles> {
    let section = it.section("tls")?;
    let files = TlsFiles {
        ca_file: section.text("ca_file").map(PathBuf::from),
        client_cert_file: section.text("client_cert_file").map(PathBuf::from),
        client_key_file: section.text("client_key_file").map(PathBuf::from),
        server_name: section.text("server_name"),
    };
    for (one, other) in [("client_cert_file", "client_key_file"), ("client_key_file", "client_cert_file")] {
        if section.has(one) && !section.has(other) {
            section.miss(other, format!("a file, because `{one}` is set"));
        }
    }
    section.close();
    Some(files)
}

pub(super) fn topic(it: &Section<'_>, key: &'static str) -> Option<String> {
    let text = it.text(key)?;
    let bad = |letter: char| matches!(letter, '+' | '#' | '$') || letter.is_whitespace() || letter.is_control();
    let good = text.chars().count() <= 128 && text.split('/').all(|level| !level.is_empty() && !level.contains(bad));
    if !good {
        it.refuse(key, format!("\"{}\"", cut(&text)), TOPIC);
    }
    good.then_some(text)
}

fn client_id(it: &Section<'_>) -> Option<String> {
    let text = it.text("client_id")?;
    if !is_plain(&text) {
        it.refuse("client_id", format!("\"{}\"", cut(&text)), "1 to 64 visible ASCII characters");
    }
    Some(text)
}

fn is_plain(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.bytes().all(|it| it.is_ascii_graphic())
}
