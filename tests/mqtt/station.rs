//! The user's own weather station, and the acknowledgement of a fault.

use heattrax::{
    model::Celsius,
    mqtt::parts::{Heard, Measured, Message, Payload, Unheard, measured},
};
use jiff::{SignedDuration, Timestamp};
use proptest::{collection::vec, prelude::*};

use crate::house::topics;

fn now() -> Timestamp {
    "2026-01-10T12:00:00Z".parse().unwrap()
}

fn says(payload: &str, retain: bool) -> Result<Measured, Unheard> {
    let topic = "heattrax/weather/local/set".to_owned();
    measured(&Message { topic, payload: Payload::Bytes(payload.into()), retain, reply: None }, now())
}

#[test]
fn a_station_is_heard_with_its_fields() {
    assert!(matches!(topics().sort("heattrax/weather/local/set"), Heard::Station));
    let heard =
        says(r#"{"temperature_c":-1.5,"humidity":93,"surface_c":-0.4,"rain_mm_h":0.2,"battery":3}"#, false).unwrap();
    assert!(heard.problems.is_empty());
    let it = heard.observation;
    assert_eq!((it.at, it.max_age), (now(), SignedDuration::from_mins(30)));
    assert_eq!((it.temperature, it.surface), (Some(Celsius(-1.5)), Some(Celsius(-0.4))));
    assert_eq!((it.humidity, it.precipitation_rate, it.dew_point, it.wind), (Some(93.0), Some(0.2), None, None));
}

#[test]
fn what_cannot_be_is_unknown_and_named() {
    let heard = says(r#"{"temperature_c":"warm","humidity":395,"surface_c":1,"max_age_s":1e12}"#, false).unwrap();
    assert_eq!(heard.problems.keys().copied().collect::<Vec<_>>(), ["humidity", "max_age_s", "temperature_c"]);
    assert_eq!((heard.observation.temperature, heard.observation.humidity), (None, None));
    assert_eq!(heard.observation.surface, Some(Celsius(1.0)));
    assert_eq!(heard.observation.max_age, SignedDuration::from_mins(30));
}

#[test]
fn a_retained_measurement_needs_its_own_time() {
    assert_eq!(says(r#"{"temperature_c":1}"#, true), Err(Unheard::Retained));
    let heard = says(r#"{"temperature_c":1,"ts":"2026-01-10T11:50:00Z"}"#, true).unwrap();
    assert!(heard.observation.is_fresh(now()));
    let old = says(r#"{"temperature_c":1,"ts":1768040000}"#, true).unwrap();
    assert!(!old.observation.is_fresh(now()), "{:?}", old.observation.at);
    for future in [r#"{"ts":"2026-01-10T12:11:00Z"}"#, r#"{"ts":true}"#, "[]", "{", "\u{0}"] {
        assert!(matches!(says(future, false), Err(Unheard::Bad(_))), "{future}");
    }
    assert_eq!(says("", false), Err(Unheard::Empty));
}

proptest! {
    /// 256 cases.
    #[test]
    fn no_bytes_of_a_station_are_too_strange(bytes in vec(any::<u8>(), 0..200), retain in any::<bool>()) {
        let topic = "heattrax/weather/local/set".to_owned();
        let _ = measured(&Message { topic, payload: Payload::Bytes(bytes), retain, reply: None }, now());
    }
}

mod on_topics_of_its_own {
    use heattrax::{
        config,
        model::{Observation, Quantity, Station, StationTopic},
        mqtt::parts::{Message, Payload, Unheard, mapped},
    };
    use jiff::SignedDuration;
    use proptest::{collection::vec, prelude::*};

    use super::now;

    const HOUSE: &str = r#"
location: {latitude: 40.7, longitude: -74.0, timezone: America/New_York}
devices:
  credentials: {username: you@example.com, password: not-used-here}
  groups: {walk: {items: [{name: Mat, ip_address: 192.0.2.1}]}}
mqtt: {host: broker}
weather_api:
  local:
    topics:
      - {topic: rtl_433/porch/events, field: temperature, pointer: /temperature_C, max_age: 10m}
      - {topic: rtl_433/porch/events, field: humidity, pointer: /humidity, max_age: 10m}
      - {topic: rtl_433/porch/events, field: wind, pointer: /wind_avg_m_s, max_age: 2m}
      - {topic: ecowitt2mqtt/ABC123/tempf, field: temperature, unit: °F}
      - {topic: ecowitt2mqtt/ABC123/rainratein, field: rain_rate, unit: in/h}
      - {topic: ecowitt2mqtt/ABC123/tf_ch1, field: surface_temperature, unit: F}
      - {topic: statestream/weather/home, field: temperature, pointer: /attributes/temperature, time: /last_updated}
      - {topic: statestream/weather/home, field: dew_point, pointer: /attributes/dew_point, time: /last_updated}
      - {topic: statestream/weather/home, field: wind, pointer: /attributes/wind_speed, unit: km/h, time: /last_updated}
"#;

    fn topics() -> Vec<StationTopic> {
        config::parse("house.yaml", HOUSE, &<_>::default(), &<_>::default()).unwrap().mqtt.unwrap().station
    }

    fn message(topic: &str, payload: &[u8], retain: bool) -> Message {
        Message { topic: topic.to_owned(), payload: Payload::Bytes(payload.to_vec()), retain, reply: None }
    }

    /// All that is heard of a message, and what is wrong with the rest.
    fn heard(topic: &str, payload: &str, retain: bool) -> (Option<Observation>, Vec<Unheard>) {
        let message = message(topic, payload.as_bytes(), retain);
        let (mut station, mut wrong) = (Station::default(), Vec::new());
        for how in topics().iter().filter(|it| it.topic == topic) {
            match mapped(how, &message, now()) {
                Ok(observation) => station.observe(&observation),
                Err(why) => wrong.push(why),
            }
        }
        (station.at(now()), wrong)
    }

    fn near(found: Option<f64>, wanted: f64) -> bool {
        found.is_some_and(|it| (it - wanted).abs() < 1e-9)
    }

    #[test]
    fn the_shapes_of_three_common_stations_are_read() {
        let json = r#"{"time":"2026-01-10 11:59:58","model":"Fineoffset-WH24","temperature_C":-3.6,"humidity":94,
                       "wind_avg_m_s":1.4,"rain_mm":312.4}"#;
        let (found, wrong) = heard("rtl_433/porch/events", json, false);
        let found = found.unwrap();
        assert!(wrong.is_empty() && found.humidity == Some(94.0) && found.wind == Some(1.4), "{found:?}");
        assert!(near(found.figure(Quantity::Temperature), -3.6), "{found:?}");
        for (topic, payload, quantity, wanted) in [
            ("ecowitt2mqtt/ABC123/tempf", "25.5", Quantity::Temperature, -6.5 / 1.8),
            ("ecowitt2mqtt/ABC123/rainratein", "\"0.02\"", Quantity::Rain, 0.508),
            ("ecowitt2mqtt/ABC123/tf_ch1", " 29.8 ", Quantity::Surface, -2.2 / 1.8),
        ] {
            let (found, wrong) = heard(topic, payload, false);
            assert!(wrong.is_empty() && near(found.unwrap().figure(quantity), wanted), "{topic}: {found:?} {wrong:?}");
        }
        let state = r#"{"state":"snowy","last_updated":"2026-01-10T11:50:00+00:00",
                        "attributes":{"temperature":-3.8,"dew_point":-4.4,"wind_speed":9}}"#;
        let (found, wrong) = heard("statestream/weather/home", state, true);
        let found = found.unwrap();
        assert!(wrong.is_empty() && near(found.figure(Quantity::DewPoint), -4.4), "{found:?} {wrong:?}");
        assert!(near(found.wind, 2.5), "{found:?}");
        assert_eq!(found.at, now() - SignedDuration::from_mins(10));
    }

    #[test]
    fn what_is_no_figure_is_unknown_with_its_place() {
        for (topic, payload, words) in [
            (
                "ecowitt2mqtt/ABC123/tempf",
                "unavailable",
                "the payload holds \"unavailable\", which is no temperature in °F",
            ),
            ("ecowitt2mqtt/ABC123/tempf", "NaN", "no temperature"),
            ("ecowitt2mqtt/ABC123/tempf", "600", "the payload holds 600"),
            ("ecowitt2mqtt/ABC123/rainratein", "-1", "no rain_rate in in/h"),
            ("rtl_433/porch/events", "{}", "`/temperature_C` holds nothing"),
            ("statestream/weather/home", r#"{"attributes":{}}"#, "`/last_updated` is neither"),
            ("statestream/weather/home", r#"{"last_updated":"2026-01-10T11:50:00"}"#, "`/last_updated` is neither"),
            ("statestream/weather/home", r#"{"last_updated":"2026-01-10T12:50:00Z"}"#, "in the future"),
        ] {
            let (found, wrong) = heard(topic, payload, false);
            let told = |it: &Unheard| matches!(it, Unheard::Bad(it) if it.contains(words));
            assert!(found.is_none() && wrong.first().is_some_and(told), "{payload}: {wrong:?}");
        }
        assert_eq!(heard("ecowitt2mqtt/ABC123/tempf", "25.5", true).1, [Unheard::Retained]);
        assert_eq!(heard("ecowitt2mqtt/ABC123/tempf", "", false).1, [Unheard::Empty]);
    }

    #[test]
    fn each_figure_grows_old_by_itself() {
        let minute = SignedDuration::from_mins;
        let at = |minutes| now() + minute(minutes);
        let mut station = Station::from(Observation::nothing(now(), minute(60)).with(Quantity::Surface, -1.0));
        station.observe(&Observation::nothing(at(5), minute(10)).with(Quantity::Temperature, -2.0));
        // Another temperature says nothing of the surface, and one from before says nothing new.
        station.observe(&Observation::nothing(at(4), minute(60)).with(Quantity::Temperature, 30.0));
        let known = |minutes| {
            let it = station.at(at(minutes));
            (it.and_then(|it| it.figure(Quantity::Temperature)), it.and_then(|it| it.figure(Quantity::Surface)))
        };
        assert_eq!(known(14), (Some(-2.0), Some(-1.0)));
        assert_eq!(station.changes_after(at(6)), Some(at(15)));
        assert_eq!(known(15), (None, Some(-1.0)));
        assert_eq!(station.changes_after(at(15)), Some(at(60)));
        assert_eq!(known(60), (None, None));
        assert_eq!(station.last().unwrap().figure(Quantity::Temperature), Some(-2.0));
    }

    #[tokio::test]
    async fn a_station_that_retains_is_heard_live_and_not_again_at_the_next_connect() {
        use heattrax::model::Event;

        use crate::{
            house::{house, identity, settings},
            peer::{Bridge, Peer, broker},
        };

        const TOPIC: &str = "ecowitt2mqtt/ABC123/tempf";
        let broker = broker().await;
        let peer = Peer::at(broker.address()).await;
        let told = |port| heattrax::model::MqttSettings { station: topics(), ..settings(port) };
        // Before the bridge comes: nobody knows how old it is.
        peer.say_retained(TOPIC, "70").await;
        let mut bridge = Bridge::with(told(broker.address().port()), identity(), house());
        bridge.connected().await;
        peer.wait_for("heattrax/bridge/availability", "online").await;
        peer.say_retained(TOPIC, "25.5").await;
        let heard = bridge.event(|it| matches!(it, Event::StationReported(_))).await;
        let Event::StationReported(station) = heard else { panic!("{heard:?}") };
        let found = station.last().unwrap().figure(Quantity::Temperature);
        assert!(near(found, -6.5 / 1.8), "what was retained before is not heard: {found:?}");
        // What is no figure is told once, until there is one again.
        for payload in ["unavailable", "unknown", "26", "unavailable"] {
            peer.say(TOPIC, payload).await;
        }
        bridge.event(|it| matches!(it, Event::StationReported(_))).await;
        peer.settle().await;
        let bad =
            |it: &&crate::peer::Saw| it.topic == "heattrax/bridge/event" && it.json()["event_type"] == "bad_payload";
        assert_eq!(peer.seen().iter().filter(bad).count(), 2);
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]
        #[test]
        fn no_bytes_on_any_topic_are_too_strange(bytes in vec(any::<u8>(), 0..200), retain in any::<bool>()) {
            for how in topics() {
                let _ = mapped(&how, &message(&how.topic, &bytes, retain), now());
            }
        }

        #[test]
        fn any_json_figure_is_possible_or_unknown(figure in any::<f64>()) {
            for how in topics() {
                let body = format!("{{\"temperature_C\":{figure},\"humidity\":{figure},\"wind_avg_m_s\":{figure}}}");
                let payload = if how.pointer.is_empty() { figure.to_string() } else { body };
                if let Ok(found) = mapped(&how, &message(&how.topic, payload.as_bytes(), false), now()) {
                    let (least, most) = how.field.range();
                    prop_assert!(found.figure(how.field).is_some_and(|it| (least..=most).contains(&it)));
                }
            }
        }
    }
}
