//! One way's queue, and the task that empties it. A way that is dead or slow holds nobody up but itself.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};
use jiff::{Timestamp, tz::TimeZone};
use serde_json::{Value, json};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::{
    alert::rfc3339,
    file,
    queue::{Letter, Queue, WAITING},
    quiet::Quiet,
    way::{Blame, Failure, Way},
};
use crate::{hub::Clock, model::Channel};

/// The longest sleep: covers clocks that were set.
const LOOK: Duration = Duration::from_secs(60);
/// Letters that follow each other within this are written together.
const COALESCE: Duration = Duration::from_millis(100);
/// A file that could not be written is tried again after this.
const WRITE_AGAIN: Duration = Duration::from_secs(30);
/// After a letter that was refused, the next one waits for so long.
const NEXT_LETTER: Duration = Duration::from_secs(1);
/// A way that has failed so often in a row counts as failed, not as degraded.
const FAILED: u32 = 3;

/// One way's queue and how the way does.
#[derive(Debug)]
pub(super) struct Outbox {
    pub(super) channel: Channel,
    path: PathBuf,
    inside: Mutex<Inside>,
    /// There is something to send.
    mail: Notify,
    /// There is something to write.
    changed: Notify,
}

#[derive(Debug, Default)]
struct Inside {
    queue: Queue,
    /// It has been told that letters are dropped, and there has been no room since.
    is_full: bool,
    last_check: Option<Timestamp>,
    last_success: Option<Timestamp>,
    last_error: Option<String>,
    failures: u32,
    given_up: u64,
}

impl Inside {
    /// Somebody got something.
    fn works(&mut self, now: Timestamp) {
        self.failures = 0;
        self.last_check = Some(now);
        self.last_success = Some(now);
        self.last_error = None;
        self.is_full &= self.queue.len() >= WAITING / 2;
    }
}

impl Outbox {
    /// Reads what waits from `folder`. Blocks; to be called before the runtime is busy.
    pub(super) fn open(channel: Channel, folder: &Path) -> Self {
        let path = folder.join(format!("notify-{}.json", channel.as_str()));
        let inside = Mutex::new(Inside { queue: file::read(&path), ..Inside::default() });
        Self { channel, path, inside, mail: Notify::new(), changed: Notify::new() }
    }

    fn inside(&self) -> MutexGuard<'_, Inside> {
        // Nothing that is done inside leaves it half done.
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts a letter in. Never waits.
    pub(super) fn put(&self, letter: Letter) {
        let mut inside = self.inside();
        if inside.queue.put(letter).is_some() && !inside.is_full {
            inside.is_full = true;
            let name = self.channel.as_str();
            tracing::warn!(
                "{WAITING} notifications wait for {name}: the oldest and least urgent are dropped from now on"
            );
        }
        drop(inside);
        self.changed.notify_one();
        self.mail.notify_one();
    }

    /// How the way does, for `/api/notifications/status`.
    pub(super) fn status(&self, zone: &TimeZone) -> Value {
        let inside = self.inside();
        let health = match (inside.failures, inside.last_success) {
            (0, None) => "unknown",
            (0, Some(_)) => "healthy",
            (failures, _) if failures < FAILED => "degraded",
            _ => "failed",
        };
        let time = |at: Option<Timestamp>| at.map(|it| rfc3339(it, zone));
        json!({
            "name": self.channel.as_str(),
            "enabled": true,
            "health": health,
            "last_check": time(inside.last_check),
            "last_success": time(inside.last_success),
            "last_error": inside.last_error,
            "consecutive_failures": inside.failures,
            "waiting": inside.queue.len(),
            "dropped": inside.queue.dropped,
            "given_up": inside.given_up,
        })
    }

    /// The same for a way that is not enabled.
    pub(super) fn status_of_none(channel: Channel) -> Value {
        json!({
            "name": channel.as_str(),
            "enabled": false,
            "health": "unknown",
            "last_check": null,
            "last_success": null,
            "last_error": null,
            "consecutive_failures": 0,
            "waiting": 0,
            "dropped": 0,
            "given_up": 0,
        })
    }

    fn sent(&self, letter: &Letter, now: Timestamp) {
        let mut inside = self.inside();
        inside.queue.take(&letter.id);
        self.tell_works(&inside);
        inside.works(now);
        drop(inside);
        self.changed.notify_one();
    }

    fn tell_works(&self, inside: &Inside) {
        if inside.failures > 0 {
            tracing::info!("notifications by {} go through again", self.channel.as_str());
        }
    }

    fn failed(&self, letter: &Letter, failure: &Failure, now: Timestamp) {
        let mut inside = self.inside();
        let news = inside.last_error.as_ref() != Some(&failure.text);
        match &failure.blame {
            Blame::Way => inside.queue.no_longer_urgent(&letter.id),
            Blame::Letter => inside.queue.refused(&letter.id, now),
            Blame::Receivers { owed, others_got_it } => {
                inside.queue.owes(&letter.id, owed.clone(), now);
                if *others_got_it {
                    self.tell_works(&inside);
                    inside.works(now);
                }
            }
        }
        if matches!(failure.blame, Blame::Way | Blame::Letter) {
            inside.failures = inside.failures.saturating_add(1);
        }
        inside.last_check = Some(now);
        inside.last_error = Some(failure.text.clone());
        drop(inside);
        if news {
            tracing::warn!("a notification by {} failed, it is tried again: {}", self.channel.as_str(), failure.text);
        }
        self.changed.notify_one();
    }

    /// Somebody has got a letter that is under way, and these have not.
    fn has_still_to_get(&self, letter: &Letter, owed: Vec<String>) {
        self.inside().queue.note_owed(&letter.id, owed);
        self.changed.notify_one();
    }

    /// It was put in by day, and the way is open again by night: nobody is to be woken by it.
    fn is_to_wait(&self, letter: &Letter, quiet: &Quiet, now: Timestamp) -> bool {
        let end = quiet.until(letter.alert.severity, now).filter(|_| !letter.urgent);
        if let Some(end) = end {
            self.inside().queue.wait(&letter.id, now, end);
            self.changed.notify_one();
        }
        end.is_some()
    }

    fn give_up(&self, now: Timestamp) {
        let mut inside = self.inside();
        let hopeless = inside.queue.take_hopeless(now);
        inside.given_up += hopeless.len() as u64;
        drop(inside);
        for letter in &hopeless {
            let (name, event) = (self.channel.as_str(), &letter.alert.event);
            let why = if letter.is_too_old(now) { "after a day" } else { "it was refused again and again" };
            tracing::warn!("the notification `{event}` of {} by {name} is given up: {why}", letter.alert.at);
        }
        if !hopeless.is_empty() {
            self.changed.notify_one();
        }
    }

    /// Keeps the file as the queue is, until `stop`, and writes the last change then.
    pub(super) async fn keep(self: Arc<Self>, stop: CancellationToken) {
        let mut is_failing = false;
        while stop.run_until_cancelled(self.changed.notified()).await.is_some() {
            let _ = stop.run_until_cancelled(tokio::time::sleep(COALESCE)).await;
            match self.write().await {
                Ok(()) => is_failing = false,
                Err(error) => {
                    if !is_failing {
                        let path = self.path.display();
                        tracing::warn!("{path} cannot be written, a restart would forget notifications: {error}");
                    }
                    is_failing = true;
                    let _ = stop.run_until_cancelled(tokio::time::sleep(WRITE_AGAIN)).await;
                    self.changed.notify_one();
                }
            }
        }
        if let Err(error) = self.write().await {
            tracing::warn!("{} could not be written at the end: {error}", self.path.display());
        }
    }

    async fn write(&self) -> std::io::Result<()> {
        let (path, queue) = (self.path.clone(), self.inside().queue.clone());
        let writing = tokio::task::spawn_blocking(move || file::write(&path, &queue));
        writing.await.unwrap_or_else(|error| Err(std::io::Error::other(error)))
    }

    /// Sends what is due, until `stop`.
    pub(super) async fn empty(self: Arc<Self>, way: Way, quiet: Quiet, clock: Clock, stop: CancellationToken) {
        let mut backoff = backoff();
        // After a failure nothing is sent before this, unless somebody waits for it.
        let mut rest_until: Option<Timestamp> = None;
        loop {
            let now = clock.now();
            self.give_up(now);
            let first = self.inside().queue.first(now).cloned();
            let rests = rest_until.is_some_and(|it| now < it);
            let Some(letter) = first.filter(|it| it.urgent || !rests) else {
                let next = if rests { rest_until } else { self.inside().queue.next_due() };
                let pause = next.map_or(LOOK, |at| until(at, now, &clock));
                tokio::select! {
                    () = stop.cancelled() => return,
                    () = self.mail.notified() => {}
                    () = tokio::time::sleep(pause) => {}
                }
                continue;
            };
            if self.is_to_wait(&letter, &quiet, now) {
                continue;
            }
            // A letter that is on its way when the bridge stops waits in the file for the next start.
            let note = |owed| self.has_still_to_get(&letter, owed);
            let Some(sent) = stop.run_until_cancelled(way.send(&letter, &note)).await else { return };
            let now = clock.now();
            let Err(failure) = sent else {
                self.sent(&letter, now);
                (backoff, rest_until) = (self::backoff(), None);
                continue;
            };
            self.failed(&letter, &failure, now);
            let rest = match failure.blame {
                Blame::Way => backoff.next().unwrap_or(LOOK),
                Blame::Letter => NEXT_LETTER,
                Blame::Receivers { others_got_it, .. } => {
                    if others_got_it {
                        (backoff, rest_until) = (self::backoff(), None);
                    }
                    continue;
                }
            };
            rest_until = now.checked_add(rest.max(failure.pause.unwrap_or_default())).ok();
        }
    }
}

/// How long to sleep in real time until `at`; not too long, for the clock may be set.
fn until(at: Timestamp, now: Timestamp, clock: &Clock) -> Duration {
    let ahead = Duration::try_from(at.duration_since(now)).unwrap_or_default();
    (clock.real(ahead) + Duration::from_millis(1)).min(LOOK)
}

/// In the house's time.
fn backoff() -> ExponentialBackoff {
    ExponentialBuilder::new()
        .with_min_delay(Duration::from_secs(5))
        .with_max_delay(Duration::from_secs(900))
        .with_factor(2.0)
        .without_max_times()
        .with_jitter()
        .with_jitter_seed(fastrand::u64(..))
        .build()
}
