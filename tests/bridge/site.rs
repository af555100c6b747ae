//! A bridge of which nothing but HTTP is asked: no broker, and plugs that nobody has plugged in. In setup mode if its config is wrong.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use heattrax::{
    app::{self, Bridge, Ended, Levers},
    config::{Overrides, Sources, Writer},
    hub::Clock,
};
use serde_json::Value;
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::JoinHandle,
    time::timeout,
};
use tokio_util::sync::CancellationToken;

use crate::noon;

/// Nothing that is asked takes longer.
const PATIENCE: Duration = Duration::from_secs(30);

/// A whole config. Nobody listens on these ports.
pub(crate) const WHOLE: &str = r#"# the house
location: { latitude: 40.69, longitude: -74.17, timezone: America/New_York }
weather_api: { enabled: false }
devices:
  credentials: { username: me@example.com, password: secret }
  groups:
    porch:
      class: light
      items: [ { name: Porch, ip_address: "127.0.0.1:9", outlets: [0] } ]
      schedules:
        - { name: Evening, on: { type: time, value: "18:00" }, off: { type: time, value: "23:00" } }
    shed:
      items: [ { name: Shed, ip_address: "127.0.0.1:11" } ]
"#;

pub(crate) struct Site {
    pub(crate) at: SocketAddr,
    folder: TempDir,
    stop: CancellationToken,
    bridge: JoinHandle<Ended>,
}

impl Site {
    /// With this config, which can be changed.
    pub(crate) async fn new(text: &str) -> Self {
        Self::start(text, true).await
    }

    /// With this config, and nobody who could change it, or the log.
    pub(crate) async fn fixed(text: &str) -> Self {
        Self::start(text, false).await
    }

    async fn start(text: &str, can_change: bool) -> Self {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("house.yaml");
        if !text.is_empty() {
            std::fs::write(&file, text).unwrap();
        }
        let flags = Overrides { data: Some(folder.path().join("data")), ..Overrides::default() };
        let writer = Writer::new(Sources { file: Some(file), flags, ..Sources::default() });
        let clock = Clock::driven(noon(), 1.0);
        let levers = Levers { config: can_change.then(|| writer.clone()), ..Levers::default() };
        let bridge = match writer.check() {
            Ok(mut settings) => {
                settings.web.as_mut().unwrap().port = 0;
                Bridge::start_with(settings, clock, levers).await.unwrap()
            }
            Err(mut problems) => {
                problems.partial.web.port = 0;
                app::setup(problems, clock, levers).await.unwrap()
            }
        };
        let at = bridge.web_address().unwrap();
        let stop = CancellationToken::new();
        let told = stop.clone().cancelled_owned();
        Self { at, folder, stop, bridge: tokio::spawn(async move { bridge.run_until(told).await.unwrap() }) }
    }

    pub(crate) fn file(&self) -> PathBuf {
        self.folder.path().join("house.yaml")
    }

    /// Asks, and reads JSON.
    pub(crate) async fn http(&self, method: &str, path: &str, body: Value) -> (u16, Value) {
        let told = send(self.at, method, path, "", &body).await;
        (told.status, told.json())
    }

    /// Has it ended by itself, and why?
    pub(crate) async fn ended(self) -> Ended {
        timeout(PATIENCE, self.bridge).await.expect("it ends").unwrap()
    }

    pub(crate) async fn stop(self) {
        self.stop.cancel();
        timeout(PATIENCE, self.bridge).await.expect("it stops").unwrap();
    }
}

/// What came back.
pub(crate) struct Told {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Told {
    /// The body; as text where it is no JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| Value::String(self.body.clone()))
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines().filter_map(|it| it.split_once(": "));
        lines.find(|(it, _)| it.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }
}

/// Sends a request with further headers, each ended by CR LF. A body that is text goes as it is, `null` is none, all else as JSON.
pub(crate) async fn send(at: SocketAddr, method: &str, path: &str, headers: &str, body: &Value) -> Told {
    let bytes = match body {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        json => json.to_string(),
    };
    let has = |name: &str| headers.to_ascii_lowercase().contains(name);
    let host = if has("host:") { "" } else { "Host: localhost\r\n" };
    let kind = if has("content-type:") { "" } else { "Content-Type: application/json\r\n" };
    // What is announced need not be sent.
    let length = if has("content-length:") { String::new() } else { format!("Content-Length: {}\r\n", bytes.len()) };
    let request = format!("{method} {path} HTTP/1.1\r\n{host}{kind}{headers}{length}Connection: close\r\n\r\n{bytes}");
    let mut stream = TcpStream::connect(at).await.unwrap();
    let _ = stream.write_all(request.as_bytes()).await;
    let mut read = Vec::new();
    let reading = async {
        let mut bytes = [0; 4096];
        loop {
            match stream.read(&mut bytes).await {
                Ok(0) | Err(_) => break,
                Ok(count) => read.extend_from_slice(&bytes[..count]),
            }
            // What tells of events does not end.
            let text = String::from_utf8_lossy(&read);
            if text.split_once("\r\n\r\n").is_some_and(|(head, _)| head.contains("text/event-stream")) {
                break;
            }
        }
    };
    timeout(PATIENCE, reading).await.unwrap_or_else(|_| panic!("{method} {path}: no answer"));
    let text = String::from_utf8_lossy(&read).into_owned();
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("{method} {path}: {text:?}"));
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Told { status, head: head.to_owned(), body: body.to_owned() }
}
