//! Why a voice says what it says, in types and in words.

use std::fmt;

use jiff::{SignedDuration, Timestamp};

use super::{Celsius, End, Fault, Hazard, Ice, Mode, Origin, Switch};

/// What something waits for.
#[derive(Clone, Debug, PartialEq)]
pub enum Wait {
    /// The relay has only just been switched off.
    LeastOff,
    /// Energy is expensive.
    Expensive {
        /// The tariff's window.
        window: String,
    },
    /// The circuit carries as much as it may.
    Circuit {
        /// Its name.
        name: String,
        /// What it may carry, in A.
        amps: f64,
    },
}

/// Why a voice says what it says, or why it is silent. `Display` is a sentence for people.
#[derive(Clone, Debug, PartialEq)]
pub enum Reason {
    /// A person has set control to off.
    ControlOff,
    /// It has been on for as long as is allowed.
    OnTooLong {
        /// How long it was on.
        ran: SignedDuration,
        /// The limit that it reached.
        limit: SignedDuration,
    },
    /// It rests after a safety cut. `until` is `None` as long as the outlet has not been seen off.
    Resting {
        /// When the rest ends.
        until: Option<Timestamp>,
    },
    /// The plug has raised a fault flag, and what hangs on it heats. Somebody has to acknowledge it.
    Faulty {
        /// Which.
        fault: Fault,
        /// Somebody has, but the plug still shows a flag that nobody can switch against.
        acknowledged: bool,
    },
    /// It is, or will be, icy.
    Icy {
        /// One of preheat, melt, after_run and frost_guard.
        mode: Mode,
        /// What makes it so, from when to when, and by which figures.
        ice: Ice,
    },
    /// Rules switched it on a moment ago; the relay is spared.
    LeastOn,
    /// The weather has become unknown: what was decided is kept for a while.
    Held,
    /// No ice is foreseen.
    NoIce {
        /// The next that is, and when heating for it begins.
        next: Option<(Hazard, Timestamp)>,
    },
    /// Nobody knows whether it will be icy.
    IceUnknown {
        /// What is unknown, in words.
        what: String,
    },
    /// Warm weather shut-down.
    TooWarm {
        /// The air.
        air: Celsius,
        /// The limit.
        limit: Celsius,
    },
    /// Cold weather cut-out.
    TooCold {
        /// The air.
        air: Celsius,
        /// The wind in m/s, where it counts.
        wind: Option<f64>,
    },
    /// Something asks for it, but it has to wait.
    Waits {
        /// For what.
        wait: Wait,
    },
    /// The clock shows a time that cannot be.
    ClockNotTrusted,
    /// A person asked.
    Wished {
        /// For what.
        switch: Switch,
        /// Through what.
        origin: Origin,
        /// Until when.
        end: End,
        /// Why, in the person's own words.
        words: Option<String>,
    },
    /// A person has told all rules to be silent for a while.
    Paused {
        /// Until when.
        until: Timestamp,
    },
    /// Everybody is away.
    Vacation,
    /// A schedule asks for it.
    Schedule {
        /// The winning schedule.
        name: String,
        /// When its window closes; `None` if it never does.
        until: Option<Timestamp>,
        /// Others that ask for the same.
        also: Vec<String>,
    },
    /// A schedule's window is open, but what it asks of the weather is not so.
    ConditionNotMet {
        /// The schedule.
        name: String,
        /// What is missing, in words.
        what: String,
    },
    /// A schedule's window is open, but nobody knows whether the weather is as it asks.
    WeatherUnknown {
        /// The schedule.
        name: String,
        /// What is unknown, in words.
        what: String,
    },
    /// The group is switched off in the config.
    GroupDisabled,
    /// The bridge stops, and no timer on the plug would end the heat.
    Stopping,
    /// No voice has a wish.
    NothingAsks,
    /// The config is absent or wrong.
    Setup,
}

impl Reason {
    /// One word for programs.
    pub fn key(&self) -> &'static str {
        match self {
            Self::ControlOff => "control_off",
            Self::OnTooLong { .. } => "max_runtime",
            Self::Resting { .. } => "cooldown",
            Self::Faulty { .. } => "lockout",
            Self::Icy { ice, .. } => ice.hazard.key(),
            Self::LeastOn => "least_on",
            Self::Held => "held",
            Self::NoIce { .. } => "no_ice",
            Self::IceUnknown { .. } => "weather_unknown",
            Self::TooWarm { .. } => "too_warm",
            Self::TooCold { .. } => "too_cold",
            Self::Waits { wait: Wait::LeastOff } => "least_off",
            Self::Waits { wait: Wait::Expensive { .. } } => "expensive_hours",
            Self::Waits { wait: Wait::Circuit { .. } } => "circuit_full",
            Self::ClockNotTrusted => "clock_not_trusted",
            Self::Wished { switch: Switch::On, .. } => "manual_on",
            Self::Wished { switch: Switch::Off, .. } => "manual_off",
            Self::Vacation => "vacation",
            Self::Paused { .. } => "paused",
            Self::Schedule { .. } => "schedule",
            Self::ConditionNotMet { .. } => "condition_not_met",
            Self::WeatherUnknown { .. } => "weather_unknown",
            Self::GroupDisabled => "group_disabled",
            Self::Stopping => "stopping",
            Self::NothingAsks => "nothing_asks",
            Self::Setup => "setup",
        }
    }

    /// The word that people see for an outlet that is decided by this reason.
    pub fn mode(&self) -> Mode {
        match self {
            Self::ControlOff | Self::Wished { switch: Switch::Off, .. } => Mode::ManualOff,
            Self::Wished { switch: Switch::On, .. } => Mode::ManualOn,
            Self::OnTooLong { .. } | Self::Resting { .. } => Mode::Cooldown,
            Self::Faulty { .. } => Mode::Lockout,
            Self::Vacation => Mode::Vacation,
            Self::Paused { .. } => Mode::Paused,
            Self::Schedule { .. } => Mode::Schedule,
            Self::Icy { mode, .. } => *mode,
            Self::LeastOn | Self::Held => Mode::AfterRun,
            Self::TooWarm { .. } => Mode::TooWarm,
            Self::TooCold { .. } => Mode::TooCold,
            Self::Waits { .. } => Mode::Pending,
            Self::NoIce { .. }
            | Self::IceUnknown { .. }
            | Self::ClockNotTrusted
            | Self::ConditionNotMet { .. }
            | Self::WeatherUnknown { .. }
            | Self::GroupDisabled
            | Self::Stopping
            | Self::NothingAsks => Mode::Idle,
            Self::Setup => Mode::Setup,
        }
    }
}

/// What a mode puts before the ice that it is about.
fn before(mode: Mode) -> &'static str {
    match mode {
        Mode::Preheat => "made warm for ",
        Mode::AfterRun => "dries after ",
        _ => "",
    }
}

/// Hours and minutes, as a person says it.
fn spoken(duration: SignedDuration) -> String {
    let minutes = (duration.as_secs() + 30) / 60;
    match (minutes / 60, minutes % 60) {
        (0, minutes) => format!("{minutes} min"),
        (hours, 0) => format!("{hours} h"),
        (hours, minutes) => format!("{hours} h {minutes} min"),
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ControlOff => write!(f, "control is set to off"),
            Self::OnTooLong { ran, limit } => {
                write!(f, "on for {}, the longest allowed is {}", spoken(*ran), spoken(*limit))
            }
            Self::Resting { until: Some(_) } => write!(f, "resting after a safety cut"),
            Self::Resting { until: None } => write!(f, "resting after a safety cut, once it has been seen off"),
            Self::Faulty { fault, acknowledged } => {
                let words = fault.words();
                match acknowledged {
                    false => write!(f, "locked off until somebody acknowledges it: {words}"),
                    true => write!(f, "off for as long as this is so: {words}"),
                }
            }
            Self::Wished { switch, origin, words: None, .. } => write!(f, "{switch} asked by {}", origin.words()),
            Self::Wished { switch, origin, words: Some(words), .. } => {
                write!(f, "{switch} asked by {}: {words}", origin.words())
            }
            Self::Paused { until } => write!(f, "automation is paused until {until:.0}"),
            Self::Icy { mode, ice } => write!(f, "{}{ice}", before(*mode)),
            Self::LeastOn => write!(f, "rules have only just switched it on: the relay is spared"),
            Self::Held => write!(f, "the weather has become unknown: kept on for a while"),
            Self::NoIce { next: None } => write!(f, "no ice is foreseen"),
            Self::NoIce { next: Some((hazard, _)) } => write!(f, "no ice near; next: {}", hazard.words()),
            Self::IceUnknown { what } => write!(f, "nobody knows whether it will be icy: {what} is unknown"),
            Self::TooWarm { air, limit } => write!(f, "too warm for ice: {air}, the limit is {limit}"),
            Self::TooCold { air, wind: Some(wind) } => {
                write!(f, "too cold to melt: {air} and {wind:.0} m/s of wind take more than the mat gives")
            }
            Self::TooCold { air, wind: None } => write!(f, "too cold to melt: {air}"),
            Self::Waits { wait: Wait::LeastOff } => write!(f, "waits: the relay has only just been switched off"),
            Self::Waits { wait: Wait::Expensive { window } } => write!(f, "waits for the end of `{window}`"),
            Self::Waits { wait: Wait::Circuit { name, amps } } => {
                write!(f, "waits: circuit `{name}` carries as much as its {amps} A allow")
            }
            Self::ClockNotTrusted => write!(f, "rules are silent until the clock is right"),
            Self::Vacation => write!(f, "vacation"),
            Self::Schedule { name, also, .. } if also.is_empty() => write!(f, "schedule `{name}` is active"),
            Self::Schedule { name, also, .. } => {
                write!(f, "schedule `{name}` is active, also active: {}", also.join(", "))
            }
            Self::ConditionNotMet { name, what } => write!(f, "schedule `{name}` waits: {what}"),
            Self::WeatherUnknown { name, what } => write!(f, "schedule `{name}` is silent: {what} is unknown"),
            Self::GroupDisabled => write!(f, "the group is disabled in the config"),
            Self::Stopping => write!(f, "the bridge stops, and no timer on the plug would end the heat"),
            Self::NothingAsks => write!(f, "nothing asks for it"),
            Self::Setup => write!(f, "setup mode: the config is absent or wrong, nothing is switched"),
        }
    }
}
