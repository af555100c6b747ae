//! The plan: what each group will do if the forecast comes true and nobody does anything.

use std::sync::Arc;

use heattrax::{
    control::{Foresight, foresee, plan},
    model::{Mode, OffTime, Plan as Planned, PlannedWindow, Tariff},
};
use jiff::{Timestamp, ToSpan};
use proptest::{prelude::*, sample::select};

use crate::home::*;

const COLD: Sky = Sky { fahrenheit: Some(28.0), ..DRY };

fn storm() -> Plan {
    let rule = all_day().named("storm").if_at_most(34.0).if_precipitation(true);
    home().mats("mat", &["mat/1"], [rule]).with(|it| {
        it.safety.longest_on = hours(20);
        it.groups.values_mut().flat_map(|it| &mut it.members).for_each(|it| it.rated_watts = Some(1500));
    })
}

fn planned(day: &Day, group: &str) -> Planned {
    plan(&day.settings, day.controller.house(), Timestamp::MAX)[&slug(group)].clone()
}

/// As a person writes it.
fn told(day: &Day, plan: &Planned) -> Vec<String> {
    let clock = |at: Timestamp| day.settings.zone.to_datetime(at).strftime("%d %H:%M").to_string();
    let told = |it: &PlannedWindow| format!("{} to {} {}", clock(it.start), clock(it.end), it.mode.as_str());
    plan.windows.iter().map(told).collect()
}

#[test]
fn a_storm_that_is_forecast_is_a_window_with_its_energy_and_its_price() {
    let mut skies = [COLD; 30];
    skies[10..12].fill(SNOW);
    let tariff = Tariff { price: Some(0.25), currency: "EUR".to_owned(), windows: Vec::new() };
    let mut day = storm().with(|it| it.tariff = Some(tariff)).starts("2026-01-10 12:00");
    day.expects("2026-01-10 10:00", &skies).report("mat/1", first(Off));
    let plan = planned(&day, "mat");
    // It snows from 20:00 to 22:00; an hour of lead, an hour of trail. The forecast ends at 16:00 on the next day.
    assert_eq!(told(&day, &plan), ["10 19:00 to 10 23:00 schedule"]);
    let window = &plan.windows[0];
    assert_eq!(window.reason, "schedule `storm` is active");
    assert_eq!((window.kwh, window.cost), (Some(6.0), Some(1.5)));
    assert_eq!((plan.kwh, plan.cost, plan.currency.as_deref()), (Some(6.0), Some(1.5), Some("EUR")));
    assert_eq!(day.local(plan.until), "2026-01-11 16:00:00");
}

#[test]
fn the_longest_runtime_and_the_rest_are_in_the_plan() {
    let rule = daily("13:00", "18:00").at_most_on(hours(2)).rests(minutes(45));
    let mut day = home().mats("mat", &["mat/1"], [rule]).starts("2026-01-10 12:00");
    day.report("mat/1", first(Off));
    let expected = [
        "10 13:00 to 10 15:00 schedule",
        "10 15:45 to 10 17:45 schedule",
        "11 13:00 to 11 15:00 schedule",
        "11 15:45 to 11 17:45 schedule",
    ];
    let plan = planned(&day, "mat");
    assert_eq!(told(&day, &plan), expected);
    assert_eq!(day.local(plan.until), "2026-01-12 12:00:00", "two days");
    assert_eq!((plan.kwh, plan.cost, plan.currency), (None, None, None), "nobody has said what the mat draws");
}

#[test]
fn a_wish_ends_in_the_plan_and_what_is_on_has_begun_when_it_was_switched_on() {
    let mut day = home().mats("mat", &["mat/1"], [daily("14:00", "15:00")]).starts("2026-01-10 12:00");
    day.report("mat/1", first(Off)).asks("mat/1", set_for(On, hours(1))).obey().after(minutes(20)).obey();
    let expected = ["10 12:00 to 10 13:00 manual_on", "10 14:00 to 10 15:00 schedule", "11 14:00 to 11 15:00 schedule"];
    assert_eq!(told(&day, &planned(&day, "mat")), expected);
    day.asks("mat/1", set_for(Off, hours(3))).obey();
    let expected = ["11 14:00 to 11 15:00 schedule"];
    assert_eq!(told(&day, &planned(&day, "mat")), expected, "OFF until 15:20 takes the first window");
}

#[test]
fn a_window_is_split_where_the_mode_changes() {
    let mut day = home().mats("mat", &["mat/1"], [daily("12:00", "15:00")]).starts("2026-01-10 12:00");
    day.report("mat/1", first(Off)).obey().asks("mat/1", set_for(On, hours(1))).obey();
    let plan = planned(&day, "mat");
    assert_eq!(told(&day, &plan)[..2], ["10 12:00 to 10 13:00 manual_on", "10 13:00 to 10 15:00 schedule"]);
}

#[test]
fn without_weather_a_storm_is_not_planned_for_and_a_stale_forecast_is_not_renewed() {
    let mut day = storm().starts("2026-01-10 12:00");
    day.report("mat/1", first(Off));
    assert!(planned(&day, "mat").windows.is_empty(), "no forecast");
    day.expects("2026-01-10 10:00", &[SNOW; 40]);
    assert!(!planned(&day, "mat").windows.is_empty());
    day.lives_until("18:30");
    assert!(planned(&day, "mat").windows.is_empty(), "the forecast is older than six hours");
}

#[test]
fn looking_ahead_changes_nothing() {
    let mut day = storm().starts("2026-01-10 12:00");
    day.expects("2026-01-10 10:00", &[SNOW; 40]).report("mat/1", first(Off)).obey();
    let before = day.controller.house().clone();
    planned(&day, "mat");
    let mut ahead = Foresight::of(&day.settings, day.controller.house());
    ahead.run(day.instant("23:00"));
    assert_eq!(ahead.at(), day.instant("23:00"));
    assert_eq!(*day.controller.house(), before);
}

#[test]
fn a_group_of_which_nothing_is_known_yet_has_an_empty_plan() {
    let day = home().lights("lamp", &[], []).starts("2026-01-10 12:00");
    let foreseen = foresee(&day.settings, day.controller.house(), Timestamp::MAX);
    assert!(foreseen.plans[&slug("lamp")].windows.is_empty());
    assert!(foreseen.ice[&slug("lamp")].is_empty());
}

/// On, from when to when, and in which mode.
type Lived = (Timestamp, Timestamp, Mode);

/// The day as it really comes: a forecast with the same content each hour, plugs that obey.
fn live(mut day: Day, first_hour: &str, skies: &[Sky], until: Timestamp) -> Vec<Lived> {
    let mut lived: Vec<Lived> = Vec::new();
    let mut open: Option<(Timestamp, Mode)> = None;
    let mut hour = day.now + 1.hour();
    loop {
        let outlets = ["mat/1", "mat/2"].map(|it| day.outlet(it));
        let mode = outlets.iter().find(|it| it.switch() == Some(On)).map(|it| it.decision.mode());
        if open.map(|it| it.1) != mode || day.now >= until {
            if let Some((start, mode)) = open.take().filter(|it| it.0 < day.now) {
                lived.push((start, day.now, mode));
            }
            open = mode.map(|mode| (day.now, mode));
        }
        if day.now >= until {
            return lived;
        }
        let due = day.controller.next_deadline().unwrap_or(until);
        day.now = due.min(hour).min(until);
        if day.now == hour {
            hour += 1.hour();
            day.expects(first_hour, skies);
        }
        day.happens(heattrax::model::Event::DeadlinePassed).obey();
    }
}

proptest! {
    #![proptest_config(crate::properties::config(96))]

    /// 96 houses, each with its own weather over two days, rules, limits and wishes.
    #[test]
    fn a_plan_is_what_happens_when_the_day_is_lived(
        skies in prop::collection::vec(select(vec![DRY, COLD, SNOW, SNOW.air(40.0), Sky { precipitation: None, ..COLD }]), 60),
        longest in 1_i64..8,
        rest in 10_i64..120,
        start in 0_i64..24,
        wish in prop::option::of((any::<bool>(), 5_i64..600, any::<bool>())),
        before in 0_i64..180,
    ) {
        let storm = all_day().named("storm").if_at_most(34.0).if_precipitation(true);
        let night = daily("22:00", "07:00").named("night").at_most_on(hours(longest)).rests(minutes(rest));
        let hourly = cron("20 */3 * * *", OffTime::After(minutes(25))).named("hourly");
        let first_hour = "2026-01-09 22:00";
        let mut day = home().mats("mats", &["mat/1", "mat/2"], [storm, night, hourly]).starts("2026-01-10 00:00");
        day.expects(first_hour, &skies).report("mat/1", first(Off)).report("mat/2", first(Off)).obey();
        let begin = day.now + start.hours();
        while day.now < begin {
            day.until(day.now + 30.minutes()).expects(first_hour, &skies).obey();
        }
        if let Some((on, length, both)) = wish {
            let verb = set_for(heattrax::model::Switch::from_bool(on), minutes(length));
            if both { day.asks_group("mats", verb); } else { day.asks("mat/2", verb); }
            day.obey();
        }
        day.after(seconds(before * 60)).expects(first_hour, &skies).obey();
        let plan = planned(&day, "mats");
        let now = day.now;
        let lived = live(day, first_hour, &skies, plan.until);
        // What is on already has begun earlier.
        let windows: Vec<Lived> = plan.windows.iter().map(|it| (it.start.max(now), it.end, it.mode)).collect();
        prop_assert_eq!(windows, lived);
    }
}

#[test]
fn a_house_of_a_thousand_outlets_is_planned_in_a_moment() {
    let outlets: Vec<String> = (0..1000).map(|it| format!("plug_{it}/1")).collect();
    let names: Vec<&str> = outlets.iter().map(String::as_str).collect();
    let mut skies = [COLD; 60];
    skies[20..24].fill(SNOW);
    let mut home = home();
    for (number, some) in names.chunks(50).enumerate() {
        let rule = all_day().named("storm").if_at_most(34.0).if_precipitation(true);
        home = home.mats(&format!("group_{number}"), some, [rule, daily("05:00", "07:00")]);
    }
    let mut day = home.starts("2026-01-10 12:00");
    day.expects("2026-01-10 10:00", &skies);
    for outlet in &names {
        day.report(outlet, first(Off));
    }
    let began = std::time::Instant::now();
    let plans = plan(&Arc::clone(&day.settings), day.controller.house(), Timestamp::MAX);
    let took = began.elapsed();
    assert_eq!(plans.len(), 20);
    assert!(plans.values().all(|it| it.windows.len() == 2), "{:?}", plans.values().next());
    assert!(took.as_secs() < 20, "took {took:?}, unoptimised");
}
