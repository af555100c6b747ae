//! A config file that somebody has kept: `/api/config/upload`.

use std::sync::Arc;

use axum::{
    Extension, Json,
    extract::{ConnectInfo, Multipart, State, multipart::MultipartRejection},
    http::HeaderMap,
};
use serde_json::{Value, json};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    Site,
    answer::{Problem, Refusal},
    line::Peer,
    settings::refusal,
};
use crate::hub::Errand;

pub(super) fn routes() -> OpenApiRouter<Arc<Site>> {
    OpenApiRouter::new().routes(routes!(upload))
}

/// The form.
#[derive(ToSchema)]
#[expect(dead_code, reason = "words for the document only")]
struct Form {
    /// YAML, named `*.yaml` or `*.yml`.
    #[schema(format = Binary)]
    config_file: String,
}

/// Puts an uploaded file in the place of the config file, if it is right. The file as it was is kept beside it.
#[utoipa::path(post, path = "/api/config/upload", tag = "config",
    request_body(content = Form, content_type = "multipart/form-data"), responses(
    (status = 200, description = "`status`, `message`, `backup_created`, `backup_file`, `restart_required`.", body = Object),
    (status = 400, description = "No file, not YAML, or it would be wrong: `problems`.", body = Problem),
    (status = 409, description = "It cannot be written, or would switch the page off.", body = Problem),
    (status = 412, description = "If-Match: the file has changed.", body = Problem),
    (status = 503, description = "The bridge is busy.", body = Problem),
))]
async fn upload(
    State(site): State<Arc<Site>>,
    headers: HeaderMap,
    peer: Option<Extension<ConnectInfo<Peer>>>,
    form: Result<Multipart, MultipartRejection>,
) -> Result<Json<Value>, Refusal> {
    let mut form = form.map_err(|it| refusal(format!("No file uploaded: {}", it.body_text())))?;
    let unread = |_| refusal("the form cannot be read");
    // Whoever does not send it holds no seat against others.
    let waiting = peer.map(|Extension(ConnectInfo(it))| it.1.unread());
    while let Some(field) = form.next_field().await.map_err(unread)? {
        if field.name() != Some("config_file") {
            continue;
        }
        let name = field.file_name().unwrap_or_default().to_ascii_lowercase();
        if name.is_empty() {
            return Err(refusal("No file selected"));
        }
        if ![".yaml", ".yml"].iter().any(|it| name.ends_with(it)) {
            return Err(refusal("Invalid file type: .yaml or .yml is"));
        }
        let text = field.text().await.map_err(unread)?;
        drop(waiting);
        if text.contains(char::REPLACEMENT_CHARACTER) {
            return Err(refusal("the file is not text in UTF-8: save it as UTF-8, and upload it again"));
        }
        let before = newest(&site).await;
        let found = site.config_errand(Errand::PutConfig(text, site.seen(&headers).await)).await?;
        // None if it says what the file said already.
        let kept = newest(&site).await.filter(|it| before.as_ref() != Some(it));
        return Ok(Json(json!({
            "status": "ok",
            "message": "Configuration uploaded successfully",
            "backup_created": kept.is_some(),
            "backup_file": kept,
            "restart_required": found.get("restart").is_some_and(Value::is_string),
        })));
    }
    Err(refusal("No file uploaded"))
}

/// The newest of the files that are kept.
async fn newest(site: &Site) -> Option<String> {
    let kept = site.config_errand(Errand::Backups).await.ok()?;
    kept["backups"].as_array()?.first()?.as_str().map(str::to_owned)
}
