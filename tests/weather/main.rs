//! The weather room and the storm that stands in for its provider.
//!
//! `HEATTRAX_SOAK_SEEDS=1,2,3 HEATTRAX_SOAK_HOURS=240` lives through more days of faults in the runtime's time,
//! `HEATTRAX_STORM_SECONDS=600` through more real time over sockets.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, missing_docs, reason = "tests")]

mod cache;
mod decisions;
mod order;
mod parse;
mod past;
mod poller;
mod providers;
mod quarters;
mod recorded;
mod soak;
mod storm;
mod stuck;
mod told_alike;

use std::{path::Path, sync::Arc, time::Duration};

use heattrax::{
    hub::{Clock, Handle},
    model::{Event, Forecast, House, Interval, Place, Provider, ProviderSettings, Secret, Trouble, WeatherSettings},
    weather,
};
use jiff::{SignedDuration, Timestamp};
use tokio::{sync::mpsc, task::JoinHandle};
use tokio_util::sync::CancellationToken;

/// The same cases each time; `PROPTEST_CASES` tries so many others.
fn tried(cases: u32) -> proptest::test_runner::Config {
    use proptest::test_runner::{Config, RngSeed};
    let more = std::env::var("PROPTEST_CASES").ok().and_then(|it| it.parse().ok());
    let rng_seed = if more.is_some() { RngSeed::Random } else { RngSeed::Fixed(0x0073_746f_726d) };
    Config { cases: more.unwrap_or(cases), rng_seed, failure_persistence: None, ..Config::default() }
}

/// In the middle of the made answers.
fn noon() -> Timestamp {
    Timestamp::from_second(1_768_475_700).unwrap()
}

/// A provider at an address, with all that any of them asks for.
fn asked_at(provider: Provider, base_url: &str) -> ProviderSettings {
    ProviderSettings {
        base_url: base_url.to_owned(),
        contact: Some("me@example.org".to_owned()),
        api_key: Some(Secret::new("k3y")),
        ..ProviderSettings::usual(provider)
    }
}

fn settings(base_url: &str, folder: &Path) -> WeatherSettings {
    WeatherSettings {
        place: Place { latitude: 40.71, longitude: -74.0 },
        providers: vec![asked_at(Provider::OpenMeteo, base_url)],
        second_opinion: false,
        cache_file: folder.join("weather.json"),
        horizon_hours: 24,
        valid: SignedDuration::from_hours(6),
        refresh_every: Duration::from_secs(600),
        retry_after: Duration::from_secs(60),
        retry_at_most: Duration::from_secs(1800),
    }
}

fn empty_house(at: Timestamp) -> House {
    House {
        at,
        devices: Default::default(),
        outlets: Default::default(),
        groups: Default::default(),
        weather: Default::default(),
        vacation: false,
        vacation_told: None,
        paused: None,
        broker: Default::default(),
        clock: Default::default(),
        whole: Default::default(),
        gone: std::sync::Arc::default(),
    }
}

fn hour(start: Timestamp) -> Interval {
    Interval {
        start,
        end: start + SignedDuration::from_hours(1),
        temperature: Some(heattrax::model::Celsius(-1.5)),
        dew_point: None,
        humidity: Some(90.0),
        precipitation: Some(0.4),
        snowfall: None,
        code: Some(71),
        cloud: None,
        wind: Some(2.0),
    }
}

fn forecast(issued_at: Timestamp) -> Forecast {
    let start = Timestamp::from_second(issued_at.as_second() / 3600 * 3600).unwrap();
    let intervals = (0..6).map(|it| hour(start + SignedDuration::from_hours(it))).collect();
    Forecast { source: "open-meteo".to_owned(), issued_at, intervals }
}

/// The room at work.
struct Room {
    events: mpsc::Receiver<Event>,
    clock: Clock,
    handle: Handle,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Room {
    fn start(settings: WeatherSettings, at: Timestamp) -> Self {
        Self::start_at_speed(settings, at, 1.0)
    }

    fn start_at_speed(settings: WeatherSettings, at: Timestamp, speed: f64) -> Self {
        let clock = Clock::driven(at, speed);
        let (handle, events, _board) = Handle::detached(empty_house(at), clock.clone());
        let stop = CancellationToken::new();
        let task = tokio::spawn(weather::run(settings, handle.clone(), stop.clone()));
        Self { events, clock, handle, stop, task }
    }

    async fn event(&mut self) -> Event {
        tokio::time::timeout(Duration::from_secs(5), self.events.recv()).await.expect("an event").expect("the room")
    }

    async fn observed(&mut self) -> Arc<Forecast> {
        match self.event().await {
            Event::WeatherObserved(forecast) => forecast,
            other => panic!("{other:?}"),
        }
    }

    async fn lost(&mut self) -> Trouble {
        match self.event().await {
            Event::WeatherLost { trouble } => trouble,
            other => panic!("{other:?}"),
        }
    }
}

/// Turns the clock by hand while nothing waits for the network.
async fn turn(by: Duration) {
    tokio::time::pause();
    tokio::time::advance(by).await;
    tokio::time::resume();
}

/// Lets everything that is under way come to rest, on a busy machine too: a clock that is turned meanwhile would be the deadline
/// of what is under way.
async fn settle() {
    tokio::time::sleep(Duration::from_millis(300)).await;
}
