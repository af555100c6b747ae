//! Of one event and one outlet, people hear at most once in a while: the rest is told as one, at the end of it.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use serde::{Deserialize, Serialize};

use super::alert::Alert;
use crate::model::Severity;

/// Pairs of event and outlet that are watched; those of a house, and bad luck.
const MOST: usize = 4096;

/// What was told lately, by event and outlet. A restart goes on with it: what is held back is not lost, and nothing is told the sooner.
pub(super) type Windows = BTreeMap<String, Window>;

/// The time in which no more of an event and an outlet is told.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Window {
    since: Timestamp,
    /// The most severe that was told in it.
    #[serde(default)]
    told: Severity,
    /// The last of the most severe that were held back, and how many others were.
    held: Option<(Alert, u32)>,
}

impl Window {
    /// Another one when it begins anew, or holds something back that is more severe: how much it holds can wait.
    pub(super) fn mark(&self) -> (Timestamp, Option<Severity>) {
        (self.since, self.held.as_ref().map(|(alert, _)| alert.severity))
    }

    /// How many are held back, which are told with the next one.
    fn take_more(&mut self) -> u32 {
        self.held.take().map_or(0, |(_, more)| more.saturating_add(1))
    }

    /// Nothing milder takes the place of what is held back.
    fn hold(&mut self, alert: Alert) {
        if let Some((held, more)) = &mut self.held
            && held.severity > alert.severity
        {
            *more = more.saturating_add(1);
            return;
        }
        let more = self.take_more();
        self.held = Some((alert, more));
    }

    fn begin_anew(&mut self, told: Severity, now: Timestamp) {
        (self.since, self.told) = (now, told);
    }
}

/// How often people hear of the same.
#[derive(Debug)]
pub(super) struct Limit {
    length: SignedDuration,
    pub(super) zone: TimeZone,
}

impl Limit {
    pub(super) fn new(length: SignedDuration, zone: TimeZone) -> Self {
        Self { length, zone }
    }

    /// The alert, if it may be told now; it is held back otherwise. One that is more severe than what people heard does not wait: the
    /// ways that are for it alone have not heard of it at all.
    pub(super) fn pass(&self, windows: &mut Windows, alert: Alert, now: Timestamp) -> Option<Alert> {
        if self.length.is_zero() {
            return Some(alert);
        }
        let key = format!("{} {}", alert.event, alert.about());
        if let Some(window) = windows.get_mut(&key) {
            if alert.severity <= window.told {
                window.hold(alert);
                return None;
            }
            let alert = alert.and_more(window.take_more(), window.since, &self.zone);
            window.begin_anew(alert.severity, now);
            return Some(alert);
        }
        if windows.len() < MOST {
            windows.insert(key, Window { since: now, told: alert.severity, held: None });
        }
        Some(alert)
    }

    /// What was held back and may be told by now.
    pub(super) fn due(&self, windows: &mut Windows, now: Timestamp) -> Vec<Alert> {
        let (length, mut told) = (self.length, Vec::new());
        let zone = &self.zone;
        windows.retain(|_, window| {
            // A clock that was set back must not hold anything for years.
            window.since = window.since.min(now);
            if now.duration_since(window.since) < length {
                return true;
            }
            let Some((alert, more)) = window.held.take() else { return false };
            let since = window.since;
            window.begin_anew(alert.severity, now);
            told.push(alert.and_more(more, since, zone));
            true
        });
        told
    }

    /// When something may be told that is held back.
    pub(super) fn next(&self, windows: &Windows) -> Option<Timestamp> {
        let held = windows.values().filter(|it| it.held.is_some());
        held.filter_map(|it| it.since.checked_add(self.length).ok()).min()
    }
}
