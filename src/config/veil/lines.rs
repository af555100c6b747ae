//! Where secrets are in a text that no parser reads, and in comments.

use std::hash::{DefaultHasher, Hash, Hasher};

use super::{Secret, show};

/// What follows a secret's key on its line, and what belongs to it below: in comments, or in all of the text where no parser reads it.
pub(super) struct Lines<'a> {
    text: &'a str,
    is_read: bool,
    found: Vec<Secret>,
    /// The keys above, with their columns.
    above: Vec<(usize, &'a str)>,
    below: Below,
    /// The item of a list that it is in: its column, and what it has said so far.
    item: Option<(usize, DefaultHasher)>,
}

/// What may belong to the last secret.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Below {
    Nothing,
    /// Lines that are indented more.
    Deeper(usize),
    /// Nothing stood behind the key: the next line too.
    Value(usize),
    /// All up to the next key at the left of what is indented more.
    Headers(usize),
    /// All up to the closing quote.
    Quoted(char, usize),
}

impl<'a> Lines<'a> {
    pub(super) fn new(text: &'a str, is_read: bool) -> Self {
        Self { text, is_read, found: Vec::new(), above: Vec::new(), below: Below::Nothing, item: None }
    }

    pub(super) fn read(mut self) -> Vec<Secret> {
        let mut start = 0;
        for line in self.text.split_inclusive('\n') {
            self.line(start, line.trim_end());
            start += line.len();
        }
        self.found.retain(|it| self.text.get(it.range.clone()).is_some_and(|it| !it.trim().is_empty()));
        self.found
    }

    fn line(&mut self, start: usize, content: &'a str) {
        let is_comment = content.trim_start().starts_with('#');
        // The indentation within the comment.
        let inner = content.trim_start_matches(|it: char| it.is_whitespace() || it == '#');
        let indent = content.len() - inner.len();
        if inner.is_empty() || self.goes_on(start, content, indent, is_comment) {
            return;
        }
        self.below = Below::Nothing;
        if !is_comment {
            self.above.retain(|(column, _)| *column < indent);
        }
        // In a text that is read only comments, and what lacks the blank behind its colon.
        let from = match (self.is_read, is_comment) {
            (false, _) | (true, true) => 0,
            (true, false) if glued(content) => 0,
            (true, false) => match content.find(" #").or_else(|| content.find("\t#")) {
                Some(at) => at,
                None => return self.opens(content, indent, is_comment),
            },
        };
        if !is_comment {
            self.item = self.item.take().filter(|(column, _)| *column < indent);
            if inner.starts_with("- ") {
                self.item = Some((indent, DefaultHasher::new()));
            }
        }
        let bare = if self.is_read || is_comment { None } else { worded(content) };
        let Some((key, column, value)) = bare.or_else(|| content.get(from..).and_then(keyed)) else {
            self.opens(content, indent, is_comment);
            if let (Some((_, item)), false) = (&mut self.item, is_comment) {
                inner.hash(item);
            }
            return;
        };
        let is_comment = is_comment || from > 0;
        let value = from + value;
        let range = start + value..start + content.len().max(value);
        // Where it would stand without the sign of a comment, in front of it or at the margin.
        let hash = match content.len() - content.trim_start().len() {
            _ if !is_comment => usize::MAX,
            0 => indent.saturating_sub(1) & !1,
            column => column,
        };
        let mut path: String = self.above.iter().filter(|it| it.0 < hash).map(|(_, key)| format!("{key}.")).collect();
        // What opens on the line itself.
        let own = content.get(indent..from.max(indent) + column.saturating_sub(indent)).unwrap_or_default();
        let opened = own.split(['{', ',']).filter_map(|it| it.split_once(':')).map(|(key, _)| key.trim());
        path.extend(opened.take(1).filter(|_| own.contains('{')).map(|it| format!("{it}.")));
        path.push_str(key);
        // Items are told from each other by what they said before.
        let item = self.item.as_ref().filter(|_| !is_comment).map(|(_, it)| format!("[{:x}]", it.finish()));
        let name = format!("{}{path}{}", if is_comment { "#" } else { "" }, item.unwrap_or_default());
        self.found.push(Secret { name, path, is_comment, range });
        let told = content.get(value..).unwrap_or_default();
        self.below = match told.chars().next() {
            None if key.eq_ignore_ascii_case("headers") => Below::Headers(column),
            None => Below::Value(column),
            Some(quote @ ('"' | '\'')) if quotes(told, quote) % 2 == 1 => Below::Quoted(quote, column),
            Some(_) => Below::Deeper(column),
        };
    }

    /// Does the line belong to the secret above?
    fn goes_on(&mut self, start: usize, content: &str, indent: usize, is_comment: bool) -> bool {
        // A comment may be part of a secret, but no secret of a comment.
        let Some(last) = self.found.last_mut().filter(|it| it.is_comment <= is_comment) else { return false };
        // In front of the secret lies what its own lines have in front: the sign of a comment is part of them.
        let indent = if last.is_comment { indent } else { content.len() - content.trim_start().len() };
        let inner = content.get(indent..).unwrap_or_default();
        let is_item = inner.starts_with("- ");
        let (belongs, below) = match self.below {
            Below::Nothing => (false, Below::Nothing),
            Below::Deeper(column) => (indent > column || (indent == column && is_item), self.below),
            Below::Headers(column) => {
                let is_key = opens(inner) && !content.starts_with('\t');
                (indent > column || !is_key, self.below)
            }
            Below::Value(column) => (indent > column || !opens(inner), Below::Deeper(column)),
            Below::Quoted(quote, column) => {
                (true, if quotes(inner, quote) % 2 == 1 { Below::Deeper(column) } else { self.below })
            }
        };
        if belongs {
            self.below = below;
            if last.range.is_empty() {
                last.range.start = start + indent;
            }
            last.range.end = start + content.len();
        }
        belongs
    }

    /// Remembers the key that a line opens.
    fn opens(&mut self, content: &'a str, indent: usize, is_comment: bool) {
        let inner = content.get(indent..).unwrap_or_default();
        let bare = inner.trim_start_matches("- ");
        let key = bare.split_once(':').map(|(key, _)| key.trim().trim_matches(['"', '\'']));
        if let (Some(key), false) = (key, is_comment) {
            self.above.push((indent + inner.len() - bare.len(), key));
        }
    }
}

/// How many quotes there are that open or close.
fn quotes(text: &str, quote: char) -> usize {
    text.replace("\\\\", "").replace("\\\"", "").matches(quote).count()
}

/// Does a line begin with a key?
fn opens(line: &str) -> bool {
    let Some((key, rest)) = line.split_once(':') else { return false };
    let is_word = |it: char| it.is_alphanumeric() || it == '_' || it == '-';
    !key.is_empty() && key.chars().all(is_word) && (rest.is_empty() || rest.starts_with(char::is_whitespace))
}

/// Does a line begin with a secret's key whose colon has no blank behind it?
fn glued(line: &str) -> bool {
    let line = line.trim_start().trim_start_matches("- ");
    line.split_once(':').is_some_and(|(key, rest)| is_secret(key) && rest.starts_with(|it: char| !it.is_whitespace()))
}

fn is_secret_word(word: &str) -> bool {
    is_secret(word.trim_matches(['"', '\'']))
}

/// A line that begins with a secret's key and has no colon.
fn worded(line: &str) -> Option<(&str, usize, usize)> {
    let start = line.trim_start().trim_start_matches("- ");
    let column = line.len() - start.len();
    let word = start.split(char::is_whitespace).next().filter(|it| is_secret_word(it))?;
    let rest = start.get(word.len()..)?;
    Some((word, column, line.len() - rest.trim_start().len()))
}

/// By whichever letters: a key that is written wrong has a secret too.
fn is_secret(key: &str) -> bool {
    let key = key.to_ascii_lowercase();
    show::is_secret(&key, "") || key == "topic"
}

/// The first key of a secret on a line, its column, and where its value begins.
fn keyed(line: &str) -> Option<(&str, usize, usize)> {
    if let Some(key) = line.trim_start().strip_prefix("? ").map(|it| it.trim().trim_matches(['"', '\'']))
        && is_secret(key)
    {
        return Some((key, line.len() - line.trim_start().len(), line.len()));
    }
    let mut from = 0;
    while let Some(colon) = line.get(from..)?.find([':', '=']).map(|it| from + it) {
        from = colon + 1;
        let value = line.get(from..)?;
        let head = line.get(..colon)?.trim_end().trim_end_matches(['"', '\'']);
        let column = head
            .rfind(|it: char| !(it.is_alphanumeric() || it == '_' || it == '-'))
            .map_or(0, |at| at + head.get(at..).and_then(|it| it.chars().next()).map_or(1, char::len_utf8));
        let key = head.get(column..)?;
        if is_secret(key) {
            return Some((key, column, from + (value.len() - value.trim_start().len())));
        }
    }
    None
}
