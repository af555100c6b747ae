//! Those who want to know what became of their command, and those who ask for what is known.

use std::{sync::Arc, time::Duration};

use heattrax::{
    model::{
        Command, End, Event, Lasting, Notice, NoticeKind, OVERTAKEN, Origin, Outlet, OutletId, Reason, Switch, Target,
        Verb,
    },
    mqtt::parts::{Address, Askers, Heard, Knob, Look, Message, Payload},
};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::{
    house::{house, id, now, slug, topics},
    peer::{Bridge, Peer, SET, broker},
};

fn address() -> Address {
    Address { topic: "my/answers".to_owned(), correlation: Some(vec![7]) }
}

fn notice(kind: NoticeKind, outlet: Option<&OutletId>, ticket: u64) -> Notice {
    let notice = Notice::new(now(), kind, "what became of it").answering(Some(ticket));
    outlet.into_iter().fold(notice, Notice::about_outlet)
}

fn body(payload: &str) -> Value {
    serde_json::from_str(payload).unwrap()
}

#[test]
fn an_asker_hears_when_all_outlets_have_answered() {
    let (mut askers, start) = (Askers::default(), Instant::now());
    let (one, two) = (id("driveway", 1), id("driveway", 2));
    let ticket = 7;
    askers.wait(ticket, address(), json!("t1"), 2, start).unwrap();
    assert_eq!(askers.hear(&notice(NoticeKind::Answered, Some(&one), ticket + 1)), None);
    assert_eq!(askers.hear(&notice(NoticeKind::Answered, Some(&one), ticket)), None);
    let answer = askers.hear(&notice(NoticeKind::Answered, Some(&two), ticket)).unwrap();
    assert_eq!((answer.topic.as_str(), answer.correlation.as_deref()), ("my/answers", Some(&[7][..])));
    let body = body(&answer.payload);
    assert_eq!((&body["status"], &body["transaction"]), (&json!("ok"), &json!("t1")));
    assert_eq!(body["data"]["answers"][1], json!({"device": "driveway", "slot": 2, "message": "what became of it"}));
    assert_eq!(askers.hear(&notice(NoticeKind::Answered, Some(&two), ticket)), None, "once is enough");
}

#[test]
fn one_that_failed_or_was_refused_as_a_whole_is_an_error() {
    let (mut askers, start) = (Askers::default(), Instant::now());
    let one = id("driveway", 1);
    askers.wait(1, address(), Value::Null, 1, start).unwrap();
    let answer = askers.hear(&notice(NoticeKind::SwitchFailed, Some(&one), 1)).unwrap();
    assert_eq!(body(&answer.payload), json!({"status": "error", "data": {}, "error": "what became of it"}));
    askers.wait(2, address(), Value::Null, 5, start).unwrap();
    assert!(askers.hear(&notice(NoticeKind::Refused, None, 2)).is_some());
}

#[test]
fn nobody_waits_for_ever_and_only_so_many_wait() {
    let (mut askers, start) = (Askers::default(), Instant::now());
    for ticket in 0..256 {
        askers.wait(ticket, address(), Value::Null, 1, start).unwrap();
    }
    let full = askers.wait(256, address(), json!(1), 1, start).unwrap_err();
    assert_eq!(body(&full.payload)["status"], "error");
    let due = askers.due().unwrap();
    assert!(askers.overdue(due - Duration::from_millis(1)).is_empty());
    assert_eq!(askers.overdue(due).len(), 256);
    assert_eq!(askers.due(), None);
}

/// A message, and the command that is read from it.
fn told(topic: &str, target: Target, switch: Switch, mark: &str) -> (Message, Command) {
    let payload = json!({ "state": switch, "transaction": mark }).to_string();
    let topic = topic.to_owned();
    let message = Message { topic, payload: Payload::Bytes(payload.into()), retain: false, reply: None };
    let verb = Verb::Set(switch, Lasting::Default);
    (message, Command { transaction: Some(mark.to_owned()), ..Command::new(target, verb, Origin::Mqtt) })
}

fn mat(switch: Switch, mark: &str) -> (Message, Command) {
    told(SET, Target::Outlet(id("driveway", 1)), switch, mark)
}

fn porch(switch: Switch, mark: &str) -> (Message, Command) {
    told("heattrax/porch/1/set", Target::Outlet(id("porch", 1)), switch, mark)
}

fn mats(switch: Switch, mark: &str) -> (Message, Command) {
    told("heattrax/group/mats/set", Target::Group(slug("mats")), switch, mark)
}

/// Follows a command unless it came before.
fn follow(askers: &mut Askers, (message, command): &(Message, Command), now: Instant) -> bool {
    let is_new = !askers.is_repeated(message, command, now);
    if is_new {
        let outlets = match &command.target {
            Target::Outlet(id) => vec![id.clone()],
            Target::Group(_) => vec![id("driveway", 1), id("porch", 1)],
            Target::House => Vec::new(),
        };
        let outlets = outlets.into_iter().map(|it| (it, 0)).collect();
        askers.followed(message, command, outlets, now);
    }
    is_new
}

#[test]
fn a_second_delivery_is_no_second_command() {
    let (mut askers, start) = (Askers::default(), Instant::now());
    let first = mat(Switch::On, "1");
    assert!(follow(&mut askers, &first, start));
    // Other outlets are told something meanwhile, with the same mark.
    assert!(follow(&mut askers, &porch(Switch::On, "1"), start));
    assert!(!follow(&mut askers, &first, start + Duration::from_secs(599)));
    assert!(follow(&mut askers, &first, start + Duration::from_secs(600)), "after ten minutes it is a new one");
}

#[test]
fn who_uses_a_mark_again_for_something_else_means_each_word() {
    let (mut askers, start) = (Askers::default(), Instant::now());
    let (on, off) = (mat(Switch::On, "1"), mat(Switch::Off, "1"));
    for command in [&off, &on, &off, &on, &off, &off] {
        assert!(follow(&mut askers, command, start), "{command:?}");
    }
    // A word to the group is a word to its outlets, and the other way round.
    assert!(follow(&mut askers, &mats(Switch::On, "1"), start));
    assert!(follow(&mut askers, &porch(Switch::Off, "1"), start));
    assert!(follow(&mut askers, &mats(Switch::On, "1"), start));
}

#[test]
fn what_others_say_meanwhile_makes_no_new_command_of_an_old_one() {
    let (mut askers, start) = (Askers::default(), Instant::now());
    let on = mat(Switch::On, "1");
    assert!(follow(&mut askers, &on, start));
    let mut plain = mat(Switch::Off, "1");
    plain.1.transaction = None;
    let leave = told("heattrax/vacation/set", Target::House, Switch::On, "2");
    for other in [mat(Switch::Off, "2"), mats(Switch::Off, "3"), plain, leave] {
        assert!(follow(&mut askers, &other, start));
        assert!(!follow(&mut askers, &on, start), "after {other:?}");
    }
    // The page's word was newer while the first one was still under way: it was taken all the same.
    let overtaken = Notice::new(now(), NoticeKind::Refused, "a newer command").about_outlet(&id("driveway", 1));
    askers.hear(&overtaken.with(OVERTAKEN, "newer_command").with("transaction", "1"));
    assert!(!follow(&mut askers, &on, start));
}

#[test]
fn who_tries_again_after_a_refusal_is_followed() {
    let (mut askers, start) = (Askers::default(), Instant::now());
    let on = mat(Switch::On, "1");
    let about =
        |kind, mark: &str| Notice::new(now(), kind, "no").about_outlet(&id("driveway", 1)).with("transaction", mark);
    for kind in [NoticeKind::Refused, NoticeKind::SwitchFailed] {
        assert!(follow(&mut askers, &on, start));
        askers.hear(&about(kind, "2"));
        askers.hear(&about(kind, "1").answering(Some(9)));
        askers.hear(&about(NoticeKind::Answered, "1"));
        assert!(!follow(&mut askers, &on, start), "none of them is about it");
        askers.hear(&about(kind, "1"));
        assert!(follow(&mut askers, &on, start), "{kind:?}");
        askers.hear(&about(kind, "1"));
    }
    // What the hub has not taken was not followed.
    assert!(!askers.is_repeated(&on.0, &on.1, start));
    assert!(!askers.is_repeated(&on.0, &on.1, start));
}

#[test]
fn an_asker_whose_off_comes_twice_is_answered_once() {
    let (mut askers, start) = (Askers::default(), Instant::now());
    let (message, mut off) = mat(Switch::Off, "1");
    for ticket in [1, 2] {
        askers.asks_again(&message, &off, &address());
        askers.wait(ticket, address(), json!("1"), 1, start).unwrap();
        off.ticket = Some(ticket);
        assert!(follow(&mut askers, &(message.clone(), off.clone()), start));
    }
    // The control says to the first one that a newer command has taken its place.
    assert_eq!(askers.hear(&notice(NoticeKind::Refused, Some(&id("driveway", 1)), 1)), None);
    let answer = askers.hear(&notice(NoticeKind::Answered, Some(&id("driveway", 1)), 2)).unwrap();
    assert_eq!(body(&answer.payload)["status"], "ok");
    // Another one who asks the same is somebody else.
    askers.wait(3, address(), json!("1"), 1, start).unwrap();
    off.ticket = Some(3);
    assert!(follow(&mut askers, &(message.clone(), off.clone()), start));
    askers.asks_again(&message, &off, &Address { correlation: None, ..address() });
    assert!(askers.hear(&notice(NoticeKind::Refused, Some(&id("driveway", 1)), 3)).is_some());
}

#[test]
fn each_attribute_has_a_topic_of_its_own() {
    let topics = topics();
    let table = [
        ("heattrax/driveway/1/set/state", Heard::Command(Knob::Outlet("driveway", "1"))),
        ("heattrax/driveway/1/set/control", Heard::Command(Knob::OutletControl("driveway", "1"))),
        ("heattrax/group/mats/set/state", Heard::Command(Knob::Group("mats"))),
        ("heattrax/group/mats/set/control", Heard::Command(Knob::GroupControl("mats"))),
        ("heattrax/driveway/get", Heard::Get(Look::Device("driveway"))),
        ("heattrax/driveway/1/get", Heard::Get(Look::Outlet("driveway", "1"))),
        ("heattrax/group/mats/get", Heard::Get(Look::Group("mats"))),
        ("heattrax/driveway/1/set/nonsense", Heard::Foreign),
        ("heattrax/automation/pause/set", Heard::Command(Knob::Pause)),
        ("heattrax/automation/1/set", Heard::Foreign),
        ("heattrax/vacation/get", Heard::Foreign),
    ];
    for (topic, heard) in table {
        assert_eq!(topics.sort(topic), heard, "{topic}");
    }
}

#[tokio::test]
async fn a_command_is_answered_where_its_asker_wants_it() {
    let broker = broker().await;
    let peer = Peer::at(broker.address()).await;
    let mut bridge = Bridge::at(broker.address(), house());
    bridge.connected().await;
    peer.wait_for("heattrax/bridge/availability", "online").await;
    peer.ask(SET, r#"{"state":"ON","reason":"guests","transaction":"t1"}"#, "my/answers", b"m").await;
    let Event::Commanded(Command { ticket, reason, .. }) = bridge.event(|it| matches!(it, Event::Commanded(_))).await
    else {
        panic!()
    };
    assert_eq!(reason.as_deref(), Some("guests"));
    bridge.handle.notify(notice(NoticeKind::Answered, Some(&id("driveway", 1)), ticket.unwrap()));
    let answer = peer.wait("the answer", |it| it.topic == "my/answers").await;
    assert_eq!(answer.correlation.as_deref(), Some(&b"m"[..]));
    assert_eq!((&answer.json()["status"], &answer.json()["transaction"]), (&json!("ok"), &json!("t1")));
    assert!(!peer.seen().iter().any(|it| it.topic == "heattrax/bridge/event" && it.json()["event_type"] == "answered"));
    // The same once more is a second delivery; what cannot be read is answered too.
    peer.forget();
    peer.ask(SET, r#"{"state":"ON","reason":"guests","transaction":"t1"}"#, "my/answers", b"m").await;
    let again = peer.wait("the answer", |it| it.topic == "my/answers").await;
    let told = json!({ "device": "driveway", "slot": 1, "message": "Walkway mat is ON, wanted ON: schedule `morning` is active" });
    assert_eq!(again.json()["data"], json!({ "repeated": true, "answers": [told] }));
    peer.wait("the state", |it| it.topic == "heattrax/driveway/1").await;
    peer.forget();
    peer.ask(SET, r#"{"state":"PERHAPS"}"#, "my/answers", b"m").await;
    assert_eq!(peer.wait("the answer", |it| it.topic == "my/answers").await.json()["status"], "error");
    peer.say("heattrax/porch/2/set", "OFF").await;
    match bridge.event(|it| matches!(it, Event::Commanded(_))).await {
        Event::Commanded(next) => assert_eq!(next.target, Target::Outlet(id("porch", 2)), "nothing came twice"),
        other => panic!("{other:?}"),
    }
}

/// The page has switched it off meanwhile. A retry of the old command is no new one, and is no silence either.
#[tokio::test]
async fn a_repeated_command_that_is_not_in_force_any_more_is_answered_with_how_it_is_and_why() {
    let broker = broker().await;
    let peer = Peer::at(broker.address()).await;
    let mut bridge = Bridge::at(broker.address(), house());
    bridge.connected().await;
    peer.wait_for("heattrax/bridge/availability", "online").await;
    let on = r#"{"state":"ON","transaction":"t1"}"#;
    let changed = |change: fn(&mut Outlet)| {
        let mut house = house();
        change(Arc::make_mut(house.outlets.get_mut(&id("driveway", 1)).unwrap()));
        Arc::new(house)
    };
    // It is wanted off until the hub has heard the first one.
    bridge.board.send_replace(changed(|mat| mat.decision.switch = Switch::Off));
    peer.ask(SET, on, "first/answer", b"m").await;
    bridge.event(|it| matches!(it, Event::Commanded(_))).await;
    peer.ask(SET, on, "under/way", b"m").await;
    let told = peer.wait("the answer", |it| it.topic == "under/way").await.json();
    assert_eq!((&told["status"], &told["data"]["repeated"]), (&json!("ok"), &json!(true)));
    bridge.board.send_replace(changed(|mat| {
        mat.commanded = 2;
        mat.reported.as_mut().unwrap().switch = Switch::Off;
        mat.decision.switch = Switch::Off;
        let end = End::Elapsed(now());
        mat.decision.reason = Reason::Wished { switch: Switch::Off, origin: Origin::Web, end, words: None };
    }));
    for round in 0..2 {
        peer.forget();
        peer.ask(SET, on, "my/answers", b"m").await;
        let told = peer.wait("the answer", |it| it.topic == "my/answers").await.json();
        let words = told["error"].as_str().unwrap();
        assert!(words.contains("is OFF, wanted OFF: OFF asked by") && words.contains("not followed again"), "{told}");
        assert_eq!((&told["status"], &told["transaction"]), (&json!("error"), &json!("t1")), "{round}");
        let event = peer.wait_for_event("refused").await;
        assert_eq!(
            (&event["message"], &event["device"], &event["slot"]),
            (&told["error"], &json!("driveway"), &json!(1))
        );
    }
    // Nobody was told to switch anything.
    peer.say("heattrax/porch/2/set", "OFF").await;
    match bridge.event(|it| matches!(it, Event::Commanded(_))).await {
        Event::Commanded(next) => assert_eq!(next.target, Target::Outlet(id("porch", 2))),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn who_asks_gets_what_is_known_and_a_fresh_look() {
    let broker = broker().await;
    let peer = Peer::at(broker.address()).await;
    let mut bridge = Bridge::at(broker.address(), house());
    bridge.connected().await;
    peer.wait("the last topic", |it| it.topic == "heattrax/vacation").await;
    peer.forget();
    peer.say("heattrax/group/mats/get", "").await;
    for topic in ["heattrax/group/mats", "heattrax/driveway/1", "heattrax/driveway/1/decision", "heattrax/driveway"] {
        peer.wait(topic, |it| it.topic == topic).await;
    }
    match bridge.event(|it| matches!(it, Event::LookAsked { .. } | Event::Commanded(_))).await {
        Event::LookAsked { device } => assert_eq!(device, slug("driveway")),
        other => panic!("{other:?}"),
    }
    peer.say("heattrax/nope/get", "").await;
    assert!(peer.wait_for_event("bad_payload").await["message"].as_str().unwrap().contains("no device `nope`"));
}

#[tokio::test]
async fn a_pause_is_a_command_that_the_hub_answers_and_an_errand_needs_somebody_to_do_it() {
    let broker = broker().await;
    let peer = Peer::at(broker.address()).await;
    let mut bridge = Bridge::at(broker.address(), house());
    bridge.connected().await;
    peer.wait_for("heattrax/bridge/availability", "online").await;
    peer.say("heattrax/bridge/request/automation/pause", r#"{"for":"2h","transaction":9}"#).await;
    let Event::Commanded(Command { ticket, verb, .. }) = bridge.event(|it| matches!(it, Event::Commanded(_))).await
    else {
        panic!()
    };
    assert!(matches!(verb, Verb::Pause(_)));
    bridge.handle.notify(notice(NoticeKind::AutomationPaused, None, ticket.unwrap()));
    let answer = peer.wait("the answer", |it| it.topic == "heattrax/bridge/response/automation/pause").await.json();
    assert_eq!((&answer["status"], &answer["transaction"]), (&json!("ok"), &json!(9)));
    peer.say("heattrax/bridge/request/restart", "").await;
    let answer = peer.wait("the answer", |it| it.topic == "heattrax/bridge/response/restart").await.json();
    assert_eq!(answer["status"], "error");
    assert!(!matches!(verb, Verb::Set(Switch::On, _)));
}

#[tokio::test]
async fn the_newest_command_is_followed_whatever_mark_it_has() {
    let broker = broker().await;
    let peer = Peer::at(broker.address()).await;
    let mut bridge = Bridge::at(broker.address(), house());
    bridge.connected().await;
    peer.wait_for("heattrax/bridge/availability", "online").await;
    for switch in [Switch::Off, Switch::On, Switch::Off, Switch::On] {
        let payload = json!({ "state": switch, "transaction": 1 }).to_string();
        peer.ask(SET, &payload, "my/answers", b"m").await;
        match bridge.event(|it| matches!(it, Event::Commanded(_))).await {
            Event::Commanded(command) => assert_eq!(command.verb, Verb::Set(switch, Lasting::Default)),
            other => panic!("{other:?}"),
        }
    }
}

/// The room begins again after some changes of the config, and the hub does not.
#[tokio::test]
async fn a_room_that_begins_again_takes_no_answer_to_a_command_of_the_one_before() {
    let broker = broker().await;
    let peer = Peer::at(broker.address()).await;
    let mut bridge = Bridge::at(broker.address(), house());
    let mut tickets = Vec::new();
    for round in 0..2 {
        bridge.connected().await;
        peer.wait_for("heattrax/bridge/availability", "online").await;
        peer.ask(SET, "ON", "my/answers", b"m").await;
        match bridge.event(|it| matches!(it, Event::Commanded(_))).await {
            Event::Commanded(command) => tickets.push(command.ticket.unwrap()),
            other => panic!("{other:?}"),
        }
        if round == 0 {
            bridge.begin_again(broker.address()).await;
            peer.forget();
        }
    }
    assert_ne!(tickets[0], tickets[1]);
}
