use std::{
    fs,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use heattrax::{
    model::Place,
    weather::cache::{Cache, CacheError},
};
use jiff::SignedDuration;
use proptest::prelude::*;

use crate::{forecast, noon, settings};

fn cache(folder: &Path) -> Cache {
    Cache::new(&settings("http://127.0.0.1:1", folder))
}

#[test]
fn what_is_kept_is_read_back_whatever_its_age() {
    let folder = tempfile::tempdir().unwrap();
    let cache = cache(&folder.path().join("not/there/yet"));
    assert!(matches!(cache.read(noon()), Err(CacheError::Absent)));
    cache.write(&forecast(noon())).unwrap();
    let a_month_later = noon() + SignedDuration::from_hours(24 * 30);
    assert_eq!(cache.read(a_month_later).unwrap(), forecast(noon()));
}

#[test]
fn a_forecast_for_another_place_is_ignored_but_not_damaged() {
    let folder = tempfile::tempdir().unwrap();
    cache(folder.path()).write(&forecast(noon())).unwrap();
    let mut moved = settings("http://127.0.0.1:1", folder.path());
    moved.place = Place { latitude: 60.0, longitude: 25.0 };
    assert!(matches!(Cache::new(&moved).read(noon()), Err(CacheError::Elsewhere)));
    assert!(moved.cache_file.exists());
}

#[test]
fn a_forecast_from_the_future_is_ignored() {
    let folder = tempfile::tempdir().unwrap();
    cache(folder.path()).write(&forecast(noon())).unwrap();
    let before = noon() - SignedDuration::from_mins(10);
    assert!(matches!(cache(folder.path()).read(before), Err(CacheError::Future(_))));
}

#[test]
fn a_damaged_file_is_set_aside() {
    let good = {
        let folder = tempfile::tempdir().unwrap();
        cache(folder.path()).write(&forecast(noon())).unwrap();
        fs::read_to_string(folder.path().join("weather.json")).unwrap()
    };
    for damaged in [
        String::new(),
        "\0\0\0\0".to_owned(),
        good.replacen("\"version\":1", "\"version\":2", 1),
        good.replacen("-1.5", "150", 1),
        good.replacen("\"code\":71", "\"code\":\"snow\"", 1),
    ] {
        assert_ne!(damaged, good);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("weather.json");
        fs::write(&path, &damaged).unwrap();
        assert!(matches!(cache(folder.path()).read(noon()), Err(CacheError::Damaged(_))), "{damaged}");
        assert!(!path.exists());
        assert_eq!(fs::read_to_string(folder.path().join("weather.json.damaged")).unwrap(), damaged);
    }
}

#[test]
fn the_predecessors_file_stays_as_it_is_and_ours_is_beside_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("weather.json");
    let theirs = r#"{"fetched_at": "2026-01-10T11:50:00-05:00", "location": {}, "forecast": []}"#;
    fs::write(&path, theirs).unwrap();
    let cache = cache(folder.path());
    assert!(matches!(cache.read(noon()), Err(CacheError::Absent)));
    cache.write(&forecast(noon())).unwrap();
    cache.write(&forecast(noon())).unwrap();
    assert_eq!(cache.read(noon()).unwrap(), forecast(noon()));
    assert_eq!(fs::read_to_string(&path).unwrap(), theirs);
    let ours = folder.path().join("weather.heattrax.json");
    fs::write(&ours, "{").unwrap();
    assert!(matches!(cache.read(noon()), Err(CacheError::Damaged(_))));
    assert!(!ours.exists() && folder.path().join("weather.heattrax.json.damaged").exists());
    assert_eq!(fs::read_to_string(&path).unwrap(), theirs);
}

#[test]
fn looking_leaves_a_damaged_file_where_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("weather.json");
    fs::write(&path, "{").unwrap();
    assert!(matches!(cache(folder.path()).look(noon()), Err(CacheError::Damaged(_))));
    assert!(path.exists());
    cache(folder.path()).write(&forecast(noon())).unwrap();
    assert_eq!(cache(folder.path()).look(noon()).unwrap(), forecast(noon()));
}

#[test]
fn a_folder_in_its_place_is_no_disaster() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("weather.json")).unwrap();
    assert!(matches!(cache(folder.path()).read(noon()), Err(CacheError::Unreadable(_))));
    assert!(cache(folder.path()).write(&forecast(noon())).is_err());
}

/// What a program that is killed between any two steps of a write leaves behind is what a reader meets between them.
#[test]
fn at_no_moment_of_a_write_is_there_half_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let (cache, short) = (cache(folder.path()), forecast(noon()));
    let mut long = short.clone();
    long.source = "x".repeat(200_000);
    cache.write(&short).unwrap();
    let seen = Arc::new(AtomicUsize::new(0));
    let writer = {
        let (cache, short, long, looks) = (cache.clone(), short.clone(), long.clone(), Arc::clone(&seen));
        std::thread::spawn(move || {
            let mut writes = 0;
            while writes < 40 || looks.load(Ordering::Relaxed) <= 10 {
                cache.write(&long).unwrap();
                cache.write(&short).unwrap();
                writes += 1;
            }
        })
    };
    while !writer.is_finished() {
        let found = cache.look(noon()).unwrap();
        assert!(found == short || found == long);
        seen.fetch_add(1, Ordering::Relaxed);
    }
    writer.join().unwrap();
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left over");
}

#[test]
fn a_failed_write_leaves_no_litter() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("weather.json")).unwrap();
    assert!(cache(folder.path()).write(&forecast(noon())).is_err());
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_prefix_and_any_garbage_is_damaged_or_whole(cut in 0.0..1.0f64, tail in proptest::collection::vec(any::<u8>(), 0..20)) {
        let folder = tempfile::tempdir().unwrap();
        let cache = cache(folder.path());
        cache.write(&forecast(noon())).unwrap();
        let path = folder.path().join("weather.json");
        let mut bytes = fs::read(&path).unwrap();
        bytes.truncate((bytes.len() as f64 * cut) as usize);
        bytes.extend(tail);
        fs::write(&path, bytes).unwrap();
        if let Ok(found) = cache.read(noon()) {
            prop_assert_eq!(found, forecast(noon()));
        }
    }
}
