//! Why something that only the program as a whole can do was not done.

/// What kind of no it is. A shell that answers by numbers (HTTP) takes its number from here, never from the words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// What is asked for is wrong, or there is no such thing.
    Wrong,
    /// What it would change has been changed since it was looked at.
    Changed,
    /// It is right, and cannot be here: the environment holds it, a file cannot be read or written, there is no file at all.
    Conflict,
    /// Not now: setup mode, too much waits already, no answer in time, or the bridge stops.
    NotNow,
}

/// It was not done.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{words}")]
pub struct Failed {
    /// What kind of no.
    pub why: Why,
    /// In words for people.
    pub words: String,
    /// Where several things are wrong: each by itself.
    pub each: Vec<String>,
}

impl Failed {
    /// Of this kind, in these words.
    pub fn new(why: Why, words: impl Into<String>) -> Self {
        Self { why, words: words.into(), each: Vec::new() }
    }

    /// It is right, and cannot be here.
    pub fn conflict(words: impl Into<String>) -> Self {
        Self::new(Why::Conflict, words)
    }

    /// It cannot be done now.
    pub fn not_now(words: impl Into<String>) -> Self {
        Self::new(Why::NotNow, words)
    }
}

/// What is told in words alone is about what was asked for.
impl From<String> for Failed {
    fn from(words: String) -> Self {
        Self::new(Why::Wrong, words)
    }
}

impl From<&str> for Failed {
    fn from(words: &str) -> Self {
        words.to_owned().into()
    }
}

/// Where only words are told.
impl From<Failed> for String {
    fn from(failed: Failed) -> Self {
        failed.words
    }
}
