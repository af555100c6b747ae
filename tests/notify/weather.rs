use std::sync::Arc;

use heattrax::{
    model::{
        House, NoticeKind, Severity, Trouble, TroubleKind,
        WeatherState::{self, Degraded, Offline, Online},
    },
    notify::{Desk, Notebook},
};

use crate::home::{Thought, WEBHOOK, events, house, minutes, noon, notice, settings};

fn weather(state: WeatherState) -> House {
    let mut house = house();
    let board = Arc::make_mut(&mut house.weather);
    board.soon.state = Some(state);
    if state != Online {
        board.trouble = Some(Trouble { kind: TroubleKind::Passing, text: "open-meteo cannot be reached".to_owned() });
    }
    house
}

#[test]
fn a_start_with_good_weather_tells_nothing() {
    let mut thought = Thought::of("");
    assert!(thought.look(&house(), noon()).is_empty(), "not known yet");
    assert!(thought.look(&weather(Degraded), minutes(1)).is_empty(), "the first answer is under way");
    assert!(thought.look(&weather(Online), minutes(2)).is_empty());
    assert!(thought.tick(minutes(60)).is_empty());
}

#[test]
fn the_weather_gets_worse_and_better_with_reasons() {
    let mut thought = Thought::of("limit: 0s");
    thought.look(&weather(Online), noon());
    assert!(thought.look(&weather(Degraded), minutes(10)).is_empty());
    assert_eq!(thought.desk.next(minutes(10)), Some(minutes(12)));
    let told = thought.tick(minutes(12));
    assert_eq!(events(&told), ["weather_service_degraded"]);
    assert!(told[0].message.contains("Open-meteo cannot be reached."), "{}", told[0].message);
    thought.look(&weather(Offline), minutes(20));
    let told = thought.tick(minutes(22));
    assert_eq!(events(&told), ["weather_service_offline"]);
    assert_eq!(
        (&told[0].details["previous_state"], &told[0].details["current_state"]),
        (&"degraded".into(), &"offline".into())
    );
    assert!(thought.tick(minutes(49)).is_empty());
    let told = thought.tick(minutes(50));
    assert_eq!((events(&told), told[0].severity), (vec!["weather_service_outage_alert"], Severity::Critical));
    assert_eq!(told[0].details["offline_minutes"], 30);
    assert!(thought.tick(minutes(500)).is_empty(), "once for each outage");
    assert_eq!(events(&thought.look(&weather(Online), minutes(501))), ["weather_service_recovered"]);
    // The next outage is another one.
    thought.look(&weather(Offline), minutes(510));
    let mut told = thought.tick(minutes(512));
    told.extend(thought.tick(minutes(540)));
    assert_eq!(events(&told), ["weather_service_offline", "weather_service_outage_alert"]);
}

#[test]
fn a_short_time_until_it_is_told_as_long_does_not_keep_anybody_awake() {
    let mut how = settings(WEBHOOK);
    how.notify.as_mut().unwrap().outage_after = jiff::SignedDuration::from_mins(1);
    let mut desk = Desk::new(how.notify.unwrap(), how.control, Notebook::default());
    desk.look(&weather(Offline), noon());
    for minute in [0, 1] {
        desk.tick(minutes(minute));
        assert_eq!(desk.next(minutes(minute)), Some(minutes(2)), "after {minute} min");
    }
    desk.tick(minutes(2));
    assert_eq!(events(&desk.take()), ["weather_service_offline", "weather_service_outage_alert"]);
    assert_eq!(desk.next(minutes(2)), None);
}

#[test]
fn a_restart_in_an_outage_tells_it_when_it_has_lasted_for_long() {
    let mut thought = Thought::of("");
    thought.look(&weather(Offline), noon());
    assert_eq!(events(&thought.tick(minutes(2))), ["weather_service_offline"]);
    let mut next = Thought::after("", thought.desk.notebook().clone());
    assert!(next.look(&weather(Offline), minutes(29)).is_empty());
    assert_eq!(events(&next.tick(minutes(30))), ["weather_service_outage_alert"]);
}

#[test]
fn another_provider_is_told_to_those_who_asked_and_the_rest_is_seen_on_the_board() {
    let mut thought = Thought::of("routing: {weather_provider_changed: {webhook: true}}");
    assert!(thought.hear(NoticeKind::WeatherDegraded, noon(), "open-meteo is gone").is_empty());
    let takes_over = notice(NoticeKind::WeatherDegraded, noon(), "the weather is nws's").with("provider", "nws");
    thought.desk.hear(&takes_over, &thought.house, noon());
    assert_eq!(events(&thought.desk.take()), ["weather_provider_changed"]);
}
