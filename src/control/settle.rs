//! Deciding again, and remembering what comes of it: cuts begin, wishes end, answers fall due.

use std::{collections::BTreeSet, sync::Arc};

use jiff::Timestamp;

use super::{Controller, civil::later, decide, record::about, windows, wishes};
use crate::model::{Class, Cut, Decision, Notice, NoticeKind, Outlet, OutletId, Reason, Run, Switch};

impl Controller {
    /// Decides the outlets that were touched and those whose time has come; all of them for `None`.
    pub(super) fn decide_again(&mut self, now: Timestamp, touched: Option<&BTreeSet<OutletId>>) -> Vec<Notice> {
        self.prepare_almanac(now);
        let due = |id: &OutletId, it: &Outlet| {
            let answer = it.pending.as_ref().is_some_and(|pending| pending.answer_by <= now);
            let touched = touched.is_none_or(|touched| touched.contains(id));
            touched || answer || it.decision.review_at.is_some_and(|at| at <= now)
        };
        let ids: Vec<_> = self.house.outlets.iter().filter(|(id, it)| due(id, it)).map(|(id, _)| id.clone()).collect();
        let mut notices = Vec::new();
        for id in ids {
            self.decide_one(&id, now, &mut notices);
        }
        notices
    }

    /// Decides one outlet and remembers what comes of it. Doing it again changes nothing.
    pub(super) fn decide_one(&mut self, id: &OutletId, now: Timestamp, notices: &mut Vec<Notice>) {
        let Some(before) = self.house.outlets.get(id) else { return };
        let mut outlet = Outlet::clone(before);
        self.end_rest(&mut outlet, now);
        let mut verdict = decide::decide(&self.facts(&outlet, now));
        if self.settle(&mut outlet, &verdict, now, notices) {
            verdict = decide::decide(&self.facts(&outlet, now));
        }
        let next_was = outlet.decision.clone();
        outlet.decision = self.kept(&outlet, &next_was, verdict.decision, now);
        answer(&mut outlet, now, notices);
        if outlet != **before {
            self.house.outlets.insert(id.clone(), Arc::new(outlet));
        }
    }

    /// A rest that is over is forgotten, together with the run that led to it.
    fn end_rest(&self, outlet: &mut Outlet, now: Timestamp) {
        let memory = &mut outlet.memory;
        let Some(off_since) = memory.run.off_since else { return };
        let rest = memory.cut.map_or(self.settings.safety.rest, |cut| cut.rest);
        let from = memory.cut.map_or(off_since, |cut| off_since.max(cut.at));
        if now >= later(from, rest) {
            memory.cut = None;
            memory.run = Run::default();
        }
    }

    /// Remembers a cut and ends the wishes that it and time have ended. Returns whether to decide once more.
    fn settle(
        &self,
        outlet: &mut Outlet,
        verdict: &decide::Verdict,
        now: Timestamp,
        notices: &mut Vec<Notice>,
    ) -> bool {
        let ended = outlet.memory.wish.is_some_and(|it| !wishes::holds(&it, verdict.rules, now));
        if ended {
            outlet.memory.wish = None;
        }
        let Reason::OnTooLong { ran, limit } = verdict.decision.reason else { return ended };
        if outlet.memory.cut.is_some() {
            return ended;
        }
        outlet.memory.cut = Some(Cut { at: now, rest: verdict.rest, ran, limit });
        outlet.memory.wish = outlet.memory.wish.filter(|it| !it.switch.is_on());
        let words =
            format!("safety cut: {}; it then rests for {} min", verdict.decision.reason, verdict.rest.as_mins());
        notices.push(about(outlet, Notice::new(now, NoticeKind::MaxRuntime, words)));
        true
    }

    /// The new decision, with what the old one already knew: since when, and what comes next.
    fn kept(&self, outlet: &Outlet, old: &Decision, mut new: Decision, now: Timestamp) -> Decision {
        let same_kind = old.switch == new.switch && old.reason.key() == new.reason.key() && !old.opinions.is_empty();
        if same_kind {
            new.since = old.since;
        }
        let same = same_kind && old.review_at == new.review_at && old.reason == new.reason && !old.opinions.is_empty();
        new.next = if same && old.next.is_none_or(|next| next.at > now) {
            old.next
        } else {
            decide::next_change(&self.facts(outlet, now), &new)
        };
        new
    }

    fn prepare_almanac(&mut self, now: Timestamp) {
        let schedules = self.settings.groups.values().flat_map(|it| &it.schedules);
        let longest = schedules.filter(|it| uses_the_sun(it)).map(windows::longest).max();
        if let Some(longest) = longest {
            let (first, last) = windows::dates_around(&self.settings.zone, now, longest);
            // The look ahead reaches two days further.
            self.almanac.prepare(first, super::civil::days_later(last, 3));
        }
    }
}

fn uses_the_sun(schedule: &crate::model::Schedule) -> bool {
    use crate::model::{DayTime, OffTime, OnTime};
    match &schedule.window {
        Some((OnTime::At(DayTime::Sun { .. }), _) | (_, OffTime::At(DayTime::Sun { .. }))) => true,
        Some(_) | None => false,
    }
}

/// Gives a command its answer: by the newly reported state, or by `switch_failed` at its deadline.
fn answer(outlet: &mut Outlet, now: Timestamp, notices: &mut Vec<Notice>) {
    let Some(pending) = &outlet.pending else { return };
    if outlet.answered >= pending.number && outlet.switch() == Some(pending.switch) {
        outlet.pending = None;
        return;
    }
    if now < pending.answer_by {
        return;
    }
    let why = pending.failure.clone().unwrap_or_else(|| "the plug has not confirmed it in time".to_owned());
    let words = format!("could not be switched {}: {why}", pending.switch);
    let mut notice = about(outlet, Notice::new(now, NoticeKind::SwitchFailed, words));
    if let Some(transaction) = &pending.transaction {
        notice = notice.with("transaction", transaction.clone());
    }
    notices.push(notice);
    // A failed ON of a heater ends with its deadline, or it would heat when nobody expects it any more.
    if pending.switch == Switch::On && outlet.class == Class::Heater {
        outlet.memory.wish = outlet.memory.wish.filter(|it| !it.switch.is_on());
    }
    outlet.pending = None;
}
