//! An unheated walk: 7 cm of concrete under the sky, by its balance of heat and water.

use super::{Hour, air};

/// Heat of 7 cm of concrete in J/(m² K): 2300 kg/m³, 880 J/(kg K) (ASHRAE Handbook, Fundamentals, properties of solids).
const HEAT: f64 = 0.07 * 2300.0 * 880.0;
/// From the slab to the ground beneath in W/(m² K): two metres of moist soil of 1 W/(m K). A choice, not a measurement: a warmer
/// ground would find less frost.
const TO_GROUND: f64 = 0.5;
/// The ground follows the air by this time constant in seconds: ten days. A choice, not a measurement.
const GROUND_FOLLOWS: f64 = 10.0 * 86_400.0;
/// Wind near the ground, of that at 10 m.
const NEAR_GROUND: f64 = 0.5;
/// The share of sunshine that concrete takes up.
const TAKEN_UP: f64 = 0.65;
/// Heat of water that settles as ice, and as water, in J/kg.
const SUBLIMATION: f64 = 2.834e6;
const CONDENSATION: f64 = 2.501e6;
/// Water that a level walk holds after rain, in mm.
const HOLDS: f64 = 0.5;
/// With less water than this it is dry, in mm.
const DRY: f64 = 0.05;
/// Frost of an hour counts from here, in mm.
const FROST: f64 = 0.02;
/// Refrozen water counts for so long after the surface has come down to 0 °C.
const REFREEZE: i64 = 3 * 3600;
/// A step of the balance in seconds.
const STEP: i64 = 300;
/// Where a field is unknown.
const USUAL_CLOUD: f64 = 0.5;
const USUAL_WIND: f64 = 2.0;
const USUAL_HUMIDITY: f64 = 80.0;

/// The walk at an instant.
#[derive(Clone, Copy, Debug)]
pub(super) struct Slab {
    surface: f64,
    ground: f64,
    /// Water of rain, in mm.
    water: f64,
    /// Ice of vapour, in mm.
    frost: f64,
    /// When wet and last come down to 0 °C.
    froze_at: Option<i64>,
}

/// What an hour did to it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Ice {
    /// Rain water froze in it, or up to three hours before.
    pub(super) refrozen: bool,
    /// Frost grew.
    pub(super) frosty: bool,
}

impl Slab {
    /// A dry walk that is as warm as the air.
    pub(super) fn new(air: f64) -> Self {
        Self { surface: air, ground: air.max(1.0), water: 0.0, frost: 0.0, froze_at: None }
    }

    /// An hour passes. `rain` is the liquid that falls in it, in mm.
    pub(super) fn pass(&mut self, hour: &Hour, air: f64, rain: f64, place: (f64, f64)) -> Ice {
        let vapour = air::vapour(Some(air), hour.dew_point, hour.humidity);
        let humid = vapour.unwrap_or_else(|| air::over_water(air) * USUAL_HUMIDITY / 100.0);
        let sky = Sky {
            air,
            vapour: humid,
            cloud: hour.cloud.unwrap_or(USUAL_CLOUD),
            convection: air::convection(hour.wind.unwrap_or(USUAL_WIND) * NEAR_GROUND),
        };
        let steps = ((hour.end - hour.start) / STEP).max(1);
        let (mut grown, mut refrozen) = (0.0, false);
        for step in 0..steps {
            let at = hour.start + step * STEP;
            let sine = air::sine_of_sun(at + STEP / 2, place.0, place.1);
            #[expect(clippy::cast_precision_loss, reason = "a few steps of an hour")]
            let rain = rain / steps as f64;
            grown += self.step(&sky, sine, rain, at);
            refrozen |= self.froze_at.is_some_and(|froze| at - froze < REFREEZE);
        }
        // Of air whose humidity nobody knows, no frost is claimed.
        Ice { refrozen, frosty: vapour.is_some() && grown >= FROST }
    }

    /// A few minutes pass. Returns the frost that grew, in mm.
    fn step(&mut self, sky: &Sky, sine: f64, rain: f64, at: i64) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "a small constant")]
        let seconds = STEP as f64;
        let was_above = self.surface > 0.0;
        let (grown, latent) = self.vapour(sky, seconds);
        let heat = TAKEN_UP * air::sunshine(sine, sky.cloud)
            + 0.95 * air::sky_radiation(sky.air, sky.vapour, sky.cloud)
            - air::surface_radiation(self.surface)
            + sky.convection * (sky.air - self.surface)
            + TO_GROUND * (self.ground - self.surface)
            + latent;
        self.surface += heat * seconds / HEAT;
        self.ground += (sky.air - self.ground) * seconds / GROUND_FOLLOWS;
        self.water = (self.water + rain).min(HOLDS);
        let wet = self.water > DRY;
        if self.surface > 0.0 || !wet {
            self.froze_at = None;
        } else if was_above || (rain > 0.0 && self.froze_at.is_none()) {
            self.froze_at = Some(at);
        }
        if self.surface > 0.0 {
            // What melts of frost is a film that no rain has left: it is not followed.
            self.frost = 0.0;
        }
        grown
    }

    /// Vapour settles on the surface or leaves it: the frost that grew in mm, and the heat in W/m².
    fn vapour(&mut self, sky: &Sky, seconds: f64) -> (f64, f64) {
        let cold = self.surface <= 0.0;
        let at_surface = if cold { air::over_ice(self.surface) } else { air::over_water(self.surface) };
        let settles = air::settling(sky.convection, sky.vapour, at_surface) * seconds;
        let heat = if cold { SUBLIMATION } else { CONDENSATION };
        if settles >= 0.0 {
            let grown = if cold { settles } else { 0.0 };
            self.frost += grown;
            return (grown, settles * heat / seconds);
        }
        // Only what lies there can leave, frost first.
        let leaves = (-settles).min(self.frost + self.water);
        let of_frost = leaves.min(self.frost);
        self.frost -= of_frost;
        self.water -= leaves - of_frost;
        (0.0, -leaves * heat / seconds)
    }
}

/// The sky over an hour.
struct Sky {
    air: f64,
    vapour: f64,
    cloud: f64,
    convection: f64,
}
