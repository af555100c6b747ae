//! The config file as text: `/api/config/…`. In setup mode too: this is how a wrong one is repaired without a shell.

use std::sync::Arc;

use axum::{
    Json,
    extract::State,
    http::{HeaderMap, HeaderName, header},
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    Site,
    answer::{Problem, Refusal},
    body::Body,
    settings::{WITHIN, marked},
};
use crate::hub::Errand;

pub(super) fn routes() -> OpenApiRouter<Arc<Site>> {
    OpenApiRouter::new().routes(routes!(text, put)).routes(routes!(check)).routes(routes!(download))
}

/// A config.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Text {
    /// YAML.
    text: String,
}

/// The config file. In the place of each secret stands `"********"`.
#[utoipa::path(get, path = "/api/config/text", tag = "config", responses(
    (status = 200, description = "`text`, `file`; an ETag. The text is empty where there is no file yet. A `note` if the file is not in UTF-8, so that its text is a guess.", body = Object),
    (status = 409, description = "It cannot be read, or there is none that could be changed.", body = Problem),
    (status = 503, description = "The bridge is busy.", body = Problem),
))]
async fn text(State(site): State<Arc<Site>>) -> Result<Response, Refusal> {
    let found = site.handle.errand(Errand::ConfigText, WITHIN).await?;
    let note = found["read_as"].as_str().map(|it| {
        format!(
            "The file is not in UTF-8: what is shown was read as {it}. Look it over and save it, it is in UTF-8 then."
        )
    });
    Ok(marked(&found, json!({ "text": found["text"], "file": found["file"], "note": note })))
}

/// Puts another text in the place of the file, if it is right; it is in force then. A secret's asterisks stand for what the file has there.
/// The file as it was is kept beside it.
#[utoipa::path(put, path = "/api/config/text", tag = "config", request_body = Text, responses(
    (status = 200, description = "`restart`: why the bridge starts again for it, null if it went on.", body = Object),
    (status = 400, description = "It would be wrong: `problems` say where, what was found, and what is allowed.", body = Problem),
    (status = 409, description = "It cannot be written, or would switch the page off.", body = Problem),
    (status = 412, description = "If-Match: the file has changed.", body = Problem),
    (status = 503, description = "The bridge is busy.", body = Problem),
))]
async fn put(State(site): State<Arc<Site>>, headers: HeaderMap, Body(it): Body<Text>) -> Result<Response, Refusal> {
    let found = site.handle.errand(Errand::PutConfig(it.text, site.seen(&headers).await), WITHIN).await?;
    if found["problems"].as_array().is_some_and(|it| !it.is_empty()) {
        return Err(Refusal::bad("the config would be wrong").with("problems", found["problems"].clone()));
    }
    Ok(marked(&found, json!({ "restart": found["restart"] })))
}

/// What would be wrong with a text, as `heattrax check` says it; asterisks stand for the secrets of the file. Changes nothing.
#[utoipa::path(post, path = "/api/config/check", tag = "config", request_body = Text, responses(
    (status = 200, description = "`problems`: none if it is right.", body = Object),
    (status = 400, description = "The request cannot be read.", body = Problem),
    (status = 409, description = "There is no config that could be changed.", body = Problem),
    (status = 503, description = "The bridge is busy.", body = Problem),
))]
async fn check(State(site): State<Arc<Site>>, Body(it): Body<Text>) -> Result<Json<Value>, Refusal> {
    Ok(Json(site.handle.errand(Errand::CheckConfig(it.text), WITHIN).await?))
}

/// The config file, to be kept. In the place of each secret stands `"********"`: sent back to the bridge that has them, they are filled in.
#[utoipa::path(get, path = "/api/config/download", tag = "config", responses(
    (status = 200, description = "The file, in UTF-8.", body = Object, content_type = "application/yaml"),
    (status = 404, description = "There is no file yet.", body = Problem),
    (status = 409, description = "It cannot be read.", body = Problem),
    (status = 503, description = "The bridge is busy.", body = Problem),
))]
async fn download(State(site): State<Arc<Site>>) -> Result<Response, Refusal> {
    let found = site.handle.errand(Errand::ConfigText, WITHIN).await?;
    let text = found["text"].as_str().unwrap_or_default().to_owned();
    if text.is_empty() {
        return Err(Refusal::absent("Configuration file not found"));
    }
    let head: [(HeaderName, &str); 2] = [
        (header::CONTENT_TYPE, "application/yaml; charset=utf-8"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"heattrax.yaml\""),
    ];
    Ok((head, text).into_response())
}
