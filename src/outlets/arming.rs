//! Arming the timer on the plug: before the relay closes, again and again while it is to stay closed, and no longer than that.
//!
//! No report is needed to keep a heater from running on: whatever cannot be confirmed ends in OFF.

use tokio::time::{Instant, sleep};

use super::{
    answer::Countdown,
    guard::Guard,
    link::{Arming, Kind, Link, LinkError},
    outlet::Outlet,
    pace,
    task::Task,
};
use crate::model::{Event, Order, OutletId, Switch, Timer, TimerConcern};

/// The auto-off timer opens a relay this long after the longest time on that any rule allows, in minutes: it is for the day on which
/// nothing else does.
const CEILING_ABOVE: i64 = 15;
/// The longest auto-off time that plugs take, in minutes.
const CEILING_MOST: i64 = 1440;

impl Task {
    /// Arms the timer and closes the relay, in one round trip where the device allows it.
    ///
    /// # Errors
    /// The link has failed.
    pub(super) async fn arm_and_switch_on(&mut self, link: &mut Link, slot: u8, order: Order) -> Result<(), LinkError> {
        let Some((arming, armed)) = self.arm(link, slot, order, true).await? else { return Ok(()) };
        let why = why_not(&arming);
        let Some(outlet) = self.outlets.get_mut(&slot) else { return Ok(()) };
        match (armed, arming.switched, order.timer) {
            (true, _, _) => {
                outlet.attempted(Switch::On, true, arming.stopped.as_ref().map(|it| it.text.clone()));
            }
            // The plug has taken the timer and not the ON.
            (false, false, _) if arming.added => {
                outlet.guard.lost_sight();
                outlet.attempted(Switch::On, true, arming.stopped.as_ref().map(|it| it.text.clone()));
            }
            (false, false, Timer::Required) => {
                outlet.attempted(Switch::On, false, Some(why.clone()));
                self.tell_unarmed(slot, why).await;
            }
            (false, true, Timer::Required) => self.condemn(slot, why).await,
            (false, switched, Timer::Wanted | Timer::None) => {
                let first = outlet.guard.rests();
                if first {
                    self.tell_unarmed(slot, why).await;
                }
                if switched {
                    self.attempted_on(slot);
                } else {
                    self.switch_plainly(link, slot, Switch::On).await?;
                }
            }
        }
        link_failure(arming).map_or(Ok(()), Err)
    }

    /// Sets the countdown of an outlet that is on anew. One that can neither be set nor read back ends in OFF, unless the outlet may be
    /// on without and had none.
    ///
    /// # Errors
    /// The link has failed.
    pub(super) async fn rearm(&mut self, link: &mut Link, slot: u8, order: Order) -> Result<(), LinkError> {
        let had = self.outlets.get(&slot).is_some_and(|it| it.guard.is_left_over());
        let Some((arming, armed)) = self.arm(link, slot, order, false).await? else { return Ok(()) };
        self.agenda.measured = true;
        if armed {
            return Ok(());
        }
        if let Some(error) = link_failure_of(&arming) {
            return Err(error);
        }
        let why = why_not(&arming);
        if order.timer == Timer::Required || had {
            self.condemn(slot, why).await;
        } else if self.outlets.get_mut(&slot).is_some_and(|it| it.guard.rests()) {
            self.tell_unarmed(slot, why).await;
        }
        Ok(())
    }

    /// Sets the countdown, and with `on` closes the relay after that. `None` if there is no such outlet. Whether the plug shows the
    /// countdown that was set comes with it.
    async fn arm(
        &mut self,
        link: &mut Link,
        slot: u8,
        order: Order,
        on: bool,
    ) -> Result<Option<(Arming, bool)>, LinkError> {
        let (tempo, asked) = (self.tempo, Instant::now());
        let Some(outlet) = self.outlets.get_mut(&slot) else { return Ok(None) };
        let delay = Guard::delay(&order, tempo, asked, self.handle.clock.now());
        let arming = match link.arm(outlet.child(), delay, on).await {
            Ok(arming) => arming,
            // It was understood and turned down as a whole: nothing was done.
            Err(error) if error.kind == Kind::Device => Arming::refused(error),
            Err(error) => {
                outlet.guard.lost_sight();
                if on && error.kind != Kind::Session {
                    outlet.attempted(Switch::On, error.kind.may_have_been_done(), Some(error.text.clone()));
                } else if on && self.contended {
                    outlet.hold(Switch::On);
                } else if !on && error.kind == Kind::Garbled {
                    // Unreadable: nobody knows whether the countdown is there.
                    self.condemn(slot, unarmed(&error.text)).await;
                }
                return Err(error);
            }
        };
        let foreign = arming.before.filter(|it| !outlet.guard.is_ours(*it, order.timer, tempo));
        let armed = outlet.guard.read_back(arming.after, delay, asked, tempo);
        if let Some(foreign) = foreign {
            let fate = if arming.removed { "replaced by the one that watches over the heat" } else { "left there" };
            self.tell_foreign(slot, foreign, fate).await;
        }
        if link_failure_of(&arming).is_some()
            && let Some(outlet) = self.outlets.get_mut(&slot)
        {
            outlet.guard.lost_sight();
        }
        Ok(Some((arming, armed)))
    }

    /// The relay is opened next, and the reason told at once.
    async fn condemn(&mut self, slot: u8, why: String) {
        let Some(outlet) = self.outlets.get_mut(&slot) else { return };
        outlet.guard.condemn();
        outlet.guard.cleared();
        outlet.hold(Switch::On);
        if let Some(failure) = outlet.untold(Switch::On, why.clone()) {
            self.tell(slot, failure).await;
        }
        self.tell_unarmed(slot, format!("{why}; it is switched off")).await;
    }

    fn attempted_on(&mut self, slot: u8) {
        if let Some(outlet) = self.outlets.get_mut(&slot) {
            outlet.attempted(Switch::On, true, None);
        }
    }

    /// Takes away a countdown of ours that has nothing left to do. It would only find the relay open, so that a failure is no matter,
    /// but it could end what a person switches on meanwhile.
    ///
    /// # Errors
    /// Only that the session has ended.
    pub(super) async fn clear(&mut self, link: &mut Link, slot: u8) -> Result<(), LinkError> {
        let Some(outlet) = self.outlets.get_mut(&slot) else { return Ok(()) };
        match link.clear_countdown(outlet.child()).await {
            Err(error) if error.kind == Kind::Session => return Err(error),
            Err(error) => self.shrug(&error).await,
            Ok(()) => {}
        }
        if let Some(outlet) = self.outlets.get_mut(&slot) {
            outlet.guard.cleared();
        }
        Ok(())
    }

    /// Reads the countdown of an outlet, to know when it will move by itself, and whose it is.
    ///
    /// # Errors
    /// Only that the session has ended.
    pub(super) async fn read_countdown(&mut self, link: &mut Link, slot: u8, timer: Timer) -> Result<(), LinkError> {
        let (tempo, asked) = (self.tempo, Instant::now());
        let Some(outlet) = self.outlets.get_mut(&slot) else { return Ok(()) };
        outlet.guard.was_asked();
        match link.countdown(outlet.child()).await {
            Err(error) if error.kind == Kind::Session => return Err(error),
            Err(error) => self.shrug(&error).await,
            Ok(shown) => {
                if let Some(foreign) = outlet.guard.found(shown, timer, asked, tempo) {
                    self.agenda.measured = true;
                    self.tell_foreign(slot, foreign, "left there").await;
                }
            }
        }
        Ok(())
    }

    /// Sees to it that a heater stays off after a power cut, and that the plug's lasting auto-off timer is in force. Both are kept in the
    /// device's flash, and written only where they differ.
    ///
    /// # Errors
    /// Only that the session has ended.
    pub(super) async fn settle(&mut self, link: &mut Link, slot: u8, order: Order) -> Result<(), LinkError> {
        let written = self.pin.as_ref().and_then(|it| it.auto_off.get(&slot).copied());
        let Some(outlet) = self.outlets.get_mut(&slot) else { return Ok(()) };
        if !outlet.guard.settle(order.longest_on) {
            return Ok(());
        }
        match settle(link, outlet, order, written).await {
            Err(error) if error.kind == Kind::Session => Err(error),
            Err(error) => {
                self.shrug(&error).await;
                Ok(())
            }
            Ok(Ceiling::Unknown) => Ok(()),
            Ok(Ceiling::Ours(minutes)) => {
                if written != Some(minutes) {
                    self.remember_ceiling(slot, minutes).await;
                }
                Ok(())
            }
            Ok(Ceiling::Kept(minutes)) => {
                let kept = format!("the plug's auto-off timer is set to {minutes} min and was left so");
                if let Some(text) = outlet.guard.untold(kept) {
                    self.notice(slot, TimerConcern::Foreign, text).await;
                }
                Ok(())
            }
        }
    }

    /// What is known to be the bridge's own figure may be raised later.
    async fn remember_ceiling(&mut self, slot: u8, minutes: u32) {
        if let Some(pin) = &mut self.pin {
            pin.auto_off.insert(slot, minutes);
        }
        let outlet = OutletId::new(self.settings.slug.clone(), slot);
        self.send(Event::AutoOffSet { outlet, minutes }).await;
    }

    /// A question that can wait was not answered. The next look tells whether the device is there; until then its past is not certain.
    async fn shrug(&mut self, error: &LinkError) {
        tracing::debug!("a question about a timer was not answered: {error}");
        if error.kind != Kind::Device {
            self.unbroken = false;
            sleep(pace::breath(error.kind)).await;
        }
    }

    async fn tell_unarmed(&self, slot: u8, text: String) {
        self.notice(slot, TimerConcern::NotArmed, text).await;
    }

    async fn tell_foreign(&mut self, slot: u8, found: Countdown, fate: &str) {
        let to = found.to.map_or("switch it", |it| if it.is_on() { "switch it ON" } else { "switch it OFF" });
        let text = format!("a timer was found on the plug that was to {to} {} s later; it was {fate}", found.remain);
        let Some(outlet) = self.outlets.get_mut(&slot) else { return };
        // The same timer is not told again because it has run on.
        let same = format!("{:?} {} {fate}", found.to, found.delay);
        if outlet.guard.untold(same).is_some() {
            self.notice(slot, TimerConcern::Foreign, text).await;
        }
    }

    async fn notice(&self, slot: u8, concern: TimerConcern, text: String) {
        let outlet = OutletId::new(self.settings.slug.clone(), slot);
        self.send(Event::TimerNoticed { outlet, concern, text }).await;
    }
}

/// The lasting auto-off timer, in minutes.
enum Ceiling {
    /// There is none, or none is wanted.
    Unknown,
    /// As the bridge wants it.
    Ours(u32),
    /// As somebody has set it, who wants it off sooner than any rule: the stricter one holds.
    Kept(u32),
}

/// `written` is what the bridge itself has set it to.
async fn settle(link: &mut Link, outlet: &Outlet, order: Order, written: Option<u32>) -> Result<Ceiling, LinkError> {
    let child = outlet.child();
    if outlet.stays_off() == Some(false) {
        link.stay_off_after_a_cut(child).await?;
    }
    let Some(longest) = order.longest_on.filter(|_| outlet.has_auto_off()) else {
        return Ok(Ceiling::Unknown);
    };
    let minutes = longest.as_secs().saturating_add(59) / 60 + CEILING_ABOVE;
    let minutes = u32::try_from(minutes.clamp(1, CEILING_MOST)).unwrap_or(1);
    let (enabled, set) = link.auto_off(child).await?;
    if enabled && set < minutes && written != Some(set) {
        return Ok(Ceiling::Kept(set));
    }
    if !enabled || set != minutes {
        link.set_auto_off(child, minutes).await?;
    }
    Ok(Ceiling::Ours(minutes))
}

fn unarmed(why: &str) -> String {
    format!("no timer on the plug could be armed: {why}")
}

fn why_not(arming: &Arming) -> String {
    unarmed(arming.stopped.as_ref().map_or("the plug does not show it", |it| it.text.as_str()))
}

/// Did the link fail, rather than the device say no?
fn link_failure_of(arming: &Arming) -> Option<LinkError> {
    arming.stopped.clone().filter(|it| !matches!(it.kind, Kind::Device | Kind::Garbled))
}

fn link_failure(arming: Arming) -> Option<LinkError> {
    link_failure_of(&arming)
}
