//! What a source does not give and its other figures tell.
//!
//! The wet bulb is not kept in a forecast: `control::melt` works it out from temperature and dew point where it asks for it.

use super::sane;
use crate::model::{Celsius, Interval};

/// Magnus' constants for vapour over water (Alduchov and Eskridge 1996), as `control::melt` has them.
const A: f64 = 17.625;
const B: f64 = 243.04;

/// Fills the dew point from temperature and humidity, or the humidity from temperature and dew point, where one is unknown.
pub(super) fn humidity_and_dew_point(it: &mut Interval) {
    let Some(Celsius(air)) = it.temperature else { return };
    match (it.dew_point, it.humidity) {
        (None, Some(humidity)) if humidity > 0.0 => {
            it.dew_point = Some(dew_point(air, humidity)).filter(|it| sane::temperature(*it)).map(Celsius);
        }
        (Some(Celsius(dew)), None) => {
            let humidity = 100.0 * (A * dew / (dew + B) - A * air / (air + B)).exp();
            it.humidity = humidity.is_finite().then(|| humidity.clamp(0.0, 100.0));
        }
        _ => {}
    }
}

/// In °C, of air in °C with a relative humidity in percent above 0 (Magnus).
fn dew_point(air: f64, humidity: f64) -> f64 {
    let log = (humidity / 100.0).ln() + A * air / (air + B);
    B * log / (A - log)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_dew_point_is_that_of_the_tables_and_goes_both_ways() {
        // A chart at 1013 hPa gives 9.3 °C for 20 °C and 50 %.
        assert!((dew_point(20.0, 50.0) - 9.26).abs() < 0.05);
        assert!((dew_point(-4.0, 96.0) - -4.55).abs() < 0.1);
        assert!((dew_point(3.0, 100.0) - 3.0).abs() < 1e-9);
    }
}
