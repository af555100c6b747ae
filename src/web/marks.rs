//! What whoever asks has seen: the marks (`ETag`) that `If-Match` and `If-None-Match` name (RFC 9110, 13.1).
//!
//! Whether a mark is weak (`W/`) is not looked at. By the letter of the RFC a weak one matches nothing in `If-Match`; but a proxy that packs
//! answers, such as nginx with gzip, makes every mark weak on its way to the browser, and nobody behind it could save anything. Marks here are
//! those of what is told, whatever bytes it is told with, so that this overwrites nothing that was not seen.

use std::time::Duration;

use axum::http::{HeaderMap, HeaderName, header};

use super::Site;
use crate::hub::Errand;

/// What is read only.
const AT_ONCE: Duration = Duration::from_secs(2);

/// The marks of a header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Marks {
    /// `*`: whatever there is.
    Any,
    /// Any of these, without their quotes.
    These(Vec<String>),
}

impl Marks {
    /// None without the header. What cannot be read is no mark, and matches nothing.
    pub(super) fn of(headers: &HeaderMap, name: HeaderName) -> Option<Self> {
        let lines: Vec<_> = headers.get_all(name).iter().map(|it| String::from_utf8_lossy(it.as_bytes())).collect();
        if lines.is_empty() {
            return None;
        }
        let text = lines.join(",");
        let mut rest = text.trim();
        if rest == "*" {
            return Some(Self::Any);
        }
        let mut marks = Vec::new();
        while !rest.is_empty() {
            let strong = rest.strip_prefix("W/").unwrap_or(rest);
            let (mark, after) = match strong.strip_prefix('"') {
                // There may be a comma within the quotes.
                Some(quoted) => quoted.split_once('"').unwrap_or((quoted, "")),
                None => strong.find(',').map_or((strong, ""), |at| strong.split_at(at)),
            };
            if !mark.trim().is_empty() {
                marks.push(mark.trim().to_owned());
            }
            rest = after.trim_start_matches([',', ' ', '\t']);
        }
        Some(Self::These(marks))
    }

    /// Is this mark, without its quotes, among them?
    pub(super) fn has(&self, mark: &str) -> bool {
        match self {
            Self::Any => true,
            Self::These(marks) => marks.iter().any(|it| it == mark),
        }
    }
}

impl Site {
    /// The mark of the config file that whoever wants to change it has seen; of several the one that it has, if one is. None if they want to
    /// change it however it is.
    pub(super) async fn seen(&self, headers: &HeaderMap) -> Option<String> {
        let Some(marks @ Marks::These(_)) = Marks::of(headers, header::IF_MATCH) else { return None };
        let Marks::These(all) = &marks else { return None };
        if all.len() > 1 {
            let now = self.handle.errand(Errand::ConfigText, AT_ONCE).await.ok();
            let mark = now.as_ref().and_then(|it| it.get("etag")?.as_str()).filter(|it| marks.has(it));
            if let Some(mark) = mark {
                return Some(mark.to_owned());
            }
        }
        Some(all.first().cloned().unwrap_or_default())
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn marks_are_read_as_they_may_be_written() {
        let these = |marks: &[&str]| Some(Marks::These(marks.iter().map(|it| (*it).to_owned()).collect()));
        for (lines, marks) in [
            (&[][..], None),
            (&["*"], Some(Marks::Any)),
            (&["\"a\""], these(&["a"])),
            (&["W/\"a\""], these(&["a"])),
            (&["a"], these(&["a"])),
            (&["\"x\", W/\"a,b\" ,,\"c\""], these(&["x", "a,b", "c"])),
            (&["\"x\"", "\"a\""], these(&["x", "a"])),
            (&["\"a"], these(&["a"])),
            (&["", " , "], these(&[])),
            (&["*, \"a\""], these(&["*", "a"])),
        ] {
            let mut headers = HeaderMap::new();
            for line in lines {
                headers.append(header::IF_MATCH, line.parse().unwrap());
            }
            assert_eq!(Marks::of(&headers, header::IF_MATCH), marks, "{lines:?}");
        }
    }
}
