//! How the ways to people do, and a message to try them: `/api/notifications/…`.

use std::{sync::Arc, time::Duration};

use axum::{Json, body::Bytes, extract::State, http::StatusCode};
use serde::Deserialize;
use serde_json::Value;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    Site,
    answer::{Problem, Refusal},
    api,
};
use crate::hub::Errand;

/// Nothing that is asked for here takes long: a message is put in a queue.
const WITHIN: Duration = Duration::from_secs(5);

/// The endpoints.
pub(super) fn routes() -> OpenApiRouter<Arc<Site>> {
    OpenApiRouter::new().routes(routes!(status)).routes(routes!(test))
}

/// A message to try the ways with.
#[derive(Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields, default)]
struct TestMessage {
    /// `email`, `webhook` or `ntfy`; all that are enabled if it is not given.
    provider: Option<String>,
    /// Its title.
    subject: Option<String>,
    /// Its words.
    body: Option<String>,
}

/// How each way to people does.
#[utoipa::path(
    get,
    path = "/api/notifications/status",
    tag = "bridge",
    responses(
        (status = 200, description = "Each provider: health, last success, last error, how many messages wait.", body = Object),
        (status = 503, description = "Setup mode, or the bridge is busy.", body = Problem),
    )
)]
async fn status(State(site): State<Arc<Site>>) -> Result<Json<Value>, Refusal> {
    api::open(&site)?;
    Ok(Json(site.handle.errand(Errand::NotifyStatus, WITHIN).await?))
}

/// Sends a message by one way, or by all that are enabled.
#[utoipa::path(
    post,
    path = "/api/notifications/test",
    tag = "bridge",
    request_body = TestMessage,
    responses(
        (status = 202, description = "It is on its way; `/api/notifications/status` tells whether it arrived.", body = Object),
        (status = 400, description = "The provider is unknown or not enabled.", body = Problem),
        (status = 503, description = "Setup mode, or the bridge is busy.", body = Problem),
    )
)]
async fn test(State(site): State<Arc<Site>>, body: Bytes) -> Result<(StatusCode, Json<Value>), Refusal> {
    api::open(&site)?;
    let message = if body.trim_ascii().is_empty() { Ok(TestMessage::default()) } else { serde_json::from_slice(&body) };
    let TestMessage { provider, subject, body } =
        message.map_err(|error| Refusal::bad(format!("the message cannot be read: {error}")))?;
    let queued = site.handle.errand(Errand::NotifyTest { provider, subject, body }, WITHIN).await?;
    Ok((StatusCode::ACCEPTED, Json(queued)))
}
