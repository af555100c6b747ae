//! Who is asked for the weather.

use std::fmt;

use super::Secret;

/// A source of forecasts that this version knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Provider {
    /// Open-Meteo, or a server of one's own that speaks as it does.
    OpenMeteo,
    /// MET Norway's Locationforecast 2.0.
    MetNorway,
    /// The National Weather Service of the United States.
    Nws,
    /// OpenWeatherMap: its free forecast in steps of three hours, or One Call 3.0.
    OpenWeatherMap,
    /// Pirate Weather.
    PirateWeather,
}

impl Provider {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::OpenMeteo, Self::MetNorway, Self::Nws, Self::OpenWeatherMap, Self::PirateWeather];

    /// As it stands in the config and in [`Forecast::source`](super::Forecast::source).
    pub fn name(self) -> &'static str {
        match self {
            Self::OpenMeteo => "open-meteo",
            Self::MetNorway => "met-norway",
            Self::Nws => "nws",
            Self::OpenWeatherMap => "openweathermap",
            Self::PirateWeather => "pirate-weather",
        }
    }

    /// Where it is asked unless the config says otherwise.
    pub fn usual_base_url(self) -> &'static str {
        match self {
            Self::OpenMeteo => "https://api.open-meteo.com",
            Self::MetNorway => "https://api.met.no/weatherapi/locationforecast/2.0",
            Self::Nws => "https://api.weather.gov",
            Self::OpenWeatherMap => "https://api.openweathermap.org",
            Self::PirateWeather => "https://api.pirateweather.net",
        }
    }
}

impl fmt::Display for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// How one provider is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProviderSettings {
    /// Which one.
    pub provider: Provider,
    /// Its address, without a slash at the end.
    pub base_url: String,
    /// An address of a person, for providers that want to know whom to tell of trouble. Printable ASCII.
    pub contact: Option<String>,
    /// The key, for providers that ask for one.
    pub api_key: Option<Secret>,
    /// OpenWeatherMap only: ask One Call 3.0, which is a subscription of its own.
    pub one_call: bool,
}

impl ProviderSettings {
    /// A provider at its usual address, without a contact and without a key.
    pub fn usual(provider: Provider) -> Self {
        let base_url = provider.usual_base_url().to_owned();
        Self { provider, base_url, contact: None, api_key: None, one_call: false }
    }
}
