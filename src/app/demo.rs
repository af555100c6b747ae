//! The whole house made of air: an embedded broker, two emulated plugs that are spoken to over real sockets by the real driver, a
//! recorded storm as weather. Writes only into a temporary folder.

use std::{io, net::SocketAddr, sync::Arc};

use jiff::{SignedDuration, Timestamp};
use tokio::net::TcpListener;

use super::{Bridge, Died, Levers, StartError};
use crate::{
    config,
    emulator::{
        Model, Plug, PlugOptions,
        broker::{Broker, BrokerError, BrokerOptions},
        storm::{Storm, StormError, StormOptions},
    },
    hub::Clock,
    model::{Provider, Settings},
};

/// The demo's own account: the emulated plugs know no other.
const ACCOUNT: (&str, &str) = ("demo@example.com", "demo");
/// A port that is taken is passed over this often.
const PORTS_TRIED: u16 = 50;

/// How the demo is to be.
#[derive(Clone, Debug)]
pub struct DemoOptions {
    /// The broker's port, or the next free one.
    pub mqtt_port: u16,
    /// The page's port, or the next free one.
    pub web_port: u16,
    /// How many times faster than life the house's time runs, 1 to 3600.
    pub speed: f64,
    /// One of [`Storm::names`].
    pub storm: String,
    /// The log, for those who read it over HTTP.
    pub levers: Levers,
}

/// The demo cannot start.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// The storm.
    #[error(transparent)]
    Storm(#[from] StormError),
    /// The broker.
    #[error(transparent)]
    Broker(#[from] BrokerError),
    /// A plug, a port or the temporary folder.
    #[error("the demo needs a port or a folder that it cannot have")]
    Machine(#[from] io::Error),
    /// The demo's own config: a bug.
    #[error("the demo's config is wrong: {0}")]
    Config(config::Problems),
    /// The bridge.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The bridge.
    #[error(transparent)]
    Died(#[from] Died),
}

/// Runs the demo until `told_to_stop` ends. `say` is given lines for people.
///
/// # Errors
/// Something cannot be started, or the bridge dies.
pub async fn demo(
    options: DemoOptions,
    say: impl Fn(String),
    told_to_stop: impl Future<Output = ()>,
) -> Result<(), DemoError> {
    let begins =
        Storm::start_of(&options.storm).ok_or_else(|| StormError::UnknownName { name: options.storm.clone() })?;
    let clock = Clock::driven(begins, options.speed);
    let house_time = clock.clone();
    let hours = Storm::recorded(&options.storm)?;
    let now = Arc::new(move || house_time.now());
    let storm = Storm::start(StormOptions { speed: options.speed, ..StormOptions::of(hours, now) }).await?;
    let mat = plug(Model::P210M, 1, options.speed, begins).await?;
    let lights = plug(Model::Ep40m, 2, options.speed, begins).await?;
    mat.set_load(1, 300.0);
    mat.set_load(2, 40.0);
    let (mqtt_port, web_port) = (free(options.mqtt_port).await?, free(options.web_port).await?);
    let broker = Broker::start(BrokerOptions { listen: loopback(mqtt_port) }).await?;
    let folder = tempfile::tempdir()?;
    let text = config_text(&mat, &lights, &storm, mqtt_port, web_port);
    let mut settings = config::parse("demo", &text, &<_>::default(), &<_>::default()).map_err(DemoError::Config)?;
    settings.data = folder.path().to_owned();
    adapt(&mut settings, folder.path(), options.speed);
    let bridge = Bridge::start_with(settings, clock, options.levers.clone()).await?;
    welcome(&say, &options, mqtt_port, web_port, begins);
    say(format!("  curl -X POST '{}/storm/fault?kind=503&provider=open-meteo'", storm.base_url()));
    say("Ctrl-C ends it; nothing is kept.".to_owned());
    bridge.run_until(told_to_stop).await?;
    broker.stop().await;
    drop((mat, lights, storm));
    Ok(())
}

/// Deadlines of people are real time, whatever the house's clock does; the cache goes into the temporary folder.
fn adapt(settings: &mut Settings, folder: &std::path::Path, speed: f64) {
    let control = Arc::make_mut(&mut settings.control);
    control.answer_within = SignedDuration::from_secs_f64(10.0 * speed);
    if let Some(weather) = &mut settings.weather {
        weather.cache_file = folder.join("weather.json");
    }
}

async fn plug(model: Model, seed: u64, speed: f64, clock: Timestamp) -> io::Result<Plug> {
    let (username, password) = (ACCOUNT.0.to_owned(), ACCOUNT.1.to_owned());
    Plug::start(PlugOptions { username, password, seed, speed, clock, ..PlugOptions::new(model) }).await
}

fn loopback(port: u16) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], port))
}

/// The port, or the next one that is free.
async fn free(port: u16) -> io::Result<u16> {
    let mut last = None;
    for port in port..=port.saturating_add(PORTS_TRIED) {
        match TcpListener::bind(loopback(port)).await {
            Ok(listener) => return Ok(listener.local_addr()?.port()),
            Err(error) => last = Some(error),
        }
    }
    Err(last.unwrap_or_else(|| io::Error::from(io::ErrorKind::AddrInUse)))
}

fn config_text(mat: &Plug, lights: &Plug, storm: &Storm, mqtt_port: u16, web_port: u16) -> String {
    let met_norway = storm.base_url_of(Provider::MetNorway);
    let (mat, lights, storm) = (mat.address(), lights.address(), storm.base_url());
    let (username, password) = ACCOUNT;
    format!(
        r#"
location: {{ latitude: 40.6925, longitude: -74.1687, timezone: America/New_York }}
devices:
  credentials: {{ username: {username}, password: {password} }}
  groups:
    walkway:
      class: heater
      items:
        - {{ name: Mat, ip_address: "{mat}", outlets: [0], poll_seconds: 1, rated_watts: 300 }}
      melt: {{ enabled: true }}
    porch:
      class: light
      items:
        - {{ name: Tree, ip_address: "{mat}", outlets: [1] }}
        - {{ name: Porch, ip_address: "{lights}", poll_seconds: 1 }}
      schedules:
        - name: Evening
          "on": {{ type: sunset, offset: -15, fallback: "17:00" }}
          "off": {{ type: time, value: "23:00" }}
safety: {{ max_runtime_hours: 6, cooldown_minutes: 30 }}
weather_api:
  providers: [open-meteo, met-norway]
  open_meteo: {{ base_url: "{storm}" }}
  met_norway: {{ base_url: "{met_norway}", contact: {username} }}
mqtt: {{ host: 127.0.0.1, port: {mqtt_port} }}
web: {{ bind_host: 127.0.0.1, port: {web_port} }}
"#
    )
}

fn welcome(say: &impl Fn(String), options: &DemoOptions, mqtt_port: u16, web_port: u16, begins: Timestamp) {
    for (wanted, got, what) in [(options.mqtt_port, mqtt_port, "MQTT"), (options.web_port, web_port, "web")] {
        if wanted != got {
            say(format!("Port {wanted} is taken: {what} listens on {got}."));
        }
    }
    let speed = options.speed;
    say(format!("HeatTrax demo: the storm `{}`, {speed} times faster than life.", options.storm));
    say(format!("The house's clock begins at {begins}. Watch the mat being heated before the storm arrives."));
    say(format!("Page:   http://127.0.0.1:{web_port}/"));
    say("Try:".to_owned());
    say(format!("  mosquitto_sub -p {mqtt_port} -v -t 'heattrax/#'"));
    say(format!("  mosquitto_pub -p {mqtt_port} -t heattrax/porch/1/set -m ON"));
    say(format!("  mosquitto_pub -p {mqtt_port} -t heattrax/group/walkway/control/set -m off"));
}
