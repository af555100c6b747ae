//! One finding, as people and programs read it.

use std::fmt;

use serde::Serialize;

/// How well something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// As it should be.
    Ok,
    /// It works, and a person should know.
    Warn,
    /// It does not work.
    Fail,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Ok => "ok",
            Self::Warn => "warn",
            Self::Fail => "FAIL",
        })
    }
}

/// One finding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Line {
    /// How well it is.
    pub verdict: Verdict,
    /// What was looked at.
    pub thing: String,
    /// What was found.
    pub found: String,
    /// The step that cures it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cure: Option<String>,
}

impl Line {
    pub(super) fn ok(thing: impl Into<String>, found: impl Into<String>) -> Self {
        Self::new(Verdict::Ok, thing, found)
    }

    pub(super) fn warn(thing: impl Into<String>, found: impl Into<String>) -> Self {
        Self::new(Verdict::Warn, thing, found)
    }

    pub(super) fn fail(thing: impl Into<String>, found: impl Into<String>) -> Self {
        Self::new(Verdict::Fail, thing, found)
    }

    pub(super) fn cured(self, cure: impl Into<String>) -> Self {
        Self { cure: Some(cure.into()), ..self }
    }

    /// What came over the network ends in a terminal: it must not write there what it likes.
    fn new(verdict: Verdict, thing: impl Into<String>, found: impl Into<String>) -> Self {
        let plain = |it: String| it.chars().map(|it| if it.is_control() { ' ' } else { it }).collect();
        Self { verdict, thing: plain(thing.into()), found: plain(found.into()), cure: None }
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:<4}  {}: {}", self.verdict, self.thing, self.found)?;
        self.cure.as_ref().map_or(Ok(()), |cure| write!(f, "\n      -> {cure}"))
    }
}
