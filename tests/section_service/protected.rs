//! Who may not manage a protected section learns nothing of it by another way: not by its past, not by a template.

use std::sync::Arc;

use async_trait::async_trait;
use futures_util::{StreamExt as _, TryStreamExt as _};
use garland::permission::{
    Action, Actor, Decision, PermissionResolver, PermissionSnapshot, Reason, Resource,
};
use garland::section::{SECTION_HISTORY, SectionService};
use garland::storage::{Batch, Json, Precondition, Query, RecordId, Version, Write};
use garland::team::Access;
use garland::wedding::AccessLevel;
use garland::{ErrorKind, Organization, OrganizationId, Result, Timestamp};
use serde_json::{Value, json};

use crate::stored::{build, kind};
use crate::world::{
    HandClock, KEPT, Only, dump, member, memory, section, sections, sections_asking, store, team,
    user, wedding,
};

const ANY: Precondition = Precondition::Any;
const DENIED: Option<ErrorKind> = Some(ErrorKind::Denied);

/// An organization with an administrator, a coordinator and three weddings.
async fn staffed() -> (Organization, SectionService, SectionService) {
    let host = build().await;
    for (id, role) in [("ada", "admin"), ("cora", "coordinator")] {
        host.team()
            .put_member(&member(id, role), ANY)
            .await
            .unwrap();
    }
    for id in ["june", "july", "may"] {
        let wedding = wedding(id, "2026-06-20");
        host.team().put_wedding(&wedding, ANY).await.unwrap();
    }
    let of = |id: &str| host.as_actor(user(id)).sections();
    let (ada, cora) = (of("ada"), of("cora"));
    (host, ada, cora)
}

fn titled(id: &str, section_type: &str, wedding: Option<&str>, title: &str) -> Value {
    let mut made = section(id, section_type, &["admin"]);
    made["customization"] = json!({"title": title});
    if let Some(wedding) = wedding {
        made["weddingId"] = json!(wedding);
    }
    made
}

async fn everything(host: &Organization) -> String {
    dump(&host.store().await.unwrap(), &KEPT).await
}

/// Nothing protected is shown to somebody who is refused at the end. How much else comes before that is up to the names
/// of the changes, which are ordered by a clock that stands.
async fn refused(of: &SectionService, section: &str) -> bool {
    let mut past = of.history(section);
    while let Some(entry) = past.next().await {
        match entry {
            Ok(entry) => assert_eq!(entry.section_type.as_deref(), Some("photos")),
            Err(error) => return error.kind() == ErrorKind::Denied,
        }
    }
    false
}

/// How many changes somebody is shown, and what they are told at the end.
async fn shown(of: &SectionService, section: &str) -> (usize, Option<ErrorKind>) {
    let mut past = of.history(section);
    let (mut count, mut end) = (0, None);
    while let Some(entry) = past.next().await {
        assert_eq!(end, None, "a refusal is the last item");
        match entry {
            Ok(_) => count += 1,
            Err(error) => end = Some(error.kind()),
        }
    }
    (count, end)
}

#[tokio::test]
async fn the_past_of_a_protected_section_is_for_those_who_may_manage_it() {
    for (name, place) in [
        ("billing", None),
        ("admin", None),
        ("billing", Some("june")),
    ] {
        let (host, ada, cora) = staffed().await;
        let made = ada.create(&titled("x", name, place, "Ours")).await.unwrap();
        let title = json!({"customization": {"title": "The sum"}});
        let patched = ada.patch("x", place, &title, made.version).await;
        // An administrator edits what lists them.
        let patched = match patched {
            Ok(patched) => patched,
            Err(_) => host
                .sections()
                .patch("x", place, &title, made.version)
                .await
                .unwrap(),
        };
        let before = everything(&host).await;
        assert_eq!(shown(&cora, "x").await, (0, DENIED), "{name}");
        assert_eq!(kind(cora.erase_history("x").await), DENIED, "{name}");
        assert_eq!(everything(&host).await, before, "{name}");
        assert_eq!(shown(&ada, "x").await, (2, None), "{name}");

        // It is asked no less of one that is gone.
        ada.remove("x", patched.version).await.unwrap();
        let before = everything(&host).await;
        assert_eq!(shown(&cora, "x").await, (0, DENIED), "{name}");
        assert_eq!(kind(cora.erase_history("x").await), DENIED, "{name}");
        assert_eq!(everything(&host).await, before, "{name}");

        // Nor if another takes its name.
        let mut photos = titled("x", "photos", place, "The sum");
        photos["visibility"]["roles"] = json!(["coordinator"]);
        photos["permissions"] = json!({"canEdit": ["coordinator"]});
        let made = cora.create(&photos).await.unwrap();
        let before = everything(&host).await;
        assert!(refused(&cora, "x").await, "{name}");
        assert_eq!(kind(cora.erase_history("x").await), DENIED, "{name}");
        let change = patched.change.unwrap();
        let undone = cora.undo("x", place, &change, made.version).await;
        assert_eq!(kind(undone), DENIED, "{name}");
        assert_eq!(everything(&host).await, before, "{name}");
        assert_eq!(shown(&ada, "x").await, (4, None), "{name}");
        assert_eq!(ada.erase_history("x").await.unwrap(), 4, "{name}");
        assert_eq!(shown(&cora, "x").await, (0, None), "{name}");
    }
}

#[tokio::test]
async fn the_past_of_any_other_section_is_the_coordinators_to_read() {
    let (host, ada, cora) = staffed().await;
    let made = cora
        .create(&titled("x", "photos", None, "Ours"))
        .await
        .unwrap();
    assert_eq!(shown(&cora, "x").await, (1, None));
    cora.remove("x", made.version).await.unwrap();
    assert_eq!(shown(&cora, "x").await, (2, None));
    ada.create(&titled("x", "billing", None, "The sum"))
        .await
        .unwrap();
    assert_eq!(shown(&cora, "x").await, (0, DENIED));
    let before = everything(&host).await;
    assert_eq!(kind(cora.erase_history("x").await), DENIED);
    assert_eq!(everything(&host).await, before);
    ada.remove("x", Version::new(1)).await.unwrap();
    assert!(refused(&cora, "x").await);
    let before = everything(&host).await;
    // All or nothing: not the part they may erase.
    assert_eq!(kind(cora.erase_history("x").await), DENIED);
    assert_eq!(everything(&host).await, before);
}

/// A change of an earlier section of the name is not an editor's to bring into the one there is now.
#[tokio::test]
async fn a_change_made_in_another_wedding_is_undone_by_who_manages_sections() {
    let (host, _, cora) = staffed().await;
    let ann = member("ann", "couple");
    host.team().put_member(&ann, ANY).await.unwrap();
    let in_wedding = |place: &str, title: &str| {
        let mut made = titled("x", "photos", Some(place), title);
        made["visibility"]["roles"] = json!(["couple"]);
        made["permissions"] = json!({"canEdit": ["couple"]});
        made
    };
    let made = cora.create(&in_wedding("june", "Of Junes")).await.unwrap();
    let title = json!({"customization": {"title": "Plain"}});
    let service = host.sections();
    let patched = service.patch("x", Some("june"), &title, made.version);
    let patched = patched.await.unwrap();
    cora.remove("x", patched.version).await.unwrap();
    let made = cora.create(&in_wedding("july", "Plain")).await.unwrap();

    let access = [Access::new("july", AccessLevel::Full)];
    host.team()
        .change_access("ann", &access, ANY)
        .await
        .unwrap();
    let ann = host.as_actor(user("ann")).sections();
    let change = patched.change.unwrap();
    let undone = ann.undo("x", Some("july"), &change, made.version).await;
    assert_eq!(kind(undone), DENIED);
    // She may edit it there, and undo what is its own.
    let title = json!({"customization": {"title": "Ours"}});
    let own = ann
        .patch("x", Some("july"), &title, made.version)
        .await
        .unwrap();
    let own_change = own.change.unwrap();
    let undone = ann.undo("x", Some("july"), &own_change, own.version);
    let undone = undone.await.unwrap();
    let undone = service.undo("x", Some("july"), &change, undone.version);
    undone.await.unwrap();
}

#[tokio::test]
async fn a_template_tells_of_a_protected_section_only_those_who_may_manage_it() {
    let (host, ada, cora) = staffed().await;
    ada.create(&titled("b", "billing", Some("june"), "The sum"))
        .await
        .unwrap();
    ada.create(&titled("a", "admin", None, "The sum"))
        .await
        .unwrap();
    cora.create(&titled("p", "photos", Some("july"), "Ours"))
        .await
        .unwrap();
    ada.keep_template("money", "Money", Some("june"), ANY)
        .await
        .unwrap();
    ada.keep_template("office", "Office", None, ANY)
        .await
        .unwrap();
    cora.keep_template("plain", "Plain", Some("july"), ANY)
        .await
        .unwrap();
    let before = everything(&host).await;

    for from in [None, Some("june")] {
        assert_eq!(
            kind(cora.keep_template("mine", "Mine", from, ANY).await),
            DENIED
        );
        assert_eq!(kind(cora.copy(from, "may").await), DENIED);
    }
    for id in ["money", "office"] {
        assert_eq!(kind(cora.template(id).await), DENIED, "{id}");
        assert_eq!(kind(cora.use_template(id, "may").await), DENIED, "{id}");
        // What replaces it or takes it away is about it too.
        assert_eq!(kind(cora.remove_template(id, ANY).await), DENIED, "{id}");
        let replaced = cora.keep_template(id, "Mine", Some("july"), ANY).await;
        assert_eq!(kind(replaced), DENIED, "{id}");
        assert!(ada.template(id).await.unwrap().is_some());
    }
    assert_eq!(everything(&host).await, before);

    let listed = async |of: &SectionService| -> Vec<String> {
        let all: Vec<_> = of.templates().try_collect().await.unwrap();
        all.iter().map(|found| found.id.to_string()).collect()
    };
    assert_eq!(listed(&cora).await, ["plain"]);
    assert_eq!(listed(&ada).await, ["money", "office", "plain"]);
    assert!(cora.template("plain").await.unwrap().is_some());
    assert_eq!(cora.use_template("plain", "may").await.unwrap().len(), 1);
    cora.remove_template("plain", ANY).await.unwrap();
}

/// Who is let see a protected section is not told who else is.
#[tokio::test]
async fn who_sees_a_protected_section_is_told_to_those_who_decide_it() {
    let (_, ada, cora) = staffed().await;
    let mut billing = titled("b", "billing", None, "The sum");
    billing["visibility"]["roles"] = json!(["admin", "coordinator"]);
    ada.create(&billing).await.unwrap();
    let has = |view: garland::section::SectionView| {
        view.configuration.as_map().contains_key("visibility")
    };
    assert!(has(ada.read("b", None).await.unwrap()));
    assert!(!has(cora.read("b", None).await.unwrap()));
    let mut listed = cora.list(None).await.unwrap();
    assert!(!has(listed.remove(0)));
}

/// Nor by what was worked out of others, or by what is wrong with it.
#[tokio::test]
async fn what_others_see_of_protected_sections_is_told_to_those_who_decide_it() {
    let (host, ada, cora) = staffed().await;
    let bo = member("bo", "photographer");
    host.team().put_member(&bo, ANY).await.unwrap();
    for (id, name) in [("b", "billing"), ("p", "photos"), ("v", "guest_list")] {
        let mut made = section(id, name, &["photographer", "vendor"]);
        made["permissions"] = json!({"canEdit": ["guest"]});
        ada.create(&made).await.unwrap();
    }
    ada.recompute(&[("bo", None), ("cora", None)])
        .await
        .unwrap();
    let seen = async |of: &SectionService, whose: &str| -> Vec<String> {
        let results = of.results(whose, None).await.unwrap().unwrap();
        let types = results.sections.iter();
        let mut types: Vec<_> = types.map(|one| one.section_type.to_string()).collect();
        types.sort();
        types
    };
    let all = ["billing", "guest_list", "photos"];
    assert_eq!(seen(&ada, "bo").await, all);
    assert_eq!(seen(&host.as_actor(user("bo")).sections(), "bo").await, all);
    assert_eq!(seen(&cora, "cora").await, all, "her own");
    assert_eq!(seen(&cora, "bo").await, ["guest_list", "photos"]);

    let found = |report: garland::permission::IssueReport| -> Vec<(String, &'static str, String)> {
        let issues = report.issues().iter();
        let told = issues.map(|one| {
            let subject = one.subject.clone().unwrap_or_default();
            (subject, one.code.as_str(), one.detail.join(" "))
        });
        told.collect()
    };
    let (whole, part) = (ada.check().await.unwrap(), cora.check().await.unwrap());
    let (whole, part) = (found(whole), found(part));
    assert!(
        whole
            .iter()
            .any(|(id, code, _)| id == "b" && *code == "restricted_role_listed")
    );
    assert!(
        whole
            .iter()
            .any(|(id, code, _)| id == "b" && *code == "edit_without_view")
    );
    let plain = whole.into_iter().filter(|(id, ..)| id != "b");
    assert_eq!(part, plain.collect::<Vec<_>>());
    assert!(
        part.iter()
            .any(|(id, code, _)| id == "v" && *code == "restricted_role_listed")
    );

    let whole = found(ada.check_results().await.unwrap());
    let part = found(cora.check_results().await.unwrap());
    let restricted = |detail: &str| ("bo".to_owned(), "restricted_section", detail.to_owned());
    assert!(whole.contains(&restricted(" billing")), "{whole:?}");
    assert!(
        whole
            .iter()
            .any(|(id, _, detail)| id == "ada" && detail.contains("billing"))
    );
    assert!(
        part.iter().all(|(.., detail)| !detail.contains("billing")),
        "{part:?}"
    );
    // What else is wrong with the same person is told all the same.
    let missing = |(id, code, detail): &(String, &str, String)| {
        id == "ada" && *code == "missing_required" && detail == " dashboard"
    };
    assert!(part.iter().any(missing), "{part:?}");
}

/// What has no type that can be read may have been any.
#[tokio::test]
async fn a_past_whose_type_cannot_be_read_is_taken_for_protected() {
    let (backend, clock) = (memory(), HandClock::new());
    let kept = store(&backend);
    let host = sections(&backend, &clock);
    let may = Only::these(&["section.manage"]);
    let cora = sections_asking(&backend, &clock, Arc::new(may)).acting_as(user("cora"));
    let made = host
        .create(&section("x", "photos", &["guest"]))
        .await
        .unwrap();
    host.remove("x", made.version).await.unwrap();
    assert_eq!(shown(&cora, "x").await, (2, None));

    let found = kept
        .query(&Query::all(SECTION_HISTORY.name().clone()))
        .await
        .unwrap();
    let record = &found.records[0];
    let mut entry: Value = record.value.read().unwrap();
    entry.as_object_mut().unwrap().remove("sectionType");
    put(&kept, "section_history", record.id.as_str(), &entry).await;
    assert_eq!(shown(&cora, "x").await, (0, DENIED));
    assert_eq!(kind(cora.erase_history("x").await), DENIED);

    let bare = json!({"id": "y", "organizationId": "studio", "sectionType": 5});
    put(&kept, "section_configurations", "y", &bare).await;
    assert_eq!(shown(&cora, "y").await, (0, DENIED));
    assert_eq!(kind(cora.remove("y", Version::new(1)).await), DENIED);
    assert_eq!(
        kind(cora.keep_template("all", "All", None, ANY).await),
        DENIED
    );
    assert_eq!(shown(&host, "y").await, (0, None));
}

async fn put(kept: &garland::storage::Store, collection: &str, id: &str, value: &Value) {
    let mut batch = Batch::new(Timestamp::from_millis(0));
    batch.push(Write::Put {
        collection: collection.parse().unwrap(),
        id: RecordId::parse(id).unwrap(),
        value: Json::of(value).unwrap(),
        indexes: Vec::new(),
        precondition: ANY,
    });
    kept.commit(batch).await.unwrap();
}

/// Allows everything about everything but one thing.
#[derive(Clone, Copy, Debug)]
struct AllBut(&'static str);

#[async_trait]
impl PermissionResolver for AllBut {
    async fn snapshot(
        &self,
        _: &OrganizationId,
        _: Option<u64>,
    ) -> Result<Arc<dyn PermissionSnapshot>> {
        Ok(Arc::new(*self))
    }
}

impl PermissionSnapshot for AllBut {
    fn revision(&self) -> u64 {
        0
    }

    fn decide(&self, _: &Actor, _: &Action, resources: &[Resource]) -> Vec<Decision> {
        let reason = || Reason::new("test", "the test says so");
        let one = |resource: &Resource| match resource.to_string() == self.0 {
            true => Decision::deny(reason()),
            false => Decision::allow(reason()),
        };
        resources.iter().map(one).collect()
    }
}

/// A resolver of a host's own may decide section by section.
#[tokio::test]
async fn a_template_asks_of_each_section_that_goes_into_it() {
    let (backend, clock) = (memory(), HandClock::new());
    let team = team(&backend, &clock);
    team.put_wedding(&wedding("june", "2026-06-20"), ANY)
        .await
        .unwrap();
    let host = sections(&backend, &clock);
    for (id, name) in [("p", "photos"), ("t", "timeline")] {
        host.create(&section(id, name, &["guest"])).await.unwrap();
    }
    let before = dump(&store(&backend), &KEPT).await;
    let some = sections_asking(&backend, &clock, Arc::new(AllBut("section t")));
    let some = some.acting_as(user("eve"));
    assert_eq!(
        kind(some.keep_template("all", "All", None, ANY).await),
        DENIED
    );
    assert_eq!(kind(some.copy(None, "june").await), DENIED);
    assert_eq!(dump(&store(&backend), &KEPT).await, before);
}
