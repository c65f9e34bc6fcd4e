//! Templates and copies: whole or not at all, and never wider.

use futures_util::TryStreamExt as _;
use garland::ErrorKind;
use garland::storage::Precondition;
use serde_json::json;

use crate::world::{
    HandClock, KEPT, databases, dump, memory, section, sections, store, team, wedding,
};

const ANY: Precondition = Precondition::Any;

#[tokio::test]
async fn the_sections_of_a_wedding_are_copied_as_they_stand() {
    for (name, backend, _folder) in databases().await {
        let clock = HandClock::new();
        let (team, sections) = (team(&backend, &clock), sections(&backend, &clock));
        for id in ["june", "july", "may"] {
            team.put_wedding(&wedding(id, "2026-06-20"), ANY)
                .await
                .unwrap();
        }
        let mut photos = section("p", "photos", &["couple"]);
        photos["weddingId"] = json!("june");
        photos["visibility"]["conditions"] = json!({"minimumRole": "couple"});
        let mut budget = section("b", "budget", &["couple"]);
        budget["weddingId"] = json!("june");
        sections.create(&photos).await.unwrap();
        sections.create(&budget).await.unwrap();
        sections
            .create(&section("t", "timeline", &["guest"]))
            .await
            .unwrap();

        let ids = sections.copy(Some("june"), "july").await.unwrap();
        assert_eq!(ids.len(), 2, "{name}");
        for view in sections.list(Some("july")).await.unwrap() {
            let map = view.configuration.as_map();
            let original = match map["sectionType"].as_str().unwrap() {
                "photos" => &photos,
                "budget" => &budget,
                _ => continue,
            };
            assert_eq!(map["weddingId"], "july", "{name}");
            assert_eq!(map["visibility"], original["visibility"], "{name}");
            assert!(ids.contains(&view.id), "{name}");
        }
        let before = dump(&store(&backend), &KEPT).await;
        for (from, to, kind) in [
            (Some("june"), "july", ErrorKind::AlreadyExists),
            (Some("june"), "none", ErrorKind::NotFound),
        ] {
            let error = sections.copy(from, to).await.unwrap_err();
            assert_eq!(error.kind(), kind, "{name}");
        }
        assert_eq!(dump(&store(&backend), &KEPT).await, before, "{name}");

        // Of a template, one section is there already: none is made.
        let kept =
            sections.keep_template("studio", "Our usual", Some("june"), Precondition::Absent);
        kept.await.unwrap();
        let again = sections
            .keep_template("studio", "Our usual", None, Precondition::Absent)
            .await;
        assert_eq!(again.unwrap_err().kind(), ErrorKind::Conflict, "{name}");
        let mut one = section("x", "budget", &[]);
        one["weddingId"] = json!("may");
        let made = sections.create(&one).await.unwrap();
        let before = dump(&store(&backend), &KEPT).await;
        let error = sections.use_template("studio", "may").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::AlreadyExists, "{name}");
        assert_eq!(dump(&store(&backend), &KEPT).await, before, "{name}");
        sections.remove("x", made.version).await.unwrap();
        assert_eq!(
            sections.use_template("studio", "may").await.unwrap().len(),
            2,
            "{name}"
        );

        let listed: Vec<_> = sections.templates().try_collect().await.unwrap();
        assert_eq!(listed.len(), 1, "{name}");
        assert_eq!(
            sections
                .template("studio")
                .await
                .unwrap()
                .unwrap()
                .value
                .name,
            "Our usual"
        );
        sections.remove_template("studio", ANY).await.unwrap();
        assert_eq!(sections.template("studio").await.unwrap(), None, "{name}");
        let error = sections.use_template("studio", "may").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound, "{name}");
        assert!(sections.check().await.unwrap().is_valid(), "{name}");
    }
}

#[tokio::test]
async fn twenty_four_sections_go_at_once_and_no_more() {
    let (backend, clock) = (memory(), HandClock::new());
    let (team, sections) = (team(&backend, &clock), sections(&backend, &clock));
    for id in ["june", "july"] {
        team.put_wedding(&wedding(id, "2026-06-20"), ANY)
            .await
            .unwrap();
    }
    for number in 0..24 {
        let id = format!("s{number}");
        sections
            .create(&section(&id, &format!("type {number}"), &["guest"]))
            .await
            .unwrap();
    }
    assert_eq!(sections.copy(None, "june").await.unwrap().len(), 24);
    sections
        .create(&section("s24", "type 24", &["guest"]))
        .await
        .unwrap();
    let error = sections.copy(None, "july").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::LimitExceeded);
    let error = sections
        .keep_template("all", "All", None, ANY)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::LimitExceeded);
}
