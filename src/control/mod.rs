//! The thinking: facts in, decisions out. No clock, no socket, no file, no `async`.
//!
//! [`Controller::handle`] first *records* what happened, then *decides* every outlet that the event touched or whose deadline
//! has come, never looking at which event it was. The ladder of voices is in `decide.rs`.

mod almanac;
mod amend;
mod circuit;
mod civil;
mod clock;
mod command;
mod conditions;
mod cron_times;
mod decide;
mod energy;
mod faults;
mod foresight;
mod lockout;
mod melt;
mod orphans;
mod outlook;
mod pause;
mod plan;
mod preview;
mod record;
mod rehearsal;
mod run;
mod safety;
mod schedule;
mod settle;
mod soon;
mod start;
mod surroundings;
mod tariff;
mod timers;
mod timetable;
mod voice;
mod windows;
mod wishes;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use jiff::{SignedDuration, Timestamp};

use self::{circuit::Circuits, melt::Reading, outlook::Outlook, timetable::Timetable, voice::Facts};
use crate::model::{
    Availability, Broker, Class, ControlSettings, Event, House, Memory, Notice, NoticeKind, Orders, Outlet, OutletId,
    Reason, Slug, Wait,
};

pub use self::{
    almanac::sun,
    civil::instant,
    conditions::black_ice_risk,
    cron_times::validate_cron,
    foresight::Foresight,
    melt::precipitation,
    plan::{Foreseen, foresee, plan},
    preview::windows_ahead,
    rehearsal::Rehearsal,
    tariff::{changes_at as tariff_changes_at, price_at},
};

/// A weather-driven rule leaves an outlet as it is for this long after a start, while the first forecast is under way.
const FIRST_FORECAST: SignedDuration = SignedDuration::from_secs(60);

/// Records facts and decides every outlet.
#[derive(Debug)]
pub struct Controller {
    settings: Arc<ControlSettings>,
    house: House,
    timetable: Timetable,
    /// The forecast as each group with storm heating reads it.
    readings: BTreeMap<Slug, Arc<Reading>>,
    /// The forecast as a walk that nobody heats would read it.
    unheated: Reading,
    /// It has been told that the weather is known less well, and not yet that it is known well again.
    degraded_told: bool,
    /// Up to here it has been told that sources disagree.
    disagreed: Timestamp,
    /// What the rules of each group will say, as far as somebody has asked.
    outlooks: BTreeMap<Slug, Arc<Outlook>>,
    /// Commands given to each device so far.
    commanded: BTreeMap<Slug, u64>,
    /// How often somebody wanted each device to be looked at afresh.
    looks: BTreeMap<Slug, u64>,
    /// What somebody wants of the light on each device, and how often somebody has wanted something.
    leds: BTreeMap<Slug, (bool, u64)>,
    /// Outlets whose last attempt to switch failed without a person waiting for it: said once.
    failing: BTreeSet<OutletId>,
    started: Timestamp,
    circuits: Circuits,
    /// What the meters have shown lately.
    watches: BTreeMap<OutletId, faults::Watch>,
    /// The running counts of energy.
    counts: BTreeMap<OutletId, energy::Count>,
    /// Since when the clock has shown a time that cannot be.
    clock_doubted: Option<Timestamp>,
    /// What was last told of the clock: is it trusted?
    clock_told: bool,
    /// Is the time that of a recording? Then no clock has to be doubted.
    rehearses: bool,
    /// Has the weather been heard of at all, or been given up on?
    weather_settled: bool,
    /// Has the bridge been told to stop?
    stopping: bool,
}

impl Controller {
    /// Starts from the settings and from what was remembered.
    pub fn new(settings: Arc<ControlSettings>, memory: &Memory, now: Timestamp) -> Self {
        Self::started(settings, memory, now, false)
    }

    /// The same for a time that no clock shows, as that of a recording: rules speak whatever the year is.
    pub fn rehearsing(settings: Arc<ControlSettings>, memory: &Memory, now: Timestamp) -> Self {
        Self::started(settings, memory, now, true)
    }

    fn started(settings: Arc<ControlSettings>, memory: &Memory, now: Timestamp, rehearses: bool) -> Self {
        let timetable = Timetable::new(&settings);
        let circuits = Circuits::new(&settings);
        let house = start::house(&settings, memory, now);
        let weather_settled = settings.forecast_valid.is_none();
        let mut controller = Self {
            settings,
            house,
            timetable,
            readings: BTreeMap::new(),
            unheated: Reading::default(),
            degraded_told: false,
            disagreed: Timestamp::MIN,
            outlooks: BTreeMap::new(),
            commanded: BTreeMap::new(),
            looks: BTreeMap::new(),
            leds: BTreeMap::new(),
            failing: BTreeSet::new(),
            started: now,
            circuits,
            watches: BTreeMap::new(),
            counts: BTreeMap::new(),
            clock_doubted: None,
            clock_told: true,
            rehearses,
            weather_settled,
            stopping: false,
        };
        controller.watch_clock(now);
        controller.prepare(now);
        controller.decide_again(now, None);
        controller
    }

    /// What decisions depend on.
    pub fn settings(&self) -> &Arc<ControlSettings> {
        &self.settings
    }

    /// The picture.
    pub fn house(&self) -> &House {
        &self.house
    }

    /// Records what happened, then decides afresh from everything known.
    ///
    /// Deciding never looks at the event, so a lost message, a restart and a repeated message all lead to the same house.
    pub fn handle(&mut self, event: Event, now: Timestamp) -> Vec<Notice> {
        self.house.at = now;
        self.prepare(now);
        let clock_was_trusted = self.house.clock.is_trusted;
        self.watch_clock(now);
        let mut notices = Vec::new();
        let touched = self.take_in(event, now, &mut notices);
        // Not before a clock that was set has moved its end.
        let pause_ended = self.end_pause(now, &mut notices);
        self.watch_clock(now);
        self.tell_clock(now, &mut notices);
        // A forecast that has gone stale, or is back, touches everybody: the outlook of each has changed. So does the clock.
        let clock_changed = self.house.clock.is_trusted != clock_was_trusted;
        let touched = if self.freshness(now, &mut notices) || clock_changed || pause_ended { None } else { touched };
        self.look_ahead(now, &mut notices);
        notices.extend(self.decide_again(now, touched.as_ref()));
        notices
    }

    /// Records what happened. The outlets that it touches; `None` for all of them.
    fn take_in(&mut self, event: Event, now: Timestamp, notices: &mut Vec<Notice>) -> Option<BTreeSet<OutletId>> {
        match event {
            Event::Commanded(command) => self.command(&command, now, notices),
            Event::LookAsked { device } => {
                *self.looks.entry(device).or_default() += 1;
                Some(BTreeSet::new())
            }
            Event::LedAsked { device, on } => {
                let wanted = self.leds.entry(device).or_default();
                *wanted = (on, wanted.1 + 1);
                Some(BTreeSet::new())
            }
            Event::DeviceIdentified { device, housing } => self.identified(&device, &housing, now, notices),
            Event::DeviceReported { device, reports, rssi } => self.reported(&device, reports, rssi, now, notices),
            Event::DeviceLost { device, trouble } => self.lost(&device, &trouble, now, notices),
            Event::SwitchFailed { outlet, wanted, trouble } => {
                self.switch_failed(&outlet, wanted, &trouble, now, notices)
            }
            Event::TimerNoticed { outlet, concern, text } => self.timer_noticed(&outlet, concern, &text, now, notices),
            Event::TimerDoubted { outlet } => self.timer_doubted(&outlet),
            Event::AutoOffSet { outlet, minutes } => self.auto_off_set(&outlet, minutes),
            Event::WeatherObserved(forecast) => {
                self.weather_observed(forecast, now, notices);
                None
            }
            Event::SecondOpinion(forecast) => {
                self.second_opinion(forecast, now, notices);
                None
            }
            Event::StationReported(measured) => {
                self.station_reported(&measured);
                None
            }
            Event::WeatherLost { trouble } => {
                self.weather_lost(trouble, now, notices);
                None
            }
            Event::BrokerConnected => {
                self.house.broker = Broker::Connected;
                Some(BTreeSet::new())
            }
            Event::BrokerLost { trouble } => {
                self.house.broker = Broker::Lost(trouble);
                Some(BTreeSet::new())
            }
            Event::ClockStepped(step) => {
                self.clock_stepped(step, now);
                let words = format!("the wall clock was set by {step:#}");
                notices.push(Notice::new(now, NoticeKind::ClockStepped, words));
                None
            }
            Event::DeadlinePassed => Some(BTreeSet::new()),
            Event::Stopping => {
                self.stop();
                None
            }
        }
    }

    /// When `DeadlinePassed` is due: the earliest moment at which something could change by itself. Always in the future.
    pub fn next_deadline(&self) -> Option<Timestamp> {
        let outlets = self.house.outlets.values().flat_map(|it| {
            let answer = it.pending.as_ref().map(|pending| pending.answer_by);
            it.decision.review_at.into_iter().chain(answer)
        });
        let forecast = self.house.weather.forecast.as_deref();
        let stale = conditions::sky(&self.settings, forecast, self.house.at).changes_at;
        let paused = self.house.paused.map(|it| it.end.latest());
        let settled = (!self.weather_settled).then(|| civil::later(self.started, FIRST_FORECAST));
        outlets
            .chain(stale)
            .chain(settled)
            .chain(self.clock_trusted_at())
            .chain(paused)
            .filter(|at| *at > self.house.at)
            .min()
    }

    /// What a device's task is to bring about.
    pub fn orders(&self, device: &Slug) -> Orders {
        let first = OutletId::new(device.clone(), 0);
        let outlets = self.house.outlets.range(first..).map(|(_, it)| it).take_while(|it| it.id.device == *device);
        let left_alone = |it: &Outlet| self.waits_for_weather(it) || waits_for_company(it);
        let wanted = outlets.filter(|it| !left_alone(it)).map(|it| (it.id.slot, self.order(it)));
        let count = |counts: &BTreeMap<Slug, u64>| counts.get(device).copied().unwrap_or_default();
        let led = self.leds.get(device).copied();
        Orders { wanted: wanted.collect(), commanded: count(&self.commanded), looks: count(&self.looks), led }
    }

    /// Is nothing known of the weather only because the bridge has just started? Then a mat that runs is left running, unless
    /// somebody has asked for something or it has run for as long as is allowed.
    fn waits_for_weather(&self, outlet: &Outlet) -> bool {
        !self.weather_settled
            && matches!(outlet.decision.reason, Reason::WeatherUnknown { .. } | Reason::IceUnknown { .. })
            && outlet.commanded == 0
            && outlet.memory.run.elapsed(self.house.at) < outlet.longest_allowed()
    }

    /// From now on heaters are wanted off. Each is to be looked at afresh, whatever it said last.
    fn stop(&mut self) {
        self.stopping = true;
        for outlet in self.house.outlets.values_mut().filter(|it| it.class == Class::Heater) {
            let number = self.commanded.entry(outlet.id.device.clone()).or_default();
            *number += 1;
            Arc::make_mut(outlet).commanded = *number;
        }
    }

    fn facts<'a>(&'a self, outlet: &'a Outlet, now: Timestamp) -> Facts<'a> {
        let group = outlet.group.as_ref().and_then(|group| self.settings.groups.get(group));
        let sky = conditions::whole_sky(&self.settings, &self.house.weather, now);
        Facts {
            now,
            settings: &self.settings,
            group,
            openings: group.map(|it| self.timetable.of(&it.slug)).unwrap_or_default(),
            outlet,
            wish: outlet.memory.wish,
            sky,
            reading: group
                .and_then(|it| self.readings.get(&it.slug))
                .map(Arc::as_ref)
                .filter(|_| sky.forecast.is_some()),
            vacation: self.house.vacation,
            paused: self.house.paused.map(|it| it.end.latest()),
            stopping: self.stopping,
            starting: !self.weather_settled,
            clock_trusted: self.house.clock.is_trusted,
            full: None,
        }
    }

    fn outlets_of(&self, device: &Slug) -> BTreeSet<OutletId> {
        let first = OutletId::new(device.clone(), 0);
        self.house.outlets.range(first..).map(|(id, _)| id.clone()).take_while(|id| id.device == *device).collect()
    }
}

/// Does it only wait for the others of its circuit to be heard after a start? It may be the one that runs.
fn waits_for_company(outlet: &Outlet) -> bool {
    let waits = matches!(outlet.decision.reason, Reason::Waits { wait: Wait::Circuit { .. } });
    waits && outlet.availability == Availability::Unknown
}
