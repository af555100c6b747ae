//! What a clock that was wrong has written into days to come.

use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use rusqlite::{Connection, params};

use super::book::{BookError, DAY, DAYS_THAT_COUNT, HOUR, QUARTER};

/// What became of the rows that are more than a day ahead.
pub(super) enum Ahead {
    /// So many rows were given up.
    GivenUp(usize),
    /// Nothing was: perhaps they are right, and it is the present clock that is behind.
    Kept,
}

/// Gives up what is more than a day ahead, as long as it is little, and does not go on where the days before end: a clock that is
/// behind would find just that.
pub(super) fn give_up(file: &mut Connection, now: Timestamp) -> Result<Ahead, BookError> {
    let edge = tomorrow(now).as_second();
    let date = date(tomorrow(now));
    let ask = "SELECT COUNT(DISTINCT date) FROM days WHERE date > ?1";
    let days: i64 = file.query_row(ask, [&date], |it| it.get(0))?;
    if days >= DAYS_THAT_COUNT || goes_on(file, edge)? {
        return Ok(Ahead::Kept);
    }
    let writing = file.transaction()?;
    let samples = format!("DELETE FROM samples WHERE {EACH} AND at > ?3");
    let mut gone = writing.execute(&samples, params![QUARTER, HOUR, edge])?;
    gone += writing.execute("DELETE FROM days WHERE date > ?1", [&date])?;
    gone += writing.execute("DELETE FROM events WHERE at > ?1", [edge])?;
    writing.commit()?;
    Ok(Ahead::GivenUp(gone))
}

/// Outlet by outlet and step by step, as the rows lie.
const EACH: &str = "outlet IN (SELECT id FROM outlets) AND step IN (0, ?1, ?2)";

/// Is there a sample ahead, and one within the day before it that is not?
fn goes_on(file: &Connection, edge: i64) -> Result<bool, BookError> {
    let first = format!("SELECT MIN(at) FROM samples WHERE {EACH} AND at > ?3");
    let first: Option<i64> = file.query_row(&first, params![QUARTER, HOUR, edge], |it| it.get(0))?;
    let Some(first) = first else { return Ok(false) };
    let before = format!("SELECT EXISTS (SELECT 1 FROM samples WHERE {EACH} AND at BETWEEN ?3 AND ?4)");
    Ok(file.query_row(&before, params![QUARTER, HOUR, first.saturating_sub(DAY), edge], |it| it.get(0))?)
}

/// The day of an instant, as UTC has it.
pub(super) fn date(it: Timestamp) -> String {
    TimeZone::UTC.to_datetime(it).date().to_string()
}

/// The local day may be one further than that of UTC, and no more.
pub(super) fn tomorrow(now: Timestamp) -> Timestamp {
    now.checked_add(SignedDuration::from_secs(DAY)).unwrap_or(now)
}
