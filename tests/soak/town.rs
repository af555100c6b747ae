//! A house with plugs in memory, its control, its hub and its device tasks. No broker: commands come from the test.

use std::{collections::BTreeMap, net::SocketAddr, sync::Arc, time::Duration};

use heattrax::{
    config,
    control::Controller,
    emulator::{Model, Plug, PlugOptions},
    hub::{Clock, Handle, Hub},
    model::{Celsius, Event, Forecast, Interval, Memory, OutletId, Pin},
    outlets::{self, finding::Finder},
};
use jiff::{SignedDuration, Timestamp};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::{air::Air, wires::Wires};

pub(crate) const MODELS: [Model; 4] = [Model::P210M, Model::Ep40m, Model::P110m, Model::P300];
/// The outlets of heaters: plug and slot. The others are lights.
pub(crate) const HEATERS: [(usize, u8); 4] = [(0, 1), (1, 1), (1, 2), (2, 1)];
/// The longest time on, in hours.
pub(crate) const LONGEST_HOURS: u64 = 3;

const CONFIG: &str = r#"
location: { latitude: 40.69, longitude: -74.17, timezone: America/New_York }
safety: { max_runtime_hours: 3, cooldown_minutes: 30 }
weather_api: { enabled: false }
devices:
  credentials: { username: user@example.com, password: hunter2 }
  groups:
    walk:
      class: heater
      melt: {}
      manual_override_hours: 2
      items:
        - { name: P0, ip_address: "192.0.2.10:80", outlets: [0], poll_seconds: 15, rated_watts: 300 }
        - { name: P1, ip_address: "192.0.2.11:80", poll_seconds: 15 }
      schedules: [ { name: morning, on: { type: time, value: "05:00" }, off: { type: time, value: "08:30" }, days: [1, 2, 3, 4, 5, 6, 7] } ]
    roof:
      class: heater
      items: [ { name: P2, ip_address: "192.0.2.12:80", poll_seconds: 15, rated_watts: 300 } ]
      schedules: [ { name: always, all_day: true, safety: { max_runtime_hours: 1, cooldown_minutes: 20 } } ]
    lamps:
      class: light
      items:
        - { name: P0, ip_address: "192.0.2.10:80", outlets: [1] }
        - { name: P3, ip_address: "192.0.2.13:80", poll_seconds: 20 }
      schedules: [ { name: evening, on: { type: sunset, fallback: "17:00" }, off: { type: time, value: "23:00" }, days: [1, 2, 3, 4, 5, 6, 7] } ]
"#;

/// Outlets as the house shows them, by plug and slot.
pub(crate) type Shown = BTreeMap<(usize, u8), Arc<heattrax::model::Outlet>>;

/// How the plugs are reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// In memory, in the runtime's time.
    Memory,
    /// Over real sockets on this machine, in real time.
    Sockets,
}

pub(crate) struct Town {
    pub(crate) plugs: Arc<Vec<Plug>>,
    /// Where they are in the house's network, if they are on this machine.
    wires: Option<Arc<Wires>>,
    pub(crate) handle: Handle,
    pub(crate) tasks: Vec<JoinHandle<()>>,
    _stop: tokio_util::sync::DropGuard,
}

pub(crate) fn noon() -> Timestamp {
    "2026-01-10T17:00:00Z".parse().unwrap()
}

impl Town {
    pub(crate) async fn new(way: Way) -> Self {
        let mut plugs = Vec::new();
        for (seed, model) in MODELS.into_iter().enumerate() {
            let listen = SocketAddr::from(([192, 0, 2, 10 + u8::try_from(seed).unwrap()], 80));
            let seed = seed as u64;
            let options = PlugOptions { seed, load: 300.0, clock: noon(), ..PlugOptions::new(model) };
            plugs.push(match way {
                Way::Memory => Plug::in_memory(PlugOptions { listen, ..options }).await.unwrap(),
                Way::Sockets => Plug::start(options).await.unwrap(),
            });
        }
        let plugs = Arc::new(plugs);
        let wires = (way == Way::Sockets).then(|| Arc::new(Wires::to(&plugs)));
        let parsed = config::parse("soak.yaml", CONFIG, &<_>::default(), &<_>::default());
        let settings = parsed.unwrap_or_else(|problems| panic!("{problems}"));
        let clock = Clock::driven(noon(), 1.0);
        let control = Arc::new(heattrax::model::ControlSettings {
            forecast_valid: Some(SignedDuration::from_hours(6)),
            ..heattrax::model::ControlSettings::clone(&settings.control)
        });
        let (hub, handle) = Hub::new(Controller::new(control, &Memory::default(), noon()), clock);
        let stop = CancellationToken::new();
        let network: Arc<dyn outlets::Network> = match &wires {
            Some(wires) => Arc::clone(wires) as _,
            None => Arc::new(Air(Arc::clone(&plugs))),
        };
        let finder = Arc::new(Finder::new(Arc::clone(&network)));
        let mut tasks = Vec::new();
        for mut device in settings.devices {
            if way == Way::Sockets {
                (device.poll_every, device.timeout) = (Duration::from_secs(1), Duration::from_secs(2));
            }

            let orders = hub.orders(&device.slug).unwrap();
            let at = device.address.host.rsplit_once('.').unwrap().1.parse::<usize>().unwrap() - 10;
            // Their MAC addresses were learned in another life.
            let pin = Some(Pin { device_id: Some(plugs[at].device_id()), ..Pin::of_mac(plugs[at].mac()) });
            let (network, finder) = (Arc::clone(&network), Some(Arc::clone(&finder)));
            let credentials = settings.credentials.clone();
            let assignment = outlets::Assignment { settings: device, credentials, pin, network, finder };
            tasks.push(tokio::spawn(outlets::run(assignment, handle.clone(), orders, stop.clone())));
        }
        tasks.push(tokio::spawn(hub.run()));
        Self { plugs, wires, handle, tasks, _stop: stop.drop_guard() }
    }

    /// Where a plug is in the house's network.
    pub(crate) fn address(&self, at: usize) -> SocketAddr {
        self.wires.as_ref().map_or_else(|| self.plugs[at].address(), |it| it.address(at))
    }

    /// A plug gets another address.
    pub(crate) async fn moves(&self, at: usize, to: SocketAddr) {
        let plug = &self.plugs[at];
        match &self.wires {
            None => plug.move_to(to).await.unwrap(),
            Some(wires) => {
                wires.moves(at, to);
                plug.move_to(([127, 0, 0, 1], 0).into()).await.unwrap();
            }
        }
    }

    /// A plug is there again.
    pub(crate) async fn comes_back(&self, at: usize) {
        if self.plugs[at].come_back().await.is_err() {
            // Somebody else on this machine has taken its port meanwhile.
            self.moves(at, self.address(at)).await;
        }
    }

    /// The outlet of a plug as the house names it.
    pub(crate) fn id(plug: usize, slot: u8) -> OutletId {
        OutletId::new(format!("p{plug}").parse().unwrap(), slot)
    }

    pub(crate) fn ids(&self) -> Vec<(usize, u8)> {
        let slots = |plug: usize| self.plugs[plug].outlets().into_iter().map(move |it| (plug, it.slot));
        (0..self.plugs.len()).flat_map(slots).collect()
    }

    /// Weather comes: perhaps snow, perhaps nothing is known.
    pub(crate) async fn weather(&self) {
        let now = self.handle.clock.now();
        let first = Timestamp::from_second(now.as_second() / 3600 * 3600).unwrap();
        let (air, wet) = (fastrand::f64() * 12.0 - 8.0, fastrand::bool());
        let hour = |index: i64| {
            let start = first.checked_add(SignedDuration::from_hours(index)).unwrap();
            Interval {
                start,
                end: start.checked_add(SignedDuration::from_hours(1)).unwrap(),
                temperature: (fastrand::u8(..20) > 0).then_some(Celsius(air)),
                dew_point: Some(Celsius(air - 1.0)),
                humidity: Some(90.0),
                precipitation: (fastrand::u8(..20) > 0).then_some(if wet { 1.0 } else { 0.0 }),
                snowfall: None,
                code: None,
                cloud: Some(1.0),
                wind: Some(2.0),
            }
        };
        let intervals = (-1..24).map(hour).collect();
        let forecast = Forecast { source: "made up".to_owned(), issued_at: now, intervals };
        self.handle.send(Event::WeatherObserved(Arc::new(forecast))).await.unwrap();
    }

    /// Everything that the house shows, by plug and slot.
    pub(crate) fn shown(&self) -> Shown {
        let house = self.handle.picture();
        let all = self.ids().into_iter();
        all.filter_map(|it| Some((it, house.outlets.get(&Self::id(it.0, it.1))?.clone()))).collect()
    }
}
