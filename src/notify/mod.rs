//! How people are told: mail, webhook, push.
//!
//! One task listens to notices and looks at the board ([`Desk`]); each way has a queue on disk and a task of its own that empties it.
//! Whoever is dead or slow holds nobody up but itself, and nothing in the control loop waits for any of it.

mod alert;
mod desk;
mod email;
mod file;
mod forecast;
mod http;
mod limit;
mod lost;
mod notebook;
mod outbox;
mod post;
mod queue;
mod quiet;
mod summary;
mod way;
mod weather;
mod zone;

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use tokio::{
    sync::broadcast::{Receiver, error::RecvError},
    task::JoinSet,
    time::Instant,
};
use tokio_util::sync::CancellationToken;

pub use self::{
    alert::Alert,
    desk::Desk,
    notebook::{Diary, Line, Notebook},
    post::Post,
    queue::{KEPT, Letter, Queue, WAITING},
    quiet::quiet_until,
};
use crate::{
    hub::Handle,
    model::{ControlSettings, Notice, NotifySettings},
};

/// The longest sleep: covers clocks that were set.
const LONGEST: Duration = Duration::from_secs(60);
/// The board changes with each report of each plug; a look now and then is enough: in the house's time, but not much faster.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// However fast the house's time runs.
const LOOK_AT_MOST_EVERY: Duration = Duration::from_millis(50);
/// What only the summary needs is written down so often.
const WRITE_EVERY: Duration = Duration::from_secs(300);
/// The last writes, when the bridge stops, may take this long.
const LAST_WRITES: Duration = Duration::from_millis(1500);

/// Tells people until `stop`. Listens from the moment at which this is called.
pub fn run(
    post: Post,
    settings: NotifySettings,
    control: Arc<ControlSettings>,
    handle: Handle,
    stop: CancellationToken,
) -> impl Future<Output = ()> + Send {
    let notices = handle.listen();
    async move {
        let mut tasks = JoinSet::new();
        post.spawn(&settings, &handle.clock, &stop, &mut tasks);
        let desk = Desk::new(settings.clone(), control, post.notebook());
        let mut teller = Teller { desk, post, settings, handle, written: None, write_at: Instant::now() };
        let _ = stop.run_until_cancelled(teller.tell(notices)).await;
        stop.cancelled().await;
        let last = async {
            teller.write().await;
            while tasks.join_next().await.is_some() {}
        };
        if tokio::time::timeout(LAST_WRITES, last).await.is_err() {
            tracing::warn!("what was to be told could not be written in time");
        }
    }
}

struct Teller {
    desk: Desk,
    post: Post,
    settings: NotifySettings,
    handle: Handle,
    written: Option<Notebook>,
    /// When what only the summary needs is written next.
    write_at: Instant,
}

impl Teller {
    /// Until the hub is gone.
    async fn tell(&mut self, mut notices: Receiver<Arc<Notice>>) {
        let (mut board, mut in_force) = (self.handle.house.clone(), self.handle.in_force.clone());
        let look_every = self.handle.clock.real(LOOK_EVERY).clamp(LOOK_AT_MOST_EVERY, LOOK_EVERY);
        let mut look_at = Some(Instant::now());
        self.desk.started(self.handle.clock.now());
        loop {
            let now = self.handle.clock.now();
            if look_at.is_some_and(|it| it <= Instant::now()) {
                look_at = None;
                let house = Arc::clone(&board.borrow_and_update());
                self.desk.look(&house, now);
            }
            self.desk.tick(now);
            self.post.deliver(self.desk.take(), &self.settings, now);
            if self.is_to_be_written() {
                self.write().await;
            }
            let wake = Instant::now() + self.pause(now);
            let wake = look_at.map_or(wake, |it| it.min(wake));
            tokio::select! {
                heard = notices.recv() => match heard {
                    Ok(notice) => self.desk.hear(&notice, &self.handle.picture(), self.handle.clock.now()),
                    Err(RecvError::Lagged(missed)) => tracing::warn!("{missed} events came too fast to be told to people"),
                    Err(RecvError::Closed) => return,
                },
                alive = board.changed(), if look_at.is_none() => match alive {
                    Ok(()) => look_at = Some(Instant::now() + look_every),
                    Err(_) => return,
                },
                Ok(()) = in_force.changed() => {
                    let settings = in_force.borrow_and_update().settings.clone();
                    settings.into_iter().for_each(|it| self.goes_by(it));
                }
                () = tokio::time::sleep_until(wake) => {}
            }
        }
    }

    fn goes_by(&mut self, control: Arc<ControlSettings>) {
        self.post.goes_by(&control.zone);
        self.desk.goes_by(control);
    }

    fn pause(&self, now: Timestamp) -> Duration {
        let Some(next) = self.desk.next(now) else { return LONGEST };
        let ahead = Duration::try_from(next.duration_since(now)).unwrap_or_default();
        (self.handle.clock.real(ahead) + Duration::from_millis(1)).min(LONGEST)
    }

    /// What would be told twice after a restart is written at once; what only the summary needs, now and then.
    fn is_to_be_written(&self) -> bool {
        let now = self.desk.notebook();
        let Some(then) = &self.written else { return true };
        let told = |it: &Notebook| {
            (
                it.lost.clone(),
                it.wrong.clone(),
                it.weather,
                it.outage_told,
                it.summary_of,
                it.forecast.as_ref().map(|it| it.0),
                it.windows.iter().map(|(key, it)| (key.clone(), it.mark())).collect::<Vec<_>>(),
            )
        };
        told(now) != told(then) || (Instant::now() >= self.write_at && now != then)
    }

    async fn write(&mut self) {
        let notebook = self.desk.notebook().clone();
        if self.written.as_ref() != Some(&notebook) {
            self.post.write_notebook(notebook.clone()).await;
            self.written = Some(notebook);
        }
        self.write_at = Instant::now() + WRITE_EVERY;
    }
}
