//! What a person asks for.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{OutletId, Slug, Switch};

/// Which outlets a command is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// One outlet.
    Outlet(OutletId),
    /// Every outlet of a group.
    Group(Slug),
    /// The whole house (vacation).
    House,
}

/// How long a wish lasts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Lasting {
    /// The group's `manual_override_hours`, else the global value.
    #[default]
    Default,
    /// Elapsed time: above 0, at most 24 h.
    For(SignedDuration),
    /// Until an instant, at most 24 h ahead.
    Until(Timestamp),
    /// Until the rules next change their mind, at most 24 h.
    NextChange,
}

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// A person has looked at a fault: the outlet may be tried again.
    Acknowledge,
    /// Switch, with an end.
    Set(Switch, Lasting),
    /// Switch to the other position; a group that is mixed goes off.
    Toggle,
    /// Change who decides.
    Control(Control),
    /// Never on for longer than this without a rest: at most what the config allows.
    LongestOn(SignedDuration),
    /// Start or end the vacation.
    Vacation(bool),
    /// All rules fall silent until then: above 0, at most 7 days ahead.
    Pause(End),
    /// The rules speak again.
    Resume,
}

/// Who decides about an outlet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Control {
    /// The rules, and wishes with an end.
    #[default]
    Auto,
    /// On as a plain `ON`, then `auto`. Never stored: an outlet whose wish is on shows it.
    On,
    /// Off until a person ends it. Kept over restarts.
    Off,
}

impl Control {
    /// As MQTT and Home Assistant read it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::On => "on",
            Self::Off => "off",
        }
    }
}

/// Where a command came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// An MQTT topic (Home Assistant, Node-RED, a script).
    Mqtt,
    /// The HTTP API or the page.
    Web,
    /// The plug's own button, or the vendor's app.
    Plug,
    /// Found on at the first contact, and kept with an end.
    Adopted,
}

impl Origin {
    /// In a sentence: "asked by …".
    pub fn words(self) -> &'static str {
        match self {
            Self::Mqtt => "MQTT",
            Self::Web => "the web page",
            Self::Plug => "the plug's button or app",
            Self::Adopted => "its state at first contact",
        }
    }
}

/// A command that could be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    /// Which outlets.
    pub target: Target,
    /// What is to be done.
    pub verb: Verb,
    /// Who asked.
    pub origin: Origin,
    /// The asker's own mark, returned in events about this command.
    pub transaction: Option<String>,
    /// Why, in the asker's own words: one short line.
    pub reason: Option<String>,
    /// The number by which the shell that hands it over knows the notices that answer it.
    pub ticket: Option<u64>,
}

impl Command {
    /// A command without a mark.
    pub fn new(target: Target, verb: Verb, origin: Origin) -> Self {
        Self { target, verb, origin, transaction: None, reason: None, ticket: None }
    }
}

/// All rules are silent, with an end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pause {
    /// Since when.
    pub since: Timestamp,
    /// Until when.
    pub end: End,
}

/// When a wish ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum End {
    /// After elapsed time: moves with the clock when the clock is set.
    Elapsed(Timestamp),
    /// At a wall-clock instant.
    At(Timestamp),
    /// When the rules no longer say `rules_said`, at `latest` in any case.
    NextChange {
        /// What the rules said when the wish was made.
        rules_said: Switch,
        /// 24 h after the wish was made.
        latest: Timestamp,
    },
}

impl End {
    /// The last instant at which the wish can still hold.
    pub fn latest(self) -> Timestamp {
        match self {
            Self::Elapsed(at) | Self::At(at) | Self::NextChange { latest: at, .. } => at,
        }
    }
}

/// A person's wish about one outlet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wish {
    /// The position that is wished.
    pub switch: Switch,
    /// When it was made.
    pub since: Timestamp,
    /// When it ends.
    pub end: End,
    /// Who made it.
    pub origin: Origin,
}
