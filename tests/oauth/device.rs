//! Connecting from a machine without a browser, on a clock that jumps.

use std::sync::Arc;
use std::time::Duration;

use garland::ErrorKind;
use garland::backends::Memory;
use garland::oauth::{OAuth, OAuthOptions};
use garland::storage::StorageBackend;
use garland::testing::PausedClock;

use crate::clock::START;
use crate::fake::{Bad, Fake, Habit};
use crate::world::{name, refused, service};

async fn desk() -> (Fake, OAuth, PausedClock) {
    let fake = Fake::start(Habit::Strict).await;
    let clock = PausedClock::starting(START);
    let backend: Arc<dyn StorageBackend> = Arc::new(Memory::new());
    let oauth = service(
        &backend,
        Arc::new(clock),
        fake.provider(),
        OAuthOptions::default(),
    );
    (fake, oauth, clock)
}

fn seconds(clock: &PausedClock) -> u64 {
    use garland::Clock as _;
    clock.elapsed().as_secs()
}

#[tokio::test(start_paused = true)]
async fn the_provider_is_asked_as_often_as_it_allows_until_somebody_says_yes() {
    let (fake, oauth, clock) = desk().await;
    fake.book().device = [
        "authorization_pending",
        "authorization_pending",
        "slow_down",
        "authorization_pending",
        "",
    ]
    .into();
    let mut device = oauth.begin_device(name(), "fake").await.unwrap();
    assert_eq!(
        (device.user_code(), device.address()),
        ("WDJB-MJHT", "https://example.com/device")
    );
    assert_eq!(device.interval(), Duration::from_secs(5));
    let before = seconds(&clock);
    let account = oauth.finish_device(&mut device).await.unwrap();
    account.token().await.unwrap();
    // Three times five seconds, and then five more each.
    assert_eq!(seconds(&clock) - before, 3 * 5 + 2 * 10);
    assert_eq!(device.interval(), Duration::from_secs(10));
    let forms = fake.book().forms.clone();
    assert_eq!(forms[0]["scope"], "files");
    assert_eq!(forms[0]["client_id"], "app");
    assert_eq!(forms.len(), 6);
}

#[tokio::test(start_paused = true)]
async fn no_is_an_answer_and_so_is_the_end() {
    for (answer, kind) in [
        ("access_denied", ErrorKind::Denied),
        ("expired_token", ErrorKind::Expired),
        ("invalid_grant", ErrorKind::Unauthenticated),
    ] {
        let (fake, oauth, _) = desk().await;
        fake.book().device = ["authorization_pending", answer].into();
        let mut device = oauth.begin_device(name(), "fake").await.unwrap();
        refused(oauth.finish_device(&mut device).await, kind);
        assert_eq!(oauth.accounts().await.unwrap().len(), 0);
    }
    let (fake, oauth, clock) = desk().await;
    fake.book().device = std::iter::repeat_n("authorization_pending", 1_000).collect();
    let mut device = oauth.begin_device(name(), "fake").await.unwrap();
    refused(oauth.finish_device(&mut device).await, ErrorKind::Expired);
    assert_eq!(seconds(&clock), 600, "no longer than the code lives");
}

#[tokio::test(start_paused = true)]
async fn a_fault_makes_the_pauses_longer() {
    let (fake, oauth, clock) = desk().await;
    fake.book().device = ["authorization_pending"].into();
    fake.book().device_interval = Some(2);
    let mut device = oauth.begin_device(name(), "fake").await.unwrap();
    fake.book().bad = [Bad::Page, Bad::Says(503, serde_json::json!({}))].into();
    let before = seconds(&clock);
    oauth.finish_device(&mut device).await.unwrap();
    assert_eq!(seconds(&clock) - before, 2 + 4 + 8 + 8);
}

#[tokio::test(start_paused = true)]
async fn whoever_stops_waiting_can_go_on_later() {
    let (fake, oauth, _) = desk().await;
    fake.book().device = ["authorization_pending", "authorization_pending", ""].into();
    let mut device = oauth.begin_device(name(), "fake").await.unwrap();
    let wait = Duration::from_secs(7);
    let waited = tokio::time::timeout(wait, oauth.finish_device(&mut device)).await;
    assert!(waited.is_err());
    assert_eq!(fake.book().forms.len(), 2);
    oauth.finish_device(&mut device).await.unwrap();
}
