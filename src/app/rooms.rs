//! Tasks that can be let go of, and begun anew, while the bridge runs.

use std::time::Duration;

use tokio::{task::AbortHandle, time::timeout};
use tokio_util::sync::CancellationToken;

use super::Bridge;

/// A task ends within this time after it was told to, or is cut off.
const LETS_GO: Duration = Duration::from_millis(1500);

/// A task that can be let go of.
#[derive(Debug)]
pub(super) struct Room {
    stop: CancellationToken,
    ended: CancellationToken,
    task: AbortHandle,
}

impl Room {
    /// Tells the task to end, and waits until it has. Whatever it did is over then.
    pub(super) async fn let_go(self) {
        self.stop.cancel();
        if timeout(LETS_GO, self.ended.cancelled()).await.is_err() {
            self.task.abort();
            // It ends at its next wait.
            let _ = timeout(LETS_GO, self.ended.cancelled()).await;
        }
    }
}

impl Bridge {
    /// Begins a task that can be let go of.
    pub(super) fn begin<F>(&mut self, name: &'static str, task: impl FnOnce(CancellationToken) -> F) -> Room
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let stop = self.shells.child_token();
        let ended = CancellationToken::new();
        let (told, over) = (stop.clone(), ended.clone().drop_guard());
        let task = task(stop.clone());
        let task = self.tasks.spawn(async move {
            let _over = over;
            task.await;
            // One that was let go of has not died.
            (!told.is_cancelled()).then_some(name)
        });
        Room { stop, ended, task }
    }
}
