//! Questions about what was, and their answers.

use std::collections::BTreeMap;

use jiff::{Timestamp, civil::Date};
use serde::{Deserialize, Serialize};

use super::OutletId;

/// Who asks for all samples is given so many at most: more would be held in memory at once.
pub const HISTORY_ROWS: usize = 100_000;

/// A question about what was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HistoryQuery {
    /// How was this outlet?
    Samples {
        /// Which.
        outlet: OutletId,
        /// From then on.
        from: Timestamp,
        /// Until before then.
        to: Timestamp,
        /// About so many points; `usize::MAX` for all, up to [`HISTORY_ROWS`].
        points: usize,
    },
    /// What happened? The newest first.
    Events {
        /// From then on.
        from: Timestamp,
        /// Until before then.
        to: Timestamp,
        /// At most so many.
        limit: u32,
        /// Of this device only.
        device: Option<String>,
        /// Of this group only.
        group: Option<String>,
        /// Of this kind only.
        kind: Option<String>,
    },
    /// What did these outlets use, day by day?
    Days {
        /// Which.
        outlets: Vec<OutletId>,
        /// The first day.
        from: Date,
        /// The last day.
        to: Date,
    },
}

/// What was.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum HistoryAnswer {
    /// The oldest first.
    Samples(Vec<HistoryPoint>),
    /// The newest first.
    Events(Vec<HistoryEvent>),
    /// Outlet by outlet, the oldest day first.
    Days(Vec<HistoryDay>),
}

/// How an outlet was from an instant on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HistoryPoint {
    /// Seconds since 1970.
    pub at: i64,
    /// The share of `step` for which it was on; 0 or 1 where `step` is 0; `None` while nobody knew.
    pub on: Option<f64>,
    /// In W, where it was measured.
    pub power: Option<f64>,
    /// The word of the decision.
    pub mode: String,
    /// The mean of so many seconds; 0 for what was reported at that instant.
    pub step: i64,
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HistoryEvent {
    /// Seconds since 1970.
    pub at: i64,
    /// As `bridge/event` calls it.
    pub kind: String,
    /// The device concerned.
    pub device: Option<String>,
    /// The outlet concerned.
    pub slot: Option<u8>,
    /// The group concerned.
    pub group: Option<String>,
    /// A sentence.
    pub message: String,
    /// Further facts: key and value.
    pub detail: BTreeMap<String, String>,
}

/// What an outlet used on a local day.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HistoryDay {
    /// `device/slot`.
    pub outlet: String,
    /// `YYYY-MM-DD`.
    pub date: String,
    /// Time on while the bridge ran.
    pub on_minutes: i64,
    /// Where it is measured, or can be estimated.
    pub kwh: Option<f64>,
    /// The part of `kwh` that nobody measured: time on by `rated_watts`.
    pub estimated: f64,
    /// By the tariff of the time, in its currency.
    pub cost: Option<f64>,
}

/// How the history is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HistorySettings {
    /// Samples and events are kept for so many days, at least 1; days for ever.
    pub keep_days: u32,
    /// What is in the file takes at most so many MiB, at least 1.
    pub max_mb: u32,
}

impl Default for HistorySettings {
    /// Two years, and 200 MiB: a house with ten outlets takes a tenth of it.
    fn default() -> Self {
        Self { keep_days: 730, max_mb: 200 }
    }
}
