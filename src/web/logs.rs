//! The log: its last lines, and how much it tells.

use std::{sync::Arc, time::Duration};

use axum::{
    Json,
    extract::{Query, State},
};
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    Site,
    answer::{Problem, Refusal},
    body::Body,
};
use crate::{
    explain::local,
    hub::{Errand, Line, LineLevel},
    model::asked::quoted,
};

/// Lines that are told when nobody says how many.
const USUAL: usize = 200;
/// The log is set at once.
const WITHIN: Duration = Duration::from_secs(5);

pub(super) fn routes() -> OpenApiRouter<Arc<Site>> {
    OpenApiRouter::new().routes(routes!(logs)).routes(routes!(log_level))
}

/// A line of the log.
#[derive(Serialize, ToSchema)]
pub(super) struct LineView {
    at: String,
    /// `error`, `warn`, `info`, `debug` or `trace`.
    level: &'static str,
    /// The part of the program.
    target: String,
    message: String,
}

/// The last lines.
#[derive(Serialize, ToSchema)]
struct Lines {
    /// The oldest first.
    lines: Vec<LineView>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    level: Option<String>,
    limit: Option<usize>,
}

/// How much is to be logged.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Level {
    /// A level, or a filter such as `info,heattrax::outlets=trace`.
    #[schema(example = "debug")]
    level: String,
}

/// The last lines of the log.
#[utoipa::path(get, path = "/api/logs", tag = "bridge", params(
    ("level" = Option<String>, Query, description = "From this level on: error, warn, info, debug, trace (all)."),
    ("limit" = Option<usize>, Query, description = "So many lines: 1 to 2000, 200 where it is not given."),
), responses(
    (status = 200, description = "The last lines, the oldest first.", body = Lines),
    (status = 400, description = "The question cannot be understood.", body = Problem),
))]
async fn logs(
    State(site): State<Arc<Site>>,
    asked: Result<Query<Asked>, axum::extract::rejection::QueryRejection>,
) -> Result<Json<Lines>, Refusal> {
    let Query(asked) = asked.map_err(|it| Refusal::bad(it.body_text()))?;
    let level = asked.level.as_deref().map_or(Ok(LineLevel::Trace), level)?;
    let limit = asked.limit.unwrap_or(USUAL);
    if !(1..=2000).contains(&limit) {
        return Err(Refusal::bad(format!("`limit` is {limit}, it must be from 1 to 2000")));
    }
    let zone = site.zone();
    Ok(Json(Lines { lines: site.info.journal.last(level, limit).iter().map(|it| line(it, &zone)).collect() }))
}

/// Sets what is logged until the next start.
#[utoipa::path(post, path = "/api/log-level", tag = "bridge", request_body = Level, responses(
    (status = 200, description = "`level`: what is logged from now on.", body = Object),
    (status = 400, description = "It is no level and no filter.", body = Problem),
    (status = 409, description = "The log of this bridge cannot be set.", body = Problem),
    (status = 503, description = "The bridge is busy.", body = Problem),
))]
async fn log_level(State(site): State<Arc<Site>>, Body(asked): Body<Level>) -> Result<Json<Value>, Refusal> {
    Ok(Json(site.handle.errand(Errand::LogLevel(Some(asked.level)), WITHIN).await?))
}

/// A line as it is shown.
pub(super) fn line(line: &Line, zone: &TimeZone) -> LineView {
    LineView {
        at: local(zone, line.at),
        level: line.level.as_str(),
        target: line.target.clone(),
        message: line.message.clone(),
    }
}

/// A level that somebody asks for.
pub(super) fn level(text: &str) -> Result<LineLevel, Refusal> {
    let found = LineLevel::ALL.into_iter().find(|it| text.eq_ignore_ascii_case(it.as_str()));
    found.ok_or_else(|| {
        let all = LineLevel::ALL.map(LineLevel::as_str).join(", ");
        Refusal::bad(format!("{} is no level; there is: {all}", quoted(text)))
    })
}
