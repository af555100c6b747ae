//! Recording: what happened becomes part of the picture. Nothing here decides.

use std::{collections::BTreeSet, sync::Arc};

use jiff::Timestamp;

use super::{Controller, decide, lockout, orphans, run, start, timers, wishes};
use crate::model::{
    Availability, Cause, Class, Device, Fault, Housing, Lasting, Notice, NoticeKind, Origin, Outlet, OutletId, Pending,
    Pin, Reason, Report, Slug, Switch, Trouble, TroubleKind, Wish,
};

type Touched = Option<BTreeSet<OutletId>>;

impl Controller {
    pub(super) fn identified(
        &mut self,
        device: &Slug,
        housing: &Arc<Housing>,
        now: Timestamp,
        notices: &mut Vec<Notice>,
    ) -> Touched {
        let Some(entry) = self.house.devices.get(device) else { return Some(BTreeSet::new()) };
        let known = entry.housing.is_some();
        // One that has only now been met under this name may have had another.
        let mut orphan = if known { None } else { self.orphan(housing.mac) };
        let Some(entry) = self.house.devices.get_mut(device) else { return Some(BTreeSet::new()) };
        let entry = Arc::make_mut(entry);
        entry.pin = Some(Pin::renewed(housing, orphan.as_ref().map(|it| &it.pin).or(entry.pin.as_ref())));
        entry.rssi = housing.rssi.or(entry.rssi);
        entry.housing = Some(Arc::clone(housing));
        // Handed over once, as far as it can be believed by now.
        let whole = self.house.whole.remove(device).map(|it| start::believable(it, now)).unwrap_or_default();
        for socket in &housing.sockets {
            let id = OutletId::new(device.clone(), socket.slot);
            start::add_outlet(&mut self.house, &self.settings, &id, &socket.label, whole.clone());
            if let Some(outlet) = self.house.outlets.get_mut(&id) {
                let name = start::name(&self.settings, &id, &socket.label);
                if outlet.name != name {
                    Arc::make_mut(outlet).name = name;
                }
                if let Some(orphan) = &mut orphan {
                    orphans::hand_over(orphan, Arc::make_mut(outlet), now);
                }
            }
        }
        if !known {
            let slots: Vec<u8> = housing.sockets.iter().map(|it| it.slot).collect();
            let missing = start::missing_slots(&self.settings, device, &slots);
            notices.extend(missing.map(|it| start::missing_slot(device, housing, &it, now)));
        }
        Some(self.outlets_of(device))
    }

    pub(super) fn reported(
        &mut self,
        device: &Slug,
        reports: Vec<Report>,
        rssi: Option<i16>,
        now: Timestamp,
        notices: &mut Vec<Notice>,
    ) -> Touched {
        let Some(entry) = self.house.devices.get_mut(device) else { return Some(BTreeSet::new()) };
        let was = entry.availability;
        if was != Availability::Online || entry.trouble.is_some() || (rssi.is_some() && entry.rssi != rssi) {
            let entry = Arc::make_mut(entry);
            entry.availability = Availability::Online;
            entry.trouble = None;
            entry.rssi = rssi.or(entry.rssi);
        }
        if was == Availability::Offline {
            notices.push(back(entry, now));
        }
        let mut touched = BTreeSet::new();
        for report in reports {
            let id = OutletId::new(device.clone(), report.slot);
            let Some(outlet) = self.house.outlets.get(&id) else { continue };
            let mut outlet = Outlet::clone(outlet);
            self.circuits.heard(&id, report.answers);
            self.record_report(&mut outlet, report, now, notices);
            let count = self.counts.entry(id.clone()).or_default();
            let energy = outlet.reported.as_ref().and_then(|it| it.energy);
            count.takes(&mut outlet, energy.as_ref(), now);
            self.house.outlets.insert(id.clone(), Arc::new(outlet));
            touched.insert(id);
        }
        Some(touched)
    }

    fn record_report(&mut self, outlet: &mut Outlet, report: Report, now: Timestamp, notices: &mut Vec<Notice>) {
        let before = outlet.reported.as_ref().map(|it| it.switch);
        let was_on = outlet.memory.run.on_since.is_some();
        let unanswered = outlet.answered < outlet.commanded;
        run::count_today(outlet, before, report.switch, now, &self.settings.zone);
        run::note_move(&mut outlet.memory, &report, before, now);
        run::record(&mut outlet.memory, &report, now, self.settings.safety.rest);
        outlet.on_since = run::shown_since(outlet, &report, now);
        if report.answers >= outlet.commanded {
            outlet.answered = outlet.commanded;
        }
        let locks = lockout::note(outlet, &report, before.map_or(was_on, Switch::is_on), now);
        if report.switch == Switch::Off && before == Some(Switch::On) && outlet.memory.cut.is_some() {
            notices.push(tell(outlet, now, NoticeKind::Cooldown, "is off and rests after the safety cut"));
        }
        notice_fault(outlet, &report, locks, now, notices);
        self.notice_switched(outlet, &report, before, now, notices);
        // While a command is under way nobody can tell a person's hand at the plug from an older state: the command wins.
        if !unanswered {
            self.record_unasked(outlet, &report, before, was_on, now, notices);
        }
        if report.switch == outlet.decision.switch {
            self.failing.remove(&outlet.id);
        }
        outlet.availability = Availability::Online;
        outlet.reported_at = Some(now);
        self.watch_load(outlet, &report, now, notices);
        // What the meter shows has only now been found.
        if lockout::note(outlet, &report, before.map_or(was_on, Switch::is_on), now)
            && let Some(fault) = outlet.alarm
        {
            notices.push(locked(outlet, fault, now));
        }
        outlet.reported = Some(report);
    }

    /// An outlet has moved because it was decided, or a command that carries a mark has been answered.
    fn notice_switched(
        &self,
        outlet: &Outlet,
        report: &Report,
        before: Option<Switch>,
        now: Timestamp,
        notices: &mut Vec<Notice>,
    ) {
        let pending = outlet.pending.as_ref().filter(|it| report.answers >= it.number && it.switch == report.switch);
        // The same command may have been delivered twice.
        let marks: BTreeSet<_> =
            pending.into_iter().flat_map(Pending::askers).filter_map(|it| it.transaction.as_deref()).collect();
        let moved = before.is_some_and(|before| before != report.switch) && report.cause != Cause::Polled;
        let words = format!("is {}: {}", report.switch, outlet.decision.reason);
        let notice = tell(outlet, now, NoticeKind::Switched, &words);
        if marks.is_empty() && moved {
            notices.push(notice);
            return;
        }
        notices.extend(marks.into_iter().map(|mark| notice.clone().with("transaction", mark)));
    }

    /// A change that nobody asked the bridge for is a person's wish, with an end.
    fn record_unasked(
        &self,
        outlet: &mut Outlet,
        report: &Report,
        before: Option<Switch>,
        was_on: bool,
        now: Timestamp,
        notices: &mut Vec<Notice>,
    ) {
        // An outlet that is left as it is while the first forecast is under way is expected to stay as it is.
        let left_alone = self.waits_for_weather(outlet);
        let expected = if left_alone { before } else { Some(outlet.decision.switch) };
        let origin = match report.cause {
            // The past is unknown. An outlet that rules govern is corrected; one that only people switch keeps what it has.
            Cause::FirstContact if report.switch.is_on() && !was_on && self.is_left_to_people(outlet) => {
                Origin::Adopted
            }
            Cause::Polled if before == expected => Origin::Plug,
            Cause::FirstContact | Cause::Polled | Cause::Switched | Cause::Measured => return,
        };
        // The plug has switched itself off, for its own reasons or by a timer that was due.
        if Some(report.switch) == expected || report.fault.is_some() || timers::was_due(outlet, report, now) {
            return;
        }
        let group = outlet.group.as_ref().and_then(|it| self.settings.groups.get(it));
        let Ok(end) = wishes::end_of(Lasting::Default, &self.settings, group, Switch::Off, now) else { return };
        let before = outlet.memory.wish.replace(Wish { switch: report.switch, since: now, end, origin });
        let found = match origin {
            Origin::Adopted => format!("was found {}", report.switch),
            _ => format!("was switched {} at the plug or in its app", report.switch),
        };
        // As with a command: a wish that a more important voice speaks against is none, or it would come true later.
        let verdict = decide::decide(&self.facts(outlet, now)).decision;
        let refusal = (verdict.switch != report.switch).then_some(verdict.reason);
        let refusal = refusal.or_else(|| report.switch.is_on().then(|| self.circuit_refuses(outlet, now)).flatten());
        let words = if refusal.is_none() {
            let until = self.settings.zone.to_datetime(end.latest());
            format!("{found}: kept until {:02}:{:02} on {}", until.hour(), until.minute(), until.date())
        } else {
            outlet.memory.wish = before;
            format!("{found}: not followed, {}", refusal.unwrap_or(Reason::NothingAsks))
        };
        notices.push(tell(outlet, now, NoticeKind::ExternalChange, &words));
    }

    /// Has the outlet no rules and no wish, and is somebody at home?
    fn is_left_to_people(&self, outlet: &Outlet) -> bool {
        let group = outlet.group.as_ref().and_then(|it| self.settings.groups.get(it));
        let ruled = group.is_some_and(|it| it.enabled && it.schedules.iter().any(|schedule| schedule.enabled));
        !ruled && outlet.class != Class::Heater && outlet.memory.wish.is_none() && !self.house.vacation
    }

    pub(super) fn lost(
        &mut self,
        device: &Slug,
        trouble: &Trouble,
        now: Timestamp,
        notices: &mut Vec<Notice>,
    ) -> Touched {
        let Some(entry) = self.house.devices.get_mut(device) else { return Some(BTreeSet::new()) };
        let news = entry.availability != Availability::Offline || entry.trouble.as_ref() != Some(trouble);
        if news {
            let entry = Arc::make_mut(entry);
            entry.availability = Availability::Offline;
            entry.trouble = Some(trouble.clone());
            let kind = match trouble.kind {
                TroubleKind::WrongDevice => NoticeKind::IdentityMismatch,
                TroubleKind::Passing | TroubleKind::NeedsPerson => NoticeKind::DeviceLost,
            };
            notices.push(Notice::new(now, kind, trouble.text.clone()).about_device(device));
        }
        self.doubt_device(device);
        let outlets = self.outlets_of(device);
        for id in &outlets {
            if let Some(outlet) = self.house.outlets.get_mut(id).filter(|it| it.availability != Availability::Offline) {
                Arc::make_mut(outlet).availability = Availability::Offline;
            }
        }
        Some(outlets)
    }

    pub(super) fn switch_failed(
        &mut self,
        id: &OutletId,
        wanted: Switch,
        trouble: &Trouble,
        now: Timestamp,
        notices: &mut Vec<Notice>,
    ) -> Touched {
        let Some(outlet) = self.house.outlets.get_mut(id) else { return Some(BTreeSet::new()) };
        match &outlet.pending {
            Some(pending) if pending.failure.is_some() => {}
            // A person waits: the answer is given at its deadline, for the next attempt may succeed before.
            Some(_) => {
                if let Some(pending) = &mut Arc::make_mut(outlet).pending {
                    pending.failure = Some(trouble.text.clone());
                }
            }
            None => {
                if self.failing.insert(id.clone()) {
                    let words = format!("cannot be switched {wanted}: {}", trouble.text);
                    notices.push(tell(outlet, now, NoticeKind::SwitchFailed, &words));
                }
            }
        }
        Some(BTreeSet::new())
    }
}

/// A device answers again, perhaps elsewhere than the config says.
fn back(device: &Device, now: Timestamp) -> Notice {
    let about = |words: String| Notice::new(now, NoticeKind::DeviceBack, words).about_device(&device.slug);
    match device.housing.as_ref().map(|it| it.address.as_str()).filter(|it| *it != device.address) {
        Some(address) => {
            let words = format!("{} answers again, at {address}; the config says {}", device.name, device.address);
            about(words).with("address", address)
        }
        None => about(format!("{} answers again", device.name)),
    }
}

fn notice_fault(outlet: &Outlet, report: &Report, locks: bool, now: Timestamp, notices: &mut Vec<Notice>) {
    let Some(fault) = report.fault else { return };
    // A restart does not make a fault new that was remembered.
    let remembered = outlet.memory.lockout.filter(|it| it.fault == fault && !locks);
    let known = match &outlet.reported {
        Some(reported) => reported.fault == Some(fault),
        None => remembered.is_some(),
    };
    if !known {
        let (kind, words) = match fault {
            Fault::Overheat => (NoticeKind::Overheat, "is too hot, says the plug"),
            Fault::Overload => (NoticeKind::Overload, "is overloaded, says the plug"),
            _ => (NoticeKind::Overload, "draws too much current, says the plug"),
        };
        notices.push(tell(outlet, now, kind, words));
    }
    if locks {
        notices.push(locked(outlet, fault, now));
    }
}

fn locked(outlet: &Outlet, fault: Fault, now: Timestamp) -> Notice {
    let reason = Reason::Faulty { fault, acknowledged: false };
    tell(outlet, now, NoticeKind::Lockout, &format!("is {reason}"))
}

/// A notice about an outlet: a sentence that begins with its name, for those who are shown nothing else.
pub(super) fn tell(outlet: &Outlet, now: Timestamp, kind: NoticeKind, words: &str) -> Notice {
    about(outlet, Notice::new(now, kind, format!("{} {words}", outlet.name)))
}

pub(super) fn about(outlet: &Outlet, notice: Notice) -> Notice {
    notice.about_outlet(&outlet.id).about_group(outlet.group.as_ref())
}
