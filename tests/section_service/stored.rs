//! What is stored decides, through the handles of a host.

use std::sync::Arc;

use garland::backends::Memory;
use garland::section::PolicyOptions;
use garland::storage::{Precondition, Version};
use garland::{ErrorKind, Orchestrator, Organization, Result};
use serde_json::json;

use crate::world::{HandClock, memory, policy, section, studio, user, wedding};

const ANY: Precondition = Precondition::Any;

pub(crate) async fn build() -> Organization {
    let built = Orchestrator::builder()
        .storage(Memory::new())
        .clock(HandClock::new())
        .zones(garland::wedding::UtcOnly::new())
        .stored_permissions(PolicyOptions::default())
        .build()
        .await
        .unwrap();
    built.organization(studio())
}

pub(crate) fn kind<T>(result: Result<T>) -> Option<ErrorKind> {
    result.err().map(|error| error.kind())
}

#[tokio::test]
async fn members_do_what_their_roles_and_the_sections_say() {
    let host = build().await;
    for (id, role) in [
        ("ada", "admin"),
        ("cora", "coordinator"),
        ("ann", "couple"),
        ("gus", "guest"),
    ] {
        host.team()
            .put_member(&crate::world::member(id, role), ANY)
            .await
            .unwrap();
    }
    let as_user = |id: &str| host.as_actor(user(id));
    let (ada, cora, ann, gus) = (
        as_user("ada"),
        as_user("cora"),
        as_user("ann"),
        as_user("gus"),
    );
    cora.team()
        .put_wedding(&wedding("june", "2026-06-20"), ANY)
        .await
        .unwrap();
    assert_eq!(
        kind(
            ann.team()
                .put_wedding(&wedding("june", "2026-06-21"), ANY)
                .await
        ),
        Some(ErrorKind::Denied)
    );
    assert_eq!(
        kind(cora.team().remove_member("gus", ANY).await),
        Some(ErrorKind::Denied)
    );
    ada.team()
        .put_member(&crate::world::member("bo", "guest"), ANY)
        .await
        .unwrap();

    // It is open on the wedding day only, so nowhere but in the wedding.
    let mut photos = section("p", "photos", &["couple"]);
    photos["visibility"]["weddingPhase"] = json!(["wedding_day"]);
    photos["permissions"] = json!({"canEdit": ["couple"]});
    assert_eq!(
        kind(ann.sections().create(&photos).await),
        Some(ErrorKind::Denied)
    );
    cora.sections().create(&photos).await.unwrap();
    assert_eq!(
        kind(ann.sections().read("p", None).await),
        Some(ErrorKind::NotFound)
    );
    let view = ann.sections().read("p", Some("june")).await.unwrap();
    assert!(!view.configuration.as_map().contains_key("visibility"));
    assert_eq!(
        kind(gus.sections().read("p", Some("june")).await),
        Some(ErrorKind::Denied)
    );
    assert_eq!(gus.sections().list(Some("june")).await.unwrap(), []);
    assert_eq!(ann.sections().list(Some("june")).await.unwrap().len(), 1);

    let title = json!({"customization": {"title": "Ours"}});
    let roles = json!({"visibility": {"roles": ["couple", "guest"]}});
    let one = Version::new(1);
    ann.sections()
        .patch("p", Some("june"), &title, one)
        .await
        .unwrap();
    assert_eq!(
        kind(
            ann.sections()
                .patch("p", Some("june"), &roles, one.next())
                .await
        ),
        Some(ErrorKind::Denied)
    );
    cora.sections()
        .patch("p", None, &roles, one.next())
        .await
        .unwrap();
    let view = gus.sections().read("p", Some("june")).await.unwrap();
    assert_eq!(
        view.configuration.as_map()["customization"]["title"],
        "Ours"
    );
    assert_eq!(
        kind(
            gus.sections()
                .patch("p", Some("june"), &title, Version::new(3))
                .await
        ),
        Some(ErrorKind::Denied)
    );
    assert_eq!(
        kind(as_user("nobody").sections().list(None).await),
        Some(ErrorKind::Denied)
    );
    assert_eq!(
        kind(ann.sections().sync_organization().next_or_end().await),
        Some(ErrorKind::Denied)
    );

    // Whoever goes, sees and does nothing any more.
    ada.team().remove_member("ann", ANY).await.unwrap();
    assert_eq!(
        kind(ann.sections().list(Some("june")).await),
        Some(ErrorKind::Denied)
    );
}

trait NextOrEnd<T> {
    async fn next_or_end(self) -> Result<Option<T>>;
}

impl<T> NextOrEnd<T> for futures_util::stream::BoxStream<'static, Result<T>> {
    async fn next_or_end(mut self) -> Result<Option<T>> {
        futures_util::TryStreamExt::try_next(&mut self).await
    }
}

#[tokio::test]
async fn a_resolver_that_cannot_read_lets_nobody_in() {
    use garland::permission::{Action, Resource, authorize};
    use garland::testing::{Faults, FaultyStorage, Moment};

    let (inner, clock) = (memory(), HandClock::new());
    let shaky: crate::world::Backend = Arc::new(FaultyStorage::new(
        inner,
        Faults::crash_at(1, Moment::Before),
    ));
    let policy = policy(&shaky, &clock);
    let (read, here) = (
        Action::new("section.read"),
        [Resource::new("organization", "studio")],
    );
    for actor in [user("ada"), garland::permission::Actor::Host] {
        let error = authorize(&policy, &studio(), &actor, &read, &here)
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Denied);
    }
}

#[tokio::test]
async fn a_protected_section_is_for_the_administration_to_open() {
    let host = build().await;
    for (id, role) in [("ada", "admin"), ("cora", "coordinator")] {
        host.team()
            .put_member(&crate::world::member(id, role), ANY)
            .await
            .unwrap();
    }
    let june = wedding("june", "2026-06-20");
    host.team().put_wedding(&june, ANY).await.unwrap();
    let (ada, cora) = (host.as_actor(user("ada")), host.as_actor(user("cora")));
    let (ada, cora) = (ada.sections(), cora.sections());
    let denied = Some(ErrorKind::Denied);
    let opened = json!({"visibility": {"roles": ["admin", "coordinator"]},
        "permissions": {"canEdit": ["coordinator"]}});
    let mut version = Version::new(1);
    for name in ["billing", "admin"] {
        let made = section(name, name, &["admin"]);
        assert_eq!(kind(cora.create(&made).await), denied, "{name}");
        ada.create(&made).await.unwrap();
        version = Version::new(1);
        let patched = cora.patch(name, None, &opened, version).await;
        assert_eq!(kind(patched), denied, "{name}");
        let patched = ada.patch(name, None, &opened, version).await.unwrap();
        let closed = json!({"visibility": {"roles": ["admin"]}});
        let closed = ada.patch(name, None, &closed, patched.version).await;
        let closed = closed.unwrap();
        let change = closed.change.unwrap();
        version = closed.version;
        let undone = cora.undo(name, None, &change, version).await;
        assert_eq!(kind(undone), denied, "{name}");
        assert_eq!(kind(cora.remove(name, version).await), denied, "{name}");
    }
    ada.keep_template("kept", "Kept", None, ANY).await.unwrap();
    assert_eq!(kind(cora.use_template("kept", "june").await), denied);
    assert_eq!(kind(cora.copy(None, "june").await), denied);
    assert_eq!(ada.use_template("kept", "june").await.unwrap().len(), 2);
    ada.remove("billing", version).await.unwrap();
    // Any other section is the coordinator's to make, open and remove.
    let photos = section("photos", "photos", &["admin"]);
    let made = cora.create(&photos).await.unwrap();
    let patched = cora.patch("photos", None, &opened, made.version).await;
    cora.remove("photos", patched.unwrap().version)
        .await
        .unwrap();
}
