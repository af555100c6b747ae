//! How often providers may be asked, and how often they are.

use std::time::Duration;

use crate::model::{Provider, ProviderSettings, WeatherSettings};

/// A day.
const DAY: Duration = Duration::from_secs(24 * 3600);
/// The refresh is drawn from 90 to 110 % of what is set.
const SOONEST: f64 = 0.9;

/// Requests a day that a provider answers without pay; `None` where it names no figure.
///
/// Open-Meteo: 10 000 (non-commercial). OpenWeatherMap: 1 000 000 a month in 2.5, 1 000 a day of One Call 3.0. Pirate Weather:
/// 10 000 a month. MET Norway and the NWS ask for reason and name no daily figure. As published in 2026; not verified by us. A server of
/// one's own answers as often as it is asked.
pub fn free_a_day(how: &ProviderSettings) -> Option<f64> {
    match how.provider {
        _ if how.base_url != how.provider.usual_base_url() => None,
        Provider::OpenMeteo => Some(10_000.0),
        Provider::OpenWeatherMap if how.one_call => Some(1_000.0),
        Provider::OpenWeatherMap => Some(1_000_000.0 / 31.0),
        Provider::PirateWeather => Some(10_000.0 / 31.0),
        Provider::MetNorway | Provider::Nws => None,
    }
}

/// Requests that make one forecast. The NWS's square is asked for besides, once a month.
pub fn requests_a_fetch(how: &ProviderSettings) -> f64 {
    if how.provider == Provider::OpenWeatherMap && !how.one_call { 2.0 } else { 1.0 }
}

/// The most requests a day while all is well.
pub fn requests_a_day(settings: &WeatherSettings, how: &ProviderSettings) -> f64 {
    let pause = settings.refresh_every.mul_f64(SOONEST).max(least_pause(how)).as_secs_f64();
    DAY.as_secs_f64() / pause * requests_a_fetch(how)
}

/// Fetches are at least this far apart, whatever the settings say and whether they succeed or fail.
pub fn least_pause(how: &ProviderSettings) -> Duration {
    free_a_day(how).map_or(Duration::ZERO, |free| DAY.mul_f64(requests_a_fetch(how) / free))
}
