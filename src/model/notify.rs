//! How people are told: by which ways, about what, and how urgently.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, civil::Time};

use super::{NoticeKind, Secret};

/// How urgently somebody should hear of something.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Good to know.
    #[default]
    Info,
    /// Something does not go as it should.
    Warning,
    /// Somebody has to look.
    Critical,
}

impl Severity {
    /// As the config writes it.
    pub const NAMES: [&'static str; 3] = ["info", "warning", "critical"];

    /// As the config and programs read it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Critical => "critical",
        }
    }

    /// By its name.
    pub fn of(name: &str) -> Option<Self> {
        [Self::Info, Self::Warning, Self::Critical].into_iter().find(|it| it.as_str() == name)
    }
}

/// A way to a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Channel {
    /// By SMTP.
    Email,
    /// An HTTP POST to an address of the user's own.
    Webhook,
    /// A push by ntfy.
    Ntfy,
}

impl Channel {
    /// All of them, in the order in which they are shown.
    pub const ALL: [Self; 3] = [Self::Email, Self::Webhook, Self::Ntfy];

    /// As the config and programs read it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Webhook => "webhook",
            Self::Ntfy => "ntfy",
        }
    }

    /// By its name.
    pub fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.as_str() == name)
    }
}

/// What people can be told of.
#[derive(Debug, PartialEq, Eq)]
pub struct AlertKind {
    /// `event_type` of a webhook, and the key below `routing`. Never changed once released.
    pub name: &'static str,
    /// A few words, for a subject.
    pub title: &'static str,
    /// How urgent it is.
    pub severity: Severity,
    /// Told where nobody says otherwise. What is not is told where `routing` asks for it.
    pub usual: bool,
    /// The notices that are told so. None where it is no notice of its own.
    pub kinds: &'static [NoticeKind],
}

const fn alert(
    name: &'static str,
    title: &'static str,
    severity: Severity,
    usual: bool,
    kinds: &'static [NoticeKind],
) -> AlertKind {
    AlertKind { name, title, severity, usual, kinds }
}

use NoticeKind as Kind;
use Severity::{Critical, Info, Warning};

/// Everything that people can be told of. Names that the first HeatTrax had are kept.
pub const ALERT_KINDS: &[AlertKind] = &[
    alert("switch_failed", "An outlet could not be switched", Warning, true, &[Kind::SwitchFailed]),
    alert("max_runtime", "The longest runtime was reached", Warning, true, &[Kind::MaxRuntime]),
    alert("cooldown", "A rest after a safety cut", Info, false, &[Kind::Cooldown]),
    alert("lockout", "A heater is locked off", Critical, true, &[Kind::Lockout]),
    alert("overheat", "A plug is too hot", Critical, true, &[Kind::Overheat]),
    alert("overload", "A plug is overloaded", Critical, true, &[Kind::Overload]),
    alert("relay_stuck", "A relay is stuck", Critical, true, &[Kind::RelayStuck]),
    alert("no_load", "A heater draws nothing", Warning, true, &[Kind::NoLoad]),
    alert("drift", "A heater draws another power than usual", Warning, true, &[Kind::Drift]),
    alert("fault_ended", "A fault is over", Info, true, &[Kind::FaultEnded]),
    alert("timer_not_armed", "No timer on the plug", Warning, true, &[Kind::TimerNotArmed]),
    alert("foreign_timer", "A foreign timer on a plug", Info, false, &[Kind::ForeignTimer]),
    alert("device_lost", "A device does not answer", Warning, true, &[Kind::DeviceLost]),
    alert("device_found", "A device answers again", Info, true, &[Kind::DeviceBack]),
    alert("device_ip_changed", "Another device answers", Critical, true, &[Kind::IdentityMismatch]),
    alert("weather_service_degraded", "The weather service is degraded", Warning, true, &[]),
    alert("weather_service_offline", "There is no weather to act on", Warning, true, &[]),
    alert("weather_service_recovered", "The weather service is back", Info, true, &[]),
    alert("weather_service_outage_alert", "The weather has been gone for long", Critical, true, &[]),
    alert(
        "weather_provider_changed",
        "Another weather provider",
        Info,
        false,
        &[Kind::WeatherDegraded, Kind::WeatherRecovered],
    ),
    alert("sources_disagree", "Forecasts disagree about ice", Info, false, &[Kind::SourcesDisagree]),
    alert("storm_ahead", "A storm is ahead", Info, true, &[Kind::StormAhead]),
    alert("forecast_summary", "Weather forecast", Info, true, &[]),
    alert("daily_summary", "Daily summary", Info, true, &[]),
    alert("startup_test", "The bridge has started", Info, true, &[]),
    alert("store_trouble", "A file of the memory", Warning, true, &[Kind::StoreTrouble]),
    alert("broker_refused", "The broker refuses", Warning, true, &[Kind::BrokerRefused]),
    alert("clock_stepped", "The clock was set", Info, false, &[Kind::ClockStepped]),
    alert("automation_paused", "Automation is paused", Info, false, &[Kind::AutomationPaused]),
    alert("automation_resumed", "Automation goes on", Info, false, &[Kind::AutomationResumed]),
    alert("switched", "An outlet was switched", Info, false, &[Kind::Switched]),
    alert("external_change", "Switched by hand", Info, false, &[Kind::ExternalChange]),
    alert("refused", "A command was refused", Info, false, &[Kind::Refused]),
    alert("bad_payload", "A command could not be read", Info, false, &[Kind::BadPayload, Kind::RetainedCommandIgnored]),
    alert("announcement_cleared", "An announcement was cleared", Info, false, &[Kind::AnnouncementCleared]),
    alert("search_done", "A search is over", Info, false, &[Kind::SearchDone]),
    alert("test", "A test", Info, true, &[]),
];

/// Names that the first HeatTrax routed, of what does not happen any more.
pub const RETIRED_ALERTS: [&str; 5] =
    ["weather_mode_enabled", "weather_mode_disabled", "device_changed", "connectivity_lost", "connectivity_restored"];

impl AlertKind {
    /// By its name.
    pub fn named(name: &str) -> Option<&'static Self> {
        ALERT_KINDS.iter().find(|it| it.name == name)
    }

    /// How a notice of this kind is told. `None` for what is for its asker alone.
    pub fn of(kind: NoticeKind) -> Option<&'static Self> {
        ALERT_KINDS.iter().find(|it| it.kinds.contains(&kind))
    }
}

/// The section `notifications`. A way that is not enabled is not there.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NotifySettings {
    /// Mail.
    pub email: Option<EmailSettings>,
    /// HTTP.
    pub webhook: Option<WebhookSettings>,
    /// Push.
    pub ntfy: Option<NtfySettings>,
    /// From which severity on each way is used, where `routing` is silent.
    pub at_least: BTreeMap<Channel, Severity>,
    /// What is told by a way whatever else holds (true), or never (false).
    pub routing: BTreeMap<&'static str, BTreeMap<Channel, bool>>,
    /// Of one event and one outlet, people hear at most once in this time. Zero: of each.
    pub limit: SignedDuration,
    /// From when to when in the local day only what is critical is told; the rest waits.
    pub quiet: Option<(Time, Time)>,
    /// When in the local day the summary is told.
    pub daily_summary: Option<Time>,
    /// Forecasts are told too.
    pub forecast: Option<ForecastNotices>,
    /// A device is told as lost when it has been away for so long.
    pub lost_after: SignedDuration,
    /// The weather is told as gone for long when there has been none to act on for so long.
    pub outage_after: SignedDuration,
    /// Say that the bridge has started.
    pub on_start: bool,
}

impl NotifySettings {
    /// The ways that are enabled.
    pub fn channels(&self) -> BTreeSet<Channel> {
        let there = |it: &Channel| match it {
            Channel::Email => self.email.is_some(),
            Channel::Webhook => self.webhook.is_some(),
            Channel::Ntfy => self.ntfy.is_some(),
        };
        Channel::ALL.into_iter().filter(there).collect()
    }

    /// Is this told by that way?
    pub fn routes(&self, alert: &AlertKind, severity: Severity, channel: Channel) -> bool {
        let said = self.routing.get(alert.name).and_then(|it| it.get(&channel));
        let at_least = self.at_least.get(&channel).copied().unwrap_or_default();
        // One that is listed, but not for this way, is told by it, as the first HeatTrax did.
        let usual = alert.usual || self.routing.contains_key(alert.name);
        said.copied().unwrap_or(usual && severity >= at_least)
    }
}

/// How the line to the mail server is secured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MailTls {
    /// Begun in the open, then secured; what cannot be secured is not used.
    #[default]
    StartTls,
    /// From the first byte, as on port 465.
    Implicit,
    /// Not at all.
    None,
}

/// Mail by SMTP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EmailSettings {
    /// Name or address of the server.
    pub host: String,
    /// Default 587.
    pub port: u16,
    /// How the line is secured.
    pub tls: MailTls,
    /// An authority beside those of the machine.
    pub ca_file: Option<std::path::PathBuf>,
    /// Name and password, for servers that ask for them.
    pub login: Option<(String, Secret)>,
    /// Who it is from.
    pub from: String,
    /// Who gets it. Not empty.
    pub to: Vec<String>,
}

/// An address of the user's own that is told by HTTP POST.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebhookSettings {
    /// `http://` or `https://`; it may hold a token, so it is a secret.
    pub url: Secret,
    /// Further headers; they may hold tokens.
    pub headers: Vec<(String, Secret)>,
}

/// Push by ntfy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NtfySettings {
    /// `https://ntfy.sh`, or one's own; without a topic.
    pub server: String,
    /// Who knows it reads along, so it is a secret.
    pub topic: Secret,
    /// For servers that ask for one.
    pub token: Option<Secret>,
    /// Further tags.
    pub tags: Vec<String>,
}

/// When forecasts are told.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ForecastNotices {
    /// Each one, however alike.
    pub always: bool,
    /// In kelvin: any hour of the next day is warmer or colder by so much than was told.
    pub temperature_change: f64,
    /// In mm: the precipitation of the next day is more or less by so much than was told.
    pub precipitation_change: f64,
}
