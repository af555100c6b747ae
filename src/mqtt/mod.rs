//! The MQTT side: the house out, commands in, Home Assistant told about both.
//!
//! The broker holds nothing that the bridge does not hold too: at each connect everything is published again. Commands are read by
//! pure code; whatever cannot be read becomes a notice.

mod announced;
mod arrangement;
mod askers;
mod client;
mod complaints;
mod deadband;
mod discovery;
mod entities;
mod examine;
mod inbound;
mod layout;
mod leftovers;
mod limit;
mod mapped;
mod message;
mod moved;
mod outbound;
mod packed;
mod readback;
mod requests;
mod session;
mod sheet;
mod station;
mod timetable;
mod topics;
mod truth;
mod views;

pub use examine::{Visit, examine};
pub use session::run;
pub use views::Identity;

/// The pure parts, to be looked at one by one.
#[doc(hidden)]
pub mod parts {
    pub use super::{
        askers::{Address, Askers},
        client::{Inbox, Slot, Weight, inbox},
        complaints::Complaints,
        deadband::is_close,
        inbound::{LONGEST, Unread, read},
        mapped::mapped,
        message::{Message, Payload, Reply},
        outbound::{Context, Outbound},
        requests::{Request, answered, read as read_request},
        station::{Measured, Unheard, measured},
        timetable::{lead as read_lead, read as read_timetable},
        topics::{Heard, Knob, Look, Timetable, Topics},
        truth::{Entries, Entry, Once, Rank, Truth},
    };
}
