//! What energy costs at an instant, by local wall-clock windows.

use jiff::{Timestamp, civil::Date};

use super::civil::{date_of, days_later, instant};
use crate::model::{ControlSettings, TariffWindow};

/// A window of a tariff that begins on a day of the week begins again within so many days.
const WEEK: i64 = 7;

/// The price of a kWh at `now`, in the tariff's currency: that of the window that holds, else that outside of the windows.
/// `None` where nobody says.
pub fn price_at(settings: &ControlSettings, now: Timestamp) -> Option<f64> {
    holding(settings, now).and_then(|it| it.price).or(settings.tariff.as_ref()?.price)
}

/// The expensive window that holds at `now`, and when that changes. `None` outside of any.
pub(super) fn expensive(settings: &ControlSettings, now: Timestamp) -> Option<(&TariffWindow, Timestamp)> {
    let window = holding(settings, now).filter(|it| it.expensive)?;
    Some((window, changes_at(settings, now)?))
}

/// The next instant after `now` at which another window may hold. `None` without windows.
pub fn changes_at(settings: &ControlSettings, now: Timestamp) -> Option<Timestamp> {
    let windows = settings.tariff.iter().flat_map(|it| &it.windows);
    windows.filter_map(|it| next_edge(settings, it, now)).min()
}

/// Of the windows that are open, the first.
fn holding(settings: &ControlSettings, now: Timestamp) -> Option<&TariffWindow> {
    let windows = &settings.tariff.as_ref().filter(|it| !it.windows.is_empty())?.windows;
    let today = date_of(&settings.zone, now);
    windows.iter().find(|window| {
        // One that began yesterday may reach into today.
        [days_later(today, -1), today].into_iter().any(|date| {
            let (start, end) = edges(settings, window, date);
            window.days.has(date.weekday()) && start <= now && now < end
        })
    })
}

fn next_edge(settings: &ControlSettings, window: &TariffWindow, now: Timestamp) -> Option<Timestamp> {
    let today = date_of(&settings.zone, now);
    let dates = (-1..=WEEK).map(|days| days_later(today, days)).filter(|date| window.days.has(date.weekday()));
    let mut edges = dates.flat_map(|date| <[Timestamp; 2]>::from(edges(settings, window, date)));
    // Ascending, for no window is longer than to the same time of the next day.
    edges.find(|at| *at > now)
}

/// The beginning and the end of the window that begins on `date`.
fn edges(settings: &ControlSettings, window: &TariffWindow, date: Date) -> (Timestamp, Timestamp) {
    let ends_on = if window.to > window.from { date } else { days_later(date, 1) };
    (instant(&settings.zone, date, window.from), instant(&settings.zone, ends_on, window.to))
}
