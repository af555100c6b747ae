//! Asks the providers again and again, and tells the hub what it hears.
//!
//! The list of providers is an order: the first one that answers is believed, and while a preferred one fails, the next one is
//! asked. A preferred one that has failed is tried again whenever its own pause is over.

use std::sync::Arc;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::{
    cache::{Cache, CacheError},
    line::Line,
    past,
    source::Source,
};
use crate::{
    hub::{Busy, Handle},
    model::{Event, Forecast, Notice, NoticeKind, Trouble, TroubleKind, WeatherSettings},
};

/// Polls until `stop`, or until the hub is gone. Sends the cached forecast first, whatever its age.
pub async fn run(settings: WeatherSettings, handle: Handle, stop: CancellationToken) {
    poll_until(Poller::new(settings, handle, None), stop).await;
}

/// The same over another line than the network.
pub async fn run_over(line: Arc<dyn Line>, settings: WeatherSettings, handle: Handle, stop: CancellationToken) {
    poll_until(Poller::new(settings, handle, Some(&line)), stop).await;
}

async fn poll_until(poller: Poller, stop: CancellationToken) {
    tokio::select! {
        () = stop.cancelled() => {}
        _ = poller.poll() => {}
    }
}

struct Poller {
    settings: WeatherSettings,
    handle: Handle,
    cache: Cache,
    /// As the settings order them.
    sources: Vec<Source>,
    /// The one that answered last, unless it has failed since.
    current: Option<usize>,
    /// The forecast that the hub was told last, whoever it was from.
    known: Option<Arc<Forecast>>,
    /// The one whose opinion was heard last besides, unless it has failed since, and what it said.
    second: Option<(usize, Arc<Forecast>)>,
    /// What was last told of the present episode of failures.
    told: Option<Trouble>,
    cache_failed: bool,
}

impl Poller {
    fn new(settings: WeatherSettings, handle: Handle, line: Option<&Arc<dyn Line>>) -> Self {
        let cache = Cache::new(&settings);
        let sources = settings.providers.iter().map(|how| Source::new(&settings, how, line.cloned())).collect();
        Self {
            settings,
            handle,
            cache,
            sources,
            current: None,
            known: None,
            second: None,
            told: None,
            cache_failed: false,
        }
    }

    async fn poll(mut self) -> Result<(), Busy> {
        if let Some(forecast) = self.remembered().await {
            let forecast = Arc::new(forecast);
            self.known = Some(Arc::clone(&forecast));
            self.handle.send(Event::WeatherObserved(forecast)).await?;
        }
        loop {
            self.round().await?;
            if self.settings.second_opinion && self.current.is_some() {
                self.opinion().await?;
            }
            let asked = self.asked();
            let Some(due) = self.sources.iter().take(asked).map(|it| it.due).min() else { return Ok(()) };
            tokio::time::sleep_until(due).await;
        }
    }

    /// How many of the list are asked at all: those behind the one that answers, or behind the second one, are not.
    fn asked(&self) -> usize {
        let all = self.sources.len();
        let first = self.current.map_or(all, |it| it + 1);
        if !self.settings.second_opinion || first == all {
            return first;
        }
        self.second.as_ref().map_or(all, |(it, _)| (it + 1).max(first))
    }

    /// Asks for what another source says, the first of the list that answers.
    async fn opinion(&mut self) -> Result<(), Busy> {
        let others = self.sources.iter_mut().enumerate().filter(|(index, _)| Some(*index) != self.current);
        for (index, source) in others {
            if source.due > Instant::now() {
                if self.second.as_ref().is_some_and(|(it, _)| *it == index) {
                    return Ok(());
                }
                continue;
            }
            if let Some(mut forecast) = source.fetch(&self.settings, &self.handle.clock).await {
                if let Some((_, known)) = self.second.as_ref().filter(|it| it.0 == index) {
                    past::keep(&mut forecast, known);
                }
                let forecast = Arc::new(forecast);
                self.second = Some((index, Arc::clone(&forecast)));
                return self.handle.send(Event::SecondOpinion(forecast)).await;
            }
            self.second.take_if(|(it, _)| *it == index);
        }
        Ok(())
    }

    /// Asks those that are due, in their order, until one answers.
    async fn round(&mut self) -> Result<(), Busy> {
        for (index, source) in self.sources.iter_mut().enumerate() {
            if source.due > Instant::now() {
                if self.current == Some(index) {
                    return Ok(());
                }
                // It has just been asked for its opinion, which is as good as an answer now.
                if let Some((_, forecast)) = self.second.take_if(|(it, _)| *it == index && self.current.is_none()) {
                    return self.observed(index, forecast).await;
                }
                continue;
            }
            if let Some(forecast) = source.fetch(&self.settings, &self.handle.clock).await {
                return self.observed(index, Arc::new(forecast)).await;
            }
            if self.current == Some(index) {
                self.current = None;
            }
        }
        self.lost().await
    }

    async fn remembered(&self) -> Option<Forecast> {
        let (cache, now) = (self.cache.clone(), self.handle.clock.now());
        let (path, found) = tokio::task::spawn_blocking(move || (cache.own(), cache.read(now))).await.ok()?;
        match found {
            Ok(forecast) => return Some(forecast),
            Err(CacheError::Absent) => {}
            Err(error @ CacheError::Damaged(_)) => {
                tracing::warn!("the weather cache {} is set aside: {error}", path.display());
            }
            Err(error) => {
                tracing::warn!("the weather cache {} is not used: {error}", path.display());
            }
        }
        None
    }

    async fn observed(&mut self, index: usize, mut forecast: Arc<Forecast>) -> Result<(), Busy> {
        if let Some(known) = &self.known {
            past::keep(Arc::make_mut(&mut forecast), known);
        }
        self.known = Some(Arc::clone(&forecast));
        if self.current != Some(index) {
            let preferred = self.sources.iter().take(index).filter_map(|it| it.trouble.as_ref());
            let why: Vec<&str> = preferred.map(|it| it.text.as_str()).collect();
            if !why.is_empty() {
                let words = format!("{}: the weather is {}'s until that is over", why.join("; "), forecast.source);
                self.tell(NoticeKind::WeatherDegraded, words, &forecast.source);
            } else if self.current.is_some() {
                let words = format!("the weather is {}'s again", forecast.source);
                self.tell(NoticeKind::WeatherRecovered, words, &forecast.source);
            }
        }
        self.current = Some(index);
        self.told = None;
        self.second.take_if(|(it, _)| *it == index);
        self.handle.send(Event::WeatherObserved(Arc::clone(&forecast))).await?;
        self.keep(forecast).await;
        Ok(())
    }

    fn tell(&self, kind: NoticeKind, words: String, provider: &str) {
        self.handle.notify(Notice::new(self.handle.clock.now(), kind, words).with("provider", provider));
    }

    async fn keep(&mut self, forecast: Arc<Forecast>) {
        let cache = self.cache.clone();
        let write = move || (cache.own(), cache.write(&forecast));
        let Ok((path, written)) = tokio::task::spawn_blocking(write).await else { return };
        if let Err(error) = &written
            && !self.cache_failed
        {
            tracing::warn!("the weather cache {} cannot be written: {error}", path.display());
        }
        self.cache_failed = written.is_err();
    }

    /// Tells the hub, once, why nobody answers.
    async fn lost(&mut self) -> Result<(), Busy> {
        let troubles: Vec<&Trouble> = self.sources.iter().filter_map(|it| it.trouble.as_ref()).collect();
        // One that passes is enough for the weather to come back by itself.
        let passes = troubles.iter().any(|it| it.kind == TroubleKind::Passing);
        let kind = if passes { TroubleKind::Passing } else { TroubleKind::NeedsPerson };
        let text = troubles.iter().map(|it| it.text.as_str()).collect::<Vec<_>>().join("; ");
        let trouble = Trouble { kind, text };
        if self.told.as_ref() == Some(&trouble) {
            return Ok(());
        }
        self.told = Some(trouble.clone());
        // The hub tells people.
        self.handle.send(Event::WeatherLost { trouble }).await
    }
}
