//! `/api/mat/*`: what a phone on the way to the door needs.

use std::sync::Arc;

use axum::{Json, extract::State, http::StatusCode};
use jiff::SignedDuration;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    by_name,
    control::{absent_group, action_of, failed},
    low,
};
use crate::{
    explain::local,
    model::{
        Availability, Command, Control, ControlSettings, GroupSettings, House, Lasting, Origin, Outlet, Slug, Target,
        Verb, asked::LONGEST_WISH,
    },
    web::{
        Site,
        answer::{Problem, Refusal},
        api::open,
        body::Body,
        switch::asking::{agreed, ask},
    },
};

pub(super) fn routes() -> OpenApiRouter<Arc<Site>> {
    OpenApiRouter::new().routes(routes!(mat_status)).routes(routes!(mat_control)).routes(routes!(mat_reset))
}

/// Switch a group for a while.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct MatControl {
    group: Option<String>,
    /// `on` or `off`.
    action: Option<String>,
    /// Above 0, at most 24. What the config says for the group where it is not given.
    #[schema(value_type = Option<f64>)]
    timeout_hours: Option<Value>,
}

/// Give a group back to its rules.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct MatReset {
    group: Option<String>,
}

/// What each group does.
#[utoipa::path(get, path = "/api/mat/status", tag = "predecessor", responses(
    (status = 200, description = "By group: `is_on` (null while unknown), `mode`, `has_schedule`, `temperature` (°C), …", body = Object),
    (status = 503, description = "Setup mode.", body = Problem),
))]
async fn mat_status(State(site): State<Arc<Site>>) -> Result<Json<Value>, Refusal> {
    let settings = open(&site).map_err(failed)?;
    Ok(Json(status(&settings, &site.handle.picture())))
}

/// Switches a group for a while; answered after the plugs have reported.
#[utoipa::path(post, path = "/api/mat/control", tag = "predecessor", request_body = MatControl, responses(
    (status = 200, description = "As `/api/mat/status`.", body = Object),
    (status = 400, description = "A key is missing, unknown or out of range.", body = Problem),
    (status = 404, description = "There is no such group.", body = Problem),
    (status = 409, description = "Refused, with the reason.", body = Problem),
    (status = 503, description = "Setup mode.", body = Problem),
    (status = 504, description = "A plug did not do it within 10 s.", body = Problem),
))]
async fn mat_control(
    State(site): State<Arc<Site>>,
    asked: Result<Body<MatControl>, Refusal>,
) -> Result<Json<Value>, Refusal> {
    let settings = open(&site).map_err(failed)?;
    let Body(asked) = asked.map_err(failed)?;
    let (Some(group), Some(action)) = (asked.group, asked.action) else {
        return Err(failed(Refusal::bad("Missing required fields: group and action")));
    };
    let switch = action_of(&Value::String(action)).map_err(failed)?;
    let lasting = asked.timeout_hours.as_ref().filter(|it| !it.is_null()).map(hours).transpose().map_err(failed)?;
    let verb = Verb::Set(switch, lasting.unwrap_or_default());
    order(&site, &settings, &group, verb).await
}

/// Ends every wish of people about a group: its rules decide.
#[utoipa::path(post, path = "/api/mat/reset-auto", tag = "predecessor", request_body = MatReset, responses(
    (status = 200, description = "As `/api/mat/status`.", body = Object),
    (status = 400, description = "A key is missing or unknown.", body = Problem),
    (status = 404, description = "There is no such group.", body = Problem),
    (status = 409, description = "Refused, with the reason.", body = Problem),
    (status = 503, description = "Setup mode.", body = Problem),
    (status = 504, description = "A plug did not do it within 10 s.", body = Problem),
))]
async fn mat_reset(
    State(site): State<Arc<Site>>,
    asked: Result<Body<MatReset>, Refusal>,
) -> Result<Json<Value>, Refusal> {
    let settings = open(&site).map_err(failed)?;
    let Body(asked) = asked.map_err(failed)?;
    let group = asked.group.ok_or_else(|| failed(Refusal::bad("Missing required field: group")))?;
    order(&site, &settings, &group, Verb::Control(Control::Auto)).await
}

async fn order(site: &Site, settings: &ControlSettings, group: &str, verb: Verb) -> Result<Json<Value>, Refusal> {
    let known = settings.group_named(group);
    let known = known.ok_or_else(|| failed(absent_group(group, &site.handle.picture())))?;
    let command = Command::new(Target::Group(known.slug.clone()), verb, Origin::Web);
    let said = ask(&site.handle, command).await.map_err(failed)?;
    agreed(&said).map_err(failed)?;
    Ok(Json(status(settings, &site.handle.picture())))
}

fn hours(value: &Value) -> Result<Lasting, Refusal> {
    let hours = value.as_f64().ok_or_else(|| Refusal::bad("timeout_hours must be a number"))?;
    let most = LONGEST_WISH.as_secs_f64() / 3600.0;
    if !(hours > 0.0 && hours <= most) {
        return Err(Refusal::bad("timeout_hours must be greater than 0 and less than or equal to 24"));
    }
    let length = SignedDuration::try_from_secs_f64(hours * 3600.0);
    let length = length.map_err(|_| Refusal::new(StatusCode::BAD_REQUEST, "timeout_hours must be a number"))?;
    Ok(Lasting::For(length.max(SignedDuration::from_secs(1))))
}

fn status(settings: &ControlSettings, house: &House) -> Value {
    json!({ "success": true, "groups": by_name(settings, |it| group_status(settings, house, it)) })
}

fn group_status(settings: &ControlSettings, house: &House, group: &GroupSettings) -> Value {
    let outlets = outlets(house, &group.slug);
    let known: Vec<bool> = outlets
        .iter()
        .filter(|it| it.availability == Availability::Online)
        .filter_map(|it| Some(it.switch()?.is_on()))
        .collect();
    let is_on = (!known.is_empty()).then(|| known.contains(&true));
    let has_rules = group.enabled && (!group.schedules.is_empty() || group.melt.is_some());
    let asked = outlets.iter().any(|it| it.memory.wish.is_some() || it.memory.control == Control::Off);
    let mode = match (has_rules, asked) {
        (false, _) => "manual_only",
        (true, true) => "manual",
        (true, false) => "auto",
    };
    let air = house.weather.forecast.as_ref().and_then(|it| it.at(house.at)?.temperature);
    let next = outlets.iter().filter_map(|it| it.decision.next).min_by_key(|it| it.at);
    let mut told = Map::new();
    let mut put = |key: &str, value: Value| told.insert(key.to_owned(), value);
    put("is_on", json!(is_on));
    put("mode", json!(mode));
    put("has_schedule", json!(has_rules));
    put("temperature", json!(air.map(|it| (it.0 * 10.0).round() / 10.0)));
    put("last_updated", json!(local(&settings.zone, house.at)));
    let event = next.map(|it| json!({ "time": local(&settings.zone, it.at), "action": low(it.switch) }));
    put("next_scheduled_event", json!(event));
    if is_on.is_none() {
        put("error", json!("Cannot get device status"));
    }
    if let Some(end) = outlets.iter().filter_map(|it| Some(it.memory.wish?.end.latest())).min() {
        put("override_expires_at", json!(local(&settings.zone, end)));
        put("time_remaining", json!(remaining(end.duration_since(house.at))));
    }
    Value::Object(told)
}

fn outlets<'a>(house: &'a House, group: &Slug) -> Vec<&'a Outlet> {
    let ids = house.groups.get(group).map(|it| it.outlets.as_slice()).unwrap_or_default();
    ids.iter().filter_map(|id| house.outlets.get(id)).map(Arc::as_ref).collect()
}

/// `in 2h 59m`, `in 5m 3s`, `in 9s`.
fn remaining(length: SignedDuration) -> String {
    let seconds = length.as_secs().max(0);
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, seconds) => format!("in {seconds}s"),
        (0, minutes, seconds) => format!("in {minutes}m {seconds}s"),
        (hours, minutes, _) => format!("in {hours}h {minutes}m"),
    }
}
