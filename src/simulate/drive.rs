//! Time passes: the rehearsal is driven over the recorded weather, step by step.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::{
    GroupOutcome, Options,
    judge::{self, Because, Limits, Step, Steps},
    sky::Sky,
    timeline::Row,
};
use crate::{
    control::Rehearsal,
    model::{
        Class, ControlSettings, Event, GroupSettings, House, Memory, Mode, Outlet, Reason, Slug, Switch, Trouble,
        TroubleKind,
    },
};

/// What an outlet is taken to draw where the config says nothing, in W: a line of five mats.
const USUAL_WATTS: u32 = 1500;
/// Seconds of an hour.
const HOUR: i64 = 3600;
/// Progress is told so often on the way.
const TOLD: i64 = 200;

/// What one group did, step by step.
#[derive(Debug)]
pub(super) struct Track {
    slug: Slug,
    steps: Steps,
    rows: Vec<Row>,
    assumed_watts: bool,
    now: Step,
}

impl Track {
    fn new(group: &GroupSettings, from: Timestamp, step: SignedDuration, count: usize) -> Self {
        let now = Step { on: false, watts: 0, because: Because::Nothing, forecast_age: None };
        let steps = Steps { start: from.as_second(), step: step.as_secs(), states: Vec::with_capacity(count) };
        Self { slug: group.slug.clone(), steps, rows: Vec::new(), assumed_watts: false, now }
    }

    /// Looks at the group after something has happened.
    fn look(&mut self, settings: &ControlSettings, house: &House, at: Timestamp) {
        let Some(group) = house.groups.get(&self.slug) else { return };
        let outlets = || group.outlets.iter().filter_map(|id| house.outlets.get(id));
        let is_on = |it: &&Arc<Outlet>| it.switch() == Some(Switch::On);
        // A group that is mixed shows as on, with the words of the first outlet that is.
        let Some(shown) = outlets().find(is_on).or_else(|| outlets().next()) else { return };
        let on = is_on(&shown);
        let mut watts = 0;
        for outlet in outlets().filter(is_on) {
            let rated = settings.rated_watts(&outlet.id);
            self.assumed_watts |= rated.is_none();
            watts += rated.unwrap_or(USUAL_WATTS);
        }
        let mode = shown.decision.mode();
        let because = because(&shown.decision.reason, settings.groups.get(&self.slug));
        self.now = Step { on, watts, because, forecast_age: None };
        let switch = Switch::from_bool(on);
        if self.rows.last().is_none_or(|last| last.switch != switch || last.mode != mode) {
            let reason = shown.decision.reason.to_string();
            self.rows.push(Row { at, group: self.slug.clone(), switch, mode, reason });
        }
    }

    /// The group's score.
    pub(super) fn judged(self, settings: &ControlSettings, truth: &judge::Truth) -> GroupOutcome {
        let group = settings.groups.get(&self.slug);
        let limits = group.map(|it| limits(settings, it)).unwrap_or_default();
        GroupOutcome {
            score: judge::judge(truth, &self.steps, &limits),
            slug: self.slug,
            heats: group.is_some_and(|it| it.class == Class::Heater),
            assumed_watts: self.assumed_watts,
            rows: self.rows,
        }
    }
}

/// Drives the house from the first instant to the last.
pub(super) fn drive(
    settings: &Arc<ControlSettings>,
    sky: &Sky,
    options: &Options,
    (from, to): (Timestamp, Timestamp),
    mut progress: impl FnMut(f64),
) -> Vec<Track> {
    let step = options.step.as_secs().max(1);
    let count = (to.as_second() - from.as_second()) / step;
    let capacity = usize::try_from(count).unwrap_or_default();
    let groups = settings.groups.values().filter(|it| !it.members.is_empty());
    let mut tracks: Vec<Track> = groups.map(|it| Track::new(it, from, options.step, capacity)).collect();
    let mut rehearsal = Rehearsal::new(Arc::clone(settings), &Memory::default(), from);
    let mut fetch = Fetch { next: from, last: None, lost: false };
    for number in 0..count {
        let now = from.checked_add(SignedDuration::from_secs(number * step)).unwrap_or(to);
        let happened = match fetch.due(sky, options, now) {
            Some(event) => {
                rehearsal.tell(event, now);
                true
            }
            None if rehearsal.next_deadline().is_some_and(|due| due <= now) => {
                rehearsal.advance(now);
                true
            }
            None => number == 0,
        };
        let age = fetch.last.map(|it| now.as_second() - it.as_second());
        for track in &mut tracks {
            if happened {
                track.look(settings, rehearsal.house(), now);
            }
            track.steps.states.push(Step { forecast_age: age.and_then(|it| u32::try_from(it).ok()), ..track.now });
        }
        if number % (count / TOLD).max(1) == 0 {
            progress(share(number, count));
        }
    }
    progress(1.0);
    tracks
}

/// When forecasts are fetched: at the beginning, and at each full hour.
struct Fetch {
    next: Timestamp,
    last: Option<Timestamp>,
    lost: bool,
}

impl Fetch {
    fn due(&mut self, sky: &Sky, options: &Options, now: Timestamp) -> Option<Event> {
        if now < self.next {
            return None;
        }
        let next = (now.as_second().div_euclid(HOUR) + 1) * HOUR;
        self.next = Timestamp::from_second(next).unwrap_or(Timestamp::MAX);
        if options.outages.iter().any(|(from, to)| (*from..*to).contains(&now)) {
            let text = "the provider does not answer".to_owned();
            let trouble = Trouble { kind: TroubleKind::Passing, text };
            return (!std::mem::replace(&mut self.lost, true)).then_some(Event::WeatherLost { trouble });
        }
        self.lost = false;
        self.last = Some(now);
        Some(Event::WeatherObserved(Arc::new(sky.forecast(now))))
    }
}

/// Why it is as it is, in the judge's words.
fn because(reason: &Reason, group: Option<&GroupSettings>) -> Because {
    match reason {
        Reason::Wished { .. } => Because::Person,
        Reason::Icy { .. } => Because::Weather,
        Reason::Schedule { name, .. } => {
            let schedule = group.and_then(|it| it.schedules.iter().find(|schedule| schedule.name == *name));
            let asks = schedule.map(|it| &it.conditions);
            let of_weather = asks.is_some_and(|it| {
                it.temperature_max.is_some() || it.precipitation_active.is_some() || it.black_ice_risk.is_some()
            });
            if of_weather { Because::Weather } else { Because::Clock }
        }
        Reason::Held => Because::Held,
        Reason::LeastOn => Because::LeastOn,
        Reason::ControlOff => Because::Forbidden,
        other if matches!(other.mode(), Mode::Cooldown | Mode::Lockout) => Because::Forbidden,
        _ => Because::Nothing,
    }
}

/// What the group may not do, in plain numbers.
fn limits(settings: &ControlSettings, group: &GroupSettings) -> Limits {
    let melt = group.melt.as_ref();
    let global = settings.safety.longest_on;
    let schedules = group.schedules.iter().filter(|it| it.enabled).map(|it| it.longest_on.unwrap_or(global));
    let longest = schedules.chain(melt.map(|it| it.longest_on)).max().unwrap_or(global);
    Limits {
        too_warm: melt.map(|it| it.too_warm.0),
        longest_on: longest.as_secs(),
        forecast_valid: settings.forecast_valid.map(|it| it.as_secs()),
        hold: settings.hold_unknown.map_or(0, |it| it.as_secs()),
        least_on: melt.map_or(0, |it| it.least_on.as_secs()),
    }
}

#[expect(clippy::cast_precision_loss, reason = "a share of far fewer than 2^52 steps")]
fn share(done: i64, of: i64) -> f64 {
    done as f64 / of.max(1) as f64
}
