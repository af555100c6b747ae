//! The times of a cron expression.
//!
//! The `cron` crate skips a time in a DST gap, fires twice in a fold, and then gives times out of order. So it is fed naive local
//! time only, dressed as UTC, and the house's own policy turns what it says into instants. The cost: an expression that
//! fires more often than hourly pauses during the repeated hour.

use std::str::FromStr;

use chrono::{DateTime, TimeZone as _, Utc};
use cron::Schedule;
use jiff::{
    SignedDuration, Timestamp,
    civil::{self, Date, Time},
    tz::TimeZone,
};

/// Can this expression (six fields, seconds first) be read?
///
/// # Errors
/// What is wrong with it, in words.
pub fn validate_cron(expression: &str) -> Result<(), String> {
    Schedule::from_str(expression).map(|_| ()).map_err(|error| error.to_string())
}

/// An expression that has been read.
pub(super) struct CronTimes(Schedule);

impl CronTimes {
    /// `None` for one that cannot be read, which settings exclude.
    pub(super) fn read(expression: &str) -> Option<Self> {
        Schedule::from_str(expression).ok().map(Self)
    }

    /// The times of a date from `first` on (inclusive), by the clock on the wall, ascending.
    pub(super) fn on(&self, date: Date, first: Time) -> impl Iterator<Item = civil::DateTime> {
        let before = date.to_datetime(first).saturating_sub(SignedDuration::from_secs(1));
        self.0.after_owned(dressed(before)).map_while(undressed).take_while(move |it| it.date() == date)
    }

    /// The last time of a date that is not after `last`.
    pub(super) fn last_on(&self, date: Date, last: Time) -> Option<civil::DateTime> {
        let after = date.to_datetime(last).saturating_add(SignedDuration::from_secs(1));
        self.0.after(&dressed(after)).next_back().and_then(undressed).filter(|it| it.date() == date)
    }
}

fn dressed(local: civil::DateTime) -> DateTime<Utc> {
    let part = |it: i8| u32::from(it.unsigned_abs());
    let naive = Utc.with_ymd_and_hms(
        i32::from(local.year()),
        part(local.month()),
        part(local.day()),
        part(local.hour()),
        part(local.minute()),
        part(local.second()),
    );
    naive.single().unwrap_or_default()
}

fn undressed(naive: DateTime<Utc>) -> Option<civil::DateTime> {
    Timestamp::from_second(naive.timestamp()).ok().map(|it| TimeZone::UTC.to_datetime(it))
}
