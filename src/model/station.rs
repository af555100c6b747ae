//! What a station near the house measures: each quantity by itself, as old as it is.

use jiff::{SignedDuration, Timestamp};

use super::{Celsius, Precipitation};

/// What a station can measure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Quantity {
    /// Air temperature, in °C.
    Temperature,
    /// Dew point, in °C.
    DewPoint,
    /// Relative humidity, in percent.
    Humidity,
    /// Temperature of the surface that is to be kept free of ice, in °C.
    Surface,
    /// Rate of precipitation in mm water equivalent an hour.
    Rain,
    /// Rate of new snow in cm an hour.
    Snow,
    /// Wind in m/s.
    Wind,
}

impl Quantity {
    /// All of them.
    pub const ALL: [Self; 7] =
        [Self::Temperature, Self::DewPoint, Self::Humidity, Self::Surface, Self::Rain, Self::Snow, Self::Wind];

    /// As it stands in the config.
    pub fn name(self) -> &'static str {
        match self {
            Self::Temperature => "temperature",
            Self::DewPoint => "dew_point",
            Self::Humidity => "humidity",
            Self::Surface => "surface_temperature",
            Self::Rain => "rain_rate",
            Self::Snow => "snow_rate",
            Self::Wind => "wind",
        }
    }

    /// What it can be, in the unit in which it is kept.
    pub fn range(self) -> (f64, f64) {
        match self {
            Self::Temperature => (-90.0, 60.0),
            Self::DewPoint => (-90.0, 40.0),
            Self::Humidity => (0.0, 100.0),
            Self::Surface => (-90.0, 90.0),
            Self::Rain => (0.0, 500.0),
            Self::Snow => (0.0, 100.0),
            Self::Wind => (0.0, 120.0),
        }
    }

    /// The units that it may be told in, the one in which it is kept first.
    pub fn units(self) -> &'static [Unit] {
        match self {
            Self::Temperature | Self::DewPoint | Self::Surface => &DEGREES,
            Self::Humidity => &PERCENT,
            Self::Rain => &RAIN,
            Self::Snow => &SNOW,
            Self::Wind => &WIND,
        }
    }
}

const DEGREES: [Unit; 3] = [Unit::new("°C", 1.0, 0.0), Unit::new("°F", 1.0 / 1.8, 32.0), Unit::new("K", 1.0, 273.15)];
const PERCENT: [Unit; 1] = [Unit::new("%", 1.0, 0.0)];
const RAIN: [Unit; 2] = [Unit::new("mm/h", 1.0, 0.0), Unit::new("in/h", 25.4, 0.0)];
const SNOW: [Unit; 3] = [Unit::new("cm/h", 1.0, 0.0), Unit::new("mm/h", 0.1, 0.0), Unit::new("in/h", 2.54, 0.0)];
const WIND: [Unit; 4] = [
    Unit::new("m/s", 1.0, 0.0),
    Unit::new("km/h", 1.0 / 3.6, 0.0),
    Unit::new("mph", 0.447_04, 0.0),
    Unit::new("kn", 1852.0 / 3600.0, 0.0),
];

/// A unit, and how a figure in it becomes one in the unit in which the quantity is kept: `(figure − zero) × scale`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Unit {
    /// As it stands in the config.
    pub name: &'static str,
    scale: f64,
    zero: f64,
}

impl Unit {
    const fn new(name: &'static str, scale: f64, zero: f64) -> Self {
        Self { name, scale, zero }
    }

    /// A figure in this unit, in the unit in which the quantity is kept.
    pub fn kept(self, figure: f64) -> f64 {
        (figure - self.zero) * self.scale
    }
}

/// A topic of the user's own on which something is measured (`weather_api.local.topics`).
#[derive(Clone, Debug, PartialEq)]
pub struct StationTopic {
    /// The topic, without wildcards.
    pub topic: String,
    /// What is measured.
    pub field: Quantity,
    /// Where in the JSON the figure is (RFC 6901); empty: the payload is the figure.
    pub pointer: String,
    /// The unit of the figure.
    pub unit: Unit,
    /// How long the figure is held to be true.
    pub max_age: SignedDuration,
    /// Where in the JSON it is written when it was measured. Without it, what the broker replays is not believed.
    pub time: Option<String>,
}

/// What was measured at one time. Every field that was not is `None`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Observation {
    /// When it was measured.
    pub at: Timestamp,
    /// How long it is held to be true.
    pub max_age: SignedDuration,
    /// Air temperature.
    pub temperature: Option<Celsius>,
    /// Dew point.
    pub dew_point: Option<Celsius>,
    /// Relative humidity in percent, 0 to 100.
    pub humidity: Option<f64>,
    /// Temperature of the surface that is to be kept free of ice.
    pub surface: Option<Celsius>,
    /// Precipitation in mm water equivalent an hour, from 0.
    pub precipitation_rate: Option<Precipitation>,
    /// New snow in cm an hour, from 0.
    pub snow_rate: Option<f64>,
    /// Wind in m/s.
    pub wind: Option<f64>,
}

impl Observation {
    /// Nothing was measured.
    pub fn nothing(at: Timestamp, max_age: SignedDuration) -> Self {
        Self {
            at,
            max_age,
            temperature: None,
            dew_point: None,
            humidity: None,
            surface: None,
            precipitation_rate: None,
            snow_rate: None,
            wind: None,
        }
    }

    /// Is it still held to be true? A measurement that claims to come from the future is, for a moment: clocks differ.
    pub fn is_fresh(&self, now: Timestamp) -> bool {
        is_fresh(self.at, self.max_age, now)
    }

    /// Does something fall? Less than a tenth of a millimetre an hour, or of a centimetre of snow, is dew or a spider in the gauge.
    pub fn is_wet(&self) -> bool {
        self.precipitation_rate.is_some_and(|rate| rate >= 0.1) || self.is_snowing()
    }

    /// Does snow fall, by a gauge that knows it from rain?
    pub fn is_snowing(&self) -> bool {
        self.snow_rate.is_some_and(|rate| rate >= 0.1)
    }

    /// One of its figures, in the unit in which it is kept.
    pub fn figure(&self, quantity: Quantity) -> Option<f64> {
        match quantity {
            Quantity::Temperature => self.temperature.map(|it| it.0),
            Quantity::DewPoint => self.dew_point.map(|it| it.0),
            Quantity::Humidity => self.humidity,
            Quantity::Surface => self.surface.map(|it| it.0),
            Quantity::Rain => self.precipitation_rate,
            Quantity::Snow => self.snow_rate,
            Quantity::Wind => self.wind,
        }
    }

    /// The same with one figure, in the unit in which it is kept.
    #[must_use]
    pub fn with(mut self, quantity: Quantity, figure: f64) -> Self {
        match quantity {
            Quantity::Temperature => self.temperature = Some(Celsius(figure)),
            Quantity::DewPoint => self.dew_point = Some(Celsius(figure)),
            Quantity::Humidity => self.humidity = Some(figure),
            Quantity::Surface => self.surface = Some(Celsius(figure)),
            Quantity::Rain => self.precipitation_rate = Some(figure),
            Quantity::Snow => self.snow_rate = Some(figure),
            Quantity::Wind => self.wind = Some(figure),
        }
        self
    }
}

/// One figure, and how old it may become.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Measurement {
    figure: f64,
    at: Timestamp,
    max_age: SignedDuration,
}

/// What is known from stations: the newest figure of each quantity.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Station([Option<Measurement>; 7]);

impl From<Observation> for Station {
    fn from(it: Observation) -> Self {
        let mut station = Self::default();
        station.observe(&it);
        station
    }
}

impl Station {
    /// Takes in what an observation holds. A figure that is older than the one that is known is none; what it does not hold stays.
    pub fn observe(&mut self, it: &Observation) {
        for (quantity, known) in Quantity::ALL.into_iter().zip(&mut self.0) {
            let figure = it.figure(quantity).map(|figure| Measurement { figure, at: it.at, max_age: it.max_age });
            *known = newer(*known, figure);
        }
    }

    /// Takes in what another one knows.
    pub fn learn(&mut self, other: &Self) {
        for (known, it) in self.0.iter_mut().zip(other.0) {
            *known = newer(*known, it);
        }
    }

    /// What is held to be true at an instant: measured at the newest of its figures, and true until the first of them is too old.
    pub fn at(&self, now: Timestamp) -> Option<Observation> {
        self.those(|it| is_fresh(it.at, it.max_age, now))
    }

    /// What was measured last, however long ago.
    pub fn last(&self) -> Option<Observation> {
        self.those(|_| true)
    }

    /// When the first of the figures that are held to be true is too old.
    pub fn changes_after(&self, now: Timestamp) -> Option<Timestamp> {
        let fresh = self.0.iter().flatten().filter(|it| is_fresh(it.at, it.max_age, now));
        fresh.filter_map(|it| it.at.checked_add(it.max_age).ok()).filter(|end| *end > now).min()
    }

    fn those(&self, counts: impl Fn(&Measurement) -> bool) -> Option<Observation> {
        let found = || self.0.iter().flatten().filter(|it| counts(it));
        let at = found().map(|it| it.at).max()?;
        let end = found().filter_map(|it| it.at.checked_add(it.max_age).ok()).min()?;
        let mut all = Observation::nothing(at, end.duration_since(at));
        for (quantity, it) in Quantity::ALL.into_iter().zip(&self.0) {
            if let Some(it) = it.filter(&counts) {
                all = all.with(quantity, it.figure);
            }
        }
        Some(all)
    }
}

fn newer(known: Option<Measurement>, it: Option<Measurement>) -> Option<Measurement> {
    match (known, it) {
        (Some(known), Some(it)) if it.at < known.at => Some(known),
        (known, it) => it.or(known),
    }
}

fn is_fresh(at: Timestamp, max_age: SignedDuration, now: Timestamp) -> bool {
    let age = now.duration_since(at);
    age < max_age && age > -max_age
}
