//! The store: the memory in a file.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, reason = "tests")]

mod earlier;
mod keeping;
mod opening;

use std::{collections::BTreeMap, sync::Arc};

use heattrax::model::{
    Availability, Class, Control, Cut, Decision, End, Fault, House, Learned, Lockout, Memory, Metering, OnToday,
    Origin, Outlet, OutletId, Pause, Pin, Reason, Remembered, Run, Switch, VacationTold, Wish,
};
use jiff::{SignedDuration, Timestamp};

fn noon() -> Timestamp {
    "2026-01-15T12:00:00Z".parse().unwrap()
}

/// What is remembered of an outlet in the middle of everything.
fn remembered() -> Remembered {
    let latest = noon() + SignedDuration::from_hours(3);
    Remembered {
        longest_on: Some(SignedDuration::from_mins(90)),
        control: Control::Off,
        wish: Some(Wish {
            switch: Switch::On,
            since: noon(),
            end: End::NextChange { rules_said: Switch::Off, latest },
            origin: Origin::Plug,
        }),
        asked_because: Some("guests".to_owned()),
        run: Run { before: SignedDuration::from_mins(95), on_since: Some(noon()), off_since: None },
        cut: Some(Cut {
            at: noon(),
            rest: SignedDuration::from_mins(30),
            ran: SignedDuration::from_hours(6),
            limit: SignedDuration::from_hours(6),
        }),
        ruled_since: Some(noon()),
        moved_at: Some(noon()),
        metering: Some(Metering { total: 418.337, today: 1.25, month: Some(31.0), at: Timestamp::UNIX_EPOCH }),
        today: Some(OnToday { day: "2026-01-15".parse().unwrap(), on: SignedDuration::from_mins(95) }),
        learned: Some(Learned { watts: 281.5, samples: 90 }),
        lockout: Some(Lockout { fault: Fault::Overload, at: noon(), acknowledged: false }),
    }
}

fn memory() -> Memory {
    let pin = Pin { device_id: Some("8022AB".to_owned()), ..Pin::of_mac("A0:B1:C2:D3:E4:F5".parse().unwrap()) };
    Memory {
        vacation: Some(VacationTold { away: true, config: false }),
        paused: Some(Pause { since: noon(), end: End::Elapsed(noon() + SignedDuration::from_hours(24)) }),
        pins: BTreeMap::from([("porch".parse().unwrap(), pin)]),
        outlets: BTreeMap::from([("porch/2".parse().unwrap(), remembered())]),
        whole: BTreeMap::from([("strip".parse().unwrap(), Remembered::default())]),
        gone: Vec::new(),
        written_at: Some(noon()),
    }
}

/// A house with one outlet that remembers `memory`.
fn house(vacation: bool, memory: Remembered) -> House {
    let id: OutletId = "porch/2".parse().unwrap();
    let decision = Decision {
        switch: Switch::Off,
        reason: Reason::NothingAsks,
        since: noon(),
        until: None,
        review_at: None,
        next: None,
        opinions: Vec::new(),
    };
    let outlet = Outlet {
        id: id.clone(),
        name: "Porch".to_owned(),
        group: None,
        class: Class::Heater,
        availability: Availability::Unknown,
        reported: None,
        reported_at: None,
        on_since: None,
        memory,
        decision,
        commanded: 0,
        answered: 0,
        pending: None,
        longest_on: SignedDuration::from_hours(6),
        runtime_today: SignedDuration::ZERO,
        alarm: None,
        energy_total: None,
    };
    House {
        at: noon(),
        devices: BTreeMap::new(),
        outlets: BTreeMap::from([(id, Arc::new(outlet))]),
        groups: BTreeMap::new(),
        weather: Default::default(),
        vacation,
        paused: None,
        vacation_told: Some(VacationTold { away: vacation, config: false }),
        broker: Default::default(),
        clock: Default::default(),
        whole: Default::default(),
        gone: std::sync::Arc::default(),
    }
}
