//! Where the page is, if it cannot be where the config says.

use std::{net::SocketAddr, path::Path};

use heattrax::{
    app::{Bridge, ExplainOptions, Levers, StartError, explain, health_url},
    config::{Overrides, Sources, Writer},
    hub::Clock,
    model::Settings,
};
use serde_json::Value;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::{noon, site::send};

const TEXT: &str = "location: { latitude: 40.69, longitude: -74.17, timezone: America/New_York }\n\
    weather_api: { enabled: false }\n\
    devices: { credentials: { username: a@example.org, password: b }, groups: {} }\n\
    web: { bind_host: 127.0.0.1 }\n";

struct Running {
    stop: CancellationToken,
    task: tokio::task::JoinHandle<()>,
    at: SocketAddr,
    _folder: Option<TempDir>,
}

impl Running {
    async fn stop(self) {
        self.stop.cancel();
        self.task.await.unwrap();
    }
}

async fn start(levers: &Levers, port: u16) -> Result<Running, StartError> {
    let folder = tempfile::tempdir().unwrap();
    let running = start_in(folder.path(), levers, port).await?;
    Ok(Running { _folder: Some(folder), ..running })
}

fn settings_in(folder: &Path, text: &str) -> Settings {
    let file = folder.join("house.yaml");
    std::fs::write(&file, text).unwrap();
    let flags = Overrides { data: Some(folder.join("data")), ..Overrides::default() };
    Writer::new(Sources { file: Some(file), flags, ..Sources::default() }).check().unwrap()
}

async fn start_in(folder: &Path, levers: &Levers, port: u16) -> Result<Running, StartError> {
    start_with(folder, TEXT, levers, port).await
}

async fn start_with(folder: &Path, text: &str, levers: &Levers, port: u16) -> Result<Running, StartError> {
    let mut settings = settings_in(folder, text);
    settings.web.as_mut().unwrap().port = port;
    let bridge = Bridge::start_with(settings, Clock::driven(noon(), 1.0), levers.clone()).await?;
    let (at, stop) = (bridge.web_address().unwrap(), CancellationToken::new());
    let told = stop.clone().cancelled_owned();
    let task = tokio::spawn(async move {
        bridge.run_until(told).await.unwrap();
    });
    Ok(Running { stop, task, at, _folder: None })
}

async fn is_there(at: SocketAddr) -> bool {
    send(at, "GET", "/healthz", "", &Value::Null).await.status == 200
}

#[tokio::test]
async fn a_page_whose_port_is_taken_is_where_it_was_or_next_to_it() {
    let somebody = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let taken = somebody.local_addr().unwrap().port();
    let first = start(&Levers::default(), taken).await.unwrap();
    assert!((1..10).contains(&(first.at.port() - taken)) && is_there(first.at).await, "{}", first.at);
    first.stop().await;
    // A restart with another port: whoever looks at the page goes on looking at it.
    let levers = Levers::default();
    let before = start(&levers, 0).await.unwrap();
    let at = before.at;
    before.stop().await;
    let again = start(&levers, taken).await.unwrap();
    assert_eq!(again.at, at);
    assert!(is_there(at).await);
    again.stop().await;
}

#[tokio::test]
async fn a_broker_that_cannot_be_keeps_neither_page_nor_heat_away() {
    let somebody = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let text = format!("{TEXT}mqtt: {{ host: embedded, port: {} }}\n", somebody.local_addr().unwrap().port());
    let running = start_with(folder.path(), &text, &Levers::default(), 0).await.unwrap();
    assert!(is_there(running.at).await);
    assert_eq!(send(running.at, "GET", "/readyz", "", &Value::Null).await.status, 503, "there is no broker");
    running.stop().await;
}

#[tokio::test]
async fn whoever_asks_from_this_machine_finds_the_page_wherever_it_is() {
    let somebody = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let taken = somebody.local_addr().unwrap().port();
    let folder = tempfile::tempdir().unwrap();
    let settings = || {
        let mut settings = settings_in(folder.path(), TEXT);
        settings.web.as_mut().unwrap().port = taken;
        settings
    };
    let running = start_in(folder.path(), &Levers::default(), taken).await.unwrap();
    let url = health_url(&Ok(settings())).unwrap();
    assert_eq!(url, format!("http://{}/healthz", running.at));
    heattrax::web::healthcheck(&url).await.unwrap();
    let told = explain(&settings(), ExplainOptions::default(), noon()).await.unwrap();
    assert!(told.starts_with("HeatTrax") && !told.contains("no bridge was asked"), "{told}");
    let lines = heattrax::app::doctor(&settings(), std::sync::Arc::new(heattrax::app::Sockets), noon()).await;
    let page = format!("{:?}", lines.iter().find(|it| format!("{it:?}").contains("page")).unwrap());
    assert!(page.contains(&running.at.to_string()) && page.contains("could not be where the config says"), "{page}");
    running.stop().await;
    assert_eq!(health_url(&Ok(settings())).unwrap(), format!("http://127.0.0.1:{taken}/healthz"));
    // A bridge without a page says nothing of where one was.
    let text = TEXT.replace("web: { bind_host", "web: { enabled: false, bind_host");
    let mut without = settings_in(folder.path(), &text);
    let bridge = Bridge::start_with(without.clone(), Clock::driven(noon(), 1.0), Levers::default()).await.unwrap();
    without.health = Some(heattrax::model::WebSettings::at("127.0.0.1", 4329));
    assert_eq!(health_url(&Ok(without)).unwrap(), "http://127.0.0.1:4329/healthz");
    drop(bridge);
}

#[tokio::test]
async fn nor_do_they_over_one_memory() {
    let folder = tempfile::tempdir().unwrap();
    let one = start_in(folder.path(), &Levers::default(), 0).await.unwrap();
    let other = start_in(folder.path(), &Levers::default(), 0).await.map(|_| ());
    let words = other.unwrap_err().to_string();
    assert!(words.contains("another bridge uses the folder"), "{words}");
    one.stop().await;
    start_in(folder.path(), &Levers::default(), 0).await.unwrap().stop().await;
}

#[tokio::test]
async fn two_bridges_do_not_fight_over_the_plugs() {
    let first = start(&Levers::default(), 0).await.unwrap();
    let other = start(&Levers::default(), first.at.port()).await.map(|_| ());
    let words = other.unwrap_err().to_string();
    assert!(words.contains("runs already") && words.contains(&first.at.to_string()), "{words}");
    first.stop().await;
}
