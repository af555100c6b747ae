//! A recorded winter through the very same controller, as fast as it goes, and the judge of it.
//!
//! `sky` is what the controller is shown, `drive` lets time pass, `judge` scores what came of it (and shares nothing with the rules),
//! and `report`, `timeline` and `plot` show it.

mod drive;
pub mod judge;
mod option;
pub mod outages;
mod plot;
mod report;
mod rivals;
mod sky;
mod timeline;

use std::{sync::Arc, time::Duration};

use jiff::{SignedDuration, Timestamp};

use self::{
    judge::{Score, Truth},
    timeline::Row,
};
pub use self::{
    option::{Outage, When, parse_bias, parse_null, parse_outage, parse_shift, parse_step, parse_when},
    plot::{busiest_week, plot},
    report::{json, table},
    sky::Sky,
    timeline::{Row as TimelineRow, timeline},
};
use crate::{
    model::{ControlSettings, Slug},
    recorded::Recording,
};

/// No simulation takes more steps: a quarter of a century by the minute is fewer.
const MOST_STEPS: i64 = 15_000_000;

/// What is simulated.
#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    /// The first instant; the beginning of the recording where `None`.
    pub from: Option<Timestamp>,
    /// The instant at which it ends; the end of the recording where `None`.
    pub to: Option<Timestamp>,
    /// Time between two looks: 10 s to 1 h.
    pub step: SignedDuration,
    /// How late the forecast is; negative where it is early. At most a day.
    pub shift: SignedDuration,
    /// Added to every temperature and dew point that is foreseen, in K.
    pub bias: f64,
    /// Share of the foreseen hours of which nothing is known, in percent.
    pub null_percent: f64,
    /// Times in which no forecast is fetched: `[from, to)`.
    pub outages: Vec<(Timestamp, Timestamp)>,
    /// Show beside it what a thermostat plug and the predecessor would have done.
    pub compare: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            from: None,
            to: None,
            step: SignedDuration::from_mins(1),
            shift: SignedDuration::ZERO,
            bias: 0.0,
            null_percent: 0.0,
            outages: Vec::new(),
            compare: false,
        }
    }
}

/// A simulation cannot be run.
#[derive(Debug, thiserror::Error)]
pub enum SimulateError {
    /// The recording has no hour in the time that was asked for.
    #[error("the recording has no hour between {from} and {to}")]
    NoWeather {
        /// First instant asked for.
        from: Timestamp,
        /// First instant after it.
        to: Timestamp,
    },
    /// The recording is empty.
    #[error("the recording has no hours")]
    Empty,
    /// More steps than anybody waits for.
    #[error("{0} steps are more than {MOST_STEPS}: choose a longer step or a shorter time")]
    TooLong(i64),
    /// Nothing to judge.
    #[error("the config has no group with outlets: there is nothing to simulate")]
    NoGroup,
}

/// What came of a simulation.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The first instant.
    pub from: Timestamp,
    /// The instant at which it ended.
    pub to: Timestamp,
    /// Every group that has outlets, heaters first, else in the config's order.
    pub groups: Vec<GroupOutcome>,
    /// What was true of each hour.
    pub truth: Truth,
    /// Times in which no forecast was fetched.
    pub outages: Vec<(Timestamp, Timestamp)>,
    /// How long it took.
    pub taken: Duration,
}

impl Outcome {
    /// The groups that are judged: the heaters, or all of them where none heats.
    pub fn judged(&self) -> impl Iterator<Item = &GroupOutcome> {
        let any = self.groups.iter().any(|it| it.heats);
        self.groups.iter().filter(move |it| it.heats || !any)
    }
}

/// What one group did.
#[derive(Clone, Debug)]
pub struct GroupOutcome {
    /// Which.
    pub slug: Slug,
    /// Does it heat? Only heaters are judged.
    pub heats: bool,
    /// Was a power assumed, because the config gives none for some outlet?
    pub assumed_watts: bool,
    /// How well it did.
    pub score: Score,
    /// Its changes.
    pub rows: Vec<Row>,
}

/// Runs the controller over the recording. `progress` hears the share that is done, 0 to 1, now and then; `clock` is asked for the time
/// that it takes.
///
/// # Errors
/// When there is nothing to simulate, or too much.
pub fn run(
    settings: &Arc<ControlSettings>,
    recording: &Recording,
    options: &Options,
    progress: impl FnMut(f64),
) -> Result<Outcome, SimulateError> {
    let began = std::time::Instant::now();
    let span = span(recording, options)?;
    if settings.groups.values().all(|it| it.members.is_empty()) {
        return Err(SimulateError::NoGroup);
    }
    let weather = judge::Weather {
        hours: recording.hours.iter().map(judged_hour).collect(),
        latitude: settings.place.latitude,
        longitude: settings.place.longitude,
    };
    let truth = Truth::of(&weather, span.0.as_second(), span.1.as_second());
    let sky = Sky::new(recording, options);
    let tracks = drive::drive(settings, &sky, options, span, progress);
    let mut groups: Vec<GroupOutcome> = tracks.into_iter().map(|it| it.judged(settings, &truth)).collect();
    groups.sort_by_key(|it| !it.heats);
    if options.compare {
        let (start, step) = (span.0.as_second(), options.step.as_secs().max(1));
        let count = usize::try_from((span.1.as_second() - start) / step).unwrap_or_default();
        groups.extend(rivals::rivals(&weather.hours, &truth, start, step, count));
    }
    let outages = options.outages.clone();
    Ok(Outcome { from: span.0, to: span.1, groups, truth, outages, taken: began.elapsed() })
}

/// From when to when, in whole steps.
fn span(recording: &Recording, options: &Options) -> Result<(Timestamp, Timestamp), SimulateError> {
    let (Some(first), Some(last)) = (recording.hours.first(), recording.hours.last()) else {
        return Err(SimulateError::Empty);
    };
    let from = options.from.unwrap_or(first.interval.start);
    let to = options.to.unwrap_or(last.interval.end);
    if !recording.hours.iter().any(|it| it.interval.end > from && it.interval.start < to) {
        return Err(SimulateError::NoWeather { from, to });
    }
    let step = options.step.as_secs().max(1);
    let steps = to.duration_since(from).as_secs() / step;
    if steps > MOST_STEPS {
        return Err(SimulateError::TooLong(steps));
    }
    let to = from.checked_add(SignedDuration::from_secs(steps.max(1) * step)).unwrap_or(to);
    Ok((from, to))
}

/// An hour in the judge's own plain words.
fn judged_hour(hour: &crate::recorded::Hour) -> judge::Hour {
    let it = &hour.interval;
    judge::Hour {
        start: it.start.as_second(),
        end: it.end.as_second(),
        air: it.temperature.map(|it| it.0),
        dew_point: it.dew_point.map(|it| it.0),
        humidity: it.humidity,
        wind: it.wind,
        precipitation: it.precipitation,
        cloud: it.cloud,
        letters: hour.letters.clone(),
    }
}
