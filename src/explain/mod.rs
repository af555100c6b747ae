//! Words for people: what each outlet does and why, every voice with its figures, the weather as the rules see it, and what is foreseen.
//!
//! Pure: a picture of the house and a time in, text or JSON out. Reading changes nothing.

mod inputs;
mod json;
mod seed;
mod text;
mod weather;
mod when;

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use crate::{
    control::{Foreseen, Foresight, Rehearsal, foresee},
    model::{ControlSettings, Event, Forecast, House, Memory, Outlet, Slug},
};

pub use self::{
    json::in_zone,
    seed::{forecast, mat_forecast, seed_state, solar_times},
    weather::code_words,
    when::{local, parse_at},
};

/// A time that differs from that of the picture by no more than this is now.
const NOW: SignedDuration = SignedDuration::from_secs(60);

/// What somebody wants to know.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Question {
    /// One group, by its slug or its name; the whole house where `None`.
    pub group: Option<String>,
    /// For this time; now where `None`.
    pub at: Option<Timestamp>,
}

/// A group that the config does not have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no group `{name}`; there is: {known}")]
pub struct UnknownGroup {
    /// What was asked for.
    pub name: String,
    /// What there is.
    pub known: String,
}

/// What the answer stands on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Basis {
    /// The house as it is.
    Now,
    /// The house run forward; it came as far as `reached`.
    Ahead { reached: Timestamp },
    /// The rules, with what is known for then.
    Past,
}

/// An answer.
#[derive(Clone, Debug)]
pub struct Explanation {
    settings: Arc<ControlSettings>,
    /// Who says so, in words.
    source: String,
    basis: Basis,
    at: Timestamp,
    /// The house at that time.
    house: House,
    group: Option<Slug>,
    foreseen: Foreseen,
}

/// Answers a question about a house. `source` says in words where the picture comes from.
///
/// # Errors
/// The group that is asked for is not there.
pub fn explain(
    settings: &Arc<ControlSettings>,
    house: &House,
    question: &Question,
    source: impl Into<String>,
) -> Result<Explanation, UnknownGroup> {
    let group = question.group.as_deref().map(|it| group_named(settings, it)).transpose()?;
    let at = question.at.unwrap_or(house.at);
    let (basis, then) = if at.duration_since(house.at).abs() <= NOW {
        (Basis::Now, house.clone())
    } else if at > house.at {
        let mut ahead = Foresight::of(settings, house);
        ahead.run(at);
        (Basis::Ahead { reached: ahead.at() }, ahead.house().clone())
    } else {
        (Basis::Past, past(settings, house, at))
    };
    // What lies ahead of the past is known better by now.
    let foreseen = if basis == Basis::Past { Foreseen::default() } else { foresee(settings, house, Timestamp::MAX) };
    let (settings, source) = (Arc::clone(settings), source.into());
    Ok(Explanation { settings, source, basis, at, house: then, group, foreseen })
}

/// What the rules say of a time that has passed, with plugs that are off and rested, for nobody has kept what they did.
fn past(settings: &Arc<ControlSettings>, house: &House, at: Timestamp) -> House {
    let mut then = Rehearsal::new(Arc::clone(settings), &Memory::default(), at);
    if let Some(forecast) = &house.weather.forecast {
        let forecast = Forecast { issued_at: at, ..Forecast::clone(forecast) };
        then.tell(Event::WeatherObserved(Arc::new(forecast)), at);
    }
    then.house().clone()
}

fn group_named(settings: &ControlSettings, name: &str) -> Result<Slug, UnknownGroup> {
    settings.group_named(name).map(|it| it.slug.clone()).ok_or_else(|| {
        let known: Vec<&str> = settings.groups.keys().map(Slug::as_str).collect();
        let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
        UnknownGroup { name: name.to_owned(), known }
    })
}

impl Explanation {
    fn outlets(&self) -> impl Iterator<Item = &Outlet> {
        let asked = |it: &&Outlet| self.group.is_none() || it.group == self.group;
        self.house.outlets.values().map(Arc::as_ref).filter(asked)
    }

    fn is_asked(&self, group: &Slug) -> bool {
        self.group.as_ref().is_none_or(|it| it == group)
    }

    /// What has to be known to read the answer right.
    fn caveat(&self) -> Option<&'static str> {
        match self.basis {
            Basis::Now => None,
            Basis::Ahead { reached } if reached < self.at => Some(
                "run forward as far as it goes, which is not as far as was asked: the forecast is taken to come true",
            ),
            Basis::Ahead { .. } => Some("run forward: the forecast is taken to come true, and nobody to do anything"),
            Basis::Past => Some(
                "decided afresh from what is known for then: the windows of the schedules and the forecast's past hours. What \
                 the relays did then, and what people wished, is not known",
            ),
        }
    }
}
