//! The table of bad days, on a server that writes a large file in one call and on one that takes it in chunks.

use std::sync::Arc;

use garland::connector::PlatformConnector;
use garland::connector::kit::BasicLogin;
use garland::platforms::WebDav;

use super::fake::{Fake, PASSWORD, USER};
use crate::support::{BadDays, ProofKind, hasty, proof, servers};

const MIB: u64 = 1 << 20;

#[tokio::test]
async fn apache_is_survived_on_bad_days() {
    let Some(live) = servers::apache_dav().await else {
        return;
    };
    let login = || BasicLogin::new(live.user(), live.secret());
    // The second takes a call that is written while it is sent.
    let days = BadDays::on(live.address()).sizes(&[1_000, 3 * MIB / 2]);
    let passed = days
        .run(async |address| {
            let account = WebDav::builder(address.parse().unwrap(), login())
                .client(hasty())
                .chunk_size(MIB)
                .build();
            Arc::new(account.unwrap()) as Arc<dyn PlatformConnector>
        })
        .await;
    assert!(passed.faults >= 150, "{passed:?}");
    proof(
        "webdav",
        ProofKind::LiveServer,
        "bad days on Apache",
        0,
        passed.faults,
    );
}

#[tokio::test]
async fn nextcloud_is_survived_on_bad_days() {
    let fake = Fake::start().await;
    let days = BadDays::on(fake.server.address()).sizes(&[1_000, 6 * MIB]);
    let passed = days
        .run(async |address| {
            let login = BasicLogin::new(USER, PASSWORD);
            let account = WebDav::nextcloud(&address.parse().unwrap(), USER, login).unwrap();
            let account = account.client(hasty()).chunk_size(5 * MIB).build();
            Arc::new(account.unwrap()) as Arc<dyn PlatformConnector>
        })
        .await;
    assert!(passed.faults >= 150, "{passed:?}");
    proof(
        "webdav",
        ProofKind::Contract,
        "bad days of Nextcloud",
        0,
        passed.faults,
    );
}
