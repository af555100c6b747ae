//! What is shown of a schedule.

use jiff::civil::Time;
use serde_json::{Value, json};

use crate::model::{DayTime, Group, OffTime, OnTime, Schedule, Slug};

/// A schedule of a group.
#[derive(Clone, Debug)]
pub(in crate::mqtt) struct ScheduleView {
    pub group: Slug,
    pub slug: Slug,
    pub schedule: Schedule,
}

impl ScheduleView {
    /// Every schedule that a topic can name. Of those whose names become the same one only the first is shown.
    pub(in crate::mqtt) fn all(group: &Group) -> Vec<Self> {
        let mut views: Vec<Self> = Vec::new();
        for schedule in group.schedules.iter() {
            let Some(slug) = Slug::of(&schedule.name) else { continue };
            if !views.iter().any(|it| it.slug == slug) {
                views.push(Self { group: group.slug.clone(), slug, schedule: schedule.clone() });
            }
        }
        views
    }

    /// The one with this name in topics.
    pub(in crate::mqtt) fn of(group: &Group, slug: &str) -> Option<Self> {
        Self::all(group).into_iter().find(|it| it.slug.as_str() == slug)
    }

    /// When its windows open, if that is a time by the clock.
    pub(in crate::mqtt) fn on(&self) -> Option<Time> {
        match &self.schedule.window {
            Some((OnTime::At(DayTime::Clock(time)), _)) => Some(*time),
            _ => None,
        }
    }

    /// When they close, if that is a time by the clock.
    pub(in crate::mqtt) fn off(&self) -> Option<Time> {
        match &self.schedule.window {
            Some((_, OffTime::At(DayTime::Clock(time)))) => Some(*time),
            _ => None,
        }
    }

    /// The days as the config may write them, 1 for Monday to 7 for Sunday.
    pub(in crate::mqtt) fn days(&self) -> Value {
        let days = (1..=7).zip(self.schedule.days.0);
        json!(days.filter(|(_, has)| *has).map(|(day, _)| day).collect::<Vec<u8>>())
    }
}

/// Hours, minutes and seconds, as Home Assistant takes a time.
pub(in crate::mqtt) fn clock(time: Option<Time>) -> Value {
    json!(time.map(|it| it.strftime("%H:%M:%S").to_string()))
}
