use heattrax::{
    model::AlertKind,
    notify::{Alert, KEPT, Letter, Queue, WAITING, quiet_until},
};
use jiff::{SignedDuration, Timestamp, civil::time, tz::TimeZone};

use crate::home::{minutes, noon};

fn letter(event: &str, at: i64) -> Letter {
    Letter::new(Alert::new(AlertKind::named(event).unwrap(), minutes(at), event), minutes(at))
}

#[test]
fn a_full_queue_drops_the_oldest_of_the_least_urgent() {
    let mut queue = Queue::default();
    for at in 0..i64::try_from(WAITING).unwrap() {
        assert_eq!(queue.put(letter(if at == 7 { "fault_ended" } else { "no_load" }, at)), None);
    }
    assert_eq!(queue.put(letter("lockout", 900)).unwrap().alert.event, "fault_ended");
    assert_eq!(queue.put(letter("lockout", 901)).unwrap().due, minutes(0), "then the oldest warning");
    assert_eq!(queue.put(letter("fault_ended", 902)).unwrap().alert.event, "fault_ended", "itself, if it is the least");
    assert_eq!((queue.len(), queue.dropped), (WAITING, 3));
}

#[test]
fn a_letter_is_not_sent_before_its_time_unless_somebody_waits_for_it() {
    let mut queue = Queue::default();
    queue.put(letter("no_load", 10));
    assert_eq!(queue.first(minutes(9)), None);
    assert_eq!(queue.next_due(), Some(minutes(10)));
    assert!(queue.first(minutes(10)).is_some());
    queue.put(Letter { urgent: true, ..letter("test", 60) });
    assert_eq!(queue.first(minutes(10)).unwrap().alert.event, "test");
}

#[test]
fn a_letter_is_given_up_after_a_day_or_when_it_was_refused_again_and_again() {
    let mut queue = Queue::default();
    queue.put(letter("no_load", 0));
    assert!(queue.take_hopeless(noon() + KEPT).is_empty());
    assert_eq!(queue.take_hopeless(noon() + KEPT + SignedDuration::from_secs(1)).len(), 1);
    let refused = letter("lockout", 0);
    queue.put(refused.clone());
    for _ in 0..4 {
        queue.refused(&refused.id, noon());
        assert!(queue.take_hopeless(noon()).is_empty());
    }
    queue.refused(&refused.id, noon());
    assert_eq!(queue.take_hopeless(noon()).len(), 1);
    assert!(queue.is_empty());
}

#[test]
fn quiet_hours_do_not_make_a_letter_older_and_a_rest_does_not_make_it_younger() {
    let (mut queue, day) = (Queue::default(), 24 * 60);
    let letter = letter("no_load", 0);
    queue.put(letter.clone());
    queue.wait(&letter.id, minutes(day - 10), minutes(day + 470));
    assert_eq!(queue.first(minutes(day + 469)), None);
    assert_eq!(queue.next_due(), Some(minutes(day + 470)));
    assert!(queue.take_hopeless(minutes(day + 480)).is_empty(), "ten minutes are left of its day");
    queue.refused(&letter.id, minutes(day + 480));
    assert_eq!(queue.take_hopeless(minutes(day + 481)).len(), 1);
}

#[test]
fn a_letter_that_somebody_is_still_owed_rests_ever_longer_and_is_given_up_after_a_day() {
    let mut queue = Queue::default();
    let letter = letter("no_load", 0);
    queue.put(Letter { urgent: true, ..letter.clone() });
    let (mut now, mut rests) = (noon(), Vec::new());
    while queue.take_hopeless(now).is_empty() {
        queue.owes(&letter.id, vec!["ann@example.org".to_owned()], now);
        assert_eq!(queue.first(now), None, "others go first");
        let due = queue.next_due().unwrap();
        rests.push(due.duration_since(now).as_secs());
        now = due;
    }
    assert_eq!(rests[..6], [30, 120, 480, 1920, 3600, 3600]);
    assert!(now.duration_since(noon()) < KEPT + SignedDuration::from_hours(1), "{now}");
}

#[test]
fn letters_of_an_earlier_version_are_sent_too() {
    let mut queue = Queue::default();
    queue.put(letter("no_load", 0));
    let mut kept = serde_json::to_value(&queue).unwrap();
    for new in ["since", "owed", "rests"] {
        kept["letters"][0].as_object_mut().unwrap().remove(new).unwrap();
    }
    let mut queue: Queue = serde_json::from_value(kept).unwrap();
    assert_eq!(queue.first(noon()).unwrap().alert.event, "no_load");
    assert!(queue.take_hopeless(noon() + KEPT).is_empty());
    assert_eq!(queue.take_hopeless(noon() + KEPT + SignedDuration::from_secs(1)).len(), 1);
}

#[test]
fn an_end_of_quiet_hours_that_comes_twice_is_the_first() {
    let zone = TimeZone::get("America/New_York").unwrap();
    let night = (time(22, 0, 0, 0), time(1, 30, 0, 0));
    // On 1 November, half past one comes at 5:30 and at 6:30 UTC.
    let at = |it: &str| it.parse::<Timestamp>().unwrap();
    assert_eq!(quiet_until(night, &zone, at("2026-11-01T05:20:00Z")), Some(at("2026-11-01T05:30:00Z")));
    assert_eq!(quiet_until(night, &zone, at("2026-11-01T06:20:00Z")), None);
}

#[test]
fn quiet_hours_may_reach_over_midnight() {
    let zone = TimeZone::get("America/New_York").unwrap();
    let night = (time(22, 0, 0, 0), time(7, 0, 0, 0));
    // Seven o'clock is the end, and quiet no more.
    assert_eq!(quiet_until(night, &zone, noon()), None);
    assert_eq!(quiet_until(night, &zone, minutes(-1)), Some(noon()));
    assert_eq!(quiet_until(night, &zone, minutes(15 * 60)), Some(minutes(24 * 60)));
    assert_eq!(quiet_until(night, &zone, minutes(15 * 60 - 1)), None);
    let siesta = (time(12, 0, 0, 0), time(14, 0, 0, 0));
    assert_eq!(quiet_until(siesta, &zone, minutes(6 * 60)), Some(minutes(7 * 60)));
    assert_eq!(quiet_until(siesta, &zone, minutes(7 * 60)), None);
}
