//! The task of one device: it alone talks to the device, one request at a time, and makes its outlets agree with the orders.
//!
//! There are no pending commands. Each time round, the newest orders are compared with what the outlets reported last, and the
//! most urgent difference is dealt with ([`duty::next`]). After each login the device must say who it is and show all its
//! outlets before any of them is switched (see `meeting.rs`).

use std::{collections::BTreeMap, convert::Infallible, sync::Arc, time::Duration};

use tokio::{
    sync::watch,
    time::{Instant, sleep, sleep_until},
};

use super::{
    Assignment, Network,
    answer::{self, Look},
    duty::{self, Agenda, Duty, Moment},
    finding::Finder,
    guard::Tempo,
    led::Led,
    link::{Kind, Link, LinkError},
    outlet::{Failure, Outlet},
    pace::{self, Pauses, WAKE},
    survey::Survey,
    trouble::Whereabouts,
};
use crate::{
    hub::{DeviceVitals, Handle},
    model::{
        Address, Cause, Credentials, DeviceSettings, Event, Housing, Orders, OutletId, Pin, Report, Switch, Timer,
        Trouble, TroubleKind,
    },
};

/// Failures in a row after which a device counts as lost.
const LOST_AFTER: u32 = 2;
/// The same where the last one was an ended session: the device is there, and the other program will let it go for a moment.
const LOST_AFTER_SESSIONS: u32 = 6;
/// Energy, and the power of outlets that are off, are asked for at every so many polls: `control::faults` counts on it.
const METERS_EVERY: u32 = 6;
/// A strip is asked for its Wi-Fi signal and firmware at every so many polls.
const HOUSING_EVERY: u32 = 60;
/// Sessions that end within this time of each other are being taken over by somebody.
const CONTENDED: Duration = Duration::from_secs(60);

/// The task of one device.
#[derive(Debug)]
pub(super) struct Task {
    pub(super) settings: DeviceSettings,
    pub(super) credentials: Credentials,
    pub(super) pin: Option<Pin>,
    pub(super) network: Arc<dyn Network>,
    pub(super) finder: Option<Arc<Finder>>,
    /// The config's address. That in the settings is where the device was found last.
    pub(super) home: Address,
    /// When it was looked for last.
    pub(super) searched: Option<Instant>,
    pub(super) handle: Handle,
    pub(super) vitals: Arc<DeviceVitals>,
    pub(super) orders: watch::Receiver<Arc<Orders>>,
    pub(super) place: Whereabouts,
    /// Outlets are children of the housing, by its own word.
    pub(super) is_strip: bool,
    pub(super) survey: Survey,
    pub(super) housing: Option<Arc<Housing>>,
    pub(super) led: Led,
    pub(super) outlets: BTreeMap<u8, Outlet>,
    /// The device has not shown its outlets since the last login.
    pub(super) fresh: bool,
    /// Nothing but the end of a session has gone wrong since the last look. The device has been there all the time, so that what it
    /// shows after the next login has happened since, and is no matter of an unknown past.
    pub(super) unbroken: bool,
    /// The connection is a new one, so that the device is to be announced even if nothing about it has changed.
    pub(super) announce: bool,
    pub(super) agenda: Agenda,
    pub(super) tempo: Tempo,
    heard: Arc<Orders>,
    polls: u32,
    failures: u32,
    lost: Option<Kind>,
    pauses: Pauses,
    renewed: Option<Instant>,
    pub(super) switched: Option<Instant>,
    pub(super) contended: bool,
}

impl Task {
    /// A task that has not spoken to its device yet.
    pub(super) fn new(assignment: Assignment, handle: Handle, orders: watch::Receiver<Arc<Orders>>) -> Self {
        let Assignment { settings, credentials, pin, network, finder } = assignment;
        let heard = orders.borrow().clone();
        let survey = Survey::remembering(pin.as_ref());
        let tempo = Tempo::new(handle.clock.speed());
        let vitals = handle.vitals.of(&settings.slug);
        Self {
            place: Whereabouts::of(&settings),
            home: settings.address.clone(),
            finder,
            searched: None,
            settings,
            credentials,
            pin,
            network,
            handle,
            vitals,
            orders,
            is_strip: false,
            survey,
            housing: None,
            led: Led::after(heard.led),
            outlets: BTreeMap::new(),
            fresh: true,
            unbroken: false,
            announce: true,
            tempo,
            agenda: Agenda {
                poll_at: Instant::now(),
                learned: false,
                measured: false,
                housing_due: false,
                quiet_until: Instant::now(),
            },
            heard,
            polls: 0,
            failures: 0,
            lost: None,
            pauses: Pauses::gone(),
            renewed: None,
            switched: None,
            contended: false,
        }
    }

    /// Never ends by itself.
    pub(super) async fn live(mut self) -> Infallible {
        let mut link = None;
        sleep(pace::until_first_dial(self.settings.poll_every, &self.settings.slug)).await;
        loop {
            let error = match self.attend(&mut link).await {
                Ok(never) => match never {},
                Err(error) => error,
            };
            tracing::debug!(kind = ?error.kind, failures = self.failures, "{error}");
            self.failures += 1;
            let limit = if error.kind == Kind::Session { LOST_AFTER_SESSIONS } else { LOST_AFTER };
            let certain = error.kind.is_certain() || self.failures >= limit;
            self.unbroken &= error.kind == Kind::Session && !certain;
            if certain || error.kind == Kind::Session {
                link = None;
            }
            if certain {
                self.lose(&error).await;
                if !Box::pin(self.search(error.kind)).await {
                    self.wait_for_its_return(error.kind).await;
                }
            } else {
                sleep(pace::breath(error.kind)).await;
            }
        }
    }

    /// Keeps the outlets as they are ordered, until the link fails.
    async fn attend(&mut self, link: &mut Option<Link>) -> Result<Infallible, LinkError> {
        loop {
            let open = match link {
                Some(open) => open,
                None => {
                    (self.fresh, self.announce) = (true, true);
                    link.insert(Box::pin(self.connect()).await?)
                }
            };
            // What is rarely under way takes memory only then.
            let step = if self.fresh { Box::pin(self.meet(open)).await } else { self.round(open).await };
            match step {
                Ok(()) => {}
                Err(error) if error.kind == Kind::Session && !self.fresh => Box::pin(self.renew(link)).await,
                Err(error) => return Err(error),
            }
        }
    }

    /// Logs in again after the device has forgotten the session: at once, but not more than once a second, for the other program
    /// that takes the session over would be thrown out as often.
    async fn renew(&mut self, link: &mut Option<Link>) {
        let last = self.renewed.map_or(Duration::MAX, |at| at.elapsed());
        if last < CONTENDED && !self.contended {
            tracing::warn!("{} ends its sessions early: another program seems to log in to it too", self.place);
        }
        self.contended = last < CONTENDED;
        sleep(WAKE.saturating_sub(last)).await;
        self.renewed = Some(Instant::now());
        self.fresh = true;
        let renewed = match link {
            Some(open) => open.refresh().await.is_ok(),
            None => false,
        };
        if !renewed {
            // What the old login cannot renew, a new one may: the device can have changed its protocol meanwhile.
            *link = None;
            self.unbroken = false;
        }
    }

    /// One duty.
    async fn round(&mut self, link: &mut Link) -> Result<(), LinkError> {
        let orders = self.hear();
        let order = |slot| orders.wanted.get(&slot).copied().unwrap_or(Switch::Off.into());
        let moment = Moment { now: Instant::now(), clock: self.handle.clock.now(), tempo: self.tempo };
        let with_timers = link.has_timers();
        let duty = match duty::next(&self.outlets, &orders, &self.survey, self.agenda, moment) {
            Duty::Rest(_) if let Some(led) = self.led_due(&orders, with_timers) => Duty::Led(led),
            duty => duty,
        };
        let done = match duty {
            Duty::Switch(slot, Switch::On) if order(slot).timer != Timer::None => {
                self.stir();
                Box::pin(self.arm_and_switch_on(link, slot, order(slot))).await
            }
            Duty::Switch(slot, to) => self.switch_plainly(link, slot, to).await,
            Duty::Arm(slot) => Box::pin(self.rearm(link, slot, order(slot))).await,
            Duty::Clear(slot) => self.clear(link, slot).await,
            Duty::ReadCountdown(slot) if with_timers => self.read_countdown(link, slot, order(slot).timer).await,
            Duty::ReadCountdown(slot) => {
                self.outlets.get_mut(&slot).into_iter().for_each(|it| it.guard.was_asked());
                Ok(())
            }
            Duty::Settle(slot) => Box::pin(self.settle(link, slot, order(slot))).await,
            Duty::Look => self.look(link).await,
            Duty::Poll => {
                self.count_poll();
                self.look(link).await
            }
            Duty::Ask(question) => Box::pin(self.ask(link, question)).await,
            Duty::Announce => {
                self.announce_meters().await;
                Ok(())
            }
            Duty::Enrich => {
                self.enrich().await;
                Ok(())
            }
            Duty::Housing => {
                self.agenda.housing_due = false;
                let info = link.info().await?;
                self.refresh_housing(&info).await;
                Ok(())
            }
            Duty::Led(duty) => Box::pin(self.tend_led(link, duty)).await,
            Duty::Rest(until) => {
                tokio::select! {
                    () = sleep_until(until) => {}
                    () = changed(&mut self.orders) => {}
                }
                Ok(())
            }
        };
        if let Some(operation) = duty.operation(with_timers) {
            self.vitals.note(operation, moment.now.elapsed(), done.is_err());
        }
        done
    }

    /// The newest orders; what they change for the pauses after failures is noted.
    fn hear(&mut self) -> Arc<Orders> {
        let orders = self.orders.borrow_and_update().clone();
        if !Arc::ptr_eq(&orders, &self.heard) {
            let insists = orders.commanded > self.heard.commanded;
            if orders.looks > self.heard.looks {
                self.agenda.poll_at = Instant::now();
            }
            for (slot, outlet) in &mut self.outlets {
                outlet.hear(orders.wanted.get(slot).map(|it| it.switch), insists);
            }
            self.heard = Arc::clone(&orders);
        }
        orders
    }

    async fn look(&mut self, link: &mut Link) -> Result<(), LinkError> {
        let (commanded, asked_at) = (self.orders.borrow().commanded, self.handle.clock.now());
        let (looks, rssi) = if self.is_strip {
            (self.read_strip(&link.children().await?)?, None)
        } else {
            let info = link.info().await?;
            (vec![answer::single(&info)], answer::about(&info).rssi)
        };
        if looks.iter().map(|it| it.slot).ne(self.outlets.keys().copied()) {
            // Outlets have come or gone: it is another device than the one that was met.
            (self.fresh, self.announce, self.unbroken) = (true, true, false);
            return Ok(());
        }
        if looks.iter().all(|it| it.switch.is_none()) {
            return Err(self.place.error(Kind::Garbled, "no outlet says whether it is on"));
        }
        // Not before it has been looked at after its login: one that lets us in and then fails would be logged in to for ever.
        self.pauses = Pauses::gone();
        let moved = looks.iter().any(|it| self.outlets.get(&it.slot).is_some_and(|outlet| outlet.was_moved(it)));
        self.record(looks, commanded, rssi, Cause::Polled).await;
        if moved {
            self.until_shown(asked_at).await;
        }
        Ok(())
    }

    /// Notes what was seen and reports it; `cause` is that of outlets which were not switched since the look before.
    pub(super) async fn record(&mut self, looks: Vec<Look>, commanded: u64, rssi: Option<i16>, cause: Cause) {
        (self.failures, self.unbroken) = (0, true);
        let (mut reports, mut failures, tempo) = (Vec::new(), Vec::new(), self.tempo);
        for look in looks {
            let slot = look.slot;
            let Some(outlet) = self.outlets.get_mut(&slot) else { continue };
            let (cause, failure) = outlet.looked(look, commanded, cause == Cause::FirstContact);
            reports.extend(outlet.report(cause, tempo));
            failures.extend(failure.map(|it| (slot, it)));
        }
        self.agenda.poll_at = Instant::now() + pace::until_next_look(self.settings.poll_every, self.mood());
        self.send_reports(reports, rssi).await;
        for (slot, failure) in failures {
            self.tell(slot, failure).await;
        }
    }

    fn count_poll(&mut self) {
        self.polls = self.polls.wrapping_add(1);
        if self.polls.is_multiple_of(METERS_EVERY) {
            for outlet in self.outlets.values_mut().filter(|it| it.meters().energy) {
                (outlet.power_due, outlet.usage_due) = (true, true);
            }
        }
        if self.polls.is_multiple_of(HOUSING_EVERY) {
            self.agenda.housing_due |= self.is_strip;
            self.outlets.values_mut().for_each(|it| it.guard.forget());
        }
    }

    async fn lose(&mut self, error: &LinkError) {
        let abandoned: Vec<_> =
            self.outlets.iter_mut().filter_map(|(slot, it)| Some((*slot, it.abandoned()?))).collect();
        for (slot, failure) in abandoned {
            self.tell(slot, failure).await;
        }
        if !self.lost.is_some_and(|it| it.is_same_trouble(error.kind)) {
            self.lost = Some(error.kind);
            self.vitals.note_lost();
            let doubted: Vec<_> = self.outlets.iter().filter(|(_, it)| it.guard.is_unsure()).map(|it| *it.0).collect();
            for slot in doubted {
                self.send(Event::TimerDoubted { outlet: OutletId::new(self.settings.slug.clone(), slot) }).await;
            }
            self.send(Event::DeviceLost { device: self.settings.slug.clone(), trouble: error.trouble() }).await;
        }
    }

    /// The device is there.
    pub(super) fn found(&mut self) {
        self.lost = None;
        self.failures = 0;
    }

    /// A growing pause. What may pass by itself is tried sooner when there are new orders; a wrong password is not.
    async fn wait_for_its_return(&mut self, kind: Kind) {
        let pause = pace::pause_after(kind, &mut self.pauses, self.settings.poll_every);
        let least = Instant::now() + WAKE;
        let woken = async {
            if !kind.is_passing() {
                std::future::pending::<()>().await;
            }
            changed(&mut self.orders).await;
            sleep_until(least).await;
        };
        tokio::select! {
            () = sleep(pause) => {}
            () = woken => {}
        }
    }

    pub(super) async fn tell(&self, slot: u8, (wanted, text): Failure) {
        let outlet = OutletId::new(self.settings.slug.clone(), slot);
        let trouble = Trouble { kind: TroubleKind::Passing, text };
        self.send(Event::SwitchFailed { outlet, wanted, trouble }).await;
    }

    pub(super) async fn send_reports(&self, reports: Vec<Report>, rssi: Option<i16>) {
        self.send(Event::DeviceReported { device: self.settings.slug.clone(), reports, rssi }).await;
    }

    pub(super) async fn send(&self, event: Event) {
        // A hub that has stopped hears nothing; the task is about to be stopped too.
        let _ = self.handle.send(event).await;
    }
}

/// Waits for new orders; for ever once nobody can give any.
async fn changed(orders: &mut watch::Receiver<Arc<Orders>>) {
    if orders.changed().await.is_err() {
        std::future::pending::<()>().await;
    }
}
