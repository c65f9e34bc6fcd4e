//! PKCE and the state of an authorization.

use std::sync::Arc;

use garland::OrganizationId;
use garland::backends::Memory;
use garland::crypto::pkce::{Challenge, Verifier};
use garland::crypto::tokens::{DenyReason, KeySet, KeyUse};
use garland::crypto::{AUTHORIZATIONS, AuthorizationStates, SystemEntropy};
use garland::storage::{Query, StorageBackend, Store};
use garland::testing::{FaultKind, FaultRule, Faults, FaultyStorage, Operation};
use garland::{Clock, ErrorKind};
use tokio::task::JoinSet;

use crate::world::{SetClock, entropy, key, reason};

const KEY: &str = "a-key-for-states-of-32-bytes-x7!";

fn states(backend: &Arc<dyn StorageBackend>, clock: &SetClock) -> AuthorizationStates {
    let store = Store::new(Arc::clone(backend), OrganizationId::default());
    let keys = KeySet::new(key(KeyUse::Authorization, "a1", KEY));
    AuthorizationStates::new(store, keys, Arc::new(clock.clone()), entropy()).unwrap()
}

fn memory() -> Arc<dyn StorageBackend> {
    Arc::new(Memory::new())
}

#[test]
fn o1_s256_and_nothing_else() {
    let verifier = Verifier::generate(&SystemEntropy::new()).unwrap();
    assert_eq!(verifier.expose().len(), 43);
    let challenge = verifier.challenge().to_string();
    assert!(challenge.parse::<Challenge>().unwrap().fits(&verifier));
    for method in ["plain", "s256", "S512", "", "S256 "] {
        assert!(Challenge::parse(method, &challenge).is_err(), "{method}");
    }
    let other = Verifier::generate(&SystemEntropy::new()).unwrap();
    assert!(!challenge.parse::<Challenge>().unwrap().fits(&other));
    for bad in [
        verifier.expose(),
        &challenge[1..],
        &format!("{challenge}="),
        &challenge.replace(&challenge[42..], "="),
    ] {
        let fits = Challenge::parse("S256", bad).is_ok_and(|challenge| challenge.fits(&verifier));
        assert!(!fits, "{bad}");
    }
    for length in [0, 1, 42, 129, 4_096] {
        assert!(Verifier::parse(&"a".repeat(length)).is_err());
    }
    for length in [43, 128] {
        assert!(Verifier::parse(&"~".repeat(length)).is_ok());
    }
}

#[tokio::test]
async fn o1_a_state_is_good_once_in_its_session_for_ten_minutes() {
    let (backend, clock) = (memory(), SetClock::default());
    let states = states(&backend, &clock);
    let begun = states.begin("session-1", "dropbox").await.unwrap();
    let denied = reason(states.finish("session-2", begun.state()).await);
    assert_eq!(denied, DenyReason::Binding);
    for made_up in [
        "",
        "x",
        &begun.state()[1..],
        &format!("{}=", begun.state()),
        "a\0",
    ] {
        assert!(
            states.finish("session-1", made_up).await.is_err(),
            "{made_up:?}"
        );
    }
    let finished = states.finish("session-1", begun.state()).await.unwrap();
    assert_eq!(finished.target(), "dropbox");
    assert!(begun.challenge().fits(finished.verifier()));
    assert_eq!(
        reason(states.finish("session-1", begun.state()).await),
        DenyReason::Unknown
    );
    let late = states.begin("session-1", "dropbox").await.unwrap();
    clock.forward(std::time::Duration::from_secs(599));
    let just = states.begin("session-1", "drive").await.unwrap();
    clock.forward(std::time::Duration::from_secs(1));
    assert_eq!(
        reason(states.finish("session-1", late.state()).await),
        DenyReason::Expired
    );
    assert!(states.finish("session-1", just.state()).await.is_ok());
    // The next one sweeps it away.
    clock.forward(std::time::Duration::from_secs(1));
    states.begin("session-1", "drive").await.unwrap();
    assert_eq!(
        reason(states.finish("session-1", late.state()).await),
        DenyReason::Unknown
    );
    let error = states.begin("", "drive").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn o1_of_many_who_come_back_at_once_one_is_let_in() {
    let (backend, clock) = (memory(), SetClock::default());
    let states = states(&backend, &clock);
    let begun = states.begin("session-1", "dropbox").await.unwrap();
    let mut tasks = JoinSet::new();
    for _ in 0..50 {
        let (states, state) = (states.clone(), begun.state().to_owned());
        tasks.spawn(async move { states.finish("session-1", &state).await.is_ok() });
    }
    let winners = tasks.join_all().await.into_iter().filter(|won| *won);
    assert_eq!(winners.count(), 1);
}

#[tokio::test]
async fn o1_neither_the_browser_nor_the_database_has_the_verifier() {
    let (backend, clock) = (memory(), SetClock::default());
    let states = states(&backend, &clock);
    let begun = states.begin("session-1", "dropbox").await.unwrap();
    let query = Query::all(AUTHORIZATIONS.name().clone());
    let page = backend
        .query(&OrganizationId::default(), &query)
        .await
        .unwrap();
    let kept = format!("{page:?}");
    let finished = states.finish("session-1", begun.state()).await.unwrap();
    for secret in [finished.verifier().expose(), begun.state(), "session-1"] {
        assert!(!kept.contains(secret), "{kept}");
    }
    assert_ne!(finished.verifier().expose(), begun.state());
    assert!(clock.now().as_millis() > 0);
}

#[tokio::test]
async fn o1_a_database_that_fails_lets_nobody_back_in() {
    for operation in [Operation::Get, Operation::Commit] {
        let broken = FaultKind::Error(ErrorKind::Unavailable);
        let nth = if operation == Operation::Commit { 2 } else { 1 };
        let rule = FaultRule::new(operation, broken).nth(nth).always();
        let faulty = FaultyStorage::new(memory(), Faults::none().with_rule(rule));
        let states = states(
            &(Arc::new(faulty) as Arc<dyn StorageBackend>),
            &SetClock::default(),
        );
        let begun = states.begin("session-1", "dropbox").await.unwrap();
        let denied = reason(states.finish("session-1", begun.state()).await);
        assert_eq!(denied, DenyReason::Storage);
    }
}

#[test]
fn o1_keys_of_another_purpose_are_refused() {
    let store = Store::new(memory(), OrganizationId::default());
    let keys = KeySet::new(key(KeyUse::Access, "a1", KEY));
    let clock = Arc::new(SetClock::default());
    let error = AuthorizationStates::new(store, keys, clock, entropy()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
}
