//! Answers that say no: always JSON, always in words that name the thing and say what is allowed.

use axum::{
    Json,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use crate::model::{Failed, Why};

/// Why something was not done.
#[derive(Serialize, ToSchema)]
pub(super) struct Problem {
    /// In words for people.
    pub(super) error: String,
}

/// An answer that says no.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) status: StatusCode,
    pub(super) body: Value,
}

impl Refusal {
    /// `{"error": words}`.
    pub(super) fn new(status: StatusCode, words: impl Into<String>) -> Self {
        Self { status, body: json!({ "error": words.into() }) }
    }

    /// 400.
    pub(super) fn bad(words: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, words)
    }

    /// 404.
    pub(super) fn absent(words: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, words)
    }

    /// 503: nothing is switched in setup mode. The shape that clients of the page know.
    pub(super) fn setup() -> Self {
        let words = "setup mode: the config is absent or wrong, and nothing is switched until it is right";
        let body = json!({ "error": "Device manager not available", "setup_mode": true, "message": words });
        Self { status: StatusCode::SERVICE_UNAVAILABLE, body }
    }

    /// The words.
    pub(super) fn words(&self) -> &str {
        self.body.get("error").and_then(Value::as_str).unwrap_or_default()
    }

    /// With a further key.
    pub(super) fn with(mut self, key: &str, value: Value) -> Self {
        if let Some(body) = self.body.as_object_mut() {
            body.insert(key.to_owned(), value);
        }
        self
    }
}

/// The one place where a kind of no becomes a number.
impl From<Failed> for Refusal {
    fn from(Failed { why, words, .. }: Failed) -> Self {
        let status = match why {
            Why::Wrong => StatusCode::BAD_REQUEST,
            Why::Changed => StatusCode::PRECONDITION_FAILED,
            Why::Conflict => StatusCode::CONFLICT,
            Why::NotNow => StatusCode::SERVICE_UNAVAILABLE,
        };
        Self::new(status, words)
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        (self.status, Json(self.body)).into_response()
    }
}
