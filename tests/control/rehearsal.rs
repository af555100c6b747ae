//! A rehearsal shows what would be decided if every plug obeyed at once.

use std::sync::Arc;

use heattrax::{
    control::Rehearsal,
    model::{Command, Event, Memory, Origin, Target},
};

use crate::home::*;

fn storm() -> Plan {
    let snow = all_day().named("storm").if_at_most(34.0).if_precipitation(true);
    home().mats("mats", &["mat/1", "mat/3"], [snow]).with(|it| it.forecast_valid = Some(hours(48)))
}

fn snowy(day: &Day) -> Event {
    let mut skies = [DRY.air(30.0); 48];
    skies[5..14].fill(SNOW);
    Event::WeatherObserved(Arc::new(hourly(&day.settings.zone, day.now, "2026-01-10 04:00", &skies)))
}

fn positions(rehearsal: &Rehearsal) -> Vec<(String, heattrax::model::Switch)> {
    let outlets = rehearsal.house().outlets.values();
    outlets.map(|it| (it.id.to_string(), it.switch().unwrap())).collect()
}

#[test]
fn an_ideal_house_has_the_sockets_that_groups_list_and_is_off() {
    let day = storm().starts("2026-01-10 06:00");
    let rehearsal = Rehearsal::new(Arc::clone(&day.settings), &Memory::default(), day.now);
    assert_eq!(positions(&rehearsal), [("mat/1".to_owned(), Off), ("mat/3".to_owned(), Off)]);
}

#[test]
fn a_rehearsal_decides_as_a_living_house_whose_plugs_obey() {
    let mut day = storm().starts("2026-01-10 06:00");
    let mut rehearsal = Rehearsal::new(Arc::clone(&day.settings), &Memory::default(), day.now);
    let forecast = snowy(&day);
    rehearsal.tell(forecast.clone(), day.now);
    day.obey().happens(forecast).obey();
    let (mut changes, end) = (0, day.instant("2026-01-11 06:00"));
    let mut before = positions(&rehearsal);
    while day.now < end {
        let next = day.now + seconds(60);
        let next_local = day.local(next);
        day.lives_until(&next_local);
        rehearsal.advance(next);
        let lived = day.controller.house().outlets.values().map(|it| (it.id.to_string(), it.switch().unwrap()));
        assert_eq!(positions(&rehearsal), lived.collect::<Vec<_>>(), "{next_local}");
        changes += usize::from(before != positions(&rehearsal));
        before = positions(&rehearsal);
    }
    assert!(changes >= 4, "on, the limit's cut, on again, off: {changes}");
}

#[test]
fn a_living_house_goes_on_from_where_it_is() {
    let mut day = storm().starts("2026-01-10 06:00");
    let forecast = snowy(&day);
    day.obey().happens(forecast).lives_until("11:00");
    assert_eq!(day.outlet("mat/1").switch(), Some(On));
    let mut rehearsal = Rehearsal::of(Arc::clone(&day.settings), day.controller.house());
    let outlet = &rehearsal.house().outlets[&id("mat/1")];
    assert_eq!((outlet.switch(), outlet.on_since), (Some(On), day.outlet("mat/1").on_since));
    assert_eq!(rehearsal.house().weather, day.controller.house().weather);
    // Its time on counts: the limit comes when it comes in the living house.
    let cut = rehearsal.next_deadline();
    assert_eq!(cut, day.controller.next_deadline());
    for _ in 0..64 {
        let Some(due) = rehearsal.next_deadline().filter(|due| *due <= day.instant("23:00")) else { break };
        rehearsal.advance(due);
        let due = day.local(due);
        day.lives_until(&due);
        assert_eq!(rehearsal.house().outlets[&id("mat/1")].decision, *day.decision("mat/1"), "{due}");
    }
}

#[test]
fn a_command_is_answered_at_once() {
    let day = storm().starts("2026-01-10 06:00");
    let mut rehearsal = Rehearsal::new(Arc::clone(&day.settings), &Memory::default(), day.now);
    for verb in [set(On), set(On), CONTROL_OFF] {
        let target = Target::Outlet(id("mat/3"));
        let command = Command::new(target, verb, Origin::Web);
        rehearsal.tell(Event::Commanded(command), day.now);
        assert_eq!(rehearsal.house().outlets[&id("mat/3")].pending, None);
    }
    assert_eq!(positions(&rehearsal)[1].1, Off);
}

#[test]
fn where_nothing_is_due_nothing_happens() {
    let day = storm().starts("2026-01-10 06:00");
    let mut rehearsal = Rehearsal::new(Arc::clone(&day.settings), &Memory::default(), day.now);
    rehearsal.tell(snowy(&day), day.now);
    let due = rehearsal.next_deadline().unwrap();
    rehearsal.advance(due - seconds(1));
    assert_eq!(rehearsal.house().at, day.now);
    rehearsal.advance(due);
    assert_eq!(rehearsal.house().at, due);
}
