//! The device tasks: what plugs answer, and what the tasks make of it, over real sockets against emulated devices.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, reason = "tests")]

#[path = "../soak/air.rs"]
mod air;
mod answers;
mod bench;
mod counted;
mod deaf_meters;
mod discreet;
mod field;
mod finding;
mod first_contact;
mod foreign;
mod healing;
mod lit;
mod losing;
mod meters;
mod orders;
mod sessions;
mod timers;
mod wiretap;
mod words;
