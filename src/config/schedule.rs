//! Schedules.

use jiff::{SignedDuration, civil};

use super::{
    exceptions,
    range::Range,
    section::{Section, cut, nearest, shown},
    shape::Shape,
    tree::{Kind, Node},
    values::whole_of,
};
use crate::model::{
    Celsius, Conditions, DayTime, Days, MonthDay, OffTime, OnTime, Priority, Schedule, SunEvent, UNNAMED,
};

/// YAML 1.1 reads an unquoted `on` as true, and a file that such a program wrote says `true:`.
pub(super) const ON: [&str; 5] = ["on", "On", "ON", "true", "True"];
pub(super) const OFF: [&str; 5] = ["off", "Off", "OFF", "false", "False"];

const HOURS_ON: Range = Range::above(0.0, 168.0, "hours");
/// The longest limit that means anything: a year.
pub(super) const LIMIT_HOURS: Range = Range::above(0.0, 8760.0, "hours");
const REST_MINUTES: Range = Range::of(0.0, 525_600.0, "minutes");
/// From Monday.
const DAY: Range = Range::of(1.0, 7.0, "");
const OFFSET: Range = Range::of(-180.0, 180.0, "minutes");
const CLOCK: &str = "a time of day, HH:MM from 00:00 to 23:59";

/// The unit of `temperature_*` keys that do not name theirs.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Units {
    Metric,
    Imperial,
}

impl Units {
    /// The range of outside temperatures, the seed's.
    pub(super) fn temperatures(self) -> Range {
        match self {
            Self::Metric => Range::of(-73.0, 65.0, "°C"),
            Self::Imperial => Range::of(-100.0, 150.0, "°F"),
        }
    }

    pub(super) fn celsius(self, degrees: f64) -> Celsius {
        match self {
            Self::Metric => Celsius(degrees),
            Self::Imperial => Celsius::from_fahrenheit(degrees),
        }
    }
}

/// That many hours; at least a second, so that a tiny number does not become none.
pub(super) fn hours(hours: f64) -> SignedDuration {
    seconds(hours * 3600.0).max(SignedDuration::from_secs(1))
}

/// That many seconds, or none if they do not fit.
pub(super) fn seconds(seconds: f64) -> SignedDuration {
    SignedDuration::try_from_secs_f64(seconds).unwrap_or(SignedDuration::ZERO)
}

/// Reads one item of `schedules`.
pub(super) fn read(it: &Section<'_>, units: Units) -> Schedule {
    let safety = it.section("safety");
    let longest_on = safety.as_ref().and_then(|it| it.number("max_runtime_hours", LIMIT_HOURS)).map(hours);
    let rest = safety.as_ref().and_then(|it| it.number("cooldown_minutes", REST_MINUTES));
    safety.into_iter().for_each(Section::close);
    let (except, also) = exceptions::read(it);
    Schedule {
        name: it.text("name").unwrap_or_else(|| UNNAMED.to_owned()),
        enabled: it.switch("enabled").unwrap_or(true),
        priority: priority(it),
        days: days(it),
        dates: dates(it),
        except,
        also,
        window: window(it),
        conditions: it.section("conditions").map(|it| conditions(it, units)).unwrap_or_default(),
        longest_on,
        rest: rest.map(|minutes| seconds(minutes * 60.0)),
    }
}

fn priority(it: &Section<'_>) -> Priority {
    it.note("priority", || Shape::OneOf(vec!["critical", "normal", "low"]));
    let Some(word) = it.text("priority") else { return Priority::Normal };
    match word.to_lowercase().as_str() {
        "low" => Priority::Low,
        "normal" => Priority::Normal,
        "critical" => Priority::Critical,
        _ => {
            it.warn("priority", format!("\"{}\" is none of low, normal and critical: taken as normal", cut(&word)));
            Priority::Normal
        }
    }
}

/// The days of the week that a section lists; all where it lists none.
pub(super) fn days(it: &Section<'_>) -> Days {
    if !it.has("days") {
        return Days::ALL;
    }
    let mut days = Days([false; 7]);
    let listed = it.list("days");
    if listed.is_empty() && it.get("days").is_some_and(|entry| matches!(entry.value.kind, Kind::List(_))) {
        it.warn("days", "no day is listed: the schedule never runs");
    }
    for (path, node) in listed {
        it.book.note(&path, || Shape::Whole(DAY));
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked to be 1 to 7")]
        match whole_of(node).filter(|day| DAY.has(*day)) {
            Some(day) => days.0[day as usize - 1] = true,
            None => it.book.refuse(&node.place, &path, shown(node), "a day from 1 (Monday) to 7 (Sunday)"),
        }
    }
    days
}

fn dates(it: &Section<'_>) -> Option<(MonthDay, MonthDay)> {
    let section = it.section("dates")?;
    let read = |key| {
        if !section.has(key) {
            section.miss(key, "a day of the year, MM-DD");
        }
        let text = section.text(key)?;
        let day = month_day(&text);
        if day.is_none() {
            section.refuse(key, format!("\"{}\"", cut(&text)), "a day of the year, MM-DD from 01-01 to 12-31");
        }
        day
    };
    let dates = read("from").zip(read("to"));
    section.close();
    dates
}

fn month_day(text: &str) -> Option<MonthDay> {
    let (month, day) = text.split_once('-')?;
    let (month, day) = (two_digits(month)?, two_digits(day)?);
    // 2000 is a leap year: 29 February is a day of some years.
    civil::Date::new(2000, month, day).ok().map(|_| (month, day))
}

fn two_digits(text: &str) -> Option<i8> {
    let fits = (1..=2).contains(&text.len()) && text.bytes().all(|it| it.is_ascii_digit());
    text.parse().ok().filter(|_| fits)
}

/// A clock time; `6:0` is one, as it was in the seed.
fn clock(text: &str) -> Option<civil::Time> {
    let (hour, minute) = text.split_once(':')?;
    civil::Time::new(two_digits(hour)?, two_digits(minute)?, 0, 0).ok()
}

fn window(it: &Section<'_>) -> Option<(OnTime, OffTime)> {
    let all_day = it.switch("all_day").unwrap_or(false);
    let (on, off) = (spelling(it, ON), spelling(it, OFF));
    if all_day {
        [on, off].into_iter().flatten().for_each(|key| it.warn(key, "without effect beside `all_day: true`"));
        return None;
    }
    if on.is_none() {
        it.miss("on", "when the window opens: type time, sunrise, sunset or cron (or `all_day: true`)");
    }
    if off.is_none() {
        it.miss("off", "when the window closes: type time, sunrise, sunset or duration (or `all_day: true`)");
    }
    let opens = on.and_then(|key| it.section(key)).and_then(on_time);
    let closes = off.and_then(|key| it.section(key)).and_then(off_time);
    let (opens, closes) = opens.zip(closes)?;
    if let (OnTime::At(at), OffTime::At(until)) = (&opens, &closes)
        && at == until
    {
        let allowed = "an end other than the start; for the whole day write `all_day: true`";
        it.refuse(off.unwrap_or("off"), "the time at which the window opens: an empty window", allowed);
    }
    Some((opens, closes))
}

/// How this schedule writes a key. The usual spelling becomes known either way, so that a near miss can be told.
fn spelling(it: &Section<'_>, names: [&'static str; 5]) -> Option<&'static str> {
    let used = names.into_iter().find(|name| it.all().iter().any(|entry| entry.key == *name)).unwrap_or(names[0]);
    it.has(used).then_some(used)
}

fn on_time(it: Section<'_>) -> Option<OnTime> {
    let time = match kind(&it, &["time", "sunrise", "sunset", "cron"], "for `on`")? {
        "cron" => cron_value(&it).map(OnTime::Cron),
        kind => day_time(&it, kind).map(OnTime::At),
    };
    it.close();
    time
}

fn off_time(it: Section<'_>) -> Option<OffTime> {
    let time = match kind(&it, &["time", "sunrise", "sunset", "duration"], "for `off`")? {
        "duration" => {
            if !it.has("value") {
                it.miss("value", format!("a number of hours {HOURS_ON}"));
            }
            it.number("value", HOURS_ON).map(|value| OffTime::After(hours(value)))
        }
        kind => day_time(&it, kind).map(OffTime::At),
    };
    it.close();
    time
}

fn kind(it: &Section<'_>, kinds: &[&'static str], end: &str) -> Option<&'static str> {
    let allowed = format!("{} {end}", super::values::one_of(kinds));
    it.note("type", || Shape::OneOf(kinds.to_vec()));
    let Some(entry) = it.get("type") else {
        it.miss("type", allowed);
        return None;
    };
    let found = match &entry.value.kind {
        Kind::Text(word) => kinds.iter().find(|kind| *kind == word).copied(),
        _ => None,
    };
    if found.is_none() {
        let hint = match &entry.value.kind {
            Kind::Text(word) => nearest(word, kinds.iter().copied()),
            _ => None,
        };
        it.refuse_with("type", shown(&entry.value), allowed, hint);
    }
    found
}

fn cron_value(it: &Section<'_>) -> Option<String> {
    let allowed = "five fields (minute, hour, day, month, weekday) or six (second first), such as \"0 6 * * Mon-Fri\"";
    if !it.has("value") {
        it.miss("value", allowed);
    }
    let text = it.text("value")?;
    super::cron::normalised(&text)
        .map_err(|wrong| it.refuse("value", format!("{wrong} in \"{}\"", cut(&text)), allowed))
        .ok()
}

fn day_time(it: &Section<'_>, kind: &str) -> Option<DayTime> {
    if kind == "time" {
        return clock_at(it, "value").map(DayTime::Clock);
    }
    let event = if kind == "sunrise" { SunEvent::Sunrise } else { SunEvent::Sunset };
    let minutes = it.number("offset", OFFSET).unwrap_or_default();
    let bound = |key| {
        it.note(key, || Shape::Text);
        it.has(key).then(|| clock_at(it, key)).flatten()
    };
    let (not_before, not_after) = (bound("not_before"), bound("not_after"));
    if let Some((floor, ceiling)) = not_before.zip(not_after).filter(|(floor, ceiling)| floor > ceiling) {
        let time = |it: civil::Time| it.strftime("%H:%M").to_string();
        let allowed = format!("a time of day that is not before `not_before` ({})", time(floor));
        it.refuse("not_after", format!("\"{}\"", time(ceiling)), allowed);
    }
    let fallback = clock_at(it, "fallback")?;
    Some(DayTime::Sun { event, offset: seconds(minutes * 60.0), fallback, not_before, not_after })
}

/// A clock time that must be there.
pub(super) fn clock_at(it: &Section<'_>, key: &'static str) -> Option<civil::Time> {
    it.note(key, || Shape::Text);
    let Some(entry) = it.get(key) else {
        it.miss(key, CLOCK);
        return None;
    };
    let time = match &entry.value.kind {
        Kind::Text(text) => clock(text.trim()),
        _ => None,
    };
    if time.is_none() {
        it.refuse(key, shown(&entry.value), CLOCK);
    }
    time
}

fn conditions(it: Section<'_>, units: Units) -> Conditions {
    let conditions = Conditions {
        temperature_max: it.number("temperature_max", units.temperatures()).map(|it| units.celsius(it)),
        precipitation_active: it.switch("precipitation_active"),
        black_ice_risk: it.switch("black_ice_risk"),
    };
    it.close();
    conditions
}

/// Has a schedule conditions? Asked of the text, because a condition with a mistake in it still says what the group is for.
pub(super) fn is_conditional(node: &Node) -> bool {
    let conditions = node.entries().iter().find(|entry| entry.key == "conditions");
    conditions.is_some_and(|it| !it.value.entries().is_empty())
}
