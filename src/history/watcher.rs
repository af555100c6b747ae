//! What is worth a row: changes, and now and then a sign that nothing changed.

use std::{collections::BTreeMap, sync::Arc};

use jiff::{
    SignedDuration, Timestamp,
    civil::{Date, Time},
    tz::TimeZone,
};

use crate::{
    control::price_at,
    model::{Availability, ControlSettings, House, Notice, Outlet, OutletId},
};

/// An outlet on which nothing changes is written down so often.
pub const EVERY: SignedDuration = SignedDuration::from_mins(10);
/// Time on is written down so often: a program that is killed loses no more of it.
const USE_EVERY: SignedDuration = SignedDuration::from_mins(1);
/// Power that moves by less than this, in W, and by less than a twentieth, is noise.
const DEADBAND_W: f64 = 2.0;
const DEADBAND_SHARE: f64 = 0.05;
/// Time on is counted from look to look; a longer gap is one in which nobody looked.
const LONGEST_GAP: SignedDuration = SignedDuration::from_mins(15);

/// Something to be written down.
#[derive(Clone, Debug)]
pub enum Row {
    /// How an outlet was.
    Sample(Sample),
    /// What an outlet used.
    Use(Use),
    /// What happened.
    Event(Arc<Notice>),
}

/// How an outlet was from an instant on.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// Which outlet.
    pub outlet: OutletId,
    /// When.
    pub at: Timestamp,
    /// The relay; `None` while nobody knows.
    pub on: Option<bool>,
    /// In W, where it is measured.
    pub power: Option<f64>,
    /// The word of the decision.
    pub mode: &'static str,
}

/// What an outlet used since the row before, all of it on one local day.
#[derive(Clone, Debug, PartialEq)]
pub struct Use {
    /// Which outlet.
    pub outlet: OutletId,
    /// The local day.
    pub date: Date,
    /// Time on.
    pub on: SignedDuration,
    /// The bridge's own count in kWh, which never falls; where it is measured.
    pub energy_total: Option<f64>,
    /// What hangs on it, in W, where the config says so: for an estimate where nothing is measured.
    pub rated: Option<u32>,
    /// What a kWh costs now.
    pub price: Option<f64>,
}

/// Remembers what was written last.
#[derive(Debug, Default)]
pub struct Watcher {
    last: BTreeMap<OutletId, Seen>,
}

#[derive(Debug)]
struct Seen {
    /// As it was written last.
    sample: Sample,
    /// When somebody looked last.
    looked_at: Timestamp,
    was_on: bool,
    /// What has not been written yet, of the day on which somebody looked last.
    more: Use,
}

impl Watcher {
    /// Adds rows for each outlet of which there is something to say.
    pub fn look(&mut self, house: &House, now: Timestamp, settings: Option<&ControlSettings>, rows: &mut Vec<Row>) {
        for (_, seen) in self.last.extract_if(.., |id, _| !house.outlets.contains_key(id)) {
            seen.close(rows);
        }
        let zone = settings.map_or(TimeZone::UTC, |it| it.zone.clone());
        let date = zone.to_datetime(now).date();
        let price = settings.and_then(|it| price_at(it, now));
        for (id, outlet) in &house.outlets {
            if outlet.availability == Availability::Unknown {
                continue;
            }
            let rated = settings.and_then(|it| it.rated_watts(id));
            let (outlet_id, energy_total) = (id.clone(), outlet.energy_total);
            let used = Use { outlet: outlet_id, date, on: SignedDuration::ZERO, energy_total, rated, price };
            let sample = sample(id, outlet, now);
            let Some(seen) = self.last.get_mut(id) else {
                rows.push(Row::Sample(sample.clone()));
                rows.push(Row::Use(used.clone()));
                let was_on = sample.on == Some(true);
                self.last.insert(id.clone(), Seen { sample, looked_at: now, was_on, more: used });
                continue;
            };
            seen.count(&sample, used, &zone, rows);
            if seen.differs(&sample) {
                rows.push(Row::Sample(sample.clone()));
                seen.sample = sample;
                seen.write_use(rows);
            } else if seen.more.on >= USE_EVERY {
                seen.write_use(rows);
            }
        }
    }

    /// Nobody looks any more: adds what has not been written yet, and that nobody knows how it goes on.
    pub fn close(&mut self, rows: &mut Vec<Row>) {
        for seen in std::mem::take(&mut self.last).into_values() {
            seen.close(rows);
        }
    }
}

impl Seen {
    /// Nobody looks at it any more: what has not been written yet, and that nobody knows how it goes on.
    fn close(mut self, rows: &mut Vec<Row>) {
        self.write_use(rows);
        rows.push(Row::Sample(Sample { at: self.looked_at, on: None, power: None, ..self.sample }));
    }

    /// The time since the last look, on the days to which it belongs.
    fn count(&mut self, now: &Sample, used: Use, zone: &TimeZone, rows: &mut Vec<Row>) {
        let (mut from, to) = (self.looked_at, now.at);
        let passed = to.duration_since(from);
        let counts = self.was_on && passed > SignedDuration::ZERO && passed <= LONGEST_GAP;
        (self.looked_at, self.was_on) = (now.at, now.on == Some(true));
        if used.date != self.more.date {
            let midnight = zone.to_timestamp(used.date.to_datetime(Time::midnight())).ok();
            if let Some(midnight) = midnight.filter(|it| counts && from < *it && *it <= to) {
                self.more.on += midnight.duration_since(from);
                from = midnight;
            }
            self.more.energy_total = used.energy_total;
            self.write_use(rows);
        } else if used.price != self.more.price {
            // What was used by now cost what it cost.
            self.more.energy_total = used.energy_total;
            self.write_use(rows);
        }
        let on = self.more.on;
        self.more = Use { on, ..used };
        if counts {
            self.more.on += to.duration_since(from);
        }
    }

    fn write_use(&mut self, rows: &mut Vec<Row>) {
        rows.push(Row::Use(self.more.clone()));
        self.more.on = SignedDuration::ZERO;
    }

    fn differs(&self, now: &Sample) -> bool {
        let then = &self.sample;
        let passed = now.at.duration_since(then.at);
        // A clock that was set back: its rows begin anew.
        (then.on, then.mode) != (now.on, now.mode)
            || moved(then.power, now.power)
            || passed >= EVERY
            || passed < SignedDuration::ZERO
    }
}

fn moved(then: Option<f64>, now: Option<f64>) -> bool {
    match (then, now) {
        (Some(then), Some(now)) => (now - then).abs() > DEADBAND_W.max(then.abs() * DEADBAND_SHARE),
        (then, now) => then.is_some() != now.is_some(),
    }
}

fn sample(id: &OutletId, outlet: &Outlet, at: Timestamp) -> Sample {
    let known = outlet.reported.as_ref().filter(|_| outlet.availability == Availability::Online);
    Sample {
        outlet: id.clone(),
        at,
        on: known.map(|it| it.switch.is_on()),
        power: known.and_then(|it| it.energy.as_ref()).and_then(|it| it.power),
        mode: outlet.decision.mode().as_str(),
    }
}
