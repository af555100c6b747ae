//! Who waits for the answer to a command, and which commands have been followed already.

use std::{
    collections::{BTreeMap, VecDeque},
    hash::{DefaultHasher, Hash, Hasher},
    time::Duration,
};

use serde_json::{Map, Value, json};
use tokio::time::Instant;

use super::{
    message::{Message, Payload, Reply},
    truth::Once,
};
use crate::model::{Command, Notice, NoticeKind, OVERTAKEN, Outlet, OutletId, Switch, Verb};

/// Askers that may wait at once.
const WAITING: usize = 256;
/// The control answers each command within 10 s; who has heard nothing after this never will.
const ANSWERED_WITHIN: Duration = Duration::from_secs(12);
/// Commands with a mark that are remembered, so that a second delivery is not a second command.
const REMEMBERED: usize = 512;
/// And for how long.
const REMEMBERED_FOR: Duration = Duration::from_secs(600);

/// Where an answer goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// The topic.
    pub topic: String,
    /// MQTT 5: the mark by which the asker knows the answer.
    pub correlation: Option<Vec<u8>>,
}

impl Address {
    /// Where the asker wants the answer. `None` if nothing can be published there.
    pub fn of(reply: Option<&Reply>) -> Option<Self> {
        let usable = |it: &str| !it.is_empty() && !it.contains(['+', '#', '\0']) && !it.starts_with('$');
        let reply = reply.filter(|it| usable(&it.topic))?;
        Some(Self { topic: reply.topic.clone(), correlation: reply.correlation.clone() })
    }
}

/// The JSON of every answer.
pub(super) fn envelope(found: Result<Value, String>, transaction: Value) -> Value {
    let mut body = Map::new();
    match found {
        Ok(data) => body.extend([("status".to_owned(), json!("ok")), ("data".to_owned(), data)]),
        Err(problem) => {
            body.extend([("status".to_owned(), json!("error")), ("data".to_owned(), json!({}))]);
            body.insert("error".to_owned(), json!(problem));
        }
    }
    if !transaction.is_null() {
        body.insert("transaction".to_owned(), transaction);
    }
    Value::Object(body)
}

#[derive(Debug)]
struct Asker {
    address: Address,
    transaction: Value,
    /// Answers that are still to come.
    outlets: usize,
    told: Vec<Value>,
    problems: Vec<String>,
    due: Instant,
}

impl Asker {
    fn answer(self) -> Once {
        let found =
            if self.problems.is_empty() { Ok(json!({ "answers": self.told })) } else { Err(self.problems.join("; ")) };
        answer(self.address, found, self.transaction)
    }
}

/// An answer as it is published.
pub(super) fn answer(address: Address, found: Result<Value, String>, transaction: Value) -> Once {
    let Address { topic, correlation } = address;
    Once { correlation, ..Once::passing(topic, envelope(found, transaction).to_string()) }
}

#[derive(Debug)]
struct Followed {
    at: Instant,
    /// Topic, mark and payload. One who uses a mark twice for different things means both.
    what: u64,
    /// The mark.
    mark: String,
    /// Whom it was about, with the number of the last command that each had been given before.
    outlets: BTreeMap<OutletId, u64>,
    /// By which its asker waits, if there is one.
    ticket: Option<u64>,
}

impl Followed {
    /// Is it this command that a notice is about?
    fn is_meant(&self, notice: &Notice) -> bool {
        if notice.detail.iter().any(|(key, _)| *key == OVERTAKEN) {
            return false;
        }
        let mark = notice.detail.iter().find(|(key, _)| *key == "transaction").map(|(_, mark)| mark);
        let is_one = |id: &OutletId| notice.device.as_ref() == Some(&id.device) && notice.slot == Some(id.slot);
        mark == Some(&self.mark)
            && notice.ticket == self.ticket
            && (notice.slot.is_none() || self.outlets.keys().any(is_one))
    }
}

/// Who waits for the answer to a command, and which commands have been followed already.
#[derive(Debug, Default)]
pub struct Askers {
    waiting: BTreeMap<u64, Asker>,
    followed: VecDeque<Followed>,
}

impl Askers {
    /// Has this very message, with its mark, been followed already? Brokers may deliver one twice, and people try again. What others have told
    /// its outlets since does not make it a new command. An OFF never counts as repeated: following it twice does no harm, and an
    /// outlet that stays on may.
    pub fn is_repeated(&mut self, message: &Message, command: &Command, now: Instant) -> bool {
        self.followed.retain(|it| now.duration_since(it.at) < REMEMBERED_FOR);
        let is_off = matches!(command.verb, Verb::Set(Switch::Off, _));
        !is_off && self.same(message, command).is_some()
    }

    /// Has the hub taken the first of a repeated command for this outlet?
    pub fn has_arrived(&self, message: &Message, command: &Command, outlet: &Outlet) -> bool {
        let before = self.same(message, command).and_then(|it| it.outlets.get(&outlet.id));
        before.is_some_and(|before| outlet.commanded > *before)
    }

    /// Somebody who still waits for the answer to this very message is not to hear that it was overtaken by itself.
    pub fn asks_again(&mut self, message: &Message, command: &Command, address: &Address) {
        let Some(ticket) = self.same(message, command).and_then(|it| it.ticket) else { return };
        if self.waiting.get(&ticket).is_some_and(|it| it.address == *address) {
            self.waiting.remove(&ticket);
        }
    }

    /// Notes a command that the hub has taken, with the number of the last command that each outlet had been given before. Whoever uses a
    /// mark again for something else, does not tell commands apart by it: what they say then is meant each time.
    pub fn followed(&mut self, message: &Message, command: &Command, outlets: BTreeMap<OutletId, u64>, now: Instant) {
        let Some(mark) = command.transaction.clone() else { return };
        self.followed.retain(|it| it.mark != mark || !it.outlets.keys().any(|id| outlets.contains_key(id)));
        if self.followed.len() == REMEMBERED {
            self.followed.pop_front();
        }
        let (what, ticket) = (what(message, &mark), command.ticket);
        self.followed.push_back(Followed { at: now, what, mark, outlets, ticket });
    }

    fn same(&self, message: &Message, command: &Command) -> Option<&Followed> {
        let what = what(message, command.transaction.as_ref()?);
        self.followed.iter().find(|it| it.what == what)
    }

    /// An asker waits for the answers of so many outlets. The ticket marks the command.
    ///
    /// # Errors
    /// Too many wait already: the answer that says so.
    pub fn wait(
        &mut self,
        ticket: u64,
        address: Address,
        transaction: Value,
        outlets: usize,
        now: Instant,
    ) -> Result<(), Box<Once>> {
        if self.waiting.len() >= WAITING {
            let words = format!("{WAITING} others wait for answers: ask again later");
            return Err(Box::new(answer(address, Err(words), transaction)));
        }
        let due = now + ANSWERED_WITHIN;
        let asker = Asker { address, transaction, outlets, told: Vec::new(), problems: Vec::new(), due };
        self.waiting.insert(ticket, asker);
        Ok(())
    }

    /// The command was not even handed over.
    pub fn refused(&mut self, ticket: u64, words: &str) -> Option<Once> {
        Some(answer_of(self.waiting.remove(&ticket)?, words))
    }

    /// Hears what became of a command. The answer, once it is complete.
    pub fn hear(&mut self, notice: &Notice) -> Option<Once> {
        if matches!(notice.kind, NoticeKind::SwitchFailed | NoticeKind::Refused) {
            // Who tries again is to be followed.
            self.followed.retain(|it| !it.is_meant(notice));
        }
        let ticket = notice.ticket?;
        let asker = self.waiting.get_mut(&ticket)?;
        match notice.kind {
            NoticeKind::SwitchFailed | NoticeKind::Refused => asker.problems.push(notice.message.clone()),
            _ => asker.told.push(match (&notice.device, notice.slot) {
                (Some(device), Some(slot)) => json!({ "device": device, "slot": slot, "message": notice.message }),
                _ => json!({ "message": notice.message }),
            }),
        }
        asker.outlets = if notice.slot.is_some() { asker.outlets.saturating_sub(1) } else { 0 };
        if asker.outlets > 0 {
            return None;
        }
        self.waiting.remove(&ticket).map(Asker::answer)
    }

    /// When somebody has waited for too long.
    pub fn due(&self) -> Option<Instant> {
        self.waiting.values().map(|it| it.due).min()
    }

    /// The answers to those who have waited for too long.
    pub fn overdue(&mut self, now: Instant) -> Vec<Once> {
        let late: Vec<_> = self.waiting.iter().filter(|(_, it)| it.due <= now).map(|(ticket, _)| *ticket).collect();
        let late = late.into_iter().filter_map(|ticket| self.waiting.remove(&ticket));
        late.map(|it| answer_of(it, "nothing was heard of it in time")).collect()
    }
}

/// What makes a message the same as another one.
fn what(message: &Message, mark: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    (&message.topic, mark).hash(&mut hasher);
    if let Payload::Bytes(bytes) = &message.payload {
        bytes.hash(&mut hasher);
    }
    hasher.finish()
}

fn answer_of(asker: Asker, words: &str) -> Once {
    answer(asker.address, Err(words.to_owned()), asker.transaction)
}
