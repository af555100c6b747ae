//! `bridge/request/<verb>` in, `bridge/response/<verb>` out. Reading changes nothing.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{
    message::{Message, Payload, Reply},
    topics::Topics,
    truth::Once,
};
use crate::model::{Availability, House, OutletId, Slug, Target};

/// What a request may ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ask {
    /// Is the bridge well?
    HealthCheck,
    /// What `bridge/info` holds.
    Info,
}

impl Ask {
    /// Every request.
    const ALL: [(&'static str, Self); 2] = [("health_check", Self::HealthCheck), ("info", Self::Info)];

    /// Finds a request by its verb.
    ///
    /// # Errors
    /// There is no such verb; the text names those there are.
    fn named(verb: &str) -> Result<Self, String> {
        let found = Self::ALL.iter().find(|(name, _)| *name == verb).map(|(_, ask)| *ask);
        found.ok_or_else(|| {
            format!("there is no such request, there is {}, {ACKNOWLEDGE}", Self::ALL.map(|(name, _)| name).join(", "))
        })
    }
}

/// The JSON of a request.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Asked {
    transaction: Value,
    device: Option<String>,
    slot: Option<u8>,
    group: Option<String>,
}

/// An answer, and the problem that it reports if it is none.
pub struct Answer {
    /// The message.
    pub message: Once,
    /// Why the request could not be read.
    pub problem: Option<String>,
}

/// The verb that acknowledges a fault.
pub(super) const ACKNOWLEDGE: &str = "safety/ack";

/// Whose fault is acknowledged, and what the asker is told of it.
///
/// # Errors
/// The request cannot be read, names nothing that is there, or there is nothing to acknowledge.
pub fn acknowledged(message: &Message, house: &House) -> Result<(Target, Value), String> {
    let asked = read(&message.payload)?;
    let (target, ids) = match (&asked.device, asked.slot, &asked.group) {
        (Some(device), Some(slot), None) => {
            let id = device.parse::<Slug>().map(|device| OutletId::new(device, slot)).ok();
            let id = id.filter(|id| house.outlets.contains_key(id)).ok_or("there is no such outlet")?;
            (Target::Outlet(id.clone()), vec![id])
        }
        (None, None, Some(group)) => {
            let group = group.parse::<Slug>().ok().and_then(|slug| house.groups.get(&slug));
            let group = group.ok_or("there is no such group")?;
            (Target::Group(group.slug.clone()), group.outlets.clone())
        }
        _ => return Err("name either `device` and `slot`, or `group`".to_owned()),
    };
    let locked = ids.iter().filter_map(|id| Some((id, house.outlets.get(id)?.memory.lockout?)));
    let told = locked
        .filter(|(_, lockout)| !lockout.acknowledged)
        .map(|(id, lockout)| json!({ "device": id.device, "slot": id.slot, "fault": lockout.fault }));
    let told: Vec<_> = told.collect();
    if told.is_empty() {
        return Err("no fault waits for it".to_owned());
    }
    Ok((target, json!({ "acknowledged": told })))
}

/// Answers a request; `look` finds what was asked for.
pub fn answer(topics: &Topics, verb: &str, message: &Message, look: impl Fn(Ask) -> Value) -> Answer {
    let found = read(&message.payload).and_then(|_| Ask::named(verb)).map(look);
    answered(topics, verb, message, found)
}

/// Answers a request with what was found.
pub fn answered(topics: &Topics, verb: &str, message: &Message, found: Result<Value, String>) -> Answer {
    let transaction = read(&message.payload).map(|asked| asked.transaction).unwrap_or_default();
    let problem = found.as_ref().err().cloned();
    let mut body = Map::new();
    match found {
        Ok(data) => body.extend([("status".to_owned(), json!("ok")), ("data".to_owned(), data)]),
        Err(problem) => {
            body.extend([("status".to_owned(), json!("error")), ("data".to_owned(), json!({}))]);
            body.insert("error".to_owned(), json!(problem));
        }
    }
    if !transaction.is_null() {
        body.insert("transaction".to_owned(), transaction);
    }
    let (topic, correlation) = address(topics, verb, message.reply.as_ref());
    let payload = Value::Object(body).to_string();
    Answer { message: Once { correlation, ..Once::passing(topic, payload) }, problem }
}

fn read(payload: &Payload) -> Result<Asked, String> {
    match payload {
        Payload::TooLong(length) => Err(format!("{length} bytes are too long")),
        Payload::Bytes(bytes) if bytes.trim_ascii().is_empty() => Ok(Asked::default()),
        Payload::Bytes(bytes) if bytes.trim_ascii().starts_with(b"{") => {
            serde_json::from_slice(bytes).map_err(|error| format!("the request is not JSON: {error}"))
        }
        Payload::Bytes(_) => Err("the request is not a JSON object such as {\"transaction\":\"1\"}".to_owned()),
    }
}

/// The topic that the asker names, unless nothing can be published there.
fn address(topics: &Topics, verb: &str, reply: Option<&Reply>) -> (String, Option<Vec<u8>>) {
    let usable = |topic: &str| !topic.is_empty() && !topic.contains(['+', '#', '\0']) && !topic.starts_with('$');
    match reply {
        Some(reply) if usable(&reply.topic) => (reply.topic.clone(), reply.correlation.clone()),
        other => {
            let plain = verb.chars().all(|letter| letter.is_ascii_alphanumeric() || "_/-".contains(letter));
            let short = if plain && verb.len() <= 64 { verb } else { "unknown" };
            (topics.response(short), other.and_then(|reply| reply.correlation.clone()))
        }
    }
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
