//! The house in, retained topics out. Only what changed is rendered again.

use std::{collections::BTreeMap, sync::Arc};

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value};

use super::{
    deadband::is_close,
    discovery::Part,
    entities::{BRIDGE, GROUP, HEALTH, HOUSING, OUTLET, PLAN, SCHEDULE, SEEN},
    layout::Layout,
    sheet::{Form, Sheet},
    topics::Topics,
    truth::{Entry, Rank, Truth, payload_of},
    views::{
        BridgeView, DeviceView, GroupView, HealthView, Identity, OutletView, PlanView, ScheduleView, age, last_seen,
    },
};
use crate::{
    hub::{Handle, Plans},
    model::{
        Device, DeviceLayout, Group, HomeAssistantVersion, House, Housing, MqttSettings, Observation, Outlet, OutletId,
        Pause, Plan, Slug, WeatherBoard,
    },
};

/// What rendering needs to know beside the house.
#[derive(Clone, Debug)]
pub struct Context {
    /// Where everything is published.
    pub topics: Topics,
    /// What the bridge says about itself.
    pub identity: Arc<Identity>,
    /// The broker.
    pub settings: Arc<MqttSettings>,
    /// Is Home Assistant told anything?
    pub announces: bool,
    /// How its devices are laid out.
    pub layout: DeviceLayout,
    /// After so many seconds the broker drops a command of Home Assistant that nobody has taken.
    pub command_expiry: Option<u16>,
    /// The oldest Home Assistant that listens, where that is known.
    pub min_version: Option<HomeAssistantVersion>,
    /// The MQTT version of the connection.
    pub protocol: Option<u8>,
    /// What is logged: a level or a filter. `None` where nobody can tell.
    pub log_level: Option<Arc<str>>,
}

impl Context {
    pub(super) fn bridge(&self, house: &Arc<House>) -> BridgeView {
        BridgeView {
            house: house.clone(),
            identity: self.identity.clone(),
            settings: self.settings.clone(),
            protocol: self.protocol,
            log_level: self.log_level.clone(),
        }
    }
}

/// What the bridge's own topics depend on, the inventory apart.
#[derive(Clone, Debug)]
struct BridgeLook {
    vacation: bool,
    paused: Option<Pause>,
    protocol: Option<u8>,
    weather: Arc<WeatherBoard>,
    /// The interval of the forecast that is now.
    hour: Option<Timestamp>,
    /// How old the forecast is, as it is told.
    forecast_age: Option<i64>,
    /// What stations measured that is still held to be true.
    measured: Option<Observation>,
}

impl BridgeLook {
    fn of(house: &House, protocol: Option<u8>) -> Self {
        let forecast = house.weather.forecast.as_ref();
        let now = forecast.and_then(|forecast| forecast.at(house.at));
        Self {
            vacation: house.vacation,
            paused: house.paused,
            protocol,
            weather: house.weather.clone(),
            hour: now.map(|it| it.start),
            forecast_age: forecast.map(|it| age(it, house.at)),
            measured: house.weather.station.at(house.at),
        }
    }

    /// Is it the same picture? The forecast is long: it is only compared when it was replaced.
    fn is_like(&self, other: &Self) -> bool {
        let same_weather = Arc::ptr_eq(&self.weather, &other.weather) || self.weather == other.weather;
        let known = |it: &Self| (it.vacation, it.paused, it.protocol, it.hour, it.forecast_age, it.measured);
        same_weather && known(self) == known(other)
    }
}

/// Keeps the truth in step with the house.
#[derive(Debug)]
pub struct Outbound {
    /// What rendering needs to know beside the house.
    pub context: Context,
    devices: BTreeMap<Slug, Arc<Device>>,
    outlets: BTreeMap<OutletId, (Arc<Outlet>, Option<Arc<Housing>>)>,
    groups: BTreeMap<Slug, (Arc<Group>, Vec<Arc<Outlet>>)>,
    plans: BTreeMap<Slug, Plan>,
    bridge: Option<BridgeLook>,
    layout: Layout,
}

impl Outbound {
    /// Nothing is rendered yet.
    pub fn new(context: Context) -> Self {
        Self {
            context,
            devices: BTreeMap::new(),
            outlets: BTreeMap::new(),
            groups: BTreeMap::new(),
            plans: BTreeMap::new(),
            bridge: None,
            layout: Layout::default(),
        }
    }

    /// Tells the truth what changed since the last picture.
    pub fn look(&mut self, house: &Arc<House>, truth: &mut Truth) {
        self.look_at_outlets(house, truth);
        self.look_at_devices(house, truth);
        self.look_at_groups(house, truth);
        self.look_at_bridge(house, truth);
        if self.context.announces {
            self.layout.announce(house, &self.context, truth);
        }
    }

    fn look_at_outlets(&mut self, house: &Arc<House>, truth: &mut Truth) {
        for (id, outlet) in &house.outlets {
            let housing = house.devices.get(&id.device).and_then(|device| device.housing.clone());
            let before = self.outlets.get(id);
            let same_housing = before.is_some_and(|(_, it)| same(it.as_ref(), housing.as_ref()));
            if before.is_some_and(|(it, _)| Arc::ptr_eq(it, outlet)) && same_housing {
                continue;
            }
            // A command is answered by a newly reported state, also when the state is the same as before.
            let answered = before.is_some_and(|(it, _)| it.answered < outlet.answered);
            let look = |it: &Outlet| (it.name.clone(), it.group.clone(), it.class, it.longest_on);
            let same_look = before.is_some_and(|(it, _)| look(it) == look(outlet));
            if !same_look || !same_housing {
                self.layout.changed(Part::Device(id.device.clone()));
            }
            let heard_before = before.and_then(|(it, _)| last_seen(it));
            let heard = last_seen(outlet).filter(|_| heard_before != last_seen(outlet));
            self.publish(OUTLET, &OutletView::of(house, outlet), truth);
            if heard.is_some()
                && let Some(device) = house.devices.get(&id.device)
            {
                if heard_before.is_none() {
                    self.layout.changed(Part::Device(id.device.clone()));
                }
                self.publish(SEEN, &DeviceView::of(house, device), truth);
            }
            if answered {
                truth.say_again(&self.context.topics.outlet(id));
            }
            self.outlets.insert(id.clone(), (outlet.clone(), housing));
        }
        let gone: Vec<_> = self.outlets.keys().filter(|id| !house.outlets.contains_key(id)).cloned().collect();
        for id in gone {
            self.outlets.remove(&id);
            self.layout.changed(Part::Device(id.device.clone()));
            self.take_back(&[self.context.topics.outlet(&id), self.context.topics.decision(&id)], truth);
        }
    }

    fn look_at_devices(&mut self, house: &Arc<House>, truth: &mut Truth) {
        for (slug, device) in &house.devices {
            let before = self.devices.get(slug);
            if before.is_some_and(|it| Arc::ptr_eq(it, device)) {
                continue;
            }
            let same_look = before.is_some_and(|it| {
                same(it.housing.as_ref(), device.housing.as_ref()) && it.name == device.name && it.pin == device.pin
            });
            if !same_look {
                self.layout.changed(Part::Device(slug.clone()));
            }
            let view = DeviceView::of(house, device);
            self.publish(HOUSING, &view, truth);
            self.publish(SEEN, &view, truth);
            self.devices.insert(slug.clone(), device.clone());
        }
        let gone: Vec<_> = self.devices.keys().filter(|slug| !house.devices.contains_key(slug)).cloned().collect();
        for slug in gone {
            self.devices.remove(&slug);
            self.layout.changed(Part::Device(slug.clone()));
            let topics = &self.context.topics;
            self.take_back(&[topics.device(&slug), topics.device_availability(&slug), topics.last_seen(&slug)], truth);
        }
    }

    fn look_at_groups(&mut self, house: &Arc<House>, truth: &mut Truth) {
        for (slug, group) in &house.groups {
            let view = GroupView::of(house, group);
            let before = self.groups.get(slug);
            let unchanged = before.is_some_and(|(it, outlets)| {
                Arc::ptr_eq(it, group)
                    && outlets.len() == view.outlets.len()
                    && outlets.iter().zip(&view.outlets).all(|(one, other)| Arc::ptr_eq(one, other))
            });
            if unchanged {
                continue;
            }
            let look = |it: &Group| (it.name.clone(), it.lead.is_some());
            if before.is_none_or(|(it, _)| look(it) != look(group) || it.schedules != group.schedules) {
                self.layout.changed(Part::Group(slug.clone()));
                self.look_at_schedules(group, truth);
            }
            self.publish(GROUP, &view, truth);
            self.groups.insert(slug.clone(), (group.clone(), view.outlets));
        }
        let gone: Vec<_> = self.groups.keys().filter(|slug| !house.groups.contains_key(slug)).cloned().collect();
        for slug in gone {
            let schedules = self.groups.remove(&slug).map(|(it, _)| ScheduleView::all(&it)).unwrap_or_default();
            let topics: Vec<_> = schedules.iter().map(|it| self.context.topics.schedule(&slug, &it.slug)).collect();
            self.take_back(&topics, truth);
            self.layout.changed(Part::Group(slug.clone()));
            self.take_back(&[self.context.topics.group(&slug)], truth);
        }
    }

    fn look_at_schedules(&mut self, group: &Group, truth: &mut Truth) {
        let views = ScheduleView::all(group);
        views.iter().for_each(|view| self.publish(SCHEDULE, view, truth));
        let before = self.groups.get(&group.slug).map(|(it, _)| ScheduleView::all(it)).unwrap_or_default();
        let gone = before.iter().filter(|it| !views.iter().any(|view| view.slug == it.slug));
        let topics: Vec<_> = gone.map(|it| self.context.topics.schedule(&group.slug, &it.slug)).collect();
        self.take_back(&topics, truth);
    }

    /// Tells the truth what the groups of a house will do, where that is news. A plan that says the same as before is none.
    pub fn look_at_plans(&mut self, house: &House, plans: &Plans, truth: &mut Truth) {
        for (group, plan) in plans.iter().filter(|(group, _)| house.groups.contains_key(group)) {
            if self.plans.get(group).is_some_and(|before| before.says_the_same(plan)) {
                continue;
            }
            self.publish(PLAN, &PlanView { group: group.clone(), plan: plan.clone() }, truth);
            self.plans.insert(group.clone(), plan.clone());
        }
        let is_there = |group: &Slug| plans.contains_key(group) && house.groups.contains_key(group);
        let gone: Vec<_> = self.plans.keys().filter(|it| !is_there(it)).cloned().collect();
        for group in gone {
            self.plans.remove(&group);
            self.take_back(&[self.context.topics.plan(&group)], truth);
        }
    }

    fn look_at_bridge(&mut self, house: &Arc<House>, truth: &mut Truth) {
        let now = Some(BridgeLook::of(house, self.context.protocol));
        let watched = |look: &Option<BridgeLook>| look.as_ref().map(|it| it.weather.fresh.is_some());
        if watched(&self.bridge) != watched(&now) {
            self.layout.changed(Part::Bridge);
        }
        let is_news = match (&self.bridge, &now) {
            (Some(before), Some(now)) => !before.is_like(now),
            _ => true,
        };
        if is_news {
            self.write_inventory(house, truth);
            self.bridge = now;
        }
    }

    /// Has anything changed that the inventory holds, since it was written?
    pub fn has_new_inventory(&self) -> bool {
        self.layout.has_new_inventory()
    }

    /// Writes the inventory and whatever else the bridge says about itself.
    pub fn write_inventory(&mut self, house: &Arc<House>, truth: &mut Truth) {
        self.layout.inventory_written();
        let view = self.context.bridge(house);
        self.publish(BRIDGE, &view, truth);
    }

    /// Writes how the bridge itself does.
    pub fn write_health(&mut self, handle: &Handle, truth: &mut Truth) {
        self.publish(HEALTH, &HealthView::of(handle), truth);
    }

    fn publish<V>(&mut self, sheets: &[Sheet<V>], view: &V, truth: &mut Truth) {
        for sheet in sheets.iter().filter(|sheet| sheet.form != Form::Passing && (sheet.has)(view)) {
            let topic = (sheet.topic)(&self.context.topics, view);
            let mut value = written(sheet, view);
            // What is held is text: a large house would take four times the memory for it as values.
            if let Some(before) = truth.held(&topic).and_then(|held| serde_json::from_str::<Value>(&held.payload).ok())
            {
                steady(&before, &mut value);
                if is_close(&before, &value) {
                    continue;
                }
            }
            let entry = Entry { rank: self.rank(&topic), payload: payload_of(&value) };
            truth.say(&topic, entry);
        }
    }

    fn rank(&self, topic: &str) -> Rank {
        if topic == self.context.topics.bridge_availability() {
            Rank::BridgeAvailability
        } else if topic.ends_with("/availability") {
            Rank::DeviceAvailability
        } else {
            Rank::State
        }
    }

    fn take_back(&mut self, topics: &[String], truth: &mut Truth) {
        for topic in topics {
            if truth.held(topic).is_some() {
                truth.take_back(topic);
            }
        }
    }
}

/// What a subject has to say on a topic.
fn written<V>(sheet: &Sheet<V>, view: &V) -> Value {
    let mut rows = sheet.rows.iter().filter(|row| (row.has)(view));
    match sheet.form {
        Form::Fields => Value::Object(rows.map(|row| (row.field.to_owned(), (row.read)(view))).collect::<Map<_, _>>()),
        Form::Whole | Form::Passing => rows.next().map_or(Value::Null, |row| (row.read)(view)),
    }
}

fn same<T>(one: Option<&Arc<T>>, other: Option<&Arc<T>>) -> bool {
    match (one, other) {
        (Some(one), Some(other)) => Arc::ptr_eq(one, other),
        (None, None) => true,
        _ => false,
    }
}

/// Times that follow from the plug's own count, which is good to a second or two.
const COUNTED: [&str; 7] =
    ["on_since", "changes_at", "at", "next_on", "next_off", "cooldown_until", "device_timer_off_at"];
/// How far such a time may be from the one before and still be the same time.
const COUNT_IS_GOOD_TO: SignedDuration = SignedDuration::from_secs(2);

/// Keeps a counted time that moved by no more than its error: it would be published at each look otherwise.
fn steady(before: &Value, now: &mut Value) {
    match (before, now) {
        (Value::Object(before), Value::Object(now)) => {
            for (key, value) in now.iter_mut() {
                let Some(before) = before.get(key) else { continue };
                if COUNTED.contains(&key.as_str()) && is_same_time(before, value) {
                    *value = before.clone();
                } else {
                    steady(before, value);
                }
            }
        }
        (Value::Array(before), Value::Array(now)) => {
            before.iter().zip(now).for_each(|(before, now)| steady(before, now));
        }
        _ => {}
    }
}

fn is_same_time(one: &Value, other: &Value) -> bool {
    let time = |it: &Value| it.as_str()?.parse::<Timestamp>().ok();
    match (time(one), time(other)) {
        (Some(one), Some(other)) => one.duration_since(other).abs() <= COUNT_IS_GOOD_TO,
        _ => false,
    }
}
