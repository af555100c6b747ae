//! Reading one section of the merged config, key by key. Nothing stops at the first problem: what cannot be read is written
//! down, its place is taken by a stand-in, and the settings are thrown away at the end if anything was written down.

use std::{cell::RefCell, collections::BTreeSet, fmt, sync::Arc};

use super::{
    problem::{Place, Problem},
    shape::{Shape, Shapes},
    tree::{Entry, Kind, Node, kind_of},
};

/// Where problems and warnings are written down.
pub(super) struct Book {
    /// The config file's name.
    pub(super) file: Arc<str>,
    pub(super) problems: RefCell<Vec<Problem>>,
    pub(super) warnings: RefCell<Vec<(Place, String)>>,
    /// What is asked for, while somebody wants to know.
    pub(super) shapes: Option<Shapes>,
}

impl Book {
    pub(super) fn new(file: Arc<str>) -> Self {
        Self { file, problems: RefCell::default(), warnings: RefCell::default(), shapes: None }
    }

    /// The first character of the file: the place of what is not there at all.
    pub(super) fn top(&self) -> Place {
        Place::File { file: self.file.clone(), line: 1, column: 1 }
    }

    /// Writes down what may stand at a path.
    pub(super) fn note(&self, path: &str, shape: impl FnOnce() -> Shape) {
        if let Some(shapes) = &self.shapes {
            shapes.note(path, Some(shape()));
        }
    }

    pub(super) fn count(&self) -> usize {
        self.problems.borrow().len()
    }

    pub(super) fn refuse(&self, place: &Place, path: &str, found: impl fmt::Display, allowed: impl fmt::Display) {
        self.refuse_with(place, path, found, allowed, None);
    }

    pub(super) fn refuse_with(
        &self,
        place: &Place,
        path: &str,
        found: impl fmt::Display,
        allowed: impl fmt::Display,
        hint: Option<String>,
    ) {
        let problem = Problem {
            place: if *place == Place::Default { self.top() } else { place.clone() },
            path: path.to_owned(),
            found: found.to_string(),
            allowed: allowed.to_string(),
            hint,
        };
        self.problems.borrow_mut().push(problem);
    }

    pub(super) fn warn(&self, place: &Place, path: &str, text: impl fmt::Display) {
        self.warnings.borrow_mut().push((place.clone(), format!("{place}: {path}: {text}")));
    }
}

/// A map of the config, and which of its keys somebody knows.
pub(super) struct Section<'a> {
    pub(super) book: &'a Book,
    pub(super) path: String,
    /// Where its key stands.
    pub(super) place: Place,
    /// False where something else stands in the place of the section: what it lacks is not worth telling then.
    is_map: bool,
    entries: &'a [Entry],
    known: RefCell<BTreeSet<&'static str>>,
}

impl<'a> Section<'a> {
    pub(super) fn new(book: &'a Book, path: String, place: Place, node: &'a Node) -> Self {
        let is_map = matches!(node.kind, Kind::Map(_));
        if !is_map {
            // What stands in the place of a section may be a secret in the wrong line: it is named by its kind only.
            book.refuse(&node.place, &path, kind_of(&node.kind), "a section: keys with values, indented below");
        }
        Self { book, path, place, is_map, entries: node.entries(), known: RefCell::default() }
    }

    pub(super) fn path_of(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    /// The entry of a key, which is known from now on. A key without a value is as good as not there.
    pub(super) fn get(&self, key: &'static str) -> Option<&'a Entry> {
        self.known.borrow_mut().insert(key);
        if let Some(shapes) = &self.book.shapes {
            shapes.note(&self.path_of(key), None);
        }
        self.entries.iter().find(|entry| entry.key == key && !matches!(entry.value.kind, Kind::Null))
    }

    /// Writes down what may stand at a key.
    pub(super) fn note(&self, key: &str, shape: impl FnOnce() -> Shape) {
        if let Some(shapes) = &self.book.shapes {
            shapes.note(&self.path_of(key), Some(shape()));
        }
    }

    pub(super) fn has(&self, key: &'static str) -> bool {
        self.get(key).is_some()
    }

    /// All entries, for sections whose keys are names of the user's choice.
    pub(super) fn all(&self) -> &'a [Entry] {
        self.entries
    }

    /// A section below this one; `None` if it is not there.
    pub(super) fn section(&self, key: &'static str) -> Option<Section<'a>> {
        self.note(key, || Shape::Section);
        let entry = self.get(key)?;
        Some(Section::new(self.book, self.path_of(key), entry.place.clone(), &entry.value))
    }

    /// The items of a list with their paths; none if it is not there.
    pub(super) fn list(&self, key: &'static str) -> Vec<(String, &'a Node)> {
        self.note(key, || Shape::List);
        let Some(entry) = self.get(key) else { return Vec::new() };
        match &entry.value.kind {
            Kind::List(items) => {
                items.iter().enumerate().map(|(at, item)| (format!("{}[{at}]", self.path_of(key)), item)).collect()
            }
            _ => {
                self.refuse(key, kind_of(&entry.value.kind), "a list");
                Vec::new()
            }
        }
    }

    /// Writes down a problem with the value of a key, or with the section if the key is not there.
    pub(super) fn refuse(&self, key: &str, found: impl fmt::Display, allowed: impl fmt::Display) {
        self.refuse_with(key, found, allowed, None);
    }

    /// The same with the nearest right name.
    pub(super) fn refuse_with(
        &self,
        key: &str,
        found: impl fmt::Display,
        allowed: impl fmt::Display,
        hint: Option<String>,
    ) {
        let entry = self.entries.iter().find(|entry| entry.key == key);
        let place = entry.map_or(&self.place, |entry| &entry.value.place);
        self.book.refuse_with(place, &self.path_of(key), found, allowed, hint);
    }

    /// Writes down that a required key is not there.
    pub(super) fn miss(&self, key: &str, allowed: impl fmt::Display) {
        if self.is_map {
            self.refuse(key, "nothing", allowed);
        }
    }

    /// A warning about a key, if somebody has set it.
    pub(super) fn warn(&self, key: &'static str, text: impl fmt::Display) {
        if let Some(entry) = self.get(key).filter(|entry| entry.place != Place::Default) {
            self.book.warn(&entry.place, &self.path_of(key), text);
        }
    }

    /// Says that keys are legal but without effect so far.
    pub(super) fn unused(&self, keys: &[&'static str]) {
        for key in keys {
            if let Some(shapes) = &self.book.shapes {
                shapes.retire(&self.path_of(key));
            }
            self.warn(key, "accepted, not used by this version");
        }
    }

    /// Refuses every key that nobody has asked for, with the nearest right one.
    pub(super) fn close(self) {
        let known = self.known.borrow();
        for entry in self.entries.iter().filter(|entry| !known.contains(entry.key.as_str())) {
            let names: Vec<_> = known.iter().map(|key| format!("`{key}`")).collect();
            let hint = nearest(&entry.key, known.iter().copied());
            let path = self.path_of(&entry.key);
            self.book.refuse_with(
                &entry.place,
                &path,
                format!("an unknown key `{}`", cut(&entry.key)),
                names.join(" "),
                hint,
            );
        }
    }
}

/// The nearest of some names, if any is near.
pub(super) fn nearest<'n>(wrong: &str, names: impl Iterator<Item = &'n str>) -> Option<String> {
    let wrong = wrong.to_lowercase();
    names
        .map(|name| (strsim::jaro_winkler(&wrong, &name.to_lowercase()), name))
        .filter(|(likeness, _)| *likeness > 0.75)
        .max_by(|(one, _), (other, _)| one.total_cmp(other))
        .map(|(_, name)| name.to_owned())
}

/// A value as a problem shows it. Not for secrets.
pub(super) fn shown(node: &Node) -> String {
    match &node.kind {
        Kind::Bool(it) => it.to_string(),
        Kind::Number(_, text) => cut(text),
        Kind::Text(text) => format!("\"{}\"", cut(text)),
        _ => kind_of(&node.kind).to_owned(),
    }
}

/// What was found where a host is wanted. An address may carry a login, so it is not repeated.
pub(super) fn unless_a_login(text: &str) -> String {
    if text.contains('@') || text.contains("://") { "another text".to_owned() } else { format!("\"{}\"", cut(text)) }
}

/// At most 60 characters on one line.
pub(super) fn cut(text: &str) -> String {
    let short: String = text.chars().take(60).flat_map(char::escape_debug).collect();
    if text.chars().count() > 60 { format!("{short}…") } else { short }
}
