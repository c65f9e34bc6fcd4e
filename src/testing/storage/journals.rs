//! Journals: numbers without gaps, chained, read in order.

use crate::error::ErrorKind;
use crate::storage::{ChainHash, JournalHead, Json, Query};

use super::subject::{Subject, append, at, put, put_if};
use super::suite::rules;

rules![
    a_journal_without_entries_has_an_end,
    entries_are_numbered_and_chained,
    the_chain_is_that_of_the_specification,
    a_batch_appends_to_several_journals,
    a_refused_batch_takes_no_number,
    a_journal_is_read_from_anywhere,
    concurrent_appenders_leave_no_gap,
    a_page_of_large_events_ends_early,
];

async fn a_journal_without_entries_has_an_end(subject: Subject) {
    assert_eq!(subject.head("main").await, JournalHead::default());
    subject
        .commit([put("main", "1"), append("other", "1")])
        .await;
    assert_eq!(subject.head("main").await, JournalHead::default());
    assert!(subject.journal("main", 0, 10).await.is_empty());
}

async fn entries_are_numbered_and_chained(subject: Subject) {
    for number in 1..=250_u32 {
        let committed = subject.commit([append("main", &number.to_string())]).await;
        assert_eq!(committed.sequences, [u64::from(number)]);
    }
    let entries = subject.chain("main").await;
    for (number, entry) in (1..).zip(&entries) {
        assert_eq!(entry.event.read::<u64>().unwrap(), number);
    }
    assert_eq!(entries.len(), 250);
}

async fn the_chain_is_that_of_the_specification(subject: Subject) {
    subject.commit([append("main", "{\"a\": 1}")]).await;
    let event = Json::parse("{\"a\": 1}").unwrap();
    let first = ChainHash::START.link(1, super::subject::AT, &event);
    assert_eq!(subject.head("main").await, JournalHead::new(1, first));
}

async fn a_batch_appends_to_several_journals(subject: Subject) {
    for round in 0..3_u64 {
        let committed = subject
            .commit([
                append("main", "1"),
                append("thread/1", "1"),
                append("main", "2"),
                append("thread/2", "1"),
            ])
            .await;
        let main = round * 2;
        assert_eq!(
            committed.sequences,
            [main + 1, round + 1, main + 2, round + 1]
        );
    }
    assert_eq!(subject.chain("main").await.len(), 6);
    assert_eq!(subject.chain("thread/1").await.len(), 3);
    assert_eq!(subject.chain("thread/2").await.len(), 3);
    assert!(subject.chain("thread/").await.is_empty());
}

async fn a_refused_batch_takes_no_number(subject: Subject) {
    subject.commit([append("main", "1")]).await;
    subject
        .refuse(
            ErrorKind::Conflict,
            [
                append("main", "2"),
                put_if("a", "1", at(3)),
                append("main", "3"),
            ],
        )
        .await;
    let committed = subject.commit([append("main", "4")]).await;
    assert_eq!(committed.sequences, [2]);
    assert_eq!(subject.chain("main").await.len(), 2);
}

async fn a_journal_is_read_from_anywhere(subject: Subject) {
    for number in 1..=10 {
        subject.commit([append("main", &number.to_string())]).await;
    }
    let numbers = async |after: u64, limit: usize| {
        let entries = subject.journal("main", after, limit).await;
        entries
            .iter()
            .map(|entry| entry.sequence)
            .collect::<Vec<_>>()
    };
    assert_eq!(numbers(0, 3).await, [1, 2, 3]);
    assert_eq!(numbers(3, 3).await, [4, 5, 6]);
    assert_eq!(numbers(8, 3).await, [9, 10]);
    assert_eq!(numbers(10, 3).await, [0_u64; 0]);
    assert_eq!(numbers(11, 3).await, [0_u64; 0]);
    assert_eq!(numbers(u64::MAX, 3).await, [0_u64; 0]);
    assert_eq!(numbers(0, 0).await, [1], "a limit of 0 is one of 1");
    assert_eq!(numbers(0, usize::MAX).await.len(), 10);
}

async fn concurrent_appenders_leave_no_gap(subject: Subject) {
    let mut tasks = tokio::task::JoinSet::new();
    for task in 0..16_u64 {
        let subject = subject.clone();
        tasks.spawn(async move {
            let mut given = Vec::new();
            for number in 0..20_u64 {
                let own = format!("own/{task}");
                let event = (task * 100 + number).to_string();
                let batch = [append("main", &event), append(&own, &event)];
                given.push(subject.commit(batch).await.sequences[0]);
            }
            assert!(given.is_sorted(), "a later commit has a later number");
            (task, given)
        });
    }
    let given = tasks.join_all().await;
    let entries = subject.chain("main").await;
    assert_eq!(entries.len(), 16 * 20);
    for (task, given) in given {
        for (number, sequence) in (0..).zip(given) {
            let found = entries.iter().find(|entry| entry.sequence == sequence);
            let event = found.map(|entry| entry.event.read::<u64>().unwrap());
            assert_eq!(
                event,
                Some(task * 100 + number),
                "the number that was given"
            );
        }
        assert_eq!(subject.chain(&format!("own/{task}")).await.len(), 20);
    }
    assert_eq!(subject.head("main").await.sequence, 320);
}

async fn a_page_of_large_events_ends_early(subject: Subject) {
    let large = Json::of(&"x".repeat(1 << 20)).unwrap();
    for _ in 0..10 {
        subject.commit([append("main", large.as_str())]).await;
    }
    let page = subject.journal("main", 0, 1_000).await;
    let bytes: usize = page.iter().map(|entry| entry.event.as_str().len()).sum();
    assert!(
        bytes <= Query::PAGE_BYTES + large.as_str().len(),
        "a page of {bytes} bytes"
    );
    assert_eq!(subject.chain("main").await.len(), 10);
}
