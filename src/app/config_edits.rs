//! The config for whoever looks at it or sets it up, and what an edited schedule would do.

use std::path::PathBuf;

use serde_json::{Map, Value, json};

use super::{
    Levers,
    errands::{Means, problem},
};
use crate::{
    config::{self, Refused},
    control,
    model::{ConfigEdit, Memory, Settings, Slug},
    store,
};

/// What a first config needs, and where it says so.
const STEPS: [(&str, &str); 3] =
    [("account", "devices.credentials"), ("place", "location"), ("devices", "devices.groups")];

/// At the very first start, what the scheduler before this bridge has left beside the config or where the bridge is started.
pub(super) fn with_earlier(memory: Memory, settings: &Settings, levers: &Levers, now: jiff::Timestamp) -> Memory {
    if memory != Memory::default() {
        return memory;
    }
    let beside = levers.config.as_ref().and_then(|it| Some(it.file().parent()?.join("state")));
    let folders = [beside, Some(PathBuf::from("state")), Some(settings.data.join("state"))];
    let folders: Vec<_> = folders.into_iter().flatten().collect();
    let Some(found) = store::earlier(&folders, &settings.control, now) else { return memory };
    found.words.iter().for_each(|it| tracing::info!("taken over from the scheduler before: {it}"));
    found.memory
}

impl Means {
    /// Every key with what holds there and who says so.
    pub(super) async fn annotated(&self) -> Result<Value, String> {
        let (config, etag) = self.with_writer(config::Writer::annotated).await?.map_err(|it| it.to_string())?;
        Ok(json!({ "config": config, "etag": etag }))
    }

    /// What is still missing before the bridge can start.
    pub(super) async fn setup_state(&self) -> Result<Value, String> {
        let looked = self.with_writer(|it| {
            let problems = it.check().err().map(|it| it.list).unwrap_or_default();
            (problems, it.file().to_string_lossy().into_owned(), it.is_writable())
        });
        let (problems, file, writable) = looked.await?;
        // A section that is missing as a whole is named by itself, and none of its keys is.
        let is_open = |path: &str| {
            let lies_in =
                |section: &str| path.strip_prefix(section).is_some_and(|it| it.is_empty() || it.starts_with('.'));
            problems.iter().any(|it| it.path.is_empty() || it.path.starts_with(path) || lies_in(&it.path))
        };
        let steps: Map<_, _> = STEPS.iter().map(|(step, path)| ((*step).to_owned(), json!(!is_open(path)))).collect();
        let list: Vec<_> = problems.iter().map(problem).collect();
        Ok(json!({ "needed": self.is_setup(), "problems": list, "file": file, "writable": writable, "steps": steps }))
    }

    /// The earlier files, the newest first.
    pub(super) async fn backups(&self) -> Result<Value, String> {
        Ok(json!({ "backups": self.with_writer(config::Writer::backups).await? }))
    }

    /// Puts an earlier file in the place of the one that is in force, if it is right.
    pub(super) async fn restores(&self, name: String, etag: Option<String>) -> Result<Value, String> {
        let text = self.with_writer(move |it| it.backup(&name)).await?.map_err(|it| it.to_string())?;
        self.puts(text, etag).await
    }

    /// Sets values. What would be wrong with the config then is told by its places.
    pub(super) async fn sets(&self, wish: ConfigEdit, etag: Option<String>) -> Result<Value, String> {
        let now = self.handle.clock.now();
        let edited = match self.with_writer(move |it| it.apply(&wish, etag.as_deref(), now)).await? {
            Err(Refused::Wrong(problems)) => {
                return Ok(
                    json!({ "refused": true, "problems": problems.list.iter().map(problem).collect::<Value>() }),
                );
            }
            other => other.map_err(|refused| refused.to_string())?,
        };
        let mut told = json!({ "changed": edited.paths, "etag": edited.etag, "restart": null, "problems": [] });
        if edited.paths.is_empty() {
            return Ok(told);
        }
        tracing::info!("the config was changed: {}", edited.paths.join(", "));
        // Setup mode ends when somebody says that they are done.
        if self.is_setup() {
            return self.with_what_is_left(told).await;
        }
        if let (Some(why), Some(told)) = (self.takes_effect().await?, told.as_object_mut()) {
            told.insert("restart".to_owned(), json!(why));
        }
        Ok(told)
    }

    async fn with_what_is_left(&self, mut told: Value) -> Result<Value, String> {
        let left = self.setup_state().await?;
        if let Some(told) = told.as_object_mut() {
            told.insert("problems".to_owned(), left.get("problems").cloned().unwrap_or_default());
        }
        Ok(told)
    }

    /// The windows of the next seven days, if the schedule were this one. Nothing is changed.
    pub(super) async fn previews(&self, group: Slug, mut schedule: Map<String, Value>) -> Result<Value, String> {
        // One that is silent is shown as if it spoke, and limits open nothing.
        schedule.retain(|key, _| key != "enabled" && key != "safety");
        let now = self.handle.clock.now();
        let name = schedule.get("name").and_then(Value::as_str).unwrap_or_default().to_owned();
        let wish = ConfigEdit::PutSchedule { group: group.clone(), schedule };
        let read = match self.with_writer(move |it| it.tried(&wish)).await? {
            Err(Refused::Wrong(problems)) => {
                return Ok(json!({ "problems": problems.list.iter().map(problem).collect::<Value>() }));
            }
            other => other.map_err(|refused| refused.to_string())?,
        };
        let found = control::windows_ahead(&read.control, &group, &name, now);
        let (windows, is_conditional) = found.ok_or("there is no such schedule")?;
        let zone = &read.control.zone;
        let local = |at: jiff::Timestamp| at.display_with_offset(zone.to_offset(at)).to_string();
        let windows = windows.into_iter().map(|(start, end)| json!({ "start": local(start), "end": local(end) }));
        let note = is_conditional.then_some("if the weather asks for it");
        Ok(json!({ "problems": [], "windows": windows.collect::<Value>(), "note": note }))
    }
}
