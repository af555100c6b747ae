//! Whole days, read as a person would: when, which outlet, on or off, and why.

use std::{collections::BTreeMap, fmt::Write as _};

use crate::home::*;

/// What a person does, and when.
pub type Happening = (&'static str, fn(&mut Day));

/// Lives until `until` with plugs that obey, asking `at` what `asks` say, and writes down each change of a decision.
pub fn diary(mut day: Day, until: &str, mut happenings: Vec<Happening>) -> String {
    let end = day.instant(until);
    let mut shown: BTreeMap<String, (heattrax::model::Switch, &'static str)> = BTreeMap::new();
    let mut text = String::new();
    let mut write = |day: &Day, text: &mut String| {
        for (id, outlet) in &day.controller.house().outlets {
            let said = (outlet.decision.switch, outlet.decision.reason.key());
            if shown.insert(id.to_string(), said) != Some(said) {
                let time = day.settings.zone.to_datetime(day.now).strftime("%a %H:%M");
                let (id, switch) = (id.to_string(), outlet.decision.switch.as_str());
                writeln!(text, "{time} | {id:6} | {switch:3} | {}", outlet.decision.reason).unwrap();
            }
        }
    };
    day.obey();
    write(&day, &mut text);
    happenings.reverse();
    loop {
        let happening = happenings.last().map(|(when, _)| day.instant(when));
        let due = day.controller.next_deadline().into_iter().chain(happening).chain([end]).min().unwrap();
        day.now = due;
        day.happens(heattrax::model::Event::DeadlinePassed);
        if happening == Some(due) {
            let (_, happens) = happenings.pop().unwrap();
            happens(&mut day);
        }
        write(&day, &mut text);
        day.obey();
        write(&day, &mut text);
        if due == end {
            return text;
        }
    }
}

#[test]
fn a_storm_the_porch_lights_and_a_person() {
    let storm = all_day().named("storm").if_at_most(34.0).if_precipitation(true);
    let evening = between(sunset(0, "17:00"), clock("23:00")).named("evening");
    let plan = home()
        .mats("mats", &["mat/1"], [storm])
        .lights("lights", &["lamp/1", "lamp/2"], [evening])
        .with(|it| it.forecast_valid = Some(hours(48)));
    let mut day = plan.starts("2026-01-10 06:00");
    // It snows from 09:00 to 18:00, longer than a mat may run at a time.
    let mut skies = [DRY.air(30.0); 48];
    skies[5..14].fill(SNOW);
    day.expects("2026-01-10 04:00", &skies);
    let happenings: Vec<Happening> = vec![
        ("2026-01-10 18:00", |day| {
            day.asks("lamp/2", set_for(Off, hours(2)));
        }),
        ("2026-01-10 21:30", |day| {
            day.report("lamp/1", polled(Off));
        }),
        ("2026-01-10 23:30", |day| {
            day.asks("mat/1", set_for(On, minutes(45)));
        }),
    ];
    let expected = "\
Sat 06:00 | lamp/1 | OFF | nothing asks for it
Sat 06:00 | lamp/2 | OFF | nothing asks for it
Sat 06:00 | mat/1  | OFF | schedule `storm` waits: no precipitation now or near
Sat 08:00 | mat/1  | ON  | schedule `storm` is active
Sat 14:00 | mat/1  | OFF | on for 6 h, the longest allowed is 6 h
Sat 14:00 | mat/1  | OFF | resting after a safety cut
Sat 14:30 | mat/1  | ON  | schedule `storm` is active
Sat 16:47 | lamp/1 | ON  | schedule `evening` is active
Sat 16:47 | lamp/2 | ON  | schedule `evening` is active
Sat 18:00 | lamp/2 | OFF | OFF asked by MQTT
Sat 19:00 | mat/1  | OFF | schedule `storm` waits: no precipitation now or near
Sat 20:00 | lamp/2 | ON  | schedule `evening` is active
Sat 21:30 | lamp/1 | OFF | OFF asked by the plug's button or app
Sat 23:00 | lamp/2 | OFF | nothing asks for it
Sat 23:30 | mat/1  | ON  | ON asked by MQTT
Sun 00:15 | mat/1  | OFF | schedule `storm` waits: no precipitation now or near
Sun 00:30 | lamp/1 | OFF | nothing asks for it
";
    let found = diary(day, "2026-01-11 06:00", happenings);
    assert_eq!(found, expected, "\n{found}");
}

#[test]
fn the_night_on_which_the_clocks_change() {
    let early = daily("02:30", "06:00").named("early");
    let day = home().lights("porch", &["lamp/1"], [early]).starts("2026-03-07 20:00");
    let found = diary(
        day,
        "2026-03-09 07:00",
        vec![
            ("2026-03-08 04:00", |day| {
                day.vacation(true);
            }),
            ("2026-03-08 22:00", |day| {
                day.vacation(false);
            }),
        ],
    );
    let expected = "\
Sat 20:00 | lamp/1 | OFF | nothing asks for it
Sun 03:00 | lamp/1 | ON  | schedule `early` is active
Sun 04:00 | lamp/1 | OFF | vacation
Sun 22:00 | lamp/1 | OFF | nothing asks for it
Mon 02:30 | lamp/1 | ON  | schedule `early` is active
Mon 06:00 | lamp/1 | OFF | nothing asks for it
";
    assert_eq!(found, expected);
}
