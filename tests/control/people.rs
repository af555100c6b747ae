//! A person: wishes with an end, control, vacation, the plug's button; and every command is answered.

use heattrax::model::{Control, Fault, Lasting, NoticeKind, OVERTAKEN, Verb};

use crate::home::*;

fn porch(rules: impl IntoIterator<Item = heattrax::model::Schedule>) -> Plan {
    home().lights("porch", &["lamp/1"], rules)
}

fn until(day: &Day, outlet: &str) -> String {
    day.local(day.decision(outlet).until.unwrap())
}

#[test]
fn an_override_beats_the_rules_until_it_ends() {
    let mut day = porch([daily("06:00", "10:00")]).starts("2026-01-10 07:00");
    day.obey().asks("lamp/1", set_for(Off, hours(1)));
    assert_eq!((day.wanted("lamp/1"), day.why("lamp/1")), (Off, "OFF asked by MQTT".to_owned()));
    assert_eq!(
        day.decision("lamp/1").next.map(|it| (day.local(it.at), it.switch)),
        Some(("2026-01-10 08:00:00".into(), On))
    );
    assert_eq!(day.at("07:59:59").wanted("lamp/1"), Off);
    assert_eq!(day.at("08:00").wanted("lamp/1"), On);
}

#[test]
fn a_plain_wish_lasts_the_groups_hours_or_the_default() {
    let plan = porch([]).lights("tree", &["tree/1"], []);
    let mut day = plan
        .with(|it| it.groups.get_mut(&slug("tree")).unwrap().wish_lasts = Some(minutes(270)))
        .starts("2026-01-10 07:00");
    day.asks("lamp/1", set(On)).asks("tree/1", set(On));
    assert_eq!(until(&day, "lamp/1"), "2026-01-10 10:00:00");
    assert_eq!(until(&day, "tree/1"), "2026-01-10 11:30:00");
    assert_eq!(day.at("10:00").wanted("lamp/1"), Off);
    assert_eq!((day.at("11:29:59").wanted("tree/1"), day.at("11:30").wanted("tree/1")), (On, Off));
}

#[test]
fn the_newest_wish_wins() {
    let mut day = porch([]).starts("2026-01-10 07:00");
    day.asks("lamp/1", set_for(On, hours(5))).asks("lamp/1", set_for(On, minutes(10)));
    assert_eq!(until(&day, "lamp/1"), "2026-01-10 07:10:00");
    day.asks("lamp/1", set_for(Off, hours(2)));
    assert_eq!((day.wanted("lamp/1"), until(&day, "lamp/1")), (Off, "2026-01-10 09:00:00".to_owned()));
}

/// Whoever sends it again is to be told from those whose command was not taken at all.
#[test]
fn a_command_whose_place_a_newer_one_takes_is_said_to_be_overtaken() {
    let mut day = porch([]).starts("2026-01-10 07:00");
    day.asks("lamp/1", set(On)).asks("lamp/1", set(Off));
    let notice = day.hears(NoticeKind::Refused).unwrap();
    assert_eq!(notice.detail, [(OVERTAKEN, "newer_command".to_owned()), ("transaction", "t1".to_owned())]);
}

#[test]
fn a_wish_that_has_no_end_within_a_day_is_refused() {
    let mut day = porch([]).starts("2026-01-10 07:00");
    let past = day.instant("06:59");
    let far = day.instant("2026-01-11 07:01");
    for lasting in [
        Lasting::For(hours(0)),
        Lasting::For(hours(-1)),
        Lasting::For(hours(25)),
        Lasting::For(jiff::SignedDuration::MAX),
        Lasting::For(jiff::SignedDuration::MIN),
        Lasting::Until(past),
        Lasting::Until(far),
        Lasting::Until(jiff::Timestamp::MAX),
    ] {
        day.asks("lamp/1", Verb::Set(On, lasting));
        let notice = day.hears(NoticeKind::Refused).unwrap_or_else(|| panic!("{lasting:?} is not refused"));
        assert!(notice.message.contains("at most 24 h"), "{}", notice.message);
        assert_eq!(notice.detail, [("transaction", "t1".to_owned())]);
        assert_eq!(day.wanted("lamp/1"), Off);
    }
    assert_eq!(day.asks("lamp/1", set_for(On, hours(24))).wanted("lamp/1"), On);
}

#[test]
fn until_the_next_change_is_until_the_rules_say_something_else() {
    let next_change = |switch| Verb::Set(switch, Lasting::NextChange);
    let mut day = porch([daily("17:00", "23:00")]).starts("2026-01-10 12:00");
    day.asks("lamp/1", next_change(On));
    assert_eq!(day.at("16:59").key("lamp/1"), "manual_on");
    assert_eq!(day.at("17:00").key("lamp/1"), "schedule");
    assert_eq!(day.at("23:00").wanted("lamp/1"), Off);
    // OFF inside the window ends with the window, and does not come back with the next one.
    let mut day = porch([daily("17:00", "23:00")]).starts("2026-01-10 18:00");
    day.asks("lamp/1", next_change(Off));
    let next = day.decision("lamp/1").next.unwrap();
    assert_eq!((day.local(next.at), next.switch), ("2026-01-11 17:00:00".into(), On));
    assert_eq!(day.at("22:59").key("lamp/1"), "manual_off");
    assert_eq!(day.at("23:00").key("lamp/1"), "nothing_asks");
    assert_eq!(day.at("2026-01-11 17:00").wanted("lamp/1"), On);
    // A day is the longest.
    let mut day = porch([]).starts("2026-01-10 12:00");
    day.asks("lamp/1", next_change(On));
    assert_eq!(day.at("2026-01-11 11:59").wanted("lamp/1"), On);
    assert_eq!(day.at("2026-01-11 12:00").wanted("lamp/1"), Off);
}

#[test]
fn an_override_is_not_ended_by_rules_that_agree_or_disagree() {
    // 69: only its end ends it.
    let mut day = porch([daily("17:00", "23:00")]).starts("2026-01-10 16:00");
    day.asks("lamp/1", set_for(Off, hours(3)));
    assert_eq!(day.at("17:00").wanted("lamp/1"), Off);
    assert_eq!(day.at("19:00").wanted("lamp/1"), On);
    // 68: it survives a reload, and another group is not affected.
    let plan = porch([]).lights("tree", &["tree/1"], []);
    let mut day = plan.starts("2026-01-10 16:00");
    day.asks("lamp/1", set_for(On, hours(2))).restart();
    assert_eq!((day.wanted("lamp/1"), day.wanted("tree/1")), (On, Off));
    assert_eq!((day.at("17:59:59").wanted("lamp/1"), day.at("18:00").wanted("lamp/1")), (On, Off));
}

#[test]
fn control_off_has_no_end_and_only_a_person_lifts_it() {
    let mut day = porch([all_day()]).starts("2026-01-10 12:00");
    day.obey().asks("lamp/1", set_for(On, hours(2))).asks("lamp/1", CONTROL_OFF).obey();
    assert_eq!(day.outlet("lamp/1").control(), Control::Off);
    assert_eq!(day.at("2026-02-10 12:00").key("lamp/1"), "control_off");
    day.obey().heard();
    day.asks("lamp/1", set(On));
    assert!(day.hears(NoticeKind::Refused).unwrap().message.ends_with("ON is refused: control is set to off"));
    // OFF is granted, and leaves nothing behind that would outlive control off.
    day.asks("lamp/1", set_for(Off, hours(20)));
    assert_eq!(day.hears(NoticeKind::Refused), None);
    day.asks("lamp/1", CONTROL_AUTO);
    assert_eq!(day.key("lamp/1"), "schedule", "auto ends every wish");
    day.obey().asks("lamp/1", CONTROL_OFF).asks("lamp/1", CONTROL_ON);
    assert_eq!((day.key("lamp/1"), day.outlet("lamp/1").control()), ("manual_on", Control::On));
    assert_eq!(day.after(hours(3)).outlet("lamp/1").control(), Control::Auto);
}

#[test]
fn on_is_refused_during_a_rest_and_off_never_is() {
    let mut day = home().mats("mat", &["mat/1"], [all_day()]).starts("2026-01-10 00:00");
    day.lives_until("06:05").heard();
    for verb in [set(On), set_for(On, minutes(5)), CONTROL_ON, Verb::Toggle] {
        day.asks("mat/1", verb);
        let refusal = day.hears(NoticeKind::Refused).unwrap();
        assert!(refusal.message.ends_with("is refused: resting after a safety cut"), "{}", refusal.message);
        assert_eq!(day.outlet("mat/1").pending, None);
    }
    day.asks("mat/1", set(Off));
    assert_eq!(day.heard_kinds(), [""; 0]);
    assert_eq!(day.at("06:30").wanted("mat/1"), Off, "and stays wished");
}

#[test]
fn a_command_is_answered_by_the_state_that_is_reported_after_it() {
    let mut day = porch([]).starts("2026-01-10 12:00");
    day.report("lamp/1", first(Off)).asks("lamp/1", set(On));
    let number = day.controller.orders(&slug("lamp")).commanded;
    assert_eq!(day.outlet("lamp/1").pending.as_ref().map(|it| it.number), Some(number));
    // A look that began before the command is no answer, whatever it says.
    day.report_answering("lamp/1", polled(On), number - 1);
    assert!(day.outlet("lamp/1").pending.is_some());
    day.report_answering("lamp/1", switched(On), number);
    assert!(day.outlet("lamp/1").pending.is_none());
    assert_eq!(day.at("12:01").hears(NoticeKind::SwitchFailed), None);
    // A command that changes nothing is answered by a fresh look too.
    day.asks("lamp/1", set(On));
    assert_eq!(day.controller.orders(&slug("lamp")).commanded, number + 1);
    assert!(day.outlet("lamp/1").pending.is_some());
    day.obey();
    assert!(day.outlet("lamp/1").pending.is_none());
}

/// What each of those who asked has heard, by their tickets.
fn answers(day: &mut Day) -> Vec<(u64, NoticeKind)> {
    day.heard().into_iter().filter_map(|it| Some((it.ticket?, it.kind))).collect()
}

#[test]
fn who_wishes_the_same_is_answered_with_the_newest_and_who_wished_something_else_was_overtaken() {
    use NoticeKind::{Answered, Refused, SwitchFailed};
    let mut day = porch([]).starts("2026-01-10 12:00:00");
    day.report("lamp/1", first(Off)).heard();
    day.tells(1, "lamp/1", Off).tells(2, "lamp/1", On).tells(3, "lamp/1", On).tells(4, "lamp/1", On);
    assert_eq!(answers(&mut day), [(1, Refused)]);
    let number = day.controller.orders(&slug("lamp")).commanded;
    day.report_answering("lamp/1", switched(On), number);
    assert_eq!(answers(&mut day), [(2, Answered), (3, Answered), (4, Answered)]);
    // They fail together too, when the first of them is due.
    day.at("12:01:00").tells(5, "lamp/1", Off).switch_fails("lamp/1", Off);
    day.at("12:01:04").tells(6, "lamp/1", Off);
    let heard: Vec<_> = day.at("12:01:10").heard().into_iter().filter(|it| it.ticket.is_some()).collect();
    assert_eq!(
        heard.iter().map(|it| (it.ticket.unwrap(), it.kind)).collect::<Vec<_>>(),
        [(5, SwitchFailed), (6, SwitchFailed)]
    );
    // With what the plug has said, which the repeat knows of as well.
    assert!(heard.iter().all(|it| it.message.contains("the relay does not move")), "{heard:#?}");
    // There is an end to how many wait.
    for ticket in 100..200 {
        day.tells(ticket, "lamp/1", Off);
    }
    let overtaken = answers(&mut day);
    assert_eq!((overtaken.len(), overtaken[0]), (35, (100, Refused)));
}

#[test]
fn a_command_that_is_not_followed_in_time_has_failed() {
    let mut day = porch([]).starts("2026-01-10 12:00:00");
    day.report("lamp/1", first(Off)).asks("lamp/1", set(On)).heard();
    assert_eq!(day.controller.next_deadline(), Some(day.instant("12:00:10")));
    assert_eq!(day.at("12:00:09").heard_kinds(), [""; 0]);
    let notice = day.at("12:00:10").hears(NoticeKind::SwitchFailed).unwrap();
    assert!(notice.message.ends_with("could not be switched ON: the plug has not confirmed it in time"));
    assert_eq!(notice.detail, [("transaction", "t1".to_owned())]);
    assert_eq!(day.wanted("lamp/1"), On, "a light goes on being wished");
    assert_eq!(day.at("12:01").heard_kinds(), [""; 0], "said once");
    // With the plug's own words, if there are any.
    day.asks("lamp/1", set(Off)).switch_fails("lamp/1", Off);
    assert_eq!(day.hears(NoticeKind::SwitchFailed), None, "the next attempt may succeed");
    let notice = day.at("12:01:10").hears(NoticeKind::SwitchFailed).unwrap();
    assert!(notice.message.ends_with("could not be switched OFF: the relay does not move"));
    day.lost("lamp").heard();
    day.asks("lamp/1", set(On));
    let notice = day.at("12:01:20").hears(NoticeKind::SwitchFailed).unwrap();
    assert!(notice.message.ends_with("could not be switched ON: no answer"));
}

#[test]
fn a_failed_on_of_a_heater_ends_with_its_deadline() {
    let mut day = home().mats("mat", &["mat/1"], []).starts("2026-01-10 12:00:00");
    day.report("mat/1", first(Off)).lost("mat").asks("mat/1", set_for(On, hours(8)));
    assert_eq!(day.order("mat/1"), Some(On));
    day.heard();
    day.at("12:00:10");
    assert!(day.hears(NoticeKind::SwitchFailed).is_some());
    assert_eq!(
        (day.order("mat/1"), day.key("mat/1")),
        (Some(Off), "nothing_asks"),
        "it must not heat when it comes back"
    );
    // An OFF stays wished until it is done.
    let mut day = home().mats("mat", &["mat/1"], [all_day()]).starts("2026-01-10 12:00:00");
    day.obey().lost("mat").asks("mat/1", set(Off)).at("12:00:10");
    assert!(day.hears(NoticeKind::SwitchFailed).is_some());
    assert_eq!(day.order("mat/1"), Some(Off));
}

#[test]
fn a_failure_that_nobody_waits_for_is_said_once_until_it_is_done() {
    let mut day = porch([daily("12:00", "13:00")]).starts("2026-01-10 12:00");
    day.report("lamp/1", first(Off)).heard();
    for _ in 0..5 {
        day.switch_fails("lamp/1", On);
    }
    assert_eq!(day.heard_kinds(), ["switch_failed"]);
    day.report("lamp/1", switched(On)).at("13:00").heard();
    day.switch_fails("lamp/1", Off);
    assert_eq!(day.heard_kinds(), ["switch_failed"]);
}

#[test]
fn a_group_that_is_mixed_toggles_off() {
    let mut day = home().lights("tree", &["tree/1", "tree/2"], []).starts("2026-01-10 12:00");
    day.report("tree/1", first(On)).report("tree/2", first(Off));
    day.asks("tree/1", CONTROL_AUTO).obey();
    let both = |day: &Day| (day.wanted("tree/1"), day.wanted("tree/2"));
    day.asks("tree/1", set(On)).obey();
    assert_eq!(both(&day), (On, Off));
    day.asks_group("tree", Verb::Toggle).obey();
    assert_eq!(both(&day), (Off, Off));
    day.asks_group("tree", Verb::Toggle).obey();
    assert_eq!(both(&day), (On, On));
    day.asks_group("tree", Verb::Toggle);
    assert_eq!(both(&day), (Off, Off));
}

#[test]
fn what_is_not_there_is_refused() {
    let mut day = home()
        .lights("porch", &["lamp/1"], [])
        .group("empty", heattrax::model::Class::Generic, &[], [])
        .starts("2026-01-10 12:00");
    for (words, change) in [
        (
            "there is no such outlet",
            &(|day: &mut Day| {
                day.asks("lamp/7", set(On));
            }) as &dyn Fn(&mut Day),
        ),
        ("there is no such outlet", &|day| {
            day.asks("moon/1", Verb::Toggle);
        }),
        ("there is no such group", &|day| {
            day.asks_group("garden", set(On));
        }),
        ("none of its outlets is known yet", &|day| {
            day.asks_group("empty", set(On));
        }),
        ("the house as a whole", &|day| {
            day.commands(heattrax::model::Target::House, set(On));
        }),
    ] {
        change(&mut day);
        let notice = day.hears(NoticeKind::Refused).unwrap();
        assert!(notice.message.contains(words), "{}", notice.message);
    }
}

#[test]
fn vacation_ends_wishes_for_on_and_silences_the_rules() {
    let mut day = home().lights("porch", &["lamp/1", "lamp/2"], [all_day()]).starts("2026-01-10 12:00");
    day.obey().asks("lamp/1", set(On)).asks("lamp/2", set(Off)).vacation(true);
    assert_eq!((day.key("lamp/1"), day.key("lamp/2")), ("vacation", "manual_off"));
    day.obey();
    assert_eq!(day.at("18:00").key("lamp/1"), "vacation");
    // What a person asks for later is granted: somebody is watering the flowers.
    day.obey().asks("lamp/1", set_for(On, hours(1)));
    assert_eq!(day.key("lamp/1"), "manual_on");
    assert_eq!(day.at("19:00").key("lamp/1"), "vacation");
    assert_eq!(day.vacation(false).key("lamp/1"), "schedule");
}

#[test]
fn the_plugs_button_is_a_wish_with_an_end() {
    let mut day = porch([daily("17:00", "23:00")]).starts("2026-01-10 12:00");
    day.report("lamp/1", first(Off)).heard();
    day.at("12:30").report("lamp/1", polled(On));
    assert_eq!(day.heard_kinds(), ["external_change"]);
    assert_eq!((day.wanted("lamp/1"), day.why("lamp/1")), (On, "ON asked by the plug's button or app".to_owned()));
    assert_eq!(day.at("15:29:59").wanted("lamp/1"), On);
    assert_eq!(day.at("15:30").wanted("lamp/1"), Off);
    day.obey();
    // And OFF inside a window.
    day.lives_until("18:00").report("lamp/1", polled(Off));
    assert_eq!(day.key("lamp/1"), "manual_off");
    assert_eq!(day.at("21:00").wanted("lamp/1"), On);
}

#[test]
fn what_is_no_button_press_is_put_right() {
    let start = || {
        let mut day = porch([daily("17:00", "23:00")]).starts("2026-01-10 18:00");
        day.obey().heard();
        day
    };
    let rows = [
        ("the first look after a reconnect", first(Off)),
        ("the look after it was switched", switched(Off)),
        ("the plug has cut itself", polled(Off).with_fault(Fault::Overheat)),
    ];
    for (case, says) in rows {
        let mut day = start();
        day.report("lamp/1", says);
        assert_eq!((day.wanted("lamp/1"), day.key("lamp/1")), (On, "schedule"), "{case}");
        assert_eq!(day.hears(NoticeKind::ExternalChange), None, "{case}");
    }
    // A look that comes between the decision and the switching shows no press either.
    let mut day = start();
    day.at("23:00").report("lamp/1", polled(On));
    assert_eq!(day.key("lamp/1"), "nothing_asks");
}

#[test]
fn a_press_that_safety_or_control_speaks_against_is_not_followed_and_does_not_come_true_later() {
    let mut day = home().mats("mat", &["mat/1"], [all_day()]).starts("2026-01-10 00:00");
    day.lives_until("06:05").asks("mat/1", set(Off)).obey().heard();
    day.at("06:10").report("mat/1", polled(On));
    let notice = day.hears(NoticeKind::ExternalChange).unwrap();
    assert!(notice.message.contains("not followed"), "{}", notice.message);
    assert_eq!(day.order("mat/1"), Some(Off));
    day.report("mat/1", switched(Off));
    assert_eq!(day.at("06:41").key("mat/1"), "manual_off", "the older wish stays");
    let mut day = porch([]).starts("2026-01-10 12:00");
    day.obey().asks("lamp/1", CONTROL_OFF).obey().heard();
    day.report("lamp/1", polled(On));
    assert!(day.hears(NoticeKind::ExternalChange).is_some());
    assert_eq!(day.order("lamp/1"), Some(Off));
    assert_eq!(day.report("lamp/1", switched(Off)).asks("lamp/1", CONTROL_AUTO).wanted("lamp/1"), Off);
}

#[test]
fn what_only_people_switch_is_left_on_at_the_first_contact() {
    let mut day = porch([]).starts("2026-01-10 12:00");
    day.report("lamp/1", first(On));
    assert_eq!((day.wanted("lamp/1"), until(&day, "lamp/1")), (On, "2026-01-10 15:00:00".to_owned()));
    assert!(day.hears(NoticeKind::ExternalChange).is_some());
    assert_eq!(day.at("15:00").wanted("lamp/1"), Off);
    // What rules govern is corrected, a heater always is, and so is everything while everybody is away.
    let rows: [(&str, Plan); 3] = [
        ("rules", porch([daily("17:00", "23:00")])),
        ("a heater", home().mats("porch", &["lamp/1"], [])),
        ("vacation", porch([]).with(|it| it.vacation = true)),
    ];
    for (case, plan) in rows {
        let mut day = plan.starts("2026-01-10 12:00");
        assert_eq!(day.report("lamp/1", first(On)).order("lamp/1"), Some(Off), "{case}");
    }
    // An outlet that no group lists.
    let mut day = home().device("lamp").starts("2026-01-10 12:00");
    day.identified("lamp", 1).report("lamp/1", first(On));
    assert_eq!(day.wanted("lamp/1"), On);
}

#[test]
fn a_disabled_group_has_no_rules_but_people() {
    let plan = porch([all_day()]).with(|it| it.groups.get_mut(&slug("porch")).unwrap().enabled = false);
    let mut day = plan.starts("2026-01-10 12:00");
    assert_eq!(day.report("lamp/1", first(Off)).key("lamp/1"), "group_disabled");
    assert_eq!(day.decision("lamp/1").next, None);
    assert_eq!(day.asks("lamp/1", set(On)).wanted("lamp/1"), On);
}

#[test]
fn a_device_is_lost_and_back_once() {
    let mut day = porch([]).starts("2026-01-10 12:00");
    day.obey().heard();
    for _ in 0..3 {
        day.lost("lamp");
    }
    assert_eq!(day.heard_kinds(), ["device_lost"]);
    day.report("lamp/1", first(Off)).report("lamp/1", polled(Off));
    assert_eq!(day.heard_kinds(), ["device_back"]);
}

#[test]
fn a_device_that_is_back_elsewhere_says_where() {
    let mut day = porch([]).starts("2026-01-10 12:00");
    day.obey().lost("lamp").heard();
    day.report("lamp/1", first(Off));
    let back = day.heard().remove(0);
    assert_eq!((back.message.as_str(), back.detail.len()), ("lamp answers again", 0));
    day.lost("lamp").identified_at("lamp", "192.0.2.7:8080").heard();
    day.report("lamp/1", first(Off));
    let back = day.heard().remove(0);
    assert_eq!(back.message, "lamp answers again, at 192.0.2.7:8080; the config says 192.0.2.1");
    assert_eq!(back.detail, [("address", "192.0.2.7:8080".to_owned())]);
}
