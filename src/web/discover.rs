//! `POST /api/discover`: which devices answer in the house, or at these addresses?

use std::{sync::Arc, time::Duration};

use axum::{Json, extract::State, http::StatusCode};
use serde::Deserialize;
use serde_json::Value;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    Site,
    answer::{Problem, Refusal},
    body::Body,
};
use crate::hub::Errand;

/// How long answers are waited for.
const WAIT: Duration = Duration::from_secs(4);
/// Longer nobody waits for the whole.
const WITHIN: Duration = Duration::from_secs(20);
/// More addresses than anybody types.
const MOST: usize = 32;

pub(super) fn routes() -> OpenApiRouter<Arc<Site>> {
    OpenApiRouter::new().routes(routes!(discover))
}

/// Who is asked.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Asked {
    /// Addresses of devices, or broadcast addresses; everybody in the machine's networks if there are none.
    #[serde(default)]
    targets: Vec<String>,
}

/// Asks devices who they are, without logging in.
#[utoipa::path(post, path = "/api/discover", tag = "bridge", request_body = Asked, responses(
    (status = 200, description = "`devices`.", body = Object),
    (status = 400, description = "Too many addresses.", body = Problem),
    (status = 403, description = "On a loopback address only.", body = Problem),
    (status = 503, description = "Too much is under way.", body = Problem),
))]
async fn discover(State(site): State<Arc<Site>>, Body(asked): Body<Asked>) -> Result<Json<Value>, Refusal> {
    if asked.targets.len() > MOST {
        return Err(Refusal::bad(format!(
            "`targets` are {}, at most {MOST} can be asked at once",
            asked.targets.len()
        )));
    }
    let found = site.handle.errand(Errand::Discover { targets: asked.targets, wait: WAIT }, WITHIN).await;
    found.map(Json).map_err(|words| Refusal::new(StatusCode::SERVICE_UNAVAILABLE, words))
}
