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
