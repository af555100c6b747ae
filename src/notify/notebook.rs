//! What must survive a restart of what people were told, so that they hear of nothing twice and of no day too little.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use jiff::{Timestamp, civil::Date};
use serde::{Deserialize, Serialize};

use super::limit::Window;
use crate::model::{Forecast, OutletId, Slug, WeatherState};

/// What must survive a restart.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Notebook {
    /// Devices that people were told are lost.
    pub lost: BTreeSet<Slug>,
    /// Devices at whose address, as people were told, another one answers.
    pub wrong: BTreeSet<Slug>,
    /// The weather as people were told it is. `None`: all is well, or they were told nothing.
    pub weather: Option<WeatherState>,
    /// Since when there has been no weather to act on.
    pub offline_since: Option<Timestamp>,
    /// They were told that it has been gone for long.
    pub outage_told: bool,
    /// The forecast that they were told, and when.
    pub forecast: Option<(Timestamp, Arc<Forecast>)>,
    /// The newest forecast that was looked at.
    pub seen_forecast: Option<Timestamp>,
    /// The last date whose summary was told, or was to be.
    pub summary_of: Option<Date>,
    /// What has happened since then.
    pub diary: Diary,
    /// Of what they were told lately, so that more of it is held back.
    pub windows: BTreeMap<String, Window>,
}

/// What has happened since the last summary.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Diary {
    /// When it was begun.
    pub since: Option<Timestamp>,
    /// By outlet.
    pub outlets: BTreeMap<OutletId, Line>,
    /// How often each thing happened that people are told of.
    pub events: BTreeMap<String, u32>,
}

/// What an outlet has done since the last summary.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Line {
    /// As people name it.
    pub name: String,
    /// Seconds on.
    pub on: i64,
    /// Energy in kWh; `None` where nothing measures it.
    pub kwh: Option<f64>,
    /// What that costs, in the tariff's currency; `None` where nobody says.
    pub cost: Option<f64>,
    /// Seconds on since local midnight, as last seen.
    pub seen_on: i64,
    /// The local date on which that was.
    pub seen_day: Option<Date>,
    /// The bridge's own count of energy, as last seen.
    pub seen_kwh: Option<f64>,
}
