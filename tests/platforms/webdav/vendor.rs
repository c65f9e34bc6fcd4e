//! Somebody else's client drives the fake, so that it is not a copy of one misunderstanding.

use axum::body::Bytes;

use crate::support::python;

use super::fake::{Fake, PASSWORD, USER};

#[tokio::test]
async fn another_client_takes_the_fake_for_a_nextcloud() {
    let fake = Fake::start().await;
    let address = fake.server.address().to_owned();
    if !python("webdav/vendor.py", &[&address, USER, PASSWORD]).await {
        return;
    }
    let cloud = fake.cloud();
    let moved = cloud.tree.file("day/moved.bin").unwrap();
    assert_eq!(moved.content.len(), 12_000_000);
    assert_eq!(moved.content.slice(..4), Bytes::from_static(&[0, 1, 2, 3]));
    assert_eq!(moved.modified, 1_700_000_000);
    assert!(cloud.tree.file("day/small.jpg").is_none());
    assert!(cloud.uploads.is_empty());
}
