//! An erasure leaves nothing but what has a reason to stay, and proves it.

use std::sync::Arc;

use garland::ErrorKind;
use garland::audit::{Auditor, HmacHeads, prove};
use garland::crypto::SecretKey;
use garland::journal::{Event, verify};
use garland::permission::Actor;
use garland::privacy::{ErasedRecords, ErasureProof, Subject};
use garland::storage::{Batch, Collection, JournalName, Query, RecordId};
use garland::testing::PausedClock;
use serde_json::{Value, json};

use crate::world::{NOW, Studio, anna, id, refused, staff};

async fn erased(studio: &Studio, subject: &Subject) -> ErasureProof {
    let plan = studio.privacy.plan_erasure(subject).await.unwrap();
    studio.privacy.erase(&plan, &staff()).await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn g2_a_plan_says_what_would_be_done_and_does_nothing() {
    let studio = Studio::new();
    studio.furnish().await;
    let before = studio.journal().await;
    let plan = studio.privacy.plan_erasure(&anna()).await.unwrap();
    assert!(plan.is_free());
    let text = plan.to_string();
    let expected = "\
shred            1  audit_side_records
shred            1  audit_subjects
delete           1  guests
keep             1  invoices: ten years by tax law
delete           3  messages
delete           1  notes
redact           1  tables
erase            1  pictures
2 entries of journals stay";
    assert_eq!(text, expected);
    assert_eq!(plan.records(), 9);
    assert_eq!(studio.journal().await, before);
    assert_eq!(studio.names("guests").await, ["u-anna", "u-ben"]);
}

#[tokio::test(start_paused = true)]
async fn g2_an_erasure_leaves_nothing_of_one_and_everything_of_others() {
    let studio = Studio::new();
    studio.furnish().await;
    let proof = erased(&studio, &anna()).await;
    assert_eq!(studio.names("guests").await, ["u-ben"]);
    let bens = ["u-ben-m0", "u-ben-m1", "u-ben-m2"];
    assert_eq!(studio.names("messages").await, bens);
    assert_eq!(studio.names("notes").await, ["u-ben/1"]);
    assert_eq!(studio.names("invoices").await, ["crm-12", "crm-13"]);
    assert_eq!(studio.names("audit_subjects").await, ["u-ben"]);
    assert_eq!(studio.names("audit_side_records").await.len(), 1);
    // A key a person, of which Anna's is gone.
    assert_eq!(studio.keys().await, 1);
    assert!(studio.vault.holder(&id("u-anna")).await.unwrap().is_none());
    let pictures = studio.pictures.0.lock().unwrap().clone();
    assert_eq!(pictures.into_keys().collect::<Vec<_>>(), ["u-ben"]);
    let places = &proof.record.places;
    let deleted = |deleted| {
        let mut records = ErasedRecords::default();
        records.deleted = deleted;
        records
    };
    assert_eq!(places["messages"], deleted(3));
    assert_eq!(places["audit_side_records"], deleted(1));
    assert_eq!(places["pictures"], deleted(1));
    assert_eq!(places["invoices"].kept, 1);
    assert_eq!(places["tables"].redacted, 1);
    let remains = studio.privacy.verify_erasure(&anna()).await.unwrap();
    assert!(remains.is_clean());
    assert_eq!(remains.kept, [("invoices".to_owned(), 1)]);
    let bens = studio.privacy.verify_erasure(&id("u-ben").into()).await;
    assert!(!bens.unwrap().is_clean(), "Ben is as he was");
}

#[tokio::test(start_paused = true)]
async fn g2_a_redacted_record_stays_without_what_is_personal() {
    let studio = Studio::new();
    studio.furnish().await;
    erased(&studio, &anna()).await;
    let left = json!({"seat": "t1", "seated": [
        {"who": null, "eats": null}, {"who": "u-ben", "eats": "all"}]});
    assert_eq!(studio.all("tables").await["t1"], left);
    // It is still found by its index.
    let seat = garland::storage::IndexName::new("seat");
    let query = Query::all("tables".parse().unwrap()).by(seat).prefix("t1");
    assert_eq!(studio.store.query(&query).await.unwrap().records.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn g2_the_proof_holds_no_personal_data_and_stands_in_the_journal() {
    let studio = Studio::new();
    studio.furnish().await;
    let before = studio.journal().await.len();
    let proof = erased(&studio, &anna()).await;
    let (kinds, _) = studio.told().await;
    assert_eq!(
        kinds[before..],
        ["privacy.erasure_begun", "keys.destroyed", "privacy.erased"]
    );
    let entries = studio.journal().await;
    let told = entries.last().unwrap();
    assert_eq!(told.sequence, proof.entry);
    assert_eq!(proof.record.journal.unwrap().sequence, proof.entry - 1);
    let new: Vec<_> = entries[before..].iter().map(|e| e.event.as_str()).collect();
    let record = serde_json::to_string(&proof).unwrap();
    let all = format!("{record}\n{}\n{proof}", new.join("\n"));
    for personal in ["anna", "Anna", "crm-12"] {
        assert!(!all.contains(personal), "{personal} in {all}");
    }
    // Whoever has the key and the id can tell whose it was.
    let pseudonym = studio.privacy.pseudonym(&anna()).unwrap();
    assert_eq!(proof.record.subject, pseudonym);
    assert!(told.event.as_str().contains(&pseudonym));
    assert_ne!(
        studio.privacy.pseudonym(&id("u-ben").into()).unwrap(),
        pseudonym
    );
    // And it can be proved to others.
    let key = SecretKey::from_bytes(&[3; 32]).unwrap();
    let signer = Arc::new(HmacHeads::new(key));
    let clock = Arc::new(PausedClock::starting(NOW));
    let main = JournalName::main();
    let auditor = Auditor::new(
        studio.store.clone(),
        main.clone(),
        Arc::clone(&signer) as _,
        clock,
    );
    let head = auditor.seal_now().await.unwrap().unwrap();
    let shown = prove(&studio.store, &main, proof.entry, &head)
        .await
        .unwrap();
    shown.verify(&*signer).await.unwrap();
    assert_eq!(shown.entry, *told);
}

#[tokio::test(start_paused = true)]
async fn l4_the_chain_is_as_it_was_after_an_erasure() {
    let studio = Studio::new();
    studio.furnish().await;
    let main = JournalName::main();
    let head = studio.store.journal_head(&main).await.unwrap();
    erased(&studio, &anna()).await;
    let found = verify(&studio.store, &main, &[head]).await.unwrap();
    assert!(found.is_intact(), "{found}");
}

#[tokio::test(start_paused = true)]
async fn g2_who_erases_themself_is_not_written_down_again() {
    let studio = Studio::new();
    studio.furnish().await;
    let plan = studio.privacy.plan_erasure(&anna()).await.unwrap();
    let own = Actor::User("u-anna".into());
    let proof = studio.privacy.erase(&plan, &own).await.unwrap();
    let pseudonym = studio.privacy.pseudonym(&anna()).unwrap();
    assert_eq!(proof.record.by, Actor::User(pseudonym));
    let last = studio.journal().await.pop().unwrap();
    assert!(!last.event.as_str().contains("u-anna"));
    let event: Event = last.event.read().unwrap();
    assert_eq!(event.actor, proof.record.by);
}

#[tokio::test(start_paused = true)]
async fn g2_any_number_of_records_goes() {
    let studio = Studio::new();
    for number in 0..412 {
        let name = format!("u-anna/{number}");
        let note = json!({"note": number});
        studio.put(&crate::world::NOTES, &name, &note, vec![]).await;
        let mut batch = Batch::new(NOW);
        studio
            .vault
            .seal(&mut batch, &id("u-anna"), &number)
            .await
            .unwrap();
        studio.store.commit(batch).await.unwrap();
    }
    let proof = erased(&studio, &anna()).await;
    assert_eq!(proof.record.places["notes"].deleted, 412);
    assert_eq!(proof.record.places["audit_side_records"].deleted, 412);
    assert!(studio.names("audit_side_records").await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn g2_somebody_unknown_and_somebody_twice() {
    let studio = Studio::new();
    studio.furnish().await;
    let nobody: Subject = id("u-nobody").into();
    let proof = erased(&studio, &nobody).await;
    assert!(proof.record.places.is_empty(), "{proof}");
    erased(&studio, &anna()).await;
    studio.furnish().await;
    let again = erased(&studio, &anna()).await;
    assert_eq!(again.record.places["guests"].deleted, 1);
    let all = studio.privacy.erasures(&anna()).await.unwrap();
    // The clock stands still, so the second has the next free id of its own.
    assert_eq!(all.len(), 2);
    assert!(all.iter().all(|erasure| erasure.value.ended.is_some()));
}

#[tokio::test(start_paused = true)]
async fn g2_what_belongs_elsewhere_is_removed_there_first() {
    const UPLOADS: Collection<Value> = Collection::new("uploads");
    let studio = Studio::new();
    studio.furnish().await;
    let upload = json!({"by": {"user": "u-anna"}, "name": "Anna.pdf"});
    studio.put(&UPLOADS, "x1", &upload, vec![]).await;
    let plan = studio.privacy.plan_erasure(&anna()).await.unwrap();
    assert!(plan.to_string().contains("elsewhere"), "{plan}");
    let erased = studio.privacy.erase(&plan, &staff()).await;
    refused(erased, ErrorKind::Refused);
    let mut batch = Batch::new(NOW);
    let name: RecordId = "x1".parse().unwrap();
    batch.delete(&UPLOADS, name, garland::storage::Precondition::Any);
    studio.store.commit(batch).await.unwrap();
    let proof = studio.privacy.erase(&plan, &staff()).await.unwrap();
    assert!(proof.record.ended.is_some());
    assert_eq!(studio.privacy.erasures(&anna()).await.unwrap().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn g2_garlands_own_records_about_people_are_found() {
    let studio = Studio::new();
    let put = async |collection: &'static str, name: &str, value: Value| {
        let collection: Collection<Value> = Collection::new(collection);
        studio.put(&collection, name, &value, vec![]).await;
    };
    put("token_sessions", "s1", json!({"actor": {"user": "u-anna"}})).await;
    put("token_sessions", "s2", json!({"actor": {"user": "u-ben"}})).await;
    put(
        "token_sessions",
        "s3",
        json!({"actor": {"service": "u-anna"}}),
    )
    .await;
    let revoked = json!({"what": {"actor": {"user": "u-anna"}}});
    put("token_revocations", "user/u-anna", revoked).await;
    let digest = blake3::hash(b"user u-anna").to_hex();
    put(
        "upload_usage",
        &format!("actor/{digest}"),
        json!({"bytes": 1}),
    )
    .await;
    put("upload_usage", "organization", json!({"bytes": 1})).await;
    let proof = erased(&studio, &anna()).await;
    assert_eq!(studio.names("token_sessions").await, ["s2", "s3"]);
    assert_eq!(studio.names("token_revocations").await, ["user/u-anna"]);
    assert_eq!(studio.names("upload_usage").await, ["organization"]);
    assert_eq!(proof.record.places["token_revocations"].kept, 1);
}

#[tokio::test(start_paused = true)]
async fn another_organization_is_not_touched() {
    use garland::backends::Memory;
    use garland::storage::{StorageBackend, Store};
    let database: Arc<dyn StorageBackend> = Arc::new(Memory::new());
    let studio = Studio::over(Arc::clone(&database), Arc::default());
    studio.furnish().await;
    let other = Store::new(database, "studio-8".parse().unwrap());
    let mut batch = Batch::new(NOW);
    let guest = json!({"name": "Anna"});
    let name = "u-anna".parse().unwrap();
    batch.put(&crate::world::GUESTS, name, &guest).unwrap();
    other.commit(batch).await.unwrap();
    erased(&studio, &anna()).await;
    let query = Query::all(crate::world::GUESTS.name().clone());
    assert_eq!(other.query(&query).await.unwrap().records.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn no_key_is_printed() {
    let text = format!("{:?}", Studio::new().privacy);
    let expected = r#"Privacy { organization: OrganizationId("studio-7"), sources: ["#;
    assert!(
        text.starts_with(expected) && !text.contains("key"),
        "{text}"
    );
}
