//! The config: what is accepted, and what is said about the rest.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, reason = "tests")]

mod accepted;
mod any_text;
mod described;
mod devices;
mod encodings;
mod layers;
mod legacy;
mod melting;
mod new_problems;
mod notify;
mod problems;
mod rescued;
mod schedules;
mod secrets;
mod station;
mod weather;
mod writer;

use std::collections::BTreeMap;

use heattrax::{
    config::{self, Overrides, Problems},
    model::{Schedule, Settings},
};

/// A small valid config.
const SMALL: &str = "\
location: {latitude: 40.7, longitude: -74.0, timezone: America/New_York}
devices:
  credentials: {username: ann@example.org, password: hunter22}
  groups:
    mat:
      items:
        - {name: Walk, ip_address: 192.168.1.5, outlets: [0]}
mqtt: {host: localhost}
";

fn env(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn parse_with(text: &str, env: &BTreeMap<String, String>) -> Result<Settings, Problems> {
    config::parse("house.yaml", text, env, &Overrides::default())
}

fn parse(text: &str) -> Result<Settings, Problems> {
    parse_with(text, &BTreeMap::new())
}

#[track_caller]
fn good(text: &str) -> Settings {
    match parse(text) {
        Ok(settings) => settings,
        Err(problems) => panic!("{problems}\nin\n{text}"),
    }
}

/// The problems as `check` prints them.
#[track_caller]
fn bad(text: &str) -> Vec<String> {
    match parse(text) {
        Ok(_) => panic!("accepted:\n{text}"),
        Err(problems) => problems.list.iter().map(ToString::to_string).collect(),
    }
}

/// The small config with further lines.
fn small_and(more: &str) -> String {
    format!("{SMALL}{more}")
}

/// The small config with keys added to its group; the text is indented here.
fn group_with(more: &str) -> String {
    let more: String = more.lines().map(|line| format!("      {line}\n")).collect();
    SMALL.replace("mqtt:", &format!("{more}mqtt:"))
}

/// The schedule of a group with this one schedule.
#[track_caller]
fn schedule(text: &str) -> Schedule {
    let settings = good(&group_with(&format!("schedules:\n  - {text}")));
    settings.control.groups.values().next().unwrap().schedules[0].clone()
}
