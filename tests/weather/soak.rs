//! A day of random faults of all providers, in the runtime's time and over no socket; and the same in real time over sockets. The real
//! poller, hub and control, and a witness who knows what was recorded.

use std::{collections::BTreeMap, env, sync::Arc, time::Duration};

use heattrax::{
    config,
    control::Controller,
    emulator::storm::{Storm, StormFault, StormOptions},
    hub::{Clock, Handle, Hub},
    model::{Interval, Memory, Provider, Switch, WeatherSettings, WeatherState},
    weather::{
        self,
        line::{Coming, Get, Got, Line},
    },
};
use jiff::SignedDuration;
use tokio_util::sync::CancellationToken;

use crate::{asked_at, settings};

const NAME: &str = "newark-2013";
const HOUSE: &str = r#"
location: {latitude: 40.7128, longitude: -74.006, timezone: America/New_York}
devices:
  credentials: {username: you@example.com, password: not-used-here}
  groups:
    walk: {class: heater, items: [{name: Mat, ip_address: 192.0.2.1, outlets: [0]}], melt: {}}
"#;
/// Longer than the longest pause after a failure, and than any `Retry-After` that is asked for; in house time.
const CALM: Duration = Duration::from_secs(2 * 3600);

/// The line to a storm in memory.
#[derive(Debug)]
struct Air(Arc<Storm>);

impl Line for Air {
    fn get(&self, question: Get) -> Coming {
        let storm = Arc::clone(&self.0);
        Box::pin(async move {
            let target = question.url.split_once("://").and_then(|it| it.1.find('/').map(|at| it.1[at..].to_owned()));
            let mut headers = vec![("user-agent", question.user_agent.as_str())];
            headers.extend(question.known_since.as_deref().map(|it| ("if-modified-since", it)));
            let told = storm.ask(&target.ok_or("no path")?, &headers).await;
            Ok(Got { status: told.status, headers: told.headers, body: told.body })
        })
    }
}

fn fault() -> StormFault {
    match fastrand::u8(..14) {
        0 => StormFault::Status(503),
        1 => StormFault::Status(500),
        2 => StormFault::Status(404),
        3 => StormFault::BadRequest,
        4 => StormFault::TooMany(fastrand::u32(60..3600)),
        5 => StormFault::Truncated,
        6 => StormFault::Slow,
        7 => StormFault::NullHours,
        8 => StormFault::Ragged,
        9 => StormFault::LocalTime,
        10 => StormFault::LateRun,
        11 => StormFault::Huge,
        12 => StormFault::Garbage,
        _ => StormFault::Off,
    }
}

struct World {
    storm: Arc<Storm>,
    handle: Handle,
    clock: Clock,
    recorded: Vec<Interval>,
    _stop: tokio_util::sync::DropGuard,
    _folder: tempfile::TempDir,
}

impl World {
    async fn new(speed: f64, on_sockets: bool) -> Self {
        let begins = Storm::start_of(NAME).unwrap();
        let clock = Clock::driven(begins, speed);
        let (time, recorded) = (clock.clone(), Storm::recorded(NAME).unwrap());
        let options = StormOptions { speed, ..StormOptions::of(recorded.clone(), Arc::new(move || time.now())) };
        let storm = if on_sockets { Storm::start(options).await.unwrap() } else { Storm::in_memory(options) };
        let storm = Arc::new(storm);
        let folder = tempfile::tempdir().unwrap();
        let providers = Provider::ALL.into_iter().map(|it| asked_at(it, &storm.base_url_of(it))).collect();
        let asked = WeatherSettings { providers, second_opinion: true, ..settings("", folder.path()) };
        let control = config::parse("soak.yaml", HOUSE, &BTreeMap::new(), &Default::default()).unwrap().control;
        let (hub, handle) = Hub::new(Controller::rehearsing(control, &Memory::default(), begins), clock.clone());
        let stop = CancellationToken::new();
        tokio::spawn(hub.run());
        if on_sockets {
            tokio::spawn(weather::run(asked, handle.clone(), stop.clone()));
        } else {
            let line = Arc::new(Air(Arc::clone(&storm)));
            tokio::spawn(weather::run_over(line, asked, handle.clone(), stop.clone()));
        }
        Self { storm, handle, clock, recorded, _stop: stop.drop_guard(), _folder: folder }
    }

    /// Lives through so much house time, with another fault of somebody now and then. Says how many there were.
    async fn lives(&self, length: Duration) -> u64 {
        let (begin, mut faults, mut offline) = (self.clock.now(), 0, false);
        let length = SignedDuration::try_from(length).unwrap();
        let mut next = begin;
        while self.clock.now().duration_since(begin) < length {
            if self.clock.now() >= next {
                next = self.clock.now() + SignedDuration::from_secs(fastrand::i64(60..1800));
                // Now and then the internet as a whole is gone, for longer than a forecast is acted on.
                match fastrand::u8(..40) {
                    0 => {
                        self.storm.set_fault(StormFault::Status(503));
                        next += SignedDuration::from_hours(8);
                    }
                    1..=4 => self.storm.set_fault(StormFault::Off),
                    _ => self.storm.set_fault_of(Provider::ALL[fastrand::usize(..5)], fault()),
                }
                faults += 1;
            }
            tokio::time::sleep(self.clock.real(Duration::from_secs(60))).await;
            offline |= self.looks();
        }
        eprintln!("{faults} faults, {}", if offline { "offline at times" } else { "never offline" });
        faults
    }

    /// What is shown is what is so. Is the weather unknown?
    fn looks(&self) -> bool {
        let house = self.handle.picture();
        let board = &house.weather;
        let Some(state) = board.soon.state else { return false };
        let valid = SignedDuration::from_hours(6);
        assert_eq!(state, WeatherState::of(board, Some(valid), house.at), "at {}", house.at);
        let outlet = house.outlets.values().next().unwrap();
        if state == WeatherState::Offline {
            assert_eq!(
                outlet.decision.switch,
                Switch::Off,
                "heats by weather that nobody knows: {}",
                outlet.decision.reason
            );
        }
        let forecast = board.forecast.iter().chain(&board.second);
        for it in forecast.flat_map(|it| &it.intervals) {
            // The longest step is of six hours, and what is kept of one may be a part.
            let step = SignedDuration::from_hours(6);
            let first = self.recorded.partition_point(|hour| hour.end < it.start - step);
            let near = self.recorded[first..].iter().take_while(|hour| hour.start <= it.end + step);
            let airs = near.filter_map(|hour| hour.temperature.map(|air| air.0));
            let (low, high) = airs.fold((f64::MAX, f64::MIN), |(low, high), air| (low.min(air), high.max(air)));
            let air = it.temperature.map(|air| air.0);
            assert!(air.is_none_or(|it| it >= low - 0.01 && it <= high + 0.01), "{it:?} is not from {low} to {high}");
        }
        state == WeatherState::Offline
    }

    /// All is well again: the first of the list is believed.
    async fn recovers(&self) {
        self.storm.set_fault(StormFault::Off);
        tokio::time::sleep(self.clock.real(CALM)).await;
        let house = self.handle.picture();
        assert_eq!(house.weather.soon.state, Some(WeatherState::Online), "{:?}", house.weather.trouble);
        assert_eq!(house.weather.forecast.as_ref().unwrap().source, "open-meteo");
    }

    fn tell(&self, hours: f64) {
        for it in Provider::ALL {
            let a_day = self.storm.requests(it) as f64 / hours * 24.0;
            eprintln!("  {it}: {} requests, {a_day:.0} a day", self.storm.requests(it));
            // Every ten minutes less a tenth, two requests each at most.
            assert!(a_day < 340.0, "{it}: {a_day} a day");
        }
    }
}

fn numbers(name: &str, otherwise: &[u64]) -> Vec<u64> {
    let given = env::var(name).unwrap_or_default();
    let given: Vec<u64> = given.split(',').filter_map(|it| it.trim().parse().ok()).collect();
    if given.is_empty() { otherwise.to_vec() } else { given }
}

#[test]
fn through_a_day_of_faults_nothing_is_shown_that_is_not_so() {
    let hours = numbers("HEATTRAX_SOAK_HOURS", &[24])[0];
    for seed in numbers("HEATTRAX_SOAK_SEEDS", &[1]) {
        eprintln!("seed {seed}, {hours} h");
        fastrand::seed(seed);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let world = World::new(1.0, false).await;
            world.lives(Duration::from_secs(hours * 3600)).await;
            world.recovers().await;
            world.tell((hours + 2) as f64);
        });
    }
}

#[test]
fn over_sockets_in_real_time_too() {
    let seconds = numbers("HEATTRAX_STORM_SECONDS", &[3])[0];
    let speed = 60.0;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let world = World::new(speed, true).await;
        world.lives(Duration::from_secs_f64(seconds as f64 * speed)).await;
        if seconds >= 60 {
            world.recovers().await;
        }
    });
}
