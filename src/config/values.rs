//! Reading single values: numbers, switches, texts, names of a list, secrets.

use std::{
    io::Read,
    path::{Path, PathBuf},
};

use super::{
    problem::Place,
    range::Range,
    schedule::Units,
    section::{Section, cut, nearest, shown},
    shape::Shape,
    show,
    tree::{Entry, Kind, Node, kind_of},
};
use crate::model::{Celsius, Secret};

/// A file with a secret is not larger than this.
const MOST_SECRET_BYTES: u64 = 64 * 1024;

/// A number, if the value is one; text from outside the file is read as one.
pub(super) fn number_of(node: &Node) -> Option<f64> {
    match &node.kind {
        Kind::Number(it, _) => Some(*it),
        Kind::Text(text) if node.place.is_untyped() => text.trim().parse().ok(),
        _ => None,
    }
}

/// A whole number, if the value is one.
pub(super) fn whole_of(node: &Node) -> Option<f64> {
    number_of(node).filter(|it| it.fract() == 0.0)
}

impl Section<'_> {
    fn number_in(&self, key: &'static str, range: Range, whole: bool) -> Option<f64> {
        self.note(key, || if whole { Shape::Whole(range) } else { Shape::Number(range) });
        let node = &self.get(key)?.value;
        let number = if whole { whole_of(node) } else { number_of(node) };
        let fits = number.filter(|it| range.has(*it));
        if fits.is_none() {
            self.refuse(key, shown(node), format!("a {}number {range}", if whole { "whole " } else { "" }));
        }
        fits
    }

    /// A number in a range.
    pub(super) fn number(&self, key: &'static str, range: Range) -> Option<f64> {
        self.number_in(key, range, false)
    }

    /// A whole number in a range that lies within `T`.
    pub(super) fn whole<T: TryFrom<i64>>(&self, key: &'static str, range: Range) -> Option<T> {
        #[expect(clippy::cast_possible_truncation, reason = "the range was checked and the number is whole")]
        let it = self.number_in(key, range, true)? as i64;
        T::try_from(it).ok()
    }

    /// A number that must be there.
    pub(super) fn required_number(&self, key: &'static str, range: Range) -> f64 {
        if !self.has(key) {
            self.miss(key, format!("a number {range}"));
        }
        self.number(key, range).unwrap_or_default()
    }

    /// A temperature under a key that follows `units`, or under its twin that is always in °F. Both are a problem.
    pub(super) fn temperature(
        &self,
        units: Units,
        (plain, fahrenheit): (&'static str, &'static str),
        range: impl Fn(Units) -> Range,
    ) -> Option<Celsius> {
        self.one_of_two(plain, fahrenheit);
        let followed = self.number(plain, range(units)).map(|degrees| units.celsius(degrees));
        let always = self.number(fahrenheit, range(Units::Imperial)).map(Celsius::from_fahrenheit);
        followed.or(always)
    }

    /// Refuses a key beside its twin.
    pub(super) fn one_of_two(&self, plain: &'static str, twin: &'static str) {
        if self.has(plain) && self.has(twin) {
            self.refuse(plain, format!("`{plain}` beside `{twin}`"), "one of the two");
        }
    }

    /// True or false.
    pub(super) fn switch(&self, key: &'static str) -> Option<bool> {
        self.note(key, || Shape::Switch);
        let node = &self.get(key)?.value;
        let word = match &node.kind {
            Kind::Bool(it) => return Some(*it),
            Kind::Text(text) if node.place.is_untyped() => text.trim().to_lowercase(),
            _ => String::new(),
        };
        match word.as_str() {
            "true" | "1" | "yes" | "on" => Some(true),
            "false" | "0" | "no" | "off" => Some(false),
            _ => {
                self.refuse(key, shown(node), "true or false");
                None
            }
        }
    }

    /// Text that is not empty.
    pub(super) fn text(&self, key: &'static str) -> Option<String> {
        self.note(key, || Shape::Text);
        let node = &self.get(key)?.value;
        match &node.kind {
            Kind::Text(text) if !text.trim().is_empty() => Some(text.trim().to_owned()),
            Kind::Text(_) => {
                self.refuse(key, "an empty text", "text");
                None
            }
            Kind::Bool(_) | Kind::Number(..) => {
                self.refuse(key, shown(node), "text (write it in quotes)");
                None
            }
            _ => {
                self.refuse(key, kind_of(&node.kind), "text");
                None
            }
        }
    }

    /// Text that is not empty, or a number as it was written.
    pub(super) fn text_or_number(&self, key: &'static str) -> Option<String> {
        self.note(key, || Shape::Text);
        self.note(key, || Shape::Number(Range::ANY));
        match self.get(key).map(|entry| &entry.value.kind) {
            Some(Kind::Number(_, text)) => Some(text.clone()),
            _ => self.text(key),
        }
    }

    /// One of some names, in any case of letters; the first of several spellings is the name.
    pub(super) fn one_of(&self, key: &'static str, names: &[&'static str]) -> Option<&'static str> {
        self.note(key, || Shape::OneOf(names.to_vec()));
        let node = &self.get(key)?.value;
        // YAML reads an unquoted `off` as false, and a person still means the word.
        let word = match &node.kind {
            Kind::Text(text) => text.trim().to_owned(),
            Kind::Number(_, text) => text.clone(),
            Kind::Bool(false) => "off".to_owned(),
            Kind::Bool(true) => "on".to_owned(),
            _ => String::new(),
        };
        let found = names.iter().find(|name| name.eq_ignore_ascii_case(&word)).copied();
        if found.is_none() {
            let hint = nearest(&word, names.iter().copied()).filter(|_| names.len() > 1);
            self.refuse_with(key, shown(node), one_of(names), hint);
        }
        found
    }

    /// The texts of a list; a single text from outside the file is split at its commas.
    pub(super) fn texts(&self, key: &'static str) -> Option<Vec<String>> {
        self.note(key, || Shape::Texts);
        let entry = self.get(key)?;
        if let (Kind::Text(text), true) = (&entry.value.kind, entry.value.place.is_untyped()) {
            return Some(text.split(',').map(|it| it.trim().to_owned()).filter(|it| !it.is_empty()).collect());
        }
        let mut texts = Vec::new();
        for (path, node) in self.list(key) {
            match &node.kind {
                Kind::Text(text) => texts.push(text.trim().to_owned()),
                _ => self.book.refuse(&node.place, &path, shown(node), "text"),
            }
        }
        Some(texts)
    }

    /// A secret: the key itself, or the trimmed contents of the file that `file_key` names. The stronger source wins; both
    /// from one source are a problem. An empty one counts as not given.
    pub(super) fn secret(&self, key: &'static str, file_key: &'static str) -> Option<Secret> {
        self.note(key, || Shape::Secret);
        self.note(file_key, || Shape::Text);
        let (plain, file) = (self.get(key), self.get(file_key));
        let file_wins = match (plain, file) {
            (None, None) => return None,
            (Some(plain), Some(file)) if plain.value.place.rank() == file.value.place.rank() => {
                self.refuse(file_key, format!("`{file_key}` beside `{key}`"), "one of the two");
                return None;
            }
            (Some(plain), Some(file)) => file.value.place.rank() > plain.value.place.rank(),
            (plain, _) => plain.is_none(),
        };
        let text = if file_wins { self.contents(file_key)? } else { self.plain_secret(key, plain?)? };
        if text == show::MASK {
            // What is shown in a secret's place would be one that everybody knows.
            self.refuse(key, "the asterisks that are shown in its place", "the secret itself");
            return None;
        }
        (!text.is_empty()).then(|| Secret::new(text))
    }

    /// The file that the secret was read from, if it was a file.
    pub(super) fn secret_path(&self, key: &'static str, file_key: &'static str) -> Option<PathBuf> {
        let (plain, file) = (self.get(key), self.get(file_key)?);
        let file_wins = plain.is_none_or(|plain| file.value.place.rank() > plain.value.place.rank());
        if file_wins { self.text(file_key).map(PathBuf::from) } else { None }
    }

    fn plain_secret(&self, key: &'static str, entry: &Entry) -> Option<String> {
        match &entry.value.kind {
            Kind::Text(text) | Kind::Number(_, text) => Some(text.clone()),
            _ => {
                self.refuse(key, kind_of(&entry.value.kind), "text (write it in quotes)");
                None
            }
        }
    }

    fn contents(&self, file_key: &'static str) -> Option<String> {
        let path = self.text(file_key)?;
        match read_secret(Path::new(&path)) {
            Ok(text) => Some(text.trim().to_owned()),
            Err(error) => {
                self.refuse(
                    file_key,
                    format!("\"{}\": {error}", cut(&path)),
                    "a file with the secret that we may read",
                );
                None
            }
        }
    }

    /// Where the value of a key stands, or the section if the key is not there.
    pub(super) fn place_of(&self, key: &'static str) -> Place {
        self.get(key).map_or_else(|| self.place.clone(), |entry| entry.value.place.clone())
    }
}

/// `a`, `a or b`, `a, b or c`.
pub(super) fn one_of(names: &[&str]) -> String {
    match names.split_last() {
        Some((last, [])) => (*last).to_owned(),
        Some((last, rest)) => format!("{} or {last}", rest.join(", ")),
        None => String::new(),
    }
}

/// A pipe or a device could make the start wait for ever, so only plain files are read.
fn read_secret(path: &Path) -> std::io::Result<String> {
    if !std::fs::metadata(path)?.is_file() {
        return Err(std::io::Error::other("not a plain file"));
    }
    let mut text = String::new();
    std::fs::File::open(path)?.take(MOST_SECRET_BYTES).read_to_string(&mut text)?;
    Ok(text)
}
