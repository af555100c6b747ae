//! What the table of entities is written in.

use serde_json::{Value, json};

use super::topics::Topics;
use crate::model::{Mode, NoticeKind};

/// One topic about a subject.
pub(super) struct Sheet<V: 'static> {
    /// Where it is published.
    pub topic: fn(&Topics, &V) -> String,
    /// Is there anything to publish?
    pub has: fn(&V) -> bool,
    /// What it looks like.
    pub form: Form,
    /// Its fields.
    pub rows: &'static [Row<V>],
}

/// What a topic looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// A JSON object: a key for each row.
    Fields,
    /// The value of the only row.
    Whole,
    /// Messages that come and go; nothing is retained.
    Passing,
}

/// The least and the most.
type Bounds<V> = fn(&V) -> (Value, Value);

/// One field.
pub(super) struct Row<V: 'static> {
    /// Its key in the JSON.
    pub field: &'static str,
    /// Does this subject have it at all?
    pub has: fn(&V) -> bool,
    /// Its value; `null` while unknown.
    pub read: fn(&V) -> Value,
    /// The least and the most that its entity can be set to, where that hangs on the subject.
    pub bounds: Option<Bounds<V>>,
    /// The entity.
    pub entity: Option<Entity>,
}

/// An entity of Home Assistant.
pub(super) struct Entity {
    /// The last part of its unique id.
    pub key: &'static str,
    /// `switch`, `sensor`, …
    pub platform: &'static str,
    /// Its name beside the device's; `None` for the device's main entity.
    pub name: Option<&'static str>,
    /// How its value is read from the topic.
    pub template: Template,
    /// The command topic below the state topic's subject.
    pub command: Option<&'static str>,
    /// Where its attributes are.
    pub attributes: Attributes,
    /// Does it stay available while its device is away?
    pub outlives: Outlives,
    /// Whatever else Home Assistant is told.
    pub more: &'static [(&'static str, More)],
}

/// Where the attributes of an entity are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Attributes {
    /// It has none.
    None,
    /// The fields of its own topic.
    Own,
    /// The fields of a topic below the subject's.
    Below(&'static str),
}

/// How a value is read from a topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Template {
    /// The payload itself.
    Plain,
    /// The row's field.
    Field,
    /// On if the row's field holds anything.
    Holds,
    /// The row's field, as far as Home Assistant takes it: a state has 255 characters at most.
    Short,
    /// The row's field, and a group that is mixed counts as on.
    Mixed,
}

/// What an entity's availability does not depend on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outlives {
    /// Nothing: it is available while its subject is.
    Nothing,
    /// Its device: it says itself that the device is away.
    Device,
    /// The bridge too.
    Bridge,
}

/// How much can be logged, beside filters that Home Assistant's select cannot show.
pub(super) const LEVELS: [&str; 5] = ["error", "warn", "info", "debug", "trace"];

/// A constant of an entity.
#[derive(Clone, Copy, Debug)]
pub(super) enum More {
    /// Text.
    Text(&'static str),
    /// A number.
    Number(u8),
    /// Yes or no.
    Flag(bool),
    /// The positions of a control select.
    Controls,
    /// Every mode.
    Modes,
    /// Every kind of notice.
    Events,
    /// How much can be logged.
    Levels,
}

impl More {
    /// As JSON.
    pub(super) fn value(self) -> Value {
        match self {
            Self::Text(text) => json!(text),
            Self::Number(number) => json!(number),
            Self::Flag(flag) => json!(flag),
            Self::Controls => json!(["auto", "on", "off"]),
            Self::Modes => json!(Mode::NAMES),
            Self::Levels => json!(LEVELS),
            Self::Events => json!(NoticeKind::ALL.map(NoticeKind::as_str)),
        }
    }
}
