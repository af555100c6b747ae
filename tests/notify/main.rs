//! How people are told: what is worth a word and when, and the ways over real sockets.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, reason = "tests")]

mod bridge;
mod desk;
mod devices;
mod discreet;
mod forecast;
mod holding;
mod home;
mod http;
mod mails;
mod post;
mod queue;
mod smtp;
mod summary;
mod weather;
