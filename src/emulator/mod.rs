//! Being built.

pub mod broker;
