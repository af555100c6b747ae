//! The times of a cron expression.
//!
//! The `cron` crate skips a time in a DST gap, fires twice in a fold, and then gives times out of order. So it is fed naive local
//! time only, dressed as UTC, and the house's own policy turns what it says into instants. The cost: an expression that
//! fires more often than hourly pauses during the repeated hour.

use std::str::FromStr;

use chrono::{DateTime, TimeZone as _, Utc};
use cron::Schedule;
use jiff::{Timestamp, civil, tz::TimeZone};

use super::civil::instant_of;

/// Occurrences that are looked at in each direction: an expression may fire each second.
const MOST: usize = 512;

/// Can this expression (six fields, seconds first) be read?
///
/// # Errors
/// What is wrong with it, in words.
pub fn validate_cron(expression: &str) -> Result<(), String> {
    Schedule::from_str(expression).map(|_| ()).map_err(|error| error.to_string())
}

/// The occurrences from `from` to `now`, newest [`MOST`], and from `now` to `to`, earliest [`MOST`]: ascending, each once.
pub(super) fn occurrences(
    expression: &str,
    zone: &TimeZone,
    from: Timestamp,
    now: Timestamp,
    to: Timestamp,
) -> Vec<Timestamp> {
    let Ok(schedule) = Schedule::from_str(expression) else { return Vec::new() };
    let present = dressed(zone.to_datetime(now));
    let resolve = |naive: DateTime<Utc>| Some(instant_of(zone, undressed(naive)?));
    let past = schedule.after(&present).rev().take(MOST).map_while(resolve).take_while(|at| *at >= from);
    let ahead = schedule.after(&present).take(MOST).map_while(resolve).take_while(|at| *at <= to);
    // The present second itself belongs to neither direction of the crate's iterator.
    let here = schedule.includes(present).then(|| resolve(present)).flatten();
    let mut found: Vec<_> = past.chain(here).chain(ahead).collect();
    found.sort_unstable();
    found.dedup();
    found
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
