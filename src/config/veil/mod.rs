//! The text of the config without its secrets, and with them again: who edits it as text sees a mask in the place of each secret,
//! and a mask that stays where it was stands for what was there.
//!
//! In a text that is YAML each secret is where the parser says, and known by its keys. In one that is none, or in a comment, it is
//! whatever follows a secret's key, and known by its number among those with that key.

mod lines;
#[cfg(test)]
mod tests;

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Range,
};

use self::lines::Lines;
use super::{show, yaml};

/// A bare asterisk would be an alias.
const MASK: &str = "\"********\"";

/// A secret in a text.
struct Secret {
    /// What tells it from all others: it is the same in the next version of the text.
    name: String,
    /// Its keys, for people.
    path: String,
    is_comment: bool,
    range: Range<usize>,
}

/// A mask that stands for nothing.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Unknown {
    /// The key; empty where nobody knows it.
    pub(super) path: String,
    /// Where it stands in the text, in bytes.
    pub(super) at: usize,
}

/// A text with its secrets.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Unveiled {
    pub(super) text: String,
    /// What was put in the place of masks.
    pub(super) secrets: Vec<String>,
}

/// The text with a mask in the place of each secret.
pub(super) fn veiled(text: &str) -> String {
    spliced(text, secrets(text, is_read(text)).into_iter().map(|it| (it.range, MASK)))
}

/// The text with each mask replaced by what the text `before` has there. Of a text whose letters were guessed nothing is taken over that
/// may have been guessed wrong.
///
/// # Errors
/// Masks that stand for nothing that was there. In a comment they may stay if the file has some already.
pub(super) fn unveiled(text: &str, before: &str, is_guessed: bool) -> Result<Unveiled, Vec<Unknown>> {
    let is_read = is_read(before);
    if is_read && yaml::secrets(text).is_none() && yaml::is_broken(text) {
        // Nothing is saved of it: whoever reads it says why.
        return Ok(Unveiled { text: text.to_owned(), secrets: Vec::new() });
    }
    let (held, found) = (secrets(before, is_read), secrets(text, is_read));
    let by_name: BTreeMap<_, _> = held.iter().map(|it| (it.name.as_str(), it)).collect();
    let masked = found.iter().filter_map(|it| {
        let mask = mask(text.get(it.range.clone())?, is_read && !it.is_comment)?;
        Some((it, it.range.start..it.range.start + mask))
    });
    let masked: Vec<_> = masked.map(|(it, range)| (it, range, by_name.get(it.name.as_str()).copied())).collect();
    let others = Others::of(&held, &masked, is_read);
    let (mut put, mut unknown) = (Vec::new(), Vec::new());
    for (at, (secret, range, known)) in masked.iter().enumerate() {
        let known = known.or_else(|| others.0.get(&at).copied());
        let was = known.and_then(|it| before.get(it.range.clone())).filter(|it| !is_guessed || it.is_ascii());
        match (known, was) {
            (Some(known), Some(was)) => {
                put.push(Put { range: range.clone(), was, from: known.range.start, secret });
            }
            // What the file itself says.
            _ if secret.is_comment && before.contains(show::MASK) => {}
            _ => unknown.push(Unknown { path: secret.path.clone(), at: secret.range.start }),
        }
    }
    if !unknown.is_empty() {
        return Err(unknown);
    }
    put.dedup_by(|next, it| next.range.start < it.range.end);
    let whole = spliced(text, put.iter().map(|it| (it.range.clone(), it.was)));
    let secrets = told(text, &whole, before, &put).map_err(|it| vec![it])?;
    Ok(Unveiled { text: whole, secrets })
}

/// Masks that are known by no name: their line was commented out or brought back, or in a file that nobody could read a line above was mended.
/// They stand for what is gone of the same key, in its order, while there are as many.
struct Others<'a>(BTreeMap<usize, &'a Secret>);

impl<'a> Others<'a> {
    fn of(held: &'a [Secret], masked: &[(&Secret, Range<usize>, Option<&Secret>)], is_read: bool) -> Self {
        let taken: BTreeSet<_> = masked.iter().filter_map(|it| Some(it.2?.range.start)).collect();
        let gone = |key: &str, is_comment: bool| -> Vec<&'a Secret> {
            let these = held.iter().filter(|it| it.is_comment == is_comment && !taken.contains(&it.range.start));
            these.filter(|it| last(&it.path) == key).collect()
        };
        let mut lost: BTreeMap<(&str, bool), Vec<usize>> = BTreeMap::new();
        for (at, (secret, _, _)) in masked.iter().enumerate().filter(|it| it.1.2.is_none()) {
            lost.entry((last(&secret.path), secret.is_comment)).or_default().push(at);
        }
        let mut all = BTreeMap::new();
        for ((key, is_comment), places) in lost {
            // Where everything is read, what is in force is known by its keys or not at all.
            let same = if is_comment || !is_read { gone(key, is_comment) } else { Vec::new() };
            let other = gone(key, !is_comment);
            let found = [same, other].into_iter().find(|it| it.len() == places.len()).unwrap_or_default();
            all.extend(places.into_iter().zip(found));
        }
        Self(all)
    }
}

/// The last key of a path.
fn last(path: &str) -> &str {
    path.rsplit('.').next().unwrap_or_default()
}

/// A secret in the place of a mask.
struct Put<'a> {
    /// Where the mask is.
    range: Range<usize>,
    was: &'a str,
    /// Where the secret was.
    from: usize,
    secret: &'a Secret,
}

/// What the secrets say, if no mask is left in the whole text, and each of them is told where it was told before and nowhere else: another
/// name for it, put into the text, would show it or send it to somebody.
fn told(text: &str, whole: &str, before: &str, put: &[Put<'_>]) -> Result<Vec<String>, Unknown> {
    let is_put = |at: usize| put.iter().any(|it| it.range.contains(&at));
    let left = || text.match_indices(show::MASK).map(|(at, _)| at).find(|at| !is_put(*at));
    let Some(says) = yaml::scalars(whole) else {
        // No YAML, which is told by whoever reads it.
        let left = left().filter(|_| !yaml::is_broken(whole));
        return left.map_or(Ok(Vec::new()), |at| Err(Unknown { path: String::new(), at }));
    };
    if let Some(it) = says.iter().find(|it| it.text.contains(show::MASK)) {
        return Err(Unknown { path: it.path.clone(), at: left().unwrap_or_default() });
    }
    if let Some(at) = left().filter(|_| !before.contains(show::MASK)) {
        // In a comment: what it stands for would be lost.
        return Err(Unknown { path: String::new(), at });
    }
    let said = yaml::scalars(before).unwrap_or_default();
    let (mut secrets, mut moved) = (Vec::new(), 0_isize);
    for it in put {
        // What was put in before has moved it.
        let at = it.range.start.saturating_add_signed(moved);
        moved += it.was.len().cast_signed() - it.range.len().cast_signed();
        let plain = |it: &str| it.trim().trim_matches(['"', '\'']).to_owned();
        secrets.extend([plain(it.was), plain(it.was.split(" #").next().unwrap_or_default())]);
        // What goes by another's name is where that is.
        if it.secret.is_comment || it.was.starts_with('*') {
            continue;
        }
        let own = without_places(&it.secret.path);
        // An anchor or a tag may come before it.
        let within = at..at + it.was.len().max(1);
        let start = says.iter().map(|now| now.range.start).filter(|it| within.contains(it)).min();
        let there: Vec<_> = says.iter().filter(|now| Some(now.range.start) == start).collect();
        let held = it.from..it.from + it.was.len().max(1);
        let was = |path: &str| said.iter().any(|was| held.contains(&was.range.start) && was.path == path);
        // Of a text that nobody could read only its first place is known, and its key.
        let has_key = |path: &str| path.split(['.', '?']).any(|it| it.eq_ignore_ascii_case(last(&own)));
        let first = there.first().map(|it| it.path.as_str()).filter(|it| said.is_empty() && has_key(it));
        let strange = |now: &&&yaml::Scalar| !was(&now.path) && now.path != own && Some(now.path.as_str()) != first;
        match there.iter().find(strange) {
            Some(now) => return Err(Unknown { path: now.path.clone(), at: it.range.start }),
            None if there.is_empty() && !within_one(&said, it.from, &says, at) => {
                return Err(Unknown { path: own, at: it.range.start });
            }
            None => {}
        }
        secrets.extend(there.into_iter().map(|it| it.text.clone()));
    }
    Ok(secrets)
}

/// Are both in the middle of what the same key says?
fn within_one(said: &[yaml::Scalar], from: usize, says: &[yaml::Scalar], at: usize) -> bool {
    let around = |all: &[yaml::Scalar], at| all.iter().find(|it| it.range.contains(&at)).map(|it| it.path.clone());
    around(said, from).is_some_and(|it| Some(it) == around(says, at))
}

/// `a[b].c` as `a.c`.
fn without_places(path: &str) -> String {
    let mut depth = 0_usize;
    let keeps = |it: &char| {
        depth = if *it == '[' { depth + 1 } else { depth };
        let keeps = depth == 0;
        depth = if *it == ']' { depth.saturating_sub(1) } else { depth };
        keeps
    };
    path.chars().filter(keeps).collect()
}

/// How long the mask is that a value begins with, or that it is.
fn mask(value: &str, is_all: bool) -> Option<usize> {
    let stars = value.strip_prefix(['"', '\'']).unwrap_or(value);
    let rest = stars.strip_prefix(show::MASK)?;
    let rest = if stars.len() < value.len() { rest.strip_prefix(['"', '\''])? } else { rest };
    let ends = |it: char| it.is_whitespace() || matches!(it, ',' | '}' | ']');
    (rest.is_empty() || (!is_all && rest.starts_with(ends))).then_some(value.len() - rest.len())
}

fn spliced<'a>(text: &str, parts: impl Iterator<Item = (Range<usize>, &'a str)>) -> String {
    let mut whole = String::with_capacity(text.len());
    let mut from = 0;
    for (range, part) in parts {
        // What lies in another one, such as an alias of it, has gone with that.
        let Some(kept) = text.get(from..range.start) else { continue };
        whole.push_str(kept);
        whole.push_str(part);
        from = range.end;
    }
    whole.push_str(text.get(from..).unwrap_or_default());
    whole
}

/// Does the parser say where every secret is? Only what is masked in the right places counts.
fn is_read(text: &str) -> bool {
    let Some(found) = parsed(text) else { return false };
    let masked = spliced(text, found.into_iter().map(|it| (it.range, MASK)));
    let again = parsed(&masked);
    again.is_some_and(|it| it.iter().all(|it| masked.get(it.range.clone()).is_some_and(|it| mask(it, true).is_some())))
}

/// Where the parser says that they are. What it says of a block reaches into the next line.
fn parsed(text: &str) -> Option<Vec<Secret>> {
    let within = |it: yaml::Hidden| {
        let value = text.get(it.range.clone())?.trim_end();
        let range = it.range.start..it.range.start + value.len();
        Some(Secret { name: it.name, path: it.path, is_comment: false, range })
    };
    let mut found = yaml::secrets(text)?.into_iter().map(within).collect::<Option<Vec<_>>>()?;
    found.sort_by_key(|it| (it.range.start, it.range.end));
    numbered(&mut found);
    Some(found)
}

/// Of those with one name each is the how many-th of how many.
fn numbered(secrets: &mut [Secret]) {
    let mut all: BTreeMap<String, usize> = BTreeMap::new();
    secrets.iter().for_each(|it| *all.entry(it.name.clone()).or_default() += 1);
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for secret in secrets {
        let count = all.get(&secret.name).copied().unwrap_or_default();
        let number = seen.entry(secret.name.clone()).or_default();
        *number += 1;
        secret.name = format!("{} ({number} of {count})", secret.name);
    }
}

/// The secrets of a text in their order.
fn secrets(text: &str, is_read: bool) -> Vec<Secret> {
    let mut found = if is_read { parsed(text).unwrap_or_default() } else { Vec::new() };
    // What looks like a comment may be part of a value: the last one that begins before it tells.
    let hidden: BTreeMap<usize, usize> = found.iter().map(|it| (it.range.start, it.range.end)).collect();
    let said = if is_read { yaml::scalars(text).unwrap_or_default() } else { Vec::new() };
    let said: BTreeMap<usize, usize> = said.into_iter().map(|it| (it.range.start, it.range.end)).collect();
    let is_apart = |it: &Secret| {
        let others = if it.is_comment { &said } else { &hidden };
        others.range(..=it.range.start).next_back().is_none_or(|(_, end)| *end < it.range.end)
    };
    let mut apart: Vec<_> = Lines::new(text, is_read).read().into_iter().filter(is_apart).collect();
    numbered(&mut apart);
    found.extend(apart);
    found.sort_by_key(|it| (it.range.start, it.range.end));
    found
}
