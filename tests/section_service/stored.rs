//! What is stored decides, through the handles of a host.

use std::sync::Arc;

use garland::backends::Memory;
use garland::section::PolicyOptions;
use garland::storage::{Precondition, Version};
use garland::{ErrorKind, Orchestrator, Organization, Result};
use serde_json::json;

use crate::world::{HandClock, memory, policy, section, studio, user, wedding};

const ANY: Precondition = Precondition::Any;

async fn build() -> Organization {
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

fn kind<T>(result: Result<T>) -> Option<ErrorKind> {
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
