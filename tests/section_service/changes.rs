//! Making, changing, undoing and removing sections.

use std::sync::Arc;

use futures_util::TryStreamExt as _;
use garland::permission::Actor;
use garland::section::{HistoryKind, Reach};
use garland::storage::{Precondition, Version};
use garland::{ErrorKind, Result};
use serde_json::{Value, json};

use crate::world::{
    HandClock, Hooked, KEPT, Only, databases, dump, journal, member, memory, section, sections,
    sections_asking, store, team, user, wedding,
};

const ONE: Version = Version::new(1);

#[tokio::test]
async fn a_change_its_history_and_its_event_are_one_and_the_event_tells_no_contents() {
    for (name, backend, _folder) in databases().await {
        let sections =
            sections(&backend, &HandClock::new()).acting_as(Actor::Service("cms".into()));
        let mut made = section("b", "budget", &["couple", "couple"]);
        made["customization"] = json!({"title": "Costs\u{7}"});
        made["metadata"] = json!({"kept": true});
        let written = sections.create(&made).await.unwrap();
        assert_eq!((written.revision, written.version), (1, ONE), "{name}");

        let changes = json!({"visibility": {"conditions": {"minimumRole": "couple"}}, "layout": {"position": 4}});
        let patched = sections.patch("b", None, &changes, ONE).await.unwrap();
        assert_eq!((patched.revision, patched.version.get()), (2, 2), "{name}");
        assert_eq!(patched.scope.reach, Reach::Organization, "{name}");
        assert!(patched.scope.recompute_permissions, "{name}");

        let view = sections.read("b", None).await.unwrap();
        let wanted = json!({"id": "b", "organizationId": "studio", "sectionType": "budget", "metadata": {"kept": true},
            "visibility": {"roles": ["couple"], "conditions": {"minimumRole": "couple"}},
            "layout": {"position": 4}, "customization": {"title": "Costs"}});
        assert_eq!(view.configuration.into_value(), wanted, "{name}");

        let place = json!({"layout": {"position": 4}});
        let same = sections.patch("b", None, &place, patched.version);
        let same = same.await.unwrap();
        assert_eq!(
            (same.change, same.version.get(), same.revision),
            (None, 2, 2),
            "{name}"
        );

        sections.remove("b", patched.version).await.unwrap();
        let events = journal(&store(&backend)).await;
        let texts: Vec<_> = events.iter().map(|entry| entry.event.as_str()).collect();
        let by = r#""actor":{"service":"cms"},"subject":{"kind":"section","id":"b"}"#;
        let names: Vec<String> = sections
            .history("b")
            .map_ok(|entry| entry.change)
            .try_collect()
            .await
            .unwrap();
        let wanted = [
            format!(
                r#"{{"kind":"section.changed",{by},"data":{{"version":1,"kinds":["created"],"change":"{}"}}}}"#,
                names[0]
            ),
            format!(
                r#"{{"kind":"section.changed",{by},"data":{{"version":2,"kinds":["visibility","layout"],"change":"{}"}}}}"#,
                names[1]
            ),
            format!(
                r#"{{"kind":"section.removed",{by},"data":{{"version":2,"kinds":["removed"],"change":"{}"}}}}"#,
                names[2]
            ),
        ];
        assert_eq!(texts, wanted, "{name}");
    }
}

#[tokio::test]
async fn of_two_editors_at_once_one_is_told_and_no_field_is_lost() {
    for (name, inner, _folder) in databases().await {
        let clock = HandClock::new();
        let backend: Arc<dyn garland::storage::StorageBackend> = Arc::new(Hooked::new(&inner));
        let sections = sections(&backend, &clock);
        sections
            .create(&section("b", "budget", &["couple"]))
            .await
            .unwrap();
        let (title, place) = (
            json!({"customization": {"title": "Costs"}}),
            json!({"layout": {"position": 4}}),
        );
        let (one, other) = tokio::join!(
            sections.patch("b", None, &title, ONE),
            sections.patch("b", None, &place, ONE),
        );
        let refused = match (one, other) {
            (Ok(_), Err(error)) => (&place, error),
            (Err(error), Ok(_)) => (&title, error),
            both => panic!("{name}: {both:?}"),
        };
        assert_eq!(refused.1.kind(), ErrorKind::Conflict, "{name}");
        let text = refused.1.to_string();
        assert!(
            text.contains("wanted `1`") && text.contains("found `2`"),
            "{name}: {text}"
        );
        let again = sections
            .patch("b", None, refused.0, Version::new(2))
            .await
            .unwrap();
        assert_eq!(again.version.get(), 3, "{name}");
        let found = sections.read("b", None).await.unwrap().configuration;
        assert_eq!(
            found.as_map()["customization"],
            json!({"title": "Costs"}),
            "{name}"
        );
        assert_eq!(found.as_map()["layout"], json!({"position": 4}), "{name}");
        assert_eq!(
            found.as_map()["visibility"],
            json!({"roles": ["couple"]}),
            "{name}"
        );
    }
}

#[tokio::test]
async fn what_is_no_section_of_the_organization_is_turned_away() {
    let (backend, clock) = (memory(), HandClock::new());
    let sections = sections(&backend, &clock);
    let with = |field: &str, value: Value| {
        let mut section = section("b", "budget", &[]);
        section[field] = value;
        section
    };
    let mut deep = json!(1);
    for _ in 0..200 {
        deep = json!({"a": deep});
    }
    let wrong = [
        (json!([]), ErrorKind::InvalidInput),
        (with("id", json!("")), ErrorKind::InvalidInput),
        (
            with("organizationId", json!("another")),
            ErrorKind::InvalidInput,
        ),
        (with("sectionType", json!("")), ErrorKind::InvalidInput),
        (with("sectionType", json!(5)), ErrorKind::InvalidInput),
        (with("weddingId", json!(5)), ErrorKind::InvalidInput),
        (with("weddingId", json!("none")), ErrorKind::NotFound),
        (with("section_type", json!("x")), ErrorKind::InvalidInput),
        (
            with("visibility", json!({"roles": "admin"})),
            ErrorKind::InvalidInput,
        ),
        (
            with("visibility", json!({"roles": ["boss"]})),
            ErrorKind::InvalidInput,
        ),
        (with("metadata", deep.clone()), ErrorKind::LimitExceeded),
        (
            with("metadata", json!("x".repeat(300_000))),
            ErrorKind::LimitExceeded,
        ),
    ];
    for (section, kind) in wrong {
        let error = sections.create(&section).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
    }
    assert_eq!(dump(&store(&backend), &KEPT).await, "");

    sections.create(&section("b", "budget", &[])).await.unwrap();
    let before = dump(&store(&backend), &KEPT).await;
    for changes in [
        json!({"id": "c"}),
        json!({"permissions": {"canView": true}}),
        json!({"layout": {"responsive": deep}}),
    ] {
        assert!(sections.patch("b", None, &changes, ONE).await.is_err());
    }
    let gone = sections
        .patch("c", None, &json!({"layout": {"position": 1}}), ONE)
        .await;
    assert_eq!(gone.unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(dump(&store(&backend), &KEPT).await, before);
}

#[tokio::test]
async fn there_is_one_section_of_a_type_in_a_place() {
    let (inner, clock) = (memory(), HandClock::new());
    let backend: Arc<dyn garland::storage::StorageBackend> = Arc::new(Hooked::new(&inner));
    team(&backend, &clock)
        .put_wedding(&wedding("june", "2026-06-20"), Precondition::Any)
        .await
        .unwrap();
    let sections = sections(&backend, &clock);
    let (a, b) = (section("a", "budget", &[]), section("b", "budget", &[]));
    let (one, other) = tokio::join!(sections.create(&a), sections.create(&b));
    let kinds = [one, other].map(|made| made.err().map(|error| error.kind()));
    assert!(
        kinds.contains(&None) && kinds.contains(&Some(ErrorKind::AlreadyExists)),
        "{kinds:?}"
    );
    let mut of_june = section("c", "budget", &[]);
    of_june["weddingId"] = json!("june");
    sections.create(&of_june).await.unwrap();
    sections.remove("c", ONE).await.unwrap();
    of_june["id"] = json!("d");
    sections.create(&of_june).await.unwrap();
}

#[tokio::test]
async fn a_change_is_undone_by_a_change_unless_its_fields_were_changed_since() {
    for (name, backend, _folder) in databases().await {
        let clock = HandClock::new();
        let sections = sections(&backend, &clock);
        sections
            .create(&section("b", "budget", &["couple"]))
            .await
            .unwrap();
        let title =
            |text: &str| json!({"customization": {"title": text}, "layout": {"position": 1}});
        let first = sections.patch("b", None, &title("one"), ONE).await.unwrap();
        let color = json!({"customization": {"color": "red"}});
        let second = sections
            .patch("b", None, &color, first.version)
            .await
            .unwrap();

        // Another field of the group was changed since: no matter.
        let undone = sections.undo("b", None, first.change.as_deref().unwrap(), second.version);
        let undone = undone.await.unwrap();
        let found = sections.read("b", None).await.unwrap().configuration;
        assert_eq!(
            found.as_map()["customization"],
            json!({"color": "red"}),
            "{name}"
        );
        assert_eq!(found.as_map().get("layout"), None, "{name}");

        // And the undoing is undone.
        let redone = sections.undo("b", None, undone.change.as_deref().unwrap(), undone.version);
        let redone = redone.await.unwrap();
        let found = sections.read("b", None).await.unwrap().configuration;
        assert_eq!(
            found.as_map()["customization"],
            json!({"color": "red", "title": "one"}),
            "{name}"
        );

        let third = sections
            .patch("b", None, &title("two"), redone.version)
            .await
            .unwrap();
        let before = dump(&store(&backend), &KEPT).await;
        let late = sections
            .undo("b", None, first.change.as_deref().unwrap(), third.version)
            .await;
        let error = late.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Conflict, "{name}");
        assert!(
            error.to_string().contains("groups `customization`"),
            "{name}: {error}"
        );
        let stale = sections
            .undo("b", None, third.change.as_deref().unwrap(), redone.version)
            .await;
        assert_eq!(stale.unwrap_err().kind(), ErrorKind::Conflict, "{name}");
        let none = sections.undo("b", None, "nothing", third.version).await;
        assert_eq!(none.unwrap_err().kind(), ErrorKind::NotFound, "{name}");
        let history: Vec<_> = sections.history("b").try_collect().await.unwrap();
        let created = sections
            .undo("b", None, &history[0].change, third.version)
            .await;
        assert_eq!(created.unwrap_err().kind(), ErrorKind::Refused, "{name}");
        assert_eq!(dump(&store(&backend), &KEPT).await, before, "{name}");

        let kinds: Vec<_> = history
            .iter()
            .map(|entry| (&entry.kind, entry.version.get()))
            .collect();
        let of = |change: &Option<String>| HistoryKind::Undone(change.clone().unwrap());
        let wanted = [
            (&HistoryKind::Created, 1),
            (&HistoryKind::Changed, 2),
            (&HistoryKind::Changed, 3),
            (&of(&first.change), 4),
            (&of(&undone.change), 5),
            (&HistoryKind::Changed, 6),
        ];
        assert_eq!(kinds, wanted, "{name}");

        assert_eq!(sections.erase_history("b").await.unwrap(), 6, "{name}");
        let history: Vec<_> = sections.history("b").try_collect().await.unwrap();
        assert_eq!(history, [], "{name}");
        let gone = sections
            .undo("b", None, third.change.as_deref().unwrap(), third.version)
            .await;
        assert_eq!(gone.unwrap_err().kind(), ErrorKind::NotFound, "{name}");
    }
}

#[tokio::test]
async fn who_sees_a_section_is_for_those_who_manage_it() {
    let (backend, clock) = (memory(), HandClock::new());
    let host = sections(&backend, &clock);
    team(&backend, &clock)
        .put_member(&member("cora", "coordinator"), Precondition::Any)
        .await
        .unwrap();
    team(&backend, &clock)
        .put_member(&member("vera", "vendor"), Precondition::Any)
        .await
        .unwrap();
    host.create(&section("t", "timeline", &["vendor"]))
        .await
        .unwrap();
    let editor = Only::these(&["section.read", "section.edit"]);
    let asking = sections_asking(&backend, &clock, Arc::new(editor.clone()));
    let cora = asking.acting_as(user("cora"));
    let roles = json!({"visibility": {"roles": ["guest"]}});
    let title = json!({"customization": {"title": "x"}});
    let kind = |result: Result<_>| {
        result
            .map(|patched: garland::section::Patched| patched.version.get())
            .map_err(|error| error.kind())
    };
    assert_eq!(
        kind(cora.patch("t", None, &roles, ONE).await),
        Err(ErrorKind::Denied)
    );
    assert_eq!(kind(cora.patch("t", None, &title, ONE).await), Ok(2));
    // Vera sees it and may not edit it; Gus is nobody.
    let vera = asking.acting_as(user("vera"));
    assert_eq!(
        kind(vera.patch("t", None, &title, Version::new(2)).await),
        Err(ErrorKind::Denied)
    );
    let gus = asking.acting_as(user("gus"));
    assert_eq!(
        kind(gus.patch("t", None, &title, Version::new(2)).await),
        Err(ErrorKind::NotFound)
    );
    // A change of roles is not undone by an editor either.
    let manager = Only::these(&["section.manage"]);
    let manager = sections_asking(&backend, &clock, Arc::new(manager)).acting_as(user("cora"));
    let opened = manager
        .patch("t", None, &roles, Version::new(2))
        .await
        .unwrap();
    let undone = cora
        .undo("t", None, opened.change.as_deref().unwrap(), opened.version)
        .await;
    assert_eq!(kind(undone), Err(ErrorKind::Denied));
}

#[tokio::test]
async fn every_call_asks_and_a_refusal_gives_and_changes_nothing() {
    let (backend, clock) = (memory(), HandClock::new());
    let host = sections(&backend, &clock);
    let team = team(&backend, &clock);
    team.put_member(&member("eve", "admin"), Precondition::Any)
        .await
        .unwrap();
    team.put_wedding(&wedding("june", "2026-06-20"), Precondition::Any)
        .await
        .unwrap();
    host.create(&section("t", "timeline", &["vendor"]))
        .await
        .unwrap();
    let title = json!({"customization": {"title": "x"}});
    let patched = host.patch("t", None, &title, ONE).await.unwrap();
    host.acting_as(user("eve"))
        .personalize("t", None, &title, Precondition::Absent)
        .await
        .unwrap();
    host.keep_template("kept", "Kept", None, Precondition::Absent)
        .await
        .unwrap();
    host.recompute(&[("eve", None)]).await.unwrap();
    let before = dump(&store(&backend), &KEPT).await;

    let nobody = Only::these(&[]);
    let eve = sections_asking(&backend, &clock, Arc::new(nobody.clone())).acting_as(user("eve"));
    let denied = |result: Result<()>| assert_eq!(result.unwrap_err().kind(), ErrorKind::Denied);
    let (now, any) = (patched.version, Precondition::Any);
    let roles = json!({"visibility": {"roles": ["guest"]}});
    denied(eve.read("t", None).await.map(drop));
    denied(eve.list(None).await.map(drop));
    denied(eve.create(&section("u", "photos", &[])).await.map(drop));
    denied(eve.patch("t", None, &title, now).await.map(drop));
    denied(eve.patch("t", None, &roles, now).await.map(drop));
    denied(eve.remove("t", now).await.map(drop));
    denied(
        eve.undo("t", None, patched.change.as_deref().unwrap(), now)
            .await
            .map(drop),
    );
    denied(eve.undo("t", None, "unknown", now).await.map(drop));
    denied(eve.history("t").try_collect::<Vec<_>>().await.map(drop));
    denied(eve.erase_history("t").await.map(drop));
    denied(eve.personalize("t", None, &title, any).await.map(drop));
    denied(eve.arrangement("t").await.map(drop));
    denied(eve.keep_template("kept", "New", None, any).await.map(drop));
    denied(eve.template("kept").await.map(drop));
    denied(eve.templates().try_collect::<Vec<_>>().await.map(drop));
    denied(eve.use_template("kept", "june").await.map(drop));
    denied(eve.copy(None, "june").await.map(drop));
    denied(eve.remove_template("kept", any).await.map(drop));
    denied(eve.recompute(&[("eve", None)]).await);
    denied(eve.results("eve", None).await.map(drop));
    denied(eve.results("ann", None).await.map(drop));
    denied(
        eve.sync_organization()
            .try_collect::<Vec<_>>()
            .await
            .map(drop),
    );
    denied(eve.check().await.map(drop));
    denied(eve.check_results().await.map(drop));
    let queue = eve.queue(garland::section::QueueOptions::default());
    denied(
        queue
            .patch(user("eve"), "t", None, &title, now)
            .await
            .map(drop),
    );
    denied(queue.mark("eve", None).await);
    queue.shutdown().await.unwrap();
    assert_eq!(dump(&store(&backend), &KEPT).await, before);
    assert!(nobody.take().len() >= 25);
}
