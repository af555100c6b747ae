//! The thinking, tested by its rules: facts in, decisions out, with the clock in hand.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, unreachable_pub, reason = "tests")]

mod circuit;
mod clock;
mod contested;
mod day;
mod dst;
mod home;
mod legacy;
mod legacy_weather;
mod lockout;
mod memory;
mod people;
mod plan;
mod properties;
mod relays;
mod rules;
mod safety;
mod sun;
mod tariff;
mod weather;
mod winter_day;
