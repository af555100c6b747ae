//! The last lines of the log, for whoever looks after the house without a terminal at hand.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use jiff::Timestamp;
use tokio::sync::broadcast;

/// The target of lines that are for the log itself alone, such as the page's one-time code: who reads the log through the bridge may be
/// somebody who shall not have it.
pub const UNTOLD: &str = "heattrax::untold";
/// Lines that are kept.
const KEPT: usize = 2000;
/// Lines that a slow reader may be behind before it loses the oldest.
const BEHIND: usize = 512;

/// How much a line matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LineLevel {
    /// Something does not work.
    Error,
    /// Something should be looked at.
    Warn,
    /// Something happened.
    Info,
    /// For whoever looks for a fault.
    Debug,
    /// Everything.
    Trace,
}

impl LineLevel {
    /// All of them, the gravest first.
    pub const ALL: [Self; 5] = [Self::Error, Self::Warn, Self::Info, Self::Debug, Self::Trace];

    /// As it is written: `error`, `warn`, `info`, `debug`, `trace`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warn => "warn",
            Self::Info => "info",
            Self::Debug => "debug",
            Self::Trace => "trace",
        }
    }
}

/// A line of the log.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// By the machine's clock, which a demo's is not.
    pub at: Timestamp,
    /// How much it matters.
    pub level: LineLevel,
    /// The part of the program.
    pub target: String,
    /// The words, with the fields behind them.
    pub message: String,
}

/// The last lines of the log. A writer never waits.
#[derive(Debug)]
pub struct Journal {
    lines: Mutex<VecDeque<Arc<Line>>>,
    news: broadcast::Sender<Arc<Line>>,
}

impl Default for Journal {
    fn default() -> Self {
        Self { lines: Mutex::default(), news: broadcast::channel(BEHIND).0 }
    }
}

impl Journal {
    /// Adds a line, but for one that is [`UNTOLD`]; the oldest is forgotten when there are too many.
    pub fn write(&self, line: Line) {
        if line.target == UNTOLD {
            return;
        }
        let line = Arc::new(line);
        let mut lines = self.lines();
        if lines.len() == KEPT {
            lines.pop_front();
        }
        lines.push_back(Arc::clone(&line));
        // Nobody listening is no error.
        let _ = self.news.send(line);
    }

    /// The last `most` lines that matter at least as much as `level`, the oldest first.
    pub fn last(&self, level: LineLevel, most: usize) -> Vec<Arc<Line>> {
        let lines = self.lines();
        let mut found: Vec<_> = lines.iter().rev().filter(|it| it.level <= level).take(most).cloned().collect();
        found.reverse();
        found
    }

    /// Every line from now on.
    pub fn listen(&self) -> broadcast::Receiver<Arc<Line>> {
        self.news.subscribe()
    }

    fn lines(&self) -> MutexGuard<'_, VecDeque<Arc<Line>>> {
        // They are whole at any moment: what a panic elsewhere has left is good.
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_for_the_log_alone_is_told_to_nobody_else() {
        let journal = Journal::default();
        let mut news = journal.listen();
        let line = |target: &str| Line {
            at: Timestamp::UNIX_EPOCH,
            level: LineLevel::Warn,
            target: target.to_owned(),
            message: target.to_owned(),
        };
        journal.write(line(UNTOLD));
        journal.write(line("heattrax::hub"));
        assert_eq!(
            journal.last(LineLevel::Trace, 9).iter().map(|it| it.message.clone()).collect::<Vec<_>>(),
            ["heattrax::hub"]
        );
        assert_eq!(news.try_recv().map(|it| it.message.clone()), Ok("heattrax::hub".to_owned()));
    }
}
