//! What each day used: to the second, by the house's own midnight, measured or estimated.

use std::{path::Path, sync::Arc};

use heattrax::{
    config::{Overrides, Sources, load},
    history::{Book, Row, Sample, Use, Watcher, read},
    model::{
        ControlSettings, HISTORY_ROWS, HistoryAnswer, HistoryDay, HistoryQuery, HistorySettings, Notice, NoticeKind,
    },
};
use jiff::{SignedDuration, Timestamp, civil::Date};
use proptest::prelude::*;

use crate::{SHARE, house, mat, noon, open};

fn used(minutes: i64, total: Option<f64>) -> Use {
    let date = "2026-01-15".parse().unwrap();
    let on = SignedDuration::from_mins(minutes);
    Use { outlet: mat(), date, on, energy_total: total, rated: None, price: None }
}

fn days(path: &Path) -> Vec<HistoryDay> {
    let (from, to) = ("2026-01-01".parse().unwrap(), "2027-01-01".parse().unwrap());
    match read(path, &HistoryQuery::Days { outlets: vec![mat()], from, to }).unwrap() {
        HistoryAnswer::Days(days) => days,
        other => panic!("{other:?}"),
    }
}

fn is_about(it: Option<f64>, much: f64) -> bool {
    it.is_some_and(|it| (it - much).abs() < SHARE)
}

#[test]
fn a_day_sums_up_time_energy_and_what_it_cost_when_it_was_used() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("history.db");
    let row = |minutes, total, price| Row::Use(Use { price, ..used(minutes, Some(total)) });
    let mut book = open(&path).unwrap();
    // What the meter counted before is not of this day.
    book.write(&[row(0, 100.0, Some(0.2)), row(10, 100.5, Some(0.2)), row(10, 101.5, Some(0.4))]).unwrap();
    let next = Use { date: "2026-01-16".parse().unwrap(), ..used(0, Some(102.0)) };
    book.write(&[Row::Use(next)]).unwrap();
    let days = days(&path);
    assert_eq!((days[0].date.as_str(), days[0].on_minutes), ("2026-01-15", 20));
    assert!(is_about(days[0].kwh, 1.5) && is_about(days[0].cost, 0.5), "{days:?}");
    assert!(is_about(days[1].kwh, 0.5) && days[1].cost.is_none() && days[1].estimated == 0.0, "{days:?}");
}

#[test]
fn without_a_meter_the_rating_is_an_estimate_and_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("history.db");
    let mut book = open(&path).unwrap();
    let rated = Use { rated: Some(1200), price: Some(0.5), ..used(30, None) };
    book.write(&[Row::Use(rated.clone())]).unwrap();
    let found = days(&path);
    assert!(is_about(found[0].kwh, 0.6) && is_about(found[0].cost, 0.3) && is_about(Some(found[0].estimated), 0.6));
    // The meter is asked from now on: what hangs there counts no more.
    book.write(&[Row::Use(Use { energy_total: Some(10.0), ..rated.clone() })]).unwrap();
    book.write(&[Row::Use(Use { energy_total: Some(10.4), ..rated })]).unwrap();
    let found = days(&path);
    assert!(is_about(found[0].kwh, 1.0) && is_about(Some(found[0].estimated), 0.6), "{found:?}");
    assert_eq!(found[0].on_minutes, 90);
    // After a restart the meter is silent for a moment: what is used meanwhile is in its next figure.
    book.write(&[Row::Use(Use { rated: Some(1200), ..used(30, None) })]).unwrap();
    book.write(&[Row::Use(Use { rated: Some(1200), ..used(0, Some(11.0)) })]).unwrap();
    let found = days(&path);
    assert!(is_about(found[0].kwh, 1.6) && is_about(Some(found[0].estimated), 0.6), "{found:?}");
}

fn settings(zone: &str) -> Arc<ControlSettings> {
    let text = format!(
        "location: {{ latitude: 40.7, longitude: -74.2, timezone: {zone} }}\nweather_api: {{ enabled: false }}\ndevices:\n  credentials: {{ username: a@b.c, password: d }}\n  \
         groups:\n    porch: {{ class: heater, items: [ {{ name: Porch, ip_address: 127.0.0.1, outlets: [0], rated_watts: 1000 }} ] }}\n"
    );
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("it.yaml");
    std::fs::write(&file, text).unwrap();
    let sources = Sources { file: Some(file), flags: Overrides::default(), ..Sources::default() };
    load(&sources).unwrap_or_else(|problems| panic!("{problems:?}")).control
}

/// What is written down of an outlet that is on in these stretches (in seconds from `start`), looked at now and then.
fn lived(zone: &str, start: Timestamp, looks: &[(i64, bool)]) -> Vec<Use> {
    let (settings, mut watcher, mut rows) = (settings(zone), Watcher::default(), Vec::new());
    for (after, on) in looks {
        watcher.look(&house(*on, 800.0), start + SignedDuration::from_secs(*after), Some(&settings), &mut rows);
    }
    watcher.close(&mut rows);
    rows.into_iter().filter_map(|it| if let Row::Use(it) = it { Some(it) } else { None }).collect()
}

fn on_at(rows: &[Use], date: &str) -> i64 {
    let date: Date = date.parse().unwrap();
    rows.iter().filter(|it| it.date == date).map(|it| it.on).sum::<SignedDuration>().as_secs()
}

#[test]
fn what_runs_over_midnight_is_counted_to_both_days() {
    let start = "2026-01-16T04:00:00Z".parse().unwrap();
    // 23:00 in New York, a look each minute but for one around midnight, on for two hours.
    let looks: Vec<(i64, bool)> = (0..=120).filter(|it| *it != 60).map(|it| (it * 60, it < 120)).collect();
    let rows = lived("America/New_York", start, &looks);
    assert_eq!((on_at(&rows, "2026-01-15"), on_at(&rows, "2026-01-16")), (3600, 3600));
    assert!(rows.iter().all(|it| it.rated == Some(1000)));
}

#[test]
fn a_day_that_begins_at_one_o_clock_has_a_midnight_too() {
    // In Santiago the clocks went from 24:00 to 01:00 in the night to the 6th of September 2026.
    let start: Timestamp = "2026-09-06T03:30:00Z".parse().unwrap();
    let looks: Vec<(i64, bool)> = (0..=60).map(|it| (it * 60, true)).collect();
    let rows = lived("America/Santiago", start, &looks);
    assert_eq!((on_at(&rows, "2026-09-05"), on_at(&rows, "2026-09-06")), (1800, 1800));
}

#[test]
fn at_a_stop_all_is_written_down_and_nothing_is_known_of_what_comes_then() {
    let (mut watcher, mut rows) = (Watcher::default(), Vec::new());
    watcher.look(&house(true, 800.0), noon(), None, &mut rows);
    watcher.look(&house(true, 800.0), noon() + SignedDuration::from_secs(42), None, &mut rows);
    rows.clear();
    watcher.close(&mut rows);
    let [Row::Use(used), Row::Sample(Sample { at, on: None, power: None, .. })] = &rows[..] else { panic!("{rows:?}") };
    assert_eq!((used.on.as_secs(), *at), (42, noon() + SignedDuration::from_secs(42)));
    watcher.close(&mut rows);
    assert_eq!(rows.len(), 2, "once");
}

proptest! {
    /// Whatever is looked at when, in whatever zone: no second is lost, none is counted twice, and each is counted to its own day.
    #[test]
    fn days_have_every_second(
        steps in prop::collection::vec((1_i64..900, any::<bool>()), 1..300),
        start in 1_767_225_600_i64..1_798_761_600,
        zone in prop::sample::select(vec!["America/New_York", "Europe/Zurich", "America/Santiago", "Asia/Kolkata", "Australia/Lord_Howe"]),
    ) {
        let start = Timestamp::from_second(start).unwrap();
        let mut at = 0;
        let looks: Vec<(i64, bool)> = steps.iter().map(|(step, on)| { at += step; (at, *on) }).collect();
        let rows = lived(zone, start, &looks);
        let zone = jiff::tz::TimeZone::get(zone).unwrap();
        let mut seconds = std::collections::BTreeMap::<Date, i64>::new();
        for pair in looks.windows(2).filter(|it| it[0].1) {
            for second in pair[0].0..pair[1].0 {
                *seconds.entry(zone.to_datetime(start + SignedDuration::from_secs(second)).date()).or_default() += 1;
            }
        }
        let dates: std::collections::BTreeSet<Date> = rows.iter().map(|it| it.date).chain(seconds.keys().copied()).collect();
        for date in dates {
            prop_assert_eq!(on_at(&rows, &date.to_string()), seconds.get(&date).copied().unwrap_or_default(), "{}", date);
        }
    }
}

#[test]
fn a_file_of_the_first_layout_is_brought_up_to_date_and_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("history.db");
    let earlier = rusqlite::Connection::open(&path).unwrap();
    earlier
        .execute_batch(
            "CREATE TABLE outlets (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
            CREATE TABLE samples (outlet INTEGER NOT NULL, at INTEGER NOT NULL, step INTEGER NOT NULL, is_on REAL, power REAL, mode TEXT NOT NULL,
                PRIMARY KEY (outlet, step, at)) WITHOUT ROWID;
            CREATE TABLE days (outlet INTEGER NOT NULL, date TEXT NOT NULL, on_s INTEGER NOT NULL, kwh REAL, cost REAL, total REAL,
                PRIMARY KEY (outlet, date)) WITHOUT ROWID;
            CREATE TABLE events (id INTEGER PRIMARY KEY, at INTEGER NOT NULL, kind TEXT NOT NULL, device TEXT, slot INTEGER, grp TEXT, message TEXT NOT NULL);
            CREATE INDEX events_at ON events (at);
            INSERT INTO outlets VALUES (1, 'porch/1');
            INSERT INTO days VALUES (1, '2026-01-15', 1800, 0.4, 0.1, 12.5);
            INSERT INTO events VALUES (1, 1768478400, 'switched', 'porch', 1, 'walkway', 'it is ON');
            PRAGMA user_version = 1;",
        )
        .unwrap();
    drop(earlier);
    let ask = |group: &str| {
        let (from, to) = (noon() - SignedDuration::from_hours(24), noon() + SignedDuration::from_hours(24));
        let group = Some(group.to_owned());
        read(&path, &HistoryQuery::Events { from, to, limit: 10, device: None, group, kind: None })
    };
    assert!(ask("walkway").unwrap_err().contains("an earlier version"), "nobody has opened it for writing");
    let mut book = open(&path).unwrap();
    let found = days(&path);
    assert_eq!((found[0].on_minutes, found[0].kwh, found[0].estimated), (30, Some(0.4), 0.0));
    book.write(&[Row::Use(used(1, Some(13.0)))]).unwrap();
    assert!(is_about(days(&path)[0].kwh, 0.9), "the meter goes on where it was");
    let mut notice = Notice::new(noon(), NoticeKind::Switched, "it is OFF");
    notice.group = Some("porch".parse().unwrap());
    notice.detail = vec![("cause", "button".to_owned())];
    book.write(&[Row::Event(Arc::new(notice))]).unwrap();
    for (group, message, facts) in [("walkway", "it is ON", 0), ("porch", "it is OFF", 1)] {
        let HistoryAnswer::Events(found) = ask(group).unwrap() else { panic!("events were asked for") };
        let [event] = &found[..] else { panic!("{found:?}") };
        assert_eq!((event.message.as_str(), event.detail.len()), (message, facts));
    }
    drop(book);
    // Whoever opens it again has nothing to do.
    drop(open(&path).unwrap());
}

#[test]
fn a_clock_that_was_ahead_for_a_while_makes_nothing_count_twice() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("history.db");
    let mut book = open(&path).unwrap();
    let ahead = Use { date: "2026-06-01".parse().unwrap(), ..used(1, Some(10.1)) };
    book.write(&[Row::Use(used(1, Some(10.0))), Row::Use(ahead)]).unwrap();
    for total in [10.2, 10.3, 10.4] {
        book.write(&[Row::Use(used(1, Some(total)))]).unwrap();
    }
    let found = days(&path);
    assert!(is_about(found[0].kwh, 0.3) && is_about(found[1].kwh, 0.1), "{found:?}");
}

#[test]
fn an_outlet_that_leaves_the_house_takes_nothing_with_it() {
    let (mut watcher, mut rows) = (Watcher::default(), Vec::new());
    let after = |seconds| noon() + SignedDuration::from_secs(seconds);
    watcher.look(&house(true, 800.0), noon(), None, &mut rows);
    watcher.look(&house(true, 800.0), after(42), None, &mut rows);
    rows.clear();
    let mut empty = house(true, 800.0);
    empty.outlets.clear();
    watcher.look(&empty, after(43), None, &mut rows);
    let [Row::Use(used), Row::Sample(Sample { on: None, .. })] = &rows[..] else { panic!("{rows:?}") };
    assert_eq!(used.on.as_secs(), 42);
}

#[test]
fn whoever_asks_for_more_samples_than_there_may_be_is_told_more_than_that() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("history.db");
    drop(open(&path).unwrap());
    let start = noon().as_second();
    // One a second, from an hour before the time that is asked for.
    rusqlite::Connection::open(&path)
        .unwrap()
        .execute_batch(&format!(
            "INSERT INTO outlets (id, name) VALUES (1, 'porch/1'); WITH RECURSIVE it(n) AS (SELECT -3600 UNION ALL SELECT n + 1 FROM it WHERE n < {HISTORY_ROWS})
            INSERT INTO samples SELECT 1, {start} + n, 0, 1.0, 800.0, 'melt' FROM it;"
        ))
        .unwrap();
    let to = noon() + SignedDuration::from_hours(24 * 7);
    assert!(crate::points(&path, noon(), to, usize::MAX).len() > HISTORY_ROWS);
}

#[test]
fn what_is_older_than_somebody_wants_is_given_up() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("history.db");
    let mut book = Book::open(&path, HistorySettings { keep_days: 3, max_mb: 200 }).unwrap();
    let sample = |days: i64| Row::Sample(crate::sample(days * 86_400, Some(true), 800.0));
    book.write(&[Row::Use(used(5, None)), sample(0), sample(2), sample(9)]).unwrap();
    book.tidy(noon() + SignedDuration::from_hours(24 * 10)).unwrap();
    let left = crate::points(&path, noon(), noon() + SignedDuration::from_hours(24 * 20), 100);
    assert_eq!(left.iter().map(|it| it.0 / 86_400).collect::<Vec<_>>(), [9], "{left:?}");
    assert_eq!(days(&path).len(), 1, "what a day used is kept for ever");
}
