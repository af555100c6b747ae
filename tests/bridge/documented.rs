//! What `/openapi.json` promises of the config's mark.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::site::{Site, WHOLE};

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
