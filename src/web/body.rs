//! Reading what somebody sends: a JSON object, of which every key is known.

use std::error::Error;

use axum::{
    Json,
    body::to_bytes,
    extract::{ConnectInfo, FromRequest, Request},
    http::{StatusCode, header},
};
use serde::de::DeserializeOwned;

use super::{
    answer::Refusal,
    gate::{largest_body, too_large},
    line::Peer,
};

/// A request's body, read.
pub(super) struct Body<T>(pub(super) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = Refusal;

    async fn from_request(request: Request, _: &S) -> Result<Self, Refusal> {
        let kind = request.headers().get(header::CONTENT_TYPE).and_then(|it| it.to_str().ok()).unwrap_or_default();
        let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        // A page elsewhere can have a browser send anything but this without asking first.
        if kind != "application/json" && !kind.ends_with("+json") {
            return Err(Refusal::bad("Request must be JSON: its Content-Type must be application/json"));
        }
        let most = largest_body(request.method(), request.uri().path());
        let peer = request.extensions().get::<ConnectInfo<Peer>>();
        let unread = peer.map(|ConnectInfo(it)| it.1.unread());
        let bytes = to_bytes(request.into_body(), usize::try_from(most).unwrap_or(usize::MAX)).await;
        drop(unread);
        let bytes = bytes.map_err(|_| Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, too_large(most)))?;
        read(&bytes).map(Self)
    }
}

/// Reads JSON; what is wrong is told with the key that it is at.
pub(super) fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Refusal> {
    if bytes.trim_ascii().is_empty() {
        return Err(Refusal::bad("Request must be JSON: the body is empty"));
    }
    let read = Json::<T>::from_bytes(bytes);
    read.map(|Json(it)| it).map_err(|rejected| {
        let words = rejected.source().map_or_else(|| rejected.to_string(), ToString::to_string);
        let plain: String = words.chars().map(|it| if it.is_control() { ' ' } else { it }).take(300).collect();
        Refusal::bad(format!("the request cannot be read: {plain}"))
    })
}
