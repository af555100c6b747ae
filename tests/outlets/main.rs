//! The device tasks: what plugs answer, and what the tasks make of it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, reason = "tests")]

mod answers;
