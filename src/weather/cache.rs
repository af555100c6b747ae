//! The last forecast on disk, so that a restart without internet still knows the weather.

use std::{
    fs::{self, File},
    io::{self, Read, Write},
    path::{Path, PathBuf},
};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{answer::AHEAD, sane};
use crate::model::{Forecast, Place, WeatherSettings};

/// The shape of the file. To be raised when [`Forecast`] changes its meaning.
const VERSION: u32 = 1;
/// No cache of ours is larger.
const LARGEST: u64 = 4 * 1024 * 1024;

/// The file. Where another program's is in its place (the predecessor's has the same name), that one stays as it is, and ours is
/// `<name>.heattrax.json` beside it.
#[derive(Clone, Debug)]
pub struct Cache {
    path: PathBuf,
    place: Place,
}

/// What every file of ours has.
#[derive(Deserialize)]
struct Marked {
    version: Option<serde::de::IgnoredAny>,
}

#[derive(Serialize, Deserialize)]
struct Shape {
    version: u32,
    latitude: f64,
    longitude: f64,
    forecast: Forecast,
}

/// Why a cache file is not used.
#[derive(Debug, thiserror::Error)]
pub enum CacheError {
    /// There is none.
    #[error("there is none yet")]
    Absent,
    /// It cannot be read.
    #[error("it cannot be read: {0}")]
    Unreadable(#[source] io::Error),
    /// It is not what this version writes; it was set aside.
    #[error("it is damaged: {0}")]
    Damaged(String),
    /// It is about another place.
    #[error("it is about another place")]
    Elsewhere,
    /// It was written in what is the future by our clock.
    #[error("it is from {0}, which is in the future")]
    Future(Timestamp),
}

impl Cache {
    /// The file that the settings name.
    pub fn new(settings: &WeatherSettings) -> Self {
        Self { path: settings.cache_file.clone(), place: settings.place }
    }

    /// Reads it. A damaged file is renamed to `<name>.damaged`, so that it is neither lost nor met again. Blocks.
    ///
    /// # Errors
    /// There is nothing to use.
    pub fn read(&self, now: Timestamp) -> Result<Forecast, CacheError> {
        let found = self.look(now);
        if let Err(CacheError::Damaged(_)) = found {
            let path = self.own();
            let mut aside = path.clone().into_os_string();
            aside.push(".damaged");
            // A folder that cannot be written is met again, and told, when the next forecast is kept.
            let _ = fs::rename(path, aside);
        }
        found
    }

    /// Reads it, for commands that only look: nothing is set aside. Blocks.
    ///
    /// # Errors
    /// There is nothing to use.
    pub fn look(&self, now: Timestamp) -> Result<Forecast, CacheError> {
        let bytes = bytes(&self.own()).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => CacheError::Absent,
            _ => CacheError::Unreadable(error),
        })?;
        self.parse(&bytes, now)
    }

    /// Where ours is. What is whole and has no version was not written by us. Blocks.
    pub fn own(&self) -> PathBuf {
        let marked = bytes(&self.path).ok().and_then(|it| serde_json::from_slice::<Marked>(&it).ok());
        let is_anothers = marked.is_some_and(|it| it.version.is_none());
        if is_anothers { self.path.with_extension("heattrax.json") } else { self.path.clone() }
    }

    fn parse(&self, bytes: &[u8], now: Timestamp) -> Result<Forecast, CacheError> {
        if u64::try_from(bytes.len()).is_ok_and(|it| it > LARGEST) {
            return Err(CacheError::Damaged(format!("larger than {LARGEST} bytes")));
        }
        let shape: Shape = serde_json::from_slice(bytes).map_err(|error| CacheError::Damaged(error.to_string()))?;
        if shape.version != VERSION {
            return Err(CacheError::Damaged(format!("version {} is unknown, {VERSION} is known", shape.version)));
        }
        let intervals = &shape.forecast.intervals;
        let ascends = intervals.windows(2).all(|pair| matches!(pair, [first, next] if first.end <= next.start));
        if !ascends || !intervals.iter().all(sane::interval) {
            return Err(CacheError::Damaged("it holds what no weather is".to_owned()));
        }
        if (shape.latitude, shape.longitude) != (self.place.latitude, self.place.longitude) {
            return Err(CacheError::Elsewhere);
        }
        let issued_at = shape.forecast.issued_at;
        if issued_at.duration_since(now) > AHEAD {
            return Err(CacheError::Future(issued_at));
        }
        Ok(shape.forecast)
    }

    /// Replaces it as a whole or not at all, even when power fails. Blocks.
    ///
    /// # Errors
    /// The folder cannot be written.
    pub fn write(&self, forecast: &Forecast) -> io::Result<()> {
        let Place { latitude, longitude } = self.place;
        let shape = Shape { version: VERSION, latitude, longitude, forecast: forecast.clone() };
        let folder = match self.path.parent() {
            Some(folder) if folder != Path::new("") => folder,
            _ => Path::new("."),
        };
        fs::create_dir_all(folder)?;
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        serde_json::to_writer(io::BufWriter::new(&mut file), &shape)?;
        file.write_all(b"\n")?;
        file.as_file().sync_all()?;
        file.persist(self.own())?;
        // The new name is safe only when the folder is on disk too.
        File::open(folder)?.sync_all()
    }
}

/// All of a file, or one byte more than any of ours has.
fn bytes(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(LARGEST + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}
