//! The answer for people.

use std::fmt::Write;

use jiff::{SignedDuration, Timestamp};

use super::{
    Basis, Explanation,
    inputs::{Figure, inputs},
    weather::{code_words, is_current},
};
use crate::model::{Availability, Celsius, Ice, Interval, Observation, Opinion, Outlet, Plan, Switch, VoiceName};

impl Explanation {
    /// For people, in the zone of the house.
    pub fn text(&self) -> String {
        let mut text = String::new();
        // Writing to a string cannot fail.
        let _ = writeln!(text, "HeatTrax at {}, by {}", self.exactly(self.at), self.source);
        if let Some(caveat) = self.caveat() {
            let _ = writeln!(text, "({caveat})");
        }
        if let Basis::Ahead { reached } = self.basis
            && reached < self.at
        {
            let _ = writeln!(text, "(it came as far as {})", self.exactly(reached));
        }
        if self.house.vacation {
            let _ = writeln!(text, "Everybody is away: vacation is on.");
        }
        let mut any = false;
        for outlet in self.outlets() {
            any = true;
            self.write_outlet(outlet, &mut text);
        }
        if !any {
            let _ = writeln!(text, "\nNo outlet is known yet.");
        }
        self.write_weather(&mut text);
        self.write_foreseen(&mut text);
        text
    }

    fn write_outlet(&self, outlet: &Outlet, text: &mut String) {
        let decision = &outlet.decision;
        let group = outlet.group.as_ref().map_or_else(|| "in no group".to_owned(), |it| format!("group {it}"));
        let _ = writeln!(text, "\n{} ({}, {group}, {})", outlet.name, outlet.id, outlet.class.as_str());
        let _ = writeln!(text, "  is      {}", self.position(outlet));
        let _ = writeln!(text, "  wanted  {}, {}: {}", decision.switch, decision.mode().as_str(), decision.reason);
        let _ = write!(text, "  since   {}", self.clock(decision.since));
        if let Some(until) = decision.until {
            let _ = write!(text, ", until {}", self.clock(until));
        }
        match decision.next {
            Some(next) => {
                let _ = writeln!(text, "; next: {} at {}", next.switch, self.clock(next.at));
            }
            None => {
                let _ = writeln!(text, "; no change is foreseen");
            }
        }
        self.write_memory(outlet, text);
        let _ = writeln!(text, "  voices, the most important first (> wins):");
        let winner = decision.opinions.iter().position(|it| it.wish.is_some());
        for (number, opinion) in decision.opinions.iter().enumerate() {
            self.write_voice(opinion, winner == Some(number), text);
        }
        if winner.is_none() {
            let _ = writeln!(text, "  > nobody asks for it: OFF");
        }
    }

    fn write_memory(&self, outlet: &Outlet, text: &mut String) {
        let run = outlet.memory.run.elapsed(self.at);
        if run >= SignedDuration::from_mins(1) && self.basis != Basis::Past {
            let _ = writeln!(text, "  on for  {} since its last rest", spoken(run));
        }
        if let Some(lockout) = &outlet.memory.lockout {
            let acknowledged = if lockout.acknowledged { ", acknowledged" } else { "" };
            let _ = writeln!(text, "  locked  since {}{acknowledged}", self.clock(lockout.at));
        }
        if let Some(pending) = &outlet.pending {
            let failure = pending.failure.as_ref().map(|it| format!(": {it}")).unwrap_or_default();
            let _ = writeln!(text, "  waits   for the plug to confirm {}{failure}", pending.switch);
        }
    }

    fn position(&self, outlet: &Outlet) -> String {
        let switch = outlet.switch().map(Switch::as_str);
        match (self.basis, outlet.availability, switch) {
            (Basis::Past, ..) => "not known".to_owned(),
            (Basis::Ahead { .. }, _, Some(switch)) => format!("expected to be {switch}"),
            (Basis::Now, Availability::Online, Some(switch)) => match outlet.on_since {
                Some(since) => format!("{switch}, as the plug reports, since {}", self.clock(since)),
                None => format!("{switch}, as the plug reports"),
            },
            (Basis::Now, Availability::Offline, Some(switch)) => {
                format!("unreachable; it was {switch} when last heard")
            }
            (_, Availability::Offline, _) => "unreachable".to_owned(),
            _ => "not known: the plug has not been asked yet".to_owned(),
        }
    }

    fn write_voice(&self, opinion: &Opinion, wins: bool, text: &mut String) {
        let mark = if wins { '>' } else { ' ' };
        let wish = opinion.wish.map_or("silent", Switch::as_str);
        let _ = write!(text, "  {mark} {:9} {wish:6}", spoken_name(opinion.voice));
        if let Some(reason) = &opinion.reason {
            let _ = write!(text, "  {reason}");
            let figures = inputs(reason);
            // The sentence has the others.
            let times = figures.iter().filter(|(_, it)| matches!(it, Figure::Time(_)));
            let times: Vec<String> = times.map(|(name, it)| self.figure(name, it)).collect();
            if !times.is_empty() {
                let _ = write!(text, " ({})", times.join(", "));
            }
        }
        if let Some(changes_at) = opinion.changes_at {
            let _ = write!(text, "; may change at {}", self.clock(changes_at));
        }
        // No trailing blanks.
        text.truncate(text.trim_end().len());
        text.push('\n');
    }

    fn figure(&self, name: &str, figure: &Figure) -> String {
        let name = name.replace('_', " ");
        match figure {
            Figure::Time(at) => format!("{name} {}", self.clock(*at)),
            Figure::Length(length) => format!("{name} {}", spoken(*length)),
            Figure::Temperature(it) => format!("{name} {it}"),
            Figure::Number(it, unit) => format!("{name} {it:.1} {unit}"),
            Figure::Text(it) => format!("{name} {it}"),
        }
    }

    fn write_weather(&self, text: &mut String) {
        let board = &self.house.weather;
        match &board.forecast {
            None => {
                let _ = writeln!(text, "\nWeather: no forecast");
            }
            Some(forecast) => {
                let age = spoken(self.house.at.duration_since(forecast.issued_at).max(SignedDuration::ZERO));
                let fresh = match self.basis {
                    Basis::Now if self.is_fresh() => format!("{age} old, fresh enough to act on"),
                    Basis::Now => format!("{age} old, too old to act on: rules that ask for weather are silent"),
                    Basis::Ahead { .. } | Basis::Past => format!("issued {}", self.clock(forecast.issued_at)),
                };
                let _ = writeln!(text, "\nWeather: {}, {fresh}", forecast.source);
            }
        }
        if let Some(trouble) = &board.trouble {
            let _ = writeln!(text, "  no newer forecast: {}", trouble.text);
        }
        if let Some(station) = self.station() {
            let _ = writeln!(text, "  station: {}", self.station_words(&station));
        }
        for hour in self.hours() {
            let _ = writeln!(text, "  {}  {}", self.clock(hour.start), hour_words(hour));
        }
    }

    fn station_words(&self, it: &Observation) -> String {
        let shown = |name: &str, it: Option<Celsius>| it.map(|it| format!("{name} {it}"));
        let mut all: Vec<String> = Vec::new();
        all.extend(shown("air", it.temperature));
        all.extend(shown("dew point", it.dew_point));
        all.extend(shown("surface", it.surface));
        all.extend(it.precipitation_rate.map(|it| format!("{it:.1} mm/h")));
        all.extend(it.snow_rate.map(|it| format!("snow {it:.1} cm/h")));
        let state = if is_current(it, self.at) { "" } else { ", too old to be believed" };
        format!("{} at {}{state}", all.join(", "), self.clock(it.at))
    }

    fn write_foreseen(&self, text: &mut String) {
        for (group, plan) in self.foreseen.plans.iter().filter(|(group, _)| self.is_asked(group)) {
            for ice in self.foreseen.ice.get(group).into_iter().flatten() {
                let _ = writeln!(text, "\nIce foreseen by the rules of {group}: {}", self.ice(ice));
            }
            let _ = writeln!(text, "\nPlan of {group} until {}:", self.clock(plan.until));
            self.write_plan(plan, text);
        }
    }

    fn ice(&self, ice: &Ice) -> String {
        format!("{ice}, {} to {}", self.clock(ice.from), self.clock(ice.to))
    }

    fn write_plan(&self, plan: &Plan, text: &mut String) {
        if plan.windows.is_empty() {
            let _ = writeln!(text, "  off all the time");
        }
        for window in &plan.windows {
            let (start, end) = (self.clock(window.start), self.clock(window.end));
            let _ = write!(text, "  {start} to {end}  {}: {}", window.mode.as_str(), window.reason);
            write_cost(window.kwh, window.cost, plan, text);
        }
        if plan.windows.len() > 1 && plan.kwh.is_some() {
            let _ = write!(text, "  in all");
            write_cost(plan.kwh, plan.cost, plan, text);
        }
    }

    /// In the zone of the house.
    fn clock(&self, at: Timestamp) -> String {
        self.settings.zone.to_datetime(at).strftime("%a %d %b %H:%M").to_string()
    }

    fn exactly(&self, at: Timestamp) -> String {
        at.to_zoned_datetime(self.settings.zone.clone()).strftime("%a %d %b %Y %H:%M:%S %Z").to_string()
    }
}

fn write_cost(kwh: Option<f64>, cost: Option<f64>, plan: &Plan, text: &mut String) {
    if let Some(kwh) = kwh {
        let _ = write!(text, "; {kwh:.1} kWh");
    }
    if let Some(cost) = cost {
        let _ = write!(text, ", {cost:.2} {}", plan.currency.as_deref().unwrap_or_default());
    }
    text.truncate(text.trim_end().len());
    text.push('\n');
}

fn hour_words(hour: &Interval) -> String {
    let shown = |it: Option<Celsius>| it.map_or_else(|| "unknown".to_owned(), |it| it.to_string());
    let wet = hour.precipitation.map_or_else(|| "unknown".to_owned(), |it| format!("{it:.1} mm"));
    let code = hour.code.map(|it| format!(", {} ({it})", code_words(it))).unwrap_or_default();
    format!("air {}, dew point {}, precipitation {wet}{code}", shown(hour.temperature), shown(hour.dew_point))
}

fn spoken_name(voice: VoiceName) -> &'static str {
    match voice {
        VoiceName::Wish => "person",
        other => other.as_str(),
    }
}

fn spoken(length: SignedDuration) -> String {
    let minutes = length.as_mins();
    if minutes < 60 { format!("{minutes} min") } else { format!("{} h {} min", minutes / 60, minutes % 60) }
}
