//! The one loop: events come in here, the house is shown from here.
//!
//! The hub awaits only in its `select!`. It hands each event, with the time, to the [`Controller`], and shows the result on one
//! board ([`Handle::house`]), on one board of orders for each device, and as notices. A shell that is slow loses nothing that
//! is state, for it finds the newest picture when it looks again, and can never hold the hub up.

mod errand;

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};
use tokio::{
    sync::{broadcast, mpsc, watch},
    time::Instant,
};

pub use self::errand::{Asked, Errand};
use crate::{
    control::Controller,
    model::{Event, House, Notice, NoticeKind, Orders, Plan, Slug},
};

/// Events that may wait for the hub.
const EVENTS: usize = 1024;
/// Notices that a slow listener may be behind before it loses the oldest.
const NOTICES: usize = 4096;
/// Events that are handled before the board is shown again.
const BATCH: usize = 64;
/// The longest sleep of the loop: covers clocks that were set, and shows that the loop lives.
const HEARTBEAT: Duration = Duration::from_secs(5);
/// The wall clock may differ from the steady clock by this much before it counts as set.
const STEP: SignedDuration = SignedDuration::from_secs(2);

/// The time of the house: steady, corrected when the wall clock is set, and faster than life on request.
#[derive(Clone, Debug)]
pub struct Clock(Arc<ClockParts>);

#[derive(Debug)]
struct ClockParts {
    /// House time at `started`, in nanoseconds since 1970, moved when the wall clock is set.
    base: AtomicI64,
    steady: Steady,
    speed: f64,
    follows_wall: bool,
}

/// Elapsed time that nobody can set.
#[derive(Debug)]
enum Steady {
    /// The machine's, counting on while it is suspended: a heater goes on heating while its bridge sleeps.
    Machine(Duration),
    /// The runtime's, which a test turns by hand.
    Runtime(Instant),
}

impl Steady {
    fn machine() -> Self {
        Self::Machine(since_boot())
    }

    fn elapsed(&self) -> Duration {
        match self {
            Self::Machine(started) => since_boot().saturating_sub(*started),
            Self::Runtime(started) => started.elapsed(),
        }
    }
}

#[cfg(target_os = "linux")]
fn since_boot() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    Duration::new(time.tv_sec.try_into().unwrap_or_default(), time.tv_nsec.try_into().unwrap_or_default())
}

/// Where there is no such clock, the process's own serves: it may stand still while the machine is suspended.
#[cfg(not(target_os = "linux"))]
fn since_boot() -> Duration {
    static STARTED: std::sync::LazyLock<std::time::Instant> = std::sync::LazyLock::new(std::time::Instant::now);
    STARTED.elapsed()
}

impl Clock {
    /// The clock of the bridge: real time, checked against the wall clock at every look of the hub.
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the wall clock")]
    pub fn wall() -> Self {
        Self::build(Timestamp::now(), Steady::machine(), 1.0, true)
    }

    /// A clock that starts at `base` and runs `speed` times as fast as the runtime's. With the runtime's time paused, a test
    /// turns it by hand.
    pub fn driven(base: Timestamp, speed: f64) -> Self {
        Self::build(base, Steady::Runtime(Instant::now()), speed, false)
    }

    fn build(base: Timestamp, steady: Steady, speed: f64, follows_wall: bool) -> Self {
        let base = i64::try_from(base.as_nanosecond()).unwrap_or(i64::MAX);
        Self(Arc::new(ClockParts { base: AtomicI64::new(base), steady, speed, follows_wall }))
    }

    /// Does it follow the wall clock of the machine? One that is driven tells the time of a story, and cannot be wrong.
    pub fn is_wall(&self) -> bool {
        self.0.follows_wall
    }

    /// The time of the house.
    pub fn now(&self) -> Timestamp {
        let elapsed = self.0.steady.elapsed().as_secs_f64() * self.0.speed;
        let base = Timestamp::from_nanosecond(i128::from(self.0.base.load(Ordering::Relaxed))).unwrap_or_default();
        SignedDuration::try_from_secs_f64(elapsed).ok().and_then(|it| base.checked_add(it).ok()).unwrap_or(base)
    }

    /// How long `duration` of the house takes in real time.
    pub fn real(&self, duration: Duration) -> Duration {
        duration.div_f64(self.0.speed)
    }

    /// How many times faster than life the house's time runs.
    pub fn speed(&self) -> f64 {
        self.0.speed
    }

    /// If the wall clock was set since the last look: follows it, and says by how much.
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the wall clock")]
    fn follow(&self) -> Option<SignedDuration> {
        if !self.0.follows_wall {
            return None;
        }
        let step = Timestamp::now().duration_since(self.now());
        if step.abs() < STEP {
            return None;
        }
        self.0.base.fetch_add(i64::try_from(step.as_nanos()).unwrap_or_default(), Ordering::Relaxed);
        Some(step)
    }
}

/// Shows that the loop lives.
#[derive(Debug)]
pub struct Pulse {
    started: Instant,
    last_ms: AtomicU64,
}

impl Pulse {
    fn beat(&self) {
        let elapsed = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.last_ms.store(elapsed, Ordering::Relaxed);
    }

    /// Real time since the loop last came round. More than three heartbeats (15 s) mean that it hangs.
    pub fn age(&self) -> Duration {
        self.started.elapsed().saturating_sub(Duration::from_millis(self.last_ms.load(Ordering::Relaxed)))
    }

    /// Does the control loop live?
    pub fn is_alive(&self) -> bool {
        self.age() < 3 * HEARTBEAT
    }
}

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
    notices: broadcast::Sender<Arc<Notice>>,
    errands: mpsc::Sender<Asked>,
    /// The time of the house.
    pub clock: Clock,
    /// Does the loop live?
    pub pulse: Arc<Pulse>,
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
        let pulse = Arc::new(Pulse { started: Instant::now(), last_ms: AtomicU64::new(0) });
        // Nobody does errands here.
        let (errands, _) = errand::errands();
        (Self { events, house: shown, plans, planned, notices, errands, clock, pulse }, heard, board)
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
    pulse: Arc<Pulse>,
}

impl Hub {
    /// Builds the loop around a controller, and the handle that every shell gets.
    pub fn new(controller: Controller, clock: Clock) -> (Self, Handle) {
        let (events_in, events) = mpsc::channel(EVENTS);
        let (house, board) = watch::channel(Arc::new(controller.house().clone()));
        let (notices, _) = broadcast::channel(NOTICES);
        let pulse = Arc::new(Pulse { started: Instant::now(), last_ms: AtomicU64::new(0) });
        let orders = controller.house().devices.keys().map(|device| {
            let orders = controller.orders(device);
            (device.clone(), watch::channel(Arc::new(orders)).0)
        });
        let (planned, plans) = watch::channel(Arc::default());
        let (errands_in, errands) = errand::errands();
        let handle = Handle {
            events: events_in,
            house: board,
            plans,
            planned,
            notices: notices.clone(),
            errands: errands_in,
            clock: clock.clone(),
            pulse: Arc::clone(&pulse),
        };
        let orders = orders.collect();
        (Self { controller, clock, events, house, orders, notices, errands: Some(errands), pulse }, handle)
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
            let pause = self.pause();
            let event = tokio::select! {
                event = self.events.recv() => match event {
                    Some(event) => event,
                    None => return,
                },
                () = tokio::time::sleep(pause) => Event::DeadlinePassed,
            };
            self.take(event);
            for _ in 1..BATCH {
                let Ok(event) = self.events.try_recv() else { break };
                self.take(event);
            }
            self.show();
        }
    }

    fn pause(&self) -> Duration {
        let Some(deadline) = self.controller.next_deadline() else { return HEARTBEAT };
        let ahead = Duration::try_from(deadline.duration_since(self.clock.now())).unwrap_or_default();
        // A millisecond more than needed, or a timer that fires early makes the loop come round twice.
        (self.clock.real(ahead) + Duration::from_millis(1)).min(HEARTBEAT)
    }

    fn take(&mut self, event: Event) {
        let mut notices = Vec::new();
        if let Some(step) = self.clock.follow() {
            notices = self.controller.handle(Event::ClockStepped(step), self.clock.now());
        }
        notices.extend(self.controller.handle(event, self.clock.now()));
        for notice in notices {
            log(&notice);
            // Nobody listening is no error: the log has it.
            let _ = self.notices.send(Arc::new(notice));
        }
    }

    fn show(&mut self) {
        for (device, board) in &self.orders {
            let orders = self.controller.orders(device);
            board.send_if_modified(|shown| {
                let changed = **shown != orders;
                if changed {
                    *shown = Arc::new(orders);
                }
                changed
            });
        }
        self.house.send_replace(Arc::new(self.controller.house().clone()));
    }
}

fn log(notice: &Notice) {
    // That is for the asker alone.
    if notice.kind == NoticeKind::Answered {
        return;
    }
    let about = match (&notice.device, notice.slot, &notice.group) {
        (Some(device), Some(slot), _) => format!("{device}/{slot}: "),
        (Some(device), None, _) => format!("{device}: "),
        (None, _, Some(group)) => format!("{group}: "),
        (None, _, None) => String::new(),
    };
    if notice.kind.is_warning() {
        tracing::warn!(target: "heattrax::hub", event = notice.kind.as_str(), "{about}{}", notice.message);
    } else {
        tracing::info!(target: "heattrax::hub", event = notice.kind.as_str(), "{about}{}", notice.message);
    }
}
