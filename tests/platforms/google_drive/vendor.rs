//! What others say: Google's own client of the fake, and Google's description of what the connector sends.

use futures_util::TryStreamExt as _;
use garland::connector::{
    Expect, IdempotencyKey, LinkOptions, LinkScope, PlatformConnector, SubscriptionRequest,
    UploadRequest, WebhookSecret,
};
use garland::platforms::DriveDeletion;

use super::fake::{FOLDER, TOKEN};
use super::setup::{Setup, content, list, path, put, read, upload};
use crate::support::{Description, ProofKind, Recorded, proof, python};

#[tokio::test]
async fn the_client_of_google_takes_the_fake_for_drive() {
    let setup = Setup::new().await;
    let server = setup.server.address();
    if python("google_drive/vendor.py", &[server, TOKEN]).await {
        proof("google-drive", ProofKind::Contract, "vendor's client", 0, 0);
    }
}

#[tokio::test]
async fn the_description_of_google_allows_whatever_is_sent() {
    let Some(description) = Description::open("google-drive-v3.json").await else {
        return;
    };
    let mut sent = Vec::new();
    let drive = "0ASharedDriveUk9PVA";
    for (is_shared, deletion) in [
        (false, DriveDeletion::Trash),
        (true, DriveDeletion::Permanent),
    ] {
        let setup = Setup::with(|builder| match is_shared {
            false => builder.deletion(deletion),
            true => builder.deletion(deletion).shared_drive(drive),
        })
        .await;
        setup.fake.world().add_drive(drive);
        setup.fake.world().page_cap = 2;
        everything(&setup, if is_shared { drive } else { "root" }).await;
        sent.extend(setup.recorder.requests());
    }
    let known = |request: &Recorded| {
        // The address of a session is Drive's own.
        let is_session = request.target.contains("upload_id");
        (!is_session).then(|| request.target.clone())
    };
    let report = description.check(&sent, known).await;
    // All operations but `files.get` of content and of a document are told apart by their paths.
    assert_eq!(report.count(), 17, "{:?}", report.operations);
    let left_out: Vec<&str> = report.left_out.iter().map(String::as_str).collect();
    let [delete, rest @ ..] = &left_out[..] else {
        panic!("{left_out:?}");
    };
    assert_eq!(*delete, "DELETE /upload/drive/v3/files");
    assert!(
        rest.iter()
            .all(|put| put.starts_with("PUT /upload/drive/v3/files")),
        "{rest:?}"
    );

    let mut wrong = sent
        .iter()
        .find(|request| request.target.contains("/copy"))
        .unwrap()
        .clone();
    wrong.body = r#"{"parents": "root"}"#.into();
    assert!(description.refuses(&wrong).await.contains("parents"));
    let operations = report.count() as u64;
    proof(
        "google-drive",
        ProofKind::Contract,
        "description",
        operations,
        0,
    );
}

/// Uses whatever the connector can.
async fn everything(setup: &Setup, top: &str) {
    let (files, drive) = (setup.files(), &setup.drive);
    drive.check().await.unwrap();
    let feed = PlatformConnector::changes(drive).unwrap();
    let cursor = feed.start().await.unwrap();
    {
        let mut world = setup.fake.world();
        let document = "application/vnd.google-apps.document";
        world.add(None, Some(top), "Plan", document, None);
        world.add(None, Some(top), "Empty", FOLDER, None);
    }
    let pieces = drive.export(&path("Plan"), "text/plain").await.unwrap();
    pieces.try_collect::<Vec<_>>().await.unwrap();
    for size in [5, 600_000] {
        for expect in [Expect::Absent, Expect::Anything] {
            let moment = garland::Timestamp::from_millis(1_750_000_000_123);
            let request = UploadRequest::new(path(&format!("day/{size}.jpg")), size)
                .with_modified(moment)
                .with_media_type(Some("image/jpeg".into()))
                .with_expect(expect);
            let content = content(usize::try_from(size).unwrap());
            upload(files, request, &content).await.unwrap();
        }
    }
    let begun = files.upload(UploadRequest::new(path("day/given-up.mov"), 600_000));
    let begun = begun.await.unwrap();
    let resumed = files.resume_upload(&begun.token().unwrap()).await.unwrap();
    resumed.abort().await.unwrap();
    read(files, "day/5.jpg").await.unwrap();
    let part = garland::connector::ReadOptions::default().with_range(1..3);
    files.read(&path("day/5.jpg"), part).await.unwrap();
    let entry = put(files, "a.jpg", "a", Expect::Absent).await.unwrap();
    let (from, to) = (path("a.jpg"), path("day/b.jpg"));
    files
        .copy(&from, &entry.version, &to, &Expect::Absent)
        .await
        .unwrap();
    files
        .rename(&from, &Expect::Anything, &path("day/c.jpg"))
        .await
        .unwrap();
    files.delete(&to, &Expect::Anything).await.unwrap();
    list(files).await;
    let mut next = Some(cursor);
    while let Some(cursor) = next {
        let page = feed.changes(&cursor).await.unwrap();
        next = page.more.then_some(page.next);
    }
    let links = drive.links().unwrap();
    for scope in [LinkScope::Anyone, LinkScope::Organization] {
        let options = LinkOptions::default().with_scope(scope);
        links
            .create_link(&path("day/c.jpg"), &options)
            .await
            .unwrap();
    }
    for link in links.links(&path("day/c.jpg")).await.unwrap() {
        links.revoke_link(&link.id).await.unwrap();
    }
    let hooks = drive.webhooks().unwrap();
    let secret = WebhookSecret::new("a secret of thirty-two characters");
    let request = SubscriptionRequest::new("https://studio.example/hooks/1", secret);
    let key: IdempotencyKey = "hook".parse().unwrap();
    let made = hooks.subscribe(&key, &request).await.unwrap();
    hooks.unsubscribe(&made.id).await.unwrap();
}
