//! Looking back.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use jiff::{Timestamp, civil::Date};
use rusqlite::{Connection, OpenFlags, ToSql, params};

use super::{
    book::{BookError, LAYOUT},
    thin::HOLDS,
};
use crate::model::{HISTORY_ROWS, HistoryAnswer, HistoryDay, HistoryEvent, HistoryPoint, HistoryQuery, OutletId};

/// A question that takes longer is given up: nobody waits for its answer any more.
const PATIENCE: Duration = Duration::from_secs(8);
/// Rows of one outlet in an hour: one a second, and means.
const BEFORE: usize = 3600 + 5;
/// Steps of SQLite's machine between two looks at the clock: less than a millisecond.
const STEPS: i32 = 10_000;

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
    let mut file = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    file.busy_timeout(Duration::from_secs(2))?;
    let deadline = Instant::now() + PATIENCE;
    file.progress_handler(STEPS, Some(move || Instant::now() > deadline))?;
    match file.pragma_query_value(None, "user_version", |it| it.get::<_, i64>(0))? {
        0 => return Ok(nothing(query)),
        LAYOUT => {}
        layout if layout > LAYOUT => return Err(BookError::Later(layout)),
        _ => return Err(BookError::Earlier),
    }
    Ok(match query {
        HistoryQuery::Samples { outlet, from, to, points } => {
            // Those of the hour before are left out again: whoever is told fewer than all has been told more than may be.
            let limit = if *points == usize::MAX { HISTORY_ROWS + 1 + BEFORE } else { usize::MAX };
            HistoryAnswer::Samples(fewer(samples(&file, outlet, *from, *to, limit)?, *points))
        }
        HistoryQuery::Events { from, to, limit, device, group, kind } => {
            let of = [device, group, kind].map(|it| it.as_deref());
            HistoryAnswer::Events(events(&file, *from, *to, *limit, of)?)
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
    limit: usize,
) -> Result<Vec<HistoryPoint>, BookError> {
    let (from, to) = (from.as_second(), to.as_second());
    let mut rows = file.prepare(
        "SELECT at, step, is_on, power, mode FROM samples WHERE outlet = (SELECT id FROM outlets WHERE name = ?1)
        AND at >= ?2 AND at < ?3 ORDER BY at LIMIT ?4",
    )?;
    // The sample before `from` still holds there; means reach an hour back.
    let rows =
        rows.query_map(params![outlet.to_string(), from - 3600, to, i64::try_from(limit).unwrap_or(i64::MAX)], |it| {
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
    [device, group, kind]: [Option<&str>; 3],
) -> Result<Vec<HistoryEvent>, BookError> {
    let mut rows = file.prepare(
        "SELECT at, kind, device, slot, grp, message, detail FROM events WHERE at >= ?1 AND at < ?2 AND (?3 IS NULL OR device = ?3)
        AND (?4 IS NULL OR grp = ?4) AND (?5 IS NULL OR kind = ?5) ORDER BY at DESC, id DESC LIMIT ?6",
    )?;
    let asked: [&dyn ToSql; 6] = [&from.as_second(), &to.as_second(), &device, &group, &kind, &limit];
    let rows = rows.query_map(asked, |it| {
        Ok(HistoryEvent {
            at: it.get(0)?,
            kind: it.get(1)?,
            device: it.get(2)?,
            slot: it.get(3)?,
            group: it.get(4)?,
            message: it.get(5)?,
            // What this program has not written itself is told as nothing.
            detail: serde_json::from_str(&it.get::<_, String>(6)?).unwrap_or_default(),
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn days_of(file: &Connection, outlet: &OutletId, from: Date, to: Date) -> Result<Vec<HistoryDay>, BookError> {
    let name = outlet.to_string();
    let mut rows = file.prepare(
        "SELECT date, on_s, kwh, cost, estimated FROM days WHERE outlet = (SELECT id FROM outlets WHERE name = ?1) AND date >= ?2 AND date <= ?3
        ORDER BY date",
    )?;
    let rows = rows.query_map(params![name, from.to_string(), to.to_string()], |it| {
        let on: f64 = it.get(1)?;
        Ok(HistoryDay {
            outlet: name.clone(),
            date: it.get(0)?,
            on_minutes: (on / 60.0).round() as i64,
            kwh: it.get(2)?,
            cost: it.get(3)?,
            estimated: it.get(4)?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}
