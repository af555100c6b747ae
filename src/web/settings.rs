//! The config by its values: `/api/config`, in the shape that clients of the old page know, and value by value. Everything goes through
//! the one writer of the file and is in force when it is answered.

use std::{sync::Arc, time::Duration};

use axum::{
    Json,
    extract::State,
    http::{HeaderMap, header},
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    Site,
    answer::{Problem, Refusal},
    api::open,
    body::Body,
    schedules::group_named,
};
use crate::{
    hub::Errand,
    model::{ConfigEdit, Failed},
};

/// A disk can be slow.
pub(super) const WITHIN: Duration = Duration::from_secs(14);

pub(super) fn routes() -> OpenApiRouter<Arc<Site>> {
    let values = OpenApiRouter::new().routes(routes!(shown, replace, post, patch)).routes(routes!(schema));
    let values = values.routes(routes!(credentials));
    values.routes(routes!(backups)).routes(routes!(restore)).routes(routes!(preview))
}

/// Values to be set.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Changes {
    changes: Vec<One>,
}

/// One of them.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct One {
    /// As problems write it, or a JSON pointer.
    #[schema(example = "safety.max_runtime_hours")]
    path: String,
    /// `null` takes it out; a secret that is masked or empty stays as it is.
    #[schema(value_type = Object)]
    value: Value,
}

/// The account of the plugs.
#[derive(Deserialize, ToSchema)]
struct Account {
    #[serde(default)]
    username: String,
    #[serde(default)]
    password: String,
}

/// An earlier file.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Earlier {
    /// As it is listed.
    name: String,
}

/// A schedule that is not in force.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Preview {
    /// The group's name or slug.
    group: String,
    /// As the config writes schedules.
    #[schema(value_type = Object)]
    schedule: Map<String, Value>,
}

/// Why not, in the shape that clients of the old page know: they read `message`.
pub(super) fn refusal(why: impl Into<Failed>) -> Refusal {
    shaped(Refusal::from(why.into()))
}

/// With what the predecessor's clients look for.
fn shaped(refusal: Refusal) -> Refusal {
    let message = json!(refusal.words());
    refusal.with("status", json!("error")).with("message", message)
}

impl Site {
    pub(super) async fn config_errand(&self, errand: Errand) -> Result<Value, Refusal> {
        let found = self.handle.errand(errand, WITHIN).await.map_err(refusal)?;
        let problems = found.get("problems").filter(|it| it.as_array().is_some_and(|it| !it.is_empty()));
        match problems {
            Some(problems) if found.get("changed").is_none() && found.get("needed").is_none() => {
                let first = problems.pointer("/0/path").and_then(Value::as_str).unwrap_or_default();
                let words = format!("Validation error: the config would be wrong at `{first}`");
                Err(refusal(words).with("problems", problems.clone()))
            }
            _ => Ok(found),
        }
    }

    /// Sets values, and answers as the old page knows it.
    pub(super) async fn sets(&self, errand: Errand) -> Result<Response, Refusal> {
        let found = self.config_errand(errand).await?;
        let restarts = found.get("restart").is_some_and(Value::is_string);
        let body = json!({
            "status": "ok",
            "message": "Configuration updated successfully",
            "restart_required": if restarts { "true" } else { "false" },
            "restart": found.get("restart"),
            "changed": found.get("changed"),
            "problems": found.get("problems"),
        });
        Ok(marked(&found, body))
    }
}

/// An answer with the mark of the file.
pub(super) fn marked(found: &Value, body: Value) -> Response {
    // What is no file that could be changed has none.
    let mark = found.get("etag").and_then(Value::as_str).map(|it| [(header::ETAG, format!("\"{it}\""))]);
    (mark, Json(body)).into_response()
}

/// What may stand in the config: JSON Schema (draft 2020-12) of the file. `x-unit` is a key's unit, `writeOnly` is a secret, `deprecated` is without
/// effect.
#[utoipa::path(get, path = "/api/config/schema", tag = "config", responses(
    (status = 200, description = "The schema.", body = Object),
    (status = 503, description = "The bridge is busy.", body = Problem),
))]
async fn schema(State(site): State<Arc<Site>>) -> Result<Json<Value>, Refusal> {
    site.config_errand(Errand::ConfigSchema).await.map(Json)
}

/// Every key with what holds there: `value`, `source` (`env`, `yaml`, `default`, `option`), `readonly`, and `env_var` where a variable holds it.
/// Secrets are masked; lists are leaves.
#[utoipa::path(get, path = "/api/config", tag = "config", responses(
    (status = 200, description = "The tree; an ETag.", body = Object),
    (status = 400, description = "The file is no YAML: it is repaired as text.", body = Problem),
    (status = 409, description = "It cannot be read.", body = Problem),
    (status = 503, description = "The bridge is busy.", body = Problem),
))]
async fn shown(State(site): State<Arc<Site>>) -> Result<Response, Refusal> {
    let found = site.config_errand(Errand::Config).await?;
    Ok(marked(&found, found.get("config").cloned().unwrap_or_default()))
}

/// Takes the config as a whole, as it is shown or with bare values. What it does not name stays, but for groups and what stands in lists.
#[utoipa::path(put, path = "/api/config", tag = "config", request_body = Object, responses(
    (status = 200, description = "`status`, `message`, `restart_required` (`\"false\"`: it is in force), `changed`.", body = Object),
    (status = 400, description = "It would be wrong: `problems` say where, what was found, and what is allowed.", body = Problem),
    (status = 409, description = "The environment holds a value, the file cannot be written, or the page would be switched off.", body = Problem),
    (status = 412, description = "If-Match: the file has changed.", body = Problem),
    (status = 503, description = "The bridge is busy.", body = Problem),
))]
async fn replace(
    State(site): State<Arc<Site>>,
    headers: HeaderMap,
    config: Result<Body<Value>, Refusal>,
) -> Result<Response, Refusal> {
    let Body(Value::Object(config)) = config.map_err(shaped)? else {
        return Err(refusal("Configuration must be a dictionary"));
    };
    site.sets(Errand::Edit(ConfigEdit::Whole(config), site.seen(&headers).await)).await
}

/// The same as PUT.
#[utoipa::path(post, path = "/api/config", tag = "config", request_body = Object, responses(
    (status = 200, description = "As PUT.", body = Object),
    (status = 400, description = "As PUT.", body = Problem),
    (status = 409, description = "As PUT.", body = Problem),
    (status = 412, description = "As PUT.", body = Problem),
    (status = 503, description = "As PUT.", body = Problem),
))]
async fn post(
    site: State<Arc<Site>>,
    headers: HeaderMap,
    body: Result<Body<Value>, Refusal>,
) -> Result<Response, Refusal> {
    replace(site, headers, body).await
}

/// Sets values; comments and everything else in the file stay.
#[utoipa::path(patch, path = "/api/config", tag = "config", request_body = Changes, responses(
    (status = 200, description = "`status`, `message`, `restart_required`, `changed`; in setup mode `problems` that are left.", body = Object),
    (status = 400, description = "It would be wrong: `problems` say where, what was found, and what is allowed.", body = Problem),
    (status = 409, description = "The environment holds a value, the file cannot be written, or the page would be switched off.", body = Problem),
    (status = 412, description = "If-Match: the file has changed.", body = Problem),
    (status = 503, description = "The bridge is busy.", body = Problem),
))]
async fn patch(
    State(site): State<Arc<Site>>,
    headers: HeaderMap,
    Body(it): Body<Changes>,
) -> Result<Response, Refusal> {
    let pairs = it.changes.into_iter().map(|it| (it.path, it.value)).collect();
    site.sets(Errand::Edit(ConfigEdit::Set(pairs), site.seen(&headers).await)).await
}

/// The account of the plugs.
#[utoipa::path(post, path = "/api/credentials", tag = "config", request_body = Account, responses(
    (status = 200, description = "`status`, `message`, `restart_required`.", body = Object),
    (status = 400, description = "One is missing, or a placeholder.", body = Problem),
    (status = 409, description = "The environment holds it, or the file cannot be written.", body = Problem),
    (status = 412, description = "If-Match: the file has changed.", body = Problem),
    (status = 503, description = "The bridge is busy.", body = Problem),
))]
async fn credentials(
    site: State<Arc<Site>>,
    headers: HeaderMap,
    body: Result<Body<Account>, Refusal>,
) -> Result<Response, Refusal> {
    let Body(it) = body.map_err(shaped)?;
    site.sets(Errand::Edit(account(&it.username, &it.password)?, site.seen(&headers).await)).await
}

/// Sets the account of the plugs.
pub(super) fn account(user: &str, pass: &str) -> Result<ConfigEdit, Refusal> {
    if user.trim().is_empty() || pass.trim().is_empty() {
        return Err(refusal("Both username and password are required"));
    }
    let pairs = [("username", user.trim()), ("password", pass)];
    let pairs = pairs.map(|(key, value)| (format!("devices.credentials.{key}"), json!(value)));
    Ok(ConfigEdit::Set(pairs.to_vec()))
}

/// The earlier config files that are kept, the newest first.
#[utoipa::path(get, path = "/api/config/backups", tag = "config", responses(
    (status = 200, description = "`backups`: their names.", body = Object),
    (status = 409, description = "There is no config that could be changed.", body = Problem),
    (status = 503, description = "The bridge is busy.", body = Problem),
))]
async fn backups(State(site): State<Arc<Site>>) -> Result<Json<Value>, Refusal> {
    site.config_errand(Errand::Backups).await.map(Json)
}

/// Puts an earlier file in the place of the one that is in force, which is kept too.
#[utoipa::path(post, path = "/api/config/restore", tag = "config", request_body = Earlier, responses(
    (status = 200, description = "`status`, `restart`.", body = Object),
    (status = 400, description = "There is none of that name, or it would be wrong by now: `problems`.", body = Problem),
    (status = 409, description = "It cannot be written, it would switch the page off, or there is no config that could be changed.", body = Problem),
    (status = 412, description = "If-Match: the file has changed.", body = Problem),
    (status = 503, description = "The bridge is busy.", body = Problem),
))]
async fn restore(
    State(site): State<Arc<Site>>,
    headers: HeaderMap,
    Body(it): Body<Earlier>,
) -> Result<Response, Refusal> {
    let found = site.config_errand(Errand::Restore(it.name, site.seen(&headers).await)).await?;
    Ok(marked(&found, json!({ "status": "ok", "restart": found.get("restart") })))
}

/// When such a schedule would open in the next seven days, by clock and sun. Changes nothing.
#[utoipa::path(post, path = "/api/schedules/preview", tag = "schedules", request_body = Preview, responses(
    (status = 200, description = "`windows` with `start` and `end`; a `note` if it asks for some weather too.", body = Object),
    (status = 400, description = "The schedule would be wrong: `problems`.", body = Problem),
    (status = 404, description = "There is no such group.", body = Problem),
    (status = 409, description = "There is no config that could be read.", body = Problem),
    (status = 503, description = "Setup mode, or the bridge is busy.", body = Problem),
))]
async fn preview(State(site): State<Arc<Site>>, Body(it): Body<Preview>) -> Result<Json<Value>, Refusal> {
    let settings = open(&site)?;
    let group = group_named(&settings, &it.group)?.slug.clone();
    site.config_errand(Errand::Preview { group, schedule: it.schedule }).await.map(Json)
}
