//! The table lets a sound connector pass, and finds what a careless one does.

use std::sync::Arc;

use garland::connector::PlatformConnector;

use super::shelf::{Shelf, shelf};
use crate::support::{BadDays, Deed};

#[tokio::test]
async fn a_sound_connector_survives_every_bad_day() {
    let server = shelf().await;
    let days = BadDays::on(server.address()).sizes(&[1_000, 300_000]);
    let passed = days
        .run(async |address| Arc::new(Shelf::new(&address, false)) as Arc<dyn PlatformConnector>)
        .await;
    println!("{passed:?}");
    assert!(passed.days >= 30 && passed.faults >= 150, "{passed:?}");
}

#[tokio::test]
async fn a_careless_connector_is_found_out() {
    let run = async {
        let server = shelf().await;
        let days = BadDays::on(server.address()).excusing(
            "507 while uploading",
            Deed::Replace,
            "for this test",
        );
        days.run(async |address| Arc::new(Shelf::new(&address, true)) as Arc<dyn PlatformConnector>)
            .await
    };
    let panic = tokio::spawn(run).await.unwrap_err().into_panic();
    let told = panic.downcast_ref::<String>().unwrap();
    for found in [
        "page for people: read of 1000 bytes, call 1 of 1: it succeeded, but 64 other bytes were read",
        "page for people: upload of 1000 bytes, call 1 of 1: it succeeded, but listed are []",
        "page for people: delete of 1000 bytes, call 1 of 1: it succeeded, but still there",
    ] {
        assert!(told.contains(found), "{told}");
    }
    assert!(!told.contains("\n500: "), "what even it does right: {told}");
}
