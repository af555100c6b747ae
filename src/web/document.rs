//! `GET /openapi.json`: what is served here, in OpenAPI.

use std::sync::{Arc, OnceLock};

use axum::{Json, http::Method};
use utoipa::openapi::{
    ContentBuilder, InfoBuilder, License, OpenApi, OpenApiBuilder, Ref, ResponseBuilder,
    path::Operation,
    security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme},
};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    Site,
    access::{CALENDAR, COOKIE, May, needed},
    gate::largest_body,
};

/// How somebody may say who they are: with the cookie of a session, a token, or a token in the address.
const SCHEMES: [&str; 3] = ["session", "token", "calendar_token"];

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
                operation.security = Some(secured(path, needed(&method, path)));
                add(operation, "401", "Sign in, or send a token.");
                add(operation, "429", "Wrong tokens were sent too often: Retry-After says how long to wait.");
            }
            let guest = if is_open { "" } else { ", or whoever has signed in may not do it" };
            let words = format!("This host name is unknown here, or a page of another site asks for a change{guest}.");
            add(operation, "403", &words);
            if operation.request_body.is_some() {
                let words = format!("The body is larger than {} KiB.", largest_body(&method, path) / 1024);
                add(operation, "413", &words);
            }
        }
    }
    let schemes = &mut document.components.get_or_insert_default().security_schemes;
    schemes.extend(SCHEMES.into_iter().zip(described()).map(|(name, it)| (name.to_owned(), it.into())));
    document
}

/// Any one of these lets ask; each with what it has to be good for.
fn secured(path: &str, needed: May) -> Vec<SecurityRequirement> {
    // A token is good for looking, or for everything.
    let of_token = if needed == May::Control { May::All } else { needed };
    let [session, token, calendar] = SCHEMES;
    let mut any = vec![(session, needed), (token, of_token)];
    any.extend((path == CALENDAR).then_some((calendar, of_token)));
    any.into_iter().map(|(name, may)| SecurityRequirement::new(name, [may.as_str()])).collect()
}

fn described() -> [SecurityScheme; 3] {
    let session = "The cookie of `POST /api/auth/login`. A session that was opened with the PIN is good for `read` and `control`, one with \
                   the password (or the one-time code of the log) for `all`. Without a password, a PIN or a token in the config \
                   whoever asks a loopback address, and not through a proxy, needs none of this.";
    let token = "One of `web.tokens`: good for `all`, or with `may: read` for `read`.";
    let calendar = "A token in the address, for calendars, which send no header.";
    [
        SecurityScheme::ApiKey(ApiKey::Cookie(ApiKeyValue::with_description(COOKIE, session))),
        SecurityScheme::Http(HttpBuilder::new().scheme(HttpAuthScheme::Bearer).description(Some(token)).build()),
        SecurityScheme::ApiKey(ApiKey::Query(ApiKeyValue::with_description("token", calendar))),
    ]
}

fn add(operation: &mut Operation, status: &str, words: &str) {
    let content = ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).build();
    let response = ResponseBuilder::new().description(words).content("application/json", content).build();
    operation.responses.responses.entry(status.to_owned()).or_insert_with(|| response.into());
}
