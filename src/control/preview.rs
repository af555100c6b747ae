//! When a schedule would open, for whoever edits it: by clock and sun alone, without the weather.

use jiff::{SignedDuration, Timestamp};

use super::timetable::Timetable;
use crate::model::{ControlSettings, Slug};

/// So far ahead.
const AHEAD: SignedDuration = SignedDuration::from_hours(7 * 24);

/// A window, half open.
type Span = (Timestamp, Timestamp);

/// The windows of a schedule that are open now or open within the next seven days, and whether it asks for some weather too. `None` if
/// there is no such schedule.
pub fn windows_ahead(
    settings: &ControlSettings,
    group: &Slug,
    name: &str,
    now: Timestamp,
) -> Option<(Vec<Span>, bool)> {
    let schedules = &settings.groups.get(group)?.schedules;
    let place = schedules.iter().position(|it| it.name == name)?;
    let horizon = now.checked_add(AHEAD).unwrap_or(Timestamp::MAX);
    let (mut found, mut from): (Vec<Span>, _) = (Vec::new(), now);
    // What is worked out at once may end before the horizon.
    for _ in 0..64 {
        let mut timetable = Timetable::new(settings);
        timetable.prepare(settings, from);
        let openings = timetable.of(group).get(place)?;
        let known = found.last().map_or(now, |it| it.1);
        let windows = openings.windows().filter(|it| it.1 > known && it.0 < horizon);
        found.extend(windows);
        from = openings.until();
        if from >= horizon || found.len() > 500 {
            break;
        }
    }
    Some((found, !schedules.get(place)?.conditions.is_empty()))
}
