//! The planner: a board that is kept in step, and a word before a storm.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, reason = "tests")]

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use heattrax::{
    config,
    control::Controller,
    hub::{Clock, Handle, Plans},
    model::{
        Cause, Command, ControlSettings, Event, House, Lasting, Memory, Mode, NoticeKind, Origin, Plan, PlannedWindow,
        Report, Slug, Switch, Target, Verb,
    },
    planner::{self, Storms},
};
use jiff::{SignedDuration, Timestamp};
use tokio_util::sync::CancellationToken;

const CONFIG: &str = r#"
location: {latitude: 40.6895, longitude: -74.1745, timezone: America/New_York}
devices:
  credentials: {username: you@example.com, password: not-used-here}
  groups:
    walkway:
      class: heater
      items: [{name: Mat, ip_address: 192.0.2.1, outlets: [0]}]
      schedules:
        - {name: Morning, on: {type: time, value: "08:00"}, off: {type: time, value: "09:00"}}
safety: {max_runtime_hours: 6, cooldown_minutes: 30}
"#;

fn settings() -> Arc<ControlSettings> {
    config::parse("house.yaml", CONFIG, &BTreeMap::new(), &Default::default()).unwrap().control
}

fn noon() -> Timestamp {
    "2026-01-15T17:00:00Z".parse().unwrap()
}

fn walkway() -> Slug {
    "walkway".parse().unwrap()
}

fn at(hours: i64) -> Timestamp {
    noon() + SignedDuration::from_hours(hours)
}

fn controller() -> Controller {
    let mut controller = Controller::new(settings(), &Memory::default(), noon());
    let (switch, cause) = (Switch::Off, Cause::FirstContact);
    let report = Report { slot: 1, switch, on_time: None, energy: None, fault: None, timer: None, cause, answers: 0 };
    let device = "mat".parse().unwrap();
    controller.handle(Event::DeviceReported { device, reports: vec![report], rssi: None }, noon());
    controller
}

fn house() -> House {
    controller().house().clone()
}

/// Somebody wants the mat off for a day: the morning is not heated.
fn house_with_a_wish() -> House {
    let mut controller = controller();
    let verb = Verb::Set(Switch::Off, Lasting::For(SignedDuration::from_hours(24)));
    let command = Command::new(Target::Group(walkway()), verb, Origin::Mqtt);
    controller.handle(Event::Commanded(command), noon());
    controller.house().clone()
}

fn windows(handle: &Handle) -> Vec<Timestamp> {
    handle.plans.borrow().get(&walkway()).map(|it| it.windows.iter().map(|it| it.start).collect()).unwrap_or_default()
}

#[tokio::test]
async fn the_board_is_filled_at_the_start_and_renewed_when_a_person_asks() {
    let (mut handle, _events, board) = Handle::detached(house(), Clock::driven(noon(), 1.0));
    let stop = CancellationToken::new();
    let planner = tokio::spawn(planner::run(handle.clone().going_by(settings()), stop.clone()));
    handle.plans.changed().await.unwrap();
    assert_eq!(windows(&handle), [at(20), at(44)], "eight in the morning, twice");
    let until = handle.plans.borrow()[&walkway()].until;
    assert_eq!(until, at(48));
    board.send_replace(Arc::new(house_with_a_wish()));
    tokio::time::timeout(Duration::from_secs(10), handle.plans.changed()).await.unwrap().unwrap();
    assert_eq!(windows(&handle), [at(44)]);
    stop.cancel();
    planner.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_changes_nothing_about_the_plan_makes_no_new_one_until_ten_minutes_have_passed() {
    let (mut handle, _events, board) = Handle::detached(house(), Clock::driven(noon(), 1.0));
    let stop = CancellationToken::new();
    let planner = tokio::spawn(planner::run(handle.clone().going_by(settings()), stop.clone()));
    handle.plans.changed().await.unwrap();
    let mut reported = house();
    let outlet = reported.outlets.values_mut().next().unwrap();
    Arc::make_mut(outlet).runtime_today = SignedDuration::from_mins(3);
    board.send_replace(Arc::new(reported));
    let minutes = |it: u64| Duration::from_secs(60 * it);
    assert!(tokio::time::timeout(minutes(9), handle.plans.changed()).await.is_err(), "a plan for nothing");
    tokio::time::timeout(minutes(2), handle.plans.changed()).await.unwrap().unwrap();
    drop(board);
    tokio::time::timeout(minutes(1), planner).await.expect("it ends with the hub").unwrap();
}

fn window(from: i64, to: i64, mode: Mode) -> PlannedWindow {
    let reason = "snow, 3.2 mm".to_owned();
    PlannedWindow { start: at(from), end: at(to), mode, reason, kwh: Some(1.5), cost: Some(0.3) }
}

fn plans(windows: &[PlannedWindow]) -> Plans {
    let plan = Plan {
        made_at: noon(),
        until: at(48),
        windows: windows.to_vec(),
        currency: Some("EUR".to_owned()),
        ..Plan::default()
    };
    BTreeMap::from([(walkway(), plan)])
}

fn storms() -> (Storms, Arc<ControlSettings>) {
    (Storms::new(settings().zone.clone()), settings())
}

#[test]
fn a_storm_is_told_once_with_its_plan_in_words() {
    let (mut storms, settings) = storms();
    let storm = [window(5, 7, Mode::Preheat), window(7, 12, Mode::Melt), window(12, 13, Mode::AfterRun)];
    let heard = storms.news(&settings, &plans(&storm), at(0));
    assert_eq!(heard.len(), 1);
    assert_eq!((heard[0].kind, heard[0].group.as_ref()), (NoticeKind::StormAhead, Some(&walkway())));
    assert_eq!(
        heard[0].message,
        "a storm is ahead of walkway: snow, 3.2 mm; preheat from Thu 17:00, melt from Thu 19:00, until Fri 00:00; 3.0 kWh, 0.60 EUR"
    );
    // Later it comes an hour earlier and lasts longer, and then it is there: it is the same storm.
    for (hour, storm) in [
        (1, [window(4, 6, Mode::Preheat), window(6, 14, Mode::Melt)]),
        (8, [window(4, 6, Mode::Preheat), window(6, 15, Mode::Melt)]),
    ] {
        assert!(storms.news(&settings, &plans(&storm), at(hour)).is_empty(), "hour {hour}");
    }
}

#[test]
fn another_storm_is_told_but_not_within_six_hours() {
    let (mut storms, settings) = storms();
    let (first, second) = (window(5, 9, Mode::Melt), window(30, 34, Mode::Melt));
    assert_eq!(storms.news(&settings, &plans(std::slice::from_ref(&first)), at(0)).len(), 1);
    let both = plans(&[first, second]);
    assert!(storms.news(&settings, &both, at(5)).is_empty());
    let heard = storms.news(&settings, &both, at(6));
    assert_eq!(heard.len(), 1);
    assert!(heard[0].message.contains("melt from Fri 18:00"), "{}", heard[0].message);
    assert!(storms.news(&settings, &both, at(13)).is_empty());
}

#[test]
fn what_is_heated_for_already_or_is_no_storm_is_no_news() {
    let (mut storms, settings) = storms();
    assert!(storms.news(&settings, &plans(&[window(-1, 4, Mode::Melt)]), at(0)).is_empty(), "a restart in a storm");
    let guarded = [window(20, 22, Mode::FrostGuard), window(30, 32, Mode::Schedule), window(40, 41, Mode::ManualOn)];
    assert!(storms.news(&settings, &plans(&guarded), at(7)).is_empty());
}
