//! What only the program as a whole can do: start again, and look for devices.

use std::{sync::Arc, time::Duration};

use axum::{Json, extract::State};
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    Site,
    answer::{Problem, Refusal},
    body::Body,
};
use crate::hub::Errand;

/// A restart is taken note of at once.
const WITHIN: Duration = Duration::from_secs(5);
/// How long a search listens, in seconds: the usual time and the longest.
const SEARCH: (u64, u64) = (3, 10);
/// Addresses that are asked at once.
const TARGETS: usize = 64;

pub(super) fn routes() -> OpenApiRouter<Arc<Site>> {
    OpenApiRouter::new().routes(routes!(restart)).routes(routes!(discover))
}

/// Where to look for devices.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
struct Search {
    /// Addresses of devices or broadcast addresses; every network of this machine where there are none. At most 64.
    #[schema(example = json!(["192.168.1.255"]))]
    targets: Vec<String>,
    /// Seconds that answers are waited for: 1 to 10, 3 where it is not given.
    timeout: Option<u64>,
}

/// Stops in good order, reads the config anew, and starts again. Heaters are left to the timers on their plugs.
#[utoipa::path(post, path = "/api/restart", tag = "bridge", responses(
    (status = 200, description = "`{\"status\": \"ok\", \"message\": …}`", body = Object),
    (status = 503, description = "The bridge is busy or stops already.", body = Problem),
))]
async fn restart(State(site): State<Arc<Site>>) -> Result<Json<Value>, Refusal> {
    site.handle.errand(Errand::Restart, WITHIN).await?;
    Ok(Json(json!({ "status": "ok", "message": "Application is restarting..." })))
}

/// Looks for devices. Nothing is changed by it.
#[utoipa::path(post, path = "/api/discover", tag = "bridge", request_body = Search, responses(
    (status = 200, description = "`devices`: who answered.", body = Object),
    (status = 400, description = "The request cannot be read, or one of `targets` is no address.", body = Problem),
    (status = 503, description = "The bridge is busy.", body = Problem),
))]
async fn discover(State(site): State<Arc<Site>>, Body(asked): Body<Search>) -> Result<Json<Value>, Refusal> {
    if asked.targets.len() > TARGETS {
        return Err(Refusal::bad(format!("`targets` names {}, at most {TARGETS} are asked", asked.targets.len())));
    }
    let seconds = asked.timeout.unwrap_or(SEARCH.0);
    if !(1..=SEARCH.1).contains(&seconds) {
        return Err(Refusal::bad(format!("`timeout` is {seconds}, it must be from 1 to {} (s)", SEARCH.1)));
    }
    let wait = Duration::from_secs(seconds);
    let errand = Errand::Discover { targets: asked.targets, wait };
    Ok(Json(site.handle.errand(errand, wait + Duration::from_secs(3)).await?))
}
