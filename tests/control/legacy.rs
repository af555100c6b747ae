//! The predecessor's checkable cases: what a schedule says, beside what the predecessor said where we differ, and why.

use heattrax::model::{OffTime, OnTime, Priority, Schedule, Switch};

use crate::home::*;

/// Why a value differs from the predecessor's.
pub type Differs = Option<(Switch, &'static str)>;
pub const SAME: Differs = None;

struct Row(&'static str, &'static str, Switch, Differs);

fn looks(rules: &[Schedule], rows: &[Row]) {
    let mut faults = Vec::new();
    for Row(case, when, expected, differs) in rows {
        let day = home().lights("porch", &["porch/1"], rules.to_vec()).starts(when);
        let found = day.wanted("porch/1");
        if found != *expected {
            faults.push(format!("case {case}, {when}: {found} instead of {expected} ({})", day.why("porch/1")));
        }
        if let Some((was, why)) = differs {
            assert!(was != expected && !why.is_empty(), "case {case}: a difference needs another value and a reason");
        }
    }
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

#[test]
fn a_window_is_half_open_and_keeps_its_days() {
    let weekdays = daily("06:00", "08:00").on_days(&[1, 2, 3, 4, 5]);
    looks(
        std::slice::from_ref(&weekdays),
        &[
            Row("1", "2024-06-17 07:00", On, SAME),
            Row("2", "2024-06-17 09:00", Off, SAME),
            Row("3", "2024-06-22 07:00", Off, SAME),
            Row("4", "2024-06-17 05:59:59", Off, SAME),
            Row("5", "2024-06-17 06:00:00", On, SAME),
            Row("6", "2024-06-17 07:59:59", On, SAME),
            Row("7", "2024-06-17 08:00:00", Off, SAME),
            Row("11", "2024-06-21 07:00", On, SAME),
        ],
    );
    looks(&[weekdays.disabled()], &[Row("8", "2024-06-17 07:00", Off, SAME)]);
    looks(&[], &[Row("9", "2024-06-17 07:00", Off, SAME)]);
    looks(
        &[daily("09:00", "18:00").on_days(&[6, 7])],
        &[
            Row("10", "2024-06-22 10:00", On, SAME),
            Row("10", "2024-06-23 10:00", On, SAME),
            Row("10", "2024-06-24 10:00", Off, SAME),
        ],
    );
}

#[test]
fn a_window_over_midnight_belongs_to_the_day_it_opens_on() {
    looks(
        &[daily("23:00", "02:00")],
        &[
            Row("12", "2024-06-17 23:30", On, SAME),
            Row("12", "2024-06-18 01:00", On, SAME),
            Row("12", "2024-06-18 03:00", Off, SAME),
        ],
    );
    looks(
        &[daily("17:00", "00:00")],
        &[
            Row("13", "2024-06-17 16:59", Off, SAME),
            Row("13", "2024-06-17 17:00", On, SAME),
            Row("13", "2024-06-17 23:59:59", On, SAME),
            Row("13", "2024-06-18 00:00", Off, SAME),
        ],
    );
    let tail = "the day filter looked at the present date, not at the one the window opened on";
    looks(
        &[daily("22:00", "06:00").on_days(&[5])],
        &[
            Row("14", "2024-06-21 23:00", On, SAME),
            Row("14", "2024-06-22 01:00", On, Some((Off, tail))),
            Row("14", "2024-06-21 01:00", Off, Some((On, tail))),
            Row("14", "2024-06-20 23:00", Off, SAME),
        ],
    );
    looks(
        &[daily("08:00", "08:00")],
        &[Row("15", "2024-06-17 09:00", Off, Some((On, "equal times are an empty window, not 24 h of heat")))],
    );
    looks(
        &[daily("00:00", "23:59")],
        &[Row("16", "2024-06-17 23:59:30", Off, SAME), Row("16", "2024-06-17 23:58:59", On, SAME)],
    );
}

#[test]
fn a_duration_counts_from_the_opening() {
    let ignored = "the length was ignored: on until midnight";
    looks(
        &[lasting("06:00", minutes(150))],
        &[Row("17", "2024-06-17 08:29", On, SAME), Row("17", "2024-06-17 08:31", Off, Some((On, ignored)))],
    );
    let lost = "what lay past midnight was lost";
    looks(
        &[lasting("23:00", hours(2))],
        &[Row("18", "2024-06-18 00:30", On, Some((Off, lost))), Row("18", "2024-06-18 01:00", Off, SAME)],
    );
    looks(
        &[lasting("23:00", hours(168)).on_days(&[1])],
        &[
            Row("18, a week", "2024-06-19 12:00", On, Some((Off, lost))),
            Row("18, a week", "2024-06-24 22:59:59", On, Some((Off, lost))),
        ],
    );
}

#[test]
fn all_day_is_from_midnight_to_midnight() {
    looks(
        &[all_day()],
        &[
            Row("19", "2024-06-17 00:00", On, SAME),
            Row("19", "2024-06-17 12:00", On, SAME),
            Row("19", "2024-06-17 23:59", On, SAME),
        ],
    );
    looks(
        &[all_day().on_days(&[1, 2, 3, 4, 5])],
        &[Row("20", "2024-06-22 12:00", Off, SAME), Row("20", "2024-06-21 23:59:59", On, SAME)],
    );
    looks(&[all_day().disabled()], &[Row("21", "2024-06-17 12:00", Off, SAME)]);
}

#[test]
fn dates_hold_a_season_that_may_wrap_over_new_year() {
    let winter = daily("17:00", "02:00").of_dates((11, 15), (4, 1));
    looks(
        &[winter],
        &[
            Row("dates", "2024-11-14 18:00", Off, SAME),
            Row("dates", "2024-11-15 18:00", On, SAME),
            Row("dates", "2025-01-10 18:00", On, SAME),
            Row("dates", "2025-04-01 18:00", On, SAME),
            Row("dates: the tail belongs to its own day", "2025-04-02 01:00", On, SAME),
            Row("dates", "2025-04-02 18:00", Off, SAME),
        ],
    );
}

#[test]
fn the_highest_priority_names_the_winner_and_any_active_one_is_enough() {
    let rule = |name, priority, off| daily("06:00", off).named(name).with_priority(priority);
    let three = [
        rule("low", Priority::Low, "08:00"),
        rule("normal", Priority::Normal, "08:00"),
        rule("critical", Priority::Critical, "08:00"),
    ];
    let monday = |rules: &[Schedule]| home().lights("porch", &["p/1"], rules.to_vec()).starts("2024-06-17 07:00");
    // 23
    let day = monday(&three);
    assert_eq!(day.why("p/1"), "schedule `critical` is active, also active: low, normal");
    // 24
    let [low, normal, critical] = three;
    let day = monday(&[low, normal.disabled(), critical.disabled()]);
    assert_eq!((day.wanted("p/1"), day.why("p/1").as_str()), (On, "schedule `low` is active"));
    // 25
    let day = monday(&[rule("A", Priority::Normal, "08:00"), rule("B", Priority::Normal, "08:00")]);
    assert_eq!(day.why("p/1"), "schedule `A` is active, also active: B");
    // 26 and 38: one whose condition is not met or unknown does not hold back another.
    let cold = rule("cold", Priority::Critical, "08:00").if_at_most(32.0);
    let mut day = monday(&[cold, rule("plain", Priority::Low, "08:00")]);
    assert_eq!(day.why("p/1"), "schedule `plain` is active");
    day.expects("2024-06-17 07:00", &[DRY; 24]);
    assert_eq!(day.why("p/1"), "schedule `plain` is active");
}

#[test]
fn the_longest_runtime_is_the_schedules_own_if_it_has_one() {
    for (own, expected) in [(Some(hours(6)), "13:00:00"), (None, "11:00:00")] {
        let mut rule = daily("05:00", "23:00");
        rule.longest_on = own;
        let plan = home().mats("mat", &["mat/1"], [rule]).with(|it| it.safety.longest_on = hours(4));
        let mut day = plan.starts("2024-01-15 07:00");
        day.report("mat/1", switched(On));
        let review = day.decision("mat/1").review_at.unwrap();
        assert_eq!(day.local(review), format!("2024-01-15 {expected}"), "43");
    }
}

#[test]
fn sun_windows_shift_by_their_offset_and_may_cross_midnight() {
    looks(
        &[between(sunset(-30, "17:00"), clock("01:00"))],
        &[
            Row("54", "2024-12-15 15:58", Off, SAME),
            Row("54", "2024-12-15 16:00", On, SAME),
            Row("54", "2024-12-15 23:00", On, SAME),
            Row("54", "2024-12-16 00:59", On, SAME),
            Row("54", "2024-12-16 01:00", Off, SAME),
        ],
    );
    looks(
        &[between(sunrise(-30, "07:00"), sunrise(30, "07:00"))],
        &[
            Row("55", "2024-12-15 06:43", Off, SAME),
            Row("55", "2024-12-15 06:45", On, SAME),
            Row("55", "2024-12-15 07:43", On, SAME),
            Row("55", "2024-12-15 07:45", Off, SAME),
        ],
    );
}

#[test]
fn a_sun_time_on_the_wrong_side_makes_a_window_empty_not_24_hours_long() {
    let inverted = "the window turned inside out and was on nearly all day";
    // Whatever the fallback: it must not decide between empty and a day of heat.
    for fallback in ["04:00", "05:00", "06:30", "07:00"] {
        looks(
            &[between(clock("06:00"), sunrise(30, fallback))],
            &[
                Row("56", "2024-06-21 05:00", Off, Some((On, inverted))),
                Row("56", "2024-06-21 06:01", Off, Some((On, inverted))),
                Row("56", "2024-06-21 20:00", Off, Some((On, inverted))),
                Row("56 in winter", "2024-12-21 06:30", On, SAME),
                Row("56 in winter", "2024-12-21 07:50", Off, SAME),
            ],
        );
    }
    for fallback in ["17:00", "20:30", "21:00"] {
        looks(
            &[between(sunset(180, fallback), clock("23:00"))],
            &[
                Row("56 sunset+180", "2024-06-21 12:00", Off, Some((On, inverted))),
                Row("56 sunset+180", "2024-06-21 23:45", Off, Some((On, inverted))),
                Row("56 in winter", "2024-12-21 21:00", On, SAME),
            ],
        );
    }
    // From dusk to dawn stays what it says.
    looks(
        &[between(sunset(0, "18:00"), sunrise(0, "06:00"))],
        &[
            Row("dusk to dawn", "2024-06-21 23:00", On, SAME),
            Row("dusk to dawn", "2024-12-21 07:00", On, SAME),
            Row("dusk to dawn", "2024-12-21 12:00", Off, SAME),
        ],
    );
}

#[test]
fn a_cron_window_closes_at_its_own_first_off() {
    let at_six = |off| window(OnTime::Cron("0 0 6 * * Mon-Fri".to_owned()), off);
    looks(
        &[at_six(OffTime::At(clock("08:00")))],
        &[
            Row("cron", "2024-06-17 05:59:59", Off, SAME),
            Row("cron", "2024-06-17 06:00", On, SAME),
            Row("cron", "2024-06-17 08:00", Off, SAME),
            Row("cron", "2024-06-22 07:00", Off, SAME),
        ],
    );
    looks(
        &[at_six(OffTime::At(clock("01:00")))],
        &[Row("cron over midnight", "2024-06-18 00:59", On, SAME), Row("cron", "2024-06-18 01:00", Off, SAME)],
    );
    looks(
        &[at_six(OffTime::At(sunrise(30, "07:00")))],
        &[
            Row("cron, the sun was earlier", "2024-06-17 07:00", Off, SAME),
            Row("cron, the sun was earlier", "2024-06-17 20:00", Off, SAME),
            Row("cron in winter", "2024-12-17 07:00", On, SAME),
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
