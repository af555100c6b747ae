//! A group's `automation`, the vacation, and the sun.

use std::{sync::Arc, time::Duration};

use axum::{
    Json,
    extract::{Path, State},
    http::HeaderMap,
    response::Response,
};
use serde_json::{Map, Value, json};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::control::absent_group;
use crate::{
    explain::solar_times,
    hub::Errand,
    model::{Command, ConfigEdit, Control, GroupSettings, Origin, Target, Verb, asked::quoted},
    web::{
        Site,
        answer::{Problem, Refusal},
        api::open,
        body::Body,
        settings::marked,
        switch::asking::{agreed, ask},
    },
};

/// What the file says of a group, and what it is changed to.
const FLAGS: [&str; 3] = ["weather_control", "precipitation_control", "morning_mode"];
/// A file is read and written.
const WITHIN: Duration = Duration::from_secs(10);

pub(super) fn routes() -> OpenApiRouter<Arc<Site>> {
    OpenApiRouter::new()
        .routes(routes!(automation, set_automation))
        .routes(routes!(vacation, set_vacation))
        .routes(routes!(solar))
}

/// Flags of a group's `automation`; `null` takes one out of the file.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it is read key by key, for null and nothing differ; this describes it")]
struct Flags {
    weather_control: Option<bool>,
    precipitation_control: Option<bool>,
    morning_mode: Option<bool>,
}

/// Is everybody away?
#[derive(ToSchema)]
#[expect(dead_code, reason = "it is read key by key; this describes it")]
struct Vacation {
    enabled: bool,
}

/// What the config's `automation` says of a group. It has an effect only where the group has neither `schedules` nor `melt`.
#[utoipa::path(get, path = "/api/groups/{group}/automation", tag = "predecessor", params(
    ("group" = String, Path, description = "The group's name or slug."),
), responses(
    (status = 200, description = "`base` is what the file says; `overrides` has `weather_control: false` while the control of all outlets is off, else nothing; `effective` is both. An ETag of the file.", body = Object),
    (status = 404, description = "There is no such group.", body = Problem),
    (status = 503, description = "Setup mode.", body = Problem),
))]
async fn automation(State(site): State<Arc<Site>>, Path(name): Path<String>) -> Result<Response, Refusal> {
    let settings = open(&site)?;
    let group = settings.group_named(&name).ok_or_else(|| absent_group(&name, &site.handle.picture()))?;
    let mark = file_mark(&site).await;
    let flags = base(&site, group).await?;
    let count = site.schedules(&group.name).await?.count();
    Ok(marked(&mark, told(&site, group, flags, count)))
}

/// Changes the config's `automation` of a group; it is in force when it is answered.
#[utoipa::path(patch, path = "/api/groups/{group}/automation", tag = "predecessor", request_body = Flags, params(
    ("group" = String, Path, description = "The group's name or slug."),
), responses(
    (status = 200, description = "What the file says now; an ETag of it.", body = Object),
    (status = 400, description = "A key is unknown or a value is none of true, false and null, or the file cannot be changed so.", body = Problem),
    (status = 404, description = "There is no such group.", body = Problem),
    (status = 409, description = "The environment holds a value, or the file cannot be written.", body = Problem),
    (status = 412, description = "If-Match: the file has changed.", body = Problem),
    (status = 503, description = "Setup mode, or the bridge is busy.", body = Problem),
))]
async fn set_automation(
    State(site): State<Arc<Site>>,
    Path(name): Path<String>,
    headers: HeaderMap,
    Body(asked): Body<Map<String, Value>>,
) -> Result<Response, Refusal> {
    let settings = open(&site)?;
    let group = settings.group_named(&name).ok_or_else(|| absent_group(&name, &site.handle.picture()))?;
    for (key, value) in &asked {
        if !FLAGS.contains(&key.as_str()) {
            return Err(Refusal::bad(format!("{} is unknown here: there is {}", quoted(key), FLAGS.join(", "))));
        }
        if !(value.is_boolean() || value.is_null()) {
            return Err(Refusal::bad(format!("Invalid value for {key}: must be true, false, or null")));
        }
    }
    let mark = site.seen(&headers).await;
    let (flags, count) = (base(&site, group).await?, site.schedules(&group.name).await?.count());
    let mut found = file_mark(&site).await;
    // What nobody changes may have been changed by others all the same.
    if !asked.is_empty() || mark.is_some() {
        let edit = ConfigEdit::SetAutomation { group: group.slug.clone(), flags: asked.clone() };
        found = site.handle.errand(Errand::Edit(edit, mark), WITHIN).await?;
    }
    // As it is by now, and what was asked for even if the bridge starts again for it.
    let mut flags = base(&site, group).await.unwrap_or(flags);
    let count = site.schedules(&group.name).await.map_or(count, |it| it.count());
    flags.extend(asked.into_iter().map(|(key, value)| (key, json!(value == Value::Bool(true)))));
    Ok(marked(&found, told(&site, group, flags, count)))
}

/// The mark of the file; none where there is no file that could be changed.
async fn file_mark(site: &Site) -> Value {
    site.handle.errand(Errand::ConfigText, WITHIN).await.unwrap_or_default()
}

/// `count`: the schedules of the list; what the flags are read as is none of them.
fn told(site: &Site, group: &GroupSettings, flags: Map<String, Value>, count: usize) -> Value {
    // Control off is what a person says today, where it was this flag before.
    let overrides = if is_silenced(site, group) { json!({ FLAGS[0]: false }) } else { json!({}) };
    let mut effective = flags.clone();
    effective.extend(overrides.as_object().cloned().unwrap_or_default());
    json!({ "group": group.name, "base": flags, "overrides": overrides, "effective": effective, "schedules_count": count })
}

/// Has somebody set the control of all its outlets to off?
fn is_silenced(site: &Site, group: &GroupSettings) -> bool {
    let house = site.handle.picture();
    let ids = house.groups.get(&group.slug).map(|it| it.outlets.as_slice()).unwrap_or_default();
    let is_off = |id| house.outlets.get(id).is_some_and(|it| it.memory.control == Control::Off);
    !ids.is_empty() && ids.iter().all(is_off)
}

/// What the file says, each flag false where it says nothing.
async fn base(site: &Site, group: &GroupSettings) -> Result<Map<String, Value>, Refusal> {
    let kept = site.handle.errand(Errand::Backup, WITHIN).await?;
    let groups = kept.pointer("/config/devices/groups");
    let said = groups.and_then(|it| it.get(&group.name)?.get("automation"));
    let flag = |key: &str| said.and_then(|it| it.get(key)?.as_bool()).unwrap_or(false);
    Ok(FLAGS.iter().map(|key| ((*key).to_owned(), json!(flag(key)))).collect())
}

/// Is everybody away?
#[utoipa::path(get, path = "/api/vacation_mode", tag = "predecessor", responses(
    (status = 200, description = "`enabled`", body = Object),
    (status = 503, description = "Setup mode.", body = Problem),
))]
async fn vacation(State(site): State<Arc<Site>>) -> Result<Json<Value>, Refusal> {
    open(&site)?;
    Ok(Json(json!({ "enabled": site.handle.picture().vacation })))
}

/// Everybody leaves or comes back. Leaving ends the wishes that keep something on.
#[utoipa::path(put, path = "/api/vacation_mode", tag = "predecessor", request_body = Vacation, responses(
    (status = 200, description = "`success` and `enabled`", body = Object),
    (status = 400, description = "`enabled` is missing or neither true nor false.", body = Problem),
    (status = 503, description = "Setup mode, or the bridge is busy.", body = Problem),
    (status = 504, description = "Nothing was heard of it in time.", body = Problem),
))]
async fn set_vacation(
    State(site): State<Arc<Site>>,
    Body(asked): Body<Map<String, Value>>,
) -> Result<Json<Value>, Refusal> {
    open(&site)?;
    if let Some(strange) = asked.keys().find(|it| *it != "enabled") {
        return Err(Refusal::bad(format!("{} is unknown here: `enabled` is asked for", quoted(strange))));
    }
    let enabled = asked.get("enabled").ok_or_else(|| Refusal::bad("Missing \"enabled\" field"))?;
    let enabled = enabled.as_bool().ok_or_else(|| Refusal::bad("`enabled` must be true or false"))?;
    let command = Command::new(Target::House, Verb::Vacation(enabled), Origin::Web);
    agreed(&ask(&site.handle, command).await?)?;
    Ok(Json(json!({ "success": true, "enabled": enabled })))
}

/// When the sun rises and sets today.
#[utoipa::path(get, path = "/api/solar_times", tag = "predecessor", responses(
    (status = 200, description = "`date`, `sunrise`, `sunset` (`HH:MM`, null on a day without), `timezone`", body = Object),
    (status = 503, description = "Setup mode.", body = Problem),
))]
async fn solar(State(site): State<Arc<Site>>) -> Result<Json<Value>, Refusal> {
    let settings = open(&site)?;
    Ok(Json(solar_times(&settings, site.handle.clock.now())))
}
