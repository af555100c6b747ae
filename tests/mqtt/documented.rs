//! `docs/entities.md` is written from what is announced; it is stale as soon as it says anything else.

use std::{collections::BTreeMap, fmt::Write, fs, path::Path};

use serde_json::Value;

use crate::{
    announced::{announcements, components},
    house::weathered,
};

/// The devices of a house with everything, and what they stand for.
const DEVICES: [(&str, &str); 7] = [
    ("heattrax_k7", "bridge"),
    ("tapo_a0b1c2d3e4f5", "device"),
    ("tapo_a0b1c2d3e4f5_1", "outlet"),
    ("tapo_a0b1c2d3e4f5_2", "outlet"),
    ("tapo_a0b1c2d3e4f6_1", "outlet"),
    ("tapo_a0b1c2d3e4f6_2", "outlet"),
    ("heattrax_k7_group_mats", "group"),
];

const SUBJECTS: [(&str, &str, &str); 4] = [
    ("bridge", "The bridge", "`heattrax_<bridge id>_<key>`"),
    ("device", "A device (a plug or a strip)", "`tapo_<mac>_<key>`"),
    ("outlet", "An outlet of it", "`tapo_<mac>_<slot>_<key>`"),
    ("group", "A group", "`heattrax_<bridge id>_group_<group>_<key>`"),
];

const HEAD: &str = "\
# What Home Assistant sees

Written by a test from the table that discovery and publishing share; do not edit. To write it anew:
`UPDATE_DOCS=1 cargo test --test mqtt documented`.

Keys and unique ids never change once released: not with a name, an address or a base topic. *Off* in the last column is an
entity that Home Assistant registers but leaves disabled. An entity is announced where its field is published, and nowhere else.
";

/// Which outlets have it: the metered heater, the metered tree, the heater, the light.
fn whose(devices: &[&str]) -> &'static str {
    match devices {
        ["tapo_a0b1c2d3e4f5_1", "tapo_a0b1c2d3e4f5_2"] => "with a meter",
        ["tapo_a0b1c2d3e4f5_1", "tapo_a0b1c2d3e4f6_1"] => "heaters",
        ["tapo_a0b1c2d3e4f5_1"] => "heaters with a meter",
        _ => "all",
    }
}

fn text<'a>(component: &'a Value, key: &str) -> &'a str {
    component.get(key).and_then(Value::as_str).unwrap_or("")
}

fn code(text: &str) -> String {
    if text.is_empty() { String::new() } else { format!("`{text}`") }
}

/// A topic of the example as a pattern.
fn pattern(topic: &str) -> String {
    let levels = topic.strip_prefix("heattrax/").unwrap_or(topic);
    let levels = ["driveway/1", "driveway/2", "porch/1", "porch/2"]
        .into_iter()
        .fold(levels.to_owned(), |topic, outlet| topic.replace(outlet, "<dev>/<slot>"));
    levels.replace("driveway", "<dev>").replace("group/mats", "group/<group>")
}

fn line(key: &str, component: &Value, devices: &[&str], of_outlets: bool) -> String {
    let name = component["name"].as_str().unwrap_or("(its device's)");
    let class = [text(component, "dev_cla"), text(component, "stat_cla")].into_iter().filter(|it| !it.is_empty());
    let class = class.collect::<Vec<_>>().join(", ");
    let shown = component["stat_t"].as_str().map(|topic| {
        let field = text(component, "val_tpl").split("value_json.").nth(1).unwrap_or("");
        let end = field.find(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_').unwrap_or(0);
        let field = if end == 0 { String::new() } else { format!(" {}", &field[..end]) };
        format!("`{}`{field}", pattern(topic))
    });
    let heard = component["cmd_t"].as_str().map(|topic| code(&pattern(topic)));
    let unit = text(component, "unit_of_meas");
    let category = text(component, "ent_cat");
    let default = if component["en"] == false { "off" } else { "on" };
    let (shown, heard) = (shown.unwrap_or_default(), heard.unwrap_or_default());
    let platform = text(component, "p");
    let whose = if of_outlets { format!(" {} |", whose(devices)) } else { String::new() };
    format!(
        "| `{key}` | {platform} | {name} |{whose} {class} | {unit} | {category} | {shown} | {heard} | {default} |\n"
    )
}

fn written() -> String {
    let all: BTreeMap<String, Value> = announcements(&weathered())
        .into_iter()
        .map(|(topic, it)| (topic.split('/').nth(2).unwrap().to_owned(), it))
        .collect();
    let mut page = HEAD.to_owned();
    for (subject, title, ids) in SUBJECTS {
        let mut keys: Vec<(String, Value, Vec<&str>)> = Vec::new();
        for (device, _) in DEVICES.iter().filter(|it| it.1 == subject) {
            for (key, component) in components(&all[*device]) {
                let slot = device.rsplit('_').next().filter(|_| subject == "outlet");
                let key = slot.map_or(key.as_str(), |slot| key.strip_prefix(&format!("{slot}_")).unwrap());
                match keys.iter_mut().find(|it| it.0 == key) {
                    Some(known) => known.2.push(device),
                    None => keys.push((key.to_owned(), component.clone(), vec![device])),
                }
            }
        }
        let of_outlets = subject == "outlet";
        let (column, rule) = if of_outlets { (" outlets |", "---|") } else { ("", "") };
        write!(page, "\n## {title}\n\nUnique ids: {ids}. Topics are below the base topic.\n\n").unwrap();
        writeln!(page, "| key | platform | name |{column} class | unit | category | shows | commands | default |")
            .unwrap();
        writeln!(page, "|---|---|---|{rule}---|---|---|---|---|---|").unwrap();
        keys.iter().for_each(|(key, component, devices)| page += &line(key, component, devices, of_outlets));
    }
    page
}

#[test]
fn the_page_of_entities_says_what_is_announced() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/entities.md");
    let page = written();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&path, &page).unwrap();
    }
    let found = fs::read_to_string(&path).unwrap();
    assert!(found == page, "docs/entities.md is stale: UPDATE_DOCS=1 cargo test --test mqtt documented");
}
