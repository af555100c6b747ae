//! What is wrong with a config, and where.

use std::{fmt, path::PathBuf, sync::Arc};

use crate::model::{HomeAssistantSettings, LogSettings, MqttSettings, WebSettings};

/// Where a value came from. The order is that of a report: the file from top to bottom, then what is not in it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// The file as a whole: it is missing or cannot be read.
    Whole(Arc<str>),
    /// A line and a column of the file, both from 1; columns count characters.
    File {
        /// The file's name as it was given.
        file: Arc<str>,
        /// From 1.
        line: u64,
        /// From 1.
        column: u64,
    },
    /// The built-in defaults.
    Default,
    /// An environment variable, by its name.
    Environment(String),
    /// A command-line option, by its name.
    Flag(&'static str),
}

impl Place {
    /// How strong a value from here is: defaults, file, environment, command line.
    pub(super) fn rank(&self) -> u8 {
        match self {
            Self::Default => 0,
            Self::Whole(_) | Self::File { .. } => 1,
            Self::Environment(_) => 2,
            Self::Flag(_) => 3,
        }
    }

    /// Values from here are plain text, to be read as whatever the key wants.
    pub(super) fn is_untyped(&self) -> bool {
        matches!(self, Self::Environment(_) | Self::Flag(_))
    }

    /// `line 12`, or the place itself where it is not in the file: for a mention inside another message.
    pub(super) fn brief(&self) -> String {
        match self {
            Self::File { line, .. } => format!("line {line}"),
            other => other.to_string(),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Whole(file) => f.write_str(file),
            Self::File { file, line, column } => write!(f, "{file}:{line}:{column}"),
            Self::Default => f.write_str("default"),
            Self::Environment(name) => write!(f, "environment {name}"),
            Self::Flag(name) => write!(f, "option {name}"),
        }
    }
}

/// One thing that is wrong. It never holds a secret.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// Where.
    pub place: Place,
    /// The key: `devices.groups.mat.items[0].outlets[1]`; empty for the config as a whole.
    pub path: String,
    /// What was found there.
    pub found: String,
    /// What is allowed there.
    pub allowed: String,
    /// The nearest right key or name.
    pub hint: Option<String>,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.place)?;
        if !self.path.is_empty() {
            write!(f, "{}: ", self.path)?;
        }
        write!(f, "found {}; allowed: {}", self.found, self.allowed)?;
        match &self.hint {
            Some(hint) => write!(f, "; did you mean `{hint}`?"),
            None => Ok(()),
        }
    }
}

/// What could be read of a config with problems: enough for setup mode to serve its page and to say so on the broker.
#[derive(Clone, Debug)]
pub struct Partial {
    /// The broker; `None` when the section is absent or has a problem of its own.
    pub mqtt: Option<MqttSettings>,
    /// Home Assistant discovery; the defaults when the section has a problem of its own.
    pub homeassistant: HomeAssistantSettings,
    /// The HTTP server: each key that could be read, and loopback and the usual port for those that could not.
    pub web: WebSettings,
    /// Does the config want a page at all, as far as can be read?
    pub wants_page: bool,
    /// The log; the defaults when the section has a problem of its own.
    pub log: LogSettings,
    /// The data folder.
    pub data: PathBuf,
}

/// Every problem of a config at once, sorted by place.
#[derive(Clone, Debug)]
pub struct Problems {
    /// The config file's name, as it was given.
    pub file: String,
    /// What is wrong. Never empty.
    pub list: Vec<Problem>,
    /// What is legal but worth a line, each with its place.
    pub warnings: Vec<String>,
    /// What could be read all the same.
    pub partial: Box<Partial>,
}

impl std::error::Error for Problems {}

impl fmt::Display for Problems {
    /// One problem a line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, problem) in self.list.iter().enumerate() {
            if at > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{problem}")?;
        }
        Ok(())
    }
}
