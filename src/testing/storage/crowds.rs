//! Many at once: readers and writers, winners, dropped futures, wake-ups.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::{FutureExt, StreamExt};
use tokio::task::JoinSet;

use crate::error::ErrorKind;
use crate::storage::{Precondition, Query, Wake};

use super::subject::{
    BY_DAY, Subject, THINGS, append, at, batch, delete, put, put_if, put_indexed,
};
use super::suite::rules;

rules![
    whoever_commits_reads_it_at_once,
    of_conflicting_commits_one_wins,
    a_counter_loses_no_step,
    readers_see_a_batch_whole,
    records_that_stay_are_paged_exactly_once,
    a_dropped_commit_is_whole_or_not_at_all,
    a_commit_wakes_every_watcher,
    a_slow_watcher_is_woken_too,
    a_storm_in_one_organization_hides_no_other,
    a_count_of_writes_misses_none,
];

/// How long a wake-up may take.
const PATIENCE: Duration = Duration::from_secs(20);

async fn whoever_commits_reads_it_at_once(subject: Subject) {
    let mut tasks = JoinSet::new();
    for task in 0..8 {
        let subject = subject.clone();
        tasks.spawn(async move {
            let id = format!("{task}");
            for number in 1..=25 {
                let text = number.to_string();
                let key = format!("{task}/{number:02}");
                let mut writes = vec![put_indexed(&key, &[(BY_DAY, &key)])];
                writes.extend([put(&id, &text), append(&id, &text)]);
                subject.commit(writes).await;
                assert_eq!(subject.look(&id).await, (number, text));
                assert_eq!(subject.head(&id).await.sequence, number);
                let found = Query::all(THINGS).by(BY_DAY).prefix(&key);
                assert_eq!(subject.ids(found).await, [key]);
            }
        });
    }
    tasks.join_all().await;
}

async fn of_conflicting_commits_one_wins(subject: Subject) {
    for (round, precondition) in (0_u64..).zip([Precondition::Absent, at(1), at(2)]) {
        let mut tasks = JoinSet::new();
        for task in 0..32 {
            let subject = subject.clone();
            tasks.spawn(async move {
                let own = format!("own/{round}/{task}");
                let text = task.to_string();
                let writes = [
                    put_if("prize", &text, precondition),
                    put(&own, "1"),
                    append("main", &text),
                ];
                let won = match subject.try_commit(writes).await {
                    Ok(_) => true,
                    Err(error) => {
                        assert_eq!(error.kind(), ErrorKind::Conflict, "{error:?}");
                        false
                    }
                };
                assert_eq!(subject.look(&own).await.0 == 1, won);
                (text, won)
            });
        }
        let results = tasks.join_all().await;
        let winners: Vec<_> = results.iter().filter(|(_, won)| *won).collect();
        assert_eq!(winners.len(), 1, "one wins");
        assert_eq!(
            subject.look("prize").await,
            (round + 1, winners[0].0.clone())
        );
    }
    assert_eq!(subject.chain("main").await.len(), 3);
}

async fn a_counter_loses_no_step(subject: Subject) {
    subject.commit([put("counter", "0")]).await;
    let mut tasks = JoinSet::new();
    for _ in 0..8 {
        let subject = subject.clone();
        tasks.spawn(async move {
            let mut done = 0;
            while done < 10 {
                let (version, value) = subject.look("counter").await;
                let next = value.parse::<u64>().unwrap() + 1;
                let write = put_if("counter", &next.to_string(), at(version));
                if subject.try_commit([write]).await.is_ok() {
                    done += 1;
                }
            }
        });
    }
    tasks.join_all().await;
    assert_eq!(subject.look("counter").await, (81, "80".to_owned()));
}

async fn readers_see_a_batch_whole(subject: Subject) {
    subject.commit([put("a", "0"), put("z", "0")]).await;
    let done = Arc::new(AtomicBool::new(false));
    let mut readers = JoinSet::new();
    for _ in 0..4 {
        let (subject, done) = (subject.clone(), Arc::clone(&done));
        readers.spawn(async move {
            while !done.load(Ordering::Relaxed) {
                let page = subject.page(&Query::all(THINGS)).await;
                let values: BTreeSet<_> = page.records.iter().map(|r| r.value.as_str()).collect();
                assert_eq!(values.len(), 1, "half a batch is seen: {values:?}");
                assert_eq!(page.records.len(), 2);
                tokio::task::yield_now().await;
            }
        });
    }
    for number in 0..200 {
        let text = number.to_string();
        subject.commit([put("a", &text), put("z", &text)]).await;
    }
    done.store(true, Ordering::Relaxed);
    readers.join_all().await;
}

async fn records_that_stay_are_paged_exactly_once(subject: Subject) {
    // Those with even numbers stay, though they are written again; the others come and go.
    for number in (0..200).step_by(2) {
        let id = format!("{number:03}");
        subject.commit([put_indexed(&id, &[(BY_DAY, &id)])]).await;
    }
    let done = Arc::new(AtomicBool::new(false));
    let mut writers = JoinSet::new();
    for writer in 0..4_u32 {
        let (subject, done) = (subject.clone(), Arc::clone(&done));
        writers.spawn(async move {
            let mut number = writer * 50;
            while !done.load(Ordering::Relaxed) {
                number = (number + 37) % 200;
                let id = format!("{number:03}");
                subject.commit([put_indexed(&id, &[(BY_DAY, &id)])]).await;
                if number % 2 == 1 {
                    subject.commit([delete(&id)]).await;
                }
                tokio::task::yield_now().await;
            }
        });
    }
    let expected: Vec<String> = (0..200).step_by(2).map(|n| format!("{n:03}")).collect();
    for round in 0..12 {
        let mut query = Query::all(THINGS).with_limit(7);
        if round % 2 == 1 {
            query = query.by(BY_DAY);
        }
        if round % 4 >= 2 {
            query = query.descending();
        }
        let mut found = subject.ids(query).await;
        if round % 4 >= 2 {
            found.reverse();
        }
        assert!(found.is_sorted(), "pages are in order");
        found.retain(|id| id.parse::<u32>().unwrap().is_multiple_of(2));
        assert_eq!(found, expected);
    }
    done.store(true, Ordering::Relaxed);
    writers.join_all().await;
}

async fn a_dropped_commit_is_whole_or_not_at_all(subject: Subject) {
    let mut sent = 0;
    for number in 0..60_u32 {
        let id = format!("{number:02}");
        let writes = [
            put(&format!("{id}/a"), "1"),
            put(&format!("{id}/b"), "1"),
            append("main", "1"),
        ];
        let commit = subject.backend.commit(&subject.organization, batch(writes));
        // Polled as often as the number says, then dropped.
        let mut commit = Box::pin(commit);
        for _ in 0..number % 4 {
            if (&mut commit).now_or_never().is_some() {
                sent += 1;
                break;
            }
            tokio::task::yield_now().await;
        }
    }
    // Whatever was on its way is through when a later commit is.
    subject.commit([append("main", "\"last\"")]).await;
    let ids = subject.ids(Query::all(THINGS)).await;
    let numbers: BTreeSet<&str> = ids.iter().map(|id| &id[..2]).collect();
    assert_eq!(
        ids.len(),
        numbers.len() * 2,
        "half a batch is written: {ids:?}"
    );
    assert!(numbers.len() >= sent, "an answered commit is lost");
    assert_eq!(subject.chain("main").await.len(), numbers.len() + 1);
}

async fn a_commit_wakes_every_watcher(subject: Subject) {
    let mut watchers = Vec::new();
    for _ in 0..3 {
        watchers.push(subject.backend.watch());
    }
    let others = subject.of("others");
    for number in 0..3 {
        subject.commit([append("main", "1")]).await;
        others.commit([put("a", "1")]).await;
        for watcher in &mut watchers {
            let mut missing: BTreeSet<_> = [&subject.organization, &others.organization].into();
            while !missing.is_empty() {
                let wake = tokio::time::timeout(PATIENCE, watcher.next()).await;
                match wake.expect("a watcher is woken").expect("it goes on") {
                    Wake::Organization(organization) => {
                        missing.remove(&organization);
                    }
                    Wake::All => missing.clear(),
                }
            }
        }
        assert_eq!(subject.head("main").await.sequence, number + 1);
    }
}

async fn a_slow_watcher_is_woken_too(subject: Subject) {
    let mut watcher = subject.backend.watch();
    for _ in 0..1_000 {
        subject.of("noisy").commit([put("a", "1")]).await;
    }
    subject.commit([append("main", "1")]).await;
    let woken = async {
        loop {
            match watcher.next().await.expect("it goes on") {
                Wake::Organization(other) if other != subject.organization => {}
                _ => return,
            }
        }
    };
    tokio::time::timeout(PATIENCE, woken)
        .await
        .expect("a watcher that was slow is told of the last commit");
}

async fn a_storm_in_one_organization_hides_no_other(subject: Subject) {
    let (noisy, calm) = (subject.of("noisy"), subject.of("calm"));
    let mut watcher = subject.backend.watch();
    let mut one = subject.backend.watch_one(&calm.organization);
    for _ in 0..1_000 {
        noisy.commit([put("a", "1")]).await;
    }
    assert!(
        one.next().now_or_never().is_none(),
        "whoever watches one organization hears of another"
    );
    calm.commit([append("main", "1")]).await;
    let told = async {
        loop {
            let wake = watcher.next().await.expect("it goes on");
            if wake == Wake::Organization(calm.organization.clone()) {
                return;
            }
            let stormy = Wake::Organization(noisy.organization.clone());
            assert_eq!(wake, stormy, "a storm has every organization looked at");
        }
    };
    let patient = tokio::time::timeout(PATIENCE, told).await;
    patient.expect("a watcher is told which organization has changed");
    let patient = tokio::time::timeout(PATIENCE, one.next()).await;
    patient
        .expect("whoever watches one organization is woken by it")
        .expect("it goes on");
}

/// Binds only those who give a number.
async fn a_count_of_writes_misses_none(subject: Subject) {
    let others = subject.of("others");
    let count = |of: &Subject| of.backend.write_count(&of.organization, &THINGS);
    let mut last = count(&subject);
    let mut moved = |what: &str| {
        let now = count(&subject);
        let news = now.is_none() || now != last;
        assert!(news, "{what} does not show in the count of writes: {now:?}");
        assert!(now.is_some() == last.is_some(), "a count comes and goes");
        last = now;
    };
    for number in 1..=20 {
        subject.commit([put("a", "1")]).await;
        moved("a put");
        subject.commit([append("main", "1"), put("a", "2")]).await;
        moved("a put among others");
        subject.commit([delete("a")]).await;
        moved("a delete");
        assert_eq!(subject.head("main").await.sequence, number);
    }
    let still = [count(&subject), count(&others)];
    assert_eq!(subject.look("a").await.0, 0);
    subject.ids(Query::all(THINGS)).await;
    assert_eq!(
        [count(&subject), count(&others)],
        still,
        "a count of writes counts reads"
    );
    let mut tasks = JoinSet::new();
    for task in 0..8 {
        let subject = subject.clone();
        tasks.spawn(async move {
            for _ in 0..25 {
                let before = subject.backend.write_count(&subject.organization, &THINGS);
                subject.commit([put(&format!("{task}"), "1")]).await;
                let after = subject.backend.write_count(&subject.organization, &THINGS);
                assert!(after.is_none() || after != before, "{before:?}");
            }
        });
    }
    tasks.join_all().await;
}
