//! YAML to a tree with places. A file that is not YAML is one problem; a key that is there twice is one problem each.

use std::{
    collections::BTreeMap,
    fmt,
    hash::{DefaultHasher, Hash, Hasher},
    ops::Range,
    sync::Arc,
};

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, SeqAccess, Visitor},
};
use serde_saphyr::{DuplicateKeyPolicy, Error, Location, NonFiniteFloatPolicy, Options, Spanned};

use super::{
    problem::{Place, Problem},
    show,
    tree::{Entry, Kind, Node, kind_of},
};

/// A larger file is refused: a config of a house with a thousand outlets has 200 kB.
const MOST_BYTES: usize = 1 << 20;

/// Reads a text. Never fails: what cannot be read is a problem, and what could be read of the rest is in the tree.
pub(super) fn read(file: &Arc<str>, text: &str) -> (Node, Vec<Problem>) {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut reading = Reading { file, text, lines: text.lines().count().max(1), problems: Vec::new() };
    let root = reading.place_at(1, 1);
    if text.len() > MOST_BYTES {
        reading.refuse(root.clone(), "", format!("{} bytes", text.len()), "at most 1048576 bytes");
        return (Node::empty(root), reading.problems);
    }
    match serde_saphyr::from_str_with_options::<Spanned<Raw>>(text, options()) {
        Ok(raw) => {
            let node = reading.node(raw, "");
            match node.kind {
                Kind::Map(_) => return (node, reading.problems),
                Kind::Null => {}
                _ => reading.refuse(node.place, "", kind_of(&node.kind).to_owned(), "sections such as `location:`"),
            }
        }
        Err(error) => {
            let place = error.location().map_or(root.clone(), |it| reading.place(it));
            reading.refuse(place, "", mistake(&error), "YAML, indented with spaces");
        }
    }
    (Node::empty(root), reading.problems)
}

/// A secret in a text.
pub(super) struct Hidden {
    /// What tells it from the others: its keys, with the only `name` of an item or what else is unlike in its list.
    pub(super) name: String,
    /// Its keys, for people.
    pub(super) path: String,
    /// In bytes.
    pub(super) range: Range<usize>,
}

/// A value or a key that has no parts.
pub(super) struct Scalar {
    /// Its keys, without the places in lists.
    pub(super) path: String,
    /// What it says.
    pub(super) text: String,
    /// Where that is written, in bytes: elsewhere, if it goes by another name.
    pub(super) range: Range<usize>,
}

/// A text as the parser gives it. `None` if it is too large, or no YAML.
fn raw(text: &str) -> Option<Spanned<Raw>> {
    let is_small = text.len() <= MOST_BYTES;
    is_small.then(|| serde_saphyr::from_str_with_options(text, options()).ok()).flatten()
}

/// All that a text says. `None` if it is no YAML, or nobody can say where something is.
pub(super) fn scalars(text: &str) -> Option<Vec<Scalar>> {
    let (raw, mut found) = (raw(text)?, Vec::new());
    said(&raw, "", &mut found)?;
    Some(found)
}

fn said(raw: &Spanned<Raw>, path: &str, found: &mut Vec<Scalar>) -> Option<()> {
    match &raw.value {
        Raw::List(items) => items.iter().try_for_each(|it| said(it, path, found)),
        Raw::Map(pairs) => pairs.iter().try_for_each(|(key, value)| {
            said(key, &format!("{path}?"), found)?;
            let key = key.value.word();
            said(value, &if path.is_empty() { key } else { format!("{path}.{key}") }, found)
        }),
        Raw::Null => Some(()),
        Raw::Bool(_) | Raw::Number(_) | Raw::Text(_) => {
            let range = bytes(raw)?;
            found.push(Scalar { path: path.to_owned(), text: raw.value.word(), range });
            Some(())
        }
    }
}

fn bytes(raw: &Spanned<Raw>) -> Option<Range<usize>> {
    let from = usize::try_from(raw.defined.span().byte_offset()?).ok()?;
    let length = usize::try_from(raw.defined.span().byte_len()?).ok()?;
    Some(from..from.checked_add(length)?)
}

/// Is it no YAML at all?
pub(super) fn is_broken(text: &str) -> bool {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    raw(text).is_none()
}

/// The secrets of a text. `None` if it is no YAML, or nobody can say where they are.
pub(super) fn secrets(text: &str) -> Option<Vec<Hidden>> {
    let (raw, mut found) = (raw(text)?, Vec::new());
    hidden(&raw, ["", ""], "", false, &mut found)?;
    Some(found)
}

/// Collects what is secret in a value with this name and path, below the key `above`.
fn hidden(
    raw: &Spanned<Raw>,
    [name, path]: [&str; 2],
    above: &str,
    is_secret: bool,
    found: &mut Vec<Hidden>,
) -> Option<()> {
    match &raw.value {
        Raw::Null => {}
        Raw::Text(text) if text.is_empty() => {}
        Raw::List(items) => {
            let nameless = items.iter().filter(|it| it.value.name().is_none()).count();
            for (at, item) in items.iter().enumerate() {
                // Nothing but a secret in a list of tokens.
                let is_secret = is_secret || (above == "tokens" && !matches!(item.value, Raw::List(_) | Raw::Map(_)));
                let own = item.value.name();
                let is_only = own.is_some() && items.iter().filter(|it| it.value.name() == own).count() == 1;
                let (called, shown) = match own.filter(|_| is_only) {
                    Some(own) => (format!("{name}[{own}]"), format!("{path}[{own}]")),
                    None if own.is_none() && nameless == 1 => (format!("{name}[]"), format!("{path}[{at}]")),
                    // Who has no name of its own is known by its place while all are there, and by what it says besides.
                    None => {
                        let mut likeness = DefaultHasher::new();
                        item.value.likens(above, &mut likeness);
                        (format!("{name}[{at} of {}, {:x}]", items.len(), likeness.finish()), format!("{path}[{at}]"))
                    }
                };
                hidden(item, [&called, &shown], above, is_secret, found)?;
            }
        }
        Raw::Map(pairs) => {
            for (key, value) in pairs {
                // A number may be a header's name.
                let key = key.value.word();
                if key.split_once(':').is_some_and(|(key, _)| show::is_secret(key, "")) {
                    // A colon without its blank.
                    return None;
                }
                let longer = |it: &str| if it.is_empty() { key.clone() } else { format!("{it}.{key}") };
                let is_secret = is_secret || show::is_secret(&key.to_ascii_lowercase(), above);
                hidden(value, [&longer(name), &longer(path)], &key, is_secret, found)?;
            }
        }
        Raw::Bool(_) | Raw::Number(_) | Raw::Text(_) if is_secret => {
            let range = bytes(raw)?;
            found.push(Hidden { name: name.to_owned(), path: path.to_owned(), range });
        }
        Raw::Bool(_) | Raw::Number(_) | Raw::Text(_) => {}
    }
    Some(())
}

/// What the parser says, in one line and without its advice to programmers.
fn mistake(error: &Error) -> String {
    if let Error::MultipleDocuments { .. } = error {
        return "a second document after `---`".to_owned();
    }
    let text = error.without_snippet().to_string();
    let text = text.lines().next().and_then(|line| line.split(" at line ").next()).unwrap_or_default();
    format!("a mistake in the YAML ({text})")
}

/// Limits far above any real config, so that no text can cost much time, memory or stack.
fn options() -> Options {
    serde_saphyr::options! {
        duplicate_keys: DuplicateKeyPolicy::PassThrough,
        non_finite_float_policy: NonFiniteFloatPolicy::PassThrough,
        with_snippet: false,
        budget: serde_saphyr::budget! {
            max_depth: 24,
            max_nodes: 50_000,
            max_events: 200_000,
            max_aliases: 1_000,
            max_anchors: 1_000,
            max_recorded_anchor_events: 100_000,
        },
        alias_limits: serde_saphyr::alias_limits! {
            max_total_replayed_events: 100_000,
            max_replay_stack_depth: 24,
        },
    }
}

struct Reading<'a> {
    file: &'a Arc<str>,
    text: &'a str,
    lines: usize,
    problems: Vec<Problem>,
}

impl Reading<'_> {
    fn place_at(&self, line: u64, column: u64) -> Place {
        Place::File { file: self.file.clone(), line, column }
    }

    /// The parser puts an end of input on the line after the last; a place must be one that an editor can show.
    fn place(&self, at: Location) -> Place {
        let last = u64::try_from(self.lines).unwrap_or(u64::MAX);
        match at.line() {
            line if line > last => self.place_at(last, 1),
            line => self.place_at(line.max(1), at.column().max(1)),
        }
    }

    fn refuse(&mut self, place: Place, path: &str, found: String, allowed: &str) {
        self.problems.push(Problem { place, path: path.to_owned(), found, allowed: allowed.to_owned(), hint: None });
    }

    fn source(&self, at: Location) -> Option<&str> {
        let from = usize::try_from(at.span().byte_offset()?).ok()?;
        let length = usize::try_from(at.span().byte_len()?).ok()?;
        self.text.get(from..from.checked_add(length)?).map(str::trim)
    }

    fn node(&mut self, raw: Spanned<Raw>, path: &str) -> Node {
        let place = self.place(raw.referenced);
        let kind = match raw.value {
            Raw::Null => Kind::Null,
            Raw::Bool(it) => Kind::Bool(it),
            Raw::Number(it) => Kind::Number(it, self.source(raw.defined).map_or_else(|| it.to_string(), str::to_owned)),
            Raw::Text(it) => Kind::Text(it),
            Raw::List(items) => Kind::List(
                items.into_iter().enumerate().map(|(at, item)| self.node(item, &format!("{path}[{at}]"))).collect(),
            ),
            Raw::Map(pairs) => Kind::Map(self.entries(pairs, path)),
        };
        Node { place, kind }
    }

    fn entries(&mut self, pairs: Vec<(Spanned<Raw>, Spanned<Raw>)>, path: &str) -> Vec<Entry> {
        let mut entries: Vec<Entry> = Vec::with_capacity(pairs.len());
        let mut seen: BTreeMap<String, Place> = BTreeMap::new();
        for (key, value) in pairs {
            let place = self.place(key.referenced);
            let Some(key) = self.key(&key) else {
                self.refuse(place, path, "a key that is no text".to_owned(), "text as a key");
                continue;
            };
            let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
            if let Some(first) = seen.get(&key) {
                let found = format!("`{key}` again (first on {})", first.brief());
                self.refuse(place, &path, found, "each key once");
                continue;
            }
            let value = self.node(value, &path);
            entries.push(Entry { key: key.clone(), place: place.clone(), value });
            seen.insert(key, place);
        }
        entries
    }

    /// A key as it was written, so that an unquoted `on` is `on` and not a truth value.
    fn key(&self, key: &Spanned<Raw>) -> Option<String> {
        match &key.value {
            Raw::Text(text) => Some(text.clone()),
            Raw::Null | Raw::Bool(_) | Raw::Number(_) => self.source(key.defined).map(str::to_owned),
            Raw::List(_) | Raw::Map(_) => None,
        }
    }
}

/// A value as the parser gives it.
enum Raw {
    Null,
    Bool(bool),
    Number(f64),
    Text(String),
    List(Vec<Spanned<Raw>>),
    Map(Vec<(Spanned<Raw>, Spanned<Raw>)>),
}

impl Raw {
    /// As a key.
    fn word(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Number(it) => it.to_string(),
            Self::Bool(it) => it.to_string(),
            Self::Null | Self::List(_) | Self::Map(_) => "?".to_owned(),
        }
    }

    /// What it says that is no secret.
    fn likens(&self, above: &str, likeness: &mut DefaultHasher) {
        match self {
            Self::List(items) => items.iter().for_each(|it| it.value.likens(above, likeness)),
            Self::Map(pairs) => {
                for (key, value) in pairs.iter().map(|(key, value)| (key.value.word(), value)) {
                    key.hash(likeness);
                    if !show::is_secret(&key, above) {
                        value.value.likens(&key, likeness);
                    }
                }
            }
            Self::Null | Self::Bool(_) | Self::Number(_) | Self::Text(_) => self.word().hash(likeness),
        }
    }

    /// What a map says is its `name`.
    fn name(&self) -> Option<&str> {
        let Self::Map(pairs) = self else { return None };
        pairs.iter().find_map(|(key, value)| match (&key.value, &value.value) {
            (Self::Text(key), Self::Text(name)) if key == "name" => Some(name.as_str()),
            _ => None,
        })
    }
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(RawVisitor)
    }
}

struct RawVisitor;

impl<'de> Visitor<'de> for RawVisitor {
    type Value = Raw;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Raw, E> {
        Ok(Raw::Null)
    }

    fn visit_none<E>(self) -> Result<Raw, E> {
        Ok(Raw::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Raw, D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_bool<E>(self, it: bool) -> Result<Raw, E> {
        Ok(Raw::Bool(it))
    }

    #[expect(clippy::cast_precision_loss, reason = "no key takes a number above 2^53, and the text is kept")]
    fn visit_i64<E>(self, it: i64) -> Result<Raw, E> {
        Ok(Raw::Number(it as f64))
    }

    #[expect(clippy::cast_precision_loss, reason = "no key takes a number above 2^53, and the text is kept")]
    fn visit_u64<E>(self, it: u64) -> Result<Raw, E> {
        Ok(Raw::Number(it as f64))
    }

    fn visit_f64<E>(self, it: f64) -> Result<Raw, E> {
        Ok(Raw::Number(it))
    }

    fn visit_str<E>(self, it: &str) -> Result<Raw, E> {
        Ok(Raw::Text(it.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Raw, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Raw::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut pairs: A) -> Result<Raw, A::Error> {
        let mut map = Vec::new();
        while let Some(pair) = pairs.next_entry()? {
            map.push(pair);
        }
        Ok(Raw::Map(map))
    }
}
