//! The meter of one outlet: how long it was on, and what went through it, by the day and the month.

use std::{collections::VecDeque, time::Duration};

/// Days that the device remembers, today among them.
const DAYS: usize = 30;

/// What ran in one span of time.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Run {
    /// Energy in Wh.
    pub(super) watt_hours: f64,
    /// How long the outlet was on.
    pub(super) on: Duration,
}

impl Run {
    fn add(&mut self, other: Self) {
        self.watt_hours += other.watt_hours;
        self.on += other.on;
    }

    /// Whole minutes on.
    pub(super) fn minutes(self) -> u64 {
        self.on.as_secs() / 60
    }
}

/// The sums of one outlet.
#[derive(Clone, Debug)]
pub(super) struct Meter {
    /// Today first.
    days: VecDeque<Run>,
    month: Run,
    total: Run,
}

impl Meter {
    /// A meter that has seen nothing.
    pub(super) fn new() -> Self {
        Self { days: VecDeque::from([Run::default()]), month: Run::default(), total: Run::default() }
    }

    /// The outlet was on for a while under a load in W.
    pub(super) fn ran(&mut self, on: Duration, watts: f64) {
        let run = Run { watt_hours: watts * on.as_secs_f64() / 3600.0, on };
        self.month.add(run);
        self.total.add(run);
        if let Some(today) = self.days.front_mut() {
            today.add(run);
        }
    }

    /// Midnight has come.
    pub(super) fn new_day(&mut self, new_month: bool) {
        self.days.push_front(Run::default());
        self.days.truncate(DAYS);
        if new_month {
            self.month = Run::default();
        }
    }

    /// The last days, today among them.
    pub(super) fn past(&self, days: usize) -> Run {
        let mut sum = Run::default();
        self.days.iter().take(days).for_each(|day| sum.add(*day));
        sum
    }

    pub(super) fn month(&self) -> Run {
        self.month
    }

    pub(super) fn total(&self) -> Run {
        self.total
    }
}
