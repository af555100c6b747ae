//! What is shown of a schedule.

use std::collections::BTreeSet;

use jiff::civil::Time;
use serde_json::{Value, json};

use crate::model::{DayTime, Group, OffTime, OnTime, Schedule, Slug};

/// A schedule of a group.
#[derive(Clone, Debug)]
pub(in crate::mqtt) struct ScheduleView {
    pub group: Slug,
    pub slug: Slug,
    /// In the group's list, from 0.
    pub place: usize,
    pub schedule: Schedule,
}

impl ScheduleView {
    /// Every schedule that a topic can name. Of those whose names become the same one the first has it for itself, the second is
    /// called `…_2`, and so on; none is called as another one's own name is.
    pub(in crate::mqtt) fn all(group: &Group) -> Vec<Self> {
        let own: Vec<_> = group.schedules.iter().map(|it| Slug::of(&it.name)).collect();
        let mut taken: BTreeSet<_> = own.iter().flatten().cloned().collect();
        let mut firsts = taken.clone();
        let named = group.schedules.iter().zip(own).enumerate().filter_map(|(place, (schedule, slug))| {
            let slug = slug?;
            let slug = if firsts.remove(&slug) { slug } else { numbered(&slug, &taken)? };
            taken.insert(slug.clone());
            Some(Self { group: group.slug.clone(), slug, place, schedule: schedule.clone() })
        });
        named.collect()
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

/// The first of `…_2`, `…_3`, … that is free.
fn numbered(slug: &Slug, taken: &BTreeSet<Slug>) -> Option<Slug> {
    let all = (2..=99).filter_map(|number| Slug::of(&format!("{slug}_{number}")));
    all.into_iter().find(|it| !taken.contains(it))
}

/// Hours, minutes and seconds, as Home Assistant takes a time.
pub(in crate::mqtt) fn clock(time: Option<Time>) -> Value {
    json!(time.map(|it| it.strftime("%H:%M:%S").to_string()))
}
