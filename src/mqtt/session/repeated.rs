//! What the session does with a command that has been followed already.

use std::sync::Arc;

use serde_json::{Value, json};

use super::Session;
use crate::{
    model::{Command, Notice, NoticeKind, Outlet, Switch, Target, Verb},
    mqtt::{
        askers::{self, Address},
        message::Message,
        requests,
    },
};

impl Session {
    /// It is not followed once more, whatever has come since. How its outlets are now is published and answered; if something else than
    /// what it asked for is wanted by now, that is an error, and everybody hears why.
    pub(super) fn repeated(&mut self, command: &Command, message: &Message) {
        tracing::debug!("a command on {} came twice and is followed once", message.topic);
        self.show_again(&command.target);
        let house = self.handle.picture();
        let outlets = self.outlets_of(&command.target);
        let outlets: Vec<_> = outlets.iter().filter_map(|id| house.outlets.get(id)).collect();
        let asks_on = matches!(command.verb, Verb::Set(Switch::On, _));
        let is_overruled = |it: &&&Arc<Outlet>| {
            asks_on && !it.decision.switch.is_on() && self.askers.has_arrived(message, command, it)
        };
        let against: Vec<_> = outlets.iter().filter(is_overruled).map(|it| standing(it)).collect();
        let found = if against.is_empty() {
            let told =
                outlets.iter().map(|it| json!({ "device": it.id.device, "slot": it.id.slot, "message": standing(it) }));
            Ok(json!({ "repeated": true, "answers": told.collect::<Value>() }))
        } else {
            let words = "this command was followed before and is not followed again; whoever means it anew sends another \
                         `transaction`";
            Err(format!("{}; {words}", against.join("; ")))
        };
        if let Err(words) = &found {
            self.tell_repeated(command, words);
        }
        if let Some(to) = Address::of(message.reply.as_ref()) {
            self.truth.say_once(askers::answer(to, found, requests::mark(message)));
        }
    }

    fn tell_repeated(&mut self, command: &Command, words: &str) {
        let notice = Notice::new(self.handle.clock.now(), NoticeKind::Refused, words);
        let notice = match &command.target {
            Target::Outlet(outlet) => notice.about_outlet(outlet),
            Target::Group(group) => notice.about_group(Some(group)),
            Target::House => notice,
        };
        // By a number of its own it is not taken for a refusal of the first one, which was followed.
        let notice = notice.answering(Some(self.handle.ticket()));
        self.complaints.bad(match &command.transaction {
            Some(mark) => notice.with("transaction", mark),
            None => notice,
        });
    }
}

/// How an outlet is, and why.
fn standing(outlet: &Outlet) -> String {
    let is = outlet.switch().map_or_else(|| "not known yet".to_owned(), |it| it.to_string());
    let (wanted, why) = (outlet.decision.switch, &outlet.decision.reason);
    format!("{} is {is}, wanted {wanted}: {why}", outlet.name)
}
