//! What holds of storm heating in any weather: 256 random winters of three days each a property, decided at every deadline.

use std::sync::Arc;

use heattrax::{
    control::Rehearsal,
    model::{Celsius, Event, Forecast, FrostRule, Interval, Melt, Memory, Mode, Reason, Switch, TooCold},
};
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

use crate::home::*;

const HOURS: usize = 72;

/// An hour of random weather. What is `None` is unknown to everybody.
fn hour() -> impl Strategy<Value = Interval> {
    let known = prop::bool::weighted(0.9);
    (
        (-15.0_f64..9.0, 0.0_f64..6.0, prop_oneof![3 => Just(0.0), 1 => 0.0_f64..6.0]),
        (0.0_f64..=1.0, 0.0_f64..12.0, prop_oneof![Just(None), (0_u8..100).prop_map(Some)]),
        (known, known, known),
    )
        .prop_map(|((air, below, mm), (cloud, wind, code), (has_air, has_dew, has_mm))| Interval {
            start: Timestamp::UNIX_EPOCH,
            end: Timestamp::UNIX_EPOCH,
            temperature: has_air.then_some(Celsius(air)),
            dew_point: has_dew.then_some(Celsius(air - below)),
            humidity: None,
            precipitation: has_mm.then_some(mm),
            snowfall: None,
            code: code.filter(|_| has_mm),
            cloud: Some(cloud),
            wind: Some(wind),
        })
}

/// Weather that lasts for some hours at a time.
fn winter() -> impl Strategy<Value = Vec<Interval>> {
    let spells = prop::collection::vec((hour(), 1_usize..12), 6..30);
    (spells, -600_i64..600).prop_map(|(spells, _)| {
        let start = Timestamp::from_second(1_767_960_000).unwrap();
        let hours = spells.into_iter().flat_map(|(hour, count)| std::iter::repeat_n(hour, count));
        let dated = hours.take(HOURS + 48).enumerate().map(|(index, hour)| {
            let start = start.checked_add(hours_of(index)).unwrap();
            Interval { start, end: start.checked_add(hours_of(1)).unwrap(), ..hour }
        });
        dated.collect()
    })
}

fn hours_of(count: usize) -> SignedDuration {
    hours(i64::try_from(count).unwrap())
}

fn melt() -> impl Strategy<Value = Melt> {
    let frost = prop_oneof![Just(FrostRule::Off), Just(FrostRule::Seed), Just(FrostRule::Radiative)];
    let cold = prop_oneof![Just(TooCold::Never), Just(TooCold::Budget), Just(TooCold::Below(Celsius(-8.0)))];
    ((0_i64..240, 0_i64..240, 2_i64..26), (0_i64..60, 0_i64..40), frost, cold, any::<bool>(), -2.0_f64..7.0).prop_map(
        |((lead, after, longest), (least_on, least_off), frost, too_cold, refreeze, too_warm)| Melt {
            lead: minutes(lead),
            after_run: minutes(after),
            longest_on: hours(longest),
            least_on: minutes(least_on),
            least_off: minutes(least_off),
            frost,
            too_cold,
            refreeze,
            too_warm: Celsius(too_warm),
            ..Melt::default()
        },
    )
}

fn rehearsal(melt: &Melt, start: Timestamp) -> Rehearsal {
    let plan = home().mats("mats", &["mat/1"], []).with(|it| {
        it.groups.get_mut(&slug("mats")).unwrap().melt = Some(melt.clone());
        it.safety.rest = minutes(30);
        it.forecast_valid = Some(hours(6));
    });
    Rehearsal::new(Arc::new(plan.settings), &Memory::default(), start)
}

fn forecast(winter: &[Interval], at: usize, now: Timestamp) -> Arc<Forecast> {
    let seen = &winter[at.saturating_sub(24)..(at + 48).min(winter.len())];
    Arc::new(Forecast { source: "test".to_owned(), issued_at: now, intervals: seen.to_vec() })
}

/// One look at the relay.
struct Seen {
    at: Timestamp,
    relay: Switch,
    key: &'static str,
}

/// Lives through a winter. Every forecast but those of `lost` hours arrives.
fn live(melt: &Melt, winter: &[Interval], lost: std::ops::Range<usize>) -> Vec<Seen> {
    let start = winter[0].start;
    let mut home = rehearsal(melt, start);
    let mut seen = Vec::new();
    let mut look = |home: &Rehearsal, at| {
        let outlet = &home.house().outlets[&id("mat/1")];
        assert!(outlet.decision.review_at.is_none_or(|due| due > at), "a review in the past");
        seen.push(Seen { at, relay: outlet.switch().unwrap(), key: outlet.decision.reason.key() });
    };
    for index in 0..HOURS.min(winter.len()) {
        let now = winter[index].start;
        if !lost.contains(&index) {
            home.tell(Event::WeatherObserved(forecast(winter, index, now)), now);
        }
        home.advance(now);
        look(&home, now);
        while let Some(due) = home.next_deadline().filter(|due| *due < winter[index].end) {
            home.advance(due);
            look(&home, due);
        }
    }
    seen
}

/// The stretches of the relay being on, with the reason for which each ended.
fn runs(seen: &[Seen]) -> Vec<(Timestamp, Timestamp, &'static str)> {
    let mut runs = Vec::new();
    let mut since = None;
    for it in seen {
        match (it.relay, since) {
            (Switch::On, None) => since = Some(it.at),
            (Switch::Off, Some(from)) => {
                runs.push((from, it.at, it.key));
                since = None;
            }
            _ => {}
        }
    }
    runs
}

proptest! {
    #![proptest_config(crate::properties::config(256))]

    #[test]
    fn no_weather_makes_a_run_longer_than_its_limit_or_the_relay_chatter(melt in melt(), winter in winter(), gap in 0_usize..72) {
        let seen = live(&melt, &winter, gap..gap + 14);
        let runs = runs(&seen);
        for (from, to, why) in &runs {
            let length = to.duration_since(*from);
            prop_assert!(length <= melt.longest_on, "on for {length:#}, at most {:#}", melt.longest_on);
            let cut = matches!(*why, "too_warm" | "too_cold" | "weather_unknown" | "max_runtime" | "cooldown");
            prop_assert!(length >= melt.least_on || cut, "on for only {length:#}: {why}");
        }
        for pair in runs.windows(2) {
            let rest = pair[1].0.duration_since(pair[0].1);
            prop_assert!(rest >= melt.least_off, "off for only {rest:#}");
            let is_cut = matches!(pair[0].2, "max_runtime" | "cooldown");
            prop_assert!(!is_cut || rest >= minutes(30), "it did not rest: {rest:#}");
        }
    }

    #[test]
    fn it_is_never_on_when_too_warm_or_by_a_forecast_that_is_too_old(melt in melt(), winter in winter(), gap in 0_usize..72) {
        let lost = gap..gap + 14;
        for it in live(&melt, &winter, lost.clone()).iter().filter(|it| it.relay.is_on()) {
            let index = usize::try_from(it.at.duration_since(winter[0].start).as_secs() / 3600).unwrap();
            if let Some(air) = winter[index].temperature {
                prop_assert!(air.0 <= melt.too_warm.0, "on at {air}");
            }
            let newest = if lost.contains(&index) { gap.checked_sub(1) } else { Some(index) };
            let issued = newest.map(|it| winter[it.min(winter.len() - 1)].start);
            let age = issued.map(|issued| it.at.duration_since(issued));
            prop_assert!(age.is_some_and(|age| age < hours(6)), "on by a forecast of {age:?}");
        }
    }

    /// Taking what is known of precipitation away from any hours never switches on a mat that is off, but for ice that is known: what
    /// fell in a known hour may lie longer where nobody knows what fell after it.
    #[test]
    fn nothing_that_is_unknown_switches_a_mat_on(melt in melt(), winter in winter(), holes in prop::collection::vec(any::<bool>(), HOURS + 48), at in 24_usize..60) {
        // Only what falls: frost is foreseen from the air, which stays known.
        let melt = Melt { frost: FrostRule::Off, refreeze: false, ..melt };
        prop_assume!(at < winter.len());
        let now = winter[at].start;
        let decides = |winter: &[Interval]| {
            let mut home = rehearsal(&melt, now);
            home.tell(Event::WeatherObserved(forecast(winter, at, now)), now);
            home.house().outlets[&id("mat/1")].decision.clone()
        };
        let blank = |(it, hole): (&Interval, &bool)| match hole {
            true => Interval { precipitation: None, snowfall: None, code: None, ..it.clone() },
            false => it.clone(),
        };
        let blanked: Vec<_> = winter.iter().zip(&holes).map(blank).collect();
        let (known, guessed) = (decides(&winter), decides(&blanked));
        if guessed.switch.is_on() && !known.switch.is_on() {
            let Reason::Icy { mode: Mode::Melt | Mode::AfterRun, ice } = &guessed.reason else {
                return Err(TestCaseError::fail(format!("on without ice: {}", guessed.reason)));
            };
            let began = blanked.iter().find(|it| it.start == ice.from).unwrap();
            prop_assert!(began.start < now && began.precipitation.is_some_and(|it| it > 0.0), "{}", guessed.reason);
        }
        // And where nothing at all is known, nothing is heated.
        let empty = |it: &Interval| Interval { temperature: None, dew_point: None, precipitation: None, code: None, cloud: None, wind: None, ..it.clone() };
        let nothing: Vec<_> = winter.iter().map(empty).collect();
        prop_assert_eq!(decides(&nothing).switch, Off);
    }
}
