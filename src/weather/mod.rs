//! The weather: one file per provider, all normalised to `[start, end)` in UTC and metric units.
//!
//! The poller tells the hub what the cache file still knows, then asks the provider again and again. It never decides whether
//! a forecast is fresh enough to act on: that is control's question, and `issued_at` is its answer.

pub mod cache;
mod examine;
pub mod open_meteo;
mod poller;
mod sane;

pub use examine::{Brought, examine};
pub use poller::run;
