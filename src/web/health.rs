//! The `healthcheck` command: one small request, without an HTTP client.

use std::time::Duration;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// From the first packet to the last.
const WITHIN: Duration = Duration::from_secs(3);
/// Enough for the status line and a sentence.
const MOST: u64 = 16 * 1024;

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
    let (host, port) = split(authority).ok_or_else(wrong)?;
    let request = format!("GET {path} HTTP/1.1\r\nHost: {authority}\r\nConnection: close\r\n\r\n");
    let asked = tokio::time::timeout(WITHIN, ask(host, port, &request));
    let answer = asked.await.map_err(|_| format!("{authority} did not answer within {} s", WITHIN.as_secs()))?;
    let answer = answer.map_err(|error| format!("{authority} cannot be reached: {error}"))?;
    judge(authority, &answer)
}

/// Host and port; an IPv6 address is in brackets.
fn split(authority: &str) -> Option<(&str, u16)> {
    let (host, port) = match authority.strip_prefix('[') {
        Some(rest) => {
            let (host, rest) = rest.split_once(']')?;
            (host, rest.strip_prefix(':').or(rest.is_empty().then_some("80"))?)
        }
        None => authority.split_once(':').unwrap_or((authority, "80")),
    };
    if host.is_empty() || host.contains('@') {
        return None;
    }
    Some((host, port.parse().ok()?))
}

async fn ask(host: &str, port: u16, request: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect((host, port)).await?;
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    stream.take(MOST).read_to_end(&mut answer).await?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

fn judge(authority: &str, answer: &str) -> Result<(), String> {
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((answer, ""));
    let mut status_line = head.lines().next().unwrap_or_default().split(' ');
    match (status_line.next(), status_line.next()) {
        (Some(version), Some("200")) if version.starts_with("HTTP/1.") => Ok(()),
        (Some(version), Some(status)) if version.starts_with("HTTP/1.") => {
            let words: String = body.trim().chars().filter(|it| !it.is_control()).take(200).collect();
            Err(format!("{authority} answered {status}: {words}"))
        }
        _ => Err(format!("{authority} does not speak HTTP")),
    }
}
