//! The schedules of a group and its `automation`, as the predecessor's clients see and change them.

use heattrax::hub::Clock;
use serde_json::{Value, json};

use crate::{
    home::Home,
    noon,
    site::{Site, WHOLE},
};

/// A group of before there were schedules.
const LEGACY: &str = r#"    mats:
      items: [ { name: Mats, ip_address: "127.0.0.1:13", outlets: [0] } ]
      automation: { weather_control: true, precipitation_control: true, morning_mode: true }
morning_mode: { enabled: true }
"#;
const LIST: &str = "/api/groups/porch/schedules";
const MATS: &str = "/api/groups/mats/automation";

#[tokio::test]
async fn schedules_are_counted_as_they_are_listed_and_as_they_are_after_a_change() {
    let site = Site::new(&format!("{WHOLE}{LEGACY}")).await;
    let (_, listed) = site.http("GET", "/api/groups/mats/schedules", Value::Null).await;
    let (_, told) = site.http("GET", MATS, Value::Null).await;
    assert_eq!((&listed["schedules"], &told["schedules_count"]), (&json!([]), &json!(0)), "{told}");
    for (asked, holds) in [(json!(false), false), (json!(true), true), (Value::Null, false)] {
        let (status, changed) = site.http("PATCH", MATS, json!({ "weather_control": asked })).await;
        let (_, told) = site.http("GET", MATS, Value::Null).await;
        assert_eq!((status, &changed), (200, &told));
        assert_eq!((&told["effective"]["weather_control"], &told["schedules_count"]), (&json!(holds), &json!(0)));
    }
    let (_, told) = site.http("GET", "/api/groups/porch/automation", Value::Null).await;
    assert_eq!(told["schedules_count"], 1, "{told}");
    site.stop().await;
}
