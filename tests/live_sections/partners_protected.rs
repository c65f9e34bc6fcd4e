//! Protected sections leave to partners only with the consent of who may manage them.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use garland::ErrorKind;
use garland::permission::Actor;
use garland::section::{Partner, PartnerSettings, Partners, SectionService};
use garland::storage::{Precondition, Version};
use serde_json::{Value, json};

use super::partners::{Endpoint, Mood, crm, delivering, partners_asking, settle};
use super::world::{World, member, section, sections};

const ANY: Precondition = Precondition::Any;

/// The partners of an organization, for an administrator and for a coordinator, by the roles they have.
async fn staffed(world: &World, endpoint: &Arc<Endpoint>) -> (Partners, Partners) {
    for (id, role) in [("ada", "admin"), ("cora", "coordinator")] {
        world.desk().member(member(id, role)).await;
    }
    let all = partners_asking(world, endpoint, Arc::new(world.policy()));
    let of = |id: &str| all.acting_as(Actor::User(id.into()));
    (of("ada"), of("cora"))
}

fn everything() -> Partner {
    crm(
        json!({"syncVisibility": true, "syncLayout": true, "syncCustomization": true,
        "syncSections": ["billing", "photos"]}),
    )
}

fn titled(id: &str, kind: &str) -> Value {
    let mut titled = section(id, kind, &["admin"]);
    titled["customization"] = json!({"title": "The sum"});
    titled
}

/// Two sections that are made, changed and removed, and results that are stored.
async fn happen(service: &SectionService) {
    for (id, kind) in [("b", "billing"), ("p", "photos")] {
        let made = service.create(&titled(id, kind)).await.unwrap();
        let title = json!({"customization": {"title": "Another"}});
        let patched = service.patch(id, None, &title, made.version).await.unwrap();
        service.recompute(&[("ada", None)]).await.unwrap();
        settle().await;
        service.remove(id, patched.version).await.unwrap();
    }
    settle().await;
}

/// The section each message is about, or the types it states.
fn spoken_of(endpoint: &Endpoint) -> Vec<String> {
    let told = endpoint.told().into_iter();
    let about = told.map(|told| match told["permissions"].as_object() {
        Some(stated) => stated.keys().cloned().collect::<Vec<_>>().join(" "),
        None => format!("{} {}", told["type"].as_str().unwrap(), told["configId"]),
    });
    about.collect()
}

#[tokio::test(start_paused = true)]
async fn a_partner_of_a_coordinators_hears_nothing_of_protected_sections() {
    let (world, endpoint) = (World::new(), Endpoint::new());
    let (_, cora) = staffed(&world, &endpoint).await;
    cora.put("crm", &everything(), ANY).await.unwrap();
    let task = delivering(&partners_asking(
        &world,
        &endpoint,
        Arc::new(world.policy()),
    ));
    happen(&sections(&world)).await;
    task.abort();
    let (changed, deleted) = (r#"section.changed "p""#, r#"section.deleted "p""#);
    assert_eq!(
        spoken_of(&endpoint),
        ["photos", changed, changed, "photos", deleted]
    );
    assert!(!format!("{:?}", endpoint.told()).contains("billing"));
    assert_eq!(
        everything().sent().sections.into_iter().collect::<Vec<_>>(),
        ["photos"]
    );
}

#[tokio::test(start_paused = true)]
async fn a_partner_that_hears_of_protected_sections_is_the_administrations() {
    let (world, endpoint) = (World::new(), Endpoint::new());
    let (ada, cora) = staffed(&world, &endpoint).await;
    let whole = everything().with_protected(true);
    let denied = |error: garland::Error| assert_eq!(error.kind(), ErrorKind::Denied, "{error}");
    denied(cora.put("crm", &whole, ANY).await.unwrap_err());
    ada.put("crm", &whole, Precondition::Absent).await.unwrap();
    let at = Precondition::At(Version::new(1));
    let theirs = crm(json!({"syncLayout": true}));
    for at in [ANY, at] {
        denied(cora.put("crm", &theirs, at).await.unwrap_err());
        denied(cora.put("crm", &whole, at).await.unwrap_err());
        denied(cora.remove("crm", at).await.unwrap_err());
    }
    denied(cora.get("crm").await.map(drop).unwrap_err());
    denied(cora.resume("crm").await.unwrap_err());
    denied(cora.deliver("crm").await.map(drop).unwrap_err());

    let task = delivering(&ada);
    happen(&sections(&world)).await;
    task.abort();
    let told = spoken_of(&endpoint);
    assert!(
        told.contains(&r#"section.changed "b""#.to_owned()),
        "{told:?}"
    );
    assert!(
        told.contains(&r#"section.deleted "b""#.to_owned()),
        "{told:?}"
    );
    assert!(told.contains(&"billing photos".to_owned()), "{told:?}");
    let (found, _) = ada.get("crm").await.unwrap().unwrap();
    assert_eq!(found.value, whole);
    assert_eq!(found.value.sent(), PartnerSettings::read(&whole.settings));
    // What is told of nothing protected any more is for coordinators again.
    ada.put("crm", &theirs, ANY).await.unwrap();
    cora.resume("crm").await.unwrap();
    cora.remove("crm", ANY).await.unwrap();
    cora.remove("crm", ANY).await.unwrap();
}

/// What waits to be tried again is not told at an address that must not be told of it.
#[tokio::test(start_paused = true)]
async fn what_is_protected_is_not_tried_again_once_the_partner_is_another() {
    let (world, endpoint) = (World::new(), Endpoint::new());
    let (ada, _) = staffed(&world, &endpoint).await;
    let whole = everything().with_protected(true);
    ada.put("crm", &whole, ANY).await.unwrap();
    endpoint.is(Mood::Fails);
    let task = delivering(&ada);
    let service = sections(&world);
    service.create(&titled("b", "billing")).await.unwrap();
    settle().await;
    assert!(endpoint.tries.load(Ordering::SeqCst) > 2);
    ada.put("crm", &everything(), ANY).await.unwrap();
    endpoint.is(Mood::Takes);
    settle().await;
    assert_eq!(endpoint.told(), Vec::<Value>::new());
    service.create(&titled("p", "photos")).await.unwrap();
    settle().await;
    task.abort();
    assert_eq!(spoken_of(&endpoint), [r#"section.changed "p""#]);
}
