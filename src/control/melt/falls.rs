//! What falls in an interval of the forecast, and whether it freezes.

use super::physics;
use crate::model::{Hazard, Interval, PrecipitationKind};

/// At least this much an hour is precipitation, in mm: what gauges and models can tell from nothing.
const LEAST_AMOUNT: f64 = 0.1 - 1e-9;
/// Precipitation without a code is taken for frozen up to this wet-bulb temperature in °C. Half of it is snow at 1 °C (Sims and Liu
/// 2015); half a kelvin more allows for the formula and for a forecast that is a little too warm.
const FROZEN_WET_BULB: f64 = 1.5;
/// Precipitation that a source calls rain is held to freeze up to this wet-bulb temperature.
const RAIN_FREEZES: f64 = 0.0;
/// A code of snow above this wet-bulb temperature is a mistake of the source: snow was reported at 20 °C.
const SNOW_IS_A_MISTAKE: f64 = 3.5;
/// The same where only the air's temperature is known.
const SNOW_IS_A_MISTAKE_AIR: f64 = 6.0;
/// A code of freezing rain above this air temperature is a mistake.
const FREEZING_IS_A_MISTAKE: f64 = 3.0;
/// Fog freezes up to this air temperature.
const FOG_FREEZES: f64 = 0.0;

/// What an interval brings.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Falls {
    /// Nothing that freezes.
    Nothing,
    /// Rain, in mm.
    Rain,
    /// Something slippery. `disagree`: the source's code says otherwise than its figures.
    Icy { hazard: Hazard, disagree: bool },
    /// Nobody knows; with what is missing.
    Unknown(&'static str),
}

/// What a WMO code (table 4677 as Open-Meteo uses it) says.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Says {
    Dry,
    Fog,
    Rain,
    Snow,
    FreezingRain,
}

fn says(code: u8) -> Says {
    match code {
        45 | 48 => Says::Fog,
        56 | 57 | 66 | 67 => Says::FreezingRain,
        71..=79 | 85 | 86 => Says::Snow,
        50..=69 | 80..=84 | 87..=99 => Says::Rain,
        _ => Says::Dry,
    }
}

/// The air of an interval, as far as it is known.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Air {
    pub(super) temperature: Option<f64>,
    pub(super) dew: Option<f64>,
    pub(super) wet_bulb: Option<f64>,
}

impl Air {
    pub(super) fn of(it: &Interval) -> Self {
        Self::from(it.temperature.map(|it| it.0), it.dew_point.map(|it| it.0), it.humidity)
    }

    pub(super) fn from(temperature: Option<f64>, dew: Option<f64>, humidity: Option<f64>) -> Self {
        let dew = dew.or(temperature.zip(humidity).map(|(air, humidity)| physics::dew_point(air, humidity)));
        let wet_bulb = temperature.zip(dew).map(|(air, dew)| physics::wet_bulb(air, dew));
        Self { temperature, dew, wet_bulb }
    }

    /// Is precipitation frozen in it, up to this wet-bulb temperature? `None` if nobody knows.
    pub(super) fn freezes(&self, wet_bulb_at_most: f64) -> Option<bool> {
        match (self.temperature, self.wet_bulb) {
            (Some(air), _) if air <= 0.0 => Some(true),
            (_, Some(wet_bulb)) => Some(wet_bulb <= wet_bulb_at_most),
            // Without humidity: it is rarely so dry that the wet bulb lies more than 1.5 K below the air.
            (Some(air), None) => Some(air <= wet_bulb_at_most + 1.5),
            (None, None) => None,
        }
    }

    fn is_at_most(&self, wet_bulb: f64, air: f64) -> bool {
        match (self.wet_bulb, self.temperature) {
            (Some(found), _) => found <= wet_bulb,
            (None, Some(found)) => found <= air,
            // A code is a statement of its own.
            (None, None) => true,
        }
    }
}

/// What falls in an interval, as the storm rules read it: by the source's code where it can be believed, else by the wet-bulb
/// temperature. `None` if nothing does, or nobody can tell what.
pub fn precipitation(it: &Interval) -> Option<PrecipitationKind> {
    it.precipitation.filter(|amount| *amount > 0.0)?;
    let air = Air::of(it);
    match falls(it, &air, 0.0) {
        Falls::Icy { hazard: Hazard::FreezingRain, .. } => Some(PrecipitationKind::FreezingRain),
        Falls::Icy { .. } => Some(PrecipitationKind::Snow),
        Falls::Rain => Some(PrecipitationKind::Rain),
        // Too little to melt for.
        Falls::Nothing if air.freezes(FROZEN_WET_BULB)? => Some(PrecipitationKind::Snow),
        Falls::Nothing => Some(PrecipitationKind::Rain),
        Falls::Unknown(_) => None,
    }
}

/// What an interval brings. `margin` in K widens what counts as frozen: the hysteresis of a mat that is on.
pub(super) fn falls(it: &Interval, air: &Air, margin: f64) -> Falls {
    let code = it.code.map(says);
    let hours = it.end.duration_since(it.start).as_secs_f64() / 3600.0;
    let wet = it.precipitation.map(|amount| amount >= LEAST_AMOUNT * hours.min(1.0));
    let snows = it.snowfall.is_some_and(|depth| depth >= LEAST_AMOUNT * hours.min(1.0));
    let icy = |hazard, disagree| Falls::Icy { hazard, disagree };
    match code {
        Some(Says::FreezingRain) if air.temperature.is_none_or(|it| it <= FREEZING_IS_A_MISTAKE) => {
            icy(Hazard::FreezingRain, false)
        }
        Some(Says::Snow) if air.is_at_most(SNOW_IS_A_MISTAKE, SNOW_IS_A_MISTAKE_AIR) => icy(Hazard::Snow, false),
        // Called snow at 20 °C: rain, if anything.
        Some(Says::Snow | Says::FreezingRain) => Falls::Rain,
        Some(Says::Rain) => match air.freezes(RAIN_FREEZES + margin) {
            Some(true) => icy(Hazard::FreezingRain, true),
            Some(false) if snows && air.is_at_most(SNOW_IS_A_MISTAKE, SNOW_IS_A_MISTAKE_AIR) => icy(Hazard::Snow, true),
            Some(false) => Falls::Rain,
            None => Falls::Unknown("the air temperature"),
        },
        Some(Says::Fog) if wet != Some(true) && air.temperature.is_some_and(|it| it <= FOG_FREEZES + margin) => {
            icy(Hazard::FreezingFog, false)
        }
        Some(Says::Dry | Says::Fog) if wet.is_none() => Falls::Nothing,
        None if wet.is_none() && !snows => Falls::Unknown("precipitation"),
        _ if wet == Some(false) && !snows => Falls::Nothing,
        code => match air.freezes(FROZEN_WET_BULB + margin) {
            Some(true) => icy(Hazard::Snow, code == Some(Says::Dry)),
            Some(false) => Falls::Rain,
            None if snows => icy(Hazard::Snow, false),
            None => Falls::Unknown("the air temperature"),
        },
    }
}

#[cfg(test)]
mod tests {
    use jiff::{SignedDuration, Timestamp};

    use super::*;
    use crate::model::Celsius;

    #[test]
    fn what_falls_is_told_as_the_storm_rules_read_it() {
        let rows = [
            ("wet snow just above freezing", Some(0.8), Some(-0.5), None, 1.0, Some(PrecipitationKind::Snow)),
            ("rain in damp air", Some(3.0), Some(2.5), None, 1.0, Some(PrecipitationKind::Rain)),
            ("snow in dry air", Some(3.5), Some(-5.0), None, 1.0, Some(PrecipitationKind::Snow)),
            ("called rain, and freezing", Some(-2.0), Some(-3.0), Some(61), 1.0, Some(PrecipitationKind::FreezingRain)),
            ("called snow at 20 °C", Some(20.0), Some(15.0), Some(71), 1.0, Some(PrecipitationKind::Rain)),
            ("called snow", Some(-2.0), Some(-3.0), Some(71), 1.0, Some(PrecipitationKind::Snow)),
            ("too little to melt for", Some(-2.0), Some(-3.0), None, 0.02, Some(PrecipitationKind::Snow)),
            ("nothing", Some(-2.0), Some(-3.0), None, 0.0, None),
            ("nobody knows in what air", None, None, None, 1.0, None),
        ];
        for (case, air, dew, code, amount, expected) in rows {
            let start = Timestamp::UNIX_EPOCH;
            let hour = Interval {
                temperature: air.map(Celsius),
                dew_point: dew.map(Celsius),
                precipitation: Some(amount),
                code,
                ..Interval::unknown(start, start + SignedDuration::from_hours(1))
            };
            assert_eq!(precipitation(&hour), expected, "{case}");
        }
    }
}
