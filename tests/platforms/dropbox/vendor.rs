//! What others say: Dropbox's own client of the fake, and Dropbox's description of what the connector sends.

use std::time::Duration;

use garland::Timestamp;
use garland::connector::{
    Expect, LinkOptions, LinkScope, PlatformConnector as _, ReadOptions, UploadRequest,
};

use super::fake::TOKEN;
use super::setup::{CHUNK, Setup, content, listed, path, put, read, read_with, upload};
use crate::support::{Description, ProofKind, Recorded, proof, python};

/// What the argument in a header has to be.
const ARGUMENTS: [(&str, &str); 5] = [
    ("/2/files/download", "files.DownloadArg"),
    ("/2/files/upload", "files.UploadArg"),
    (
        "/2/files/upload_session/append_v2",
        "files.UploadSessionAppendArg",
    ),
    (
        "/2/files/upload_session/finish",
        "files.UploadSessionFinishArg",
    ),
    (
        "/2/files/upload_session/start",
        "files.UploadSessionStartArg",
    ),
];

#[tokio::test]
async fn the_client_of_dropbox_takes_the_fake_for_dropbox() {
    let setup = Setup::new().await;
    let server = setup.server.address();
    if python("dropbox/vendor.py", &[server, TOKEN]).await {
        proof("dropbox", ProofKind::Contract, "vendor's client", 0, 0);
    }
}

#[tokio::test]
async fn what_is_sent_is_what_dropbox_describes() {
    let schemas = ARGUMENTS.map(|(_, schema)| schema);
    let Some(dropbox) = Description::with_schemas("dropbox.json", &schemas).await else {
        return;
    };
    let setup = Setup::new().await;
    send_everything(&setup).await;
    let requests = setup.recorder.requests();
    let filled: Vec<Recorded> = requests.iter().map(filled).collect();
    let report = dropbox
        .check(&filled, |request| Some(request.target.clone()))
        .await;
    assert!(report.left_out.is_empty());
    let mut arguments = 0;
    for request in &requests {
        let Some(argument) = request.header("dropbox-api-arg") else {
            continue;
        };
        let schema = ARGUMENTS.iter().find(|(route, _)| *route == request.target);
        let (_, schema) = schema.unwrap_or_else(|| panic!("{}", request.target));
        if let Err(told) = dropbox.fits(schema, argument).await {
            panic!("{}: {argument}: {told}", request.target);
        }
        arguments += 1;
    }
    println!(
        "{:#?} and {arguments} arguments in headers",
        report.operations
    );
    assert_eq!(report.count(), 17);

    // And what is wrong is refused.
    let right = requests
        .iter()
        .find(|request| request.target == "/2/files/list_folder");
    let mut wrong: Recorded = right.unwrap().clone();
    wrong.body = r#"{"path": 7}"#.into();
    let told = dropbox.refuses(&wrong).await;
    assert!(told.contains("path"), "{told}");
    let argument = r#"{"path": "/a.jpg", "mode": {".tag": "update"}}"#;
    let told = dropbox.fits("files.UploadArg", argument).await.unwrap_err();
    assert!(told.contains("mode"), "{told}");
    proof(
        "dropbox",
        ProofKind::Contract,
        "description",
        report.count() as u64,
        0,
    );
}

/// Puts a byte where content is none: whoever checks takes empty content for content that is missing.
fn filled(request: &Recorded) -> Recorded {
    let mut request = request.clone();
    let is_content = request.header("content-type") == Some("application/octet-stream");
    if is_content && request.body.is_empty() {
        request.body = "x".into();
    }
    request
}

/// Sends every kind of request that the connector can send.
async fn send_everything(setup: &Setup) {
    let files = setup.files();
    setup.fake.world().page_cap = 2;
    setup.dropbox.check().await.unwrap();
    let feed = setup.dropbox.changes().unwrap();
    let cursor = feed.start().await.unwrap();
    let made = put(files, "Tag/ä \u{1f48d}.jpg", "a", Expect::Absent)
        .await
        .unwrap();
    let over = Expect::Version(made.version);
    let made = put(files, "Tag/ä \u{1f48d}.jpg", "b", over).await.unwrap();
    let modified = Timestamp::from_millis(1_750_000_000_000);
    let request = UploadRequest::new(path("large.bin"), CHUNK * 2).with_modified(modified);
    upload(files, request, &content(CHUNK * 2)).await.unwrap();
    let mut session = files
        .upload(UploadRequest::new(path("b"), CHUNK * 2))
        .await
        .unwrap();
    session.write(content(CHUNK)).await.unwrap();
    let session = files
        .resume_upload(&session.token().unwrap())
        .await
        .unwrap();
    session.abort().await.unwrap();
    read(files, "large.bin").await.unwrap();
    let part = ReadOptions::default().with_range(1..5);
    read_with(files, "large.bin", part).await.unwrap();
    let copied = files
        .copy(&made.path, &made.version, &path("c.jpg"), &Expect::Absent)
        .await;
    let copied = copied.unwrap().unwrap();
    files
        .rename(&copied.path, &Expect::Anything, &path("d.jpg"))
        .await
        .unwrap();
    let links = setup.dropbox.links().unwrap();
    let options = LinkOptions::default()
        .with_scope(LinkScope::Anyone)
        .with_password("a password")
        .with_expires(modified);
    let link = links.create_link(&path("d.jpg"), &options).await.unwrap();
    links.revoke_link(&link.id).await.unwrap();
    let organization = LinkOptions::default();
    links
        .create_link(&path("d.jpg"), &organization)
        .await
        .unwrap();
    files
        .delete(&path("d.jpg"), &Expect::Anything)
        .await
        .unwrap();
    assert_eq!(listed(files).await.len(), 2);
    feed.changes(&cursor).await.unwrap();
    let wait = setup
        .dropbox
        .wait_for_changes(&cursor, Duration::from_secs(30));
    assert!(wait.await.unwrap().changed);
    let top = Setup::with(|builder| builder.root_folder("Tag")).await;
    let _ = top.dropbox.check().await.unwrap();
}
