//! The predicted windows as an iCalendar (RFC 5545).

use std::fmt::Write;

use jiff::Timestamp;

use crate::{
    hub::Plans,
    model::{ControlSettings, Plan, PlannedWindow, Slug},
};

/// No line is longer, in octets and without its end (RFC 5545, 3.1).
const LINE: usize = 75;

/// The windows of every group.
pub(super) fn calendar(plans: &Plans, settings: &ControlSettings) -> String {
    let mut text = String::new();
    for line in ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//HeatTrax//plan//EN", "CALSCALE:GREGORIAN"] {
        push(&mut text, line);
    }
    push(&mut text, "X-WR-CALNAME:HeatTrax");
    for (group, plan) in plans {
        let name = settings.groups.get(group).map_or(group.as_str(), |it| it.name.as_str());
        for window in &plan.windows {
            event(&mut text, group, name, plan, window);
        }
    }
    push(&mut text, "END:VCALENDAR");
    text
}

fn event(text: &mut String, group: &Slug, name: &str, plan: &Plan, window: &PlannedWindow) {
    let mode = window.mode.as_str().replace('_', " ");
    let mut description = window.reason.clone();
    // Writing to a string cannot fail.
    if let Some(kwh) = window.kwh {
        let _ = write!(description, "\n{kwh:.1} kWh");
    }
    if let Some(cost) = window.cost {
        let _ = write!(description, ", {cost:.2} {}", plan.currency.as_deref().unwrap_or_default());
    }
    push(text, "BEGIN:VEVENT");
    // A window keeps its name as long as it keeps its beginning, so that a calendar moves its end instead of showing it twice.
    push(text, &format!("UID:{group}-{}@heattrax", window.start.as_second()));
    push(text, &format!("DTSTAMP:{}", utc(plan.made_at)));
    push(text, &format!("DTSTART:{}", utc(window.start)));
    push(text, &format!("DTEND:{}", utc(window.end)));
    push(text, &format!("SUMMARY:{}", escaped(&format!("{name}: {mode}"))));
    push(text, &format!("DESCRIPTION:{}", escaped(description.trim_end())));
    push(text, "TRANSP:TRANSPARENT");
    push(text, "END:VEVENT");
}

fn utc(at: Timestamp) -> String {
    at.strftime("%Y%m%dT%H%M%SZ").to_string()
}

/// Text as a value (RFC 5545, 3.3.11).
fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '\\' | ';' | ',' => safe.extend(['\\', letter]),
            '\n' => safe.push_str("\\n"),
            letter if letter.is_control() => {}
            letter => safe.push(letter),
        }
    }
    safe
}

/// Adds a line, folded where it is too long: never within a letter.
fn push(text: &mut String, line: &str) {
    let mut width = 0;
    for letter in line.chars() {
        if width + letter.len_utf8() > LINE {
            text.push_str("\r\n ");
            width = 1;
        }
        text.push(letter);
        width += letter.len_utf8();
    }
    text.push_str("\r\n");
}
