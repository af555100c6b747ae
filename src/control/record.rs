//! Recording: what happened becomes part of the picture. Nothing here decides.

use std::{collections::BTreeSet, sync::Arc};

use jiff::{SignedDuration, Timestamp};

use super::{Controller, civil::later, conditions, start, wishes};
use crate::model::{
    Availability, Cause, Class, Control, End, Fault, Forecast, Housing, Lasting, Notice, NoticeKind, Origin, Outlet,
    OutletId, Pin, Report, Run, Slug, Switch, Trouble, TroubleKind, WeatherBoard, Wish,
};

/// The plug's count of its time on and ours may differ by this much and still mean the same switching-on.
const SAME_START: SignedDuration = SignedDuration::from_secs(30);

type Touched = Option<BTreeSet<OutletId>>;

impl Controller {
    pub(super) fn identified(
        &mut self,
        device: &Slug,
        housing: &Arc<Housing>,
        now: Timestamp,
        notices: &mut Vec<Notice>,
    ) -> Touched {
        let Some(entry) = self.house.devices.get_mut(device) else { return Some(BTreeSet::new()) };
        let known = entry.housing.is_some();
        let entry = Arc::make_mut(entry);
        entry.pin = Some(Pin { mac: housing.mac, device_id: Some(housing.device_id.clone()) });
        entry.rssi = housing.rssi.or(entry.rssi);
        entry.housing = Some(Arc::clone(housing));
        for socket in &housing.sockets {
            let id = OutletId::new(device.clone(), socket.slot);
            start::add_outlet(&mut self.house, &self.settings, &id, &socket.label, <_>::default());
            if let Some(outlet) = self.house.outlets.get_mut(&id) {
                let name = start::name(&self.settings, &id, &socket.label);
                if outlet.name != name {
                    Arc::make_mut(outlet).name = name;
                }
            }
        }
        if !known {
            let slots: Vec<u8> = housing.sockets.iter().map(|it| it.slot).collect();
            for (group, slot) in start::missing_slots(&self.settings, device, &slots) {
                let words = format!(
                    "group `{group}` lists outlet {} (slot {slot}), but the {} has only {} outlets: it is never switched",
                    slot - 1,
                    housing.model,
                    slots.len()
                );
                notices
                    .push(Notice::new(now, NoticeKind::Refused, words).about_device(device).about_group(Some(&group)));
            }
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
            let words = format!("{} answers again", entry.name);
            notices.push(Notice::new(now, NoticeKind::DeviceBack, words).about_device(device));
        }
        let mut touched = BTreeSet::new();
        for report in reports {
            let id = OutletId::new(device.clone(), report.slot);
            let Some(outlet) = self.house.outlets.get(&id) else { continue };
            let mut outlet = Outlet::clone(outlet);
            self.record_report(&mut outlet, report, now, notices);
            self.house.outlets.insert(id.clone(), Arc::new(outlet));
            touched.insert(id);
        }
        Some(touched)
    }

    fn record_report(&mut self, outlet: &mut Outlet, report: Report, now: Timestamp, notices: &mut Vec<Notice>) {
        let before = outlet.reported.as_ref().map(|it| it.switch);
        count_today(outlet, before, now, &self.settings.zone);
        record_run(outlet, &report, now, self.settings.safety.rest);
        outlet.on_since = shown_since(outlet, &report, now);
        if report.answers >= outlet.commanded {
            outlet.answered = outlet.commanded;
        }
        if report.switch == Switch::Off && before == Some(Switch::On) && outlet.memory.cut.is_some() {
            notices
                .push(about(outlet, Notice::new(now, NoticeKind::Cooldown, "is off and rests after the safety cut")));
        }
        self.notice_fault(outlet, &report, now, notices);
        if before.is_some_and(|before| before != report.switch) && report.cause != Cause::Polled {
            let words = format!("is {}: {}", report.switch, outlet.decision.reason);
            notices.push(about(outlet, Notice::new(now, NoticeKind::Switched, words)));
        }
        self.record_unasked(outlet, &report, before, now, notices);
        if report.switch == outlet.decision.switch {
            self.failing.remove(&outlet.id);
        }
        if report.switch.is_on() && before != Some(Switch::On) && outlet.class == Class::Heater {
            let words = "a heater is on, and no timer on the plug is armed (this version arms none)";
            notices.push(about(outlet, Notice::new(now, NoticeKind::TimerNotArmed, words)));
        }
        outlet.availability = Availability::Online;
        outlet.reported_at = Some(now);
        outlet.reported = Some(report);
    }

    fn notice_fault(&self, outlet: &Outlet, report: &Report, now: Timestamp, notices: &mut Vec<Notice>) {
        let Some(fault) = report.fault else { return };
        if outlet.reported.as_ref().and_then(|it| it.fault) == Some(fault) {
            return;
        }
        let (kind, words) = match fault {
            Fault::Overheat => (NoticeKind::Overheat, "the plug says that it is too hot"),
            Fault::Overload => (NoticeKind::Overload, "the plug says that it is overloaded"),
            Fault::Overcurrent => (NoticeKind::Overload, "the plug says that too much current flows"),
        };
        notices.push(about(outlet, Notice::new(now, kind, words)));
    }

    /// A change that nobody asked the bridge for is a person's wish, with an end.
    fn record_unasked(
        &self,
        outlet: &mut Outlet,
        report: &Report,
        before: Option<Switch>,
        now: Timestamp,
        notices: &mut Vec<Notice>,
    ) {
        let origin = match report.cause {
            // The past is unknown. An outlet that rules govern is corrected; one that only people switch keeps what it has.
            Cause::FirstContact if report.switch.is_on() && self.is_left_to_people(outlet) => Origin::Adopted,
            Cause::Polled if before == Some(outlet.decision.switch) => Origin::Plug,
            Cause::FirstContact | Cause::Polled | Cause::Switched => return,
        };
        let agrees = report.switch == outlet.decision.switch || report.fault.is_some();
        if agrees || outlet.memory.control == Control::Off {
            return;
        }
        let group = outlet.group.as_ref().and_then(|it| self.settings.groups.get(it));
        let Ok(end) = wishes::end_of(Lasting::Default, &self.settings, group, Switch::Off, now) else { return };
        outlet.memory.wish = Some(Wish { switch: report.switch, since: now, end, origin });
        let words = match origin {
            Origin::Adopted => format!("was found {}: kept until {}", report.switch, end.latest()),
            _ => format!("was switched {} at the plug or in its app: kept until {}", report.switch, end.latest()),
        };
        notices.push(about(outlet, Notice::new(now, NoticeKind::ExternalChange, words)));
    }

    /// Has the outlet no rules and no wish?
    fn is_left_to_people(&self, outlet: &Outlet) -> bool {
        let group = outlet.group.as_ref().and_then(|it| self.settings.groups.get(it));
        let ruled = group.is_some_and(|it| it.enabled && it.schedules.iter().any(|schedule| schedule.enabled));
        !ruled && outlet.class != Class::Heater && outlet.memory.wish.is_none()
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
                    notices.push(about(outlet, Notice::new(now, NoticeKind::SwitchFailed, words)));
                }
            }
        }
        Some(BTreeSet::new())
    }

    pub(super) fn weather_observed(&mut self, forecast: Arc<Forecast>) {
        let newer = self.house.weather.forecast.as_ref().is_none_or(|it| it.issued_at <= forecast.issued_at);
        if newer {
            // What was fresh stays so until `freshness` has looked: that is where it is told.
            let fresh = self.house.weather.fresh;
            self.house.weather = Arc::new(WeatherBoard { forecast: Some(forecast), trouble: None, fresh });
        }
        self.weather_settled = true;
    }

    pub(super) fn weather_lost(&mut self, trouble: Trouble, now: Timestamp, notices: &mut Vec<Notice>) {
        let board = Arc::make_mut(&mut self.house.weather);
        if board.trouble.as_ref() != Some(&trouble) {
            notices.push(Notice::new(now, NoticeKind::WeatherDegraded, trouble.text.clone()));
        }
        board.trouble = Some(trouble);
        self.weather_settled = true;
    }

    /// Looks whether the forecast has gone stale, or is back.
    pub(super) fn freshness(&mut self, now: Timestamp, notices: &mut Vec<Notice>) {
        if now >= later(self.started, super::FIRST_FORECAST) {
            self.weather_settled = true;
        }
        if self.settings.forecast_valid.is_none() || !self.weather_settled {
            return;
        }
        let forecast = self.house.weather.forecast.as_deref();
        let fresh = conditions::fresh(&self.settings, forecast, now).is_some();
        let was = self.house.weather.fresh;
        if was == Some(fresh) {
            return;
        }
        Arc::make_mut(&mut self.house.weather).fresh = Some(fresh);
        match was {
            Some(true) => {
                let words = "the forecast is too old to act on: rules that ask for weather are silent";
                notices.push(Notice::new(now, NoticeKind::WeatherDegraded, words));
            }
            Some(false) if fresh => {
                notices.push(Notice::new(now, NoticeKind::WeatherRecovered, "the forecast is fresh again"));
            }
            // The first look after a start is no news.
            Some(false) | None => {}
        }
    }

    /// Moves everything that measures elapsed time along with the clock that was set.
    pub(super) fn clock_stepped(&mut self, step: SignedDuration) {
        let moved = |at: &mut Timestamp| *at = later(*at, step);
        moved(&mut self.started);
        for outlet in self.house.outlets.values_mut() {
            let outlet = Arc::make_mut(outlet);
            let memory = &mut outlet.memory;
            memory.run.on_since.iter_mut().chain(&mut memory.run.off_since).for_each(moved);
            memory.cut.iter_mut().for_each(|cut| moved(&mut cut.at));
            if let Some(Wish { since, end: End::Elapsed(at), .. }) = &mut memory.wish {
                moved(since);
                moved(at);
            }
            outlet.pending.iter_mut().for_each(|it| moved(&mut it.answer_by));
            outlet.on_since.iter_mut().chain(&mut outlet.reported_at).for_each(moved);
            moved(&mut outlet.decision.since);
        }
        let board = Arc::make_mut(&mut self.house.weather);
        if let Some(forecast) = &mut board.forecast {
            moved(&mut Arc::make_mut(forecast).issued_at);
        }
    }
}

pub(super) fn about(outlet: &Outlet, notice: Notice) -> Notice {
    notice.about_outlet(&outlet.id).about_group(outlet.group.as_ref())
}

/// Keeps the time on since the last real rest: the larger of the plug's count and ours.
fn record_run(outlet: &mut Outlet, report: &Report, now: Timestamp, rest: SignedDuration) {
    let run = &mut outlet.memory.run;
    if report.switch == Switch::Off {
        if run.on_since.is_some() {
            *run = Run { before: run.elapsed(now), on_since: None, off_since: Some(now) };
        }
        return;
    }
    if run.on_since.is_none() {
        let rested = run.off_since.is_none_or(|since| now >= later(since, rest));
        *run = Run {
            before: if rested { SignedDuration::ZERO } else { run.before },
            on_since: Some(now),
            off_since: None,
        };
    }
    if let (Some(on_time), Some(since)) = (report.on_time, &mut run.on_since) {
        let by_the_plug = later(now, -on_time);
        if by_the_plug < later(*since, -SAME_START) {
            *since = by_the_plug;
        }
    }
}

/// On since, by the plug's count where it gives one; steady although the two clocks drift.
fn shown_since(outlet: &Outlet, report: &Report, now: Timestamp) -> Option<Timestamp> {
    if report.switch == Switch::Off {
        return None;
    }
    let shown = outlet.on_since;
    let by_the_plug = report.on_time.map(|it| later(now, -it));
    match (shown, by_the_plug) {
        (Some(shown), Some(plug)) if plug.duration_since(shown).abs() > SAME_START => Some(plug),
        (Some(shown), _) => Some(shown),
        (None, Some(plug)) => Some(plug),
        (None, None) => Some(now),
    }
}

/// Adds the time since the last report to today's runtime, if it was on.
fn count_today(outlet: &mut Outlet, before: Option<Switch>, now: Timestamp, zone: &jiff::tz::TimeZone) {
    let Some(last) = outlet.reported_at else { return };
    let today = super::civil::date_of(zone, now);
    let midnight = super::civil::instant(zone, today, jiff::civil::Time::midnight());
    if last < midnight {
        outlet.runtime_today = SignedDuration::ZERO;
    }
    if before == Some(Switch::On) && outlet.availability == Availability::Online {
        outlet.runtime_today += now.duration_since(last.max(midnight)).max(SignedDuration::ZERO);
    }
}
