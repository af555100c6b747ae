//! The one writer of the config: whoever changes it, by whatever way, comes through here.
//!
//! A change is made in the text, so that comments, order and quotes of everything else stay; the result must be as good as `check`
//! wants it; and it replaces the file as a whole, so that a crash at any moment leaves the old or the new one. What was there before
//! is kept beside it.

mod backups;
mod change;
mod render;
mod values;
mod whole;
mod wish;

use std::{
    fs,
    hash::{DefaultHasher, Hasher},
    io::{self, Write},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use jiff::Timestamp;

use self::change::{Change, Step, Written};
pub use self::whole::Shown;
use super::{Place, Problem, Problems, Sources, encoding, environment, parse_what, yaml};
use crate::model::{Class, ConfigEdit, Failed, GroupSettings, Settings, Why};

/// Earlier files that are kept.
const BACKUPS: usize = 10;
/// Problems of a refused change that are told one by one.
const TOLD: usize = 50;

/// Why a change was not made. The file is as it was.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// There is no such thing in the file, or it cannot be changed so.
    #[error("{0}")]
    Impossible(String),
    /// The config would be wrong.
    #[error("the config would be wrong: {}", brief(.0))]
    Wrong(Box<Problems>),
    /// Asterisks stand in the place of secrets that the file does not have there.
    #[error("the config would be wrong: {}", listed(.0))]
    Masked(Vec<Problem>),
    /// What is in the file does not hold: the environment or the command line says something else.
    #[error("`{path}` is held by {place}, whatever the file says")]
    Held {
        /// The key.
        path: String,
        /// What holds it.
        place: Place,
    },
    /// Whoever changes the config over the page, which is the way of all such changes, could not take it back there.
    #[error(
        "the page cannot switch itself off (`web.enabled`), for nobody could switch it on again with it: do that in the file \
         itself, {0}, or with HEATTRAX_WEB_ENABLED=false"
    )]
    PageOff(String),
    /// Somebody else has changed the file meanwhile.
    #[error("the config file has changed since it was read: look at it again")]
    Changed,
    /// The file cannot be read or written.
    #[error("{file} cannot be {what}: {source}")]
    File {
        /// Its name.
        file: String,
        /// `read` or `written`.
        what: &'static str,
        /// Why.
        source: io::Error,
    },
}

impl From<Refused> for Failed {
    fn from(refused: Refused) -> Self {
        let why = match &refused {
            Refused::Impossible(_) | Refused::Wrong(_) | Refused::Masked(_) => Why::Wrong,
            Refused::Changed => Why::Changed,
            Refused::PageOff(_) | Refused::Held { .. } | Refused::File { .. } => Why::Conflict,
        };
        let each = match &refused {
            Refused::Wrong(problems) => problems.list.iter().take(TOLD).map(ToString::to_string).collect(),
            _ => Vec::new(),
        };
        Self { each, ..Self::new(why, refused.to_string()) }
    }
}

fn brief(problems: &Problems) -> String {
    listed(&problems.list)
}

fn listed(problems: &[Problem]) -> String {
    problems.iter().take(5).map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

/// What was changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edited {
    /// The keys that say something else now; none if the file said so already.
    pub paths: Vec<String>,
    /// The mark of the file as it is now.
    pub etag: String,
}

/// The one writer.
#[derive(Clone, Debug)]
pub struct Writer {
    sources: Arc<Sources>,
    /// Of two changes at once the second one begins with what the first has written.
    at_work: Arc<Mutex<()>>,
}

impl Writer {
    /// A writer of the file that these sources read.
    pub fn new(sources: Sources) -> Self {
        Self { sources: Arc::new(sources), at_work: Arc::default() }
    }

    /// The file.
    pub fn file(&self) -> PathBuf {
        self.sources.chosen_file()
    }

    /// Reads the config as it is now. Blocks for as long as the disk takes.
    ///
    /// # Errors
    /// It is wrong.
    pub fn check(&self) -> Result<Settings, Problems> {
        super::load(&self.sources)
    }

    /// Reads the config once whoever is writing it is done: what is written then is in what is read. Blocks for as long as the disk takes.
    ///
    /// # Errors
    /// It is wrong.
    pub fn settled(&self) -> Result<Settings, Problems> {
        let _alone = self.at_work.lock().unwrap_or_else(PoisonError::into_inner);
        self.check()
    }

    /// A mark that is another one whenever the file says something else. Blocks for as long as the disk takes.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn etag(&self) -> Result<String, Refused> {
        fs::read(self.file()).map(|it| etag(&it)).map_err(|source| self.trouble("read", source))
    }

    /// Makes a change, if the file is still the one with the mark `etag`. Blocks for as long as the disk takes.
    ///
    /// # Errors
    /// See [`Refused`]; nothing was changed.
    pub fn apply(&self, wish: &ConfigEdit, etag: Option<&str>, now: Timestamp) -> Result<Edited, Refused> {
        let _alone = self.at_work.lock().unwrap_or_else(PoisonError::into_inner);
        let (before, mark) = self.text()?;
        if etag.is_some_and(|it| it != mark) {
            return Err(Refused::Changed);
        }
        let name: Arc<str> = self.file().to_string_lossy().into();
        let (tree, broken) = yaml::read(&name, &before);
        if let Some(problem) = broken.first() {
            return Err(Refused::Impossible(format!("the file has to be repaired as text first: {problem}")));
        }
        let changes = match wish {
            ConfigEdit::Set(_) | ConfigEdit::Whole(_) => values::changes(&tree, &self.holds(&tree), wish),
            _ => wish::changes(&tree, wish),
        };
        let mut changes = changes.map_err(Refused::Impossible)?;
        let mut text = before.clone();
        for change in &changes {
            self.is_free(change, &tree)?;
            text = change::changed(&text, change).map_err(Refused::Impossible)?;
        }
        if text == before {
            return Ok(Edited { paths: Vec::new(), etag: mark });
        }
        let read = |text: &str| parse_what(&name, text, &self.sources.env, &self.sources.flags, |_| true);
        let mut found = read(&text);
        if let Ok(after) = &found {
            let kept = self.heaters_stay(&before, after, &changes);
            if !kept.is_empty() {
                for change in &kept {
                    text = change::changed(&text, change).map_err(Refused::Impossible)?;
                }
                changes.extend(kept);
                found = read(&text);
            }
        }
        self.page_stays(before.as_bytes(), &found)?;
        if let Err(problems) = found {
            // A wrong config is repaired step by step, and none of them may make it worse.
            let known = self.problems(&before);
            let is_known = |it: &Problem| known.iter().any(|old| old.path == it.path && old.found == it.found);
            if !matches!(wish, ConfigEdit::Set(_)) || !problems.list.iter().all(is_known) {
                return Err(Refused::Wrong(Box::new(problems)));
            }
        }
        self.puts(before.as_bytes(), &text, now)?;
        Ok(Edited {
            paths: changes.iter().map(|it| Written(it.path()).to_string()).collect(),
            etag: self::etag(text.as_bytes()),
        })
    }

    /// Edits that could switch the page off come over the page: it would be gone for good, for whoever has no shell.
    fn page_stays(&self, before: &[u8], after: &Result<Settings, Problems>) -> Result<(), Refused> {
        let is_on = |read: &Result<Settings, Problems>| match read {
            Ok(settings) => settings.web.is_some(),
            Err(problems) => problems.partial.wants_page,
        };
        let name: Arc<str> = self.file().to_string_lossy().into();
        let was = || {
            let (text, _) = encoding::decoded(before);
            parse_what(&name, &text, &self.sources.env, &self.sources.flags, |_| true)
        };
        // Where the file has said so before, it is somebody's will.
        if is_on(after) || !is_on(&was()) { Ok(()) } else { Err(Refused::PageOff(name.to_string())) }
    }

    /// A group that is a heater because of its rules stays one without them, unless somebody says what it is instead: its plugs' timers and
    /// all that watches over it hang on that.
    fn heaters_stay(&self, before: &str, after: &Settings, changes: &[Change]) -> Vec<Change> {
        let name: Arc<str> = self.file().to_string_lossy().into();
        let Ok(before) = parse_what(&name, before, &self.sources.env, &self.sources.flags, |_| true) else {
            return Vec::new();
        };
        let heats = |it: &&GroupSettings| it.class == Class::Heater;
        let others = before.control.groups.values().filter(heats).filter_map(|it| {
            let now = after.control.groups.get(&it.slug).filter(|now| !heats(now))?;
            let class = ["devices", "groups", &now.name, "class"].map(|it| Step::Key(it.to_owned()));
            let (_, group) = class.split_last()?;
            let says = |it: &Change| match it {
                Change::Set(path, value) => *path == class || (path == group && value.get("class").is_some()),
                _ => false,
            };
            (!changes.iter().any(says)).then(|| Change::Set(class.to_vec(), "heater".into()))
        });
        others.collect()
    }

    /// The settings as they would be with a change. Nothing is written.
    ///
    /// # Errors
    /// As [`Writer::apply`].
    pub fn tried(&self, wish: &ConfigEdit) -> Result<Settings, Refused> {
        let (mut text, _) = self.text()?;
        let name: Arc<str> = self.file().to_string_lossy().into();
        let (tree, _) = yaml::read(&name, &text);
        for change in &wish::changes(&tree, wish).map_err(Refused::Impossible)? {
            text = change::changed(&text, change).map_err(Refused::Impossible)?;
        }
        parse_what(&name, &text, &self.sources.env, &self.sources.flags, |_| true)
            .map_err(|problems| Refused::Wrong(Box::new(problems)))
    }

    /// What holds at each key, whoever says it.
    fn holds(&self, file: &super::Node) -> super::Node {
        let name: Arc<str> = self.file().to_string_lossy().into();
        super::stacked(&name, file.clone(), &self.sources.env, &self.sources.flags).0
    }

    fn trouble(&self, what: &'static str, source: io::Error) -> Refused {
        Refused::File { file: self.file().to_string_lossy().into_owned(), what, source }
    }

    /// Does the file's word count at that key?
    fn is_free(&self, change: &Change, tree: &super::Node) -> Result<(), Refused> {
        let keys = change.path().iter().map_while(|it| match it {
            Step::Key(key) => Some(key.clone()),
            Step::Item(_) => None,
        });
        let keys: Vec<_> = keys.collect();
        let held = environment::read(&self.sources.env, tree).tree;
        match held.at(&keys).map(|it| it.place.clone()) {
            Some(place) => Err(Refused::Held { path: keys.join("."), place }),
            None => Ok(()),
        }
    }

    fn replace(&self, before: &[u8], text: &str, now: Timestamp) -> io::Result<()> {
        // A link is followed, or the name would no longer lead to where the file is kept.
        let file = fs::canonicalize(self.file())?;
        if fs::metadata(&file)?.permissions().readonly() {
            return Err(io::Error::new(io::ErrorKind::PermissionDenied, "it is read-only"));
        }
        let kept = keep(&file, before, now)
            .inspect_err(|error| tracing::warn!("no copy of the config could be put beside it: {error}"))
            .is_ok();
        match whole(&file, text) {
            Ok(()) => Ok(()),
            // A single file that is mounted into a container cannot be replaced, only written. Without a copy of what was there that is
            // not risked; nor on a full disk, where the file would be empty afterwards.
            Err(error) if kept && is_mounted(&error) => fs::write(&file, text),
            Err(error) => Err(error),
        }
    }
}

/// Is the file itself a mount, so that nothing can take its place?
fn is_mounted(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::ResourceBusy | io::ErrorKind::CrossesDevices)
}

fn etag(bytes: &[u8]) -> String {
    let mut hasher = DefaultHasher::new();
    hasher.write(bytes);
    format!("{:016x}", hasher.finish())
}

/// Replaces a file by another one with its permissions.
fn whole(file: &Path, text: &str) -> io::Result<()> {
    let folder = file.parent().filter(|it| !it.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut new = tempfile::NamedTempFile::new_in(folder)?;
    new.write_all(text.as_bytes())?;
    new.as_file().set_permissions(fs::metadata(file)?.permissions())?;
    new.as_file().sync_all()?;
    new.persist(file)?;
    // The new name is safe only when the folder is on disk too.
    fs::File::open(folder)?.sync_all()
}

/// Puts what was there beside the file, `heattrax.yaml.2026-11-27T06-30-00Z.bak`, and takes the oldest of those away.
fn keep(file: &Path, before: &[u8], now: Timestamp) -> io::Result<()> {
    let Some(name) = file.file_name().and_then(|it| it.to_str()) else { return Ok(()) };
    let named = |pattern| file.with_file_name(format!("{name}.{}.bak", now.strftime(pattern)));
    let mut backup = named("%Y-%m-%dT%H-%M-%SZ");
    if backup.exists() {
        // Two within a second: by its name too the later one is the later.
        backup = named("%Y-%m-%dT%H-%M-%S_%6fZ");
    }
    fs::copy(file, &backup)?;
    // A copy that is not whole is none.
    if fs::read(&backup)? != before {
        return Err(io::Error::other("the copy differs from the file"));
    }
    let folder = file.parent().filter(|it| !it.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let is_backup = |it: &PathBuf| {
        let there = it.file_name().and_then(|it| it.to_str()).unwrap_or_default();
        there.strip_prefix(name).is_some_and(|rest| rest.starts_with('.') && rest.ends_with("Z.bak"))
    };
    let mut kept: Vec<_> = fs::read_dir(folder)?.flatten().map(|it| it.path()).filter(is_backup).collect();
    kept.sort();
    for old in kept.iter().rev().skip(BACKUPS) {
        // One too many harms nobody.
        let _ = fs::remove_file(old);
    }
    Ok(())
}
