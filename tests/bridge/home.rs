//! A home for one test: emulated plugs, a storm, a broker, the bridge, and a peer at the broker. All on loopback, all real sockets.

use std::{
    collections::{BTreeMap, VecDeque},
    net::SocketAddr,
    path::Path,
    sync::Mutex,
    time::Duration,
};

use heattrax::{
    app::{Bridge, Levers, LogLever},
    config::{Overrides, Sources, Writer},
    emulator::{
        Model, Plug, PlugOptions,
        broker::{Broker, BrokerOptions},
        storm::{Storm, StormOptions},
    },
    hub::{Clock, Errand, Handle},
};
use jiff::{SignedDuration, Timestamp};
use rumqttc::v5::{
    AsyncClient, Event, EventLoop, Incoming, MqttOptions,
    mqttbytes::{QoS, v5::Publish},
};
use tempfile::TempDir;
use tokio::{sync::mpsc, task::JoinHandle, time::timeout};
use tokio_util::sync::CancellationToken;

/// Nothing here takes longer, and a test that waits for what never comes ends.
const PATIENCE: Duration = Duration::from_secs(20);
const ACCOUNT: (&str, &str) = ("me@example.com", "secret");

pub(crate) struct Home {
    pub(crate) mat: Plug,
    pub(crate) lights: Plug,
    pub(crate) peer: Peer,
    broker: Option<Broker>,
    broker_at: SocketAddr,
    storm: Storm,
    clock: Clock,
    data: TempDir,
    rules: String,
    bridge: Option<(CancellationToken, JoinHandle<heattrax::app::Ended>)>,
    handle: Option<Handle>,
    pub(crate) web: Option<SocketAddr>,
    written: Option<String>,
}

impl Home {
    /// `rules` are the groups, indented by four; `{mat}` and `{lights}` stand for the plugs' addresses.
    pub(crate) async fn new(rules: &str, clock: Clock) -> Self {
        // Whoever starts first installs it; the others find it there.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let plug = |model, seed| {
            let (username, password) = (ACCOUNT.0.to_owned(), ACCOUNT.1.to_owned());
            let speed = clock.speed();
            Plug::start(PlugOptions { username, password, seed, speed, load: 300.0, ..PlugOptions::new(model) })
        };
        let (mat, lights) = (plug(Model::P210M, 1).await.unwrap(), plug(Model::Ep40m, 2).await.unwrap());
        let time = clock.clone();
        let hours = Storm::recorded(Storm::names()[0]).unwrap();
        let options = StormOptions::of(hours, std::sync::Arc::new(move || time.now()));
        let storm = Storm::start(options).await.unwrap();
        let broker = Broker::start(BrokerOptions { listen: ([127, 0, 0, 1], 0).into() }).await.unwrap();
        let broker_at = broker.address();
        let peer = Peer::new(broker_at).await;
        let data = tempfile::tempdir().unwrap();
        let rules = rules.to_owned();
        let mut home = Self {
            mat,
            lights,
            peer,
            broker: Some(broker),
            broker_at,
            storm,
            clock,
            data,
            rules,
            written: None,
            bridge: None,
            handle: None,
            web: None,
        };
        home.start().await;
        home
    }

    /// Its config.
    pub(crate) fn file(&self) -> std::path::PathBuf {
        self.data.path().join("house.yaml")
    }

    fn config(&self) -> String {
        let (mat, lights) = (self.mat.address().to_string(), self.lights.address().to_string());
        let rules = self.rules.replace("{mat}", &mat).replace("{lights}", &lights);
        format!(
            "location: {{ latitude: 40.69, longitude: -74.17, timezone: America/New_York }}\n\
             safety: {{ max_runtime_hours: 6, cooldown_minutes: 30 }}\n\
             mqtt: {{ host: {}, port: {} }}\n\
             weather_api: {{ open_meteo: {{ base_url: \"{}\" }} }}\n\
             devices:\n  credentials: {{ username: {}, password: {} }}\n  groups:\n{rules}",
            self.broker_at.ip(),
            self.broker_at.port(),
            self.storm.base_url(),
            ACCOUNT.0,
            ACCOUNT.1
        )
    }

    /// Starts the bridge, with what it remembers from earlier.
    pub(crate) async fn start(&mut self) {
        let text = self.config();
        if self.written.as_ref() != Some(&text) {
            // Written once, so that what somebody edits stays over a restart.
            std::fs::write(self.file(), &text).unwrap();
            self.written = Some(text.clone());
        }
        let flags = Overrides { data: Some(self.data.path().to_owned()), ..Overrides::default() };
        let writer = Writer::new(Sources { file: Some(self.file()), flags, ..Sources::default() });
        let mut settings = writer.check().unwrap_or_else(|problems| panic!("{problems}\n{text}"));
        if let Some(web) = &mut settings.web {
            web.port = 0;
        }
        let level = Mutex::new("info".to_owned());
        let lever = LogLever::new(move |to| {
            let mut level = level.lock().unwrap();
            to.iter().for_each(|it| (*it).clone_into(&mut level));
            Ok(level.clone())
        });
        let levers = Levers { log: Some(lever), config: Some(writer), ..Levers::default() };
        let bridge = Bridge::start_with(settings, self.clock.clone(), levers).await.unwrap();
        self.handle = Some(bridge.handle().clone());
        self.web = bridge.web_address();
        let stop = CancellationToken::new();
        let stopped = stop.clone().cancelled_owned();
        let task = tokio::spawn(async move { bridge.run_until(stopped).await.unwrap() });
        self.bridge = Some((stop, task));
    }

    /// Changes the text of the config, and has it read anew. Why the bridge starts again, if it does.
    pub(crate) async fn rewrites(&mut self, from: &str, to: &str) -> Option<String> {
        let to = to.replace("{lights}", &self.lights.address().to_string());
        let before = std::fs::read_to_string(self.file()).unwrap();
        assert!(before.contains(from), "{before}");
        std::fs::write(self.file(), before.replace(from, &to)).unwrap();
        let handle = self.handle.clone().expect("it runs");
        let read = handle.errand(Errand::Reload, PATIENCE).await.unwrap();
        read["restart"].as_str().map(str::to_owned)
    }

    /// Waits until it ends by itself.
    pub(crate) async fn ended(&mut self) -> heattrax::app::Ended {
        self.handle = None;
        let (_stop, task) = self.bridge.take().unwrap();
        timeout(Duration::from_secs(10), task).await.expect("the bridge ends").unwrap()
    }

    /// Stops it as SIGTERM does.
    pub(crate) async fn stop(&mut self) {
        self.handle = None;
        let (stop, task) = self.bridge.take().unwrap();
        stop.cancel();
        // Its own limits add up to 3 s.
        timeout(Duration::from_secs(10), task).await.expect("the bridge stops in time").unwrap();
    }

    pub(crate) async fn kill_broker(&mut self) {
        self.broker.take().unwrap().stop().await;
    }

    /// A broker that has forgotten everything, at the same address.
    pub(crate) async fn new_broker(&mut self) {
        self.broker = Some(Broker::start(BrokerOptions { listen: self.broker_at }).await.unwrap());
        self.peer = Peer::new(self.broker_at).await;
    }

    /// Waits until the mat is on and its countdown to OFF has been confirmed, so that a restart leaves it on. The time at which the
    /// plug's lasting auto-off timer would end the heat is told too, and sooner, but it is hours away: no reason to leave it on.
    pub(crate) async fn watched_over(&mut self) {
        loop {
            let told = self.peer.wait("heattrax/driveway/1", &["\"state\":\"ON\"", "device_timer_off_at\":\"2"]).await;
            let told: serde_json::Value = serde_json::from_str(&told).unwrap();
            let off_at: Timestamp = told["device_timer_off_at"].as_str().unwrap().parse().unwrap();
            if off_at.duration_since(self.now()) <= SignedDuration::from_mins(16) {
                return;
            }
        }
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub(crate) fn speed(&self) -> f64 {
        self.clock.speed()
    }

    /// Where its page is.
    pub(crate) fn web(&self) -> SocketAddr {
        self.web.unwrap()
    }

    pub(crate) fn data(&self) -> &Path {
        self.data.path()
    }
}

/// A dashboard.
pub(crate) struct Peer {
    client: AsyncClient,
    incoming: mpsc::UnboundedReceiver<Publish>,
    /// What came while the test waited for something else, by topic and in order.
    seen: BTreeMap<String, VecDeque<String>>,
}

impl Peer {
    pub(crate) async fn new(broker: SocketAddr) -> Self {
        let mut options = MqttOptions::new("dashboard", broker.ip().to_string(), broker.port());
        options.set_max_packet_size(Some(4 * 1024 * 1024));
        let (client, events) = AsyncClient::new(options, 64);
        let (sender, incoming) = mpsc::unbounded_channel();
        tokio::spawn(forward(events, sender));
        for filter in ["heattrax/#", "homeassistant/#"] {
            client.subscribe(filter, QoS::AtLeastOnce).await.unwrap();
        }
        Self { client, incoming, seen: BTreeMap::new() }
    }

    pub(crate) async fn send(&self, topic: &str, payload: &str) {
        self.client.publish(topic, QoS::AtLeastOnce, false, payload.to_owned()).await.unwrap();
    }

    pub(crate) async fn publish(&self, topic: &str, payload: Vec<u8>, retain: bool) {
        self.client.publish(topic, QoS::AtLeastOnce, retain, payload).await.unwrap();
    }

    /// The topics below `prefix` on which something is retained, for a peer that has just come.
    pub(crate) async fn retained_below(&mut self, prefix: &str) -> Vec<String> {
        self.send("heattrax/marker", "what was retained has come before this").await;
        self.wait("heattrax/marker", &["before"]).await;
        self.seen.keys().filter(|it| it.starts_with(prefix)).cloned().collect()
    }

    /// All that came on a topic and was not waited for.
    pub(crate) fn came(&self, topic: &str) -> Vec<String> {
        self.seen.get(topic).into_iter().flatten().cloned().collect()
    }

    /// Forgets what has come so far.
    pub(crate) fn forget(&mut self) {
        self.seen.clear();
    }

    /// Waits until what is retained on `topic` is taken back.
    pub(crate) async fn gone(&mut self, topic: &str) {
        while !self.wait(topic, &[]).await.is_empty() {}
    }

    /// Waits for a message on `topic` that holds every one of `needles`, and returns it. What came on that topic before is
    /// forgotten; other topics are kept for later.
    pub(crate) async fn wait(&mut self, topic: &str, needles: &[&str]) -> String {
        let mut passed = Vec::new();
        let found = async {
            loop {
                while let Some(payload) = self.seen.get_mut(topic).and_then(VecDeque::pop_front) {
                    if needles.iter().all(|it| payload.contains(it)) {
                        return payload;
                    }
                    passed.push(payload);
                }
                let message = self.incoming.recv().await.expect("the broker is there");
                let on = String::from_utf8_lossy(&message.topic).into_owned();
                self.seen.entry(on).or_default().push_back(String::from_utf8_lossy(&message.payload).into_owned());
            }
        };
        match timeout(PATIENCE, found).await {
            Ok(payload) => payload,
            Err(_) => panic!("no {needles:?} on {topic}; seen there: {passed:#?}"),
        }
    }
}

async fn forward(mut events: EventLoop, sender: mpsc::UnboundedSender<Publish>) {
    while let Ok(event) = events.poll().await {
        if let Event::Incoming(Incoming::Publish(message)) = event {
            // The test may have ended.
            let _ = sender.send(message);
        }
    }
}

/// Looks at something that is not told until it is so.
pub(crate) async fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let looked = async {
        while !is_so() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(PATIENCE, looked).await.unwrap_or_else(|_| panic!("never: {what}"));
}
