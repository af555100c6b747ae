//! The outside world made of air.

pub mod storm;
