//! Earlier files, kept beside the one that is in force.

use std::{fs, path::PathBuf};

use super::{Refused, Writer, encoding};

impl Writer {
    /// The names of the earlier files, the newest first. Blocks for as long as the disk takes.
    pub fn backups(&self) -> Vec<String> {
        let Some((folder, name)) = self.home() else { return Vec::new() };
        let files = fs::read_dir(folder).into_iter().flatten().flatten();
        let names = files.filter_map(|it| it.file_name().into_string().ok());
        let mut names: Vec<_> = names
            .filter(|it| it.strip_prefix(&name).is_some_and(|rest| rest.starts_with('.') && rest.ends_with("Z.bak")))
            .collect();
        names.sort_by(|one, other| other.cmp(one));
        names
    }

    /// The text of an earlier file. Blocks for as long as the disk takes.
    ///
    /// # Errors
    /// There is none of that name, or it cannot be read.
    pub fn backup(&self, name: &str) -> Result<String, Refused> {
        // Only what is listed: a name must not lead elsewhere.
        let known = self.backups().into_iter().find(|it| it == name);
        let (Some(known), Some((folder, _))) = (known, self.home()) else {
            return Err(Refused::Impossible("there is no earlier file of that name".to_owned()));
        };
        let bytes = fs::read(folder.join(known)).map_err(|source| self.trouble("read", source))?;
        // As it is shown when it is in force.
        Ok(encoding::decoded(&bytes).0)
    }

    /// Could a change be written? Blocks for as long as the disk takes.
    pub fn is_writable(&self) -> bool {
        let file = self.file();
        if file.exists() {
            let is_kept = fs::metadata(&file).is_ok_and(|it| it.permissions().readonly());
            return !is_kept && fs::OpenOptions::new().append(true).open(&file).is_ok();
        }
        let above = file.ancestors().skip(1).map(|it| if it.as_os_str().is_empty() { ".".as_ref() } else { it });
        let there = above.into_iter().find(|it| it.is_dir());
        there.is_some_and(|it| tempfile::tempfile_in(it).is_ok())
    }

    /// Where the file really is, and its name there.
    fn home(&self) -> Option<(PathBuf, String)> {
        let file = fs::canonicalize(self.file()).ok()?;
        Some((file.parent()?.to_owned(), file.file_name()?.to_str()?.to_owned()))
    }
}
