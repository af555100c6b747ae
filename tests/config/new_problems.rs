//! What is said about mistakes in `melt`, `circuit`, `tariff`, `when_unknown`, exceptions and bounds of sun times.

use crate::{SMALL, group_with, problems::says, small_and};

#[test]
fn melting_has_its_limits() {
    let table = [
        ("lead_minutes: 721", "lead_minutes: found 721; allowed: a number from 0 to 720 minutes"),
        ("after_run_minutes: 481", "after_run_minutes: found 481; allowed: a number from 0 to 480 minutes"),
        ("min_on_minutes: 121", "min_on_minutes: found 121; allowed: a number from 0 to 120 minutes"),
        ("min_off_minutes: -1", "min_off_minutes: found -1; allowed: a number from 0 to 120 minutes"),
        ("watts_per_m2: 49", "watts_per_m2: found 49; allowed: a number from 50 to 2000 watts per square metre"),
        ("max_runtime_hours: 0", "max_runtime_hours: found 0; allowed: a number above 0, at most 8760 hours"),
        ("too_warm: 13.9", "too_warm: found 13.9; allowed: a number from 14 to 68 °F"),
        ("too_warm_f: 69", "too_warm_f: found 69; allowed: a number from 14 to 68 °F"),
        ("too_cold: never", "too_cold: found \"never\"; allowed: auto, off or a number from -100 to 150 °F"),
        ("too_cold: true", "too_cold: found true; allowed: auto, off or a number from -100 to 150 °F"),
        ("too_cold: -101", "too_cold: found -101; allowed: auto, off or a number from -100 to 150 °F"),
        ("too_cold_f: auto", "too_cold_f: found \"auto\"; allowed: a number from -100 to 150 °F"),
        (
            "too_cold: 41",
            "too_cold: found 5.0 °C (41.0 °F); allowed: less than `too_warm` (5.0 °C (41.0 °F)): it would never heat",
        ),
        ("frost: radiativ", "frost: found \"radiativ\"; allowed: radiative, seed or off; did you mean `radiative`?"),
        ("refreeze: 1", "refreeze: found 1; allowed: true or false"),
        ("frost_waits_for_tariff: 2", "frost_waits_for_tariff: found 2; allowed: true or false"),
    ];
    for (pair, expected) in table {
        let column = 14 + pair.find(' ').unwrap() + 1;
        let text = group_with(&format!("melt: {{{pair}}}"));
        says(&text, &[&format!("house.yaml:8:{column}: devices.groups.mat.melt.{expected}")]);
    }
    says(
        &group_with("melt: {too_warm: 40, too_warm_f: 40}"),
        &[
            "house.yaml:8:24: devices.groups.mat.melt.too_warm: found `too_warm` beside `too_warm_f`; allowed: one of the two",
        ],
    );
    says(
        &group_with("melt: {too_cold_f: 0, too_cold: auto}"),
        &[
            "house.yaml:8:39: devices.groups.mat.melt.too_cold: found `too_cold` beside `too_cold_f`; allowed: one of the two",
        ],
    );
    says(
        &format!("units: metric\n{}", group_with("melt: {too_warm: 41}")),
        &["house.yaml:9:24: devices.groups.mat.melt.too_warm: found 41; allowed: a number from -10 to 20 °C"],
    );
    says(
        &group_with("class: light\nmelt: {}"),
        &[
            "house.yaml:8:14: devices.groups.mat.class: found `light` beside `melt`; allowed: heater: what melts snow is one",
        ],
    );
    says(
        &group_with("melt: {lead: 60}"),
        &[
            "house.yaml:8:14: devices.groups.mat.melt.lead: found an unknown key `lead`; allowed: `after_run_minutes` `enabled` \
           `frost` `frost_waits_for_tariff` `lead_minutes` `max_runtime_hours` `min_off_minutes` `min_on_minutes` `refreeze` \
           `too_cold` `too_cold_f` `too_warm` `too_warm_f` `watts_per_m2`; did you mean `lead_minutes`?",
        ],
    );
}

#[test]
fn a_circuit_s_keys_are_checked() {
    let rated = |circuit: &str| {
        group_with(&format!("circuit: {circuit}")).replace("outlets: [0]", "outlets: [0], rated_watts: 300")
    };
    says(
        &rated("{amps: 12}"),
        &[
            "house.yaml:8:7: devices.groups.mat.circuit.name: found nothing; allowed: a name; groups that write the same one \
           share the circuit",
        ],
    );
    for (circuit, expected) in [
        (
            "{name: a}",
            "8:7: devices.groups.mat.circuit.amps: found nothing; allowed: a number above 0, at most 100 amperes",
        ),
        (
            "{name: a, amps: 0}",
            "8:32: devices.groups.mat.circuit.amps: found 0; allowed: a number above 0, at most 100 amperes",
        ),
        (
            "{name: a, amps: 101}",
            "8:32: devices.groups.mat.circuit.amps: found 101; allowed: a number above 0, at most 100 amperes",
        ),
        (
            "{name: a, amps: 9, volts: 99}",
            "8:42: devices.groups.mat.circuit.volts: found 99; allowed: a number from 100 to 240 volts",
        ),
        (
            "{name: a, amps: 2}",
            "7:76: devices.groups.mat.items[0].rated_watts: found 300; allowed: at most 240 watts on circuit `a` (2 A at 120 V)",
        ),
    ] {
        says(&rated(circuit), &[&format!("house.yaml:{expected}")]);
    }
    says(
        &group_with("circuit: {name: porch, amps: 12}"),
        &[
            "house.yaml:7:11: devices.groups.mat.items[0].rated_watts: found nothing; allowed: what hangs on each of its outlets, \
           a whole number from 1 to 5000 watts, for circuit `porch`",
        ],
    );
    for watts in ["0", "5001", "99.5"] {
        says(
            &SMALL.replace("outlets: [0]", &format!("outlets: [0], rated_watts: {watts}")),
            &[&format!(
                "house.yaml:7:76: devices.groups.mat.items[0].rated_watts: found {watts}; allowed: a whole number from 1 to 5000 \
                 watts"
            )],
        );
    }
}

#[test]
fn groups_that_disagree_about_their_circuit_are_told_both_places() {
    let other = "    tree:
      circuit: {name: Porch, amps: 12, volts: 230}
      items:
        - {name: Tree, ip_address: 192.168.1.6, rated_watts: 100}
mqtt:";
    let text = group_with("circuit: {name: porch, amps: 15}")
        .replace("outlets: [0]", "outlets: [0], rated_watts: 300")
        .replace("mqtt:", other);
    says(
        &text,
        &[
            "house.yaml:10:36: devices.groups.tree.circuit.amps: found 12 A; allowed: 15 A as on line 8: it is the same circuit \
             `porch`",
            "house.yaml:10:47: devices.groups.tree.circuit.volts: found 230 V; allowed: 120 V as on line 8: it is the same \
             circuit `porch`",
        ],
    );
}

#[test]
fn a_tariff_s_keys_are_checked() {
    let table = [
        ("{price_per_kwh: -0.1}", "9:25: tariff.price_per_kwh: found -0.1; allowed: a number from 0"),
        ("{currency: 5}", "9:20: tariff.currency: found 5; allowed: text (write it in quotes)"),
        ("{windows: {}}", "9:19: tariff.windows: found a section; allowed: a list"),
        (
            "{windows: [{to: \"07:00\"}]}",
            "9:20: tariff.windows[0].from: found nothing; allowed: a time of day, HH:MM from 00:00 to 23:59",
        ),
        (
            "{windows: [{from: \"6\", to: \"07:00\"}]}",
            "9:27: tariff.windows[0].from: found \"6\"; allowed: a time of day, HH:MM from 00:00 to 23:59",
        ),
        (
            "{windows: [{from: \"07:00\", to: \"7:00\"}]}",
            "9:40: tariff.windows[0].to: found the time at which the window begins: an empty window; allowed: another time than \
             `from`",
        ),
        (
            "{windows: [{from: \"06:00\", to: \"07:00\", days: [8]}]}",
            "9:56: tariff.windows[0].days[0]: found 8; allowed: a day from 1 (Monday) to 7 (Sunday)",
        ),
        (
            "{windows: [{from: \"06:00\", to: \"07:00\", expensive: very}]}",
            "9:60: tariff.windows[0].expensive: found \"very\"; allowed: true or false",
        ),
    ];
    for (tariff, expected) in table {
        says(&small_and(&format!("tariff: {tariff}\n")), &[&format!("house.yaml:{expected}")]);
    }
}

#[test]
fn what_holds_while_the_weather_is_unknown_has_an_end() {
    let allowed = "off or `hold: 2h`, at most `hold: 6h`";
    for (text, found) in [
        ("hold", "\"hold\""),
        ("\"hold: 0h\"", "\"hold: 0h\""),
        ("\"hold: 6h1m\"", "\"hold: 6h1m\""),
        ("\"hold: -2h\"", "\"hold: -2h\""),
        ("\"wait: 2h\"", "\"wait: 2h\""),
        ("2h", "\"2h\""),
        ("true", "true"),
        ("2", "2"),
    ] {
        let expected = format!("house.yaml:9:29: weather_api.when_unknown: found {found}; allowed: {allowed}");
        says(&small_and(&format!("weather_api: {{when_unknown: {text}}}\n")), &[&expected]);
    }
    let length = "a length of time such as 45m, 2h or 1h30m, above 0, at most 6h";
    for (text, place, found) in [
        ("{hold: 7h}", "36", "\"7h\""),
        ("{hold: 2}", "36", "2"),
        ("{hold: long}", "36", "\"long\""),
        ("{}", "15", "nothing"),
    ] {
        let expected = format!("house.yaml:9:{place}: weather_api.when_unknown.hold: found {found}; allowed: {length}");
        says(&small_and(&format!("weather_api: {{when_unknown: {text}}}\n")), &[&expected]);
    }
}

#[test]
fn exceptions_and_bounds_of_sun_times_are_checked() {
    let date = "a date, YYYY-MM-DD";
    let either = "a date, YYYY-MM-DD, or `{from: YYYY-MM-DD, to: YYYY-MM-DD}`";
    let table = [
        ("except: 2026-12-24", "35", "except: found text; allowed: a list".to_owned()),
        ("except: [2026-02-29]", "36", format!("except[0]: found \"2026-02-29\"; allowed: {either}")),
        ("except: [12-24]", "36", format!("except[0]: found \"12-24\"; allowed: {either}")),
        ("except: [20261224]", "36", format!("except[0]: found 20261224; allowed: {either}")),
        ("except: [{from: 2026-12-24}]", "36", format!("except[0].to: found nothing; allowed: {date}")),
        (
            "except: [{from: 2026-12-24, to: 2026-12-23}]",
            "59",
            "except[0].to: found 2026-12-23; allowed: a date that is not before 2026-12-24".to_owned(),
        ),
        ("also: [tomorrow]", "34", format!("also[0]: found \"tomorrow\"; allowed: {date}")),
        ("also: [{from: 2026-12-24, to: 2026-12-25}]", "34", format!("also[0]: found a section; allowed: {date}")),
        (
            "except: [{from: 2026-12-24, to: 2026-12-26}], also: [2026-12-27, 2026-12-25]",
            "92",
            "also[1]: found 2026-12-25, which `except` has; allowed: each date in one of the two lists".to_owned(),
        ),
    ];
    for (keys, column, expected) in table {
        let text = group_with(&format!("schedules:\n  - {{all_day: true, {keys}}}"));
        says(&text, &[&format!("house.yaml:9:{column}: devices.groups.mat.schedules[0].{expected}")]);
    }
    let many: Vec<String> = (0..367).map(|_| "2026-12-24".to_owned()).collect();
    says(
        &group_with(&format!("schedules:\n  - {{all_day: true, also: [{}]}}", many.join(", "))),
        &["house.yaml:9:33: devices.groups.mat.schedules[0].also: found 367 entries; allowed: at most 366 entries"],
    );
    let sun = |bounds: &str| {
        group_with(&format!(
            "schedules:\n  - off: {{type: duration, value: 1}}\n    on: {{type: sunset, fallback: \"17:00\", {bounds}}}"
        ))
    };
    says(
        &sun("not_before: \"18:30\", not_after: \"18:00\""),
        &[
            "house.yaml:10:81: devices.groups.mat.schedules[0].on.not_after: found \"18:00\"; allowed: a time of day that is not \
           before `not_before` (18:30)",
        ],
    );
    says(
        &sun("not_before: dusk"),
        &[
            "house.yaml:10:61: devices.groups.mat.schedules[0].on.not_before: found \"dusk\"; allowed: a time of day, HH:MM from \
           00:00 to 23:59",
        ],
    );
    says(
        &group_with(
            "schedules:\n  - {off: {type: duration, value: 1}, on: {type: time, value: \"17:00\", not_after: \"18:00\"}}",
        ),
        &[
            "house.yaml:9:78: devices.groups.mat.schedules[0].on.not_after: found an unknown key `not_after`; allowed: `type` \
           `value`",
        ],
    );
}

#[test]
fn who_is_a_proxy_and_what_the_history_may_take_have_their_limits() {
    let addresses = "allowed: IP addresses and networks as 192.0.2.0/24, but not all that there are";
    for (text, found) in [
        ("proxy.lan", format!("web.trusted_proxies: found \"proxy.lan\"; {addresses}")),
        ("0.0.0.0/0", format!("web.trusted_proxies: found \"0.0.0.0/0\"; {addresses}")),
        // The same, as an IPv6 socket shows it.
        ("::ffff:0.0.0.0/96", format!("web.trusted_proxies: found \"::ffff:0.0.0.0/96\"; {addresses}")),
        ("192.0.2.0/33", format!("web.trusted_proxies: found \"192.0.2.0/33\"; {addresses}")),
    ] {
        let problems = problems(&small_and(&format!("web: {{trusted_proxies: [\"{text}\"]}}\n")));
        assert!(problems.contains(&found), "{problems}");
    }
    for (pair, found) in [
        ("keep_days: 0", "history.keep_days: found 0; allowed: a whole number from 1 to 36500 days"),
        ("max_mb: 0.5", "history.max_mb: found 0.5; allowed: a whole number from 1 to 100000 MiB"),
        ("keep: 3", "history.keep: found an unknown key `keep`"),
    ] {
        let problems = problems(&small_and(&format!("history: {{{pair}}}\n")));
        assert!(problems.contains(found), "{problems}");
    }
}

fn problems(text: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("house.yaml");
    std::fs::write(&file, text).unwrap();
    let sources = heattrax::config::Sources { file: Some(file), ..heattrax::config::Sources::default() };
    heattrax::config::load(&sources).unwrap_err().to_string()
}
