//! Commands: a person's wish is recorded, and refused if a more important voice speaks against it.

use std::{collections::BTreeSet, sync::Arc};

use jiff::{SignedDuration, Timestamp};

use super::{Controller, civil::later, decide, lockout, record::about, wishes};
use crate::model::{
    Asker, Availability, Command, Control, Fault, Lasting, Notice, NoticeKind, OVERTAKEN, Outlet, OutletId, Pending,
    Remembered, Switch, Target, VacationTold, Verb, Wish,
};

/// Askers of the same that may wait beside the newest one.
const JOINED: usize = 64;

impl Controller {
    pub(super) fn command(
        &mut self,
        command: &Command,
        now: Timestamp,
        notices: &mut Vec<Notice>,
    ) -> Option<BTreeSet<OutletId>> {
        match (&command.target, command.verb) {
            (_, Verb::Vacation(away)) => {
                self.set_vacation(away);
                notices.push(done(command, now));
            }
            (_, Verb::Pause(end)) => self.pause(end, command, now, notices),
            (_, Verb::Resume) => self.resume(command, now, notices),
            (_, Verb::Acknowledge) => self.acknowledge(command, now, notices),
            (Target::Outlet(id), Verb::LongestOn(limit)) => self.limit(id, limit, command, now, notices),
            (Target::Outlet(id), verb) => {
                let verb = self.toggled(std::slice::from_ref(id), verb);
                self.ask(id, verb, command, now, notices);
            }
            (Target::Group(group), verb) => match self.house.groups.get(group).cloned() {
                Some(group) if !group.outlets.is_empty() => {
                    let verb = self.toggled(&group.outlets, verb);
                    for id in &group.outlets {
                        self.ask(id, verb, command, now, notices);
                    }
                }
                Some(_) => {
                    notices.push(refused(command, now, "none of its outlets is known yet").about_group(Some(group)))
                }
                None => notices.push(refused(command, now, "there is no such group").about_group(Some(group))),
            },
            (Target::House, _) => notices.push(refused(command, now, "the house as a whole cannot be switched")),
        }
        // Everybody is touched by a vacation or a pause; otherwise `ask` has decided what the command touched.
        (!matches!(command.verb, Verb::Vacation(_) | Verb::Pause(_) | Verb::Resume)).then(BTreeSet::new)
    }

    /// A person's own limit of the time on, which can only be below that of the config.
    fn limit(
        &mut self,
        id: &OutletId,
        limit: SignedDuration,
        command: &Command,
        now: Timestamp,
        notices: &mut Vec<Notice>,
    ) {
        let most = self.settings.safety.longest_on;
        let Some(outlet) = self.house.outlets.get_mut(id) else {
            notices.push(refused(command, now, "there is no such outlet").about_outlet(id));
            return;
        };
        if limit <= SignedDuration::ZERO || limit > most {
            let words = format!("it can be lowered from here, and the config allows {} min", most.as_mins());
            notices.push(about(outlet, named(outlet, refused(command, now, &words))));
            return;
        }
        Arc::make_mut(outlet).memory.longest_on = Some(limit).filter(|it| *it < most);
        notices.push(done(command, now));
        self.decide_one(id, now, notices);
    }

    /// Somebody has looked at a fault. Of a group, every outlet that is locked off may be tried again.
    fn acknowledge(&mut self, command: &Command, now: Timestamp, notices: &mut Vec<Notice>) {
        let ids = match &command.target {
            Target::Outlet(id) => vec![id.clone()],
            Target::Group(group) => self.house.groups.get(group).map(|it| it.outlets.clone()).unwrap_or_default(),
            Target::House => Vec::new(),
        };
        let mut found = false;
        for id in &ids {
            let Some(outlet) = self.house.outlets.get_mut(id) else { continue };
            if outlet.alarm == Some(Fault::Drift) {
                let outlet = Arc::make_mut(outlet);
                (outlet.memory.learned, outlet.alarm) = (None, None);
                self.learn_anew(id);
                found = true;
                continue;
            }
            if let Some(lockout) = lockout::acknowledged(outlet) {
                Arc::make_mut(outlet).memory.lockout = lockout;
                self.decide_one(id, now, notices);
                found = true;
            }
        }
        if found {
            notices.push(done(command, now));
        } else {
            let notice = refused(command, now, "no fault waits for it");
            notices.push(match &command.target {
                Target::Outlet(id) => notice.about_outlet(id),
                Target::Group(group) => notice.about_group(Some(group)),
                Target::House => notice,
            });
        }
    }

    /// Everybody leaves or comes back. Leaving ends the wishes that keep something on.
    fn set_vacation(&mut self, away: bool) {
        self.house.vacation = away;
        self.house.vacation_told = Some(VacationTold { away, config: self.settings.vacation });
        if !away {
            return;
        }
        for outlet in self.house.outlets.values_mut() {
            if outlet.memory.wish.is_some_and(|it| it.switch.is_on()) {
                Arc::make_mut(outlet).memory.wish = None;
            }
        }
    }

    /// `TOGGLE` becomes a position: everything off if anything is on or nothing is known.
    fn toggled(&self, outlets: &[OutletId], verb: Verb) -> Verb {
        if verb != Verb::Toggle {
            return verb;
        }
        let known: Vec<_> = outlets.iter().filter_map(|id| self.house.outlets.get(id)?.switch()).collect();
        let all_off = !known.is_empty() && known.iter().all(|it| !it.is_on());
        Verb::Set(Switch::from_bool(all_off), Lasting::Default)
    }

    /// Asks one outlet: tries the wish out, and takes it back if the ladder would not follow it.
    fn ask(&mut self, id: &OutletId, verb: Verb, command: &Command, now: Timestamp, notices: &mut Vec<Notice>) {
        let Some(outlet) = self.house.outlets.get(id) else {
            notices.push(refused(command, now, "there is no such outlet").about_outlet(id));
            return;
        };
        let mut outlet = Outlet::clone(outlet);
        let asked = match self.wished(&outlet, verb, command, now) {
            Ok(memory) => memory,
            Err(words) => {
                notices.push(about(&outlet, named(&outlet, refused(command, now, &words))));
                return;
            }
        };
        let before = std::mem::replace(&mut outlet.memory, asked);
        let decision = decide::decide(&self.facts(&outlet, now)).decision;
        let wanted = match verb {
            Verb::Set(switch, _) => switch,
            Verb::Control(Control::On) => Switch::On,
            // None of the others moves an outlet by itself.
            _ => decision.switch,
        };
        let refusal = (decision.switch != wanted).then_some(decision.reason);
        let full = wanted.is_on().then(|| self.circuit_refuses(&outlet, now)).flatten();
        // Giving the outlet back to its rules is never refused: they may have to wait.
        let back_to_rules = verb == Verb::Control(Control::Auto);
        let wanted = if back_to_rules && full.is_some() { Switch::Off } else { wanted };
        // Rules give way to a person, so whoever asks has to wait for them at most.
        if let Some(reason) = refusal.or(full.filter(|_| !back_to_rules)) {
            outlet.memory = before;
            notices.push(about(&outlet, named(&outlet, refused(command, now, &reason.to_string()))));
            return;
        }
        let failure = (outlet.availability == Availability::Offline).then(|| self.trouble(id));
        let number = self.commanded.entry(id.device.clone()).or_default();
        *number += 1;
        outlet.commanded = *number;
        let older = outlet.pending.take();
        // Whoever repeats a wish hears of its failure at the first deadline, not ever later.
        let same = older.as_ref().filter(|it| it.switch == wanted);
        let repeated = same.map(|it| it.answer_by);
        let failure = failure.or_else(|| same?.failure.clone());
        let joined = older.map(|it| joined(&outlet, it, wanted, now, notices)).unwrap_or_default();
        outlet.pending = Some(Pending {
            switch: wanted,
            number: *number,
            answer_by: repeated.unwrap_or_else(|| later(now, self.settings.answer_within)),
            asker: Asker { transaction: command.transaction.clone(), ticket: command.ticket },
            joined,
            failure,
        });
        self.house.outlets.insert(id.clone(), Arc::new(outlet));
        self.decide_one(id, now, notices);
    }

    /// What the outlet would remember if the command were followed.
    fn wished(&self, outlet: &Outlet, verb: Verb, command: &Command, now: Timestamp) -> Result<Remembered, String> {
        let mut memory = outlet.memory.clone();
        memory.asked_because = command.reason.clone();
        let (switch, lasting) = match verb {
            Verb::Set(switch, lasting) => (switch, lasting),
            Verb::Control(Control::Off) => {
                memory.control = Control::Off;
                memory.wish = None;
                return Ok(memory);
            }
            Verb::Control(Control::Auto) => {
                memory.control = Control::Auto;
                memory.wish = None;
                return Ok(memory);
            }
            Verb::Control(Control::On) => {
                memory.control = Control::Auto;
                (Switch::On, Lasting::Default)
            }
            Verb::LongestOn(_) => return Err("a group has no longest runtime of its own".to_owned()),
            Verb::Toggle | Verb::Vacation(_) | Verb::Acknowledge | Verb::Pause(_) | Verb::Resume => return Ok(memory),
        };
        let rules = decide::decide(&self.facts(outlet, now)).rules.unwrap_or(Switch::Off);
        let group = outlet.group.as_ref().and_then(|it| self.settings.groups.get(it));
        let end = wishes::end_of(lasting, &self.settings, group, rules, now)?;
        // While control is off an OFF is granted already; a wish would only outlive it.
        memory.wish = (memory.control != Control::Off || switch.is_on()).then_some(Wish {
            switch,
            since: now,
            end,
            origin: command.origin,
        });
        Ok(memory)
    }

    fn trouble(&self, id: &OutletId) -> String {
        let trouble = self.house.devices.get(&id.device).and_then(|it| it.trouble.as_ref());
        trouble.map_or_else(|| "the device does not answer".to_owned(), |it| it.text.clone())
    }
}

/// A command that nothing has to be waited for was followed.
fn done(command: &Command, now: Timestamp) -> Notice {
    Notice::new(now, NoticeKind::Answered, "done").answering(command.ticket)
}

/// Those who still waited for the answer to an older command. Who wanted the same goes on waiting, with whoever says it now; all others, and who
/// has no room there, hear that they were overtaken.
fn joined(outlet: &Outlet, older: Pending, wanted: Switch, now: Timestamp, notices: &mut Vec<Notice>) -> Vec<Asker> {
    let stays = if older.switch == wanted { JOINED } else { 0 };
    let mut waiting: Vec<_> = older.joined.into_iter().chain([older.asker]).filter(Asker::waits).collect();
    let joined = waiting.split_off(waiting.len().saturating_sub(stays));
    notices.extend(waiting.into_iter().map(|it| superseded(outlet, it, now)));
    joined
}

/// What somebody hears whose command still waited for its answer.
fn superseded(outlet: &Outlet, older: Asker, now: Timestamp) -> Notice {
    let words = format!("{}: a newer command has taken this one's place", outlet.name);
    let notice = about(outlet, Notice::new(now, NoticeKind::Refused, words)).answering(older.ticket);
    let notice = notice.with(OVERTAKEN, "newer_command");
    match older.transaction {
        Some(transaction) => notice.with("transaction", transaction),
        None => notice,
    }
}

fn named(outlet: &Outlet, mut notice: Notice) -> Notice {
    notice.message = format!("{}: {}", outlet.name, notice.message);
    notice
}

fn refused(command: &Command, now: Timestamp, why: &str) -> Notice {
    let asked = match command.verb {
        Verb::Set(switch, _) => switch.to_string(),
        Verb::Toggle => "TOGGLE".to_owned(),
        Verb::Acknowledge => "the acknowledgement of a fault".to_owned(),
        Verb::Control(control) => format!("control {}", control.as_str()),
        Verb::Vacation(away) => format!("vacation {}", Switch::from_bool(away)),
        Verb::LongestOn(limit) => format!("a longest runtime of {} min", limit.as_mins()),
        Verb::Pause(_) => "a pause".to_owned(),
        Verb::Resume => "the end of a pause".to_owned(),
    };
    let notice = Notice::new(now, NoticeKind::Refused, format!("{asked} is refused: {why}")).answering(command.ticket);
    match &command.transaction {
        Some(transaction) => notice.with("transaction", transaction.clone()),
        None => notice,
    }
}
