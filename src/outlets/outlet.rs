//! What a device's task knows about one outlet: the last look, the attempt that no look has confirmed yet, and the pause after
//! a failure. No I/O.

use std::time::Duration;

use jiff::SignedDuration;
use tokio::time::Instant;

use super::{
    answer::Look,
    guard::{Guard, Tempo},
    meter::Meters,
    pace::Pauses,
};
use crate::model::{Cause, Energy, Report, Socket, Switch};

/// An attempt stays the likely cause of what a new connection shows for this long. Later the past counts as unknown.
const OURS: Duration = Duration::from_secs(60);

/// What flows through an outlet that is off, in W, is looked at as often as the outlet: its relay may be stuck.
const FLOWS: f64 = 2.0;

/// An OFF that seems to be done is repeated this often where power still flows.
const INSIST: Duration = Duration::from_secs(10);

/// One outlet.
#[derive(Debug)]
pub(super) struct Outlet {
    look: Look,
    seen: Instant,
    meters: Meters,
    energy: Energy,
    attempt: Option<Attempt>,
    pause: Option<Pause>,
    told: Option<(Switch, String)>,
    pub(super) guard: Guard,
    answered: u64,
    /// When it was last told to go off.
    told_off: Option<Instant>,
    /// Its power was read since the report that told of it last.
    power_read: bool,
    /// Its power is to be asked for.
    pub(super) power_due: bool,
    /// Its energy is to be asked for.
    pub(super) usage_due: bool,
}

#[derive(Debug)]
struct Attempt {
    to: Switch,
    at: Instant,
    /// Can the relay have moved?
    sent: bool,
    error: Option<String>,
}

#[derive(Debug)]
struct Pause {
    to: Switch,
    pauses: Pauses,
    until: Instant,
}

/// An outlet that did not follow: what was wanted, and why it did not come about.
pub(super) type Failure = (Switch, String);

impl Outlet {
    /// An outlet that has just been looked at for the first time.
    pub(super) fn new(look: Look) -> Self {
        Self {
            look,
            seen: Instant::now(),
            meters: Meters::default(),
            energy: Energy::default(),
            attempt: None,
            pause: None,
            told: None,
            guard: Guard::default(),
            answered: 0,
            told_off: None,
            power_read: false,
            power_due: false,
            usage_due: false,
        }
    }

    /// What it can measure is known now, and everything is asked for afresh.
    pub(super) fn can_measure(&mut self, meters: Meters) {
        self.meters = meters;
        (self.power_due, self.usage_due) = (meters.energy, meters.energy);
    }

    /// How the device addresses it.
    pub(super) fn child(&self) -> Option<&str> {
        self.look.child.as_deref()
    }

    /// What it can measure.
    pub(super) fn meters(&self) -> Meters {
        self.meters
    }

    /// As the housing lists it.
    pub(super) fn socket(&self) -> Socket {
        Socket {
            slot: self.look.slot,
            label: self.look.label.clone(),
            meters_energy: self.meters.energy,
            meters_voltage: self.meters.voltage,
        }
    }

    /// Is it to be switched now? One that was just switched is looked at first; only an OFF does not wait for that. One that does
    /// not say where it is may be on: it is sent an OFF, and never an ON.
    pub(super) fn is_due(&self, wanted: Switch, now: Instant) -> bool {
        if self.retry_at(wanted).is_some_and(|at| at > now) {
            return false;
        }
        match (wanted, &self.attempt) {
            (Switch::Off, Some(attempt)) => attempt.to.is_on(),
            (Switch::On, Some(_)) => false,
            (Switch::Off, None) => self.look.switch != Some(Switch::Off),
            (Switch::On, None) => self.look.switch == Some(Switch::Off),
        }
    }

    /// May it be told again to go off although it says that it is? Its relay may be stuck, and a jolt may free it.
    pub(super) fn may_insist(&self, now: Instant) -> bool {
        let rested = self.told_off.is_none_or(|at| now.duration_since(at) >= INSIST);
        self.attempt.is_none() && self.look.switch == Some(Switch::Off) && rested
    }

    /// When a failed attempt to bring about `wanted` may be repeated.
    pub(super) fn retry_at(&self, wanted: Switch) -> Option<Instant> {
        self.pause.as_ref().filter(|it| it.to == wanted).map(|it| it.until)
    }

    /// Was it switched without a look since?
    pub(super) fn awaits_look(&self) -> bool {
        self.attempt.is_some()
    }

    /// Does it rest: nothing flows, and nothing is measured?
    pub(super) fn is_idle(&self) -> bool {
        self.look.switch == Some(Switch::Off) && !self.meters.energy
    }

    /// Does this look show that somebody else has moved the relay?
    pub(super) fn was_moved(&self, look: &Look) -> bool {
        self.attempt.is_none() && look.switch != self.look.switch
    }

    /// Has a look answered the command with this number?
    pub(super) fn has_answered(&self, commanded: u64) -> bool {
        self.answered >= commanded
    }

    /// New orders end the pause at once: those for another position, and a person's who insists.
    pub(super) fn hear(&mut self, wanted: Option<Switch>, insists: bool) {
        let changed = self.pause.as_ref().is_some_and(|it| Some(it.to) != wanted);
        if changed {
            self.pause = None;
        } else if let Some(pause) = self.pause.as_mut().filter(|_| insists) {
            pause.until = Instant::now();
        }
        if changed || insists {
            self.told = None;
        }
    }

    /// It was switched; the device agreed, or `error` says why not, and `sent` whether the relay can have moved all the same.
    pub(super) fn attempted(&mut self, to: Switch, sent: bool, error: Option<String>) {
        if !to.is_on() {
            self.told_off = Some(Instant::now());
        }
        self.attempt = Some(Attempt { to, at: Instant::now(), sent, error });
    }

    /// A switch was turned away before anything was done: wait before the next.
    pub(super) fn hold(&mut self, to: Switch) {
        let mut pauses = match self.pause.take() {
            Some(pause) if pause.to == to => pause.pauses,
            _ => Pauses::switching(to),
        };
        let until = Instant::now() + pauses.next();
        self.pause = Some(Pause { to, pauses, until });
    }

    /// Takes in a look that was asked for when `commanded` was the newest command; `fresh` if the past is unknown.
    /// Returns the cause of the report, and what did not come about.
    pub(super) fn looked(&mut self, look: Look, commanded: u64, fresh: bool) -> (Cause, Option<Failure>) {
        if look.switch != self.look.switch {
            // What was measured in the other position says nothing about this one.
            self.energy = Energy { power: None, current: None, ..self.energy };
            (self.power_due, self.power_read) = (self.meters.energy, false);
        }
        let matters = look.switch == Some(Switch::On) || self.energy.power.is_some_and(|it| it > FLOWS);
        self.power_due |= self.meters.energy && matters;
        self.guard.looked(look.switch);
        self.look = look;
        self.seen = Instant::now();
        self.answered = commanded;
        let Some(attempt) = self.attempt.take() else {
            return (if fresh { Cause::FirstContact } else { Cause::Polled }, None);
        };
        let ours = attempt.sent && (!fresh || attempt.at.elapsed() < OURS);
        let cause = match (ours, fresh) {
            (true, _) => Cause::Switched,
            (false, true) => Cause::FirstContact,
            (false, false) => Cause::Polled,
        };
        if self.look.switch == Some(attempt.to) {
            // Opened for want of a timer, it is still not to be closed again at once.
            if self.pause.as_ref().is_none_or(|it| it.to == attempt.to) {
                (self.pause, self.told) = (None, None);
            }
            return (cause, None);
        }
        self.hold(attempt.to);
        let still = self.look.switch.map_or("does not say where it is", |it| match it {
            Switch::On => "still reports ON",
            Switch::Off => "still reports OFF",
        });
        let why = attempt.error.unwrap_or_else(|| format!("it agreed to be switched {} but {still}", attempt.to));
        (cause, self.untold(attempt.to, why))
    }

    /// The device is gone before the attempt could be looked at: what is to be told about it.
    pub(super) fn abandoned(&mut self) -> Option<Failure> {
        let attempt = self.attempt.as_ref()?;
        let (to, why) = (attempt.to, attempt.error.clone()?);
        self.untold(to, why)
    }

    /// A failure is told once, until it becomes another one or a person insists.
    pub(super) fn untold(&mut self, to: Switch, why: String) -> Option<Failure> {
        let failure = Some((to, why));
        if self.told == failure {
            return None;
        }
        self.told = failure;
        self.told.clone()
    }

    /// A meter is about to be read.
    pub(super) fn is_asked(&mut self, asked: Asked) {
        match asked {
            Asked::Power => self.power_due = false,
            Asked::Usage => self.usage_due = false,
            Asked::Both => (self.power_due, self.usage_due) = (false, false),
        }
    }

    /// Takes in what a meter said; `None` is what it did not say. Figures that were not asked for stay.
    pub(super) fn measured(&mut self, asked: Asked, energy: Energy) {
        let old = self.energy;
        self.power_read |= asked != Asked::Usage || energy.power.is_some();
        self.energy = match asked {
            Asked::Power => Energy {
                power: energy.power,
                voltage: energy.voltage,
                current: energy.current,
                today: energy.today.or(old.today),
                month: energy.month.or(old.month),
            },
            Asked::Both => energy,
            Asked::Usage => {
                Energy { power: energy.power.or(old.power), today: energy.today, month: energy.month, ..old }
            }
        };
    }

    /// Why a report is due beside those of the looks.
    pub(super) fn enriched(&mut self) -> Cause {
        if std::mem::take(&mut self.power_read) { Cause::Measured } else { Cause::Polled }
    }

    /// The time until the plug opens the relay by itself.
    fn timer(&self, tempo: Tempo) -> Option<SignedDuration> {
        self.look.switch.filter(|it| it.is_on())?;
        let passed = tempo.house(self.seen.elapsed());
        let auto_off = self.look.auto_off.and_then(|it| it.remain).map(|it| it.saturating_sub(passed));
        let first = self.guard.remain(tempo).into_iter().chain(auto_off).min()?;
        Some(first.max(SignedDuration::ZERO))
    }

    /// Where the last look saw the relay.
    pub(super) fn switch(&self) -> Option<Switch> {
        self.look.switch
    }

    /// Does it stay off when the power comes back? `None` if it does not say.
    pub(super) fn stays_off(&self) -> Option<bool> {
        self.look.stays_off
    }

    /// Has it an auto-off timer?
    pub(super) fn has_auto_off(&self) -> bool {
        self.look.auto_off.is_some()
    }

    /// As the hub hears it. `None` for an outlet that does not say where it is.
    pub(super) fn report(&self, cause: Cause, tempo: Tempo) -> Option<Report> {
        let switch = self.look.switch?;
        // A report that is sent some time after the look must not make the outlet look younger.
        let since = if switch.is_on() { self.seen.elapsed() } else { Duration::ZERO };
        let since = SignedDuration::try_from(since).unwrap_or_default();
        Some(Report {
            slot: self.look.slot,
            switch,
            on_time: self.look.on_time.map(|it| it.saturating_add(since)),
            energy: self.meters.energy.then_some(self.energy),
            fault: self.look.fault,
            timer: self.timer(tempo),
            cause,
            answers: self.answered,
        })
    }
}

/// Which meter was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Asked {
    /// Power, and voltage and current where there are any.
    Power,
    /// Energy today and this month.
    Usage,
    /// All of them, in one round trip where the device allows it.
    Both,
}
