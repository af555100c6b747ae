//! What weather can be. A value outside is a fault of the source, and becomes unknown.

use crate::model::Interval;

/// Air temperature and dew point in °C. The records are −89.2 and 56.7.
pub(super) fn temperature(degrees: f64) -> bool {
    degrees > -90.0 && degrees < 60.0
}

/// Relative humidity or cloud cover in percent.
pub(super) fn percent(value: f64) -> bool {
    (0.0..=100.0).contains(&value)
}

/// Precipitation in mm an hour. The record is 305 in 42 minutes.
pub(super) fn precipitation(millimetres: f64) -> bool {
    (0.0..=450.0).contains(&millimetres)
}

/// New snow in cm an hour.
pub(super) fn snowfall(centimetres: f64) -> bool {
    (0.0..=100.0).contains(&centimetres)
}

/// A WMO code: a whole number of two digits.
pub(super) fn code(value: f64) -> bool {
    (0.0..=99.0).contains(&value) && value.fract() == 0.0
}

/// Wind at 10 m in m/s. The record is 113.
pub(super) fn wind(speed: f64) -> bool {
    (0.0..=130.0).contains(&speed)
}

/// Are all known values of an interval possible, and does it end after it starts?
pub(super) fn interval(it: &Interval) -> bool {
    it.start < it.end
        && it.temperature.is_none_or(|value| temperature(value.0))
        && it.dew_point.is_none_or(|value| temperature(value.0))
        && it.humidity.is_none_or(percent)
        && it.precipitation.is_none_or(precipitation)
        && it.snowfall.is_none_or(snowfall)
        && it.code.is_none_or(|value| code(f64::from(value)))
        && it.cloud.is_none_or(|value| percent(value * 100.0))
        && it.wind.is_none_or(wind)
}

/// Does a WMO code speak of snow or of freezing rain?
pub(super) fn is_icy_code(code: u8) -> bool {
    matches!(code, 56 | 57 | 66 | 67 | 71..=79 | 85 | 86)
}
