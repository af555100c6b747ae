//! One small request, without an HTTP client: for the commands that ask a running bridge.

use std::time::Duration;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// No answer of use is larger.
const MOST: u64 = 8 * 1024 * 1024;

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// What came after the head.
    pub body: String,
}

/// Asks `authority` (`HOST[:PORT]`, an IPv6 address in brackets) for `target`, with a `token` where one is given, and waits for the whole
/// answer no longer than `within`.
///
/// # Errors
/// What is wrong, in words: the address, the token, the connection, or the answer.
pub async fn get(
    authority: &str,
    target: &str,
    accept: &str,
    token: Option<&str>,
    within: Duration,
) -> Result<Answer, String> {
    let (host, port) = split(authority).ok_or_else(|| format!("`{authority}` is not an address"))?;
    // A token with a line break would be more than one header.
    if token.is_some_and(|it| it.is_empty() || !it.bytes().all(|it| it.is_ascii_graphic())) {
        return Err("a token is one word of plain letters, digits and signs".to_owned());
    }
    let token = token.map(|it| format!("Authorization: Bearer {it}\r\n")).unwrap_or_default();
    let request =
        format!("GET {target} HTTP/1.1\r\nHost: {authority}\r\nAccept: {accept}\r\n{token}Connection: close\r\n\r\n");
    let asked = tokio::time::timeout(within, ask(host, port, &request));
    let answer = asked.await.map_err(|_| format!("{authority} did not answer within {} s", within.as_secs()))?;
    let answer = answer.map_err(|error| format!("{authority} cannot be reached: {error}"))?;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    let mut status_line = head.lines().next().unwrap_or_default().split(' ');
    let version = status_line.next().filter(|it| it.starts_with("HTTP/1."));
    let status = version.and(status_line.next()).and_then(|it| it.parse().ok());
    let status = status.ok_or_else(|| format!("{authority} does not speak HTTP"))?;
    Ok(Answer { status, body: body.to_owned() })
}

/// A value as it stands in the query of an address.
pub fn encoded(value: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    value.bytes().map(|it| if plain(it) { char::from(it).to_string() } else { format!("%{it:02X}") }).collect()
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

/// Can `authority` be asked at all?
pub(super) fn is_address(authority: &str) -> bool {
    split(authority).is_some()
}
