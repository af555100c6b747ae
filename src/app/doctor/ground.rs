//! What the bridge stands on: its config, its data folder and the clock.

use std::path::Path;

use jiff::{Timestamp, tz::TimeZone};

use super::Line;
use crate::model::Settings;

/// No clock that is right shows an earlier year than that in which this was written, or one this far ahead.
const YEARS: std::ops::Range<i16> = 2026..2100;

/// The config could be read; what is legal but worth a word.
pub(super) fn config(settings: &Settings) -> Vec<Line> {
    let (devices, groups) = (settings.devices.len(), settings.control.groups.len());
    let mut lines = vec![Line::ok("config", format!("valid; devices: {devices}, groups: {groups}"))];
    lines.extend(settings.warnings.iter().map(|it| Line::warn("config", it.clone())));
    lines
}

/// Can a file be made in it? A folder that is not there yet is made by the bridge, in the nearest one that is.
pub(super) fn data_folder(folder: &Path) -> Line {
    let absolute = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
    let there = absolute.ancestors().find(|it| it.exists()).unwrap_or(&absolute);
    let shown = folder.display();
    match tempfile::tempfile_in(there) {
        Ok(_) => Line::ok("data folder", format!("{shown} can be written")),
        Err(error) => Line::fail("data folder", format!("{shown} cannot be written: {error}")).cured(
            "let the bridge's user own the folder, or name another one by --data: a restart forgets everything else",
        ),
    }
}

/// Is the time plausible at all?
pub(super) fn clock(now: Timestamp) -> Line {
    let shown = format!("{now:.0}");
    if YEARS.contains(&TimeZone::UTC.to_datetime(now).year()) {
        return Line::ok("clock", shown);
    }
    Line::fail("clock", format!("{shown} cannot be right")).cured(
        "switch time synchronisation on (`timedatectl set-ntp true`), or give the machine a battery-backed clock",
    )
}
