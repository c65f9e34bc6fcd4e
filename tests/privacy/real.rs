//! What is said of garland's own collections holds for the records that its own parts write.

use std::sync::Arc;

use futures_util::TryStreamExt;
use garland::backends::Memory;
use garland::crypto::tokens::{
    Grant, KeySet, KeyUse, KnownPermissions, SigningKey, TokenKeys, TokenPolicy, TokenService,
};
use garland::crypto::{SecretKey, SystemEntropy};
use garland::permission::Actor;
use garland::platforms::MemoryPlatform;
use garland::privacy::{HoldScope, PersonalSource, UploadedFiles};
use garland::storage::{RecordId, StorageBackend};
use garland::upload::{Declared, UPLOADS, Uploads, UploadsOptions};
use garland::{Chance, ErrorKind, Ids, SystemClock};

use crate::world::{Studio, anna, organization, refused, staff};

fn user(id: &str) -> Actor {
    Actor::User(id.into())
}

#[tokio::test]
async fn g2_sessions_of_the_token_service_end_and_revocations_stay() {
    let database: Arc<dyn StorageBackend> = Arc::new(Memory::new());
    let root = SecretKey::generate(&SystemEntropy::new()).unwrap();
    let keys =
        |purpose| KeySet::new(SigningKey::derive(purpose, "2027".parse().unwrap(), &root).unwrap());
    let keys = TokenKeys {
        access: keys(KeyUse::Access),
        refresh: keys(KeyUse::Refresh),
    };
    let known = KnownPermissions::parse(["files:read"]).unwrap();
    let tokens = TokenService::new(
        Arc::clone(&database),
        keys,
        TokenPolicy::new("https://studio.test", "studio-api", known),
        Arc::new(SystemClock::new()),
        Arc::new(SystemEntropy::new()),
    )
    .unwrap();
    let grant = |who| Grant::new(user(who), organization(), "web");
    let hers = tokens.issue(&grant("u-anna")).await.unwrap();
    let his = tokens.issue(&grant("u-ben")).await.unwrap();
    tokens
        .revoke_all_before(&organization(), &user("u-anna"), None)
        .await
        .unwrap();
    let studio = Studio::live(database, Arc::default());
    let plan = studio.privacy.plan_erasure(&anna()).await.unwrap();
    let proof = studio.privacy.erase(&plan, &staff()).await.unwrap();
    assert_eq!(proof.record.places["token_sessions"].deleted, 1);
    assert_eq!(proof.record.places["token_revocations"].kept, 1);
    assert!(tokens.verify(hers.access()).await.is_err());
    assert!(tokens.refresh(hers.refresh(), "web").await.is_err());
    assert!(tokens.verify(his.access()).await.is_ok());
    assert!(tokens.refresh(his.refresh(), "web").await.is_ok());
}

async fn uploads(studio: &Studio) -> Uploads {
    let clock = Arc::new(SystemClock::new());
    let uploads = Uploads::new(
        studio.store.clone(),
        Arc::new(MemoryPlatform::default()),
        Arc::clone(&clock) as _,
        Ids::new(clock, Chance::seeded(1)),
        UploadsOptions::default(),
    )
    .unwrap();
    for who in ["u-anna", "u-ben"] {
        let declared = Declared::new("note.txt", "text/plain");
        let mut incoming = uploads.begin(user(who), &declared).await.unwrap();
        incoming.write("see you at two".into()).await.unwrap();
        incoming.finish().await.unwrap();
    }
    uploads
}

#[tokio::test]
async fn g2_uploads_go_with_their_bytes_and_their_count() {
    let database: Arc<dyn StorageBackend> = Arc::new(Memory::new());
    let studio = Studio::live(database, Arc::default());
    let uploads = uploads(&studio).await;
    let plan = studio.privacy.plan_erasure(&anna()).await.unwrap();
    let found: Vec<_> = plan.steps.iter().map(|step| step.place.as_str()).collect();
    assert_eq!(found, ["upload_usage", "uploads"]);
    // Without somebody who removes the bytes there is no erasure.
    let erased = studio.privacy.erase(&plan, &staff()).await;
    refused(erased, ErrorKind::Refused);
    let source = Arc::new(UploadedFiles::new(uploads));
    let privacy = studio.privacy.clone().with_source(source);
    let proof = privacy.erase(&plan, &staff()).await.unwrap();
    assert_eq!(proof.record.places["uploaded_files"].deleted, 1);
    assert_eq!(proof.record.places["upload_usage"].deleted, 1);
    assert_eq!(studio.names("uploads").await.len(), 1);
    // The organization's and Ben's.
    assert_eq!(studio.names("upload_usage").await.len(), 2);
}

/// The records of what Anna handed in.
async fn hers(uploads: &Uploads) -> Vec<RecordId> {
    let all: Vec<_> = uploads.all().try_collect().await.unwrap();
    let hers = all
        .into_iter()
        .filter(|found| found.value.by == user("u-anna"));
    hers.map(|found| found.id).collect()
}

#[tokio::test]
async fn g3_a_held_upload_is_not_erased_nor_anything_else_before() {
    for number in 0..2 {
        let studio = Studio::live(Arc::new(Memory::new()), Arc::default());
        studio.furnish().await;
        let uploads = uploads(&studio).await;
        let collection = UPLOADS.name().clone();
        let scope = match hers(&uploads).await.pop() {
            Some(id) if number == 0 => HoldScope::Record { collection, id },
            _ => HoldScope::Collection(collection),
        };
        studio.hold(1, scope).await.unwrap();
        let source = Arc::new(UploadedFiles::new(uploads.clone()));
        let privacy = studio.privacy.clone().with_source(source);
        let before = studio.journal().await;
        let plan = privacy.plan_erasure(&anna()).await.unwrap();
        refused(privacy.erase(&plan, &staff()).await, ErrorKind::Refused);
        assert!(!plan.is_free(), "{plan}");
        assert!(plan.to_string().starts_with("held elsewhere"), "{plan}");
        assert_eq!(studio.journal().await, before);
        assert_eq!(hers(&uploads).await.len(), 1);
        assert_eq!(studio.names("guests").await, ["u-anna", "u-ben"]);
        assert_eq!(studio.keys().await, 2);
        let hold = "case-1".parse().unwrap();
        studio.privacy.lift_hold(&hold, &staff()).await.unwrap();
        privacy.erase(&plan, &staff()).await.unwrap();
        assert_eq!(hers(&uploads).await, []);
    }
}

#[tokio::test]
async fn g3_uploads_stop_at_a_hold_that_comes_while_they_are_erased() {
    let studio = Studio::live(Arc::new(Memory::new()), Arc::default());
    let uploads = uploads(&studio).await;
    let source = UploadedFiles::new(uploads.clone());
    let id = hers(&uploads).await.pop().unwrap();
    let collection = UPLOADS.name().clone();
    let scopes = [
        HoldScope::Record {
            collection: collection.clone(),
            id,
        },
        HoldScope::Collection(collection),
        HoldScope::Subject("crm-12".parse().unwrap()),
    ];
    let mut check = studio.privacy.hold_check(&anna()).await.unwrap();
    for scope in scopes {
        studio.hold(1, scope).await.unwrap();
        let erased = source.erase(&anna(), &mut check).await;
        refused(erased, ErrorKind::Refused);
        assert_eq!(hers(&uploads).await.len(), 1);
        let hold = "case-1".parse().unwrap();
        studio.privacy.lift_hold(&hold, &staff()).await.unwrap();
    }
    // Somebody else's hold keeps what is theirs.
    let scope = HoldScope::Subject("u-ben".parse().unwrap());
    studio.hold(1, scope).await.unwrap();
    assert_eq!(source.erase(&anna(), &mut check).await.unwrap(), 1);
    assert_eq!(hers(&uploads).await, []);
    assert_eq!(studio.names("uploads").await.len(), 1);
}
