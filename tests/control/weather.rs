//! The weather: unknown switches nothing on, and nothing off that a start has found running.

use heattrax::model::{Event, Fact, Forecast, NoticeKind, Observation, Quantity, WeatherState};

use crate::home::*;

fn storm() -> Plan {
    home().mats("mat", &["mat/1"], [all_day().named("storm").if_at_most(34.0).if_precipitation(true)])
}

#[test]
fn unknown_never_switches_a_heater_on() {
    let nothing = Sky { fahrenheit: None, dew_point: None, humidity: None, precipitation: None };
    for asks in [
        all_day().if_precipitation(true),
        all_day().if_precipitation(false),
        all_day().if_black_ice(true),
        all_day().if_black_ice(false),
        all_day().if_at_most(100.0),
    ] {
        let plan = home().mats("mat", &["mat/1"], [asks]);
        let mut day = plan.starts("2026-01-10 12:00");
        assert_eq!(day.key("mat/1"), "weather_unknown", "no forecast");
        assert_eq!(day.expects("2026-01-10 06:00", &[nothing; 24]).key("mat/1"), "weather_unknown", "empty hours");
        assert_eq!(day.expects("2026-01-10 06:00", &[]).key("mat/1"), "weather_unknown", "no hours");
        assert_eq!(
            day.expects("2026-01-10 14:00", &[SNOW; 24]).at("12:01").wanted("mat/1"),
            Off,
            "hours that begin later"
        );
    }
    // Weather that is switched off is unknown too, whatever arrives.
    let mut day = storm().with(|it| it.forecast_valid = None).starts("2026-01-10 12:00");
    assert_eq!(day.expects("2026-01-10 06:00", &[SNOW; 24]).key("mat/1"), "weather_unknown");
}

#[test]
fn a_missing_hour_is_unknown_and_a_wet_one_beside_it_is_enough() {
    let gap = Sky { precipitation: None, ..SNOW };
    let cold = DRY.air(30.0);
    let mut day = storm().starts("2026-01-10 12:30");
    assert_eq!(day.expects("2026-01-10 11:00", &[cold, gap, cold, cold]).key("mat/1"), "weather_unknown");
    assert_eq!(day.expects("2026-01-10 11:00", &[cold, gap, SNOW, cold]).wanted("mat/1"), On);
    assert_eq!(day.expects("2026-01-10 11:00", &[SNOW, gap, cold, cold]).wanted("mat/1"), On);
    // A whole hour that is not in the forecast.
    let mut forecast = hourly(&zone("America/New_York"), day.now, "2026-01-10 11:00", &[cold, cold, cold, cold]);
    forecast.intervals.remove(2);
    assert_eq!(day.forecast(forecast).key("mat/1"), "weather_unknown");
    let mut forecast = hourly(&zone("America/New_York"), day.now, "2026-01-10 11:00", &[cold, cold, cold, cold]);
    forecast.intervals.remove(0);
    assert_eq!(day.forecast(forecast).key("mat/1"), "weather_unknown", "nobody knows whether it has snowed");
}

#[test]
fn the_first_minute_is_a_minute_whatever_the_clock_is_set_to() {
    for step in [hours(2), hours(-2)] {
        let mut day = storm().starts("2026-01-10 12:00:00");
        day.report("mat/1", first(On)).after(seconds(10)).clock_set(step);
        assert_eq!(day.after(seconds(49)).order("mat/1"), None, "{step:#}");
        assert_eq!(day.after(seconds(1)).order("mat/1"), Some(Off), "{step:#}");
    }
}

#[test]
fn it_heats_before_during_and_after_and_knows_when() {
    let cold = DRY.air(30.0);
    let mut skies = [cold; 24];
    skies[8..10].fill(SNOW);
    let plan = storm().with(|it| {
        it.thresholds.lead = minutes(45);
        it.thresholds.trailing = minutes(90);
        it.safety.longest_on = hours(12);
        it.forecast_valid = Some(hours(48));
    });
    let mut day = plan.starts("2026-01-10 12:00");
    // It snows from 18:00 to 20:00.
    day.expects("2026-01-10 10:00", &skies).report("mat/1", first(Off));
    let next = day.decision("mat/1").next.unwrap();
    assert_eq!((day.local(next.at), next.switch), ("2026-01-10 17:15:00".into(), On));
    assert_eq!(day.lives_until("17:14:59").wanted("mat/1"), Off);
    assert_eq!(day.lives_until("17:15").wanted("mat/1"), On);
    let next = day.decision("mat/1").next.unwrap();
    assert_eq!((day.local(next.at), next.switch), ("2026-01-10 21:30:00".into(), Off));
    assert_eq!(day.lives_until("21:29:59").wanted("mat/1"), On);
    assert_eq!(day.lives_until("21:30").wanted("mat/1"), Off);
}

#[test]
fn a_new_forecast_moves_the_next_change() {
    let cold = DRY.air(30.0);
    let mut day = storm().starts("2026-01-10 12:00");
    day.expects("2026-01-10 10:00", &[cold; 24]).report("mat/1", first(Off));
    assert_eq!(day.decision("mat/1").next, None);
    let mut skies = [cold; 24];
    skies[8] = SNOW;
    day.expects("2026-01-10 10:00", &skies);
    assert_eq!(day.decision("mat/1").next.map(|it| day.local(it.at)), Some("2026-01-10 17:00:00".into()));
    day.expects("2026-01-10 10:00", &[cold; 24]);
    assert_eq!(day.decision("mat/1").next, None);
}

#[test]
fn an_old_forecast_falls_silent_at_its_hour_and_says_so() {
    let mut day = storm().with(|it| it.safety.longest_on = hours(12)).starts("2026-01-10 12:00");
    day.expects("2026-01-10 10:00", &[SNOW; 48]).obey().heard();
    assert_eq!(day.wanted("mat/1"), On);
    day.asks("mat/1", set_for(On, hours(10))).obey().heard();
    assert_eq!(day.at("13:59:59").heard_kinds(), [""; 0]);
    assert_eq!(day.at("14:00").heard_kinds(), ["weather_degraded"], "it has not been renewed for two hours");
    assert_eq!(day.at("17:59:59").heard_kinds(), [""; 0]);
    assert!(day.controller.next_deadline().unwrap() <= day.instant("18:00"));
    assert_eq!(day.at("18:00").heard_kinds(), ["weather_degraded"]);
    assert_eq!(day.key("mat/1"), "manual_on", "a person is not silenced");
    assert_eq!(day.asks("mat/1", CONTROL_AUTO).key("mat/1"), "weather_unknown");
    assert_eq!(day.order("mat/1"), Some(Off));
    day.heard();
    assert_eq!(day.expects("2026-01-10 10:00", &[SNOW; 48]).heard_kinds(), ["weather_recovered"]);
    assert_eq!(day.asks("mat/1", CONTROL_AUTO).key("mat/1"), "schedule");
}

#[test]
fn a_mat_that_runs_is_left_alone_until_the_first_forecast() {
    let mut day = storm().starts("2026-01-10 12:00:00");
    day.report("mat/1", first(On));
    assert_eq!((day.wanted("mat/1"), day.order("mat/1")), (Off, None));
    assert_eq!(day.at("12:00:59").order("mat/1"), None);
    assert_eq!(day.controller.next_deadline(), Some(day.instant("12:01:00")));
    assert_eq!(day.at("12:01:00").order("mat/1"), Some(Off));
    // The forecast comes: it decides.
    for (sky, expected) in [(SNOW, On), (DRY, Off)] {
        let mut day = storm().starts("2026-01-10 12:00:00");
        day.report("mat/1", first(On)).at("12:00:05").expects("2026-01-10 10:00", &[sky; 24]);
        assert_eq!(day.order("mat/1"), Some(expected));
    }
    // Every provider has failed: it is given up.
    let mut day = storm().starts("2026-01-10 12:00:00");
    day.report("mat/1", first(On)).happens(Event::WeatherLost { trouble: trouble("no provider answers") });
    assert_eq!(day.order("mat/1"), Some(Off));
    // Only what waits for the weather is left alone.
    let plan = storm().mats("plain", &["other/1"], [daily("06:00", "08:00")]);
    let mut day = plan.starts("2026-01-10 12:00:00");
    assert_eq!(day.report("other/1", first(On)).order("other/1"), Some(Off));
    day.report("mat/1", first(On)).asks("mat/1", set(Off));
    assert_eq!(day.order("mat/1"), Some(Off));
}

#[test]
fn a_cached_forecast_that_is_too_old_is_not_the_first() {
    let mut day = storm().starts("2026-01-10 12:00:00");
    day.report("mat/1", first(On));
    let old = hourly(&zone("America/New_York"), day.instant("02:00"), "2026-01-10 01:00", &[SNOW; 48]);
    day.forecast(old);
    assert_eq!(day.order("mat/1"), None, "the first fetch is still under way");
    assert_eq!(day.expects("2026-01-10 10:00", &[SNOW; 24]).order("mat/1"), Some(On));
}

#[test]
fn among_several_that_wait_the_unknown_one_is_told_and_waited_for() {
    let rules = [all_day().named("ice").if_black_ice(true), all_day().named("storm").if_precipitation(true)];
    let plan = home().mats("mat", &["mat/1"], rules).with(|it| it.thresholds.black_ice = None);
    let mut day = plan.starts("2026-01-10 12:00:00");
    day.report("mat/1", first(On));
    assert_eq!((day.key("mat/1"), day.order("mat/1")), ("weather_unknown", None));
}

fn issued(day: &Day, at: &str, sky: Sky) -> Forecast {
    hourly(&day.settings.zone, day.instant(at), "2026-01-10 06:00", &[sky; 48])
}

#[test]
fn an_older_forecast_does_not_replace_a_newer_one() {
    let mut day = storm().starts("2026-01-10 12:00");
    let (new, old) = (issued(&day, "11:55", SNOW), issued(&day, "11:00", DRY));
    assert_eq!(day.forecast(new).forecast(old).wanted("mat/1"), On);
}

#[test]
fn a_forecast_from_the_future_is_not_trusted_and_does_not_hold_back_another() {
    let mut day = storm().starts("2026-01-10 12:00");
    let future = issued(&day, "15:00", SNOW);
    assert_eq!(day.forecast(future).key("mat/1"), "weather_unknown");
    // With nothing else happening it is trusted when its time comes.
    assert_eq!(day.at("14:49").key("mat/1"), "weather_unknown");
    assert_eq!(day.at("14:50").wanted("mat/1"), On);
    let mut day = storm().starts("2026-01-10 12:00");
    let (future, present) = (issued(&day, "15:00", DRY), issued(&day, "12:00", SNOW));
    assert_eq!(day.forecast(future).forecast(present).wanted("mat/1"), On);
}

#[test]
fn trouble_with_the_weather_is_said_once() {
    let mut day = storm().starts("2026-01-10 12:00");
    day.heard();
    for _ in 0..3 {
        day.happens(Event::WeatherLost { trouble: trouble("no provider answers") });
    }
    assert_eq!(day.heard_kinds(), [NoticeKind::WeatherDegraded.as_str()]);
}

#[test]
fn the_state_of_the_weather_is_told_by_the_clock() {
    use heattrax::model::{Trouble, TroubleKind, WeatherBoard};
    let mut day = storm().starts("2026-01-10 12:00");
    day.expects("2026-01-10 06:00", &[SNOW; 24]);
    let forecast = day.controller.house().weather.forecast.clone();
    let issued_at = forecast.as_ref().unwrap().issued_at;
    let well = WeatherBoard { forecast, ..WeatherBoard::default() };
    let trouble = Trouble { kind: TroubleKind::Passing, text: "no".to_owned() };
    let troubled = WeatherBoard { trouble: Some(trouble), ..well.clone() };
    let at = |board: &WeatherBoard, age| WeatherState::of(board, Some(hours(6)), issued_at + age);
    assert_eq!(at(&well, minutes(0)), WeatherState::Online);
    assert_eq!(at(&troubled, minutes(0)), WeatherState::Degraded);
    assert_eq!(at(&well, minutes(119)), WeatherState::Online);
    assert_eq!(at(&well, minutes(120)), WeatherState::Degraded, "nobody has said so, the clock does");
    assert_eq!(at(&well, minutes(359)), WeatherState::Degraded);
    assert_eq!(at(&well, minutes(360)), WeatherState::Offline);
    assert_eq!(WeatherState::of(&well, None, issued_at), WeatherState::Offline);
    assert_eq!(at(&WeatherBoard::default(), minutes(0)), WeatherState::Offline);
}

/// What another source says.
fn second(day: &Day, from: &str, skies: &[Sky]) -> Event {
    let mut forecast = hourly(&zone("America/New_York"), day.now, from, skies);
    forecast.source = "another".to_owned();
    Event::SecondOpinion(std::sync::Arc::new(forecast))
}

#[test]
fn ice_that_only_a_second_source_tells_of_is_assumed_by_schedules() {
    let cold = DRY.air(30.0);
    let mut day = storm().starts("2026-01-10 12:30");
    assert_eq!(day.expects("2026-01-10 10:00", &[cold; 24]).wanted("mat/1"), Off);
    let dry = second(&day, "2026-01-10 10:00", &[cold; 24]);
    assert_eq!(day.happens(dry).wanted("mat/1"), Off);
    let wet = second(&day, "2026-01-10 10:00", &[cold, cold, cold, SNOW, cold, cold]);
    assert_eq!(day.happens(wet).wanted("mat/1"), On);
    // It is no older than the first may be.
    day.after(hours(4)).expects("2026-01-10 14:00", &[cold; 24]);
    assert_eq!(day.wanted("mat/1"), Off);
    // And an opinion alone switches nothing on: the first source must be known.
    let mut day = storm().starts("2026-01-10 12:30");
    let wet = second(&day, "2026-01-10 10:00", &[SNOW; 24]);
    assert_eq!(day.happens(wet).key("mat/1"), "weather_unknown");
}

#[test]
fn what_is_soon_is_on_the_board_and_follows_the_clock() {
    let cold = DRY.air(30.0);
    let mut skies = [cold; 24];
    skies[8..10].fill(SNOW);
    let plan = storm().with(|it| it.thresholds.black_ice = None);
    let mut day = plan.starts("2026-01-10 12:00");
    let soon = |day: &Day| day.controller.house().weather.soon;
    assert_eq!((soon(&day).precipitation, soon(&day).ice, soon(&day).state), (Fact::Unknown, Fact::Unknown, None));
    // It snows from 18:00 to 20:00.
    day.expects("2026-01-10 10:00", &skies);
    assert_eq!((soon(&day).precipitation, soon(&day).ice), (Fact::No, Fact::No));
    assert_eq!(soon(&day).frozen, Some((day.instant("18:00"), day.instant("20:00"))));
    assert_eq!(soon(&day).state, Some(WeatherState::Online));
    day.at("17:00").expects("2026-01-10 10:00", &skies);
    assert_eq!((soon(&day).precipitation, soon(&day).ice), (Fact::Yes, Fact::Yes));
    day.at("20:00").expects("2026-01-10 10:00", &skies);
    assert_eq!((soon(&day).precipitation, soon(&day).frozen), (Fact::No, None));
    // Nobody renews it.
    day.at("22:00");
    assert_eq!(soon(&day).state, Some(WeatherState::Degraded));
    day.at("2026-01-11 08:00");
    assert_eq!((soon(&day).precipitation, soon(&day).ice), (Fact::Unknown, Fact::Unknown));
    assert_eq!(soon(&day).state, Some(WeatherState::Offline));
}

#[test]
fn a_trouble_that_is_over_is_told_once_and_a_start_from_the_cache_is_no_recovery() {
    let mut day = storm().starts("2026-01-10 12:00");
    let cached = hourly(&zone("America/New_York"), day.instant("09:00"), "2026-01-10 06:00", &[DRY; 48]);
    day.forecast(cached).heard();
    assert_eq!(day.expects("2026-01-10 10:00", &[DRY; 24]).heard_kinds(), [""; 0], "nobody had heard of a trouble");
    day.happens(Event::WeatherLost { trouble: trouble("no provider answers") });
    assert_eq!(day.heard_kinds(), ["weather_degraded"]);
    assert_eq!(day.after(minutes(9)).expects("2026-01-10 10:00", &[DRY; 24]).heard_kinds(), ["weather_recovered"]);
    assert_eq!(day.after(minutes(9)).expects("2026-01-10 10:00", &[DRY; 24]).heard_kinds(), [""; 0]);
}

#[test]
fn what_is_measured_counts_for_schedules_as_long_as_it_is_held_to_be_true() {
    let cold = DRY.air(30.0);
    let mut day = storm().starts("2026-01-10 12:30");
    day.expects("2026-01-10 10:00", &[cold; 24]);
    assert_eq!(day.wanted("mat/1"), Off);
    let measured = Observation::nothing(day.now, minutes(30));
    // The gauge adds to the forecast, the thermometer replaces it.
    day.happens(Event::StationReported(measured.with(Quantity::Rain, 0.5).into()));
    assert_eq!((day.wanted("mat/1"), day.controller.house().weather.soon.precipitation), (On, Fact::Yes));
    day.after(minutes(20));
    let warm = Observation::nothing(day.now, minutes(30)).with(Quantity::Temperature, 5.0);
    assert_eq!(day.happens(Event::StationReported(warm.into())).wanted("mat/1"), Off);
    assert_eq!(day.controller.next_deadline(), Some(day.instant("13:00")), "the rain is too old by then");
    let dry = Observation::nothing(day.now, minutes(30)).with(Quantity::Rain, 0.0);
    day.happens(Event::StationReported(dry.into())).expects("2026-01-10 10:00", &[SNOW; 24]);
    assert_eq!(day.wanted("mat/1"), Off, "too warm");
    assert_eq!(day.after(minutes(31)).wanted("mat/1"), On, "a dry gauge says nothing of what is foreseen");
}
