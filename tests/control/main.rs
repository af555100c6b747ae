//! The thinking, tested by its rules: facts in, decisions out, with the clock in hand.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, unreachable_pub, reason = "tests")]

mod amended;
mod circuit;
mod clock;
mod contested;
mod day;
mod dst;
mod exceptions;
mod home;
mod load;
mod lockout;
mod melt;
mod melt_properties;
mod memory;
mod pause;
mod people;
mod plan;
mod plan_ahead;
mod properties;
mod rehearsal;
mod relays;
mod rules;
mod safety;
mod seed_cases;
mod sun;
mod tariff;
mod timers;
mod weather;
mod windows;
mod winter_day;
