//! How an emulated device is to be.

use std::{
    net::{Ipv4Addr, SocketAddr},
    time::Duration,
};

use jiff::{Timestamp, tz::TimeZone};

use super::models::Model;

/// How a device is to be.
#[derive(Clone, Debug)]
pub struct PlugOptions {
    /// The model.
    pub model: Model,
    /// Where it listens. Port 0 takes a free one.
    pub listen: SocketAddr,
    /// The account it belongs to: e-mail address, to the letter.
    pub username: String,
    /// The account's password.
    pub password: String,
    /// Tells devices of one model apart: MAC address and device id follow from it.
    pub seed: u64,
    /// How long every answer takes.
    pub latency: Duration,
    /// How much faster than life the device's time runs, above 0 and at most 100 000: `on_time`, energy, timers, its clock.
    pub speed: f64,
    /// What its clock shows when it starts.
    pub clock: Timestamp,
    /// Where it thinks it is.
    pub zone: TimeZone,
    /// What each outlet draws while it is on, in W.
    pub load: f64,
    /// How long a session lives, in real time.
    pub session: Duration,
}

impl PlugOptions {
    /// A device on a free port of the loopback, account `user@example.com` with the password `hunter2`, which does not load
    /// anything.
    pub fn new(model: Model) -> Self {
        Self {
            model,
            listen: (Ipv4Addr::LOCALHOST, 0).into(),
            username: "user@example.com".to_owned(),
            password: "hunter2".to_owned(),
            seed: 1,
            latency: Duration::ZERO,
            speed: 1.0,
            clock: Timestamp::UNIX_EPOCH,
            zone: TimeZone::get("America/Denver").unwrap_or(TimeZone::UTC),
            load: 0.0,
            session: Duration::from_secs(86_400),
        }
    }
}
