//! Ranges of numbers that can say in words what they allow.

use std::fmt;

/// A range of numbers with a unit.
#[derive(Clone, Copy, PartialEq)]
pub(super) struct Range {
    low: f64,
    high: f64,
    /// The low end itself is not allowed.
    above: bool,
    unit: &'static str,
}

impl Range {
    /// Any number.
    pub(super) const ANY: Self = Self::of(f64::MIN, f64::MAX, "");

    /// From `low` to `high`, both allowed.
    pub(super) const fn of(low: f64, high: f64, unit: &'static str) -> Self {
        Self { low, high, above: false, unit }
    }

    /// Above `low`, at most `high`.
    pub(super) const fn above(low: f64, high: f64, unit: &'static str) -> Self {
        Self { low, high, above: true, unit }
    }

    /// From `low` upwards.
    pub(super) const fn from(low: f64) -> Self {
        Self { low, high: f64::MAX, above: false, unit: "" }
    }

    /// From, to, whether the low end itself is not allowed, and the unit. No high end is `f64::MAX`.
    pub(super) fn parts(&self) -> (f64, f64, bool, &'static str) {
        (self.low, self.high, self.above, self.unit)
    }

    /// Is it in? Never for what is not finite.
    pub(super) fn has(&self, it: f64) -> bool {
        it.is_finite() && it <= self.high && if self.above { it > self.low } else { it >= self.low }
    }
}

impl fmt::Display for Range {
    /// `from 0 to 100 percent`, `above 0, at most 24 hours`, `from 0`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let open = self.high == f64::MAX;
        match (self.above, open) {
            (true, true) => write!(f, "above {}", self.low)?,
            (true, false) => write!(f, "above {}, at most {}", self.low, self.high)?,
            (false, true) => write!(f, "from {}", self.low)?,
            (false, false) => write!(f, "from {} to {}", self.low, self.high)?,
        }
        if self.unit.is_empty() { Ok(()) } else { write!(f, " {}", self.unit) }
    }
}
