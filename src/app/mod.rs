//! The only room that knows every other: it builds them, starts them, joins them and stops them.

mod alone;
mod amend;
mod config_edits;
mod demo;
mod discover;
mod doctor;
mod ended;
mod errands;
mod explain;
mod rooms;
mod served;
mod setup;
mod stop;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::File,
    net::SocketAddr,
    sync::Arc,
    time::Duration,
};

use tokio::{
    sync::{mpsc, watch},
    task::JoinSet,
};
use tokio_util::sync::CancellationToken;

use crate::{
    config,
    control::{Controller, validate_cron},
    emulator::broker::{Broker, BrokerOptions},
    history,
    hub::{Amendment, Asked, Clock, Handle, Hub},
    model::{
        BrokerHost, Class, ControlSettings, Credentials, DeviceSettings, HomeAssistantSettings, MqttSettings, OnTime,
        Orders, Pin, Settings, Slug, WeatherSettings,
    },
    mqtt, notify, outlets, planner,
    store::Store,
    weather, web,
};

use self::{
    amend::{Applied, Want},
    rooms::Room,
};
pub use self::{
    config_edits::foretold,
    demo::{DemoError, DemoOptions, demo},
    discover::{Discovered, discover},
    doctor::{Line, Verdict, doctor, unread},
    ended::{Died, Ended, StartError},
    errands::{Levers, LogLever},
    explain::{ExplainOptions, explain},
    served::health_url,
    setup::setup,
};

pub use crate::outlets::Sockets;

/// The program's version.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// A restart waits for so long, so that its asker is answered.
const LAST_WORDS: Duration = Duration::from_millis(300);

/// Wants that may wait.
const WANTS: usize = 16;

/// What becomes of the outlets if the bridge dies.
pub const DEVICE_TIMERS: &str =
    "heaters are armed with a timer on the plug: if the bridge dies, they go off by themselves within 15 minutes";

/// A running bridge.
#[derive(Debug)]
pub struct Bridge {
    handle: Handle,
    /// Held as long as the bridge uses the folder of its memory.
    alone: Option<File>,
    tasks: JoinSet<Option<&'static str>>,
    shells: CancellationToken,
    web: Option<SocketAddr>,
    broker: Option<Broker>,
    /// Devices that heat.
    heaters: BTreeSet<Slug>,
    /// What each device is told.
    orders: BTreeMap<Slug, watch::Sender<Arc<Orders>>>,
    /// What it goes by. `None` in setup mode.
    in_force: Option<Settings>,
    /// Where other settings are put in.
    amendments: Option<mpsc::Sender<Amendment>>,
    /// The tasks of devices.
    devices: BTreeMap<Slug, Room>,
    /// The tasks that begin anew when their settings change.
    rooms: BTreeMap<&'static str, Room>,
    /// One for all: a power cut loses a whole house at once.
    finder: Arc<outlets::finding::Finder>,
    /// Drawn once and kept.
    bridge_id: String,
    levers: Levers,
    /// The ways to people; `None` in setup mode.
    post: watch::Sender<Option<notify::Post>>,
    wants: mpsc::Sender<Want>,
    wanted: mpsc::Receiver<Want>,
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
        let alone = alone::alone(&settings.data).await?;
        let (store, memory, troubles) = Store::open(&settings.data, clock.now())
            .map_err(|source| StartError::Memory { folder: settings.data.display().to_string(), source })?;
        let memory = config_edits::with_earlier(memory, &settings, &levers, clock.now());
        let begin = if clock.is_wall() { Controller::new } else { Controller::rehearsing };
        let controller = begin(Arc::clone(&settings.control), &memory, clock.now());
        let (mut hub, handle) = Hub::new(controller, clock);
        let shown = Arc::new(settings.shown.clone());
        hub.show_config(shown);
        let mut bridge = Self::around(handle, levers);
        bridge.alone = alone;
        bridge.amendments = Some(hub.amendments());
        bridge.spawn_notify(&settings).await;
        bridge.spawn_errands(hub.errands(), Some(&settings));
        bridge.heaters = heating(&settings.control);
        bridge.orders = hub.order_boards();
        store.bridge_id().clone_into(&mut bridge.bridge_id);
        for trouble in troubles {
            bridge.handle.notify(trouble);
        }
        bridge.start_broker(settings.mqtt.as_ref()).await;
        let info = web::WebInfo {
            mqtt: settings.mqtt.is_some(),
            journal: Arc::clone(&bridge.levers.journal),
            config_file: bridge.levers.config.as_ref().map(config::Writer::file),
            data: Some(settings.data.clone()),
            ..web::WebInfo::default()
        };
        bridge.serve_health(settings.health.as_ref(), info.clone()).await;
        bridge.serve(settings.web.as_ref(), info).await?;
        for device in &settings.devices {
            bridge.spawn_device(device, &settings.credentials, memory.pins.get(&device.slug).cloned());
        }
        bridge.spawn_mqtt(&settings).await;
        bridge.spawn_weather(settings.weather.clone()).await;
        bridge.begin_history(&settings);
        bridge.spawn("planner", planner::run(bridge.handle.clone(), bridge.shells.clone()));
        let run = crate::store::run(store, bridge.handle.clone(), bridge.shells.clone());
        bridge.spawn("store", run);
        bridge.spawn("hub", hub.run());
        bridge.in_force = Some(settings);
        Ok(bridge)
    }

    fn around(handle: Handle, levers: Levers) -> Self {
        let (wants, wanted) = mpsc::channel(WANTS);
        Self {
            handle,
            alone: None,
            tasks: JoinSet::new(),
            shells: CancellationToken::new(),
            web: None,
            broker: None,
            heaters: BTreeSet::new(),
            orders: BTreeMap::new(),
            in_force: None,
            amendments: None,
            devices: BTreeMap::new(),
            rooms: BTreeMap::new(),
            finder: Arc::new(outlets::finding::Finder::new(Arc::new(outlets::Sockets))),
            bridge_id: String::new(),
            levers,
            post: watch::channel(None).0,
            wants,
            wanted,
        }
    }

    /// Without `settings` in setup mode.
    fn spawn_errands(&mut self, asked: Option<mpsc::Receiver<Asked>>, settings: Option<&Settings>) {
        let Some(asked) = asked else { return };
        let (levers, wants, post) = (self.levers.clone(), self.wants.clone(), self.post.subscribe());
        let history = settings.map(|it| history::file(&it.data));
        let keeps_history = settings.is_some_and(|it| it.history.is_some());
        let (handle, desk) = (self.handle.clone(), Arc::default());
        let means = errands::Means { handle, history, keeps_history, levers, wants, post, desk };
        let run = errands::run(means, asked, self.shells.clone());
        self.spawn("errands", run);
    }

    /// Listens from here on: what other rooms notice at the start is told too.
    /// Are people told of anything, the ways to them begin anew.
    async fn spawn_notify(&mut self, settings: &Settings) {
        if let Some(room) = self.rooms.remove("notify") {
            room.let_go().await;
        }
        let post = notify::Post::open(settings.notify.as_ref(), &settings.control.zone, &settings.data);
        self.post.send_replace(Some(post.clone()));
        let Some(how) = settings.notify.clone() else { return };
        let (control, handle) = (Arc::clone(&settings.control), self.handle.clone());
        let room = self.begin("notify", |stop| notify::run(post, how, control, handle, stop));
        self.rooms.insert("notify", room);
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
        tokio::pin!(told_to);
        let ended = loop {
            tokio::select! {
                () = &mut told_to => break Ok(Ended::Stopped),
                Some(want) = self.wanted.recv() => match want {
                    Want::Restart => break Ok(Ended::Restart),
                    Want::Amend(settings, asker) => {
                        let applied = self.amend(*settings).await;
                        // Whoever has gone does not hear it.
                        let _ = asker.send(applied);
                        if let Applied::Restart(why) = applied {
                            tracing::info!("the bridge starts again with the new config: {why}");
                            break Ok(Ended::Restart);
                        }
                    }
                },
                ended = self.tasks.join_next() => match ended {
                    // It was let go of.
                    Some(Ok(None)) => {}
                    Some(Err(error)) if error.is_cancelled() => {}
                    Some(Ok(Some(name))) => break Err(Died(name)),
                    // A panic has been written to the log by the runtime's hook.
                    Some(Err(_)) | None => break Err(Died("unknown")),
                },
            }
        };
        if matches!(ended, Ok(Ended::Restart)) {
            // Whoever asked for it is answered first.
            tokio::time::sleep(LAST_WORDS).await;
            tracing::info!("stopping to start again: somebody asked for it");
        }
        self.stop().await;
        ended
    }

    fn spawn(&mut self, name: &'static str, task: impl Future<Output = ()> + Send + 'static) {
        self.tasks.spawn(async move {
            task.await;
            Some(name)
        });
    }

    fn spawn_device(&mut self, device: &DeviceSettings, credentials: &Credentials, pin: Option<Pin>) {
        let Some(orders) = self.orders.get(&device.slug).map(watch::Sender::subscribe) else { return };
        let (settings, credentials) = (device.clone(), credentials.clone());
        let (network, finder) = (Arc::new(outlets::Sockets), Some(Arc::clone(&self.finder)));
        let assignment = outlets::Assignment { settings, credentials, pin, network, finder };
        let handle = self.handle.clone();
        let room = self.begin("outlets", |stop| outlets::run(assignment, handle, orders, stop));
        self.devices.insert(device.slug.clone(), room);
    }

    /// Has it the broker's client, it begins anew.
    async fn spawn_mqtt(&mut self, settings: &Settings) {
        if let Some(room) = self.rooms.remove("mqtt") {
            room.let_go().await;
        }
        let Some(mqtt) = settings.mqtt.clone().and_then(|it| self.resolved(it)) else { return };
        let identity = mqtt::Identity {
            bridge_id: self.bridge_id.clone(),
            version: VERSION,
            shown: settings.shown.clone(),
            setup: Vec::new(),
            zone: settings.control.zone.clone(),
        };
        self.spawn_session(mqtt, settings.homeassistant.clone(), identity);
    }

    fn spawn_session(&mut self, mqtt: MqttSettings, announced: HomeAssistantSettings, identity: mqtt::Identity) {
        let handle = self.handle.clone();
        let room = self.begin("mqtt", |stop| mqtt::run(mqtt, announced, identity, handle, stop));
        self.rooms.insert("mqtt", room);
    }

    /// Is somebody asked for the weather, they are asked anew.
    async fn spawn_weather(&mut self, settings: Option<WeatherSettings>) {
        if let Some(room) = self.rooms.remove("weather") {
            room.let_go().await;
        }
        let Some(settings) = settings else { return };
        let handle = self.handle.clone();
        let room = self.begin("weather", |stop| weather::run(settings, handle, stop));
        self.rooms.insert("weather", room);
    }

    /// Its thread ends by itself when the task does.
    fn begin_history(&mut self, settings: &Settings) {
        let Some(how) = settings.history else { return };
        let run = history::run(settings.data.clone(), how, self.handle.clone(), self.shells.clone());
        self.spawn("history", run);
    }

    /// Starts the embedded broker if the settings ask for it.
    /// Without its broker the bridge has its page, and heats.
    async fn start_broker(&mut self, mqtt: Option<&MqttSettings>) {
        let Some(mqtt) = mqtt.filter(|it| it.host == BrokerHost::Embedded) else { return };
        match Broker::start(BrokerOptions { listen: SocketAddr::from(([127, 0, 0, 1], mqtt.port)) }).await {
            Ok(broker) => {
                tracing::info!("the embedded broker listens on {}", broker.address());
                self.broker = Some(broker);
            }
            Err(error) => tracing::error!(
                "the embedded broker cannot listen on port {}: {error}; there is no MQTT until the next start, all else goes on",
                mqtt.port
            ),
        }
    }

    /// The embedded broker is found where it listens. `None` if it does not.
    fn resolved(&self, mut mqtt: MqttSettings) -> Option<MqttSettings> {
        if mqtt.host == BrokerHost::Embedded {
            let address = self.broker.as_ref()?.address();
            mqtt.host = BrokerHost::Remote(address.ip().to_string());
            mqtt.port = address.port();
        }
        Some(mqtt)
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
