//! The weather: one file per provider, all normalised to `[start, end)` in UTC and metric units.
//!
//! The poller tells the hub what the cache file still knows, then asks the providers again and again. It never decides whether
//! a forecast is fresh enough to act on: that is control's question, and `issued_at` is its answer.

pub mod answer;
pub mod ask;
pub mod cache;
mod derive;
mod examine;
mod http;
pub mod line;
pub mod met_norway;
pub mod nws;
pub mod open_meteo;
pub mod openweathermap;
pub mod past;
pub mod pirate_weather;
mod poller;
mod quarters;
pub mod quota;
mod sane;
mod source;

pub use examine::{Brought, examine};
pub use poller::{run, run_over};
