//! The inside of an emulated device: its outlets in time. Pure but for the clock that it is given.
//!
//! Nothing runs in the background. Whoever looks first brings the device up to date: every timer that has run out since the
//! last look fires, in order and at its own time, and the meters are read at each of those moments.

use std::{collections::VecDeque, time::Duration};

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{
    clock::Clock,
    models::{Model, Traits},
    outlet::{Cause, Outlet, Protection, Switched},
};

/// Orders that are remembered; the oldest are forgotten.
const LOG: usize = 10_000;

/// What is longer ago than two months shows in no sum but the total, so that its days need not be told apart.
const MEMORY: Duration = Duration::from_secs(62 * 86_400);

/// The state of one device.
#[derive(Debug)]
pub(super) struct Device {
    pub(super) traits: &'static Traits,
    pub(super) clock: Clock,
    /// 40 hexadecimal digits.
    pub(super) id: String,
    pub(super) mac: [u8; 6],
    pub(super) nickname: String,
    pub(super) led_rule: String,
    /// When its light is out at night: times of day in min, or offsets to the sun.
    pub(super) led_night: Value,
    pub(super) outlets: Vec<Outlet>,
    log: VecDeque<Switched>,
    /// Up to when everything has happened.
    seen: Duration,
    midnight: Option<Duration>,
}

impl Device {
    /// A device as it comes out of its box, everything off. Its identity follows from the model and the seed.
    pub(super) fn new(model: Model, seed: u64, load: f64, clock: Clock) -> Self {
        let traits = model.traits();
        let hash: [u8; 32] = Sha256::digest(format!("{} {seed}", traits.name)).into();
        let digits: String = hash.iter().map(|byte| format!("{byte:02X}")).collect();
        let [a, b, c] = traits.maker;
        let mut outlets: Vec<_> =
            traits.listed.iter().map(|position| Outlet::new(*position, format!("Outlet {position}"), load)).collect();
        outlets.sort_by_key(|outlet| outlet.position);
        Self {
            traits,
            id: format!("8022{}", digits.get(..36).unwrap_or_default()),
            mac: [a, b, c, hash[18], hash[19], hash[20]],
            nickname: if traits.is_strip() { String::new() } else { traits.name.to_owned() },
            led_rule: "always".to_owned(),
            led_night: led_night(),
            outlets,
            log: VecDeque::new(),
            seen: Duration::ZERO,
            midnight: clock.midnight_after(Duration::ZERO),
            clock,
        }
    }

    /// Brings the device up to date and tells its time.
    pub(super) fn catch_up(&mut self) -> Duration {
        let now = self.clock.now().max(self.seen);
        while let Some((due, index)) = self.next_due().filter(|(due, _)| *due <= now) {
            self.read_meters(due);
            if let Some(outlet) = self.outlets.get_mut(index)
                && let Some((_, timer)) = outlet.next_timer()
            {
                let switched = outlet.fire(timer, due);
                self.note(switched);
            }
        }
        self.read_meters(now);
        now
    }

    fn next_due(&self) -> Option<(Duration, usize)> {
        let timers = self.outlets.iter().enumerate();
        timers.filter_map(|(index, outlet)| Some((outlet.next_timer()?.0, index))).min()
    }

    /// Adds up what has run until `at`, day by day.
    fn read_meters(&mut self, at: Duration) {
        if let Some(recent) = at.checked_sub(MEMORY).filter(|it| *it > self.seen) {
            self.add_run(recent);
            self.midnight = self.clock.midnight_after(recent);
        }
        while let Some(midnight) = self.midnight.filter(|it| *it <= at) {
            self.add_run(midnight);
            let new_month = self.clock.wall(midnight).day() == 1;
            self.outlets.iter_mut().for_each(|outlet| outlet.meter.new_day(new_month));
            self.midnight = self.clock.midnight_after(midnight);
        }
        self.add_run(at);
    }

    fn add_run(&mut self, until: Duration) {
        let span = until.saturating_sub(self.seen);
        self.outlets.iter_mut().for_each(|outlet| outlet.passes(span));
        self.seen = self.seen.max(until);
    }

    /// Moves a relay now. `None` if there is no such outlet.
    pub(super) fn switch(&mut self, index: usize, on: bool, cause: Cause) -> Option<Switched> {
        let now = self.catch_up();
        let switched = self.outlets.get_mut(index)?.switch(on, now, cause);
        self.note(switched);
        Some(switched)
    }

    /// Raises a protection, which cuts the relay, or takes it back, which does not switch it on again.
    pub(super) fn protect(&mut self, index: usize, protection: Protection) -> Option<()> {
        if protection != Protection::Normal {
            self.switch(index, false, Cause::Protection)?;
        }
        self.outlets.get_mut(index)?.protection = protection;
        Some(())
    }

    /// The power goes.
    pub(super) fn lose_power(&mut self) {
        let now = self.catch_up();
        let switched: Vec<_> = self.outlets.iter_mut().map(|outlet| outlet.lose_power(now)).collect();
        switched.into_iter().for_each(|it| self.note(it));
    }

    /// The power comes back.
    pub(super) fn regain_power(&mut self) {
        let now = self.catch_up();
        let switched: Vec<_> = self.outlets.iter_mut().map(|outlet| outlet.regain_power(now)).collect();
        switched.into_iter().for_each(|it| self.note(it));
    }

    fn note(&mut self, switched: Switched) {
        self.log.push_back(switched);
        if self.log.len() > LOG {
            self.log.pop_front();
        }
    }

    /// Every order to a relay, the oldest first.
    pub(super) fn log(&self) -> Vec<Switched> {
        self.log_from(0)
    }

    /// The same, without the first so many.
    pub(super) fn log_from(&self, index: usize) -> Vec<Switched> {
        self.log.iter().skip(index).copied().collect()
    }

    /// Where the outlet at a position is.
    pub(super) fn index_of(&self, position: u8) -> Option<usize> {
        self.outlets.iter().position(|outlet| outlet.position == position)
    }

    /// The id of a strip's outlet: the strip's own, and the position counted from 00.
    pub(super) fn child_id(&self, position: u8) -> String {
        format!("{}{:02}", self.id, position.saturating_sub(1))
    }

    /// Where the outlet with an id is.
    pub(super) fn child_index(&self, id: &str) -> Option<usize> {
        self.outlets.iter().position(|outlet| self.child_id(outlet.position) == id)
    }
}

/// The light's night as devices come: with the sun.
fn led_night() -> Value {
    json!({"end_time": 420, "night_mode_type": "sunrise_sunset", "start_time": 1140, "sunrise_offset": 0, "sunset_offset": 0})
}
