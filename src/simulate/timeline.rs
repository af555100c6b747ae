//! The timeline: a row for each change of position or mode, from what the plugs reported.

use std::fmt::Write as _;

use jiff::Timestamp;

use super::Outcome;
use crate::model::{Mode, Slug, Switch};

/// A change.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// When it was seen: on the grid of the steps.
    pub at: Timestamp,
    /// Which group.
    pub group: Slug,
    /// Is any outlet of it on?
    pub switch: Switch,
    /// The word that people see.
    pub mode: Mode,
    /// Why, as a sentence.
    pub reason: String,
}

/// CSV with a header line: `time_utc` in unix seconds as in the weather file, ascending over all groups.
pub fn timeline(outcome: &Outcome) -> String {
    let mut rows: Vec<&Row> = outcome.groups.iter().flat_map(|it| &it.rows).collect();
    rows.sort_by(|one, other| (one.at, &one.group).cmp(&(other.at, &other.group)));
    let mut text = String::from("time_utc,group,state,mode,reason\n");
    for row in rows {
        let (at, reason) = (row.at.as_second(), quoted(&row.reason));
        // Writing into a text cannot fail.
        let _ = writeln!(text, "{at},{},{},{},{reason}", row.group, row.switch, row.mode.as_str());
    }
    text
}

/// A field of a CSV file (RFC 4180).
fn quoted(field: &str) -> String {
    if field.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", field.replace('"', "\"\""))
    } else {
        field.to_owned()
    }
}
