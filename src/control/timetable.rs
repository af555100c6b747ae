//! The windows of every schedule around the present, worked out once a day: a decision only looks them up.

use std::collections::BTreeMap;

use jiff::{Timestamp, civil::Time};

use super::{
    almanac::Almanac,
    civil::{date_of, days_later, instant},
    windows::{self, Calendar, Window},
};
use crate::model::{ControlSettings, Schedule, Slug};

/// How many days ahead windows are worked out.
const DAYS_AHEAD: i64 = 8;
/// The most occurrences of a cron expression, which may fire each second, that are worked out at once.
const MOST: usize = 2048;

/// The windows of one schedule, those that overlap or touch made one.
#[derive(Clone, Debug)]
pub(super) struct Openings {
    windows: Vec<Window>,
    /// Nothing is known from here on.
    until: Timestamp,
}

/// A schedule at an instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Opening {
    /// The window that is open, by its end; that is `None` if no end is in sight.
    pub(super) open: Option<Option<Timestamp>>,
    /// The next instant at which this could be different.
    pub(super) changes_at: Timestamp,
}

impl Openings {
    /// Each window from when to when.
    pub(super) fn windows(&self) -> impl Iterator<Item = (Timestamp, Timestamp)> + '_ {
        self.windows.iter().map(|it| (it.start, it.end))
    }

    /// Nothing is known from here on.
    pub(super) fn until(&self) -> Timestamp {
        self.until
    }

    /// Is a window open, and when does that change?
    pub(super) fn at(&self, now: Timestamp) -> Opening {
        let after = self.windows.partition_point(|it| it.start <= now);
        let next = self.windows.get(after).map_or(self.until, |it| it.start.min(self.until));
        match self.windows[..after].last().filter(|it| now < it.end) {
            Some(window) if window.end >= self.until => Opening { open: Some(None), changes_at: self.until },
            Some(window) => Opening { open: Some(Some(window.end)), changes_at: window.end },
            None => Opening { open: None, changes_at: next },
        }
    }
}

/// The windows of every schedule.
#[derive(Debug)]
pub(super) struct Timetable {
    almanac: Almanac,
    /// By group, in the order of its schedules.
    openings: BTreeMap<Slug, Vec<Openings>>,
    /// What is worked out holds in `[from, until)`; for some schedules further.
    from: Timestamp,
    until: Timestamp,
}

impl Timetable {
    pub(super) fn new(settings: &ControlSettings) -> Self {
        let almanac = Almanac::new(settings.zone.clone(), settings.place);
        Self { almanac, openings: BTreeMap::new(), from: Timestamp::MAX, until: Timestamp::MIN }
    }

    /// The windows of a group's schedules, in their order.
    pub(super) fn of(&self, group: &Slug) -> &[Openings] {
        self.openings.get(group).map(Vec::as_slice).unwrap_or_default()
    }

    /// Works the windows out anew when their time has come. Says whether it did.
    pub(super) fn prepare(&mut self, settings: &ControlSettings, now: Timestamp) -> bool {
        if self.from <= now && now < self.until {
            return false;
        }
        let zone = &settings.zone;
        let today = date_of(zone, now);
        let schedules = settings.groups.values().flat_map(|it| &it.schedules);
        let by_sun = schedules.filter(|it| it.enabled && windows::uses_the_sun(it));
        if let Some(back) = by_sun.map(windows::days_back).max() {
            self.almanac.prepare(days_later(today, -back), days_later(today, DAYS_AHEAD + 2));
        }
        let calendar = Calendar { zone, almanac: &self.almanac };
        let of_group = |schedules: &[Schedule]| schedules.iter().map(|it| openings(it, calendar, now)).collect();
        self.openings = settings.groups.iter().map(|(slug, it)| (slug.clone(), of_group(&it.schedules))).collect();
        let midnight = instant(zone, days_later(today, 1), Time::midnight());
        self.from = now;
        self.until = self.openings.values().flatten().map(|it| it.until).fold(midnight, Timestamp::min);
        true
    }
}

/// The windows of one schedule that are open at `now` or open within the days ahead.
fn openings(schedule: &Schedule, calendar: Calendar<'_>, now: Timestamp) -> Openings {
    let local = calendar.zone.to_datetime(now);
    let (today, horizon) = (local.date(), days_later(local.date(), DAYS_AHEAD));
    let mut until = instant(calendar.zone, horizon, Time::midnight());
    let mut found: Vec<Window> = Vec::new();
    if !schedule.enabled {
        return Openings { windows: found, until };
    }
    let past = (1..=windows::days_back(schedule)).rev().map(|back| days_later(today, -back));
    let ahead = (0..=DAYS_AHEAD + 1).map(|days| days_later(today, days));
    if let Some((times, off)) = windows::cron_of(schedule) {
        // Of what lies behind, the last of a date closes last.
        let past = past.filter_map(|date| times.last_on(date, Time::MAX).filter(|_| windows::opens_on(schedule, date)));
        let last = times.last_on(today, local.time()).filter(|_| windows::opens_on(schedule, today));
        found.extend(past.chain(last).filter_map(|local| calendar.cron_window(local, off)));
        let ahead = ahead
            .filter(|date| windows::opens_on(schedule, *date))
            .flat_map(|date| times.on(date, if date == today { local.time() } else { Time::midnight() }));
        let mut count = 0;
        for opens in ahead {
            let at = instant(calendar.zone, opens.date(), opens.time());
            // In the repeated hour of a fold, times "ahead" lie behind: they do not count, or `until` would lie there too.
            count += usize::from(at > now);
            if count > MOST {
                until = until.min(at);
                break;
            }
            found.extend(calendar.cron_window(opens, off));
        }
    } else {
        found.extend(past.chain(ahead).filter_map(|date| calendar.window(schedule, date)));
    }
    Openings { windows: joined(found), until }
}

/// Ascending, with those that overlap or touch made one.
fn joined(mut windows: Vec<Window>) -> Vec<Window> {
    windows.sort_unstable_by_key(|it| it.start);
    windows.dedup_by(|next, before| {
        let joins = next.start <= before.end;
        if joins {
            before.end = before.end.max(next.end);
        }
        joins
    });
    windows
}
