//! All ways together: what waits for each, and how each does.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use jiff::{Timestamp, tz::TimeZone};
use serde_json::{Map, Value, json};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::{
    alert::{Alert, TEST},
    desk::kind,
    file,
    notebook::Notebook,
    outbox::Outbox,
    queue::Letter,
    quiet::Quiet,
    way::Way,
    zone::Zone,
};
use crate::{
    hub::Clock,
    model::{AlertKind, Channel, NotifySettings},
};

/// Words of a test are no longer, in characters.
const LONGEST_TEST: usize = 1000;

/// All ways together. Cheap to copy.
#[derive(Clone, Debug)]
pub struct Post {
    boxes: Arc<[Arc<Outbox>]>,
    zone: Zone,
    notebook: Arc<(PathBuf, Notebook)>,
}

impl Post {
    /// Reads what waits for each enabled way from the data folder. Blocks; to be called before the runtime is busy.
    pub fn open(settings: Option<&NotifySettings>, zone: &TimeZone, data: &Path) -> Self {
        let channels = settings.map(NotifySettings::channels).unwrap_or_default();
        let boxes = channels.iter().map(|it| Arc::new(Outbox::open(*it, data))).collect();
        let path = data.join("notify.json");
        let notebook = if channels.is_empty() { Notebook::default() } else { file::read(&path) };
        Self { boxes, zone: Zone::new(zone.clone()), notebook: Arc::new((path, notebook)) }
    }

    /// The house is in this zone from now on.
    pub(super) fn goes_by(&self, zone: &TimeZone) {
        self.zone.set(zone.clone());
    }

    /// What was written down at the end of the last run.
    pub(super) fn notebook(&self) -> Notebook {
        self.notebook.1.clone()
    }

    pub(super) async fn write_notebook(&self, notebook: Notebook) {
        let path = self.notebook.0.clone();
        let writing = tokio::task::spawn_blocking(move || (file::write(&path, &notebook), path));
        if let Ok((Err(error), path)) = writing.await {
            tracing::warn!("{} cannot be written, people may be told twice after a restart: {error}", path.display());
        }
    }

    /// Starts the tasks that send, and those that keep the files.
    pub(super) fn spawn(
        &self,
        settings: &NotifySettings,
        clock: &Clock,
        stop: &CancellationToken,
        tasks: &mut JoinSet<()>,
    ) {
        for outbox in self.boxes.iter() {
            let Some(way) = Way::of(outbox.channel, settings, &self.zone) else { continue };
            let quiet = self.quiet(settings);
            tasks.spawn(Arc::clone(outbox).empty(way, quiet, clock.clone(), stop.clone()));
            tasks.spawn(Arc::clone(outbox).keep(stop.clone()));
        }
    }

    fn quiet(&self, settings: &NotifySettings) -> Quiet {
        Quiet { hours: settings.quiet, zone: self.zone.clone() }
    }

    /// Puts alerts into the queues of the ways that they are told by. Never waits.
    pub(super) fn deliver(&self, alerts: Vec<Alert>, settings: &NotifySettings, now: Timestamp) {
        let quiet = self.quiet(settings);
        for alert in alerts {
            let due = quiet.until(alert.severity, now).unwrap_or(now);
            let Some(kind) = AlertKind::named(&alert.event) else { continue };
            for outbox in self.boxes.iter().filter(|it| settings.routes(kind, alert.severity, it.channel)) {
                outbox.put(Letter::new(alert.clone(), due));
            }
        }
    }

    /// Sends a message by one way, or by all, whatever is routed and however quiet it is to be.
    ///
    /// # Errors
    /// The way is unknown or not enabled, in words.
    pub fn test(
        &self,
        provider: Option<&str>,
        subject: Option<String>,
        body: Option<String>,
        now: Timestamp,
    ) -> Result<Value, String> {
        if let Some(name) = provider.filter(|it| Channel::of(it).is_none()) {
            return Err(format!("the provider `{name}` is unknown: email, webhook or ntfy"));
        }
        let asked = |it: &&Arc<Outbox>| provider.is_none_or(|name| it.channel.as_str() == name);
        let boxes: Vec<&Arc<Outbox>> = self.boxes.iter().filter(asked).collect();
        if boxes.is_empty() {
            let which = provider.map_or("no provider".to_owned(), |name| format!("the provider `{name}`"));
            let is_not = if provider.is_some() { "is not enabled" } else { "is enabled" };
            return Err(format!("{which} {is_not}: see `notifications` in the config"));
        }
        let short = |it: String| -> String {
            let plain = it.chars().map(|it| if it.is_control() && it != '\n' { ' ' } else { it });
            plain.take(LONGEST_TEST).collect()
        };
        let body = body.map(short).filter(|it| !it.trim().is_empty());
        let mut alert =
            Alert::new(kind(TEST), now, body.unwrap_or_else(|| "HeatTrax can tell you something.".to_owned()));
        if let Some(subject) = subject.map(|it| short(it).replace('\n', " ")).filter(|it| !it.trim().is_empty()) {
            alert.title = subject;
        }
        let names: Vec<&str> = boxes.iter().map(|it| it.channel.as_str()).collect();
        for outbox in boxes {
            outbox.put(Letter { urgent: true, ..Letter::new(alert.clone(), now) });
        }
        let message = format!("a test message is on its way by {}", names.join(" and "));
        Ok(json!({ "status": "queued", "message": message, "providers": names }))
    }

    /// How each way does, in the form that the first HeatTrax had.
    pub fn status(&self) -> Value {
        let zone = self.zone.get();
        let of = |channel: Channel| {
            let found = self.boxes.iter().find(|it| it.channel == channel);
            found.map_or_else(|| Outbox::status_of_none(channel), |it| it.status(&zone))
        };
        let providers = Channel::ALL.into_iter().map(|it| (it.as_str().to_owned(), of(it)));
        json!({ "status": "ok", "providers": providers.collect::<Map<_, _>>() })
    }
}
