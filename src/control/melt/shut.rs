//! Warm weather shut-down and cold weather cut-out: they silence the rules of a group, never a person.

use jiff::Timestamp;

use super::{super::voice::Facts, View, held, physics};
use crate::model::{Celsius, Melt, Reason, TooCold};

/// A mat that is off comes on only this much below the limit, in K, so that it does not flicker at it.
const HYSTERESIS: f64 = 0.5;
/// A mat that was cut out comes back only with this much heat to spare, in W/m².
const SPARE: f64 = 20.0;
/// Wind in m/s where nobody tells it.
const USUAL_WIND: f64 = 3.0;

/// The rules are silent.
#[derive(Clone, Debug)]
pub(in crate::control) struct Shut {
    pub(in crate::control) reason: Reason,
    /// When that could change by itself.
    pub(in crate::control) until: Option<Timestamp>,
}

/// Why the rules of a group are silent at this temperature, if they are. Unknown air silences nothing.
pub(in crate::control) fn shut(melt: &Melt, view: View<'_>, now: Timestamp, held: bool) -> Option<Shut> {
    let interval = view.sky.forecast.and_then(|it| it.at(now));
    let measured = view.sky.measured(now).filter(|it| it.temperature.is_some());
    let air = measured.and_then(|it| it.temperature).or_else(|| interval?.temperature)?;
    let until = interval.map(|it| it.end);
    let limit = melt.too_warm.0 - if held { 0.0 } else { HYSTERESIS };
    if air.0 > limit {
        return Some(Shut { reason: Reason::TooWarm { air, limit: melt.too_warm }, until });
    }
    let wind = measured.and_then(|it| it.wind).or_else(|| interval?.wind);
    let (is_cold, wind) = match melt.too_cold {
        TooCold::Never => (false, None),
        TooCold::Below(Celsius(limit)) => (air.0 < limit + if held { 0.0 } else { HYSTERESIS }, None),
        TooCold::Budget => {
            let left = physics::left_to_melt(melt.heat, air.0, wind.unwrap_or(USUAL_WIND));
            (left < if held { 0.0 } else { SPARE }, wind)
        }
    };
    is_cold.then_some(Shut { reason: Reason::TooCold { air, wind }, until })
}

/// The same for an outlet.
pub(in crate::control) fn shut_of(facts: &Facts<'_>) -> Option<Shut> {
    shut(facts.group?.melt.as_ref()?, View::of(facts), facts.now, held(facts.outlet))
}
