//! What a station near the house knows better than any forecast.

use jiff::Timestamp;

use super::{falls::Air, reading::Reading};
use crate::{
    control::civil::later,
    model::{Celsius, Forecast, Hazard, Ice, Mode, Observation},
};

/// Snow by a gauge that knows it from rain is snow up to this wet-bulb temperature.
const SNOW_WET_BULB: f64 = 4.0;
/// Other precipitation is frozen up to this wet-bulb temperature.
const FROZEN_WET_BULB: f64 = 1.0;
/// A surface that is measured to be warmer than this bears no ice.
const BARE: f64 = 0.5;
/// The same for a mat that is on: its own heat must not switch it off at once.
const BARE_HELD: f64 = 2.0;
/// The surface is held to be below the dew point from this much above it on, in K.
const NEAR_DEW: f64 = 0.3;

/// What was measured, as far as it matters.
#[derive(Clone, Debug)]
pub(super) struct Measured {
    /// It is icy now.
    pub(super) ice: Option<(Mode, Ice)>,
    /// The surface was measured, and bears no frost.
    pub(super) rules_out_frost: bool,
}

/// Looks at a measurement that is fresh.
pub(super) fn look(
    station: &Observation,
    reading: &Reading,
    forecast: Option<&Forecast>,
    now: Timestamp,
    held: bool,
) -> Measured {
    let interval = forecast.and_then(|it| it.at(now));
    let temperature = station.temperature.or_else(|| interval?.temperature).map(|it| it.0);
    let dew = station.dew_point.or_else(|| interval?.dew_point).map(|it| it.0);
    let air = Air::from(temperature, dew.filter(|_| station.humidity.is_none()), station.humidity);
    let ice = |hazard| Ice {
        hazard,
        from: station.at,
        to: later(station.at, station.max_age),
        air: air.temperature.map(Celsius),
        wet_bulb: air.wet_bulb.map(Celsius),
        surface: station.surface,
        amount: None,
    };
    let snows = station.is_snowing() && air.freezes(SNOW_WET_BULB) != Some(false);
    if snows || (station.is_wet() && air.freezes(FROZEN_WET_BULB) == Some(true)) {
        return Measured { ice: Some((Mode::Melt, ice(Hazard::Snow))), rules_out_frost: false };
    }
    let Some(surface) = station.surface else { return Measured { ice: None, rules_out_frost: false } };
    if surface.0 > if held { BARE_HELD } else { BARE } {
        return Measured { ice: None, rules_out_frost: true };
    }
    let damp = air.dew.is_some_and(|dew| dew + NEAR_DEW >= surface.0);
    // Something that the forecast holds to be wet or frosted, too.
    let foreseen = reading.loose.iter().any(|it| !it.ice.hazard.is_precipitation() && it.mode(now).is_some());
    let frost = (surface.0 <= BARE && (damp || foreseen)).then(|| (Mode::FrostGuard, ice(Hazard::Frost)));
    Measured { ice: frost, rules_out_frost: false }
}
