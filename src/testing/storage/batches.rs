//! Batches: all or nothing, preconditions, versions, bounds.

use crate::error::ErrorKind;
use crate::storage::{Batch, Precondition, Query, Version, Write};

use super::subject::{
    AT, BY_DAY, Subject, THINGS, append, at, check, delete, delete_if, put, put_if, put_indexed,
};
use super::suite::rules;

rules![
    a_batch_is_written_whole,
    an_empty_batch_writes_nothing,
    a_precondition_that_holds_is_no_obstacle,
    a_failed_precondition_writes_nothing_of_its_batch,
    a_failed_precondition_leaves_other_batches_alone,
    versions_count_from_one_and_begin_anew_after_a_delete,
    deleting_what_is_not_there_is_no_error,
    the_answer_has_the_order_of_the_batch,
    the_largest_batch_is_written_and_a_larger_one_refused,
    a_record_named_twice_is_refused,
    two_entries_in_one_index_are_refused,
];

async fn a_batch_is_written_whole(subject: Subject) {
    subject.commit([put("old", "1")]).await;
    subject
        .commit([
            put("a", "[1]"),
            append("main", "\"made\""),
            delete("old"),
            put_indexed("b", &[(BY_DAY, "monday")]),
        ])
        .await;
    assert_eq!(subject.look("a").await, (1, "[1]".to_owned()));
    assert_eq!(subject.look("old").await.0, 0);
    assert_eq!(subject.ids(Query::all(THINGS).by(BY_DAY)).await, ["b"]);
    let entries = subject.chain("main").await;
    assert_eq!(entries.len(), 1);
    assert_eq!(entries[0].event.as_str(), "\"made\"");
    assert_eq!(entries[0].at, AT, "an entry keeps the time of its batch");
}

async fn an_empty_batch_writes_nothing(subject: Subject) {
    let committed = subject.commit([]).await;
    assert_eq!(committed, super::subject::nothing());
    assert!(subject.ids(Query::all(THINGS)).await.is_empty());
}

async fn a_precondition_that_holds_is_no_obstacle(subject: Subject) {
    subject
        .commit([
            put_if("a", "1", Precondition::Absent),
            put_if("b", "1", Precondition::Any),
            check("c", Precondition::Absent),
            check("d", Precondition::Any),
            delete_if("e", Precondition::Absent),
        ])
        .await;
    subject
        .commit([
            put_if("a", "2", at(1)),
            check("b", at(1)),
            check("c", Precondition::Absent),
        ])
        .await;
    assert_eq!(subject.look("a").await, (2, "2".to_owned()));
    subject
        .commit([delete_if("a", at(2)), delete_if("b", Precondition::Any)])
        .await;
    assert!(subject.ids(Query::all(THINGS)).await.is_empty());
}

async fn a_failed_precondition_writes_nothing_of_its_batch(subject: Subject) {
    subject
        .commit([put_indexed("a", &[(BY_DAY, "monday")]), put("b", "1")])
        .await;
    let wrong = [
        put_if("a", "9", Precondition::Absent),
        put_if("a", "9", at(2)),
        put_if("gone", "9", at(1)),
        delete_if("a", Precondition::Absent),
        delete_if("a", at(7)),
        delete_if("gone", at(1)),
        check("a", Precondition::Absent),
        check("a", at(2)),
        check("a", at(0)),
        check("gone", at(1)),
    ];
    for wrong in wrong {
        // Before the step that fails, and after it.
        for first in [true, false] {
            let mut writes = vec![
                put_indexed("new", &[(BY_DAY, "sunday")]),
                delete("b"),
                append("main", "1"),
            ];
            writes.insert(if first { 0 } else { 3 }, wrong.clone());
            subject.refuse(ErrorKind::Conflict, writes).await;
            assert_eq!(subject.look("a").await.0, 1, "{wrong:?}");
            assert_eq!(subject.look("b").await.0, 1, "{wrong:?}");
            assert_eq!(subject.look("new").await.0, 0, "{wrong:?}");
            assert_eq!(
                subject.ids(Query::all(THINGS).by(BY_DAY)).await,
                ["a"],
                "{wrong:?}"
            );
            assert_eq!(subject.head("main").await.sequence, 0, "{wrong:?}");
        }
    }
}

async fn a_failed_precondition_leaves_other_batches_alone(subject: Subject) {
    // All at once, as a database may write them together.
    let commits = (0..200).map(|number| {
        let id = format!("{number:03}");
        let precondition = match number % 3 {
            0 => at(1),
            _ => Precondition::Absent,
        };
        let subject = subject.clone();
        async move {
            let batch = [put_if(&id, "1", precondition), append("main", "1")];
            (number, subject.try_commit(batch).await.is_ok())
        }
    });
    for (number, written) in futures_util::future::join_all(commits).await {
        assert_eq!(written, number % 3 != 0, "batch {number}");
    }
    assert_eq!(subject.ids(Query::all(THINGS)).await.len(), 133);
    assert_eq!(subject.chain("main").await.len(), 133);
}

async fn versions_count_from_one_and_begin_anew_after_a_delete(subject: Subject) {
    for expected in 1..=3 {
        let committed = subject.commit([put("a", "1")]).await;
        assert_eq!(committed.versions, [Version::new(expected)]);
        assert_eq!(subject.look("a").await.0, expected);
    }
    subject.commit([delete("a")]).await;
    let committed = subject.commit([put("a", "1")]).await;
    assert_eq!(committed.versions, [Version::new(1)]);
}

async fn deleting_what_is_not_there_is_no_error(subject: Subject) {
    subject.commit([delete("a"), put("b", "1")]).await;
    assert_eq!(subject.look("b").await.0, 1);
}

async fn the_answer_has_the_order_of_the_batch(subject: Subject) {
    subject.commit([put("b", "1"), append("j", "1")]).await;
    let committed = subject
        .commit([
            append("j", "2"),
            put("a", "1"),
            check("c", Precondition::Absent),
            append("k", "1"),
            put("b", "2"),
            delete("d"),
            append("j", "3"),
        ])
        .await;
    assert_eq!(committed.versions, [Version::new(1), Version::new(2)]);
    assert_eq!(committed.sequences, [2, 1, 3]);
}

async fn the_largest_batch_is_written_and_a_larger_one_refused(subject: Subject) {
    let many = |number: usize| (0..number).map(|id| put(&id.to_string(), "1"));
    let writes: Vec<Write> = many(Batch::MAX + 1).collect();
    subject.refuse(ErrorKind::LimitExceeded, writes).await;
    assert!(subject.ids(Query::all(THINGS)).await.is_empty());
    subject.commit(many(Batch::MAX)).await;
    assert_eq!(subject.ids(Query::all(THINGS)).await.len(), Batch::MAX);
}

async fn a_record_named_twice_is_refused(subject: Subject) {
    let pairs = [
        [put("a", "1"), put("a", "2")],
        [put("a", "1"), delete("a")],
        [check("a", Precondition::Absent), put("a", "1")],
    ];
    for pair in pairs {
        let writes = pair.into_iter().chain([put("b", "1"), append("main", "1")]);
        subject.refuse(ErrorKind::InvalidInput, writes).await;
    }
    assert!(subject.ids(Query::all(THINGS)).await.is_empty());
    assert_eq!(subject.head("main").await.sequence, 0);
}

async fn two_entries_in_one_index_are_refused(subject: Subject) {
    let twice = put_indexed("a", &[(BY_DAY, "monday"), (BY_DAY, "tuesday")]);
    subject
        .refuse(ErrorKind::InvalidInput, [put("b", "1"), twice])
        .await;
    assert!(subject.ids(Query::all(THINGS)).await.is_empty());
}
