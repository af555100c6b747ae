//! `GET /openapi.json`: what is served here, in OpenAPI.

use std::sync::{Arc, OnceLock};

use axum::Json;
use utoipa::openapi::{InfoBuilder, License, OpenApi, OpenApiBuilder};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::Site;

/// The document without its paths.
pub(super) fn head() -> OpenApi {
    let words = "Times are RFC 3339 with the offset of the configured zone, energy is in kWh, power in W. Reading changes nothing. \
                 Requests are JSON objects; a key that is unknown is an error.";
    let info = InfoBuilder::new()
        .title("HeatTrax")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(words))
        .license(Some(License::new("MIT OR Apache-2.0")));
    OpenApiBuilder::new().info(info.build()).build()
}

pub(super) fn routes() -> OpenApiRouter<Arc<Site>> {
    OpenApiRouter::new().routes(routes!(document))
}

/// This document.
#[utoipa::path(get, path = "/openapi.json", tag = "page", responses(
    (status = 200, description = "OpenAPI 3.1.", body = Object),
))]
async fn document() -> Json<&'static OpenApi> {
    static DOCUMENT: OnceLock<OpenApi> = OnceLock::new();
    Json(DOCUMENT.get_or_init(|| super::endpoints().into_openapi()))
}
