//! What is wanted of an outlet: the word that people see, who speaks, and what comes of it.

use jiff::Timestamp;

use super::{Reason, Switch};

/// The state that people see, one word.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// Nothing asks for it.
    #[default]
    Idle,
    /// A schedule asks for it.
    Schedule,
    /// Frozen precipitation is forecast: the surface is made warm for it.
    Preheat,
    /// Frozen precipitation falls, or lies.
    Melt,
    /// It has ended: the surface is dried.
    AfterRun,
    /// Frost, or water that would freeze.
    FrostGuard,
    /// Something asks for it, but it has to wait.
    Pending,
    /// Too warm for ice.
    TooWarm,
    /// Too cold to melt.
    TooCold,
    /// A person wants it on.
    ManualOn,
    /// A person wants it off.
    ManualOff,
    /// Everybody is away.
    Vacation,
    /// A person has told all rules to be silent for a while.
    Paused,
    /// Resting after a safety cut.
    Cooldown,
    /// The plug has raised a fault flag.
    Lockout,
    /// The config is absent or wrong: nothing is switched.
    Setup,
}

impl Mode {
    /// Every mode that is published: Home Assistant's enum must know them all.
    pub const NAMES: [&'static str; 16] = [
        "idle",
        "preheat",
        "melt",
        "after_run",
        "frost_guard",
        "pending",
        "too_warm",
        "too_cold",
        "manual_on",
        "manual_off",
        "vacation",
        "cooldown",
        "lockout",
        "schedule",
        "setup",
        "paused",
    ];

    /// As published.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::Schedule => "schedule",
            Self::Preheat => "preheat",
            Self::Melt => "melt",
            Self::AfterRun => "after_run",
            Self::FrostGuard => "frost_guard",
            Self::Pending => "pending",
            Self::TooWarm => "too_warm",
            Self::TooCold => "too_cold",
            Self::ManualOn => "manual_on",
            Self::ManualOff => "manual_off",
            Self::Vacation => "vacation",
            Self::Cooldown => "cooldown",
            Self::Lockout => "lockout",
            Self::Setup => "setup",
            Self::Paused => "paused",
        }
    }
}

/// Who speaks about an outlet, most important first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VoiceName {
    /// A person has taken the outlet out of service.
    ControlOff,
    /// Longest runtime, and the rest after it.
    Safety,
    /// A person's wish, always with an end.
    Wish,
    /// Everybody is away.
    Vacation,
    /// All rules are silent for a while.
    Pause,
    /// Storm heating and frost guard.
    Melt,
    /// Schedules and weather.
    Schedule,
}

impl VoiceName {
    /// As published.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ControlOff => "control",
            Self::Safety => "safety",
            Self::Wish => "wish",
            Self::Vacation => "vacation",
            Self::Pause => "pause",
            Self::Melt => "melt",
            Self::Schedule => "schedule",
        }
    }
}

/// What one voice says.
#[derive(Clone, Debug, PartialEq)]
pub struct Opinion {
    /// Who speaks.
    pub voice: VoiceName,
    /// What it wishes; `None` when it is silent.
    pub wish: Option<Switch>,
    /// Why it wishes that, or why it is silent although it could have spoken.
    pub reason: Option<Reason>,
    /// When it will change its mind if nothing else happens.
    pub changes_at: Option<Timestamp>,
}

impl Opinion {
    /// A voice with nothing to say, now and until something happens.
    pub fn silent(voice: VoiceName) -> Self {
        Self { voice, wish: None, reason: None, changes_at: None }
    }
}

/// The next change that is due if nothing else happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change {
    /// When.
    pub at: Timestamp,
    /// To what.
    pub switch: Switch,
}

/// What is wanted of an outlet, and why.
#[derive(Clone, Debug, PartialEq)]
pub struct Decision {
    /// The position that is wanted.
    pub switch: Switch,
    /// Why.
    pub reason: Reason,
    /// Since when this position is wanted for this kind of reason.
    pub since: Timestamp,
    /// When the winning voice's wish ends by itself.
    pub until: Option<Timestamp>,
    /// The earliest instant at which any voice could change its mind by itself.
    pub review_at: Option<Timestamp>,
    /// The next change of position, if nothing else happens.
    pub next: Option<Change>,
    /// Every voice, most important first.
    pub opinions: Vec<Opinion>,
}

impl Decision {
    /// The word that people see.
    pub fn mode(&self) -> Mode {
        self.reason.mode()
    }
}
