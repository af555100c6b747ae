//! A home in code, and a day in it: what the tests speak.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use heattrax::{
    control::Controller,
    model::{
        Address, BlackIce, Cause, Celsius, Class, Command, Conditions, Control, ControlSettings, DayTime, Days,
        Decision, DeviceSettings, Event, Fault, Forecast, GroupSettings, Housing, Interval, Lasting, Mac, Member,
        Memory, Notice, NoticeKind, OffTime, OnTime, Origin, Outlet, OutletId, Place, Priority, Report, Safety,
        Schedule, Slug, Socket, SunEvent, Switch, Target, Thresholds, Trouble, TroubleKind, Verb,
    },
};
use jiff::{
    SignedDuration, Timestamp, ToSpan,
    civil::{self, DateTime},
    tz::{TimeZone, TimeZoneDatabase},
};

pub use heattrax::model::Switch::{Off, On};

pub fn zone(name: &str) -> TimeZone {
    TimeZoneDatabase::bundled().get(name).unwrap()
}

pub fn hours(hours: i64) -> SignedDuration {
    SignedDuration::from_hours(hours)
}

pub fn minutes(minutes: i64) -> SignedDuration {
    SignedDuration::from_mins(minutes)
}

pub fn seconds(seconds: i64) -> SignedDuration {
    SignedDuration::from_secs(seconds)
}

pub fn id(outlet: &str) -> OutletId {
    outlet.parse().unwrap()
}

pub fn slug(text: &str) -> Slug {
    text.parse().unwrap()
}

pub fn time(text: &str) -> civil::Time {
    text.parse().unwrap()
}

pub const NEW_YORK: Place = Place { latitude: 40.7128, longitude: -74.006 };

// ---- schedules -------------------------------------------------------------------------------------------------------

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
    DayTime::Sun { event: SunEvent::Sunrise, offset: minutes(offset), fallback: time(fallback) }
}

pub fn sunset(offset: i64, fallback: &str) -> DayTime {
    DayTime::Sun { event: SunEvent::Sunset, offset: minutes(offset), fallback: time(fallback) }
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

// ---- the plan --------------------------------------------------------------------------------------------------------

/// The settings of a home.
#[derive(Clone)]
pub struct Plan {
    pub settings: ControlSettings,
}

pub fn home() -> Plan {
    home_in("America/New_York", NEW_YORK)
}

pub fn home_in(zone_name: &str, place: Place) -> Plan {
    Plan {
        settings: ControlSettings {
            zone: zone(zone_name),
            place,
            groups: BTreeMap::new(),
            devices: BTreeMap::new(),
            safety: Safety { longest_on: hours(6), rest: minutes(30) },
            thresholds: Thresholds {
                lead: minutes(60),
                trailing: minutes(60),
                black_ice: Some(BlackIce {
                    temperature_max: Celsius::from_fahrenheit(36.0),
                    spread: 4.0 / 1.8,
                    humidity_min: 80.0,
                }),
            },
            wish_lasts: hours(3),
            forecast_valid: Some(hours(6)),
            answer_within: seconds(10),
            vacation: false,
        },
    }
}

impl Plan {
    /// A group of heaters.
    pub fn mats(self, name: &str, outlets: &[&str], rules: impl IntoIterator<Item = Schedule>) -> Self {
        self.group(name, Class::Heater, outlets, rules)
    }

    /// A group of lights.
    pub fn lights(self, name: &str, outlets: &[&str], rules: impl IntoIterator<Item = Schedule>) -> Self {
        self.group(name, Class::Light, outlets, rules)
    }

    pub fn group(
        mut self,
        name: &str,
        class: Class,
        outlets: &[&str],
        rules: impl IntoIterator<Item = Schedule>,
    ) -> Self {
        let members =
            outlets.iter().map(|it| id(it)).map(|it| Member { device: it.device, slots: Some(vec![it.slot]) });
        let members: Vec<_> = members.collect();
        for member in &members {
            self = self.device(member.device.as_str());
        }
        let group = GroupSettings {
            slug: slug(name),
            name: name.to_owned(),
            enabled: true,
            class,
            members,
            schedules: rules.into_iter().collect(),
            wish_lasts: None,
            require_device_timer: false,
        };
        self.settings.groups.insert(slug(name), group);
        self
    }

    pub fn device(mut self, name: &str) -> Self {
        let device = DeviceSettings {
            slug: slug(name),
            name: name.to_owned(),
            address: Address { host: "192.0.2.1".to_owned(), port: None },
            mac: None,
            outlet_names: BTreeMap::new(),
            poll_every: Duration::from_secs(5),
            timeout: Duration::from_secs(5),
        };
        self.settings.devices.entry(slug(name)).or_insert(device);
        self
    }

    /// The last word on any setting.
    pub fn with(mut self, change: impl FnOnce(&mut ControlSettings)) -> Self {
        change(&mut self.settings);
        self
    }

    pub fn starts(self, when: &str) -> Day {
        self.remembers(Memory::default(), when)
    }

    pub fn remembers(self, memory: Memory, when: &str) -> Day {
        let settings = Arc::new(self.settings);
        let now = instant(&settings.zone, when);
        Day { controller: Controller::new(Arc::clone(&settings), &memory, now), settings, now, heard: Vec::new() }
    }
}

/// RFC 3339, or a local date and time (in a fold, the first).
pub fn instant(zone: &TimeZone, when: &str) -> Timestamp {
    if let Ok(at) = when.parse() {
        return at;
    }
    let local: DateTime = when.parse().unwrap_or_else(|_| panic!("`{when}` is not a time"));
    zone.to_timestamp(local).unwrap()
}

// ---- the day ---------------------------------------------------------------------------------------------------------

/// A home that runs, with its clock in hand.
pub struct Day {
    pub controller: Controller,
    pub settings: Arc<ControlSettings>,
    pub now: Timestamp,
    heard: Vec<Notice>,
}

/// A report in the making.
#[derive(Clone, Copy, Debug)]
pub struct Says {
    switch: Switch,
    on_time: Option<SignedDuration>,
    fault: Option<Fault>,
    cause: Cause,
}

/// A look at a plug.
pub fn polled(switch: Switch) -> Says {
    Says { switch, on_time: None, fault: None, cause: Cause::Polled }
}

/// The first look after a start or a reconnect.
pub fn first(switch: Switch) -> Says {
    Says { cause: Cause::FirstContact, ..polled(switch) }
}

/// The look after it was switched.
pub fn switched(switch: Switch) -> Says {
    Says { cause: Cause::Switched, ..polled(switch) }
}

impl Says {
    pub fn on_for(self, on_time: SignedDuration) -> Self {
        Self { on_time: Some(on_time), ..self }
    }

    pub fn with_fault(self, fault: Fault) -> Self {
        Self { fault: Some(fault), ..self }
    }
}

/// A wish in the making.
pub fn set(switch: Switch) -> Verb {
    Verb::Set(switch, Lasting::Default)
}

pub fn set_for(switch: Switch, length: SignedDuration) -> Verb {
    Verb::Set(switch, Lasting::For(length))
}

pub const CONTROL_OFF: Verb = Verb::Control(Control::Off);
pub const CONTROL_ON: Verb = Verb::Control(Control::On);
pub const CONTROL_AUTO: Verb = Verb::Control(Control::Auto);

impl Day {
    pub fn instant(&self, when: &str) -> Timestamp {
        // `07:00` is of the present date.
        if when.len() <= 8 && when.contains(':') {
            let date = self.settings.zone.to_datetime(self.now).date();
            return self.settings.zone.to_timestamp(date.to_datetime(time(when))).unwrap();
        }
        instant(&self.settings.zone, when)
    }

    /// Lets time pass: every deadline on the way is kept, as the hub does.
    pub fn at(&mut self, when: &str) -> &mut Self {
        let target = self.instant(when);
        assert!(target >= self.now, "{when} has passed: it is {}", self.now);
        self.until(target)
    }

    pub fn until(&mut self, target: Timestamp) -> &mut Self {
        while let Some(due) = self.controller.next_deadline().filter(|due| *due <= target) {
            assert!(due > self.now, "the deadline {due} is not after {}", self.now);
            self.now = due;
            self.happens(Event::DeadlinePassed);
        }
        self.now = target;
        self.happens(Event::DeadlinePassed);
        self
    }

    pub fn after(&mut self, length: SignedDuration) -> &mut Self {
        self.until(self.now.checked_add(length).unwrap())
    }

    pub fn happens(&mut self, event: Event) -> &mut Self {
        let heard = self.controller.handle(event, self.now);
        self.heard.extend(heard);
        assert!(self.controller.next_deadline().is_none_or(|at| at > self.now), "a deadline in the past");
        self
    }

    /// One plug says something about one outlet.
    pub fn report(&mut self, outlet: &str, says: Says) -> &mut Self {
        let id = id(outlet);
        let answers = self.controller.orders(&id.device).commanded;
        self.report_answering(outlet, says, answers)
    }

    pub fn report_answering(&mut self, outlet: &str, says: Says, answers: u64) -> &mut Self {
        let Says { switch, on_time, fault, cause } = says;
        let id = id(outlet);
        let report = Report { slot: id.slot, switch, on_time, energy: None, fault, cause, answers };
        self.happens(Event::DeviceReported { device: id.device, reports: vec![report], rssi: None })
    }

    /// Every plug that answers does as ordered, at once.
    pub fn obey(&mut self) -> &mut Self {
        let devices: Vec<_> = self.controller.house().devices.keys().cloned().collect();
        for device in devices {
            let orders = self.controller.orders(&device);
            for (slot, wanted) in &orders.wanted {
                let outlet = format!("{device}/{slot}");
                let was = self.outlet(&outlet).switch();
                let says = match was {
                    Some(was) if was == *wanted => polled(*wanted),
                    Some(_) => switched(*wanted),
                    None => first(*wanted),
                };
                self.report_answering(&outlet, says, orders.commanded);
            }
        }
        self
    }

    /// Lets time pass while every plug does as ordered.
    pub fn lives_until(&mut self, when: &str) -> &mut Self {
        let target = self.instant(when);
        self.obey();
        while let Some(due) = self.controller.next_deadline().filter(|due| *due <= target) {
            self.now = due;
            self.happens(Event::DeadlinePassed).obey();
        }
        self.now = target;
        self.happens(Event::DeadlinePassed).obey()
    }

    pub fn asks(&mut self, outlet: &str, verb: Verb) -> &mut Self {
        self.commands(Target::Outlet(id(outlet)), verb)
    }

    pub fn asks_group(&mut self, group: &str, verb: Verb) -> &mut Self {
        self.commands(Target::Group(slug(group)), verb)
    }

    pub fn vacation(&mut self, away: bool) -> &mut Self {
        self.commands(Target::House, Verb::Vacation(away))
    }

    pub fn commands(&mut self, target: Target, verb: Verb) -> &mut Self {
        let transaction = Some("t1".to_owned());
        self.happens(Event::Commanded(Command { target, verb, origin: Origin::Mqtt, transaction }))
    }

    pub fn identified(&mut self, device: &str, sockets: u8) -> &mut Self {
        let socket = |slot| Socket { slot, label: String::new(), meters_energy: false, meters_voltage: false };
        let housing = Housing {
            model: "EP40M".to_owned(),
            firmware: "1.0".to_owned(),
            hardware: "1.0".to_owned(),
            mac: Mac([2, 0, 0, 0, 0, 1]),
            device_id: "80".repeat(20),
            address: "192.0.2.1".to_owned(),
            rssi: Some(-50),
            protocol: None,
            sockets: (1..=sockets).map(socket).collect(),
        };
        self.happens(Event::DeviceIdentified { device: slug(device), housing: Arc::new(housing) })
    }

    pub fn lost(&mut self, device: &str) -> &mut Self {
        self.happens(Event::DeviceLost { device: slug(device), trouble: trouble("no answer") })
    }

    pub fn switch_fails(&mut self, outlet: &str, wanted: Switch) -> &mut Self {
        self.happens(Event::SwitchFailed { outlet: id(outlet), wanted, trouble: trouble("the relay does not move") })
    }

    pub fn forecast(&mut self, forecast: Forecast) -> &mut Self {
        self.happens(Event::WeatherObserved(Arc::new(forecast)))
    }

    /// The clock is set: everything after this happens at the new time.
    pub fn clock_set(&mut self, step: SignedDuration) -> &mut Self {
        self.now = self.now.checked_add(step).unwrap();
        self.happens(Event::ClockStepped(step))
    }

    /// Stops and starts again: the memory goes through its file form.
    pub fn restart(&mut self) -> &mut Self {
        let text = serde_json::to_string(&self.controller.house().memory()).unwrap();
        let memory: Memory = serde_json::from_str(&text).unwrap();
        self.controller = Controller::new(Arc::clone(&self.settings), &memory, self.now);
        self
    }

    pub fn outlet(&self, outlet: &str) -> &Outlet {
        &self.controller.house().outlets[&id(outlet)]
    }

    pub fn decision(&self, outlet: &str) -> &Decision {
        &self.outlet(outlet).decision
    }

    pub fn wanted(&self, outlet: &str) -> Switch {
        self.decision(outlet).switch
    }

    /// The order that the plug's task sees: `None` to leave it alone.
    pub fn order(&self, outlet: &str) -> Option<Switch> {
        let id = id(outlet);
        self.controller.orders(&id.device).wanted.get(&id.slot).copied()
    }

    pub fn why(&self, outlet: &str) -> String {
        self.decision(outlet).reason.to_string()
    }

    pub fn key(&self, outlet: &str) -> &'static str {
        self.decision(outlet).reason.key()
    }

    /// What was said since the last call.
    pub fn heard(&mut self) -> Vec<Notice> {
        std::mem::take(&mut self.heard)
    }

    pub fn heard_kinds(&mut self) -> Vec<&'static str> {
        self.heard().iter().map(|it| it.kind.as_str()).collect()
    }

    pub fn hears(&mut self, kind: NoticeKind) -> Option<Notice> {
        self.heard().into_iter().find(|it| it.kind == kind)
    }

    pub fn local(&self, at: Timestamp) -> String {
        self.settings.zone.to_datetime(at).strftime("%Y-%m-%d %H:%M:%S").to_string()
    }
}

pub fn trouble(text: &str) -> Trouble {
    Trouble { kind: TroubleKind::Passing, text: text.to_owned() }
}

// ---- the weather -----------------------------------------------------------------------------------------------------

/// The sky over an hour: °F, percent, mm.
#[derive(Clone, Copy, Debug)]
pub struct Sky {
    pub fahrenheit: Option<f64>,
    pub dew_point: Option<f64>,
    pub humidity: Option<f64>,
    pub precipitation: Option<f64>,
}

pub const DRY: Sky =
    Sky { fahrenheit: Some(50.0), dew_point: Some(30.0), humidity: Some(40.0), precipitation: Some(0.0) };
pub const SNOW: Sky =
    Sky { fahrenheit: Some(25.0), dew_point: Some(24.0), humidity: Some(95.0), precipitation: Some(1.0) };

impl Sky {
    pub fn air(self, fahrenheit: f64) -> Self {
        Self { fahrenheit: Some(fahrenheit), ..self }
    }
}

/// An hourly forecast from `first` on, fetched at `issued`.
pub fn hourly(zone: &TimeZone, issued: Timestamp, first: &str, skies: &[Sky]) -> Forecast {
    let first = instant(zone, first);
    let at = |hour: usize| first.checked_add(i64::try_from(hour).unwrap().hours()).unwrap();
    let intervals = skies.iter().enumerate().map(|(hour, sky)| Interval {
        start: at(hour),
        end: at(hour + 1),
        temperature: sky.fahrenheit.map(Celsius::from_fahrenheit),
        dew_point: sky.dew_point.map(Celsius::from_fahrenheit),
        humidity: sky.humidity,
        precipitation: sky.precipitation,
        snowfall: None,
        code: None,
        cloud: None,
        wind: None,
    });
    Forecast { source: "test".to_owned(), issued_at: issued, intervals: intervals.collect() }
}

impl Day {
    /// The forecast of now: `skies` from `first` on, one an hour.
    pub fn expects(&mut self, first: &str, skies: &[Sky]) -> &mut Self {
        let forecast = hourly(&self.settings.zone, self.now, first, skies);
        self.forecast(forecast)
    }
}
