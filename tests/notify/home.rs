//! A house with two mats, the room at work in it, and a desk for itself.

use std::{collections::BTreeMap, path::Path, sync::Arc, time::Duration};

use heattrax::{
    config,
    control::Controller,
    hub::{Clock, Handle, InForce},
    model::{
        Availability, Cause, ControlSettings, Event, House, Memory, Notice, NoticeKind, OutletId, Report, Settings,
        Slug, Switch, Trouble, TroubleKind,
    },
    notify::{self, Alert, Desk, Notebook, Post},
};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use tokio::{sync::watch, task::JoinHandle};
use tokio_util::sync::CancellationToken;

const CONFIG: &str = r#"
location: {latitude: 40.6895, longitude: -74.1745, timezone: America/New_York}
devices:
  credentials: {username: you@example.com, password: not-used-here}
  groups:
    walkway:
      class: heater
      items:
        - {name: Mat, ip_address: 192.0.2.1, outlets: [0]}
        - {name: Steps, ip_address: 192.0.2.2, outlets: [0]}
tariff: {price_per_kwh: 0.20, currency: $}
"#;

/// A webhook that nobody answers, for those who only think.
pub(crate) const WEBHOOK: &str = "webhook: {enabled: true, url: \"http://127.0.0.1:9/\"}";

/// Seven in the morning in New York is twelve in UTC.
pub(crate) fn noon() -> Timestamp {
    "2026-01-15T12:00:00Z".parse().unwrap()
}

pub(crate) fn minutes(it: i64) -> Timestamp {
    noon() + SignedDuration::from_mins(it)
}

/// The config with these lines below `notifications`.
pub(crate) fn settings(notifications: &str) -> Settings {
    let lines: String = notifications.lines().map(|line| format!("  {line}\n")).collect();
    let text = format!("{CONFIG}notifications:\n{lines}");
    match config::parse("house.yaml", &text, &BTreeMap::new(), &Default::default()) {
        Ok(settings) => settings,
        Err(problems) => panic!("{problems}\n{text}"),
    }
}

/// The same in another zone.
pub(crate) fn moved(mut control: Arc<ControlSettings>, zone: &str) -> Arc<ControlSettings> {
    Arc::make_mut(&mut control).zone = jiff::tz::TimeZone::get(zone).unwrap();
    control
}

pub(crate) fn house() -> House {
    let mut controller = Controller::new(settings(WEBHOOK).control, &Memory::default(), noon());
    for device in ["mat", "steps"] {
        let (switch, cause) = (Switch::Off, Cause::FirstContact);
        let report =
            Report { slot: 1, switch, on_time: None, energy: None, fault: None, timer: None, cause, answers: 0 };
        let event = Event::DeviceReported { device: slug(device), reports: vec![report], rssi: None };
        controller.handle(event, noon());
    }
    controller.house().clone()
}

pub(crate) fn slug(name: &str) -> Slug {
    name.parse().unwrap()
}

pub(crate) fn mat() -> OutletId {
    "mat/1".parse().unwrap()
}

/// The house with this device away.
pub(crate) fn without(device: &str, kind: TroubleKind) -> House {
    let mut house = house();
    let away = Arc::make_mut(house.devices.get_mut(&slug(device)).unwrap());
    away.availability = Availability::Offline;
    away.trouble = Some(Trouble { kind, text: format!("{device} does not answer") });
    house
}

pub(crate) fn notice(kind: NoticeKind, at: Timestamp, words: &str) -> Notice {
    Notice::new(at, kind, words).about_outlet(&mat())
}

/// A desk, and the time at it.
pub(crate) struct Thought {
    pub(crate) desk: Desk,
    pub(crate) house: House,
}

impl Thought {
    pub(crate) fn of(notifications: &str) -> Self {
        Self::after(notifications, Notebook::default())
    }

    pub(crate) fn after(notifications: &str, notebook: Notebook) -> Self {
        let settings = settings(&format!("{WEBHOOK}\n{notifications}"));
        Self { desk: Desk::new(settings.notify.unwrap(), settings.control, notebook), house: house() }
    }

    pub(crate) fn hear(&mut self, kind: NoticeKind, at: Timestamp, words: &str) -> Vec<Alert> {
        self.desk.tick(at);
        self.desk.hear(&notice(kind, at, words), &self.house, at);
        self.desk.take()
    }

    pub(crate) fn look(&mut self, house: &House, at: Timestamp) -> Vec<Alert> {
        self.desk.look(house, at);
        self.desk.tick(at);
        self.desk.take()
    }

    pub(crate) fn tick(&mut self, at: Timestamp) -> Vec<Alert> {
        self.desk.tick(at);
        self.desk.take()
    }
}

pub(crate) fn events(alerts: &[Alert]) -> Vec<&str> {
    alerts.iter().map(|it| it.event.as_str()).collect()
}

/// The room at work.
pub(crate) struct Room {
    pub(crate) handle: Handle,
    pub(crate) post: Post,
    pub(crate) board: watch::Sender<Arc<House>>,
    in_force: watch::Sender<Arc<InForce>>,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Room {
    /// Its time runs `speed` times as fast as life.
    pub(crate) fn start(notifications: &str, data: &Path, at: Timestamp, speed: f64) -> Self {
        let settings = settings(notifications);
        let (mut handle, _, board) = Handle::detached(house(), Clock::driven(at, speed));
        let (in_force, goes_by) = watch::channel(Arc::default());
        handle.in_force = goes_by;
        let post = Post::open(settings.notify.as_ref(), &settings.control.zone, data);
        let stop = CancellationToken::new();
        let run = notify::run(post.clone(), settings.notify.unwrap(), settings.control, handle.clone(), stop.clone());
        Self { handle, post, board, in_force, stop, task: tokio::spawn(run) }
    }

    pub(crate) fn tell(&self, kind: NoticeKind, words: &str) {
        self.handle.notify(notice(kind, self.handle.clock.now(), words));
    }

    /// The config says another zone, and the bridge goes on.
    pub(crate) fn is_now_in(&self, zone: &str) {
        let settings = Some(moved(settings(WEBHOOK).control, zone));
        self.in_force.send_replace(Arc::new(InForce { settings, ..InForce::default() }));
    }

    pub(crate) fn status(&self, provider: &str) -> Value {
        self.post.status()["providers"][provider].clone()
    }

    /// Waits until the status of a way is as wanted.
    pub(crate) async fn until(&self, provider: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        for _ in 0..400 {
            let status = self.status(provider);
            if wanted(&status) {
                return status;
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        panic!("{provider}: {}", self.status(provider));
    }

    pub(crate) async fn stop(self) {
        self.stop.cancel();
        tokio::time::timeout(Duration::from_secs(3), self.task).await.unwrap().unwrap();
    }
}
