//! What people are told of the weather itself, whoever of the house acts on it: precipitation soon, ice soon, and how well it is
//! known. Worked out at every look, for all of it changes as time passes.

use jiff::{SignedDuration, Timestamp};

use super::{
    Controller,
    civil::later,
    conditions,
    melt::{Common, Reading},
};
use crate::model::{Fact, Melt, Notice, NoticeKind, Soon, WeatherState};

/// Soon is within this time, or within the lead of the thresholds where that is longer.
const SOON: SignedDuration = SignedDuration::from_hours(1);

impl Controller {
    /// Reads the forecast as a walk that nobody heats would: which stretches of it are icy.
    pub(super) fn read_unheated(&mut self, common: Option<&Common<'_>>) {
        let black_ice = self.settings.thresholds.black_ice.as_ref();
        self.unheated = common.map(|it| it.read(&Melt::default(), black_ice)).unwrap_or_default();
    }

    /// Puts on the board what is soon, and tells when the weather is known better or worse than before.
    pub(super) fn look_ahead(&mut self, now: Timestamp, notices: &mut Vec<Notice>) {
        let Some(valid) = self.settings.forecast_valid else { return };
        let board = &self.house.weather;
        let sky = conditions::whole_sky(&self.settings, board, now);
        let lead = self.settings.thresholds.lead.max(SOON);
        let precipitation = conditions::precipitation_soon(sky, lead, now);
        let black_ice = conditions::black_ice_soon(sky, &self.settings.thresholds, now);
        let known = sky.forecast.is_some();
        let icy = if known { icy(&self.unheated, now, lead) } else { Fact::Unknown };
        let ice = match (icy, black_ice) {
            (Fact::Yes, _) | (_, Fact::Yes) => Fact::Yes,
            (Fact::Unknown, _) | (_, Fact::Unknown) => Fact::Unknown,
            _ => Fact::No,
        };
        let frozen = self.unheated.strict.iter().map(|it| &it.ice);
        let frozen = frozen.filter(|it| known && it.hazard.is_precipitation() && it.to > now);
        let frozen = frozen.map(|it| (it.from, it.to)).min();
        let state = self.weather_settled.then(|| WeatherState::of(board, Some(valid), now));
        let soon = Soon { state, precipitation, ice, frozen };
        if soon == board.soon {
            return;
        }
        let was = board.soon.state;
        std::sync::Arc::make_mut(&mut self.house.weather).soon = soon;
        self.tell_state(was, state, now, notices);
    }

    /// A trouble and a forecast that has become too old are told where they are noticed; what nobody notices is told here.
    fn tell_state(
        &mut self,
        was: Option<WeatherState>,
        state: Option<WeatherState>,
        now: Timestamp,
        notices: &mut Vec<Notice>,
    ) {
        match (was, state) {
            (Some(WeatherState::Online), Some(WeatherState::Degraded)) if self.house.weather.trouble.is_none() => {
                let words = "the forecast has not been renewed for 2 h: it is acted on until it is too old";
                notices.push(Notice::new(now, NoticeKind::WeatherDegraded, words));
                self.degraded_told = true;
            }
            (Some(WeatherState::Degraded), Some(WeatherState::Online)) if self.degraded_told => {
                notices.push(Notice::new(now, NoticeKind::WeatherRecovered, "a provider answers again"));
                self.degraded_told = false;
            }
            // Told as the forecast that is fresh again.
            (Some(WeatherState::Offline), Some(WeatherState::Online)) => self.degraded_told = false,
            _ => {}
        }
    }
}

/// Is an unheated walk icy now or within this time? Unknown where the forecast has a gap, or does not reach so far.
fn icy(unheated: &Reading, now: Timestamp, within: SignedDuration) -> Fact {
    let until = later(now, within);
    if unheated.strict.iter().any(|it| it.ice.from <= until && it.ice.to > now) {
        return Fact::Yes;
    }
    let is_gap = unheated.gaps.iter().any(|(from, to, _)| *from <= until && *to > now);
    if is_gap || unheated.until <= now { Fact::Unknown } else { Fact::No }
}
