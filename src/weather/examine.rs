//! One question to the provider, for people who want to know why there is no weather.

use jiff::{SignedDuration, Timestamp};

use super::{open_meteo, poller};
use crate::model::{Forecast, WeatherSettings};

/// What the provider gave.
#[derive(Clone, Debug)]
pub struct Brought {
    /// The forecast.
    pub forecast: Forecast,
    /// How far the provider's clock is ahead of ours, by the `Date` line of its answer, to a second or two; `None` without that line.
    pub ahead: Option<SignedDuration>,
}

impl Brought {
    /// How far ahead of `now` the forecast reaches; zero if it is over.
    pub fn reach(&self, now: Timestamp) -> SignedDuration {
        let end = self.forecast.intervals.last().map_or(now, |it| it.end);
        end.duration_since(now).max(SignedDuration::ZERO)
    }
}

/// Asks once. Nothing is kept.
///
/// # Errors
/// What went wrong, in words.
pub async fn examine(settings: &WeatherSettings, now: Timestamp) -> Result<Brought, String> {
    let (date, body) = poller::once(settings).await?;
    let forecast = open_meteo::parse(&body, now).map_err(|error| format!("{}: {error}", open_meteo::NAME))?.forecast;
    Ok(Brought { forecast, ahead: date.map(|it| it.duration_since(now)) })
}
