//! Setting the bridge up from the page: `/api/setup…`. Each step goes into the config file, and none makes it worse; the last one starts
//! the bridge with it.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use axum::{
    Json,
    extract::State,
    http::HeaderMap,
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    Site,
    answer::{Problem, Refusal},
    body::Body,
    settings::{account, refusal},
};
use crate::{hub::Errand, model::ConfigEdit};

/// Devices that are set up at once.
const MOST: usize = 64;
/// How long a search listens.
const SEARCH: Duration = Duration::from_secs(3);

pub(super) fn routes() -> OpenApiRouter<Arc<Site>> {
    let steps = OpenApiRouter::new().routes(routes!(state)).routes(routes!(login)).routes(routes!(place));
    steps.routes(routes!(search)).routes(routes!(devices)).routes(routes!(finish))
}

/// The account of the plugs.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Login {
    username: String,
    password: String,
}

/// Where the house is.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Place {
    /// -90 to 90, degrees north.
    latitude: f64,
    /// -180 to 180, degrees east.
    longitude: f64,
    /// A name of the IANA database.
    #[schema(example = "Europe/Zurich")]
    timezone: String,
}

/// A device, or some outlets of it.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Device {
    name: String,
    /// An address, with a port where it is not the usual one.
    ip: String,
    /// From 0; the whole device where there are none.
    #[serde(default)]
    outlets: Option<Vec<u8>>,
    /// Its group; made where there is none.
    group: String,
    /// `heater`, `light` or `generic`, of the group.
    #[serde(default)]
    class: Option<String>,
    /// Is the group to melt snow by the forecast?
    #[serde(default)]
    melt: Option<bool>,
}

/// What is still missing.
#[utoipa::path(get, path = "/api/setup", tag = "setup", responses(
    (status = 200, description = "`needed`, `problems` with their places, `file`, `writable`, `steps` with what is done.", body = Object),
    (status = 409, description = "This bridge has no config file.", body = Problem),
    (status = 503, description = "The bridge is busy.", body = Problem),
))]
async fn state(State(site): State<Arc<Site>>) -> Result<Json<Value>, Refusal> {
    site.config_errand(Errand::Setup).await.map(Json)
}

/// The account of the plugs.
#[utoipa::path(post, path = "/api/setup/account", tag = "setup", request_body = Login, responses(
    (status = 200, description = "As `PATCH /api/config`: `problems` are what is left.", body = Object),
    (status = 400, description = "It cannot be that.", body = Problem),
    (status = 409, description = "The environment holds it, or the file cannot be written.", body = Problem),
    (status = 412, description = "If-Match: the file has changed.", body = Problem),
    (status = 503, description = "The bridge is busy.", body = Problem),
))]
async fn login(State(site): State<Arc<Site>>, headers: HeaderMap, Body(it): Body<Login>) -> Result<Response, Refusal> {
    site.sets(Errand::SetUp(account(&it.username, &it.password)?, site.seen(&headers).await)).await
}

/// Where the house is: for the weather and the sun.
#[utoipa::path(post, path = "/api/setup/place", tag = "setup", request_body = Place, responses(
    (status = 200, description = "As `PATCH /api/config`: `problems` are what is left.", body = Object),
    (status = 400, description = "It cannot be there.", body = Problem),
    (status = 409, description = "The environment holds it, or the file cannot be written.", body = Problem),
    (status = 412, description = "If-Match: the file has changed.", body = Problem),
    (status = 503, description = "The bridge is busy.", body = Problem),
))]
async fn place(State(site): State<Arc<Site>>, headers: HeaderMap, Body(it): Body<Place>) -> Result<Response, Refusal> {
    let pairs =
        [("latitude", json!(it.latitude)), ("longitude", json!(it.longitude)), ("timezone", json!(it.timezone))];
    let pairs = pairs.map(|(key, value)| (format!("location.{key}"), value));
    site.sets(Errand::SetUp(ConfigEdit::Set(pairs.to_vec()), site.seen(&headers).await)).await
}

/// Looks for devices on every network of this machine. Nothing is changed by it.
#[utoipa::path(post, path = "/api/setup/discover", tag = "setup", responses(
    (status = 200, description = "`devices`: who answered.", body = Object),
    (status = 503, description = "The bridge is busy.", body = Problem),
))]
async fn search(State(site): State<Arc<Site>>) -> Result<Json<Value>, Refusal> {
    site.config_errand(Errand::Discover { targets: Vec::new(), wait: SEARCH }).await.map(Json)
}

/// Adds devices to groups. What the file has already is left alone.
#[utoipa::path(post, path = "/api/setup/devices", tag = "setup", request_body = Vec<Device>, responses(
    (status = 200, description = "As `PATCH /api/config`: `problems` are what is left.", body = Object),
    (status = 400, description = "One of them cannot be that: `problems` say why.", body = Problem),
    (status = 409, description = "The file cannot be written.", body = Problem),
    (status = 412, description = "If-Match: the file has changed.", body = Problem),
    (status = 503, description = "The bridge is busy.", body = Problem),
))]
async fn devices(
    State(site): State<Arc<Site>>,
    headers: HeaderMap,
    Body(given): Body<Vec<Device>>,
) -> Result<Response, Refusal> {
    if given.is_empty() || given.len() > MOST {
        return Err(Refusal::bad(format!("{} devices: 1 to {MOST} are added at once", given.len())));
    }
    let found = site.config_errand(Errand::Config).await?;
    // Between the look and the change nobody else may add one.
    let mark = site.seen(&headers).await.or_else(|| found.get("etag")?.as_str().map(str::to_owned));
    let groups = found.pointer("/config/devices/groups").and_then(Value::as_object);
    site.sets(Errand::SetUp(ConfigEdit::Set(added(given, groups)), mark)).await
}

/// The values that add devices to the groups that there are.
fn added(given: Vec<Device>, groups: Option<&Map<String, Value>>) -> Vec<(String, Value)> {
    let mut lists: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    let mut pairs = Vec::new();
    for device in given {
        let known = groups.and_then(|it| it.get(&device.group)?.pointer("/items/value")?.as_array());
        let list = lists.entry(device.group.clone()).or_insert_with(|| known.cloned().unwrap_or_default());
        let mut item = json!({ "name": device.name, "ip_address": device.ip });
        if let (Some(outlets), Some(item)) = (device.outlets.filter(|it| !it.is_empty()), item.as_object_mut()) {
            item.insert("outlets".to_owned(), json!(outlets));
        }
        list.push(item);
        // What a group is says it itself, if it says anything: one device more changes nothing about the others.
        let group = groups.and_then(|it| it.get(&device.group)?.as_object());
        if group.is_some_and(|it| ["class", "melt", "automation", "schedules"].iter().any(|key| it.contains_key(*key)))
        {
            continue;
        }
        let of_group = |key: &str| format!("{}/{key}", pointer(&device.group));
        pairs.extend(device.class.map(|it| (of_group("class"), json!(it))));
        pairs.extend(device.melt.map(|it| (of_group("melt/enabled"), json!(it))));
    }
    let lists = lists.into_iter().map(|(group, items)| (format!("{}/items", pointer(&group)), json!(items)));
    lists.chain(pairs).collect()
}

fn pointer(group: &str) -> String {
    format!("/devices/groups/{}", group.replace('~', "~0").replace('/', "~1"))
}

/// Starts the bridge with the config as it is by now.
#[utoipa::path(post, path = "/api/setup/finish", tag = "setup", responses(
    (status = 200, description = "`restart`: why it starts again, null if it runs already.", body = Object),
    (status = 400, description = "Something is still missing: `problems` say what.", body = Problem),
    (status = 409, description = "This bridge has no config file.", body = Problem),
    (status = 503, description = "The bridge is busy or stops already.", body = Problem),
))]
async fn finish(State(site): State<Arc<Site>>) -> Result<Response, Refusal> {
    let found = site.config_errand(Errand::Setup).await?;
    let problems = found.get("problems").cloned().unwrap_or_default();
    if problems.as_array().is_some_and(|it| !it.is_empty()) {
        return Err(refusal("the config is not right yet").with("problems", problems));
    }
    let started = site.config_errand(Errand::Reload).await?;
    Ok(Json(json!({ "status": "ok", "restart": started.get("restart") })).into_response())
}
