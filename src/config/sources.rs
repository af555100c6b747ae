//! Where a config comes from: a file, the environment, the command line.

use std::{collections::BTreeMap, fmt, path::PathBuf};

/// Where the file is looked for when nobody names it.
pub(super) const USUAL_FILES: [&str; 2] = ["config/heattrax.yaml", "/etc/heattrax/heattrax.yaml"];

/// What the command line overrides.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Overrides {
    /// `--data`: the data folder.
    pub data: Option<PathBuf>,
    /// `--log`: the log's level.
    pub log_level: Option<String>,
    /// `--log-format`: `text` or `json`.
    pub log_format: Option<String>,
}

/// Where a config comes from. Nothing else is read, the files that it names for secrets excepted.
#[derive(Clone, Default)]
pub struct Sources {
    /// `--config`.
    pub file: Option<PathBuf>,
    /// The environment. Names that do not begin with `HEATTRAX_` are ignored, `HOSTNAME` excepted: it becomes part of the
    /// MQTT client id. An empty value counts as not set.
    pub env: BTreeMap<String, String>,
    /// The command line.
    pub flags: Overrides,
}

impl fmt::Debug for Sources {
    /// The environment by its names only: its values may be secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.env.keys().collect();
        f.debug_struct("Sources").field("file", &self.file).field("env", &names).field("flags", &self.flags).finish()
    }
}

impl Sources {
    /// The sources of this process: its own environment, and the machine's name from `/etc/hostname` where `HOSTNAME` is not
    /// set. Values that are no UTF-8 are read as far as they can be, and then refused as bad values.
    pub fn from_process(file: Option<PathBuf>, flags: Overrides) -> Self {
        let text = |it: std::ffi::OsString| it.to_string_lossy().into_owned();
        let mut env: BTreeMap<String, String> = std::env::vars_os()
            .map(|(name, value)| (text(name), text(value)))
            .filter(|(name, _)| name.starts_with("HEATTRAX_") || name == "HOSTNAME")
            .collect();
        if !env.contains_key("HOSTNAME")
            && let Ok(name) = std::fs::read_to_string("/etc/hostname")
        {
            env.insert("HOSTNAME".to_owned(), name.trim().to_owned());
        }
        Self { file, env, flags }
    }

    /// The file to read: the one that was named, else the first usual one that exists, else the first usual one.
    pub(super) fn chosen_file(&self) -> PathBuf {
        let named = self.env.get("HEATTRAX_CONFIG_PATH").filter(|path| !path.is_empty());
        if let Some(file) = self.file.clone().or_else(|| named.map(PathBuf::from)) {
            return file;
        }
        let mut usual = USUAL_FILES.iter().map(PathBuf::from);
        usual.find(|path| path.exists()).unwrap_or_else(|| PathBuf::from(USUAL_FILES[0]))
    }
}
