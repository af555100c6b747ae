//! The config as JSON Schema, for editors and forms.

use serde_json::{Map, Value, json};

use super::{described::Described, range::Range, shape::Shape, show, words::Word, yaml};

/// What an item cannot do without, and nothing else can say in its place.
const REQUIRED: [&str; 4] = [
    "devices.groups.*.items[].name",
    "devices.groups.*.items[].ip_address",
    "weather_api.local.topics[].topic",
    "weather_api.local.topics[].field",
];

/// The config file as JSON Schema (draft 2020-12), for editors that complete and check YAML, and for forms. Beside the standard's words a
/// key may have `x-unit`; `deprecated` is without effect, `writeOnly` is a secret. Names are in lower case, while the reader takes any.
/// What it lets pass is checked by [`super::parse`], which also knows what must stand beside what.
pub fn schema() -> Value {
    let described = Described::new();
    let mut root = described.section("");
    let head = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "HeatTrax",
        "description": "The config file of HeatTrax. Each key may also come from the environment.",
    });
    if let (Value::Object(root), Value::Object(mut head)) = (&mut root, head) {
        head.append(root);
        *root = head;
    }
    root
}

impl Described {
    fn section(&self, path: &str) -> Value {
        let (mut named, mut any) = (Map::new(), Value::Bool(false));
        let mut required = Vec::new();
        for (key, word) in self.below(path) {
            match key {
                "*" => any = self.key(word),
                _ => drop(named.insert(key.to_owned(), self.key(word))),
            }
            required.extend(REQUIRED.contains(&word.path).then_some(key));
        }
        let mut section = json!({ "type": "object", "properties": named, "additionalProperties": any });
        if let (Value::Object(section), false) = (&mut section, required.is_empty()) {
            section.insert("required".to_owned(), json!(required));
        }
        section
    }

    fn key(&self, word: &Word) -> Value {
        let mut described = Map::new();
        let mut add = |key: &str, value: Value| drop(described.insert(key.to_owned(), value));
        add("description", json!(word.text));
        if !word.usual.is_empty() {
            add("default", usual(word));
        }
        if let Some(unit) = self.unit(word.path) {
            add("x-unit", json!(unit));
        }
        if is_secret(word.path) {
            add("writeOnly", json!(true));
        }
        if self.is_retired(word.path) {
            add("deprecated", json!(true));
        }
        described.append(&mut or_nothing(self.alternatives(word.path)));
        Value::Object(described)
    }

    fn alternatives(&self, path: &str) -> Vec<Value> {
        let mut found = Vec::new();
        for shape in self.shapes(path) {
            let one = match shape {
                Shape::Section => self.section(path),
                Shape::List => json!({ "type": "array", "items": self.item(&format!("{path}[]")) }),
                Shape::Switch => json!({ "type": "boolean" }),
                Shape::Number(range) => number("number", range),
                Shape::Whole(range) => number("integer", range),
                Shape::Text => json!({ "type": "string" }),
                Shape::Secret => json!({ "type": ["string", "number"] }),
                Shape::Texts => json!({ "type": "array", "items": { "type": "string" } }),
                Shape::OneOf(names) => json!({ "enum": spelt(&names) }),
            };
            found.push(one);
        }
        found
    }

    fn item(&self, path: &str) -> Value {
        let mut shapes = self.alternatives(path);
        match shapes.len() {
            // Nobody looks at them.
            0 => json!({}),
            1 => shapes.remove(0),
            _ => json!({ "anyOf": shapes }),
        }
    }
}

/// One of these, or nothing: a key without a value is as good as not there.
fn or_nothing(mut shapes: Vec<Value>) -> Map<String, Value> {
    if let [Value::Object(one)] = shapes.as_mut_slice() {
        match one.get_mut("type") {
            Some(Value::Array(kinds)) => kinds.push(json!("null")),
            Some(kind) => *kind = json!([kind, "null"]),
            None => one.get_mut("enum").and_then(Value::as_array_mut).into_iter().for_each(|it| it.push(Value::Null)),
        }
        return std::mem::take(one);
    }
    shapes.push(json!({ "type": "null" }));
    Map::from_iter([("anyOf".to_owned(), Value::Array(shapes))])
}

/// As the JSON of the file would say it.
fn usual(word: &Word) -> Value {
    let (node, _) = yaml::read(&"words".into(), &format!("it: {}", word.usual));
    let shown = show::shown(&node);
    match shown.get("it") {
        // Times and versions keep their quotes.
        Some(Value::Null) | None => json!(word.usual),
        Some(value) => value.clone(),
    }
}

/// Names as YAML may show them: `off` without quotes is read as false.
fn spelt(names: &[&str]) -> Vec<Value> {
    let as_switch = |name: &&&str| matches!(**name, "off" | "on");
    let switches = names.iter().filter(as_switch).map(|name| json!(*name == "on"));
    let numbers = names.iter().filter_map(|name| name.parse::<i64>().ok()).map(|it| json!(it));
    names.iter().map(|it| json!(it)).chain(switches).chain(numbers).collect()
}

fn number(kind: &str, range: Range) -> Value {
    let (low, high, is_above, _) = range.parts();
    let mut described = json!({ "type": kind });
    let mut add = |key: &str, limit: f64| {
        if let Value::Object(described) = &mut described {
            #[expect(clippy::cast_possible_truncation, reason = "checked to be whole and small")]
            let limit = if limit.fract() == 0.0 && limit.abs() < 1e15 { json!(limit as i64) } else { json!(limit) };
            described.insert(key.to_owned(), limit);
        }
    };
    if low > f64::MIN {
        add(if is_above { "exclusiveMinimum" } else { "minimum" }, low);
    }
    if high < f64::MAX {
        add("maximum", high);
    }
    described
}

fn is_secret(path: &str) -> bool {
    let mut levels = path.rsplit('.');
    let (key, above) = (levels.next().unwrap_or_default(), levels.next().unwrap_or_default());
    show::is_secret(key, above) || above == "headers"
}
