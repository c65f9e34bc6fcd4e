//! What people see: their part, as they have arranged it, and never more.

use std::sync::Arc;

use async_trait::async_trait;
use futures_util::FutureExt as _;
use garland::permission::{Actor, PermissionResolver, PermissionSnapshot};
use garland::section::{SectionService, StoredPolicy};
use garland::storage::{Precondition, Version};
use garland::team::Directory;
use garland::{ErrorKind, OrganizationId, Result};
use serde_json::{Value, json};

use crate::world::{
    Backend, HandClock, Hooked, Only, databases, member, memory, policy, section, sections,
    sections_asking, shared, team, user, wedding,
};

const ANY: Precondition = Precondition::Any;

fn reader(backend: &Backend, clock: &HandClock, id: &str) -> SectionService {
    let only = Only::these(&["section.read", "section.edit"]);
    sections_asking(backend, clock, Arc::new(only)).acting_as(user(id))
}

async fn furnish(backend: &Backend, clock: &HandClock) -> SectionService {
    let team = team(backend, clock);
    for (id, role) in [("ann", "couple"), ("gus", "guest"), ("ada", "admin")] {
        team.put_member(&member(id, role), ANY).await.unwrap();
    }
    team.put_wedding(&wedding("june", "2026-06-20"), ANY)
        .await
        .unwrap();
    let host = sections(backend, clock);
    let mut budget = section("b", "budget", &["couple"]);
    budget["customization"] = json!({"title": "Secret"});
    budget["layout"] = json!({"position": 2});
    let mut open = section("p", "photos", &["guest", "couple"]);
    open["layout"] = json!({"position": 1});
    let mut of_june = section("pj", "photos", &["couple"]);
    of_june["weddingId"] = json!("june");
    for made in [budget, open, of_june] {
        host.create(&made).await.unwrap();
    }
    host
}

fn ids(views: &[garland::section::SectionView]) -> Vec<&str> {
    views.iter().map(|view| view.id.as_str()).collect()
}

#[tokio::test]
async fn a_person_sees_their_part_of_a_context_and_nothing_else() {
    for (name, backend, _folder) in databases().await {
        let clock = HandClock::new();
        let host = furnish(&backend, &clock).await;
        let (ann, gus) = (
            reader(&backend, &clock, "ann"),
            reader(&backend, &clock, "gus"),
        );
        assert_eq!(ids(&ann.list(None).await.unwrap()), ["p", "b"], "{name}");
        // The section of the wedding stands in the place of the one of all weddings.
        assert_eq!(
            ids(&ann.list(Some("june")).await.unwrap()),
            ["b", "pj"],
            "{name}"
        );
        assert_eq!(ids(&gus.list(None).await.unwrap()), ["p"], "{name}");
        assert_eq!(
            ids(&gus.list(Some("june")).await.unwrap()),
            [""; 0],
            "{name}"
        );
        assert_eq!(ids(&host.list(None).await.unwrap()), ["b", "p"], "{name}");
        assert_eq!(
            ids(&host.list(Some("june")).await.unwrap()),
            ["b", "p", "pj"],
            "{name}"
        );

        let view = ann.read("b", None).await.unwrap();
        assert_eq!(
            view.configuration.as_map()["customization"]["title"],
            "Secret",
            "{name}"
        );
        assert!(
            view.decision.is_some_and(|decision| decision.can_view),
            "{name}"
        );
        // Who sees it is not told to those who have no say in it.
        assert_eq!(
            view.configuration.as_map().get("visibility"),
            None,
            "{name}"
        );
        assert!(
            host.read("b", None)
                .await
                .unwrap()
                .configuration
                .as_map()
                .contains_key("visibility")
        );
        // What is hidden, what was replaced and what is not there look alike.
        let hidden = gus.read("b", None).await.unwrap_err();
        let nothing = gus.read("x", None).await.unwrap_err();
        assert_eq!(hidden.kind(), ErrorKind::NotFound, "{name}");
        assert_eq!(
            hidden.to_string().replace('b', "x"),
            nothing.to_string().replace('b', "x"),
            "{name}"
        );
        let replaced = ann.read("p", Some("june")).await.unwrap_err();
        assert_eq!(replaced.kind(), ErrorKind::NotFound, "{name}");
        let nobody = reader(&backend, &clock, "nobody");
        assert_eq!(
            ids(&nobody.list(Some("june")).await.unwrap()),
            [""; 0],
            "{name}"
        );
    }
}

#[tokio::test]
async fn a_change_of_role_counts_at_once_for_who_waits_for_it() {
    let (backend, clock) = (memory(), HandClock::new());
    furnish(&backend, &clock).await;
    let gus = reader(&backend, &clock, "gus");
    assert_eq!(ids(&gus.list(None).await.unwrap()), ["p"]);
    let team = team(&backend, &clock);
    team.change_role("gus", garland::wedding::Role::Couple, ANY)
        .await
        .unwrap();
    assert_eq!(ids(&gus.list(None).await.unwrap()), ["p", "b"]);
    team.remove_member("gus", ANY).await.unwrap();
    assert_eq!(ids(&gus.list(None).await.unwrap()), [""; 0]);
}

#[tokio::test]
async fn what_is_read_is_never_newer_than_the_decision_about_it() {
    let (inner, clock) = (memory(), HandClock::new());
    let host = furnish(&inner, &clock).await;
    let hooked = Arc::new(Hooked::new(&inner).silent());
    let backend = shared(&hooked);
    let gus = reader(&backend, &clock, "gus");
    gus.read("p", None).await.unwrap();
    let mut closed = 0;
    for at in 1..=8 {
        let writer = host.clone();
        hooked.before(
            at,
            Box::new(move || {
                let writer = writer.clone();
                async move {
                    // In one commit it is closed to guests and says something new.
                    let version = writer.read("p", None).await.unwrap().version;
                    let secret = json!({"visibility": {"roles": ["couple"]}, "customization": {"title": "Private"}});
                    writer.patch("p", None, &secret, version).await.unwrap();
                }
                .boxed()
            }),
        );
        match gus.read("p", None).await {
            Ok(view) => assert_eq!(
                view.configuration.as_map().get("customization"),
                None,
                "call {at}"
            ),
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::NotFound, "call {at}");
                closed += 1;
            }
        }
        hooked.before(u64::MAX, Box::new(|| async {}.boxed()));
        let version = host.read("p", None).await.unwrap().version;
        let open = json!({"visibility": {"roles": ["guest"]}, "customization": {"title": null}});
        host.patch("p", None, &open, version).await.unwrap();
        clock.pass(1_000);
    }
    assert!(closed > 0, "the change was seen by none");
}

#[tokio::test]
async fn an_arrangement_is_the_persons_own_and_goes_with_the_section() {
    for (name, backend, _folder) in databases().await {
        let clock = HandClock::new();
        let host = furnish(&backend, &clock).await;
        let (ann, gus) = (
            reader(&backend, &clock, "ann"),
            reader(&backend, &clock, "gus"),
        );
        let own = json!({"layout": {"position": 9}, "customization": {"color": "blue"}});
        let written = ann
            .personalize("p", None, &own, Precondition::Absent)
            .await
            .unwrap();
        let more = json!({"customization": {"title": "Ours", "color": null}});
        let at = Precondition::At(written.version);
        ann.personalize("p", None, &more, at).await.unwrap();
        let stale = ann.personalize("p", None, &more, at).await.unwrap_err();
        assert_eq!(stale.kind(), ErrorKind::Conflict, "{name}");

        let of = |view: &garland::section::SectionView| {
            let map = view.configuration.as_map();
            (
                map.get("layout").cloned(),
                map.get("customization").cloned(),
            )
        };
        let anns = of(&ann.read("p", None).await.unwrap());
        assert_eq!(
            anns,
            (Some(json!({"position": 9})), Some(json!({"title": "Ours"}))),
            "{name}"
        );
        let listed = ann.list(None).await.unwrap();
        assert_eq!(
            of(listed.iter().find(|view| view.id == "p").unwrap()),
            anns,
            "{name}"
        );
        let others = (Some(json!({"position": 1})), None);
        assert_eq!(of(&gus.read("p", None).await.unwrap()), others, "{name}");
        assert_eq!(of(&host.read("p", None).await.unwrap()), others, "{name}");

        let wider = json!({"visibility": {"roles": ["guest"]}});
        let error = gus.personalize("p", None, &wider, ANY).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{name}");
        let hidden = gus.personalize("b", None, &more, ANY).await.unwrap_err();
        assert_eq!(hidden.kind(), ErrorKind::NotFound, "{name}");
        let host_has_none = host.personalize("p", None, &more, ANY).await.unwrap_err();
        assert_eq!(host_has_none.kind(), ErrorKind::InvalidInput, "{name}");

        host.remove("p", Version::new(1)).await.unwrap();
        host.create(&section("p", "photos", &["couple"]))
            .await
            .unwrap();
        assert_eq!(
            of(&ann.read("p", None).await.unwrap()),
            (None, None),
            "{name}"
        );
        assert_eq!(ann.arrangement("p").await.unwrap(), None, "{name}");
    }
}

#[tokio::test]
async fn a_section_that_cannot_be_understood_is_seen_by_no_person() {
    let (backend, clock) = (memory(), HandClock::new());
    furnish(&backend, &clock).await;
    let broken: Value = json!({"id": "t", "organizationId": "studio", "sectionType": "timeline",
        "visibility": {"roles": "couple"}});
    let mut batch = garland::storage::Batch::new(garland::Timestamp::from_millis(0));
    let record = garland::section::Configuration::try_from(broken).unwrap();
    batch
        .put(
            &garland::section::SECTION_CONFIGURATIONS,
            "t".parse().unwrap(),
            &record,
        )
        .unwrap();
    backend
        .commit(&crate::world::studio(), batch)
        .await
        .unwrap();
    clock.pass(1_000);
    for id in ["ann", "gus", "ada"] {
        let seen = reader(&backend, &clock, id).read("t", None).await;
        assert_eq!(seen.unwrap_err().kind(), ErrorKind::NotFound, "{id}");
    }
    let report = sections(&backend, &clock).check().await.unwrap();
    assert!(!report.is_valid());
}

#[tokio::test]
async fn a_service_that_is_a_member_gets_what_the_member_gets() {
    let (backend, clock) = (memory(), HandClock::new());
    let host = sections(&backend, &clock);
    for (id, role) in [("bot", "guest"), ("gus", "guest")] {
        team(&backend, &clock)
            .put_member(&member(id, role), Precondition::Any)
            .await
            .unwrap();
    }
    let one = Version::new(1);
    for (id, roles) in [("photos", ["guest"]), ("budget", ["couple"])] {
        host.create(&section(id, id, &roles)).await.unwrap();
    }
    let title = json!({"customization": {"title": "x"}});
    let kind = |error: garland::Error| error.kind();
    let bot = host.acting_as(Actor::Service("bot".into()));
    let read = bot.read("budget", None).await.map_err(kind);
    assert_eq!(read.unwrap_err(), ErrorKind::NotFound);
    assert_eq!(bot.list(None).await.unwrap().len(), 1);
    let patched = bot.patch("photos", None, &title, one).await.map_err(kind);
    assert_eq!(patched.unwrap_err(), ErrorKind::Denied);
    bot.personalize("photos", None, &title, Precondition::Absent)
        .await
        .unwrap();
    assert!(bot.arrangement("photos").await.unwrap().is_some());

    // One that is no member has no view of its own: the resolver alone says what it gets.
    let cms = host.acting_as(Actor::Service("cms".into()));
    assert_eq!(cms.list(None).await.unwrap().len(), 2);
    cms.patch("budget", None, &title, one).await.unwrap();
    let own = cms.personalize("photos", None, &title, Precondition::Absent);
    assert_eq!(kind(own.await.unwrap_err()), ErrorKind::InvalidInput);

    // Their own results, and nobody else's, are for members to read without managing.
    let reader = Arc::new(Only::these(&["section.read"]));
    let reader = sections_asking(&backend, &clock, reader);
    let bot = reader.acting_as(Actor::Service("bot".into()));
    assert_eq!(bot.results("bot", None).await.unwrap(), None);
    let theirs = bot.results("gus", None).await.map_err(kind);
    assert_eq!(theirs.unwrap_err(), ErrorKind::Denied);
}

/// Allows what the stored state does, and lets a member go once it has answered.
#[derive(Debug)]
struct LetsGo {
    policy: StoredPolicy,
    team: Directory,
}

#[async_trait]
impl PermissionResolver for LetsGo {
    async fn snapshot(
        &self,
        organization: &OrganizationId,
        at_least: Option<u64>,
    ) -> Result<Arc<dyn PermissionSnapshot>> {
        let snapshot = self.policy.snapshot(organization, at_least).await?;
        self.team.remove_member("bot", ANY).await.map(drop).ok();
        Ok(snapshot)
    }
}

/// What it was allowed as a member, it was not allowed as somebody from outside.
#[tokio::test]
async fn a_service_that_is_a_member_no_more_sees_nothing_and_not_everything() {
    let (backend, clock) = (memory(), HandClock::new());
    let host = furnish(&backend, &clock).await;
    let team = team(&backend, &clock);
    let resolver = LetsGo {
        policy: policy(&backend, &clock),
        team: team.clone(),
    };
    let service = sections_asking(&backend, &clock, Arc::new(resolver));
    let bot = service.acting_as(Actor::Service("bot".into()));
    let hire = async || {
        team.put_member(&member("bot", "couple"), ANY)
            .await
            .unwrap()
    };
    hire().await;
    let lists = json!({"permissions": {"canEdit": ["couple"]}});
    host.patch("b", None, &lists, Version::new(1))
        .await
        .unwrap();
    // As long as it is one, it is like any other.
    let plain = sections_asking(&backend, &clock, Arc::new(policy(&backend, &clock)));
    let hired = plain.acting_as(Actor::Service("bot".into()));
    let seen = hired.read("b", None).await.unwrap();
    assert!(seen.decision.is_some());
    let title = json!({"customization": {"title": "Ours"}});
    hired.patch("b", None, &title, seen.version).await.unwrap();

    let kind = |error: garland::Error| error.kind();
    let nothing = [Some(ErrorKind::NotFound), Some(ErrorKind::Denied)];
    let read = bot.read("b", None).await.map_err(kind).err();
    assert!(nothing.contains(&read), "{read:?}");
    hire().await;
    let listed = bot.list(None).await;
    assert!(listed.is_err() || listed.is_ok_and(|views| views.is_empty()));
    hire().await;
    let before = host.read("b", None).await.unwrap();
    let title = json!({"customization": {"title": "Mine"}});
    let patched = bot.patch("b", None, &title, before.version).await;
    let patched = patched.map_err(kind).err();
    assert!(nothing.contains(&patched), "{patched:?}");
    assert_eq!(host.read("b", None).await.unwrap(), before);
}
