//! What can be read of a file that is not YAML as a whole: a mistake among the schedules must not hide where the page is to be
//! served and which broker is to be told about it.

use std::sync::Arc;

use super::{
    problem::Place,
    tree::{Kind, Node},
    yaml,
};

/// The sections that setup mode needs.
const WANTED: [&str; 5] = ["mqtt", "homeassistant", "web", "logging", "data"];

/// The wanted sections that are YAML when read alone.
pub(super) fn readable(file: &Arc<str>, text: &str) -> Node {
    let mut found = Node::empty(Place::File { file: file.clone(), line: 1, column: 1 });
    let Kind::Map(entries) = &mut found.kind else { return found };
    for block in blocks(text) {
        let (node, problems) = yaml::read(file, &block);
        let Kind::Map(read) = node.kind else { continue };
        if problems.is_empty() {
            entries.extend(read.into_iter().filter(|entry| WANTED.contains(&entry.key.as_str())));
        }
    }
    entries.sort_by(|one, other| one.key.cmp(&other.key));
    entries.dedup_by(|one, other| one.key == other.key);
    found
}

/// The text cut before each line that begins a wanted section or another one: at the left margin.
fn blocks(text: &str) -> Vec<String> {
    let mut blocks: Vec<String> = Vec::new();
    let mut wanted = false;
    for line in text.lines() {
        if line.starts_with(|first: char| first.is_ascii_alphabetic()) {
            let key = line.split(':').next().unwrap_or_default();
            wanted = WANTED.contains(&key) && blocks.len() < 2 * WANTED.len();
            if wanted {
                blocks.push(String::new());
            }
        }
        if let Some(block) = blocks.last_mut().filter(|_| wanted) {
            block.push_str(line);
            block.push('\n');
        }
    }
    blocks
}
