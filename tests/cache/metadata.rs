//! What an account said of its files.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use garland::cache::{MetadataCache, MetadataOptions};
use garland::connector::{Expect, FilePath, PlatformConnector};
use garland::platforms::{MemoryOptions, MemoryPlatform};
use garland::resilience::{Around, Call, Wrapped};
use garland::testing::{
    Account, FaultKind, FaultRule, Faults, FaultyConnector, Operation, PausedClock, connector,
};
use garland::{ErrorKind, Result, Timestamp};

fn near(inner: impl PlatformConnector) -> MetadataCache {
    let clock = Arc::new(PausedClock::starting(Timestamp::from_millis(1_000_000)));
    MetadataCache::new(Arc::new(inner), clock, MetadataOptions::default()).unwrap()
}

/// Tells what there was five seconds ago.
#[derive(Clone, Debug)]
struct Slow;

impl Around for Slow {
    async fn around<T, F, Fut>(&self, call: &Call, mut make: F) -> Result<T>
    where
        T: Send,
        F: FnMut() -> Fut + Send,
        Fut: Future<Output = Result<T>> + Send,
    {
        let answer = make().await;
        if call.name() == "files.stat" {
            tokio::time::sleep(Duration::from_secs(5)).await;
        }
        answer
    }
}

fn path() -> FilePath {
    "zoë/1.jpg".parse().unwrap()
}

async fn size(account: &MetadataCache) -> Option<u64> {
    let entry = account.files().unwrap().stat(&path()).await.unwrap();
    entry.map(|entry| entry.version.size)
}

#[tokio::test(start_paused = true)]
async fn the_promises_of_connectors_hold_for_one_that_remembers() {
    connector(async || {
        let platform = MemoryPlatform::new(MemoryOptions::default().with_page_size(7));
        let [expiring, ticking] = [(); 2].map(|()| platform.clone());
        // Both look through one memory: what one changes, the other is not to miss.
        let shared = near(platform);
        Account::new(shared.clone(), shared)
            .with_expire_cursors(move || expiring.expire_cursors())
            .with_clock(move |by| ticking.advance(by))
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_thousand_who_look_at_one_file_make_one_call() {
    let drive = MemoryPlatform::default();
    drive.put("zoë/1.jpg", "first look").unwrap();
    let account = near(drive);
    let all = join_all((0..1_000).map(|_| size(&account))).await;
    assert!(all.iter().all(|size| *size == Some(10)));
    assert_eq!(account.stats().loads, 1);
}

#[tokio::test(start_paused = true)]
async fn what_others_change_is_seen_in_time_or_when_it_is_told() {
    let drive = MemoryPlatform::default();
    let account = near(drive.clone());
    assert_eq!(size(&account).await, None);
    drive.put("zoë/1.jpg", "first look").unwrap();
    assert_eq!(size(&account).await, None, "believed for a minute");
    account.forget(&path());
    assert_eq!(size(&account).await, Some(10));
    drive.put("zoë/1.jpg", "second").unwrap();
    account.forget_under("zoë/").unwrap();
    assert_eq!(size(&account).await, Some(6));

    drive.put("zoë/1.jpg", "third look").unwrap();
    tokio::time::sleep(Duration::from_secs(61)).await;
    // Given once more, and asked again meanwhile.
    assert_eq!(size(&account).await, Some(6));
    tokio::time::sleep(Duration::from_millis(1)).await;
    assert_eq!(size(&account).await, Some(10));
}

#[tokio::test(start_paused = true)]
async fn what_is_removed_through_it_is_gone_at_once_even_while_somebody_looks() {
    let drive = MemoryPlatform::default();
    drive.put("zoë/1.jpg", "first look").unwrap();
    let account = near(Wrapped::new(Arc::new(drive), Slow));
    let files = account.files().unwrap();
    let (path, early) = (path(), account.clone());
    let looking = tokio::spawn(async move { size(&early).await });
    tokio::task::yield_now().await;
    files.delete(&path, &Expect::Anything).await.unwrap();
    assert_eq!(size(&account).await, None);
    // Whoever looked before is told what was there then, and nobody else is.
    assert_eq!(looking.await.unwrap(), Some(10));
    assert_eq!(size(&account).await, None);
}

#[tokio::test(start_paused = true)]
async fn an_account_that_is_down_is_remembered_for_an_hour() {
    let drive = MemoryPlatform::default();
    drive.put("zoë/1.jpg", "first look").unwrap();
    let faults = Faults::none();
    let shared: Arc<dyn PlatformConnector> = Arc::new(drive);
    let account = near(FaultyConnector::new("drive", shared, faults.clone()));
    assert_eq!(size(&account).await, Some(10));
    let down = FaultKind::Error(ErrorKind::Unavailable);
    faults.add_rule(FaultRule::new(Operation::Stat, down).always());
    tokio::time::sleep(Duration::from_secs(1_800)).await;
    assert_eq!(size(&account).await, Some(10));
    tokio::time::sleep(Duration::from_secs(3_600)).await;
    let error = account.files().unwrap().stat(&path()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
}
