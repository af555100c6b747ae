//! The merged config as JSON, without its secrets.

use serde_json::{Map, Number, Value, json};

use super::{
    problem::Place,
    tree::{Kind, Node},
};

/// What is shown in place of a secret.
pub(super) const MASK: &str = "********";
/// Keys whose values are secrets wherever they stand.
const SECRETS: [&str; 7] = ["password", "pin", "api_key", "smtp_password", "password_hash", "username", "token"];

/// The tree as JSON. What hides behind a webhook is a secret as a whole: its address and its headers hold tokens.
pub(super) fn shown(node: &Node) -> Value {
    shown_in(node, "")
}

/// What stands below the key `above`.
fn shown_in(node: &Node, above: &str) -> Value {
    match &node.kind {
        Kind::Null => Value::Null,
        Kind::Bool(it) => Value::Bool(*it),
        Kind::Number(it, _) => number(*it),
        Kind::Text(text) if node.place.is_untyped() => typed(text),
        Kind::Text(text) => Value::String(text.clone()),
        Kind::List(items) => Value::Array(items.iter().map(|it| shown_in(it, above)).collect()),
        Kind::Map(entries) => {
            let pairs = entries.iter().map(|entry| {
                let secret = is_secret(&entry.key, above);
                let value = if secret { Value::String(MASK.to_owned()) } else { shown_in(&entry.value, &entry.key) };
                (entry.key.clone(), value)
            });
            Value::Object(pairs.collect::<Map<_, _>>())
        }
    }
}

/// Is what stands at `key` below the key `above` a secret?
pub(super) fn is_secret(key: &str, above: &str) -> bool {
    // Who knows the topic of a push reads along.
    SECRETS.contains(&key) || matches!(key, "url" | "headers") || (above == "ntfy" && key == "topic")
}

/// The tree with the source of each leaf; lists are leaves. The shape that clients of the old page know.
pub(super) fn annotated(node: &Node) -> Value {
    annotated_in(node, "", "")
}

fn annotated_in(node: &Node, key: &str, above: &str) -> Value {
    let secret = is_secret(key, above);
    if let (Kind::Map(entries), false) = (&node.kind, secret) {
        let pairs = entries.iter().map(|it| (it.key.clone(), annotated_in(&it.value, &it.key, key)));
        return Value::Object(pairs.collect());
    }
    let is_empty = matches!(&node.kind, Kind::Null) || matches!(&node.kind, Kind::Text(text) if text.is_empty());
    let value = match (secret, is_empty) {
        (true, true) => Value::String(String::new()),
        (true, false) => Value::String(MASK.to_owned()),
        (false, _) => shown_in(node, key),
    };
    let source = match &node.place {
        Place::Default => "default",
        Place::Whole(_) | Place::File { .. } => "yaml",
        Place::Environment(_) => "env",
        Place::Flag(_) => "option",
    };
    let mut leaf = json!({ "value": value, "source": source, "readonly": node.place.is_untyped() });
    if let (Place::Environment(name), Some(leaf)) = (&node.place, leaf.as_object_mut()) {
        leaf.insert("env_var".to_owned(), Value::String(name.clone()));
    }
    leaf
}

fn number(it: f64) -> Value {
    #[expect(clippy::cast_possible_truncation, reason = "checked to be whole and small")]
    let whole = (it.fract() == 0.0 && it.abs() < 1e15).then(|| Value::from(it as i64));
    whole.or_else(|| Number::from_f64(it).map(Value::Number)).unwrap_or(Value::Null)
}

/// Text from the environment looks like what the file would say.
fn typed(text: &str) -> Value {
    match text.trim().parse::<f64>() {
        Ok(it) => number(it),
        Err(_) => text.trim().parse().map_or_else(|_| Value::String(text.to_owned()), Value::Bool),
    }
}
