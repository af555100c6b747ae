//! `POST /api/devices/control` and `/api/groups/{group}/control`: on or off, answered after the plugs have reported.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, State},
    http::StatusCode,
};
use serde::Serialize;
use serde_json::{Map, Value, json};
use tokio::task::JoinSet;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{Item, items};
use crate::{
    model::{Command, House, Lasting, Origin, OutletId, Switch, Target, Verb, asked::quoted},
    web::{
        Site,
        answer::{Problem, Refusal},
        api::open,
        body::Body,
        switch::{asking::ask, listed},
    },
};

pub(super) fn routes() -> OpenApiRouter<Arc<Site>> {
    OpenApiRouter::new().routes(routes!(control_device)).routes(routes!(control_group))
}

/// What is to be switched. `group_name`, `device_name` and `outlet_index` mean the same.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it is read key by key, for it can be written in two ways; this describes it")]
struct Control {
    /// The group's name.
    group: String,
    /// The item's name in the group.
    device: String,
    /// Counted from 0; an explicit `null` means every outlet of the item.
    outlet: Option<u8>,
    /// `on` or `off`.
    action: String,
}

/// What came of it.
#[derive(Serialize, ToSchema)]
struct Controlled {
    success: bool,
    device: String,
    outlet: Option<u8>,
    action: &'static str,
    error: Option<String>,
}

/// What is to become of a group.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it is read key by key; this describes it")]
struct Action {
    /// `on` or `off`.
    action: String,
}

/// Each key and the name that it also goes by.
const KEYS: [(&str, &str); 4] =
    [("group", "group_name"), ("device", "device_name"), ("outlet", "outlet_index"), ("action", "action")];

/// Switches an outlet, or all of an item; answered after the plug has reported.
#[utoipa::path(post, path = "/api/devices/control", tag = "predecessor", request_body = Control, responses(
    (status = 200, description = "It is so.", body = Controlled),
    (status = 400, description = "A key is missing or unknown, there is no such thing, or the plug did not do it: its own error.", body = Object),
    (status = 503, description = "Setup mode.", body = Problem),
))]
async fn control_device(
    State(site): State<Arc<Site>>,
    asked: Result<Body<Map<String, Value>>, Refusal>,
) -> Result<(StatusCode, Json<Value>), Refusal> {
    let settings = open(&site)?;
    let house = site.handle.picture();
    let Body(asked) = asked.map_err(failed)?;
    let [group, device, outlet, action] = values(&asked).map_err(failed)?;
    let (group, device) = (text("group", group).map_err(failed)?, text("device", device).map_err(failed)?);
    let switch = action_of(action).map_err(failed)?;
    let known = settings.group_named(group).ok_or_else(|| failed(no_group(group, &house)))?;
    let mine = || items(&settings).filter(|it| it.group.slug == known.slug);
    let item = mine().find(|it| it.is_named(device)).ok_or_else(|| {
        let (device, group, there) = (quoted(device), quoted(group), listed(mine().map(|it| it.name)));
        failed(Refusal::bad(format!("Device {device} not found in group {group}; there is: {there}")))
    })?;
    let (index, outlets) = chosen(&item, outlet, &house).map_err(failed)?;
    let results = switched(&site, outlets, switch).await;
    let problems: Vec<String> = results.into_iter().filter_map(|(_, result)| result.err()).collect();
    let error = (!problems.is_empty()).then(|| problems.join("; "));
    let status = if error.is_none() { StatusCode::OK } else { StatusCode::BAD_REQUEST };
    let action = super::low(switch);
    let told = Controlled { success: error.is_none(), device: device.to_owned(), outlet: index, action, error };
    Ok((status, Json(json!(told))))
}

/// Switches every outlet of a group; answered after the plugs have reported.
#[utoipa::path(post, path = "/api/groups/{group}/control", tag = "predecessor", request_body = Action, params(
    ("group" = String, Path, description = "The group's name or slug."),
), responses(
    (status = 200, description = "What each outlet did; `success` if all did it.", body = Object),
    (status = 400, description = "A key is missing or unknown, or the group has no outlets.", body = Problem),
    (status = 404, description = "There is no such group.", body = Problem),
    (status = 503, description = "Setup mode.", body = Problem),
))]
async fn control_group(
    State(site): State<Arc<Site>>,
    Path(name): Path<String>,
    asked: Result<Body<Map<String, Value>>, Refusal>,
) -> Result<Json<Value>, Refusal> {
    let settings = open(&site)?;
    let house = site.handle.picture();
    let known = settings.group_named(&name).ok_or_else(|| failed(absent_group(&name, &house)))?;
    let Body(asked) = asked.map_err(failed)?;
    if let Some(strange) = asked.keys().find(|it| *it != "action") {
        return Err(failed(Refusal::bad(format!("{} is unknown here: `action` is asked for", quoted(strange)))));
    }
    let action = asked.get("action").ok_or_else(|| failed(Refusal::bad("Missing required field: action")))?;
    let switch = action_of(action).map_err(failed)?;
    let mine = items(&settings).filter(|it| it.group.slug == known.slug);
    let outlets: Vec<(OutletId, String)> =
        mine.flat_map(|it| it.outlets(&house).into_iter().map(move |id| (id, it.name.clone()))).collect();
    if outlets.is_empty() {
        return Err(failed(Refusal::bad(format!("Group {} has no devices", quoted(&name)))));
    }
    let results = switched(&site, outlets.iter().map(|(id, _)| id.clone()).collect(), switch).await;
    let failures = results.iter().filter(|(_, result)| result.is_err()).count();
    let told = results.iter().zip(&outlets).map(|((id, result), (_, name))| {
        json!({
            "device": name,
            "outlet": id.slot.saturating_sub(1),
            "success": result.is_ok(),
            "error": result.as_ref().err(),
        })
    });
    Ok(Json(json!({
        "success": failures == 0,
        "group": known.name,
        "action": super::low(switch),
        "results": told.collect::<Value>(),
        "total": results.len(),
        "successful": results.len() - failures,
        "failed": failures,
    })))
}

/// The four values, each by one of its names.
fn values(asked: &Map<String, Value>) -> Result<[&Value; 4], Refusal> {
    let known = |key: &str| KEYS.iter().any(|(one, other)| *one == key || *other == key);
    let all = KEYS.map(|(one, other)| if one == other { one.to_owned() } else { format!("{one} (or {other})") });
    let all = all.join(", ");
    if let Some(strange) = asked.keys().find(|it| !known(it)) {
        return Err(Refusal::bad(format!("{} is unknown here: there is {all}", quoted(strange))));
    }
    // What is there and wrong is told before what is missing.
    for (key, value) in asked.iter().filter(|(key, _)| !["outlet", "outlet_index"].contains(&key.as_str())) {
        text(key, value)?;
    }
    let value = |(one, other): (&str, &str)| match (asked.get(one), asked.get(other)) {
        (Some(_), Some(_)) if one != other => {
            Err(Refusal::bad(format!("`{one}` and `{other}` mean the same: give one of them")))
        }
        (Some(found), _) | (None, Some(found)) => Ok(found),
        (None, None) => Err(Refusal::bad(format!("Missing required field: {one}; all of these are: {all}"))),
    };
    let [group, device, outlet, action] = KEYS;
    Ok([value(group)?, value(device)?, value(outlet)?, value(action)?])
}

fn text<'a>(key: &str, value: &'a Value) -> Result<&'a str, Refusal> {
    value.as_str().ok_or_else(|| Refusal::bad(format!("`{key}` must be text")))
}

/// `on` or `off`.
pub(super) fn action_of(value: &Value) -> Result<Switch, Refusal> {
    let said = text("action", value)?;
    let found = [Switch::On, Switch::Off].into_iter().find(|it| said.eq_ignore_ascii_case(it.as_str()));
    found.ok_or_else(|| Refusal::bad(format!("Invalid action: {}. Must be `on` or `off`", quoted(said))))
}

/// The outlets that are meant, and the index if it is one.
fn chosen(item: &Item<'_>, outlet: &Value, house: &House) -> Result<(Option<u8>, Vec<OutletId>), Refusal> {
    if outlet.is_null() {
        let all = item.outlets(house);
        let none = || Refusal::bad(format!("nothing is known of {} yet: it has not been reached", quoted(&item.name)));
        return if all.is_empty() { Err(none()) } else { Ok((None, all)) };
    }
    let index = outlet.as_u64().and_then(|it| u8::try_from(it).ok());
    let index = index.ok_or_else(|| Refusal::bad("`outlet` must be a number from 0, or null for all of the item"))?;
    let id = index.checked_add(1).map(|slot| OutletId::new(item.device.slug.clone(), slot));
    match id.filter(|id| house.outlets.contains_key(id)) {
        Some(id) => Ok((Some(index), vec![id])),
        None => {
            let count = house.outlets.keys().filter(|it| it.device == item.device.slug).count();
            Err(Refusal::bad(format!("Outlet index {index} out of range (device has {count} outlets, counted from 0)")))
        }
    }
}

/// Switches outlets at the same time. What each said against it, in the order that was asked.
async fn switched(site: &Arc<Site>, outlets: Vec<OutletId>, switch: Switch) -> Vec<(OutletId, Result<(), String>)> {
    let mut asking = JoinSet::new();
    for (place, id) in outlets.iter().cloned().enumerate() {
        let site = Arc::clone(site);
        asking.spawn(async move {
            let verb = Verb::Set(switch, Lasting::Default);
            let said = ask(&site.handle, Command::new(Target::Outlet(id), verb, Origin::Web)).await;
            let result = said.map_err(|it| it.words().to_owned()).and_then(|said| {
                let against = said.into_iter().find(|it| !it.ok);
                against.map_or(Ok(()), |it| Err(it.message))
            });
            (place, result)
        });
    }
    let mut results = vec![Err("it could not be asked".to_owned()); outlets.len()];
    while let Some(joined) = asking.join_next().await {
        if let Ok((place, result)) = joined
            && let Some(slot) = results.get_mut(place)
        {
            *slot = result;
        }
    }
    outlets.into_iter().zip(results).collect()
}

/// With the key that clients of these endpoints look at.
pub(super) fn failed(refusal: Refusal) -> Refusal {
    refusal.with("success", json!(false))
}

fn no_group(name: &str, house: &House) -> Refusal {
    Refusal { status: StatusCode::BAD_REQUEST, ..absent_group(name, house) }
}

/// 404, with what there is.
pub(super) fn absent_group(name: &str, house: &House) -> Refusal {
    let there = listed(house.groups.values().map(|it| it.name.clone()));
    Refusal::absent(format!("Group {} not found; there is: {there}", quoted(name)))
}
