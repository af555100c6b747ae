//! Looking back.

use std::path::Path;

use jiff::{Timestamp, civil::Date};
use rusqlite::{Connection, OpenFlags, ToSql, params};

use super::{book::BookError, thin::HOLDS};
use crate::model::{HistoryAnswer, HistoryDay, HistoryEvent, HistoryPoint, HistoryQuery, OutletId};

/// Answers a question from the file. Blocks. Where there is no file yet, nothing has happened.
///
/// # Errors
/// The file cannot be read, in words.
pub fn read(path: &Path, query: &HistoryQuery) -> Result<HistoryAnswer, String> {
    let found = if path.exists() { ask(path, query) } else { Ok(nothing(query)) };
    found.map_err(|error| format!("the history {} cannot be read: {error}", path.display()))
}

fn nothing(query: &HistoryQuery) -> HistoryAnswer {
    match query {
        HistoryQuery::Samples { .. } => HistoryAnswer::Samples(Vec::new()),
        HistoryQuery::Events { .. } => HistoryAnswer::Events(Vec::new()),
        HistoryQuery::Days { .. } => HistoryAnswer::Days(Vec::new()),
    }
}

fn ask(path: &Path, query: &HistoryQuery) -> Result<HistoryAnswer, BookError> {
    let file = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    file.busy_timeout(std::time::Duration::from_secs(2))?;
    let tables: i64 = file.query_row("SELECT COUNT(*) FROM sqlite_schema", [], |it| it.get(0))?;
    if tables == 0 {
        return Ok(nothing(query));
    }
    Ok(match query {
        HistoryQuery::Samples { outlet, from, to, points } => {
            HistoryAnswer::Samples(fewer(samples(&file, outlet, *from, *to)?, *points))
        }
        HistoryQuery::Events { from, to, limit, device, kind } => {
            HistoryAnswer::Events(events(&file, *from, *to, *limit, device.as_deref(), kind.as_deref())?)
        }
        HistoryQuery::Days { outlets, from, to } => {
            let mut days = Vec::new();
            for outlet in outlets {
                days.extend(days_of(&file, outlet, *from, *to)?);
            }
            HistoryAnswer::Days(days)
        }
    })
}

fn samples(
    file: &Connection,
    outlet: &OutletId,
    from: Timestamp,
    to: Timestamp,
) -> Result<Vec<HistoryPoint>, BookError> {
    let (from, to) = (from.as_second(), to.as_second());
    let mut rows = file.prepare(
        "SELECT at, step, is_on, power, mode FROM samples WHERE outlet = (SELECT id FROM outlets WHERE name = ?1)
        AND at >= ?2 AND at < ?3 ORDER BY at",
    )?;
    // The sample before `from` still holds there; means reach an hour back.
    let rows = rows.query_map(params![outlet.to_string(), from - 3600, to], |it| {
        let step: i64 = it.get(1)?;
        let at: i64 = it.get(0)?;
        let point = HistoryPoint { at: at.max(from), on: it.get(2)?, power: it.get(3)?, mode: it.get(4)?, step };
        Ok((at + if step == 0 { HOLDS } else { step }, at, point))
    })?;
    let mut found: Vec<HistoryPoint> = Vec::new();
    for row in rows {
        let (until, at, point) = row?;
        if at <= from {
            found.clear();
        }
        if until > from {
            found.push(point);
        }
    }
    Ok(found)
}

/// At most about `points`: of each stretch the first, the last, the least and the most, so that no peak is lost.
fn fewer(all: Vec<HistoryPoint>, points: usize) -> Vec<HistoryPoint> {
    if all.len() <= points {
        return all;
    }
    let size = all.len().div_ceil((points / 4).max(1));
    let power = |it: &HistoryPoint| it.power.unwrap_or_else(|| it.on.unwrap_or(-1.0));
    let mut kept = Vec::new();
    for part in all.chunks(size) {
        let least = part.iter().enumerate().min_by(|a, b| power(a.1).total_cmp(&power(b.1))).map_or(0, |it| it.0);
        let most = part.iter().enumerate().max_by(|a, b| power(a.1).total_cmp(&power(b.1))).map_or(0, |it| it.0);
        let mut which = vec![0, least, most, part.len() - 1];
        which.sort_unstable();
        which.dedup();
        kept.extend(which.into_iter().filter_map(|it| part.get(it).cloned()));
    }
    kept
}

fn events(
    file: &Connection,
    from: Timestamp,
    to: Timestamp,
    limit: u32,
    device: Option<&str>,
    kind: Option<&str>,
) -> Result<Vec<HistoryEvent>, BookError> {
    let mut rows = file.prepare(
        "SELECT at, kind, device, slot, grp, message FROM events WHERE at >= ?1 AND at < ?2 AND (?3 IS NULL OR device = ?3)
        AND (?4 IS NULL OR kind = ?4) ORDER BY at DESC, id DESC LIMIT ?5",
    )?;
    let asked: [&dyn ToSql; 5] = [&from.as_second(), &to.as_second(), &device, &kind, &limit];
    let rows = rows.query_map(asked, |it| {
        Ok(HistoryEvent {
            at: it.get(0)?,
            kind: it.get(1)?,
            device: it.get(2)?,
            slot: it.get(3)?,
            group: it.get(4)?,
            message: it.get(5)?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn days_of(file: &Connection, outlet: &OutletId, from: Date, to: Date) -> Result<Vec<HistoryDay>, BookError> {
    let name = outlet.to_string();
    let mut rows = file.prepare(
        "SELECT date, on_s, kwh, cost FROM days WHERE outlet = (SELECT id FROM outlets WHERE name = ?1) AND date >= ?2 AND date <= ?3
        ORDER BY date",
    )?;
    let rows = rows.query_map(params![name, from.to_string(), to.to_string()], |it| {
        let on: i64 = it.get(1)?;
        Ok(HistoryDay {
            outlet: name.clone(),
            date: it.get(0)?,
            on_minutes: (on + 30) / 60,
            kwh: it.get(2)?,
            cost: it.get(3)?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}
