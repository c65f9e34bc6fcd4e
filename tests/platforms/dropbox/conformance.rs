//! The promises of every connector.

use garland::Timestamp;
use garland::connector::WebhookDelivery;
use garland::platforms::DropboxBuilder;
use garland::testing::{Account, connector};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use super::fake::{ACCOUNT, World};
use super::setup::{APP_SECRET, Setup, builder};
use crate::support::{ProofKind, proof};

#[tokio::test]
async fn an_account_keeps_the_promises() {
    connector(async || account(|_| {}, |builder| builder).await).await;
    proof("dropbox", ProofKind::Contract, "conformance", 0, 0);
}

#[tokio::test]
async fn a_folder_keeps_the_promises_in_small_pages() {
    fn world(world: &mut World) {
        world.page_cap = 7;
        world.put("/Weddings/Outside.jpg", "outside");
        world.add_folder("/Weddings/2026");
    }
    // Not in the case in which Dropbox shows it.
    let configure =
        |builder: DropboxBuilder| builder.root_folder("weddings/2026").account_id(ACCOUNT);
    connector(async || account(world, configure).await).await;
}

async fn account(
    prepare: fn(&mut World),
    configure: fn(DropboxBuilder) -> DropboxBuilder,
) -> Account {
    let setup = Setup::with(configure).await;
    prepare(&mut setup.fake.world());
    let second = configure(builder(&setup.server.base(""))).build().unwrap();
    let expiring = setup.fake.clone();
    Account::new(setup.dropbox, second)
        .with_expire_cursors(move || expiring.world().expire_cursors())
        .with_deliveries(|_| (delivery(ACCOUNT), Timestamp::default()))
        .keeping(setup.server)
}

/// A delivery with news of an account, as Dropbox signs it.
pub(super) fn delivery(account: &str) -> WebhookDelivery {
    let body = format!(r#"{{"list_folder": {{"accounts": ["{account}"]}}}}"#);
    let mut mac = Hmac::<Sha256>::new_from_slice(APP_SECRET.as_bytes()).unwrap();
    mac.update(body.as_bytes());
    let signature = mac.finalize().into_bytes();
    let signature: String = signature.iter().map(|byte| format!("{byte:02x}")).collect();
    WebhookDelivery::new("POST", "https://studio.example/hooks/dropbox", body)
        .with_header("X-Dropbox-Signature", signature)
}
