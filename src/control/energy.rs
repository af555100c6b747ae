//! The bridge's own count of energy, which goes on where the plug's counters begin anew.
//!
//! A plug counts since its midnight and since the first of its month. The total grows by what the month has grown, which covers
//! midnight and the time that the bridge was down; where the month has begun anew too, by what either counter shows since.

use jiff::{SignedDuration, Timestamp};

use super::{civil::later, faults::POSSIBLE};
use crate::model::{Energy, Metering, Outlet};

/// Counters lag, and are rounded: so much more than possible is believed, in kWh.
const SLACK: f64 = 0.05;
/// A counter that shows something unlikely must say so again after this time before it is believed.
const AGAIN: SignedDuration = SignedDuration::from_secs(20);
/// What is remembered over a restart is renewed when so much more has been counted, in kWh,
const STEP: f64 = 0.02;
/// or after this time: each renewal is written to the disk.
const STEP_TIME: SignedDuration = SignedDuration::from_mins(10);
/// Beyond that a counter is nonsense, in kWh.
const ABSURD: f64 = 1e6;

/// The count as it runs, and a look that has yet to be confirmed.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Count {
    running: Option<Metering>,
    doubted_at: Option<Timestamp>,
}

impl Count {
    /// Takes in what the meter said. An unknown figure changes nothing.
    pub(super) fn takes(&mut self, outlet: &mut Outlet, energy: Option<&Energy>, now: Timestamp) {
        let before = self.running.or(outlet.memory.metering);
        let today = energy.and_then(|it| it.today).filter(|it| (0.0..ABSURD).contains(it));
        let Some(today) = today else { return };
        let month = energy.and_then(|it| it.month).filter(|it| (0.0..ABSURD).contains(it));
        let after = match before {
            None => Some(Metering { total: month.unwrap_or(today).max(today), today, month, at: now }),
            Some(before) => self.grown(before, today, month, now),
        };
        let Some(after) = after else { return };
        self.running = Some(after);
        outlet.energy_total = Some(after.total);
        let kept = outlet.memory.metering;
        let is_old = kept.is_none_or(|it| {
            after.total - it.total >= STEP
                || (after.total > it.total && now.duration_since(it.at).abs() >= STEP_TIME)
                || after.today < it.today
        });
        if is_old {
            outlet.memory.metering = Some(after);
        }
    }

    /// `None` while it is in doubt.
    fn grown(&mut self, before: Metering, today: f64, month: Option<f64>, now: Timestamp) -> Option<Metering> {
        let of_month = month.zip(before.month).map(|(now, before)| now - before);
        let began_anew = match of_month {
            Some(more) => more < 0.0,
            None => today < before.today,
        };
        let since_then = month.unwrap_or_default().max(today);
        let more = match of_month {
            _ if began_anew => since_then,
            Some(more) => more.max(today - before.today),
            None => today - before.today,
        };
        let hours = now.duration_since(before.at).as_secs_f64().max(0.0) / 3600.0;
        let is_possible = more <= hours * POSSIBLE / 1000.0 + SLACK;
        if began_anew || !is_possible {
            let since = *self.doubted_at.get_or_insert(now);
            if now.duration_since(since) < AGAIN {
                return None;
            }
        }
        self.doubted_at = None;
        // What cannot have flowed is not counted; from here the counters are followed again.
        let more = if is_possible { more.max(0.0) } else { 0.0 };
        Some(Metering {
            total: before.total + more,
            today,
            // One that is not told has grown all the same.
            month: month.or(before.month.filter(|_| !began_anew).map(|it| it + more)),
            at: now,
        })
    }

    /// The clock was set.
    pub(super) fn moved(&mut self, step: SignedDuration) {
        self.doubted_at = None;
        if let Some(running) = &mut self.running {
            running.at = later(running.at, step);
        }
    }
}
