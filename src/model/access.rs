//! The HTTP server, and who may do what there.

use ipnet::IpNet;
use jiff::SignedDuration;

use super::Secret;

/// The HTTP server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebSettings {
    /// Address to bind, default `127.0.0.1`.
    pub bind_host: String,
    /// Port to bind, default 4328.
    pub port: u16,
    /// Whoever knows it may do everything: the text itself, or its argon2 hash (`$argon2id$…`).
    pub password: Option<Secret>,
    /// Whoever knows it may look and switch.
    pub pin: Option<Secret>,
    /// For programs.
    pub tokens: Vec<AccessToken>,
    /// Host names under which the page is asked for, beside `localhost`, IP addresses and `bind_host`.
    pub allowed_hosts: Vec<String>,
    /// Proxies that are believed when they say for whom they ask; default none.
    pub trusted_proxies: Vec<IpNet>,
    /// How long a session lasts: above 0, default 24 h.
    pub session_lasts: SignedDuration,
    /// Whoever comes has to say who they are, on a loopback address too, whatever secrets there are: one was meant that nobody can read.
    pub must_sign_in: bool,
}

impl WebSettings {
    /// On an address, without secrets.
    pub fn at(bind_host: impl Into<String>, port: u16) -> Self {
        Self {
            bind_host: bind_host.into(),
            port,
            password: None,
            pin: None,
            tokens: Vec::new(),
            allowed_hosts: Vec::new(),
            trusted_proxies: Vec::new(),
            session_lasts: SignedDuration::from_hours(24),
            must_sign_in: false,
        }
    }
}

/// A token for a program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessToken {
    /// What people call it.
    pub name: String,
    /// What the program shows.
    pub token: Secret,
    /// What the program may do.
    pub may: MayToken,
}

/// What a program with a token may do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MayToken {
    /// Everything.
    #[default]
    All,
    /// Look.
    Read,
}
