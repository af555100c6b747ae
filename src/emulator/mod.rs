//! Devices that are not there: the device side of KLAP on real sockets, for `emulate`, for `demo` and for tests.
//!
//! [`Plug`] is one device with its state, its faults and its buttons. Unmodified clients log in to it, switch its outlets and
//! read them. It is as faithful as the public recordings of real devices allow, missing fields included.

mod beacon;
pub mod broker;
mod clock;
mod device;
mod distort;
mod fault;
mod fleet;
mod info;
mod inside;
mod listener;
mod manner;
mod meter;
mod methods;
mod models;
mod options;
mod outlet;
mod panel;
mod plug;
mod sessions;
pub mod storm;
mod timers;
mod wire;

pub use beacon::Beacon;
pub use fault::Fault;
pub use fleet::{EmulateOptions, Fleet, emulate};
pub use inside::Counts;
pub use models::Model;
pub use options::PlugOptions;
pub use outlet::{Cause, OutletState, Protection, Relay, Switched};
pub use plug::Plug;
