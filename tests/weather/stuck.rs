//! A provider that says the same again and again, or an older thing than before.

use heattrax::{
    model::Provider,
    weather::{
        answer::{Answer, ParseError},
        ask::{Ask, Heard, Reply},
    },
};
use jiff::SignedDuration;
use serde_json::Value;

use crate::{
    noon,
    providers::{made, reply},
};

const MET: &[u8] = include_bytes!("../data/weather/metno_compact.json");

/// MET Norway after this answer, which may be referred to.
fn met(body: &[u8]) -> Box<dyn Ask> {
    let mut met = made(Provider::MetNorway);
    let last_modified = Some("Thu, 15 Jan 2026 10:21:00 GMT".to_owned());
    met.hear(Reply { last_modified, ..reply(body) }, noon()).unwrap();
    met
}

/// What comes of it when nothing has changed so many hours later.
fn unchanged(met: &mut dyn Ask, hours: i64) -> Result<Answer, ParseError> {
    let heard = met.hear(Reply { unchanged: true, ..Reply::default() }, noon() + SignedDuration::from_hours(hours))?;
    match heard {
        Heard::Answer(answer) => Ok(answer),
        Heard::AskOn => panic!("nothing is to be asked"),
    }
}

#[test]
fn a_forecast_that_has_not_changed_for_a_day_is_refused_and_asked_for_as_a_whole() {
    let unnamed = String::from_utf8_lossy(MET).replace("\"updated_at\"", "\"renewed\"");
    for body in [MET, unnamed.as_bytes()] {
        let mut met = met(body);
        assert_eq!(unchanged(&mut *met, 20).unwrap().forecast.issued_at, noon() + SignedDuration::from_hours(20));
        assert!(met.question().known_since.is_some());
        assert!(matches!(unchanged(&mut *met, 26), Err(ParseError::Old(_))));
        assert_eq!(met.question().known_since, None);
        assert!(matches!(unchanged(&mut *met, 26), Err(ParseError::NothingBefore)));
    }
}

#[test]
fn an_unchanged_forecast_that_is_over_is_refused_and_asked_for_as_a_whole() {
    let mut short: Value = serde_json::from_slice(MET).unwrap();
    short["properties"]["timeseries"].as_array_mut().unwrap().truncate(10);
    let mut met = met(short.to_string().as_bytes());
    let answer = unchanged(&mut *met, 1).unwrap();
    assert!(answer.forecast.intervals.last().unwrap().end < noon() + SignedDuration::from_hours(12));
    assert!(matches!(unchanged(&mut *met, 12), Err(ParseError::Empty)));
    assert_eq!(met.question().known_since, None);
}
