//! What is invalidated is not seen again, at whatever moment it was.

use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use std::time::Duration;

use garland::ErrorKind;
use garland::cache::{Cache, InsertOptions, Insertion};
use tokio::sync::oneshot;
use tokio::time::sleep;

use crate::paused;

#[tokio::test(start_paused = true)]
async fn a_tag_meets_its_entries_and_no_others() {
    let cache = paused().build().unwrap();
    let tagged = |tags: &[&str]| {
        let options = InsertOptions::default();
        tags.iter()
            .fold(options, |options, tag| options.with_tag(*tag))
    };
    cache.insert_with("a".into(), 1, tagged(&["x"]));
    cache.insert_with("b".into(), 2, tagged(&["x", "y"]));
    cache.insert_with("c".into(), 3, tagged(&["y"]));
    cache.insert("d".into(), 4);
    cache.invalidate_tag("x");
    assert_eq!(
        ["a", "b", "c", "d"].map(|key| cache.get(key)),
        [None, None, Some(3), Some(4)]
    );
    cache.insert_with("a".into(), 5, tagged(&["x"]));
    assert_eq!(cache.get("a"), Some(5));
    assert_eq!(cache.stats().invalidated, 2);
}

#[tokio::test(start_paused = true)]
async fn a_prefix_meets_what_begins_with_it() {
    let cache = paused()
        .prefixes_of(|key: &String| key.as_str())
        .build()
        .unwrap();
    let keys = ["zoë/1", "zoë/2", "zoë", "zo", "mia/1", ""];
    keys.iter()
        .for_each(|key| _ = cache.insert((*key).into(), 1));
    cache.invalidate_prefix("zoë/").unwrap();
    let alive = || keys.map(|key| cache.contains(key));
    assert_eq!(alive(), [false, false, true, true, true, true]);
    cache.invalidate_prefix("zo").unwrap();
    assert_eq!(alive(), [false, false, false, false, true, true]);
    cache.invalidate_prefix("").unwrap();
    assert_eq!(alive(), [false; 6]);
    cache.insert("zoë/1".into(), 2);
    assert_eq!(cache.get("zoë/1"), Some(2));
}

#[tokio::test(start_paused = true)]
async fn prefixes_need_to_be_asked_for() {
    let error = paused()
        .build()
        .unwrap()
        .invalidate_prefix("a")
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
}

#[tokio::test(start_paused = true)]
async fn thousands_of_notes_are_forgotten_and_none_is_missed() {
    let cache = paused()
        .prefixes_of(|key: &String| key.as_str())
        .build()
        .unwrap();
    cache.insert("kept".into(), 1);
    let tagged = InsertOptions::default().with_tag("early");
    cache.insert_with("gone".into(), 2, tagged);
    cache.invalidate_tag("early");
    for n in 0..10_000 {
        cache.invalidate_tag(&format!("tag {n}"));
        cache.invalidate_prefix(&format!("prefix {n}")).unwrap();
    }
    assert_eq!((cache.get("kept"), cache.get("gone")), (Some(1), None));
}

/// What may happen while a value is loaded.
type Act = fn(&Cache<String, u64>);

#[tokio::test(start_paused = true)]
async fn an_invalidation_during_a_load_wins() {
    let acts: [(&str, Act); 7] = [
        ("remove", |cache| _ = cache.remove("a/k")),
        ("insert", |cache| _ = cache.insert("a/k".into(), 9)),
        ("tag", |cache| cache.invalidate_tag("t")),
        ("prefix", |cache| cache.invalidate_prefix("a/").unwrap()),
        ("all", Cache::invalidate_all),
        ("notes forgotten", |cache| {
            cache.invalidate_tag("t");
            cache.sweep();
        }),
        ("nothing", |_| {}),
    ];
    for (name, act) in acts {
        let cache = paused()
            .prefixes_of(|key: &String| key.as_str())
            .build()
            .unwrap();
        let (send, wait) = oneshot::channel::<u64>();
        let options = InsertOptions::default().with_tag("t");
        let asked = tokio::spawn({
            let cache = cache.clone();
            let loader = async move { Ok(wait.await.unwrap()) };
            async move { cache.get_with_options("a/k".into(), options, loader).await }
        });
        tokio::task::yield_now().await;
        act(&cache);
        // Who asks after that must not get what was loaded before it.
        let fresh = cache.get_with("a/k".into(), async { Ok(2) });
        let after = if name == "nothing" {
            None
        } else {
            Some(fresh.await.unwrap())
        };
        send.send(1).unwrap();
        assert_eq!(asked.await.unwrap().unwrap(), 1, "{name}");
        let expected = match name {
            "nothing" => 1,
            "insert" => 9,
            _ => 2,
        };
        assert_eq!(after.unwrap_or(1), expected, "{name}");
        assert_eq!(cache.get("a/k"), Some(expected), "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn tags_of_an_entry_outlive_a_slow_load() {
    let cache = paused().build().unwrap();
    let options = InsertOptions::default().with_tag("t");
    let slow = async {
        sleep(Duration::from_secs(5)).await;
        Ok(1)
    };
    assert_eq!(
        cache
            .get_with_options("k".into(), options, slow)
            .await
            .unwrap(),
        1
    );
    assert_eq!(cache.get("k"), Some(1));
    cache.invalidate_tag("t");
    assert_eq!(cache.get("k"), None);
}

async fn nothing_in_a_second() -> garland::Result<u64> {
    sleep(Duration::from_secs(1)).await;
    Err(garland::Error::new(ErrorKind::NotFound, "test.load", "no"))
}

#[tokio::test(start_paused = true)]
async fn a_tag_meets_what_was_not_found_too() {
    let cache = paused()
        .negative_ttl(Duration::from_secs(100))
        .build()
        .unwrap();
    let tagged = || InsertOptions::default().with_tag("x");
    let missing = || cache.get_with_options("k".into(), tagged(), nothing_in_a_second());
    let found = || cache.get_with_options("k".into(), tagged(), async { Ok(1) });
    // While it is loaded.
    let invalidating = async {
        tokio::task::yield_now().await;
        cache.invalidate_tag("x");
    };
    let (answer, ()) = tokio::join!(missing(), invalidating);
    assert_eq!(answer.unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(found().await.unwrap(), 1);
    // After it was remembered.
    cache.remove("k");
    assert_eq!(missing().await.unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(found().await.unwrap_err().kind(), ErrorKind::NotFound);
    cache.invalidate_tag("y");
    assert_eq!(found().await.unwrap_err().kind(), ErrorKind::NotFound);
    cache.invalidate_tag("x");
    assert_eq!(found().await.unwrap(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_is_loaded_carries_the_tags_of_all_who_asked() {
    let cache = paused().build().unwrap();
    let ask = |tag: &str, value| {
        let options = InsertOptions::default().with_tag(tag);
        let loader = async move {
            sleep(Duration::from_secs(1)).await;
            Ok(value)
        };
        cache.get_with_options("k".into(), options, loader)
    };
    for tag in ["x", "y"] {
        let (first, second) = tokio::join!(ask("x", 1), ask("y", 2));
        assert_eq!((first.unwrap(), second.unwrap()), (1, 1));
        assert_eq!(cache.get("k"), Some(1));
        cache.invalidate_tag(tag);
        assert_eq!(cache.get("k"), None, "{tag}");
    }
    // One whose tag was invalidated since does not join.
    let late = async {
        tokio::task::yield_now().await;
        cache.invalidate_tag("y");
        ask("y", 2).await
    };
    let (first, second) = tokio::join!(ask("x", 1), late);
    assert_eq!((first.unwrap(), second.unwrap()), (1, 2));
}

#[test]
fn one_sweeps_and_the_others_go_on() {
    let (told, hear) = mpsc::channel();
    let (go, wait) = mpsc::channel::<()>();
    let wait = Mutex::new(wait);
    let cache: Cache<u64, u64> = Cache::builder(1_000)
        .shards(2)
        .listener(move |_, _| {
            _ = told.send(thread::current().id());
            // Ends when the test has let go.
            _ = wait.lock().unwrap().recv();
        })
        .build()
        .unwrap();
    for key in 0..200 {
        let options = InsertOptions::default().with_tag("all");
        cache.insert_with(key, key, options);
    }
    for tag in 0..4_095 {
        cache.invalidate_tag(&tag.to_string());
    }
    cache.invalidate_tag("all");
    let held = cache.stats().entries;
    assert_eq!(held, 200);
    let sweeping = cache.clone();
    let sweeper = thread::spawn(move || sweeping.invalidate_tag("one too many"));
    assert_eq!(hear.recv().unwrap(), sweeper.thread().id());
    let left = cache.stats().entries;
    assert!(left > 0);
    let (done, ended) = mpsc::channel();
    let going_on = cache.clone();
    let other = thread::spawn(move || {
        going_on.invalidate_tag("another");
        _ = done.send(());
    });
    let went_on = ended.recv_timeout(Duration::from_secs(20));
    let meanwhile = cache.stats().entries;
    drop(go);
    other.join().unwrap();
    sweeper.join().unwrap();
    assert_eq!((went_on, meanwhile), (Ok(()), left));
    assert_eq!(cache.stats().entries, 0);
}

/// Asks its cache when it is dropped.
#[derive(Clone)]
struct Curious(Arc<Mutex<Option<Cache<u8, Self>>>>, u64);

impl Drop for Curious {
    fn drop(&mut self) {
        if let Some(cache) = &*self.0.lock().unwrap() {
            _ = cache.contains(&1);
        }
    }
}

#[test]
fn a_value_that_is_refused_is_dropped_outside_of_the_lock() {
    let (done, ended) = mpsc::channel();
    thread::spawn(move || {
        let cache: Cache<u8, Curious> = Cache::builder(10)
            .shards(1)
            .weigher(|_, value: &Curious| value.1)
            .build()
            .unwrap();
        let home = Arc::new(Mutex::new(Some(cache.clone())));
        let insertion = cache.insert(1, Curious(Arc::clone(&home), 11));
        _ = done.send(insertion);
        home.lock().unwrap().take();
    });
    let insertion = ended.recv_timeout(Duration::from_secs(20)).unwrap();
    assert_eq!(
        insertion,
        Insertion::TooHeavy {
            weight: 11,
            max: 10
        }
    );
}
