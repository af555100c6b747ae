//! The windows of a schedule: half-open, anchored to the day they open on.
//!
//! Whether a window runs over midnight is decided by its usual times: clock times as they stand, sun times by their fallback
//! and offset, held between their floor and ceiling. A window of that kind closes on the next date; any other one closes on its own date, and is empty on days on which
//! the sun puts its end before its beginning.

use jiff::{
    SignedDuration, Timestamp,
    civil::{Date, Time},
    tz::TimeZone,
};

use super::{
    almanac::Almanac,
    civil::{days_later, instant, later},
    cron_times::CronTimes,
};
use crate::model::{DayTime, MonthDay, OffTime, OnTime, Schedule};

/// A window by the sun that would last longer than this by its usual times was not meant to run over midnight: `06:00` to
/// half an hour after sunrise is empty in summer, not a day of heat.
const LONGEST_BY_SUN: i64 = 20 * 3600;
const DAY: i64 = 24 * 3600;

/// `[start, end)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Window {
    pub(super) start: Timestamp,
    pub(super) end: Timestamp,
}

/// What a schedule's times are read by.
#[derive(Clone, Copy)]
pub(super) struct Calendar<'a> {
    pub(super) zone: &'a TimeZone,
    pub(super) almanac: &'a Almanac,
}

impl Calendar<'_> {
    fn at(&self, time: &DayTime, date: Date) -> Timestamp {
        match time {
            DayTime::Clock(time) => instant(self.zone, date, *time),
            DayTime::Sun { event, offset, fallback, not_before, not_after } => match self.almanac.sun(date, *event) {
                Some(sun) => {
                    // By the wall clock of the date itself, also for a sun that sets past its midnight.
                    let bound = |time: &Option<Time>| time.map(|time| instant(self.zone, date, time));
                    within(later(sun, *offset), bound(not_before), bound(not_after))
                }
                // Somebody has written this time as it is: it is neither moved nor held between others.
                None => instant(self.zone, date, *fallback),
            },
        }
    }

    /// The window that opens on `date`, by clock and sun. `None` if it is empty, or if the schedule does not list the date.
    pub(super) fn window(&self, schedule: &Schedule, date: Date) -> Option<Window> {
        if !opens_on(schedule, date) {
            return None;
        }
        let midnight = |date| instant(self.zone, date, Time::midnight());
        match &schedule.window {
            None => closed(midnight(date), midnight(days_later(date, 1))),
            Some((OnTime::At(on), off)) => {
                let by_sun = matches!(on, DayTime::Sun { .. });
                self.closing(self.at(on, date), date, usual(on), by_sun, off)
            }
            Some((OnTime::Cron(_), _)) => None,
        }
    }

    /// The window that a cron expression opens at `local`, by the clock on the wall: what it is called in a DST gap decides
    /// where it closes, not where it lands.
    pub(super) fn cron_window(&self, local: jiff::civil::DateTime, off: &OffTime) -> Option<Window> {
        let start = instant(self.zone, local.date(), local.time());
        self.closing(start, local.date(), seconds(local.time()), false, off)
    }

    fn closing(&self, start: Timestamp, date: Date, on: i64, by_sun: bool, off: &OffTime) -> Option<Window> {
        let off = match off {
            OffTime::After(length) => return closed(start, later(start, *length)),
            OffTime::At(off) => off,
        };
        let ahead = usual(off) - on;
        let by_sun = by_sun || matches!(off, DayTime::Sun { .. });
        let over_midnight = ahead < 0 && !(by_sun && ahead + DAY > LONGEST_BY_SUN);
        closed(start, self.at(off, days_later(date, i64::from(over_midnight))))
    }
}

fn closed(start: Timestamp, end: Timestamp) -> Option<Window> {
    (start < end).then_some(Window { start, end })
}

/// `it`, but not before the floor and not after the ceiling. Settings do not put the one above the other.
fn within<T: Ord>(it: T, floor: Option<T>, ceiling: Option<T>) -> T {
    let it = match floor {
        Some(floor) => it.max(floor),
        None => it,
    };
    match ceiling {
        Some(ceiling) => it.min(ceiling),
        None => it,
    }
}

/// Does the schedule list this date? Dates of its own say more than days and season, and one that is left out says most.
pub(super) fn opens_on(schedule: &Schedule, date: Date) -> bool {
    if schedule.except.iter().any(|(from, to)| (*from..=*to).contains(&date)) {
        return false;
    }
    if schedule.also.contains(&date) {
        return true;
    }
    let day: MonthDay = (date.month(), date.day());
    let in_season = schedule
        .dates
        .is_none_or(|(from, to)| if from <= to { (from..=to).contains(&day) } else { day >= from || day <= to });
    in_season && schedule.days.has(date.weekday())
}

/// The dates on which a window may open that reaches into a date: so many before it.
pub(super) fn days_back(schedule: &Schedule) -> i64 {
    let longest = match &schedule.window {
        Some((_, OffTime::After(length))) => *length,
        // To the next date, and a sun time may lie half a day beyond it.
        Some((_, OffTime::At(_))) | None => SignedDuration::from_hours(48),
    };
    // What the sun puts past midnight still belongs to its own date.
    longest.as_hours() / 24 + 2
}

/// Does it look at the sun?
pub(super) fn uses_the_sun(schedule: &Schedule) -> bool {
    matches!(&schedule.window, Some((OnTime::At(DayTime::Sun { .. }), _) | (_, OffTime::At(DayTime::Sun { .. }))))
}

/// The cron expression that opens its windows, if it is one that does.
pub(super) fn cron_of(schedule: &Schedule) -> Option<(CronTimes, &OffTime)> {
    match &schedule.window {
        Some((OnTime::Cron(expression), off)) => CronTimes::read(expression).map(|times| (times, off)),
        _ => None,
    }
}

/// The usual time of day in seconds, for telling which windows run over midnight.
fn usual(time: &DayTime) -> i64 {
    match time {
        DayTime::Clock(time) => seconds(*time),
        DayTime::Sun { offset, fallback, not_before, not_after, .. } => {
            within(seconds(*fallback) + offset.as_secs(), not_before.map(seconds), not_after.map(seconds))
        }
    }
}

fn seconds(time: Time) -> i64 {
    i64::from(time.hour()) * 3600 + i64::from(time.minute()) * 60 + i64::from(time.second())
}
