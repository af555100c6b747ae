//! Asks the provider again and again, and tells the hub what it hears.

use std::{collections::BTreeSet, error::Error, sync::Arc, time::Duration};

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};
use jiff::Timestamp;
use reqwest::{Client, Response, StatusCode, header};
use tokio_util::sync::CancellationToken;

use super::{
    cache::{Cache, CacheError},
    open_meteo::{self, Answer, Doubt, Flaw, ParseError},
};
use crate::{
    hub::{Busy, Handle},
    model::{Event, Forecast, Trouble, TroubleKind, WeatherSettings},
};

/// A provider that cannot be connected to within this has failed.
const CONNECT: Duration = Duration::from_secs(5);
/// A provider that has not said everything within this has failed.
const TOTAL: Duration = Duration::from_secs(15);
/// No answer of use is larger.
const LARGEST: usize = 2 * 1024 * 1024;
/// However fast the house's time runs, the provider is not asked more often than this.
const SHORTEST_PAUSE: Duration = Duration::from_secs(1);
/// `Retry-After` is obeyed up to this: longer, and a wrong header would end the weather for good.
const LONGEST_WISH: Duration = Duration::from_secs(24 * 3600);

/// Polls until `stop`, or until the hub is gone. Sends the cached forecast first, whatever its age.
pub async fn run(settings: WeatherSettings, handle: Handle, stop: CancellationToken) {
    let poller = Poller::new(settings, handle);
    tokio::select! {
        () = stop.cancelled() => {}
        _ = poller.poll() => {}
    }
}

struct Poller {
    settings: WeatherSettings,
    handle: Handle,
    cache: Cache,
    client: Option<Client>,
    backoff: ExponentialBackoff,
    /// What was last told of the present episode of failures.
    told: Option<Trouble>,
    /// Doubts that are in the log already.
    doubted: BTreeSet<Doubt>,
    cache_failed: bool,
}

/// A fetch that brought nothing.
struct Failure {
    trouble: Trouble,
    /// What the provider wishes, in real time.
    retry_after: Option<Duration>,
}

impl Failure {
    fn passing(text: impl Into<String>) -> Self {
        Self { trouble: Trouble { kind: TroubleKind::Passing, text: text.into() }, retry_after: None }
    }

    fn needs_person(text: impl Into<String>) -> Self {
        Self { trouble: Trouble { kind: TroubleKind::NeedsPerson, text: text.into() }, retry_after: None }
    }
}

impl Poller {
    fn new(settings: WeatherSettings, handle: Handle) -> Self {
        let (cache, backoff) = (Cache::new(&settings), backoff(&settings));
        let (client, told, doubted) = (None, None, BTreeSet::new());
        Self { settings, handle, cache, client, backoff, told, doubted, cache_failed: false }
    }

    async fn poll(mut self) -> Result<(), Busy> {
        if let Some(forecast) = self.remembered().await {
            self.handle.send(Event::WeatherObserved(Arc::new(forecast))).await?;
        }
        loop {
            let pause = match self.fetch().await {
                Ok(answer) => self.observed(answer).await?,
                Err(failure) => self.lost(failure).await?,
            };
            tokio::time::sleep(pause.max(SHORTEST_PAUSE)).await;
        }
    }

    async fn remembered(&self) -> Option<Forecast> {
        let (cache, now) = (self.cache.clone(), self.handle.clock.now());
        match tokio::task::spawn_blocking(move || cache.read(now)).await.ok()? {
            Ok(forecast) => return Some(forecast),
            Err(CacheError::Absent) => {}
            Err(error @ CacheError::Damaged(_)) => {
                tracing::warn!("the weather cache {} is set aside: {error}", self.settings.cache_file.display());
            }
            Err(error) => {
                tracing::warn!("the weather cache {} is not used: {error}", self.settings.cache_file.display());
            }
        }
        None
    }

    async fn observed(&mut self, answer: Answer) -> Result<Duration, Busy> {
        for (doubt, example) in answer.doubts {
            if !self.doubted.insert(doubt) {
                continue;
            }
            match doubt.flaw {
                // Gaps are common at the end of a forecast, and some sources never have some series.
                Flaw::Missing => tracing::debug!("{}: {doubt}: {example}", open_meteo::NAME),
                _ => tracing::warn!("{}: {doubt}, which are left out: {example}", open_meteo::NAME),
            }
        }
        self.told = None;
        self.backoff = backoff(&self.settings);
        let forecast = Arc::new(answer.forecast);
        self.handle.send(Event::WeatherObserved(Arc::clone(&forecast))).await?;
        self.keep(forecast).await;
        let clock = &self.handle.clock;
        Ok(clock.real(until_refresh(clock.now(), self.settings.refresh_every, fastrand::f64())))
    }

    async fn keep(&mut self, forecast: Arc<Forecast>) {
        let cache = self.cache.clone();
        let Ok(written) = tokio::task::spawn_blocking(move || cache.write(&forecast)).await else { return };
        if let Err(error) = &written
            && !self.cache_failed
        {
            tracing::warn!("the weather cache {} cannot be written: {error}", self.settings.cache_file.display());
        }
        self.cache_failed = written.is_err();
    }

    async fn lost(&mut self, failure: Failure) -> Result<Duration, Busy> {
        let Failure { trouble, retry_after } = failure;
        let backoff = match trouble.kind {
            // Asking again soon changes nothing that a person must change.
            TroubleKind::NeedsPerson => self.settings.retry_at_most,
            _ => self.backoff.next().unwrap_or(self.settings.retry_at_most),
        };
        if self.told.as_ref() != Some(&trouble) {
            // The hub tells people, once.
            tracing::debug!("no new forecast: {}", trouble.text);
            self.told = Some(trouble.clone());
            self.handle.send(Event::WeatherLost { trouble }).await?;
        }
        let wished = retry_after.unwrap_or_default().min(LONGEST_WISH);
        Ok(self.handle.clock.real(backoff).max(wished))
    }

    async fn fetch(&mut self) -> Result<Answer, Failure> {
        let client = match &self.client {
            Some(client) => client.clone(),
            None => self.client.insert(connect(&self.settings)?).clone(),
        };
        let request = client.get(open_meteo::url(&self.settings));
        let asked = async {
            let response = request.send().await.map_err(|error| Failure::passing(words(error)))?;
            let status = response.status();
            let retry_after = wished_pause(&response, self.handle.clock.now());
            Ok((status, retry_after, body(response).await?))
        };
        let late = || Failure::passing(format!("{} did not answer within {} s", open_meteo::NAME, TOTAL.as_secs()));
        let (status, retry_after, body) = tokio::time::timeout(TOTAL, asked).await.map_err(|_| late())??;
        if !status.is_success() {
            return Err(refused(status, &body, retry_after));
        }
        open_meteo::parse(&body, self.handle.clock.now()).map_err(|error| {
            let text = format!("{}: {error}", open_meteo::NAME);
            match error {
                ParseError::Refused(_) | ParseError::TimesNotUnix => Failure::needs_person(text),
                _ => Failure::passing(text),
            }
        })
    }
}

/// One question: the time by the provider's clock, if it tells, and the body of its answer.
///
/// # Errors
/// What went wrong, in words.
pub(super) async fn once(settings: &WeatherSettings) -> Result<(Option<Timestamp>, Vec<u8>), String> {
    let asked = async {
        let request = connect(settings)?.get(open_meteo::url(settings));
        let response = request.send().await.map_err(|error| Failure::passing(words(error)))?;
        let status = response.status();
        let date = response.headers().get(header::DATE).and_then(|it| it.to_str().ok());
        let date = date.and_then(|it| jiff::fmt::rfc2822::parse(it).ok()).map(|it| it.timestamp());
        let body = body(response).await?;
        if status.is_success() { Ok((date, body)) } else { Err(refused(status, &body, None)) }
    };
    let late = |_| format!("{} did not answer within {} s", open_meteo::NAME, TOTAL.as_secs());
    tokio::time::timeout(TOTAL, asked).await.map_err(late)?.map_err(|failure: Failure| failure.trouble.text)
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

fn connect(settings: &WeatherSettings) -> Result<Client, Failure> {
    let builder = Client::builder()
        .connect_timeout(CONNECT)
        .redirect(reqwest::redirect::Policy::limited(3))
        .user_agent(concat!("heattrax/", env!("CARGO_PKG_VERSION")));
    // A provider on this machine is never behind the proxy that the environment may name.
    let is_here = reqwest::Url::parse(&settings.open_meteo_base_url).is_ok_and(|url| {
        let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
        host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
    });
    let builder = if is_here { builder.no_proxy() } else { builder };
    builder.build().map_err(|error| Failure::passing(words(error)))
}

async fn body(mut response: Response) -> Result<Vec<u8>, Failure> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| Failure::passing(words(error)))? {
        if body.len() + chunk.len() > LARGEST {
            let limit = LARGEST / 1024 / 1024;
            return Err(Failure::passing(format!("{} sent more than {limit} MiB", open_meteo::NAME)));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

fn refused(status: StatusCode, body: &[u8], retry_after: Option<Duration>) -> Failure {
    let reason = serde_json::from_slice(body).ok().and_then(|body| open_meteo::refusal(&body));
    let reason = reason.map(|it| format!(": {it}")).unwrap_or_default();
    let text = format!("{} answered {status}{reason}", open_meteo::NAME);
    let passes = status.is_server_error()
        || matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_EARLY);
    let failure = if passes { Failure::passing(text) } else { Failure::needs_person(text) };
    Failure { retry_after, ..failure }
}

/// `Retry-After`, in seconds or as a date.
fn wished_pause(response: &Response, now: Timestamp) -> Option<Duration> {
    let wish = response.headers().get(header::RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = wish.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = jiff::fmt::rfc2822::parse(wish).ok()?.timestamp();
    Duration::try_from(date.duration_since(now)).ok()
}

/// The innermost cause is what a person can act on; the address with the place in it belongs in no log.
fn words(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut cause: &dyn Error = &error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    let what = if error.is_connect() { "cannot be reached" } else { "did not answer" };
    format!("{} {what}: {cause}", open_meteo::NAME)
}

/// The pause until the next fetch: `every` ± 10 %, and never around the full hour, when all the world asks. `draw` is 0 to 1.
fn until_refresh(now: Timestamp, every: Duration, draw: f64) -> Duration {
    let pause = every.mul_f64(0.9 + 0.2 * draw);
    let into_the_hour = (u64::try_from(now.as_second()).unwrap_or_default() + pause.as_secs()) % 3600;
    if (60..3540).contains(&into_the_hour) {
        return pause;
    }
    pause + Duration::from_secs(150) + Duration::from_secs(60).mul_f64(draw)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_refresh_falls_on_the_full_hour() {
        for second in (1_768_475_700..1_768_479_300).step_by(7) {
            for draw in [0.0, 0.3, 0.5, 1.0] {
                let now = Timestamp::from_second(second).unwrap_or_default();
                let pause = until_refresh(now, Duration::from_secs(600), draw);
                let due = (u64::try_from(second).unwrap_or_default() + pause.as_secs()) % 3600;
                assert!((60..3540).contains(&due), "asks {due} s into the hour");
                assert!(pause >= Duration::from_secs(540) && pause <= Duration::from_secs(870));
            }
        }
    }
}
