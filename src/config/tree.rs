//! A config as a tree in which every key and every value knows its place.

use super::problem::Place;

/// A value and its place. It has no `Debug` on purpose: it may hold a secret.
#[derive(Clone)]
pub(super) struct Node {
    pub(super) place: Place,
    pub(super) kind: Kind,
}

/// What a value is.
#[derive(Clone)]
pub(super) enum Kind {
    Null,
    Bool(bool),
    /// A number, with its text as it was written: `0123` and `1.10` lose digits as numbers.
    Number(f64, String),
    Text(String),
    List(Vec<Node>),
    Map(Vec<Entry>),
}

/// A key of a map with its own place.
#[derive(Clone)]
pub(super) struct Entry {
    pub(super) key: String,
    pub(super) place: Place,
    pub(super) value: Node,
}

impl Node {
    /// An empty map.
    pub(super) fn empty(place: Place) -> Self {
        Self { place, kind: Kind::Map(Vec::new()) }
    }

    /// The entries of a map; none of anything else.
    pub(super) fn entries(&self) -> &[Entry] {
        match &self.kind {
            Kind::Map(entries) => entries,
            _ => &[],
        }
    }

    /// The entry at a path of keys.
    pub(super) fn at(&self, path: &[String]) -> Option<&Entry> {
        let (last, above) = path.split_last()?;
        let parent = match above {
            [] => self,
            _ => &self.at(above)?.value,
        };
        parent.entries().iter().find(|entry| entry.key == *last)
    }

    /// Puts a leaf at a path, with maps on the way. Returns the place of a value that was in the way and is gone.
    pub(super) fn put(&mut self, path: &[String], leaf: Node) -> Option<Place> {
        let Some((first, rest)) = path.split_first() else {
            let displaced = (!matches!(self.kind, Kind::Null)).then(|| self.place.clone());
            *self = leaf;
            return displaced;
        };
        let displaced = match self.kind {
            Kind::Map(_) | Kind::Null => None,
            _ => Some(self.place.clone()),
        };
        if !matches!(self.kind, Kind::Map(_)) {
            self.kind = Kind::Map(Vec::new());
        }
        let Kind::Map(entries) = &mut self.kind else { return displaced };
        if let Some(entry) = entries.iter_mut().find(|entry| entry.key == *first) {
            return entry.value.put(rest, leaf).or(displaced);
        }
        let mut value = Node { place: leaf.place.clone(), kind: Kind::Null };
        let place = leaf.place.clone();
        let deeper = value.put(rest, leaf);
        entries.push(Entry { key: first.clone(), place, value });
        deeper.or(displaced)
    }

    /// Gives every key and value one place.
    pub(super) fn moved_to(mut self, place: &Place) -> Self {
        self.place = place.clone();
        self.kind = match self.kind {
            Kind::List(items) => Kind::List(items.into_iter().map(|item| item.moved_to(place)).collect()),
            Kind::Map(entries) => Kind::Map(
                entries
                    .into_iter()
                    .map(|it| Entry { key: it.key, place: place.clone(), value: it.value.moved_to(place) })
                    .collect(),
            ),
            leaf => leaf,
        };
        self
    }
}

/// What a value is, without the value.
pub(super) fn kind_of(kind: &Kind) -> &'static str {
    match kind {
        Kind::Null => "nothing",
        Kind::Bool(_) => "true or false",
        Kind::Number(..) => "a number",
        Kind::Text(_) => "text",
        Kind::List(_) => "a list",
        Kind::Map(_) => "a section",
    }
}
