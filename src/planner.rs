//! The planner: keeps the board of plans in step with the house, and says once when a storm is foreseen.
//!
//! A plan is worked out by running the controller forward, which takes a while in a large house: never on the hub's own loop, never more
//! often than once a second, and never for more than a tenth of the time.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use tokio::{sync::watch, time::Instant};
use tokio_util::sync::CancellationToken;

use crate::{
    control,
    hub::{Handle, InForce, Plans},
    model::{
        Control, ControlSettings, House, Mode, Notice, NoticeKind, OutletId, Pause, Plan, PlannedWindow, Slug, Station,
        Switch, Wish,
    },
};

/// Changes that follow each other within this are planned for together.
const COALESCE: Duration = Duration::from_secs(1);
/// A plan is worked out anew after this time of the house, whatever has happened.
const LASTS: SignedDuration = SignedDuration::from_mins(10);
/// The rest after planning, in times of what it took.
const REST: u32 = 9;
/// How far a plan looks.
const AHEAD: SignedDuration = SignedDuration::from_hours(48);
/// Of one group, people hear of a storm at most this often.
const STORM_NEWS: SignedDuration = SignedDuration::from_hours(6);
/// Windows that are no further apart than this belong to one storm.
const ONE_STORM: SignedDuration = SignedDuration::from_hours(6);

/// Plans until `stop`, or until the hub is gone.
pub async fn run(handle: Handle, stop: CancellationToken) {
    let planning = async {
        let (mut board, mut in_force) = (handle.house.clone(), handle.in_force.clone());
        let mut storms = Storms::new(TimeZone::UTC);
        loop {
            let Some(settings) = in_force.borrow_and_update().settings.clone() else { return };
            storms.zone = settings.zone.clone();
            let house = Arc::clone(&board.borrow_and_update());
            let basis = Basis::of(&house);
            let began = Instant::now();
            let plans = work_out(&settings, house).await;
            for notice in storms.news(&settings, &plans, handle.clock.now()) {
                handle.notify(notice);
            }
            handle.show_plans(plans);
            tokio::time::sleep(began.elapsed() * REST).await;
            if !changed(&mut board, &mut in_force, &basis, &handle).await {
                return;
            }
        }
    };
    // Nothing is lost by leaving in the middle: a plan is made anew after each start.
    let _ = stop.run_until_cancelled(planning).await;
}

/// On a thread of its own, for nobody shall wait for it.
async fn work_out(settings: &Arc<ControlSettings>, house: Arc<House>) -> Plans {
    let settings = Arc::clone(settings);
    // A full hour, or the end of the plan would move along at each look and be published again.
    let until = house.at.as_second().saturating_add(AHEAD.as_secs()).div_euclid(3600).saturating_mul(3600);
    let until = Timestamp::from_second(until).unwrap_or(Timestamp::MAX);
    let planned = tokio::task::spawn_blocking(move || control::plan(&settings, &house, until)).await;
    planned.unwrap_or_default()
}

/// Waits until the plan has to be made anew. False when the hub is gone.
async fn changed(
    board: &mut watch::Receiver<Arc<House>>,
    in_force: &mut watch::Receiver<Arc<InForce>>,
    basis: &Basis,
    handle: &Handle,
) -> bool {
    let lasts = handle.clock.real(Duration::try_from(LASTS).unwrap_or_default());
    let too_old = tokio::time::sleep(lasts);
    tokio::pin!(too_old);
    loop {
        tokio::select! {
            () = &mut too_old => return true,
            alive = board.changed() => if alive.is_err() { return false },
            Ok(()) = in_force.changed() => return true,
        }
        // The board changes with each report of each plug; a look now and then is enough.
        tokio::time::sleep(COALESCE).await;
        if Basis::of(&board.borrow_and_update()) != *basis {
            return true;
        }
    }
}

/// What a plan follows from, as far as it does not follow from the time alone.
#[derive(Debug, PartialEq)]
struct Basis {
    /// When it was issued.
    forecast: Option<Timestamp>,
    fresh: Option<bool>,
    station: Station,
    vacation: bool,
    paused: Option<Pause>,
    outlets: BTreeMap<OutletId, (Switch, Option<Switch>, Option<Wish>, Control)>,
}

impl Basis {
    fn of(house: &House) -> Self {
        let outlets = house
            .outlets
            .iter()
            .map(|(id, it)| (id.clone(), (it.decision.switch, it.switch(), it.memory.wish, it.memory.control)));
        Self {
            forecast: house.weather.forecast.as_ref().map(|it| it.issued_at),
            fresh: house.weather.fresh,
            station: house.weather.station,
            vacation: house.vacation,
            paused: house.paused,
            outlets: outlets.collect(),
        }
    }
}

/// The storms that people have heard of.
#[derive(Debug)]
pub struct Storms {
    zone: TimeZone,
    told: BTreeMap<Slug, Told>,
}

#[derive(Clone, Debug)]
struct Told {
    at: Timestamp,
    /// From when to when the storms that were told of, or were there already, are heated for.
    spans: Vec<(Timestamp, Timestamp)>,
}

impl Storms {
    /// Nobody has heard of any.
    pub fn new(zone: TimeZone) -> Self {
        Self { zone, told: BTreeMap::new() }
    }

    /// One notice for each group whose plan heats for a storm that was not in a plan before. One that is heated for already is no
    /// news: after a restart everybody would hear of it again.
    pub fn news(&mut self, settings: &ControlSettings, plans: &Plans, now: Timestamp) -> Vec<Notice> {
        let mut notices = Vec::new();
        for (group, plan) in plans {
            let name = settings.groups.get(group).map_or(group.as_str(), |it| it.name.as_str());
            if let Some(storm) = self.first_news(group, plan, now) {
                let words = format!("a storm is ahead of {name}: {}", told(storm, plan, &self.zone));
                let notice = Notice::new(now, NoticeKind::StormAhead, words).about_group(Some(group));
                let rfc3339 = |at: Timestamp| at.to_string();
                notices.push(notice.with("start", rfc3339(storm.0)).with("end", rfc3339(storm.1)));
            }
        }
        notices
    }

    fn first_news(&mut self, group: &Slug, plan: &Plan, now: Timestamp) -> Option<(Timestamp, Timestamp)> {
        let before = self.told.entry(group.clone()).or_insert_with(|| Told { at: Timestamp::MIN, spans: Vec::new() });
        before.spans.retain(|(_, end)| now.duration_since(*end) < ONE_STORM);
        let (mut news, found) = (None, storms(plan));
        let may_speak = now.duration_since(before.at) >= STORM_NEWS;
        for storm in found {
            let known = before.spans.iter_mut().find(|it| storm.0 <= it.1 && it.0 <= storm.1);
            match known {
                // The forecast moves: a storm that comes earlier or lasts longer is the same.
                Some(span) => *span = (span.0.min(storm.0), span.1.max(storm.1)),
                None if storm.0 <= now => before.spans.push(storm),
                None if may_speak && news.is_none() => {
                    news = Some(storm);
                    before.spans.push(storm);
                }
                // Told once it may be, if it is still there.
                None => {}
            }
        }
        if news.is_some() {
            before.at = now;
        }
        news
    }
}

fn heats_for_a_storm(window: &&PlannedWindow) -> bool {
    matches!(window.mode, Mode::Preheat | Mode::Melt)
}

/// From when to when each storm of a plan is heated for.
fn storms(plan: &Plan) -> Vec<(Timestamp, Timestamp)> {
    let mut found: Vec<(Timestamp, Timestamp)> = Vec::new();
    for window in plan.windows.iter().filter(heats_for_a_storm) {
        match found.last_mut().filter(|it| window.start.duration_since(it.1) <= ONE_STORM) {
            Some(storm) => storm.1 = storm.1.max(window.end),
            None => found.push((window.start, window.end)),
        }
    }
    found
}

/// The plan for a storm, in words.
fn told(storm: (Timestamp, Timestamp), plan: &Plan, zone: &TimeZone) -> String {
    let clock = |at: Timestamp| zone.to_datetime(at).strftime("%a %H:%M").to_string();
    let inside = |it: &&PlannedWindow| it.start < storm.1 && storm.0 < it.end;
    let windows: Vec<&PlannedWindow> = plan.windows.iter().filter(inside).collect();
    let melts = windows.iter().find(|it| it.mode == Mode::Melt).or(windows.first());
    let why = melts.map_or("a storm", |it| it.reason.as_str());
    let steps = windows.iter().map(|it| format!("{} from {}", it.mode.as_str().replace('_', " "), clock(it.start)));
    let steps: Vec<String> = steps.collect();
    let end = windows.last().map_or(storm.1, |it| it.end);
    let kwh = windows.iter().filter_map(|it| it.kwh).reduce(|one, other| one + other);
    let cost = windows.iter().filter_map(|it| it.cost).reduce(|one, other| one + other);
    let mut words = format!("{why}; {}, until {}", steps.join(", "), clock(end));
    if let Some(kwh) = kwh {
        words.push_str(&format!("; {kwh:.1} kWh"));
    }
    if let Some(cost) = cost {
        words.push_str(&format!(", {cost:.2} {}", plan.currency.as_deref().unwrap_or("(no currency)")));
    }
    words
}
