//! Every server starts, answers as what it is, and is gone when it is dropped.

use std::fs;
use std::net::TcpStream;
use std::time::Duration;

use garland::connector::kit::{BasicLogin, Credentials as _, HttpClient, HttpOptions, HttpRequest};
use tokio::time::sleep;

use crate::support::{Live, servers};

async fn status(request: HttpRequest) -> u16 {
    let client = HttpClient::new(HttpOptions::default()).unwrap();
    client.send(request).await.unwrap().status()
}

/// Stops it and waits until nobody answers any more.
async fn is_gone(live: Live) {
    let (port, folder) = (live.port(), live.folder().to_owned());
    drop(live);
    assert!(!folder.exists());
    // What a server has started ends a moment after it.
    for _ in 0..200 {
        if TcpStream::connect(("127.0.0.1", port)).is_err() {
            return;
        }
        sleep(Duration::from_millis(10)).await;
    }
    panic!("still there");
}

/// Files of the folder are served, and what is written arrives there.
async fn keeps_files(live: Option<Live>) {
    let Some(live) = live else { return };
    fs::write(live.root().join("IMG_1.jpg"), "first look").unwrap();
    let login = BasicLogin::new(live.user(), live.secret());
    let url = live.base("").at("/IMG_1.jpg");
    let mut get = HttpRequest::get(&url);
    login.sign(&mut get).await.unwrap();
    assert_eq!(status(get).await, 200, "{}", live.log());
    let mut put = HttpRequest::put(&url).body("image/jpeg", "second look");
    login.sign(&mut put).await.unwrap();
    assert!(
        [200, 201, 204].contains(&status(put).await),
        "{}",
        live.log()
    );
    assert_eq!(
        fs::read(live.root().join("IMG_1.jpg")).unwrap(),
        b"second look"
    );
    if !live.user().is_empty() {
        assert_eq!(status(HttpRequest::get(&url)).await, 401);
    }
    is_gone(live).await;
}

#[tokio::test]
async fn webdav_keeps_files() {
    keeps_files(servers::webdav().await).await;
}

#[tokio::test]
async fn apache_keeps_files() {
    keeps_files(servers::apache_dav().await).await;
}

#[tokio::test]
async fn rclone_keeps_files() {
    keeps_files(servers::rclone_webdav().await).await;
}

/// Without credentials, or at an address of its own.
async fn answers(live: Option<Live>, target: &str, expected: u16) {
    let Some(live) = live else { return };
    let url = live.base("").at(target);
    assert_eq!(
        status(HttpRequest::get(url)).await,
        expected,
        "{}",
        live.log()
    );
    is_gone(live).await;
}

#[tokio::test]
async fn s3_refuses_who_does_not_sign() {
    answers(servers::s3().await, "/", 403).await;
}

#[tokio::test]
async fn azurite_refuses_who_does_not_sign() {
    answers(servers::azurite().await, "/devstoreaccount1?comp=list", 403).await;
}

#[tokio::test]
async fn gcs_lists_buckets() {
    answers(servers::gcs().await, "/storage/v1/b?project=studio", 200).await;
}

#[tokio::test]
async fn oidc_describes_itself() {
    answers(
        servers::oidc().await,
        "/.well-known/openid-configuration",
        200,
    )
    .await;
}

#[tokio::test]
async fn sftp_greets() {
    if let Some(live) = servers::sftp().await {
        let (own, shown) = servers::sftp_keys(&live);
        assert!(own.exists() && shown.exists());
        is_gone(live).await;
    }
    if let Some(live) = servers::rclone_sftp().await {
        is_gone(live).await;
    }
}
