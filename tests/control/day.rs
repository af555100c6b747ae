//! A home that runs: what happens in it, and what it decides.

use std::sync::Arc;

use heattrax::{
    control::Controller,
    model::{
        Cause, Celsius, Command, Control, ControlSettings, Decision, Energy, Event, Fault, Forecast, Housing, Interval,
        Lasting, Mac, Memory, Notice, NoticeKind, Origin, Outlet, Report, Socket, Switch, Target, Trouble, TroubleKind,
        Verb,
    },
};
use jiff::{SignedDuration, Timestamp, ToSpan, tz::TimeZone};

use crate::home::*;

/// A home that runs, with its clock in hand.
pub struct Day {
    pub controller: Controller,
    pub settings: Arc<ControlSettings>,
    /// Is it a day of a recording? Then its clock cannot be wrong.
    pub rehearses: bool,
    pub now: Timestamp,
    pub heard: Vec<Notice>,
}

/// A report in the making.
#[derive(Clone, Copy, Debug)]
pub struct Says {
    switch: Switch,
    on_time: Option<SignedDuration>,
    fault: Option<Fault>,
    timer: Option<SignedDuration>,
    cause: Cause,
    energy: Option<Energy>,
}

/// A look at a plug.
pub fn polled(switch: Switch) -> Says {
    Says { switch, on_time: None, fault: None, timer: None, cause: Cause::Polled, energy: None }
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

    /// With a meter that shows so many watts.
    pub fn drawing(self, watts: f64) -> Self {
        let cause = if self.cause == Cause::Polled { Cause::Measured } else { self.cause };
        Self { cause, ..self.metered(Energy { power: Some(watts), ..Energy::default() }) }
    }

    /// With what the meter showed before.
    pub fn still_drawing(self, watts: f64) -> Self {
        Self { cause: Cause::Polled, ..self.drawing(watts) }
    }

    pub fn metered(self, energy: Energy) -> Self {
        Self { energy: Some(energy), ..self }
    }

    pub fn with_fault(self, fault: Fault) -> Self {
        Self { fault: Some(fault), ..self }
    }
}

impl Says {
    /// With a timer on the plug that has confirmed so much time.
    pub fn timed(self, timer: SignedDuration) -> Self {
        Self { timer: Some(timer), ..self }
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
        let Says { switch, on_time, fault, timer, cause, energy } = says;
        let id = id(outlet);
        let report = Report { slot: id.slot, switch, on_time, energy, fault, timer, cause, answers };
        self.happens(Event::DeviceReported { device: id.device, reports: vec![report], rssi: None })
    }

    /// Every plug that answers does as ordered, at once.
    pub fn obey(&mut self) -> &mut Self {
        let devices: Vec<_> = self.controller.house().devices.keys().cloned().collect();
        for device in devices {
            let orders = self.controller.orders(&device);
            for (slot, order) in &orders.wanted {
                let wanted = &order.switch;
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
        self.happens(Event::Commanded(Command { transaction, ..Command::new(target, verb, Origin::Mqtt) }))
    }

    /// Somebody waits for the answer by this ticket.
    pub fn tells(&mut self, ticket: u64, outlet: &str, switch: Switch) -> &mut Self {
        let command = Command::new(Target::Outlet(id(outlet)), Verb::Set(switch, Lasting::Default), Origin::Web);
        self.happens(Event::Commanded(Command { ticket: Some(ticket), ..command }))
    }

    pub fn identified(&mut self, device: &str, sockets: u8) -> &mut Self {
        self.identifies(device, sockets, "192.0.2.1")
    }

    pub fn identified_at(&mut self, device: &str, address: &str) -> &mut Self {
        self.identifies(device, 1, address)
    }

    fn identifies(&mut self, device: &str, sockets: u8, address: &str) -> &mut Self {
        let socket = |slot| Socket { slot, label: String::new(), meters_energy: false, meters_voltage: false };
        let housing = Housing {
            model: "EP40M".to_owned(),
            firmware: "1.0".to_owned(),
            hardware: "1.0".to_owned(),
            mac: Mac([2, 0, 0, 0, 0, 1]),
            device_id: "80".repeat(20),
            address: address.to_owned(),
            rssi: Some(-50),
            protocol: None,
            led: None,
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
        let begin = if self.rehearses { Controller::rehearsing } else { Controller::new };
        self.controller = begin(Arc::clone(&self.settings), &memory, self.now);
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
        self.controller.orders(&id.device).wanted.get(&id.slot).map(|it| it.switch)
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
