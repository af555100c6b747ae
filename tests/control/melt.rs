//! Storm heating and frost guard: whole days as a person reads them, and the single rules.

use heattrax::model::{
    Celsius, Days, Event, Forecast, FrostRule, Interval, Lasting, Melt, Mode, NoticeKind, Observation, Tariff,
    TariffWindow, TooCold, Verb,
};
use jiff::{SignedDuration, ToSpan};

use crate::{home::*, winter_day::diary};

/// The weather over an hour, metric.
#[derive(Clone, Copy, Debug)]
struct Hour {
    air: Option<f64>,
    dew: Option<f64>,
    mm: Option<f64>,
    code: Option<u8>,
    cloud: Option<f64>,
    wind: Option<f64>,
}

/// A grey, dry winter hour.
const GREY: Hour =
    Hour { air: Some(-1.0), dew: Some(-6.0), mm: Some(0.0), code: Some(3), cloud: Some(1.0), wind: Some(3.0) };
const SNOWS: Hour = Hour { dew: Some(-1.5), mm: Some(1.0), code: Some(73), ..GREY };
/// A clear, still and damp one.
const CLEAR: Hour = Hour { cloud: Some(0.0), wind: Some(0.5), air: Some(1.0), dew: Some(0.0), ..GREY };
const RAINS: Hour = Hour { air: Some(4.0), dew: Some(3.5), mm: Some(1.0), code: Some(61), ..GREY };
const NOTHING_KNOWN: Hour = Hour { air: None, dew: None, mm: None, code: None, cloud: None, wind: None };

fn melting(change: impl FnOnce(&mut Melt)) -> Plan {
    let mut melt = Melt::default();
    change(&mut melt);
    home().mats("mats", &["mat/1"], []).with(|it| {
        if let Some(group) = it.groups.get_mut(&slug("mats")) {
            group.melt = Some(melt);
        }
        it.forecast_valid = Some(hours(48));
    })
}

fn forecast(day: &Day, first: &str, skies: &[Hour]) -> Forecast {
    let first = day.instant(first);
    let at = |hour: usize| first.checked_add(i64::try_from(hour).unwrap().hours()).unwrap();
    let intervals = skies.iter().enumerate().map(|(hour, sky)| Interval {
        start: at(hour),
        end: at(hour + 1),
        temperature: sky.air.map(Celsius),
        dew_point: sky.dew.map(Celsius),
        humidity: None,
        precipitation: sky.mm,
        snowfall: None,
        code: sky.code,
        cloud: sky.cloud,
        wind: sky.wind,
    });
    Forecast { source: "test".to_owned(), issued_at: day.now, intervals: intervals.collect() }
}

/// The hours from midnight: so many of each.
fn skies(parts: &[(usize, Hour)]) -> Vec<Hour> {
    parts.iter().flat_map(|(count, hour)| std::iter::repeat_n(*hour, *count)).collect()
}

/// A day that begins at midnight with this forecast, and the plug off.
fn day(plan: Plan, parts: &[(usize, Hour)]) -> Day {
    let mut day = plan.starts("2026-01-10 00:00");
    let forecast = forecast(&day, "2026-01-10 00:00", &skies(parts));
    day.report("mat/1", first(Off)).forecast(forecast);
    day
}

fn station(day: &Day) -> Observation {
    Observation::nothing(day.now, minutes(30))
}

#[test]
fn a_storm_is_preheated_melted_and_dried() {
    let day = day(melting(|_| {}), &[(10, GREY), (6, SNOWS), (20, GREY)]);
    let found = diary(day, "2026-01-11 06:00", vec![]);
    let expected = "\
Sat 00:00 | mat/1  | OFF | no ice near; next: snow
Sat 08:00 | mat/1  | ON  | made warm for snow, 6.0 mm, air -1.0 °C (30.2 °F), wet bulb -1.2 °C (29.9 °F)
Sat 17:00 | mat/1  | OFF | no ice is foreseen
";
    assert_eq!(found, expected, "\n{found}");
}

#[test]
fn the_mode_tells_what_the_mat_is_on_for() {
    let mut day = day(melting(|_| {}), &[(10, GREY), (6, SNOWS), (20, GREY)]);
    for (when, mode) in [
        ("07:59", Mode::Idle),
        ("08:00", Mode::Preheat),
        ("09:59", Mode::Preheat),
        ("10:00", Mode::Melt),
        ("15:59", Mode::Melt),
        ("16:00", Mode::AfterRun),
        ("16:59", Mode::AfterRun),
        ("17:00", Mode::Idle),
    ] {
        day.lives_until(when);
        assert_eq!(day.decision("mat/1").mode(), mode, "{when}");
    }
}

#[test]
fn two_storms_two_hours_apart_are_one_run() {
    let parts = [(6, GREY), (2, SNOWS), (3, GREY), (2, SNOWS), (12, GREY)];
    let found = diary(day(melting(|_| {}), &parts), "2026-01-10 23:00", vec![]);
    assert_eq!(found.matches("| ON").count(), 1 + found.matches("| ON  |").count().saturating_sub(1), "\n{found}");
    assert!(!found.contains("Sat 09"), "\n{found}");
    let offs: Vec<_> = found.lines().filter(|it| it.contains("| OFF |")).collect();
    assert_eq!(offs.len(), 2, "before and after only:\n{found}");
}

#[test]
fn heavy_snow_that_falls_faster_than_the_mat_melts_keeps_it_on_until_it_is_gone() {
    let heavy = Hour { mm: Some(8.0), ..SNOWS };
    let mut day = day(melting(|_| {}), &[(6, GREY), (4, heavy), (20, GREY)]);
    day.lives_until("13:00");
    // 32 mm fell, some 4 mm an hour melt: half of it still lies three hours later.
    assert_eq!(day.decision("mat/1").mode(), Mode::Melt);
    day.lives_until("23:00");
    assert_eq!(day.wanted("mat/1"), Off);
}

#[test]
fn a_preheat_is_given_up_when_the_forecast_withdraws_but_the_relay_is_spared() {
    let mut day = day(melting(|_| {}), &[(10, GREY), (6, SNOWS), (20, GREY)]);
    day.lives_until("08:10");
    assert_eq!(day.decision("mat/1").mode(), Mode::Preheat);
    let withdrawn = forecast(&day, "00:00", &skies(&[(36, GREY)]));
    day.forecast(withdrawn).obey();
    assert_eq!((day.wanted("mat/1"), day.key("mat/1")), (On, "least_on"));
    day.lives_until("08:29");
    assert_eq!(day.wanted("mat/1"), On);
    day.lives_until("08:30");
    assert_eq!(day.wanted("mat/1"), Off);
}

#[test]
fn least_times_bind_rules_only() {
    let mut day = day(melting(|_| {}), &[(10, GREY), (6, SNOWS), (20, GREY)]);
    day.lives_until("08:05").asks("mat/1", set_for(Off, minutes(1))).obey();
    assert_eq!(day.wanted("mat/1"), Off, "a person is not bound by the least time on");
    day.lives_until("08:07");
    assert_eq!((day.wanted("mat/1"), day.key("mat/1")), (Off, "least_off"), "rules wait");
    assert_eq!(day.decision("mat/1").mode(), Mode::Pending);
    day.asks("mat/1", set_for(On, minutes(1))).obey();
    assert_eq!(day.wanted("mat/1"), On, "a person does not");
    // The wish ends, the storm is near: it stays on.
    day.lives_until("08:30");
    assert_eq!(day.decision("mat/1").mode(), Mode::Preheat);
}

#[test]
fn rules_come_back_ten_minutes_after_the_relay_went_off() {
    let mut day = day(melting(|_| {}), &[(10, GREY), (6, SNOWS), (20, GREY)]);
    day.lives_until("08:05").asks("mat/1", set_for(Off, minutes(1))).obey();
    day.lives_until("08:14");
    assert_eq!(day.wanted("mat/1"), Off);
    day.lives_until("08:15");
    assert_eq!(day.wanted("mat/1"), On);
}

/// Phase by wet bulb and code: air, dew point, amount, code -> heats?
#[test]
fn an_edit_of_the_config_in_mid_storm_switches_no_mat_off() {
    let mut day = day(melting(|_| {}), &[(10, GREY), (6, SNOWS), (20, GREY)]);
    day.at("11:00").obey();
    assert_eq!(day.wanted("mat/1"), On);
    day.goes_on_with(melting(|_| {}).with(|it| it.safety.rest = minutes(45)));
    assert_eq!((day.wanted("mat/1"), day.key("mat/1")), (On, "snow"));
    // By the new settings: there is no more heat than they want.
    day.goes_on_with(melting(|it| it.too_warm = Celsius(-5.0)));
    assert_eq!(day.wanted("mat/1"), Off);
}

#[test]
fn an_off_until_the_rules_change_their_mind_outlasts_the_pause_of_the_relay() {
    let mut day = day(melting(|_| {}), &[(10, GREY), (6, SNOWS), (20, GREY)]);
    day.at("11:00").obey().asks("mat/1", Verb::Set(Off, Lasting::NextChange)).obey();
    for when in ["11:05", "11:11", "12:00", "15:00"] {
        day.at(when).obey();
        assert_eq!((day.wanted("mat/1"), day.key("mat/1")), (Off, "manual_off"), "{when}");
    }
    // When the storm is over they want nothing any more, and with the next they have their say again.
    day.at("23:00").obey();
    assert!(day.outlet("mat/1").memory.wish.is_none());
}

#[test]
fn what_is_frozen_is_told_by_wet_bulb_and_code_not_by_32_fahrenheit() {
    let cases = [
        ("wet snow at 35 °F, no code", 1.7, -1.0, 1.0, None, On),
        ("the same called snow", 1.7, -1.0, 1.0, Some(71), On),
        ("dry air at 38 °F: it falls as snow", 3.3, -6.0, 1.0, None, On),
        ("cold rain at 38 °F in damp air", 3.3, 3.0, 1.0, None, Off),
        ("called rain well above freezing", 3.3, 3.0, 1.0, Some(61), Off),
        ("called rain, but the air is below 0 °C: ice", -0.5, -1.0, 1.0, Some(61), On),
        ("a trace that is called snow", -3.0, -5.0, 0.0, Some(71), On),
        ("a trace without a code", -3.0, -5.0, 0.05, None, Off),
        ("freezing drizzle", -1.0, -1.5, 0.0, Some(56), On),
        ("freezing rain at a temperature at which it cannot be", 8.0, 7.0, 1.0, Some(66), Off),
        ("snow at 20 °C is a mistake of the source", 20.0, 15.0, 1.0, Some(73), Off),
        ("dry by code, but there is an amount below 0 °C", -3.0, -4.0, 0.5, Some(3), On),
        ("freezing fog", -2.0, -2.0, 0.0, Some(48), On),
        ("fog above freezing", 3.0, 3.0, 0.0, Some(45), Off),
        ("dry", -3.0, -9.0, 0.0, Some(0), Off),
    ];
    for (what, air, dew, mm, code, wanted) in cases {
        let hour = Hour { air: Some(air), dew: Some(dew), mm: Some(mm), code, ..GREY };
        let no_frost = |it: &mut Melt| (it.frost, it.refreeze) = (FrostRule::Off, false);
        let mut day = day(melting(no_frost), &[(24, hour)]);
        day.lives_until("06:00");
        assert_eq!(day.wanted("mat/1"), wanted, "{what}: {}", day.why("mat/1"));
    }
}

#[test]
fn sources_that_disagree_are_told_of_once() {
    let odd = Hour { air: Some(-0.5), dew: Some(-1.0), mm: Some(1.0), code: Some(61), ..GREY };
    let mut day = day(melting(|_| {}), &[(10, GREY), (6, odd), (20, GREY)]);
    assert!(day.hears(NoticeKind::SourcesDisagree).is_some());
    let again = forecast(&day, "00:00", &skies(&[(10, GREY), (6, odd), (20, GREY)]));
    day.forecast(again);
    assert!(day.hears(NoticeKind::SourcesDisagree).is_none(), "once");
    day.lives_until("10:30");
    assert_eq!(day.wanted("mat/1"), On, "either says ice: ice");
}

#[test]
fn snow_that_only_one_of_two_sources_tells_of_is_melted_and_told_of_once() {
    let snow = Hour { air: Some(-2.0), dew: Some(-3.0), mm: Some(1.0), code: Some(73), ..GREY };
    let (dry, wet) = ([(36, GREY)], [(10, GREY), (6, snow), (20, GREY)]);
    let other = |day: &Day, hours: &[(usize, Hour)]| {
        let mut forecast = forecast(day, "00:00", &skies(hours));
        forecast.source = "another".to_owned();
        Event::SecondOpinion(std::sync::Arc::new(forecast))
    };
    for (first, second) in [(&dry[..], &wet[..]), (&wet[..], &dry[..])] {
        let mut day = day(melting(|_| {}), first);
        let opinion = other(&day, second);
        day.happens(opinion);
        assert!(day.hears(NoticeKind::SourcesDisagree).is_none(), "it is hours away");
        day.lives_until("08:30");
        let again = forecast(&day, "00:00", &skies(first));
        day.forecast(again);
        assert!(day.hears(NoticeKind::SourcesDisagree).is_some());
        let opinion = other(&day, second);
        day.happens(opinion);
        assert!(day.hears(NoticeKind::SourcesDisagree).is_none(), "once");
        day.lives_until("10:30");
        assert_eq!(day.wanted("mat/1"), On, "either says snow: snow");
    }
    let mut day = day(melting(|_| {}), &wet);
    let opinion = other(&day, &wet);
    day.happens(opinion).lives_until("09:30");
    let again = forecast(&day, "00:00", &skies(&wet));
    day.forecast(again);
    assert!(day.hears(NoticeKind::SourcesDisagree).is_none(), "they agree");
}

#[test]
fn frost_is_guarded_against_under_a_clear_sky_and_not_under_clouds() {
    let clear = diary(day(melting(|_| {}), &[(36, CLEAR)]), "2026-01-10 12:00", vec![]);
    assert!(clear.contains("| ON  | frost, air 1.0 °C"), "\n{clear}");
    let cloudy = Hour { cloud: Some(1.0), wind: Some(4.0), ..CLEAR };
    let cloudy = diary(day(melting(|_| {}), &[(36, cloudy)]), "2026-01-10 12:00", vec![]);
    assert!(!cloudy.contains("| ON"), "\n{cloudy}");
}

#[test]
fn profiles_of_frost_can_be_chosen() {
    // Damp and near freezing under clouds and wind: black ice by the seed's rule, no frost by the energy balance.
    let damp = Hour { air: Some(1.5), dew: Some(0.5), wind: Some(6.0), ..GREY };
    for (frost, wanted) in [(FrostRule::Seed, On), (FrostRule::Radiative, Off), (FrostRule::Off, Off)] {
        let mut day = day(melting(|it| it.frost = frost), &[(24, damp)]);
        let with_humidity = |mut it: Forecast| {
            it.intervals.iter_mut().for_each(|it| it.humidity = Some(93.0));
            it
        };
        let forecast = with_humidity(forecast(&day, "00:00", &skies(&[(24, damp)])));
        day.forecast(forecast).lives_until("04:00");
        assert_eq!(day.wanted("mat/1"), wanted, "{}: {}", frost.as_str(), day.why("mat/1"));
    }
}

#[test]
fn water_that_would_freeze_is_kept_from_it() {
    let cold = Hour { air: Some(-4.0), dew: Some(-6.0), cloud: Some(0.2), ..GREY };
    let parts = [(6, RAINS), (18, cold)];
    let mut guarded = day(melting(|it| it.frost = FrostRule::Off), &parts);
    let mut left = day(melting(|it| (it.frost, it.refreeze) = (FrostRule::Off, false)), &parts);
    let mut heated = false;
    for hour in 6..18 {
        let when = format!("{hour:02}:30");
        guarded.lives_until(&when);
        left.lives_until(&when);
        heated |= guarded.key("mat/1") == "refreeze";
        assert_eq!(left.wanted("mat/1"), Off, "{when}");
    }
    assert!(heated, "the wet walk froze unguarded");
    assert_eq!(guarded.wanted("mat/1"), Off, "what is dried does not freeze again");
}

#[test]
fn it_can_be_too_warm() {
    let warm = Hour { air: Some(7.0), dew: Some(-12.0), code: Some(71), mm: Some(1.0), ..GREY };
    let mut day = day(melting(|_| {}), &[(24, warm)]);
    day.lives_until("06:00");
    assert_eq!((day.wanted("mat/1"), day.decision("mat/1").mode()), (Off, Mode::TooWarm), "{}", day.why("mat/1"));
    day.asks("mat/1", set(On)).obey();
    assert_eq!(day.wanted("mat/1"), On, "never a person");
}

#[test]
fn a_mat_that_runs_goes_off_when_it_becomes_too_warm_whatever_the_relay_has_done() {
    let warmer = Hour { air: Some(5.1), ..SNOWS };
    let mut day = day(melting(|_| {}), &[(2, GREY), (1, SNOWS), (20, warmer)]);
    day.lives_until("02:55");
    assert_eq!(day.wanted("mat/1"), On);
    day.lives_until("03:00");
    assert_eq!((day.wanted("mat/1"), day.key("mat/1")), (Off, "too_warm"));
}

#[test]
fn schedules_of_the_group_are_silent_too_when_it_is_too_warm() {
    let warm = Hour { air: Some(12.0), ..GREY };
    let plan = melting(|_| {}).with(|it| {
        it.groups.get_mut(&slug("mats")).unwrap().schedules = vec![all_day().named("always")];
    });
    let mut silenced = day(plan.clone(), &[(24, warm)]);
    silenced.lives_until("06:00");
    assert_eq!((silenced.wanted("mat/1"), silenced.key("mat/1")), (Off, "too_warm"));
    let mut speaks = day(plan, &[(24, GREY)]);
    speaks.lives_until("05:00");
    assert_eq!(speaks.key("mat/1"), "schedule");
}

#[test]
fn it_can_be_too_cold_to_melt_by_the_heat_of_the_mat() {
    let cold = |air, wind| Hour { air: Some(air), dew: Some(air - 1.0), wind: Some(wind), ..SNOWS };
    for (what, sky, too_cold, heat, wanted) in [
        ("-12 °C: it melts", cold(-12.0, 3.0), TooCold::Budget, 388.0, On),
        ("-25 °C: it does not", cold(-25.0, 4.0), TooCold::Budget, 388.0, Off),
        ("-25 °C with twice the heat", cold(-25.0, 4.0), TooCold::Budget, 776.0, On),
        ("-12 °C in a gale", cold(-12.0, 20.0), TooCold::Budget, 388.0, Off),
        ("a limit of one's own", cold(-12.0, 3.0), TooCold::Below(Celsius(-10.0)), 388.0, Off),
        ("no limit", cold(-30.0, 10.0), TooCold::Never, 388.0, On),
    ] {
        let mut day = day(melting(|it| (it.too_cold, it.heat) = (too_cold, heat)), &[(24, sky)]);
        day.lives_until("06:00");
        assert_eq!(day.wanted("mat/1"), wanted, "{what}: {}", day.why("mat/1"));
        assert_eq!(day.decision("mat/1").mode() == Mode::TooCold, wanted == Off, "{what}");
    }
}

#[test]
fn the_longest_run_of_a_storm_is_its_own() {
    let mut day = day(melting(|it| it.longest_on = hours(10)), &[(40, SNOWS)]);
    day.obey();
    day.lives_until("09:59");
    assert_eq!(day.wanted("mat/1"), On, "longer than the global 6 h");
    day.lives_until("10:00");
    assert_eq!((day.wanted("mat/1"), day.key("mat/1")), (Off, "cooldown"));
    day.lives_until("10:30");
    assert_eq!(day.decision("mat/1").mode(), Mode::Melt, "it comes back after its rest");
}

#[test]
fn an_unknown_hour_never_switches_on_and_is_never_held_to_be_dry() {
    // Off, and nothing known: off, and it says so.
    let mut unknown = day(melting(|_| {}), &[(36, NOTHING_KNOWN)]);
    unknown.lives_until("06:00");
    assert_eq!((unknown.wanted("mat/1"), unknown.key("mat/1")), (Off, "weather_unknown"));
    // On, and the end of the storm is unknown: it goes on as long as a gap may be, and then dries.
    let mut gap = day(melting(|_| {}), &[(4, GREY), (3, SNOWS), (2, NOTHING_KNOWN), (20, GREY)]);
    gap.lives_until("08:30");
    assert_eq!(gap.decision("mat/1").mode(), Mode::Melt, "{}", gap.why("mat/1"));
    gap.lives_until("09:30");
    assert_eq!(gap.decision("mat/1").mode(), Mode::AfterRun);
    gap.lives_until("10:00");
    assert_eq!(gap.wanted("mat/1"), Off);
}

#[test]
fn an_hour_that_the_forecast_leaves_out_is_unknown_too() {
    let mut day = day(melting(|_| {}), &[]);
    let mut holed = forecast(&day, "00:00", &skies(&[(4, GREY), (3, SNOWS), (3, GREY), (20, GREY)]));
    // 07:00 to 08:30 is missing.
    holed.intervals.retain(|it| !(7..9).contains(&day.settings.zone.to_datetime(it.start).hour()));
    day.forecast(holed.clone());
    day.lives_until("08:30");
    assert_eq!(day.decision("mat/1").mode(), Mode::Melt, "{}", day.why("mat/1"));
    day.lives_until("10:00");
    assert_eq!(day.wanted("mat/1"), Off);
    // And a mat that is off is told that nobody knows.
    let plan = melting(|_| {});
    let mut off = plan.starts("2026-01-10 00:00");
    holed.intervals.retain(|it| it.precipitation == Some(0.0));
    off.report("mat/1", first(Off)).forecast(holed).lives_until("05:30");
    assert_eq!((off.wanted("mat/1"), off.key("mat/1")), (Off, "weather_unknown"));
    off.lives_until("09:00");
    assert_eq!(off.key("mat/1"), "no_ice");
}

#[test]
fn frost_guard_can_wait_for_the_end_of_expensive_hours_and_a_storm_does_not() {
    let expensive = |frost_waits: bool| {
        melting(|it| it.frost_waits = frost_waits).with(|it| {
            let window = TariffWindow {
                name: "peak".to_owned(),
                days: Days::ALL,
                from: time("03:20"),
                to: time("05:40"),
                price: Some(0.5),
                expensive: true,
            };
            it.tariff = Some(Tariff { price: Some(0.2), currency: "EUR".to_owned(), windows: vec![window] });
        })
    };
    let mut frosty = day(expensive(true), &[(36, CLEAR)]);
    for (when, wanted) in [("03:19", On), ("03:20", Off), ("05:39", Off), ("05:40", On)] {
        frosty.lives_until(when);
        assert_eq!(frosty.wanted("mat/1"), wanted, "{when}: {}", frosty.why("mat/1"));
    }
    let mut heedless = day(expensive(false), &[(36, CLEAR)]);
    heedless.lives_until("04:00");
    assert_eq!(heedless.wanted("mat/1"), On);
    let mut snowy = day(expensive(true), &[(36, SNOWS)]);
    snowy.lives_until("04:00");
    assert_eq!(snowy.wanted("mat/1"), On);
}

#[test]
fn without_a_forecast_rules_are_silent() {
    let mut day = melting(|_| {}).with(|it| it.forecast_valid = Some(hours(6))).starts("2026-01-10 00:00");
    day.report("mat/1", first(Off));
    let snow = forecast(&day, "00:00", &skies(&[(30, SNOWS)]));
    day.forecast(snow).lives_until("05:59");
    assert_eq!(day.wanted("mat/1"), On);
    day.lives_until("06:00");
    assert_eq!((day.wanted("mat/1"), day.key("mat/1")), (Off, "weather_unknown"));
}

#[test]
fn what_was_decided_can_be_held_for_a_while_when_the_weather_becomes_unknown() {
    let plan = melting(|_| {}).with(|it| {
        it.forecast_valid = Some(hours(6));
        it.hold_unknown = Some(hours(2));
    });
    let mut day = plan.starts("2026-01-10 00:00");
    day.report("mat/1", first(Off));
    let snow = forecast(&day, "00:00", &skies(&[(30, SNOWS)]));
    day.forecast(snow).lives_until("07:59");
    assert_eq!((day.wanted("mat/1"), day.key("mat/1")), (On, "held"));
    day.lives_until("08:00");
    assert_eq!(day.wanted("mat/1"), Off);
}

#[test]
fn a_station_that_sees_snow_is_believed() {
    let mut day = day(melting(|_| {}), &[(24, GREY)]);
    day.lives_until("03:00");
    assert_eq!(day.wanted("mat/1"), Off);
    let seen = Observation {
        temperature: Some(Celsius(-2.0)),
        humidity: Some(95.0),
        precipitation_rate: Some(0.5),
        ..station(&day)
    };
    day.happens(Event::StationReported(seen.into())).obey();
    assert_eq!(day.decision("mat/1").mode(), Mode::Melt);
    day.lives_until("03:30");
    assert_eq!(day.wanted("mat/1"), Off, "a measurement is not held to be true for ever");
}

#[test]
fn a_surface_sensor_beats_every_estimate_of_frost() {
    let mut warm = day(melting(|_| {}), &[(36, CLEAR)]);
    warm.lives_until("07:00");
    assert_eq!(warm.key("mat/1"), "frost");
    let surface = |day: &Day, degrees| Observation { surface: Some(Celsius(degrees)), ..station(day) };
    let bare = surface(&warm, 4.0);
    warm.happens(Event::StationReported(bare.into())).obey();
    assert_eq!(warm.wanted("mat/1"), Off, "{}", warm.why("mat/1"));
    // And the other way round: cloudy, so no frost is foreseen, but the surface is below freezing and the dew point.
    let cloudy = Hour { cloud: Some(1.0), wind: Some(4.0), ..CLEAR };
    let mut cold = day(melting(|_| {}), &[(36, cloudy)]);
    cold.lives_until("04:00");
    assert_eq!(cold.wanted("mat/1"), Off);
    let frozen = surface(&cold, -0.5);
    cold.happens(Event::StationReported(frozen.into())).obey();
    assert_eq!((cold.wanted("mat/1"), cold.key("mat/1")), (On, "frost"));
}

#[test]
fn a_measured_temperature_is_worth_more_than_a_forecast_one() {
    let mut day = day(melting(|_| {}), &[(24, SNOWS)]);
    day.lives_until("03:00");
    assert_eq!(day.wanted("mat/1"), On);
    let seen = Observation { temperature: Some(Celsius(6.0)), ..station(&day) };
    day.happens(Event::StationReported(seen.into())).obey();
    assert_eq!((day.wanted("mat/1"), day.key("mat/1")), (Off, "too_warm"));
}

#[test]
fn a_group_that_is_disabled_and_one_without_melt_do_not_heat() {
    let disabled = melting(|_| {}).with(|it| it.groups.get_mut(&slug("mats")).unwrap().enabled = false);
    let without = melting(|_| {}).with(|it| it.groups.get_mut(&slug("mats")).unwrap().melt = None);
    for plan in [disabled, without] {
        let mut day = day(plan, &[(24, SNOWS)]);
        day.lives_until("06:00");
        assert_eq!(day.wanted("mat/1"), Off);
    }
}

#[test]
fn the_next_change_is_foretold() {
    let mut day = day(melting(|_| {}), &[(10, GREY), (6, SNOWS), (20, GREY)]);
    let next = |day: &Day| day.decision("mat/1").next.map(|it| (day.local(it.at)[11..16].to_owned(), it.switch));
    assert_eq!(next(&day), Some(("08:00".to_owned(), On)));
    day.lives_until("09:00");
    assert_eq!(next(&day), Some(("17:00".to_owned(), Off)));
    let until = day.decision("mat/1").until.unwrap();
    assert_eq!(&day.local(until)[11..16], "17:00");
}

#[test]
fn a_forecast_in_quarters_and_one_in_six_hours_are_read_alike() {
    let whole = |plan: Plan, length: SignedDuration| {
        let mut day = plan.starts("2026-01-10 00:00");
        day.report("mat/1", first(Off));
        let mut it = forecast(&day, "00:00", &[]);
        let mut at = day.now;
        while at < day.instant("2026-01-11 12:00") {
            let end = at.checked_add(length).unwrap();
            let hour = day.settings.zone.to_datetime(at).hour();
            let sky = if (6..18).contains(&hour) && at < day.instant("2026-01-11 00:00") { SNOWS } else { GREY };
            let mut one = forecast(&day, "00:00", &[sky]).intervals.remove(0);
            one.precipitation = one.precipitation.map(|mm| mm * length.as_secs_f64() / 3600.0);
            (one.start, one.end) = (at, end);
            it.intervals.push(one);
            at = end;
        }
        day.forecast(it);
        diary(day, "2026-01-11 06:00", vec![]).lines().map(|it| it[..23].to_owned()).collect::<Vec<_>>()
    };
    let hourly = whole(melting(|_| {}), hours(1));
    assert_eq!(whole(melting(|_| {}), minutes(15)), hourly);
    assert_eq!(whole(melting(|_| {}), hours(6)), hourly);
}
