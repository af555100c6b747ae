//! Which announcements the devices of Home Assistant are laid out on. Unique ids and component keys are the same in each layout.
//!
//! The root of a device's announcement is a closed schema: one key that an old Home Assistant does not know, and it drops the
//! whole device.

use serde_json::{Map, Value, json};

use super::{
    outbound::Context,
    truth::{Entries, Entry, Rank},
};
use crate::model::DeviceLayout;

/// A device of Home Assistant with its entities.
pub(super) struct Draft {
    /// Its unique id.
    pub unique: String,
    /// What is shown of it.
    pub device: Value,
    /// The topics that make it available.
    pub availability: Value,
    /// Its entities by component key.
    pub components: Map<String, Value>,
    /// When in the order it is announced.
    pub rank: Rank,
}

/// Lays devices out: a housing comes first, what hangs on it after it.
pub(super) fn arranged(drafts: Vec<Draft>, context: &Context) -> Entries {
    match context.layout {
        DeviceLayout::ViaDevice => drafts.into_iter().map(|draft| alone(draft, context)).collect(),
        DeviceLayout::ChildDevices => family(drafts, context).into_iter().collect(),
        DeviceLayout::Components => drafts.iter().flat_map(|draft| one_by_one(draft, context)).collect(),
    }
}

fn origin(context: &Context) -> Value {
    json!({ "name": "heattrax", "sw": context.identity.version })
}

fn root(draft: Draft, context: &Context) -> Value {
    json!({
        "dev": draft.device,
        "o": origin(context),
        "avty": draft.availability,
        "avty_mode": "all",
        "qos": 1,
        "cmps": draft.components,
    })
}

fn alone(draft: Draft, context: &Context) -> (String, Entry) {
    let (topic, rank) = (context.topics.announced(&draft.unique), draft.rank);
    (topic, Entry { rank, payload: root(draft, context).to_string() })
}

/// One announcement for all of them. What a child inherits is the availability: it is the housing's own.
fn family(drafts: Vec<Draft>, context: &Context) -> Option<(String, Entry)> {
    let mut drafts = drafts.into_iter();
    let parent = drafts.next()?;
    let (topic, rank) = (context.topics.announced(&parent.unique), parent.rank);
    let mut root = root(parent, context);
    let children: Vec<_> = drafts
        .map(|child| json!({ "ids": [child.unique], "name": child.device["name"], "cmps": child.components }))
        .collect();
    if !children.is_empty() {
        root["cdevs"] = json!(children);
    }
    Some((topic, Entry { rank, payload: root.to_string() }))
}

/// An announcement for each entity, which holds its device each time.
fn one_by_one(draft: &Draft, context: &Context) -> Vec<(String, Entry)> {
    let announce = |(key, component): (&String, &Value)| {
        let mut whole = component.as_object().cloned().unwrap_or_default();
        let platform = whole.remove("p");
        // An entity that is always available says so by saying nothing.
        let own = whole.remove("avty");
        let topics = own.unwrap_or_else(|| draft.availability.clone());
        if topics.as_array().is_some_and(|it| !it.is_empty()) {
            whole.insert("avty".to_owned(), topics);
            whole.insert("avty_mode".to_owned(), json!("all"));
        }
        whole.insert("dev".to_owned(), draft.device.clone());
        whole.insert("o".to_owned(), origin(context));
        whole.insert("qos".to_owned(), json!(1));
        let platform = platform.as_ref().and_then(Value::as_str).unwrap_or_default();
        let topic = context.topics.announced_alone(platform, &draft.unique, key);
        (topic, Entry { rank: draft.rank, payload: Value::Object(whole).to_string() })
    };
    draft.components.iter().map(announce).collect()
}
