//! Names and values: every text comes back as it was.

use crate::storage::{
    CollectionName, IndexKey, JournalName, Json, Precondition, Query, RecordId, Write,
};

use super::subject::{AT, BY_DAY, BY_PLACE, Subject, THINGS, append, key, put, put_indexed};
use super::suite::rules;

rules![
    text_of_any_script_comes_back,
    names_differ_by_every_byte,
    the_longest_names_are_taken,
    any_collection_can_be_named,
    json_comes_back_to_the_byte,
    large_values_come_back_whole,
];

const SCRIPTS: &[&str] = &[
    "Zoë & Łukasz",
    "山田・花子",
    "שרה ודוד",
    "💍👰🏽\u{200d}♀️",
    "O'Brien \"the\" %_ \\ ; --",
    "line\nbreak\ttab",
    "\u{1}\u{7f}\u{feff}\u{ffff}\u{10ffff}",
    " ",
];

async fn text_of_any_script_comes_back(subject: Subject) {
    for text in SCRIPTS {
        let value = Json::of(text).unwrap();
        let writes = [
            Write::Put {
                collection: THINGS,
                id: key(text),
                value: value.clone(),
                indexes: vec![(BY_DAY, text.parse().unwrap())],
                precondition: Precondition::Any,
            },
            append(text, value.as_str()),
        ];
        subject.commit(writes).await;
        assert_eq!(subject.look(text).await.1, value.as_str());
        let found = Query::all(THINGS).by(BY_DAY).prefix(text);
        assert_eq!(subject.ids(found).await, [*text]);
        assert_eq!(subject.chain(text).await[0].event, value);
    }
}

async fn names_differ_by_every_byte(subject: Subject) {
    let mut names = [
        "a", "A", "a ", " a", "á", "a\u{301}", "aa", "a\u{1}", "1", "01",
    ];
    for name in names {
        subject
            .commit([
                put(name, Json::of(name).unwrap().as_str()),
                append(name, Json::of(name).unwrap().as_str()),
            ])
            .await;
    }
    for name in names {
        let value = Json::of(name).unwrap();
        assert_eq!(subject.look(name).await, (1, value.as_str().to_owned()));
        let entries = subject.chain(name).await;
        assert_eq!(entries.len(), 1, "journal {name:?}");
        assert_eq!(entries[0].event, value);
    }
    names.sort_unstable();
    assert_eq!(subject.ids(Query::all(THINGS)).await, names);
}

async fn the_longest_names_are_taken(subject: Subject) {
    let id = "é".repeat(RecordId::MAX / 2);
    let index = "k".repeat(IndexKey::MAX);
    let journal = "j".repeat(JournalName::MAX);
    let other = format!("{}k", "é".repeat(RecordId::MAX / 2 - 1));
    subject
        .commit([
            put_indexed(&id, &[(BY_DAY, &index), (BY_PLACE, &index)]),
            put_indexed(&other, &[(BY_DAY, &index)]),
            append(&journal, "1"),
        ])
        .await;
    let query = Query::all(THINGS).by(BY_DAY).with_limit(1);
    assert_eq!(subject.ids(query).await, [other, id.clone()]);
    assert_eq!(subject.ids(Query::all(THINGS).by(BY_PLACE)).await, [id]);
    assert_eq!(subject.chain(&journal).await.len(), 1);
}

async fn any_collection_can_be_named(subject: Subject) {
    // Words that a database may want for itself.
    let names = [
        "records",
        "index_entries",
        "journal_entries",
        "journal_heads",
        "journals",
        "sqlite_schema",
        "sqlite_things",
        "pg_class",
        "select",
        "table",
        "7",
        "_",
    ];
    for name in names {
        let collection: CollectionName = name.parse().unwrap();
        let write = Write::Put {
            collection: collection.clone(),
            id: key("a"),
            value: Json::of(name).unwrap(),
            indexes: vec![(BY_DAY, "monday".parse().unwrap())],
            precondition: Precondition::Absent,
        };
        subject.commit([write]).await;
        let found = subject
            .backend
            .get(&subject.organization, &collection, &key("a"))
            .await;
        let found = found.expect("a record is read").expect("it is there");
        assert_eq!(found.value, Json::of(name).unwrap());
        assert_eq!(subject.ids(Query::all(collection).by(BY_DAY)).await, ["a"]);
    }
}

async fn json_comes_back_to_the_byte(subject: Subject) {
    let texts = [
        r#"{"b": 1.50, "a" :"\u00e9\u0000", "b": 2}"#,
        "12345678901234567890.000",
        "1e400",
        "\"\"",
        " null ",
    ];
    for text in texts {
        subject.commit([put("a", text), append("main", text)]).await;
        assert_eq!(subject.look("a").await.1, text);
    }
    let entries = subject.chain("main").await;
    let events: Vec<&str> = entries.iter().map(|entry| entry.event.as_str()).collect();
    assert_eq!(events, texts);
    assert!(entries.iter().all(|entry| entry.at == AT));
}

async fn large_values_come_back_whole(subject: Subject) {
    let large = Json::of(&"ß".repeat(512 << 10)).unwrap();
    subject
        .commit([put("a", large.as_str()), append("main", large.as_str())])
        .await;
    subject.commit([put("b", "1")]).await;
    assert!(subject.look("a").await == (1, large.as_str().to_owned()));
    assert!(subject.chain("main").await[0].event == large);
    assert_eq!(subject.ids(Query::all(THINGS)).await, ["a", "b"]);
}
