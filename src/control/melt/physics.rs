//! The physics of air, vapour and heat, each formula with its source. All temperatures in °C, fluxes in W/m².

/// Latent heat of melting ice in J/kg.
pub(super) const MELTING: f64 = 334_000.0;
/// Latent heat of sublimation in J/kg.
pub(super) const SUBLIMATION: f64 = 2_834_000.0;
/// Latent heat of evaporation near 0 °C in J/kg.
pub(super) const EVAPORATION: f64 = 2_501_000.0;
/// Stefan and Boltzmann's constant in W/m²K⁴.
const STEFAN_BOLTZMANN: f64 = 5.670e-8;
/// 0 °C in K.
pub(super) const FREEZING: f64 = 273.15;
/// Heat capacity of a cubic metre of air near 0 °C in J/m³K.
const AIR: f64 = 1_297.0;
/// Gas constant of vapour in J/kgK.
const VAPOUR: f64 = 461.5;
/// The psychrometric constant at sea level in hPa/K (Stull, Practical Meteorology, 4.20).
const PSYCHROMETRIC: f64 = 0.655;

/// Saturation pressure of vapour over water in hPa (Magnus form; Alduchov and Eskridge 1996).
pub(super) fn over_water(celsius: f64) -> f64 {
    6.1094 * (17.625 * celsius / (celsius + 243.04)).exp()
}

/// Saturation pressure of vapour over ice in hPa (Magnus form; Alduchov and Eskridge 1996).
pub(super) fn over_ice(celsius: f64) -> f64 {
    6.1121 * (22.587 * celsius / (celsius + 273.86)).exp()
}

/// Dew point from temperature and relative humidity in percent (the inverse of [`over_water`]).
pub(super) fn dew_point(celsius: f64, humidity: f64) -> f64 {
    let log = (humidity.clamp(1.0, 100.0) / 100.0).ln() + 17.625 * celsius / (celsius + 243.04);
    243.04 * log / (17.625 - log)
}

/// Wet-bulb temperature: where the heat that evaporation takes equals the heat that the air gives (the psychrometric equation, by
/// Newton's method; a millikelvin after four steps).
pub(super) fn wet_bulb(celsius: f64, dew: f64) -> f64 {
    let dew = dew.min(celsius);
    let vapour = over_water(dew);
    // A third of the way from the dew point is close already.
    let mut wet = celsius - (celsius - dew) / 3.0;
    for _ in 0..4 {
        let saturated = over_water(wet);
        let slope = saturated * 17.625 * 243.04 / (wet + 243.04).powi(2);
        let excess = saturated - vapour - PSYCHROMETRIC * (celsius - wet);
        wet -= excess / (slope + PSYCHROMETRIC);
    }
    wet
}

/// Heat that passes from air to a surface per kelvin, in W/m²K, for a wind at 10 m in m/s (Jürges 1924, rounded; 45 % of the wind
/// at 10 m blows along the ground).
pub(super) fn convection(wind: f64) -> f64 {
    6.0 + 4.0 * 0.45 * wind
}

/// Vapour that settles on a surface, in kg/m²s; negative when it leaves. `air` and `surface` are vapour pressures in hPa (the
/// analogy of Lewis: vapour is carried as heat is).
pub(super) fn deposit(convection: f64, air: f64, surface: f64, celsius: f64) -> f64 {
    convection / AIR * (air - surface) * 100.0 / (VAPOUR * (celsius + FREEZING))
}

/// Long-wave radiation from the sky in W/m²: clear sky by Brutsaert 1975, clouds (0 to 1) by Unsworth and Monteith 1975.
pub(super) fn from_the_sky(celsius: f64, vapour: f64, cloud: f64) -> f64 {
    let kelvin = celsius + FREEZING;
    let clear = (1.24 * (vapour / kelvin).powf(1.0 / 7.0)).min(1.0);
    let emissivity = (1.0 - 0.84 * cloud) * clear + 0.84 * cloud;
    emissivity * STEFAN_BOLTZMANN * kelvin.powi(4)
}

/// Long-wave radiation of a surface in W/m².
pub(super) fn radiated(celsius: f64) -> f64 {
    STEFAN_BOLTZMANN * (celsius + FREEZING).powi(4)
}

/// Sunshine on level ground in W/m²: clear sky by Haurwitz 1945, clouds (0 to 1) by Kasten and Czeplak 1980.
/// `elevation` is the sine of the sun's elevation.
pub(super) fn from_the_sun(elevation: f64, cloud: f64) -> f64 {
    if elevation <= 0.0 {
        return 0.0;
    }
    1098.0 * elevation * (-0.057 / elevation).exp() * (1.0 - 0.75 * cloud.powf(3.4))
}

/// The sine of the sun's elevation, to about a degree: the declination by Cooper 1969, the equation of time left out.
pub(super) fn sun_elevation(unix_seconds: i64, latitude: f64, longitude: f64) -> f64 {
    use std::f64::consts::TAU;
    #[expect(clippy::cast_precision_loss, reason = "seconds of a year are small")]
    let (day, second) = (
        (unix_seconds.div_euclid(86_400) as f64 - 10_957.0).rem_euclid(365.25),
        unix_seconds.rem_euclid(86_400) as f64,
    );
    let declination = 23.45_f64.to_radians() * (TAU * (284.0 + day) / 365.0).sin();
    let hour_angle = TAU * (second / 86_400.0 - 0.5) + longitude.to_radians();
    let latitude = latitude.to_radians();
    latitude.sin() * declination.sin() + latitude.cos() * declination.cos() * hour_angle.cos()
}

/// What is left of a mat's heat to melt with, in W/m²: a wet bare surface at 0 °C loses heat to air, wind and sky. 5 % are lost
/// downwards. Negative when it cannot hold 0 °C.
pub(super) fn left_to_melt(heat: f64, celsius: f64, wind: f64) -> f64 {
    // Radiation between surfaces near 0 °C is 4.6 W/m²K.
    heat * 0.95 + (convection(wind) + 4.6) * celsius.min(5.0)
}

/// What a mat melts in an hour, in mm water equivalent, from 0.
pub(super) fn melts_an_hour(heat: f64, celsius: f64, wind: f64) -> f64 {
    (left_to_melt(heat, celsius, wind) * 3600.0 / MELTING).max(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(found: f64, wanted: f64, within: f64) {
        assert!((found - wanted).abs() <= within, "{found} is not {wanted} ± {within}");
    }

    /// Values of the psychrometric chart at 1013 hPa.
    #[test]
    fn the_wet_bulb_is_that_of_the_psychrometric_chart() {
        near(wet_bulb(20.0, dew_point(20.0, 50.0)), 13.8, 0.15);
        near(wet_bulb(2.0, dew_point(2.0, 50.0)), -1.4, 0.35);
        near(wet_bulb(0.0, 0.0), 0.0, 0.001);
        near(wet_bulb(-10.0, -12.0), -10.6, 0.3);
    }

    /// Table 1 of Alduchov and Eskridge, and the usual steam tables.
    #[test]
    fn vapour_pressures_are_those_of_the_tables() {
        near(over_water(0.0), 6.11, 0.01);
        near(over_water(20.0), 23.37, 0.1);
        near(over_ice(-10.0), 2.60, 0.01);
        near(dew_point(1.1, 85.0), -1.13, 0.1);
    }

    #[test]
    fn a_mat_of_388_watts_melts_four_millimetres_at_freezing_and_nothing_in_deep_cold() {
        near(melts_an_hour(388.0, 0.0, 2.0), 4.0, 0.05);
        near(melts_an_hour(388.0, -10.0, 3.0), 2.3, 0.1);
        near(melts_an_hour(388.0, -18.0, 4.0), 0.5, 0.1);
        near(melts_an_hour(388.0, -23.0, 4.0), 0.0, 1e-9);
    }

    #[test]
    fn the_sun_stands_high_at_noon_and_below_the_horizon_at_midnight() {
        // 21 June 2013, Newark: 72.7 degrees at 17:00 UTC; 21 December: 26 degrees at 17:00 UTC.
        near(sun_elevation(1_371_834_000, 40.7, -74.2).asin().to_degrees(), 72.7, 1.0);
        near(sun_elevation(1_387_645_200, 40.7, -74.2).asin().to_degrees(), 26.0, 1.0);
        assert!(sun_elevation(1_371_790_800, 40.7, -74.2) < 0.0);
    }
}
