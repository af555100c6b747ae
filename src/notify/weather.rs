//! How well the weather is known, as people hear of it.

use jiff::{SignedDuration, Timestamp, tz::TimeZone};

use super::{
    alert::{Alert, clock, rfc3339, sentence},
    desk::kind,
    notebook::Notebook,
};
use crate::model::{House, WeatherState};

/// A state that is worse counts when it has lasted for so long: at a start the first answer is under way.
const SETTLES: SignedDuration = SignedDuration::from_mins(2);

/// How well the weather is known, and since when.
#[derive(Debug)]
pub(super) struct Weather {
    outage_after: SignedDuration,
    pub(super) zone: TimeZone,
    now: Option<Spell>,
}

#[derive(Clone, Debug)]
struct Spell {
    state: WeatherState,
    since: Timestamp,
    why: String,
    issued_at: Option<Timestamp>,
}

impl Weather {
    pub(super) fn new(outage_after: SignedDuration, zone: TimeZone) -> Self {
        Self { outage_after, zone, now: None }
    }

    /// Compares the board with what people were told.
    pub(super) fn look(&mut self, house: &House, notebook: &mut Notebook, now: Timestamp, told: &mut Vec<Alert>) {
        let Some(state) = house.weather.soon.state else { return };
        let since = self.now.as_ref().filter(|it| it.state == state).map_or(now, |it| it.since);
        let why = house.weather.trouble.as_ref().map(|it| it.text.clone()).unwrap_or_default();
        let issued_at = house.weather.forecast.as_ref().map(|it| it.issued_at);
        self.now = Some(Spell { state, since, why, issued_at });
        self.tick(notebook, now, told);
    }

    /// Tells what has lasted for long enough.
    pub(super) fn tick(&mut self, notebook: &mut Notebook, now: Timestamp, told: &mut Vec<Alert>) {
        let Some(spell) = &self.now else { return };
        let before = notebook.weather.unwrap_or(WeatherState::Online);
        if spell.state == WeatherState::Offline {
            notebook.offline_since.get_or_insert(spell.since);
        } else {
            notebook.offline_since = None;
            notebook.outage_told = false;
        }
        let lasts = spell.state == WeatherState::Online || now.duration_since(spell.since) >= SETTLES;
        if spell.state != before && lasts {
            told.push(self.changed(spell, before, now));
            notebook.weather = Some(spell.state).filter(|it| *it != WeatherState::Online);
        }
        if let Some(since) = notebook.offline_since.filter(|_| !notebook.outage_told)
            && now.duration_since(since) >= self.outage_after
            && notebook.weather == Some(WeatherState::Offline)
        {
            notebook.outage_told = true;
            told.push(self.outage(spell, since, now));
        }
    }

    fn changed(&self, spell: &Spell, before: WeatherState, now: Timestamp) -> Alert {
        let why = if spell.why.is_empty() { String::new() } else { format!(" {}.", sentence(&spell.why)) };
        let age = spell.issued_at.map(|it| now.duration_since(it).as_secs_f64() / 3600.0);
        let old = age.map(|age| format!(" The last forecast is {age:.1} h old.")).unwrap_or_default();
        let (name, words) = match spell.state {
            WeatherState::Online => ("weather_service_recovered", "The weather service answers again.".to_owned()),
            WeatherState::Degraded => (
                "weather_service_degraded",
                format!("No weather service answers; the last forecast is still acted on.{why}{old}"),
            ),
            WeatherState::Offline => (
                "weather_service_offline",
                format!("There is no forecast to act on: rules that ask for weather are silent.{why}{old}"),
            ),
        };
        let alert = Alert::new(kind(name), now, words);
        let alert = alert.with("previous_state", before.word()).with("current_state", spell.state.word());
        alert.with("cache_age_hours", age.map(|it| (it * 100.0).round() / 100.0))
    }

    fn outage(&self, spell: &Spell, since: Timestamp, now: Timestamp) -> Alert {
        let minutes = now.duration_since(since).as_mins();
        let why = if spell.why.is_empty() { String::new() } else { format!(" {}.", sentence(&spell.why)) };
        let words = format!(
            "There has been no forecast to act on since {}, for {minutes} min. Snow that falls now is not melted by the \
             forecast.{why}",
            clock(since, &self.zone)
        );
        Alert::new(kind("weather_service_outage_alert"), now, words)
            .with("offline_since", rfc3339(since, &self.zone))
            .with("offline_minutes", minutes)
            .with("alert_threshold_minutes", self.outage_after.as_mins())
            .with("state", spell.state.word())
    }

    /// When something has lasted for long enough.
    pub(super) fn next(&self, notebook: &Notebook) -> Option<Timestamp> {
        let spell = self.now.as_ref()?;
        let before = notebook.weather.unwrap_or(WeatherState::Online);
        let settles = (spell.state != before).then(|| spell.since.checked_add(SETTLES).ok()).flatten();
        // It is not told before the state has settled: a time that has passed would be asked for again and again.
        let is_settled = notebook.weather == Some(WeatherState::Offline);
        let outage = notebook.offline_since.filter(|_| is_settled && !notebook.outage_told);
        let outage = outage.and_then(|it| it.checked_add(self.outage_after).ok());
        settles.into_iter().chain(outage).min()
    }
}
