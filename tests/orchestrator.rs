//! The handle of a host: organizations, actors and single transfers.

use std::sync::Arc;

use garland::backends::Memory;
use garland::connector::{Expect, NamedConnector, PlatformConnector};
use garland::permission::{Actor, TrustedHost};
use garland::platforms::MemoryPlatform;
use garland::transfer::{Destination, TransferJob, TransferOptions};
use garland::{ErrorKind, Orchestrator, OrchestratorBuilder, OrganizationId};

fn studio(card: &MemoryPlatform, archive: &MemoryPlatform) -> OrchestratorBuilder {
    Orchestrator::builder()
        .storage(Memory::new())
        .connector("card", card.clone())
        .connector("archive", archive.clone())
}

fn accounts() -> (MemoryPlatform, MemoryPlatform) {
    let (card, archive) = (MemoryPlatform::default(), MemoryPlatform::default());
    card.put("a.jpg", "first look").unwrap();
    (card, archive)
}

#[tokio::test]
async fn one_file_is_moved_and_its_hashes_are_told() {
    let (card, archive) = accounts();
    let studio = studio(&card, &archive).build().await.unwrap();
    let (from, to) = (
        studio.connector("card").await.unwrap(),
        studio.connector("archive").await.unwrap(),
    );
    let path: garland::connector::FilePath = "a.jpg".parse().unwrap();
    let version = from
        .files()
        .unwrap()
        .stat(&path)
        .await
        .unwrap()
        .unwrap()
        .version;
    let job = TransferJob::new(from, path.clone(), version).to(Destination::new(
        to,
        path,
        Expect::Absent,
    ));
    let options = TransferOptions::default();
    let moved = studio.transfer(&job, options.clone()).await.unwrap();
    assert_eq!(archive.get("a.jpg").as_deref(), Some(&b"first look"[..]));
    assert_eq!(
        moved.source.hashes,
        moved.destinations[0].as_ref().unwrap().version.hashes
    );
    assert!(!moved.source.hashes.is_empty());

    let again = studio.transfer(&job, options).await.unwrap();
    let error = again.destinations[0].as_ref().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AlreadyExists);
}

#[tokio::test]
async fn a1_an_account_of_another_organization_is_as_one_that_is_missing() {
    let (card, archive) = accounts();
    let other: OrganizationId = "other".parse().unwrap();
    let foreign: Arc<dyn PlatformConnector> = Arc::new(MemoryPlatform::default());
    let studio = studio(&card, &archive).connector_of(&other, "card", foreign);
    let studio = studio.build().await.unwrap();
    let theirs = studio.organization(other);
    assert_eq!(
        theirs.connector("archive").await.unwrap_err().kind(),
        ErrorKind::NotFound
    );
    let error = theirs
        .sync("card")
        .with("archive")
        .plan()
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);

    let path: garland::connector::FilePath = "a.jpg".parse().unwrap();
    let ours = studio.connector("card").await.unwrap();
    let version = ours
        .files()
        .unwrap()
        .stat(&path)
        .await
        .unwrap()
        .unwrap()
        .version;
    // An account of another under a name that they have as well, and one that nobody has at all.
    let gone = NamedConnector::new("gone".parse().unwrap(), Arc::new(card.clone()));
    let mut answers = Vec::new();
    for place in [ours, gone] {
        let name = place.name().to_string();
        let job = TransferJob::new(place, path.clone(), version.clone());
        let refused = theirs.transfer(&job, TransferOptions::default()).await;
        let error = refused.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound);
        answers.push(error.to_string().replace(&name, "‹name›"));
    }
    assert_eq!(answers[0], answers[1]);
}

#[tokio::test]
async fn an_actor_may_nothing_until_the_host_names_who_decides() {
    let (card, archive) = accounts();
    let closed = studio(&card, &archive).build().await.unwrap();
    let anna = || Actor::User("anna".into());
    let request = closed.as_actor(anna()).sync("card").to("archive");
    for outcome in [
        request.run().await.map(|_| ()),
        request.plan().await.map(|_| ()),
    ] {
        assert_eq!(outcome.unwrap_err().kind(), ErrorKind::Denied);
    }
    assert!(archive.contents().is_empty());

    let open = studio(&card, &archive)
        .permissions(TrustedHost::new())
        .build()
        .await
        .unwrap();
    let report = open
        .as_actor(anna())
        .sync("card")
        .to("archive")
        .run()
        .await
        .unwrap();
    assert_eq!(report.done.copy, 1);
}
