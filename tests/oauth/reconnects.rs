//! When somebody has to connect an account again, and that it is said in time.

use std::sync::Arc;
use std::time::Duration;

use garland::ErrorKind;
use garland::connector::kit::Credentials as _;
use garland::oauth::{AccountState, OAuthOptions, ReconnectReason};

use crate::clock::START;
use crate::fake::{Bad, Habit};
use crate::world::{World, name, refused, service, signed, text};

const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);

#[tokio::test]
async fn a_revoked_consent_is_said_at_once_and_asked_about_once() {
    let world = World::new(Habit::Strict).await;
    let account = world.connect().await;
    world.fake.book().end_all();
    world.clock.forward(HOUR);
    let error = refused(account.token().await, ErrorKind::Unauthenticated);
    assert!(!format!("{error:?}").contains("secret"), "{error:?}");
    for _ in 0..5 {
        refused(account.token().await, ErrorKind::Unauthenticated);
        refused(signed(&account).await, ErrorKind::Unauthenticated);
    }
    assert_eq!(world.fake.refreshes(), 1);
    let record = account.record().await.unwrap();
    assert_eq!(
        record.state,
        AccountState::NeedsReconnect(ReconnectReason::Refused)
    );
    assert_eq!(
        world.events().await,
        ["oauth.connected", "oauth.needs_reconnect"]
    );
    let data: serde_json::Value = world.all_events().await[1]
        .data
        .as_ref()
        .unwrap()
        .read()
        .unwrap();
    assert_eq!(data["reason"], "refused");
    // Connecting it again is all it takes, for those who have it too.
    let again = world.connect().await;
    assert_eq!(
        text(&account.token().await.unwrap()),
        text(&again.token().await.unwrap())
    );
    assert_eq!(again.record().await.unwrap().state, AccountState::Connected);
}

#[tokio::test]
async fn a_replayed_refresh_token_ends_the_account_and_it_says_so() {
    let world = World::new(Habit::Strict).await;
    let account = world.connect().await;
    world.clock.forward(HOUR);
    // The answer is lost, and this provider forgives nothing.
    world.fake.book().bad.push_back(Bad::LostAnswer);
    refused(account.token().await, ErrorKind::Unavailable);
    refused(account.token().await, ErrorKind::Unauthenticated);
    let record = account.record().await.unwrap();
    assert_eq!(
        record.state,
        AccountState::NeedsReconnect(ReconnectReason::Refused)
    );
}

#[tokio::test]
async fn a_refresh_token_that_runs_out_is_reported_days_before() {
    let world = World::new(Habit::Stays).await;
    world.fake.book().refresh_expires_in = Some(30 * 24 * 3600);
    let account = world.connect().await;
    world.clock.forward(DAY * 26);
    let tended = world.oauth.tend().await.unwrap();
    assert_eq!((tended.accounts, tended.need_reconnect.len()), (1, 0));
    world.clock.forward(DAY + Duration::from_millis(1));
    let tended = world.oauth.tend().await.unwrap();
    assert_eq!(tended.need_reconnect, [(name(), ReconnectReason::Ending)]);
    assert_eq!(tended.failed.len(), 0);
    // It was refreshed, which did not help with this provider; it works to the end.
    assert_eq!(
        world.events().await,
        [
            "oauth.connected",
            "oauth.refreshed",
            "oauth.needs_reconnect"
        ]
    );
    let event = world.all_events().await.pop().unwrap();
    let data: serde_json::Value = event.data.unwrap().read().unwrap();
    let end = START.saturating_add(DAY * 30);
    assert_eq!(data["until"], serde_json::to_value(end).unwrap());
    account.token().await.unwrap();
    world.clock.forward(DAY);
    account.token().await.unwrap();
    world.oauth.tend().await.unwrap();
    let said = world.events().await;
    let said = said.iter().filter(|kind| *kind == "oauth.needs_reconnect");
    assert_eq!(said.count(), 1, "once is enough");
    // At the end the provider says no.
    world.fake.book().end_all();
    world.clock.forward(DAY * 2);
    refused(account.token().await, ErrorKind::Unauthenticated);
    let record = account.record().await.unwrap();
    assert_eq!(
        record.state,
        AccountState::NeedsReconnect(ReconnectReason::Refused)
    );
}

/// As Google does it: the same refresh token, and with each answer what is left of it.
#[tokio::test]
async fn what_is_left_is_measured_by_the_whole_life() {
    let world = World::new(Habit::Stays).await;
    let hours = 7 * 24;
    world.fake.book().refresh_expires_in = Some(hours * 3600);
    let account = world.connect().await;
    for hour in 1..hours {
        world.clock.forward(HOUR);
        let left = hours - hour;
        world.fake.book().remaining = Some(left * 3600);
        account.token().await.unwrap();
        let events = world.events().await;
        let is_said = events.contains(&"oauth.needs_reconnect".to_owned());
        assert_eq!(
            is_said,
            left <= hours / 4,
            "{left} of {hours} hours are left"
        );
    }
}

#[tokio::test]
async fn one_that_is_renewed_with_each_use_needs_nobody() {
    let world = World::new(Habit::Strict).await;
    world.fake.book().refresh_expires_in = Some(30 * 24 * 3600);
    let account = world.connect().await;
    for _ in 0..5 {
        // Nobody uses the account: looking after it is what keeps it.
        world.clock.forward(DAY * 28);
        let tended = world.oauth.tend().await.unwrap();
        assert_eq!(tended.need_reconnect, []);
    }
    account.token().await.unwrap();
    let events = world.events().await;
    assert!(
        !events.contains(&"oauth.needs_reconnect".to_owned()),
        "{events:?}"
    );
}

#[tokio::test]
async fn a_provider_that_cannot_be_reached_in_the_last_days_is_no_excuse_for_silence() {
    let world = World::new(Habit::Strict).await;
    world.fake.book().refresh_expires_in = Some(30 * 24 * 3600);
    world.connect().await;
    world.clock.forward(DAY * 28);
    world.fake.book().bad.push_back(Bad::Page);
    let tended = world.oauth.tend().await.unwrap();
    assert_eq!(tended.need_reconnect, [(name(), ReconnectReason::Ending)]);
    assert_eq!(tended.failed.len(), 1);
}

#[tokio::test]
async fn a_life_that_is_documented_and_not_sent_counts_too() {
    let world = World::new(Habit::Strict).await;
    let provider = world.fake.provider().with_refresh_life(DAY * 60);
    let clock = Arc::new(world.clock.clone());
    let oauth = service(&world.backend, clock, provider, OAuthOptions::default());
    let started = world.begin().await;
    let callback = crate::world::browse(started.url()).await;
    let account = oauth
        .finish(crate::world::SESSION, &callback)
        .await
        .unwrap();
    let record = account.record().await.unwrap();
    assert_eq!(record.refresh_ends, Some(START.saturating_add(DAY * 60)));
}

#[tokio::test]
async fn without_a_refresh_token_it_is_said_before_the_end() {
    let world = World::new(Habit::Strict).await;
    world.fake.book().gives_refresh = false;
    let account = world.connect().await;
    world.clock.forward(Duration::from_secs(56 * 60));
    account.token().await.unwrap();
    world.oauth.close().await.unwrap();
    assert_eq!(
        world.events().await,
        ["oauth.connected", "oauth.needs_reconnect"]
    );
    account.token().await.unwrap();
    world.clock.forward(Duration::from_secs(5 * 60));
    refused(account.token().await, ErrorKind::Unauthenticated);
    assert_eq!(world.fake.refreshes(), 0);
}

#[tokio::test]
async fn a_token_for_ever_is_one_until_it_is_refused() {
    let world = World::new(Habit::Strict).await;
    world.fake.book().gives_refresh = false;
    world.fake.book().expires_in = None;
    let account = world.connect().await;
    world.clock.forward(DAY * 4_000);
    let request = signed(&account).await.unwrap();
    refused(account.refused(&request).await, ErrorKind::Unauthenticated);
    let record = account.record().await.unwrap();
    assert_eq!(
        record.state,
        AccountState::NeedsReconnect(ReconnectReason::NoRefreshToken)
    );
}

#[tokio::test]
async fn a_program_that_is_not_taken_is_no_reason_to_connect_again() {
    let world = World::new(Habit::Strict).await;
    let account = world.connect().await;
    world.clock.forward(HOUR);
    let no = serde_json::json!({"error": "invalid_client"});
    world.fake.book().bad.push_back(Bad::Says(401, no));
    refused(account.token().await, ErrorKind::Denied);
    assert_eq!(
        account.record().await.unwrap().state,
        AccountState::Connected
    );
    account.token().await.unwrap();
}
