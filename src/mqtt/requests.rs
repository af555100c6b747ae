//! `bridge/request/<verb>` in, `bridge/response/<verb>` out. What is asked for is worked out here, purely; `session/requested.rs`
//! does it.

mod edits;

use std::{collections::BTreeSet, time::Duration};

use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    askers::{Address, answer},
    discovery::identity,
    inbound::PAUSE,
    message::{Message, Payload},
    topics::Topics,
    truth::Once,
};
use crate::{
    hub::Errand,
    model::{
        Availability, End, Fault, House, Mac, OutletId, Slug, Target, Verb,
        asked::{because, end, length},
    },
};

/// No pause of the automation is longer.
const LONGEST_PAUSE: SignedDuration = SignedDuration::from_hours(24 * 7);
/// How long a search listens.
const SEARCH: (u64, u64) = (3, 30);

/// What a request asks for.
#[derive(Clone, Debug, PartialEq)]
pub enum Request {
    /// Is the bridge well?
    HealthCheck,
    /// What `bridge/info` holds.
    Info,
    /// Look at these devices afresh.
    Refresh(Vec<Slug>),
    /// A command to the house, with the reason that was given, and what the asker is told once it is taken.
    Command(Target, Verb, Option<String>, Value),
    /// What only the program as a whole can do.
    Errand(Errand),
}

type Read = fn(&Given<'_>) -> Result<Request, String>;

/// Every request, by its verb.
const ALL: [(&str, Read); 19] = [
    ("health_check", |_| Ok(Request::HealthCheck)),
    ("info", |_| Ok(Request::Info)),
    ("log_level", |it| Ok(Request::Errand(Errand::LogLevel(it.asked.level.clone())))),
    ("discover", discover),
    ("device/refresh", refresh),
    ("schedule/list", |it| Ok(Request::Errand(Errand::Schedules(it.group()?)))),
    ("schedule/put", edits::put),
    ("schedule/remove", edits::remove),
    ("schedule/enable", edits::enable),
    ("device/rename", edits::rename),
    ("device/options", edits::device_options),
    ("group/options", edits::group_options),
    ("automation/pause", pause),
    ("automation/resume", |_| Ok(Request::Command(Target::House, Verb::Resume, None, json!({})))),
    ("automation/explain", explain),
    ("automation/simulate", simulate),
    ("safety/ack", acknowledge),
    ("backup", |_| Ok(Request::Errand(Errand::Backup))),
    ("restart", |_| Ok(Request::Errand(Errand::Restart))),
];

/// Those that change nothing.
const HARMLESS: [&str; 9] = [
    "health_check",
    "info",
    "log_level",
    "discover",
    "device/refresh",
    "schedule/list",
    "automation/explain",
    "automation/simulate",
    "backup",
];

/// Might something change by such a request?
pub(super) fn may_change(verb: &str) -> bool {
    !HARMLESS.contains(&verb)
}

/// The verbs of all requests.
pub(super) fn verbs() -> Vec<&'static str> {
    ALL.map(|(name, _)| name).into()
}

/// The JSON of a request.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Asked {
    device: Option<String>,
    slot: Option<u8>,
    group: Option<String>,
    #[serde(rename = "for")]
    lasts: Option<String>,
    until: Option<String>,
    reason: Option<String>,
    level: Option<String>,
    target: Targets,
    timeout: Option<u64>,
    at: Option<String>,
    name: Option<String>,
    /// A schedule's place in its group's list, from 0.
    index: Option<usize>,
    enabled: Option<bool>,
    schedule: Option<Value>,
    options: Option<Value>,
    hours: Option<u64>,
    bias_c: Option<f64>,
    /// The file is to be changed only if it still has this mark.
    etag: Option<String>,
}

/// One address, or several.
#[derive(Default, Deserialize)]
#[serde(untagged)]
enum Targets {
    #[default]
    None,
    One(String),
    Several(Vec<String>),
}

/// All that a request is read with.
struct Given<'a> {
    asked: Asked,
    house: &'a House,
    now: Timestamp,
    zone: &'a TimeZone,
}

impl Given<'_> {
    fn group(&self) -> Result<Option<Slug>, String> {
        let Some(text) = &self.asked.group else { return Ok(None) };
        let known = text.parse::<Slug>().ok().filter(|it| self.house.groups.contains_key(it));
        known.map(Some).ok_or_else(|| "there is no such group".to_owned())
    }
}

/// Reads a request.
///
/// # Errors
/// There is no such verb, the request is no JSON object, or it names what is not there; in words for the asker.
pub fn read(verb: &str, message: &Message, house: &House, now: Timestamp, zone: &TimeZone) -> Result<Request, String> {
    let asked = parsed(&message.payload)?;
    let Some((_, read)) = ALL.iter().find(|(name, _)| *name == verb) else {
        let names = ALL.map(|(name, _)| name).join(", ");
        return Err(format!("there is no such request, there is {names}"));
    };
    read(&Given { asked, house, now, zone })
}

fn acknowledge(given: &Given<'_>) -> Result<Request, String> {
    let (house, asked) = (given.house, &given.asked);
    let (target, ids) = match (&asked.device, asked.slot, given.group()?) {
        (Some(device), Some(slot), None) => {
            let id = device.parse::<Slug>().map(|device| OutletId::new(device, slot)).ok();
            let id = id.filter(|id| house.outlets.contains_key(id)).ok_or("there is no such outlet")?;
            (Target::Outlet(id.clone()), vec![id])
        }
        (None, None, Some(group)) => {
            let outlets = house.groups.get(&group).map(|it| it.outlets.clone()).unwrap_or_default();
            (Target::Group(group), outlets)
        }
        _ => return Err("name either `device` and `slot`, or `group`".to_owned()),
    };
    let waits = |id: &OutletId| {
        let outlet = house.outlets.get(id)?;
        let locked = outlet.memory.lockout.filter(|it| !it.acknowledged).map(|it| it.fault);
        locked.or(outlet.alarm.filter(|it| *it == Fault::Drift))
    };
    let told = ids.iter().filter_map(|id| Some((id, waits(id)?)));
    let told: Vec<_> =
        told.map(|(id, fault)| json!({ "device": id.device, "slot": id.slot, "fault": fault })).collect();
    if told.is_empty() {
        return Err("no fault waits for it".to_owned());
    }
    Ok(Request::Command(target, Verb::Acknowledge, None, json!({ "acknowledged": told })))
}

fn pause(given: &Given<'_>) -> Result<Request, String> {
    let asked = &given.asked;
    let ahead = |it: SignedDuration| given.now.checked_add(it).unwrap_or(Timestamp::MAX);
    let end = match (&asked.lasts, &asked.until) {
        (Some(_), Some(_)) => return Err("`for` and `until` exclude each other".to_owned()),
        (Some(lasts), None) => End::Elapsed(ahead(length(lasts, LONGEST_PAUSE)?)),
        (None, Some(until)) => End::At(end(until, given.now, given.zone, LONGEST_PAUSE)?),
        (None, None) => End::Elapsed(ahead(PAUSE)),
    };
    let reason = asked.reason.as_deref().and_then(because);
    Ok(Request::Command(Target::House, Verb::Pause(end), reason, json!({ "until": end.latest() })))
}

fn refresh(given: &Given<'_>) -> Result<Request, String> {
    let devices = &given.house.devices;
    let Some(text) = &given.asked.device else { return Ok(Request::Refresh(devices.keys().cloned().collect())) };
    let known = text.parse::<Slug>().ok().filter(|it| devices.contains_key(it));
    Ok(Request::Refresh(vec![known.ok_or("there is no such device")?]))
}

fn discover(given: &Given<'_>) -> Result<Request, String> {
    let targets = match &given.asked.target {
        Targets::None => Vec::new(),
        Targets::One(one) => vec![one.clone()],
        Targets::Several(several) if several.len() <= 64 => several.clone(),
        Targets::Several(_) => return Err("at most 64 addresses are asked at once".to_owned()),
    };
    let seconds = given.asked.timeout.unwrap_or(SEARCH.0);
    if !(1..=SEARCH.1).contains(&seconds) {
        return Err(format!("`timeout` is {seconds}, it must be from 1 to {} (s)", SEARCH.1));
    }
    Ok(Request::Errand(Errand::Discover { targets, wait: Duration::from_secs(seconds) }))
}

fn explain(given: &Given<'_>) -> Result<Request, String> {
    let at = given.asked.at.as_deref().map(|text| {
        text.trim().parse::<Timestamp>().map_err(|_| "`at` is no time such as 2026-11-24T06:30:00Z".to_owned())
    });
    Ok(Request::Errand(Errand::Explain { group: given.group()?, at: at.transpose()? }))
}

fn simulate(given: &Given<'_>) -> Result<Request, String> {
    let hours = given.asked.hours.unwrap_or(24);
    let hours = u8::try_from(hours).ok().filter(|it| (1..=48).contains(it));
    let bias = given.asked.bias_c.unwrap_or_default();
    if !(-20.0..=20.0).contains(&bias) {
        return Err("`bias_c` must be from -20 to 20 (°C)".to_owned());
    }
    #[expect(clippy::cast_possible_truncation, reason = "checked to be small")]
    let colder = (bias * 10.0).round() as i16;
    let hours = hours.ok_or("`hours` must be from 1 to 48")?;
    Ok(Request::Errand(Errand::Foresee { group: given.group()?, hours, colder }))
}

/// What a search has found, in words for people: which devices the config does not know, by their MAC addresses.
pub(super) fn search_told(found: &[Value], house: &House) -> String {
    let known: BTreeSet<Mac> = house.devices.values().filter_map(|it| identity(it)).collect();
    let new: Vec<_> = found.iter().filter(|it| !mac(it).is_some_and(|it| known.contains(&it))).map(named).collect();
    match (found.len(), new.is_empty()) {
        (0, _) => "the search for devices found none".to_owned(),
        (count, true) => format!("the search for devices found {count}, all of them known"),
        (count, false) => format!("the search for devices found {count}; the config does not have {}", new.join(", ")),
    }
}

fn mac(found: &Value) -> Option<Mac> {
    found.get("mac")?.as_str()?.parse().ok()
}

fn named(found: &Value) -> String {
    let said = |key: &str| found.get(key).and_then(Value::as_str).unwrap_or("?").to_owned();
    format!("{} at {}", said("model"), said("host"))
}

/// Answers a request with what was found.
pub fn answered(topics: &Topics, verb: &str, message: &Message, found: Result<Value, String>) -> Once {
    answer(address(topics, verb, message), found, mark(message))
}

/// The asker's own mark.
pub(super) fn mark(message: &Message) -> Value {
    // Also of a request that cannot be read any further.
    let Payload::Bytes(bytes) = &message.payload else { return Value::Null };
    let said: Value = serde_json::from_slice(bytes).unwrap_or_default();
    said.get("transaction").cloned().unwrap_or_default()
}

fn parsed(payload: &Payload) -> Result<Asked, String> {
    match payload {
        Payload::TooLong(length) => Err(format!("{length} bytes are too long")),
        Payload::Bytes(bytes) if bytes.trim_ascii().is_empty() => Ok(Asked::default()),
        Payload::Bytes(bytes) if bytes.trim_ascii().starts_with(b"{") => {
            serde_json::from_slice(bytes).map_err(|error| format!("the request is not JSON as it is wanted: {error}"))
        }
        Payload::Bytes(_) => Err("the request is not a JSON object such as {\"transaction\":\"1\"}".to_owned()),
    }
}

/// The topic that the asker names, unless nothing can be published there.
pub(super) fn address(topics: &Topics, verb: &str, message: &Message) -> Address {
    let reply = message.reply.as_ref();
    Address::of(reply).unwrap_or_else(|| {
        let plain = verb.chars().all(|letter| letter.is_ascii_alphanumeric() || "_/-".contains(letter));
        let short = if plain && verb.len() <= 64 { verb } else { "unknown" };
        Address { topic: topics.response(short), correlation: reply.and_then(|reply| reply.correlation.clone()) }
    })
}

/// What `health_check` finds.
pub(super) fn health(house: &House, loop_alive: bool) -> Value {
    let online = house.devices.values().filter(|device| device.availability == Availability::Online).count();
    json!({
        "healthy": loop_alive,
        "control_loop": if loop_alive { "alive" } else { "hangs" },
        "devices": { "total": house.devices.len(), "online": online },
    })
}
