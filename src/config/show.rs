//! The merged config as JSON, without its secrets.

use serde_json::{Map, Number, Value};

use super::tree::{Kind, Node};

const MASK: &str = "********";
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
                let secret = SECRETS.contains(&entry.key.as_str()) || matches!(entry.key.as_str(), "url" | "headers");
                // Who knows the topic of a push reads along.
                let secret = secret || (above == "ntfy" && entry.key == "topic");
                let value = if secret { Value::String(MASK.to_owned()) } else { shown_in(&entry.value, &entry.key) };
                (entry.key.clone(), value)
            });
            Value::Object(pairs.collect::<Map<_, _>>())
        }
    }
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
