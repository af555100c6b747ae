//! What the readers read of the config, with words: what the schema and the page of the keys are made of.

use std::collections::BTreeMap;

use super::{
    Overrides,
    section::Book,
    settings,
    shape::{Key, Shape, Shapes},
    stacked,
    words::{Word, words},
    yaml,
};

/// Every section and each kind of item. Values do not matter, but where other keys hang on them.
const EVERYTHING: &str = r#"
location: {}
thresholds: {black_ice_detection: {}}
weather_api:
  resilience: {}
  when_unknown: {hold: 2h}
  local: {topics: [{}]}
  open_meteo: {}
  met_norway: {}
  nws: {}
  openweathermap: {}
  pirate_weather: {}
devices:
  credentials: {}
  groups:
    any:
      automation: {}
      schedule: {}
      circuit: {}
      melt: {}
      items: [{outlets: [0]}]
      schedules:
        - days: [1]
          dates: {}
          except: ["2026-12-24", {}]
          also: ["2026-10-31"]
          safety: {}
          conditions: {}
          on: {type: time}
          off: {type: time}
        - {on: {type: sunset}, off: {type: duration}}
        - {on: {type: cron}, off: {type: sunrise}}
tariff: {windows: [{days: [1]}]}
mqtt: {tls: {}}
homeassistant: {}
web: {tokens: [{}], auth: {}}
health_server: {}
history: {}
notifications:
  daily_summary: "07:00"
  email: {enabled: true}
  webhook: {enabled: true, headers: {any: any}}
  ntfy: {}
  quiet_hours: {}
  forecast: {}
  routing: {any: {}}
scheduler: {}
morning_mode: {}
health_check: {}
reboot: {}
"#;

/// What was read, with words.
pub(super) struct Described {
    pub(super) keys: BTreeMap<String, Key>,
    pub(super) words: Vec<Word>,
}

impl Described {
    pub(super) fn new() -> Self {
        let mut book = Book::new("every key".into());
        book.shapes = Some(Shapes::default());
        for units in ["imperial", "metric"] {
            let (file, _) = yaml::read(&book.file, &format!("units: {units}\n{EVERYTHING}"));
            let (merged, _) = stacked(&book.file, file, &BTreeMap::new(), &Overrides::default());
            settings(&book, &merged, None);
        }
        let keys = book.shapes.take().map(Shapes::found).unwrap_or_default();
        Self { keys, words: words().collect() }
    }

    pub(super) fn shapes(&self, path: &str) -> Vec<Shape> {
        let shapes = self.keys.get(path).map(|it| it.shapes.clone()).unwrap_or_default();
        if shapes.is_empty() && self.below(path).next().is_some() {
            // A name of the user's choice, or an item: only what stands below it is asked for.
            return vec![Shape::Section];
        }
        let has_names = shapes.iter().any(|it| matches!(it, Shape::OneOf(_)));
        let is_texts = shapes.contains(&Shape::Texts);
        // The readers of names and of texts read a text, or a list, first.
        let is_first = |it: &Shape| match it {
            Shape::Text => has_names && !shapes.contains(&Shape::Section),
            Shape::List => is_texts,
            _ => false,
        };
        shapes.iter().filter(|it| !is_first(it)).cloned().collect()
    }

    /// The keys of a section, in the order of the words.
    pub(super) fn below<'a>(&'a self, path: &'a str) -> impl Iterator<Item = (&'a str, &'a Word)> {
        self.words.iter().filter_map(move |word| {
            let rest = word.path.strip_prefix(path)?;
            let key = if path.is_empty() { rest } else { rest.strip_prefix('.')? };
            (!key.contains('.')).then_some((key, word))
        })
    }

    /// Is it, or what it stands in, without effect?
    pub(super) fn is_retired(&self, path: &str) -> bool {
        let itself = self.keys.get(path).is_some_and(|it| it.is_retired);
        let is_told = self.words.iter().any(|it| it.path == path && it.text.starts_with("Without effect"));
        itself || is_told || path.rsplit_once('.').is_some_and(|(above, _)| self.is_retired(above))
    }

    pub(super) fn unit(&self, path: &str) -> Option<String> {
        let mut units = Vec::new();
        for shape in self.shapes(path) {
            if let Shape::Number(range) | Shape::Whole(range) = shape {
                let (.., unit) = range.parts();
                units.extend((!unit.is_empty() && !units.contains(&unit)).then_some(unit));
            }
        }
        (!units.is_empty()).then(|| units.join(" or "))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_key_that_is_read_has_words_and_nothing_else_has() {
        let described = Described::new();
        let read: BTreeSet<&str> = described.keys.keys().map(String::as_str).filter(|it| !it.ends_with("[]")).collect();
        // Names of the user's choice are not asked for, only what stands below them.
        let told = described.words.iter().map(|it| it.path).filter(|it| !it.ends_with(".*") || read.contains(it));
        let told: BTreeSet<&str> = told.collect();
        assert_eq!(read.difference(&told).collect::<Vec<_>>(), Vec::<&&str>::new(), "have no words in words.txt");
        assert_eq!(
            told.difference(&read).collect::<Vec<_>>(),
            Vec::<&&str>::new(),
            "are in words.txt and nobody reads them"
        );
        assert_eq!(
            described.words.len(),
            include_str!("words.txt").lines().count(),
            "a line that is no `path | default | text`"
        );
    }

    #[test]
    fn what_is_read_says_what_it_may_be_and_what_is_a_section_has_keys() {
        let described = Described::new();
        for (path, key) in &described.keys {
            assert!(!key.shapes.is_empty(), "what may stand at {path}?");
            if key.shapes.contains(&Shape::Section) {
                assert!(described.below(path).next().is_some(), "{path} has no keys: is it in EVERYTHING?");
            }
        }
    }
}
