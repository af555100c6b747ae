//! What makes a surface slippery.

use std::fmt;

use jiff::Timestamp;

use super::Celsius;

/// What falls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PrecipitationKind {
    /// Rain.
    Rain,
    /// Snow, sleet or ice pellets.
    Snow,
    /// Rain that freezes where it falls.
    FreezingRain,
}

/// What makes a surface slippery.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Hazard {
    /// Vapour freezes on a surface that is colder than its dew point and 0 °C.
    Frost,
    /// Water of rain or melt freezes on the surface.
    Refreeze,
    /// The seed's black-ice rule: near freezing and damp.
    BlackIce,
    /// Fog below freezing.
    FreezingFog,
    /// Snow, sleet or ice pellets.
    Snow,
    /// Rain that freezes where it falls.
    FreezingRain,
}

impl Hazard {
    /// One word for programs.
    pub fn key(self) -> &'static str {
        match self {
            Self::Frost => "frost",
            Self::Refreeze => "refreeze",
            Self::BlackIce => "black_ice",
            Self::FreezingFog => "freezing_fog",
            Self::Snow => "snow",
            Self::FreezingRain => "freezing_rain",
        }
    }

    /// For people.
    pub fn words(self) -> &'static str {
        match self {
            Self::Frost => "frost",
            Self::Refreeze => "refreezing water",
            Self::BlackIce => "black ice",
            Self::FreezingFog => "freezing fog",
            Self::Snow => "snow",
            Self::FreezingRain => "freezing rain",
        }
    }

    /// Does it fall from the sky?
    pub fn is_precipitation(self) -> bool {
        matches!(self, Self::Snow | Self::FreezingRain)
    }
}

/// A stretch of time that is icy on an unheated surface, and the figures of its beginning.
#[derive(Clone, Debug, PartialEq)]
pub struct Ice {
    /// What makes it so.
    pub hazard: Hazard,
    /// From when.
    pub from: Timestamp,
    /// Until when.
    pub to: Timestamp,
    /// The air at its beginning.
    pub air: Option<Celsius>,
    /// The wet-bulb temperature at its beginning.
    pub wet_bulb: Option<Celsius>,
    /// The estimated or measured temperature of an unheated surface at its beginning.
    pub surface: Option<Celsius>,
    /// Precipitation in all, in mm water equivalent.
    pub amount: Option<f64>,
}

impl fmt::Display for Ice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.hazard.words())?;
        if let Some(amount) = self.amount.filter(|it| *it > 0.0) {
            write!(f, ", {amount:.1} mm")?;
        }
        if let Some(air) = self.air {
            write!(f, ", air {air}")?;
        }
        match (self.hazard.is_precipitation(), self.wet_bulb, self.surface) {
            (true, Some(wet_bulb), _) => write!(f, ", wet bulb {wet_bulb}"),
            (false, _, Some(surface)) => write!(f, ", surface {surface}"),
            _ => Ok(()),
        }
    }
}
