//! The file: one writer, any number of readers, whole at any moment.

use std::{collections::BTreeMap, path::Path, time::Duration};

use jiff::{SignedDuration, Timestamp};
use rusqlite::{Connection, ErrorCode, OptionalExtension, Transaction, params};

use super::{
    ahead::{self, Ahead, date, tomorrow},
    thin::{HOLDS, Mean, Span, means},
    watcher::{Row, Sample, Use},
};
use crate::model::{HistorySettings, Notice, OutletId};

/// What brings a file from one layout of its tables to the next; a new one goes through them all.
const STEPS: [&str; 3] = [
    "
    CREATE TABLE outlets (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
    CREATE TABLE samples (outlet INTEGER NOT NULL, at INTEGER NOT NULL, step INTEGER NOT NULL, is_on REAL, power REAL, mode TEXT NOT NULL,
        PRIMARY KEY (outlet, step, at)) WITHOUT ROWID;
    CREATE TABLE days (outlet INTEGER NOT NULL, date TEXT NOT NULL, on_s INTEGER NOT NULL, kwh REAL, cost REAL, total REAL,
        PRIMARY KEY (outlet, date)) WITHOUT ROWID;
    CREATE TABLE events (id INTEGER PRIMARY KEY, at INTEGER NOT NULL, kind TEXT NOT NULL, device TEXT, slot INTEGER, grp TEXT,
        message TEXT NOT NULL);
    CREATE INDEX events_at ON events (at);
    ",
    "
    ALTER TABLE days ADD COLUMN estimated REAL NOT NULL DEFAULT 0;
    ALTER TABLE events ADD COLUMN detail TEXT NOT NULL DEFAULT '{}';
    ",
    "
    ALTER TABLE outlets ADD COLUMN total REAL;
    UPDATE outlets SET total = (SELECT MAX(days.total) FROM days WHERE days.outlet = outlets.id);
    ",
];
/// The layout that this version writes.
pub(super) const LAYOUT: i64 = STEPS.len() as i64;
pub(super) const DAY: i64 = 86_400;
const MIB: i64 = 1024 * 1024;
/// Samples are kept as they are for a week: long enough to look into what happened lately.
const RAW: i64 = 7 * DAY;
/// Then as means of a quarter of an hour for a quarter of a year: a season can be looked back upon.
const QUARTERS: i64 = 90 * DAY;
/// The steps of means, in s; 0 is a sample as it was.
pub(super) const QUARTER: i64 = 900;
pub(super) const HOUR: i64 = 3600;
/// It is tidied up so often.
const TIDY_EVERY: i64 = HOUR;
/// A clock that is further ahead of what is in the file may be wrong; or the bridge was not used for so long.
const AHEAD: SignedDuration = SignedDuration::from_hours(24 * 400);
/// It is taken as right when so many days were written down by it: whoever is wrong for a moment writes fewer.
pub(super) const DAYS_THAT_COUNT: i64 = 7;

/// The history cannot be opened, written or read.
#[derive(Debug, thiserror::Error)]
pub enum BookError {
    /// What SQLite said.
    #[error("{0}")]
    Sqlite(#[from] rusqlite::Error),
    /// A later version of the program has written it.
    #[error("a later version wrote it: its layout is {0}, this version knows {LAYOUT}")]
    Later(i64),
    /// An earlier version has written it, and nobody has opened it for writing since.
    #[error("an earlier version wrote it, and it is being brought up to date: ask again in a few seconds")]
    Earlier,
}

impl BookError {
    /// Is the file itself wrong, so that no patience helps?
    pub fn is_damage(&self) -> bool {
        let Self::Sqlite(error) = self else { return false };
        matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase))
    }
}

/// The history, open for writing. Everything blocks.
#[derive(Debug)]
pub struct Book {
    file: Connection,
    /// In s. Means of an hour go then: with the usual two years, a winter can be compared with the last.
    keep: i64,
    /// In bytes; if there is more, the oldest goes earlier.
    most: i64,
    tidied_at: Option<i64>,
    /// It has been told that nothing is given up for now.
    is_doubted: bool,
    /// It has been told that the clock may be behind.
    is_behind: bool,
}

impl Book {
    /// Opens the file, makes it where there is none, and brings one of an earlier version up to date.
    ///
    /// # Errors
    /// It cannot be opened, is damaged, or is of a later version.
    pub fn open(path: &Path, how: HistorySettings) -> Result<Self, BookError> {
        let mut file = Connection::open(path)?;
        file.busy_timeout(Duration::from_secs(5))?;
        // Before the first table, or it has no effect: room that is given up goes back to the disk.
        file.pragma_update(None, "auto_vacuum", "INCREMENTAL")?;
        // A crash loses the last seconds, never the file; and readers do not wait.
        file.pragma_update(None, "journal_mode", "WAL")?;
        file.pragma_update(None, "synchronous", "NORMAL")?;
        let layout: i64 = file.pragma_query_value(None, "user_version", |it| it.get(0))?;
        let Some(missing) = usize::try_from(layout).ok().and_then(|it| STEPS.get(it..)) else {
            return Err(BookError::Later(layout));
        };
        if !missing.is_empty() {
            // All steps or none: a crash between two of them leaves the layout that was there.
            let writing = file.transaction()?;
            missing.iter().try_for_each(|step| writing.execute_batch(step))?;
            writing.pragma_update(None, "user_version", LAYOUT)?;
            writing.commit()?;
        }
        let (keep, most) = (i64::from(how.keep_days) * DAY, i64::from(how.max_mb) * MIB);
        Ok(Self { file, keep, most, tidied_at: None, is_doubted: false, is_behind: false })
    }

    /// Holds the file to this many bytes.
    #[must_use]
    pub fn at_most(mut self, bytes: i64) -> Self {
        self.most = bytes;
        self
    }

    /// Lets SQLite take no more than this many pages of 4 KiB, as a full disk would.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn fill_up(&self, pages: u32) -> Result<(), BookError> {
        Ok(self.file.pragma_update(None, "max_page_count", pages)?)
    }

    /// Writes all of it or nothing.
    ///
    /// # Errors
    /// The disk is full, the file damaged, or whatever SQLite says.
    pub fn write(&mut self, rows: &[Row]) -> Result<(), BookError> {
        let writing = self.file.transaction()?;
        for row in rows {
            match row {
                Row::Sample(sample) => write_sample(&writing, sample)?,
                Row::Use(used) => write_use(&writing, used)?,
                Row::Event(notice) => write_event(&writing, notice)?,
            }
        }
        Ok(writing.commit()?)
    }

    /// Once an hour: makes means of what is old, and gives up what is too old or too much. By a clock that is far ahead, everything
    /// would be too old.
    ///
    /// # Errors
    /// As [`Book::write`].
    pub fn tidy(&mut self, time: Timestamp) -> Result<(), BookError> {
        let now = time.as_second();
        if self.tidied_at.is_some_and(|it| (0..TIDY_EVERY).contains(&(now - it))) {
            return Ok(());
        }
        let is_far_ahead = self.is_far_ahead(time)?;
        let was_doubted = std::mem::replace(&mut self.is_doubted, is_far_ahead);
        if is_far_ahead {
            if !was_doubted {
                tracing::warn!(
                    "nothing of the history is given up for now: by the clock, {time}, the bridge was not used for more than a year"
                );
            }
            self.tidied_at = Some(now);
            return Ok(());
        }
        self.give_up_what_is_ahead(time)?;
        let mut shorter = 1;
        loop {
            self.thin(now, shorter)?;
            if shorter >= 64 || self.size()? <= self.most {
                break;
            }
            shorter *= 2;
        }
        {
            // Each step gives one page back.
            let mut vacuum = self.file.prepare("PRAGMA incremental_vacuum")?;
            let mut freed = vacuum.query([])?;
            while freed.next()?.is_some() {}
        }
        self.file.execute_batch("PRAGMA wal_checkpoint(TRUNCATE);")?;
        self.tidied_at = Some(now);
        Ok(())
    }

    /// What a clock that was wrong has written into days to come is of no use, and is shown.
    fn give_up_what_is_ahead(&mut self, now: Timestamp) -> Result<(), BookError> {
        let found = ahead::give_up(&mut self.file, now)?;
        let was_behind = std::mem::replace(&mut self.is_behind, matches!(found, Ahead::Kept));
        match found {
            Ahead::GivenUp(0) => {}
            Ahead::GivenUp(rows) => {
                tracing::warn!(
                    "{rows} rows of the history are given up: a clock that was wrong wrote them more than a day ahead"
                );
            }
            Ahead::Kept if !was_behind => {
                tracing::warn!(
                    "the history reaches beyond tomorrow by the clock, {now}: it stays, for the clock may be behind"
                );
            }
            Ahead::Kept => {}
        }
        Ok(())
    }

    /// Is there something older than the longest pause, and next to nothing since then?
    fn is_far_ahead(&self, now: Timestamp) -> Result<bool, BookError> {
        let edge = date(now.checked_sub(AHEAD).unwrap_or(Timestamp::MIN));
        // What a clock that was wrong has left in days to come says nothing.
        let today = date(tomorrow(now));
        let ask =
            "SELECT COUNT(DISTINCT CASE WHEN date > ?1 THEN date END), MIN(date) <= ?1 FROM days WHERE date <= ?2";
        let (since, is_older): (i64, Option<bool>) =
            self.file.query_row(ask, [edge, today], |it| Ok((it.get(0)?, it.get(1)?)))?;
        Ok(is_older == Some(true) && since < DAYS_THAT_COUNT)
    }

    /// What is in the file, in bytes.
    fn size(&self) -> Result<i64, BookError> {
        let ask = |what: &str| self.file.pragma_query_value(None, what, |it| it.get::<_, i64>(0));
        Ok((ask("page_count")? - ask("freelist_count")?) * ask("page_size")?)
    }

    fn thin(&mut self, now: i64, shorter: i64) -> Result<(), BookError> {
        let writing = self.file.transaction()?;
        let outlets = {
            let mut all = writing.prepare("SELECT id FROM outlets")?;
            let all = all.query_map([], |it| it.get::<_, i64>(0))?;
            all.collect::<Result<Vec<_>, _>>()?
        };
        for outlet in outlets {
            merge(&writing, outlet, 0, QUARTER, now - RAW.min(self.keep) / shorter)?;
            merge(&writing, outlet, QUARTER, HOUR, now - QUARTERS.min(self.keep) / shorter)?;
        }
        let oldest = now - self.keep / shorter;
        writing.execute("DELETE FROM samples WHERE step = ?1 AND at < ?2", params![HOUR, oldest])?;
        writing.execute("DELETE FROM events WHERE at < ?1", params![oldest])?;
        Ok(writing.commit()?)
    }
}

/// Rows of one step that are older than `until` become means of the next step.
fn merge(writing: &Transaction<'_>, outlet: i64, from: i64, to: i64, until: i64) -> Result<(), BookError> {
    // Whole stretches only.
    let until = until.div_euclid(to) * to;
    let mut spans: Vec<Span> = {
        let mut rows = writing.prepare(
            "SELECT at, is_on, power, mode FROM samples WHERE outlet = ?1 AND step = ?2 AND at < ?3 ORDER BY at",
        )?;
        let rows = rows.query_map(params![outlet, from, until], |it| {
            Ok(Span {
                at: it.get(0)?,
                holds: if from == 0 { HOLDS } else { from },
                on: it.get(1)?,
                power: it.get(2)?,
                mode: it.get(3)?,
            })
        })?;
        rows.collect::<Result<_, _>>()?
    };
    if spans.is_empty() {
        return Ok(());
    }
    if from == 0 {
        let next: Option<i64> = writing
            .query_row(
                "SELECT MIN(at) FROM samples WHERE outlet = ?1 AND step = 0 AND at >= ?2",
                params![outlet, until],
                |it| it.get(0),
            )
            .optional()?
            .flatten();
        let ends: Vec<i64> = spans.iter().skip(1).map(|it| it.at).chain([next.unwrap_or(i64::MAX)]).collect();
        for (span, next) in spans.iter_mut().zip(ends) {
            span.holds = span.holds.min(next - span.at);
        }
        // The last one goes on behind the edge.
        if let Some(last) = spans.last_mut().filter(|it| it.at + it.holds > until) {
            writing.execute(
                "INSERT OR IGNORE INTO samples (outlet, at, step, is_on, power, mode) VALUES (?1, ?2, 0, ?3, ?4, ?5)",
                params![outlet, until, last.on, last.power, last.mode],
            )?;
            last.holds = until - last.at;
        }
    }
    let mut write = writing.prepare(
        "INSERT OR REPLACE INTO samples (outlet, at, step, is_on, power, mode) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?;
    for Mean { at, on, power, mode } in means(&spans, to) {
        write.execute(params![outlet, at, to, on, power, mode])?;
    }
    writing.execute("DELETE FROM samples WHERE outlet = ?1 AND step = ?2 AND at < ?3", params![outlet, from, until])?;
    Ok(())
}

/// The number of an outlet in this file.
fn number(writing: &Transaction<'_>, outlet: &OutletId) -> Result<i64, BookError> {
    let name = outlet.to_string();
    writing.prepare_cached("INSERT OR IGNORE INTO outlets (name) VALUES (?1)")?.execute([&name])?;
    let mut ask = writing.prepare_cached("SELECT id FROM outlets WHERE name = ?1")?;
    Ok(ask.query_row([&name], |it| it.get(0))?)
}

fn write_sample(writing: &Transaction<'_>, sample: &Sample) -> Result<(), BookError> {
    let outlet = number(writing, &sample.outlet)?;
    writing
        .prepare_cached(
            "INSERT OR REPLACE INTO samples (outlet, at, step, is_on, power, mode) VALUES (?1, ?2, 0, ?3, ?4, ?5)",
        )?
        .execute(params![outlet, sample.at.as_second(), sample.on.map(f64::from), sample.power, sample.mode])?;
    Ok(())
}

fn write_use(writing: &Transaction<'_>, used: &Use) -> Result<(), BookError> {
    let outlet = number(writing, &used.outlet)?;
    let before: Option<f64> =
        writing.prepare_cached("SELECT total FROM outlets WHERE id = ?1")?.query_row([outlet], |it| it.get(0))?;
    // By outlet, not by day: a clock that was wrong for a while has left days that are still to come.
    if let Some(total) = used.energy_total {
        writing.prepare_cached("UPDATE outlets SET total = ?2 WHERE id = ?1")?.execute(params![outlet, total])?;
    }
    // What was used before the first sample belongs to no day of this history.
    let measured = used.energy_total.map(|total| before.map_or(0.0, |before| (total - before).max(0.0)));
    let by_rating = |watts: u32| f64::from(watts) / 1000.0 * used.on.as_secs_f64() / 3600.0;
    // What has ever been measured is only not told yet: the meter's next figure has it.
    let estimated = used.rated.filter(|_| measured.is_none() && before.is_none()).map(by_rating);
    let more = measured.or(estimated);
    let cost = more.zip(used.price).map(|(kwh, price)| kwh * price);
    writing
        .prepare_cached(
            "INSERT INTO days (outlet, date, on_s, kwh, cost, estimated) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
            ON CONFLICT (outlet, date) DO UPDATE SET on_s = on_s + excluded.on_s,
                kwh = CASE WHEN excluded.kwh IS NULL THEN kwh ELSE COALESCE(kwh, 0) + excluded.kwh END,
                cost = CASE WHEN excluded.cost IS NULL THEN cost ELSE COALESCE(cost, 0) + excluded.cost END,
                estimated = estimated + excluded.estimated",
        )?
        .execute(params![
            outlet,
            used.date.to_string(),
            used.on.as_secs_f64(),
            more,
            cost,
            estimated.unwrap_or_default()
        ])?;
    Ok(())
}

fn write_event(writing: &Transaction<'_>, notice: &Notice) -> Result<(), BookError> {
    let (device, group) =
        (notice.device.as_ref().map(ToString::to_string), notice.group.as_ref().map(ToString::to_string));
    let detail: BTreeMap<_, _> = notice.detail.iter().map(|(key, value)| (*key, value)).collect();
    let detail = serde_json::to_string(&detail).unwrap_or_else(|_| "{}".to_owned());
    let (at, kind) = (notice.at.as_second(), notice.kind.as_str());
    writing
        .prepare_cached(
            "INSERT INTO events (at, kind, device, slot, grp, message, detail) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?
        .execute(params![at, kind, device, notice.slot, group, notice.message, detail])?;
    Ok(())
}
