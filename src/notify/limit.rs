//! Of one event and one outlet, people hear at most once in a while: the rest is told as one, at the end of it.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp, tz::TimeZone};

use super::alert::Alert;

/// Pairs of event and outlet that are watched; those of a house, and bad luck.
const MOST: usize = 4096;

#[derive(Debug)]
struct Window {
    since: Timestamp,
    /// The last that was held back, and how many were before it.
    held: Option<(Alert, u32)>,
}

/// What was told lately.
#[derive(Debug)]
pub(super) struct Limit {
    length: SignedDuration,
    zone: TimeZone,
    windows: BTreeMap<(String, String), Window>,
}

impl Limit {
    pub(super) fn new(length: SignedDuration, zone: TimeZone) -> Self {
        Self { length, zone, windows: BTreeMap::new() }
    }

    /// The alert, if it may be told now; it is held back otherwise.
    pub(super) fn pass(&mut self, alert: Alert, now: Timestamp) -> Option<Alert> {
        if self.length.is_zero() {
            return Some(alert);
        }
        let key = (alert.event.clone(), alert.about());
        if let Some(window) = self.windows.get_mut(&key) {
            let more = window.held.take().map_or(0, |(_, more)| more + 1);
            window.held = Some((alert, more));
            return None;
        }
        if self.windows.len() < MOST {
            self.windows.insert(key, Window { since: now, held: None });
        }
        Some(alert)
    }

    /// What was held back and may be told by now.
    pub(super) fn due(&mut self, now: Timestamp) -> Vec<Alert> {
        let (length, mut told) = (self.length, Vec::new());
        let zone = &self.zone;
        self.windows.retain(|_, window| {
            if now.duration_since(window.since) < length {
                return true;
            }
            let Some((alert, more)) = window.held.take() else { return false };
            told.push(alert.and_more(more, window.since, zone));
            window.since = now;
            true
        });
        told
    }

    /// When something may be told that is held back.
    pub(super) fn next(&self) -> Option<Timestamp> {
        let held = self.windows.values().filter(|it| it.held.is_some());
        held.filter_map(|it| it.since.checked_add(self.length).ok()).min()
    }
}
