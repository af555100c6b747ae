//! What deciding costs in a large house: `cargo bench --bench decide`.
#![allow(clippy::unwrap_used, missing_docs, reason = "measurements")]

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use heattrax::{
    control::Controller,
    model::{
        Address, BlackIce, Cause, Celsius, Class, Conditions, ControlSettings, DayTime, Days, DeviceSettings, Event,
        Forecast, GroupSettings, Interval, Melt, Member, Memory, OffTime, OnTime, Place, Priority, Report, Safety,
        Schedule, Slug, SunEvent, Switch, Thresholds,
    },
};
use jiff::{SignedDuration, Timestamp, civil::time, tz::TimeZoneDatabase};

/// Outlets of one device.
const SLOTS: u8 = 10;

fn slug(text: &str) -> Slug {
    text.parse().unwrap()
}

fn now() -> Timestamp {
    "2026-01-10T12:00:00Z".parse().unwrap()
}

fn rule(window: Option<(OnTime, OffTime)>, conditions: Conditions) -> Schedule {
    Schedule {
        name: "rule".to_owned(),
        enabled: true,
        priority: Priority::Normal,
        days: Days::ALL,
        dates: None,
        except: Vec::new(),
        also: Vec::new(),
        window,
        conditions,
        longest_on: None,
        rest: None,
    }
}

fn storm() -> Vec<Schedule> {
    let snow =
        Conditions { temperature_max: Some(Celsius(1.0)), precipitation_active: Some(true), ..Conditions::default() };
    let ice = Conditions { black_ice_risk: Some(true), ..Conditions::default() };
    vec![rule(None, snow), rule(None, ice)]
}

fn evening() -> Vec<Schedule> {
    let sun = |event, fallback| DayTime::Sun {
        event,
        offset: SignedDuration::ZERO,
        fallback,
        not_before: None,
        not_after: None,
    };
    let dusk = OnTime::At(sun(SunEvent::Sunset, time(17, 0, 0, 0)));
    vec![rule(Some((dusk, OffTime::At(sun(SunEvent::Sunrise, time(7, 0, 0, 0))))), Conditions::default())]
}

/// So many devices of ten outlets, one group each.
fn settings(devices: usize, rules: fn() -> Vec<Schedule>) -> ControlSettings {
    let slugs: Vec<_> = (0..devices).map(|it| slug(&format!("device_{it}"))).collect();
    let device = |slug: &Slug| DeviceSettings {
        slug: slug.clone(),
        name: slug.to_string(),
        address: Address { host: "192.0.2.1".to_owned(), port: None },
        mac: None,
        outlet_names: BTreeMap::new(),
        poll_every: Duration::from_secs(5),
        timeout: Duration::from_secs(5),
    };
    let group = |slug: &Slug| GroupSettings {
        slug: slug.clone(),
        name: slug.to_string(),
        enabled: true,
        class: Class::Heater,
        members: vec![Member { device: slug.clone(), slots: Some((1..=SLOTS).collect()), rated_watts: None }],
        schedules: rules(),
        melt: None,
        circuit: None,
        wish_lasts: None,
        require_device_timer: false,
    };
    ControlSettings {
        zone: TimeZoneDatabase::bundled().get("America/New_York").unwrap(),
        place: Place { latitude: 40.7, longitude: -74.0 },
        groups: slugs.iter().map(|it| (it.clone(), group(it))).collect(),
        devices: slugs.iter().map(|it| (it.clone(), device(it))).collect(),
        safety: Safety { longest_on: SignedDuration::from_hours(6), rest: SignedDuration::from_mins(30) },
        thresholds: Thresholds {
            lead: SignedDuration::from_mins(45),
            trailing: SignedDuration::from_mins(75),
            black_ice: Some(BlackIce { temperature_max: Celsius(2.2), spread: 2.2, humidity_min: 80.0 }),
        },
        wish_lasts: SignedDuration::from_hours(3),
        circuits: BTreeMap::new(),
        tariff: None,
        hold_unknown: None,
        forecast_valid: Some(SignedDuration::from_hours(6)),
        answer_within: SignedDuration::from_secs(10),
        vacation: false,
    }
}

fn reported(device: &str, switch: Switch) -> Event {
    let report = |slot| Report {
        slot,
        switch,
        on_time: None,
        energy: None,
        fault: None,
        timer: None,
        cause: Cause::Polled,
        answers: 0,
    };
    Event::DeviceReported { device: slug(device), reports: (1..=SLOTS).map(report).collect(), rssi: None }
}

/// Three days by the hour, with a shower now and then.
fn forecast(phase: i32) -> Event {
    let interval = |hour: i32| {
        let start = now().checked_add(SignedDuration::from_hours(i64::from(hour - 2))).unwrap();
        Interval {
            start,
            end: start.checked_add(SignedDuration::from_hours(1)).unwrap(),
            temperature: Some(Celsius(f64::from((hour + phase) % 7) - 3.0)),
            dew_point: Some(Celsius(-6.0)),
            humidity: Some(70.0),
            precipitation: Some(if (hour + phase) % 17 == 16 { 1.0 } else { 0.0 }),
            snowfall: None,
            code: None,
            cloud: None,
            wind: None,
        }
    };
    let intervals = (0..72).map(interval).collect();
    Event::WeatherObserved(Arc::new(Forecast { source: "bench".to_owned(), issued_at: now(), intervals }))
}

fn house(devices: usize, rules: fn() -> Vec<Schedule>) -> Controller {
    house_of(settings(devices, rules), devices)
}

/// Every group melts, without other rules.
fn melting(devices: usize) -> Controller {
    let mut settings = settings(devices, Vec::new);
    settings.groups.values_mut().for_each(|it| it.melt = Some(Melt::default()));
    house_of(settings, devices)
}

fn house_of(settings: ControlSettings, devices: usize) -> Controller {
    let mut controller = Controller::new(Arc::new(settings), &Memory::default(), now());
    controller.handle(forecast(0), now());
    for device in 0..devices {
        controller.handle(reported(&format!("device_{device}"), Switch::Off), now());
    }
    controller
}

fn decide(criterion: &mut Criterion) {
    let mut controller = house(100, storm);
    criterion.bench_function("one device of ten outlets reports, among 1000 outlets", |it| {
        it.iter_batched(
            || reported("device_50", Switch::Off),
            |event| controller.handle(event, now()),
            BatchSize::SmallInput,
        );
    });
    let mut controller = house(20, storm);
    let mut phase = 0;
    criterion.bench_function("a new forecast for 200 outlets in 20 groups", |it| {
        it.iter_batched(
            || {
                phase += 1;
                forecast(phase)
            },
            |event| controller.handle(event, now()),
            BatchSize::SmallInput,
        );
    });
    let mut controller = house(1, evening);
    criterion.bench_function("ten outlets of a schedule by the sun report", |it| {
        it.iter_batched(
            || reported("device_0", Switch::Off),
            |event| controller.handle(event, now()),
            BatchSize::SmallInput,
        );
    });
    let settings = Arc::new(settings(1, evening));
    criterion.bench_function("start with a schedule by the sun", |it| {
        it.iter(|| Controller::new(Arc::clone(&settings), &Memory::default(), now()));
    });
    let mut controller = melting(100);
    criterion.bench_function("a new forecast decides 1000 melting outlets in 100 groups", |it| {
        it.iter_batched(
            || {
                phase += 1;
                forecast(phase)
            },
            |event| controller.handle(event, now()),
            BatchSize::SmallInput,
        );
    });
    let controller = house(100, storm);
    criterion.bench_function("the next deadline of 1000 outlets", |it| it.iter(|| controller.next_deadline()));
}

criterion_group!(benches, decide);
criterion_main!(benches);
