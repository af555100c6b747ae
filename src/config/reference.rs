//! The page of the keys, for people.

use std::fmt::Write;

use super::{described::Described, range::Range, shape::Shape, words::Word};

const HEAD: &str = "\
# Every key of the config

Written by a test from the code that reads the file; do not edit. To write it anew: `UPDATE_DOCS=1 cargo test --test config described`.

`config/heattrax.yaml` and `config/snow-melt.yaml` are files to begin with. `heattrax check` tells what is wrong with a file, with line and
column. Every key outside of lists may also come from the environment, which is stronger than the file: its path in capitals, with two
underscores between the levels, such as `HEATTRAX_MQTT__HOST`. Any secret but a header of a webhook may be in a file,
named by its key with `_file`.

Editors that know JSON Schema complete and check the file as it is written: `heattrax schema > heattrax.schema.json`, and as the
file's first line `# yaml-language-server: $schema=heattrax.schema.json`.
";

/// The config file as a page for people, in Markdown.
pub fn reference() -> String {
    Described::new().page()
}

impl Described {
    fn page(&self) -> String {
        let mut page = HEAD.to_owned();
        let loose: Vec<&Word> = self.below("").map(|(_, word)| word).filter(|it| !self.is_section(it.path)).collect();
        page.push_str("\n## Keys of their own\n");
        self.table(&mut page, "", &loose);
        for word in &self.words {
            let is_item = self.shapes(word.path).contains(&Shape::List)
                && self.below(&format!("{}[]", word.path)).next().is_some();
            let path = if is_item { format!("{}[]", word.path) } else { word.path.to_owned() };
            if is_item || self.is_section(word.path) {
                let keys: Vec<&Word> = self.below(&path).map(|(_, word)| word).collect();
                let level = if path.contains('.') { "###" } else { "##" };
                let _ = write!(page, "\n{level} `{}`\n\n{}\n", shown(&path), word.text);
                self.table(&mut page, &path, &keys);
            }
        }
        page
    }

    fn is_section(&self, path: &str) -> bool {
        self.below(path).next().is_some() && self.shapes(path).contains(&Shape::Section)
    }

    fn table(&self, page: &mut String, path: &str, keys: &[&Word]) {
        page.push_str("\n| key | what it is for | allowed | default |\n|---|---|---|---|\n");
        for word in keys {
            let key = word.path.strip_prefix(path).unwrap_or(word.path).trim_start_matches('.');
            let usual = if word.usual.is_empty() { String::new() } else { format!("`{}`", word.usual) };
            let text = word.text.replace('|', "\\|");
            let retired = if self.is_retired(word.path) { "accepted, not used" } else { &self.allowed(word.path) };
            let _ = writeln!(page, "| `{}` | {text} | {retired} | {usual} |", key.replace('*', "<name>"));
        }
    }

    /// What may stand at a key, in words.
    fn allowed(&self, path: &str) -> String {
        let words = self.shapes(path).into_iter().map(|shape| match shape {
            Shape::Section => "a section".to_owned(),
            Shape::List => self.listed(path),
            Shape::Switch => "true or false".to_owned(),
            Shape::Number(Range::ANY) => "a number".to_owned(),
            Shape::Number(range) => format!("a number {range}"),
            Shape::Whole(range) => format!("a whole number {range}"),
            Shape::Text => "text".to_owned(),
            Shape::Secret => "text, a secret".to_owned(),
            Shape::OneOf(names) => names.iter().map(|it| format!("`{it}`")).collect::<Vec<_>>().join(", "),
            Shape::Texts => "a list of texts".to_owned(),
        });
        words.collect::<Vec<_>>().join(", or ")
    }

    fn listed(&self, path: &str) -> String {
        let items = self.allowed(&format!("{path}[]"));
        if items.is_empty() { "a list of sections".to_owned() } else { format!("a list, each {items}") }
    }
}

/// A path as a person would write it.
fn shown(path: &str) -> String {
    path.replace("groups.*", "groups.<name>").replace('*', "<name>")
}
