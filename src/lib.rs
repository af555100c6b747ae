//! HeatTrax: a Home Assistant style MQTT bridge for TP-Link Tapo and Kasa outlets that heats snow-melting mats by itself.
//!
//! Start reading at [`control`]: it decides. ARCHITECTURE.md has the map and the invariants.

pub mod control;
pub mod hub;
pub mod model;

pub mod config;
pub mod emulator;
pub mod explain;
pub mod history;
pub mod klap;
pub mod mqtt;
pub mod notify;
pub mod outlets;
pub mod planner;
pub mod recorded;
pub mod simulate;
pub mod store;
pub mod tdp;
pub mod weather;
pub mod web;

pub mod app;
