//! The other side: a client that sees everything, a bridge that can be turned by hand, and a broker that only pretends.

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use heattrax::{
    config,
    control::Controller,
    emulator::broker::{Broker, BrokerOptions},
    hub::{Asked, Clock, Errand, Handle, Hub},
    model::{ConfigEdit, Event, Failed, HomeAssistantSettings, House, Memory, MqttSettings},
    mqtt::{self, Identity},
};
use rumqttc::v5::{
    AsyncClient, Event as Seen, MqttOptions,
    mqttbytes::{
        QoS,
        v5::{Filter, Packet, Publish, PublishProperties},
    },
};
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::{mpsc, oneshot, watch},
    task::{JoinHandle, JoinSet},
};
use tokio_util::sync::CancellationToken;

use crate::house::{homeassistant, identity, now, settings};

/// A command topic.
pub(crate) const SET: &str = "heattrax/driveway/1/set";
/// Nothing here takes as long, however slow the machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) async fn broker() -> Broker {
    broker_on(SocketAddr::from(([127, 0, 0, 1], 0))).await
}

pub(crate) async fn broker_on(listen: SocketAddr) -> Broker {
    Broker::start(BrokerOptions { listen }).await.unwrap()
}

/// A message that the peer saw.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Saw {
    pub topic: String,
    pub payload: String,
    pub retain: bool,
    pub correlation: Option<Vec<u8>>,
}

impl Saw {
    fn of(publish: Publish) -> Self {
        Self {
            topic: String::from_utf8(publish.topic.to_vec()).unwrap(),
            payload: String::from_utf8_lossy(&publish.payload).into_owned(),
            retain: publish.retain,
            correlation: publish.properties.and_then(|it| it.correlation_data).map(|it| it.to_vec()),
        }
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.payload).unwrap()
    }
}

pub(crate) fn topics(seen: &[Saw]) -> Vec<&str> {
    seen.iter().map(|it| it.topic.as_str()).collect()
}

/// A client that is subscribed to everything.
pub(crate) struct Peer {
    client: AsyncClient,
    seen: Arc<Mutex<Vec<Saw>>>,
    changed: watch::Receiver<usize>,
    forgotten: AtomicUsize,
    _task: JoinSet<()>,
}

impl Peer {
    pub(crate) async fn at(address: SocketAddr) -> Self {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let name = format!("peer-{}", NUMBER.fetch_add(1, Ordering::Relaxed));
        let mut options = MqttOptions::new(name, address.ip().to_string(), address.port());
        options.set_keep_alive(Duration::from_secs(60)).set_max_packet_size(Some(2 * 1024 * 1024));
        let (client, mut events) = AsyncClient::new(options, 2000);
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (changes, mut changed) = watch::channel(0);
        let mut task = JoinSet::new();
        let log = seen.clone();
        task.spawn(async move {
            while let Ok(event) = events.poll().await {
                match event {
                    Seen::Incoming(Packet::Publish(publish)) => log.lock().unwrap().push(Saw::of(publish)),
                    Seen::Incoming(Packet::SubAck(_)) => {}
                    _ => continue,
                }
                changes.send_modify(|it| *it += 1);
            }
        });
        client.subscribe_many([Filter::new("#", QoS::AtLeastOnce)]).await.unwrap();
        changed.changed().await.unwrap();
        Self { client, seen, changed, forgotten: AtomicUsize::new(0), _task: task }
    }

    pub(crate) async fn say(&self, topic: &str, payload: impl Into<Vec<u8>>) {
        self.client.publish(topic, QoS::AtLeastOnce, false, payload.into()).await.unwrap();
    }

    pub(crate) async fn say_retained(&self, topic: &str, payload: &str) {
        self.client.publish(topic, QoS::AtLeastOnce, true, payload.to_owned()).await.unwrap();
    }

    pub(crate) async fn ask(&self, topic: &str, payload: &str, answer_to: &str, mark: &[u8]) {
        let properties = PublishProperties {
            response_topic: Some(answer_to.to_owned()),
            correlation_data: Some(mark.to_vec().into()),
            ..PublishProperties::default()
        };
        let payload = payload.to_owned();
        self.client.publish_with_properties(topic, QoS::AtLeastOnce, false, payload, properties).await.unwrap();
    }

    /// Everything so far.
    pub(crate) fn seen(&self) -> Vec<Saw> {
        self.seen.lock().unwrap().clone()
    }

    /// Forgets what was seen.
    pub(crate) fn forget(&self) {
        self.seen.lock().unwrap().clear();
        self.forgotten.fetch_add(1, Ordering::Relaxed);
    }

    /// Waits for a message.
    pub(crate) async fn wait(&self, what: &str, wanted: impl Fn(&Saw) -> bool) -> Saw {
        let mut changed = self.changed.clone();
        let (mut searched, mut forgotten) = (0, 0);
        let found = tokio::time::timeout(PATIENCE, async {
            loop {
                {
                    let seen = self.seen.lock().unwrap();
                    let times = self.forgotten.load(Ordering::Relaxed);
                    if times != std::mem::replace(&mut forgotten, times) {
                        searched = 0;
                    }
                    let new = seen.get(searched..).unwrap_or(&seen);
                    if let Some(saw) = new.iter().find(|it| wanted(it)) {
                        return saw.clone();
                    }
                    searched = seen.len();
                }
                changed.changed().await.unwrap();
            }
        });
        found.await.unwrap_or_else(|_| panic!("waited for {what} in vain, saw {:#?}", self.seen()))
    }

    pub(crate) async fn wait_for(&self, topic: &str, payload: &str) -> Saw {
        self.wait(&format!("{topic} {payload}"), |it| it.topic == topic && it.payload == payload).await
    }

    pub(crate) async fn wait_for_event(&self, kind: &str) -> Value {
        let wanted = format!("\"event_type\":\"{kind}\"");
        let saw = self.wait(kind, |it| it.topic == "heattrax/bridge/event" && it.payload.contains(&wanted)).await;
        saw.json()
    }

    /// Says something itself and waits until it comes back: what was sent to the peer before has arrived then.
    pub(crate) async fn settle(&self) {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let mark = format!("settled-{}", NUMBER.fetch_add(1, Ordering::Relaxed));
        self.say("peer/mark", mark.as_str()).await;
        self.wait_for("peer/mark", &mark).await;
    }
}

/// What the broker holds, as somebody sees it who comes later.
pub(crate) async fn retained(address: SocketAddr) -> Vec<Saw> {
    let peer = Peer::at(address).await;
    // The broker sends what it holds before anything newer.
    peer.settle().await;
    peer.seen().into_iter().filter(|it| it.retain).collect()
}

/// The room, with the hub's side in the test's hand.
pub(crate) struct Bridge {
    pub events: mpsc::Receiver<Event>,
    pub board: watch::Sender<Arc<House>>,
    pub handle: Handle,
    pub stop: CancellationToken,
    pub task: JoinHandle<()>,
}

impl Bridge {
    pub(crate) fn at(address: SocketAddr, house: House) -> Self {
        Self::with(settings(address.port()), identity(), house)
    }

    pub(crate) fn with(settings: MqttSettings, identity: Identity, house: House) -> Self {
        Self::told(settings, homeassistant(), identity, house)
    }

    pub(crate) fn told(
        settings: MqttSettings,
        announced: HomeAssistantSettings,
        identity: Identity,
        house: House,
    ) -> Self {
        let (handle, events, board) = Handle::detached(house, Clock::driven(now(), 1.0));
        let stop = CancellationToken::new();
        let task = tokio::spawn(mqtt::run(settings, announced, identity, handle.clone(), stop.clone()));
        Self { events, board, handle, stop, task }
    }

    /// Ends the room and begins it again, with the same hub.
    pub(crate) async fn begin_again(&mut self, address: SocketAddr) {
        self.stop.cancel();
        (&mut self.task).await.unwrap();
        self.stop = CancellationToken::new();
        let (handle, stop) = (self.handle.clone(), self.stop.clone());
        self.task = tokio::spawn(mqtt::run(settings(address.port()), homeassistant(), identity(), handle, stop));
    }

    /// Waits for an event that the hub is handed.
    pub(crate) async fn event(&mut self, wanted: impl Fn(&Event) -> bool) -> Event {
        let found = tokio::time::timeout(PATIENCE, async {
            loop {
                let event = self.events.recv().await.unwrap();
                if wanted(&event) {
                    return event;
                }
            }
        });
        found.await.expect("the event came")
    }

    pub(crate) async fn connected(&mut self) {
        self.event(|it| matches!(it, Event::BrokerConnected)).await;
    }
}

/// The room, with the side of those who do errands in the test's hand.
pub(crate) struct Desk {
    pub errands: mpsc::Receiver<Asked>,
    pub board: watch::Sender<Arc<House>>,
    pub stop: CancellationToken,
    _hub: Hub,
    _task: JoinSet<()>,
}

const ANY: &str = "
location: {latitude: 40.7, longitude: -74.0, timezone: America/New_York}
devices:
  credentials: {username: you@example.com, password: not-used-here}
  groups: {walk: {items: [{name: Mat, ip_address: 192.0.2.1}]}}
mqtt: {host: broker}
";

impl Desk {
    pub(crate) fn at(address: SocketAddr, house: House) -> Self {
        let any = config::parse("house.yaml", ANY, &<_>::default(), &<_>::default()).unwrap();
        let controller = Controller::new(any.control, &Memory::default(), now());
        let (mut hub, mut handle) = Hub::new(controller, Clock::driven(now(), 1.0));
        let errands = hub.errands().unwrap();
        let (board, shown) = watch::channel(Arc::new(house));
        handle.house = shown;
        let (mut task, stop) = (JoinSet::new(), CancellationToken::new());
        task.spawn(mqtt::run(settings(address.port()), homeassistant(), identity(), handle, stop.clone()));
        Self { errands, board, stop, _hub: hub, _task: task }
    }

    /// Waits for somebody who wants the config changed.
    pub(crate) async fn change(&mut self) -> (ConfigEdit, oneshot::Sender<Result<Value, Failed>>) {
        match self.asked(|it| matches!(it, Errand::Edit(..))).await {
            Asked { errand: Errand::Edit(edit, _), answer } => (edit, answer),
            other => panic!("{other:?}"),
        }
    }

    /// Waits for somebody who waits until the config is in force.
    pub(crate) async fn settled(&mut self) -> oneshot::Sender<Result<Value, Failed>> {
        self.asked(|it| *it == Errand::Settled).await.answer
    }

    async fn asked(&mut self, wanted: impl Fn(&Errand) -> bool) -> Asked {
        let found = tokio::time::timeout(PATIENCE, async {
            loop {
                let asked = self.errands.recv().await.unwrap();
                if wanted(&asked.errand) {
                    return asked;
                }
            }
        });
        found.await.expect("somebody asks for it")
    }
}

/// A broker that reads one CONNECT per connection, answers as it is told, and then only swallows.
pub(crate) struct Pretender {
    pub address: SocketAddr,
    /// The protocol level of each CONNECT.
    pub levels: mpsc::Receiver<u8>,
    _task: JoinSet<()>,
}

impl Pretender {
    pub(crate) async fn start(answer: fn(level: u8) -> (&'static [u8], bool)) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (levels_in, levels) = mpsc::channel(100);
        let mut task = JoinSet::new();
        task.spawn(async move {
            let mut open = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                open.spawn(pretend(stream, levels_in.clone(), answer));
            }
        });
        Self { address, levels, _task: task }
    }
}

async fn pretend(mut stream: TcpStream, levels: mpsc::Sender<u8>, answer: fn(u8) -> (&'static [u8], bool)) {
    let mut packet = [0; 1024];
    let length = stream.read(&mut packet).await.unwrap();
    // Fixed header, `00 04 M Q T T`, level.
    let name = packet[..length].windows(4).position(|it| it == b"MQTT").unwrap();
    let level = packet[name + 4];
    levels.send(level).await.unwrap();
    let (bytes, stays) = answer(level);
    stream.write_all(bytes).await.unwrap();
    if stays {
        while stream.read(&mut packet).await.is_ok_and(|length| length > 0) {}
    }
}
