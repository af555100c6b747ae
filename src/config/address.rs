//! Addresses of devices: `host`, `host:port`, IPv4 and IPv6.

use std::net::{Ipv4Addr, Ipv6Addr};

use crate::model::{Address, asked::quoted};

/// In words.
pub(super) const ALLOWED: &str =
    "an IPv4 address (four numbers from 0 to 255) or a host name, with or without `:port`, or `[IPv6]:port`";

/// Reads an address. An IPv6 host keeps its brackets, so that `host:port` can be told apart.
pub(super) fn read(text: &str) -> Option<Address> {
    if let Some(rest) = text.strip_prefix('[') {
        let (host, rest) = rest.split_once(']')?;
        let host: Ipv6Addr = host.parse().ok()?;
        let port = match rest {
            "" => None,
            rest => Some(port(rest.strip_prefix(':')?)?),
        };
        return Some(Address { host: format!("[{host}]"), port });
    }
    if let Ok(host) = text.parse::<Ipv6Addr>() {
        return Some(Address { host: format!("[{host}]"), port: None });
    }
    let (host, port) = match text.split_once(':') {
        Some((host, text)) => (host, Some(port(text)?)),
        None => (text, None),
    };
    is_host(host).then(|| Address { host: host.to_ascii_lowercase(), port })
}

/// Is this written as an address of a device is?
///
/// # Errors
/// It is not; in words, with what is allowed.
pub fn is_address(text: &str) -> Result<(), String> {
    let is_one = read(text).is_some();
    is_one.then_some(()).ok_or_else(|| format!("{} is no address; it must be {ALLOWED}", quoted(text)))
}

fn port(text: &str) -> Option<u16> {
    let digits = text.bytes().all(|it| it.is_ascii_digit());
    text.parse().ok().filter(|port| digits && *port > 0)
}

/// A host name or an IPv4 address; what looks like an IPv4 address must be one.
pub(super) fn is_host(text: &str) -> bool {
    if text.bytes().all(|it| it.is_ascii_digit() || it == b'.') {
        return text.parse::<Ipv4Addr>().is_ok();
    }
    let letters = |label: &str| label.bytes().all(|it| it.is_ascii_alphanumeric() || it == b'-' || it == b'_');
    let label = |label: &str| {
        (1..=63).contains(&label.len()) && letters(label) && !label.starts_with('-') && !label.ends_with('-')
    };
    text.len() <= 253 && text.strip_suffix('.').unwrap_or(text).split('.').all(label)
}
