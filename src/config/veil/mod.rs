//! The text of the config without its secrets, and with them again: who edits it as text sees a mask in the place of each secret,
//! and a mask that stays where it was stands for what was there.
//!
//! In a text that is YAML each secret is where the parser says, and known by its keys. In one that is none, or in a comment, it is
//! whatever follows a secret's key, and known by its number among those with that key.

mod lines;
#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, ops::Range};

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
/// Masks that stand for nothing that was there. One in a comment may stay.
pub(super) fn unveiled(text: &str, before: &str, is_guessed: bool) -> Result<Unveiled, Vec<Unknown>> {
    let is_read = is_read(before);
    let as_it_is = || Unveiled { text: text.to_owned(), secrets: Vec::new() };
    if is_read && yaml::secrets(text).is_none() && yaml::is_broken(text) {
        // Nothing is saved of it: whoever reads it says why.
        return Ok(as_it_is());
    }
    let held: BTreeMap<_, _> = secrets(before, is_read).into_iter().map(|it| (it.name, it.range)).collect();
    let known = |secret: &Secret| {
        let range = held.get(&secret.name)?;
        let was = before.get(range.clone()).filter(|it| !is_guessed || it.is_ascii())?;
        // A name that is put on it now could tell it elsewhere.
        let is_named = |text: &str, at: usize| {
            text.get(..at).is_some_and(|it| it.split_whitespace().next_back().is_some_and(|it| it.starts_with('&')))
        };
        (is_named(before, range.start) || !is_named(text, secret.range.start)).then_some(was)
    };
    let (mut put, mut unknown) = (Vec::new(), Vec::new());
    for secret in secrets(text, is_read) {
        let Some(mask) = text.get(secret.range.clone()).and_then(|it| mask(it, is_read && !secret.is_comment)) else {
            continue;
        };
        match known(&secret) {
            Some(was) => put.push((secret.range.start..secret.range.start + mask, was)),
            None if secret.is_comment => {}
            None => unknown.push(Unknown { path: secret.path, at: secret.range.start }),
        }
    }
    // Whatever it is taken for, none of them gets into the file.
    let is_put = |at: usize| put.iter().any(|(range, _)| range.contains(&at));
    let is_told = |at: usize| unknown.iter().any(|it| (it.at..it.at + MASK.len()).contains(&at));
    let left = text.match_indices(show::MASK).map(|(at, _)| at);
    let left: Vec<_> = left.filter(|at| !is_put(*at) && !is_told(*at) && !is_in_comment(text, *at)).collect();
    unknown.extend(left.into_iter().map(|at| Unknown { path: String::new(), at }));
    if !unknown.is_empty() {
        return Err(unknown);
    }
    let secrets = put.iter().map(|(_, was)| was.trim().trim_matches(['"', '\'']).to_owned()).collect();
    Ok(Unveiled { text: spliced(text, put.into_iter()), secrets })
}

fn is_in_comment(text: &str, at: usize) -> bool {
    let line = text.get(..at).unwrap_or_default().rsplit('\n').next().unwrap_or_default();
    line.trim_start().starts_with('#') || line.contains(" #") || line.contains("\t#")
}

/// How long the mask is that a value begins with, or that it is.
fn mask(value: &str, is_all: bool) -> Option<usize> {
    let stars = value.strip_prefix(['"', '\'']).unwrap_or(value);
    let rest = stars.strip_prefix(show::MASK)?;
    let rest = if stars.len() < value.len() { rest.strip_prefix(['"', '\''])? } else { rest };
    (rest.is_empty() || !is_all).then_some(value.len() - rest.len())
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
    // What looks like a comment may be part of a secret: the last one that begins before it tells.
    let ends: BTreeMap<usize, usize> = found.iter().map(|it| (it.range.start, it.range.end)).collect();
    let is_apart = |it: &Secret| ends.range(..=it.range.start).next_back().is_none_or(|(_, end)| *end < it.range.end);
    let mut apart: Vec<_> = Lines::new(text, is_read).read().into_iter().filter(is_apart).collect();
    numbered(&mut apart);
    found.extend(apart);
    found.sort_by_key(|it| (it.range.start, it.range.end));
    found
}
