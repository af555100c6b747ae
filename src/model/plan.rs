//! What the controller will do, as far as the forecast reaches.

use jiff::Timestamp;
use serde::{Serialize, Serializer};

use super::Mode;

/// When the outlets of a group will be on if the forecast comes true and nobody does anything. Times are whole seconds.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Plan {
    /// When it was worked out.
    pub made_at: Timestamp,
    /// How far it looks.
    pub until: Timestamp,
    /// Ascending.
    pub windows: Vec<PlannedWindow>,
    /// Energy of all windows in kWh; `None` where that of none is known.
    pub kwh: Option<f64>,
    /// What that costs; `None` where that of no window is known.
    pub cost: Option<f64>,
    /// The tariff's currency, where there is a tariff.
    pub currency: Option<String>,
}

impl Plan {
    /// Does it say the same as another that was worked out at another time?
    pub fn says_the_same(&self, other: &Self) -> bool {
        let Self { made_at: _, until, windows, kwh, cost, currency } = self;
        (until, windows, kwh, cost, currency)
            == (&other.until, &other.windows, &other.kwh, &other.cost, &other.currency)
    }
}

/// A stretch of time in which at least one outlet of the group is on for one kind of reason.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PlannedWindow {
    /// First instant.
    pub start: Timestamp,
    /// First instant after it: where the window closes, or how far the plan looks.
    pub end: Timestamp,
    /// The word that people see.
    #[serde(serialize_with = "as_word")]
    pub mode: Mode,
    /// A sentence.
    pub reason: String,
    /// Energy in kWh, to the watt-hour; `None` where no outlet's `rated_watts` is known.
    pub kwh: Option<f64>,
    /// What that costs, in the tariff's currency, to a hundredth; `None` where energy or price is unknown.
    pub cost: Option<f64>,
}

fn as_word<S: Serializer>(mode: &Mode, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(mode.as_str())
}
