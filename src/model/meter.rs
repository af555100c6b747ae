//! What is remembered of an outlet's meter.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// The bridge's own count of energy: it goes on where the plug's counters begin anew.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Metering {
    /// Energy since the outlet was first seen, in kWh. Never falls.
    pub total: f64,
    /// The plug's counter of today at that time, in kWh.
    pub today: f64,
    /// The plug's counter of this month at that time, in kWh, if it told one.
    pub month: Option<f64>,
    /// When the counters were read.
    pub at: Timestamp,
}

/// How long an outlet has been on on one day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OnToday {
    /// The day in the house's zone.
    pub day: jiff::civil::Date,
    /// So long.
    pub on: jiff::SignedDuration,
}

/// The power that a heater usually draws, learned while it was on.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Learned {
    /// In W.
    pub watts: f64,
    /// How many samples it rests on; counted up to where more of them would make it no steadier.
    pub samples: u32,
}
