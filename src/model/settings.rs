//! Valid settings: what the config file, the environment and the command line come down to.

use std::{collections::BTreeMap, fmt, path::PathBuf, sync::Arc, time::Duration};

use jiff::{SignedDuration, tz::TimeZone};

use super::{
    Celsius, Circuit, HistorySettings, HomeAssistantSettings, Mac, Melt, NotifySettings, OutletId, ProviderSettings,
    Schedule, Slug, StationTopic, Tariff, WebSettings,
};

/// A secret. It cannot be printed, logged or serialised by accident.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Secret(String);

impl Secret {
    /// Wraps it.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The only way to read it: to be called where it is handed to the protocol.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("********")
    }
}

/// Everything.
#[derive(Clone, Debug)]
pub struct Settings {
    /// What decisions depend on.
    pub control: Arc<ControlSettings>,
    /// Every device, in the config's order.
    pub devices: Vec<DeviceSettings>,
    /// The vendor's account, as the plugs know it.
    pub credentials: Credentials,
    /// The broker. `None` when MQTT is switched off (there is no `mqtt` section).
    pub mqtt: Option<MqttSettings>,
    /// Home Assistant discovery.
    pub homeassistant: HomeAssistantSettings,
    /// The forecast. `None` when it is switched off.
    pub weather: Option<WeatherSettings>,
    /// The HTTP server. `None` when it is switched off.
    pub web: Option<WebSettings>,
    /// How people are told. `None` when no way is enabled.
    pub notify: Option<NotifySettings>,
    /// `/health` on a port of its own (`health_server`). `None` when it is switched off, as it is by default.
    pub health: Option<WebSettings>,
    /// What is kept of what was. `None` when it is switched off.
    pub history: Option<HistorySettings>,
    /// The log.
    pub log: LogSettings,
    /// Where the memory is kept.
    pub data: PathBuf,
    /// The config with defaults and without secrets, for `bridge/info`.
    pub shown: serde_json::Value,
    /// What is legal but worth a line in the log, each with its place.
    pub warnings: Vec<String>,
}

/// The vendor's account.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Credentials {
    /// The exact e-mail address: the plugs compare its case.
    pub username: String,
    /// The password.
    pub password: Secret,
}

/// What decisions depend on.
#[derive(Clone, Debug)]
pub struct ControlSettings {
    /// The zone of every wall-clock rule, from the bundled database.
    pub zone: TimeZone,
    /// Where the sun is looked up.
    pub place: Place,
    /// The groups.
    pub groups: BTreeMap<Slug, GroupSettings>,
    /// The devices' and outlets' names and addresses.
    pub devices: BTreeMap<Slug, DeviceSettings>,
    /// Global limits.
    pub safety: Safety,
    /// Weather limits.
    pub thresholds: Thresholds,
    /// Circuits that several groups share, by name.
    pub circuits: BTreeMap<String, Circuit>,
    /// What energy costs, if anybody says.
    pub tariff: Option<Tariff>,
    /// How long weather-driven rules keep what was decided when the weather has become unknown
    /// (`weather_api.when_unknown: hold`). `None`: they fall silent at once.
    pub hold_unknown: Option<SignedDuration>,
    /// How long a plain ON or OFF lasts where the group says nothing.
    pub wish_lasts: SignedDuration,
    /// How long a forecast is acted on (`weather_api.resilience.cache_valid_hours`). `None` when weather is switched off.
    pub forecast_valid: Option<SignedDuration>,
    /// How long a command may take until its failure is reported: 10 s (longer when a demo lets time run faster).
    pub answer_within: SignedDuration,
    /// The config's `vacation_mode`: holds until somebody says otherwise.
    pub vacation: bool,
}

impl ControlSettings {
    /// What hangs on an outlet, in W, where the config says.
    pub fn rated_watts(&self, outlet: &OutletId) -> Option<u32> {
        self.group_of(outlet)?.members.iter().find(|it| it.has(outlet))?.rated_watts
    }

    /// The group that lists an outlet.
    pub fn group_of(&self, outlet: &OutletId) -> Option<&GroupSettings> {
        self.groups.values().find(|group| group.members.iter().any(|it| it.has(outlet)))
    }

    /// The group that the config calls so, else the one that topics call so.
    pub fn group_named(&self, name: &str) -> Option<&GroupSettings> {
        let by = |is_so: fn(&GroupSettings, &str) -> bool| self.groups.values().find(|it| is_so(it, name));
        by(|it, name| it.name == name).or_else(|| by(|it, name| it.slug.as_str() == name))
    }
}

/// A point on Earth.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Place {
    /// Degrees north, -90 to 90.
    pub latitude: f64,
    /// Degrees east, -180 to 180.
    pub longitude: f64,
}

/// What hangs on an outlet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Class {
    /// A heater: the strictest limits.
    Heater,
    /// A light.
    Light,
    /// Anything else.
    #[default]
    Generic,
}

impl Class {
    /// As the config writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Heater => "heater",
            Self::Light => "light",
            Self::Generic => "generic",
        }
    }
}

/// Outlets that share rules and limits.
#[derive(Clone, Debug)]
pub struct GroupSettings {
    /// As topics name it.
    pub slug: Slug,
    /// The key in the config.
    pub name: String,
    /// Its rules are silent when false; people can still switch its outlets.
    pub enabled: bool,
    /// What hangs on its outlets.
    pub class: Class,
    /// Its outlets.
    pub members: Vec<Member>,
    /// Its rules, in the config's order.
    pub schedules: Vec<Schedule>,
    /// Storm heating and frost guard. `None` where the group has no `melt` section or has it switched off.
    pub melt: Option<Melt>,
    /// The circuit that feeds it, by its name in [`ControlSettings::circuits`].
    pub circuit: Option<String>,
    /// How long a plain ON or OFF lasts (`manual_override_hours`).
    pub wish_lasts: Option<SignedDuration>,
    /// Refuse ON without a timer on the plug.
    pub require_device_timer: bool,
}

/// An item of a group: outlets of one device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// The device.
    pub device: Slug,
    /// Its slots, from 1; `None` for all of them.
    pub slots: Option<Vec<u8>>,
    /// What hangs on each of these outlets, in W (`rated_watts`).
    pub rated_watts: Option<u32>,
}

impl Member {
    /// Does it name this outlet?
    pub fn has(&self, outlet: &OutletId) -> bool {
        self.device == outlet.device && self.slots.as_ref().is_none_or(|slots| slots.contains(&outlet.slot))
    }
}

/// `host[:port]` of a device.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Address {
    /// Name or IP address.
    pub host: String,
    /// TCP port; the vendor's default (80) where `None`.
    pub port: Option<u16>,
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.port {
            Some(port) => write!(f, "{}:{port}", self.host),
            None => f.write_str(&self.host),
        }
    }
}

/// One device of the config.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceSettings {
    /// As topics name it.
    pub slug: Slug,
    /// As people name it.
    pub name: String,
    /// Where it is.
    pub address: Address,
    /// Its identity, if the config gives it.
    pub mac: Option<Mac>,
    /// Names of its outlets, where the config gives them.
    pub outlet_names: BTreeMap<u8, String>,
    /// Time between two looks: 1 s to 1 h, default 5 s.
    pub poll_every: Duration,
    /// Deadline of one operation: 1 s to 60 s, default 5 s.
    pub timeout: Duration,
}

/// Global limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Safety {
    /// The longest time on (`safety.max_runtime_hours`), above 0.
    pub longest_on: SignedDuration,
    /// The rest after a safety cut (`safety.cooldown_minutes`), above 0.
    pub rest: SignedDuration,
}

/// Weather limits.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Thresholds {
    /// Precipitation this far ahead counts as active.
    pub lead: SignedDuration,
    /// Precipitation this far past counts as active.
    pub trailing: SignedDuration,
    /// The black-ice rule. `None` when it is switched off.
    pub black_ice: Option<BlackIce>,
}

/// Black ice is at risk when the air is at most `temperature_max`, the dew point at most `spread` K below it, and the
/// relative humidity at least `humidity_min` percent. All inclusive.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BlackIce {
    /// Default 36 °F.
    pub temperature_max: Celsius,
    /// In kelvin; default 4 °F, that is 2.22 K.
    pub spread: f64,
    /// Default 80 %.
    pub humidity_min: f64,
}

/// Where the broker is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BrokerHost {
    /// The bridge runs its own.
    Embedded,
    /// Name or IP address.
    Remote(String),
}

/// The MQTT version to begin with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Protocol {
    /// 3.1.1.
    V4,
    /// 5; falls back to 3.1.1 when the broker refuses it.
    #[default]
    V5,
}

/// The broker.
#[derive(Clone, Debug, PartialEq)]
pub struct MqttSettings {
    /// Where it is.
    pub host: BrokerHost,
    /// TCP port, default 1883 (8883 with TLS).
    pub port: u16,
    /// The version to begin with.
    pub protocol: Protocol,
    /// Login.
    pub username: Option<String>,
    /// Login.
    pub password: Option<Secret>,
    /// Where the password was read from: it is read again for each connection, so that it can be changed without a restart.
    pub password_file: Option<PathBuf>,
    /// TLS, when the section is there.
    pub tls: Option<TlsFiles>,
    /// The path, beginning with `/`, where the broker is spoken to over WebSocket (`transport: websocket`).
    pub websocket: Option<String>,
    /// First level of every topic; may hold further levels, no wildcards.
    pub base_topic: String,
    /// Default `heattrax-<hostname>`.
    pub client_id: String,
    /// 5 s to 1 h, default 15 s.
    pub keep_alive: Duration,
    /// Topics of the user's own on which the weather is measured.
    pub station: Vec<StationTopic>,
    /// After about so long everything retained is published again, default 10 min; `None` for never.
    pub republish: Option<Duration>,
}

/// Files for TLS.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TlsFiles {
    /// The authority that signed the broker's certificate; the machine's store where `None`.
    pub ca_file: Option<PathBuf>,
    /// Our certificate.
    pub client_cert_file: Option<PathBuf>,
    /// Its key.
    pub client_key_file: Option<PathBuf>,
    /// The name that the broker's certificate must carry; the host where `None`.
    pub server_name: Option<String>,
}

/// The forecast.
#[derive(Clone, Debug, PartialEq)]
pub struct WeatherSettings {
    /// Where.
    pub place: Place,
    /// Who is asked, the preferred one first. Not empty.
    pub providers: Vec<ProviderSettings>,
    /// Is another provider asked besides, whose ice counts too?
    pub second_opinion: bool,
    /// Where the last forecast is kept.
    pub cache_file: PathBuf,
    /// Hours of forecast to ask for.
    pub horizon_hours: u16,
    /// How long a forecast is acted on: until then it is to be renewed.
    pub valid: SignedDuration,
    /// Time between two fetches while all is well.
    pub refresh_every: Duration,
    /// First pause after a failure.
    pub retry_after: Duration,
    /// Longest pause after failures.
    pub retry_at_most: Duration,
}

/// How the log is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// Lines for people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// The log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogSettings {
    /// `error`, `warn`, `info`, `debug` or `trace`, or a `tracing` filter.
    pub level: String,
    /// How it is written.
    pub format: LogFormat,
}
