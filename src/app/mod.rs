//! The only room that knows every other: it builds them, starts them, joins them and stops them.

mod demo;
mod discover;
mod doctor;
mod errands;
mod explain;
mod setup;
mod stop;

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    net::SocketAddr,
    sync::Arc,
    time::Duration,
};

use tokio::{
    net::TcpListener,
    sync::{Notify, mpsc, watch},
    task::JoinSet,
};
use tokio_util::sync::CancellationToken;

use crate::{
    config,
    control::{Controller, validate_cron},
    emulator::broker::{Broker, BrokerError, BrokerOptions},
    hub::{Asked, Clock, Handle, Hub},
    model::{BrokerHost, Class, ControlSettings, Memory, MqttSettings, OnTime, Orders, Settings, Slug, WebSettings},
    mqtt, outlets, planner,
    store::Store,
    weather, web,
};

pub use self::{
    demo::{DemoError, DemoOptions, demo},
    discover::{Discovered, discover},
    doctor::{Line, Verdict, doctor, unread},
    errands::{Levers, LogLever},
    explain::{ExplainOptions, explain},
    setup::setup,
};

pub use crate::outlets::Sockets;

/// The program's version.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// A restart waits for so long, so that its asker is answered.
const LAST_WORDS: Duration = Duration::from_millis(300);

/// What becomes of the outlets if the bridge dies.
pub const DEVICE_TIMERS: &str =
    "heaters are armed with a timer on the plug: if the bridge dies, they go off by themselves within 15 minutes";

/// The bridge cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The page's address is taken or not ours.
    #[error("the web server cannot listen on {host}:{port}")]
    Web {
        /// The configured host.
        host: String,
        /// The configured port.
        port: u16,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The embedded broker does not run.
    #[error("the embedded broker does not start")]
    Broker(#[from] BrokerError),
}

/// A task ended although nobody had told it to: a bug. The bridge stops, and whoever supervises it starts it again.
#[derive(Debug, thiserror::Error)]
#[error("the task `{0}` ended by itself")]
pub struct Died(&'static str);

/// A running bridge.
#[derive(Debug)]
pub struct Bridge {
    handle: Handle,
    tasks: JoinSet<&'static str>,
    shells: CancellationToken,
    web: Option<SocketAddr>,
    broker: Option<Broker>,
    /// Devices that heat.
    heaters: BTreeSet<Slug>,
    /// What each device is told.
    orders: BTreeMap<Slug, watch::Sender<Arc<Orders>>>,
    /// Somebody wants it to stop and to start again.
    restart: Arc<Notify>,
}

/// Why a bridge stopped in good order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// It was told to.
    Stopped,
    /// Somebody wants it to start again, with the config as it is by now.
    Restart,
}

impl Bridge {
    /// Builds and starts every room.
    ///
    /// # Errors
    /// A port that is to be listened on is taken. Everything else heals by itself and is no reason not to start.
    pub async fn start(settings: Settings, clock: Clock) -> Result<Self, StartError> {
        Self::start_with(settings, clock, Levers::default()).await
    }

    /// The same, with levers for those who ask for another log or another config.
    ///
    /// # Errors
    /// As [`Bridge::start`].
    pub async fn start_with(settings: Settings, clock: Clock, levers: Levers) -> Result<Self, StartError> {
        tell_unreadable_cron(&settings.control);
        let (store, memory, troubles) = Store::open(&settings.data, clock.now());
        let begin = if clock.is_wall() { Controller::new } else { Controller::rehearsing };
        let controller = begin(Arc::clone(&settings.control), &memory, clock.now());
        let (mut hub, handle) = Hub::new(controller, clock);
        let mut bridge = Self::around(handle);
        let shown = Arc::new(settings.shown.clone());
        let journal = Arc::clone(&levers.journal);
        let config_file = levers.config.as_ref().map(config::Writer::file);
        bridge.spawn_errands(hub.errands(), Some(Arc::clone(&settings.control)), shown, levers);
        bridge.heaters = heating(&settings.control);
        bridge.orders = hub.order_boards();
        for trouble in troubles {
            bridge.handle.notify(trouble);
        }
        let mqtt = bridge.with_broker(settings.mqtt.clone()).await?;
        let control = Some(Arc::clone(&settings.control));
        let mqtt_is_used = mqtt.is_some();
        let info = web::WebInfo { mqtt: mqtt_is_used, settings: control, journal, config_file, ..Default::default() };
        bridge.serve_health(settings.health.as_ref(), info.clone()).await;
        bridge.serve(settings.web.as_ref(), info).await?;
        bridge.spawn_devices(&settings, &memory, &hub);
        let identity = mqtt::Identity {
            bridge_id: store.bridge_id().to_owned(),
            version: VERSION,
            shown: settings.shown,
            setup: Vec::new(),
            zone: settings.control.zone.clone(),
        };
        if let Some(mqtt) = mqtt {
            let run = mqtt::run(mqtt, settings.homeassistant, identity, bridge.handle.clone(), bridge.shells.clone());
            bridge.spawn("mqtt", run);
        }
        if let Some(weather) = settings.weather {
            let run = weather::run(weather, bridge.handle.clone(), bridge.shells.clone());
            bridge.spawn("weather", run);
        }
        let run = planner::run(Arc::clone(&settings.control), bridge.handle.clone(), bridge.shells.clone());
        bridge.spawn("planner", run);
        let run = crate::store::run(store, bridge.handle.clone(), bridge.shells.clone());
        bridge.spawn("store", run);
        bridge.spawn("hub", hub.run());
        Ok(bridge)
    }

    fn around(handle: Handle) -> Self {
        Self {
            handle,
            tasks: JoinSet::new(),
            shells: CancellationToken::new(),
            web: None,
            broker: None,
            heaters: BTreeSet::new(),
            orders: BTreeMap::new(),
            restart: Arc::new(Notify::new()),
        }
    }

    fn spawn_errands(
        &mut self,
        asked: Option<mpsc::Receiver<Asked>>,
        control: Option<Arc<ControlSettings>>,
        shown: Arc<serde_json::Value>,
        levers: Levers,
    ) {
        let Some(asked) = asked else { return };
        let means =
            errands::Means { handle: self.handle.clone(), control, shown, levers, restart: self.restart.clone() };
        let run = errands::run(means, asked, self.shells.clone());
        self.spawn("errands", run);
    }

    /// Where the page is served.
    pub fn web_address(&self) -> Option<SocketAddr> {
        self.web
    }

    /// The board, and the way in for events.
    pub fn handle(&self) -> &Handle {
        &self.handle
    }

    /// Runs until `told_to` ends, then stops within 3 s.
    ///
    /// # Errors
    /// A task ended by itself or panicked; the rest has been stopped.
    pub async fn run_until(mut self, told_to: impl Future<Output = ()>) -> Result<Ended, Died> {
        let restart = Arc::clone(&self.restart);
        let mut ended_by = Ended::Stopped;
        let died = tokio::select! {
            () = told_to => None,
            () = restart.notified() => {
                // Whoever asked for it is answered first.
                tokio::time::sleep(LAST_WORDS).await;
                tracing::info!("stopping to start again: somebody asked for it");
                ended_by = Ended::Restart;
                None
            }
            ended = self.tasks.join_next() => Some(match ended {
                Some(Ok(name)) => name,
                // A panic has been written to the log by the runtime's hook.
                Some(Err(_)) | None => "unknown",
            }),
        };
        self.stop().await;
        died.map_or(Ok(ended_by), |name| Err(Died(name)))
    }

    fn spawn(&mut self, name: &'static str, task: impl Future<Output = ()> + Send + 'static) {
        self.tasks.spawn(async move {
            task.await;
            name
        });
    }

    fn spawn_devices(&mut self, settings: &Settings, memory: &Memory, hub: &Hub) {
        let network: Arc<dyn outlets::Network> = Arc::new(outlets::Sockets);
        // One for all: a power cut loses a whole house at once.
        let finder = Arc::new(outlets::finding::Finder::new(Arc::clone(&network)));
        for device in &settings.devices {
            let Some(orders) = hub.orders(&device.slug) else { continue };
            let pin = memory.pins.get(&device.slug).cloned();
            let (credentials, stop) = (settings.credentials.clone(), self.shells.clone());
            let (network, finder) = (Arc::clone(&network), Some(Arc::clone(&finder)));
            let assignment = outlets::Assignment { settings: device.clone(), credentials, pin, network, finder };
            let run = outlets::run(assignment, self.handle.clone(), orders, stop);
            self.spawn("outlets", run);
        }
    }

    /// Starts the embedded broker if the settings ask for it, and puts its address in their place.
    async fn with_broker(&mut self, mqtt: Option<MqttSettings>) -> Result<Option<MqttSettings>, BrokerError> {
        let Some(mut mqtt) = mqtt else { return Ok(None) };
        if mqtt.host == BrokerHost::Embedded {
            let broker = Broker::start(BrokerOptions { listen: SocketAddr::from(([127, 0, 0, 1], mqtt.port)) }).await?;
            tracing::info!("the embedded broker listens on {}", broker.address());
            mqtt.host = BrokerHost::Remote(broker.address().ip().to_string());
            mqtt.port = broker.address().port();
            self.broker = Some(broker);
        }
        Ok(Some(mqtt))
    }

    /// A port that is taken is no reason to leave the heaters alone: it is told, and the rest goes on.
    async fn serve_health(&mut self, settings: Option<&WebSettings>, info: web::WebInfo) {
        let Some(WebSettings { bind_host, port }) = settings else { return };
        let listener = match TcpListener::bind((bind_host.as_str(), *port)).await {
            Ok(listener) => listener,
            Err(error) => return tracing::error!("health_server cannot listen on {bind_host}:{port}: {error}"),
        };
        let info = web::WebInfo { version: VERSION.to_owned(), names: vec![bind_host.clone()], ..info };
        let run = web::serve_health(listener, info, self.handle.clone(), self.shells.clone());
        self.spawn("health server", async {
            if let Err(error) = run.await {
                tracing::error!("the health server failed: {error}");
            }
        });
    }

    async fn serve(&mut self, settings: Option<&WebSettings>, info: web::WebInfo) -> Result<(), StartError> {
        let Some(WebSettings { bind_host, port }) = settings else { return Ok(()) };
        let refused = |source| StartError::Web { host: bind_host.clone(), port: *port, source };
        let listener = TcpListener::bind((bind_host.as_str(), *port)).await.map_err(refused)?;
        self.web = Some(listener.local_addr().map_err(refused)?);
        let info = web::WebInfo { version: VERSION.to_owned(), names: vec![bind_host.clone()], ..info };
        let run = web::serve(listener, info, self.handle.clone(), self.shells.clone());
        self.spawn("web", async {
            if let Err(error) = run.await {
                tracing::error!("the web server failed: {error}");
            }
        });
        Ok(())
    }
}

/// The config checks cron expressions by itself, for only control may name the crate that reads them. Should the two ever differ,
/// the schedule would never open, and somebody must hear of it.
fn tell_unreadable_cron(settings: &ControlSettings) {
    for group in settings.groups.values() {
        for schedule in &group.schedules {
            if let Some((OnTime::Cron(expression), _)) = &schedule.window
                && let Err(error) = validate_cron(expression)
            {
                tracing::error!("schedule `{}` of group `{}` never opens: {error}", schedule.name, group.name);
            }
        }
    }
}

/// The devices that a heater hangs on.
fn heating(settings: &ControlSettings) -> BTreeSet<Slug> {
    let heaters = settings.groups.values().filter(|it| it.class == Class::Heater);
    heaters.flat_map(|it| &it.members).map(|it| it.device.clone()).collect()
}
