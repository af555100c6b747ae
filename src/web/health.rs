//! The `healthcheck` command: is the control loop alive?

use std::time::Duration;

use super::client::{Answer, get};

/// From the first packet to the last.
const WITHIN: Duration = Duration::from_secs(3);

/// Asks `http://HOST[:PORT][/PATH]` (path `/healthz` if there is none) and wants a 200 within 3 s.
///
/// # Errors
/// What is wrong, in words: the address, the connection, or the answer.
pub async fn healthcheck(url: &str) -> Result<(), String> {
    let wrong = || format!("`{url}` is not an address such as http://127.0.0.1:4328/healthz");
    if url.contains(|it: char| it.is_control() || it.is_whitespace()) {
        return Err(wrong());
    }
    let rest = url.strip_prefix("http://").ok_or_else(wrong)?;
    let (authority, path) = rest.find('/').map_or((rest, ""), |it| rest.split_at(it));
    let path = if path.is_empty() { "/healthz" } else { path };
    if !super::client::is_address(authority) {
        return Err(wrong());
    }
    match get(authority, path, "*/*", None, WITHIN).await? {
        Answer { status: 200, .. } => Ok(()),
        Answer { status, body } => {
            let words: String = body.trim().chars().filter(|it| !it.is_control()).take(200).collect();
            Err(format!("{authority} answered {status}: {words}"))
        }
    }
}
