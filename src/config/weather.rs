//! The sections `location`, `thresholds`, `safety` and `weather_api`.

use std::{path::Path, time::Duration};

use jiff::{
    SignedDuration,
    tz::{TimeZone, TimeZoneDatabase},
};

use super::{
    providers,
    range::Range,
    schedule::{LIMIT_HOURS, Units, hours, seconds},
    section::{Section, cut, nearest, shown},
    shape::Shape,
    station,
    tree::Kind,
};
use crate::model::{
    BlackIce, Place, Provider, ProviderSettings, Safety, StationTopic, Thresholds, WeatherSettings, WeatherState,
};

const LATITUDE: Range = Range::of(-90.0, 90.0, "degrees north");
const LONGITUDE: Range = Range::of(-180.0, 180.0, "degrees east");
const WINDOW_MINUTES: Range = Range::of(0.0, 1440.0, "minutes");
const REST_MINUTES: Range = Range::above(0.0, 525_600.0, "minutes");
const PERCENT: Range = Range::of(0.0, 100.0, "percent");
const SPREAD: Range = Range::of(0.0, 100.0, "degrees");
const VALID_HOURS: Range = Range::above(0.0, 168.0, "hours");
/// What the provider gives at most: 16 days.
const HORIZON_HOURS: Range = Range::of(1.0, 384.0, "hours");
/// How long the weather may be gone until people hear of it once more.
pub(super) const OUTAGE_MINUTES: Range = Range::from(0.0);
const PAUSE_MINUTES: Range = Range::of(1.0, 1440.0, "minutes");
/// With what is drawn at random, the forecast is renewed before its age counts as trouble ([`WeatherState::RENEWED_WITHIN`]).
///
/// [`WeatherState::RENEWED_WITHIN`]: crate::model::WeatherState::RENEWED_WITHIN
const LONGEST_REFRESH: Duration = Duration::from_secs(100 * 60);
/// A whole day ahead is always asked for: storms are announced, and a longer outage is bridged.
const LEAST_HORIZON_HOURS: u16 = 24;
/// By then the weather is another one.
const LONGEST_HOLD: SignedDuration = SignedDuration::from_hours(6);

/// Reads `location`.
pub(super) fn location(root: &Section<'_>) -> (Place, TimeZone) {
    let Some(it) = root.section("location") else {
        root.miss("location", "a section with the keys `latitude`, `longitude` and `timezone`");
        return (Place { latitude: 0.0, longitude: 0.0 }, TimeZone::UTC);
    };
    let latitude = it.required_number("latitude", LATITUDE);
    let longitude = it.required_number("longitude", LONGITUDE);
    let zone = zone(&it);
    it.close();
    (Place { latitude, longitude }, zone)
}

/// The zone, from the bundled database only: a machine's own is often years old.
fn zone(it: &Section<'_>) -> TimeZone {
    if !it.has("timezone") {
        it.book.warn(&it.place, &it.path_of("timezone"), "not set: wall-clock times are UTC");
    }
    let Some(name) = it.text("timezone") else { return TimeZone::UTC };
    let database = TimeZoneDatabase::bundled();
    database.get(&name).unwrap_or_else(|_| {
        let names: Vec<String> = database.available().map(|zone| zone.to_string()).collect();
        let hint = nearest_zone(&name, &names);
        it.refuse_with("timezone", format!("\"{}\"", cut(&name)), "an IANA time zone, such as Europe/Berlin", hint);
        TimeZone::UTC
    })
}

/// `Berlin` and `America/NewYork` are near enough to be understood.
fn nearest_zone(wrong: &str, names: &[String]) -> Option<String> {
    let city = |name: &str| name.rsplit('/').next().unwrap_or(name).replace(['_', ' ', '-'], "").to_lowercase();
    let same = names.iter().find(|name| city(name) == city(wrong));
    same.cloned().or_else(|| nearest(wrong, names.iter().map(String::as_str)))
}

/// Reads `safety`.
pub(super) fn safety(root: &Section<'_>) -> Safety {
    let it = root.section("safety");
    let longest_on = it.as_ref().and_then(|it| it.number("max_runtime_hours", LIMIT_HOURS)).unwrap_or(6.0);
    let rest = it.as_ref().and_then(|it| it.number("cooldown_minutes", REST_MINUTES)).unwrap_or(30.0);
    it.into_iter().for_each(Section::close);
    Safety { longest_on: hours(longest_on), rest: seconds(rest * 60.0).max(SignedDuration::from_secs(1)) }
}

/// Reads `thresholds`.
pub(super) fn thresholds(root: &Section<'_>, units: Units) -> Thresholds {
    let usual = Thresholds { lead: seconds(3600.0), trailing: seconds(3600.0), black_ice: Some(usual_black_ice()) };
    let Some(it) = root.section("thresholds") else { return usual };
    let minutes = |key| it.number(key, WINDOW_MINUTES).map(|minutes| seconds(minutes * 60.0));
    it.number("temperature_f", Units::Imperial.temperatures());
    let read = Thresholds {
        lead: minutes("lead_time_minutes").unwrap_or(usual.lead),
        trailing: minutes("trailing_time_minutes").unwrap_or(usual.trailing),
        black_ice: it.section("black_ice_detection").map_or(usual.black_ice, |it| black_ice(it, units)),
    };
    it.close();
    read
}

fn usual_black_ice() -> BlackIce {
    BlackIce { temperature_max: Units::Imperial.celsius(36.0), spread: 4.0 / 1.8, humidity_min: 80.0 }
}

/// `…_f` keys are in °F whatever `units` says; those without a unit follow it.
fn black_ice(it: Section<'_>, units: Units) -> Option<BlackIce> {
    let usual = usual_black_ice();
    let warmest = it.temperature(units, ("temperature_max", "temperature_max_f"), Units::temperatures);
    it.one_of_two("dew_point_spread", "dew_point_spread_f");
    let kelvins = |degrees: f64, units| if units == Units::Metric { degrees } else { degrees / 1.8 };
    let spread = it.number("dew_point_spread", SPREAD).map(|degrees| kelvins(degrees, units));
    let spread_f = it.number("dew_point_spread_f", SPREAD).map(|degrees| kelvins(degrees, Units::Imperial));
    let rule = BlackIce {
        temperature_max: warmest.unwrap_or(usual.temperature_max),
        spread: spread.or(spread_f).unwrap_or(usual.spread),
        humidity_min: it.number("humidity_min_percent", PERCENT).unwrap_or(usual.humidity_min),
    };
    let enabled = it.switch("enabled").unwrap_or(true);
    it.close();
    enabled.then_some(rule)
}

/// The forecast as it was asked for.
pub(super) struct Forecasts {
    pub(super) settings: WeatherSettings,
    /// How long rules keep what was decided when the weather has become unknown.
    pub(super) hold: Option<SignedDuration>,
}

/// Reads `weather_api`: the forecast, `None` when weather is switched off, and where the user's own station measures all the same.
pub(super) fn weather(
    root: &Section<'_>,
    place: Place,
    data: &Path,
    base_topic: &str,
) -> (Option<Forecasts>, Vec<StationTopic>) {
    let Some(it) = root.section("weather_api") else { return (None, Vec::new()) };
    let enabled = it.switch("enabled").unwrap_or(true);
    let providers = providers::providers(&it, enabled);
    let hold = when_unknown(&it);
    let station = station::read(&it, base_topic);
    let second_opinion = it.switch("second_opinion").unwrap_or(false);
    if second_opinion && providers.len() < 2 {
        it.refuse("second_opinion", "true with one provider", "true where `providers` lists at least two");
    }
    let settings = WeatherSettings { second_opinion, ..resilience(&it, place, data, providers) };
    it.close();
    (enabled.then_some(Forecasts { settings, hold }), station)
}

/// `off`, quoted or not, or for how long to hold what was decided: `hold: 2h` as text or as a section.
fn when_unknown(it: &Section<'_>) -> Option<SignedDuration> {
    const ALLOWED: &str = "off or `hold: 2h`, at most `hold: 6h`";
    it.note("when_unknown", || Shape::OneOf(vec!["off"]));
    it.note("when_unknown", || Shape::Text);
    it.note("when_unknown", || Shape::Section);
    let entry = it.get("when_unknown")?;
    let text = match &entry.value.kind {
        Kind::Bool(false) => return None,
        Kind::Text(word) if word.trim().eq_ignore_ascii_case("off") => return None,
        Kind::Text(text) => text.split_once(':').filter(|(key, _)| key.trim() == "hold").map(|(_, length)| length),
        Kind::Map(_) => return held(it),
        _ => None,
    };
    let length = text.and_then(hold_length);
    if length.is_none() {
        it.refuse("when_unknown", shown(&entry.value), ALLOWED);
    }
    length
}

fn held(it: &Section<'_>) -> Option<SignedDuration> {
    const ALLOWED: &str = "a length of time such as 45m, 2h or 1h30m, above 0, at most 6h";
    let section = it.section("when_unknown")?;
    section.note("hold", || Shape::Text);
    let length = match section.get("hold") {
        None => {
            section.miss("hold", ALLOWED);
            None
        }
        Some(entry) => {
            let text = if let Kind::Text(text) = &entry.value.kind { Some(text) } else { None };
            let length = text.and_then(|text| hold_length(text));
            if length.is_none() {
                section.refuse("hold", shown(&entry.value), ALLOWED);
            }
            length
        }
    };
    section.close();
    length
}

/// `45m`, `2h`, `1h30m`.
fn hold_length(text: &str) -> Option<SignedDuration> {
    let length: SignedDuration = text.trim().parse().ok()?;
    (SignedDuration::ZERO < length && length <= LONGEST_HOLD).then_some(length)
}

fn resilience(it: &Section<'_>, place: Place, data: &Path, providers: Vec<ProviderSettings>) -> WeatherSettings {
    let section = it.section("resilience");
    let it = section.as_ref();
    let pause = |key, usual: u64| {
        let minutes = it.and_then(|it| it.number(key, PAUSE_MINUTES));
        minutes.map_or(Duration::from_secs(usual * 60), |minutes| Duration::from_secs_f64(minutes * 60.0))
    };
    let cache_file = it.and_then(|it| it.text("cache_file")).unwrap_or_else(|| "state/weather_cache.json".to_owned());
    let horizon = it.and_then(|it| it.number("forecast_horizon_hours", HORIZON_HOURS)).unwrap_or(12.0);
    let retry_after = pause("retry_interval_minutes", 5);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the range ends at 384")]
    let mut settings = WeatherSettings {
        place,
        providers,
        second_opinion: false,
        cache_file: data.join(cache_file),
        horizon_hours: (horizon.ceil() as u16).max(LEAST_HORIZON_HOURS),
        valid: hours(it.and_then(|it| it.number("cache_valid_hours", VALID_HOURS)).unwrap_or(6.0)),
        refresh_every: pause("refresh_interval_minutes", 10),
        retry_after,
        retry_at_most: pause("max_retry_interval_minutes", 60).max(retry_after),
    };
    if let Some(it) = it {
        settings.valid = until_renewed(it, settings.valid, &settings.providers);
        settings.refresh_every = in_time(it, settings.refresh_every, settings.valid);
        // Read by the notifications.
        it.number("outage_alert_after_minutes", OUTAGE_MINUTES);
    }
    section.into_iter().for_each(Section::close);
    settings
}

/// MET Norway's terms forbid to ask again before its forecast expires, so a forecast is acted on until it can have been renewed.
fn until_renewed(it: &Section<'_>, valid: SignedDuration, providers: &[ProviderSettings]) -> SignedDuration {
    let least = WeatherState::RENEWED_WITHIN;
    if valid >= least || !providers.iter().any(|it| it.provider == Provider::MetNorway) {
        return valid;
    }
    let hours = least.as_hours();
    it.warn(
        "cache_valid_hours",
        format!(
            "a forecast is acted on for {hours} h, and no shorter: met-norway is not asked again before it `Expires`"
        ),
    );
    least
}

/// The refresh that renews a forecast in time: with one that is too seldom, the weather would be gone or in doubt for a part of each round.
fn in_time(it: &Section<'_>, every: Duration, valid: SignedDuration) -> Duration {
    let half = (valid.unsigned_abs() / 2).max(Duration::from_secs(60));
    let longest = half.min(LONGEST_REFRESH);
    if every <= longest {
        return every;
    }
    let why =
        if half < LONGEST_REFRESH { "half of `cache_valid_hours`" } else { "one that is 2 h old counts as trouble" };
    let key = if it.has("refresh_interval_minutes") { "refresh_interval_minutes" } else { "cache_valid_hours" };
    it.warn(
        key,
        format!("the forecast is asked for every {:.0} min, and not more seldom: {why}", longest.as_secs_f64() / 60.0),
    );
    longest
}
