//! What people should hear of, and when: pure thinking over notices, the board and the time.

use std::sync::Arc;

use jiff::{Timestamp, tz::TimeZone};

use super::{alert::Alert, forecast, limit::Limit, lost::Losses, notebook::Notebook, summary, weather::Weather};
use crate::model::{
    ALERT_KINDS, AlertKind, Class, ControlSettings, House, Notice, NoticeKind, NotifySettings, OutletId, Severity,
};

/// What is rare by itself.
const UNLIMITED: [&str; 3] = ["daily_summary", "forecast_summary", "startup_test"];

/// The kind of this name; the tests see to it that there is one.
pub(super) fn kind(name: &str) -> &'static AlertKind {
    AlertKind::named(name).unwrap_or(&ALERT_KINDS[0])
}

/// Turns what happens into what people are told.
#[derive(Debug)]
pub struct Desk {
    settings: NotifySettings,
    control: Arc<ControlSettings>,
    notebook: Notebook,
    losses: Losses,
    weather: Weather,
    limit: Limit,
    told: Vec<Alert>,
}

impl Desk {
    /// A desk that goes on where the notebook ends.
    pub fn new(settings: NotifySettings, control: Arc<ControlSettings>, notebook: Notebook) -> Self {
        let zone = control.zone.clone();
        Self {
            losses: Losses::new(settings.lost_after, zone.clone()),
            weather: Weather::new(settings.outage_after, zone.clone()),
            limit: Limit::new(settings.limit, zone),
            told: Vec::new(),
            settings,
            control,
            notebook,
        }
    }

    /// What must survive a restart.
    pub fn notebook(&self) -> &Notebook {
        &self.notebook
    }

    fn zone(&self) -> &TimeZone {
        &self.control.zone
    }

    /// The bridge goes by other settings from now on.
    pub fn goes_by(&mut self, control: Arc<ControlSettings>) {
        for zone in [&mut self.losses.zone, &mut self.weather.zone, &mut self.limit.zone] {
            zone.clone_from(&control.zone);
        }
        self.control = control;
    }

    /// The bridge has started.
    pub fn started(&mut self, now: Timestamp) {
        if self.settings.on_start {
            let words = "HeatTrax has started, and tells you so by this way from now on.";
            self.offer(Alert::new(kind("startup_test"), now, words), now);
        }
    }

    /// Somebody has noticed something.
    pub fn hear(&mut self, notice: &Notice, house: &House, now: Timestamp) {
        let Some(kind) = AlertKind::of(notice.kind) else { return };
        let is_on_the_board = match notice.kind {
            NoticeKind::DeviceLost | NoticeKind::DeviceBack | NoticeKind::IdentityMismatch => true,
            // What is not about one provider among several is seen in the state of the weather.
            NoticeKind::WeatherDegraded | NoticeKind::WeatherRecovered => {
                !notice.detail.iter().any(|(key, _)| *key == "provider")
            }
            _ => false,
        };
        if is_on_the_board {
            return;
        }
        let mut alert = Alert::of(kind, notice);
        if notice.kind == NoticeKind::SwitchFailed && heats_against_its_order(notice, house) {
            alert.severity = Severity::Critical;
            alert.message.push_str(". It should be off, and says that it is on");
        }
        self.offer(alert, now);
    }

    /// The board shows something else.
    pub fn look(&mut self, house: &House, now: Timestamp) {
        let mut told = Vec::new();
        self.losses.look(house, &mut self.notebook, now, &mut told);
        self.weather.look(house, &mut self.notebook, now, &mut told);
        if let Some(how) = self.settings.forecast {
            let zone = &self.control.zone;
            told.extend(forecast::look(how, self.settings.limit, zone, house, &mut self.notebook, now));
        }
        if self.settings.daily_summary.is_some() {
            summary::look(&self.control, house, &mut self.notebook, now);
        }
        for alert in told {
            self.offer(alert, now);
        }
    }

    /// Time has passed.
    pub fn tick(&mut self, now: Timestamp) {
        let mut told = Vec::new();
        self.losses.tick(&mut self.notebook, now, &mut told);
        self.weather.tick(&mut self.notebook, now, &mut told);
        if let Some(at) = self.settings.daily_summary {
            told.extend(summary::tick(at, &self.control, &mut self.notebook, now));
        }
        for alert in told {
            self.offer(alert, now);
        }
        let due = self.limit.due(&mut self.notebook.windows, now);
        self.told.extend(due);
    }

    /// When something is due although nothing happens.
    pub fn next(&self, now: Timestamp) -> Option<Timestamp> {
        let summary = self.settings.daily_summary.and_then(|at| summary::next(at, self.zone(), now));
        let others =
            [self.losses.next(), self.weather.next(&self.notebook), self.limit.next(&self.notebook.windows), summary];
        others.into_iter().flatten().min()
    }

    /// What is to be told by now, oldest first.
    pub fn take(&mut self) -> Vec<Alert> {
        std::mem::take(&mut self.told)
    }

    fn offer(&mut self, alert: Alert, now: Timestamp) {
        let kind = kind(&alert.event);
        let ways = self.settings.channels();
        if !ways.into_iter().any(|it| self.settings.routes(kind, alert.severity, it)) {
            return;
        }
        if UNLIMITED.contains(&kind.name) {
            self.told.push(alert);
            return;
        }
        if self.settings.daily_summary.is_some() {
            let count = self.notebook.diary.events.entry(kind.name.to_owned()).or_default();
            *count = count.saturating_add(1);
        }
        self.told.extend(self.limit.pass(&mut self.notebook.windows, alert, now));
    }
}

/// A heater that is on, as its plug says, and is to be off.
fn heats_against_its_order(notice: &Notice, house: &House) -> bool {
    let id = notice.device.clone().zip(notice.slot).map(|(device, slot)| OutletId::new(device, slot));
    let outlet = id.and_then(|id| house.outlets.get(&id));
    outlet.is_some_and(|it| {
        it.class == Class::Heater && !it.decision.switch.is_on() && it.switch().is_some_and(|it| it.is_on())
    })
}
