//! The connection to the broker. Only the files of this folder know which crate it is made of.
//!
//! One task does nothing but poll the connection. It waits for nobody: messages are handed on only if there is room, and what the
//! room publishes waits in front of the client, never inside it. Each attempt to connect starts with a fresh client, so nothing
//! half sent survives from one connection into the next; the room then publishes everything again.

mod inbox;
mod login;
mod refusals;
mod tls;
mod v4;
mod v5;

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use backon::{BackoffBuilder, ExponentialBuilder};
use tokio::{
    sync::{Notify, mpsc, watch},
    task::JoinSet,
    time::Instant,
};

pub use inbox::{Inbox, Slot, Weight, inbox};
use refusals::UnderWay;
pub(super) use refusals::{Asked, Refusal};

use super::{
    inbound::LONGEST,
    message::{Message, Payload, Reply},
    topics::{announced_id, is_state},
    truth::Once,
};
use crate::model::{BrokerHost, MqttSettings, Protocol, Trouble, TroubleKind};

/// The largest packet that is taken or sent, in bytes.
const LARGEST_PACKET: u32 = 2 * 1024 * 1024;
/// Publishes that are handed to the client before the broker has acknowledged them. The rest waits where the newest payload of a
/// topic replaces older ones.
const WINDOW: u64 = 50;
/// Requests that fit into the client: the window, and subscribing.
const REQUESTS: usize = 128;
/// Publishes that the client may have under way.
const IN_FLIGHT: u16 = 100;
/// What the crate and the protocol can express.
const KEEP_ALIVE: (Duration, Duration) = (Duration::from_secs(5), Duration::from_secs(65_535));
/// The deadline of one attempt to connect.
const CONNECT_WITHIN: Duration = Duration::from_secs(5);
/// Pauses between attempts.
const PAUSES: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(60));
/// A connection that held for so long was a good one: the next pause is a short one again.
pub(super) const HELD: Duration = Duration::from_secs(20);
/// The longest pause before a broker that may come back by itself is tried again.
const SOON: Duration = Duration::from_secs(2);
/// Refusals that may wait to be told. Each topic is told once, so those that find no room come again.
const REFUSALS: usize = 64;
/// So many connections in a row that were accepted and soon ended are no accident.
const THROWN_OUT: u32 = 3;

/// What a connection needs.
#[derive(Clone, Debug)]
pub(super) struct Options {
    pub settings: Arc<MqttSettings>,
    /// Says `offline` when the bridge is gone.
    pub will: String,
    /// Is a message on this topic worth handing on?
    pub wanted: Wanted,
}

/// Which messages are handed on at all: a broker full of other announcements must not crowd out commands.
#[derive(Clone, Debug)]
pub(super) struct Wanted {
    /// The topics of announcements begin with this.
    pub announcements: String,
    /// The topics of state begin with this, where replays of it are of use.
    pub state: Option<String>,
    /// And the ids of devices that may be ours with one of these.
    pub ours: Vec<String>,
}

impl Wanted {
    /// `None` for what is of no use. The flag tells a replay from the echo of what the bridge itself announces; what is empty
    /// may be somebody who clears it.
    fn weigh(&self, topic: &str, retain: bool, is_empty: bool) -> Option<Weight> {
        if self.state.as_ref().and_then(|state| topic.strip_prefix(state.as_str())).is_some_and(is_state) {
            return (retain && !is_empty).then_some(Weight::Replay);
        }
        match topic.strip_prefix(self.announcements.as_str()).and_then(announced_id) {
            Some(id) => {
                let is_ours = self.ours.iter().any(|ours| id.starts_with(ours.as_str()));
                (is_ours && (retain || is_empty)).then_some(Weight::Replay)
            }
            // What the broker holds of others is no command of ours.
            None if retain && self.state.as_ref().is_some_and(|ours| !topic.starts_with(ours)) => Some(Weight::Replay),
            None => Some(Weight::Command),
        }
    }
}

/// The state of the connection.
#[derive(Clone, Debug)]
pub(super) enum Connection {
    /// Not tried yet.
    Trying,
    /// The broker accepted us.
    Up(Line),
    /// It did not, or is gone.
    Down(Trouble),
}

/// An open connection, to publish on.
#[derive(Clone, Debug)]
pub(super) struct Line {
    /// The MQTT version: 5, or 4 for 3.1.1.
    pub protocol: u8,
    /// The largest packet that the broker takes, in bytes.
    pub largest: u32,
    client: Client,
    opened: Arc<Opened>,
}

/// What poller and line share about one connection.
#[derive(Debug, Default)]
struct Opened {
    acked: AtomicU64,
    under_way: UnderWay,
}

#[derive(Clone, Debug)]
enum Client {
    V5(rumqttc::v5::AsyncClient),
    V4(rumqttc::AsyncClient),
}

/// A filter to subscribe to.
#[derive(Clone, Debug)]
pub(super) struct Filter {
    pub filter: String,
    /// MQTT 5: is the RETAIN flag to be shown as it was published?
    pub as_published: bool,
}

impl Line {
    /// Publishes acknowledged so far on this connection.
    pub(super) fn acked(&self) -> u64 {
        self.opened.acked.load(Ordering::Acquire)
    }

    /// May another publish be handed over, after this many?
    pub(super) fn has_room(&self, published: u64) -> bool {
        published.saturating_sub(self.acked()) < WINDOW
    }

    /// Hands a publish over. Gives it back if there is no room.
    pub(super) fn publish(&self, message: Once) -> Result<(), Once> {
        let sent = self.opened.under_way.publish(&message.topic, || match &self.client {
            Client::V5(client) => v5::publish(client, &message),
            Client::V4(client) => v4::publish(client, &message),
        });
        if sent { Ok(()) } else { Err(message) }
    }

    /// Subscribes. False if there is no room.
    pub(super) fn subscribe(&self, filters: &[Filter]) -> bool {
        let asked = filters.iter().map(|it| it.filter.clone()).collect();
        self.opened.under_way.subscribe(asked, || match &self.client {
            Client::V5(client) => v5::subscribe(client, filters),
            Client::V4(client) => v4::subscribe(client, filters),
        })
    }

    /// Ends a subscription. False if there is no room.
    pub(super) fn unsubscribe(&self, filter: &str) -> bool {
        match &self.client {
            Client::V5(client) => client.try_unsubscribe(filter).is_ok(),
            Client::V4(client) => client.try_unsubscribe(filter).is_ok(),
        }
    }

    /// Says goodbye, so that the broker does not publish the will.
    pub(super) fn disconnect(&self) -> bool {
        match &self.client {
            Client::V5(client) => client.try_disconnect().is_ok(),
            Client::V4(client) => client.try_disconnect().is_ok(),
        }
    }
}

/// What comes from the broker.
#[derive(Debug)]
pub(super) struct Mail {
    pub messages: Inbox,
    pub connection: watch::Receiver<Connection>,
    /// What the broker does not let us do.
    pub refusals: mpsc::Receiver<Refusal>,
    /// Wakes when a publish was acknowledged, or a command found no room.
    pub wake: Arc<Notify>,
    /// Does the polling; ends after a goodbye. Dropping it cuts the connection.
    pub poller: JoinSet<()>,
}

/// Where the poller leaves what comes.
#[derive(Clone, Debug)]
struct Post {
    messages: Slot,
    connection: watch::Sender<Connection>,
    refusals: mpsc::Sender<Refusal>,
    wake: Arc<Notify>,
    wanted: Wanted,
}

/// How a connection ended.
#[derive(Debug)]
enum End {
    /// We said goodbye.
    Goodbye,
    /// It was lost, or never made. `speaks_older` if the broker may know only MQTT 3.1.1.
    Lost { trouble: Trouble, speaks_older: bool },
}

impl Post {
    /// Opens the post of one connection.
    fn open(&self, client: Client, largest: u32) -> Arc<Opened> {
        let opened = Arc::new(Opened::default());
        let protocol = if matches!(client, Client::V5(_)) { 5 } else { 4 };
        let line = Line { protocol, largest, client, opened: opened.clone() };
        self.connection.send_replace(Connection::Up(line));
        opened
    }

    /// The publish of this number is answered; with a reason if the broker did not take it.
    fn answered(&self, opened: &Opened, number: u16, refused: Option<String>) {
        let topic = opened.under_way.answered(number);
        if let (Some(topic), Some(reason)) = (topic, refused) {
            self.refuse(Refusal { asked: Asked::Publish, topic, reason });
        }
        opened.acked.fetch_add(1, Ordering::Release);
        self.wake.notify_one();
    }

    /// The oldest subscription is answered: for each filter a reason if the broker refused it.
    fn subscribed(&self, opened: &Opened, refused: impl IntoIterator<Item = Option<String>>) {
        for (topic, reason) in opened.under_way.subscribed().into_iter().zip(refused) {
            if let Some(reason) = reason {
                self.refuse(Refusal { asked: Asked::Subscribe, topic, reason });
            }
        }
    }

    fn refuse(&self, refusal: Refusal) {
        if self.refusals.try_send(refusal).is_err() {
            tracing::debug!("the broker refuses more than can be told");
        }
    }

    /// Hands a message on if there is room.
    fn hand_on(&self, topic: &[u8], payload: &[u8], retain: bool, reply: Option<Reply>, expires: Option<Instant>) {
        let Ok(topic) = std::str::from_utf8(topic) else { return };
        let Some(weight) = self.wanted.weigh(topic, retain, payload.is_empty()) else { return };
        let payload =
            if payload.len() > LONGEST { Payload::TooLong(payload.len()) } else { Payload::Bytes(payload.to_vec()) };
        self.messages.put_until(Message { topic: topic.to_owned(), payload, retain, reply }, weight, expires);
    }
}

/// Starts to connect, and goes on for ever.
pub(super) fn start(options: Options) -> Mail {
    let wake = Arc::new(Notify::new());
    let (slot, messages) = inbox(wake.clone());
    let (connection_in, connection) = watch::channel(Connection::Trying);
    let (refusals_in, refusals) = mpsc::channel(REFUSALS);
    let wanted = options.wanted.clone();
    let post = Post { messages: slot, connection: connection_in, refusals: refusals_in, wake: wake.clone(), wanted };
    let mut poller = JoinSet::new();
    poller.spawn(stay_connected(options, post));
    Mail { messages, connection, refusals, wake, poller }
}

async fn stay_connected(options: Options, post: Post) {
    let pauses = || {
        let pauses = ExponentialBuilder::new().with_min_delay(PAUSES.0).with_max_delay(PAUSES.1).without_max_times();
        // Without a seed of its own, every bridge would come back in the same instant.
        pauses.with_jitter().with_jitter_seed(fastrand::u64(..)).build()
    };
    let mut waits = pauses();
    let mut thrown_out = 0;
    loop {
        let started = Instant::now();
        let End::Lost { mut trouble, .. } = attempt(&options, &post).await else { return };
        let was_up = matches!(*post.connection.borrow(), Connection::Up(_));
        if started.elapsed() > HELD {
            waits = pauses();
            thrown_out = 0;
        } else if was_up {
            thrown_out += 1;
        }
        // What the broker has said in its own words needs no guess.
        if was_up && thrown_out >= THROWN_OUT && trouble.kind == TroubleKind::Passing {
            let text = format!("{} {}", at(&options.settings), thrown_out_words(&options.settings));
            trouble = Trouble { kind: TroubleKind::NeedsPerson, text };
        }
        // A broker that restarts is to find us again within moments; one that refuses us needs a person, and no hammering.
        let longest = if trouble.kind == TroubleKind::NeedsPerson {
            PAUSES.1
        } else {
            SOON.mul_f64(0.75 + fastrand::f64() / 4.0)
        };
        post.connection.send_replace(Connection::Down(trouble));
        tokio::time::sleep(waits.next().unwrap_or(PAUSES.1).min(longest)).await;
    }
}

/// One attempt: with MQTT 5 if it is wished, and at once with 3.1.1 if the broker seems not to know it. The next attempt begins
/// with 5 again, for the broker may have been renewed meanwhile.
async fn attempt(options: &Options, post: &Post) -> End {
    let transport = match tls::transport(&options.settings).await {
        Ok(transport) => transport,
        Err(text) => return lost(TroubleKind::NeedsPerson, text),
    };
    let options = &Options { settings: login::renewed(&options.settings).await, ..options.clone() };
    if options.settings.protocol == Protocol::V4 {
        return shielded(v4::connect(options.clone(), transport, post.clone())).await;
    }
    let end = shielded(v5::connect(options.clone(), transport.clone(), post.clone())).await;
    match end {
        End::Lost { speaks_older: true, trouble } => {
            tracing::debug!("no answer to MQTT 5 ({}), trying 3.1.1", trouble.text);
            shielded(v4::connect(options.clone(), transport, post.clone())).await
        }
        end => end,
    }
}

/// Runs a connection in a task of its own: should the client fall over something that a broker sends, the connection is lost and
/// made again, and the room lives on.
async fn shielded(connection: impl Future<Output = End> + Send + 'static) -> End {
    let mut task = JoinSet::new();
    task.spawn(connection);
    match task.join_next().await {
        Some(Ok(end)) => end,
        _ => lost(TroubleKind::Passing, "the MQTT client fell over what the broker sent".to_owned()),
    }
}

/// MQTT 3.1.1 has no word for it: there it can only be guessed.
fn thrown_out_words(settings: &MqttSettings) -> String {
    format!(
        "ended the connection again and again: another program uses our client id `{}`, it seems; give each its own by \
         `mqtt.client_id`",
        settings.client_id
    )
}

/// MQTT 5 says why the connection ended.
fn taken_over(settings: &MqttSettings) -> String {
    format!(
        "gave our connection to another program with our client id `{}`: give each its own by `mqtt.client_id`, and see that \
         the bridge runs only once",
        settings.client_id
    )
}

fn lost(kind: TroubleKind, text: String) -> End {
    End::Lost { trouble: Trouble { kind, text }, speaks_older: false }
}

fn host(settings: &MqttSettings) -> String {
    match &settings.host {
        BrokerHost::Embedded => "127.0.0.1".to_owned(),
        BrokerHost::Remote(host) => host.clone(),
    }
}

/// As the client wants to be told: over WebSocket the whole address.
fn peer(settings: &MqttSettings) -> String {
    let host = host(settings);
    let Some(path) = &settings.websocket else { return host };
    let scheme = if settings.tls.is_some() { "wss" } else { "ws" };
    let host = if host.contains(':') { format!("[{host}]") } else { host };
    format!("{scheme}://{host}:{}{path}", settings.port)
}

/// How the socket behaves: a command's answer is one small packet, and must not wait 40 ms for company.
fn network() -> rumqttc::NetworkOptions {
    let mut network = rumqttc::NetworkOptions::new();
    network.set_tcp_nodelay(true);
    network
}

fn at(settings: &MqttSettings) -> String {
    format!("the broker at {}:{}", host(settings), settings.port)
}
