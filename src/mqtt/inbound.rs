//! A message in, a command or the reason why not out. Pure: whatever the bytes are, the worst that comes of them is a notice.

use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use serde::Deserialize;
use serde_json::Value;

use super::{
    message::{Message, Payload},
    topics::{Knob, Look, slot_of},
};
use crate::model::{
    Command, End, House, Lasting, Notice, NoticeKind, Origin, OutletId, Slug, Target, Verb,
    asked::{because, control, lasting, position, quoted, shortened, verb},
};

/// The longest payload of a command, in bytes.
pub const LONGEST: usize = 64 * 1024;
/// The longest mark that an asker may put on a command, in characters.
const LONGEST_MARK: usize = 256;
/// The shortest limit of the time on that can be set, in minutes: shorter than the plug's own timer it would be of no use.
const LEAST_RUNTIME: u32 = 5;
/// No config allows more, in minutes: a year.
const MOST_RUNTIME: u32 = 8760 * 60;

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
        Knob::Longest(..) => {
            let limit = longest(text, &target, house)?;
            plain(target, Verb::LongestOn(limit))
        }
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
    let lasting = lasting(wished.lasts.as_deref(), wished.until.as_deref(), now, zone)?;
    let verb = verb(&wished.state, lasting, "`state` must be ON, OFF or TOGGLE")?;
    let reason = wished.reason.as_deref().and_then(because);
    Ok(Command { transaction, reason, ..Command::new(target, verb, Origin::Mqtt) })
}

const ALLOWED: &str = "allowed are ON, OFF, TOGGLE and JSON such as {\"state\":\"ON\",\"for\":\"45m\"}";

/// Whole minutes, which Home Assistant may write with a point.
pub(super) fn whole_minutes(text: &str, least: u32, most: u32) -> Result<u32, String> {
    let number = text.parse::<f64>().ok().filter(|it| it.fract() == 0.0);
    let fits = number.filter(|it| (f64::from(least)..=f64::from(most)).contains(it));
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "it is whole and between two such numbers"
    )]
    fits.map(|it| it as u32).ok_or_else(|| format!("{} is no number of minutes from {least} to {most}", quoted(text)))
}

/// The least and the most that a limit of one's own can be, in minutes, where the config allows so much.
pub(super) fn runtimes(allowed: SignedDuration) -> (u32, u32) {
    let most = u32::try_from(allowed.as_mins()).unwrap_or_default();
    // A number whose bounds are the same is left out by older Home Assistants.
    (LEAST_RUNTIME.min(most.saturating_sub(1)), most)
}

fn longest(text: &str, target: &Target, house: &House) -> Result<SignedDuration, String> {
    let Target::Outlet(id) = target else { return Err("only an outlet has a longest runtime".to_owned()) };
    let allowed = house.outlets.get(id).map(|it| it.longest_on).unwrap_or_default();
    let (least, most) = runtimes(allowed);
    // What is above it the control refuses, in its own words.
    let minutes = whole_minutes(text, least.max(1), MOST_RUNTIME)?;
    // The config's own figure takes one's own limit away, also where it is no whole number of minutes.
    Ok(if minutes == most { allowed } else { SignedDuration::from_mins(minutes.into()) })
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
