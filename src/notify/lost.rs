//! Devices that do not answer: people hear of it after a while, and that it is over if they heard of it. Those that come or go together
//! are told as one: a router that is switched off takes a whole house with it.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp, tz::TimeZone};

use super::{
    alert::{Alert, clock, rfc3339, sentence},
    desk::kind,
    notebook::Notebook,
};
use crate::model::{Availability, Device, House, Slug, TroubleKind};

/// Losses that are too short to be told are told together when there are so many …
const FLAPS: usize = 6;
/// … within this.
const FLAPS_WITHIN: SignedDuration = SignedDuration::from_hours(1);
/// What happens within this is told as one.
const GATHER: SignedDuration = SignedDuration::from_secs(30);

#[derive(Debug)]
struct Loss {
    since: Timestamp,
    name: String,
    why: String,
}

/// Which devices are away, and how often they were for a moment.
#[derive(Debug)]
pub(super) struct Losses {
    after: SignedDuration,
    pub(super) zone: TimeZone,
    /// Those that people have not heard of yet.
    away: BTreeMap<Slug, Loss>,
    /// Those that are back, and since when; people believe that they are lost.
    back: BTreeMap<Slug, (Timestamp, String)>,
    short: BTreeMap<Slug, Vec<Timestamp>>,
}

impl Losses {
    pub(super) fn new(after: SignedDuration, zone: TimeZone) -> Self {
        Self { after, zone, away: BTreeMap::new(), back: BTreeMap::new(), short: BTreeMap::new() }
    }

    /// Compares the board with what people were told.
    pub(super) fn look(&mut self, house: &House, notebook: &mut Notebook, now: Timestamp, told: &mut Vec<Alert>) {
        // One that is no longer in the config is nobody's concern.
        notebook.lost.retain(|it| house.devices.contains_key(it));
        notebook.wrong.retain(|it| house.devices.contains_key(it));
        self.away.retain(|it, _| house.devices.contains_key(it));
        self.back.retain(|it, _| house.devices.contains_key(it));
        self.short.retain(|it, _| house.devices.contains_key(it));
        for (slug, device) in &house.devices {
            match device.availability {
                Availability::Offline => self.is_away(slug, device, notebook, now, told),
                Availability::Online => self.is_here(slug, device, notebook, now, told),
                Availability::Unknown => {}
            }
        }
        self.tick(notebook, now, told);
    }

    fn is_away(
        &mut self,
        slug: &Slug,
        device: &Device,
        notebook: &mut Notebook,
        now: Timestamp,
        told: &mut Vec<Alert>,
    ) {
        // Gone again before anybody heard that it was back.
        self.back.remove(slug);
        let why = device.trouble.as_ref().map(|it| it.text.clone()).unwrap_or_default();
        if device.trouble.as_ref().is_some_and(|it| it.kind == TroubleKind::WrongDevice) {
            // Nothing that passes by itself: there is no use in waiting.
            if notebook.wrong.insert(slug.clone()) {
                let words = format!("{}: {why}. It is left alone until the address is right.", device.name);
                told.push(Alert::new(kind("device_ip_changed"), now, words).with("device", slug.as_str()));
            }
            self.away.remove(slug);
            notebook.lost.insert(slug.clone());
            return;
        }
        if notebook.lost.contains(slug) {
            return;
        }
        let loss = self.away.entry(slug.clone());
        let loss = loss.or_insert_with(|| Loss { since: now, name: device.name.clone(), why: String::new() });
        loss.why = why;
    }

    fn is_here(
        &mut self,
        slug: &Slug,
        device: &Device,
        notebook: &mut Notebook,
        now: Timestamp,
        told: &mut Vec<Alert>,
    ) {
        notebook.wrong.remove(slug);
        if notebook.lost.contains(slug) {
            self.back.entry(slug.clone()).or_insert_with(|| (now, device.name.clone()));
        }
        let Some(loss) = self.away.remove(slug) else { return };
        let short = self.short.entry(slug.clone()).or_default();
        short.retain(|it| now.duration_since(*it) < FLAPS_WITHIN);
        short.push(now);
        if short.len() >= FLAPS {
            let times = short.len();
            short.clear();
            let words = format!(
                "{} comes and goes: it was lost {times} times within an hour, each time for a moment. The last time: {}.",
                device.name, loss.why
            );
            told.push(Alert::new(kind("device_lost"), now, words).with("device", slug.as_str()));
        }
    }

    /// Tells what has lasted for long enough, and with it what will have in a moment.
    pub(super) fn tick(&mut self, notebook: &mut Notebook, now: Timestamp, told: &mut Vec<Alert>) {
        if self.away.values().any(|it| now.duration_since(it.since) >= self.after) {
            let nearly = self.after.saturating_sub(GATHER);
            let lost: Vec<_> = self.away.extract_if(.., |_, it| now.duration_since(it.since) >= nearly).collect();
            notebook.lost.extend(lost.iter().map(|(slug, _)| slug.clone()));
            told.extend(self.lost(&lost, now));
        }
        if self.back.values().any(|(since, _)| now.duration_since(*since) >= GATHER) {
            let found = std::mem::take(&mut self.back);
            notebook.lost.retain(|it| !found.contains_key(it));
            let names: Vec<&str> = found.values().map(|(_, name)| name.as_str()).collect();
            let answers = if names.len() == 1 { "answers" } else { "answer" };
            let words = format!("{} {answers} again.", listed(&names));
            told.push(about(Alert::new(kind("device_found"), now, words), found.keys()));
        }
    }

    fn lost(&self, lost: &[(Slug, Loss)], now: Timestamp) -> Option<Alert> {
        let (_, first) = lost.iter().min_by_key(|(_, it)| it.since)?;
        let names: Vec<&str> = lost.iter().map(|(_, it)| it.name.as_str()).collect();
        let have = if names.len() == 1 { "has" } else { "have" };
        let (since, why) = (clock(first.since, &self.zone), sentence(&first.why));
        let words = format!("{} {have} not answered since {since}. {why}.", listed(&names));
        let alert = about(Alert::new(kind("device_lost"), now, words), lost.iter().map(|(slug, _)| slug));
        Some(alert.with("since", rfc3339(first.since, &self.zone)))
    }

    /// When something has lasted for long enough.
    pub(super) fn next(&self) -> Option<Timestamp> {
        let lost = self.away.values().filter_map(|it| it.since.checked_add(self.after).ok());
        let found = self.back.values().filter_map(|(since, _)| since.checked_add(GATHER).ok());
        lost.chain(found).min()
    }
}

/// One is named as `device`, several as `devices`.
fn about<'a>(alert: Alert, slugs: impl Iterator<Item = &'a Slug>) -> Alert {
    let slugs: Vec<&str> = slugs.map(Slug::as_str).collect();
    match slugs.as_slice() {
        [one] => alert.with("device", *one),
        many => alert.with("devices", many),
    }
}

/// `Mat`, `Mat and Steps`, `Mat, Steps and Porch`.
fn listed(names: &[&str]) -> String {
    match names.split_last() {
        Some((last, [])) => (*last).to_owned(),
        Some((last, rest)) => format!("{} and {last}", rest.join(", ")),
        None => String::new(),
    }
}
