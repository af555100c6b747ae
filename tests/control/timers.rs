//! The timers on the plugs: what is asked of them, and what their work is taken for.

use std::sync::Arc;

use heattrax::model::{Event, NoticeKind, Order, Timer, TimerConcern};

use crate::home::*;

fn order(day: &Day, outlet: &str) -> Order {
    let id = id(outlet);
    day.controller.orders(&id.device).wanted[&id.slot]
}

#[test]
fn an_off_when_a_timer_on_the_plug_was_due_is_no_persons_wish() {
    // Polled every ten seconds: the timer was due at 07:10.
    for (seen, is_a_persons) in [("07:09:20", true), ("07:09:35", false), ("07:10:05", false), ("07:12", false)] {
        let mut day = home().lights("porch", &["lamp/1"], [daily("06:00", "10:00")]).starts("2026-01-10 07:00");
        day.obey().report("lamp/1", polled(On).timed(minutes(10)));
        day.at(seen).report("lamp/1", polled(Off));
        assert_eq!(day.outlet("lamp/1").memory.wish.is_some(), is_a_persons, "{seen}");
        assert_eq!(day.wanted("lamp/1").is_on(), !is_a_persons, "{seen}");
    }
}

#[test]
fn a_plug_is_told_when_the_wish_ends_and_whether_a_timer_must_see_to_it() {
    let mut day = home()
        .mats("walk", &["mat/1"], [])
        .lights("porch", &["lamp/1"], [])
        .with(|it| it.groups.get_mut(&slug("walk")).unwrap().require_device_timer = true)
        .starts("2026-01-10 07:00");
    day.obey().asks("mat/1", set_for(On, minutes(30))).asks("lamp/1", set_for(On, minutes(30)));
    let mat = order(&day, "mat/1");
    assert_eq!((mat.switch, mat.timer), (On, Timer::Required));
    assert_eq!(mat.off_by.map(|at| day.local(at)), Some("2026-01-10 07:30:00".to_owned()));
    assert!(mat.longest_on.is_some());
    let lamp = order(&day, "lamp/1");
    assert_eq!((lamp.switch, lamp.timer, lamp.longest_on), (On, Timer::None, None));
}

#[test]
fn a_heater_that_may_do_without_a_timer_gets_one_where_there_is_one() {
    let day = home().mats("walk", &["mat/1"], []).starts("2026-01-10 07:00");
    assert_eq!(order(&day, "mat/1").timer, Timer::Wanted);
}

#[test]
fn a_stop_leaves_a_heater_on_that_its_plug_watches_over() {
    for (timer, stays_on) in [(Some(minutes(14)), true), (Some(hours(7)), false), (None, false)] {
        let mut day = home().mats("walk", &["mat/1"], []).starts("2026-01-10 07:00");
        day.obey().asks("mat/1", set_for(On, hours(2))).obey();
        day.report("mat/1", timer.map_or(polled(On), |it| polled(On).timed(it)));
        day.happens(Event::Stopping);
        assert_eq!(day.wanted("mat/1").is_on(), stays_on, "{timer:?}");
    }
}

#[test]
fn what_a_plug_tells_about_its_timers_is_passed_on() {
    let mut day = home().mats("walk", &["mat/1"], []).starts("2026-01-10 07:00");
    for (concern, kind) in
        [(TimerConcern::NotArmed, NoticeKind::TimerNotArmed), (TimerConcern::Foreign, NoticeKind::ForeignTimer)]
    {
        day.happens(Event::TimerNoticed { outlet: id("mat/1"), concern, text: "so it is".to_owned() });
        let notice = day.heard.last().unwrap();
        assert_eq!((notice.kind, notice.slot), (kind, Some(1)));
        assert!(notice.message.ends_with("so it is"), "{}", notice.message);
    }
}

#[test]
fn what_the_bridge_has_set_an_auto_off_timer_to_is_remembered_with_the_housing() {
    let mut day = home().mats("walk", &["mat/1"], []).starts("2026-01-10 07:00");
    let remembered = |day: &Day| day.controller.house().memory().pins[&slug("mat")].auto_off.clone();
    day.identified("mat", 2).happens(Event::AutoOffSet { outlet: id("mat/1"), minutes: 375 });
    assert_eq!(remembered(&day), [(1, 375)].into());
    day.identified("mat", 2).restart().identified("mat", 2);
    assert_eq!(remembered(&day), [(1, 375)].into());
    // Another housing holds something else.
    let mut another = day.controller.house().devices[&slug("mat")].housing.as_deref().unwrap().clone();
    another.mac = "02:00:00:00:00:99".parse().unwrap();
    day.happens(Event::DeviceIdentified { device: slug("mat"), housing: Arc::new(another) });
    assert!(remembered(&day).is_empty());
}
