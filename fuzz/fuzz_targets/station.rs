//! No bytes upset what reads the user's own station.
#![no_main]

use heattrax::{
    model::{Quantity, StationTopic},
    mqtt::parts::{Message, Payload, mapped, measured},
};
use jiff::{SignedDuration, Timestamp};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let now = Timestamp::from_second(1_768_475_700).unwrap_or_default();
    let message =
        Message { topic: "a/b".to_owned(), payload: Payload::Bytes(bytes.to_vec()), retain: false, reply: None };
    let _ = measured(&message, now);
    for field in Quantity::ALL {
        for (pointer, time) in [("", None), ("/a/0/b", Some("/t".to_owned()))] {
            let (topic, pointer) = ("a/b".to_owned(), pointer.to_owned());
            let Some(unit) = field.units().last().copied() else { continue };
            let how = StationTopic { topic, field, pointer, unit, max_age: SignedDuration::from_mins(10), time };
            let _ = mapped(&how, &message, now);
        }
    }
});
