//! The text of the config without its secrets, and with them again: who edits it as text sees a mask in the place of each secret,
//! and a mask that stays where it was stands for what was there.
//!
//! In a text that is YAML each secret is where the parser says, and known by its keys. In one that is none, or in a comment, it is
//! whatever follows a secret's key, and known by its number among those with that key.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Range,
};

use super::{show, yaml};

/// A bare asterisk would be an alias.
const MASK: &str = "\"********\"";

/// A secret in a text.
struct Secret {
    /// Its keys, or the last of them where nobody knows the others: the same in the next version of the text.
    path: String,
    /// The how many-th it is with such a key, where nobody knows the others.
    number: Option<usize>,
    range: Range<usize>,
}

/// A mask that stands for nothing.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Unknown {
    /// The key.
    pub(super) path: String,
    /// Where it stands in the text, in bytes.
    pub(super) at: usize,
}

/// The text with a mask in the place of each secret.
pub(super) fn veiled(text: &str) -> String {
    let masks = secrets(text, is_read(text)).into_iter().map(|it| (it.range, MASK.to_owned()));
    spliced(text, masks)
}

/// The text with each mask replaced by what the text `before` has there.
///
/// # Errors
/// Masks that stand for nothing that was there.
pub(super) fn unveiled(text: &str, before: &str) -> Result<String, Vec<Unknown>> {
    let is_read = is_read(before);
    let held = secrets(before, is_read);
    let count = |secrets: &[Secret]| {
        let mut count: BTreeMap<String, usize> = BTreeMap::new();
        let numbered = secrets.iter().filter(|it| it.number.is_some());
        numbered.for_each(|it| *count.entry(it.path.clone()).or_default() += 1);
        count
    };
    let found = secrets(text, is_read);
    let (there, here) = (count(&held), count(&found));
    let (mut put, mut unknown) = (Vec::new(), Vec::new());
    for secret in found {
        let Some(value) = text.get(secret.range.clone()) else { continue };
        if !is_mask(value) {
            continue;
        }
        // Those that only their number tells apart are known while none was added or taken away.
        let is_sure = secret.number.is_none() || there.get(&secret.path) == here.get(&secret.path);
        let known = held.iter().find(|it| is_sure && it.path == secret.path && it.number == secret.number);
        match known.and_then(|it| before.get(it.range.clone())) {
            Some(value) => put.push((secret.range, value.to_owned())),
            None => unknown.push(Unknown { path: secret.path, at: secret.range.start }),
        }
    }
    if unknown.is_empty() { Ok(spliced(text, put.into_iter())) } else { Err(unknown) }
}

fn is_mask(value: &str) -> bool {
    let stars = value.trim().trim_matches(['"', '\'']);
    stars.len() == show::MASK.len() && stars == show::MASK
}

fn spliced(text: &str, parts: impl Iterator<Item = (Range<usize>, String)>) -> String {
    let mut whole = String::with_capacity(text.len());
    let mut from = 0;
    for (range, part) in parts {
        // What lies in another one, such as an alias of it, has gone with that.
        let Some(kept) = text.get(from..range.start) else { continue };
        whole.push_str(kept);
        whole.push_str(&part);
        from = range.end;
    }
    whole.push_str(text.get(from..).unwrap_or_default());
    whole
}

/// Does the parser say where every secret is? Only what is masked in the right places counts.
fn is_read(text: &str) -> bool {
    let Some(found) = parsed(text) else { return false };
    let masked = spliced(text, found.into_iter().map(|it| (it.range, MASK.to_owned())));
    let again = parsed(&masked);
    again.is_some_and(|it| it.iter().all(|it| masked.get(it.range.clone()).is_some_and(is_mask)))
}

/// Where the parser says that they are. What it says of a block reaches into the next line.
fn parsed(text: &str) -> Option<Vec<Secret>> {
    let within = |(path, range): (String, Range<usize>)| {
        let value = text.get(range.clone())?.trim_end();
        Some(Secret { path, number: None, range: range.start..range.start + value.len() })
    };
    let mut found = yaml::secrets(text)?.into_iter().map(within).collect::<Option<Vec<_>>>()?;
    // A key that is there twice, or two items of one name.
    let paths: BTreeSet<_> = found.iter().map(|it| &it.path).collect();
    if paths.len() < found.len() {
        return None;
    }
    found.sort_by_key(|it| (it.range.start, it.range.end));
    Some(found)
}

/// The secrets of a text in their order.
fn secrets(text: &str, is_read: bool) -> Vec<Secret> {
    let lines = by_lines(text, is_read);
    let mut found = if is_read { parsed(text).unwrap_or_default() } else { Vec::new() };
    // What looks like a comment may be part of a secret.
    let is_apart =
        |it: &Secret| !found.iter().any(|other| other.range.start <= it.range.start && it.range.end <= other.range.end);
    let apart: Vec<_> = lines.into_iter().filter(is_apart).collect();
    found.extend(apart);
    found.sort_by_key(|it| (it.range.start, it.range.end));
    found
}

/// What follows a secret's key on its line, and what is indented below that: in comments, or in all of the text.
fn by_lines(text: &str, only_comments: bool) -> Vec<Secret> {
    let (mut found, mut numbers) = (Vec::<Secret>::new(), BTreeMap::<&str, usize>::new());
    // The column of a secret's key, while what stands below may belong to it.
    let mut below: Option<usize> = None;
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let (from, content) = (start, line.trim_end());
        start += line.len();
        let indent = content.len() - content.trim_start().len();
        if let (Some(column), Some(last), false) = (below, found.last_mut(), content.is_empty())
            && indent > column
        {
            if last.range.is_empty() {
                last.range.start = from + indent;
            }
            last.range.end = from + content.len();
            continue;
        }
        below = below.filter(|_| content.is_empty());
        let is_comment = content.trim_start().starts_with('#');
        if only_comments && !is_comment {
            continue;
        }
        let Some((key, column, value)) = keyed(content) else { continue };
        // A comment ends with its line.
        below = (!is_comment).then_some(column);
        if value < content.len() || !is_comment {
            let number = numbers.entry(key).or_default();
            *number += 1;
            let range = from + value..from + content.len().max(value);
            found.push(Secret { path: key.to_owned(), number: Some(*number), range });
        }
    }
    found.retain(|it| text.get(it.range.clone()).is_some_and(|it| !it.trim().is_empty()));
    found
}

/// The first key of a secret on a line, its column, and where its value begins.
fn keyed(line: &str) -> Option<(&str, usize, usize)> {
    let mut from = 0;
    while let Some(colon) = line.get(from..)?.find(':').map(|it| from + it) {
        from = colon + 1;
        let value = line.get(from..)?;
        let head = line.get(..colon)?.trim_end().trim_end_matches(['"', '\'']);
        let column = head
            .rfind(|it: char| !(it.is_alphanumeric() || it == '_' || it == '-'))
            .map_or(0, |at| at + head.get(at..).and_then(|it| it.chars().next()).map_or(1, char::len_utf8));
        let key = head.get(column..)?;
        let ends = value.is_empty() || value.starts_with(char::is_whitespace);
        if ends && (show::is_secret(key, "") || key == "topic") {
            return Some((key, column, from + (value.len() - value.trim_start().len())));
        }
    }
    None
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    const TEXT: &str = "# password: old1\nmqtt:\n  host: broker\n  username: ann\n  password: 'it''s'  # mine\ncredentials:\n  { username: \"a@b.c\", password: \"x, y: z\" }\nweb:\n  pin: 1234\n  tokens:\n    - name: red\n      token: &t abcdefghijklmnopq\n    - { name: blue, token: *t }\nnotifications:\n  webhook:\n    url: https://h.example/secret\n    headers:\n      X-Key: |\n        line one\n        line two\n  ntfy: { topic: mine }\n";

    #[test]
    fn nothing_of_a_secret_is_seen_and_the_rest_is_as_it_was() {
        let seen = veiled(TEXT);
        for secret in
            ["old1", "ann", "it''s", "a@b.c", "x, y", "1234", "abcdefg", "h.example", "line one", "line two", "mine }"]
        {
            assert!(!seen.contains(secret), "{secret} in\n{seen}");
        }
        for kept in ["host: broker", "  # mine", "name: red", "name: blue"] {
            assert!(seen.contains(kept), "{kept} not in\n{seen}");
        }
        assert_eq!(unveiled(&seen, TEXT).unwrap(), TEXT);
    }

    #[test]
    fn what_is_edited_around_them_keeps_them_and_what_is_written_anew_holds() {
        let edited = veiled(TEXT)
            .replace("host: broker", "host: other")
            .replace("    - name: red\n", "    - name: green\n      token: \"a new one of twenty\"\n    - name: red\n");
        let whole = unveiled(&edited, TEXT).unwrap();
        let wanted = TEXT
            .replace("host: broker", "host: other")
            .replace("    - name: red\n", "    - name: green\n      token: \"a new one of twenty\"\n    - name: red\n");
        assert_eq!(whole, wanted);
        // A section that goes takes its secrets with it.
        let gone = veiled(TEXT).replace("  ntfy: { topic: \"********\" }\n", "");
        assert_eq!(unveiled(&gone, TEXT).unwrap(), TEXT.replace("  ntfy: { topic: mine }\n", ""));
    }

    #[test]
    fn a_mask_that_stands_for_nothing_is_named() {
        let text = veiled(TEXT).replace("name: red", "name: green");
        let at = text.find("\"********\"\n    - { name: blue").unwrap();
        let unknown = unveiled(&text, TEXT).unwrap_err();
        assert_eq!(unknown, [Unknown { path: "web.tokens[green].token".to_owned(), at }]);
        assert!(unveiled("mqtt: { password: \"********\" }", "").is_err());
    }

    #[test]
    fn a_text_that_is_no_yaml_shows_none_either_and_is_repaired_around_them() {
        let broken = TEXT.replace("host: broker", "host: [broker");
        let seen = veiled(&broken);
        for secret in
            ["old1", "ann", "it''s", "a@b.c", "x, y", "1234", "abcdefg", "h.example", "line one", "line two", "mine }"]
        {
            assert!(!seen.contains(secret), "{secret} in\n{seen}");
        }
        assert_eq!(unveiled(&seen, &broken).unwrap(), broken);
        assert_eq!(unveiled(&seen.replace("[broker", "broker"), &broken).unwrap(), TEXT);
        // Which one is meant cannot be told where one was taken away.
        let shorter = seen.replace("  username: \"********\"\n", "");
        assert!(unveiled(&shorter, &broken).is_err(), "{shorter}");
    }

    proptest::proptest! {
        #![proptest_config(proptest::test_runner::Config { failure_persistence: None, ..Default::default() })]
        #[test]
        fn any_text_comes_back_as_it_was(text in "([a-z#\"'*:|{}\\[\\],& -]|password: |token: |\\n|\\n  |ä){0,60}") {
            let seen = veiled(&text);
            if !text.contains(show::MASK) {
                proptest::prop_assert_eq!(unveiled(&seen, &text).ok(), Some(text));
            }
        }
    }
}
