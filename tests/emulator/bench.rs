//! A bench to put devices on.

use std::sync::Once;

use heattrax::emulator::{Model, Plug, PlugOptions};
use tapo::ApiClient;

/// The right account.
pub(crate) fn client() -> ApiClient {
    account("user@example.com", "hunter2")
}

pub(crate) fn account(username: &str, password: &str) -> ApiClient {
    static PROVIDER: Once = Once::new();
    PROVIDER.call_once(|| {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    });
    ApiClient::new(username, password)
}

pub(crate) async fn plug(model: Model) -> Plug {
    Plug::start(PlugOptions::new(model)).await.unwrap()
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

pub(crate) fn unhex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}
