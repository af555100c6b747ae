//! The days that a schedule leaves out (`except`) and those that it takes on (`also`).

use jiff::civil::Date;

use super::{
    section::{Section, cut, shown},
    shape::Shape,
    tree::{Kind, Node},
};

/// A list is a list of holidays, not a calendar.
const MOST: usize = 366;
const DATE: &str = "a date, YYYY-MM-DD";

/// Reads both lists of a schedule.
pub(super) fn read(it: &Section<'_>) -> (Vec<(Date, Date)>, Vec<Date>) {
    let except: Vec<(Date, Date)> =
        listed(it, "except").iter().filter_map(|(path, node)| span(it, path, node)).collect();
    let mut also = Vec::new();
    for (path, node) in listed(it, "also") {
        let Some(date) = date(it, &path, node) else { continue };
        if except.iter().any(|(from, to)| (*from..=*to).contains(&date)) {
            it.book.refuse(
                &node.place,
                &path,
                format!("{date}, which `except` has"),
                "each date in one of the two lists",
            );
        }
        also.push(date);
    }
    (except, also)
}

fn listed<'a>(it: &Section<'a>, key: &'static str) -> Vec<(String, &'a Node)> {
    let mut items = it.list(key);
    if items.len() > MOST {
        it.refuse(key, format!("{} entries", items.len()), format!("at most {MOST} entries"));
        items.clear();
    }
    items
}

/// A date, or `{from, to}`, both inclusive.
fn span(it: &Section<'_>, path: &str, node: &Node) -> Option<(Date, Date)> {
    it.book.note(path, || Shape::Section);
    if !matches!(node.kind, Kind::Map(_)) {
        return date_or(it, path, node, "a date, YYYY-MM-DD, or `{from: YYYY-MM-DD, to: YYYY-MM-DD}`")
            .map(|it| (it, it));
    }
    let section = Section::new(it.book, path.to_owned(), node.place.clone(), node);
    let read = |key| {
        section.note(key, || Shape::Text);
        let Some(entry) = section.get(key) else {
            section.miss(key, DATE);
            return None;
        };
        date(&section, &section.path_of(key), &entry.value)
    };
    let span = read("from").zip(read("to"));
    if let Some((from, to)) = span.filter(|(from, to)| from > to) {
        section.refuse("to", to, format!("a date that is not before {from}"));
    }
    section.close();
    span
}

fn date(it: &Section<'_>, path: &str, node: &Node) -> Option<Date> {
    date_or(it, path, node, DATE)
}

fn date_or(it: &Section<'_>, path: &str, node: &Node, allowed: &str) -> Option<Date> {
    it.book.note(path, || Shape::Text);
    let Kind::Text(text) = &node.kind else {
        it.book.refuse(&node.place, path, shown(node), allowed);
        return None;
    };
    // Four, two and two digits: other spellings of ISO 8601 are not what people mean by a date.
    let plain = text.len() == 10
        && text.bytes().enumerate().all(|(at, it)| if at == 4 || at == 7 { it == b'-' } else { it.is_ascii_digit() });
    let date = text.parse().ok().filter(|_| plain);
    if date.is_none() {
        it.book.refuse(&node.place, path, format!("\"{}\"", cut(text)), allowed);
    }
    date
}
