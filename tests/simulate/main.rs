//! The room `simulate`: what the controller is shown, the judge by hand-made hours, what is printed, and the command.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, unreachable_pub, reason = "tests")]

mod command;
mod driven;
mod onsets;
mod outages;
mod scored;
mod seen;
mod shown;
mod truths;

use std::{collections::BTreeMap, sync::Arc};

use heattrax::{
    config,
    model::ControlSettings,
    recorded::{self, Recording},
    simulate::judge::{Hour, Weather},
};

/// A house in New York with these groups, metric.
fn house(groups: &str) -> Arc<ControlSettings> {
    let text = format!(
        "units: metric\nlocation: {{latitude: 40.7, longitude: -74.0, timezone: America/New_York}}\n\
         devices:\n  credentials: {{username: ann@example.org, password: hunter22}}\n  groups:\n{groups}"
    );
    match config::parse("house.yaml", &text, &BTreeMap::new(), &config::Overrides::default()) {
        Ok(settings) => settings.control,
        Err(problems) => panic!("{problems}\nin\n{text}"),
    }
}

/// A mat that heats when it snows or rains in the cold, from an hour before to an hour after.
const MATS: &str = "    mats:
      class: heater
      items: [ { name: Mat, ip_address: 192.0.2.1, outlets: [0] } ]
      schedules:
        - name: Storm, all day
          all_day: true
          conditions: { temperature_max: 1.5, precipitation_active: true }
          safety: { max_runtime_hours: 12 }
";

fn mats() -> Arc<ControlSettings> {
    house(MATS)
}

const HEAD: &str = "time_utc,temp_c,dewp_c,rh,wind_ms,precip_mm,cloud,wx\n";
/// 2013-01-15T00:00:00Z.
const START: i64 = 1_358_208_000;

/// Hours from [`START`] on: air, mm.
fn weather_csv(hours: &[(f64, f64)]) -> String {
    let rows = hours.iter().enumerate().map(|(number, (air, amount))| {
        let at = START + 3600 * i64::try_from(number).unwrap();
        format!("{at},{air},{},90,2,{amount},1,\n", air - 1.0)
    });
    format!("{HEAD}{}", rows.collect::<String>())
}

fn recording(hours: &[(f64, f64)]) -> Recording {
    recorded::read(weather_csv(hours).as_bytes()).unwrap()
}

/// Two dry days, with 1 mm an hour from the 20th to the 29th hour.
fn storm() -> Vec<(f64, f64)> {
    (0..48).map(|hour| (-2.0, if (20..30).contains(&hour) { 1.0 } else { 0.0 })).collect()
}

/// An hour for the judge, at `number` hours after [`START`].
fn hour(number: i64) -> Hour {
    Hour {
        start: START + 3600 * number,
        end: START + 3600 * (number + 1),
        air: Some(-3.0),
        dew_point: None,
        humidity: Some(70.0),
        wind: Some(2.0),
        precipitation: Some(0.0),
        cloud: Some(1.0),
        letters: String::new(),
    }
}

/// So many hours, changed by their number.
fn hours(count: i64, change: impl Fn(i64, &mut Hour)) -> Weather {
    let hours = (0..count).map(|number| {
        let mut it = hour(number);
        change(number, &mut it);
        it
    });
    Weather { hours: hours.collect(), latitude: 40.7, longitude: -74.0 }
}
