//! What energy costs, and what waits for it to become cheap.

use heattrax::{
    control::price_at,
    model::{Celsius, Days, Mode, Priority, Tariff, TariffWindow},
};

use crate::home::*;

fn window(name: &str, from: &str, to: &str, price: Option<f64>) -> TariffWindow {
    TariffWindow { name: name.to_owned(), days: Days::ALL, from: time(from), to: time(to), price, expensive: true }
}

fn costs(plan: Plan, windows: impl IntoIterator<Item = TariffWindow>) -> Plan {
    let windows = windows.into_iter().collect();
    plan.with(|it| it.tariff = Some(Tariff { price: Some(0.2), currency: "$".to_owned(), windows }))
}

fn drying() -> Plan {
    let rule = daily("12:00", "23:00").named("drying").with_priority(Priority::Low);
    costs(home().mats("mat", &["mat/1"], [rule]), [window("peak", "16:00", "21:00", Some(0.5))])
}

#[test]
fn a_low_schedule_of_a_heater_waits_for_the_end_of_expensive_hours() {
    let mut day = drying().starts("2026-01-10 13:00");
    day.obey();
    assert_eq!(day.at("15:59:59").wanted("mat/1"), On);
    assert_eq!(
        day.decision("mat/1").next.map(|it| (day.local(it.at), it.switch)),
        Some(("2026-01-10 16:00:00".into(), Off))
    );
    day.at("16:00").obey();
    assert_eq!((day.wanted("mat/1"), day.key("mat/1")), (Off, "expensive_hours"));
    assert_eq!(day.decision("mat/1").mode(), Mode::Pending);
    assert_eq!(day.why("mat/1"), "waits for the end of `peak`");
    assert_eq!(
        day.decision("mat/1").next.map(|it| (day.local(it.at), it.switch)),
        Some(("2026-01-10 21:00:00".into(), On))
    );
    assert_eq!(day.at("20:59:59").wanted("mat/1"), Off);
    assert_eq!(day.at("21:00").wanted("mat/1"), On);
}

#[test]
fn neither_a_person_nor_a_more_important_rule_nor_a_light_waits() {
    let mut day = drying().starts("2026-01-10 17:00");
    assert_eq!(day.report("mat/1", first(Off)).key("mat/1"), "expensive_hours");
    assert_eq!(day.asks("mat/1", set(On)).wanted("mat/1"), On);
    for priority in [Priority::Normal, Priority::Critical] {
        let rule = daily("12:00", "23:00").with_priority(priority);
        let plan = costs(home().mats("mat", &["mat/1"], [rule]), [window("peak", "16:00", "21:00", None)]);
        assert_eq!(plan.starts("2026-01-10 17:00").wanted("mat/1"), On, "{priority:?}");
    }
    let rule = daily("12:00", "23:00").with_priority(Priority::Low);
    let plan = costs(home().lights("lamp", &["lamp/1"], [rule]), [window("peak", "16:00", "21:00", None)]);
    assert_eq!(plan.starts("2026-01-10 17:00").wanted("lamp/1"), On);
    // Hours that only have a price of their own are none to wait for.
    let rule = daily("12:00", "23:00").with_priority(Priority::Low);
    let dear = TariffWindow { expensive: false, ..window("evening", "16:00", "21:00", Some(9.0)) };
    let plan = costs(home().mats("mat", &["mat/1"], [rule]), [dear]);
    assert_eq!(plan.starts("2026-01-10 17:00").wanted("mat/1"), On);
}

#[test]
fn a_low_schedule_beside_a_normal_one_waits_alone() {
    let rules = [daily("12:00", "18:00").named("walk"), daily("12:00", "23:00").with_priority(Priority::Low)];
    let plan = costs(home().mats("mat", &["mat/1"], rules), [window("peak", "16:00", "21:00", None)]);
    let mut day = plan.with(|it| it.safety.longest_on = hours(20)).starts("2026-01-10 12:00");
    assert_eq!(day.lives_until("17:59").wanted("mat/1"), On);
    assert_eq!(day.lives_until("18:00").key("mat/1"), "expensive_hours");
    assert_eq!(day.lives_until("21:00").wanted("mat/1"), On);
}

#[test]
fn a_schedule_that_the_weather_stops_does_not_wait_for_a_price() {
    let rule = all_day().named("drying").with_priority(Priority::Low).if_at_most(Celsius(0.0).fahrenheit());
    let plan = costs(home().mats("mat", &["mat/1"], [rule]), [window("peak", "16:00", "21:00", None)]);
    let mut day = plan.starts("2026-01-10 17:00");
    assert_eq!(day.key("mat/1"), "weather_unknown");
    day.expects("2026-01-10 10:00", &[DRY; 24]);
    assert_eq!(day.key("mat/1"), "condition_not_met");
    day.expects("2026-01-10 10:00", &[DRY.air(20.0); 24]);
    assert_eq!(day.key("mat/1"), "expensive_hours");
}

#[test]
fn the_price_is_that_of_the_first_window_that_holds() {
    let weekend = Days([false, false, false, false, false, true, true]);
    let weekend = TariffWindow { days: weekend, expensive: false, ..window("night", "23:00", "06:00", Some(0.1)) };
    let windows = [window("peak", "16:00", "21:00", Some(0.5)), weekend, window("dusk", "15:00", "17:00", None)];
    let plan = costs(home(), windows);
    let rows = [
        ("2026-01-09 15:59:59", Some(0.2), "a window without a price has that outside"),
        ("2026-01-09 16:00", Some(0.5), "half-open, and the first of those that overlap"),
        ("2026-01-09 21:00", Some(0.2), "half-open"),
        ("2026-01-09 23:30", Some(0.2), "a Friday"),
        ("2026-01-10 23:30", Some(0.1), "a Saturday"),
        ("2026-01-12 05:59", Some(0.1), "the night that began on Sunday"),
        ("2026-01-12 06:00", Some(0.2), "is over"),
        ("2026-01-12 23:30", Some(0.2), "a Monday"),
    ];
    for (when, price, why) in rows {
        let at = instant(&plan.settings.zone, when);
        assert_eq!(price_at(&plan.settings, at), price, "{when}: {why}");
    }
    assert_eq!(price_at(&home().settings, instant(&plan.settings.zone, "2026-01-10 12:00")), None);
}

#[test]
fn a_window_keeps_its_wall_clock_over_a_change_of_daylight_saving_time() {
    // 02:30 does not exist on 8 March 2026 in New York: the window begins at the gap's end. 01:30 comes twice on 1 November: the first counts.
    let plan = costs(home(), [window("gap", "02:30", "04:00", Some(1.0)), window("fold", "00:30", "01:30", Some(2.0))]);
    let rows = [
        ("2026-03-08T06:59:59Z", 0.2),
        ("2026-03-08T07:00:00Z", 1.0),
        ("2026-03-08T07:59:59Z", 1.0),
        ("2026-03-08T08:00:00Z", 0.2),
        ("2026-11-01T05:29:59Z", 2.0),
        ("2026-11-01T05:30:00Z", 0.2),
        ("2026-11-01T06:00:00Z", 0.2),
    ];
    for (when, price) in rows {
        assert_eq!(price_at(&plan.settings, when.parse().unwrap()), Some(price), "{when}");
    }
}
