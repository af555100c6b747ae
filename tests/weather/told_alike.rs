//! A recorded storm, served as each provider would have told it, read over sockets by the provider's own reader, and decided on by
//! the controller: the same storm leads to the same decisions, within what each source can resolve.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use heattrax::{
    config,
    control::Rehearsal,
    emulator::storm::{Storm, StormFault, StormOptions},
    model::{Event, Forecast, Memory, Mode, Provider, ProviderSettings, Switch},
    weather::{examine, past},
};
use jiff::{SignedDuration, Timestamp};

use crate::{asked_at, settings};

const HOUSE: &str = r#"
location: {latitude: 40.7128, longitude: -74.006, timezone: America/New_York}
devices:
  credentials: {username: you@example.com, password: not-used-here}
  groups:
    walk:
      class: heater
      items: [{name: Mat, ip_address: 192.0.2.1, outlets: [0]}]
      melt: {lead_minutes: 60, after_run_minutes: 60, frost: off, refreeze: false}
safety: {max_runtime_hours: 24}
"#;
/// How long each storm is followed.
const FOLLOWED: SignedDuration = SignedDuration::from_hours(36);
const FETCH: SignedDuration = SignedDuration::from_mins(30);
const LOOK: SignedDuration = SignedDuration::from_mins(10);

struct World {
    storm: Storm,
    time: Arc<Mutex<Timestamp>>,
}

impl World {
    async fn of(name: &str) -> Self {
        let time = Arc::new(Mutex::new(Storm::start_of(name).unwrap()));
        let shown = Arc::clone(&time);
        let now = Arc::new(move || *shown.lock().unwrap());
        let storm = Storm::start(StormOptions::of(Storm::recorded(name).unwrap(), now)).await.unwrap();
        Self { storm, time }
    }

    fn ask(&self, provider: Provider, one_call: bool) -> ProviderSettings {
        ProviderSettings { one_call, ..asked_at(provider, &self.storm.base_url_of(provider)) }
    }

    /// When the mat is on: its first minute, its last, and all of them.
    async fn heated(&self, how: &ProviderSettings) -> Heated {
        let begins = *self.time.lock().unwrap();
        let mut asked = settings("http://unused", std::path::Path::new("/nowhere"));
        asked.horizon_hours = 48;
        let control = config::parse("house.yaml", HOUSE, &BTreeMap::new(), &Default::default()).unwrap().control;
        let mut rehearsal = Rehearsal::new(control, &Memory::default(), begins);
        let mut heated = Heated::default();
        let mut known: Option<Arc<Forecast>> = None;
        let mut now = begins;
        while now < begins + FOLLOWED {
            if known.as_ref().is_none_or(|it| now.duration_since(it.issued_at) >= FETCH) {
                *self.time.lock().unwrap() = now;
                let brought = examine(&asked, how, now).await.unwrap_or_else(|words| panic!("{words} at {now}"));
                let mut forecast = brought.forecast;
                if let Some(known) = &known {
                    past::keep(&mut forecast, known);
                }
                let forecast = Arc::new(forecast);
                rehearsal.tell(Event::WeatherObserved(Arc::clone(&forecast)), now);
                known = Some(forecast);
            } else {
                rehearsal.advance(now);
            }
            let decision = rehearsal.house().outlets.values().next().unwrap().decision.clone();
            if decision.switch == Switch::On {
                heated.first.get_or_insert(now);
                heated.last = Some(now);
                heated.on += LOOK;
                heated.melting |= decision.mode() == Mode::Melt;
            }
            now += LOOK;
        }
        *self.time.lock().unwrap() = begins;
        heated
    }
}

#[derive(Default)]
struct Heated {
    first: Option<Timestamp>,
    last: Option<Timestamp>,
    on: SignedDuration,
    melting: bool,
}

/// Each way to ask, and the longest step of what it says of what falls.
const WAYS: [(&str, Provider, bool, i64); 6] = [
    ("open-meteo", Provider::OpenMeteo, false, 1),
    ("met-norway", Provider::MetNorway, false, 1),
    ("pirate-weather", Provider::PirateWeather, false, 1),
    ("openweathermap one call", Provider::OpenWeatherMap, true, 1),
    ("openweathermap", Provider::OpenWeatherMap, false, 3),
    ("nws", Provider::Nws, false, 6),
];

#[tokio::test]
async fn a_recorded_storm_leads_to_the_same_decisions_whoever_tells_it() {
    let mut faults = Vec::new();
    for name in Storm::names() {
        println!("{name:32} steps     on                off     hours on");
        let world = World::of(name).await;
        let mut wanted: Option<Heated> = None;
        for (way, provider, one_call, step) in WAYS {
            let found = world.heated(&world.ask(provider, one_call)).await;
            let clock = |it: Option<Timestamp>| it.map_or("never".to_owned(), |it| it.strftime("%d %H:%M").to_string());
            let hours = found.on.as_secs_f64() / 3600.0;
            println!("  {way:30} {step:>3} h {:>10} {:>12} {hours:>10.1}", clock(found.first), clock(found.last));
            assert!(found.melting, "{way} never melts in {name}");
            let Some(wanted) = &wanted else {
                wanted = Some(found);
                continue;
            };
            let step = SignedDuration::from_hours(step);
            for (found, wanted) in [(found.first, wanted.first), (found.last, wanted.last)] {
                let near = found.zip(wanted).is_some_and(|(it, wanted)| it.duration_since(wanted).abs() <= step);
                if !near {
                    faults.push(format!("{name}, {way}: {} is not {} within {step:#}", clock(found), clock(wanted)));
                }
            }
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
}

/// Each fault through each provider: a trouble in words or a forecast, and never what was not recorded.
#[tokio::test]
async fn no_fault_of_any_provider_makes_up_weather() {
    let world = World::of("lincoln-2023").await;
    let now = *world.time.lock().unwrap();
    let recorded = Storm::recorded("lincoln-2023").unwrap();
    let asked = settings("http://unused", std::path::Path::new("/nowhere"));
    for (way, provider, one_call, step) in WAYS {
        let how = world.ask(provider, one_call);
        for fault in [
            StormFault::Status(503),
            StormFault::Status(401),
            StormFault::BadRequest,
            StormFault::TooMany(120),
            StormFault::Truncated,
            StormFault::Huge,
            StormFault::Garbage,
            StormFault::NullHours,
            StormFault::Ragged,
            StormFault::LocalTime,
            StormFault::LateRun,
        ] {
            world.storm.set_fault_of(provider, fault);
            match examine(&asked, &how, now).await {
                Err(words) => {
                    assert!(words.starts_with(provider.name()) && !words.contains("k3y"), "{way}, {fault}: {words}");
                    assert_eq!(words.contains("more than 2 MiB"), fault == StormFault::Huge, "{way}, {fault}: {words}");
                }
                Ok(brought) => {
                    // Huge is a few kilobytes on the wire: it is the unpacked answer that has a limit.
                    assert!(
                        matches!(fault, StormFault::NullHours | StormFault::Ragged | StormFault::LateRun),
                        "{way} is believed although {fault}"
                    );
                    for it in &brought.forecast.intervals {
                        let air = it.temperature.map(|air| air.0);
                        let around = |hour: &&heattrax::model::Interval| {
                            let span = SignedDuration::from_hours(step.max(1));
                            hour.start >= it.start - span && hour.start <= it.end + span
                        };
                        let known = recorded.iter().filter(around).filter_map(|hour| hour.temperature.map(|air| air.0));
                        let (low, high) =
                            known.fold((f64::MAX, f64::MIN), |(low, high), air| (low.min(air), high.max(air)));
                        assert!(
                            air.is_none_or(|air| air >= low - 0.01 && air <= high + 0.01),
                            "{way}, {fault}: {it:?} is not from {low} to {high}"
                        );
                    }
                }
            }
        }
        world.storm.set_fault_of(provider, StormFault::Off);
        examine(&asked, &how, now).await.unwrap();
    }
}
