//! Who looks at the plugs themselves and compares with what is claimed and what is allowed.

use std::{collections::BTreeMap, time::Duration};

use heattrax::{
    emulator::{Cause, Switched},
    model::Availability,
};
use jiff::Timestamp;
use tokio::time::Instant;

use crate::{
    chaos::{Chaos, LONGEST_GONE, Wish},
    town::{HEATERS, LONGEST_HOURS, MODELS, Shown, Town},
};

/// A timer on a plug is set at most this far ahead.
const TIMER: Duration = Duration::from_secs(15 * 60);
/// Answers take their time, looks come every 15 s, and the device counts whole seconds.
const MARGIN: Duration = Duration::from_secs(120);
/// A heater may be without a countdown for so long while its plug is spoken to: requests may fail, and are repeated.
const UNARMED: Duration = Duration::from_secs(60);
/// What is shown was so within this time before the report: requests may take as long as this.
const AGE: Duration = Duration::from_secs(60);

pub(crate) struct Witness {
    /// When each plug was last spoken to.
    spoken: Vec<(u64, Instant)>,
    /// How often logins were begun an hour ago.
    greetings: Vec<(u64, Instant)>,
    /// Since when each heater that we have switched on has been seen without an armed countdown.
    bare: BTreeMap<(usize, u8), Instant>,
    /// The relays over time: when they moved, and how.
    relays: BTreeMap<(usize, u8), Vec<Switched>>,
    read: Vec<usize>,
}

impl Witness {
    pub(crate) fn new(town: &Town) -> Self {
        let now = Instant::now();
        Self {
            spoken: vec![(0, now); town.plugs.len()],
            greetings: vec![(0, now); town.plugs.len()],
            bare: BTreeMap::new(),
            relays: BTreeMap::new(),
            read: vec![0; town.plugs.len()],
        }
    }

    /// One look.
    pub(crate) fn looks(&mut self, town: &Town, chaos: &Chaos) {
        assert!(town.tasks.iter().all(|it| !it.is_finished()), "a task has died");
        // The picture first: whatever it shows is in the logs by the time they are read.
        let picture = (town.handle.clock.now(), town.shown());
        self.follows_the_relays(town);
        self.sees_no_login_hammered(town);
        for (at, plug) in town.plugs.iter().enumerate() {
            let requests = plug.counts().carried_out;
            if requests != self.spoken[at].0 {
                self.spoken[at] = (requests, Instant::now());
            }
            let silent = self.spoken[at].1.elapsed();
            for (_, slot) in HEATERS.iter().filter(|it| it.0 == at) {
                let last = self.relays.get(&(at, *slot)).and_then(|it| it.last());
                let ours = last.is_some_and(|it| it.on && it.cause == Cause::Client);
                assert!(
                    !(ours && silent > TIMER + MARGIN),
                    "{} slot {slot} is on although nobody has spoken to it for {silent:?}",
                    MODELS[at].name()
                );
            }
        }
        self.sees_every_heater_armed(town, chaos);
        self.believes_what_is_shown(town, &picture);
    }

    /// A heater that we have switched on has a countdown on its plug, or is off soon, if the plug is well.
    fn sees_every_heater_armed(&mut self, town: &Town, chaos: &Chaos) {
        for id in HEATERS {
            let outlet = town.plugs[id.0].outlets().into_iter().find(|it| it.slot == id.1).unwrap();
            let last = self.relays.get(&id).and_then(|it| it.last());
            let ours = last.is_some_and(|it| it.on && it.cause == Cause::Client);
            if let Some(left) = outlet.countdown.filter(|_| outlet.on && ours) {
                assert!(left <= TIMER, "{} slot {}: {left:?} are armed", MODELS[id.0].name(), id.1);
            }
            // While questions or answers are lost, nobody can arm; how long that may last is seen to elsewhere.
            if !ours || !chaos.is_well(id.0) || outlet.countdown.is_some() || self.spoken[id.0].1.elapsed() > AGE {
                self.bare.remove(&id);
                continue;
            }
            let since = self.bare.entry(id).or_insert_with(Instant::now).elapsed();
            assert!(since <= UNARMED, "{} slot {} has been on unarmed for {since:?}", MODELS[id.0].name(), id.1);
        }
    }

    fn follows_the_relays(&mut self, town: &Town) {
        for (at, plug) in town.plugs.iter().enumerate() {
            let log = plug.log_from(self.read[at]);
            self.read[at] += log.len();
            assert!(self.read[at] < 10_000, "the log has overflowed");
            for it in log.into_iter().filter(|it| it.moved) {
                self.relays.entry((at, it.slot)).or_default().push(it);
            }
        }
    }

    /// The house never shows a state that the plug did not have a moment before it was reported.
    fn believes_what_is_shown(&self, town: &Town, (now, shown): &(Timestamp, Shown)) {
        for (&(at, slot), outlet) in shown {
            let (Some(report), Some(reported)) = (&outlet.reported, outlet.reported_at) else { continue };
            let age = Duration::try_from(now.duration_since(reported)).unwrap_or_default();
            let until = town.plugs[at].now().saturating_sub(age);
            let from = until.saturating_sub(AGE);
            let moves = self.relays.get(&(at, slot)).map(Vec::as_slice).unwrap_or_default();
            let (known, recent) = moves.split_at(moves.partition_point(|it| it.at <= from));
            let recent = recent.iter().take_while(|it| it.at <= until).map(|it| it.on);
            let mut states = recent.chain([known.last().is_some_and(|it| it.on)]);
            let shown = report.switch.is_on();
            assert!(
                states.any(|it| it == shown),
                "{} slot {slot} was said to be {} and never was",
                MODELS[at].name(),
                report.switch
            );
        }
    }

    /// A device locks itself after too many wrong passwords: logins are rare whatever happens.
    fn sees_no_login_hammered(&mut self, town: &Town) {
        for (at, plug) in town.plugs.iter().enumerate() {
            let (before, since) = self.greetings[at];
            let begun = plug.counts().greetings - before;
            let (name, faults) = (MODELS[at].name(), plug.faults());
            assert!(begun <= 720, "{begun} logins at a {name} within an hour, now with {faults:?}");
            if since.elapsed() >= Duration::from_secs(3600) {
                self.greetings[at] = (plug.counts().greetings, Instant::now());
            }
        }
    }

    /// In the calm after a spell of faults everything is as it is wished.
    pub(crate) fn finds_agreement(&self, town: &Town) {
        for ((at, slot), outlet) in town.shown() {
            let name = format!("{} slot {slot}", MODELS[at].name());
            let house = town.handle.picture();
            let trouble = house.devices[&outlet.id.device].trouble.clone();
            let where_it_is = town.address(at);
            assert_eq!(outlet.availability, Availability::Online, "{name} at {where_it_is} is not found: {trouble:?}");
            let wanted = outlet.decision.switch.is_on();
            // A change that is a moment old is under way.
            let fresh = town.handle.clock.now().duration_since(outlet.decision.since).as_secs() < 60;
            assert!(fresh || town.plugs[at].relay(slot) == wanted, "{name}: {} is wanted", outlet.decision.switch);
        }
    }

    /// By the plugs' own logs no heater was on for longer than it may be.
    pub(crate) fn reads_the_logs(&self, town: &Town, wishes: &[Wish]) {
        let longest = Duration::from_secs(LONGEST_HOURS * 3600);
        for (at, slot) in HEATERS {
            let log = town.plugs[at].log();
            let mut began: Option<Switched> = None;
            for it in log.iter().filter(|it| it.slot == slot && it.moved) {
                if it.on {
                    began = Some(*it);
                    continue;
                }
                let Some(began) = began.take() else { continue };
                // A button is pressed where no timer was armed: the bridge has to see it first.
                let unseen = if began.cause == Cause::Client { Duration::ZERO } else { LONGEST_GONE };
                let ours = wishes.iter().filter(|wish| wish.outlets.contains(&(at, slot)));
                let asked = ours.filter(|wish| wish.from <= it.at && wish.until >= began.at).map(|wish| wish.until);
                let may = asked.chain([began.at + longest]).max().unwrap();
                assert!(
                    it.at <= may + TIMER + unseen + MARGIN,
                    "{} slot {slot} was on from {:?} to {:?}, {may:?} was allowed (by {:?}, ended by {:?})",
                    MODELS[at].name(),
                    began.at,
                    it.at,
                    began.cause,
                    it.cause
                );
            }
        }
    }
}
