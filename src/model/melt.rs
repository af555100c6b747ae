//! Settings of heaters: how snow is melted, what a circuit can carry, what a kilowatt-hour costs.

use jiff::{SignedDuration, civil};

use super::{Celsius, Days};

/// Storm heating and frost guard of a group (`devices.groups.<g>.melt`).
#[derive(Clone, Debug, PartialEq)]
pub struct Melt {
    /// Heat this long before frozen precipitation is forecast to begin: 0 to 12 h, default 2 h.
    pub lead: SignedDuration,
    /// Heat this long after it has ended, so that the surface dries: 0 to 8 h, default 1 h.
    pub after_run: SignedDuration,
    /// How frost is foreseen.
    pub frost: FrostRule,
    /// Heat while water of rain or melt would freeze on the surface.
    pub refreeze: bool,
    /// Rules are silent while the air is warmer (warm weather shut-down): -10 to 20 °C, default 5 °C.
    pub too_warm: Celsius,
    /// Rules are silent while it is too cold to melt (cold weather cut-out).
    pub too_cold: TooCold,
    /// Heat of the mat in W/m²: 50 to 2000, default 388 (300 W on 20 x 60 inches).
    pub heat: f64,
    /// The longest time on under these rules: above 0, default 24 h.
    pub longest_on: SignedDuration,
    /// Once switched on by these rules it stays on for this long, unless it has become too warm: 0 to 2 h, default 30 min.
    pub least_on: SignedDuration,
    /// Once off, these rules leave it off for this long: 0 to 2 h, default 10 min.
    pub least_off: SignedDuration,
    /// Frost guard and refreeze wait for the end of expensive hours.
    pub frost_waits: bool,
}

impl Default for Melt {
    fn default() -> Self {
        Self {
            lead: SignedDuration::from_mins(120),
            after_run: SignedDuration::from_mins(60),
            frost: FrostRule::Radiative,
            refreeze: true,
            too_warm: Celsius(5.0),
            too_cold: TooCold::Budget,
            heat: 388.0,
            longest_on: SignedDuration::from_hours(24),
            least_on: SignedDuration::from_mins(30),
            least_off: SignedDuration::from_mins(10),
            frost_waits: false,
        }
    }
}

/// How frost without precipitation is foreseen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FrostRule {
    /// Not at all.
    Off,
    /// The seed's black-ice rule, with the limits of `thresholds.black_ice_detection`.
    Seed,
    /// The temperature of an unheated surface under the sky is estimated by its energy balance.
    #[default]
    Radiative,
}

impl FrostRule {
    /// As the config writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Seed => "seed",
            Self::Radiative => "radiative",
        }
    }
}

/// When it is too cold to melt.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum TooCold {
    /// Never: heat whatever comes of it.
    Never,
    /// When the mat's heat cannot hold a wet surface at 0 °C against air and wind.
    #[default]
    Budget,
    /// Below this air temperature.
    Below(Celsius),
}

/// A circuit that several groups share (`devices.groups.<g>.circuit`).
#[derive(Clone, Debug, PartialEq)]
pub struct Circuit {
    /// As people name it; groups that write the same name share it.
    pub name: String,
    /// What may flow at once, in A: above 0, at most 100. A continuous load may use 80 % of the breaker's rating.
    pub amps: f64,
    /// The nominal voltage: 100 to 240, default 120 V.
    pub volts: f64,
}

/// What energy costs (`tariff`).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tariff {
    /// Price of a kWh outside the windows, in `currency`. `None` if nobody says.
    pub price: Option<f64>,
    /// As it is shown: `EUR`, `$`.
    pub currency: String,
    /// Times with a price of their own; of those that overlap, the first holds.
    pub windows: Vec<TariffWindow>,
}

/// Hours with a price of their own.
#[derive(Clone, Debug, PartialEq)]
pub struct TariffWindow {
    /// As people name it.
    pub name: String,
    /// The days on which it begins.
    pub days: Days,
    /// Local wall-clock time of its beginning.
    pub from: civil::Time,
    /// Local wall-clock time of its end, on the next day if it is not after `from`.
    pub to: civil::Time,
    /// Price of a kWh; that outside of the windows where `None`.
    pub price: Option<f64>,
    /// Heating that can wait waits for the end of the window: schedules of priority `low`, and frost guard where `melt` says so.
    pub expensive: bool,
}
