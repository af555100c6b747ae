//! Where everything is published and heard. Topics never change once released.

use crate::model::{OutletId, Slug};

/// The topics of one bridge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Topics {
    base: String,
    discovery: String,
    status: String,
    bridge: String,
}

/// What a topic that was heard is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heard<'a> {
    /// Home Assistant's birth and death.
    Status,
    /// Something that was announced to Home Assistant, by its unique id.
    Announced(&'a str),
    /// A request with its verb.
    Request(&'a str),
    /// The user's own weather station.
    Station,
    /// A command; the levels between the base and `set`.
    Command(Knob<'a>),
    /// Somebody wants to know now: what is known is published again, and the device is looked at afresh.
    Get(Look<'a>),
    /// A command that changes a schedule in the config.
    Schedule(Timetable<'a>),
    /// A command for the light on a housing.
    Led(&'a str),
    /// A command that changes how early a group heats, in the config.
    Lead(&'a str),
    /// None of the bridge's own.
    Foreign,
}

/// Which word of a schedule somebody wants changed: `group/<group>/schedule/<schedule>/<word>/set`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timetable<'a> {
    /// Whose schedule.
    pub group: &'a str,
    /// Its name in topics.
    pub schedule: &'a str,
    /// Which word of it.
    pub word: &'a str,
}

/// What somebody wants to know about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look<'a> {
    /// `<dev>/get`.
    Device(&'a str),
    /// `<dev>/<slot>/get`.
    Outlet(&'a str, &'a str),
    /// `group/<group>/get`.
    Group(&'a str),
}

/// Which setting a command topic turns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Knob<'a> {
    /// `<dev>/<slot>/set`, also with `/state` behind it.
    Outlet(&'a str, &'a str),
    /// `<dev>/<slot>/control/set`, or `<dev>/<slot>/set/control`.
    OutletControl(&'a str, &'a str),
    /// `group/<group>/set`, also with `/state` behind it.
    Group(&'a str),
    /// `group/<group>/control/set`, or `group/<group>/set/control`.
    GroupControl(&'a str),
    /// `<dev>/<slot>/acknowledge/set`.
    Acknowledge(&'a str, &'a str),
    /// `<dev>/<slot>/longest_runtime/set`.
    Longest(&'a str, &'a str),
    /// `vacation/set`.
    Vacation,
    /// `automation/pause/set`.
    Pause,
}

impl Topics {
    /// The topics below `base`, announced below `discovery`, with Home Assistant's `status`, of the bridge with this id.
    pub fn new(base: &str, discovery: &str, status: &str, bridge_id: &str) -> Self {
        let safe = |letter: char| if letter.is_ascii_alphanumeric() { letter } else { '_' };
        Self {
            base: base.trim_matches('/').to_owned(),
            discovery: discovery.trim_matches('/').to_owned(),
            status: status.to_owned(),
            bridge: format!("heattrax_{}", bridge_id.chars().map(safe).collect::<String>()),
        }
    }

    /// The same bridge's, below another base topic.
    pub(super) fn below_another(&self, base: &str) -> Self {
        Self { base: base.to_owned(), ..self.clone() }
    }

    /// The unique id of the bridge's device in Home Assistant: `heattrax_<bridge id>`.
    pub fn bridge_unique(&self) -> &str {
        &self.bridge
    }

    /// The first levels of every topic.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// `online` or `offline`; also the last will.
    pub fn bridge_availability(&self) -> String {
        self.below("bridge/availability")
    }

    /// Version and settings.
    pub fn bridge_info(&self) -> String {
        self.below("bridge/info")
    }

    /// How the bridge itself does.
    pub fn bridge_health(&self) -> String {
        self.below("bridge/health")
    }

    /// The inventory.
    pub fn bridge_devices(&self) -> String {
        self.below("bridge/devices")
    }

    /// Notices.
    pub fn bridge_event(&self) -> String {
        self.below("bridge/event")
    }

    /// Where a request is answered that names no topic of its own.
    pub fn response(&self, verb: &str) -> String {
        self.below(&format!("bridge/response/{verb}"))
    }

    /// Are all rules silent for a while?
    pub fn automation(&self) -> String {
        self.below("automation")
    }

    /// Is everybody away?
    pub fn vacation(&self) -> String {
        self.below("vacation")
    }

    /// What is known of the weather.
    pub fn weather(&self) -> String {
        self.below("weather")
    }

    /// What a housing says about itself.
    pub fn device(&self, device: &Slug) -> String {
        self.below(device.as_str())
    }

    /// Does a device answer?
    pub fn device_availability(&self, device: &Slug) -> String {
        self.below(&format!("{device}/availability"))
    }

    /// When a device was heard last.
    pub fn last_seen(&self, device: &Slug) -> String {
        self.below(&format!("{device}/last_seen"))
    }

    /// What an outlet reported.
    pub fn outlet(&self, outlet: &OutletId) -> String {
        self.below(&outlet.to_string())
    }

    /// What is wanted of an outlet, and why.
    pub fn decision(&self, outlet: &OutletId) -> String {
        self.below(&format!("{outlet}/decision"))
    }

    /// A group as a whole.
    pub fn group(&self, group: &Slug) -> String {
        self.below(&format!("group/{group}"))
    }

    /// What a group will do.
    pub fn plan(&self, group: &Slug) -> String {
        self.below(&format!("group/{group}/plan"))
    }

    /// A schedule of a group.
    pub fn schedule(&self, group: &Slug, schedule: &Slug) -> String {
        self.below(&format!("group/{group}/schedule/{schedule}"))
    }

    /// Where the device with this unique id is announced.
    pub fn announced(&self, unique: &str) -> String {
        format!("{}/device/{unique}/config", self.discovery)
    }

    /// Where one entity of a device is announced by itself. Home Assistant takes both topics for the same entity.
    pub fn announced_alone(&self, platform: &str, unique: &str, key: &str) -> String {
        format!("{}/{platform}/{unique}/{key}/config", self.discovery)
    }

    /// Command topics, to be heard with the RETAIN flag as it was published. Never `<base>/#`: that would hear the bridge itself.
    pub fn command_filters(&self) -> [String; 12] {
        [
            "+/+/set",
            "+/+/set/+",
            "+/+/control/set",
            "+/+/acknowledge/set",
            "+/+/longest_runtime/set",
            "group/+/preheat_lead/set",
            "group/+/schedule/+/+/set",
            "+/get",
            "+/+/get",
            "vacation/set",
            "automation/pause/set",
            "bridge/request/#",
        ]
        .map(|filter| self.below(filter))
    }

    /// What the bridge itself publishes of devices and groups, to be heard for a moment after the start only.
    pub fn state_filters(&self) -> [String; 5] {
        ["+", "+/+", "+/+/decision", "+/+/plan", "group/+/schedule/+"].map(|filter| self.below(filter))
    }

    /// Home Assistant's birth and death.
    pub fn status_filter(&self) -> String {
        self.status.clone()
    }

    /// What the topics of all announcements begin with.
    pub fn announced_prefix(&self) -> String {
        format!("{}/", self.discovery)
    }

    /// Is something announced on this topic?
    pub fn is_announcement(&self, topic: &str) -> bool {
        self.unique(topic).is_some()
    }

    /// Every device that any bridge has announced.
    pub fn announced_filter(&self) -> String {
        self.announced("+")
    }

    /// Every entity that any bridge has announced by itself.
    pub fn announced_alone_filter(&self) -> String {
        self.announced_alone("+", "+", "+")
    }

    /// What is a topic about that was heard?
    pub fn sort<'a>(&self, topic: &'a str) -> Heard<'a> {
        if topic == self.status {
            return Heard::Status;
        }
        if let Some(unique) = self.unique(topic) {
            return Heard::Announced(unique);
        }
        let Some(rest) = topic.strip_prefix(self.base.as_str()).and_then(|rest| rest.strip_prefix('/')) else {
            return Heard::Foreign;
        };
        if let Some(verb) = rest.strip_prefix("bridge/request/") {
            return Heard::Request(verb);
        }
        if let Some(timetable) = timetable(rest) {
            return Heard::Schedule(timetable);
        }
        let mut levels = rest.split('/');
        match [levels.next(), levels.next(), levels.next(), levels.next(), levels.next()] {
            [Some("vacation"), Some("set"), None, ..] => Heard::Command(Knob::Vacation),
            [Some("weather"), Some("local"), Some("set"), None, _] => Heard::Station,
            [Some("automation"), Some("pause"), Some("set"), None, _] => Heard::Command(Knob::Pause),
            // Nothing below these is an outlet.
            [Some("automation" | "weather" | "bridge" | "vacation"), ..] => Heard::Foreign,
            [Some("group"), Some(group), Some("get"), None, _] => Heard::Get(Look::Group(group)),
            [Some(device), Some("led"), Some("set"), None, _] => Heard::Led(device),
            [Some(device), Some("get"), None, ..] => Heard::Get(Look::Device(device)),
            [Some(device), Some(slot), Some("get"), None, _] => Heard::Get(Look::Outlet(device, slot)),
            [Some("group"), Some(group), Some("set"), None, _]
            | [Some("group"), Some(group), Some("set"), Some("state"), None] => Heard::Command(Knob::Group(group)),
            [Some("group"), Some(group), Some("control"), Some("set"), None]
            | [Some("group"), Some(group), Some("set"), Some("control"), None] => {
                Heard::Command(Knob::GroupControl(group))
            }
            [Some(device), Some(slot), Some("set"), None, _]
            | [Some(device), Some(slot), Some("set"), Some("state"), None] => {
                Heard::Command(Knob::Outlet(device, slot))
            }
            [Some(device), Some(slot), Some("control"), Some("set"), None]
            | [Some(device), Some(slot), Some("set"), Some("control"), None] => {
                Heard::Command(Knob::OutletControl(device, slot))
            }
            [Some("group"), Some(group), Some("preheat_lead"), Some("set"), None] => Heard::Lead(group),
            [Some("group"), _, Some("longest_runtime"), ..] => Heard::Foreign,
            [Some(device), Some(slot), Some("longest_runtime"), Some("set"), None] => {
                Heard::Command(Knob::Longest(device, slot))
            }
            [Some(device), Some(slot), Some("acknowledge"), Some("set"), None] => {
                Heard::Command(Knob::Acknowledge(device, slot))
            }
            _ => Heard::Foreign,
        }
    }

    fn unique<'a>(&self, topic: &'a str) -> Option<&'a str> {
        announced_id(topic.strip_prefix(self.discovery.as_str())?.strip_prefix('/')?)
    }

    /// Whatever is below the base.
    pub(super) fn below(&self, rest: &str) -> String {
        format!("{}/{rest}", self.base)
    }
}

impl Knob<'_> {
    /// Has it the form of a topic of this bridge, so that a retained message on it may be cleared?
    pub fn is_well_formed(&self) -> bool {
        let slug = |text: &str| text.parse::<Slug>().is_ok();
        match self {
            Self::Outlet(device, slot)
            | Self::OutletControl(device, slot)
            | Self::Acknowledge(device, slot)
            | Self::Longest(device, slot) => slug(device) && slot_of(slot).is_some(),
            Self::Group(group) | Self::GroupControl(group) => slug(group),
            Self::Vacation | Self::Pause => true,
        }
    }
}

impl Timetable<'_> {
    /// Has it the form of a topic of this bridge, so that a retained message on it may be cleared?
    pub fn is_well_formed(&self) -> bool {
        [self.group, self.schedule].into_iter().all(|it| it.parse::<Slug>().is_ok())
    }
}

/// The word of a schedule that a topic below the base sets.
fn timetable(below: &str) -> Option<Timetable<'_>> {
    match below.split('/').collect::<Vec<_>>()[..] {
        ["group", group, "schedule", schedule, word @ ("enabled" | "on" | "off"), "set"] => {
            Some(Timetable { group, schedule, word })
        }
        _ => None,
    }
}

/// The unique id of the device that an announcement is about, by its topic below the prefix: `device/<id>/config`, or
/// `<platform>/<id>/<key>/config`.
pub(super) fn announced_id(below: &str) -> Option<&str> {
    match below.split('/').collect::<Vec<_>>()[..] {
        ["device", id, "config"] => Some(id),
        [_, id, _, "config"] => Some(id),
        _ => None,
    }
}

/// Is it state that the bridge itself publishes, by its topic below the base? Everything else is for it to hear.
pub(super) fn is_state(below: &str) -> bool {
    match below.split('/').collect::<Vec<_>>()[..] {
        [_] | [_, _, "decision" | "plan"] | ["group", _, "schedule", _] => true,
        [_, last] => !matches!(last, "set" | "get"),
        _ => false,
    }
}

/// A slot as topics write it: 1 to 255, without leading zeros or signs.
pub(super) fn slot_of(text: &str) -> Option<u8> {
    text.parse().ok().filter(|slot: &u8| *slot > 0 && slot.to_string() == text)
}
