//! One question to a provider, for people who want to know why there is no weather.

use jiff::{SignedDuration, Timestamp};

use super::{ask::provider, http::Wire};
use crate::model::{Forecast, ProviderSettings, WeatherSettings};

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

/// Asks one of the providers of the settings for one forecast. Nothing is kept.
///
/// # Errors
/// What went wrong, in words.
pub async fn examine(settings: &WeatherSettings, how: &ProviderSettings, now: Timestamp) -> Result<Brought, String> {
    let mut provider = provider(settings, how);
    let fetched = Wire::new(settings, how.clone(), None).fetch(provider.as_mut(), || now).await;
    let brought = fetched.map_err(|failure| failure.trouble.text)?;
    Ok(Brought { forecast: brought.answer.forecast, ahead: brought.date.map(|it| it.duration_since(now)) })
}
