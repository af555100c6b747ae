//! The settings of a home.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use heattrax::{
    control::Controller,
    model::{
        Address, BlackIce, Celsius, Class, ControlSettings, DeviceSettings, GroupSettings, Member, Memory, Place,
        Safety, Schedule, Thresholds,
    },
};

use crate::home::*;

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
            circuits: BTreeMap::new(),
            tariff: None,
            hold_unknown: None,
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
        let members = outlets.iter().map(|it| id(it)).map(|it| Member {
            device: it.device,
            slots: Some(vec![it.slot]),
            rated_watts: None,
        });
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
            melt: None,
            circuit: None,
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
        // Tables of other years are told as recordings are.
        let rehearses = now < instant(&settings.zone, "2026-01-01 00:00");
        let begin = if rehearses { Controller::rehearsing } else { Controller::new };
        let controller = begin(Arc::clone(&settings), &memory, now);
        Day { controller, settings, rehearses, now, heard: Vec::new() }
    }
}
