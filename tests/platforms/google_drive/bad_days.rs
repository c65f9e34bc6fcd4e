//! The table of bad days, through a proxy that spoils what goes through it.

use std::sync::Arc;

use garland::connector::PlatformConnector;
use garland::connector::kit::{AccessToken, Bearer};
use garland::platforms::GoogleDrive;

use super::fake::TOKEN;
use super::setup::Setup;
use crate::support::{BadDays, ProofKind, hasty, proof};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_bad_day_is_survived() {
    let setup = Setup::new().await;
    let clock = setup.clock.clone();
    let days = BadDays::on(setup.server.address()).sizes(&[1_000, 600_000]);
    let passed = days
        .run(async |address| {
            let drive = GoogleDrive::builder(Bearer::new(AccessToken::new(TOKEN)))
                .base_url(address.parse().unwrap())
                .client(hasty())
                .clock(Arc::new(clock.clone()))
                .chunk_size(256 << 10)
                .whole_up_to(128 << 10)
                .build()
                .unwrap();
            Arc::new(drive) as Arc<dyn PlatformConnector>
        })
        .await;
    assert!(passed.days > 20 && passed.faults > 200, "{passed:?}");
    proof(
        "google-drive",
        ProofKind::Contract,
        "bad days",
        0,
        passed.faults,
    );
}
