//! The file as a whole: for whoever edits it as text, and for a first one.

use std::{fs, io, path::Path};

use jiff::Timestamp;
use serde_json::Value;

use super::{Edited, Refused, Writer, encoding, etag, parse_what, yaml};
use crate::config::{Place, Problem, Problems, show, veil};

/// The file as it is to be seen: with a mask in the place of each secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// Its text.
    pub text: String,
    /// As what it was read, if it is not in UTF-8.
    pub read_as: Option<&'static str>,
    /// The mark of the file.
    pub etag: String,
}

impl Writer {
    /// The file as it is to be seen, whatever its bytes; empty where there is no file yet. Blocks for as long as the disk takes.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn shown(&self) -> Result<Shown, Refused> {
        let bytes = self.bytes()?;
        let (text, read_as) = encoding::decoded(&bytes);
        Ok(Shown { text: veil::veiled(&text), read_as, etag: etag(&bytes) })
    }

    /// Its bytes; none where there is no file yet.
    fn bytes(&self) -> Result<Vec<u8>, Refused> {
        match fs::read(self.file()) {
            Ok(bytes) => Ok(bytes),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
            Err(source) => Err(self.trouble("read", source)),
        }
    }

    /// The text of the file and its mark, for whoever changes something in it.
    pub(super) fn text(&self) -> Result<(String, String), Refused> {
        let bytes = self.bytes()?;
        let mark = etag(&bytes);
        let text = String::from_utf8(bytes).map_err(|error| {
            let words = "it is not in UTF-8. Its text (on the page under Settings, or /api/config/text) has to be looked over and saved \
                         first: it is in UTF-8 then";
            self.trouble("read", io::Error::new(io::ErrorKind::InvalidData, format!("{words} ({error})")))
        })?;
        Ok((text, mark))
    }

    /// What is wrong with a text, were it in the file.
    pub fn problems(&self, text: &str) -> Vec<Problem> {
        let name = self.file().to_string_lossy().into();
        let read = parse_what(&name, text, &self.sources.env, &self.sources.flags, |_| true);
        read.err().map(|it| it.list).unwrap_or_default()
    }

    /// What is wrong with a text whose masks stand for the secrets of the file. Blocks for as long as the disk takes.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn checked(&self, text: &str) -> Result<Vec<Problem>, Refused> {
        let whole = self.unveiled(text, &self.bytes()?);
        Ok(whole.map_or_else(|unknown| unknown, |whole| discreet(self.problems(&whole.text), &whole.secrets)))
    }

    /// The text with the secrets of the file `before` in the place of their masks, or what masks stand for nothing.
    fn unveiled(&self, text: &str, before: &[u8]) -> Result<veil::Unveiled, Vec<Problem>> {
        let (before, read_as) = encoding::decoded(before);
        let file: std::sync::Arc<str> = self.file().to_string_lossy().into();
        let problem = |it: veil::Unknown| {
            let above = text.get(..it.at).unwrap_or_default();
            let line = above.matches('\n').count() as u64 + 1;
            let column = above.rsplit('\n').next().unwrap_or_default().chars().count() as u64 + 1;
            Problem {
                place: Place::File { file: file.clone(), line, column },
                path: it.path,
                found: "asterisks that stand for nothing that the file has here".to_owned(),
                allowed: "the secret itself".to_owned(),
                hint: None,
            }
        };
        veil::unveiled(text, &before, read_as.is_some()).map_err(|unknown| unknown.into_iter().map(problem).collect())
    }

    /// Puts a text in the place of the file, if it is right, and the file still the one with the mark `seen`. A mask in it stands for the
    /// secret that the file has there. Blocks for as long as the disk takes.
    ///
    /// # Errors
    /// See [`Refused`]; nothing was changed.
    pub fn put_text(&self, text: &str, seen: Option<&str>, now: Timestamp) -> Result<Edited, Refused> {
        self.put(seen, now, |before| self.unveiled(text, before).map_err(Refused::Masked))
    }

    /// Puts an earlier file in the place of the one that there is, to the letter.
    ///
    /// # Errors
    /// As [`Writer::put_text`].
    pub fn restore(&self, name: &str, seen: Option<&str>, now: Timestamp) -> Result<Edited, Refused> {
        let text = self.backup(name)?;
        self.put(seen, now, |_| Ok(veil::Unveiled { text: text.clone(), secrets: Vec::new() }))
    }

    fn put(
        &self,
        seen: Option<&str>,
        now: Timestamp,
        whole: impl FnOnce(&[u8]) -> Result<veil::Unveiled, Refused>,
    ) -> Result<Edited, Refused> {
        let _alone = self.at_work.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let before = self.bytes()?;
        let mark = etag(&before);
        if seen.is_some_and(|it| it != mark) {
            return Err(Refused::Changed);
        }
        let veil::Unveiled { text, secrets } = whole(&before)?;
        let name = self.file().to_string_lossy().into();
        let read = parse_what(&name, &text, &self.sources.env, &self.sources.flags, |_| true);
        if read.is_ok() {
            self.page_stays(&before, &read)?;
        }
        read.map_err(|problems| {
            let list = discreet(problems.list, &secrets);
            Refused::Wrong(Box::new(Problems { list, ..problems }))
        })?;
        if text.as_bytes() == before {
            return Ok(Edited { paths: Vec::new(), etag: mark });
        }
        self.puts(&before, &text, now)?;
        Ok(Edited { paths: vec!["(the whole file)".to_owned()], etag: etag(text.as_bytes()) })
    }

    pub(super) fn puts(&self, before: &[u8], text: &str, now: Timestamp) -> Result<(), Refused> {
        // An editor beside the bridge may have saved meanwhile.
        if self.bytes()? != before {
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

/// What is wrong, without the secrets that masks stood for: by another name in the text they could be told elsewhere.
fn discreet(mut problems: Vec<Problem>, secrets: &[String]) -> Vec<Problem> {
    for problem in &mut problems {
        for secret in secrets.iter().filter(|it| it.chars().count() > 2) {
            for words in
                [&mut problem.found, &mut problem.path, &mut problem.allowed].into_iter().chain(&mut problem.hint)
            {
                *words = words.replace(secret.as_str(), show::MASK);
            }
        }
    }
    problems
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
