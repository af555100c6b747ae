//! The schema and the page of the keys, held against the reader and against an implementation of JSON Schema that is not ours.

use std::{collections::BTreeMap, fs, path::Path};

use heattrax::{
    config::{self, Overrides},
    model::Settings,
};
use serde_json::{Value, json};

/// A house with one of each list, so that every key has a place to stand.
const HOUSE: &str = r#"
location: {latitude: 40.7, longitude: -74.0}
devices:
  credentials: {username: ann@example.org, password: hunter22}
  groups:
    mat:
      class: heater
      items: [{name: Walk, ip_address: 192.168.1.5}]
      melt: {}
      schedules: [{on: {type: sunset, fallback: "17:00"}, off: {type: sunrise, fallback: "07:00"}}]
mqtt: {host: localhost}
web: {tokens: [{token: a-token-that-is-long}]}
weather_api: {local: {topics: [{topic: garden/thermometer, field: temperature}]}}
notifications:
  email: {enabled: true, smtp_host: mail.example.org, from_email: a@example.org, to_emails: [b@example.org]}
"#;

#[test]
fn the_page_of_the_keys_says_what_the_reader_reads() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/configuration.md");
    let page = config::reference();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&path, &page).unwrap();
    }
    assert!(
        fs::read_to_string(&path).unwrap_or_default() == page,
        "docs/configuration.md is stale: UPDATE_DOCS=1 writes it anew"
    );
}

#[test]
fn shipped_files_pass_the_schema_and_mistakes_do_not() {
    let schema = config::schema();
    let not_a_schema = jsonschema::meta::validate(&schema).err().map(|it| format!("{}: {it}", it.instance_path()));
    assert_eq!(not_a_schema, None);
    let validator = jsonschema::validator_for(&schema).unwrap();
    for name in ["config/heattrax.yaml", "config/snow-melt.yaml", "tests/config/seed.yaml"] {
        let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).unwrap();
        let file: Value = serde_saphyr::from_str(&text).unwrap();
        let wrong: Vec<String> =
            validator.iter_errors(&file).map(|it| format!("{}: {it}", it.instance_path())).collect();
        // The reader takes names in any case of letters; JSON Schema has no word for that.
        let wrong: Vec<String> = wrong.into_iter().filter(|it| !it.contains("\"Normal\" is not one of")).collect();
        assert_eq!(wrong, Vec::<String>::new(), "{name}");
    }
    for wrong in [
        json!({ "safety": { "max_runtime_hours": 0 } }),
        json!({ "safety": { "max_runtime_hour": 6 } }),
        json!({ "mqtt": { "port": 70000 } }),
        json!({ "mqtt": { "port": 1883.5 } }),
        json!({ "vacation_mode": "perhaps" }),
        json!({ "devices": { "groups": { "mat": { "items": [{ "name": "Walk" }] } } } }),
        json!({ "devices": { "groups": { "mat": { "class": "oven" } } } }),
        json!({ "web": { "tokens": { "name": "x" } } }),
    ] {
        assert!(!validator.is_valid(&wrong), "{wrong}");
    }
}

fn house() -> Value {
    serde_saphyr::from_str(HOUSE).unwrap()
}

fn read(file: &Value) -> Result<Settings, String> {
    let text = serde_json::to_string(file).unwrap();
    config::parse("house.yaml", &text, &BTreeMap::new(), &Overrides::default()).map_err(|it| it.to_string())
}

/// Each key of the schema with its description, as a JSON pointer into the house.
fn keys(schema: &Value, at: &str, found: &mut Vec<(String, Value)>) {
    for shape in std::iter::once(schema).chain(schema["anyOf"].as_array().into_iter().flatten()) {
        for (key, below) in shape["properties"].as_object().into_iter().flatten() {
            found.push((format!("{at}/{key}"), below.clone()));
            keys(below, &format!("{at}/{key}"), found);
        }
        if let items @ Value::Object(_) = &shape["items"] {
            keys(items, &format!("{at}/0"), found);
        }
        if let any @ Value::Object(_) = &shape["additionalProperties"] {
            keys(any, &format!("{at}/{}", if at == "/devices/groups" { "mat" } else { "storm_ahead" }), found);
        }
    }
}

fn all_keys() -> Vec<(String, Value)> {
    let mut found = Vec::new();
    keys(&config::schema(), "", &mut found);
    assert!(found.len() > 200, "{}", found.len());
    found
}

/// The file with a value at a place; sections on the way are made.
fn with(file: &Value, pointer: &str, value: Value) -> Value {
    let mut file = file.clone();
    let mut at = &mut file;
    for level in pointer.split('/').skip(1) {
        at = match level.parse::<usize>() {
            Ok(place) => {
                if !at.is_array() {
                    *at = json!([]);
                }
                let items = at.as_array_mut().unwrap();
                if items.len() <= place {
                    items.push(json!({}));
                }
                &mut items[place]
            }
            Err(_) => {
                if !at.is_object() {
                    *at = json!({});
                }
                at.as_object_mut().unwrap().entry(level).or_insert(Value::Null)
            }
        };
    }
    *at = value;
    file
}

/// What the settings are, but for the file itself and its mark.
fn meaning(settings: &Settings) -> String {
    let settings = Settings { shown: Value::Null, warnings: Vec::new(), ..settings.clone() };
    format!("{settings:#?}")
}

#[test]
fn what_is_called_the_default_is_what_holds_without_it() {
    let mut tried = 0;
    for (pointer, key) in all_keys() {
        let Some(usual) = key.get("default") else { continue };
        let above = pointer.rsplit_once('/').unwrap().0;
        // A section that is there means something already: it is there in both.
        let mut bare = if house().pointer(above).is_some() { house() } else { with(&house(), above, json!({})) };
        if let Some(section) = bare.pointer_mut(above).and_then(Value::as_object_mut) {
            section.remove(pointer.rsplit('/').next().unwrap());
        }
        let Ok(without) = read(&bare) else { continue };
        let with =
            read(&with(&bare, &pointer, usual.clone())).unwrap_or_else(|problems| panic!("{pointer}: {problems}"));
        let (with, without) = (meaning(&with), meaning(&without));
        let differs = with.lines().zip(without.lines()).find(|(one, other)| one != other);
        assert_eq!(differs, None, "{pointer}: {usual}");
        tried += 1;
    }
    assert!(tried > 70, "{tried}");
}

#[test]
fn numbers_and_names_that_the_schema_allows_the_reader_takes_and_what_is_beyond_it_refuses() {
    let (mut good, mut bad) = (0, 0);
    for (pointer, key) in all_keys() {
        let path = pointer.trim_start_matches('/').replace('/', ".").replace(".0", "[0]");
        let told = |value: &Value| match read(&with(&house(), &pointer, value.clone())) {
            Ok(_) => Vec::new(),
            Err(problems) => {
                problems.lines().filter(|it| it.contains(&format!(" {path}: "))).map(str::to_owned).collect()
            }
        };
        let alternatives = key["anyOf"].as_array();
        for shape in alternatives.map_or(std::slice::from_ref(&key), Vec::as_slice) {
            let mut allowed: Vec<Value> = shape["enum"].as_array().cloned().unwrap_or_default();
            allowed.retain(|it| !it.is_null());
            allowed.extend([shape["minimum"].clone(), shape["maximum"].clone()].into_iter().filter(Value::is_number));
            for value in allowed {
                // What stands beside it may forbid it, but not its range or its name.
                let wrong: Vec<String> = told(&value)
                    .into_iter()
                    .filter(|it| it.contains("a number") || it.contains("a whole number"))
                    .collect();
                let is_unit = key["x-unit"].as_str().is_some_and(|it| it.contains(" or "));
                assert!(wrong.is_empty() || is_unit, "{pointer}: {value}: {wrong:?}");
                good += 1;
            }
            if let Some(least) = shape["minimum"].as_f64().filter(|_| alternatives.is_none()) {
                assert!(!told(&json!(least - 1.0)).is_empty(), "{pointer}: {} is taken", least - 1.0);
                bad += 1;
            }
        }
        // Nothing may be a section in a list.
        if !told(&json!([[{}]])).is_empty() {
            bad += 1;
        }
    }
    assert!(good > 150 && bad > 100, "{good} {bad}");
}
