//! What only the program as a whole can do: a shell asks, the program answers, and the one loop is not held up.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Map, Value};
use tokio::{
    sync::{mpsc, oneshot},
    time::timeout,
};

use super::Handle;
use crate::model::{ConfigEdit, Failed, HistoryQuery, Slug};

/// Errands that may wait.
pub(super) const WAITING: usize = 16;

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Errand {
    /// Log so much from now on, until the next start: a level or a filter. What is logged now if `None`.
    LogLevel(Option<String>),
    /// Which devices answer at these hosts, or at all, within this time?
    Discover {
        /// Addresses of devices or broadcast addresses; everybody if there are none.
        targets: Vec<String>,
        /// How long answers are waited for.
        wait: Duration,
    },
    /// Why is everything as it is?
    Explain {
        /// The outlets of this group only.
        group: Option<Slug>,
        /// At this time; now if `None`.
        at: Option<Timestamp>,
    },
    /// What will each group do, if the forecast comes true and nobody does anything?
    Foresee {
        /// This group only.
        group: Option<Slug>,
        /// How far ahead, at most 48 h.
        hours: u8,
        /// So much is added to every forecast temperature, in tenths of a degree Celsius: what if it gets colder?
        colder: i16,
    },
    /// The schedules of this group, or of all.
    Schedules(Option<Slug>),
    /// Change the config, if it is still the one with this mark; of any if `None`.
    Edit(ConfigEdit, Option<String>),
    /// The same, as a step of setting up: a bridge in setup mode waits with its start until somebody says that it is to.
    SetUp(ConfigEdit, Option<String>),
    /// Every key of the config with what holds there and who says so, secrets masked; and the file's mark.
    Config,
    /// What may stand in the config, as JSON Schema.
    ConfigSchema,
    /// What is still missing before the bridge can start?
    Setup,
    /// The earlier config files that are kept.
    Backups,
    /// Put one of them in the place of the config file, if that is still the one with this mark; whatever it is if `None`.
    Restore(String, Option<String>),
    /// When would such a schedule of this group open in the next seven days?
    Preview {
        /// Whose.
        group: Slug,
        /// As the config writes schedules; its name is no matter.
        schedule: Map<String, Value>,
    },
    /// The config file as text, with asterisks for its secrets, and its mark. Where it is not in UTF-8: as what it was read (`read_as`).
    ConfigText,
    /// What is wrong with such a text?
    CheckConfig(String),
    /// Put a text in the place of the config file, if that is still the one with this mark; whatever it is if `None`.
    PutConfig(String, Option<String>),
    /// Nothing but to wait until the changes of the config that others have begun are in force.
    Settled,
    /// Read the config file anew; the bridge goes on as it is if that is wrong.
    Reload,
    /// The memory, and the config without its secrets.
    Backup,
    /// Send a message to people, to see whether it arrives.
    NotifyTest {
        /// By this way only: `email`, `webhook` or `ntfy`.
        provider: Option<String>,
        /// Its title.
        subject: Option<String>,
        /// Its words.
        body: Option<String>,
    },
    /// How do the ways to people do?
    NotifyStatus,
    /// What was? Answered with a `HistoryAnswer`.
    History(HistoryQuery),
    /// Stop as at the end, read the config anew, and start again.
    Restart,
}

/// An errand, and where its answer goes.
#[derive(Debug)]
pub struct Asked {
    /// What is asked for.
    pub errand: Errand,
    /// Who drops it says that it cannot be done.
    pub answer: oneshot::Sender<Result<Value, Failed>>,
}

/// Where errands are put in and taken out.
pub(super) fn errands() -> (mpsc::Sender<Asked>, mpsc::Receiver<Asked>) {
    mpsc::channel(WAITING)
}

impl Handle {
    /// Has the program do something, and waits for the answer at most this long.
    ///
    /// # Errors
    /// It cannot be done, too much waits already, or the time is over.
    pub async fn errand(&self, errand: Errand, within: Duration) -> Result<Value, Failed> {
        let (answer, answered) = oneshot::channel();
        self.errands
            .try_send(Asked { errand, answer })
            .map_err(|_| Failed::not_now("the bridge is busy, ask again later"))?;
        match timeout(within, answered).await {
            Ok(Ok(found)) => found,
            Ok(Err(_)) => Err(Failed::not_now("the bridge cannot do that now")),
            Err(_) => Err(Failed::not_now(format!("there was no answer within {} s", within.as_secs()))),
        }
    }
}
