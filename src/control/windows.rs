//! The windows of a schedule: half-open, anchored to the day they open on.
//!
//! Whether a window runs over midnight is decided by its nominal times: clock times as they stand, sun times by their fallback
//! and offset. A window of that kind closes on the next date; any other one closes on its own date, and is empty on days on which
//! the sun puts its end before its beginning.

use jiff::{
    SignedDuration, Timestamp,
    civil::{Date, Time},
    tz::TimeZone,
};

use super::{
    almanac::Almanac,
    civil::{date_of, days_later, instant, later},
    cron_times,
};
use crate::model::{DayTime, MonthDay, OffTime, OnTime, Schedule};

/// How many days ahead the next window is looked for.
const DAYS_AHEAD: i64 = 8;

/// `[start, end)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Window {
    pub(super) start: Timestamp,
    pub(super) end: Timestamp,
}

/// A schedule at an instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Opening {
    /// The window that is open; windows that overlap or touch count as one. Its end is `None` if none is in sight.
    pub(super) open: Option<Option<Timestamp>>,
    /// The next instant at which this could be different.
    pub(super) changes_at: Timestamp,
}

/// The first and the last date that an evaluation at `now` looks at.
pub(super) fn dates_around(zone: &TimeZone, now: Timestamp, longest: SignedDuration) -> (Date, Date) {
    let today = date_of(zone, now);
    let back = longest.as_hours() / 24 + 2;
    (days_later(today, -back), days_later(today, DAYS_AHEAD + 1))
}

/// The longest time that a window of this schedule can last, for looking back.
pub(super) fn longest(schedule: &Schedule) -> SignedDuration {
    match &schedule.window {
        Some((_, OffTime::After(length))) => *length,
        Some((_, OffTime::At(_))) | None => SignedDuration::from_hours(49),
    }
}

/// Is a window open, and when does that change?
pub(super) fn opening(schedule: &Schedule, zone: &TimeZone, almanac: &Almanac, now: Timestamp) -> Opening {
    let horizon = instant(zone, days_later(date_of(zone, now), DAYS_AHEAD), Time::midnight());
    let mut windows = windows(schedule, zone, almanac, now);
    windows.sort_by_key(|it| it.start);
    let mut open: Option<Window> = None;
    let mut next = horizon;
    for window in windows {
        match &mut open {
            Some(before) if window.start <= before.end => before.end = before.end.max(window.end),
            _ if window.start > now => {
                next = next.min(window.start);
            }
            _ if now < window.end => open = Some(window),
            _ => {}
        }
    }
    match open {
        Some(window) if window.end >= horizon => Opening { open: Some(None), changes_at: horizon },
        Some(window) => Opening { open: Some(Some(window.end)), changes_at: window.end },
        None => Opening { open: None, changes_at: next },
    }
}

/// Every window that may be open at `now` or opens within the days ahead.
fn windows(schedule: &Schedule, zone: &TimeZone, almanac: &Almanac, now: Timestamp) -> Vec<Window> {
    let (first, last) = dates_around(zone, now, longest(schedule));
    if let Some((OnTime::Cron(expression), off)) = &schedule.window {
        let from = later(now, -longest(schedule));
        let to = instant(zone, last, Time::midnight());
        let starts = cron_times::occurrences(expression, zone, from, now, to);
        let wanted = starts.into_iter().filter(|start| opens_on(schedule, date_of(zone, *start)));
        return wanted.filter_map(|start| closed(start, cron_end(start, *off, zone, almanac)?)).collect();
    }
    let mut found = Vec::new();
    let mut date = first;
    while date <= last {
        if opens_on(schedule, date) {
            found.extend(window_of(schedule, zone, almanac, date));
        }
        let next = days_later(date, 1);
        if next == date {
            break;
        }
        date = next;
    }
    found
}

/// Does the schedule list this date?
fn opens_on(schedule: &Schedule, date: Date) -> bool {
    let day: MonthDay = (date.month(), date.day());
    let in_season = schedule
        .dates
        .is_none_or(|(from, to)| if from <= to { (from..=to).contains(&day) } else { day >= from || day <= to });
    in_season && schedule.days.has(date.weekday())
}

/// The window that opens on `date`, by clock and sun.
fn window_of(schedule: &Schedule, zone: &TimeZone, almanac: &Almanac, date: Date) -> Option<Window> {
    let Some((OnTime::At(on), off)) = &schedule.window else {
        let midnight = |date| instant(zone, date, Time::midnight());
        return closed(midnight(date), midnight(days_later(date, 1)));
    };
    let start = at(on, zone, almanac, date);
    let end = match off {
        OffTime::After(length) => later(start, *length),
        OffTime::At(off) => {
            let over_midnight = nominal(off) < nominal(on);
            at(off, zone, almanac, days_later(date, i64::from(over_midnight)))
        }
    };
    closed(start, end)
}

fn closed(start: Timestamp, end: Timestamp) -> Option<Window> {
    (start < end).then_some(Window { start, end })
}

/// The end of a window that a cron expression opened: the first such time after it.
fn cron_end(start: Timestamp, off: OffTime, zone: &TimeZone, almanac: &Almanac) -> Option<Timestamp> {
    let off = match off {
        OffTime::After(length) => return Some(later(start, length)),
        OffTime::At(off) => off,
    };
    let date = date_of(zone, start);
    [0, 1].into_iter().map(|days| at(&off, zone, almanac, days_later(date, days))).find(|end| *end > start)
}

fn at(time: &DayTime, zone: &TimeZone, almanac: &Almanac, date: Date) -> Timestamp {
    match time {
        DayTime::Clock(time) => instant(zone, date, *time),
        DayTime::Sun { event, offset, fallback } => match almanac.sun(date, *event) {
            Some(sun) => later(sun, *offset),
            None => instant(zone, date, *fallback),
        },
    }
}

/// The usual time of day in seconds, for telling which windows run over midnight.
fn nominal(time: &DayTime) -> i64 {
    let seconds = |time: Time| i64::from(time.hour()) * 3600 + i64::from(time.minute()) * 60 + i64::from(time.second());
    match time {
        DayTime::Clock(time) => seconds(*time),
        DayTime::Sun { offset, fallback, .. } => seconds(*fallback) + offset.as_secs(),
    }
}
