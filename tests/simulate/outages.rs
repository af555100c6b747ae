//! An hour, seven hours and thirty hours without a forecast in the middle of a storm, and what the report says of each.

use heattrax::{
    model::Switch,
    simulate::{self, Options, Outcome, outages::lived},
};
use jiff::{SignedDuration, Timestamp, tz::TimeZone};

use crate::{START, mats, recording, storm};

/// From hour 18 on, two hours before the first flake, nothing is fetched. The storm is from hour 20 to 30.
fn without(hours: i64) -> Outcome {
    let from = Timestamp::from_second(START + 18 * 3600).unwrap();
    let outages = vec![(from, from + SignedDuration::from_hours(hours))];
    let outcome = simulate::run(&mats(), &recording(&storm()), &Options { outages, ..Options::default() }, |_| {});
    outcome.unwrap()
}

#[test]
fn the_report_says_what_was_done_in_an_outage_of_1_and_7_and_30_hours() {
    for (hours, on, frozen, covered, changes) in [
        // The forecast of hour 17 holds for six hours, so a short outage is not felt at all.
        (1, 0, 0, 0, vec![Switch::Off, Switch::On]),
        // On from hour 19; at hour 23 the forecast is too old, at hour 25 there is a new one.
        (7, 4, 5, 3, vec![Switch::Off, Switch::On, Switch::Off, Switch::On]),
        (30, 4, 10, 3, vec![Switch::Off, Switch::On, Switch::Off]),
    ] {
        let outcome = without(hours);
        let found = &lived(&outcome)[0];
        let length = |hours| SignedDuration::from_hours(hours);
        assert_eq!((found.on, found.frozen, found.covered), (length(on), length(frozen), length(covered)), "{hours} h");
        let mut switched: Vec<Switch> = found.rows.iter().map(|it| it.switch).collect();
        switched.dedup();
        assert_eq!(switched, changes, "{hours} h");
        assert_eq!(outcome.groups[0].score.breaches, [], "{hours} h");
        let table = simulate::table(&outcome, &TimeZone::UTC);
        let line = format!("no forecast from 2013-01-15 18:00 for {hours} h: mats was on for {on} h");
        assert!(table.contains(&line), "{table}");
        let told = &simulate::json(&outcome)["outages"][0];
        assert_eq!(told["of_it_on_hours"].as_f64(), Some(found.covered.as_secs_f64() / 3600.0));
        assert_eq!(told["changes"].as_array().map(Vec::len), Some(found.rows.len()));
    }
}
