//! A schedule as a person wrote it.

use jiff::{SignedDuration, civil};

use super::Celsius;

/// How the schedule is called that a group's `automation` with `precipitation_control` is read as.
pub const FROM_PRECIPITATION: &str = "Precipitation (from automation)";
/// The same of `morning_mode`.
pub const FROM_MORNING: &str = "Morning mode (from automation)";

/// Who wins when several schedules speak at once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Priority {
    /// Below the others.
    Low,
    /// The default.
    #[default]
    Normal,
    /// Above the others.
    Critical,
}

impl Priority {
    /// As the config writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Normal => "normal",
            Self::Critical => "critical",
        }
    }
}

/// Days of the week, ISO: 1 is Monday, 7 is Sunday.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Days(pub [bool; 7]);

impl Days {
    /// Every day.
    pub const ALL: Self = Self([true; 7]);

    /// Does it hold `day`?
    pub fn has(self, day: civil::Weekday) -> bool {
        let at = usize::try_from(day.to_monday_zero_offset()).unwrap_or_default();
        self.0[at]
    }
}

/// Sunrise or sunset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SunEvent {
    /// The upper limb appears.
    Sunrise,
    /// The upper limb vanishes.
    Sunset,
}

/// A time of a day: by the clock or by the sun.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum DayTime {
    /// Local wall-clock time.
    Clock(civil::Time),
    /// A sun event of that local date, moved by `offset`; `fallback` where the sun neither rises nor sets.
    Sun {
        /// Which event.
        event: SunEvent,
        /// -180 to 180 minutes.
        offset: SignedDuration,
        /// Local wall-clock time for polar days and nights, without the offset.
        fallback: civil::Time,
        /// Not before this local wall-clock time of that date. The fallback is not bound by it.
        not_before: Option<civil::Time>,
        /// Not after this local wall-clock time of that date, nor before `not_before`. The fallback is not bound by it.
        not_after: Option<civil::Time>,
    },
}

/// When a window opens.
#[derive(Clone, Debug, PartialEq)]
pub enum OnTime {
    /// Every day that the schedule lists.
    At(DayTime),
    /// At each time of a cron expression with six fields (seconds first), in local time.
    Cron(String),
}

/// When a window closes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum OffTime {
    /// At that time of the date on which the window opened, or of the next date if the time is usually before the opening (a sun
    /// time by its fallback and offset). Times that are equal, and a sun time that is before the opening on that day, make the
    /// window empty.
    At(DayTime),
    /// That long after it opened, in elapsed time: above 0, at most 168 h.
    After(SignedDuration),
}

/// What the weather must be for the schedule to speak. All that are given must hold.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Conditions {
    /// Air at most this warm (inclusive).
    pub temperature_max: Option<Celsius>,
    /// Precipitation now, ahead within the lead time, or past within the trailing time: wanted, or its absence.
    pub precipitation_active: Option<bool>,
    /// The black-ice rule of the thresholds: wanted, or its absence.
    pub black_ice_risk: Option<bool>,
}

impl Conditions {
    /// Is there none?
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// A schedule of a group: windows in which its outlets are wanted on.
#[derive(Clone, Debug, PartialEq)]
pub struct Schedule {
    /// Shown to people.
    pub name: String,
    /// Silent when false.
    pub enabled: bool,
    /// Who wins when several speak.
    pub priority: Priority,
    /// The days on which windows open. A window belongs to the day it opens on, past midnight too.
    pub days: Days,
    /// First and last day of the year (inclusive, may wrap over New Year) on which windows open.
    pub dates: Option<(MonthDay, MonthDay)>,
    /// Dates, first and last, on which no window opens whatever the rest says (`except`).
    pub except: Vec<(civil::Date, civil::Date)>,
    /// Dates on which a window opens although the days and the season do not list them (`also`).
    pub also: Vec<civil::Date>,
    /// `None` for `all_day`: from midnight to midnight.
    pub window: Option<(OnTime, OffTime)>,
    /// The weather that it asks for.
    pub conditions: Conditions,
    /// The longest time on under this schedule; the global one where `None`.
    pub longest_on: Option<SignedDuration>,
    /// The rest after a safety cut under this schedule; the global one where `None`.
    pub rest: Option<SignedDuration>,
}

/// A day of any year: month 1 to 12, day 1 to 31.
pub type MonthDay = (i8, i8);
