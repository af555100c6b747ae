//! What heats: `melt`, `circuit`, `tariff`, and what holds while the weather is unknown.

use heattrax::model::{Celsius, Class, FrostRule, Melt, Settings, TooCold};
use jiff::{SignedDuration, civil::time};

use crate::{SMALL, env, good, group_with, parse_with, small_and};

/// The melt rules of the small config with this section.
#[track_caller]
fn melt(section: &str) -> Option<Melt> {
    let settings = good(&group_with(&format!("melt: {section}")));
    let group = settings.control.groups.values().next().unwrap();
    assert_eq!(group.class, Class::Heater, "{section}");
    assert_eq!(settings.warnings, Vec::<String>::new(), "{section}");
    group.melt.clone()
}

#[test]
fn a_melt_section_melts_by_the_usual_values() {
    for section in ["{}", "{enabled: true}", "{enabled: on}"] {
        assert_eq!(melt(section), Some(Melt::default()), "{section}");
    }
    let written = "{lead_minutes: 120, after_run_minutes: 60, frost: radiative, refreeze: true, too_warm_f: 41, too_cold: auto, \
                   watts_per_m2: 388, max_runtime_hours: 24, min_on_minutes: 30, min_off_minutes: 10, frost_waits_for_tariff: \
                   false}";
    assert_eq!(melt(written), Some(Melt::default()), "the defaults, written out");
    assert_eq!(melt("{enabled: false, lead_minutes: 5}"), None);
    let settings = good(SMALL);
    let group = settings.control.groups.values().next().unwrap();
    assert_eq!((group.class, &group.melt), (Class::Generic, &None), "no section, no melting");
}

#[test]
fn a_melt_section_says_everything() {
    let written = "{lead_minutes: 0, after_run_minutes: 480, frost: seed, refreeze: false, too_warm: 50, too_cold: -4, \
                   watts_per_m2: 540.5, max_runtime_hours: 0.5, min_on_minutes: 0, min_off_minutes: 120, \
                   frost_waits_for_tariff: true}";
    let expected = Melt {
        lead: SignedDuration::ZERO,
        after_run: SignedDuration::from_hours(8),
        frost: FrostRule::Seed,
        refreeze: false,
        too_warm: Celsius(10.0),
        too_cold: TooCold::Below(Celsius(-20.0)),
        heat: 540.5,
        longest_on: SignedDuration::from_mins(30),
        least_on: SignedDuration::ZERO,
        least_off: SignedDuration::from_hours(2),
        frost_waits: true,
    };
    assert_eq!(melt(written), Some(expected));
    assert_eq!(melt("{frost: off}").unwrap().frost, FrostRule::Off, "an unquoted off is the word");
}

#[test]
fn the_limits_of_melting_follow_the_units() {
    let metric = |section: &str| {
        let settings = good(&format!("units: metric\n{}", group_with(&format!("melt: {section}"))));
        settings.control.groups.values().next().unwrap().melt.clone().unwrap()
    };
    assert_eq!(metric("{too_warm: 3, too_cold: -18}").too_warm, Celsius(3.0));
    assert_eq!(metric("{too_warm: 3, too_cold: -18}").too_cold, TooCold::Below(Celsius(-18.0)));
    assert_eq!(metric("{too_warm_f: 32}").too_warm, Celsius(0.0), "a key that names its unit has it");
    assert_eq!(melt("{too_cold_f: 5}").unwrap().too_cold, TooCold::Below(Celsius(-15.0)));
    for (text, expected) in [
        ("auto", TooCold::Budget),
        ("Auto", TooCold::Budget),
        ("off", TooCold::Never),
        ("\"off\"", TooCold::Never),
        ("false", TooCold::Never),
    ] {
        assert_eq!(melt(&format!("{{too_cold: {text}}}")).unwrap().too_cold, expected, "{text}");
    }
}

#[test]
fn the_environment_can_melt() {
    let env = env(&[
        ("HEATTRAX_DEVICES__GROUPS__MAT__MELT__LEAD_MINUTES", "90"),
        ("HEATTRAX_DEVICES__GROUPS__MAT__MELT__TOO_COLD", "-10"),
        ("HEATTRAX_WEATHER_API__WHEN_UNKNOWN", "hold: 90m"),
        ("HEATTRAX_TARIFF__PRICE_PER_KWH", "0.31"),
    ]);
    let settings = parse_with(SMALL, &env).unwrap_or_else(|problems| panic!("{problems}"));
    let melt = settings.control.groups.values().next().unwrap().melt.clone().unwrap();
    assert_eq!(melt.lead.as_mins(), 90);
    assert_eq!(melt.too_cold, TooCold::Below(Celsius::from_fahrenheit(-10.0)));
    assert_eq!(settings.control.hold_unknown, Some(SignedDuration::from_mins(90)));
    assert_eq!(settings.control.tariff.as_ref().unwrap().price, Some(0.31));
}

#[test]
fn what_was_decided_is_held_as_long_as_it_is_said() {
    let held = |text: &str| good(&small_and(&format!("weather_api: {{when_unknown: {text}}}\n"))).control.hold_unknown;
    assert_eq!(good(SMALL).control.hold_unknown, None);
    for text in ["off", "\"off\"", "OFF", "false"] {
        assert_eq!(held(text), None, "{text}");
    }
    for (text, minutes) in [
        ("\"hold: 2h\"", 120),
        ("\"hold:45m\"", 45),
        ("\"hold: 1h30m\"", 90),
        ("\"hold: 6h\"", 360),
        ("{hold: 2h}", 120),
        ("{hold: \"1h 30m\"}", 90),
    ] {
        assert_eq!(held(text), Some(SignedDuration::from_mins(minutes)), "{text}");
    }
}

/// Two mats and a tree on one circuit.
fn porch(amps: f64) -> String {
    format!(
        "\
location: {{latitude: 40.7, longitude: -74.0, timezone: UTC}}
devices:
  credentials: {{username: ann@example.org, password: hunter22}}
  groups:
    mats:
      circuit: {{name: Porch, amps: {amps}}}
      melt: {{}}
      items:
        - {{name: Walk, ip_address: 192.168.1.5, outlets: [0, 1], rated_watts: 600}}
    tree:
      circuit: {{name: porch, amps: {amps}, volts: 120}}
      items:
        - {{name: Tree, ip_address: 192.168.1.6, outlets: [0], rated_watts: 240}}
mqtt: {{host: localhost}}
"
    )
}

fn watts(settings: &Settings, outlet: &str) -> Option<u32> {
    settings.control.rated_watts(&outlet.parse().unwrap())
}

#[test]
fn groups_that_name_the_same_circuit_share_it() {
    let settings = good(&porch(12.0));
    let circuits: Vec<_> = settings.control.circuits.values().collect();
    assert_eq!(circuits.len(), 1, "{circuits:?}");
    assert_eq!((circuits[0].name.as_str(), circuits[0].amps, circuits[0].volts), ("Porch", 12.0, 120.0));
    for group in settings.control.groups.values() {
        assert_eq!(group.circuit.as_deref(), Some("Porch"), "{}: capitals make no second breaker", group.name);
    }
    assert_eq!((watts(&settings, "walk/1"), watts(&settings, "walk/2")), (Some(600), Some(600)));
    assert_eq!((watts(&settings, "tree/1"), watts(&settings, "tree/2")), (Some(240), None));
    assert_eq!(settings.warnings, Vec::<String>::new(), "1440 W at 120 V are 12 A");
}

#[test]
fn a_circuit_that_cannot_carry_all_says_that_they_take_turns() {
    assert_eq!(
        good(&porch(11.9)).warnings,
        ["house.yaml:6:7: devices.groups.mats.circuit: all its outlets would draw 12.0 A of 11.9 A: they will take \
          turns"]
    );
}

#[test]
fn a_tariff_has_a_price_and_windows_with_their_own() {
    let text = "\
tariff:
  price_per_kwh: 0.17
  currency: $
  windows:
    - {name: Peak, days: [1, 2, 3, 4, 5], from: \"16:00\", to: \"21:00\", price_per_kwh: 0.42, expensive: true}
    - {from: \"22:00\", to: \"6:00\", price_per_kwh: 0.09}
";
    let tariff = good(&small_and(text)).control.tariff.clone().unwrap();
    assert_eq!((tariff.price, tariff.currency.as_str()), (Some(0.17), "$"));
    let [peak, night] = tariff.windows.as_slice() else { panic!("{tariff:?}") };
    assert_eq!((peak.name.as_str(), peak.expensive, peak.price), ("Peak", true, Some(0.42)));
    assert_eq!((peak.from, peak.to), (time(16, 0, 0, 0), time(21, 0, 0, 0)));
    assert_eq!(peak.days.0, [true, true, true, true, true, false, false]);
    assert_eq!((night.name.as_str(), night.expensive), ("22:00 to 06:00", false));
    assert_eq!(night.days.0, [true; 7]);
    assert_eq!(good(SMALL).control.tariff, None);
}
