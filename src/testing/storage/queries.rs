//! Queries: order, bounds, pages, indexes.

use std::ops::Bound;

use crate::error::ErrorKind;
use crate::storage::{Json, Query, QueryCursor};

use super::subject::{BY_DAY, BY_PLACE, Subject, THINGS, delete, key, put, put_indexed};
use super::suite::rules;

rules![
    nothing_is_found_where_nothing_is,
    ids_are_ordered_by_bytes,
    pages_of_any_size_have_everything_once,
    prefixes_and_bounds_hold,
    an_index_is_ordered_by_key_and_then_by_id,
    bounds_of_an_index_are_those_of_its_keys,
    index_entries_are_replaced_with_their_record,
    indexes_do_not_mix,
    a_cursor_of_another_query_is_refused,
    a_cursor_outside_the_bounds_does_not_widen_them,
    a_limit_out_of_range_is_held_within,
    a_page_of_large_values_ends_early,
];

/// In the order of their bytes.
const NAMES: [&str; 9] = ["A", "a", "a/", "a/1", "a/10", "a/2", "a0", "é", "\u{10000}"];

async fn fill(subject: &Subject) {
    // Not in order.
    for position in [4, 0, 8, 2, 6, 1, 7, 5, 3] {
        subject.commit([put(NAMES[position], "1")]).await;
    }
}

async fn nothing_is_found_where_nothing_is(subject: Subject) {
    for query in [
        Query::all(THINGS),
        Query::all(THINGS).by(BY_DAY),
        Query::all(THINGS).descending(),
    ] {
        let page = subject.page(&query).await;
        assert!(page.records.is_empty() && page.next.is_none());
    }
    assert!(subject.get("a").await.is_none());
    assert!(subject.journal("main", 0, 10).await.is_empty());
}

async fn ids_are_ordered_by_bytes(subject: Subject) {
    fill(&subject).await;
    let mut names = NAMES;
    assert_eq!(subject.ids(Query::all(THINGS)).await, names);
    names.reverse();
    assert_eq!(subject.ids(Query::all(THINGS).descending()).await, names);
}

async fn pages_of_any_size_have_everything_once(subject: Subject) {
    let mut ids: Vec<String> = (0..25).map(|number| format!("{number:02}")).collect();
    for id in &ids {
        // Five keys, five records each.
        let day = &id[1..].parse::<u8>().unwrap() % 5;
        let day = day.to_string();
        subject.commit([put_indexed(id, &[(BY_DAY, &day)])]).await;
    }
    let mut by_day = ids.clone();
    by_day.sort_by_key(|id| (id[1..].parse::<u8>().unwrap() % 5, id.clone()));
    for _ in 0..2 {
        for limit in [1, 2, 3, 5, 24, 25, 26, 1_000] {
            let mut query = Query::all(THINGS).with_limit(limit);
            if ids.first().is_some_and(|first| first != "00") {
                query = query.descending();
            }
            assert_eq!(subject.ids(query.clone()).await, ids, "limit {limit}");
            let query = query.by(BY_DAY);
            assert_eq!(subject.ids(query).await, by_day, "limit {limit}");
        }
        ids.reverse();
        by_day.reverse();
    }
}

async fn prefixes_and_bounds_hold(subject: Subject) {
    use Bound::{Excluded, Included, Unbounded};
    fill(&subject).await;
    let all = || Query::all(THINGS);
    let ids = async |query: Query| subject.ids(query).await;
    assert_eq!(ids(all().prefix("a/")).await, &NAMES[2..6]);
    assert_eq!(ids(all().prefix("a/1")).await, &NAMES[3..5]);
    assert_eq!(ids(all().prefix("")).await, NAMES);
    assert_eq!(ids(all().prefix("\u{10000}")).await, &NAMES[8..]);
    assert!(ids(all().prefix("b")).await.is_empty());
    let range = |from: Bound<&str>, to: Bound<&str>| {
        all().between(from.map(Into::into), to.map(Into::into))
    };
    let cases = [
        (Included("a"), Included("a/2"), 1..6),
        (Included("a"), Excluded("a/2"), 1..5),
        (Excluded("a"), Included("a/2"), 2..6),
        (Excluded("a"), Excluded("a/2"), 2..5),
        (Unbounded, Excluded("a0"), 0..6),
        (Excluded("a0"), Unbounded, 7..9),
        (Included("a/11"), Included("a/1z"), 0..0),
        (Included("b"), Included("a"), 0..0),
        (Excluded("a"), Excluded("a"), 0..0),
        (Included("a"), Included("a"), 1..2),
    ];
    for (from, to, found) in cases {
        let mut names = NAMES[found].to_vec();
        for limit in [1, 100] {
            let query = range(from, to).with_limit(limit);
            assert_eq!(ids(query.clone()).await, names, "{query:?}");
            names.reverse();
            assert_eq!(ids(query.descending()).await, names, "{from:?} {to:?}");
            names.reverse();
        }
    }
}

async fn an_index_is_ordered_by_key_and_then_by_id(subject: Subject) {
    let days = [("d", "1"), ("a", "2"), ("c", "1"), ("b", "10"), ("e", "é")];
    for (id, day) in days {
        subject.commit([put_indexed(id, &[(BY_DAY, day)])]).await;
    }
    subject.commit([put("without", "1")]).await;
    let mut found = ["c", "d", "b", "a", "e"];
    let query = Query::all(THINGS).by(BY_DAY);
    assert_eq!(subject.ids(query.clone()).await, found);
    found.reverse();
    assert_eq!(subject.ids(query.descending()).await, found);
}

async fn bounds_of_an_index_are_those_of_its_keys(subject: Subject) {
    for (id, day) in [("z", "1"), ("y", "2"), ("x", "2"), ("w", "20"), ("v", "3")] {
        subject.commit([put_indexed(id, &[(BY_DAY, day)])]).await;
    }
    let query = Query::all(THINGS).by(BY_DAY);
    let bound = |text: &str| Bound::Included(Box::<str>::from(text));
    let excluded = |text: &str| Bound::Excluded(Box::<str>::from(text));
    assert_eq!(
        subject.ids(query.clone().prefix("2")).await,
        ["x", "y", "w"]
    );
    for limit in [1, 2, 100] {
        let query = query.clone().with_limit(limit);
        let cases = [
            (bound("2"), bound("2"), vec!["x", "y"]),
            (excluded("2"), Bound::Unbounded, vec!["w", "v"]),
            (Bound::Unbounded, excluded("2"), vec!["z"]),
            (bound("2"), excluded("3"), vec!["x", "y", "w"]),
        ];
        for (from, to, mut found) in cases {
            let query = query.clone().between(from, to);
            assert_eq!(subject.ids(query.clone()).await, found, "{query:?}");
            found.reverse();
            assert_eq!(subject.ids(query.descending()).await, found);
        }
    }
}

async fn index_entries_are_replaced_with_their_record(subject: Subject) {
    let days = async || {
        let query = Query::all(THINGS).by(BY_DAY);
        let mut found = Vec::new();
        for day in ["1", "2"] {
            let query = query.clone().prefix(day);
            found.push(subject.ids(query).await.join(" "));
        }
        found
    };
    subject.commit([put_indexed("a", &[(BY_DAY, "1")])]).await;
    assert_eq!(days().await, ["a", ""]);
    subject.commit([put_indexed("a", &[(BY_DAY, "2")])]).await;
    assert_eq!(days().await, ["", "a"]);
    // The same again, and then none.
    subject.commit([put_indexed("a", &[(BY_DAY, "2")])]).await;
    assert_eq!(days().await, ["", "a"]);
    subject.commit([put("a", "1")]).await;
    assert_eq!(days().await, ["", ""]);
    subject.commit([put_indexed("a", &[(BY_DAY, "1")])]).await;
    subject.commit([delete("a")]).await;
    assert_eq!(days().await, ["", ""]);
    subject.commit([put_indexed("a", &[(BY_DAY, "2")])]).await;
    assert_eq!(days().await, ["", "a"]);
}

async fn indexes_do_not_mix(subject: Subject) {
    subject
        .commit([
            put_indexed("a", &[(BY_DAY, "1"), (BY_PLACE, "9")]),
            put_indexed("b", &[(BY_PLACE, "1")]),
            put_indexed("c", &[(BY_DAY, "9")]),
        ])
        .await;
    let query = Query::all(THINGS);
    assert_eq!(subject.ids(query.clone().by(BY_DAY)).await, ["a", "c"]);
    assert_eq!(subject.ids(query.clone().by(BY_PLACE)).await, ["b", "a"]);
    subject.commit([put_indexed("a", &[(BY_DAY, "1")])]).await;
    assert_eq!(subject.ids(query.clone().by(BY_DAY)).await, ["a", "c"]);
    assert_eq!(subject.ids(query.by(BY_PLACE)).await, ["b"]);
}

async fn a_cursor_of_another_query_is_refused(subject: Subject) {
    subject.commit([put_indexed("a", &[(BY_DAY, "1")])]).await;
    let by_id = QueryCursor::new(None, key("a"));
    let by_day = QueryCursor::new(Some("1".parse().unwrap()), key("a"));
    for query in [
        Query::all(THINGS).by(BY_DAY).with_after(by_id),
        Query::all(THINGS).with_after(by_day),
    ] {
        let answer = subject.backend.query(&subject.organization, &query).await;
        let error = answer.expect_err("a cursor is taken that does not fit");
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error:?}");
    }
}

async fn a_cursor_outside_the_bounds_does_not_widen_them(subject: Subject) {
    fill(&subject).await;
    let query = Query::all(THINGS).prefix("a/");
    let after = |id: &str| QueryCursor::new(None, key(id));
    assert_eq!(
        subject.ids(query.clone().with_after(after("A"))).await,
        &NAMES[2..6]
    );
    assert!(
        subject
            .ids(query.clone().with_after(after("b")))
            .await
            .is_empty()
    );
    // One whose record is gone since.
    subject.commit([delete("a/1")]).await;
    assert_eq!(
        subject.ids(query.clone().with_after(after("a/1"))).await,
        &NAMES[4..6]
    );
    let query = query.descending();
    assert_eq!(
        subject.ids(query.clone().with_after(after("b"))).await,
        ["a/2", "a/10", "a/"]
    );
    assert!(subject.ids(query.with_after(after("A"))).await.is_empty());
}

async fn a_limit_out_of_range_is_held_within(subject: Subject) {
    fill(&subject).await;
    let mut query = Query::all(THINGS);
    query.limit = 0;
    assert_eq!(subject.page(&query).await.records.len(), 1);
    query.limit = usize::MAX;
    assert_eq!(subject.page(&query).await.records.len(), NAMES.len());
}

async fn a_page_of_large_values_ends_early(subject: Subject) {
    let large = Json::of(&"x".repeat(1 << 20)).unwrap();
    let ids: Vec<String> = (0..10).map(|number| number.to_string()).collect();
    for id in &ids {
        subject.commit([put(id, large.as_str())]).await;
    }
    let page = subject.page(&Query::all(THINGS)).await;
    let bytes: usize = page.records.iter().map(|r| r.value.as_str().len()).sum();
    assert!(
        bytes <= Query::PAGE_BYTES + large.as_str().len(),
        "a page of {bytes} bytes"
    );
    assert_eq!(subject.ids(Query::all(THINGS)).await, ids);
}
