//! The storm: a recorded winter, served over HTTP as Open-Meteo would have forecast it.
//!
//! The forecast is perfect: it says what was measured. `offset` moves the recording in time, so that a storm of years ago can
//! begin this afternoon; without it, let the house's clock start at [`Storm::start_of`].

mod answer;

use std::{
    convert::Infallible,
    io,
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use http_body_util::Full;
use hyper::{
    Request, Response,
    body::{Bytes, Incoming},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use jiff::{SignedDuration, Timestamp};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Semaphore,
};
use tokio_util::sync::CancellationToken;

pub use crate::recorded::{RecordedError, recorded_csv};

use crate::model::Interval;

/// Connections at the same time.
const CONNECTIONS: usize = 32;
/// A client that takes longer to send its request is dropped.
const HEADERS_WITHIN: Duration = Duration::from_secs(10);
/// How long a slow storm takes: longer than any client waits.
const SLOW: Duration = Duration::from_secs(60);

/// A recording that is part of the program.
struct Recording {
    name: &'static str,
    gz: &'static [u8],
    /// Two and a half hours before the first precipitation of its best storm.
    start: i64,
}

const RECORDINGS: [Recording; 2] = [
    Recording {
        name: "newark-2013",
        gz: include_bytes!("../../examples/weather/nyc_EWR_2013.csv.gz"),
        // 2013-02-08T09:30Z: the blizzard of 8 and 9 February begins as wet snow at noon.
        start: 1_360_315_800,
    },
    Recording {
        name: "lincoln-2023",
        gz: include_bytes!("../../examples/weather/lincoln_NE_2023Jan.csv.gz"),
        // 2023-01-18T12:30Z: freezing rain from 15:00, then snow through the night.
        start: 1_674_045_000,
    },
];

/// The house's time.
pub type HouseTime = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// What the storm is to be.
#[derive(Clone)]
pub struct StormOptions {
    /// One of [`Storm::names`].
    pub name: String,
    /// Where to listen. Port 0 takes a free one.
    pub listen: SocketAddr,
    /// Asked at each request for the house's time.
    pub now: HouseTime,
    /// Added to every recorded instant.
    pub offset: SignedDuration,
}

/// What the storm does instead of a good answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum StormFault {
    /// Nothing: it answers well.
    #[default]
    Off,
    /// This HTTP status (400 to 599), with a reason as Open-Meteo gives it.
    Status(u16),
    /// Status 400, as for a wrong variable.
    BadRequest,
    /// The answer is cut off in the middle.
    Truncated,
    /// It takes a minute, real time.
    Slow,
    /// Every third hour is `null` in all series.
    NullHours,
}

/// The storm cannot be started.
#[derive(Debug, thiserror::Error)]
pub enum StormError {
    /// There is no such recording.
    #[error("there is no storm `{name}`; there are: {}", Storm::names().join(", "))]
    UnknownName {
        /// What was asked for.
        name: String,
    },
    /// The recording cannot be read.
    #[error("the recording cannot be read")]
    Recording(#[from] RecordedError),
    /// The address cannot be listened on.
    #[error("the storm cannot listen on {address}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why.
        #[source]
        source: io::Error,
    },
}

/// A running storm; dropping it stops it.
#[derive(Debug)]
pub struct Storm {
    address: SocketAddr,
    fault: Arc<Mutex<StormFault>>,
    stop: CancellationToken,
}

impl Storm {
    /// The recordings that are part of the program.
    pub fn names() -> [&'static str; 2] {
        RECORDINGS.each_ref().map(|it| it.name)
    }

    /// A good instant to start the house's clock at: two and a half hours before a storm. `None` for an unknown name.
    pub fn start_of(name: &str) -> Option<Timestamp> {
        let recording = RECORDINGS.iter().find(|it| it.name == name)?;
        Timestamp::from_second(recording.start).ok()
    }

    /// The hours of a recording, ascending.
    ///
    /// # Errors
    /// The name is unknown.
    pub fn recorded(name: &str) -> Result<Vec<Interval>, StormError> {
        let found = RECORDINGS.iter().find(|it| it.name == name);
        let recording = found.ok_or_else(|| StormError::UnknownName { name: name.to_owned() })?;
        Ok(recorded_csv(recording.gz)?)
    }

    /// Starts serving.
    ///
    /// # Errors
    /// The name is unknown, or the address is taken.
    pub async fn start(options: StormOptions) -> Result<Self, StormError> {
        let StormOptions { name, listen, now, offset } = options;
        let mut hours = Self::recorded(&name)?;
        for hour in &mut hours {
            // Saturating: an offset out of all proportion makes a storm that never comes, not a failure.
            hour.start = hour.start.saturating_add(offset).unwrap_or(hour.start);
            hour.end = hour.end.saturating_add(offset).unwrap_or(hour.end);
        }
        let refused = |source| StormError::Listen { address: listen, source };
        let listener = TcpListener::bind(listen).await.map_err(refused)?;
        let address = listener.local_addr().map_err(refused)?;
        let (fault, stop) = (Arc::new(Mutex::new(StormFault::Off)), CancellationToken::new());
        let sky = Arc::new(Sky { hours, now, fault: Arc::clone(&fault) });
        tokio::spawn(stop.clone().run_until_cancelled_owned(accept(listener, sky, stop.clone())));
        Ok(Self { address, fault, stop })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What belongs into `open_meteo.base_url`.
    pub fn base_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// From the next request on, does this instead of a good answer.
    pub fn set_fault(&self, fault: StormFault) {
        *self.fault.lock().unwrap_or_else(PoisonError::into_inner) = fault;
    }
}

impl Drop for Storm {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

struct Sky {
    hours: Vec<Interval>,
    now: HouseTime,
    fault: Arc<Mutex<StormFault>>,
}

async fn accept(listener: TcpListener, sky: Arc<Sky>, stop: CancellationToken) {
    let seats = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        let Ok(seat) = Arc::clone(&seats).acquire_owned().await else { return };
        let Ok((stream, _)) = listener.accept().await else {
            // Out of file descriptors, most likely: others must close theirs first.
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        };
        let (sky, stop) = (Arc::clone(&sky), stop.clone());
        tokio::spawn(async move {
            stop.run_until_cancelled(talk(stream, sky)).await;
            drop(seat);
        });
    }
}

async fn talk(stream: TcpStream, sky: Arc<Sky>) {
    let service = service_fn(move |request: Request<Incoming>| {
        let sky = Arc::clone(&sky);
        async move { Ok::<_, Infallible>(sky.answer(&request).await) }
    });
    let talk = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADERS_WITHIN)
        .serve_connection(TokioIo::new(stream), service);
    if let Err(error) = talk.await {
        tracing::debug!("a connection to the storm ended: {error}");
    }
}

impl Sky {
    async fn answer(&self, request: &Request<Incoming>) -> Response<Full<Bytes>> {
        let fault = *self.fault.lock().unwrap_or_else(PoisonError::into_inner);
        if fault == StormFault::Slow {
            tokio::time::sleep(SLOW).await;
        }
        let (status, body) = match fault {
            StormFault::Status(status) => (status, answer::error("The service is overloaded. Please try again later")),
            StormFault::BadRequest => (400, answer::error("Data corrupted at path ''. Cannot initialize variable.")),
            _ if request.uri().path() != "/v1/forecast" => (404, answer::error("Not Found")),
            _ => match answer::Wish::read(request.uri().query().unwrap_or_default()) {
                Ok(wish) => (200, wish.answer(&self.hours, (self.now)(), fault == StormFault::NullHours)),
                Err(reason) => (400, answer::error(&reason)),
            },
        };
        let mut body = body.to_string().into_bytes();
        if fault == StormFault::Truncated {
            body.truncate(body.len() / 2);
        }
        let mut response = Response::new(Full::new(Bytes::from(body)));
        *response.status_mut() = hyper::StatusCode::from_u16(status).unwrap_or(hyper::StatusCode::SERVICE_UNAVAILABLE);
        let json = hyper::header::HeaderValue::from_static("application/json; charset=utf-8");
        response.headers_mut().insert(hyper::header::CONTENT_TYPE, json);
        response
    }
}
