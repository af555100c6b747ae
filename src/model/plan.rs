//! What the controller will do, as far as the forecast reaches.

use jiff::Timestamp;

use super::Mode;

/// When the outlets of a group will be on if the forecast comes true and nobody does anything.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Plan {
    /// When it was worked out.
    pub made_at: Timestamp,
    /// How far it looks.
    pub until: Timestamp,
    /// Ascending.
    pub windows: Vec<PlannedWindow>,
}

/// A stretch of time in which at least one outlet of the group is on for one kind of reason.
#[derive(Clone, Debug, PartialEq)]
pub struct PlannedWindow {
    /// First instant.
    pub start: Timestamp,
    /// First instant after it.
    pub end: Timestamp,
    /// The word that people see.
    pub mode: Mode,
    /// A sentence.
    pub reason: String,
    /// Energy in kWh; `None` where no outlet's `rated_watts` is known.
    pub kwh: Option<f64>,
    /// What that costs, in the tariff's currency; `None` where energy or price is unknown.
    pub cost: Option<f64>,
}
