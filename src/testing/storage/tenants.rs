//! Organizations cannot meet.

use crate::error::ErrorKind;
use crate::storage::{Precondition, Query};

use super::subject::{BY_DAY, Subject, THINGS, append, at, delete, put, put_if, put_indexed};
use super::suite::rules;

rules![
    organizations_have_their_own_records,
    organizations_have_their_own_indexes,
    organizations_have_their_own_journals,
];

/// Names that a careless key could mix up.
const NAMES: [&str; 6] = ["a", "A", "a.b", "ab", "a_", "default"];

async fn organizations_have_their_own_records(subject: Subject) {
    for (number, name) in NAMES.iter().enumerate() {
        let own = subject.of(name);
        let value = number.to_string();
        own.commit([put_if("x", &value, Precondition::Absent)])
            .await;
        for _ in 0..number {
            own.commit([put("x", &value)]).await;
        }
        own.commit([put(name, "1")]).await;
    }
    for (number, name) in (0_u64..).zip(NAMES) {
        let own = subject.of(name);
        assert_eq!(own.look("x").await, (number + 1, number.to_string()));
        for query in [Query::all(THINGS), Query::all(THINGS).descending()] {
            let mut ids = own.ids(query.with_limit(1)).await;
            ids.sort_unstable();
            let mut expected = [name, "x"];
            expected.sort_unstable();
            assert_eq!(ids, expected);
        }
    }
    // A precondition looks at its own, and a delete hits its own.
    let (one, other) = (subject.of("a"), subject.of("ab"));
    one.refuse(ErrorKind::Conflict, [put_if("x", "1", at(4))])
        .await;
    one.commit([delete("x")]).await;
    assert_eq!(one.look("x").await.0, 0);
    assert_eq!(other.look("x").await.0, 4);
}

async fn organizations_have_their_own_indexes(subject: Subject) {
    for name in NAMES {
        subject
            .of(name)
            .commit([put_indexed(name, &[(BY_DAY, "1")])])
            .await;
    }
    let query = Query::all(THINGS).by(BY_DAY);
    for name in NAMES {
        assert_eq!(subject.of(name).ids(query.clone()).await, [name]);
    }
    subject.of("a").commit([delete("a")]).await;
    assert!(subject.of("a").ids(query.clone()).await.is_empty());
    assert_eq!(subject.of("ab").ids(query).await, ["ab"]);
}

async fn organizations_have_their_own_journals(subject: Subject) {
    for (number, name) in NAMES.iter().enumerate() {
        for event in 0..=number {
            let committed = subject
                .of(name)
                .commit([append("main", &format!("\"{name} {event}\""))])
                .await;
            assert_eq!(committed.sequences, [event as u64 + 1]);
        }
    }
    for (number, name) in NAMES.iter().enumerate() {
        let entries = subject.of(name).chain("main").await;
        assert_eq!(entries.len(), number + 1);
        let own = format!("{name} ");
        let foreign = entries
            .iter()
            .find(|entry| !entry.event.read::<String>().unwrap().starts_with(&own));
        assert_eq!(foreign, None);
    }
    assert!(subject.of("nobody").chain("main").await.is_empty());
}
