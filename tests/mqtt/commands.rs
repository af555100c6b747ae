//! What is heard.

use heattrax::{
    model::{Command, Control, End, House, Lasting, NoticeKind, Origin, Switch, Target, Verb},
    mqtt::parts::{Heard, LONGEST, Message, Payload, Unread, read},
};
use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use proptest::{collection::vec, prelude::*};

use crate::house::{at, change, house, id, now, slug, topics};

fn new_york() -> TimeZone {
    TimeZone::get("America/New_York").unwrap()
}

fn hear(topic: &str, payload: &[u8], retain: bool, house: &House, now: Timestamp) -> Option<Result<Command, Unread>> {
    let payload =
        if payload.len() > LONGEST { Payload::TooLong(payload.len()) } else { Payload::Bytes(payload.to_vec()) };
    let message = Message { topic: topic.to_owned(), payload, retain, reply: None };
    match topics().sort(topic) {
        Heard::Command(knob) => Some(read(knob, &message, now, house, &new_york())),
        _ => None,
    }
}

fn heard(topic: &str, payload: &str) -> Result<Command, Unread> {
    hear(topic, payload.as_bytes(), false, &house(), now()).unwrap()
}

fn verb(topic: &str, payload: &str) -> Verb {
    heard(topic, payload).unwrap_or_else(|problem| panic!("{payload}: {problem:?}")).verb
}

fn problem(topic: &str, payload: &str) -> String {
    match heard(topic, payload) {
        Err(Unread::Bad(notice)) => {
            assert_eq!(notice.kind, NoticeKind::BadPayload);
            notice.message
        }
        other => panic!("{topic} {payload}: {other:?}"),
    }
}

const OUTLET: &str = "heattrax/driveway/1/set";

#[test]
fn plain_words_switch_in_any_case_and_with_blanks() {
    for payload in ["ON", "on", " On \n"] {
        assert_eq!(verb(OUTLET, payload), Verb::Set(Switch::On, Lasting::Default));
    }
    for payload in ["OFF", "off", "\tOff"] {
        assert_eq!(verb(OUTLET, payload), Verb::Set(Switch::Off, Lasting::Default));
    }
    assert_eq!(verb(OUTLET, "toggle"), Verb::Toggle);
}

#[test]
fn a_command_is_for_the_outlet_the_group_or_the_house_that_its_topic_names() {
    let target = |topic, payload| heard(topic, payload).unwrap().target;
    assert_eq!(target("heattrax/driveway/2/set", "ON"), Target::Outlet(id("driveway", 2)));
    assert_eq!(target("heattrax/shed/1/control/set", "off"), Target::Outlet(id("shed", 1)));
    assert_eq!(target("heattrax/group/mats/set", "ON"), Target::Group(slug("mats")));
    assert_eq!(target("heattrax/group/mats/control/set", "auto"), Target::Group(slug("mats")));
    assert_eq!(target("heattrax/vacation/set", "ON"), Target::House);
    assert_eq!(heard(OUTLET, "ON").unwrap().origin, Origin::Mqtt);
}

#[test]
fn a_pause_is_switched_on_for_a_day_and_off() {
    let pause = Verb::Pause(End::Elapsed(now() + SignedDuration::from_hours(24)));
    assert_eq!(verb("heattrax/automation/pause/set", "ON"), pause);
    assert_eq!(verb("heattrax/automation/pause/set", "OFF"), Verb::Resume);
    assert!(problem("heattrax/automation/pause/set", "PAUSE").contains("neither ON nor OFF"));
}

#[test]
fn a_wish_may_have_an_end() {
    let set = |lasting| Verb::Set(Switch::On, lasting);
    let minutes = |minutes| set(Lasting::For(SignedDuration::from_mins(minutes)));
    let table = [
        (r#"{"state":"ON"}"#, set(Lasting::Default)),
        (r#"{"state":"on","for":"45m"}"#, minutes(45)),
        (r#"{"state":"ON","for":"1h30m"}"#, minutes(90)),
        (r#"{"state":"ON","for":"90s"}"#, set(Lasting::For(SignedDuration::from_secs(90)))),
        (r#"{"state":"ON","for":"24h"}"#, minutes(24 * 60)),
        (r#"{"state":"OFF","for":"2h"}"#, Verb::Set(Switch::Off, Lasting::For(SignedDuration::from_hours(2)))),
        (r#"{"state":"ON","until":"next_change"}"#, set(Lasting::NextChange)),
        (r#"{"state":"ON","until":"2026-11-24T14:00:00Z"}"#, set(Lasting::Until(at("2026-11-24T14:00:00Z")))),
        (r#"{"state":"ON","until":"2026-11-24T09:00:00-05:00"}"#, set(Lasting::Until(at("2026-11-24T14:00:00Z")))),
        // Noon in Greenwich is 07:00 in New York.
        (r#"{"state":"ON","until":"08:30"}"#, set(Lasting::Until(at("2026-11-24T13:30:00Z")))),
        (r#"{"state":"ON","until":"7:00"}"#, set(Lasting::Until(at("2026-11-25T12:00:00Z")))),
        (r#"{"state":"ON","until":"06:59"}"#, set(Lasting::Until(at("2026-11-25T11:59:00Z")))),
        (r#"{"state":"TOGGLE"}"#, Verb::Toggle),
    ];
    for (payload, expected) in table {
        assert_eq!(verb(OUTLET, payload), expected, "{payload}");
    }
}

#[test]
fn a_time_of_day_in_the_gap_is_its_end_and_in_the_fold_the_first_one() {
    let house = house();
    let until = |payload: &str, now: Timestamp| match hear(OUTLET, payload.as_bytes(), false, &house, now) {
        Some(Ok(Command { verb: Verb::Set(_, Lasting::Until(at)), .. })) => at,
        other => panic!("{other:?}"),
    };
    let payload = r#"{"state":"ON","until":"02:30"}"#;
    assert_eq!(until(payload, at("2026-03-08T05:00:00Z")), at("2026-03-08T07:00:00Z"));
    let payload = r#"{"state":"ON","until":"01:30"}"#;
    assert_eq!(until(payload, at("2026-11-01T04:00:00Z")), at("2026-11-01T05:30:00Z"));
    // Its first time is over; the next one is 25 h later, and no wish lasts longer than 24 h.
    assert_eq!(until(payload, at("2026-11-01T05:30:00Z")), at("2026-11-02T05:30:00Z"));
}

#[test]
fn control_and_vacation_are_set_by_words() {
    let topic = "heattrax/driveway/1/control/set";
    for (payload, control) in [("auto", Control::Auto), ("ON", Control::On), (" off ", Control::Off)] {
        assert_eq!(verb(topic, payload), Verb::Control(control));
    }
    assert_eq!(verb("heattrax/vacation/set", "on"), Verb::Vacation(true));
    assert_eq!(verb("heattrax/vacation/set", "OFF"), Verb::Vacation(false));
}

#[test]
fn a_longest_runtime_of_ones_own_may_be_all_that_the_config_allows() {
    let set = |allowed: SignedDuration, minutes: &str| {
        let mut house = house();
        change(&mut house, &id("driveway", 1), |it| it.longest_on = allowed);
        let topic = "heattrax/driveway/1/longest_runtime/set";
        match hear(topic, minutes.as_bytes(), false, &house, now()).unwrap() {
            Ok(Command { verb: Verb::LongestOn(limit), .. }) => Ok(limit),
            Err(Unread::Bad(notice)) => Err(notice.message),
            other => panic!("{other:?}"),
        }
    };
    let minutes = SignedDuration::from_mins;
    for (allowed, said, limit) in [
        (minutes(360), "90", minutes(90)),
        (minutes(360), "360.0", minutes(360)),
        (minutes(36 * 60), "2160", minutes(2160)),
        // The control says what is allowed.
        (minutes(360), "361", minutes(361)),
        (minutes(3), "2", minutes(2)),
        (minutes(3), "3", minutes(3)),
        // Half an hour and a bit: what is shown of it takes one's own limit away.
        (SignedDuration::from_secs(1836), "30", SignedDuration::from_secs(1836)),
    ] {
        assert_eq!(set(allowed, said), Ok(limit), "{said}");
    }
    for (allowed, said, words) in [
        (minutes(360), "4", "from 5 to 525600"),
        (minutes(360), "525601", "from 5 to 525600"),
        (minutes(3), "1", "from 2 to 525600"),
        (minutes(0), "0", "from 1 to 525600"),
    ] {
        let problem = set(allowed, said).unwrap_err();
        assert!(problem.contains(words), "{problem}");
    }
}

#[test]
fn a_mark_is_kept() {
    let mark = |payload| heard(OUTLET, payload).unwrap().transaction;
    assert_eq!(mark(r#"{"state":"ON","transaction":"t-1"}"#), Some("t-1".to_owned()));
    assert_eq!(mark(r#"{"state":"ON","transaction":7}"#), Some("7".to_owned()));
    assert_eq!(mark(r#"{"state":"ON"}"#), None);
}

#[test]
fn whatever_else_is_refused_with_what_is_allowed() {
    let table = [
        (OUTLET, "ONN", "ON, OFF, TOGGLE"),
        (OUTLET, "1", "ON, OFF, TOGGLE"),
        (OUTLET, "true", "ON, OFF, TOGGLE"),
        (OUTLET, r#"["ON"]"#, "ON, OFF, TOGGLE"),
        (OUTLET, r#"{"state":"ON""#, "EOF"),
        (OUTLET, r#"{"state":"ON"}{"state":"OFF"}"#, "trailing"),
        (OUTLET, r#"{"state":"ON","state":"OFF"}"#, "duplicate"),
        (OUTLET, r#"{"for":"45m"}"#, "state"),
        (OUTLET, r#"{"state":true}"#, "string"),
        (OUTLET, r#"{"state":"BLUE"}"#, "ON, OFF or TOGGLE"),
        (OUTLET, r#"{"state":"ON","brightness":3}"#, "brightness"),
        (OUTLET, r#"{"state":"ON","for":45}"#, "string"),
        (OUTLET, r#"{"state":"ON","for":"soon"}"#, "45m"),
        (OUTLET, r#"{"state":"ON","for":"0s"}"#, "above 0"),
        (OUTLET, r#"{"state":"ON","for":"-5m"}"#, "above 0"),
        (OUTLET, r#"{"state":"ON","for":"24h1s"}"#, "24 h"),
        (OUTLET, r#"{"state":"ON","for":"99999999999999999999h"}"#, "45m"),
        (OUTLET, r#"{"state":"ON","for":"1h","until":"08:00"}"#, "exclude"),
        (OUTLET, r#"{"state":"ON","until":"25:00"}"#, "next_change"),
        (OUTLET, r#"{"state":"ON","until":"2026-11-24T11:59:59Z"}"#, "ahead"),
        (OUTLET, r#"{"state":"ON","until":"2026-11-25T12:00:01Z"}"#, "24 h"),
        (OUTLET, r#"{"state":"ON","until":"2026-11-24T14:00:00"}"#, "next_change"),
        (OUTLET, r#"{"state":"TOGGLE","for":"1h"}"#, "TOGGLE"),
        (OUTLET, r#"{"state":"ON","transaction":{"a":1}}"#, "transaction"),
        ("heattrax/driveway/1/control/set", "maybe", "auto, on and off"),
        ("heattrax/vacation/set", "TOGGLE", "neither ON nor OFF"),
        ("heattrax/vacation/set", r#"{"state":"ON"}"#, "neither ON nor OFF"),
        ("heattrax/garage/1/set", "ON", "driveway, porch, shed"),
        ("heattrax/driveway/3/set", "ON", "it has 1, 2"),
        ("heattrax/driveway/01/set", "ON", "it has 1, 2"),
        ("heattrax/driveway/+1/set", "ON", "it has 1, 2"),
        ("heattrax/driveway/mat/set", "ON", "it has 1, 2"),
        ("heattrax/group/lights/set", "ON", "there is mats"),
        ("heattrax/group/lights/control/set", "auto", "there is mats"),
    ];
    for (topic, payload, words) in table {
        let problem = problem(topic, payload);
        assert!(problem.contains(words), "{topic} {payload}: {problem}");
        assert!(problem.contains(topic), "{problem}");
    }
}

#[test]
fn a_mark_of_any_length_is_not_kept() {
    let long = format!(r#"{{"state":"ON","transaction":"{}"}}"#, "x".repeat(257));
    assert!(problem(OUTLET, &long).contains("256"));
}

#[test]
fn an_empty_message_is_ignored_silently() {
    for retain in [false, true] {
        assert_eq!(hear(OUTLET, b"", retain, &house(), now()), Some(Err(Unread::Empty)));
    }
}

#[test]
fn a_message_of_more_than_64_kib_is_not_read() {
    let mut payload = b"ON".to_vec();
    payload.resize(LONGEST, b' ');
    let heard = |payload: &[u8]| hear(OUTLET, payload, false, &house(), now()).unwrap();
    assert!(heard(&payload).is_ok());
    payload.push(b' ');
    assert!(matches!(heard(&payload), Err(Unread::Bad(notice)) if notice.message.contains("65537")));
}

#[test]
fn a_retained_command_is_never_followed_and_only_our_own_topics_are_cleared() {
    let table = [
        (OUTLET, true),
        ("heattrax/driveway/1/control/set", true),
        ("heattrax/group/mats/set", true),
        ("heattrax/vacation/set", true),
        // A device that was renamed or removed leaves such a message behind.
        ("heattrax/garage/1/set", true),
        ("heattrax/garage/door/set", false),
    ];
    for (topic, expected) in table {
        match hear(topic, b"ON", true, &house(), now()) {
            Some(Err(Unread::Retained { notice, clear })) => {
                assert_eq!(notice.kind, NoticeKind::RetainedCommandIgnored);
                assert_eq!(clear, expected, "{topic}");
            }
            other => panic!("{topic}: {other:?}"),
        }
    }
}

#[test]
fn a_notice_says_whom_it_is_about() {
    match heard("heattrax/driveway/1/set", "?") {
        Err(Unread::Bad(notice)) => {
            assert_eq!((notice.device, notice.slot), (Some(slug("driveway")), Some(1)));
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_is_no_command_of_ours_is_not_taken_for_one() {
    let foreign = [
        "heattrax/driveway/1",
        "heattrax/driveway/1/decision",
        "heattrax/weather/local/set/more",
        "heattrax/bridge/info/set",
        "heattrax/vacation/x/set",
        "heattrax2/driveway/1/set",
        "heattrax",
        "heattrax/set",
        "heattrax/driveway/1/set/more",
        "heattrax/group/mats/control/set/more",
        "",
    ];
    for topic in foreign {
        assert!(matches!(topics().sort(topic), Heard::Foreign), "{topic}");
    }
    assert_eq!(topics().sort("homeassistant/status"), Heard::Status);
    assert_eq!(topics().sort("homeassistant/device/tapo_1/config"), Heard::Announced("tapo_1"));
    assert_eq!(topics().sort("heattrax/bridge/request/info"), Heard::Request("info"));
}

const COMMANDS: [&str; 5] = [
    OUTLET,
    "heattrax/driveway/1/control/set",
    "heattrax/group/mats/set",
    "heattrax/group/mats/control/set",
    "heattrax/vacation/set",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn any_bytes_on_any_command_topic_are_at_worst_a_short_notice(
        bytes in vec(any::<u8>(), 0..100_000),
        which in 0..COMMANDS.len(),
        retain in any::<bool>(),
    ) {
        if let Some(Err(Unread::Bad(notice) | Unread::Retained { notice, .. })) =
            hear(COMMANDS[which], &bytes, retain, &house(), now())
        {
            prop_assert!(notice.message.len() < 2000);
            prop_assert!(!notice.message.chars().any(char::is_control));
        }
    }

    #[test]
    fn any_words_in_json_are_at_worst_a_notice(state in ".{0,8}", key in "(for|until|transaction|[a-z]{1,6})", value in ".{0,40}") {
        let payload = serde_json::json!({ "state": state, key: value }).to_string();
        let _ = hear(OUTLET, payload.as_bytes(), false, &house(), now());
    }

    #[test]
    fn an_end_is_always_ahead_by_at_most_a_day(
        seconds in 0i64..400 * 86_400,
        hour in 0..24,
        minute in 0..60,
    ) {
        let now = at("2026-01-01T00:00:00Z") + SignedDuration::from_secs(seconds);
        let payload = format!(r#"{{"state":"ON","until":"{hour:02}:{minute:02}"}}"#);
        match hear(OUTLET, payload.as_bytes(), false, &house(), now) {
            Some(Ok(Command { verb: Verb::Set(Switch::On, Lasting::Until(at)), .. })) => {
                prop_assert!(at > now && at.duration_since(now) <= SignedDuration::from_hours(24));
            }
            other => prop_assert!(false, "{other:?}"),
        }
    }

    #[test]
    fn any_topic_can_be_sorted(topic in "(heattrax|homeassistant|x)?(/[a-z0-9+#/ ]{0,12}){0,6}") {
        let _ = topics().sort(&topic);
    }
}
