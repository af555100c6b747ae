//! The config for whoever looks at it or sets it up, and what an edited schedule would do.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use serde_json::{Map, Value, json};

use super::{
    Levers,
    errands::{Means, problem},
};
use crate::{
    config::{self, Refused},
    control,
    model::{ConfigEdit, Failed, Memory, Settings, Slug},
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
    let file = levers.config.as_ref().map(config::Writer::file);
    let Some(found) = left_behind(settings, file.as_deref(), now) else { return memory };
    found.words.iter().for_each(|it| tracing::info!("taken over from the scheduler before: {it}"));
    found.warnings.iter().for_each(|it| tracing::warn!("from the scheduler before: {it}"));
    found.memory
}

fn left_behind(settings: &Settings, file: Option<&Path>, now: jiff::Timestamp) -> Option<store::Earlier> {
    let beside = file.and_then(|it| Some(it.parent()?.join("state")));
    let folders = [beside, Some(PathBuf::from("state")), Some(settings.data.join("state"))];
    let folders: Vec<_> = folders.into_iter().flatten().collect();
    store::earlier(&folders, &settings.control, &jiff::tz::TimeZone::system(), now)
}

/// What the very first start with these settings will say of the scheduler before, a line each. Nothing if there was a start already.
/// Blocks.
pub fn foretold(settings: &Settings, file: &Path, now: jiff::Timestamp) -> Vec<String> {
    let is_first = store::Store::look(&settings.data).is_ok_and(|it| it.unwrap_or_default() == Memory::default());
    let found = if is_first { left_behind(settings, Some(file), now) } else { None };
    let Some(store::Earlier { words, warnings, .. }) = found else { return Vec::new() };
    let taken = words.into_iter().map(|it| format!("the first start takes over from the scheduler before: {it}"));
    taken.chain(warnings.into_iter().map(|it| format!("warning: from the scheduler before: {it}"))).collect()
}

impl Means {
    /// Every key with what holds there and who says so.
    pub(super) async fn annotated(&self) -> Result<Value, Failed> {
        let (config, etag) = self.with_writer(config::Writer::annotated).await??;
        Ok(json!({ "config": config, "etag": etag }))
    }

    /// What is still missing before the bridge can start.
    pub(super) async fn setup_state(&self) -> Result<Value, Failed> {
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
    pub(super) async fn backups(&self) -> Result<Value, Failed> {
        Ok(json!({ "backups": self.with_writer(config::Writer::backups).await? }))
    }

    /// Puts an earlier file in the place of the one that is in force, if it is right.
    pub(super) async fn restores(&self, name: String, etag: Option<String>) -> Result<Value, Failed> {
        let now = self.handle.clock.now();
        let written = self.with_writer(move |it| it.restore(&name, etag.as_deref(), now)).await?;
        self.is_put(written).await
    }

    /// Sets values. What would be wrong with the config then is told by its places. In setup mode a file that has become right by it
    /// starts the bridge, unless it `waits` for somebody to say so.
    pub(super) async fn sets(&self, wish: ConfigEdit, etag: Option<String>, waits: bool) -> Result<Value, Failed> {
        let now = self.handle.clock.now();
        let edited = match self.with_writer(move |it| it.apply(&wish, etag.as_deref(), now)).await? {
            Err(Refused::Wrong(problems)) => {
                return Ok(
                    json!({ "refused": true, "problems": problems.list.iter().map(problem).collect::<Value>() }),
                );
            }
            other => other?,
        };
        let mut told = json!({ "changed": edited.paths, "etag": edited.etag, "restart": null, "problems": [] });
        if edited.paths.is_empty() {
            return Ok(told);
        }
        tracing::info!("the config was changed: {}", edited.paths.join(", "));
        if self.is_setup() {
            let left = self.left().await?;
            let is_right = left.is_empty();
            told["problems"] = left.into();
            if waits || !is_right {
                return Ok(told);
            }
        }
        told["restart"] = json!(self.takes_effect().await?);
        Ok(told)
    }

    /// What is still wrong with the file.
    async fn left(&self) -> Result<Vec<Value>, Failed> {
        let problems = self.with_writer(|it| it.check().err().map(|it| it.list).unwrap_or_default()).await?;
        Ok(problems.iter().map(problem).collect())
    }

    /// The windows of the next seven days, if the schedule were this one. Nothing is changed.
    pub(super) async fn previews(&self, group: Slug, mut schedule: Map<String, Value>) -> Result<Value, Failed> {
        // One that is silent is shown as if it spoke, and limits open nothing.
        schedule.retain(|key, _| key != "enabled" && key != "safety");
        let now = self.handle.clock.now();
        // It is looked at beside the others, under a name that none of them has.
        let known = self.handle.picture().groups.get(&group).map(|it| Arc::clone(&it.schedules)).unwrap_or_default();
        let mut names = (1..).map(|number| format!("preview {number}"));
        let name = names.find(|name| known.iter().all(|it| it.name != *name)).unwrap_or_default();
        schedule.insert("name".to_owned(), name.clone().into());
        let wish = ConfigEdit::PutSchedule { group: group.clone(), replaces: None, schedule };
        let read = match self.with_writer(move |it| it.tried(&wish)).await? {
            Err(Refused::Wrong(problems)) => {
                return Ok(json!({ "problems": problems.list.iter().map(problem).collect::<Value>() }));
            }
            other => other?,
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
