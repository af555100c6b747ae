//! The temperature of an unheated walk, and the water and frost on it: an energy balance over the hours of the forecast.
//!
//! A slab of concrete as thick as a day's warmth reaches, between sky, air and soil. Frost is there while the surface is below 0 °C and
//! below the dew point of the air (Takle 1990; Knollhoff et al. 2003), and until it has sublimated or melted. The balance begins
//! with the oldest hour that is known, so the day before tonight's frost counts.

use jiff::Timestamp;

use super::{falls::Air, physics};
use crate::model::{Interval, Place};

/// Heat capacity of the slab in J/m²K: 12 cm of concrete, as deep as the cooling of a night reaches.
const SLAB: f64 = 0.12 * 2.1e6;
/// Emissivity of concrete.
const EMISSIVITY: f64 = 0.95;
/// The share of sunshine that grey concrete keeps.
const ABSORBED: f64 = 0.65;
/// Heat that passes to the soil below, in W/m²K.
const SOIL: f64 = 2.0;
/// Water that stays on a walk, in mm; the rest runs off.
const FILM: f64 = 0.5;
/// Cloud cover where nobody tells it: rather clear, for it is under a clear sky that frost grows unseen.
const USUAL_CLOUD: f64 = 0.3;
/// Wind in m/s where nobody tells it.
const USUAL_WIND: f64 = 3.0;
/// The longest step of the balance, in s.
const STEP: i64 = 600;
/// An interval whose temperature is unknown takes that of the one before, for at most this long, in s.
const BRIDGED: i64 = 3 * 3600;

/// The surface at the end of an interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Surface {
    /// In °C.
    pub(super) temperature: f64,
    /// The coldest within the interval, in °C.
    pub(super) coldest: f64,
    /// Frost, in mm water equivalent: the most within the interval while the surface was at most 0 °C.
    pub(super) frost: f64,
    /// Frost that settled in the interval, in mm an hour.
    pub(super) settles: f64,
    /// Water or ice that came as water, in mm.
    pub(super) film: f64,
    /// It became colder.
    pub(super) cools: bool,
}

/// The surface over the intervals of a forecast. `None` where it cannot be told. `rain` is what fell as water in each, in mm.
pub(super) fn walk(intervals: &[Interval], airs: &[Air], rain: &[f64], place: Place) -> Vec<Option<Surface>> {
    let soil = soil(airs);
    let mut state: Option<State> = None;
    let mut known_until: Option<Timestamp> = None;
    let mut last = Air::default();
    let mut found = Vec::with_capacity(intervals.len());
    for ((interval, air), rain) in intervals.iter().zip(airs).zip(rain) {
        let bridged = known_until.is_some_and(|until| interval.end.duration_since(until).as_secs() <= BRIDGED);
        let air = match air.temperature {
            Some(_) => {
                known_until = Some(interval.end);
                last = *air;
                air
            }
            None if bridged => &last,
            None => {
                state = None;
                found.push(None);
                continue;
            }
        };
        let Some(temperature) = air.temperature else { continue };
        let now = state.get_or_insert(State { temperature, frost: 0.0, film: 0.0 });
        now.film = (now.film + rain).min(FILM);
        found.push(Some(now.live(interval, temperature, air.dew, soil.unwrap_or(temperature), place)));
    }
    found
}

/// The soil has the mean of the days around.
fn soil(airs: &[Air]) -> Option<f64> {
    let known = || airs.iter().filter_map(|it| it.temperature);
    #[expect(clippy::cast_precision_loss, reason = "a forecast has few hours")]
    let count = known().count() as f64;
    (count > 0.0).then(|| known().sum::<f64>() / count + 1.0)
}

#[derive(Clone, Copy)]
struct State {
    temperature: f64,
    frost: f64,
    film: f64,
}

impl State {
    fn live(&mut self, it: &Interval, air: f64, dew: Option<f64>, soil: f64, place: Place) -> Surface {
        // Without humidity nobody can tell frost; the surface is followed all the same.
        let vapour = physics::over_water(dew.unwrap_or(air - 5.0));
        let cloud = it.cloud.unwrap_or(USUAL_CLOUD);
        let convection = physics::convection(it.wind.unwrap_or(USUAL_WIND));
        let sky = EMISSIVITY * physics::from_the_sky(air, vapour, cloud);
        let seconds = it.end.duration_since(it.start).as_secs();
        let steps = (seconds / STEP).clamp(1, 144);
        #[expect(clippy::cast_precision_loss, reason = "an interval is hours")]
        let step = seconds as f64 / steps as f64;
        let mut seen =
            Surface { temperature: air, coldest: f64::INFINITY, frost: 0.0, settles: 0.0, film: 0.0, cools: false };
        let before = self.temperature;
        for index in 0..steps {
            let at = it.start.as_second() + seconds * (2 * index + 1) / (2 * steps);
            let sun =
                ABSORBED * physics::from_the_sun(physics::sun_elevation(at, place.latitude, place.longitude), cloud);
            let settled = self.step(step, air, sky + sun, convection, vapour, soil, dew.is_some());
            seen.settles += settled * 3600.0 / seconds as f64;
            seen.coldest = seen.coldest.min(self.temperature);
            if self.temperature <= 0.0 {
                seen.frost = seen.frost.max(self.frost);
            }
        }
        Surface { temperature: self.temperature, film: self.film, cools: self.temperature < before, ..seen }
    }

    #[expect(clippy::too_many_arguments, reason = "the terms of one balance")]
    fn step(
        &mut self,
        step: f64,
        air: f64,
        radiation: f64,
        convection: f64,
        vapour: f64,
        soil: f64,
        damp: bool,
    ) -> f64 {
        let freezes = self.temperature <= 0.0;
        let (saturated, latent) = if freezes {
            (physics::over_ice(self.temperature), physics::SUBLIMATION)
        } else {
            (physics::over_water(self.temperature), physics::EVAPORATION)
        };
        let settles = physics::deposit(convection, vapour, saturated, self.temperature) * step;
        // Only what is there can leave. Without humidity nothing settles and nothing leaves.
        let there = if freezes { self.frost + self.film } else { self.film };
        let settles = if damp { settles.max(-there) } else { 0.0 };
        if freezes {
            let frost = self.frost + settles;
            self.film = (self.film + frost.min(0.0)).max(0.0);
            self.frost = frost.max(0.0);
        } else {
            // Frost that melts is a film. Dew is none: what settles of it turns into frost by the same balance.
            self.film = (self.film + self.frost + settles.min(0.0)).clamp(0.0, FILM);
            self.frost = 0.0;
        }
        let heat = radiation - EMISSIVITY * physics::radiated(self.temperature)
            + convection * (air - self.temperature)
            + SOIL * (soil - self.temperature);
        self.temperature += (heat * step + settles * latent) / SLAB;
        if freezes { settles.max(0.0) } else { 0.0 }
    }
}
