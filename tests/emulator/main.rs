//! The emulated devices, seen by the clients that talk to real ones.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, reason = "tests")]

mod answers;
mod any_bytes;
mod bench;
mod clients;
mod faults;
mod login;
mod oddities;
mod panel;
mod rarer;
mod timers;
