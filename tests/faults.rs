//! What the fault injection promises to the tests that rely on it.
#![cfg(feature = "testing")]

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{StreamExt as _, TryStreamExt as _};
use garland::connector::{
    Expect, FileFacts, FilePath, FileStore, HashAlgorithm, Hashes, PlatformConnector, ReadOptions,
    UploadRequest,
};
use garland::platforms::{MemoryOptions, MemoryPlatform};
use garland::testing::{FaultKind, FaultRule, Faults, FaultyConnector, Moment, Operation};
use garland::{ErrorKind, Result};

fn path(text: &str) -> FilePath {
    text.parse().unwrap()
}

fn account() -> MemoryPlatform {
    let facts = FileFacts::default().with_hashes(&[HashAlgorithm::Sha256]);
    let options = MemoryOptions::new(facts)
        .with_page_size(2)
        .with_piece_size(4);
    MemoryPlatform::new(options)
}

fn shaky(account: &MemoryPlatform, faults: &Faults) -> FaultyConnector {
    FaultyConnector::new("card", Arc::new(account.clone()), faults.clone())
}

async fn put(files: &dyn FileStore, name: &str, content: &'static str) -> Result<()> {
    let request = UploadRequest::new(path(name), content.len() as u64);
    let mut upload = files.upload(request).await?;
    upload.write(Bytes::from(content)).await?;
    upload.finish(&Hashes::new()).await?;
    Ok(())
}

async fn read(files: &dyn FileStore, name: &str) -> Result<Vec<u8>> {
    let reader = files.read(&path(name), ReadOptions::default()).await?;
    reader
        .bytes
        .try_fold(Vec::new(), |mut all, piece| async move {
            all.extend_from_slice(&piece);
            Ok(all)
        })
        .await
}

#[tokio::test]
async fn a_crash_before_leaves_nothing_and_a_crash_after_leaves_the_effect() {
    for (moment, there) in [(Moment::Before, false), (Moment::After, true)] {
        let (account, faults) = (account(), Faults::crash_at(3, moment));
        let shaky = shaky(&account, &faults);
        let error = put(&shaky, "a", "content").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unexpected);
        assert_eq!(account.get("a").is_some(), there, "{moment:?}");
        assert!(FileStore::stat(&shaky, &path("a")).await.is_err());
        faults.crashed().await;
        faults.heal();
        assert_eq!(shaky.stat(&path("a")).await.unwrap().is_some(), there);
        assert_eq!(faults.steps(), 5);
        assert_eq!(faults.injected().len(), 1, "{:?}", faults.injected());
    }
}

#[tokio::test]
async fn every_step_of_a_run_can_crash() {
    let faults = Faults::none();
    let run = async |account: &MemoryPlatform, faults: &Faults| -> Result<()> {
        let shaky = shaky(account, faults);
        put(&shaky, "a", "content").await?;
        read(&shaky, "a").await?;
        shaky.list().try_collect::<Vec<_>>().await?;
        shaky
            .rename(&path("a"), &Expect::Anything, &path("b"))
            .await?;
        shaky.delete(&path("b"), &Expect::Anything).await
    };
    run(&account(), &faults).await.unwrap();
    // upload, write, finish, read, two pieces and their end, a page and its end, rename, delete
    assert_eq!(faults.steps(), 11);
    for step in 1..=faults.steps() {
        for moment in [Moment::Before, Moment::After] {
            let error = run(&account(), &Faults::crash_at(step, moment)).await;
            assert!(error.is_err(), "step {step} {moment:?}");
        }
    }
}

#[tokio::test]
async fn rules_hit_the_call_they_name() {
    let account = account();
    account.put("a", "12345678").unwrap();
    account.put("b", "12345678").unwrap();
    let read_with = async |kind: FaultKind| {
        let rule = FaultRule::new(Operation::ReadPiece, kind).on("b").nth(2);
        let faults = Faults::none().with_rule(rule);
        let shaky = shaky(&account, &faults);
        assert_eq!(read(&shaky, "a").await.unwrap(), b"12345678");
        read(&shaky, "b").await
    };
    assert_eq!(read_with(FaultKind::TruncatedRead).await.unwrap(), b"1234");
    assert_eq!(
        read_with(FaultKind::BrokenRead).await.unwrap_err().kind(),
        ErrorKind::Unavailable
    );
    let spoiled = read_with(FaultKind::CorruptRead).await.unwrap();
    assert_eq!(spoiled.len(), 8);
    assert_ne!(spoiled, b"12345678");
}

#[tokio::test(start_paused = true)]
async fn a_hang_lasts_until_the_caller_gives_up() {
    let hang = FaultRule::new(Operation::Delete, FaultKind::Hang(Moment::After));
    let (account, faults) = (account(), Faults::none().with_rule(hang));
    account.put("a", "x").unwrap();
    let shaky = shaky(&account, &faults);
    let anything = Expect::Anything;
    let target = path("a");
    let call = shaky.delete(&target, &anything);
    assert!(
        tokio::time::timeout(Duration::from_secs(3600), call)
            .await
            .is_err()
    );
    assert_eq!(account.get("a"), None);
}

#[tokio::test]
async fn a_listing_is_cut_with_an_error() {
    let account = account();
    for name in ["a", "b", "c", "d", "e"] {
        account.put(name, "x").unwrap();
    }
    let rule = FaultRule::new(Operation::ListPage, FaultKind::CutListing).nth(3);
    let shaky = shaky(&account, &Faults::none().with_rule(rule));
    let pages: Vec<_> = shaky.list().collect().await;
    let count = |page: &Result<_>| -> usize {
        page.as_ref()
            .map_or(0, |page: &garland::connector::ListPage| page.entries.len())
    };
    assert_eq!(pages.iter().map(count).sum::<usize>(), 4);
    assert!(pages.last().unwrap().is_err());
}

#[tokio::test]
async fn a_liar_tells_hashes_of_other_content_and_a_corrupter_stores_it() {
    let account = account();
    let lie = FaultRule::new(Operation::Stat, FaultKind::LyingHash);
    let corrupt = FaultRule::new(Operation::Write, FaultKind::CorruptWrite);
    let shaky = shaky(&account, &Faults::none().with_rule(lie).with_rule(corrupt));
    put(&shaky, "a", "12345678").await.unwrap();
    assert_ne!(account.get("a").unwrap(), "12345678");
    let lied = shaky.stat(&path("a")).await.unwrap().unwrap();
    let told = shaky.stat(&path("a")).await.unwrap().unwrap();
    assert!(lied.version.hashes.contradict(&told.version.hashes));
}

#[tokio::test]
async fn a_lost_session_is_expired_and_an_answer_lost_leaves_the_effect() {
    let account = account();
    let lost = FaultRule::new(Operation::Write, FaultKind::LostSession);
    let unheard = FaultKind::LostAnswer(ErrorKind::Timeout);
    let answer = FaultRule::new(Operation::Finish, unheard);
    let shaky = shaky(&account, &Faults::none().with_rule(lost).with_rule(answer));
    let error = put(&shaky, "a", "1").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Expired);
    assert_eq!(account.unfinished_uploads(), 0);
    let error = put(&shaky, "a", "1").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout);
    assert_eq!(account.get("a").unwrap(), "1");
}

#[tokio::test]
async fn one_seed_gives_one_series_of_faults() {
    let run = async |seed: u64| {
        let (account, faults) = (account(), Faults::seeded(seed, 0.3, &FaultKind::PASSING));
        let shaky = shaky(&account, &faults);
        for _ in 0..50 {
            let _ = put(&shaky, "a", "content").await;
            let _ = read(&shaky, "a").await;
        }
        faults.injected()
    };
    let first = run(7).await;
    assert!(first.len() > 20, "{}", first.len());
    assert_eq!(first, run(7).await);
    assert_ne!(first, run(8).await);
    assert!(
        first
            .iter()
            .all(|fault| fault.kind.is_some_and(|kind| kind.befalls(fault.operation)))
    );
}

#[tokio::test]
async fn the_wrapper_passes_everything_when_nothing_fails() {
    let account = account();
    let shaky: Arc<dyn PlatformConnector> = Arc::new(shaky(&account, &Faults::none()));
    let all = |connector: &dyn PlatformConnector| {
        [
            connector.changes().is_some(),
            connector.links().is_some(),
            connector.galleries().is_some(),
            connector.presets().is_some(),
            connector.publisher().is_some(),
            connector.contacts().is_some(),
            connector.webhooks().is_some(),
        ]
    };
    assert_eq!(all(&*shaky), [true; 7]);
    assert_eq!(shaky.files().unwrap().facts(), account.facts());
    let bare = MemoryPlatform::new(MemoryOptions::bare(FileFacts::default()));
    let shaky = FaultyConnector::new("bare", Arc::new(bare), Faults::none());
    assert_eq!(all(&shaky), [false; 7]);
}

#[tokio::test]
async fn a_post_whose_answer_is_lost_is_out_once() {
    use garland::connector::{MediaSource, Post, PostMedia};

    let account = account();
    let lost = FaultKind::LostAnswer(ErrorKind::Timeout);
    let rule = FaultRule::new(Operation::Publish, lost).on("post-1");
    let shaky: Arc<dyn PlatformConnector> =
        Arc::new(shaky(&account, &Faults::none().with_rule(rule)));
    let publisher = shaky.publisher().unwrap();
    let source = MediaSource::Url("https://x.test/a.jpg".into());
    let post = Post::new("x").with_media(PostMedia::new(source, "image/jpeg"));
    let key = "post-1".parse().unwrap();
    let error = publisher.publish(&key, &post, None).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout);
    let job = publisher.publish(&key, &post, None).await.unwrap();
    for _ in 0..5 {
        publisher.publish_status(&job).await.unwrap();
    }
    assert_eq!(account.posts().len(), 1);
}
