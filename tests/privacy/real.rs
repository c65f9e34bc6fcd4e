//! What is said of garland's own collections holds for the records that its own parts write.

use std::sync::Arc;

use garland::backends::Memory;
use garland::crypto::tokens::{
    Grant, KeySet, KeyUse, KnownPermissions, SigningKey, TokenKeys, TokenPolicy, TokenService,
};
use garland::crypto::{SecretKey, SystemEntropy};
use garland::permission::Actor;
use garland::platforms::MemoryPlatform;
use garland::privacy::UploadedFiles;
use garland::storage::StorageBackend;
use garland::upload::{Declared, Uploads, UploadsOptions};
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

#[tokio::test]
async fn g2_uploads_go_with_their_bytes_and_their_count() {
    let database: Arc<dyn StorageBackend> = Arc::new(Memory::new());
    let studio = Studio::live(Arc::clone(&database), Arc::default());
    let clock = Arc::new(SystemClock::new());
    let platform = Arc::new(MemoryPlatform::default());
    let uploads = Uploads::new(
        studio.store.clone(),
        platform,
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
