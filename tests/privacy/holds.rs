//! A legal hold wins over every deletion.

use garland::ErrorKind;
use garland::privacy::HoldScope;
use garland::storage::RecordId;

use crate::world::{Studio, anna, id, refused, staff};

fn case(number: u32) -> RecordId {
    format!("case-{number}").parse().unwrap()
}

#[tokio::test(start_paused = true)]
async fn g3_nothing_of_a_person_under_hold_is_erased() {
    for held in ["u-anna", "crm-12"] {
        let studio = Studio::new();
        studio.furnish().await;
        let plan = studio.privacy.plan_erasure(&anna()).await.unwrap();
        let scope = HoldScope::Subject(id(held));
        studio.hold(1, scope).await.unwrap();
        let erased = studio.privacy.erase(&plan, &staff()).await;
        refused(erased, ErrorKind::Refused);
        assert_eq!(studio.names("guests").await, ["u-anna", "u-ben"]);
        assert!(studio.vault.holder(&id("u-anna")).await.unwrap().is_some());
        let plan = studio.privacy.plan_erasure(&anna()).await.unwrap();
        assert_eq!(plan.holds, ["case-1"]);
        assert!(plan.to_string().starts_with("held by case-1"), "{plan}");
        studio.privacy.lift_hold(&case(1), &staff()).await.unwrap();
        studio.privacy.erase(&plan, &staff()).await.unwrap();
        assert_eq!(studio.names("guests").await, ["u-ben"]);
    }
}

#[tokio::test(start_paused = true)]
async fn g3_a_held_record_stays_and_the_rest_goes() {
    let studio = Studio::new();
    studio.furnish().await;
    let scope = HoldScope::Record {
        collection: "messages".parse().unwrap(),
        id: "u-anna-m1".parse().unwrap(),
    };
    studio.hold(1, scope).await.unwrap();
    let scope = HoldScope::Collection("notes".parse().unwrap());
    studio.hold(2, scope).await.unwrap();
    // The table seats Ben too, who is under hold.
    let scope = HoldScope::Subject(id("u-ben"));
    studio.hold(3, scope).await.unwrap();
    let plan = studio.privacy.plan_erasure(&anna()).await.unwrap();
    let held: Vec<_> = plan
        .steps
        .iter()
        .filter(|step| step.held > 0)
        .map(|step| (step.place.as_str(), step.held, step.records))
        .collect();
    assert_eq!(
        held,
        [("messages", 1, 2), ("notes", 1, 0), ("tables", 1, 0)]
    );
    let proof = studio.privacy.erase(&plan, &staff()).await.unwrap();
    let places = &proof.record.places;
    assert_eq!(
        (places["messages"].deleted, places["messages"].held),
        (2, 1)
    );
    assert_eq!((places["notes"].held, places["tables"].held), (1, 1));
    let left = studio.names("messages").await;
    assert!(left.contains(&"u-anna-m1".to_owned()) && left.len() == 4);
    assert!(
        studio.all("tables").await["t1"]
            .to_string()
            .contains("u-anna")
    );
    let remains = studio.privacy.verify_erasure(&anna()).await.unwrap();
    assert!(remains.is_clean());
    assert_eq!(remains.held.len(), 3);
    // Once lifted, the rest goes with the next erasure.
    for number in 1..=3 {
        studio
            .privacy
            .lift_hold(&case(number), &staff())
            .await
            .unwrap();
    }
    let proof = studio.privacy.erase(&plan, &staff()).await.unwrap();
    assert_eq!(proof.record.places["messages"].deleted, 1);
    assert_eq!(
        studio.privacy.verify_erasure(&anna()).await.unwrap().held,
        []
    );
}

#[tokio::test(start_paused = true)]
async fn g3_held_side_records_keep_their_key() {
    let studio = Studio::new();
    studio.furnish().await;
    let sides = "audit_side_records".parse().unwrap();
    let scope = HoldScope::Collection(sides);
    studio.hold(1, scope).await.unwrap();
    let plan = studio.privacy.plan_erasure(&anna()).await.unwrap();
    // One key seals everything about her, and who it is about stays known with it.
    let proof = studio.privacy.erase(&plan, &staff()).await.unwrap();
    for place in ["audit_side_records", "audit_subjects"] {
        assert_eq!(proof.record.places[place].held, 1, "{place}");
    }
    assert!(studio.vault.holder(&id("u-anna")).await.unwrap().is_some());
    assert_eq!(studio.keys().await, 2);
    studio.privacy.lift_hold(&case(1), &staff()).await.unwrap();
    studio.privacy.erase(&plan, &staff()).await.unwrap();
    assert_eq!(studio.keys().await, 1);
}

#[tokio::test(start_paused = true)]
async fn g3_placing_and_lifting_are_recorded_without_personal_data() {
    let studio = Studio::new();
    let scopes = [
        HoldScope::Subject(id("u-anna")),
        HoldScope::Collection("guests".parse().unwrap()),
        HoldScope::Record {
            collection: "guests".parse().unwrap(),
            id: "u-anna".parse().unwrap(),
        },
    ];
    for (scope, number) in scopes.into_iter().zip(1..) {
        studio.hold(number, scope.clone()).await.unwrap();
        refused(studio.hold(number, scope).await, ErrorKind::AlreadyExists);
    }
    assert_eq!(studio.privacy.holds().await.unwrap().len(), 3);
    for number in 1..=3 {
        studio
            .privacy
            .lift_hold(&case(number), &staff())
            .await
            .unwrap();
        let again = studio.privacy.lift_hold(&case(number), &staff()).await;
        refused(again, ErrorKind::NotFound);
    }
    assert_eq!(studio.privacy.holds().await.unwrap(), []);
    let (kinds, text) = studio.told().await;
    let (placed, lifted) = ("privacy.hold_placed", "privacy.hold_lifted");
    assert_eq!(kinds, [placed, placed, placed, lifted, lifted, lifted]);
    assert!(text.contains("u-staff") && text.contains("case-2"));
    assert!(!text.contains("anna") && !text.contains("Anna"), "{text}");
}
