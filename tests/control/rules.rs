//! Schedules, as a person would write them.

use heattrax::model::{Celsius, Conditions, DayTime, Days, OffTime, OnTime, Priority, Schedule, SunEvent};
use jiff::SignedDuration;

use crate::home::*;

/// A schedule by clock times; `24:00` and later are not times.
pub fn daily(on: &str, off: &str) -> Schedule {
    window(OnTime::At(clock(on)), OffTime::At(clock(off)))
}

pub fn lasting(on: &str, length: SignedDuration) -> Schedule {
    window(OnTime::At(clock(on)), OffTime::After(length))
}

pub fn cron(expression: &str, off: OffTime) -> Schedule {
    window(OnTime::Cron(expression.to_owned()), off)
}

pub fn all_day() -> Schedule {
    Schedule { window: None, ..window(OnTime::At(clock("00:00")), OffTime::At(clock("00:00"))) }
}

pub fn window(on: OnTime, off: OffTime) -> Schedule {
    Schedule {
        name: "rule".to_owned(),
        enabled: true,
        priority: Priority::Normal,
        days: Days::ALL,
        dates: None,
        except: Vec::new(),
        also: Vec::new(),
        window: Some((on, off)),
        conditions: Conditions::default(),
        longest_on: None,
        rest: None,
    }
}

pub fn clock(text: &str) -> DayTime {
    DayTime::Clock(time(text))
}

pub fn sunrise(offset: i64, fallback: &str) -> DayTime {
    DayTime::Sun {
        event: SunEvent::Sunrise,
        offset: minutes(offset),
        fallback: time(fallback),
        not_before: None,
        not_after: None,
    }
}

pub fn sunset(offset: i64, fallback: &str) -> DayTime {
    DayTime::Sun {
        event: SunEvent::Sunset,
        offset: minutes(offset),
        fallback: time(fallback),
        not_before: None,
        not_after: None,
    }
}

pub fn between(on: DayTime, off: DayTime) -> Schedule {
    window(OnTime::At(on), OffTime::At(off))
}

/// What a person writes behind a schedule.
pub trait But: Sized {
    fn named(self, name: &str) -> Self;
    fn on_days(self, days: &[usize]) -> Self;
    fn of_dates(self, from: (i8, i8), to: (i8, i8)) -> Self;
    fn with_priority(self, priority: Priority) -> Self;
    fn disabled(self) -> Self;
    fn if_at_most(self, fahrenheit: f64) -> Self;
    fn if_precipitation(self, wanted: bool) -> Self;
    fn if_black_ice(self, wanted: bool) -> Self;
    fn at_most_on(self, longest: SignedDuration) -> Self;
    fn rests(self, rest: SignedDuration) -> Self;
}

impl But for Schedule {
    fn named(mut self, name: &str) -> Self {
        self.name = name.to_owned();
        self
    }

    fn on_days(mut self, days: &[usize]) -> Self {
        self.days = Days(std::array::from_fn(|at| days.contains(&(at + 1))));
        self
    }

    fn of_dates(mut self, from: (i8, i8), to: (i8, i8)) -> Self {
        self.dates = Some((from, to));
        self
    }

    fn with_priority(mut self, priority: Priority) -> Self {
        self.priority = priority;
        self
    }

    fn disabled(mut self) -> Self {
        self.enabled = false;
        self
    }

    fn if_at_most(mut self, fahrenheit: f64) -> Self {
        self.conditions.temperature_max = Some(Celsius::from_fahrenheit(fahrenheit));
        self
    }

    fn if_precipitation(mut self, wanted: bool) -> Self {
        self.conditions.precipitation_active = Some(wanted);
        self
    }

    fn if_black_ice(mut self, wanted: bool) -> Self {
        self.conditions.black_ice_risk = Some(wanted);
        self
    }

    fn at_most_on(mut self, longest: SignedDuration) -> Self {
        self.longest_on = Some(longest);
        self
    }

    fn rests(mut self, rest: SignedDuration) -> Self {
        self.rest = Some(rest);
        self
    }
}
