//! A message in, a command or the reason why not out. Pure: whatever the bytes are, the worst that comes of them is a notice.

use jiff::{
    SignedDuration, Timestamp,
    civil::Time,
    tz::{AmbiguousOffset, TimeZone},
};
use serde::Deserialize;
use serde_json::Value;

use super::{
    message::{Message, Payload},
    topics::{Knob, Look, slot_of},
};
use crate::model::{
    Command, Control, End, House, Lasting, Notice, NoticeKind, Origin, OutletId, Slug, Switch, Target, Verb,
};

/// The longest payload of a command, in bytes.
pub const LONGEST: usize = 64 * 1024;
/// The longest mark that an asker may put on a command, in characters.
const LONGEST_MARK: usize = 256;
/// The longest that a wish may last.
const LONGEST_WISH: SignedDuration = SignedDuration::from_hours(24);

/// The shortest limit of the time on that can be set, in minutes: shorter than the plug's own timer it would be of no use.
const LEAST_RUNTIME: u16 = 5;

/// A pause without a word about its length.
pub(super) const PAUSE: SignedDuration = SignedDuration::from_hours(24);

/// Why a message is no command.
#[derive(Clone, Debug, PartialEq)]
pub enum Unread {
    /// It is empty, as is what clears a topic: nothing to say about it.
    Empty,
    /// It has the RETAIN flag: it would be followed again at each connect.
    Retained {
        /// What people are told.
        notice: Box<Notice>,
        /// Is the topic one of ours, so that the broker may be told to forget the message?
        clear: bool,
    },
    /// It cannot be read.
    Bad(Box<Notice>),
}

/// Reads a command.
///
/// # Errors
/// The message is empty, retained, or cannot be read; see [`Unread`].
pub fn read(
    knob: Knob<'_>,
    message: &Message,
    now: Timestamp,
    house: &House,
    zone: &TimeZone,
) -> Result<Command, Unread> {
    let bytes = match &message.payload {
        Payload::Bytes(bytes) if bytes.is_empty() => return Err(Unread::Empty),
        Payload::Bytes(bytes) => Ok(bytes.as_slice()),
        Payload::TooLong(length) => Err(format!("{length} bytes are too long, at most {LONGEST} are read")),
    };
    if message.retain {
        let words =
            format!("a retained command on {} was ignored: send commands without the retain flag", message.topic);
        let notice = about(Notice::new(now, NoticeKind::RetainedCommandIgnored, words), knob, house);
        let notice = Box::new(notice.with("topic", &message.topic));
        return Err(Unread::Retained { notice, clear: knob.is_well_formed() });
    }
    let command = bytes.and_then(|bytes| command(knob, bytes, now, house, zone));
    command.map_err(|problem| {
        let words = format!("the message on {} cannot be read: {problem}", message.topic);
        let notice = about(Notice::new(now, NoticeKind::BadPayload, words), knob, house);
        Unread::Bad(Box::new(notice.with("topic", &message.topic)))
    })
}

fn command(knob: Knob<'_>, bytes: &[u8], now: Timestamp, house: &House, zone: &TimeZone) -> Result<Command, String> {
    let target = target(knob, house)?;
    let text = std::str::from_utf8(bytes).map_err(|_| "it is not text".to_owned())?.trim();
    let plain = |target, verb| Command::new(target, verb, Origin::Mqtt);
    Ok(match knob {
        Knob::Outlet(..) | Knob::Group(_) => switching(target, text, now, zone)?,
        Knob::OutletControl(..) | Knob::GroupControl(_) => plain(target, Verb::Control(control(text)?)),
        Knob::Acknowledge(..) if text.eq_ignore_ascii_case("PRESS") => plain(target, Verb::Acknowledge),
        Knob::Acknowledge(..) => return Err(format!("{} is not PRESS", quoted(text))),
        Knob::Longest(..) => plain(target, Verb::LongestOn(longest(text)?)),
        Knob::Vacation => plain(target, Verb::Vacation(position(text)?.is_on())),
        Knob::Pause if position(text)?.is_on() => {
            let end = now.checked_add(PAUSE).unwrap_or(Timestamp::MAX);
            plain(target, Verb::Pause(End::Elapsed(end)))
        }
        Knob::Pause => plain(target, Verb::Resume),
    })
}

fn target(knob: Knob<'_>, house: &House) -> Result<Target, String> {
    match knob {
        Knob::Outlet(device, slot)
        | Knob::OutletControl(device, slot)
        | Knob::Acknowledge(device, slot)
        | Knob::Longest(device, slot) => outlet(device, slot, house),
        Knob::Group(group) | Knob::GroupControl(group) => {
            let known = group.parse::<Slug>().ok().filter(|slug| house.groups.contains_key(slug));
            let there = || listed(house.groups.keys().map(Slug::as_str));
            known.map(Target::Group).ok_or_else(|| format!("there is no group {}, there is {}", quoted(group), there()))
        }
        Knob::Vacation | Knob::Pause => Ok(Target::House),
    }
}

/// The outlets that somebody wants to know about.
///
/// # Errors
/// There is no such thing; the text names those there are.
pub(super) fn seen(look: Look<'_>, house: &House) -> Result<Vec<OutletId>, String> {
    let found = match look {
        Look::Outlet(device, slot) => outlet(device, slot, house)?,
        Look::Group(group) => target(Knob::Group(group), house)?,
        Look::Device(device) => {
            let slug = known(device, house)?;
            return Ok(house.outlets.keys().filter(|it| it.device == slug).cloned().collect());
        }
    };
    Ok(match found {
        Target::Outlet(outlet) => vec![outlet],
        Target::Group(group) => house.groups.get(&group).map(|it| it.outlets.clone()).unwrap_or_default(),
        Target::House => Vec::new(),
    })
}

/// The device whose light somebody wants on or off.
///
/// # Errors
/// In words: there is no such device, it has no light, or that is no position.
pub(super) fn led(device: &str, message: &Message, house: &House) -> Result<(Slug, bool), String> {
    let slug = known(device, house)?;
    let housing = house.devices.get(&slug).and_then(|it| it.housing.as_ref());
    housing.and_then(|it| it.led).ok_or_else(|| format!("{slug} has no light that could be switched"))?;
    let Payload::Bytes(bytes) = &message.payload else { return Err("it is too long".to_owned()) };
    let text = std::str::from_utf8(bytes).map_err(|_| "it is not text".to_owned())?;
    Ok((slug, position(text)?.is_on()))
}

fn known(device: &str, house: &House) -> Result<Slug, String> {
    let known = device.parse::<Slug>().ok().filter(|slug| house.devices.contains_key(slug));
    known.ok_or_else(|| {
        let there = listed(house.devices.keys().map(Slug::as_str));
        format!("there is no device {}, there is {there}", quoted(device))
    })
}

fn outlet(device: &str, slot: &str, house: &House) -> Result<Target, String> {
    let slug = known(device, house)?;
    let id = slot_of(slot).map(|slot| OutletId::new(slug.clone(), slot));
    id.filter(|id| house.outlets.contains_key(id)).map(Target::Outlet).ok_or_else(|| {
        let slots = house.outlets.keys().filter(|id| id.device == slug).map(|id| id.slot.to_string());
        let slots: Vec<_> = slots.collect();
        let there = listed(slots.iter().map(String::as_str));
        format!("{slug} has no outlet {}, it has {there}", quoted(slot))
    })
}

/// The JSON form of a command.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wished {
    state: String,
    #[serde(rename = "for")]
    lasts: Option<String>,
    until: Option<String>,
    transaction: Option<Value>,
    reason: Option<String>,
}

fn switching(target: Target, text: &str, now: Timestamp, zone: &TimeZone) -> Result<Command, String> {
    if !text.starts_with('{') {
        return Ok(Command::new(target, verb(text, Lasting::Default, ALLOWED)?, Origin::Mqtt));
    }
    let wished: Wished = serde_json::from_str(text).map_err(|error| shortened(&error.to_string()))?;
    let transaction = wished.transaction.map(mark).transpose()?;
    let lasting = match (wished.lasts, wished.until) {
        (Some(_), Some(_)) => return Err("`for` and `until` exclude each other".to_owned()),
        (Some(lasts), None) => lasts_for(&lasts)?,
        (None, Some(until)) => lasts_until(&until, now, zone)?,
        (None, None) => Lasting::Default,
    };
    let verb = verb(&wished.state, lasting, "`state` must be ON, OFF or TOGGLE")?;
    let reason = wished.reason.as_deref().and_then(because);
    Ok(Command { transaction, reason, ..Command::new(target, verb, Origin::Mqtt) })
}

/// Why, in the asker's own words: one short line. `None` if it is blank.
pub(super) fn because(text: &str) -> Option<String> {
    let line = shortened(text.trim());
    (!line.trim().is_empty()).then_some(line)
}

const ALLOWED: &str = "allowed are ON, OFF, TOGGLE and JSON such as {\"state\":\"ON\",\"for\":\"45m\"}";

fn verb(text: &str, lasting: Lasting, allowed: &str) -> Result<Verb, String> {
    if !text.trim().eq_ignore_ascii_case("TOGGLE") {
        let switch = position(text).map_err(|_| format!("{} is no state, {allowed}", quoted(text)))?;
        return Ok(Verb::Set(switch, lasting));
    }
    if lasting != Lasting::Default {
        return Err("TOGGLE takes neither `for` nor `until`".to_owned());
    }
    Ok(Verb::Toggle)
}

fn position(text: &str) -> Result<Switch, String> {
    let text = text.trim();
    [Switch::On, Switch::Off]
        .into_iter()
        .find(|switch| text.eq_ignore_ascii_case(switch.as_str()))
        .ok_or_else(|| format!("{} is neither ON nor OFF", quoted(text)))
}

fn control(text: &str) -> Result<Control, String> {
    [Control::Auto, Control::On, Control::Off]
        .into_iter()
        .find(|control| text.eq_ignore_ascii_case(control.as_str()))
        .ok_or_else(|| format!("{} is none of auto, on and off", quoted(text)))
}

/// Whole minutes, which Home Assistant may write with a point.
pub(super) fn whole_minutes(text: &str, least: u16, most: u16) -> Result<u16, String> {
    let number = text.parse::<f64>().ok().filter(|it| it.fract() == 0.0);
    let fits = number.filter(|it| (f64::from(least)..=f64::from(most)).contains(it));
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "it is whole and between two such numbers"
    )]
    fits.map(|it| it as u16).ok_or_else(|| format!("{} is no number of minutes from {least} to {most}", quoted(text)))
}

fn longest(text: &str) -> Result<SignedDuration, String> {
    whole_minutes(text, LEAST_RUNTIME, 1440).map(|it| SignedDuration::from_mins(it.into()))
}

fn mark(transaction: Value) -> Result<String, String> {
    let text = match transaction {
        Value::String(text) => text,
        Value::Number(number) => number.to_string(),
        _ => return Err("`transaction` must be text or a number".to_owned()),
    };
    if text.chars().count() > LONGEST_MARK {
        return Err(format!("`transaction` is longer than {LONGEST_MARK} characters"));
    }
    Ok(text)
}

fn lasts_for(text: &str) -> Result<Lasting, String> {
    length(text, LONGEST_WISH).map(Lasting::For)
}

fn lasts_until(text: &str, now: Timestamp, zone: &TimeZone) -> Result<Lasting, String> {
    if text.trim().eq_ignore_ascii_case("next_change") {
        return Ok(Lasting::NextChange);
    }
    end(text, now, zone, LONGEST_WISH).map(Lasting::Until)
}

/// The length of `for`, at most `most`.
pub(super) fn length(text: &str, most: SignedDuration) -> Result<SignedDuration, String> {
    let duration: SignedDuration =
        text.trim().parse().map_err(|_| format!("`for` is {}, not a duration such as 45m or 1h30m", quoted(text)))?;
    if duration <= SignedDuration::ZERO || duration > most {
        return Err(format!("`for` is {}, it must be above 0 and at most {} h", quoted(text), most.as_hours()));
    }
    Ok(duration)
}

/// The moment of `until`, at most `most` ahead.
pub(super) fn end(text: &str, now: Timestamp, zone: &TimeZone, most: SignedDuration) -> Result<Timestamp, String> {
    let text = text.trim();
    if let Some(time) = time_of_day(text) {
        let next = next_at(time, now, zone).ok_or_else(|| format!("`until` {} never comes", quoted(text)))?;
        return Ok(next.min(now + most));
    }
    let at: Timestamp = text.parse().map_err(|_| {
        let form = "a time such as 06:30 or 2026-11-24T06:30:00Z, nor next_change";
        format!("`until` is {}, neither {form}", quoted(text))
    })?;
    if at <= now || at.duration_since(now) > most {
        return Err(format!("`until` is {}, it must be ahead by at most {} h", quoted(text), most.as_hours()));
    }
    Ok(at)
}

/// `HH:MM`.
fn time_of_day(text: &str) -> Option<Time> {
    let (hour, minute) = text.split_once(':')?;
    let number = |digits: &str| {
        let plain = (1..=2).contains(&digits.len()) && digits.bytes().all(|digit| digit.is_ascii_digit());
        plain.then(|| digits.parse::<i8>().ok()).flatten()
    };
    (minute.len() == 2).then(|| Time::new(number(hour)?, number(minute)?, 0, 0).ok()).flatten()
}

/// The next instant at which clocks on the wall show a time: in a gap at its end, in a fold the first time.
fn next_at(time: Time, now: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
    let today = zone.to_datetime(now).date();
    [today, today.tomorrow().ok()?, today.tomorrow().ok()?.tomorrow().ok()?]
        .into_iter()
        .filter_map(|date| {
            let ambiguous = zone.to_ambiguous_timestamp(date.to_datetime(time));
            match ambiguous.offset() {
                AmbiguousOffset::Gap { .. } => Some(zone.following(ambiguous.earlier().ok()?).next()?.timestamp()),
                _ => ambiguous.earlier().ok(),
            }
        })
        .find(|at| *at > now)
}

fn about(notice: Notice, knob: Knob<'_>, house: &House) -> Notice {
    match target(knob, house) {
        Ok(Target::Outlet(outlet)) => notice.about_outlet(&outlet),
        Ok(Target::Group(group)) => notice.about_group(Some(&group)),
        _ => notice,
    }
}

fn listed<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let names: Vec<_> = names.collect();
    if names.is_empty() { "none".to_owned() } else { shortened(&names.join(", ")) }
}

fn quoted(text: &str) -> String {
    format!("`{}`", shortened(text))
}

/// What strangers wrote is shown in one short line.
pub(super) fn shortened(text: &str) -> String {
    const MOST: usize = 120;
    let plain = text.chars().map(|letter| if letter.is_control() { ' ' } else { letter });
    let mut short: String = plain.take(MOST).collect();
    if text.chars().nth(MOST).is_some() {
        short.push('…');
    }
    short
}
