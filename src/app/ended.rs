//! Why a bridge does not start, and why it ends.

use std::io;

/// The bridge cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Another bridge shows its page there.
    #[error("another bridge, or the scheduler before it, runs already: it shows its page at {host}:{port}")]
    Web {
        /// The configured host.
        host: String,
        /// The configured port.
        port: u16,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// What was remembered is there and cannot be read: locks and what people have switched off stand in it.
    #[error("the memory in {folder} cannot be read: let this user read it, or move it away to begin anew")]
    Memory {
        /// The folder.
        folder: String,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// Two bridges would fight over the plugs, and write over each other's memory.
    #[error("another bridge uses the folder {0}: stop it first, or give this one another `data`")]
    InUse(String),
}

/// A task ended although nobody had told it to: a bug. The bridge stops, and whoever supervises it starts it again.
#[derive(Debug, thiserror::Error)]
#[error("the task `{0}` ended by itself")]
pub struct Died(pub(super) &'static str);

/// Why a bridge stopped in good order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// It was told to.
    Stopped,
    /// Somebody wants it to start again, with the config as it is by now.
    Restart,
}
