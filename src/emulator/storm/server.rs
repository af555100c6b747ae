//! The storm's end of the sockets: whose path it is, what is wrong today, and the headers.

use std::{
    collections::BTreeMap,
    convert::Infallible,
    io::Write,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use flate2::{Compression, write::GzEncoder};
use http_body_util::{BodyExt, Full};
use hyper::{
    Method, Request, Response, StatusCode,
    body::{Bytes, Incoming},
    header::{self, HeaderName, HeaderValue},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use jiff::{Timestamp, fmt::rfc2822};
use serde_json::{Value, json};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Semaphore,
};
use tokio_util::sync::CancellationToken;

use super::{
    HouseTime, StormFault,
    fault::{LATE, SLOW},
    met_norway, nws, open_meteo, openweathermap, pirate_weather,
    sky::{Reply, Sky, asked},
};
use crate::model::{Interval, Provider};

/// Connections at the same time.
const CONNECTIONS: usize = 32;
/// A client that takes longer to send its request is dropped.
const HEADERS_WITHIN: Duration = Duration::from_secs(10);

/// What all connections share.
pub(super) struct Desk {
    hours: Arc<[Interval]>,
    now: HouseTime,
    speed: f64,
    ledger: Mutex<BTreeMap<Provider, Entry>>,
}

/// What is told over no socket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// The HTTP status.
    pub status: u16,
    /// Names in lower case, and values.
    pub headers: Vec<(String, String)>,
    /// The answer.
    pub body: Vec<u8>,
}

/// What is known of one provider.
#[derive(Clone, Copy, Default)]
struct Entry {
    fault: StormFault,
    requests: u64,
}

impl Desk {
    pub(super) fn new(hours: Arc<[Interval]>, now: HouseTime, speed: f64) -> Self {
        let ledger = Provider::ALL.into_iter().map(|it| (it, Entry::default())).collect();
        Self { hours, now, speed, ledger: Mutex::new(ledger) }
    }

    pub(super) fn set_fault(&self, provider: Provider, fault: StormFault) {
        self.ledger().entry(provider).or_default().fault = fault;
    }

    pub(super) fn requests(&self, provider: Provider) -> u64 {
        self.ledger().get(&provider).map_or(0, |it| it.requests)
    }

    fn ledger(&self) -> MutexGuard<'_, BTreeMap<Provider, Entry>> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The same without a socket.
    pub(super) async fn ask(&self, target: &str, headers: &[(&str, &str)]) -> Told {
        let asked = headers.iter().fold(Request::get(target), |it, (name, value)| it.header(*name, *value));
        let Ok(request) = asked.body(()) else { return Told { status: 400, headers: Vec::new(), body: Vec::new() } };
        let (head, body) = self.answer(&request).await.into_parts();
        let text = |value: &HeaderValue| value.to_str().unwrap_or_default().to_owned();
        let headers = head.headers.iter().map(|(name, value)| (name.as_str().to_owned(), text(value))).collect();
        // Full always has its one frame.
        let body = body.collect().await.map(|it| it.to_bytes().to_vec()).unwrap_or_default();
        Told { status: head.status.as_u16(), headers, body }
    }

    async fn answer<B>(&self, request: &Request<B>) -> Response<Full<Bytes>> {
        let (path, query) = (request.uri().path(), request.uri().query().unwrap_or_default());
        if path == "/storm" || path.starts_with("/storm/") {
            return self.written(self.controlled(request.method(), path, query), StormFault::Off, false);
        }
        let Some(provider) = whose(path) else {
            return self.written(open_meteo::refused(404, "Not Found"), StormFault::Off, false);
        };
        let fault = {
            let mut ledger = self.ledger();
            let entry = ledger.entry(provider).or_default();
            entry.requests += 1;
            entry.fault
        };
        if fault == StormFault::Slow {
            tokio::time::sleep(SLOW).await;
        }
        let accepted = request.headers().get(header::ACCEPT_ENCODING).and_then(|it| it.to_str().ok());
        let packs = accepted.is_some_and(|it| it.contains("gzip"));
        self.written(self.reply(provider, request, path, query, fault), fault, packs)
    }

    fn reply<B>(&self, provider: Provider, request: &Request<B>, path: &str, query: &str, fault: StormFault) -> Reply {
        match fault {
            StormFault::Status(status) => return refusal(provider, status),
            StormFault::BadRequest => return refusal(provider, 400),
            StormFault::TooMany(_) => return refusal(provider, 429),
            _ => {}
        }
        let now = (self.now)();
        let run = if fault == StormFault::LateRun { now.saturating_sub(LATE).unwrap_or(now) } else { now };
        let sky = Sky { hours: Arc::clone(&self.hours), run, gaps: fault == StormFault::NullHours };
        let text = |name: HeaderName| request.headers().get(name).and_then(|it| it.to_str().ok());
        let mut reply = match provider {
            Provider::OpenMeteo => open_meteo::answer(query, &sky),
            Provider::MetNorway => {
                let since = text(header::IF_MODIFIED_SINCE).and_then(|it| rfc2822::parse(it).ok());
                met_norway::answer(query, text(header::USER_AGENT), since.map(|it| it.timestamp()), &sky)
            }
            Provider::Nws => nws::answer(path, &sky),
            Provider::OpenWeatherMap => openweathermap::answer(path, query, &sky),
            Provider::PirateWeather => pirate_weather::answer(path, query, &sky),
        };
        fault.distort(&mut reply.body);
        reply
    }

    /// `GET /storm`, and `POST /storm/fault?kind=503&provider=nws`.
    fn controlled(&self, method: &Method, path: &str, query: &str) -> Reply {
        let wrong = |words: &str| Reply::refusal(400, json!({ "error": words }));
        match (method, path) {
            (&Method::GET, "/storm") => Reply::good(self.told()),
            (&Method::POST, "/storm/fault") => {
                let fault = match asked(query, "kind").unwrap_or_default().parse() {
                    Ok(fault) => fault,
                    Err(error) => return wrong(&format!("{error}")),
                };
                let name = asked(query, "provider");
                let meant: Vec<Provider> =
                    Provider::ALL.into_iter().filter(|it| name.is_none_or(|name| name == it.name())).collect();
                if meant.is_empty() {
                    let names = Provider::ALL.map(Provider::name).join(", ");
                    return wrong(&format!("there is no such provider; there are: {names}"));
                }
                meant.into_iter().for_each(|it| self.set_fault(it, fault));
                Reply::good(self.told())
            }
            _ => Reply::refusal(404, json!({ "error": "GET /storm, or POST /storm/fault?kind=KIND[&provider=NAME]" })),
        }
    }

    fn told(&self) -> Value {
        let entries = self.ledger().clone();
        let told = |(provider, it): (Provider, Entry)| {
            (provider.name().to_owned(), json!({ "requests": it.requests, "fault": it.fault.to_string() }))
        };
        let providers: serde_json::Map<String, Value> = entries.into_iter().map(told).collect();
        json!({ "now": (self.now)().to_string(), "providers": providers })
    }

    /// The answer on the wire, packed where the client takes that.
    fn written(&self, reply: Reply, fault: StormFault, packs: bool) -> Response<Full<Bytes>> {
        let mut body = if reply.status == 304 { Vec::new() } else { reply.body.to_string().into_bytes() };
        fault.damage(&mut body);
        let packed = if packs { packed(&body) } else { None };
        let packs = packed.is_some();
        let body = packed.unwrap_or(body);
        let mut response = Response::new(Full::new(Bytes::from(body)));
        *response.status_mut() = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::SERVICE_UNAVAILABLE);
        let now = (self.now)();
        let mut put = |name: HeaderName, value: String| {
            if let Ok(value) = HeaderValue::from_str(&value) {
                response.headers_mut().insert(name, value);
            }
        };
        put(header::CONTENT_TYPE, reply.media.to_owned());
        put(header::DATE, date(now));
        if packs {
            put(header::CONTENT_ENCODING, "gzip".to_owned());
        }
        if let Some(modified) = reply.modified {
            put(header::LAST_MODIFIED, date(modified));
            put(header::EXPIRES, date(met_norway::expires(now, self.speed)));
        }
        if let StormFault::TooMany(seconds) = fault {
            put(header::RETRY_AFTER, seconds.to_string());
        }
        response
    }
}

/// A huge answer becomes a few kilobytes of gzip, which a client must not unpack without a limit.
fn packed(body: &[u8]) -> Option<Vec<u8>> {
    let mut packer = GzEncoder::new(Vec::new(), Compression::fast());
    packer.write_all(body).ok()?;
    packer.finish().ok()
}

/// As HTTP writes an instant.
fn date(at: Timestamp) -> String {
    rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&at).unwrap_or_default()
}

/// Whose path it is.
fn whose(path: &str) -> Option<Provider> {
    if path == open_meteo::PATH {
        Some(Provider::OpenMeteo)
    } else if path.starts_with(met_norway::PATH) {
        Some(Provider::MetNorway)
    } else if path.starts_with("/points/") || path.starts_with("/gridpoints/") {
        Some(Provider::Nws)
    } else if path.starts_with(openweathermap::PATH) {
        Some(Provider::OpenWeatherMap)
    } else {
        path.starts_with(pirate_weather::PATH).then_some(Provider::PirateWeather)
    }
}

/// How a provider refuses.
fn refusal(provider: Provider, status: u16) -> Reply {
    let words = match status {
        400 => "Data corrupted at path ''. Cannot initialize variable.",
        401 | 403 => "Invalid API key.",
        429 => "Request limit exceeded. Please try again later.",
        _ => "The service is overloaded. Please try again later",
    };
    match provider {
        Provider::OpenMeteo => open_meteo::refused(status, words),
        Provider::Nws => nws::problem(status, "Forecast Grid Expired", words),
        Provider::OpenWeatherMap => openweathermap::refused(status, words),
        Provider::MetNorway => Reply::refusal(status, Value::String(words.to_owned())),
        Provider::PirateWeather => pirate_weather::refused(status, words),
    }
}

pub(super) async fn accept(listener: TcpListener, desk: Arc<Desk>, stop: CancellationToken) {
    let seats = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        let Ok(seat) = Arc::clone(&seats).acquire_owned().await else { return };
        let Ok((stream, _)) = listener.accept().await else {
            // Out of file descriptors, most likely: others must close theirs first.
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        };
        let (desk, stop) = (Arc::clone(&desk), stop.clone());
        tokio::spawn(async move {
            stop.run_until_cancelled(talk(stream, desk)).await;
            drop(seat);
        });
    }
}

async fn talk(stream: TcpStream, desk: Arc<Desk>) {
    let service = service_fn(move |request: Request<Incoming>| {
        let desk = Arc::clone(&desk);
        async move { Ok::<_, Infallible>(desk.answer(&request).await) }
    });
    let talk = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADERS_WITHIN)
        .serve_connection(TokioIo::new(stream), service);
    if let Err(error) = talk.await {
        tracing::debug!("a connection to the storm ended: {error}");
    }
}
