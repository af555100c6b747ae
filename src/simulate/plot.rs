//! A week as a picture: the weather above, what was true and what each group did below.

use std::fmt::Write as _;

use jiff::{SignedDuration, Timestamp, civil::Date, tz::TimeZone};

use super::{GroupOutcome, Outcome, TimelineRow, option::midnight};
use crate::{
    model::{Interval, Mode, Switch},
    recorded::Recording,
};

/// Seconds of a week.
const WEEK: i64 = 7 * 86_400;
/// Where the panels lie, in pixels.
const LEFT: f64 = 110.0;
const WIDTH: f64 = 1000.0;
const AIR_TOP: f64 = 50.0;
const AIR_HEIGHT: f64 = 190.0;
const FALL_TOP: f64 = 255.0;
const FALL_HEIGHT: f64 = 75.0;
const BANDS_TOP: f64 = 350.0;
const BAND: f64 = 18.0;
const BAND_STEP: f64 = 26.0;

/// Mid-tones that read on white and on black alike.
const INK: &str = "#808890";
const AIR: &str = "#d9534f";
const DEW: &str = "#3c8dbc";
const FALL: &str = "#5b7fd6";
const TRUTHS: [(&str, &str); 3] =
    [("frozen precipitation", "#5b7fd6"), ("refrozen rain", "#a06cc8"), ("frost", "#2fa6a0")];
const MODES: [(Mode, &str); 7] = [
    (Mode::Preheat, "#e8a33d"),
    (Mode::Melt, "#d9534f"),
    (Mode::AfterRun, "#c98b6b"),
    (Mode::FrostGuard, "#2fa6a0"),
    (Mode::Schedule, "#7a9e3f"),
    (Mode::ManualOn, "#a06cc8"),
    (Mode::Cooldown, "#808890"),
];
/// An outlet that is on for any other reason.
const OTHER: &str = "#b0892e";

/// The local date on which the week with the most hours of frozen precipitation begins.
pub fn busiest_week(outcome: &Outcome, zone: &TimeZone) -> Date {
    let spans = &outcome.truth.precipitation;
    let inside = |from: i64| -> i64 {
        let cut = |it: &(i64, i64)| (it.1.min(from + WEEK) - it.0.max(from)).max(0);
        spans.iter().map(cut).sum()
    };
    let begins = |span: &(i64, i64)| {
        // A storm at the left edge would have no history.
        let at = Timestamp::from_second(span.0 - 86_400).unwrap_or(outcome.from).max(outcome.from);
        midnight(zone, zone.to_datetime(at).date())
    };
    let best = spans.iter().map(begins).max_by_key(|at| (inside(at.as_second()), std::cmp::Reverse(*at)));
    zone.to_datetime(best.unwrap_or(outcome.from)).date()
}

/// The week from a local date on as an SVG, for light and dark backgrounds.
pub fn plot(outcome: &Outcome, recording: &Recording, zone: &TimeZone, from: Date) -> String {
    let begin = midnight(zone, from);
    let frame = Frame { from: begin.as_second(), to: begin.as_second().saturating_add(WEEK) };
    let hours: Vec<&Interval> =
        recording.hours.iter().map(|it| &it.interval).filter(|it| frame.shows(it.start, it.end)).collect();
    let groups: Vec<&GroupOutcome> = outcome.judged().collect();
    let bands = groups.len() + 1;
    let bottom = BANDS_TOP + BAND_STEP * count(bands);
    let height = bottom + 90.0;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {:.0} {height:.0}\" font-family=\"sans-serif\" \
         font-size=\"12\" fill=\"{INK}\">\n<title>{} of HeatTrax, from {from}</title>\n",
        LEFT + WIDTH + 30.0,
        escaped(&groups.iter().map(|it| it.slug.to_string()).collect::<Vec<_>>().join(", ")),
    );
    days(&mut svg, frame, zone, bottom);
    air(&mut svg, frame, &hours);
    fall(&mut svg, frame, &hours);
    truth(&mut svg, frame, outcome);
    for (number, group) in groups.iter().enumerate() {
        states(&mut svg, frame, group, outcome.to, BANDS_TOP + BAND_STEP * count(number + 1));
    }
    legend(&mut svg, bottom + 45.0);
    svg.push_str("</svg>\n");
    svg
}

/// The time that is shown, in unix seconds.
#[derive(Clone, Copy)]
struct Frame {
    from: i64,
    to: i64,
}

impl Frame {
    fn shows(self, start: Timestamp, end: Timestamp) -> bool {
        end.as_second() > self.from && start.as_second() < self.to
    }

    #[expect(clippy::cast_precision_loss, reason = "seconds of a week")]
    fn x(self, at: i64) -> f64 {
        let at = at.clamp(self.from, self.to) - self.from;
        LEFT + WIDTH * at as f64 / WEEK as f64
    }

    fn bar(self, svg: &mut String, (start, end): (i64, i64), (y, height): (f64, f64), (fill, title): (&str, &str)) {
        if end <= self.from || start >= self.to {
            return;
        }
        let (x, width) = (self.x(start), (self.x(end) - self.x(start)).max(0.5));
        let title = escaped(title);
        // Writing into a text cannot fail, here and below.
        let _ = writeln!(
            svg,
            "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" fill=\"{fill}\">\
             <title>{title}</title></rect>"
        );
    }
}

/// Lines at local midnights, with the dates.
fn days(svg: &mut String, frame: Frame, zone: &TimeZone, bottom: f64) {
    let Ok(first) = Timestamp::from_second(frame.from) else { return };
    let mut date = zone.to_datetime(first).date();
    for _ in 0..8 {
        let at = midnight(zone, date).as_second();
        if at > frame.to {
            break;
        }
        let x = frame.x(at);
        let words = date.strftime("%a %d %b %Y");
        let _ = writeln!(svg, "<path d=\"M{x:.1} {AIR_TOP}V{bottom:.1}\" stroke=\"{INK}\" stroke-opacity=\"0.35\"/>");
        if at < frame.to {
            let _ = writeln!(svg, "<text x=\"{:.1}\" y=\"{:.1}\">{words}</text>", x + 4.0, bottom + 16.0);
        }
        date = date.checked_add(SignedDuration::from_hours(24)).unwrap_or(date);
    }
}

/// Air and dew point, with the freezing line.
fn air(svg: &mut String, frame: Frame, hours: &[&Interval]) {
    let figures = || hours.iter().flat_map(|it| [it.temperature, it.dew_point]).flatten().map(|it| it.0);
    let low = (figures().fold(-2.0, f64::min) / 5.0).floor() * 5.0;
    let high = (figures().fold(2.0, f64::max) / 5.0).ceil() * 5.0;
    let y = |celsius: f64| AIR_TOP + AIR_HEIGHT * (high - celsius) / (high - low);
    let mut mark = low;
    while mark <= high {
        let opacity = if mark.abs() < 0.1 { 0.9 } else { 0.25 };
        let at = y(mark);
        let _ = writeln!(
            svg,
            "<path d=\"M{LEFT} {at:.1}H{:.1}\" stroke=\"{INK}\" stroke-opacity=\"{opacity}\"/>\
             <text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{mark:.0} °C</text>",
            LEFT + WIDTH,
            LEFT - 8.0,
            at + 4.0
        );
        mark += 5.0;
    }
    line(svg, frame, hours, DEW, |it| it.dew_point.map(|it| y(it.0)));
    line(svg, frame, hours, AIR, |it| it.temperature.map(|it| y(it.0)));
    let _ = writeln!(
        svg,
        "<text x=\"{LEFT}\" y=\"{:.1}\"><tspan fill=\"{AIR}\">air</tspan>, <tspan fill=\"{DEW}\">dew point</tspan></text>",
        AIR_TOP - 8.0
    );
}

/// A line that breaks where nothing is known.
fn line(svg: &mut String, frame: Frame, hours: &[&Interval], colour: &str, y: impl Fn(&Interval) -> Option<f64>) {
    let mut path = String::new();
    let mut last: Option<Timestamp> = None;
    for hour in hours {
        let Some(y) = y(hour) else {
            last = None;
            continue;
        };
        let middle = i64::midpoint(hour.start.as_second(), hour.end.as_second());
        let verb = if last == Some(hour.start) { 'L' } else { 'M' };
        let _ = write!(path, "{verb}{:.1} {y:.1}", frame.x(middle));
        last = Some(hour.end);
    }
    let _ = writeln!(svg, "<path d=\"{path}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"1.6\"/>");
}

/// Precipitation as bars.
fn fall(svg: &mut String, frame: Frame, hours: &[&Interval]) {
    let most = hours.iter().filter_map(|it| it.precipitation).fold(1.0, f64::max);
    let bottom = FALL_TOP + FALL_HEIGHT;
    for hour in hours {
        let Some(amount) = hour.precipitation.filter(|it| *it > 0.0) else { continue };
        let height = (FALL_HEIGHT * amount / most).max(1.0);
        let title = format!("{amount:.1} mm");
        let span = (hour.start.as_second(), hour.end.as_second());
        frame.bar(svg, span, (bottom - height, height), (FALL, &title));
    }
    let _ = writeln!(
        svg,
        "<path d=\"M{LEFT} {bottom}H{:.1}\" stroke=\"{INK}\"/>\
         <text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{most:.1} mm/h</text>\
         <text x=\"{:.1}\" y=\"{bottom}\" text-anchor=\"end\">precipitation</text>",
        LEFT + WIDTH,
        LEFT - 8.0,
        FALL_TOP + 10.0,
        LEFT - 8.0
    );
}

/// What was true of an unheated walk.
fn truth(svg: &mut String, frame: Frame, outcome: &Outcome) {
    named(svg, "unheated walk", BANDS_TOP);
    let truth = &outcome.truth;
    for (spans, (name, colour)) in [&truth.precipitation, &truth.refreeze, &truth.frost].into_iter().zip(TRUTHS) {
        for span in spans {
            frame.bar(svg, *span, (BANDS_TOP, BAND), (colour, name));
        }
    }
}

/// When a group was on, coloured by its mode.
fn states(svg: &mut String, frame: Frame, group: &GroupOutcome, end: Timestamp, y: f64) {
    named(svg, group.slug.as_str(), y);
    for (number, row) in group.rows.iter().enumerate() {
        let until = group.rows.get(number + 1).map_or(end, |next| next.at);
        let span = (row.at.as_second(), until.as_second());
        if row.switch == Switch::On {
            frame.bar(svg, span, (y, BAND), (colour(row), &format!("{}: {}", row.mode.as_str(), row.reason)));
        } else if row.mode != Mode::Idle {
            // What holds it off is a thin line.
            frame.bar(svg, span, (y + BAND - 2.0, 2.0), (INK, &format!("{}: {}", row.mode.as_str(), row.reason)));
        }
    }
}

fn colour(row: &TimelineRow) -> &'static str {
    MODES.iter().find(|(mode, _)| *mode == row.mode).map_or(OTHER, |(_, colour)| colour)
}

fn named(svg: &mut String, name: &str, y: f64) {
    let name: String = name.chars().take(16).collect();
    let _ = writeln!(
        svg,
        "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>\
         <path d=\"M{LEFT} {:.1}H{:.1}\" stroke=\"{INK}\" stroke-opacity=\"0.4\"/>",
        LEFT - 8.0,
        y + BAND - 5.0,
        escaped(&name),
        y + BAND,
        LEFT + WIDTH
    );
}

fn legend(svg: &mut String, y: f64) {
    let modes = MODES.iter().map(|(mode, colour)| (mode.as_str(), *colour));
    for (row, entries) in [TRUTHS.to_vec(), modes.collect()].into_iter().enumerate() {
        let y = y + 20.0 * count(row);
        let heading = if row == 0 { "walk" } else { "on" };
        let _ =
            writeln!(svg, "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{heading}</text>", LEFT - 8.0, y + 10.0);
        for (number, (name, colour)) in entries.into_iter().enumerate() {
            let x = LEFT + 140.0 * count(number);
            let _ = writeln!(
                svg,
                "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"12\" height=\"12\" fill=\"{colour}\"/>\
                 <text x=\"{:.1}\" y=\"{:.1}\">{name}</text>",
                x + 18.0,
                y + 10.0
            );
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "a few bands")]
fn count(number: usize) -> f64 {
    number as f64
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
