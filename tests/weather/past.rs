//! What was foreseen for hours that are over is kept, for a day, and never in place of what is told now.

use heattrax::{model::Forecast, weather::past};
use jiff::SignedDuration;
use proptest::prelude::*;

use crate::{forecast, hour, noon};

fn hours(count: i64) -> SignedDuration {
    SignedDuration::from_hours(count)
}

#[test]
fn an_hour_that_snow_fell_in_is_not_forgotten_when_it_ends() {
    let before = forecast(noon());
    let mut now = forecast(noon() + hours(2));
    let told = now.clone();
    past::keep(&mut now, &before);
    assert_eq!(now.intervals.len(), told.intervals.len() + 2);
    assert_eq!(now.intervals[..2], before.intervals[..2]);
    assert_eq!(now.intervals[2..], told.intervals);
}

#[test]
fn a_longer_step_that_reaches_into_what_is_told_now_gives_its_share() {
    let start = forecast(noon()).intervals[0].start;
    let mut six = hour(start - hours(2));
    six.end = six.start + hours(6);
    six.precipitation = Some(6.0);
    let before = Forecast { intervals: vec![six], ..forecast(noon()) };
    let mut now = forecast(noon());
    past::keep(&mut now, &before);
    assert_eq!((now.intervals[0].end, now.intervals[0].precipitation), (start, Some(2.0)));
}

proptest! {
    #![proptest_config(crate::tried(256))]
    #[test]
    fn whatever_was_known_the_forecast_ascends_and_reaches_back_a_day_at_most(
        first in -40_i64..40, steps in proptest::collection::vec((0_i64..5, 1_i64..7), 0..40)
    ) {
        let mut at = forecast(noon()).intervals[0].start + hours(first);
        let mut intervals = Vec::new();
        for (gap, length) in steps {
            let mut it = hour(at + hours(gap));
            it.end = it.start + hours(length);
            at = it.end;
            intervals.push(it);
        }
        let before = Forecast { intervals, ..forecast(noon()) };
        let mut now = forecast(noon());
        let told = now.intervals.clone();
        past::keep(&mut now, &before);
        prop_assert!(now.intervals.windows(2).all(|pair| pair[0].end <= pair[1].start));
        prop_assert!(now.intervals.ends_with(&told));
        prop_assert!(now.intervals.iter().all(|it| it.start < it.end && it.end > noon() - hours(24)));
    }
}
