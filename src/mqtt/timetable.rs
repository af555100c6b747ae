//! A message about a schedule in, a change of the config or the reason why not out. Pure.

use jiff::civil::Time;
use serde_json::{Map, json};

use super::{
    inbound::whole_minutes,
    message::{Message, Payload},
    topics::Timetable,
    views::ScheduleView,
};
use crate::model::{ConfigEdit, House, Which};

/// The longest that the config allows, in minutes.
pub(super) const LONGEST_LEAD: u32 = 720;

/// The change that a message wants, `None` if the schedule is so already.
///
/// # Errors
/// In words: there is no such schedule, or it cannot be set to that.
pub fn read(timetable: Timetable<'_>, message: &Message, house: &House) -> Result<Option<ConfigEdit>, String> {
    let groups = house.groups.values();
    let group = groups.into_iter().find(|it| it.slug.as_str() == timetable.group).ok_or("there is no such group")?;
    let view = ScheduleView::of(group, timetable.schedule).ok_or("the group has no such schedule")?;
    let Payload::Bytes(bytes) = &message.payload else { return Err("it is too long".to_owned()) };
    let text = std::str::from_utf8(bytes).map_err(|_| "it is not text".to_owned())?.trim();
    let group = view.group.clone();
    let which = Which { name: view.schedule.name.clone(), place: Some(view.place) };
    if timetable.word == "enabled" {
        let enabled = switched(text).ok_or("it is neither ON nor OFF")?;
        let edit = ConfigEdit::EnableSchedule { group, which, enabled };
        return Ok((enabled != view.schedule.enabled).then_some(edit));
    }
    let opens = timetable.word == "on";
    let known = if opens { view.on() } else { view.off() };
    let known = known.ok_or_else(|| format!("`{}` has no such time by the clock that could be set", which.name))?;
    let time = minute(text).ok_or("it is no time in whole minutes such as 06:30")?;
    Ok((time != known).then_some(ConfigEdit::TimeSchedule { group, which, opens, time }))
}

/// How early a group is to heat, `None` if it does so already.
///
/// # Errors
/// In words: there is no such group, it does not heat by the weather, or that is no time.
pub fn lead(group: &str, message: &Message, house: &House) -> Result<Option<ConfigEdit>, String> {
    let group = house.groups.values().find(|it| it.slug.as_str() == group).ok_or("there is no such group")?;
    let known = group.lead.ok_or("the group does not heat by the weather")?;
    let Payload::Bytes(bytes) = &message.payload else { return Err("it is too long".to_owned()) };
    let text = std::str::from_utf8(bytes).map_err(|_| "it is not text".to_owned())?.trim();
    let minutes = whole_minutes(text, 0, LONGEST_LEAD)?;
    let options = Map::from_iter([("melt.lead_minutes".to_owned(), json!(minutes))]);
    let edit = ConfigEdit::SetGroup { group: group.slug.clone(), options };
    Ok((known.as_mins() != i64::from(minutes)).then_some(edit))
}

fn switched(text: &str) -> Option<bool> {
    [("ON", true), ("OFF", false)].into_iter().find(|(word, _)| text.eq_ignore_ascii_case(word)).map(|it| it.1)
}

/// `06:30` or, as Home Assistant writes it, `06:30:00`. The config knows no seconds.
fn minute(text: &str) -> Option<Time> {
    let digits =
        |part: &str| part.parse().ok().filter(|_| part.len() == 2 && part.bytes().all(|it| it.is_ascii_digit()));
    match text.split(':').collect::<Vec<_>>()[..] {
        [hour, minute] | [hour, minute, "00"] => Time::new(digits(hour)?, digits(minute)?, 0, 0).ok(),
        _ => None,
    }
}
