//! The weather provider, and what its clock says about ours.

use jiff::{SignedDuration, Timestamp};

use super::Line;
use crate::{
    model::WeatherSettings,
    weather::{self, Brought},
};

/// A clock that is further off than this misses the times of schedules by a minute.
const SKEW: SignedDuration = SignedDuration::from_secs(60);

pub(super) async fn examine(settings: Option<&WeatherSettings>, now: Timestamp) -> Vec<Line> {
    let Some(settings) = settings else {
        return vec![Line::ok("weather", "switched off: only schedules and people switch")];
    };
    let mut lines = Vec::new();
    for how in &settings.providers {
        match weather::examine(settings, how, now).await {
            Ok(brought) => {
                lines.push(coverage(&brought, settings.horizon_hours, now));
                lines.extend(brought.ahead.filter(|it| it.abs() > SKEW).map(skew));
            }
            Err(words) => lines.push(Line::fail("weather", words).cured(
                "see that this machine reaches the internet, and that `weather_api` names the provider; until then the last \
                 forecast is used, and then what `when_unknown` says",
            )),
        }
    }
    lines
}

fn coverage(brought: &Brought, asked: u16, now: Timestamp) -> Line {
    let hours = brought.reach(now).as_hours();
    let found = format!("{} tells of the next {hours} h", brought.forecast.source);
    if hours >= i64::from(asked) {
        return Line::ok("weather", found);
    }
    Line::warn("weather", format!("{found}, {asked} are asked for"))
        .cured("ask for fewer (`weather_api.resilience.forecast_horizon_hours`)")
}

fn skew(ahead: SignedDuration) -> Line {
    let (seconds, side) = (ahead.abs().as_secs(), if ahead.is_positive() { "slow" } else { "fast" });
    Line::warn("clock", format!("{seconds} s {side} by the weather provider's clock"))
        .cured("switch time synchronisation on (`timedatectl set-ntp true`)")
}
