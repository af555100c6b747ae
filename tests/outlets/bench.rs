//! One emulated device, one task, and the test in the place of the hub.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use heattrax::{
    emulator::{Model, Plug, PlugOptions},
    hub::{Clock, Handle, Vitals},
    model::{
        Address, Broker, Cause, Credentials, DeviceSettings, Event, House, Housing, Notice, Orders, OutletId, Pin,
        Report, Secret, Slug, Switch, Trouble, TroubleKind, WeatherBoard,
    },
    outlets,
};
use jiff::Timestamp;
use tokio::{
    sync::{broadcast, mpsc, watch},
    task::JoinHandle,
    time::timeout,
};
use tokio_util::sync::CancellationToken;

/// Nothing here takes longer, and a test that waits for what never comes ends. A device at rest is looked at every 10 s, and a
/// session that has ended is renewed after a pause that is drawn by lot: it is to be several times that.
pub(crate) const SOON: Duration = Duration::from_secs(60);

pub(crate) struct Bench {
    pub(crate) events: mpsc::Receiver<Event>,
    pub(crate) board: watch::Sender<Arc<House>>,
    pub(crate) clock: Clock,
    pub(crate) vitals: Arc<Vitals>,
    pub(crate) notices: broadcast::Receiver<Arc<Notice>>,
    orders: watch::Sender<Arc<Orders>>,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

/// How the task is set up.
pub(crate) struct Setup {
    pub(crate) settings: DeviceSettings,
    pub(crate) credentials: Credentials,
    pub(crate) pin: Option<Pin>,
    pub(crate) orders: Orders,
    /// How fast the house's time runs.
    pub(crate) speed: f64,
    pub(crate) network: Arc<dyn outlets::Network>,
    pub(crate) finder: Option<Arc<outlets::finding::Finder>>,
}

impl Setup {
    pub(crate) fn of(plug: &Plug) -> Self {
        Self::at(plug.address().port())
    }

    pub(crate) fn at(port: u16) -> Self {
        let settings = DeviceSettings {
            slug: "porch".parse().unwrap(),
            name: "Porch".to_owned(),
            address: Address { host: "127.0.0.1".to_owned(), port: Some(port) },
            mac: None,
            outlet_names: BTreeMap::new(),
            poll_every: Duration::from_millis(100),
            timeout: Duration::from_secs(2),
        };
        let credentials = Credentials { username: "user@example.com".to_owned(), password: Secret::new("hunter2") };
        Self {
            settings,
            credentials,
            pin: None,
            orders: Orders::default(),
            speed: 1.0,
            network: Arc::new(outlets::Sockets),
            finder: None,
        }
    }

    pub(crate) fn start(self) -> Bench {
        let clock = Clock::driven(Timestamp::UNIX_EPOCH, self.speed);
        let (handle, events, board) = Handle::detached(empty_house(), clock.clone());
        let (orders, ordered) = watch::channel(Arc::new(self.orders.clone()));
        let stop = CancellationToken::new();
        let Self { settings, credentials, pin, network, finder, .. } = self;
        let assignment = outlets::Assignment { settings, credentials, pin, network, finder };
        let (vitals, notices) = (handle.vitals.clone(), handle.listen());
        let task = outlets::run(assignment, handle, ordered, stop.clone());
        Bench { events, board, clock, vitals, notices, orders, stop, task: tokio::spawn(task) }
    }
}

pub(crate) fn empty_house() -> House {
    House {
        at: Timestamp::UNIX_EPOCH,
        devices: BTreeMap::new(),
        outlets: BTreeMap::new(),
        groups: BTreeMap::new(),
        weather: Arc::new(WeatherBoard::default()),
        vacation: false,
        vacation_told: None,
        paused: None,
        broker: Broker::Unknown,
        clock: Default::default(),
        whole: Default::default(),
        gone: std::sync::Arc::default(),
    }
}

pub(crate) async fn plug(model: Model) -> Plug {
    Plug::start(PlugOptions::new(model)).await.unwrap()
}

pub(crate) fn wanted(wanted: &[(u8, Switch)], commanded: u64) -> Orders {
    Orders {
        wanted: wanted.iter().map(|(slot, switch)| (*slot, (*switch).into())).collect(),
        commanded,
        looks: 0,
        led: None,
    }
}

pub(crate) fn porch() -> Slug {
    "porch".parse().unwrap()
}

impl Bench {
    pub(crate) fn order(&self, orders: Orders) {
        self.orders.send_replace(Arc::new(orders));
    }

    pub(crate) async fn event(&mut self) -> Event {
        timeout(SOON, self.events.recv()).await.expect("an event in time").expect("the task lives")
    }

    /// The first event that `pick` takes; those before it are gone.
    pub(crate) async fn first<T>(&mut self, what: &str, mut pick: impl FnMut(&Event) -> Option<T>) -> T {
        let mut passed = Vec::new();
        let search = async {
            loop {
                let event = self.events.recv().await.expect("the task lives");
                if let Some(picked) = pick(&event) {
                    return picked;
                }
                passed.push(event);
            }
        };
        let found = timeout(SOON, search).await;
        found.unwrap_or_else(|_| panic!("no {what} in time, only {passed:#?}"))
    }

    pub(crate) async fn housing(&mut self) -> Arc<Housing> {
        self.first("housing", |it| match it {
            Event::DeviceIdentified { housing, .. } => Some(Arc::clone(housing)),
            _ => None,
        })
        .await
    }

    /// The first housing with a meter: they are announced once they are known.
    pub(crate) async fn metered_housing(&mut self) -> Arc<Housing> {
        self.first("housing with meters", |it| match it {
            Event::DeviceIdentified { housing, .. } => {
                Some(Arc::clone(housing)).filter(|it| it.sockets.iter().any(|it| it.meters_energy))
            }
            _ => None,
        })
        .await
    }

    pub(crate) async fn reports(&mut self) -> Vec<Report> {
        self.first("reports", |it| match it {
            Event::DeviceReported { reports, .. } => Some(reports.clone()),
            _ => None,
        })
        .await
    }

    /// The first report of a slot that `fits`.
    pub(crate) async fn report(&mut self, slot: u8, fits: impl Fn(&Report) -> bool) -> Report {
        self.first("fitting report", |it| match it {
            Event::DeviceReported { reports, .. } => reports.iter().find(|it| it.slot == slot && fits(it)).cloned(),
            _ => None,
        })
        .await
    }

    pub(crate) async fn reported(&mut self, slot: u8, switch: Switch) -> Report {
        self.report(slot, |it| it.switch == switch).await
    }

    pub(crate) async fn caused(&mut self, slot: u8, cause: Cause) -> Report {
        self.report(slot, |it| it.cause == cause).await
    }

    pub(crate) async fn lost(&mut self) -> Trouble {
        self.first("loss", |it| match it {
            Event::DeviceLost { trouble, .. } => Some(trouble.clone()),
            _ => None,
        })
        .await
    }

    pub(crate) async fn switch_failed(&mut self) -> (OutletId, Switch, Trouble) {
        self.first("failed switch", |it| match it {
            Event::SwitchFailed { outlet, wanted, trouble } => Some((outlet.clone(), *wanted, trouble.clone())),
            _ => None,
        })
        .await
    }

    /// What was heard within a time.
    pub(crate) async fn heard_within(&mut self, time: Duration) -> Vec<Event> {
        let mut heard = Vec::new();
        let _ = timeout(time, async {
            while let Some(event) = self.events.recv().await {
                heard.push(event);
            }
        })
        .await;
        heard
    }

    /// As `kill -9` ends it.
    pub(crate) fn drop_dead(self) {
        self.task.abort();
    }

    pub(crate) async fn stop(mut self) {
        self.stop.cancel();
        self.events.close();
        timeout(SOON, &mut self.task).await.expect("the task stops").expect("the task does not panic");
    }
}

pub(crate) fn is_passing(trouble: &Trouble) -> bool {
    trouble.kind == TroubleKind::Passing
}
