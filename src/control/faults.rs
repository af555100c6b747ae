//! Faults that no plug tells of, found by what its meter says: a mat that draws nothing, a relay that is stuck, too much power,
//! another power than usual. A relay that does not open although it is to be off is stuck too: the report shows that, without a meter.
//!
//! A single sample means nothing: meters lag, mats are cold at first, and polls have gaps. A fault is one when five samples and two
//! minutes agree. The limits are the bridge's own choice, not those of a standard.

use jiff::{SignedDuration, Timestamp};

use super::{Controller, record::tell};
use crate::model::{Cause, Class, Fault, Learned, Notice, NoticeKind, Outlet, OutletId, Report};

/// Samples that have to agree.
const SAMPLES: u32 = 5;
/// Time over which they have to.
const TIME: SignedDuration = SignedDuration::from_secs(120);
/// A relay's position is no figure that wanders: so many looks at it have to agree.
const LOOKS: u32 = 3;
/// Another power than usual has to be seen for this long: cold cables draw more at first, and voltage wanders.
const DRIFT_TIME: SignedDuration = SignedDuration::from_mins(10);
/// Closer together than this they are one sample.
const APART: SignedDuration = SignedDuration::from_secs(4);
/// After a longer silence a row of samples begins anew,
const GAP: SignedDuration = SignedDuration::from_mins(5);
/// or after so many looks at a device that is looked at seldom: the power of an outlet that is off is read at every sixth of them.
const GAP_LOOKS: i32 = 20;
/// What flows through an open relay, in W: more than the plug's own error.
const LEAK: f64 = 5.0;
/// What a heater draws at least, in W.
const NOTHING: f64 = 2.0;
/// And as a share of what is written on it.
const NOTHING_SHARE: f64 = 0.05;
/// More than this times what is written on it is too much.
const TOO_MUCH: f64 = 1.15;
/// The usual power may change by this share: mains voltage within its limits (-10 % to +10 %, EN 50160) makes up to a fifth.
const DRIFT: f64 = 0.3;
/// Before this time on nothing is learned: a cold mat draws more.
const WARM_AFTER: SignedDuration = SignedDuration::from_mins(2);
/// The usual power is known after so many samples.
const KNOWN_AFTER: u32 = 60;
/// It follows slow changes over so many samples.
const REMEMBERS: u32 = 1000;
/// No outlet of these plugs carries more, in W: 16 A at 250 V.
pub(super) const POSSIBLE: f64 = 4000.0;

/// When a sample was taken.
#[derive(Clone, Copy, Debug)]
struct Sample {
    now: Timestamp,
    /// After a longer silence a row begins anew.
    gap: SignedDuration,
}

/// Samples in a row that show one thing.
#[derive(Clone, Copy, Debug, Default)]
struct Row {
    began: Option<Timestamp>,
    last: Option<Timestamp>,
    samples: u32,
}

impl Row {
    /// Takes in a sample of the meter. Have enough of them agreed for long enough?
    fn takes(&mut self, shows: bool, time: SignedDuration, at: Sample) -> bool {
        self.agree(shows, SAMPLES, time, at)
    }

    /// Takes in a sample. Have `enough` of them agreed for long enough?
    fn agree(&mut self, shows: bool, enough: u32, time: SignedDuration, at: Sample) -> bool {
        if !shows {
            *self = Self::default();
            return false;
        }
        let Sample { now, gap } = at;
        let since = |at: Option<Timestamp>| at.map_or(SignedDuration::MAX, |at| now.duration_since(at));
        if since(self.last) > gap || since(self.last) < SignedDuration::ZERO {
            *self = Self { began: Some(now), last: Some(now), samples: 1 };
        } else if since(self.last) >= APART {
            self.last = Some(now);
            self.samples = self.samples.saturating_add(1);
        }
        self.samples >= enough && since(self.began) >= time
    }
}

/// What is seen of one outlet.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Watch {
    /// It says that it is on, and is to be off.
    disobeys: Row,
    leaks: Row,
    idles: Row,
    burns: Row,
    drifts: Row,
    /// It has told a power before: what its relay lets through can be known.
    has_meter: bool,
    /// Samples of the usual power are taken this far apart too.
    learned_at: Option<Timestamp>,
}

impl Controller {
    /// Takes in what a report says about the load.
    pub(super) fn watch_load(
        &mut self,
        outlet: &mut Outlet,
        report: &Report,
        now: Timestamp,
        notices: &mut Vec<Notice>,
    ) {
        let rated = self.settings.rated_watts(&outlet.id).map(f64::from);
        let mut watch = self.watches.get(&outlet.id).copied().unwrap_or_default();
        let at = Sample { now, gap: self.gap(&outlet.id) };
        // Until it has been looked at after the order, an older position is no disobedience; what is left alone is not ordered.
        let to_be_off = !outlet.decision.switch.is_on() && !self.waits_for_weather(outlet);
        let has_heard = outlet.answered >= outlet.commanded && report.cause != Cause::FirstContact;
        let found = match watch.disobeys(outlet, report, to_be_off, has_heard, at) {
            true => Some(Fault::RelayStuck),
            false => watch.look(outlet, report, rated, at),
        };
        self.watches.insert(outlet.id.clone(), watch);
        let before = std::mem::replace(&mut outlet.alarm, found);
        if before == found {
            return;
        }
        if let Some(fault) = found {
            notices.push(tell(outlet, now, kind(fault), &words(fault, outlet, report, rated)));
        } else if let Some(fault) = before {
            let words = format!("shows no fault any more ({})", fault.as_str());
            notices.push(tell(outlet, now, NoticeKind::FaultEnded, &words).with("fault", fault.as_str()));
        }
    }

    /// How long nothing may be heard of an outlet before a row of its samples begins anew.
    fn gap(&self, id: &OutletId) -> SignedDuration {
        let every = self.settings.devices.get(&id.device).map(|it| it.poll_every).unwrap_or_default();
        GAP.max(SignedDuration::try_from(every).unwrap_or_default().saturating_mul(GAP_LOOKS))
    }

    /// The wall clock has moved: what was measured against it is measured anew.
    pub(super) fn forget_samples(&mut self) {
        for watch in self.watches.values_mut() {
            *watch = Watch { has_meter: watch.has_meter, ..Watch::default() };
        }
    }

    /// Somebody has looked at an outlet that draws another power than usual: from now on that is the usual one.
    pub(super) fn learn_anew(&mut self, id: &OutletId) {
        self.watches.remove(id);
    }
}

impl Watch {
    /// Is it to be off, and says for minutes that it is on? Once found, that ends only when it goes off, or may be on.
    fn disobeys(&mut self, outlet: &Outlet, report: &Report, to_be_off: bool, has_heard: bool, at: Sample) -> bool {
        let shows = report.switch.is_on() && to_be_off;
        let lasts = shows && outlet.alarm == Some(Fault::RelayStuck);
        self.disobeys.agree(shows && has_heard, LOOKS, TIME, at) || lasts
    }

    fn look(&mut self, outlet: &mut Outlet, report: &Report, rated: Option<f64>, at: Sample) -> Option<Fault> {
        let on = report.switch.is_on();
        // Told again, a figure is no sample: one that is wrong would soon agree with itself.
        let told = report.energy.filter(|_| report.cause == Cause::Measured);
        let power = told.and_then(|it| it.power).filter(|it| (0.0..=POSSIBLE).contains(it));
        let heats = outlet.class == Class::Heater;
        let Some(power) = power else {
            // A meter that is silent neither finds a fault nor ends one.
            let kept = outlet.alarm.filter(|it| *it != Fault::RelayStuck && on);
            let may_leak = !on && (self.has_meter || outlet.memory.metering.is_some());
            let leaks = outlet.alarm.filter(|it| *it == Fault::RelayStuck && may_leak);
            return kept.or(leaks);
        };
        self.has_meter = true;
        let least = rated.map_or(NOTHING, |it| (it * NOTHING_SHARE).max(NOTHING));
        // Neither a gap nor a clock that was set makes a relay open that has been found stuck.
        let leaking = !on && power > LEAK;
        let leaks = self.leaks.takes(leaking, TIME, at) || (leaking && outlet.alarm == Some(Fault::RelayStuck));
        let idles = self.idles.takes(on && heats && power < least, TIME, at);
        let burns = self.burns.takes(on && heats && rated.is_some_and(|it| power > it * TOO_MUCH), TIME, at);
        let drifts = on && heats && power >= least && self.drifts(outlet, power, at);
        let found =
            [(leaks, Fault::RelayStuck), (burns, Fault::OverRated), (idles, Fault::NoLoad), (drifts, Fault::Drift)];
        found.into_iter().find(|(is_so, _)| *is_so).map(|(_, fault)| fault)
    }

    /// Compares with the usual power, and learns it. What differs is not learned from.
    fn drifts(&mut self, outlet: &mut Outlet, power: f64, at: Sample) -> bool {
        let now = at.now;
        let warm = outlet.on_since.is_some_and(|since| now.duration_since(since) >= WARM_AFTER);
        if !warm {
            return self.drifts.takes(false, DRIFT_TIME, at);
        }
        let known = outlet.memory.learned.filter(|it| it.samples >= KNOWN_AFTER && it.watts > 0.0);
        let differs = known.is_some_and(|it| (power - it.watts).abs() > it.watts * DRIFT);
        let fresh = self.learned_at.is_none_or(|at| now.duration_since(at).abs() >= APART);
        if !differs && fresh {
            self.learned_at = Some(now);
            let old = outlet.memory.learned.unwrap_or(Learned { watts: power, samples: 0 });
            let samples = old.samples.saturating_add(1).min(REMEMBERS);
            let watts = old.watts + (power - old.watts) / f64::from(samples);
            outlet.memory.learned = Some(Learned { watts, samples });
        }
        self.drifts.takes(differs, DRIFT_TIME, at)
    }
}

fn kind(fault: Fault) -> NoticeKind {
    match fault {
        Fault::NoLoad => NoticeKind::NoLoad,
        Fault::RelayStuck => NoticeKind::RelayStuck,
        Fault::Drift => NoticeKind::Drift,
        Fault::Overheat => NoticeKind::Overheat,
        Fault::OverRated | Fault::Overload | Fault::Overcurrent => NoticeKind::Overload,
    }
}

/// What is the matter, by which figures, and what to do.
fn words(fault: Fault, outlet: &Outlet, report: &Report, rated: Option<f64>) -> String {
    let power = report.energy.and_then(|it| it.power).map_or_else(String::new, |it| format!("{it:.0} W"));
    let rated = rated.map_or_else(String::new, |it| format!(", {it:.0} W are written on it"));
    match fault {
        Fault::RelayStuck if report.switch.is_on() => {
            let power = if power.is_empty() { power } else { format!(" and draws {power}") };
            format!(
                "is to be off, but still says that it is on{power}: its relay may be stuck. It goes on being \
                 told; pull the plug or switch its breaker off"
            )
        }
        Fault::RelayStuck => format!(
            "says that it is off, but {power} flow: its relay may be stuck. Pull the plug or switch its breaker off"
        ),
        Fault::NoLoad => format!(
            "is on but draws only {power}{rated}: nothing is heated. Is the mat plugged in, has its GFCI or thermostat opened?"
        ),
        Fault::OverRated => format!("draws {power}{rated}: it is switched off and locked until somebody has looked"),
        Fault::Drift => {
            let usual = outlet
                .memory
                .learned
                .map_or_else(String::new, |it| format!(" in place of its usual {:.0} W", it.watts));
            format!("draws {power}{usual}: part of the mat may be broken, or another one was plugged in")
        }
        Fault::Overheat | Fault::Overload | Fault::Overcurrent => format!("has a fault: {}", fault.words()),
    }
}
