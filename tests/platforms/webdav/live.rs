//! Real servers keep the promises of a connector.

use std::sync::atomic::{AtomicU32, Ordering};

use garland::connector::kit::{BasicLogin, Credentials as _, HttpClient, HttpOptions, HttpRequest};
use garland::platforms::{WebDav, WebDavProfile};
use garland::testing::{Account, connector};

use crate::support::{Live, ProofKind, proof, servers};

/// Runs the conformance suite; each rule has a folder of its own on one server.
async fn conforms(name: &str, live: Option<Live>, profile: WebDavProfile) {
    let Some(live) = live else { return };
    let number = AtomicU32::new(0);
    connector(async || {
        let folder = format!("rule-{}", number.fetch_add(1, Ordering::Relaxed));
        make_folder(&live, &folder).await;
        let make = || {
            let login = BasicLogin::new(live.user(), live.secret());
            WebDav::builder(live.base(""), login)
                .profile(profile)
                .folder(folder.parse().unwrap())
                .build()
                .unwrap()
        };
        Account::new(make(), make())
    })
    .await;
    assert!(number.into_inner() > 40);
    let what = format!("conformance on {name}");
    proof("webdav", ProofKind::LiveServer, &what, 0, 0);
}

/// By the server itself: some believe for minutes what they once saw of their disk.
async fn make_folder(live: &Live, folder: &str) {
    let client = HttpClient::new(HttpOptions::default()).unwrap();
    let mut request = HttpRequest::new("MKCOL", live.base("").at(&format!("/{folder}/")));
    let login = BasicLogin::new(live.user(), live.secret());
    login.sign(&mut request).await.unwrap();
    assert_eq!(client.send(request).await.unwrap().status(), 201);
}

#[tokio::test]
async fn apache_keeps_the_promises() {
    conforms("Apache", servers::apache_dav().await, WebDavProfile::Plain).await;
}

#[tokio::test]
async fn wsgidav_keeps_the_promises() {
    conforms("WsgiDAV", servers::webdav().await, WebDavProfile::WsgiDav).await;
}

#[tokio::test]
async fn rclone_keeps_the_promises() {
    conforms(
        "rclone",
        servers::rclone_webdav().await,
        WebDavProfile::Rclone,
    )
    .await;
}
