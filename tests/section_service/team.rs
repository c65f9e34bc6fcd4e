//! Members and weddings.

use std::sync::Arc;

use futures_util::TryStreamExt as _;
use garland::permission::Actor;
use garland::storage::{Precondition, Version};
use garland::team::Access;
use garland::testing::{Faults, FaultyStorage, Moment};
use garland::wedding::{AccessLevel, Role};
use garland::{ErrorKind, Result};
use serde_json::{Value, json};

use crate::world::{
    Backend, HandClock, Only, databases, dump, journal, member, memory, store, team, team_asking,
    wedding,
};

const KEPT: [&str; 2] = ["team_members", "weddings"];

#[tokio::test]
async fn a_member_and_its_event_are_written_together_and_the_event_tells_no_contents() {
    for (name, backend, _folder) in databases().await {
        let team = team(&backend, &HandClock::new()).acting_as(Actor::User("eve".into()));
        let mut ann = member("ann", "vendor");
        ann["customFields"] = json!({"phone": "555-0101"});
        let written = team.put_member(&ann, Precondition::Absent).await.unwrap();
        assert_eq!((written.revision, written.version.get()), (1, 1), "{name}");

        let access = [Access::new("june", AccessLevel::Limited)];
        let at = Precondition::At(written.version);
        let written = team.change_access("ann", &access, at).await.unwrap();
        assert_eq!((written.revision, written.version.get()), (2, 2), "{name}");
        let role = team.change_role("ann", Role::Photographer, Precondition::Any);
        role.await.unwrap();
        let june = wedding("june", "2026-06-20");
        team.put_wedding(&june, Precondition::Any).await.unwrap();
        team.remove_wedding("june", Precondition::Any)
            .await
            .unwrap();

        let found = team.member("ann").await.unwrap().unwrap();
        let wanted = json!({"id": "ann", "organizationId": "studio", "role": "photographer",
            "customFields": {"phone": "555-0101"}, "weddingAccess": [{"weddingId": "june", "level": "limited"}]});
        assert_eq!((found.version.get(), found.value), (3, wanted), "{name}");

        let events: Vec<_> = journal(&store(&backend)).await;
        let texts: Vec<_> = events.iter().map(|entry| entry.event.as_str()).collect();
        let by = r#""actor":{"user":"eve"},"subject":{"kind":"member","id":"ann"}"#;
        let of = r#""actor":{"user":"eve"},"subject":{"kind":"wedding","id":"june"}"#;
        let wanted = [
            format!(
                r#"{{"kind":"team.member_changed",{by},"data":{{"version":1,"kinds":["created"]}}}}"#
            ),
            format!(
                r#"{{"kind":"team.member_changed",{by},"data":{{"version":2,"kinds":["access"]}}}}"#
            ),
            format!(
                r#"{{"kind":"team.member_changed",{by},"data":{{"version":3,"kinds":["role"]}}}}"#
            ),
            format!(
                r#"{{"kind":"team.wedding_changed",{of},"data":{{"version":1,"kinds":["created"]}}}}"#
            ),
            format!(r#"{{"kind":"team.wedding_removed",{of}}}"#),
        ];
        assert_eq!(texts, wanted, "{name}");
    }
}

#[tokio::test]
async fn of_two_who_change_one_version_one_is_told_both_versions() {
    let backend = memory();
    let team = team(&backend, &HandClock::new());
    let first = team
        .put_member(&member("ann", "vendor"), Precondition::Any)
        .await
        .unwrap();
    let at = Precondition::At(first.version);
    team.change_role("ann", Role::Couple, at).await.unwrap();
    let error = team.change_role("ann", Role::Admin, at).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    let text = error.to_string();
    assert!(
        text.contains("wanted `1`") && text.contains("found `2`"),
        "{text}"
    );
    assert_eq!(
        team.member("ann").await.unwrap().unwrap().value["role"],
        "couple"
    );

    let gone = team
        .remove_member("ann", Precondition::At(Version::new(1)))
        .await;
    assert_eq!(gone.unwrap_err().kind(), ErrorKind::Conflict);
    team.remove_member("ann", Precondition::At(Version::new(2)))
        .await
        .unwrap();
    let gone = team.remove_member("ann", Precondition::Any).await;
    assert_eq!(gone.unwrap_err().kind(), ErrorKind::NotFound);
    let gone = team
        .change_role("ann", Role::Admin, Precondition::Any)
        .await;
    assert_eq!(gone.unwrap_err().kind(), ErrorKind::NotFound);
}

#[tokio::test]
async fn what_is_no_member_or_wedding_of_the_organization_is_turned_away() {
    let backend = memory();
    let team = team(&backend, &HandClock::new());
    let with = |field: &str, value: Value| {
        let mut member = member("ann", "vendor");
        member[field] = value;
        member
    };
    let mut deep = json!(1);
    for _ in 0..40 {
        deep = json!([deep]);
    }
    let members = [
        json!("ann"),
        with("id", json!("")),
        with("id", json!("a\nb")),
        with("id", json!("x".repeat(201))),
        with("organizationId", json!("another")),
        with("organizationId", Value::Null),
        with("role", json!("Admin")),
        with("role", json!(5)),
        with("weddingAccess", json!({"weddingId": "june"})),
        with(
            "weddingAccess",
            json!([{"weddingId": "june", "level": "all"}]),
        ),
        with(
            "weddingAccess",
            json!([{"weddingId": "j", "level": "full"}, {"weddingId": "j", "level": "none"}]),
        ),
        with("customFields", json!([])),
        with("customFields", json!({"deep": deep})),
        with("customFields", json!({"long": "x".repeat(70_000)})),
    ];
    for wrong in members {
        let error = team
            .put_member(&wrong, Precondition::Any)
            .await
            .unwrap_err();
        let kind = error.kind();
        assert!(
            matches!(kind, ErrorKind::InvalidInput | ErrorKind::LimitExceeded),
            "{error}"
        );
    }
    let with = |field: &str, value: Value| {
        let mut wedding = wedding("june", "2026-06-20");
        wedding[field] = value;
        wedding
    };
    let weddings = [
        with("date", json!("2026-02-30")),
        with("date", json!("2026-06-20T10:00:00")),
        with("date", json!(20_260_620)),
        with("timeZone", json!("utc")),
        with("organizationId", json!("another")),
    ];
    for wrong in weddings {
        let error = team
            .put_wedding(&wrong, Precondition::Any)
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{wrong}");
    }
    assert_eq!(dump(&store(&backend), &KEPT).await, "");
}

#[tokio::test]
async fn every_call_asks_and_a_refusal_gives_and_changes_nothing() {
    let (backend, clock) = (memory(), HandClock::new());
    let host = team(&backend, &clock);
    host.put_member(&member("ann", "vendor"), Precondition::Any)
        .await
        .unwrap();
    host.put_wedding(&wedding("june", "2026-06-20"), Precondition::Any)
        .await
        .unwrap();
    let before = dump(&store(&backend), &KEPT).await;

    let nobody = Only::these(&[]);
    let team = team_asking(&backend, &clock, Arc::new(nobody.clone()));
    let team = team.acting_as(Actor::User("eve".into()));
    let any = Precondition::Any;
    let denied = |result: Result<()>| assert_eq!(result.unwrap_err().kind(), ErrorKind::Denied);
    denied(
        team.put_member(&member("ann", "admin"), any)
            .await
            .map(drop),
    );
    denied(team.change_role("ann", Role::Admin, any).await.map(drop));
    denied(team.change_access("ann", &[], any).await.map(drop));
    denied(team.remove_member("ann", any).await.map(drop));
    denied(team.member("ann").await.map(drop));
    denied(team.members().try_collect::<Vec<_>>().await.map(drop));
    denied(
        team.put_wedding(&wedding("june", "2026-06-21"), any)
            .await
            .map(drop),
    );
    denied(team.remove_wedding("june", any).await.map(drop));
    denied(team.wedding("june").await.map(drop));
    denied(team.weddings().try_collect::<Vec<_>>().await.map(drop));
    assert_eq!(dump(&store(&backend), &KEPT).await, before);
    let wanted = [
        "user eve team.manage member ann",
        "user eve team.manage member ann",
        "user eve team.manage member ann",
        "user eve team.manage member ann",
        "user eve team.read member ann",
        "user eve team.read organization studio",
        "user eve team.manage wedding june",
        "user eve team.manage wedding june",
        "user eve team.read wedding june",
        "user eve team.read organization studio",
    ];
    assert_eq!(nobody.take(), wanted);
}

#[tokio::test]
async fn lists_come_by_id_whole() {
    let backend = memory();
    let team = team(&backend, &HandClock::new());
    for id in ["cy", "ann", "bo"] {
        team.put_member(&member(id, "guest"), Precondition::Any)
            .await
            .unwrap();
    }
    let all: Vec<_> = team.members().try_collect().await.unwrap();
    let ids: Vec<_> = all.iter().map(|found| found.id.as_str()).collect();
    assert_eq!(ids, ["ann", "bo", "cy"]);
    assert_eq!(team.weddings().try_collect::<Vec<_>>().await.unwrap(), []);
}

#[tokio::test]
async fn a_crash_at_any_call_leaves_a_change_whole_or_not_made() {
    for moment in [Moment::Before, Moment::After] {
        for step in 1..=3 {
            let (inner, clock) = (memory(), HandClock::new());
            let host = team(&inner, &clock);
            host.put_member(&member("ann", "vendor"), Precondition::Any)
                .await
                .unwrap();
            let faults = Faults::crash_at(step, moment);
            let shaky: Backend = Arc::new(FaultyStorage::new(Arc::clone(&inner), faults.clone()));
            let result = team(&shaky, &clock)
                .change_role("ann", Role::Admin, Precondition::Any)
                .await;
            let role = host.member("ann").await.unwrap().unwrap().value["role"].clone();
            let entries = journal(&store(&inner)).await.len();
            let is_made = result.is_ok() || (step, moment) == (2, Moment::After);
            let wanted = if is_made { ("admin", 2) } else { ("vendor", 1) };
            assert_eq!(
                (role.as_str().unwrap(), entries),
                wanted,
                "step {step}, {moment:?}"
            );
        }
    }
}

#[tokio::test]
async fn changes_without_a_version_all_get_through() {
    let backend = memory();
    let team = team(&backend, &HandClock::new());
    team.put_member(&member("ann", "vendor"), Precondition::Any)
        .await
        .unwrap();
    let access = [Access::new("june", AccessLevel::Full)];
    let (role, access) = tokio::join!(
        team.change_role("ann", Role::Couple, Precondition::Any),
        team.change_access("ann", &access, Precondition::Any),
    );
    role.unwrap();
    access.unwrap();
    let found = team.member("ann").await.unwrap().unwrap().value;
    assert_eq!(found["role"], "couple");
    assert_eq!(found["weddingAccess"][0]["level"], "full");
}

#[tokio::test]
async fn who_owns_the_organization_is_for_its_owners() {
    let host = crate::stored::build().await;
    let any = Precondition::Any;
    let owner = |id: &str| {
        let mut owner = member(id, "admin");
        owner["organizationRole"] = json!("owner");
        owner
    };
    let put = async |record: Value| host.team().put_member(&record, any).await.unwrap();
    put(owner("olga")).await;
    put(member("ada", "admin")).await;
    put(member("bo", "guest")).await;
    let before = dump(&host.store().await.unwrap(), &KEPT).await;

    let ada = host.as_actor(crate::world::user("ada")).team();
    let denied = |result: Result<_>| assert_eq!(result.unwrap_err().kind(), ErrorKind::Denied);
    // Neither is anybody made one, nor is one changed, let in, or removed.
    for id in ["ada", "bo", "new"] {
        denied(ada.put_member(&owner(id), any).await);
    }
    denied(ada.put_member(&member("olga", "guest"), any).await);
    denied(ada.change_role("olga", Role::Guest, any).await);
    denied(ada.change_access("olga", &[], any).await);
    denied(ada.remove_member("olga", any).await);
    assert_eq!(dump(&host.store().await.unwrap(), &KEPT).await, before);

    // Anybody else is the administration's, and an owner's is everybody.
    ada.change_role("bo", Role::Couple, any).await.unwrap();
    let olga = host.as_actor(crate::world::user("olga")).team();
    olga.put_member(&owner("new"), any).await.unwrap();
    olga.remove_member("new", any).await.unwrap();
    olga.put_member(&owner("ada"), any).await.unwrap();
    ada.remove_member("olga", any).await.unwrap();
}
