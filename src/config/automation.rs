//! Groups of the seed from before it had schedules: their `automation` becomes schedules.
//!
//! The seed heated such a group below a temperature, ours heats at most at it, as schedules do. Its stop was the end of the
//! trailing time, which the condition on precipitation has built in.

use std::cell::Cell;

use jiff::civil::Time;

use super::{
    schedule::Units,
    section::Section,
    tree::{Entry, Kind},
};
use crate::model::{
    Celsius, Conditions, DayTime, Days, FROM_MORNING, FROM_PRECIPITATION, OffTime, OnTime, Priority, Schedule,
};

const FREEZING: f64 = 32.0;
const INSTEAD: &str = "`melt: {enabled: true}` would heat ahead of snow and against frost";

/// What the file says to all such groups.
pub(super) struct Legacy {
    units: Units,
    /// `thresholds.temperature_f`, in °F.
    coldish: f64,
    /// `morning_mode`, when it is switched on.
    morning: Option<Morning>,
    uses_threshold: Cell<bool>,
    uses_morning: Cell<bool>,
}

#[derive(Clone, Copy)]
struct Morning {
    /// Whole hours, `[start, end)`.
    start: f64,
    end: f64,
    fahrenheit: f64,
}

impl Legacy {
    /// Looks into the sections that others read in full.
    pub(super) fn read(root: &Section<'_>, units: Units) -> Self {
        let degrees = |it: &Section<'_>| it.number("temperature_f", Units::Imperial.temperatures()).unwrap_or(FREEZING);
        let morning = root.section("morning_mode").and_then(|it| {
            let hour = |key, usual: f64| it.number(key, super::rest::HOUR_OF_DAY).unwrap_or(usual).ceil();
            let read = Morning { start: hour("start_hour", 6.0), end: hour("end_hour", 8.0), fahrenheit: degrees(&it) };
            it.switch("enabled").unwrap_or(false).then_some(read)
        });
        let coldish = root.section("thresholds").map_or(FREEZING, |it| degrees(&it));
        Self { units, coldish, morning, uses_threshold: Cell::new(false), uses_morning: Cell::new(false) }
    }

    /// Warns about keys that no group has asked for.
    pub(super) fn warn_of_unused(&self, root: &Section<'_>) {
        const TEXT: &str = "without effect: only groups with `automation` and without `schedules` and `melt` read it";
        if let Some(it) = root.section("thresholds").filter(|_| !self.uses_threshold.get()) {
            it.warn("temperature_f", TEXT);
        }
        if !self.uses_morning.get() {
            root.warn("morning_mode", TEXT);
        }
    }

    fn precipitation(&self) -> Schedule {
        self.uses_threshold.set(true);
        let conditions = Conditions {
            temperature_max: Some(Celsius::from_fahrenheit(self.coldish)),
            precipitation_active: Some(true),
            black_ice_risk: None,
        };
        schedule(FROM_PRECIPITATION, None, conditions)
    }

    /// `None` where the morning is switched off or has no hour.
    fn morning(&self) -> Option<Schedule> {
        let it = self.morning.filter(|it| it.start < it.end)?;
        self.uses_morning.set(true);
        let clock = |hour: f64| {
            #[expect(clippy::cast_possible_truncation, reason = "checked to be 0 to 24")]
            let hour = hour as i8 % 24;
            DayTime::Clock(Time::new(hour, 0, 0, 0).unwrap_or_default())
        };
        let whole_day = it.start <= 0.0 && it.end >= 24.0;
        let window = (!whole_day).then(|| (OnTime::At(clock(it.start)), OffTime::At(clock(it.end))));
        let temperature_max = Some(Celsius::from_fahrenheit(it.fahrenheit));
        Some(schedule(FROM_MORNING, window, Conditions { temperature_max, ..Conditions::default() }))
    }

    /// The schedule as a person would write it.
    fn written(&self, it: &Schedule) -> String {
        let time = |time: &DayTime| match time {
            DayTime::Clock(time) => format!("{{type: time, value: \"{}\"}}", time.strftime("%H:%M")),
            DayTime::Sun { .. } => String::new(),
        };
        let when = match &it.window {
            Some((OnTime::At(on), OffTime::At(off))) => format!("on: {}, off: {}", time(on), time(off)),
            _ => "all_day: true".to_owned(),
        };
        let degrees = it.conditions.temperature_max.map_or(FREEZING, |it| match self.units {
            Units::Metric => it.0,
            Units::Imperial => it.fahrenheit(),
        });
        let degrees = (degrees * 100.0).round() / 100.0;
        let wet = if it.conditions.precipitation_active.is_some() { ", precipitation_active: true" } else { "" };
        format!("{{name: {}, {when}, conditions: {{temperature_max: {degrees}{wet}}}}}", it.name)
    }
}

fn schedule(name: &str, window: Option<(OnTime, OffTime)>, conditions: Conditions) -> Schedule {
    Schedule {
        name: name.to_owned(),
        enabled: true,
        priority: Priority::Normal,
        days: Days::ALL,
        dates: None,
        except: Vec::new(),
        also: Vec::new(),
        window,
        conditions,
        longest_on: None,
        rest: None,
    }
}

/// The schedules of a group, translated from its `automation` where it has none of its own. One warning for each group says
/// what became of it.
pub(super) fn read(it: &Section<'_>, own: Vec<Schedule>, legacy: &Legacy) -> Vec<Schedule> {
    ignored(it);
    let Some(automation) = it.section("automation") else { return own };
    let [weather, precipitation, morning] =
        ["weather_control", "precipitation_control", "morning_mode"].map(|key| automation.switch(key).unwrap_or(false));
    automation.switch("schedule_control");
    automation.close();
    let modern = if own.is_empty() { it.has("melt").then_some("melt") } else { Some("schedules") };
    if let Some(modern) = modern {
        it.warn("automation", format!("without effect beside `{modern}`"));
        return own;
    }
    if !weather {
        it.warn(
            "automation",
            "without effect: without `weather_control: true` the group has no rules, as it always was",
        );
        return own;
    }
    let wet = precipitation.then(|| legacy.precipitation());
    let found: Vec<Schedule> = wet.into_iter().chain(morning.then(|| legacy.morning()).flatten()).collect();
    if found.is_empty() {
        let text = "without effect: neither `precipitation_control` nor a `morning_mode` with hours is switched on";
        it.warn("automation", format!("{text}; {INSTEAD}"));
    } else {
        let list: Vec<String> = found.iter().map(|it| legacy.written(it)).collect();
        let list = list.join(", ");
        it.warn("automation", format!("read as `schedules: [{list}]`, to be pasted in its place; {INSTEAD}"));
    }
    found
}

/// The one window of before: the seed had stopped to look at it when it got schedules.
fn ignored(it: &Section<'_>) {
    let Some(schedule) = it.section("schedule") else { return };
    schedule.text("on_time");
    schedule.text("off_time");
    schedule.list("days");
    schedule.close();
    it.warn("schedule", "without effect, as it always was: times are written under `schedules`");
}

/// Does it ask for weather? Asked of the text, because a mistake beside it does not change what the group is for.
pub(super) fn heats(entry: &Entry) -> bool {
    let wants = |it: &Entry| it.key != "schedule_control" && matches!(it.value.kind, Kind::Bool(true));
    entry.value.entries().iter().any(wants)
}
