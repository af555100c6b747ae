//! Recording how long an outlet has been on.

use jiff::{SignedDuration, Timestamp, civil::Time, tz::TimeZone};

use super::{
    civil::{date_of, earlier, instant},
    safety,
};
use crate::model::{Availability, OnToday, Outlet, Remembered, Report, Run, Switch};

/// The plug's count of its time on and ours may differ by this much and still mean the same switching-on.
const SAME_START: SignedDuration = SignedDuration::from_secs(30);
/// Today's time on is kept this often while it is on, so that the disk is not kept busy.
const KEEP_EVERY: SignedDuration = SignedDuration::from_mins(5);

/// Keeps the time on since the last real rest: the larger of the plug's count and ours.
pub(super) fn record(memory: &mut Remembered, report: &Report, now: Timestamp, rest: SignedDuration) {
    let run = &mut memory.run;
    if report.switch == Switch::Off {
        if run.on_since.is_some() {
            *run = Run { before: run.elapsed(now), on_since: None, off_since: Some(now) };
        }
        return;
    }
    let by_the_plug = report.on_time.map(|it| earlier(now, it).min(now));
    if run.on_since.is_none() {
        // By the plug's own count: it may have been switched on while nobody could ask it.
        let began = by_the_plug.unwrap_or(now);
        let rested = match safety::rests_until(memory, rest) {
            Some(until) => began >= until,
            None => memory.cut.is_none(),
        };
        if rested {
            memory.cut = None;
            memory.run = Run::default();
        }
        memory.run = Run { on_since: Some(now), off_since: None, ..memory.run };
    }
    if let (Some(plug), Some(since)) = (by_the_plug, &mut memory.run.on_since)
        && plug < earlier(*since, SAME_START)
    {
        *since = plug;
    }
}

/// Remembers when the relay moved; before `record`, which forgets where it was. One that has never been seen has not moved: at
/// the first contact ever nothing is known, and after a start only what was remembered of it.
pub(super) fn note_move(memory: &mut Remembered, report: &Report, before: Option<Switch>, now: Timestamp) {
    let run = &memory.run;
    let known = match before {
        Some(before) => Some(before),
        None if run.on_since.is_some() => Some(Switch::On),
        None if run.off_since.is_some() || memory.moved_at.is_some() => Some(Switch::Off),
        None => None,
    };
    if known.is_some_and(|known| known != report.switch) {
        let by_the_plug = report.on_time.filter(|_| report.switch.is_on()).map(|it| earlier(now, it).min(now));
        memory.moved_at = Some(by_the_plug.unwrap_or(now).max(memory.moved_at.unwrap_or(Timestamp::MIN)));
    }
}

/// On since, by the plug's count where it gives one; steady although the two clocks drift.
pub(super) fn shown_since(outlet: &Outlet, report: &Report, now: Timestamp) -> Option<Timestamp> {
    if report.switch == Switch::Off {
        return None;
    }
    let shown = outlet.on_since;
    let by_the_plug = report.on_time.map(|it| earlier(now, it).min(now));
    match (shown, by_the_plug) {
        (Some(shown), Some(plug)) if plug.duration_since(shown).abs() > SAME_START => Some(plug),
        (Some(shown), _) => Some(shown),
        (None, Some(plug)) => Some(plug),
        (None, None) => Some(now),
    }
}

/// What was remembered of today's time on.
pub(super) fn remembered_today(memory: &Remembered, now: Timestamp, zone: &TimeZone) -> SignedDuration {
    let of_today = memory.today.filter(|it| it.day == date_of(zone, now)).map_or(SignedDuration::ZERO, |it| it.on);
    of_today.clamp(SignedDuration::ZERO, SignedDuration::from_hours(25))
}

/// Adds the time since the last report to today's runtime, if it was on.
pub(super) fn count_today(
    outlet: &mut Outlet,
    before: Option<Switch>,
    report: Switch,
    now: Timestamp,
    zone: &TimeZone,
) {
    let Some(last) = outlet.reported_at else {
        // The day may be another one than at the start, and the memory too: that of a housing that came back under another name.
        outlet.runtime_today = remembered_today(&outlet.memory, now, zone);
        return;
    };
    let today = date_of(zone, now);
    let midnight = instant(zone, today, Time::midnight());
    if last < midnight {
        outlet.runtime_today = SignedDuration::ZERO;
    }
    if before == Some(Switch::On) && outlet.availability == Availability::Online {
        let stretch = now.duration_since(last.max(midnight)).max(SignedDuration::ZERO);
        outlet.runtime_today = outlet.runtime_today.saturating_add(stretch);
    }
    let (on, kept) = (outlet.runtime_today, outlet.memory.today.filter(|it| it.day == today));
    let is_old = kept.map_or(!on.is_zero(), |it| on != it.on && (report == Switch::Off || on >= it.on + KEEP_EVERY));
    if is_old {
        outlet.memory.today = Some(OnToday { day: today, on });
    }
}
