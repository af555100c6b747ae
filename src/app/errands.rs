//! What shells want of the program as a whole: searching, explaining, the log's level, a restart.

use std::{
    fmt,
    net::SocketAddr,
    path::PathBuf,
    sync::{Arc, Mutex},
};

use serde_json::{Value, json};
use tokio::{
    sync::{self, mpsc, oneshot, watch},
    task::JoinSet,
};
use tokio_util::sync::CancellationToken;

use super::{
    amend::{Applied, Want},
    discover::discover,
};
use crate::{
    config, control,
    explain::{Question, explain},
    history,
    hub::{Asked, Errand, Handle, Journal},
    model::{Celsius, ConfigEdit, ControlSettings, Failed, HistoryQuery, House, Settings, Slug},
    notify::Post,
    outlets::Sockets,
};

/// Sets what is logged, or tells it if nothing is given. Returns what is logged then, or why not.
type SetLog = dyn Fn(Option<&str>) -> Result<String, String> + Send + Sync;

/// The lever of the log, which only the program's first lines can make.
#[derive(Clone)]
pub struct LogLever(Arc<SetLog>);

impl LogLever {
    /// A lever that does this.
    pub fn new(set: impl Fn(Option<&str>) -> Result<String, String> + Send + Sync + 'static) -> Self {
        Self(Arc::new(set))
    }
}

impl LogLever {
    /// Sets what is logged, or tells it if nothing is given. Returns what is logged then.
    ///
    /// # Errors
    /// It is no level and no filter, in words.
    pub fn set(&self, level: Option<&str>) -> Result<String, String> {
        (self.0)(level)
    }
}

impl fmt::Debug for LogLever {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LogLever")
    }
}

/// What only the program's first lines can give to whoever asks.
#[derive(Clone, Debug, Default)]
pub struct Levers {
    /// Sets what is logged.
    pub log: Option<LogLever>,
    /// Changes the config.
    pub config: Option<config::Writer>,
    /// The last lines of the log.
    pub journal: Arc<Journal>,
    /// Where the page was shown last.
    pub page: Arc<Mutex<Option<SocketAddr>>>,
}

/// All that errands are done with.
#[derive(Clone, Debug)]
pub(super) struct Means {
    pub(super) handle: Handle,
    /// Where the history is. `None` in setup mode, where there is no valid config.
    pub(super) history: Option<PathBuf>,
    /// Is one kept?
    pub(super) keeps_history: bool,
    pub(super) levers: Levers,
    pub(super) wants: mpsc::Sender<Want>,
    /// The ways to people. `None` in setup mode.
    pub(super) post: watch::Receiver<Option<Post>>,
    /// Held by whoever changes the config, from the look at the file until what it says is in force.
    pub(super) desk: Arc<sync::Mutex<()>>,
}

/// Does errands, each in a task of its own, until `stop`. Whoever asks waits no longer than they want to.
pub(super) async fn run(means: Means, mut asked: mpsc::Receiver<Asked>, stop: CancellationToken) {
    let mut under_way = JoinSet::new();
    loop {
        let Asked { errand, mut answer } = tokio::select! {
            () = stop.cancelled() => return,
            // One that panicked has been written to the log by the runtime's hook; its asker hears that it cannot be done.
            Some(_) = under_way.join_next() => continue,
            asked = asked.recv() => match asked {
                Some(asked) => asked,
                None => return,
            },
        };
        let means = means.clone();
        under_way.spawn(async move {
            let turn = if takes_turns(&errand) {
                tokio::select! {
                    biased;
                    // Nobody waits for ever: who has given up before their turn has been told so, and it is not done behind their back.
                    () = answer.closed() => return,
                    turn = means.desk.lock() => Some(turn),
                }
            } else {
                None
            };
            // Whoever has gone does not hear it.
            let _ = answer.send(means.does(errand).await);
            drop(turn);
        });
    }
}

/// Those are done one after the other, whoever asks: the page, MQTT or a signal. Two changes at once could be written in one order and
/// come into force in the other, and the bridge would go by what the file does not say any more. Who looks before a change, too, is not to
/// see a file that is not in force yet.
fn takes_turns(errand: &Errand) -> bool {
    let changes = matches!(errand, Errand::Edit(..) | Errand::SetUp(..) | Errand::Restore(..) | Errand::PutConfig(..));
    changes || matches!(errand, Errand::Reload | Errand::ConfigText | Errand::Settled)
}

impl Means {
    /// Is there no valid config?
    pub(super) fn is_setup(&self) -> bool {
        self.history.is_none()
    }

    /// A disk may take its time: in a thread of its own.
    async fn looks_back(&self, query: HistoryQuery) -> Result<Value, Failed> {
        let path = self.history.clone().ok_or_else(|| Failed::not_now("there is no history in setup mode"))?;
        if !self.keeps_history {
            return Err(Failed::not_now("no history is kept: `history.enabled` is false in the config"));
        }
        let read = tokio::task::spawn_blocking(move || history::read(&path, &query)).await;
        let found = read.map_err(|_| Failed::not_now("the history cannot be read"))?.map_err(Failed::not_now)?;
        serde_json::to_value(found).map_err(|error| error.to_string().into())
    }

    async fn does(&self, errand: Errand) -> Result<Value, Failed> {
        match errand {
            Errand::LogLevel(level) => {
                let lever = self.levers.log.as_ref().ok_or_else(|| Failed::conflict("the log cannot be set here"))?;
                let told = lever.set(level.as_deref())?;
                if level.is_some() {
                    tracing::info!("the log tells {told} from now on");
                }
                Ok(json!({ "level": told }))
            }
            Errand::Discover { targets, wait } => {
                targets.iter().try_for_each(|it| config::is_address(it)).map_err(|it| format!("`targets`: {it}"))?;
                let found = discover(Arc::new(Sockets), &targets, wait).await;
                Ok(json!({ "devices": found }))
            }
            Errand::Explain { group, at } => self.explains(group, at).await,
            Errand::Foresee { group, hours, colder } => self.foresees(group, hours, colder).await,
            Errand::Schedules(group) => self.schedules(group.as_ref()),
            Errand::Backup => Ok(json!({ "config": *self.shown(), "memory": self.handle.picture().memory() })),
            Errand::Config => self.annotated().await,
            Errand::ConfigSchema => Ok(config::schema()),
            Errand::Setup => self.setup_state().await,
            Errand::Backups => self.backups().await,
            Errand::Restore(name, etag) => self.restores(name, etag).await,
            Errand::Preview { group, schedule } => self.previews(group, schedule).await,
            Errand::Edit(wish @ (ConfigEdit::Set(_) | ConfigEdit::Whole(_)), etag) => {
                self.sets(wish, etag, false).await
            }
            Errand::SetUp(wish, etag) => self.sets(wish, etag, true).await,
            Errand::Edit(wish, etag) => self.edits(wish, etag).await,
            Errand::ConfigText => {
                let read = self.with_writer(config::Writer::shown).await??;
                let file = self.levers.config.as_ref().map(|it| it.file().to_string_lossy().into_owned());
                Ok(json!({ "text": read.text, "etag": read.etag, "file": file, "read_as": read.read_as }))
            }
            Errand::CheckConfig(text) => {
                let found = self.with_writer(move |it| it.checked(&text)).await??;
                Ok(json!({ "problems": found.iter().map(problem).collect::<Value>() }))
            }
            Errand::PutConfig(text, etag) => self.puts(text, etag).await,
            Errand::Settled => Ok(json!({})),
            Errand::Reload => self.reloads().await,
            Errand::NotifyTest { provider, subject, body } => {
                Ok(self.post()?.test(provider.as_deref(), subject, body, self.handle.clock.now())?)
            }
            Errand::History(query) => self.looks_back(query).await,
            Errand::NotifyStatus => Ok(self.post()?.status()),
            Errand::Restart => {
                self.wants.send(Want::Restart).await.map_err(|_| stopping())?;
                Ok(json!({}))
            }
        }
    }

    /// What decisions depend on now.
    fn control(&self) -> Result<Arc<ControlSettings>, Failed> {
        let settings = self.handle.settings().filter(|_| !self.is_setup());
        settings.ok_or_else(|| Failed::not_now("nothing is switched in setup mode"))
    }

    /// The config with defaults and without secrets.
    fn shown(&self) -> Arc<Value> {
        Arc::clone(&self.handle.in_force.borrow().shown)
    }

    fn post(&self) -> Result<Post, Failed> {
        self.post.borrow().clone().ok_or_else(|| Failed::not_now("nobody is told anything in setup mode"))
    }

    async fn explains(&self, group: Option<Slug>, at: Option<jiff::Timestamp>) -> Result<Value, Failed> {
        let settings = self.control()?;
        let house = self.handle.picture();
        let question = Question { group: group.map(|it| it.to_string()), at };
        // What is foreseen takes a moment of hard thinking.
        let thinking = tokio::task::spawn_blocking(move || {
            let answer = explain(&settings, &house, &question, "the running bridge").map_err(|it| it.to_string())?;
            Ok::<_, String>(answer.json())
        });
        Ok(thinking.await.map_err(|_| "it could not be worked out")??)
    }

    /// By running the controller itself forward over the forecast, on a board of its own: nothing is switched.
    async fn foresees(&self, group: Option<Slug>, hours: u8, colder: i16) -> Result<Value, Failed> {
        let settings = self.control()?;
        let mut house = House::clone(&self.handle.picture());
        let until = house.at.checked_add(jiff::SignedDuration::from_hours(hours.into()));
        let until = until.map_err(|_| "that is too far ahead")?;
        if let Some(forecast) = house.weather.forecast.as_deref().filter(|_| colder != 0) {
            let mut forecast = forecast.clone();
            for interval in &mut forecast.intervals {
                interval.temperature = interval.temperature.map(|it| Celsius(it.0 + f64::from(colder) / 10.0));
                interval.dew_point = interval.dew_point.map(|it| Celsius(it.0 + f64::from(colder) / 10.0));
            }
            Arc::make_mut(&mut house.weather).forecast = Some(Arc::new(forecast));
        }
        let thinking = tokio::task::spawn_blocking(move || control::plan(&settings, &house, until));
        let plans = thinking.await.map_err(|_| "it could not be worked out")?;
        let plans = plans.into_iter().filter(|(slug, _)| group.as_ref().is_none_or(|it| it == slug));
        let told = plans.map(|(slug, plan)| {
            let plan = json!({ "until": plan.until, "windows": plan.windows, "kwh": plan.kwh, "cost": plan.cost });
            (slug.to_string(), plan)
        });
        Ok(json!({ "groups": told.collect::<serde_json::Map<_, _>>() }))
    }

    /// Writes the config, and goes on with it.
    async fn edits(&self, wish: ConfigEdit, etag: Option<String>) -> Result<Value, Failed> {
        let now = self.handle.clock.now();
        let edited = self.with_writer(move |it| it.apply(&wish, etag.as_deref(), now)).await?;
        let edited = edited?;
        if edited.paths.is_empty() {
            return Ok(json!({ "changed": edited.paths, "etag": edited.etag }));
        }
        tracing::info!("the config was changed: {}", edited.paths.join(", "));
        let restart = self.takes_effect().await?;
        Ok(json!({ "changed": edited.paths, "etag": edited.etag, "restart": restart }))
    }

    /// The whole file is another one. What is wrong with it is told by its places.
    pub(super) async fn puts(&self, text: String, etag: Option<String>) -> Result<Value, Failed> {
        let now = self.handle.clock.now();
        let written = self.with_writer(move |it| it.put_text(&text, etag.as_deref(), now)).await?;
        self.is_put(written).await
    }

    /// Goes on with a file that was written as a whole.
    pub(super) async fn is_put(&self, written: Result<config::Edited, config::Refused>) -> Result<Value, Failed> {
        let written = match written {
            Err(config::Refused::Wrong(problems)) => return Ok(wrong(&problems.list)),
            Err(config::Refused::Masked(problems)) => return Ok(wrong(&problems)),
            other => other?,
        };
        tracing::info!("the config was written as a whole");
        let restart = if written.paths.is_empty() && !self.is_setup() { None } else { self.takes_effect().await? };
        Ok(json!({ "problems": [], "etag": written.etag, "restart": restart }))
    }

    async fn reloads(&self) -> Result<Value, Failed> {
        let read = self.with_writer(config::Writer::check).await?;
        let settings = read.map_err(|problems| format!("the bridge goes on with the config it has: {problems}"))?;
        let restart = self.goes_on_with(settings).await?;
        Ok(json!({ "restart": restart }))
    }

    /// Goes on with the file that has just been written. Why the bridge has to start again for it; `None` if it went on.
    pub(super) async fn takes_effect(&self) -> Result<Option<&'static str>, Failed> {
        let read = self.with_writer(config::Writer::check).await?;
        // It was right a moment ago: somebody else has the file in hand, who will say when it is ready.
        let overtaken = |problems| Failed::conflict(format!("the file was changed, and is wrong by now: {problems}"));
        let settings = read.map_err(overtaken)?;
        self.goes_on_with(settings).await
    }

    async fn goes_on_with(&self, settings: Settings) -> Result<Option<&'static str>, Failed> {
        let (asker, applied) = oneshot::channel();
        let want = Want::Amend(Box::new(settings), asker);
        self.wants.send(want).await.map_err(|_| stopping())?;
        match applied.await {
            Ok(Applied::Live) => Ok(None),
            Ok(Applied::Restart(why)) => Ok(Some(why)),
            Err(_) => Err(stopping()),
        }
    }

    /// Disks can be slow.
    pub(super) async fn with_writer<T: Send + 'static>(
        &self,
        does: impl FnOnce(&config::Writer) -> T + Send + 'static,
    ) -> Result<T, Failed> {
        let writer = self
            .levers
            .config
            .clone()
            .ok_or_else(|| Failed::conflict("this bridge has no config file that could be changed"))?;
        let working = tokio::task::spawn_blocking(move || does(&writer));
        working.await.map_err(|_| Failed::not_now("the config could not be worked on"))
    }

    fn schedules(&self, group: Option<&Slug>) -> Result<Value, Failed> {
        let shown = self.shown();
        let groups = shown
            .pointer("/devices/groups")
            .and_then(Value::as_object)
            .ok_or_else(|| Failed::not_now("there are no groups"))?;
        let listed = groups.iter().filter(|(name, _)| group.is_none_or(|it| Slug::of(name).as_ref() == Some(it)));
        let listed = listed.map(|(name, it)| (name.clone(), it.get("schedules").cloned().unwrap_or(json!([]))));
        // In which their temperatures are.
        let units = shown.get("units").and_then(Value::as_str).unwrap_or("imperial");
        Ok(json!({ "groups": listed.collect::<serde_json::Map<_, _>>(), "units": units }))
    }
}

fn stopping() -> Failed {
    Failed::not_now("the bridge is stopping")
}

/// A problem for programs: where it is, and what is allowed there.
pub(super) fn problem(it: &config::Problem) -> Value {
    let (line, column) = match &it.place {
        config::Place::File { line, column, .. } => (Some(*line), Some(*column)),
        _ => (None, None),
    };
    json!({
        "place": it.place.to_string(),
        "line": line,
        "column": column,
        "path": it.path,
        "found": it.found,
        "allowed": it.allowed,
        "hint": it.hint,
    })
}

fn wrong(problems: &[config::Problem]) -> Value {
    json!({ "problems": problems.iter().map(problem).collect::<Value>() })
}
