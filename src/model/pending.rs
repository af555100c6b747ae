//! A command that waits for its answer, and who waits with it.

use jiff::Timestamp;

use super::Switch;

/// A command whose answer is due.
#[derive(Clone, Debug, PartialEq)]
pub struct Pending {
    /// The position that was asked for.
    pub switch: Switch,
    /// The command's number.
    pub number: u64,
    /// The deadline of the answer.
    pub answer_by: Timestamp,
    /// Who asked.
    pub asker: Asker,
    /// Who asked for the same before, and waits for the same answer.
    pub joined: Vec<Asker>,
    /// The last failure, in words.
    pub failure: Option<String>,
}

/// Who asked for something.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Asker {
    /// Their own mark.
    pub transaction: Option<String>,
    /// The command's number at its shell.
    pub ticket: Option<u64>,
}

impl Asker {
    /// Does anybody wait for an answer?
    pub fn waits(&self) -> bool {
        self.transaction.is_some() || self.ticket.is_some()
    }
}

impl Pending {
    /// All who wait for the answer, the newest last.
    pub fn askers(&self) -> impl Iterator<Item = &Asker> {
        self.joined.iter().chain([&self.asker])
    }
}
