//! Recording what surrounds the house: the weather and the clock. Nothing here decides.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::{
    Controller, FIRST_FORECAST,
    civil::later,
    conditions,
    melt::{Common, Stretch},
    wishes::LONGEST,
};
use crate::model::{End, Forecast, Notice, NoticeKind, Remembered, Station, Trouble, WeatherBoard};

/// Sources that disagree about ice are told of this long before the mat heats for it.
const CONTESTED_AHEAD: SignedDuration = SignedDuration::from_hours(1);

impl Controller {
    pub(super) fn weather_observed(&mut self, forecast: Arc<Forecast>, now: Timestamp, notices: &mut Vec<Notice>) {
        let usable = |it: &Forecast| conditions::sky(&self.settings, Some(it), now).forecast.is_some();
        let known = self.house.weather.forecast.as_deref();
        // One that cannot be acted on, such as one from the future by a clock that was wrong, must not hold back another.
        let newer = known.is_none_or(|it| it.issued_at <= forecast.issued_at || !usable(it));
        if newer {
            // What was fresh stays so until `freshness` has looked: that is where it is told. An old one from the cache settles
            // nothing: the first fetch is still under way.
            let board = WeatherBoard::clone(&self.house.weather);
            self.house.weather = Arc::new(WeatherBoard { forecast: Some(forecast), trouble: None, ..board });
            self.outlooks.clear();
            self.read(now, notices);
        }
    }

    /// What another source says. It settles nothing and renews nothing: ice that only it tells of is assumed, that is all.
    pub(super) fn second_opinion(&mut self, forecast: Arc<Forecast>, now: Timestamp, notices: &mut Vec<Notice>) {
        Arc::make_mut(&mut self.house.weather).second = Some(forecast);
        self.outlooks.clear();
        self.read(now, notices);
    }

    /// Reads the forecast for every group with storm heating.
    pub(super) fn read(&mut self, now: Timestamp, notices: &mut Vec<Notice>) {
        self.readings.clear();
        let board = Arc::clone(&self.house.weather);
        let Some(forecast) = board.forecast.as_deref() else { return self.read_unheated(None) };
        let common = Common::new(forecast, self.settings.place);
        self.read_unheated(Some(&common));
        let mut melting = self.settings.groups.values().filter(|it| it.melt.is_some()).peekable();
        if melting.peek().is_none() {
            return;
        }
        let second = conditions::whole_sky(&self.settings, &self.house.weather, now).second;
        let second = second.map(|it| Common::new(it, self.settings.place));
        for group in melting {
            let Some(melt) = &group.melt else { continue };
            let black_ice = self.settings.thresholds.black_ice.as_ref();
            let mut reading = common.read(melt, black_ice);
            if let Some(second) = &second {
                reading.assume(&second.read(melt, black_ice));
            }
            self.readings.insert(group.slug.clone(), Arc::new(reading));
        }
        self.tell_of_disagreement(now, notices);
    }

    /// Tells once that ice is assumed although not everything speaks for it: sources that disagree about a day that is far off
    /// agree later, mostly.
    fn tell_of_disagreement(&mut self, now: Timestamp, notices: &mut Vec<Notice>) {
        let stretches = self.readings.values().flat_map(|it| &it.strict);
        let near = |it: &Stretch| it.disagree || (it.contested && it.heat_from <= later(now, CONTESTED_AHEAD));
        let news = stretches.filter(|it| near(it) && it.ice.from > self.disagreed && it.heat_to > now);
        if let Some(it) = news.min_by_key(|it| it.ice.from) {
            let who = if it.disagree { "the forecast's code and its figures" } else { "two forecasts" };
            let words = format!("{who} disagree about {}: ice is assumed", it.ice);
            notices.push(Notice::new(now, NoticeKind::SourcesDisagree, words));
            self.disagreed = it.ice.to;
        }
    }

    /// A figure that is older than the one that is known is none; the others stay as old as they are.
    pub(super) fn station_reported(&mut self, measured: &Station) {
        let mut station = self.house.weather.station;
        station.learn(measured);
        if station != self.house.weather.station {
            Arc::make_mut(&mut self.house.weather).station = station;
            self.outlooks.clear();
        }
    }

    pub(super) fn weather_lost(&mut self, trouble: Trouble, now: Timestamp, notices: &mut Vec<Notice>) {
        let board = Arc::make_mut(&mut self.house.weather);
        if board.trouble.as_ref() != Some(&trouble) {
            notices.push(Notice::new(now, NoticeKind::WeatherDegraded, trouble.text.clone()));
            self.degraded_told = true;
        }
        board.trouble = Some(trouble);
        self.weather_settled = true;
    }

    /// Looks whether the forecast has gone stale, or is back. Says whether it has.
    pub(super) fn freshness(&mut self, now: Timestamp, notices: &mut Vec<Notice>) -> bool {
        let forecast = self.house.weather.forecast.as_deref();
        let fresh = conditions::sky(&self.settings, forecast, now).forecast.is_some();
        self.weather_settled |= fresh || now >= later(self.started, FIRST_FORECAST);
        let was = self.house.weather.fresh;
        if self.settings.forecast_valid.is_none() || !self.weather_settled || was == Some(fresh) {
            return false;
        }
        Arc::make_mut(&mut self.house.weather).fresh = Some(fresh);
        match was {
            Some(true) => {
                let words = "the forecast is too old to act on: rules that ask for weather are silent";
                notices.push(Notice::new(now, NoticeKind::WeatherDegraded, words));
            }
            Some(false) => {
                notices.push(Notice::new(now, NoticeKind::WeatherRecovered, "the forecast is fresh again"));
            }
            // The first look after a start is no news.
            None => {}
        }
        true
    }

    /// Moves everything that measures elapsed time along with the clock that was set.
    pub(super) fn clock_stepped(&mut self, step: SignedDuration, now: Timestamp) {
        let moved = |at: &mut Timestamp| *at = later(*at, step);
        moved(&mut self.started);
        self.clock_doubted.iter_mut().for_each(moved);
        if let Some(pause) = &mut self.house.paused
            && let End::Elapsed(at) = &mut pause.end
        {
            moved(at);
        }
        self.forget_samples();
        self.counts.values_mut().for_each(|it| it.moved(step));
        for outlet in self.house.outlets.values_mut() {
            let outlet = Arc::make_mut(outlet);
            move_memory(&mut outlet.memory, step, now);
            outlet.pending.iter_mut().for_each(|it| moved(&mut it.answer_by));
            outlet.on_since.iter_mut().chain(&mut outlet.reported_at).for_each(moved);
            moved(&mut outlet.decision.since);
        }
        if !self.house.gone.is_empty() {
            let gone = Arc::make_mut(&mut self.house.gone);
            gone.iter_mut().flat_map(|it| it.outlets.values_mut()).for_each(|it| move_memory(it, step, now));
        }
        let board = Arc::make_mut(&mut self.house.weather);
        for forecast in board.forecast.iter_mut().chain(&mut board.second) {
            moved(&mut Arc::make_mut(forecast).issued_at);
        }
        self.outlooks.clear();
    }
}

/// What is remembered of an outlet moves along with the clock.
fn move_memory(memory: &mut Remembered, step: SignedDuration, now: Timestamp) {
    let moved = |at: &mut Timestamp| *at = later(*at, step);
    memory.run.on_since.iter_mut().chain(&mut memory.run.off_since).for_each(moved);
    memory.ruled_since.iter_mut().chain(&mut memory.moved_at).for_each(moved);
    memory.cut.iter_mut().for_each(|cut| moved(&mut cut.at));
    memory.lockout.iter_mut().for_each(|it| moved(&mut it.at));
    memory.metering.iter_mut().for_each(|it| moved(&mut it.at));
    if let Some(wish) = &mut memory.wish {
        moved(&mut wish.since);
        match &mut wish.end {
            End::Elapsed(at) | End::NextChange { latest: at, .. } => moved(at),
            // A time on the wall stays what it is, but not further away than a person could have asked for, however often the clock is
            // set back.
            End::At(at) => *at = (*at).min(later(wish.since.min(now), LONGEST)),
        }
    }
}
