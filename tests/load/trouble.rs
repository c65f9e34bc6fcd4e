//! Accounts on platforms are calmed without a word of the host, and folders are not.

use std::sync::Arc;
use std::time::Duration;

use garland::ErrorKind;
use garland::connector::PlatformConnector;
use garland::platforms::MemoryPlatform;
use garland::resilience::{BreakerState, CallKind, ResilienceOptions};
use garland::testing::{FaultKind, FaultRule, Faults, FaultyConnector, Operation};

use crate::account::{Drive, studio};

fn down() -> Arc<dyn PlatformConnector> {
    let fault = FaultKind::Error(ErrorKind::Unavailable);
    let faults = Faults::none().with_rule(FaultRule::new(Operation::Stat, fault).always());
    let inner = Arc::new(MemoryPlatform::default());
    Arc::new(FaultyConnector::new("drive", inner, faults))
}

#[tokio::test(start_paused = true)]
async fn an_account_that_is_down_is_left_alone_and_others_are_not() {
    let studio = studio()
        .connector("drive", Drive(down()))
        .connector("other", Drive(Arc::new(MemoryPlatform::default())))
        .connector("folder", MemoryPlatform::default())
        .build()
        .await
        .unwrap();
    let path = "a.jpg".parse().unwrap();
    let calm = studio.resilience().unwrap();
    let mut events = calm.events();
    let drive = studio.connector("drive").await.unwrap();
    for _ in 0..40 {
        drive.files().unwrap().stat(&path).await.unwrap_err();
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let layers = |name: &str, account: &dyn PlatformConnector| {
        calm.account(format!("default/{name}"), account.platform())
    };
    let state = |name, account: &dyn PlatformConnector| {
        let layers = layers(name, account);
        layers.breaker().unwrap().state(CallKind::Read)
    };
    assert!(matches!(
        state("drive", &**drive.connector()),
        BreakerState::Open
    ));
    assert!(events.try_next().is_some());

    let other = studio.connector("other").await.unwrap();
    other.files().unwrap().stat(&path).await.unwrap();
    assert_eq!(state("other", &**other.connector()), BreakerState::Closed);
    let counted = studio.metrics();
    assert!(
        counted.total("garland_resilience_events_total") > 0,
        "{counted}"
    );
    assert!(
        counted.total("garland_resilience_refusals_total") > 0,
        "{counted}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_host_may_leave_accounts_bare() {
    let studio = studio()
        .connector("drive", Drive(down()))
        .resilience(None::<ResilienceOptions>)
        .build()
        .await
        .unwrap();
    assert!(studio.resilience().is_none());
    let drive = studio.connector("drive").await.unwrap();
    let path = "a.jpg".parse().unwrap();
    let error = drive.files().unwrap().stat(&path).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert_eq!(studio.metrics().total("garland_retries_total"), 0);
}
