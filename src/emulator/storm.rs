//! The storm: a recorded winter, served over HTTP as each provider would have forecast it, with faults on request.
//!
//! The forecast is perfect: it says what was measured. `offset` moves the recording in time, so that a storm of years ago can
//! begin this afternoon; without it, let the house's clock start at [`Storm::start_of`].
//!
//! Beside the providers' own paths there is `GET /storm` (how many requests each has had, and its fault) and
//! `POST /storm/fault?kind=503&provider=nws` (without `provider`: all of them).

mod fault;
mod met_norway;
mod nws;
mod open_meteo;
mod openweathermap;
mod pirate_weather;
mod server;
mod sky;

use std::{fmt, io, net::SocketAddr, sync::Arc};

use jiff::{SignedDuration, Timestamp};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

pub use self::fault::{StormFault, UnknownFault};
pub use crate::recorded::{RecordedError, recorded_csv};

pub use self::server::Told;

use self::server::Desk;
use crate::model::{Celsius, Interval, Provider};

/// A storm begins this long before the first precipitation: there is time to announce it and to preheat.
const BEFORE: SignedDuration = SignedDuration::from_mins(150);

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
    /// The recorded hours, ascending: [`Storm::recorded`], or any recording.
    pub hours: Vec<Interval>,
    /// Where to listen. Port 0 takes a free one.
    pub listen: SocketAddr,
    /// Asked at each request for the house's time.
    pub now: HouseTime,
    /// Added to every recorded instant.
    pub offset: SignedDuration,
    /// How many times faster than life the house's time runs: answers that hold for a while hold that much shorter.
    pub speed: f64,
}

impl StormOptions {
    /// On a free port of this machine, as it was recorded.
    pub fn of(hours: Vec<Interval>, now: HouseTime) -> Self {
        let listen = SocketAddr::from(([127, 0, 0, 1], 0));
        Self { hours, listen, now, offset: SignedDuration::ZERO, speed: 1.0 }
    }
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
pub struct Storm {
    address: SocketAddr,
    desk: Arc<Desk>,
    stop: CancellationToken,
}

impl fmt::Debug for Storm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Storm").field("address", &self.address).finish_non_exhaustive()
    }
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

    /// The same instant for any recording: two and a half hours before the first precipitation in the cold, else before the first
    /// at all, else its first hour. `None` for an empty one.
    pub fn start_within(hours: &[Interval]) -> Option<Timestamp> {
        let wet = |it: &&Interval| it.precipitation.is_some_and(|amount| amount > 0.0);
        let cold = |it: &&Interval| it.temperature.is_some_and(|air| air <= Celsius(1.0));
        let first = hours.iter().filter(wet).find(cold).or_else(|| hours.iter().find(wet));
        let before = first.and_then(|it| it.start.checked_sub(BEFORE).ok());
        before.or_else(|| hours.first().map(|it| it.start))
    }

    /// One that listens nowhere, for those who ask it directly ([`Storm::ask`]).
    pub fn in_memory(options: StormOptions) -> Self {
        let StormOptions { hours, listen, now, offset, speed } = options;
        let desk = Arc::new(Desk::new(moved(hours, offset), now, speed));
        Self { address: listen, desk, stop: CancellationToken::new() }
    }

    /// Asks without a socket. `target` is a path with its query, headers have names in lower case.
    pub async fn ask(&self, target: &str, headers: &[(&str, &str)]) -> Told {
        self.desk.ask(target, headers).await
    }

    /// Starts serving.
    ///
    /// # Errors
    /// The address is taken.
    pub async fn start(options: StormOptions) -> Result<Self, StormError> {
        let StormOptions { hours, listen, now, offset, speed } = options;
        let hours = moved(hours, offset);
        let refused = |source| StormError::Listen { address: listen, source };
        let listener = TcpListener::bind(listen).await.map_err(refused)?;
        let address = listener.local_addr().map_err(refused)?;
        let (desk, stop) = (Arc::new(Desk::new(hours, now, speed)), CancellationToken::new());
        let accept = server::accept(listener, Arc::clone(&desk), stop.clone());
        tokio::spawn(stop.clone().run_until_cancelled_owned(accept));
        Ok(Self { address, desk, stop })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What belongs into `open_meteo.base_url`.
    pub fn base_url(&self) -> String {
        self.base_url_of(Provider::OpenMeteo)
    }

    /// What belongs into `base_url` of a provider's section.
    pub fn base_url_of(&self, provider: Provider) -> String {
        let path = if provider == Provider::MetNorway { met_norway::PATH } else { "" };
        format!("http://{}{path}", self.address)
    }

    /// From the next request on, all providers do this instead of a good answer.
    pub fn set_fault(&self, fault: StormFault) {
        Provider::ALL.into_iter().for_each(|it| self.set_fault_of(it, fault));
    }

    /// The same, for one of them.
    pub fn set_fault_of(&self, provider: Provider, fault: StormFault) {
        self.desk.set_fault(provider, fault);
    }

    /// How many requests a provider has had.
    pub fn requests(&self, provider: Provider) -> u64 {
        self.desk.requests(provider)
    }
}

fn moved(mut hours: Vec<Interval>, offset: SignedDuration) -> Arc<[Interval]> {
    for hour in &mut hours {
        // Saturating: an offset out of all proportion makes a storm that never comes, not a failure.
        hour.start = hour.start.saturating_add(offset).unwrap_or(hour.start);
        hour.end = hour.end.saturating_add(offset).unwrap_or(hour.end);
    }
    hours.into()
}

impl Drop for Storm {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}
