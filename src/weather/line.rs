//! The line to a provider, where it is another than HTTP over the network: tests that live through days in a second stand on it.

use std::{fmt, future::Future, pin::Pin};

/// A question on its way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Get {
    /// The whole address.
    pub url: String,
    /// `User-Agent`.
    pub user_agent: String,
    /// `If-Modified-Since`.
    pub known_since: Option<String>,
}

/// What came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Got {
    /// The HTTP status.
    pub status: u16,
    /// Names in lower case, and values.
    pub headers: Vec<(String, String)>,
    /// Unpacked.
    pub body: Vec<u8>,
}

/// An answer to come, or why there is none.
pub type Coming = Pin<Box<dyn Future<Output = Result<Got, String>> + Send>>;

/// Carries questions to providers.
pub trait Line: fmt::Debug + Send + Sync {
    /// Carries one. Whoever asks gives up by itself after a while.
    fn get(&self, question: Get) -> Coming;
}
