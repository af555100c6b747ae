//! One outlet of an emulated device: its relay and all that can move it.

use std::time::Duration;

use serde::Serialize;

use super::meter::Meter;

/// What moved a relay.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// A client's `set_device_info`.
    Client,
    /// The button on the device.
    Button,
    /// A countdown that ran out.
    Countdown,
    /// The auto-off timer that ran out.
    AutoOff,
    /// The device's own protection.
    Protection,
    /// The power went, or came back.
    Power,
}

/// One order to a relay, whether it moved or not.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Switched {
    /// The device's own time since it was made.
    pub at: Duration,
    /// Which outlet, from 1.
    pub slot: u8,
    /// What the order was.
    pub on: bool,
    /// Did the relay move, or was it there already?
    pub moved: bool,
    /// Who gave it.
    pub cause: Cause,
}

/// The device's own protection, which cuts the relay.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Protection {
    /// All is well.
    #[default]
    Normal,
    /// Too hot.
    Overheated,
    /// More power than is allowed.
    Overloaded,
    /// More current than is allowed.
    Overcurrent,
}

/// What is wrong with a relay itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Relay {
    /// Nothing.
    #[default]
    Sound,
    /// Its contacts are welded together: current flows whatever the device says, and the device does not know.
    Welded,
    /// It does not let go: once on it stays on, and the device says so.
    Jammed,
}

/// How an outlet is, for those who look from outside.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct OutletState {
    /// Which outlet, from 1.
    pub slot: u8,
    /// Is the relay closed?
    pub on: bool,
    /// Whole seconds since it was switched on, by the device's own count; 0 while it is off.
    pub on_time: u64,
    /// What it draws while it is on, in W.
    pub load: f64,
    /// Energy since the device was made, in Wh, whether it has a meter or not.
    pub energy: f64,
    /// What the device's own protection says.
    pub protection: Protection,
    /// What is wrong with its relay.
    pub relay: Relay,
    /// The time until its countdown fires, if one is armed.
    pub countdown: Option<Duration>,
}

/// What a relay does when the power comes back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum AfterPower {
    /// Whatever it was.
    #[default]
    LastState,
    /// On or off.
    Always(bool),
}

/// The one countdown that an outlet can have.
#[derive(Clone, Copy, Debug)]
pub(super) struct Countdown {
    pub(super) delay: Duration,
    /// What it does to the relay.
    pub(super) on: bool,
    /// When. `None` once it has fired: it stays in the list, disabled.
    pub(super) due: Option<Duration>,
}

/// The timer that switches off some time after every switching on.
#[derive(Clone, Copy, Debug)]
pub(super) struct AutoOff {
    pub(super) enabled: bool,
    pub(super) minutes: u32,
    /// When it will fire; `None` while the outlet is off.
    pub(super) due: Option<Duration>,
}

/// One outlet. Times are the device's own.
#[derive(Clone, Debug)]
pub(super) struct Outlet {
    pub(super) position: u8,
    pub(super) nickname: String,
    pub(super) avatar: String,
    pub(super) on: bool,
    /// When the relay last moved.
    pub(super) since: Duration,
    /// What draws power while the relay is on, in W.
    pub(super) load: f64,
    /// How much that grows, in W per hour.
    pub(super) drift: f64,
    pub(super) meter: Meter,
    pub(super) protection: Protection,
    pub(super) relay: Relay,
    pub(super) after_power: AfterPower,
    pub(super) countdown: Option<Countdown>,
    pub(super) auto_off: AutoOff,
    /// The relay before the power went.
    before_cut: Option<bool>,
}

/// A timer that moves the relay by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Timer {
    Countdown,
    AutoOff,
}

impl Outlet {
    /// An outlet that is off.
    pub(super) fn new(position: u8, nickname: String, load: f64) -> Self {
        Self {
            position,
            nickname,
            avatar: "plug".to_owned(),
            on: false,
            since: Duration::ZERO,
            load,
            drift: 0.0,
            meter: Meter::new(),
            protection: Protection::Normal,
            relay: Relay::Sound,
            after_power: AfterPower::LastState,
            countdown: None,
            auto_off: AutoOff { enabled: false, minutes: 120, due: None },
            before_cut: None,
        }
    }

    /// Active power in W.
    pub(super) fn power(&self) -> f64 {
        if self.flows() { self.load } else { 0.0 }
    }

    /// A while goes by: the meter counts, and the load drifts.
    pub(super) fn passes(&mut self, span: Duration) {
        let drifted = (self.load + self.drift * span.as_secs_f64() / 3600.0).max(0.0);
        if self.flows() {
            self.meter.ran(span, self.load.midpoint(drifted));
        }
        self.load = drifted;
    }

    /// Is current let through?
    pub(super) fn flows(&self) -> bool {
        self.on || self.relay == Relay::Welded
    }

    /// Whole seconds since it was switched on; 0 while it is off.
    pub(super) fn on_time(&self, now: Duration) -> u64 {
        if self.on { now.saturating_sub(self.since).as_secs() } else { 0 }
    }

    /// What can be seen of it.
    pub(super) fn state(&self, now: Duration) -> OutletState {
        OutletState {
            slot: self.position,
            on: self.on,
            on_time: self.on_time(now),
            load: self.load,
            energy: self.meter.total().watt_hours,
            protection: self.protection,
            relay: self.relay,
            countdown: self.countdown.and_then(|it| it.due).map(|due| due.saturating_sub(now)),
        }
    }

    /// Moves the relay. A relay that is there already keeps its `on_time` and its timers.
    pub(super) fn switch(&mut self, on: bool, at: Duration, cause: Cause) -> Switched {
        let moved = self.on != on && (on || self.relay != Relay::Jammed);
        if moved {
            self.on = on;
            self.since = at;
            self.arm_auto_off(at);
        }
        if on {
            self.protection = Protection::Normal;
        }
        Switched { at, slot: self.position, on, moved, cause }
    }

    /// Sets the auto-off timer going if it is wanted and there is something to switch off.
    pub(super) fn arm_auto_off(&mut self, at: Duration) {
        let delay = Duration::from_secs(u64::from(self.auto_off.minutes) * 60);
        self.auto_off.due = (self.auto_off.enabled && self.on).then(|| at.saturating_add(delay));
    }

    /// Puts the auto-off timer in force.
    pub(super) fn set_auto_off(&mut self, minutes: u32, at: Duration) {
        (self.auto_off.enabled, self.auto_off.minutes) = (true, minutes);
        self.arm_auto_off(at);
    }

    /// The timer that will fire first.
    pub(super) fn next_timer(&self) -> Option<(Duration, Timer)> {
        let countdown = self.countdown.and_then(|it| it.due).map(|due| (due, Timer::Countdown));
        let auto_off = self.auto_off.due.map(|due| (due, Timer::AutoOff));
        countdown.into_iter().chain(auto_off).min()
    }

    /// Lets a timer do its work.
    pub(super) fn fire(&mut self, timer: Timer, at: Duration) -> Switched {
        match (timer, self.countdown.as_mut()) {
            (Timer::Countdown, Some(countdown)) => {
                countdown.due = None;
                let on = countdown.on;
                self.switch(on, at, Cause::Countdown)
            }
            (Timer::Countdown, None) | (Timer::AutoOff, _) => {
                self.auto_off.due = None;
                self.switch(false, at, Cause::AutoOff)
            }
        }
    }

    /// The power goes: the relay falls open and the timers are forgotten.
    pub(super) fn lose_power(&mut self, at: Duration) -> Switched {
        self.before_cut = Some(self.on);
        self.countdown = None;
        self.switch(false, at, Cause::Power)
    }

    /// The power comes back.
    pub(super) fn regain_power(&mut self, at: Duration) -> Switched {
        let before = self.before_cut.take().unwrap_or(self.on);
        let on = match self.after_power {
            AfterPower::LastState => before,
            AfterPower::Always(on) => on,
        };
        self.switch(on, at, Cause::Power)
    }
}
