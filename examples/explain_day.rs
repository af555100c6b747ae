//! One winter's day, decided by the bridge's own controller: no socket, no broker, no waiting.
//!
//! ```text
//! cargo run --example explain_day
//! ```
//!
//! Prints each change of an outlet with the sentence that says why. The weather is a recorded day in Newark, the blizzard of
//! 8 February 2013; the forecast is perfect, for it is what was measured. The plugs do what they are told, at once.
#![expect(clippy::print_stdout, reason = "it prints to people")]

use std::{collections::BTreeMap, error::Error, fs, sync::Arc};

use heattrax::{
    config::{self, Overrides},
    control::Rehearsal,
    emulator::storm::recorded_csv,
    model::{Command, Event, Forecast, Interval, Lasting, Memory, Origin, OutletId, Settings, Switch, Target, Verb},
};
use jiff::{SignedDuration, Timestamp};

const CONFIG: &str = r#"
location: {latitude: 40.6895, longitude: -74.1745, timezone: America/New_York}
devices:
  credentials: {username: you@example.com, password: not-used-here}
  groups:
    walkway:
      class: heater
      items: [{name: Dual plug, ip_address: 192.0.2.1, outlets: [0]}]
      schedules:
        - {name: Storm, all_day: true, conditions: {temperature_max: 36, precipitation_active: true}}
    porch:
      class: light
      items: [{name: Porch light, ip_address: 192.0.2.1, outlets: [1]}]
      schedules:
        - {name: Evening, on: {type: sunset, offset: -15, fallback: "17:00"}, off: {type: time, value: "23:00"}}
safety: {max_runtime_hours: 6, cooldown_minutes: 30}
"#;

const RECORDING: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/weather/nyc_EWR_2013.csv.gz");

fn main() -> Result<(), Box<dyn Error>> {
    let settings = config::parse("explain_day", CONFIG, &BTreeMap::new(), &Overrides::default())?;
    let winter = recorded_csv(&fs::read(RECORDING)?)?;
    let midnight: Timestamp = "2013-02-08T05:00:00Z".parse()?;
    let rehearsal = Rehearsal::new(Arc::clone(&settings.control), &Memory::default(), midnight);
    let mut day = Day { rehearsal, settings, winter, now: midnight, said: BTreeMap::new() };
    println!("{:5}  {:12}  {:3}  why", "time", "outlet", "is");
    let end = midnight + SignedDuration::from_hours(24);
    while day.now < end {
        day.live_until_next()?;
    }
    Ok(())
}

/// The controller with its plugs, and the world that it is told of.
struct Day {
    rehearsal: Rehearsal,
    settings: Settings,
    winter: Vec<Interval>,
    now: Timestamp,
    said: BTreeMap<OutletId, (Switch, String)>,
}

impl Day {
    /// What happens at this moment, and then time passes: to the next deadline of the controller, the next forecast, or the
    /// next person.
    fn live_until_next(&mut self) -> Result<(), Box<dyn Error>> {
        self.tell(Event::WeatherObserved(Arc::new(self.forecast())));
        if self.clock() == "20:00" {
            // Somebody comes home late and wants the porch dark.
            let target = Target::Outlet("dual_plug/2".parse()?);
            let verb = Verb::Set(Switch::Off, Lasting::For(SignedDuration::from_mins(45)));
            self.tell(Event::Commanded(Command::new(target, verb, Origin::Mqtt)));
        }
        self.tell(Event::DeadlinePassed);
        self.print();
        let hour = Timestamp::from_second((self.now.as_second() / 3600 + 1) * 3600)?;
        self.now = self.rehearsal.next_deadline().map_or(hour, |deadline| deadline.min(hour));
        Ok(())
    }

    fn tell(&mut self, event: Event) {
        for notice in self.rehearsal.tell(event, self.now).iter().filter(|it| it.kind.is_warning()) {
            let outlet = notice.device.iter().zip(notice.slot).map(|(device, slot)| format!("{device}/{slot}")).next();
            println!("{:5}  {:12}  !    {}", self.clock(), outlet.unwrap_or_default(), notice.message);
        }
    }

    fn forecast(&self) -> Forecast {
        let until = self.now + SignedDuration::from_hours(12);
        // Also what has just passed: the ice lies on for a while.
        let from = self.now - SignedDuration::from_hours(3);
        let intervals = self.winter.iter().filter(|it| it.end > from && it.start < until).cloned().collect();
        Forecast { source: "recorded".to_owned(), issued_at: self.now, intervals }
    }

    /// Prints the outlets whose position or reason has changed.
    fn print(&mut self) {
        for (id, outlet) in &self.rehearsal.house().outlets {
            let Some(switch) = outlet.switch() else { continue };
            let now = (switch, outlet.decision.reason.to_string());
            if self.said.get(id) != Some(&now) {
                println!("{:5}  {:12}  {:3}  {}", self.clock(), id.to_string(), now.0, now.1);
                self.said.insert(id.clone(), now);
            }
        }
    }

    fn clock(&self) -> String {
        self.settings.control.zone.to_datetime(self.now).strftime("%H:%M").to_string()
    }
}
