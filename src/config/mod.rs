//! The config: YAML, environment and command line come down to valid [`Settings`], or to every problem at once, each with its
//! place, what was found, and what is allowed.
//!
//! The way of a value: `yaml` and `environment` read it into a `tree` that knows places, `layers` lets figment say which source
//! wins, and the readers of the sections (`groups`, `broker`, `weather`, `rest`) check it by way of `section`. A key is known
//! when a reader asks for it, so there is no second list of keys that could differ.

mod address;
mod automation;
mod broker;
mod circuits;
mod cron;
mod described;
mod devices;
mod encoding;
mod environment;
mod exceptions;
mod groups;
mod homeassistant;
mod layers;
mod melt;
mod notify;
mod problem;
mod providers;
mod range;
mod reference;
mod rescue;
mod rest;
mod schedule;
mod schema;
mod section;
mod shape;
mod show;
mod sources;
mod station;
mod tariff;
mod tree;
mod values;
mod veil;
mod weather;
mod words;
mod writer;
mod yaml;

use std::{collections::BTreeMap, path::PathBuf, sync::Arc};

use jiff::SignedDuration;

pub use self::{
    address::is_address,
    problem::{Partial, Place, Problem, Problems},
    reference::reference,
    schema::schema,
    sources::{Overrides, Sources},
    writer::{Edited, Refused, Shown, Writer},
};
use self::{
    automation::Legacy,
    layers::Layer,
    rescue::{Page, Rescued},
    schedule::Units,
    section::{Book, Section},
    tree::Node,
};
use crate::model::{ControlSettings, Settings};

/// What holds when nobody says otherwise, in the config's own words. Keys that only mean something beside others have their
/// default where they are read.
const DEFAULTS: &str = r#"
vacation_mode: false
units: imperial
data: data
thresholds: {lead_time_minutes: 60, trailing_time_minutes: 60, black_ice_detection: {enabled: true}}
safety: {max_runtime_hours: 6, cooldown_minutes: 30}
weather_api:
  enabled: true
  when_unknown: "off"
  resilience: {cache_file: state/weather_cache.json, cache_valid_hours: 6, forecast_horizon_hours: 12}
homeassistant: {discovery: true, discovery_prefix: homeassistant, status_topic: homeassistant/status}
web: {enabled: true, bind_host: 127.0.0.1, port: 4328, manual_override_timeout_hours: 3}
logging: {level: info, format: text}
"#;

/// A command must have an answer within this time.
const ANSWER_WITHIN: SignedDuration = SignedDuration::from_secs(10);

/// Reads the config of these sources.
///
/// # Errors
/// Every problem at once, sorted by place. A missing or unreadable file is one.
pub fn load(sources: &Sources) -> Result<Settings, Problems> {
    load_what(sources, |_| true)
}

/// Reads the rules of these sources, for what meets no device: the account of the plugs may be missing or wrong.
///
/// # Errors
/// Every other problem at once, as [`load`] tells them.
pub fn load_rules(sources: &Sources) -> Result<Settings, Problems> {
    const ACCOUNT: &str = "devices.credentials";
    load_what(sources, |it| it.path.strip_prefix(ACCOUNT).is_none_or(|rest| !rest.is_empty() && !rest.starts_with('.')))
}

/// Reads the config of these sources; problems that are not `wanted` are none.
fn load_what(sources: &Sources, wanted: fn(&Problem) -> bool) -> Result<Settings, Problems> {
    let path = sources.chosen_file();
    let name: Arc<str> = path.to_string_lossy().into();
    let refuse = |place: Place, found: String, allowed: &str, rest: Rescued| {
        let problem = Problem { place, path: String::new(), found, allowed: allowed.to_owned(), hint: None };
        without_file(&name, problem, rest, &sources.env, &sources.flags)
    };
    let bytes = match std::fs::read(&path) {
        Ok(bytes) => bytes,
        Err(error) => {
            let hides = error.kind() != std::io::ErrorKind::NotFound;
            let nothing = Rescued { tree: Node::empty(Place::Whole(name.clone())), hides };
            let allowed = "a config file that can be read (named by --config or HEATTRAX_CONFIG_PATH, else \
                           config/heattrax.yaml or /etc/heattrax/heattrax.yaml)";
            return Err(refuse(Place::Whole(name.clone()), error.to_string(), allowed, nothing));
        }
    };
    match std::str::from_utf8(&bytes) {
        Ok(text) => parse_what(&name, text, &sources.env, &sources.flags, wanted),
        Err(error) => {
            let place = encoding::place(&name, &bytes, error);
            let mut problems =
                refuse(place, "a byte that is no UTF-8".to_owned(), "text in UTF-8", rescue::decoded(&name, &bytes));
            rescue::doubt_password(&mut problems.partial.web);
            Err(problems)
        }
    }
}

/// Reads a config from a text. `name` stands for the file in every place.
///
/// # Errors
/// Every problem at once, sorted by place.
pub fn parse(name: &str, text: &str, env: &BTreeMap<String, String>, flags: &Overrides) -> Result<Settings, Problems> {
    parse_what(&name.into(), text, env, flags, |_| true)
}

fn parse_what(
    name: &Arc<str>,
    text: &str,
    env: &BTreeMap<String, String>,
    flags: &Overrides,
    wanted: fn(&Problem) -> bool,
) -> Result<Settings, Problems> {
    let (file, problems) = yaml::read(name, text);
    match problems.first() {
        // Not YAML: what is missing is not worth reporting then.
        Some(syntax) if syntax.path.is_empty() && file.entries().is_empty() => {
            Err(without_file(name, syntax.clone(), rescue::readable(name, text), env, flags))
        }
        _ => decided(name, file, problems, env, flags, wanted),
    }
}

/// What `check` prints: `OK`, or every problem, one a line; then the warnings.
pub fn report(outcome: &Result<Settings, Problems>) -> String {
    let (mut lines, warnings) = match outcome {
        Ok(settings) => (vec!["OK".to_owned()], &settings.warnings),
        Err(problems) => (problems.list.iter().map(ToString::to_string).collect(), &problems.warnings),
    };
    lines.extend(warnings.iter().map(|warning| format!("warning: {warning}")));
    lines.join("\n")
}

/// The problems when the file cannot be read: the one that says so, and those of the environment and the command line.
fn without_file(
    name: &Arc<str>,
    why: Problem,
    rest: Rescued,
    env: &BTreeMap<String, String>,
    flags: &Overrides,
) -> Problems {
    let web = rescue::web_of(&rest.tree);
    let (settings, mut list) = gathered(name, rest.tree, Vec::new(), env, flags);
    let page = rescue::page(web, env, flags, &list, rest.hides);
    list.retain(|problem| matches!(problem.place, Place::Environment(_) | Place::Flag(_)));
    list.insert(0, why);
    problems_of(name, list, settings, page)
}

fn problems_of(name: &Arc<str>, list: Vec<Problem>, settings: Settings, page: Page) -> Problems {
    let partial = Partial {
        mqtt: settings.mqtt,
        homeassistant: settings.homeassistant,
        web: page.settings,
        wants_page: page.is_wanted,
        log: settings.log,
        data: settings.data,
    };
    Problems { file: name.to_string(), list, warnings: settings.warnings, partial: Box::new(partial) }
}

fn decided(
    name: &Arc<str>,
    file: Node,
    found: Vec<Problem>,
    env: &BTreeMap<String, String>,
    flags: &Overrides,
    wanted: fn(&Problem) -> bool,
) -> Result<Settings, Problems> {
    let (web, is_astray) = (rescue::web_of(&file), rescue::is_astray(&file));
    let (settings, mut list) = gathered(name, file, found, env, flags);
    list.retain(wanted);
    if list.is_empty() {
        return Ok(settings);
    }
    let page = rescue::page(web, env, flags, &list, is_astray);
    Err(problems_of(name, list, settings, page))
}

/// The settings and everything that is wrong with them; `found` is what is already known of that.
fn gathered(
    name: &Arc<str>,
    file: Node,
    found: Vec<Problem>,
    env: &BTreeMap<String, String>,
    flags: &Overrides,
) -> (Settings, Vec<Problem>) {
    let book = Book::new(name.clone());
    let (merged, environment) = stacked(name, file, env, flags);
    let mut settings = settings(&book, &merged, env.get("HOSTNAME").map(String::as_str));
    let mut warnings = book.warnings.take();
    warnings.sort_by(|(one, _), (other, _)| one.cmp(other));
    settings.warnings = warnings.into_iter().map(|(_, text)| text).chain(environment.warnings).collect();
    let mut list = book.problems.take();
    list.extend(found.into_iter().chain(environment.problems));
    list.sort();
    list.dedup();
    (settings, list)
}

/// What holds at each key, whoever says it; and what else there is to say about the environment.
fn stacked(
    name: &Arc<str>,
    file: Node,
    env: &BTreeMap<String, String>,
    flags: &Overrides,
) -> (Node, environment::Environment) {
    let mut environment = environment::read(env, &file);
    let said = std::mem::replace(&mut environment.tree, Node::empty(Place::Default));
    let defaults = yaml::read(name, DEFAULTS).0.moved_to(&Place::Default);
    let layers = [
        Layer { name: "defaults", tree: defaults },
        Layer { name: "file", tree: file },
        Layer { name: "environment", tree: said },
        Layer { name: "command line", tree: environment::of_flags(flags) },
    ];
    (layers::merged(&layers, Node::empty(Place::Whole(name.clone()))), environment)
}

/// The settings, with stand-ins for whatever the book holds a problem about.
fn settings(book: &Book, merged: &Node, hostname: Option<&str>) -> Settings {
    let root = Section::new(book, String::new(), book.top(), merged);
    let units = match root.one_of("units", &["imperial", "metric"]) {
        Some("metric") => Units::Metric,
        _ => Units::Imperial,
    };
    let data = PathBuf::from(root.text("data").unwrap_or_else(|| "data".to_owned()));
    let (place, zone) = weather::location(&root);
    let legacy = Legacy::read(&root, units);
    let devices = devices::read(&root, units, &legacy);
    legacy.warn_of_unused(&root);
    let mut mqtt = broker::mqtt(&root, hostname);
    let base_topic = mqtt.as_ref().map_or("heattrax", |it| it.base_topic.as_str());
    let (forecasts, station) = weather::weather(&root, place, &data, base_topic);
    if let Some(mqtt) = &mut mqtt {
        mqtt.station = station;
    }
    let web = rest::web(&root);
    let by_slug = devices.devices.iter().map(|device| (device.slug.clone(), device.clone())).collect();
    let control = ControlSettings {
        zone,
        place,
        groups: devices.groups,
        devices: by_slug,
        safety: weather::safety(&root),
        thresholds: weather::thresholds(&root, units),
        circuits: devices.circuits,
        tariff: tariff::read(&root),
        hold_unknown: forecasts.as_ref().and_then(|it| it.hold),
        wish_lasts: schedule::hours(web.wish_hours),
        forecast_valid: forecasts.as_ref().map(|it| it.settings.valid),
        answer_within: ANSWER_WITHIN,
        vacation: root.switch("vacation_mode").unwrap_or(false),
    };
    let settings = Settings {
        control: Arc::new(control),
        devices: devices.devices,
        credentials: devices.credentials,
        mqtt,
        homeassistant: homeassistant::homeassistant(&root),
        weather: forecasts.map(|it| it.settings),
        web: web.enabled.then_some(web.settings),
        notify: notify::read(&root),
        health: rest::health(&root),
        history: rest::history(&root),
        log: rest::log(&root),
        data,
        shown: show::shown(merged),
        warnings: Vec::new(),
    };
    rest::unused(&root);
    root.close();
    settings
}
