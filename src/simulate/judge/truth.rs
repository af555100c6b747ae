//! What was true of each hour on an unheated walk.

use super::{
    Hour, Weather, air,
    slab::{Ice, Slab},
    spans::{self, Span},
};

/// Frozen precipitation is looked for in air whose wet bulb is at most so warm, in °C.
const WET_BULB: f64 = 1.0;
/// An unknown kind of precipitation is frozen in air of at most this, in °C.
const UNKNOWN_KIND: f64 = 1.0;
/// Less in an hour is none, in mm.
const LEAST: f64 = 0.1;
/// Heat this near to a need is neither needed nor wasted.
const NEUTRAL: i64 = 2 * 3600;
/// Weather that is missing for longer than this tells nothing of the walk.
const GAP: i64 = 6 * 3600;

/// Why a walk needs heat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// Frozen precipitation falls.
    Precipitation,
    /// Rain water has frozen.
    Refreeze,
    /// Frost grows.
    Frost,
}

/// What was true, as stretches of time within those that are judged.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Truth {
    /// What is judged.
    pub judged: Span,
    /// The weather is known.
    pub known: Vec<Span>,
    /// Frozen precipitation falls.
    pub precipitation: Vec<Span>,
    /// Rain water has frozen.
    pub refreeze: Vec<Span>,
    /// Frost grows.
    pub frost: Vec<Span>,
    /// Any of these, or nearly so.
    pub near: Vec<Span>,
    /// The air: from when on, °C.
    pub air: Vec<(Span, f64)>,
}

impl Truth {
    /// The truth of `[from, to)`. The walk's history before that counts.
    pub fn of(weather: &Weather, from: i64, to: i64) -> Self {
        let needs = needs(weather);
        let judged = [(from, to)];
        let hours = || weather.hours.iter().zip(&needs);
        let of = |wanted: Need| {
            let mut found = Vec::new();
            for (hour, _) in hours().filter(|(_, need)| **need == Some(wanted)) {
                spans::push(&mut found, (hour.start, hour.end));
            }
            found
        };
        let mut known = Vec::new();
        let mut needed = Vec::new();
        for (hour, need) in hours() {
            spans::push(&mut known, (hour.start, hour.end));
            if need.is_some() {
                spans::push(&mut needed, (hour.start, hour.end));
            }
        }
        let cut = |it: Vec<Span>| spans::both(&it, &judged);
        let air = weather.hours.iter().filter_map(|it| Some(((it.start, it.end), it.air?)));
        Self {
            judged: (from, to),
            known: cut(known),
            precipitation: cut(of(Need::Precipitation)),
            refreeze: cut(of(Need::Refreeze)),
            frost: cut(of(Need::Frost)),
            near: cut(spans::wider(&needed, NEUTRAL)),
            air: air.collect(),
        }
    }
}

/// What each hour needs: precipitation before refreeze before frost.
pub fn needs(weather: &Weather) -> Vec<Option<Need>> {
    // Some stations tell how far one sees but not what falls: that is no code of precipitation.
    let coded = weather.hours.iter().any(|it| it.letters.contains(['S', 'F', 'R', 'U']));
    let mut walk: Option<(Slab, &Hour)> = None;
    let mut needs = Vec::with_capacity(weather.hours.len());
    for hour in &weather.hours {
        let frozen = falls_frozen(hour, coded);
        let (slab, ice) = walked(walk, hour, frozen, coded, (weather.latitude, weather.longitude));
        walk = slab.map(|it| (it, hour));
        needs.push(match ice {
            _ if frozen => Some(Need::Precipitation),
            Ice { refrozen: true, .. } => Some(Need::Refreeze),
            Ice { frosty: true, .. } => Some(Need::Frost),
            Ice { .. } => None,
        });
    }
    needs
}

/// The walk after an hour, and the ice in it. A short gap passes as the hour before it did.
fn walked(
    before: Option<(Slab, &Hour)>,
    hour: &Hour,
    frozen: bool,
    coded: bool,
    place: (f64, f64),
) -> (Option<Slab>, Ice) {
    let Some(air) = hour.air else { return (None, Ice::default()) };
    let slab = before.and_then(|(mut slab, last)| {
        let gap = hour.start - last.end;
        if gap > 0 && gap <= GAP {
            let filled = Hour { start: last.end, end: hour.start, ..last.clone() };
            slab.pass(&filled, last.air.unwrap_or(air), 0.0, place);
        }
        (gap <= GAP).then_some(slab)
    });
    let mut slab = slab.unwrap_or_else(|| Slab::new(air));
    let ice = slab.pass(hour, air, if frozen { 0.0 } else { rain(hour, coded) }, place);
    (Some(slab), ice)
}

/// Does frozen precipitation fall? By what was seen, where anybody looked at the sky at all; else by amount and wet bulb.
fn falls_frozen(hour: &Hour, coded: bool) -> bool {
    if coded {
        let has = |letter| hour.letters.contains(letter);
        return has('S') || has('F') || (has('U') && hour.air.is_some_and(|air| air <= UNKNOWN_KIND));
    }
    let (Some(amount), Some(air)) = (hour.precipitation, hour.air) else { return false };
    // A wet bulb is never warmer than its air, so where the humidity is unknown the air may settle it.
    let humidity = air::humidity(air, hour.dew_point, hour.humidity);
    let wet_bulb = humidity.map_or(air, |it| air::wet_bulb(air, it));
    amount >= LEAST - 1e-9 && (air <= 0.0 || wet_bulb <= WET_BULB)
}

/// Rain in mm. Seen without an amount it wets the walk all the same.
fn rain(hour: &Hour, coded: bool) -> f64 {
    let seen = hour.letters.contains(['R', 'U']);
    let amount = hour.precipitation.unwrap_or_default();
    match (coded, seen) {
        (true, true) => amount.max(LEAST),
        (true, false) => 0.0,
        (false, _) => amount,
    }
}
