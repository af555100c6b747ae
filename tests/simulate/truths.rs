//! What was true of each hour on an unheated walk.

use heattrax::simulate::judge::{Need, Truth, needs};

use crate::{START, hour, hours};

/// The need of the last hour of a quiet day that ends as told.
fn last(letters: &str, air: f64, humidity: f64, amount: f64) -> Option<Need> {
    let weather = hours(6, |number, it| {
        (it.air, it.humidity) = (Some(air), Some(50.0));
        if number == 5 {
            it.letters = letters.to_owned();
            (it.humidity, it.precipitation) = (Some(humidity), Some(amount));
        }
    });
    *needs(&weather).last().unwrap()
}

#[test]
fn observed_codes_say_what_is_frozen() {
    for (letters, air, frozen) in [
        ("S", 3.0, true),
        ("St", 3.0, true),
        ("FR", 2.0, true),
        ("U", 1.0, true),
        ("U", 1.1, false),
        ("R", 0.5, false),
        ("Rt", 3.0, false),
    ] {
        assert_eq!(last(letters, air, 60.0, 0.0) == Some(Need::Precipitation), frozen, "{letters} at {air}");
    }
}

#[test]
fn in_a_file_with_codes_an_hour_without_one_is_dry() {
    let weather = hours(4, |number, it| {
        it.precipitation = Some(2.0);
        it.letters = if number == 0 { "S".to_owned() } else { String::new() };
    });
    assert_eq!(needs(&weather), [Some(Need::Precipitation), None, None, None]);
}

#[test]
fn bad_sight_alone_is_no_code_of_precipitation() {
    let weather = hours(2, |number, it| {
        it.precipitation = Some(2.0);
        it.letters = if number == 0 { "G".to_owned() } else { String::new() };
    });
    assert_eq!(needs(&weather), [Some(Need::Precipitation); 2]);
}

#[test]
fn without_codes_amount_and_wet_bulb_say_it() {
    for (air, humidity, amount, frozen) in [
        (-1.0, 99.0, 0.1, true),
        (-1.0, 99.0, 0.09, false),
        (0.0, 100.0, 5.0, true),
        (2.5, 70.0, 0.5, true),
        (2.5, 95.0, 0.5, false),
        (5.0, 40.0, 0.5, true),
        (8.0, 80.0, 0.5, false),
    ] {
        let frozen_found = last("", air, humidity, amount) == Some(Need::Precipitation);
        assert_eq!(frozen_found, frozen, "{air} °C {humidity} % {amount} mm");
    }
}

#[test]
fn where_the_humidity_is_unknown_the_air_may_settle_it() {
    for (air, frozen) in [(1.0, true), (1.5, false)] {
        let weather = hours(1, |_, it| (it.air, it.humidity, it.precipitation) = (Some(air), None, Some(1.0)));
        assert_eq!(needs(&weather)[0] == Some(Need::Precipitation), frozen, "{air}");
    }
}

/// A night after a mild day: the last 12 hours with this cloud and humidity.
fn night(cloud: f64, humidity: f64) -> usize {
    // From 23:00Z on it is dark in New York.
    let weather = hours(36, |number, it| {
        it.air = Some(if number < 23 { 2.0 } else { 0.5 });
        it.humidity = Some(if number < 23 { 50.0 } else { humidity });
        (it.cloud, it.wind) = (Some(cloud), Some(2.0));
    });
    needs(&weather).iter().filter(|it| **it == Some(Need::Frost)).count()
}

#[test]
fn frost_grows_in_clear_damp_nights_only() {
    assert!(night(0.0, 97.0) >= 3, "{}", night(0.0, 97.0));
    assert_eq!(night(1.0, 80.0), 0, "under clouds the walk stays warm");
    assert_eq!(night(0.0, 40.0), 0, "in dry air nothing settles");
}

#[test]
fn of_air_whose_humidity_is_unknown_no_frost_is_claimed() {
    let weather = hours(36, |_, it| (it.air, it.humidity, it.cloud) = (Some(0.5), None, Some(0.0)));
    assert!(!needs(&weather).contains(&Some(Need::Frost)));
}

#[test]
fn rain_water_that_freezes_counts_for_three_hours() {
    let frozen = |rain: f64| {
        let weather = hours(30, |number, it| {
            it.air = Some(if number < 6 { 3.0 } else { -6.0 });
            (it.humidity, it.cloud) = (Some(85.0), Some(1.0));
            it.precipitation = Some(if number == 5 { rain } else { 0.0 });
        });
        needs(&weather).iter().filter(|it| **it == Some(Need::Refreeze)).count()
    };
    // The walk comes down to 0 °C within an hour, so the three hours touch three or four of the clock's.
    assert!((3..=4).contains(&frozen(2.0)), "{}", frozen(2.0));
    assert_eq!(frozen(0.0), 0);
}

#[test]
fn snow_is_no_rain_water() {
    let weather = hours(30, |number, it| {
        it.air = Some(if number < 6 { 0.9 } else { -6.0 });
        it.letters = if number == 5 { "S".to_owned() } else { String::new() };
        it.precipitation = Some(if number == 5 { 3.0 } else { 0.0 });
    });
    assert!(!needs(&weather).contains(&Some(Need::Refreeze)));
}

#[test]
fn two_hours_around_a_need_are_neutral_and_the_span_cuts_all() {
    let weather = hours(24, |number, it| {
        if number == 0 || number == 10 {
            it.precipitation = Some(1.0);
        }
    });
    let at = |number: i64| START + 3600 * number;
    let truth = Truth::of(&weather, at(1), at(20));
    assert_eq!(truth.precipitation, [(at(10), at(11))]);
    assert_eq!(truth.near, [(at(1), at(3)), (at(8), at(13))]);
    assert_eq!(truth.known, [(at(1), at(20))]);
}

#[test]
fn a_gap_in_the_weather_is_not_known() {
    let mut weather = hours(24, |_, _| {});
    weather.hours.retain(|it| it.start != hour(5).start);
    let truth = Truth::of(&weather, START, START + 24 * 3600);
    assert_eq!(truth.known.iter().map(|it| it.1 - it.0).sum::<i64>(), 23 * 3600);
}
