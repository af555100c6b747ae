//! One thing that a person is told, and how it reads.

use std::fmt::Write as _;

use jiff::{Timestamp, tz::TimeZone};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::model::{AlertKind, Notice, Severity};

/// No message is longer, in characters: some ways take no more.
const LONGEST: usize = 3000;

/// The kind that somebody sends to see whether it arrives.
pub(super) const TEST: &str = "test";

/// One thing that a person is told.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Alert {
    /// The name of its [`AlertKind`].
    pub event: String,
    /// A few words.
    pub title: String,
    /// How urgent it is.
    pub severity: Severity,
    /// When it happened.
    pub at: Timestamp,
    /// A sentence, or a few lines.
    pub message: String,
    /// Further facts for programs.
    pub details: Map<String, Value>,
}

impl Alert {
    /// An alert of a kind.
    pub fn new(kind: &AlertKind, at: Timestamp, message: impl Into<String>) -> Self {
        let mut message: String = message.into();
        if let Some((end, _)) = message.char_indices().nth(LONGEST) {
            message.truncate(end);
            message.push('…');
        }
        Self {
            event: kind.name.to_owned(),
            title: kind.title.to_owned(),
            severity: kind.severity,
            at,
            message,
            details: Map::new(),
        }
    }

    /// What a notice says, about whom it says it.
    pub fn of(kind: &AlertKind, notice: &Notice) -> Self {
        let mut alert = Self::new(kind, notice.at, sentence(&notice.message));
        if let Some(device) = &notice.device {
            alert = alert.with("device", device.as_str());
        }
        if let Some((device, slot)) = notice.device.as_ref().zip(notice.slot) {
            alert = alert.with("outlet", format!("{device}/{slot}"));
        }
        if let Some(group) = &notice.group {
            alert = alert.with("group", group.as_str());
        }
        for (key, value) in &notice.detail {
            alert = alert.with(key, value.as_str());
        }
        alert
    }

    /// With a further fact.
    #[must_use]
    pub fn with(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.details.insert(key.to_owned(), value.into());
        self
    }

    /// About whom it is, as far as that counts for telling it less often.
    pub(super) fn about(&self) -> String {
        let found = ["outlet", "device", "devices", "group"].into_iter().find_map(|key| self.details.get(key));
        found.map(Value::to_string).unwrap_or_default()
    }

    /// The last of several that are told as one.
    #[must_use]
    pub(super) fn and_more(mut self, more: u32, since: Timestamp, zone: &TimeZone) -> Self {
        if more > 0 {
            let _ = write!(self.message, " (and {more} more like it since {})", clock(since, zone));
            self.details.insert("more".to_owned(), more.into());
        }
        self
    }

    /// For a mail.
    pub fn subject(&self) -> String {
        format!("HeatTrax Alert: {}", self.title)
    }

    /// For a mail: plain text for people.
    pub fn text(&self, zone: &TimeZone) -> String {
        let mut text = format!("{}\n\nWhen: {}\n", self.message, exactly(self.at, zone));
        if self.severity > Severity::Info {
            let _ = writeln!(text, "How urgent: {}", self.severity.as_str());
        }
        for (key, value) in &self.details {
            let shown = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            let _ = writeln!(text, "{}: {shown}", name_of(key));
        }
        let _ = write!(text, "\n-- \nSent by HeatTrax ({}).\n", self.event);
        text
    }

    /// What a webhook is told, in the form that the first HeatTrax had.
    pub fn body(&self, zone: &TimeZone) -> Value {
        let mut details = self.details.clone();
        details.insert("severity".to_owned(), json!(self.severity));
        let mut body = json!({
            "event_type": self.event,
            "message": self.message,
            "timestamp": rfc3339(self.at, zone),
            "details": details,
            "source": "heattrax_scheduler",
        });
        // A test had other keys there.
        if self.event == TEST {
            body["subject"] = json!(self.title);
            body["body"] = json!(self.message);
            body["source"] = json!("HeatTrax Scheduler Test");
        }
        body
    }
}

/// A sentence begins with a capital letter.
pub(super) fn sentence(words: &str) -> String {
    let mut letters = words.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

/// `offline_minutes` is shown as `Offline minutes`.
fn name_of(key: &str) -> String {
    sentence(&key.replace('_', " "))
}

/// In the zone of the house: `Thu 15 Jan 06:30`.
pub(super) fn clock(at: Timestamp, zone: &TimeZone) -> String {
    zone.to_datetime(at).strftime("%a %d %b %H:%M").to_string()
}

fn exactly(at: Timestamp, zone: &TimeZone) -> String {
    at.to_zoned_datetime(zone.clone()).strftime("%A %d %B %Y %H:%M:%S %Z").to_string()
}

/// With the offset of the zone.
pub(super) fn rfc3339(at: Timestamp, zone: &TimeZone) -> String {
    at.to_zoned_datetime(zone.clone()).strftime("%Y-%m-%dT%H:%M:%S%:z").to_string()
}
