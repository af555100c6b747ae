//! The room `mqtt`: what is published, what is announced, what is heard, and how it lives with a broker.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, reason = "tests")]

mod announced;
mod asking;
mod both_ways;
mod burst;
mod byhand;
mod changes;
mod commands;
mod connection;
mod deleted;
mod documented;
mod earlier;
mod embedded;
mod garbage;
mod house;
mod layout;
mod layouts;
mod live;
mod peer;
mod planned;
mod published;
mod refusing;
mod released;
mod requested;
mod rotated;
mod schema;
mod slow;
mod station;
mod timetable;
mod tls;
mod truth;
mod websocket;
