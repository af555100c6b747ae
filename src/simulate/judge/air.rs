//! Moist air and the sky above it. Textbook formulas, each with its source; temperatures in °C, vapour pressure in hPa, fluxes in W/m².

/// Air pressure at sea level in hPa: the file has none, and 5 % of it hardly matter.
const PRESSURE: f64 = 1013.25;
/// Stefan and Boltzmann's constant.
const SIGMA: f64 = 5.670_374e-8;
/// Heat of dry air in J/(kg K).
const HEAT_OF_AIR: f64 = 1005.0;
/// Masses of water vapour and dry air.
const MASSES: f64 = 0.622;
/// Lewis number of vapour in air to the power of 2/3 (ASHRAE Handbook, Fundamentals, mass transfer).
const LEWIS: f64 = 0.90;

/// 0 °C in K.
pub(super) const KELVIN: f64 = 273.15;

/// Saturation over water (Magnus with the coefficients of Sonntag 1990).
pub(super) fn over_water(celsius: f64) -> f64 {
    6.112 * (17.62 * celsius / (243.12 + celsius)).exp()
}

/// Saturation over ice (Magnus with the coefficients of Sonntag 1990).
pub(super) fn over_ice(celsius: f64) -> f64 {
    6.112 * (22.46 * celsius / (272.62 + celsius)).exp()
}

/// The pressure of the vapour, by the dew point, else by the relative humidity (percent, over water as stations report it).
pub(super) fn vapour(air: Option<f64>, dew_point: Option<f64>, humidity: Option<f64>) -> Option<f64> {
    dew_point.map(over_water).or_else(|| Some(over_water(air?) * humidity? / 100.0))
}

/// What a ventilated wet bulb shows at sea level, by the air and its relative humidity in percent (Stull 2011, Journal of Applied
/// Meteorology and Climatology 50: fitted for 5 to 99 %, within 0.65 K, near freezing a little low).
pub(super) fn wet_bulb(air: f64, humidity: f64) -> f64 {
    let humidity = humidity.clamp(5.0, 100.0);
    air * (0.151_977 * (humidity + 8.313_659).sqrt()).atan() + (air + humidity).atan() - (humidity - 1.676_331).atan()
        + 0.003_918_38 * humidity.powf(1.5) * (0.023_101 * humidity).atan()
        - 4.686_035
}

/// Relative humidity in percent, as it is given, else by the dew point.
pub(super) fn humidity(air: f64, dew_point: Option<f64>, humidity: Option<f64>) -> Option<f64> {
    humidity.or_else(|| Some(100.0 * over_water(dew_point?) / over_water(air)))
}

/// Heat radiation of the sky: Brutsaert 1975 for a clear one, clouds by Walton 1983 (as in EnergyPlus, Engineering Reference, sky
/// radiation modelling). `cloud` is 0 to 1.
pub(super) fn sky_radiation(air: f64, vapour: f64, cloud: f64) -> f64 {
    let kelvin = air + KELVIN;
    let clear = 1.24 * (vapour / kelvin).powf(1.0 / 7.0);
    let tenths = 10.0 * cloud;
    let emissivity = clear * (1.0 + 0.0224 * tenths - 0.0035 * tenths.powi(2) + 0.00028 * tenths.powi(3));
    emissivity.min(1.0) * SIGMA * kelvin.powi(4)
}

/// Heat radiation of a surface, emissivity 0.95.
pub(super) fn surface_radiation(surface: f64) -> f64 {
    0.95 * SIGMA * (surface + KELVIN).powi(4)
}

/// Heat transfer to the air in W/(m² K) by wind in m/s at the surface (Watmuff, Charters and Proctor 1977: without radiation).
pub(super) fn convection(wind: f64) -> f64 {
    2.8 + 3.0 * wind
}

/// Vapour that settles on a surface, in kg/(m² s) (negative: leaves it), by the Lewis relation (ASHRAE Handbook, Fundamentals).
pub(super) fn settling(convection: f64, vapour: f64, at_surface: f64) -> f64 {
    convection / (HEAT_OF_AIR * LEWIS) * MASSES / PRESSURE * (vapour - at_surface)
}

/// Sunshine on flat ground: Haurwitz 1945 for a clear sky, clouds by Kasten and Czeplak 1980. `sine` is that of the sun's height.
pub(super) fn sunshine(sine: f64, cloud: f64) -> f64 {
    if sine <= 0.0 {
        return 0.0;
    }
    1098.0 * sine * (-0.057 / sine).exp() * (1.0 - 0.75 * cloud.powf(3.4))
}

/// The sine of the sun's height: declination by Cooper 1969, equation of time by Spencer 1971 in its short form. Within a degree.
#[expect(clippy::cast_precision_loss, reason = "unix seconds of recorded weather")]
pub(super) fn sine_of_sun(unix: i64, latitude: f64, longitude: f64) -> f64 {
    const YEAR: f64 = 365.2425 * 86_400.0;
    let of_year = (unix as f64).rem_euclid(YEAR) / YEAR * std::f64::consts::TAU;
    let day = of_year / std::f64::consts::TAU * 365.0 + 1.0;
    let declination = 23.45_f64.to_radians() * (std::f64::consts::TAU * (284.0 + day) / 365.0).sin();
    let b = std::f64::consts::TAU * (day - 81.0) / 364.0;
    let equation = 9.87 * (2.0 * b).sin() - 7.53 * b.cos() - 1.5 * b.sin();
    let minutes = unix.rem_euclid(86_400) as f64 / 60.0 + 4.0 * longitude + equation;
    let hour_angle = ((minutes - 720.0) / 4.0).to_radians();
    let latitude = latitude.to_radians();
    latitude.sin() * declination.sin() + latitude.cos() * declination.cos() * hour_angle.cos()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wet_bulb_shows_what_the_tables_say() {
        // Stull's own example, and the Smithsonian tables: 2 °C at 80 % show 0.7 °C (the fit holds within 0.65 K).
        assert!((wet_bulb(20.0, 50.0) - 13.7).abs() < 0.1);
        assert!((wet_bulb(2.0, 80.0) - 0.7).abs() < 0.65, "{}", wet_bulb(2.0, 80.0));
        assert!((humidity(2.0, Some(2.0), None).unwrap_or_default() - 100.0).abs() < 1e-9);
    }

    #[test]
    fn the_sun_stands_where_it_should() {
        // 2013-06-21T17:00Z, New York: the sun's noon, 72.8 degrees high. At its midnight it is below.
        let height = |unix| sine_of_sun(unix, 40.71, -74.0).asin().to_degrees();
        assert!((height(1_371_834_000) - 72.7).abs() < 1.0, "{}", height(1_371_834_000));
        assert!(height(1_371_834_000 + 43_200) < -20.0);
        // 2013-12-21T17:00Z: 25.8 degrees.
        assert!((height(1_387_645_200) - 25.8).abs() < 1.0, "{}", height(1_387_645_200));
    }

    #[test]
    fn a_clear_sky_is_colder_than_a_cloudy_one() {
        assert!(sky_radiation(0.0, 5.0, 0.0) < 250.0);
        assert!(sky_radiation(0.0, 5.0, 1.0) > 250.0);
    }
}
