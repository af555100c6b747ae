//! Deciding again, and remembering what comes of it: cuts begin, wishes end, answers fall due.

use std::{collections::BTreeSet, sync::Arc};

use jiff::Timestamp;

use super::{
    Controller, conditions,
    decide::{self, Verdict},
    melt::View,
    outlook::Outlook,
    record::tell,
    safety, wishes,
};
use crate::model::{
    Availability, Change, Class, Cut, Decision, GroupState, Notice, NoticeKind, Opinion, Outlet, OutletId, Reason, Run,
    Slug, Switch, VoiceName,
};

impl Controller {
    /// Decides the outlets that were touched and those whose time has come; all of them for `None`.
    pub(super) fn decide_again(&mut self, now: Timestamp, touched: Option<&BTreeSet<OutletId>>) -> Vec<Notice> {
        let due = |it: &Outlet| {
            let answer = it.pending.as_ref().is_some_and(|pending| pending.answer_by <= now);
            touched.is_none() || answer || it.decision.review_at.is_some_and(|at| at <= now)
        };
        let mut ids = touched.cloned().unwrap_or_default();
        ids.extend(self.house.outlets.values().filter(|it| due(it)).map(|it| it.id.clone()));
        let mut notices = Vec::new();
        // The outlets of a circuit depend on each other: they are decided together.
        let circuits = self.circuits_of(&ids);
        for id in ids {
            if self.house.outlets.get(&id).is_some_and(|it| self.circuit_of(it).is_none()) {
                self.decide_one(&id, now, &mut notices);
            }
        }
        for circuit in circuits {
            self.decide_circuit(&circuit, now, &mut notices);
        }
        notices
    }

    /// Decides one outlet, and those that share its circuit, and remembers what comes of it. Doing it again changes nothing.
    pub(super) fn decide_one(&mut self, id: &OutletId, now: Timestamp, notices: &mut Vec<Notice>) {
        let circuit = self.house.outlets.get(id).and_then(|it| self.circuit_of(it)).map(|it| it.name.clone());
        if let Some(circuit) = circuit {
            return self.decide_circuit(&circuit, now, notices);
        }
        let Some((mut outlet, verdict)) = self.look_at(id, now, notices) else { return };
        self.note_rule(&mut outlet, &verdict.decision, now);
        self.conclude(outlet, verdict.decision, true, now);
    }

    /// What is decided about an outlet, its circuit apart, with what comes of it remembered.
    pub(super) fn look_at(
        &self,
        id: &OutletId,
        now: Timestamp,
        notices: &mut Vec<Notice>,
    ) -> Option<(Outlet, Verdict)> {
        let mut outlet = Outlet::clone(self.house.outlets.get(id)?);
        self.end_rest(&mut outlet, now);
        // First, for a command that has failed may take its wish with it.
        answer(&mut outlet, now, notices);
        let mut verdict = decide::decide(&self.facts(&outlet, now));
        while self.settle(&mut outlet, &verdict, now, notices) {
            verdict = decide::decide(&self.facts(&outlet, now));
        }
        Some((outlet, verdict))
    }

    /// Puts a decision on the board. `foreseen`: is the next change known?
    pub(super) fn conclude(&mut self, mut outlet: Outlet, mut new: Decision, foreseen: bool, now: Timestamp) {
        let old = &outlet.decision;
        if old.switch == new.switch && old.reason.key() == new.reason.key() && !old.opinions.is_empty() {
            new.since = old.since;
        }
        new.next = if foreseen { self.next_change(&outlet, &new, now) } else { None };
        if new.switch == Switch::Off {
            self.doubt(&mut outlet);
        }
        outlet.decision = new;
        if self.house.outlets.get(&outlet.id).is_none_or(|before| **before != outlet) {
            self.house.outlets.insert(outlet.id.clone(), Arc::new(outlet));
        }
    }

    /// A rest that is over is forgotten, together with the run that led to it. Not before the plug itself has said that it is off:
    /// it may have been switched on while nobody could ask it.
    fn end_rest(&self, outlet: &mut Outlet, now: Timestamp) {
        if outlet.availability != Availability::Online || outlet.switch() != Some(Switch::Off) {
            return;
        }
        let memory = &mut outlet.memory;
        if safety::rests_until(memory, self.settings.safety.rest).is_some_and(|until| now >= until) {
            memory.cut = None;
            memory.run = Run::default();
        }
    }

    /// Remembers since when rules have wished the outlet on. It ends when they no longer do, or when something above them, a
    /// person's wish apart, speaks against it.
    ///
    /// It changes no decision by itself: it counts only for a relay that is on, and only to keep it so. Rules that are silent for
    /// want of weather or of a first report, as after each start, have not changed their mind.
    pub(super) fn note_rule(&self, outlet: &mut Outlet, decision: &Decision, now: Timestamp) {
        let below_people = decision.opinions.iter().filter(|it| it.voice != VoiceName::Wish);
        let rules = |it: &Opinion| matches!(it.voice, VoiceName::Melt | VoiceName::Schedule);
        let winner = below_people.clone().find(|it| it.wish.is_some());
        let unknown = |it: &Opinion| {
            matches!(
                it.reason,
                Some(Reason::WeatherUnknown { .. } | Reason::IceUnknown { .. } | Reason::ClockNotTrusted)
            )
        };
        let since = &mut outlet.memory.ruled_since;
        match winner {
            Some(it) if rules(it) && it.wish == Some(Switch::On) => *since = since.or(Some(now)),
            None if (!self.weather_settled || outlet.reported.is_none()) && below_people.clone().any(unknown) => {}
            _ => *since = None,
        }
    }

    /// Remembers a cut and ends the wishes that it and time have ended. Says whether to decide once more; that comes to an end, for
    /// a wish ends only once and there is only one cut.
    fn settle(&self, outlet: &mut Outlet, verdict: &Verdict, now: Timestamp, notices: &mut Vec<Notice>) -> bool {
        let ended = outlet.memory.wish.is_some_and(|it| !wishes::holds(&it, verdict.rules, now));
        if ended {
            outlet.memory.wish = None;
        }
        if outlet.memory.cut.is_some() {
            return ended;
        }
        let (ran, limit) = match verdict.decision.reason {
            Reason::OnTooLong { ran, limit } => (ran, limit),
            // A fault cuts what was running; it rests as after any cut, or the plug's flag would switch it on and off for ever.
            Reason::Faulty { .. } if outlet.memory.run != Run::default() => {
                let ran = outlet.memory.run.elapsed(now);
                (ran, ran)
            }
            _ => return ended,
        };
        outlet.memory.cut = Some(Cut { at: now, rest: verdict.rest, ran, limit });
        outlet.memory.wish = outlet.memory.wish.filter(|it| !it.switch.is_on());
        // A fault has been told as what it is.
        if let reason @ Reason::OnTooLong { .. } = &verdict.decision.reason {
            let words = format!("gets a safety cut: {reason}; it then rests for {} min", verdict.rest.as_mins());
            notices.push(tell(outlet, now, NoticeKind::MaxRuntime, &words));
        }
        true
    }

    /// The next change of an outlet's position, by the outlook of its group.
    fn next_change(&mut self, outlet: &Outlet, decision: &Decision, now: Timestamp) -> Option<Change> {
        match decision.reason {
            // What comes when the clock is right, nobody knows.
            Reason::ClockNotTrusted => return None,
            // The outlook knows nothing of what is held.
            Reason::Held => {
                let safety = decision.opinions.iter().find(|it| it.voice == VoiceName::Safety);
                let ends = decision.until.into_iter().chain(safety.and_then(|it| it.changes_at)).min();
                return ends.map(|at| Change { at, switch: Switch::Off });
            }
            _ => {}
        }
        // Rules that are silent do not take over from a wish either: its end is the end.
        let silent = self.facts(outlet, now).clock_is_wrong();
        let outlook = if silent { Arc::default() } else { self.outlook(outlet.group.as_ref(), now) };
        outlook.next_change(&self.facts(outlet, now), decision)
    }

    /// What the rules of a group will say, worked out once for all of its outlets.
    fn outlook(&mut self, group: Option<&Slug>, now: Timestamp) -> Arc<Outlook> {
        let Some(group) = group.and_then(|it| self.settings.groups.get(it)) else { return Arc::default() };
        let sky = conditions::whole_sky(&self.settings, &self.house.weather, now);
        if let Some(known) = self.outlooks.get(&group.slug).filter(|it| it.holds(sky, now)) {
            return Arc::clone(known);
        }
        let openings = self.timetable.of(&group.slug);
        let reading = self.readings.get(&group.slug).map(Arc::as_ref).filter(|_| sky.forecast.is_some());
        let view = View { settings: &self.settings, sky, reading };
        let on = self.house.groups.get(&group.slug).is_some_and(|it| it.state(&self.house) == GroupState::On);
        let outlook = Arc::new(Outlook::new(group, openings, view, on, now));
        self.outlooks.insert(group.slug.clone(), Arc::clone(&outlook));
        outlook
    }

    /// Works out anew what depends on the date, when the date changes or the clock is set.
    pub(super) fn prepare(&mut self, now: Timestamp) {
        if self.timetable.prepare(&self.settings, now) {
            self.outlooks.clear();
        }
    }
}

/// Gives a command its answer: by the newly reported state, or by `switch_failed` at its deadline.
fn answer(outlet: &mut Outlet, now: Timestamp, notices: &mut Vec<Notice>) {
    let Some(pending) = &outlet.pending else { return };
    if outlet.answered >= pending.number && outlet.switch() == Some(pending.switch) {
        let words = format!("is {}", pending.switch);
        for asker in pending.askers().filter(|it| it.ticket.is_some()) {
            notices.push(tell(outlet, now, NoticeKind::Answered, &words).answering(asker.ticket));
        }
        outlet.pending = None;
        return;
    }
    if now < pending.answer_by {
        return;
    }
    let why = pending.failure.clone().unwrap_or_else(|| "the plug has not confirmed it in time".to_owned());
    let words = format!("could not be switched {}: {why}", pending.switch);
    // It is told once even if nobody asks.
    for asker in pending.joined.iter().filter(|it| it.waits()).chain([&pending.asker]) {
        let notice = tell(outlet, now, NoticeKind::SwitchFailed, &words).answering(asker.ticket);
        notices.push(match &asker.transaction {
            Some(transaction) => notice.with("transaction", transaction.clone()),
            None => notice,
        });
    }
    // A failed ON of a heater ends with its deadline, or it would heat when nobody expects it any more.
    if pending.switch == Switch::On && outlet.class == Class::Heater {
        outlet.memory.wish = outlet.memory.wish.filter(|it| !it.switch.is_on());
    }
    outlet.pending = None;
}
