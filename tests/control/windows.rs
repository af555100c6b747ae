//! Windows of seasons, of the sun and of cron expressions. Those of the clock and of the predecessor's cases are in
//! `seed_cases.txt`, those of exceptions in `exceptions.rs`.

use heattrax::model::{OffTime, OnTime, Schedule, Switch};

use crate::home::*;

struct Row(&'static str, &'static str, Switch);

fn looks(rules: &[Schedule], rows: &[Row]) {
    let mut faults = Vec::new();
    for Row(case, when, expected) in rows {
        let day = home().lights("porch", &["porch/1"], rules.to_vec()).starts(when);
        let found = day.wanted("porch/1");
        if found != *expected {
            faults.push(format!("{case}, {when}: {found} instead of {expected} ({})", day.why("porch/1")));
        }
    }
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

#[test]
fn dates_hold_a_season_that_may_wrap_over_new_year() {
    let winter = daily("17:00", "02:00").of_dates((11, 15), (4, 1));
    looks(
        &[winter],
        &[
            Row("dates", "2024-11-14 18:00", Off),
            Row("dates", "2024-11-15 18:00", On),
            Row("dates", "2025-01-10 18:00", On),
            Row("dates", "2025-04-01 18:00", On),
            Row("dates: the tail belongs to its own day", "2025-04-02 01:00", On),
            Row("dates", "2025-04-02 18:00", Off),
        ],
    );
}

#[test]
fn a_sun_time_on_the_wrong_side_makes_a_window_empty_not_24_hours_long() {
    // Whatever the fallback: it must not decide between empty and a day of heat.
    for fallback in ["04:00", "05:00", "06:30", "07:00"] {
        looks(
            &[between(clock("06:00"), sunrise(30, fallback))],
            &[
                Row("in summer", "2024-06-21 05:00", Off),
                Row("in summer", "2024-06-21 06:01", Off),
                Row("in summer", "2024-06-21 20:00", Off),
                Row("in winter", "2024-12-21 06:30", On),
                Row("in winter", "2024-12-21 07:50", Off),
            ],
        );
    }
    for fallback in ["17:00", "20:30", "21:00"] {
        looks(
            &[between(sunset(180, fallback), clock("23:00"))],
            &[
                Row("dusk", "2024-06-21 12:00", Off),
                Row("dusk", "2024-06-21 23:45", Off),
                Row("in winter", "2024-12-21 21:00", On),
            ],
        );
    }
    // From dusk to dawn stays what it says.
    looks(
        &[between(sunset(0, "18:00"), sunrise(0, "06:00"))],
        &[
            Row("dusk to dawn", "2024-06-21 23:00", On),
            Row("dusk to dawn", "2024-12-21 07:00", On),
            Row("dusk to dawn", "2024-12-21 12:00", Off),
        ],
    );
}

#[test]
fn a_cron_window_closes_at_its_own_first_off() {
    let at_six = |off| window(OnTime::Cron("0 0 6 * * Mon-Fri".to_owned()), off);
    looks(
        &[at_six(OffTime::At(clock("08:00")))],
        &[
            Row("cron", "2024-06-17 05:59:59", Off),
            Row("cron", "2024-06-17 06:00", On),
            Row("cron", "2024-06-17 08:00", Off),
            Row("cron", "2024-06-22 07:00", Off),
        ],
    );
    looks(
        &[at_six(OffTime::At(clock("01:00")))],
        &[Row("cron over midnight", "2024-06-18 00:59", On), Row("cron", "2024-06-18 01:00", Off)],
    );
    looks(
        &[at_six(OffTime::At(sunrise(30, "07:00")))],
        &[
            Row("cron, the sun was earlier", "2024-06-17 07:00", Off),
            Row("cron, the sun was earlier", "2024-06-17 20:00", Off),
            Row("cron in winter", "2024-12-17 07:00", On),
        ],
    );
}

#[test]
fn a_frequent_cron_with_few_days_still_finds_its_next_day() {
    // Each minute, but on Mondays only: the next window is further ahead than any number of looks.
    let rule = cron("0 * * * * *", OffTime::After(minutes(1))).on_days(&[1]);
    let mut day = home().lights("porch", &["p/1"], [rule]).starts("2024-06-20 12:00");
    assert_eq!(day.wanted("p/1"), Off);
    assert_eq!(day.at("2024-06-23 23:59:59").wanted("p/1"), Off);
    assert_eq!(day.at("2024-06-24 00:00").wanted("p/1"), On);
    assert_eq!(day.at("2024-06-24 23:59:59").wanted("p/1"), On);
    assert_eq!(day.at("2024-06-25 00:00").wanted("p/1"), Off);
}
