//! What `docs/migrating.md` promises of statuses is what the program's own document has.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::site::{Site, WHOLE};

/// What is said of a status that is none any more.
const GONE: [&str; 3] = ["no ", "was always a ", "never "];

/// The statuses that a text speaks of as if they were answered.
fn statuses(words: &str) -> BTreeSet<&str> {
    let digits = words.char_indices().filter(|(_, it)| it.is_ascii_digit()).map(|(at, _)| at);
    let numbers = digits.filter_map(|at| Some((at, words.get(at..at + 3)?)));
    let status = |(at, it): &(usize, &str)| {
        let (before, after) = (&words[..*at], &words[at + 3..]);
        let alone =
            !before.ends_with(|it: char| it.is_alphanumeric()) && !after.starts_with(|it: char| it.is_alphanumeric());
        alone
            && it.starts_with(['2', '3', '4', '5'])
            && it.bytes().all(|it| it.is_ascii_digit())
            && !GONE.iter().any(|it| before.ends_with(it))
    };
    numbers.filter(status).map(|(_, it)| it).collect()
}

#[tokio::test]
async fn the_statuses_of_the_migration_table_are_those_of_the_openapi_document() {
    let site = Site::new(WHOLE).await;
    let (_, document) = site.http("GET", "/openapi.json", Value::Null).await;
    let table = include_str!("../../docs/migrating.md").split("\n## Endpoints\n").nth(1).unwrap();
    let table = table.split("\n## ").next().unwrap();
    let mut faults = Vec::new();
    for row in table.lines().filter(|it| it.starts_with("| `")) {
        let (endpoints, words) = row.trim_matches('|').split_once(" | ").unwrap();
        for endpoint in endpoints.split('`').skip(1).step_by(2) {
            let (method, path) = endpoint.split_once(' ').unwrap();
            let known = &document["paths"][path][method.to_lowercase()]["responses"];
            let strange = statuses(words).into_iter().filter(|it| known.get(it).is_none());
            faults.extend(strange.map(|it| format!("{endpoint}: {it} is promised, and is not in the document")));
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
    site.stop().await;
}

#[tokio::test]
async fn a_412_is_promised_where_the_config_is_changed_and_only_there() {
    let site = Site::new(WHOLE).await;
    let (_, document) = site.http("GET", "/openapi.json", Value::Null).await;
    let mut found = BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            if operation["responses"].get("412").is_some() {
                found.insert(format!("{} {path}", method.to_uppercase()));
            }
        }
    }
    let wanted = json!([
        "DELETE /api/groups/{group}/schedules/{index}",
        "PATCH /api/config",
        "PATCH /api/groups/{group}/automation",
        "POST /api/config",
        "POST /api/config/restore",
        "POST /api/config/upload",
        "POST /api/credentials",
        "POST /api/groups/{group}/schedules",
        "POST /api/setup/account",
        "POST /api/setup/devices",
        "POST /api/setup/place",
        "PUT /api/config",
        "PUT /api/config/text",
        "PUT /api/groups/{group}/schedules/{index}",
        "PUT /api/groups/{group}/schedules/{index}/enabled",
    ]);
    assert_eq!(json!(found), wanted);
    site.stop().await;
}
