//! `weather_api.local.topics`: what is accepted, and every problem with its place.

use jiff::SignedDuration;

const HOUSE: &str = "\
location: {latitude: 40.7, longitude: -74.0, timezone: America/New_York}
devices:
  credentials: {username: you@example.com, password: not-used-here}
  groups: {walk: {items: [{name: Mat, ip_address: 192.0.2.1}]}}
mqtt: {host: broker, base_topic: home/heat}
weather_api:
  local:
    topics:
";

fn read(topic: &str) -> Result<heattrax::model::Settings, heattrax::config::Problems> {
    heattrax::config::parse("house.yaml", &format!("{HOUSE}      - {topic}\n"), &<_>::default(), &<_>::default())
}

#[test]
fn a_topic_of_the_station_has_a_field_and_what_is_usual_besides() {
    let settings = read("{topic: porch/temperature, field: temperature}").unwrap();
    let topic = settings.mqtt.unwrap().station.remove(0);
    assert_eq!((topic.pointer.as_str(), topic.unit.name, topic.time), ("", "°C", None));
    assert_eq!(topic.max_age, SignedDuration::from_mins(30));
    let settings = read("{topic: a/b, field: wind, unit: mph, pointer: /wind/avg, max_age: 90s, time: /ts}").unwrap();
    let topic = settings.mqtt.unwrap().station.remove(0);
    assert!((topic.unit.kept(10.0) - 4.4704).abs() < 1e-9);
    assert_eq!((topic.pointer.as_str(), topic.time.as_deref()), ("/wind/avg", Some("/ts")));
    assert_eq!(topic.max_age, SignedDuration::from_secs(90));
}

#[test]
fn a_station_measures_without_a_forecast_too() {
    let text = format!("{HOUSE}      - {{topic: porch/temperature, field: temperature}}\n  enabled: false\n");
    let settings = heattrax::config::parse("house.yaml", &text, &<_>::default(), &<_>::default()).unwrap();
    assert!(settings.weather.is_none() && settings.mqtt.is_some_and(|it| it.station.len() == 1));
}

#[test]
fn what_is_wrong_is_told_with_its_place() {
    for (topic, words) in [
        ("{field: wind}", "house.yaml:9:9: weather_api.local.topics[0].topic: found nothing"),
        ("{topic: a/#, field: wind}", "weather_api.local.topics[0].topic: found \"a/#\""),
        ("{topic: home/heat/x/1, field: wind}", "a topic that is not the bridge's own"),
        ("{topic: a}", "weather_api.local.topics[0].field: found nothing"),
        ("{topic: a, field: temprature}", "temperature"),
        ("{topic: a, field: wind, unit: °C}", "unit: found \"°C\""),
        ("{topic: a, field: wind, pointer: wind}", "a JSON pointer such as"),
        ("{topic: a, field: wind, max_age: 1s}", "from 10s to 6h"),
        ("{topic: a, field: wind, maxage: 1m}", "an unknown key `maxage`"),
        ("just/a/topic", "a section"),
    ] {
        let problems = read(topic).err().map(|it| it.list).unwrap_or_default();
        let told: Vec<String> = problems.iter().map(ToString::to_string).collect();
        assert!(told.iter().any(|it| it.contains(words)), "{topic}: {told:#?}");
    }
}
