//! Two databases that are told the same give the same answers.
#![cfg(feature = "sqlite")]

use std::ops::Bound;
use std::path::Path;

use garland::backends::{Memory, Sqlite};
use garland::storage::{
    Batch, CollectionName, IndexName, JournalEntry, Json, Precondition, Query, RecordPage,
    StorageBackend, Version, Write,
};
use garland::{ErrorKind, OrganizationId, Timestamp};
use proptest::prelude::*;

const COLLECTIONS: [CollectionName; 3] = [
    CollectionName::new("things"),
    CollectionName::new("records"),
    CollectionName::new("leases"),
];
const INDEXES: [IndexName; 2] = [IndexName::new("by_day"), IndexName::new("by_place")];
const TEXTS: [&str; 6] = ["a", "a/", "a/1", "ab", "é", "\u{10000}"];

#[derive(Clone, Debug)]
enum Step {
    Commit(usize, i64, Vec<Write>),
    Page(usize, Query),
    Journal(usize, usize, u64, usize),
    Restart,
}

fn text() -> impl Strategy<Value = &'static str> {
    prop::sample::select(&TEXTS[..])
}

fn precondition() -> impl Strategy<Value = Precondition> {
    prop_oneof![
        4 => Just(Precondition::Any),
        1 => Just(Precondition::Absent),
        2 => (0_u64..4).prop_map(|version| Precondition::At(Version::new(version))),
    ]
}

fn write() -> impl Strategy<Value = Write> {
    let collection = || prop::sample::select(COLLECTIONS.to_vec());
    let indexes = prop::collection::vec((prop::sample::select(INDEXES.to_vec()), text()), 0..3);
    prop_oneof![
        5 => (collection(), text(), 0..9_u8, indexes, precondition()).prop_map(
            |(collection, id, value, indexes, precondition)| Write::Put {
                collection,
                id: id.parse().unwrap(),
                value: Json::of(&value).unwrap(),
                indexes: indexes
                    .into_iter()
                    .map(|(name, key)| (name, key.parse().unwrap()))
                    .collect(),
                precondition,
            }
        ),
        2 => (collection(), text(), precondition()).prop_map(|(collection, id, precondition)| {
            Write::Delete {
                collection,
                id: id.parse().unwrap(),
                precondition,
            }
        }),
        1 => (collection(), text(), precondition()).prop_map(|(collection, id, precondition)| {
            Write::Check {
                collection,
                id: id.parse().unwrap(),
                precondition,
            }
        }),
        2 => (text(), 0..9_u8).prop_map(|(journal, event)| Write::Append {
            journal: journal.parse().unwrap(),
            event: Json::of(&event).unwrap(),
        }),
    ]
}

fn bound() -> impl Strategy<Value = Bound<Box<str>>> {
    prop_oneof![
        2 => Just(Bound::Unbounded),
        1 => text().prop_map(|text| Bound::Included(text.into())),
        1 => text().prop_map(|text| Bound::Excluded(text.into())),
    ]
}

fn query() -> impl Strategy<Value = Query> {
    (
        prop::sample::select(COLLECTIONS.to_vec()),
        prop::option::of(prop::sample::select(INDEXES.to_vec())),
        bound(),
        bound(),
        any::<bool>(),
        1_usize..5,
    )
        .prop_map(|(collection, index, from, to, descending, limit)| {
            let mut query = Query::all(collection).between(from, to).with_limit(limit);
            query.index = index;
            query.descending = descending;
            query
        })
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (0..2_usize, 0..9_i64, prop::collection::vec(write(), 0..5))
            .prop_map(|(organization, at, writes)| Step::Commit(organization, at, writes)),
        4 => (0..2_usize, query()).prop_map(|(organization, query)| Step::Page(organization, query)),
        2 => (0..2_usize, 0..TEXTS.len(), 0..5_u64, 0..4_usize)
            .prop_map(|(organization, journal, after, limit)| {
                Step::Journal(organization, journal, after, limit)
            }),
        1 => Just(Step::Restart),
    ]
}

#[derive(Debug, PartialEq)]
enum Answer {
    Committed(Result<garland::storage::Committed, (ErrorKind, String)>),
    Pages(Vec<RecordPage>),
    Journal(Vec<JournalEntry>, garland::storage::JournalHead),
    Nothing,
}

async fn answer(database: &dyn StorageBackend, step: &Step) -> Answer {
    let organization = |number: usize| -> OrganizationId { ["a", "ab"][number].parse().unwrap() };
    match step {
        Step::Commit(number, at, writes) => {
            let mut batch = Batch::new(Timestamp::from_millis(*at));
            for write in writes {
                batch.push(write.clone());
            }
            let committed = database.commit(&organization(*number), batch).await;
            Answer::Committed(committed.map_err(|error| (error.kind(), error.to_string())))
        }
        Step::Page(number, query) => {
            let (mut query, mut pages) = (query.clone(), Vec::new());
            loop {
                let page = database
                    .query(&organization(*number), &query)
                    .await
                    .unwrap();
                let next = page.next.clone();
                pages.push(page);
                match next {
                    Some(next) => query = query.with_after(next),
                    None => return Answer::Pages(pages),
                }
            }
        }
        Step::Journal(number, journal, after, limit) => {
            let (organization, journal) = (organization(*number), TEXTS[*journal].parse().unwrap());
            let entries = database
                .read_journal(&organization, &journal, *after, *limit)
                .await;
            let head = database.journal_head(&organization, &journal).await;
            Answer::Journal(entries.unwrap(), head.unwrap())
        }
        Step::Restart => Answer::Nothing,
    }
}

async fn compare(path: &Path, steps: Vec<Step>) {
    let (mut memory, mut sqlite) = (Memory::new(), Sqlite::open(path).await.unwrap());
    for step in steps {
        if matches!(step, Step::Restart) {
            sqlite.close().await;
            sqlite = Sqlite::open(path).await.unwrap();
            memory = memory.reopen();
        }
        assert_eq!(
            answer(&sqlite, &step).await,
            answer(&memory, &step).await,
            "{step:?}"
        );
    }
    sqlite.close().await;
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn sqlite_answers_as_memory_does(steps in prop::collection::vec(step(), 1..60)) {
        let folder = tempfile::tempdir().unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(compare(&folder.path().join("studio.db"), steps));
    }
}
