//! The same storm, told by every provider, leads to the same decisions, as far as the provider's steps can tell.

use std::{collections::BTreeMap, sync::Arc};

use heattrax::{
    config,
    control::Rehearsal,
    model::{Event, Forecast, Memory, Switch},
};
use jiff::{SignedDuration, Timestamp};

use crate::providers::PARSERS;

const HOUSE: &str = r#"
location: {latitude: 40.7128, longitude: -74.006, timezone: America/New_York}
devices:
  credentials: {username: you@example.com, password: not-used-here}
  groups:
    walk:
      class: heater
      items: [{name: Mat, ip_address: 192.0.2.1, outlets: [0]}]
      melt: {lead_minutes: 60, after_run_minutes: 60, frost: off, refreeze: false}
weather_api: {providers: [open-meteo, nws], second_opinion: true}
"#;

/// The snow begins at 10:00 and ends at 18:00, so the heat is an hour earlier and later.
const HEAT: (&str, &str) = ("2026-01-15T09:00:00Z", "2026-01-15T19:00:00Z");

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// When the mat goes on for the storm and off after it. The forecast is renewed all the time and stays what it is.
fn heat(first: &Forecast, second: Option<&Forecast>) -> (Option<Timestamp>, Option<Timestamp>) {
    let settings = config::parse("house.yaml", HOUSE, &BTreeMap::new(), &Default::default()).unwrap().control;
    let mut now = at("2026-01-15T05:00:00Z");
    let mut rehearsal = Rehearsal::new(Arc::clone(&settings), &Memory::default(), now);
    let (mut on, mut off) = (None, None);
    while now < at("2026-01-16T00:00:00Z") {
        let renewed = |it: &Forecast| Arc::new(Forecast { issued_at: now, ..it.clone() });
        rehearsal.tell(Event::WeatherObserved(renewed(first)), now);
        if let Some(second) = second {
            rehearsal.tell(Event::SecondOpinion(renewed(second)), now);
        }
        let switch = rehearsal.house().outlets.values().next().unwrap().decision.switch;
        match (switch, on) {
            (Switch::On, None) => on = Some(now),
            (Switch::Off, Some(_)) if off.is_none() => off = Some(now),
            _ => {}
        }
        now += SignedDuration::from_mins(10);
    }
    (on, off)
}

fn told(name: &str) -> Forecast {
    let (_, parse, body) = PARSERS.into_iter().find(|it| it.0 == name).unwrap();
    parse(body, at("2026-01-15T11:00:00Z")).unwrap().forecast
}

/// The longest step of what a provider says of what falls.
fn steps(name: &str) -> SignedDuration {
    SignedDuration::from_hours(match name {
        "openweathermap" => 3,
        "nws" => 6,
        _ => 1,
    })
}

#[test]
fn the_same_storm_leads_to_the_same_decisions() {
    println!("{:24} {:>6} {:>6} {:>6}", "provider", "steps", "on", "off");
    let mut faults = Vec::new();
    for (name, ..) in PARSERS {
        let (on, off) = heat(&told(name), None);
        let clock = |it: Option<Timestamp>| it.map_or("never".to_owned(), |it| it.strftime("%H:%M").to_string());
        println!("{name:24} {:>4} h {:>6} {:>6}", steps(name).as_hours(), clock(on), clock(off));
        for (found, wanted) in [(on, HEAT.0), (off, HEAT.1)] {
            let near = found.is_some_and(|it| it.duration_since(at(wanted)).abs() <= steps(name));
            if !near {
                faults.push(format!("{name}: {} is not {wanted} within {:#}", clock(found), steps(name)));
            }
        }
        let thick = at("2026-01-15T13:00:00Z");
        assert!(on.is_some_and(|it| it < thick) && off.is_none_or(|it| it > thick), "{name} leaves the snow lying");
    }
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn with_a_second_opinion_the_mat_heats_for_whatever_either_tells_of() {
    for first in ["open-meteo", "met-norway"] {
        let mut dry = told(first);
        for it in &mut dry.intervals {
            (it.precipitation, it.snowfall, it.code) = (Some(0.0), Some(0.0), Some(3));
        }
        assert_eq!(heat(&dry, None), (None, None));
        let second = told("pirate-weather");
        assert_eq!(heat(&dry, Some(&second)), heat(&second, None), "{first}");
    }
}
