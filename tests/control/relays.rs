//! What holds at the relays themselves, with plugs that are slow, get lost, cut themselves and come back.
//!
//! Each property is tried with 128 random stories of up to 80 steps; `PROPTEST_CASES` tries more.

use std::collections::BTreeMap;

use heattrax::model::{Circuit, Fault, Lasting, NoticeKind, Orders, OutletId, Priority, Slug, Switch, Target, Verb};
use jiff::SignedDuration;
use proptest::{prelude::*, sample::select};

use crate::{
    home::*,
    properties::{config, verb},
};

const OUTLETS: [&str; 5] = ["mat/1", "mat/2", "step/1", "ramp/1", "roof/1"];
const DEVICES: [&str; 4] = ["mat", "step", "ramp", "roof"];
/// What each of them takes, in A at 120 V.
const AMPS: [f64; 5] = [5.0, 2.5, 7.5, 5.0, 4.0];
const BUDGET: f64 = 12.0;

/// Everything on one circuit of 12 A, but for the roof.
fn plan() -> Plan {
    let mut plan = home()
        .mats("mats", &["mat/1", "mat/2"], [all_day().if_precipitation(true), daily("22:00", "07:00")])
        .mats("steps", &["step/1"], [daily("05:00", "21:00").with_priority(Priority::Critical)])
        .mats("ramps", &["ramp/1"], [daily("12:00", "23:00").with_priority(Priority::Low)])
        .mats("roofs", &["roof/1"], [all_day().at_most_on(hours(2))]);
    for group in plan.settings.groups.values_mut() {
        group.circuit = (group.slug != slug("roofs")).then(|| "porch".to_owned());
        for member in &mut group.members {
            let outlet = format!("{}/{}", member.device, member.slots.as_ref().unwrap()[0]);
            member.rated_watts =
                OUTLETS.iter().zip(AMPS).find(|(it, _)| **it == outlet).map(|(_, amps)| (amps * 120.0) as u32);
        }
    }
    plan.with(|it| {
        it.circuits.insert("porch".to_owned(), Circuit { name: "porch".to_owned(), amps: BUDGET, volts: 120.0 });
        it.hold_unknown = Some(hours(1));
    })
}

#[derive(Clone, Debug)]
enum Step {
    Wait(i64),
    /// A device's task takes its orders …
    Begins(&'static str),
    /// … and has done them and looked.
    Ends(&'static str),
    /// The order may have been done, but nobody hears of it.
    Breaks {
        device: &'static str,
        done: bool,
    },
    /// The plug cuts an outlet by itself.
    Cuts(&'static str, Fault),
    Cools(&'static str),
    Ask(&'static str, Verb),
    AskGroup(&'static str, Verb),
    Vacation(bool),
    Snow {
        hours: usize,
        age: i64,
    },
    Restart,
    Stops,
}

fn step() -> impl Strategy<Value = Step> {
    let outlet = || select(OUTLETS.to_vec());
    let device = || select(DEVICES.to_vec());
    let fault = select(vec![Fault::Overheat, Fault::Overload, Fault::Overcurrent]);
    prop_oneof![
        8 => device().prop_map(Step::Begins),
        10 => device().prop_map(Step::Ends),
        1 => (device(), any::<bool>()).prop_map(|(device, done)| Step::Breaks { device, done }),
        5 => prop_oneof![1_i64..12, 12_i64..2400, 3600_i64..20_000].prop_map(Step::Wait),
        1 => (outlet(), fault).prop_map(|(outlet, fault)| Step::Cuts(outlet, fault)),
        1 => outlet().prop_map(Step::Cools),
        6 => (outlet(), prop_oneof![6 => verb(), 1 => Just(Verb::Acknowledge)])
            .prop_map(|(outlet, verb)| Step::Ask(outlet, verb)),
        1 => (select(vec!["mats", "steps", "ramps", "roofs"]), verb())
            .prop_map(|(group, verb)| Step::AskGroup(group, verb)),
        1 => any::<bool>().prop_map(Step::Vacation),
        2 => (0_usize..30, 0_i64..400).prop_map(|(hours, age)| Step::Snow { hours, age }),
        1 => Just(Step::Restart),
    ]
}

/// The plugs as they are, whatever the bridge thinks.
struct Street {
    day: Day,
    relays: BTreeMap<OutletId, Switch>,
    faults: BTreeMap<OutletId, Fault>,
    under_way: BTreeMap<Slug, Orders>,
    /// Devices whose next look is a first contact.
    strange: Vec<Slug>,
}

impl Street {
    fn new(start: &str) -> Self {
        Self {
            day: plan().starts(start),
            relays: OUTLETS.iter().map(|it| (id(it), Off)).collect(),
            faults: BTreeMap::new(),
            under_way: BTreeMap::new(),
            strange: DEVICES.iter().map(|it| slug(it)).collect(),
        }
    }

    fn takes(&mut self, step: &Step) {
        match step {
            Step::Wait(length) => {
                self.day.after(seconds(*length));
            }
            Step::Begins(device) => {
                let device = slug(device);
                self.under_way.entry(device.clone()).or_insert_with(|| self.day.controller.orders(&device));
            }
            Step::Ends(device) => self.ends(&slug(device)),
            Step::Breaks { device, done } => {
                let orders = self.under_way.remove(&slug(device)).unwrap_or_default();
                if *done && !self.strange.contains(&slug(device)) {
                    self.obeys(&slug(device), &orders);
                }
                self.day.lost(device);
                self.strange.push(slug(device));
            }
            Step::Cuts(outlet, fault) => {
                self.relays.insert(id(outlet), Off);
                self.faults.insert(id(outlet), *fault);
            }
            Step::Cools(outlet) => drop(self.faults.remove(&id(outlet))),
            Step::Ask(outlet, verb) => {
                self.day.asks(outlet, *verb);
            }
            Step::AskGroup(group, verb) => {
                self.day.asks_group(group, *verb);
            }
            Step::Vacation(away) => {
                self.day.vacation(*away);
            }
            Step::Snow { hours, age } => {
                let first = self.day.now.as_second() / 3600 * 3600 - 2 * 3600;
                let first = jiff::Timestamp::from_second(first).unwrap().to_string();
                let issued = self.day.now.checked_sub(minutes(*age)).unwrap();
                let zone = self.day.settings.zone.clone();
                self.day.forecast(hourly(&zone, issued, &first, &vec![SNOW; *hours]));
            }
            Step::Restart => {
                self.day.restart();
                self.under_way.clear();
                self.strange = DEVICES.iter().map(|it| slug(it)).collect();
            }
            Step::Stops => {
                self.day.happens(heattrax::model::Event::Stopping);
            }
        }
    }

    /// The relays do as ordered. A flag of too much load goes when the outlet is switched on.
    fn obeys(&mut self, device: &Slug, orders: &Orders) -> Vec<u8> {
        let mut moved = Vec::new();
        for (slot, order) in &orders.wanted {
            let wanted = &order.switch;
            let outlet = OutletId::new(device.clone(), *slot);
            if self.faults.get(&outlet) == Some(&Fault::Overheat) && wanted.is_on() {
                continue;
            }
            if self.relays.insert(outlet.clone(), *wanted) != Some(*wanted) {
                moved.push(*slot);
                if wanted.is_on() {
                    self.faults.remove(&outlet);
                }
            }
        }
        moved
    }

    fn ends(&mut self, device: &Slug) {
        let is_first = self.strange.contains(device);
        let now = self.day.controller.orders(device);
        let orders = self.under_way.remove(device).filter(|_| !is_first);
        let answers = orders.as_ref().unwrap_or(&now).commanded;
        let moved = orders.map(|orders| self.obeys(device, &orders)).unwrap_or_default();
        self.strange.retain(|it| it != device);
        let slots: Vec<_> = self.relays.keys().filter(|it| it.device == *device).cloned().collect();
        for outlet in slots {
            let switch = self.relays[&outlet];
            let says = if is_first {
                first(switch)
            } else if moved.contains(&outlet.slot) {
                switched(switch)
            } else {
                polled(switch)
            };
            let says = self.faults.get(&outlet).map_or(says, |fault| says.with_fault(*fault));
            self.day.report_answering(&outlet.to_string(), says, answers);
        }
    }

    /// What flows through the circuit, in A.
    fn flows(&self) -> f64 {
        let fed = OUTLETS.iter().zip(AMPS).take(4);
        fed.filter(|(it, _)| self.relays[&id(it)].is_on()).map(|(_, amps)| amps).sum()
    }
}

proptest! {
    #![proptest_config(config(128))]

    #[test]
    fn a_circuit_never_carries_more_than_it_may(
        start in select(vec!["2026-01-10 12:05", "2026-03-07 20:50"]),
        steps in prop::collection::vec(step(), 1..80),
    ) {
        let mut street = Street::new(start);
        for step in &steps {
            street.takes(step);
            prop_assert!(street.flows() <= BUDGET, "{} A after {step:?}", street.flows());
        }
    }

    #[test]
    fn nothing_is_on_in_lockout_rest_or_control_off_once_the_plug_has_obeyed(
        start in select(vec!["2026-01-10 12:05", "2026-03-07 20:50"]),
        steps in prop::collection::vec(step(), 1..80),
    ) {
        let mut street = Street::new(start);
        for step in &steps {
            street.takes(step);
            for outlet in OUTLETS {
                let now = street.day.now;
                prop_assert!(street.day.decision(outlet).review_at.is_none_or(|at| at > now), "{outlet}");
            }
        }
        // Everybody is reached, and obeys.
        for _ in 0..3 {
            for device in DEVICES {
                street.takes(&Step::Ends(device));
                street.takes(&Step::Begins(device));
                street.takes(&Step::Ends(device));
            }
        }
        for outlet in OUTLETS {
            let memory = &street.day.outlet(outlet).memory;
            let locked = memory.lockout.is_some_and(|it| !it.acknowledged || it.fault == Fault::Overheat);
            let control_off = memory.control == heattrax::model::Control::Off;
            if locked || control_off || memory.cut.is_some() {
                prop_assert_eq!(street.relays[&id(outlet)], Off, "{}: {}", outlet, street.day.why(outlet));
            }
        }
        street.takes(&Step::Stops);
        for device in DEVICES {
            street.takes(&Step::Begins(device));
            street.takes(&Step::Ends(device));
        }
        prop_assert!(street.relays.values().all(|it| !it.is_on()), "after a stop");
    }

    #[test]
    fn an_off_is_never_refused(
        steps in prop::collection::vec(step(), 1..80),
        whom in select(OUTLETS.to_vec()),
        lasting in prop_oneof![Just(Lasting::Default), (1_i64..1440).prop_map(|it| Lasting::For(minutes(it)))],
    ) {
        let mut street = Street::new("2026-01-10 12:05");
        for step in &steps {
            street.takes(step);
        }
        street.day.heard();
        street.day.asks(whom, Verb::Set(Off, lasting));
        let refused = street.day.heard().into_iter().find(|it| it.kind == NoticeKind::Refused && it.message.contains("OFF is refused"));
        prop_assert_eq!(refused, None);
        prop_assert_eq!(street.day.wanted(whom), Off);
    }

    /// The other mats do not starve: whoever is alone with the circuit and fits into it runs.
    #[test]
    fn what_fits_runs_when_everybody_obeys(steps in prop::collection::vec(step(), 1..80)) {
        let mut street = Street::new("2026-01-10 12:05");
        for step in &steps {
            street.takes(step);
        }
        street.takes(&Step::Wait(61));
        for _ in 0..4 {
            for device in DEVICES {
                street.takes(&Step::Ends(device));
                street.takes(&Step::Begins(device));
                street.takes(&Step::Ends(device));
            }
        }
        for (outlet, amps) in OUTLETS.iter().zip(AMPS) {
            if street.day.key(outlet) == "circuit_full" {
                prop_assert!(street.flows() + amps > BUDGET, "{outlet} waits although {} A flow", street.flows());
            }
        }
    }
}

#[test]
fn a_command_to_the_house_as_a_whole_acknowledges_nothing() {
    let mut day = plan().starts("2026-01-10 12:05");
    day.commands(Target::House, Verb::Acknowledge);
    assert!(day.hears(NoticeKind::Refused).is_some());
    assert_eq!(day.now.duration_since(day.instant("12:05")), SignedDuration::ZERO);
}
