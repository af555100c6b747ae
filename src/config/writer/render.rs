//! JSON as YAML on one line.

use serde_json::Value;

/// Words that some reader of YAML takes for something else than text.
const NOT_TEXT: [&str; 12] = ["null", "true", "false", "yes", "no", "on", "off", "y", "n", "nan", "inf", "infinity"];

/// The value in flow style, which fits wherever a value stands.
pub(super) fn flow(value: &Value) -> String {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => value.to_string(),
        Value::String(text) => scalar(text),
        Value::Array(items) => format!("[{}]", items.iter().map(flow).collect::<Vec<_>>().join(", ")),
        Value::Object(fields) if fields.is_empty() => "{}".to_owned(),
        Value::Object(fields) => {
            let fields: Vec<_> = fields.iter().map(|(key, it)| format!("{}: {}", self::key(key), flow(it))).collect();
            format!("{{ {} }}", fields.join(", "))
        }
    }
}

/// `on` and `off` are keys of schedules, and this program reads them as such.
pub(super) fn key(text: &str) -> String {
    if matches!(text, "on" | "off") { text.to_owned() } else { scalar(text) }
}

fn scalar(text: &str) -> String {
    let plain = |it: char| it.is_ascii_alphanumeric() || matches!(it, '_' | '-' | ' ');
    let bare = text.starts_with(|it: char| it.is_ascii_alphabetic())
        && !text.ends_with(' ')
        && text.chars().all(plain)
        && !NOT_TEXT.contains(&text.to_ascii_lowercase().as_str());
    // JSON's text is a quoted text of YAML too.
    if bare { text.to_owned() } else { Value::String(text.to_owned()).to_string() }
}
