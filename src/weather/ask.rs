//! What a provider is to the poller: questions and answers, without the wire between them.

use jiff::{SignedDuration, Timestamp};

use super::{
    answer::{Answer, ParseError},
    met_norway::MetNorway,
    nws::Nws,
    open_meteo::OpenMeteo,
    openweathermap::OpenWeatherMap,
    pirate_weather::PirateWeather,
};
use crate::model::{Provider, ProviderSettings, WeatherSettings};

/// A question to a provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// The whole address.
    pub url: String,
    /// The exact `Last-Modified` of the answer that is known, to be sent as `If-Modified-Since`.
    pub known_since: Option<String>,
}

impl Question {
    pub(super) fn new(url: String) -> Self {
        Self { url, known_since: None }
    }
}

/// A good answer as it came over the wire.
#[derive(Clone, Debug, Default)]
pub struct Reply {
    /// Status 304: nothing has changed since the answer that is known.
    pub unchanged: bool,
    /// The header `Last-Modified`, exactly.
    pub last_modified: Option<String>,
    /// What was sent.
    pub body: Vec<u8>,
}

/// What a reply comes to.
#[derive(Clone, Debug, PartialEq)]
pub enum Heard {
    /// A forecast.
    Answer(Answer),
    /// There is another question to ask first.
    AskOn,
}

/// A provider. It keeps what it must know from one question to the next, and does no I/O.
pub trait Ask: Send + Sync {
    /// What is to be asked next.
    fn question(&self) -> Question;

    /// Takes in a good reply, which arrived at `now`.
    ///
    /// # Errors
    /// The reply is of no use.
    fn hear(&mut self, reply: Reply, now: Timestamp) -> Result<Heard, ParseError>;

    /// Takes in that the question was answered with this HTTP status, which is no good one. True if there is something else to ask.
    fn refused(&mut self, _status: u16) -> bool {
        false
    }

    /// Takes out a forecast that can be told all the same when a question has brought nothing of use.
    fn at_hand(&mut self) -> Option<Answer> {
        None
    }
}

/// The provider that the settings name.
pub fn provider(settings: &WeatherSettings, how: &ProviderSettings) -> Box<dyn Ask> {
    match how.provider {
        Provider::OpenMeteo => Box::new(OpenMeteo::new(settings, how)),
        Provider::MetNorway => Box::new(MetNorway::new(settings, how)),
        Provider::Nws => Box::new(Nws::new(settings, how)),
        Provider::OpenWeatherMap => Box::new(OpenWeatherMap::new(settings, how)),
        Provider::PirateWeather => Box::new(PirateWeather::new(settings, how)),
    }
}

/// `heattrax/0.1.0`, and whom to tell of trouble.
pub fn user_agent(how: &ProviderSettings) -> String {
    let program = concat!("heattrax/", env!("CARGO_PKG_VERSION"));
    how.contact.as_ref().map_or_else(|| program.to_owned(), |contact| format!("{program} {contact}"))
}

/// Degrees with at most four decimals: MET Norway refuses more, and no forecast is finer than ten metres.
pub(super) fn degrees(value: f64) -> String {
    let text = format!("{value:.4}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// The step of most series.
pub(super) const HOUR: SignedDuration = SignedDuration::from_hours(1);
