//! What is wanted of the config: one change after the other. Whether a message changes anything hangs on what the ones before it have
//! changed, and two that are made at once would race for the file.

use std::collections::VecDeque;

use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::{
    Session,
    requested::{ERRAND_WITHIN, Returned},
};
use crate::{
    hub::Errand,
    model::{ConfigEdit, House, NoticeKind},
    mqtt::{
        askers::{self, Address},
        message::Message,
        requests, timetable,
        topics::{Heard, Topics},
        truth::Once,
    },
};

/// Changes that may wait: a scene of Home Assistant may switch all schedules of a house.
const WAITING: usize = 64;

/// What is wanted of the config.
#[derive(Debug, Default)]
pub(super) struct Changes {
    waiting: VecDeque<Wanted>,
    /// One at most.
    pub under_way: JoinSet<Done>,
    /// What was begun last.
    begun: Option<Wanted>,
}

/// What has come of what was under way.
pub(super) enum Done {
    /// The change is made, or cannot be.
    Made(Box<Returned>),
    /// What is wanted seemed to be so already; whatever others were changing is in force by now.
    Settled(Message),
}

#[derive(Clone, Debug)]
enum Wanted {
    /// A message on the topic of a schedule or a lead.
    Message(Message),
    /// A request, its verb and what it asks for.
    Request(String, Message, Errand),
}

impl Session {
    /// Somebody wants a schedule or a lead to be so. Only the last word of a topic is worth the work.
    pub(super) fn want(&mut self, message: &Message) {
        let is_older = |it: &Wanted| matches!(it, Wanted::Message(older) if older.topic == message.topic);
        if let Some(Wanted::Message(older)) =
            self.changes.waiting.iter().position(is_older).and_then(|at| self.changes.waiting.remove(at))
        {
            self.reply(&older, Err("a newer command has taken this one's place".to_owned()));
        }
        if self.changes.waiting.len() >= WAITING {
            return self.refuse_schedule(NoticeKind::Refused, message, "too many changes wait");
        }
        self.changes.waiting.push_back(Wanted::Message(message.clone()));
        self.next_change();
    }

    /// The same as a request.
    pub(super) fn request_change(&mut self, verb: &str, message: &Message, errand: Errand) {
        if self.changes.waiting.len() >= WAITING {
            let words = format!("{WAITING} changes wait: ask again later");
            return self.answer(verb, message, Err(words));
        }
        self.changes.waiting.push_back(Wanted::Request(verb.to_owned(), message.clone(), errand));
        self.next_change();
    }

    /// A change is made, or is not. One that panicked has been written to the log by the runtime's hook; its asker hears nothing.
    pub(super) fn changed(&mut self, done: Option<Done>) {
        match done {
            Some(Done::Made(returned)) => self.returned(*returned),
            Some(Done::Settled(message)) => self.change_by(message, true),
            None => {}
        }
        self.next_change();
    }

    fn next_change(&mut self) {
        while self.changes.under_way.is_empty()
            && let Some(wanted) = self.changes.waiting.pop_front()
        {
            self.changes.begun = Some(wanted.clone());
            match wanted {
                Wanted::Message(message) => self.change_by(message, false),
                Wanted::Request(verb, message, errand) => {
                    let (handle, topics) = (self.handle.clone(), self.topics().clone());
                    self.changes.under_way.spawn(async move {
                        let found = handle.errand(errand.clone(), ERRAND_WITHIN).await;
                        Done::Made(Returned::of_request(errand, found, &topics, &verb, &message).into())
                    });
                }
            }
        }
    }

    fn change_by(&mut self, message: Message, is_settled: bool) {
        let handle = self.handle.clone();
        match edit_of(self.topics(), &message, &handle.picture()) {
            Ok(Some(edit)) => {
                let errand = Errand::Edit(edit, None);
                self.changes.under_way.spawn(async move {
                    let found = handle.errand(errand.clone(), ERRAND_WITHIN).await;
                    Done::Made(Returned::of_schedule(errand, found, message).into())
                });
            }
            // The page may be changing just that, and this is the newer word: it is looked at again when that is in force.
            Ok(None) if !is_settled => {
                self.changes.under_way.spawn(async move {
                    // Where nobody can tell, nobody changes anything either.
                    let _ = handle.errand(Errand::Settled, ERRAND_WITHIN).await;
                    Done::Settled(message)
                });
            }
            // Somebody may have moved a switch that shows something else: it is told again what is so.
            Ok(None) => {
                self.say_schedule_again(&message.topic);
                self.reply(&message, Ok(json!({ "changed": [] })));
            }
            Err(problem) => self.refuse_schedule(NoticeKind::BadPayload, &message, &problem),
        }
    }

    /// The session ends: what still waits is not done, what is under way perhaps, and whoever asked hears so.
    pub(super) fn give_up_changes(&mut self) -> Vec<Once> {
        let waiting = std::mem::take(&mut self.changes.waiting);
        let begun = self.changes.begun.take().filter(|_| !self.changes.under_way.is_empty());
        // It is not begun any more if it waits for its turn.
        self.changes.under_way.abort_all();
        if !waiting.is_empty() {
            tracing::warn!(
                "{} changes of the config that came by MQTT are not made, for its session begins anew: ask for them again",
                waiting.len()
            );
        }
        if begun.is_some() {
            tracing::warn!(
                "whether the change of the config that MQTT had begun is made is not known: its session begins anew"
            );
        }
        let begun =
            begun.map(|it| (it, "the session begins anew before this was done: look whether it is, or ask again"));
        let waiting = waiting.into_iter().map(|it| (it, "the session begins anew: ask again"));
        begun.into_iter().chain(waiting).filter_map(|(it, words)| self.given_up(it, words)).collect()
    }

    fn given_up(&self, wanted: Wanted, words: &str) -> Option<Once> {
        let refused = Err(words.to_owned());
        match wanted {
            Wanted::Message(message) => {
                Some(askers::answer(Address::of(message.reply.as_ref())?, refused, requests::mark(&message)))
            }
            Wanted::Request(verb, message, _) => Some(requests::answered(self.topics(), &verb, &message, refused)),
        }
    }

    /// Answers an asker, if somebody asks.
    pub(super) fn reply(&mut self, message: &Message, found: Result<Value, String>) {
        if let Some(to) = Address::of(message.reply.as_ref()) {
            self.truth.say_once(askers::answer(to, found, requests::mark(message)));
        }
    }
}

/// What a message on the topic of a schedule or a lead changes; `None` if it is so already.
pub(super) fn edit_of(topics: &Topics, message: &Message, house: &House) -> Result<Option<ConfigEdit>, String> {
    match topics.sort(&message.topic) {
        Heard::Schedule(it) => timetable::read(it, message, house),
        Heard::Lead(group) => timetable::lead(group, message, house),
        _ => Err("nothing can be changed there".to_owned()),
    }
}
