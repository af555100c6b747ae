//! Which room may lean on which, and which room names which crate. Change these tables only together with ARCHITECTURE.md.
#![allow(clippy::unwrap_used, missing_docs, reason = "tests")]

use std::{fs, path::Path};

/// Room, and the rooms it may use.
const MAY_USE: &[(&str, &[&str])] = &[
    ("model", &[]),
    ("control", &["model"]),
    ("hub", &["model", "control"]),
    ("config", &["model"]),
    ("klap", &[]),
    ("tdp", &[]),
    ("outlets", &["model", "hub", "klap", "tdp"]),
    ("mqtt", &["model", "hub"]),
    ("weather", &["model", "hub"]),
    ("web", &["model", "hub", "explain"]),
    ("planner", &["model", "control", "hub"]),
    ("notify", &["model", "control", "hub"]),
    ("history", &["model", "control", "hub"]),
    ("explain", &["model", "control"]),
    ("store", &["model", "hub"]),
    ("emulator", &["model", "klap", "tdp", "recorded"]),
    ("recorded", &["model"]),
    ("simulate", &["model", "control", "recorded"]),
    (
        "app",
        &[
            "model", "control", "hub", "config", "outlets", "mqtt", "weather", "web", "store", "emulator", "planner",
            "explain", "notify", "history",
        ],
    ),
    ("main", &["app", "config", "emulator", "hub", "model", "recorded", "simulate", "web"]),
];

/// Outside crate, and the rooms that may name it.
const FENCED: &[(&str, &[&str])] = &[
    ("rumqttc", &["mqtt"]),
    ("tapo", &["outlets"]),
    ("reqwest", &["weather", "notify"]),
    ("lettre", &["notify"]),
    ("rusqlite", &["history"]),
    ("csv", &["web"]),
    ("axum", &["web"]),
    ("utoipa", &["web"]),
    ("utoipa_axum", &["web"]),
    ("tokio_stream", &["web"]),
    ("mqtt5", &["emulator"]),
    ("hyper", &["emulator", "outlets"]),
    ("hyper_util", &["emulator", "outlets"]),
    ("http_body_util", &["emulator", "outlets"]),
    ("aes", &["klap"]),
    ("cbc", &["klap"]),
    ("sha1", &["klap"]),
    ("crc32fast", &["tdp"]),
    ("if_addrs", &["outlets"]),
    ("sha2", &["klap", "emulator", "web"]),
    ("flate2", &["recorded", "emulator", "mqtt"]),
    ("figment", &["config"]),
    ("serde_saphyr", &["config"]),
    ("strsim", &["config"]),
    ("yaml_edit", &["config"]),
    ("cron", &["control"]),
    ("chrono", &["control"]),
    ("solar_positioning", &["control"]),
    ("deunicode", &["model"]),
    ("tempfile", &["store", "weather", "app", "web", "config", "notify"]),
    ("clap", &["main"]),
    ("tracing_subscriber", &["main"]),
    ("tracing_appender", &["main"]),
    ("rustix", &["hub", "main"]),
    ("ipnet", &["model", "config", "web"]),
];

/// What a room without doors may not name.
const NO_DOORS: &[&str] = &["tokio::", "std::fs", "std::net", "std::env", "async ", ".await", "Instant::now", "now()"];

/// A file over this is one object that owns too much.
const LINES_MAX: usize = 400;

struct Source {
    room: String,
    path: String,
    code: String,
    lines: usize,
}

fn sources() -> Vec<Source> {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    let mut folders = vec![src.clone()];
    while let Some(folder) = folders.pop() {
        for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            if path.extension().is_none_or(|it| it != "rs") {
                continue;
            }
            let inside = path.strip_prefix(&src).unwrap().with_extension("");
            let room = inside.iter().next().unwrap().to_str().unwrap().to_owned();
            let text = fs::read_to_string(&path).unwrap();
            // The unit tests of a file may use what they like.
            let code = text.split("#[cfg(test)]").next().unwrap_or_default();
            let code: Vec<_> = code.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
            let lines = text.lines().count();
            found.push(Source { room, path: path.display().to_string(), code: code.join("\n"), lines });
        }
    }
    assert!(found.len() > 20, "the sources were not found");
    found
}

fn word_after<'a>(code: &'a str, before: &'a str) -> impl Iterator<Item = String> + 'a {
    let words = code.split(before).skip(1);
    words.map(|it| it.chars().take_while(|letter| letter.is_alphanumeric() || *letter == '_').collect())
}

/// `use crate::{model::…, hub::…}` names several rooms at once.
fn rooms_named(code: &str) -> Vec<String> {
    let mut named: Vec<String> = word_after(code, "crate::").chain(word_after(code, "heattrax::")).collect();
    for list in code.split("use crate::{").skip(1).chain(code.split("use heattrax::{").skip(1)) {
        let mut depth = 0_usize;
        let mut word = String::new();
        for letter in list.chars() {
            match letter {
                '{' => depth += 1,
                '}' if depth == 0 => break,
                '}' => depth -= 1,
                ',' => word.clear(),
                ':' if depth == 0 => {
                    named.push(word.trim().to_owned());
                    word.clear();
                }
                letter if depth == 0 => word.push(letter),
                _ => {}
            }
        }
    }
    named.retain(|it| !it.is_empty());
    named
}

#[test]
fn rooms_lean_only_downwards() {
    let mut faults = Vec::new();
    for source in sources().iter().filter(|it| it.room != "lib") {
        let Some((_, allowed)) = MAY_USE.iter().find(|(room, _)| *room == source.room) else {
            faults.push(format!("{}: no row for room `{}`", source.path, source.room));
            continue;
        };
        for used in rooms_named(&source.code) {
            let is_room = MAY_USE.iter().any(|(room, _)| *room == used);
            if is_room && used != source.room && !allowed.contains(&used.as_str()) {
                faults.push(format!("{}: `{}` may not use `{used}`", source.path, source.room));
            }
        }
    }
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

#[test]
fn each_fenced_crate_is_named_in_its_rooms_only() {
    let mut faults = Vec::new();
    for source in sources() {
        for (name, rooms) in FENCED {
            let named = source.code.match_indices(name).any(|(at, _)| {
                let before = source.code[..at].chars().next_back().unwrap_or(' ');
                let free = !(before.is_alphanumeric() || before == '_' || before == ':' || before == '"');
                free && source.code[at + name.len()..].starts_with("::")
            });
            if named && !rooms.contains(&source.room.as_str()) {
                faults.push(format!("{}: `{}` may not name the crate `{name}`", source.path, source.room));
            }
        }
    }
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

#[test]
fn model_and_control_have_no_doors() {
    let mut faults = Vec::new();
    for source in sources().iter().filter(|it| ["model", "control"].contains(&it.room.as_str())) {
        for door in NO_DOORS.iter().filter(|door| source.code.contains(**door)) {
            faults.push(format!("{}: `{door}`", source.path));
        }
    }
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

#[test]
fn no_file_owns_too_much() {
    let long: Vec<_> = sources().iter().filter(|it| it.lines > LINES_MAX).map(|it| it.path.clone()).collect();
    assert!(long.is_empty(), "over {LINES_MAX} lines: {long:?}");
}

#[test]
fn every_room_has_a_row_in_the_page() {
    let page = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("ARCHITECTURE.md")).unwrap();
    for (room, _) in MAY_USE {
        assert!(page.contains(&format!("| `{room}` |")), "ARCHITECTURE.md has no row for `{room}`");
    }
}
