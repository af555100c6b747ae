//! The one loop: events come in here, the house is shown from here.
//!
//! The hub awaits only in its `select!`. It hands each event, with the time, to the [`Controller`], and shows the result on one
//! board ([`Handle::house`]), on one board of orders for each device, and as notices. A shell that is slow loses nothing that
//! is state, for it finds the newest picture when it looks again, and can never hold the hub up.

mod amendment;
mod clock;
mod errand;
mod journal;
mod logged;
mod pulse;
mod vitals;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::{
    sync::{broadcast, mpsc, watch},
    time::Instant,
};

use self::logged::log;
pub use self::{
    amendment::{Amendment, InForce},
    clock::Clock,
    errand::{Asked, Errand},
    journal::{Journal, Line, LineLevel, UNTOLD},
    pulse::Pulse,
    vitals::{Counted, DeviceVitals, Operation, Tally, Vitals, WITHIN_MS, resident_memory},
};
use crate::{
    control::Controller,
    model::{Availability, ControlSettings, Event, House, Notice, Orders, OutletId, Plan, Slug},
};

/// Events that may wait for the hub.
const EVENTS: usize = 1024;
/// Notices that a slow listener may be behind before it loses the oldest.
const NOTICES: usize = 4096;
/// Events that are handled before the board is shown again.
const BATCH: usize = 64;
/// Orders follow from their outlets, and for a while after a start from the time too: all are looked at afresh within this time, and
/// at every event that is not a report.
const ALL_ORDERS_WITHIN: Duration = Duration::from_secs(1);
/// What is no news to anybody (a look that found everything as it was) waits to be shown together with others for this long for each
/// outlet of the house: whoever listens goes through the whole board, so that its cost would grow with the square of the house.
const GATHER_PER_OUTLET: Duration = Duration::from_micros(100);
/// But no longer than this.
const GATHER_MOST: Duration = Duration::from_millis(100);
/// Less is not waited for at all: it is as long as the runtime's timers are exact.
const GATHER_LEAST: Duration = Duration::from_millis(2);
/// The longest sleep of the loop: covers clocks that were set, and shows that the loop lives.
const HEARTBEAT: Duration = Duration::from_secs(5);

/// What each group will do.
pub type Plans = BTreeMap<Slug, Plan>;

/// All that a shell receives.
#[derive(Clone, Debug)]
pub struct Handle {
    events: mpsc::Sender<Event>,
    /// The board.
    pub house: watch::Receiver<Arc<House>>,
    /// The board of plans: empty until the first one is worked out, and for ever where nobody plans.
    pub plans: watch::Receiver<Arc<Plans>>,
    planned: watch::Sender<Arc<Plans>>,
    /// The board of what the bridge goes by.
    pub in_force: watch::Receiver<Arc<InForce>>,
    notices: broadcast::Sender<Arc<Notice>>,
    errands: mpsc::Sender<Asked>,
    /// The time of the house.
    pub clock: Clock,
    /// Does the loop live?
    pub pulse: Arc<Pulse>,
    /// What is counted about each device.
    pub vitals: Arc<Vitals>,
    tickets: Arc<AtomicU64>,
}

/// All shells draw their numbers from here: no answer goes to another one's asker.
fn tickets() -> Arc<AtomicU64> {
    Arc::new(AtomicU64::new(1))
}

/// The hub is gone or its queue is full.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the bridge is busy or stopping")]
pub struct Busy;

impl Handle {
    /// A handle without a hub, for the tests of shells: the events that the shell sends come out of the receiver, and the test
    /// shows the board itself.
    pub fn detached(house: House, clock: Clock) -> (Self, mpsc::Receiver<Event>, watch::Sender<Arc<House>>) {
        let (events, heard) = mpsc::channel(EVENTS);
        let (board, shown) = watch::channel(Arc::new(house));
        let (notices, _) = broadcast::channel(NOTICES);
        let (planned, plans) = watch::channel(Arc::default());
        let pulse = Arc::new(Pulse::new());
        // Nobody does errands here.
        let (errands, _) = errand::errands();
        let (_, in_force) = watch::channel(Arc::default());
        let (vitals, tickets) = (Arc::default(), tickets());
        let handle =
            Self { events, house: shown, plans, planned, in_force, notices, errands, clock, pulse, vitals, tickets };
        (handle, heard, board)
    }

    /// The same, going by these settings.
    #[must_use]
    pub fn going_by(mut self, settings: Arc<ControlSettings>) -> Self {
        (_, self.in_force) = watch::channel(Arc::new(InForce { settings: Some(settings), shown: Arc::default() }));
        self
    }

    /// Hands an event over, waiting for room. For shells that may wait (a device's task, the weather).
    ///
    /// # Errors
    /// The hub has stopped.
    pub async fn send(&self, event: Event) -> Result<(), Busy> {
        self.events.send(event).await.map_err(|_| Busy)
    }

    /// Hands an event over if there is room. For shells that must not wait (the MQTT client).
    ///
    /// # Errors
    /// The queue is full or the hub has stopped.
    pub fn try_send(&self, event: Event) -> Result<(), Busy> {
        self.events.try_send(event).map_err(|_| Busy)
    }

    /// The newest picture.
    pub fn picture(&self) -> Arc<House> {
        self.house.borrow().clone()
    }

    /// Shows new plans on their board. For the planner alone.
    pub fn show_plans(&self, plans: Plans) {
        self.planned.send_replace(Arc::new(plans));
    }

    /// Everything that people should hear about, from now on.
    pub fn listen(&self) -> broadcast::Receiver<Arc<Notice>> {
        self.notices.subscribe()
    }

    /// A number for a command, which no other command has.
    pub fn ticket(&self) -> u64 {
        self.tickets.fetch_add(1, Ordering::Relaxed)
    }

    /// Tells people about something that a shell noticed by itself, such as a command that could not be read.
    pub fn notify(&self, notice: Notice) {
        log(&notice);
        // Nobody listening is no error: the log has it.
        let _ = self.notices.send(Arc::new(notice));
    }
}

/// The one loop.
#[derive(Debug)]
pub struct Hub {
    controller: Controller,
    clock: Clock,
    events: mpsc::Receiver<Event>,
    house: watch::Sender<Arc<House>>,
    orders: BTreeMap<Slug, watch::Sender<Arc<Orders>>>,
    notices: broadcast::Sender<Arc<Notice>>,
    errands: Option<mpsc::Receiver<Asked>>,
    amend_in: mpsc::Sender<Amendment>,
    amendments: mpsc::Receiver<Amendment>,
    in_force: watch::Sender<Arc<InForce>>,
    pulse: Arc<Pulse>,
    /// When what is no news is shown, if something waits.
    show_at: Option<Instant>,
    /// When all orders were last looked at.
    ordered_at: Instant,
}

impl Hub {
    /// Builds the loop around a controller, and the handle that every shell gets.
    pub fn new(controller: Controller, clock: Clock) -> (Self, Handle) {
        let (events_in, events) = mpsc::channel(EVENTS);
        let (house, board) = watch::channel(Arc::new(controller.house().clone()));
        let (notices, _) = broadcast::channel(NOTICES);
        let pulse = Arc::new(Pulse::new());
        let orders = controller.house().devices.keys().map(|device| {
            let orders = controller.orders(device);
            (device.clone(), watch::channel(Arc::new(orders)).0)
        });
        let (planned, plans) = watch::channel(Arc::default());
        let (errands_in, errands) = errand::errands();
        let (amend_in, amendments) = amendment::amendments();
        let goes_by = InForce { settings: Some(Arc::clone(controller.settings())), shown: Arc::default() };
        let (in_force, in_force_board) = watch::channel(Arc::new(goes_by));
        let handle = Handle {
            events: events_in,
            house: board,
            plans,
            planned,
            in_force: in_force_board,
            notices: notices.clone(),
            errands: errands_in,
            clock: clock.clone(),
            pulse: Arc::clone(&pulse),
            vitals: Arc::default(),
            tickets: tickets(),
        };
        let orders = orders.collect();
        let hub = Self {
            controller,
            clock,
            events,
            house,
            orders,
            notices,
            errands: Some(errands),
            amend_in,
            amendments,
            in_force,
            pulse,
            show_at: None,
            ordered_at: Instant::now(),
        };
        (hub, handle)
    }

    /// What the task of `device` is to bring about. `None` for a device that is not configured.
    pub fn orders(&self, device: &Slug) -> Option<watch::Receiver<Arc<Orders>>> {
        self.orders.get(device).map(watch::Sender::subscribe)
    }

    /// What shells want of the program as a whole. `None` the second time: there is one that does it.
    pub fn errands(&mut self) -> Option<mpsc::Receiver<Asked>> {
        self.errands.take()
    }

    /// The boards themselves, for giving a last order should the hub be gone.
    pub fn order_boards(&self) -> BTreeMap<Slug, watch::Sender<Arc<Orders>>> {
        self.orders.clone()
    }

    /// Runs until every [`Handle`] is gone; to stop it earlier, drop the future.
    pub async fn run(mut self) {
        loop {
            self.pulse.beat();
            let (pause, show_at) = (self.pause(), self.show_at);
            let event = tokio::select! {
                event = self.events.recv() => match event {
                    Some(event) => event,
                    None => return,
                },
                // The sender that is kept here keeps that channel open.
                Some(amendment) = self.amendments.recv() => {
                    self.amend(amendment);
                    continue;
                }
                () = tokio::time::sleep_until(show_at.unwrap_or_else(Instant::now)), if show_at.is_some() => {
                    self.show_house();
                    continue;
                }
                () = tokio::time::sleep(pause) => Event::DeadlinePassed,
            };
            let mut taken = self.take(event);
            for _ in 1..BATCH {
                let Ok(event) = self.events.try_recv() else { break };
                taken = taken.and(self.take(event));
            }
            self.show(taken);
        }
    }

    fn pause(&self) -> Duration {
        let Some(deadline) = self.controller.next_deadline() else { return HEARTBEAT };
        let ahead = Duration::try_from(deadline.duration_since(self.clock.now())).unwrap_or_default();
        // A millisecond more than needed, or a timer that fires early makes the loop come round twice.
        (self.clock.real(ahead) + Duration::from_millis(1)).min(HEARTBEAT)
    }

    fn take(&mut self, event: Event) -> Taken {
        let mut taken =
            Taken { reports_only: matches!(event, Event::DeviceReported { .. }), news: self.is_news(&event) };
        let mut notices = Vec::new();
        if let Some(step) = self.clock.follow() {
            notices = self.controller.handle(Event::ClockStepped(step), self.clock.now());
            taken.reports_only = false;
        }
        notices.extend(self.controller.handle(event, self.clock.now()));
        taken.news |= !notices.is_empty();
        self.tell(notices);
        taken
    }

    fn tell(&self, notices: Vec<Notice>) {
        for notice in notices {
            log(&notice);
            // Nobody listening is no error: the log has it.
            let _ = self.notices.send(Arc::new(notice));
        }
    }

    /// Does anybody wait for it? Not for a look that answers nobody and finds every outlet as it was, its meters apart.
    fn is_news(&self, event: &Event) -> bool {
        let Event::DeviceReported { device, reports, .. } = event else { return true };
        let outlets = &self.controller.house().outlets;
        reports.iter().any(|report| {
            outlets.get(&OutletId::new(device.clone(), report.slot)).is_none_or(|known| {
                let same = known.switch() == Some(report.switch)
                    && known.reported.as_ref().is_some_and(|it| it.fault == report.fault);
                !same || known.answered < known.commanded || known.availability != Availability::Online
            })
        })
    }

    /// Orders are shown at once, and before the board on which their reason is.
    fn show(&mut self, taken: Taken) {
        let reordered = self.show_orders(taken.reports_only);
        let outlets = u32::try_from(self.controller.house().outlets.len()).unwrap_or(u32::MAX);
        let gather = GATHER_PER_OUTLET.saturating_mul(outlets).min(GATHER_MOST);
        let now = Instant::now();
        let show_at = *self.show_at.get_or_insert(now + gather);
        if taken.news || reordered || gather < GATHER_LEAST || show_at <= now {
            self.show_house();
        }
    }

    /// Shows what has changed of the orders. Were there any?
    fn show_orders(&mut self, reports_only: bool) -> bool {
        let some = reports_only && self.ordered_at.elapsed() < ALL_ORDERS_WITHIN;
        let touched = some.then(|| self.touched()).flatten();
        if touched.is_none() {
            self.ordered_at = Instant::now();
        }
        let mut reordered = false;
        for (device, board) in &self.orders {
            if touched.as_ref().is_some_and(|it| !it.contains(device)) {
                continue;
            }
            let orders = self.controller.orders(device);
            reordered |= board.send_if_modified(|shown| {
                let changed = **shown != orders;
                if changed {
                    *shown = Arc::new(orders);
                }
                changed
            });
        }
        reordered
    }

    /// The devices of the outlets that differ from those on the board. `None` if outlets have come or gone.
    fn touched(&self) -> Option<BTreeSet<Slug>> {
        let (shown, house) = (self.house.borrow(), self.controller.house());
        if shown.outlets.len() != house.outlets.len() {
            return None;
        }
        let pairs = shown.outlets.values().zip(house.outlets.values());
        Some(pairs.filter(|(before, now)| !Arc::ptr_eq(before, now)).map(|(_, now)| now.id.device.clone()).collect())
    }

    fn show_house(&mut self) {
        self.show_at = None;
        self.house.send_replace(Arc::new(self.controller.house().clone()));
    }
}

/// What came of some events.
#[derive(Clone, Copy, Debug)]
struct Taken {
    /// They were reports and nothing else.
    reports_only: bool,
    /// Somebody may wait to see what came of them.
    news: bool,
}

impl Taken {
    fn and(self, other: Self) -> Self {
        Self { reports_only: self.reports_only && other.reports_only, news: self.news || other.news }
    }
}
