//! The file: one writer, any number of readers, whole at any moment.

use std::{path::Path, time::Duration};

use jiff::Timestamp;
use rusqlite::{Connection, ErrorCode, OptionalExtension, Transaction, params};

use super::{
    thin::{HOLDS, Mean, Span, means},
    watcher::{Row, Sample},
};
use crate::model::Notice;

/// The layout of the tables that this version writes.
const LAYOUT: i64 = 1;
const DAY: i64 = 86_400;
/// Samples are kept as they are for a week: long enough to look into what happened lately.
const RAW: i64 = 7 * DAY;
/// Then as means of a quarter of an hour for a quarter of a year: a season can be looked back upon.
const QUARTERS: i64 = 90 * DAY;
/// Then as means of an hour for two years: a winter is compared with the last.
const HOURS: i64 = 730 * DAY;
/// The steps of means, in s; 0 is a sample as it was.
const QUARTER: i64 = 900;
const HOUR: i64 = 3600;
/// What is in the file may take so much, in bytes; then the oldest goes earlier. A house with ten outlets takes a tenth of it.
const MOST: i64 = 200 * 1024 * 1024;
/// It is tidied up so often.
const TIDY_EVERY: i64 = HOUR;

const TABLES: &str = "
    CREATE TABLE outlets (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
    CREATE TABLE samples (outlet INTEGER NOT NULL, at INTEGER NOT NULL, step INTEGER NOT NULL, is_on REAL, power REAL, mode TEXT NOT NULL,
        PRIMARY KEY (outlet, step, at)) WITHOUT ROWID;
    CREATE TABLE days (outlet INTEGER NOT NULL, date TEXT NOT NULL, on_s INTEGER NOT NULL, kwh REAL, cost REAL, total REAL,
        PRIMARY KEY (outlet, date)) WITHOUT ROWID;
    CREATE TABLE events (id INTEGER PRIMARY KEY, at INTEGER NOT NULL, kind TEXT NOT NULL, device TEXT, slot INTEGER, grp TEXT,
        message TEXT NOT NULL);
    CREATE INDEX events_at ON events (at);
";

/// The history cannot be opened, written or read.
#[derive(Debug, thiserror::Error)]
pub enum BookError {
    /// What SQLite said.
    #[error("{0}")]
    Sqlite(#[from] rusqlite::Error),
    /// A later version of the program has written it.
    #[error("a later version wrote it: its layout is {0}, this version knows {LAYOUT}")]
    Later(i64),
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
    most: i64,
    tidied_at: Option<i64>,
}

impl Book {
    /// Opens the file, and makes it where there is none.
    ///
    /// # Errors
    /// It cannot be opened, is damaged, or is of a later version.
    pub fn open(path: &Path) -> Result<Self, BookError> {
        let file = Connection::open(path)?;
        file.busy_timeout(Duration::from_secs(5))?;
        // Before the first table, or it has no effect: room that is given up goes back to the disk.
        file.pragma_update(None, "auto_vacuum", "INCREMENTAL")?;
        // A crash loses the last seconds, never the file; and readers do not wait.
        file.pragma_update(None, "journal_mode", "WAL")?;
        file.pragma_update(None, "synchronous", "NORMAL")?;
        let layout: i64 = file.pragma_query_value(None, "user_version", |it| it.get(0))?;
        match layout {
            0 => file.execute_batch(&format!("BEGIN; {TABLES} PRAGMA user_version = {LAYOUT}; COMMIT;"))?,
            LAYOUT => {}
            later => return Err(BookError::Later(later)),
        }
        Ok(Self { file, most: MOST, tidied_at: None })
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
                Row::Event(notice) => write_event(&writing, notice)?,
            }
        }
        Ok(writing.commit()?)
    }

    /// Once an hour: makes means of what is old, and gives up what is too old or too much.
    ///
    /// # Errors
    /// As [`Book::write`].
    pub fn tidy(&mut self, now: Timestamp) -> Result<(), BookError> {
        let now = now.as_second();
        if self.tidied_at.is_some_and(|it| (0..TIDY_EVERY).contains(&(now - it))) {
            return Ok(());
        }
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
            merge(&writing, outlet, 0, QUARTER, now - RAW / shorter)?;
            merge(&writing, outlet, QUARTER, HOUR, now - QUARTERS / shorter)?;
        }
        let oldest = now - HOURS / shorter;
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

fn write_sample(writing: &Transaction<'_>, sample: &Sample) -> Result<(), BookError> {
    let name = sample.outlet.to_string();
    writing.prepare("INSERT OR IGNORE INTO outlets (name) VALUES (?1)")?.execute([&name])?;
    let outlet: i64 = writing.prepare("SELECT id FROM outlets WHERE name = ?1")?.query_row([&name], |it| it.get(0))?;
    writing
        .prepare(
            "INSERT OR REPLACE INTO samples (outlet, at, step, is_on, power, mode) VALUES (?1, ?2, 0, ?3, ?4, ?5)",
        )?
        .execute(params![outlet, sample.at.as_second(), sample.on.map(f64::from), sample.power, sample.mode])?;
    let before: Option<f64> = writing
        .prepare("SELECT total FROM days WHERE outlet = ?1 AND total IS NOT NULL ORDER BY date DESC LIMIT 1")?
        .query_row([outlet], |it| it.get(0))
        .optional()?;
    // What was used before the first sample belongs to no day of this history.
    let more = sample.energy_total.map(|total| before.map_or(0.0, |before| (total - before).max(0.0)));
    let cost = more.zip(sample.price).map(|(kwh, price)| kwh * price);
    writing
        .prepare(
            "INSERT INTO days (outlet, date, on_s, kwh, cost, total) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
            ON CONFLICT (outlet, date) DO UPDATE SET on_s = on_s + excluded.on_s,
                kwh = CASE WHEN excluded.kwh IS NULL THEN kwh ELSE COALESCE(kwh, 0) + excluded.kwh END,
                cost = CASE WHEN excluded.cost IS NULL THEN cost ELSE COALESCE(cost, 0) + excluded.cost END,
                total = COALESCE(excluded.total, total)",
        )?
        .execute(params![outlet, sample.date.to_string(), sample.on_more.as_secs(), more, cost, sample.energy_total])?;
    Ok(())
}

fn write_event(writing: &Transaction<'_>, notice: &Notice) -> Result<(), BookError> {
    let (device, group) =
        (notice.device.as_ref().map(ToString::to_string), notice.group.as_ref().map(ToString::to_string));
    writing
        .prepare("INSERT INTO events (at, kind, device, slot, grp, message) VALUES (?1, ?2, ?3, ?4, ?5, ?6)")?
        .execute(params![notice.at.as_second(), notice.kind.as_str(), device, notice.slot, group, notice.message])?;
    Ok(())
}
