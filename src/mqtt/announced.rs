//! What an announcement holds: ours are read back from the broker, and compared with what replaces them. Pure.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::topics::Topics;

/// An entity of an announcement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Known {
    /// Its component key; empty where the announcement is of this one entity.
    pub key: String,
    /// `switch`, `sensor`, …
    pub platform: String,
    /// Its unique id; empty where it says none.
    pub unique: String,
}

/// The entities of an announcement, in whichever layout.
pub(super) fn entities(payload: &str) -> Vec<Known> {
    let Ok(root) = serde_json::from_str::<Value>(payload) else { return Vec::new() };
    let text = |it: &Value, keys: [&str; 2]| {
        let found = keys.iter().find_map(|key| it.get(key)).and_then(Value::as_str);
        found.unwrap_or_default().to_owned()
    };
    let known = |key: &str, it: &Value| Known {
        key: key.to_owned(),
        platform: text(it, ["p", "platform"]),
        unique: text(it, ["uniq_id", "unique_id"]),
    };
    let alone = known("", &root);
    if !alone.unique.is_empty() {
        return vec![alone];
    }
    let listed = groups(&root).flat_map(|group| group.iter().map(|(key, it)| known(key, it)));
    listed.filter(|it| !it.platform.is_empty()).collect()
}

/// Are outlets children of their housing in this announcement?
pub(super) fn is_family(payload: &str) -> bool {
    serde_json::from_str::<Value>(payload).is_ok_and(|it| it.get("cdevs").or_else(|| it.get("child_devices")).is_some())
}

/// The components of a device, and those of its children.
fn groups(root: &Value) -> impl Iterator<Item = &Map<String, Value>> {
    let children = root.get("cdevs").or_else(|| root.get("child_devices")).and_then(Value::as_array);
    components(root).into_iter().chain(children.into_iter().flatten().filter_map(components))
}

fn components(of: &Value) -> Option<&Map<String, Value>> {
    of.get("cmps").or_else(|| of.get("components")).and_then(Value::as_object)
}

/// The announcement that takes entities back which `before` had and `payload` has no longer: merely leaving them out would leave
/// them in Home Assistant. `None` if there are none.
pub(super) fn farewell(before: &[Known], payload: &str) -> Option<String> {
    let mut root = serde_json::from_str::<Value>(payload).ok()?;
    let keys: BTreeSet<_> = groups(&root).flat_map(Map::keys).cloned().collect();
    let gone: Vec<_> = before.iter().filter(|it| !it.key.is_empty() && !keys.contains(&it.key)).collect();
    if gone.is_empty() {
        return None;
    }
    let components = root.get_mut("cmps")?.as_object_mut()?;
    components.extend(gone.into_iter().map(|it| (it.key.clone(), json!({ "p": it.platform }))));
    Some(root.to_string())
}

/// Did this bridge announce it? Told from the unique id for the bridge and its groups, and from the announcement for plugs: another
/// bridge may have its own on the same broker.
pub(super) fn is_ours(topics: &Topics, unique: &str, payload: &str) -> bool {
    let bridge = topics.bridge_unique();
    if unique == bridge || unique.strip_prefix(bridge).is_some_and(|rest| rest.starts_with("_group_")) {
        return true;
    }
    if !unique.starts_with("tapo_") {
        return false;
    }
    let Ok(root) = serde_json::from_str::<Value>(payload) else { return false };
    let origin = root.pointer("/o/name").and_then(Value::as_str) == Some("heattrax");
    let via_us = root.pointer("/dev/via_device").and_then(Value::as_str) == Some(bridge);
    let available = root.get("avty").and_then(Value::as_array).is_some_and(|list| {
        let ours = topics.bridge_availability();
        list.iter().any(|it| it.get("t").and_then(Value::as_str) == Some(ours.as_str()))
    });
    origin && (via_us || available)
}
