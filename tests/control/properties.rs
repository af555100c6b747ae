//! What holds whatever happens.

use std::{collections::BTreeMap, sync::Arc};

use heattrax::model::{
    Availability, Circuit, Command, Days, End, Event, Fault, Forecast, Lasting, OffTime, Origin, OutletId, Priority,
    Target, Tariff, TariffWindow, Verb,
};
use jiff::{SignedDuration, Timestamp};
use proptest::{prelude::*, sample::select, test_runner::RngSeed};

use crate::home::*;

const OUTLETS: [&str; 4] = ["mat/1", "mat/2", "lamp/1", "tree/1"];
const LONGEST: SignedDuration = SignedDuration::from_hours(6);

/// The sun is left out where it is not needed: it takes most of the time.
fn plan(by_sun: bool) -> Plan {
    let storm = all_day().named("storm").if_at_most(34.0).if_precipitation(true);
    let night = daily("22:00", "07:00").named("night").at_most_on(hours(4)).rests(minutes(45));
    let dusk = if by_sun { sunset(-15, "17:00") } else { clock("17:00") };
    let evening = between(dusk, clock("23:00")).named("evening");
    let ice = daily("05:00", "09:00").named("ice").if_black_ice(true);
    let hourly = cron("0 5 * * * Mon-Fri", OffTime::After(minutes(20))).named("hourly");
    let night = night.with_priority(Priority::Low);
    let plan = home().mats("mats", &["mat/1", "mat/2"], [storm, night]).lights("lamps", &["lamp/1"], [evening]).mats(
        "trees",
        &["tree/1"],
        [ice, hourly],
    );
    plan.with(|it| {
        it.hold_unknown = Some(minutes(90));
        let peak = TariffWindow {
            name: "peak".to_owned(),
            days: Days::ALL,
            from: time("04:15"),
            to: time("06:00"),
            price: None,
            expensive: true,
        };
        it.tariff = Some(Tariff { windows: vec![peak], ..Tariff::default() });
        // Whoever has to give way to others does not know when.
        if !by_sun {
            it.circuits.insert("porch".to_owned(), Circuit { name: "porch".to_owned(), amps: 7.0, volts: 120.0 });
            let mats = it.groups.get_mut(&slug("mats")).unwrap();
            mats.circuit = Some("porch".to_owned());
            mats.members.iter_mut().for_each(|it| it.rated_watts = Some(600));
        }
    })
}

#[derive(Clone, Debug)]
enum Step {
    Wait(i64),
    Report { outlet: &'static str, says: Says, fresh: bool },
    Lost(&'static str),
    Fails(&'static str, bool),
    Ask(&'static str, Verb),
    AskGroup(Verb),
    Vacation(bool),
    Pause(Option<i64>),
    Forecast { skies: Vec<u8>, age: i64 },
    WeatherLost,
    ClockSet(i64),
    Restart,
}

fn switch() -> impl Strategy<Value = heattrax::model::Switch> {
    any::<bool>().prop_map(heattrax::model::Switch::from_bool)
}

pub fn verb() -> impl Strategy<Value = Verb> {
    let lasting = prop_oneof![
        Just(Lasting::Default),
        (-10_i64..1500).prop_map(|it| Lasting::For(minutes(it))),
        Just(Lasting::NextChange),
        // Some of these have passed, some are too far.
        (0_i64..100).prop_map(|it| Lasting::Until(Timestamp::from_second(1_772_900_000 + it * 3600).unwrap())),
    ];
    prop_oneof![
        4 => (switch(), lasting).prop_map(|(switch, lasting)| Verb::Set(switch, lasting)),
        1 => Just(Verb::Toggle),
        1 => select(vec![CONTROL_OFF, CONTROL_ON, CONTROL_AUTO]),
        1 => Just(Verb::Acknowledge),
    ]
}

fn says() -> impl Strategy<Value = Says> {
    let on_time = prop_oneof![3 => Just(None), 1 => (0_i64..40_000).prop_map(|it| Some(seconds(it)))];
    let kind = select(vec![first as fn(heattrax::model::Switch) -> Says, polled, polled, switched]);
    (switch(), kind, on_time, 0_u8..20).prop_map(|(switch, kind, on_time, fault)| {
        let says = on_time.map_or(kind(switch), |it| kind(switch).on_for(it));
        match fault {
            0 => says.with_fault(Fault::Overheat),
            1 => says.with_fault(Fault::Overload),
            _ => says,
        }
    })
}

fn of_device(step: BoxedStrategy<&'static str>) -> impl Strategy<Value = Step> {
    prop_oneof![
        5 => (step.clone(), says(), prop::bool::weighted(0.8))
            .prop_map(|(outlet, says, fresh)| Step::Report { outlet, says, fresh }),
        3 => (step.clone(), verb()).prop_map(|(outlet, verb)| Step::Ask(outlet, verb)),
        1 => step.clone().prop_map(|it| Step::Lost(it.split('/').next().unwrap())),
        1 => (step, any::<bool>()).prop_map(|(outlet, on)| Step::Fails(outlet, on)),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let outlet = select(OUTLETS.to_vec()).boxed();
    prop_oneof![
        12 => of_device(outlet),
        6 => prop_oneof![1_i64..60, 60_i64..7200, 3600_i64..40_000].prop_map(Step::Wait),
        1 => verb().prop_map(Step::AskGroup),
        1 => any::<bool>().prop_map(Step::Vacation),
        // Some of these are refused.
        1 => prop::option::of(-10_i64..11_000).prop_map(Step::Pause),
        3 => (prop::collection::vec(0_u8..5, 0..60), -30_i64..500)
            .prop_map(|(skies, age)| Step::Forecast { skies, age }),
        1 => Just(Step::WeatherLost),
    ]
}

fn steps_with(more: BoxedStrategy<Step>, weight: u32) -> impl Strategy<Value = Vec<Step>> {
    prop::collection::vec(prop_oneof![28 => step(), weight => more], 1..60)
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    prop::collection::vec(step(), 1..60)
}

/// The eve of a change to daylight saving time, as often as not.
fn starts() -> impl Strategy<Value = &'static str> {
    select(vec!["2026-01-10 12:00", "2026-03-07 20:00", "2026-10-31 21:00", "2026-01-12 04:30"])
}

fn forecast(day: &Day, skies: &[u8], age: i64) -> Forecast {
    let gap = Sky { precipitation: None, ..DRY };
    let kinds = [DRY, DRY.air(30.0), SNOW, gap, Sky { humidity: Some(90.0), dew_point: Some(30.0), ..DRY.air(31.0) }];
    let skies: Vec<_> = skies.iter().map(|it| kinds[usize::from(*it)]).collect();
    let first = day.now.as_second() / 3600 * 3600 - 2 * 3600;
    let first = Timestamp::from_second(first).unwrap().to_string();
    hourly(&day.settings.zone, day.now.checked_sub(minutes(age)).unwrap(), &first, &skies)
}

impl Day {
    fn command(verb: Verb, target: Target) -> Event {
        Event::Commanded(Command::new(target, verb, Origin::Mqtt))
    }

    /// Lets a step happen `times` times at once.
    fn takes(&mut self, step: &Step, times: usize) {
        match step {
            Step::Wait(length) => {
                self.after(seconds(*length));
            }
            Step::ClockSet(step) => {
                self.clock_set(minutes(*step));
            }
            Step::Restart => {
                self.restart();
            }
            Step::Report { outlet, says, fresh } => {
                // The same report twice answers the same commands.
                let commanded = self.controller.orders(&id(outlet).device).commanded;
                let answers = if *fresh { commanded } else { 0 };
                for _ in 0..times {
                    self.report_answering(outlet, *says, answers);
                }
            }
            _ => (0..times).for_each(|_| self.takes_once(step)),
        }
    }

    fn takes_once(&mut self, step: &Step) {
        match step {
            Step::Lost(device) => {
                self.lost(device);
            }
            Step::Fails(outlet, on) => {
                self.switch_fails(outlet, heattrax::model::Switch::from_bool(*on));
            }
            Step::Ask(outlet, verb) => {
                self.happens(Self::command(*verb, Target::Outlet(id(outlet))));
            }
            Step::AskGroup(verb) => {
                self.happens(Self::command(*verb, Target::Group(slug("mats"))));
            }
            Step::Vacation(away) => {
                self.vacation(*away);
            }
            Step::Pause(length) => {
                let now = self.now;
                let end = length.map(|it| End::Elapsed(now.checked_add(minutes(it)).unwrap()));
                self.commands(Target::House, end.map_or(Verb::Resume, Verb::Pause));
            }
            Step::Forecast { skies, age } => {
                let forecast = forecast(self, skies, *age);
                self.forecast(forecast);
            }
            Step::WeatherLost => {
                self.happens(Event::WeatherLost { trouble: trouble("down") });
            }
            Step::Report { .. } | Step::Wait(_) | Step::ClockSet(_) | Step::Restart => unreachable!("taken above"),
        }
    }

    /// What is decided, but for how it came about.
    fn decided(&self) -> BTreeMap<OutletId, String> {
        let outlets = self.controller.house().outlets.iter();
        let said = outlets.map(|(id, it)| {
            let decision = &it.decision;
            let next = decision.next.map(|it| (self.local(it.at), it.switch));
            let until = decision.until.map(|at| self.local(at));
            (id.clone(), format!("{} {:?} until {until:?}, next {next:?}", decision.switch, decision.reason))
        });
        said.collect()
    }

    fn switches(&self) -> BTreeMap<OutletId, (heattrax::model::Switch, Option<heattrax::model::Switch>)> {
        let outlets = self.controller.house().outlets.iter();
        outlets.map(|(id, it)| (id.clone(), (it.decision.switch, self.order(&id.to_string())))).collect()
    }
}

/// The same cases each time, so that a change is blamed for what it breaks and for nothing else. `PROPTEST_CASES` tries so many others,
/// new ones each time: whoever changes the thinking runs some thousands.
pub fn config(cases: u32) -> ProptestConfig {
    let more = std::env::var("PROPTEST_CASES").ok().and_then(|it| it.parse().ok());
    let rng_seed = if more.is_some() { RngSeed::Random } else { RngSeed::Fixed(0x0068_6561_7474_7261) };
    ProptestConfig { cases: more.unwrap_or(cases), rng_seed, failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(config(64))]

    /// `happens` checks that the next deadline is always ahead.
    #[test]
    fn nothing_is_ordered_on_past_its_longest_runtime(
        start in starts(),
        steps in steps_with(prop_oneof![Just(Step::Restart), (-3000_i64..3000).prop_map(Step::ClockSet)].boxed(), 3),
    ) {
        let mut day = plan(false).starts(start);
        // Time on by a stop-watch that knows no clock and no calendar.
        let mut on_for: BTreeMap<&str, SignedDuration> = BTreeMap::new();
        for step in &steps {
            day.takes(step, 1);
            match step {
                Step::Wait(length) => on_for.values_mut().for_each(|it| *it = it.checked_add(seconds(*length)).unwrap()),
                Step::Report { outlet, .. } if !day.outlet(outlet).switch().unwrap().is_on() => drop(on_for.remove(outlet)),
                Step::Report { outlet, .. } => drop(on_for.entry(*outlet).or_default()),
                _ => {}
            }
            for (outlet, on_for) in &on_for {
                let now = day.now;
                let wish = day.outlet(outlet).memory.wish;
                let asked = wish.filter(|it| it.switch.is_on());
                prop_assert!(asked.is_none_or(|it| it.end.latest().duration_since(now) <= hours(24)));
                if *on_for >= LONGEST && asked.is_none() {
                    prop_assert_ne!(day.order(outlet), Some(On), "{} after {:#}", outlet, on_for);
                }
            }
        }
    }

    #[test]
    fn what_happens_twice_is_what_happens_once(start in starts(), steps in steps()) {
        let mut once = plan(false).starts(start);
        let mut twice = plan(false).starts(start);
        for step in &steps {
            once.takes(step, 1);
            twice.takes(step, 2);
            prop_assert_eq!(once.decided(), twice.decided(), "after {:?}", step);
        }
    }

    #[test]
    fn going_on_with_the_same_settings_changes_nothing(start in starts(), steps in steps()) {
        let mut as_it_was = plan(false).starts(start);
        let mut amended = plan(false).starts(start);
        for step in &steps {
            as_it_was.takes(step, 1);
            amended.takes(step, 1);
            amended.goes_on_with(plan(false));
            prop_assert_eq!(as_it_was.decided(), amended.decided(), "after {:?}", step);
            prop_assert_eq!(as_it_was.switches(), amended.switches(), "after {:?}", step);
        }
    }

    #[test]
    fn deciding_what_was_touched_is_deciding_everything(start in starts(), steps in steps()) {
        let mut touched = plan(false).starts(start);
        let mut everything = plan(false).starts(start);
        for step in &steps {
            touched.takes(step, 1);
            everything.takes(step, 1);
            // A clock that was set by nothing moves nothing, but everything is decided.
            everything.clock_set(SignedDuration::ZERO);
            prop_assert_eq!(touched.decided(), everything.decided(), "after {:?}", step);
        }
    }

    #[test]
    fn independent_devices_may_be_heard_in_any_order(
        start in starts(),
        batches in prop::collection::vec(
            (prop::collection::vec((0_usize..3, any::<u64>()), 0..6), 1_i64..20_000),
            1..12,
        ),
        pool in prop::collection::vec(
            (of_device(Just("mat/1").boxed()), of_device(Just("lamp/1").boxed()), of_device(Just("tree/1").boxed())),
            1..20,
        ),
    ) {
        let mut mixed = plan(false).starts(start);
        let mut sorted = plan(false).starts(start);
        for (batch, wait) in &batches {
            let steps: Vec<_> = batch.iter().map(|(device, pick)| {
                let (mat, lamp, tree) = &pool[usize::try_from(*pick % pool.len() as u64).unwrap()];
                (*device, [mat, lamp, tree][*device])
            }).collect();
            steps.iter().for_each(|(_, step)| mixed.takes(step, 1));
            let mut by_device = steps.clone();
            by_device.sort_by_key(|(device, _)| std::cmp::Reverse(*device));
            by_device.iter().for_each(|(_, step)| sorted.takes(step, 1));
            prop_assert_eq!(mixed.decided(), sorted.decided());
            mixed.after(seconds(*wait));
            sorted.after(seconds(*wait));
        }
    }

    #[test]
    fn a_restart_changes_no_decision(start in starts(), steps in steps()) {
        let mut day = plan(false).starts(start);
        for step in &steps {
            day.takes(step, 1);
        }
        // Past the first minute, in which what runs is left alone, and past every answer that is due.
        day.after(seconds(90));
        let reports: Vec<_> = OUTLETS.iter().filter_map(|it| Some((*it, day.outlet(it).reported.clone()?))).collect();
        let lost: Vec<_> = OUTLETS.iter().filter(|it| day.outlet(it).availability == Availability::Offline).collect();
        let lose = |day: &mut Day| lost.iter().for_each(|it| {
            day.lost(it.split('/').next().unwrap());
        });
        // And everybody has been looked at afresh: no order is under way.
        for (outlet, report) in &reports {
            let says = polled(report.switch);
            day.report(outlet, report.fault.map_or(says, |fault| says.with_fault(fault)));
        }
        lose(&mut day);
        let before = day.switches();
        let forecast = day.controller.house().weather.forecast.clone();
        day.restart();
        if let Some(forecast) = forecast {
            day.happens(Event::WeatherObserved(Arc::clone(&forecast)));
        }
        day.happens(Event::WeatherLost { trouble: trouble("down") });
        for (outlet, report) in reports {
            let says = first(report.switch);
            day.report(outlet, report.fault.map_or(says, |fault| says.with_fault(fault)));
        }
        lose(&mut day);
        prop_assert_eq!(before, day.switches());
    }
}

// The sun is slow to compute.
proptest! {
    #![proptest_config(config(24))]

    #[test]
    fn what_is_said_to_come_next_comes(start in starts(), steps in steps(), fresh in prop::collection::vec(0_u8..5, 60)) {
        let mut day = plan(true).with(|it| it.forecast_valid = Some(hours(240))).starts(start);
        for step in &steps {
            day.takes(step, 1);
        }
        let forecast = forecast(&day, &fresh, 0);
        day.forecast(forecast).obey().obey().after(seconds(61));
        let said: Vec<_> = OUTLETS.iter().map(|it| (*it, day.wanted(it), day.decision(it).next)).collect();
        let mut moments: Vec<_> = said.iter().filter_map(|(_, _, next)| Some(next.as_ref()?.at)).collect();
        // So far everybody looks ahead. A pause may end later; who has nothing to say by then has not looked so far.
        let horizon = day.now.checked_add(hours(72)).unwrap();
        moments.retain(|it| *it <= horizon);
        moments.push(horizon);
        moments.sort();
        for moment in moments.into_iter().take_while(|it| *it < Timestamp::MAX) {
            for at in [moment.checked_sub(SignedDuration::from_nanos(1)).unwrap(), moment] {
                day.until(at.max(day.now));
                for (outlet, was, next) in &said {
                    // Only the first change is foretold.
                    if next.is_none_or(|it| day.now < it.at) {
                        prop_assert_eq!(day.wanted(outlet), *was, "{} at {}: {}", outlet, day.local(day.now), day.why(outlet));
                    } else if next.is_some_and(|it| day.now == it.at) {
                        prop_assert_eq!(Some(day.wanted(outlet)), next.map(|it| it.switch), "{} at {}", outlet, day.local(day.now));
                    }
                }
            }
        }
    }
}

/// Found by chance: the first report says that a mat runs which the rules had once wished on, nobody knows the weather any more, and
/// the circuit has no room for it. It is not held, whether that is said once or twice.
#[test]
fn what_the_circuit_has_no_room_for_is_not_held() {
    let mut day = plan(false).starts("2026-01-10 12:00");
    let report = |outlet, says| Step::Report { outlet, says, fresh: false };
    day.takes(&report("mat/2", first(On).with_fault(Fault::Overheat)), 1);
    day.takes(&report("lamp/1", first(Off).with_fault(Fault::Overheat)), 1);
    day.takes(&Step::Forecast { skies: vec![0, 0, 0, 0, 0, 0, 2, 1], age: 0 }, 1);
    day.after(seconds(4176)).after(seconds(17_424)).lost("mat");
    day.takes(&report("mat/1", first(On)), 1);
    let once = day.decided();
    assert_eq!((day.wanted("mat/1"), day.key("mat/1")), (Off, "weather_unknown"));
    day.takes(&report("mat/1", first(On)), 1);
    assert_eq!(day.decided(), once);
}
