//! What an account said of its files.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::join_all;
use garland::cache::{MetadataCache, MetadataOptions};
use garland::connector::{
    Expect, FileFacts, FilePath, Hashes, NameRules, PlatformConnector, UnicodeForm, UploadRequest,
};
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
    size_of(account, &path()).await
}

async fn size_of(account: &MetadataCache, path: &FilePath) -> Option<u64> {
    let entry = account.files().unwrap().stat(path).await.unwrap();
    entry.map(|entry| entry.version.size)
}

/// An account that takes spellings in any case, composed or not, for one file.
fn folding() -> MemoryOptions {
    let names = NameRules::windows().with_unicode(UnicodeForm::Nfc);
    MemoryOptions::new(FileFacts::default().with_names(names))
}

#[tokio::test(start_paused = true)]
async fn the_promises_of_connectors_hold_for_one_that_remembers() {
    for options in [MemoryOptions::default(), folding()] {
        connector(async || {
            let platform = MemoryPlatform::new(options.clone().with_page_size(7));
            let [expiring, ticking] = [(); 2].map(|()| platform.clone());
            // Both look through one memory: what one changes, the other is not to miss.
            let shared = near(platform);
            Account::new(shared.clone(), shared)
                .with_expire_cursors(move || expiring.expire_cursors())
                .with_clock(move |by| ticking.advance(by))
        })
        .await;
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_changed_under_one_spelling_is_seen_under_all() {
    let drive = MemoryPlatform::new(folding());
    drive.put("zoë/1.jpg", "first look").unwrap();
    let account = near(drive.clone());
    let files = account.files().unwrap();
    let spellings = ["zo\u{eb}/1.jpg", "zoe\u{308}/1.JPG", "ZO\u{cb}/1.Jpg"];
    let spellings = spellings.map(|spelling| spelling.parse::<FilePath>().unwrap());
    let [one, other, third] = &spellings;
    let sizes = async || {
        let sizes = spellings.iter().map(|path| size_of(&account, path));
        join_all(sizes).await
    };
    assert_eq!(sizes().await, [Some(10); 3]);
    assert_eq!(account.stats().loads, 1);

    let request = UploadRequest::new(other.clone(), 6);
    let mut upload = files.upload(request).await.unwrap();
    upload.write(Bytes::from_static(b"second")).await.unwrap();
    upload.finish(&Hashes::new()).await.unwrap();
    assert_eq!(sizes().await, [Some(6); 3]);

    drive.put("zoë/1.jpg", "third look").unwrap();
    account.forget(third);
    assert_eq!(sizes().await, [Some(10); 3]);
    drive.put("zoë/1.jpg", "fourth").unwrap();
    account.forget_under("ZOE\u{308}/").unwrap();
    assert_eq!(sizes().await, [Some(6); 3]);

    let away = "away.jpg".parse().unwrap();
    assert_eq!(size_of(&account, &away).await, None);
    let anything = Expect::Anything;
    files.rename(third, &anything, &away).await.unwrap();
    assert_eq!(sizes().await, [None; 3]);
    files.rename(&away, &anything, one).await.unwrap();
    assert_eq!(sizes().await, [Some(6); 3]);
    files.delete(third, &anything).await.unwrap();
    assert_eq!(sizes().await, [None; 3]);
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
