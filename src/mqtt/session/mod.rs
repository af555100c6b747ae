//! The room's one loop: house, notices and messages in; the broker kept up to date.

mod amended;
mod changes;
mod hearing;
mod leaving;
mod moved;
mod publishing;
mod refused;
mod repeated;
mod requested;
mod retimed;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use tokio::{
    sync::broadcast::{
        self,
        error::{RecvError, TryRecvError},
    },
    task::JoinSet,
    time::Instant,
};
use tokio_util::sync::CancellationToken;

use self::{changes::Changes, requested::Returned};
use super::{
    askers::Askers,
    client::{self, Asked, Connection, Filter, HELD, Line, Mail, Options, Wanted},
    complaints::Complaints,
    moved::Moved,
    outbound::{Context, Outbound},
    readback::Readback,
    topics::Topics,
    truth::{Once, Truth},
    views::{Identity, event},
};
use crate::{
    hub::Handle,
    model::{Event, HomeAssistantSettings, House, MqttSettings, Notice, NoticeKind, Trouble},
};

/// Messages, and notices, that are taken before the house is looked at and something is published.
const BATCH: usize = 256;
/// For so long changes are gathered that the inventory is written for: it grows with the house, and so does their number.
const INVENTORY_WITHIN: Duration = Duration::from_millis(200);
/// How often the bridge says how it does.
const HEALTH_EVERY: Duration = Duration::from_secs(60);

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
            state: Some(format!("{}/", topics.base())),
            ours: vec!["tapo_".to_owned(), topics.bridge_unique().to_owned()],
        },
    });
    let notices = handle.listen();
    let context = Context {
        topics,
        identity: Arc::new(identity),
        settings,
        announces: announced.discovery,
        layout: announced.layout,
        command_expiry: announced.command_expiry,
        min_version: announced.min_version,
        protocol: None,
        log_level: None,
    };
    let mut session = Session::new(context, handle, stop);
    session.look();
    session.ask_log_level();
    session.work(&mut mail, notices).await;
    session.leave(mail).await;
}

struct Session {
    handle: Handle,
    stop: CancellationToken,
    outbound: Outbound,
    truth: Truth,
    readback: Readback,
    moved: Moved,
    line: Option<Line>,
    /// Publishes handed over on this connection.
    published: u64,
    complaints: Complaints,
    /// The hub did not make room in time: it is not waited for until it takes something again.
    hub_hangs: bool,
    /// When the inventory is written.
    inventory: Option<Instant>,
    /// When it is said how the bridge does, while there is a broker.
    health: Option<Instant>,
    /// Who waits for the answer to a command.
    askers: Askers,
    /// What others do for an asker.
    errands: JoinSet<Returned>,
    /// What is wanted of the config.
    changes: Changes,
    /// Topics that were cleared, whose echo is not to be taken for a request.
    cleared: BTreeSet<String>,
    /// Announcements that the bridge itself has cleared on this connection, and how many echoes are still to come: no stranger's.
    emptied: BTreeMap<String, usize>,
    /// Fields of the user's weather station that could not be read the last time.
    misread: BTreeSet<&'static str>,
    /// Mappings of the station's topics whose last message held no figure.
    unmapped: BTreeSet<usize>,
    /// When Home Assistant's birth is answered.
    birth: Option<Instant>,
    /// What the broker does not let us do, and has been told.
    refused: BTreeSet<(Asked, String)>,
    /// Topics whose payload was too large for the broker, and that it has been told of.
    too_large: BTreeSet<String>,
    /// The last trouble that was logged, until a connection has held.
    trouble: Option<Trouble>,
    /// When everything is published again, should anything have got lost unseen.
    republish: Option<Instant>,
    /// When the connection was made.
    connected_at: Option<Instant>,
}

impl Session {
    fn new(context: Context, handle: Handle, stop: CancellationToken) -> Self {
        Self {
            complaints: Complaints::new(handle.clone()),
            handle,
            stop,
            outbound: Outbound::new(context),
            truth: Truth::default(),
            readback: Readback::default(),
            moved: Moved::default(),
            line: None,
            published: 0,
            hub_hangs: false,
            inventory: None,
            health: None,
            askers: Askers::default(),
            errands: JoinSet::new(),
            changes: Changes::default(),
            cleared: BTreeSet::new(),
            emptied: BTreeMap::new(),
            misread: BTreeSet::new(),
            unmapped: BTreeSet::new(),
            birth: None,
            refused: BTreeSet::new(),
            too_large: BTreeSet::new(),
            trouble: None,
            republish: None,
            connected_at: None,
        }
    }

    async fn work(&mut self, mail: &mut Mail, mut notices: broadcast::Receiver<Arc<Notice>>) {
        let mut house = self.handle.house.clone();
        let (mut plans, mut in_force) = (self.handle.plans.clone(), self.handle.in_force.clone());
        while !self.stop.is_cancelled() {
            let timer = self.next_timer();
            let mut changed = false;
            tokio::select! {
                () = self.stop.cancelled() => return,
                alive = house.changed() => match alive {
                    Ok(()) => changed = true,
                    // The hub is gone: nothing that could be published would be true any more.
                    Err(_) => return,
                },
                // The handle that is held here keeps that board.
                Ok(()) = plans.changed() => changed = true,
                Ok(()) = in_force.changed() => self.amended(&in_force.borrow_and_update()),
                Some(message) = mail.messages.next() => self.hear(&message).await,
                Ok(()) = mail.connection.changed() => {
                    let connection = mail.connection.borrow_and_update().clone();
                    self.connection(connection);
                }
                Some(refusal) = mail.refusals.recv() => self.refused(refusal),
                notice = notices.recv() => self.tell(notice),
                // One that panicked has been written to the log by the runtime's hook; its asker hears nothing.
                Some(answer) = self.errands.join_next() => answer.into_iter().for_each(|it| self.returned(it)),
                Some(answer) = self.changes.under_way.join_next() => self.changed(answer.ok()),
                () = mail.wake.notified() => {}
                () = sleep_until(timer) => self.time_passed(),
            }
            // What people want goes before what they are shown.
            self.hear_waiting(mail).await;
            self.tell_waiting(&mut notices);
            if changed {
                self.look();
            }
            self.publish();
        }
    }

    fn tell_waiting(&mut self, notices: &mut broadcast::Receiver<Arc<Notice>>) {
        for _ in 0..2 * BATCH {
            match notices.try_recv() {
                Ok(notice) => self.tell(Ok(notice)),
                Err(TryRecvError::Lagged(missed)) => self.tell(Err(RecvError::Lagged(missed))),
                Err(TryRecvError::Empty | TryRecvError::Closed) => return,
            }
        }
    }

    fn topics(&self) -> &Topics {
        &self.outbound.context.topics
    }

    /// Brings the truth in step with the board.
    fn look(&mut self) {
        let house = self.handle.picture();
        self.outbound.look(&house, &mut self.truth);
        let plans = Arc::clone(&self.handle.plans.borrow());
        self.outbound.look_at_plans(&house, &plans, &mut self.truth);
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
        self.connected_at = Some(Instant::now());
        self.republish = self.next_republish();
        self.published = 0;
        self.outbound.context.protocol = Some(line.protocol);
        let replayed = self.readback.filters(self.topics(), self.outbound.context.layout);
        if !line.subscribe(&self.filters(&replayed)) {
            tracing::warn!("cannot subscribe: the client is full");
        }
        self.line = Some(line);
        self.readback.open(Instant::now(), replayed);
        self.birth = None;
        self.cleared.clear();
        self.emptied.clear();
        self.look();
        self.say_health();
        self.truth.owe_everything();
        self.inform(Event::BrokerConnected);
    }

    /// A little early or late, lest all bridges speak at once.
    fn next_republish(&self) -> Option<Instant> {
        let pause = self.outbound.context.settings.republish?;
        Instant::now().checked_add(pause.mul_f64(0.9 + fastrand::f64() / 5.0))
    }

    fn filters(&self, replayed: &[String]) -> Vec<Filter> {
        let commands = self.topics().command_filters().into_iter();
        let commands = commands.map(|filter| Filter { filter, as_published: true });
        // Of these the flag is to tell a replay from what is fresh.
        let station: BTreeSet<String> =
            self.outbound.context.settings.station.iter().map(|it| it.topic.clone()).collect();
        let others = replayed.iter().cloned().chain([self.topics().status_filter()]).chain(station);
        commands.chain(others.map(|filter| Filter { filter, as_published: false })).collect()
    }

    fn lost(&mut self, trouble: Trouble) {
        // Two programs that throw each other out connect every few seconds: that is told once.
        if self.connected_at.take().is_some_and(|at| at.elapsed() > HELD) {
            self.trouble = None;
        }
        if self.trouble.as_ref() != Some(&trouble) {
            tracing::warn!("{}", trouble.text);
            self.trouble = Some(trouble.clone());
        }
        (self.line, self.health, self.republish) = (None, None, None);
        self.inform(Event::BrokerLost { trouble });
    }

    fn say_health(&mut self) {
        self.health = Some(Instant::now() + HEALTH_EVERY);
        self.outbound.write_health(&self.handle, &mut self.truth);
    }

    /// Tells the hub; if it is too busy to hear it, the board is merely behind until the next change.
    fn inform(&self, event: Event) {
        if self.handle.try_send(event).is_err() {
            tracing::warn!("the hub is too busy to hear about the broker");
        }
    }

    fn tell(&mut self, notice: Result<Arc<Notice>, RecvError>) {
        match notice {
            Ok(notice) => {
                let answer = self.askers.hear(&notice);
                answer.into_iter().for_each(|it| self.truth.say_once(it));
                if notice.kind == NoticeKind::Answered {
                    return;
                }
                let topic = self.topics().bridge_event();
                self.truth.say_once(Once::passing(topic, event(&notice).to_string()));
            }
            Err(RecvError::Lagged(missed)) => self.complaints.untold(missed),
            // The handle that is held here keeps the channel open.
            Err(RecvError::Closed) => {}
        }
    }

    fn next_timer(&self) -> Option<Instant> {
        let reading = [self.readback.closes(), self.readback.clears(), self.moved.closes()];
        let own = [self.birth, self.republish, self.inventory, self.health].into_iter().chain(reading);
        own.chain([self.complaints.due(), self.askers.due()]).flatten().min()
    }

    fn time_passed(&mut self) {
        let now = Instant::now();
        let is_due = |at: Option<Instant>| at.is_some_and(|at| at <= now);
        if is_due(self.birth) {
            self.birth = None;
            self.truth.bid_farewell();
            self.truth.owe_all_that_is();
        }
        if is_due(self.republish) {
            self.truth.owe_state();
            self.republish = self.next_republish();
        }
        if is_due(self.readback.closes()) {
            for filter in self.readback.close(&self.outbound.context.topics, self.outbound.context.layout) {
                if let Some(line) = &self.line {
                    line.unsubscribe(&filter);
                }
            }
            self.settle(&self.handle.picture());
        }
        if is_due(self.moved.closes()) {
            self.leave_moved();
        }
        if is_due(self.readback.clears()) {
            self.settle(&self.handle.picture());
        }
        if is_due(self.inventory) {
            self.inventory = None;
            if self.outbound.has_new_inventory() {
                self.outbound.write_inventory(&self.handle.picture(), &mut self.truth);
            }
        }
        if is_due(self.health) {
            self.say_health();
        }
        self.complaints.time_passed(now);
        self.askers.overdue(now).into_iter().for_each(|it| self.truth.say_once(it));
    }
}

async fn sleep_until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}
