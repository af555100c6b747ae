//! The words of the house: plain values, no verbs, no I/O.
//!
//! A *device* is one housing with an address. An *outlet* is one switched socket of it, known by its slot.
//! A *group* is outlets that share rules and limits. The *house* is the whole picture, which every shell
//! reads and only the hub renews.

mod access;
pub mod asked;
mod command;
mod decision;
mod edit;
mod event;
mod failed;
mod history;
mod homeassistant;
mod house;
mod ice;
mod melt;
mod memory;
mod meter;
mod name;
mod notify;
mod outlet;
mod pending;
mod plan;
mod provider;
mod reason;
mod schedule;
mod settings;
mod station;
mod weather;

pub use access::{AccessToken, MayToken, WebSettings};
pub use command::{Command, Control, End, Lasting, Origin, Pause, Target, Verb, Wish};
pub use decision::{Change, Decision, Mode, Opinion, VoiceName};
pub use edit::{ConfigEdit, UNNAMED, Which};
pub use event::{Event, Notice, NoticeKind, OVERTAKEN, TimerConcern};
pub use failed::{Failed, Why};
pub use history::{HISTORY_ROWS, HistoryAnswer, HistoryDay, HistoryEvent, HistoryPoint, HistoryQuery, HistorySettings};
pub use homeassistant::{DeviceLayout, HomeAssistantSettings, HomeAssistantVersion, NotAVersion};
pub use house::{
    Broker, ClockTrust, Cut, Device, Group, GroupState, House, Lockout, Metered, Outlet, Pin, Remembered, Run,
};
pub use ice::{Hazard, Ice, PrecipitationKind};
pub use melt::{Circuit, FrostRule, Melt, Tariff, TariffWindow, TooCold};
pub use memory::{Gone, Memory, VacationTold};
pub use meter::{Learned, Metering, OnToday};
pub use name::{OutletId, Slug};
pub use notify::{
    ALERT_KINDS, AlertKind, Channel, EmailSettings, ForecastNotices, MailTls, NotifySettings, NtfySettings,
    RETIRED_ALERTS, Severity, WebhookSettings,
};
pub use outlet::{
    Availability, Cause, Energy, Fault, Housing, Mac, Order, Orders, Report, Socket, Switch, Timer, Trouble,
    TroubleKind,
};
pub use pending::{Asker, Pending};
pub use plan::{Plan, PlannedWindow};
pub use provider::{Provider, ProviderSettings};
pub use reason::{Reason, Wait};
pub use schedule::{
    Conditions, DayTime, Days, FROM_MORNING, FROM_PRECIPITATION, MonthDay, OffTime, OnTime, Priority, Schedule,
    SunEvent,
};
pub use settings::{
    Address, BlackIce, BrokerHost, Class, ControlSettings, Credentials, DeviceSettings, GroupSettings, LogFormat,
    LogSettings, Member, MqttSettings, Place, Protocol, Safety, Secret, Settings, Thresholds, TlsFiles,
    WeatherSettings,
};
pub use station::{Observation, Quantity, Station, StationTopic, Unit};
pub use weather::{Celsius, Fact, Forecast, Interval, Precipitation, Soon, WeatherBoard, WeatherState};
