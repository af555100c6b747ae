//! The room's one loop: house, notices and messages in; the broker kept up to date.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use serde_json::Value;
use tokio::{
    sync::broadcast::{self, error::RecvError},
    time::Instant,
};
use tokio_util::sync::CancellationToken;

use super::{
    client::{self, Connection, Filter, Line, Mail, Options, Wanted},
    inbound::{self, Unread},
    limit::Limit,
    message::{Message, Payload},
    outbound::{Context, Outbound},
    readback::Readback,
    requests::{self, Ask},
    topics::{Heard, Knob, Topics},
    truth::{Once, Truth},
    views::{Identity, event},
};
use crate::{
    hub::Handle,
    model::{Command, Event, HomeAssistantSettings, House, MqttSettings, Notice, NoticeKind, Target, Trouble},
};

/// Notices about what cannot be read, in a second.
const BAD_A_SECOND: u32 = 20;
/// Home Assistant's birth is answered after a pause of at most this, lest all bridges answer at once.
const BIRTH_WITHIN_MS: u64 = 900;
/// For so long changes are gathered that the inventory is written for: it grows with the house, and so does their number.
const INVENTORY_WITHIN: Duration = Duration::from_millis(200);
/// How long a stop waits for the broker to take the last message, and for the goodbye.
const STOP_WITHIN: (Duration, Duration) = (Duration::from_secs(1), Duration::from_millis(300));
/// Room for topic and header in a packet.
const HEADER: usize = 64;

/// Publishes the house and hears commands until `stop`; then says `offline` and leaves, within 1.5 s even when the broker is
/// frozen. Connects for ever, so it returns only when it is told to, or when the hub is gone.
pub async fn run(
    settings: MqttSettings,
    announced: HomeAssistantSettings,
    identity: Identity,
    handle: Handle,
    stop: CancellationToken,
) {
    let settings = Arc::new(settings);
    let topics =
        Topics::new(&settings.base_topic, &announced.discovery_prefix, &announced.status_topic, &identity.bridge_id);
    let mut mail = client::start(Options {
        settings: settings.clone(),
        will: topics.bridge_availability(),
        wanted: Wanted {
            announcements: topics.announced_prefix(),
            ours: vec!["tapo_".to_owned(), topics.bridge_unique().to_owned()],
        },
    });
    let notices = handle.listen();
    let context =
        Context { topics, identity: Arc::new(identity), settings, announces: announced.discovery, protocol: None };
    let mut session = Session::new(context, handle);
    session.look();
    session.work(&mut mail, notices, &stop).await;
    session.leave(mail).await;
}

struct Session {
    handle: Handle,
    outbound: Outbound,
    truth: Truth,
    readback: Readback,
    line: Option<Line>,
    /// Publishes handed over on this connection.
    published: u64,
    bad: Limit,
    retained: Limit,
    /// When the inventory is written.
    inventory: Option<Instant>,
    /// Topics that were cleared, whose echo is not to be taken for a request.
    cleared: BTreeSet<String>,
    /// When Home Assistant's birth is answered.
    birth: Option<Instant>,
    /// A payload that was too large for the broker has been reported.
    too_large_told: bool,
    /// The last trouble that was logged.
    trouble: Option<Trouble>,
}

impl Session {
    fn new(context: Context, handle: Handle) -> Self {
        Self {
            handle,
            outbound: Outbound::new(context),
            truth: Truth::default(),
            readback: Readback::default(),
            line: None,
            published: 0,
            bad: Limit::new(BAD_A_SECOND),
            retained: Limit::new(BAD_A_SECOND),
            inventory: None,
            cleared: BTreeSet::new(),
            birth: None,
            too_large_told: false,
            trouble: None,
        }
    }

    async fn work(&mut self, mail: &mut Mail, mut notices: broadcast::Receiver<Arc<Notice>>, stop: &CancellationToken) {
        let mut house = self.handle.house.clone();
        loop {
            let timer = self.next_timer();
            tokio::select! {
                () = stop.cancelled() => return,
                changed = house.changed() => match changed {
                    Ok(()) => self.look(),
                    // The hub is gone: nothing that could be published would be true any more.
                    Err(_) => return,
                },
                Some(message) = mail.messages.recv() => self.hear(&message),
                Ok(()) = mail.connection.changed() => {
                    let connection = mail.connection.borrow_and_update().clone();
                    self.connection(connection);
                }
                notice = notices.recv() => self.tell(notice),
                () = mail.acked.notified() => {}
                () = sleep_until(timer) => self.time_passed(),
            }
            self.publish();
        }
    }

    fn topics(&self) -> &Topics {
        &self.outbound.context.topics
    }

    /// Brings the truth in step with the board.
    fn look(&mut self) {
        let house = self.handle.picture();
        self.outbound.look(&house, &mut self.truth);
        if self.outbound.has_new_inventory() {
            self.inventory.get_or_insert(Instant::now() + INVENTORY_WITHIN);
        }
        self.settle(&house);
    }

    fn settle(&mut self, house: &House) {
        // In setup mode the house is empty because it is unknown, not because everything was removed.
        if self.outbound.context.identity.setup.is_empty() {
            self.readback.settle(house, &mut self.truth);
        }
    }

    fn connection(&mut self, connection: Connection) {
        match connection {
            Connection::Trying => {}
            Connection::Up(line) => self.connected(line),
            Connection::Down(trouble) => self.lost(trouble),
        }
    }

    fn connected(&mut self, line: Line) {
        tracing::info!("connected to the broker, MQTT {}", if line.protocol == 5 { "5" } else { "3.1.1" });
        self.trouble = None;
        self.published = 0;
        self.outbound.context.protocol = Some(line.protocol);
        if !line.subscribe(&self.filters()) {
            tracing::warn!("cannot subscribe: the client is full");
        }
        self.line = Some(line);
        self.readback.open(Instant::now());
        self.birth = None;
        self.cleared.clear();
        self.look();
        self.truth.owe_everything();
        self.inform(Event::BrokerConnected);
    }

    fn filters(&self) -> Vec<Filter> {
        let commands = self.topics().command_filters().into_iter();
        let commands = commands.map(|filter| Filter { filter, as_published: true });
        // Of these the flag is to tell a replay from what is fresh.
        let others = [self.topics().status_filter(), self.topics().announced_filter()];
        commands.chain(others.map(|filter| Filter { filter, as_published: false })).collect()
    }

    fn lost(&mut self, trouble: Trouble) {
        if self.trouble.as_ref() != Some(&trouble) {
            tracing::warn!("{}", trouble.text);
            self.trouble = Some(trouble.clone());
        }
        self.line = None;
        self.inform(Event::BrokerLost { trouble });
    }

    /// Tells the hub; if it is too busy to hear it, the board is merely behind until the next change.
    fn inform(&self, event: Event) {
        if self.handle.try_send(event).is_err() {
            tracing::warn!("the hub is too busy to hear about the broker");
        }
    }

    fn hear(&mut self, message: &Message) {
        let topics = self.topics().clone();
        match topics.sort(&message.topic) {
            Heard::Status => self.hear_status(message),
            Heard::Announced(unique) => self.readback.note(&topics, unique, message),
            Heard::Request(verb) => self.hear_request(verb, message),
            Heard::Command(knob) => self.hear_command(knob, message),
            Heard::Foreign => {}
        }
    }

    /// Home Assistant has started. A replay tells nothing new: everything was published at the connect already.
    fn hear_status(&mut self, message: &Message) {
        if !message.retain && message.payload == Payload::Bytes(b"online".to_vec()) {
            let pause = Duration::from_millis(fastrand::u64(..=BIRTH_WITHIN_MS));
            self.birth.get_or_insert(Instant::now() + pause);
        }
    }

    fn hear_request(&mut self, verb: &str, message: &Message) {
        let is_empty = matches!(&message.payload, Payload::Bytes(bytes) if bytes.is_empty());
        if is_empty && self.cleared.remove(&message.topic) {
            return;
        }
        if message.retain {
            if !is_empty {
                let words = format!("a retained request on {} was ignored", message.topic);
                let notice = Notice::new(self.handle.clock.now(), NoticeKind::RetainedCommandIgnored, words);
                self.refuse_retained(message, notice.with("topic", &message.topic), true);
                self.cleared.insert(message.topic.clone());
            }
            return;
        }
        let house = self.handle.picture();
        let alive = self.handle.pulse.is_alive();
        let info = |topics: &Topics| self.truth.held(&topics.bridge_info()).map(|held| held.payload.clone());
        let look = |ask| match ask {
            Ask::HealthCheck => requests::health(&house, alive),
            Ask::Info => info(self.topics()).and_then(|text| serde_json::from_str(&text).ok()).unwrap_or(Value::Null),
        };
        let answer = requests::answer(self.topics(), verb, message, look);
        if let Some(problem) = answer.problem {
            let words = format!("the request on {} cannot be answered: {problem}", message.topic);
            self.report_bad(Notice::new(self.handle.clock.now(), NoticeKind::BadPayload, words));
        }
        self.truth.say_once(answer.message);
    }

    fn hear_command(&mut self, knob: Knob<'_>, message: &Message) {
        let house = self.handle.picture();
        let now = self.handle.clock.now();
        match inbound::read(knob, message, now, &house, &self.outbound.context.identity.zone) {
            Ok(command) => self.command(command),
            Err(Unread::Empty) => {}
            Err(Unread::Retained { notice, clear }) => self.refuse_retained(message, notice, clear),
            Err(Unread::Bad(notice)) => self.report_bad(notice),
        }
    }

    fn command(&mut self, command: Command) {
        let about = command.clone();
        let Err(busy) = self.handle.try_send(Event::Commanded(command)) else { return };
        let notice = Notice::new(self.handle.clock.now(), NoticeKind::Refused, format!("not followed: {busy}"));
        let notice = match &about.target {
            Target::Outlet(outlet) => notice.about_outlet(outlet),
            Target::Group(group) => notice.about_group(Some(group)),
            Target::House => notice,
        };
        self.handle.notify(match about.transaction {
            Some(mark) => notice.with("transaction", mark),
            None => notice,
        });
    }

    fn refuse_retained(&mut self, message: &Message, notice: Notice, clear: bool) {
        if clear {
            self.truth.say_first(Once::clear(message.topic.clone()));
        }
        if self.retained.passes(Instant::now()) {
            self.handle.notify(notice);
        }
    }

    fn report_bad(&mut self, notice: Notice) {
        if self.bad.passes(Instant::now()) {
            self.handle.notify(notice);
        }
    }

    fn tell(&mut self, notice: Result<Arc<Notice>, RecvError>) {
        match notice {
            Ok(notice) => {
                let topic = self.topics().bridge_event();
                self.truth.say_once(Once::passing(topic, event(&notice).to_string()));
            }
            Err(RecvError::Lagged(missed)) => tracing::warn!("{missed} events came too fast to be published"),
            // The handle that is held here keeps the channel open.
            Err(RecvError::Closed) => {}
        }
    }

    fn next_timer(&self) -> Option<Instant> {
        let told = [self.bad.due(), self.retained.due()];
        [self.birth, self.readback.closes(), self.inventory].into_iter().chain(told).flatten().min()
    }

    fn time_passed(&mut self) {
        let now = Instant::now();
        let is_due = |at: Option<Instant>| at.is_some_and(|at| at <= now);
        if is_due(self.birth) {
            self.birth = None;
            self.truth.owe_everything();
        }
        if is_due(self.readback.closes()) {
            self.readback.close();
            if let Some(line) = &self.line {
                line.unsubscribe(&self.topics().announced_filter());
            }
            self.settle(&self.handle.picture());
        }
        if is_due(self.inventory) {
            self.inventory = None;
            if self.outbound.has_new_inventory() {
                self.outbound.write_inventory(&self.handle.picture(), &mut self.truth);
            }
        }
        if is_due(self.bad.due()) {
            let more = self.bad.held_back();
            let words = format!("{more} more messages could not be read");
            let notice = Notice::new(self.handle.clock.now(), NoticeKind::BadPayload, words);
            self.handle.notify(notice.with("count", more.to_string()));
        }
        if is_due(self.retained.due()) {
            let more = self.retained.held_back();
            let words = format!("{more} more retained commands were ignored");
            let notice = Notice::new(self.handle.clock.now(), NoticeKind::RetainedCommandIgnored, words);
            self.handle.notify(notice.with("count", more.to_string()));
        }
    }

    /// Hands over what is owed, as far as the broker keeps up.
    fn publish(&mut self) {
        let Some(line) = &self.line else { return };
        while line.has_room(self.published) {
            let Some(message) = self.truth.take_next() else { break };
            if message.topic.len() + message.payload.len() + HEADER
                > usize::try_from(line.largest).unwrap_or(usize::MAX)
            {
                if !self.too_large_told {
                    self.too_large_told = true;
                    tracing::warn!("{} is larger than the broker takes, it is left out", message.topic);
                }
                continue;
            }
            match line.publish(message) {
                Ok(()) => self.published += 1,
                Err(message) => {
                    self.truth.put_back(message);
                    break;
                }
            }
        }
        let lost = self.truth.lost();
        if lost > 0 {
            tracing::warn!("{lost} events gave way to newer ones before they could be published");
        }
    }

    /// Says `offline`, waits until the broker has it, and says goodbye.
    async fn leave(&mut self, mut mail: Mail) {
        let Some(line) = self.line.take() else { return };
        let offline = Once { retain: true, ..Once::passing(self.topics().bridge_availability(), "offline".to_owned()) };
        if line.publish(offline).is_ok() {
            let published = self.published + 1;
            let taken = async {
                while line.acked() < published {
                    mail.acked.notified().await;
                }
            };
            // Whether it was taken or not, there is nothing more to be done: the will says the same.
            let _ = tokio::time::timeout(STOP_WITHIN.0, taken).await;
        }
        if line.disconnect() {
            let _ = tokio::time::timeout(STOP_WITHIN.1, mail.poller.join_next()).await;
        }
    }
}

async fn sleep_until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}
