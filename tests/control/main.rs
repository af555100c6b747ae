//! The thinking, tested by its rules: facts in, decisions out, with the clock in hand.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, unreachable_pub, reason = "tests")]

mod dst;
mod home;
mod legacy;
mod memory;
mod people;
mod properties;
mod safety;
mod sun;
mod weather;
mod winter_day;
