//! Who really asks: a proxy hands on what others ask, and says so in headers that anybody can write.
//!
//! What they say of an address is believed of those in `web.trusted_proxies` alone. That a request *was* handed on is believed of
//! everybody, for it only takes rights away: without a secret in the config, this machine may do everything, and to a proxy on it
//! everybody would be this machine.

use std::{
    net::IpAddr,
    sync::atomic::{AtomicBool, Ordering},
};

use axum::http::{HeaderMap, Request, Version, header};
use ipnet::IpNet;

/// What proxies in use add by themselves, or by the usual lines of their handbooks.
const MARKS: [&str; 9] = [
    "forwarded",
    "via",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-prefix",
    "x-forwarded-proto",
    "x-forwarded-server",
    "x-ingress-path",
    "x-real-ip",
];
/// A longer path is nobody's prefix.
const LONGEST_PREFIX: usize = 256;

/// Whoever sent a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Client {
    /// Where it comes from, as far as that can be believed.
    pub(super) address: IpAddr,
    /// The other end of the connection: itself, or a proxy.
    pub(super) peer: IpAddr,
    /// Something between has handed it on.
    pub(super) is_handed_on: bool,
    /// One of `web.trusted_proxies` has.
    pub(super) is_trusted: bool,
}

/// The proxies that are believed.
pub(super) struct Proxies {
    trusted: Vec<IpNet>,
    has_told: AtomicBool,
}

impl Proxies {
    pub(super) fn new(trusted: &[IpNet]) -> Self {
        Self { trusted: trusted.to_vec(), has_told: AtomicBool::new(false) }
    }

    /// Where nothing is kept from anybody, it is no matter who hands a request on.
    pub(super) fn unnoticed() -> Self {
        Self { trusted: Vec::new(), has_told: AtomicBool::new(true) }
    }

    fn trust(&self, address: IpAddr) -> bool {
        self.trusted.iter().any(|it| it.contains(&address))
    }

    /// Who sent it, over a connection from `peer`.
    pub(super) fn client<B>(&self, peer: IpAddr, request: &Request<B>) -> Client {
        let peer = peer.to_canonical();
        let is_trusted = self.trust(peer);
        let headers = request.headers();
        let is_handed_on = is_trusted || is_handed_on(request);
        if is_handed_on && !is_trusted && !self.has_told.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                "a proxy at {peer} hands requests on, and web.trusted_proxies does not name it: all who come through it count as one"
            );
        }
        let address = if is_trusted { self.first_untrusted(headers).unwrap_or(peer) } else { peer };
        Client { address, peer, is_handed_on, is_trusted }
    }

    /// Each proxy adds the address of whom it has it from at the end: the last one that is no proxy of ours is whoever asks.
    fn first_untrusted(&self, headers: &HeaderMap) -> Option<IpAddr> {
        let lines: Vec<&str> = headers.get_all("x-forwarded-for").iter().filter_map(|it| it.to_str().ok()).collect();
        let mut last = None;
        for text in lines.iter().rev().flat_map(|it| it.rsplit(',')) {
            let Some(address) = address(text.trim()) else { break };
            last = Some(address);
            if !self.trust(address) {
                break;
            }
        }
        last
    }
}

/// `192.0.2.1`, `192.0.2.1:4711`, `2001:db8::1` or `[2001:db8::1]:4711`.
fn address(text: &str) -> Option<IpAddr> {
    let with_port = || text.parse::<std::net::SocketAddr>().ok().map(|it| it.ip());
    let in_brackets = || text.strip_prefix('[')?.strip_suffix(']')?.parse().ok();
    text.parse().ok().or_else(with_port).or_else(in_brackets).map(|it: IpAddr| it.to_canonical())
}

/// Has a proxy handed this on? Some that say nothing of it still speak HTTP/1.0, or leave the name of the page's own host in what the
/// browser sent while they changed `Host`.
fn is_handed_on<B>(request: &Request<B>) -> bool {
    let headers = request.headers();
    if MARKS.iter().any(|it| headers.contains_key(*it)) || request.version() <= Version::HTTP_10 {
        return true;
    }
    let text = |name| headers.get(name).and_then(|it| it.to_str().ok());
    let host = text(header::HOST).unwrap_or_default();
    let is_ours = text(header::HeaderName::from_static("sec-fetch-site")) == Some("same-origin");
    is_ours
        && [header::ORIGIN, header::REFERER]
            .into_iter()
            .filter_map(text)
            .any(|it| authority(it).is_some_and(|it| !it.eq_ignore_ascii_case(host)))
}

/// `host:port` of `https://host:port/path`.
pub(super) fn authority(address: &str) -> Option<&str> {
    address.split_once("://")?.1.split(['/', '?', '#']).next()
}

/// The path under which a proxy shows this server, without a slash at its end: the cookie is for it alone.
pub(super) fn prefix(headers: &HeaderMap) -> Option<&str> {
    let told = ["x-ingress-path", "x-forwarded-prefix"].into_iter().find_map(|it| headers.get(it))?;
    let path = told.to_str().ok()?.trim_end_matches('/');
    let is_path = path.starts_with('/')
        && path.len() <= LONGEST_PREFIX
        && path.bytes().all(|it| it.is_ascii_alphanumeric() || b"/-._~".contains(&it));
    is_path.then_some(path)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn request(lines: &[(&str, &str)]) -> Request<()> {
        let mut it = Request::builder().uri("/").header("host", "127.0.0.1:4328");
        for (name, value) in lines {
            it = it.header(*name, *value);
        }
        it.body(()).unwrap()
    }

    fn at(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn an_address_is_believed_of_trusted_proxies_alone() {
        let proxies = Proxies::new(&["127.0.0.1/32".parse().unwrap(), "10.0.0.0/8".parse().unwrap()]);
        for (peer, told, is) in [
            ("127.0.0.1", "203.0.113.9", "203.0.113.9"),
            ("::ffff:127.0.0.1", "203.0.113.9:4711", "203.0.113.9"),
            ("127.0.0.1", "6.6.6.6, 203.0.113.9, 10.1.1.1", "203.0.113.9"),
            ("127.0.0.1", "10.1.1.2, 10.1.1.1", "10.1.1.2"),
            ("127.0.0.1", "[2001:db8::1]:99", "2001:db8::1"),
            ("127.0.0.1", "6.6.6.6, unknown", "127.0.0.1"),
            ("127.0.0.1", "", "127.0.0.1"),
            ("127.0.0.2", "203.0.113.9", "127.0.0.2"),
            ("192.0.2.1", "203.0.113.9", "192.0.2.1"),
        ] {
            let client = proxies.client(at(peer), &request(&[("x-forwarded-for", told)]));
            assert_eq!(client.address, at(is), "{peer} says {told}");
            assert!(client.is_handed_on, "{peer} says {told}");
        }
    }

    #[test]
    fn several_lines_are_one_list() {
        let proxies = Proxies::new(&["127.0.0.1/32".parse().unwrap()]);
        let lines = [("x-forwarded-for", "6.6.6.6"), ("x-forwarded-for", "203.0.113.9")];
        assert_eq!(proxies.client(at("127.0.0.1"), &request(&lines)).address, at("203.0.113.9"));
    }

    #[test]
    fn what_was_handed_on_is_known_by_what_is_left_in_it() {
        let none = Proxies::new(&[]);
        let own = ("sec-fetch-site", "same-origin");
        for (lines, is) in [
            (&[][..], false),
            (&[own, ("origin", "http://127.0.0.1:4328"), ("referer", "http://127.0.0.1:4328/ui")], false),
            (&[("sec-fetch-site", "cross-site"), ("referer", "http://hass.lan:8123/")], false),
            (&[own, ("referer", "https://heat.example/")], true),
            (&[own, ("origin", "https://heat.example")], true),
            (&[("via", "1.1 it")], true),
            (&[("x-ingress-path", "/x")], true),
        ] {
            assert_eq!(none.client(at("127.0.0.1"), &request(lines)).is_handed_on, is, "{lines:?}");
        }
        let mut old = request(&[]);
        *old.version_mut() = Version::HTTP_10;
        assert!(none.client(at("127.0.0.1"), &old).is_handed_on);
    }

    #[test]
    fn a_prefix_is_a_path_and_nothing_else() {
        for (told, is) in [
            ("/api/hassio_ingress/aB-_0", Some("/api/hassio_ingress/aB-_0")),
            ("/heat/", Some("/heat")),
            ("/", None),
            ("heat", None),
            ("/x; Domain=example", None),
            ("/x y", None),
        ] {
            assert_eq!(prefix(request(&[("x-ingress-path", told)]).headers()), is, "{told}");
        }
    }
}
