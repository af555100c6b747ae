//! What is worth a row: changes, and now and then a sign that nothing changed.

use std::{collections::BTreeMap, sync::Arc};

use jiff::{SignedDuration, Timestamp, civil::Date};

use crate::{
    control::price_at,
    model::{Availability, ControlSettings, House, Notice, Outlet, OutletId},
};

/// An outlet on which nothing changes is written down so often.
pub const EVERY: SignedDuration = SignedDuration::from_mins(10);
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
    /// What happened.
    Event(Arc<Notice>),
}

/// How an outlet was at an instant.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// Which outlet.
    pub outlet: OutletId,
    /// When.
    pub at: Timestamp,
    /// The local day.
    pub date: Date,
    /// The relay; `None` while nobody knows.
    pub on: Option<bool>,
    /// In W, where it is measured.
    pub power: Option<f64>,
    /// The word of the decision.
    pub mode: &'static str,
    /// Time on since the sample before.
    pub on_more: SignedDuration,
    /// The bridge's own count in kWh, which never falls.
    pub energy_total: Option<f64>,
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
    sample: Sample,
    looked_at: Timestamp,
    was_on: bool,
    on_more: SignedDuration,
}

impl Watcher {
    /// Adds a row for each outlet of which there is something to say.
    pub fn look(&mut self, house: &House, now: Timestamp, settings: Option<&ControlSettings>, rows: &mut Vec<Row>) {
        self.last.retain(|id, _| house.outlets.contains_key(id));
        let zone = settings.map_or(jiff::tz::TimeZone::UTC, |it| it.zone.clone());
        let date = zone.to_datetime(now).date();
        let price = settings.and_then(|it| price_at(it, now));
        for (id, outlet) in &house.outlets {
            if outlet.availability == Availability::Unknown {
                continue;
            }
            let sample = sample(id, outlet, now, date, price);
            let Some(seen) = self.last.get_mut(id) else {
                rows.push(Row::Sample(sample.clone()));
                self.last.insert(id.clone(), Seen::new(sample));
                continue;
            };
            seen.count(&sample);
            if seen.differs(&sample) {
                let sample = Sample { on_more: seen.on_more, ..sample };
                rows.push(Row::Sample(sample.clone()));
                *seen = Seen::new(sample);
            }
        }
    }
}

impl Seen {
    fn new(sample: Sample) -> Self {
        let (looked_at, was_on) = (sample.at, sample.on == Some(true));
        Self { sample, looked_at, was_on, on_more: SignedDuration::ZERO }
    }

    fn count(&mut self, now: &Sample) {
        let passed = now.at.duration_since(self.looked_at);
        if self.was_on && passed > SignedDuration::ZERO && passed <= LONGEST_GAP {
            self.on_more = self.on_more.saturating_add(passed);
        }
        (self.looked_at, self.was_on) = (now.at, now.on == Some(true));
    }

    fn differs(&self, now: &Sample) -> bool {
        let then = &self.sample;
        let passed = now.at.duration_since(then.at);
        // A clock that was set back: its rows begin anew.
        (then.on, then.mode, then.date) != (now.on, now.mode, now.date)
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

fn sample(id: &OutletId, outlet: &Outlet, at: Timestamp, date: Date, price: Option<f64>) -> Sample {
    let known = outlet.reported.as_ref().filter(|_| outlet.availability == Availability::Online);
    Sample {
        outlet: id.clone(),
        at,
        date,
        on: known.map(|it| it.switch.is_on()),
        power: known.and_then(|it| it.energy.as_ref()).and_then(|it| it.power),
        mode: outlet.decision.mode().as_str(),
        on_more: SignedDuration::ZERO,
        energy_total: outlet.energy_total,
        price,
    }
}
