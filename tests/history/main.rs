//! The history: what is written down, how it ages, and what becomes of it when the disk fails.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, reason = "tests")]

mod used;

use std::{collections::BTreeMap, path::Path, sync::Arc};

use heattrax::{
    history::{Book, BookError, EVERY, HOLDS, Row, Sample, Span, Use, Watcher, means, read},
    model::{
        Availability, Broker, Cause, Class, ClockTrust, Decision, Energy, HistoryAnswer, HistoryQuery, HistorySettings,
        House, Notice, NoticeKind, Outlet, OutletId, Reason, Remembered, Report, Switch,
    },
};
use jiff::{SignedDuration, Timestamp, ToSpan, tz::TimeZone};
use proptest::prelude::*;

const SHARE: f64 = 1e-6;

fn noon() -> Timestamp {
    "2026-01-15T12:00:00Z".parse().unwrap()
}

fn mat() -> OutletId {
    "porch/1".parse().unwrap()
}

fn sample(after: i64, on: Option<bool>, power: f64) -> Sample {
    let at = noon() + SignedDuration::from_secs(after);
    Sample { outlet: mat(), at, on, power: on.map(|_| power), mode: "melt" }
}

fn open(path: &Path) -> Result<Book, BookError> {
    Book::open(path, HistorySettings::default())
}

fn points(path: &Path, from: Timestamp, to: Timestamp, points: usize) -> Vec<(i64, Option<f64>, Option<f64>, i64)> {
    match read(path, &HistoryQuery::Samples { outlet: mat(), from, to, points }).unwrap() {
        HistoryAnswer::Samples(found) => {
            found.into_iter().map(|it| (it.at - noon().as_second(), it.on, it.power, it.step)).collect()
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_was_written_is_read_and_the_sample_before_the_time_asked_for_still_holds() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("history.db");
    assert_eq!(points(&path, noon(), noon() + 1.hour(), 100), [], "there is no file yet");
    let mut book = open(&path).unwrap();
    let rows = [sample(0, Some(false), 0.0), sample(300, Some(true), 800.0), sample(900, None, 0.0)];
    book.write(&rows.map(Row::Sample)).unwrap();
    let all = [(0, Some(0.0), Some(0.0), 0), (300, Some(1.0), Some(800.0), 0), (900, None, None, 0)];
    assert_eq!(points(&path, noon(), noon() + 1.hour(), 100), all);
    let later = noon() + 10.minutes();
    assert_eq!(points(&path, later, noon() + 1.hour(), 100), [(600, Some(1.0), Some(800.0), 0), (900, None, None, 0)]);
    // A sample does not hold for ever.
    assert_eq!(points(&path, noon() + 40.minutes(), noon() + 1.hour(), 100), []);
}

#[test]
fn few_points_keep_the_peak_and_the_ends() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("history.db");
    let rows = (0..3000).map(|it| Row::Sample(sample(it, Some(true), if it == 1234 { 1500.0 } else { 700.0 })));
    open(&path).unwrap().write(&rows.collect::<Vec<_>>()).unwrap();
    let found = points(&path, noon(), noon() + 1.hour(), 40);
    assert!(found.len() <= 44, "{}", found.len());
    assert!(found.iter().any(|it| it.2 == Some(1500.0)));
    assert_eq!((found[0].0, found[found.len() - 1].0), (0, 2999));
}

#[test]
fn events_are_told_newest_first_of_one_kind_if_asked() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("history.db");
    let notice = |after, kind, words: &str| {
        Row::Event(Arc::new(Notice::new(noon() + SignedDuration::from_secs(after), kind, words).about_outlet(&mat())))
    };
    let rows = [notice(0, NoticeKind::Switched, "it is ON"), notice(60, NoticeKind::MaxRuntime, "on for too long")];
    open(&path).unwrap().write(&rows).unwrap();
    let ask = |kind: Option<&str>| {
        let (from, to) = (noon(), noon() + 1.hour());
        let query = HistoryQuery::Events {
            from,
            to,
            limit: 10,
            device: Some("porch".to_owned()),
            group: None,
            kind: kind.map(str::to_owned),
        };
        match read(&path, &query).unwrap() {
            HistoryAnswer::Events(found) => found.into_iter().map(|it| (it.message, it.slot)).collect::<Vec<_>>(),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(ask(None), [("on for too long".to_owned(), Some(1)), ("it is ON".to_owned(), Some(1))]);
    assert_eq!(ask(Some("switched")).len(), 1);
}

#[test]
fn samples_become_means_with_age_and_no_second_of_heat_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("history.db");
    let mut book = open(&path).unwrap();
    // Seven minutes on in every ten, for two days.
    let rows =
        (0..288_i64).flat_map(|it| [sample(it * 600, Some(true), 800.0), sample(it * 600 + 420, Some(false), 0.0)]);
    book.write(&rows.map(Row::Sample).collect::<Vec<_>>()).unwrap();
    for (days, step) in [(8, 900), (9, 900), (100, 3600)] {
        // A quarter of an hour later: the edge lies in a time in which it was on.
        book.tidy(noon() + SignedDuration::from_mins(24 * 60 * days + 15)).unwrap();
        let found = points(&path, noon(), noon() + SignedDuration::from_hours(48), 100_000);
        // A mean that is the last one holds for its own step.
        let last = found.last().map_or(0.0, |it| it.1.unwrap() * seconds(it.3));
        let on: f64 = found.windows(2).map(|it| it[0].1.unwrap() * seconds(it[1].0 - it[0].0)).sum::<f64>() + last;
        let whole = seconds(288 * 420);
        assert!((on - whole).abs() < 1e-3, "after {days} days: {on} s of {whole} s");
        assert!(found.iter().any(|it| it.3 == step), "after {days} days");
    }
    book.tidy(noon() + SignedDuration::from_hours(24 * 800)).unwrap();
    assert_eq!(points(&path, noon(), noon() + SignedDuration::from_hours(48), 100), []);
}

/// An outlet that is seen at this time, and something that happens.
fn seen(at: Timestamp) -> [Row; 3] {
    let date = TimeZone::UTC.to_datetime(at).date();
    let used = Use { outlet: mat(), date, on: SignedDuration::ZERO, energy_total: None, rated: None, price: None };
    let sample = Sample { at, ..sample(0, Some(true), 800.0) };
    let notice = Notice::new(at, NoticeKind::Switched, "it is ON");
    [Row::Sample(sample), Row::Use(used), Row::Event(Arc::new(notice))]
}

#[test]
fn a_clock_that_is_far_ahead_for_a_moment_costs_no_history() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("history.db");
    let (day, wrong) = (SignedDuration::from_hours(24), "2099-01-01T00:00:00Z".parse::<Timestamp>().unwrap());
    let is_whole = || {
        let query = HistoryQuery::Events {
            from: noon(),
            to: noon() + 1.hour(),
            limit: 9,
            device: None,
            group: None,
            kind: None,
        };
        let HistoryAnswer::Events(events) = read(&path, &query).unwrap() else { panic!("events were asked for") };
        points(&path, noon(), noon() + 1.hour(), 9) == [(0, Some(1.0), Some(800.0), 0)] && events.len() == 1
    };
    let mut book = open(&path).unwrap();
    book.write(&seen(noon())).unwrap();
    // It starts with a wrong time again and again.
    for start in 0..3 {
        let mut book = open(&path).unwrap();
        book.write(&seen(wrong + day * start)).unwrap();
        for hour in 0..3 {
            book.tidy(wrong + day * start + SignedDuration::from_hours(hour)).unwrap();
        }
        assert!(is_whole(), "start {start}");
    }
    // The right time: everything goes on as ever, whatever stands there of times to come.
    for after in 1..8 {
        book.write(&seen(noon() + day * after)).unwrap();
    }
    book.tidy(noon() + day * 8).unwrap();
    assert_eq!(points(&path, noon(), noon() + 1.hour(), 9)[0].3, 900);
}

#[test]
fn a_bridge_that_was_not_used_for_years_gives_up_what_is_old_after_a_week() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("history.db");
    let (day, years) = (SignedDuration::from_hours(24), noon() + SignedDuration::from_hours(24 * 1000));
    let mut book = open(&path).unwrap();
    book.write(&seen(noon())).unwrap();
    for after in 0..7 {
        book.write(&seen(years + day * after)).unwrap();
        assert_eq!(points(&path, noon(), noon() + 1.hour(), 9).len(), 1, "day {after}");
        book.tidy(years + day * after).unwrap();
    }
    assert_eq!(points(&path, noon(), noon() + 1.hour(), 9), []);
}

/// The instants of samples and of events, and the days, in hours after noon.
fn what_there_is(path: &Path) -> [Vec<i64>; 3] {
    let (from, to) = (noon() - 10_000.hours(), "2199-01-01T00:00:00Z".parse().unwrap());
    let hours = |it: i64| (it - noon().as_second()) / 3600;
    let samples = points(path, from, to, 1000).into_iter().map(|it| it.0 / 3600).collect();
    let query = HistoryQuery::Events { from, to, limit: 1000, device: None, group: None, kind: None };
    let HistoryAnswer::Events(events) = read(path, &query).unwrap() else { panic!("events were asked for") };
    let (from, to) = (TimeZone::UTC.to_datetime(from).date(), TimeZone::UTC.to_datetime(to).date());
    let query = HistoryQuery::Days { outlets: vec![mat()], from, to };
    let HistoryAnswer::Days(days) = read(path, &query).unwrap() else { panic!("days were asked for") };
    let at_noon = |date: &str| format!("{date}T12:00:00Z").parse::<Timestamp>().unwrap().as_second();
    let days = days.iter().map(|it| hours(at_noon(&it.date))).collect();
    [samples, events.iter().rev().map(|it| hours(it.at)).collect(), days]
}

#[test]
fn what_a_wrong_clock_wrote_into_the_future_goes_when_the_clock_is_right() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("history.db");
    let mut book = open(&path).unwrap();
    for hours in [0, 23, 48, 24 * 365, 24 * 366] {
        book.write(&seen(noon() + SignedDuration::from_hours(hours))).unwrap();
    }
    book.tidy(noon() + 30.minutes()).unwrap();
    // The local day may be one further.
    assert_eq!(what_there_is(&path), [vec![0, 23], vec![0, 23], vec![0, 24]]);
    book.write(&seen(noon() + 1.hour())).unwrap();
    assert_eq!(what_there_is(&path)[0], [0, 1, 23]);
}

#[test]
fn a_clock_that_is_behind_costs_no_history() {
    // Every few hours for five days, and seven days after a pause.
    let (each, many) = ((0..30).map(|it| it * 4), (20..27).map(|it| it * 24));
    for all in [each.collect::<Vec<_>>(), many.collect()] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("history.db");
        let mut book = open(&path).unwrap();
        for hours in &all {
            book.write(&seen(noon() + SignedDuration::from_hours(*hours))).unwrap();
        }
        for hours in [0, 2, 24, 37, 90, 94, 96, 100] {
            book.tidy(noon() + SignedDuration::from_hours(hours)).unwrap();
            let [samples, events, _] = what_there_is(&path);
            assert_eq!((&samples, &events), (&all, &all), "after {hours} h");
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "a few days in seconds")]
fn seconds(it: i64) -> f64 {
    it as f64
}

#[test]
fn a_history_that_grows_too_large_gives_up_what_is_oldest() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("history.db");
    let mut book = open(&path).unwrap().at_most(400_000);
    let rows: Vec<Row> = (0..30_000).map(|it| Row::Sample(sample(it * 20, Some(it % 2 == 0), 800.0))).collect();
    book.write(&rows).unwrap();
    let end = noon() + SignedDuration::from_secs(600_000);
    book.tidy(end).unwrap();
    let found = points(&path, noon(), end, 100_000);
    assert!(found.len() < 12_000, "{}", found.len());
    assert_eq!(found.first().unwrap().3, 900, "what is oldest has become means");
    assert_eq!(found.last().unwrap().3, 0, "what is newest is whole");
    let size = std::fs::metadata(&path).unwrap().len();
    assert!(size < 500_000, "the disk has its room back: {size} bytes");
}

#[test]
fn what_was_committed_outlives_a_writer_that_is_killed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("history.db");
    let mut book = open(&path).unwrap();
    book.write(&[Row::Sample(sample(0, Some(true), 800.0))]).unwrap();
    // As a power cut leaves it: nobody has closed anything, and what stands is in the log beside the file.
    let copy = folder.path().join("after.db");
    std::fs::copy(&path, &copy).unwrap();
    std::fs::copy(folder.path().join("history.db-wal"), folder.path().join("after.db-wal")).unwrap();
    let mut again = open(&copy).unwrap();
    again.write(&[Row::Sample(sample(60, Some(false), 0.0))]).unwrap();
    assert_eq!(points(&copy, noon(), noon() + 1.hour(), 10).len(), 2);
}

#[test]
fn a_full_disk_is_an_error_that_leaves_the_file_whole() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("history.db");
    let mut book = open(&path).unwrap();
    book.write(&[Row::Sample(sample(0, Some(true), 800.0))]).unwrap();
    book.fill_up(12).unwrap();
    let rows: Vec<Row> = (1..5000).map(|it| Row::Sample(sample(it, Some(true), 800.0))).collect();
    let error = book.write(&rows).unwrap_err();
    assert!(error.to_string().contains("full") && !error.is_damage(), "{error}");
    assert_eq!(points(&path, noon(), noon() + 1.hour(), 100_000).len(), 1, "all of it or nothing");
    book.fill_up(100_000).unwrap();
    book.write(&rows).unwrap();
}

#[test]
fn a_file_that_is_no_history_is_damage_and_one_of_a_later_version_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("history.db");
    std::fs::write(&path, b"this is no database, however long it may be".repeat(100)).unwrap();
    let error = open(&path).unwrap_err();
    assert!(error.is_damage(), "{error}");
    let later = folder.path().join("later.db");
    drop(open(&later).unwrap());
    rusqlite::Connection::open(&later).unwrap().pragma_update(None, "user_version", 99).unwrap();
    let error = open(&later).unwrap_err();
    assert!(error.to_string().contains("a later version wrote it") && !error.is_damage(), "{error}");
}

fn house(on: bool, power: f64) -> House {
    let report = Report {
        slot: 1,
        switch: if on { Switch::On } else { Switch::Off },
        on_time: None,
        energy: Some(Energy { power: Some(power), ..Energy::default() }),
        fault: None,
        timer: None,
        cause: Cause::Polled,
        answers: 0,
    };
    let outlet = Outlet {
        id: mat(),
        name: "Mat".to_owned(),
        group: None,
        class: Class::Heater,
        availability: Availability::Online,
        reported: Some(report),
        reported_at: Some(noon()),
        on_since: None,
        memory: Remembered::default(),
        decision: Decision {
            switch: Switch::Off,
            reason: Reason::NothingAsks,
            since: noon(),
            until: None,
            review_at: None,
            next: None,
            opinions: Vec::new(),
        },
        commanded: 0,
        answered: 0,
        pending: None,
        longest_on: SignedDuration::from_hours(6),
        runtime_today: SignedDuration::ZERO,
        alarm: None,
        energy_total: None,
    };
    House {
        at: noon(),
        devices: BTreeMap::new(),
        outlets: BTreeMap::from([(mat(), Arc::new(outlet))]),
        groups: BTreeMap::new(),
        weather: Arc::default(),
        vacation: false,
        paused: None,
        vacation_told: None,
        broker: Broker::Unknown,
        clock: ClockTrust::default(),
        whole: BTreeMap::new(),
        gone: std::sync::Arc::default(),
    }
}

#[test]
fn only_what_changes_is_written_down_and_now_and_then_that_nothing_did() {
    let mut watcher = Watcher::default();
    let mut look = |after: i64, on, power| {
        let mut rows = Vec::new();
        watcher.look(&house(on, power), noon() + SignedDuration::from_secs(after), None, &mut rows);
        rows.into_iter()
            .map(|it| match it {
                Row::Sample(it) => (it.on, -1),
                Row::Use(it) => (None, it.on.as_secs()),
                Row::Event(it) => panic!("{it:?}"),
            })
            .collect::<Vec<_>>()
    };
    let (on, off, used) = ((Some(true), -1), (Some(false), -1), |seconds| (None, seconds));
    assert_eq!(look(0, true, 800.0), [on, used(0)]);
    assert_eq!(look(5, true, 820.0), [], "within the deadband");
    assert_eq!(look(10, true, 900.0), [on, used(10)]);
    assert_eq!(look(40, false, 0.0), [off, used(30)], "on until somebody saw it off");
    assert_eq!(look(40 + EVERY.as_secs() - 1, false, 0.0), []);
    assert_eq!(look(40 + EVERY.as_secs(), false, 0.0), [off, used(0)]);
    assert_eq!(look(30, false, 0.0), [off, used(0)], "the clock was set back");
    assert_eq!(look(100, true, 800.0), [on, used(0)]);
    assert_eq!(look(159, true, 800.0), []);
    assert_eq!(look(160, true, 800.0), [used(60)], "whoever is killed loses no more than a minute");
}

proptest! {
    /// Whatever was, the means say for how long it was on and what it used.
    #[test]
    fn means_keep_time_and_energy(
        lengths in prop::collection::vec((1_i64..HOLDS, prop::option::of((any::<bool>(), 0.0_f64..2000.0))), 1..60),
        start in -10_000_i64..10_000,
        step in prop::sample::select(vec![900_i64, 3600]),
    ) {
        let mut at = start;
        let mut spans = Vec::new();
        for (holds, known) in lengths {
            let (on, power) = (known.map(|it| f64::from(it.0)), known.map(|it| it.1));
            spans.push(Span { at, holds, on, power, mode: "melt".to_owned() });
            at += holds;
        }
        let found = means(&spans, step);
        prop_assert!(found.windows(2).all(|it| it[0].at < it[1].at) && found.iter().all(|it| it.at.rem_euclid(step) == 0));
        let was: f64 = spans.iter().map(|it| it.on.unwrap_or(0.0) * seconds(it.holds)).sum();
        let is: f64 = found.iter().map(|it| it.on.unwrap_or(0.0) * seconds(step)).sum();
        prop_assert!((was - is).abs() < 1e-3, "{was} s were on, the means say {is} s");
        let most = spans.iter().filter_map(|it| it.power).fold(0.0, f64::max);
        prop_assert!(found.iter().filter_map(|it| it.power).all(|it| it <= most + 1e-6));
        prop_assert_eq!(found.iter().any(|it| it.on.is_some()), spans.iter().any(|it| it.on.is_some()));
    }
}
