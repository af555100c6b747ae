//! What may stand at each key, written down while the readers read: the schema and the reference of the keys are made of it, so that they
//! cannot say anything else than the readers do.

use std::{cell::RefCell, collections::BTreeMap};

use super::range::Range;

/// What may stand at a key. There may be several: `off` or a number.
#[derive(Clone, PartialEq)]
pub(super) enum Shape {
    Section,
    List,
    Switch,
    Number(Range),
    Whole(Range),
    Text,
    /// Text that is shown to nobody.
    Secret,
    OneOf(Vec<&'static str>),
    /// A list of texts.
    Texts,
}

/// What was read of one key.
#[derive(Clone, Default)]
pub(super) struct Key {
    pub(super) shapes: Vec<Shape>,
    /// It is legal and without effect.
    pub(super) is_retired: bool,
}

/// What was read. Items of lists are `[]`, names of the user's choice are `*`.
#[derive(Default)]
pub(super) struct Shapes(RefCell<BTreeMap<String, Key>>);

/// Sections whose keys are names.
const NAMED: [&str; 3] = ["devices.groups", "notifications.routing", "notifications.webhook.headers"];

impl Shapes {
    /// Writes down that somebody asks for the key at a path, and what may stand there.
    pub(super) fn note(&self, path: &str, shape: Option<Shape>) {
        let mut keys = self.0.borrow_mut();
        let key = keys.entry(pattern(path)).or_default();
        if let Some(shape) = shape.filter(|it| !key.shapes.contains(it)) {
            key.shapes.push(shape);
        }
    }

    /// Writes down that a key has no effect.
    pub(super) fn retire(&self, path: &str) {
        self.0.borrow_mut().entry(pattern(path)).or_default().is_retired = true;
    }

    /// All of it.
    pub(super) fn found(self) -> BTreeMap<String, Key> {
        self.0.into_inner()
    }
}

/// The path of a key as a pattern: without the numbers of items and the names that the user chose.
fn pattern(path: &str) -> String {
    let mut found = String::new();
    for level in path.split('.') {
        let level = if NAMED.contains(&found.as_str()) { "*" } else { level };
        let (key, place) = level.split_once('[').map_or((level, ""), |(key, _)| (key, "[]"));
        let dot = if found.is_empty() { "" } else { "." };
        found.extend([dot, key, place]);
    }
    found
}
