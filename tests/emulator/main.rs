//! The emulated devices, seen by the clients that talk to real ones.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, reason = "tests")]

mod bench;
mod clients;
mod klap;
