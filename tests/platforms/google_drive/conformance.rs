//! The promises of every connector.

use std::time::Duration;

use garland::connector::{Subscription, WebhookDelivery};
use garland::platforms::GoogleDriveBuilder;
use garland::testing::{Account, connector};

use super::fake::{Fake, World};
use super::setup::{Setup, Ticking, builder};
use crate::support::{ProofKind, Server, proof};

const DRIVE: &str = "0ASharedDriveUk9PVA";

/// What nothing proves: Drive signs no message.
const UNPROVEN: &[&str] = &["x-goog-message-number"];

#[tokio::test]
async fn my_drive_keeps_the_promises() {
    connector(async || account(|_| {}, |builder| builder).await).await;
    proof("google-drive", ProofKind::Contract, "conformance", 0, 0);
}

#[tokio::test]
async fn a_folder_of_a_shared_drive_keeps_the_promises_in_small_pages() {
    fn world(world: &mut World) {
        world.page_cap = 7;
        world.add_drive(DRIVE);
        let top = world.add(
            Some("1weddings_-00"),
            Some(DRIVE),
            "Weddings",
            super::fake::FOLDER,
            None,
        );
        world.put(DRIVE, "outside.jpg", "outside");
        world.put("root", "mine.jpg", "mine");
        assert_eq!(top, "1weddings_-00");
    }
    let configure =
        |builder: GoogleDriveBuilder| builder.shared_drive(DRIVE).root_folder("1weddings_-00");
    connector(async || account(world, configure).await).await;
    proof(
        "google-drive",
        ProofKind::Contract,
        "conformance on a shared drive",
        0,
        0,
    );
}

async fn account(
    prepare: fn(&mut World),
    configure: impl Fn(GoogleDriveBuilder) -> GoogleDriveBuilder + Send + Sync,
) -> Account {
    let setup = Setup::with(&configure).await;
    prepare(&mut setup.fake.world());
    let second = configure(builder(&setup.server, &setup.clock))
        .build()
        .unwrap();
    let Setup {
        fake,
        clock,
        server,
        drive,
        ..
    } = setup;
    with_hooks(Account::new(drive, second), &fake, &clock, server)
}

fn with_hooks(account: Account, fake: &Fake, clock: &Ticking, server: Server) -> Account {
    let (expiring, telling) = (fake.clone(), fake.clone());
    let (advancing, coming) = (clock.clone(), clock.clone());
    account
        .with_expire_cursors(move || expiring.world().expire_tokens())
        .with_clock(move |by| advancing.advance(by))
        .with_signed_bodies(false)
        .with_unproven_headers(UNPROVEN)
        .with_deliveries(move |subscription| {
            let delivery = delivery(&telling, subscription, "change");
            (delivery, coming.advance(Duration::ZERO))
        })
        .keeping(server)
}

/// The next message of a channel, as it comes in.
pub(super) fn delivery(fake: &Fake, subscription: &Subscription, state: &str) -> WebhookDelivery {
    let (channel, _) = subscription.id.as_str().split_once('.').unwrap();
    let (address, headers) = fake.world().message(channel, state);
    let delivery = WebhookDelivery::new("POST", address, "");
    headers
        .into_iter()
        .fold(delivery, |delivery, (name, value)| {
            delivery.with_header(name, value)
        })
}
