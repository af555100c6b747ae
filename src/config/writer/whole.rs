//! The file as a whole: for whoever edits it as text, and for a first one.

use std::{fs, io, path::Path};

use jiff::Timestamp;
use serde_json::Value;

use super::{Edited, Refused, Writer, etag, parse_what, yaml};
use crate::config::{Problem, show};

impl Writer {
    /// The text of the file and its mark; empty where there is no file yet. Blocks for as long as the disk takes.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn text(&self) -> Result<(String, String), Refused> {
        let text = match fs::read_to_string(self.file()) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            Err(source) => return Err(self.trouble("read", source)),
        };
        let mark = etag(&text);
        Ok((text, mark))
    }

    /// What is wrong with a text, were it in the file.
    pub fn problems(&self, text: &str) -> Vec<Problem> {
        let name = self.file().to_string_lossy().into();
        let read = parse_what(&name, text, &self.sources.env, &self.sources.flags, |_| true);
        read.err().map(|it| it.list).unwrap_or_default()
    }

    /// Puts a text in the place of the file, if it is right, and the file still the one with the mark `seen`. Blocks for as long as the
    /// disk takes.
    ///
    /// # Errors
    /// See [`Refused`]; nothing was changed.
    pub fn put_text(&self, text: &str, seen: Option<&str>, now: Timestamp) -> Result<Edited, Refused> {
        let _alone = self.at_work.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let (before, mark) = self.text()?;
        if seen.is_some_and(|it| it != mark) {
            return Err(Refused::Changed);
        }
        let name = self.file().to_string_lossy().into();
        parse_what(&name, text, &self.sources.env, &self.sources.flags, |_| true)
            .map_err(|problems| Refused::Wrong(Box::new(problems)))?;
        if text == before {
            return Ok(Edited { paths: Vec::new(), etag: mark });
        }
        self.puts(&before, text, now)?;
        Ok(Edited { paths: vec!["(the whole file)".to_owned()], etag: etag(text) })
    }

    pub(super) fn puts(&self, before: &str, text: &str, now: Timestamp) -> Result<(), Refused> {
        // An editor beside the bridge may have saved meanwhile.
        if self.text()?.0 != before {
            return Err(Refused::Changed);
        }
        let written = if self.file().exists() { self.replace(before, text, now) } else { first(&self.file(), text) };
        written.map_err(|source| self.trouble("written", source))
    }

    /// Every key with what holds there and who says so (`value`, `source`, `readonly`, `env_var`), secrets masked; and the mark of the
    /// file. Blocks for as long as the disk takes.
    ///
    /// # Errors
    /// The file cannot be read, or is no YAML.
    pub fn annotated(&self) -> Result<(Value, String), Refused> {
        let (text, mark) = self.text()?;
        let name = self.file().to_string_lossy().into();
        let (tree, broken) = yaml::read(&name, &text);
        if let Some(problem) = broken.first() {
            return Err(Refused::Impossible(format!("the file has to be repaired as text first: {problem}")));
        }
        Ok((show::annotated(&self.holds(&tree)), mark))
    }
}

/// A first file, which others may not read: it holds passwords.
fn first(file: &Path, text: &str) -> io::Result<()> {
    use std::io::Write;
    let folder = file.parent().filter(|it| !it.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let mut new = tempfile::NamedTempFile::new_in(folder)?;
    new.write_all(text.as_bytes())?;
    new.as_file().sync_all()?;
    new.persist_noclobber(file)?;
    Ok(())
}
