//! Devices that do not answer: people hear of it after a while, and that it is over if they heard of it.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp, tz::TimeZone};

use super::{
    alert::{Alert, clock, sentence},
    desk::kind,
    notebook::Notebook,
};
use crate::model::{Availability, Device, House, Slug, TroubleKind};

/// Losses that are too short to be told are told together when there are so many …
const FLAPS: usize = 6;
/// … within this.
const FLAPS_WITHIN: SignedDuration = SignedDuration::from_hours(1);

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
    zone: TimeZone,
    /// Those that people have not heard of yet.
    away: BTreeMap<Slug, Loss>,
    short: BTreeMap<Slug, Vec<Timestamp>>,
}

impl Losses {
    pub(super) fn new(after: SignedDuration, zone: TimeZone) -> Self {
        Self { after, zone, away: BTreeMap::new(), short: BTreeMap::new() }
    }

    /// Compares the board with what people were told.
    pub(super) fn look(&mut self, house: &House, notebook: &mut Notebook, now: Timestamp, told: &mut Vec<Alert>) {
        // One that is no longer in the config is nobody's concern.
        notebook.lost.retain(|it| house.devices.contains_key(it));
        for (slug, device) in &house.devices {
            match device.availability {
                Availability::Offline => self.is_away(slug, device, notebook, now, told),
                Availability::Online => self.is_back(slug, device, notebook, now, told),
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
        if notebook.lost.contains(slug) {
            return;
        }
        let why = device.trouble.as_ref().map(|it| it.text.clone()).unwrap_or_default();
        if device.trouble.as_ref().is_some_and(|it| it.kind == TroubleKind::WrongDevice) {
            // Nothing that passes by itself: there is no use in waiting.
            let words = format!("{}: {why}. It is left alone until the address is right.", device.name);
            told.push(Alert::new(kind("device_ip_changed"), now, words).with("device", slug.as_str()));
            self.away.remove(slug);
            notebook.lost.insert(slug.clone());
            return;
        }
        let loss = self.away.entry(slug.clone());
        let loss = loss.or_insert_with(|| Loss { since: now, name: device.name.clone(), why: String::new() });
        loss.why = why;
    }

    fn is_back(
        &mut self,
        slug: &Slug,
        device: &Device,
        notebook: &mut Notebook,
        now: Timestamp,
        told: &mut Vec<Alert>,
    ) {
        if notebook.lost.remove(slug) {
            let words = format!("{} answers again.", device.name);
            told.push(Alert::new(kind("device_found"), now, words).with("device", slug.as_str()));
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

    /// Tells what has lasted for long enough.
    pub(super) fn tick(&mut self, notebook: &mut Notebook, now: Timestamp, told: &mut Vec<Alert>) {
        let (after, zone) = (self.after, &self.zone);
        self.away.retain(|slug, loss| {
            if now.duration_since(loss.since) < after {
                return true;
            }
            let (why, since) = (sentence(&loss.why), clock(loss.since, zone));
            let words = format!("{} has not answered since {since}. {why}.", loss.name);
            let alert = Alert::new(kind("device_lost"), now, words).with("device", slug.as_str());
            told.push(alert.with("since", super::alert::rfc3339(loss.since, zone)));
            notebook.lost.insert(slug.clone());
            false
        });
    }

    /// When something has lasted for long enough.
    pub(super) fn next(&self) -> Option<Timestamp> {
        self.away.values().filter_map(|it| it.since.checked_add(self.after).ok()).min()
    }
}
