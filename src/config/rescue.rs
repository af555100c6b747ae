//! What can be read of a file that is not YAML as a whole: a mistake among the schedules must not hide where the page is to be
//! served and which broker is to be told about it.

use std::{collections::BTreeMap, sync::Arc};

use super::{
    Overrides, encoding,
    problem::{Place, Problem},
    rest,
    section::{Book, Section},
    stacked,
    tree::{Entry, Kind, Node},
    yaml,
};
use crate::model::WebSettings;

/// The sections that setup mode needs.
const WANTED: [&str; 5] = ["mqtt", "homeassistant", "web", "logging", "data"];

/// Keys of the page that keep nobody out.
const KEEP_NOBODY_OUT: [&str; 7] = [
    "enabled",
    "bind_host",
    "port",
    "session_hours",
    "allowed_hosts",
    "trusted_proxies",
    "manual_override_timeout_hours",
];
/// Keys of the page that do.
const KEEP_OUT: [&str; 5] = ["password", "password_file", "pin", "pin_file", "tokens"];

/// What could be read.
pub(super) struct Rescued {
    pub(super) tree: Node,
    /// May the rest have a secret of the page?
    pub(super) hides: bool,
}

/// The page of setup mode.
pub(super) struct Page {
    pub(super) settings: WebSettings,
    /// Does the config want one at all?
    pub(super) is_wanted: bool,
}

/// The `web` section of a file, if it is one: what else stands there must not hide what the environment says.
pub(super) fn web_of(file: &Node) -> Option<Entry> {
    let entry = file.entries().iter().find(|entry| entry.key == "web");
    entry.filter(|entry| matches!(entry.value.kind, Kind::Map(_))).cloned()
}

/// Does a secret of the page stand where nobody reads it: in a section of a misspelt name, or too far to the left?
pub(super) fn is_astray(file: &Node) -> bool {
    let keeps_out = |entry: &Entry| KEEP_OUT.contains(&entry.key.as_str());
    let is_astray = |entry: &Entry| match entry.key.as_str() {
        // The broker has a password too.
        "web" | "mqtt" => false,
        key => keeps_out(entry) || key.starts_with("web") || entry.value.entries().iter().any(keeps_out),
    };
    file.entries().iter().any(is_astray)
}

/// The page of setup mode: each key that reads well holds. Where a secret may have been meant that cannot be read (`hides`, or what a problem
/// is about), and the password is not known, whoever comes has to say who they are: a mistake must let nobody in.
pub(super) fn page(
    web: Option<Entry>,
    env: &BTreeMap<String, String>,
    flags: &Overrides,
    problems: &[Problem],
    hides: bool,
) -> Page {
    let name: Arc<str> = "web".into();
    let book = Book::new(name.clone());
    let file = Node { place: book.top(), kind: Kind::Map(web.into_iter().collect()) };
    let (merged, _) = stacked(&name, file, env, flags);
    let read = rest::web(&Section::new(&book, String::new(), book.top(), &merged));
    let mut page = read.settings;
    if !read.enabled {
        let usual = rest::usual_web();
        (page.bind_host, page.port) = (usual.bind_host, usual.port);
    }
    page.must_sign_in = page.password.is_none() && (hides || problems.iter().any(may_hide_a_secret));
    Page { settings: page, is_wanted: read.enabled }
}

/// May what is wrong there have been meant to keep others out? An unknown key may be a misspelt one.
fn may_hide_a_secret(problem: &Problem) -> bool {
    let path = problem.path.as_str();
    let Some(rest) = path.strip_prefix("web").filter(|it| it.is_empty() || it.starts_with('.')) else { return false };
    let key = rest.trim_start_matches('.').split(['.', '[']).next().unwrap_or_default();
    !KEEP_NOBODY_OUT.contains(&key)
}

/// What a file says that is not in UTF-8.
pub(super) fn decoded(file: &Arc<str>, bytes: &[u8]) -> Rescued {
    let (text, _) = encoding::decoded(bytes);
    let (tree, problems) = yaml::read(file, &text);
    if problems.is_empty() { Rescued { hides: is_astray(&tree), tree } } else { readable(file, &text) }
}

/// Letters of a file that is not in UTF-8 are guessed, and nobody could sign in with a password that was guessed wrong.
pub(super) fn doubt_password(page: &mut WebSettings) {
    if page.password.as_ref().is_some_and(|it| !it.reveal().is_ascii()) {
        page.password = None;
        page.must_sign_in = true;
    }
}

/// The wanted sections that are YAML when read alone.
pub(super) fn readable(file: &Arc<str>, text: &str) -> Rescued {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut tree = Node::empty(Place::File { file: file.clone(), line: 1, column: 1 });
    let Kind::Map(entries) = &mut tree.kind else { return Rescued { tree, hides: true } };
    for block in blocks(text) {
        let (node, problems) = yaml::read(file, &block);
        let Kind::Map(read) = node.kind else { continue };
        if problems.is_empty() {
            entries.extend(read.into_iter().filter(|entry| WANTED.contains(&entry.key.as_str())));
        }
    }
    // None that can be read, or one more than that.
    let page: Vec<_> = entries.iter().filter(|entry| entry.key == "web").collect();
    let is_page = |entry: &&Entry| matches!(entry.value.kind, Kind::Map(_));
    let mentions = text.to_ascii_lowercase().contains("web");
    let hides = (mentions && (page.len() != 1 || !page.iter().all(is_page))) || is_elsewhere(text);
    entries.sort_by(|one, other| one.key.cmp(&other.key));
    entries.dedup_by(|one, other| one.key == other.key);
    Rescued { tree, hides }
}

/// Sections with passwords of their own.
const OTHERS: [&str; 6] = ["web", "mqtt", "devices", "notifications", "weather", "weather_api"];

/// Does a key that keeps people out stand in no section that is known to have such keys?
fn is_elsewhere(text: &str) -> bool {
    let mut section = "";
    text.lines().any(|line| {
        if line.starts_with(|first: char| !first.is_whitespace() && first != '#') {
            section = line.split(':').next().unwrap_or_default().trim_matches(['"', '\'', ' ']);
        }
        let line = line.split(" #").next().unwrap_or_default();
        let words = line.split(|it: char| !(it.is_ascii_alphanumeric() || it == '_'));
        !OTHERS.contains(&section)
            && !line.trim_start().starts_with('#')
            && words.into_iter().any(|it| KEEP_OUT.contains(&it))
    })
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
