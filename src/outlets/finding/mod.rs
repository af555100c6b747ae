//! Devices that answer a question to everybody, without a login: a login would end the session of whoever else speaks to them.
//!
//! Anybody may answer anything. What is found here is a hint where to knock and never an identity: before anything is switched,
//! a device proves by its login that it knows the account, and by its MAC address and device id that it is the one that is meant
//! (see `meeting.rs`).

mod finder;
mod found;
mod shown;

pub(super) use self::finder::WAIT;
pub use self::{
    finder::{EVERYBODY, Finder},
    found::{Found, Speaks, gather, read},
    shown::{advice, snippet, table},
};
