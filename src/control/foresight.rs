//! The living house run forward by the rehearsal, over its forecast.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::{Rehearsal, civil::later, conditions};
use crate::model::{ControlSettings, House};

/// Moments at which something could change, on the way. A house that has more of them is not looked at any further.
const STEPS: usize = 4096;
/// For so long a forecast that is fresh now goes on being fresh: the real one is renewed again and again.
const RENEWED: SignedDuration = SignedDuration::from_hours(24 * 366);

/// A living house that goes on from the moment of its picture, with ideal plugs, nobody doing anything, and the forecast coming true.
///
/// A forecast that may be acted on now is taken to be renewed with the same content for ever. One that is stale stays so, and rules that
/// ask for weather stay silent.
#[derive(Debug)]
pub struct Foresight {
    rehearsal: Rehearsal,
    now: Timestamp,
    steps: usize,
}

impl Foresight {
    /// From the moment of the picture.
    pub fn of(settings: &Arc<ControlSettings>, house: &House) -> Self {
        let fresh = conditions::sky(settings, house.weather.forecast.as_deref(), house.at).forecast.is_some();
        let settings = if fresh {
            Arc::new(ControlSettings { forecast_valid: Some(RENEWED), ..ControlSettings::clone(settings) })
        } else {
            Arc::clone(settings)
        };
        Self { rehearsal: Rehearsal::of(settings, house), now: house.at, steps: 0 }
    }

    /// How far it has come.
    pub fn at(&self) -> Timestamp {
        self.now
    }

    /// The house there.
    pub fn house(&self) -> &House {
        self.rehearsal.house()
    }

    /// Goes on to the next moment at which something could change, at most to `until`. Says whether it has moved.
    pub fn step(&mut self, until: Timestamp) -> bool {
        if self.now >= until || self.steps == STEPS {
            return false;
        }
        self.steps += 1;
        // A deadline that is not ahead would stop the time.
        let next = self.rehearsal.next_deadline().filter(|it| *it > self.now);
        self.now = next.map_or(until, |next| next.min(until));
        self.rehearsal.advance(self.now);
        true
    }

    /// Goes on to `until`, as far as its steps reach.
    pub fn run(&mut self, until: Timestamp) {
        while self.step(until) {}
    }
}

/// How far the forecast reaches. `None` where there is none that may be acted on.
pub(super) fn forecast_end(settings: &ControlSettings, house: &House) -> Option<Timestamp> {
    let sky = conditions::sky(settings, house.weather.forecast.as_deref(), house.at);
    sky.forecast?.intervals.last().map(|it| it.end).filter(|end| *end > house.at)
}

/// `until`, but no further than the forecast reaches, and at most 48 h ahead.
pub(super) fn horizon(settings: &ControlSettings, house: &House, until: Timestamp) -> Timestamp {
    const LONGEST: SignedDuration = SignedDuration::from_hours(48);
    let end = forecast_end(settings, house).unwrap_or(Timestamp::MAX);
    until.min(end).min(later(house.at, LONGEST))
}
