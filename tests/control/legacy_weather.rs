//! The predecessor's checkable cases of weather, and why we differ where we do.

use heattrax::model::Schedule;

use crate::{home::*, legacy::SAME};

/// A Monday, 07:00, 05:00–10:00.
fn monday(rule: impl FnOnce(Schedule) -> Schedule, sky: Option<Sky>) -> Day {
    let rule = rule(daily("05:00", "10:00"));
    let mut day = home().mats("mat", &["mat/1"], [rule]).starts("2024-01-15 07:00");
    if let Some(sky) = sky {
        day.expects("2024-01-15 04:00", &[sky; 24]);
    }
    day
}

#[test]
fn all_conditions_must_hold_and_an_unknown_one_does_not() {
    let storm = |it: Schedule| it.if_at_most(32.0).if_precipitation(true);
    let no_temperature = Sky { fahrenheit: None, ..SNOW };
    let no_precipitation = Sky { precipitation: None, ..SNOW };
    let rows = [
        ("27", Some(SNOW), On, "schedule"),
        ("28 inclusive", Some(SNOW.air(32.0)), On, "schedule"),
        ("29", Some(SNOW.air(33.0)), Off, "condition_not_met"),
        ("30 temperature missing", Some(no_temperature), Off, "weather_unknown"),
        ("31", Some(DRY.air(30.0)), Off, "condition_not_met"),
        ("32 precipitation missing", Some(no_precipitation), Off, "weather_unknown"),
        ("33, 34 no weather", None, Off, "weather_unknown"),
        ("22", Some(DRY.air(55.0)), Off, "condition_not_met"),
    ];
    for (case, sky, expected, key) in rows {
        let day = monday(storm, sky);
        assert_eq!((day.wanted("mat/1"), day.key("mat/1")), (expected, key), "case {case}: {}", day.why("mat/1"));
    }
}

#[test]
fn a_condition_may_ask_for_absence() {
    let dry = |it: Schedule| it.if_precipitation(false);
    assert_eq!(monday(dry, Some(DRY)).wanted("mat/1"), On, "35");
    assert_eq!(monday(dry, Some(SNOW)).wanted("mat/1"), Off, "35");
    assert_eq!(monday(dry, None).wanted("mat/1"), Off, "35: unknown is not absent");
    assert_eq!(monday(|it| it.if_at_most(0.0), Some(SNOW.air(-20.0))).wanted("mat/1"), On, "36");
}

#[test]
fn a_schedule_without_conditions_does_not_ask_the_weather() {
    for (sky, case) in [(None, "37 none"), (Some(DRY.air(100.0)), "37 100 °F")] {
        assert_eq!(monday(|it| it, sky).wanted("mat/1"), On, "{case}");
    }
}

#[test]
fn black_ice_needs_all_three_signs() {
    let rows = [
        ("57", 34.0, Some(32.0), Some(85.0), On, "schedule"),
        ("57 too warm", 40.0, Some(38.0), Some(85.0), Off, "condition_not_met"),
        ("57 too dry a dew point", 34.0, Some(25.0), Some(85.0), Off, "condition_not_met"),
        ("57 too dry", 34.0, Some(32.0), Some(60.0), Off, "condition_not_met"),
        ("57 all limits inclusive", 36.0, Some(32.0), Some(80.0), On, "schedule"),
        ("57", 32.0, Some(31.0), Some(90.0), On, "schedule"),
        ("57 no dew point", 34.0, None, Some(85.0), Off, "weather_unknown"),
        ("57 no humidity", 34.0, Some(32.0), None, Off, "weather_unknown"),
        ("57 one sign that fails settles it", 40.0, None, None, Off, "condition_not_met"),
        ("58 spread 4.03", 34.0, Some(29.97), Some(85.0), Off, "condition_not_met"),
    ];
    for (case, air, dew_point, humidity, expected, key) in rows {
        let sky = Sky { fahrenheit: Some(air), dew_point, humidity, precipitation: Some(0.0) };
        let day = monday(|it| it.if_black_ice(true), Some(sky));
        assert_eq!((day.wanted("mat/1"), day.key("mat/1")), (expected, key), "case {case}: {}", day.why("mat/1"));
    }
    assert_eq!(monday(|it| it.if_black_ice(true), None).key("mat/1"), "weather_unknown", "39");
}

#[test]
fn black_ice_follows_its_limits() {
    let sky = Sky { fahrenheit: Some(38.0), dew_point: Some(36.0), humidity: Some(75.0), precipitation: Some(0.0) };
    let plan = home().mats("mat", &["mat/1"], [all_day().if_black_ice(true)]).with(|it| {
        let rule = it.thresholds.black_ice.as_mut().unwrap();
        rule.temperature_max = heattrax::model::Celsius::from_fahrenheit(40.0);
        rule.spread = 3.0 / 1.8;
        rule.humidity_min = 70.0;
    });
    let mut day = plan.clone().starts("2024-01-15 07:00");
    assert_eq!(day.expects("2024-01-15 07:00", &[sky; 6]).wanted("mat/1"), On, "57 custom limits");
    let mut day = plan.with(|it| it.thresholds.black_ice = None).starts("2024-01-15 07:00");
    assert_eq!(
        day.expects("2024-01-15 07:00", &[sky; 6]).wanted("mat/1"),
        Off,
        "a rule that is switched off is no risk"
    );
}

/// Dry from 12:00 to 22:00 on 2024-01-15, but for `wet` hours.
fn wet_hours(lead: i64, now: &str, wet: &[usize]) -> Day {
    let mut skies = [DRY.air(30.0); 10];
    wet.iter().for_each(|hour| skies[*hour - 12] = SNOW);
    let plan = home().mats("mat", &["mat/1"], [all_day().if_precipitation(true)]);
    let mut day = plan.with(|it| it.thresholds.lead = minutes(lead)).starts(now);
    day.expects("2024-01-15 12:00", &skies);
    day
}

#[test]
fn precipitation_counts_now_ahead_and_past() {
    let rows = [
        ("59 in 30 min, lead 60", 60, "2024-01-15 15:30", vec![16], On, SAME),
        ("59 in 90 min, lead 60", 60, "2024-01-15 14:30", vec![16], Off, SAME),
        ("59 exactly the lead ahead", 60, "2024-01-15 15:00", vec![16], On, SAME),
        (
            "60 continuous snow, lead 30",
            30,
            "2024-01-15 14:05",
            vec![13, 14, 15, 16],
            On,
            Some((Off, "the current hour was never looked at")),
        ),
        ("60 no lead at all", 0, "2024-01-15 14:00", vec![14], On, Some((Off, "the current hour was never looked at"))),
        (
            "61 after the last hour",
            30,
            "2024-01-15 17:30",
            vec![14, 15, 16],
            On,
            Some((Off, "there was no trailing time")),
        ),
        ("61 trailing time is over", 30, "2024-01-15 18:00", vec![14, 15, 16], Off, SAME),
        (
            "61 a moment before",
            30,
            "2024-01-15 17:59:59",
            vec![14, 15, 16],
            On,
            Some((Off, "there was no trailing time")),
        ),
        ("59 0 mm", 60, "2024-01-15 15:30", vec![], Off, SAME),
    ];
    for (case, lead, now, wet, expected, differs) in rows {
        let day = wet_hours(lead, now, &wet);
        assert_eq!(day.wanted("mat/1"), expected, "case {case} ({differs:?}): {}", day.why("mat/1"));
    }
}

#[test]
fn the_same_instant_gives_the_same_answer_in_every_zone() {
    for zone in ["America/New_York", "Asia/Tokyo", "UTC", "Asia/Kathmandu"] {
        let rule = all_day().if_precipitation(true);
        let mut day = home_in(zone, NEW_YORK).mats("mat", &["mat/1"], [rule]).starts("2024-01-15T20:30:00Z");
        let mut skies = [DRY; 6];
        skies[2] = SNOW;
        day.expects("2024-01-15T19:00:00Z", &skies);
        assert_eq!(day.wanted("mat/1"), On, "59 in {zone}");
    }
}

#[test]
fn an_old_forecast_silences_what_asks_for_weather() {
    let mut day = monday(|it| it.if_at_most(32.0), Some(SNOW));
    assert_eq!(day.wanted("mat/1"), On);
    assert_eq!(day.decision("mat/1").review_at.map(|at| day.local(at)), Some("2024-01-15 08:00:00".to_owned()));
    let mut stale = home().mats("mat", &["mat/1"], [all_day().if_at_most(32.0)]).starts("2024-01-15 07:00");
    stale.expects("2024-01-15 07:00", &[SNOW; 24]);
    assert_eq!(stale.at("12:59:59").wanted("mat/1"), On);
    assert_eq!(stale.at("13:00").key("mat/1"), "weather_unknown", "64, 66");
    assert_eq!(day.at("10:00").wanted("mat/1"), Off);
}
