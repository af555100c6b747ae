//! Everything that can happen, in the past tense, and what people hear about.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::{Command, Forecast, Housing, OutletId, Report, Slug, Station, Switch, Trouble};

/// A fact. The hub records it together with the time at which it arrived.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// A device was connected to and has said what it is (again: at each connect, and when it changes).
    DeviceIdentified {
        /// Which device of the config.
        device: Slug,
        /// What it said.
        housing: Arc<Housing>,
    },
    /// A device reported its sockets.
    DeviceReported {
        /// Which device of the config.
        device: Slug,
        /// One report a socket.
        reports: Vec<Report>,
        /// Wi-Fi signal in dBm, if it was asked for.
        rssi: Option<i16>,
    },
    /// A device does not answer, or not as it should.
    DeviceLost {
        /// Which device of the config.
        device: Slug,
        /// Why, in words.
        trouble: Trouble,
    },
    /// An attempt to switch failed; the device's task goes on trying.
    SwitchFailed {
        /// Which outlet.
        outlet: OutletId,
        /// The position that was wanted.
        wanted: Switch,
        /// Why, in words.
        trouble: Trouble,
    },
    /// Something about the timers on a plug that somebody should know.
    TimerNoticed {
        /// Which outlet.
        outlet: OutletId,
        /// Whose timer.
        concern: TimerConcern,
        /// In words.
        text: String,
    },
    /// A plug that is being lost may hold another countdown than the one that it has confirmed, or none: it was being set anew.
    TimerDoubted {
        /// Which outlet.
        outlet: OutletId,
    },
    /// A plug's lasting auto-off timer is set as the bridge wants it.
    AutoOffSet {
        /// Which outlet.
        outlet: OutletId,
        /// It opens the relay after so many minutes.
        minutes: u32,
    },
    /// A forecast arrived, or the cached one was read.
    WeatherObserved(Arc<Forecast>),
    /// A forecast of a second source arrived.
    SecondOpinion(Arc<Forecast>),
    /// Every provider failed.
    WeatherLost {
        /// Why, in words.
        trouble: Trouble,
    },
    /// A station near the house measured.
    StationReported(Station),
    /// A person asked.
    Commanded(Command),
    /// Somebody wants a device to be looked at afresh.
    LookAsked {
        /// Which device of the config.
        device: Slug,
    },
    /// Somebody wants the light on a housing on or off.
    LedAsked {
        /// Which device of the config.
        device: Slug,
        /// In use, or dark?
        on: bool,
    },
    /// The broker accepted us.
    BrokerConnected,
    /// The broker is gone.
    BrokerLost {
        /// Why, in words.
        trouble: Trouble,
    },
    /// The wall clock was set: it moved by this much against the steady clock.
    ClockStepped(SignedDuration),
    /// A deadline of a decision, or the heartbeat.
    DeadlinePassed,
    /// The bridge was told to stop: heaters without a timer on the plug must not outlive it.
    Stopping,
}

/// What is the matter with a timer on a plug.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimerConcern {
    /// Ours could not be armed.
    NotArmed,
    /// There is one that we have not armed.
    Foreign,
}

/// Something that a person or another program should hear about. Published on `bridge/event`.
#[derive(Clone, Debug, PartialEq)]
pub struct Notice {
    /// When.
    pub at: Timestamp,
    /// What kind of thing.
    pub kind: NoticeKind,
    /// The device concerned.
    pub device: Option<Slug>,
    /// The outlet concerned (its device is also in `device`).
    pub slot: Option<u8>,
    /// The group concerned.
    pub group: Option<Slug>,
    /// A sentence.
    pub message: String,
    /// Further facts for programs: key and value.
    pub detail: Vec<(&'static str, String)>,
    /// The command that this answers, by the number that its shell gave it.
    pub ticket: Option<u64>,
}

/// A further fact of a refusal: the command had been taken, and a newer one has taken its place. Sent again it is no new one.
pub const OVERTAKEN: &str = "overtaken_by";

impl Notice {
    /// A notice about the house as a whole.
    pub fn new(at: Timestamp, kind: NoticeKind, message: impl Into<String>) -> Self {
        Self {
            at,
            kind,
            device: None,
            slot: None,
            group: None,
            message: message.into(),
            detail: Vec::new(),
            ticket: None,
        }
    }

    /// About a device.
    #[must_use]
    pub fn about_device(mut self, device: &Slug) -> Self {
        self.device = Some(device.clone());
        self
    }

    /// About an outlet.
    #[must_use]
    pub fn about_outlet(mut self, outlet: &OutletId) -> Self {
        self.device = Some(outlet.device.clone());
        self.slot = Some(outlet.slot);
        self
    }

    /// About a group.
    #[must_use]
    pub fn about_group(mut self, group: Option<&Slug>) -> Self {
        self.group = group.cloned();
        self
    }

    /// The answer to a command.
    #[must_use]
    pub fn answering(mut self, ticket: Option<u64>) -> Self {
        self.ticket = ticket;
        self
    }

    /// With a further fact.
    #[must_use]
    pub fn with(mut self, key: &'static str, value: impl Into<String>) -> Self {
        self.detail.push((key, value.into()));
        self
    }
}

/// The kinds of notices: the contract's `event_type`, and [`Self::Answered`], which is for the asker alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoticeKind {
    /// A command was followed: said to its shell only, neither published nor logged.
    Answered,
    /// All rules were told to be silent for a while.
    AutomationPaused,
    /// The rules speak again.
    AutomationResumed,
    /// An outlet reported a new position.
    Switched,
    /// An outlet could not be switched within the deadline.
    SwitchFailed,
    /// A command was understood but not followed.
    Refused,
    /// A command could not be read.
    BadPayload,
    /// A command with the RETAIN flag was refused and cleared.
    RetainedCommandIgnored,
    /// The longest runtime was reached.
    MaxRuntime,
    /// A rest after a safety cut began.
    Cooldown,
    /// The device raised its overheat flag.
    Overheat,
    /// The device raised its overload or overcurrent flag.
    Overload,
    /// A heater is on and draws nothing.
    NoLoad,
    /// An outlet does not go off, or power flows although it says so.
    RelayStuck,
    /// A heater draws another power than usual.
    Drift,
    /// What the meter showed is over.
    FaultEnded,
    /// A fault has locked a heater off until somebody acknowledges it.
    Lockout,
    /// Two sources, or a code and an amount, disagree about ice: ice is assumed.
    SourcesDisagree,
    /// A storm is foreseen, and heating for it is planned.
    StormAhead,
    /// No timer on the plug could be armed for a heater.
    TimerNotArmed,
    /// There is a timer on the plug that the bridge has not armed.
    ForeignTimer,
    /// The plug's button or the vendor's app switched an outlet.
    ExternalChange,
    /// A device does not answer.
    DeviceLost,
    /// A device answers again.
    DeviceBack,
    /// Another device answers at the address.
    IdentityMismatch,
    /// The forecast is gone or stale.
    WeatherDegraded,
    /// The forecast is back.
    WeatherRecovered,
    /// The wall clock was set.
    ClockStepped,
    /// A file of the bridge's memory was damaged and set aside, or cannot be written.
    StoreTrouble,
    /// Somebody else has cleared an announcement to Home Assistant.
    AnnouncementCleared,
    /// The broker does not let us publish or subscribe, or takes no message of that size.
    BrokerRefused,
    /// A search for devices that somebody asked for is over.
    SearchDone,
}

impl NoticeKind {
    /// Every kind, for Home Assistant's list of event types.
    pub const ALL: [Self; 31] = [
        Self::Switched,
        Self::SwitchFailed,
        Self::Refused,
        Self::BadPayload,
        Self::RetainedCommandIgnored,
        Self::MaxRuntime,
        Self::Cooldown,
        Self::Overheat,
        Self::Overload,
        Self::NoLoad,
        Self::RelayStuck,
        Self::Drift,
        Self::FaultEnded,
        Self::Lockout,
        Self::SourcesDisagree,
        Self::StormAhead,
        Self::TimerNotArmed,
        Self::ForeignTimer,
        Self::ExternalChange,
        Self::DeviceLost,
        Self::DeviceBack,
        Self::IdentityMismatch,
        Self::WeatherDegraded,
        Self::WeatherRecovered,
        Self::ClockStepped,
        Self::StoreTrouble,
        Self::AutomationPaused,
        Self::AutomationResumed,
        Self::AnnouncementCleared,
        Self::BrokerRefused,
        Self::SearchDone,
    ];

    /// The `event_type`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Switched => "switched",
            Self::SwitchFailed => "switch_failed",
            Self::Refused => "refused",
            Self::BadPayload => "bad_payload",
            Self::RetainedCommandIgnored => "retained_command_ignored",
            Self::MaxRuntime => "max_runtime",
            Self::Cooldown => "cooldown",
            Self::Overheat => "overheat",
            Self::Overload => "overload",
            Self::NoLoad => "no_load",
            Self::RelayStuck => "relay_stuck",
            Self::Drift => "drift",
            Self::FaultEnded => "fault_ended",
            Self::Lockout => "lockout",
            Self::SourcesDisagree => "sources_disagree",
            Self::StormAhead => "storm_ahead",
            Self::TimerNotArmed => "timer_not_armed",
            Self::ForeignTimer => "foreign_timer",
            Self::ExternalChange => "external_change",
            Self::DeviceLost => "device_lost",
            Self::DeviceBack => "device_back",
            Self::IdentityMismatch => "identity_mismatch",
            Self::WeatherDegraded => "weather_degraded",
            Self::WeatherRecovered => "weather_recovered",
            Self::ClockStepped => "clock_stepped",
            Self::StoreTrouble => "store_trouble",
            Self::Answered => "answered",
            Self::AutomationPaused => "automation_paused",
            Self::AutomationResumed => "automation_resumed",
            Self::AnnouncementCleared => "announcement_cleared",
            Self::BrokerRefused => "broker_refused",
            Self::SearchDone => "search_done",
        }
    }

    /// Should a person who reads only warnings see it?
    pub fn is_warning(self) -> bool {
        !matches!(
            self,
            Self::Switched
                | Self::Answered
                | Self::AutomationPaused
                | Self::AutomationResumed
                | Self::ExternalChange
                | Self::DeviceBack
                | Self::FaultEnded
                | Self::WeatherRecovered
                | Self::ClockStepped
                | Self::SourcesDisagree
                | Self::StormAhead
        )
    }
}
