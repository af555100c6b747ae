//! One provider of the list: when it is asked next, and what was told of it.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};
use jiff::Timestamp;
use tokio::time::Instant;

use super::{
    answer::{Answer, Doubt, Flaw},
    ask::{Ask, provider},
    http::{Brought, Failure, Wire},
    line::Line,
    quota,
};
use crate::{
    hub::Clock,
    model::{Forecast, ProviderSettings, Trouble, TroubleKind, WeatherSettings},
};

/// However fast the house's time runs, a provider is not asked more often than this.
const SHORTEST_PAUSE: Duration = Duration::from_secs(1);
/// `Retry-After` is obeyed up to this: longer, and a wrong header would end the weather for good.
const LONGEST_WISH: Duration = Duration::from_secs(24 * 3600);

pub(super) struct Source {
    wire: Wire,
    provider: Box<dyn Ask>,
    backoff: ExponentialBackoff,
    /// Not to be asked before.
    pub(super) due: Instant,
    /// What keeps it from answering.
    pub(super) trouble: Option<Trouble>,
    /// Doubts that are in the log already.
    doubted: BTreeSet<Doubt>,
    /// Not to be asked more often, to stay within what the provider gives for nothing; in real time.
    least_pause: Duration,
}

impl Source {
    pub(super) fn new(settings: &WeatherSettings, how: &ProviderSettings, line: Option<Arc<dyn Line>>) -> Self {
        Self {
            wire: Wire::new(settings, how.clone(), line),
            provider: provider(settings, how),
            backoff: backoff(settings),
            due: Instant::now(),
            trouble: None,
            doubted: BTreeSet::new(),
            least_pause: quota::least_pause(how),
        }
    }

    pub(super) fn name(&self) -> &'static str {
        self.wire.name()
    }

    /// Asks once, and sets when it is due again.
    pub(super) async fn fetch(&mut self, settings: &WeatherSettings, clock: &Clock) -> Option<Forecast> {
        match self.wire.fetch(self.provider.as_mut(), || clock.now()).await {
            Ok(brought) => Some(self.brought(brought, settings, clock)),
            Err(failure) => {
                self.failed(failure, settings, clock);
                None
            }
        }
    }

    fn brought(&mut self, brought: Brought, settings: &WeatherSettings, clock: &Clock) -> Forecast {
        let Brought { answer: Answer { forecast, doubts }, is_old, unchanged_for, .. } = brought;
        for (doubt, example) in doubts {
            if !self.doubted.insert(doubt) {
                continue;
            }
            match doubt.flaw {
                // Gaps are common at the end of a forecast, and some sources never have some series.
                Flaw::Missing => tracing::debug!("{}: {doubt}: {example}", self.name()),
                _ => tracing::warn!("{}: {doubt}, which are left out: {example}", self.name()),
            }
        }
        self.trouble = None;
        self.backoff = backoff(settings);
        let unchanged_for = unchanged_for.unwrap_or_default();
        let every = if is_old { settings.retry_after.min(settings.refresh_every) } else { settings.refresh_every };
        let pause = until_refresh(clock.now(), every, unchanged_for, fastrand::f64());
        self.rest(clock.real(pause).max(unchanged_for));
        forecast
    }

    fn failed(&mut self, failure: Failure, settings: &WeatherSettings, clock: &Clock) {
        let Failure { trouble, retry_after } = failure;
        let backoff = match trouble.kind {
            // Asking again soon changes nothing that a person must change.
            TroubleKind::NeedsPerson => settings.retry_at_most,
            // The jitter comes on top of the longest pause, too.
            _ => self.backoff.next().unwrap_or(settings.retry_at_most).min(settings.retry_at_most),
        };
        if self.trouble.as_ref() != Some(&trouble) {
            tracing::debug!("no new forecast: {}", trouble.text);
        }
        self.trouble = Some(trouble);
        self.rest(clock.real(backoff).max(retry_after.unwrap_or_default().min(LONGEST_WISH)));
    }

    fn rest(&mut self, pause: Duration) {
        self.due = Instant::now() + pause.max(SHORTEST_PAUSE).max(self.least_pause);
    }
}

fn backoff(settings: &WeatherSettings) -> ExponentialBackoff {
    ExponentialBuilder::new()
        .with_min_delay(settings.retry_after)
        .with_max_delay(settings.retry_at_most)
        .with_factor(2.0)
        .without_max_times()
        .with_jitter()
        // Without a seed every bridge in the world would draw the same jitter.
        .with_jitter_seed(fastrand::u64(..))
        .build()
}

/// The pause until the next fetch: `every` ± 10 %, not before `least` and up to a minute have passed, and never around the full hour,
/// when all the world asks and forecasts expire. `draw` is 0 to 1.
fn until_refresh(now: Timestamp, every: Duration, least: Duration, draw: f64) -> Duration {
    let pause = every.mul_f64(0.9 + 0.2 * draw).max(least + Duration::from_secs(60).mul_f64(draw));
    let into_the_hour = (u64::try_from(now.as_second()).unwrap_or_default() + pause.as_secs()) % 3600;
    if (60..3540).contains(&into_the_hour) {
        return pause;
    }
    pause + Duration::from_secs(150) + Duration::from_secs(60).mul_f64(draw)
}
#[cfg(test)]
mod tests {
    use super::{super::http::LONGEST_HELD, *};
    use crate::model::WeatherState;

    #[test]
    fn no_refresh_falls_on_the_full_hour() {
        for second in (1_768_475_700..1_768_479_300).step_by(7) {
            for draw in [0.0, 0.3, 0.5, 1.0] {
                let now = Timestamp::from_second(second).unwrap_or_default();
                for (least, longest) in [(0, 870), (1800, 2070)] {
                    let pause = until_refresh(now, Duration::from_secs(600), Duration::from_secs(least), draw);
                    let due = (u64::try_from(second).unwrap_or_default() + pause.as_secs()) % 3600;
                    assert!((60..3540).contains(&due), "asks {due} s into the hour");
                    assert!(pause >= Duration::from_secs(least.max(540)) && pause <= Duration::from_secs(longest));
                }
            }
        }
    }

    #[test]
    fn a_wish_that_is_obeyed_lets_no_forecast_grow_so_old_that_it_counts_as_trouble() {
        for second in (1_768_475_700..1_768_479_300).step_by(7) {
            let now = Timestamp::from_second(second).unwrap_or_default();
            let pause = until_refresh(now, Duration::from_secs(600), LONGEST_HELD.unsigned_abs(), 1.0);
            assert!(pause < WeatherState::RENEWED_WITHIN.unsigned_abs());
        }
    }
}
