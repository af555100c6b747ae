//! Where the user's own weather station measures: `weather_api.local.topics`.

use jiff::SignedDuration;

use super::{
    broker::topic,
    section::{Section, cut, nearest},
    shape::Shape,
    tree::Node,
    values::one_of,
};
use crate::model::{Quantity, StationTopic};

/// How long a figure is held to be true where the config does not say.
const MAX_AGE: SignedDuration = SignedDuration::from_mins(30);
/// The shortest and the longest `max_age`.
const MAX_AGES: (SignedDuration, SignedDuration) = (SignedDuration::from_secs(10), SignedDuration::from_hours(6));
/// More topics than any station has.
const MOST: usize = 64;

/// Reads `local` below `weather_api`.
pub(super) fn read(weather: &Section<'_>, base_topic: &str) -> Vec<StationTopic> {
    let Some(it) = weather.section("local") else { return Vec::new() };
    let items = it.list("topics");
    if items.len() > MOST {
        it.refuse("topics", format!("{} topics", items.len()), format!("at most {MOST}"));
    }
    let read = |(path, node): (String, &Node)| one(Section::new(it.book, path, node.place.clone(), node), base_topic);
    let topics = items.into_iter().take(MOST).filter_map(read).collect();
    it.close();
    topics
}

fn one(it: Section<'_>, base_topic: &str) -> Option<StationTopic> {
    if !it.has("topic") {
        it.miss("topic", "the topic on which your station publishes, without wildcards");
    }
    let topic = topic(&it, "topic");
    let is_ours =
        |topic: &String| topic.strip_prefix(base_topic).is_some_and(|it| it.is_empty() || it.starts_with('/'));
    if topic.as_ref().is_some_and(is_ours) {
        let own = format!("a topic that is not the bridge's own; {base_topic}/weather/local/set needs no entry here");
        it.refuse("topic", "a topic below `mqtt.base_topic`", own);
    }
    let field = quantity(&it);
    let names: Vec<&str> = field.map(|it| it.units().iter().map(|it| it.name).collect()).unwrap_or_default();
    let unit = it.text("unit");
    let unit = field.and_then(|field| {
        let Some(text) = &unit else { return field.units().first().copied() };
        let plain = |it: &str| it.trim_start_matches('°').to_lowercase();
        let found = field.units().iter().find(|it| plain(it.name) == plain(text));
        if found.is_none() {
            it.refuse("unit", format!("\"{}\"", cut(text)), one_of(&names));
        }
        found.copied()
    });
    let pointer = pointer(&it, "pointer").unwrap_or_default();
    let time = pointer_of_time(&it);
    let max_age = max_age(&it);
    it.close();
    Some(StationTopic { topic: topic?, field: field?, pointer, unit: unit?, max_age, time })
}

fn quantity(it: &Section<'_>) -> Option<Quantity> {
    let names = Quantity::ALL.map(Quantity::name);
    if !it.has("field") {
        it.miss("field", one_of(&names));
    }
    it.note("field", || Shape::OneOf(names.to_vec()));
    let text = it.text("field")?;
    let found = Quantity::ALL.into_iter().find(|it| it.name() == text);
    if found.is_none() {
        let hint = nearest(&text, names.into_iter());
        it.refuse_with("field", format!("\"{}\"", cut(&text)), one_of(&names), hint);
    }
    found
}

/// A JSON pointer (RFC 6901): empty, or levels that each begin with `/`.
fn pointer(it: &Section<'_>, key: &'static str) -> Option<String> {
    let text = it.text(key)?;
    if text.is_empty() || (text.starts_with('/') && text.len() <= 200) {
        return Some(text);
    }
    it.refuse(key, format!("\"{}\"", cut(&text)), "a JSON pointer such as /temperature_C, at most 200 bytes");
    None
}

fn pointer_of_time(it: &Section<'_>) -> Option<String> {
    pointer(it, "time").filter(|it| !it.is_empty())
}

fn max_age(it: &Section<'_>) -> SignedDuration {
    let Some(text) = it.text("max_age") else { return MAX_AGE };
    let length = text.trim().parse::<SignedDuration>().ok();
    let Some(length) = length.filter(|it| (MAX_AGES.0..=MAX_AGES.1).contains(it)) else {
        it.refuse("max_age", format!("\"{}\"", cut(&text)), "a length of time such as 90s or 10m, from 10s to 6h");
        return MAX_AGE;
    };
    length
}
