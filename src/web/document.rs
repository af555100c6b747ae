//! `GET /openapi.json`: what is served here, in OpenAPI.

use std::sync::{Arc, OnceLock};

use axum::{Json, http::Method};
use utoipa::openapi::{
    ContentBuilder, InfoBuilder, License, OpenApi, OpenApiBuilder, Ref, ResponseBuilder, path::Operation,
};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    Site,
    access::{May, needed},
};

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
    Json(DOCUMENT.get_or_init(|| with_gate(super::endpoints().into_openapi())))
}

/// What is answered before any endpoint is asked stands with each of them.
fn with_gate(mut document: OpenApi) -> OpenApi {
    for (path, item) in &mut document.paths.paths {
        let operations = [
            (Method::GET, &mut item.get),
            (Method::POST, &mut item.post),
            (Method::PUT, &mut item.put),
            (Method::PATCH, &mut item.patch),
            (Method::DELETE, &mut item.delete),
        ];
        for (method, operation) in operations {
            let Some(operation) = operation else { continue };
            let is_open = needed(&method, path) == May::Nothing;
            if !is_open {
                add(operation, "401", "Sign in, or send a token.");
                add(operation, "429", "Wrong tokens were sent too often: Retry-After says how long to wait.");
            }
            let guest = if is_open { "" } else { ", or whoever has signed in may not do it" };
            let words = format!("This host name is unknown here, or a page of another site asks for a change{guest}.");
            add(operation, "403", &words);
            if operation.request_body.is_some() {
                add(operation, "413", "The body is larger than 64 KiB.");
            }
        }
    }
    document
}

fn add(operation: &mut Operation, status: &str, words: &str) {
    let content = ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).build();
    let response = ResponseBuilder::new().description(words).content("application/json", content).build();
    operation.responses.responses.entry(status.to_owned()).or_insert_with(|| response.into());
}
