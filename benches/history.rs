//! What the history costs: a year of ten outlets, written as the bridge writes it, tidied up each hour of that year.
//!
//! `cargo bench --bench history`
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, missing_docs, reason = "a benchmark")]

use std::{
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use heattrax::{
    history::{Book, Row, Sample, Use, read},
    model::{HistoryAnswer, HistoryQuery, HistorySettings, Notice, NoticeKind, OutletId},
};
use jiff::{SignedDuration, Timestamp, tz::TimeZone};

const OUTLETS: u8 = 10;
const DAYS: i64 = 365;
/// On from 5 to 8 o'clock each day: then power is written each minute, else a sample each ten minutes.
const ON: std::ops::Range<i64> = 300..480;

/// What is to be written of a minute.
fn minute(start: Timestamp, minute: i64, rows: &mut Vec<Row>) {
    let at = start + SignedDuration::from_mins(minute);
    let (date, of_day) = (TimeZone::UTC.to_datetime(at).date(), minute % 1440);
    for number in 0..OUTLETS {
        let outlet: OutletId = format!("plug{}/{}", number / 2, number % 2 + 1).parse().unwrap();
        let on = ON.contains(&of_day);
        if on || of_day % 10 == 0 {
            let power = if on { 600.0 + (minute % 7) as f64 * 40.0 } else { 0.0 };
            let mode = if on { "melt" } else { "idle" };
            rows.push(Row::Sample(Sample { outlet: outlet.clone(), at, on: Some(on), power: Some(power), mode }));
            let total = Some(minute as f64 / 100.0);
            let lasted = if on { SignedDuration::from_mins(1) } else { SignedDuration::ZERO };
            let used =
                Use { outlet: outlet.clone(), date, on: lasted, energy_total: total, rated: None, price: Some(0.3) };
            rows.push(Row::Use(used));
        }
        if of_day == ON.start || of_day == ON.end {
            let notice = Notice::new(at, NoticeKind::Switched, format!("Mat is {on}: made warm for snow"));
            rows.push(Row::Event(Arc::new(notice.about_outlet(&outlet))));
        }
    }
}

fn ask(path: &Path, what: &str, query: &HistoryQuery) {
    let start = Instant::now();
    let found = match read(path, query).unwrap() {
        HistoryAnswer::Samples(it) => it.len(),
        HistoryAnswer::Events(it) => it.len(),
        HistoryAnswer::Days(it) => it.len(),
    };
    println!("{what}: {found} in {:.1} ms", start.elapsed().as_secs_f64() * 1000.0);
}

fn main() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("history.db");
    let start: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
    let mut book = Book::open(&path, HistorySettings::default()).unwrap();
    let (mut rows, mut written, mut batches, mut samples) = (Vec::new(), Duration::ZERO, 0_u32, 0_usize);
    let (mut count, mut tidied, mut longest) = (0_usize, Duration::ZERO, Duration::ZERO);
    for number in 0..DAYS * 1440 {
        minute(start, number, &mut rows);
        if rows.is_empty() {
            continue;
        }
        count += rows.len();
        samples += rows.iter().filter(|it| matches!(it, Row::Sample(_))).count();
        let began = Instant::now();
        book.write(&rows).unwrap();
        (written, batches) = (written + began.elapsed(), batches + 1);
        rows.clear();
        let began = Instant::now();
        book.tidy(start + SignedDuration::from_mins(number)).unwrap();
        let took = began.elapsed();
        (tidied, longest) = (tidied + took, longest.max(took));
    }
    drop(book);
    let size = std::fs::metadata(&path).unwrap().len();
    println!("{count} rows ({samples} samples) of {OUTLETS} outlets in {DAYS} days, in {batches} batches");
    println!(
        "written in {:.1} s: {:.0} rows a second, {:.1} us a row; tidied up in {:.1} s, {:.1} ms at most",
        written.as_secs_f64(),
        count as f64 / written.as_secs_f64(),
        written.as_secs_f64() * 1e6 / count as f64,
        tidied.as_secs_f64(),
        longest.as_secs_f64() * 1000.0
    );
    println!(
        "the file: {:.1} MB, {:.1} bytes for each sample that was written",
        size as f64 / 1e6,
        size as f64 / samples as f64
    );
    let (outlet, end) = ("plug0/1".parse::<OutletId>().unwrap(), start + SignedDuration::from_hours(24 * DAYS));
    let back = |days: i64| end - SignedDuration::from_hours(24 * days);
    for (what, days) in [("samples of a day", 1), ("of 30 days", 30), ("of a year", 365)] {
        ask(&path, what, &HistoryQuery::Samples { outlet: outlet.clone(), from: back(days), to: end, points: 800 });
    }
    let (first, last) = ("2026-01-01".parse().unwrap(), "2026-12-31".parse().unwrap());
    ask(&path, "days of a year", &HistoryQuery::Days { outlets: vec![outlet], from: first, to: last });
    let events = HistoryQuery::Events { from: back(7), to: end, limit: 100, device: None, group: None, kind: None };
    ask(&path, "events", &events);
}
