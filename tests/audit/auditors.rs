//! Heads are made when they are due, by one or by many.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::TryStreamExt;
use garland::audit::{
    Auditor, AuditorOptions, HeadSignature, HeadSigner, HeadSink, HeadVerifier, HmacHeads,
    SignedHead, VerifyOptions, VerifyProgress, verify,
};
use garland::backends::Memory;
use garland::storage::{Batch, Collection, JournalName, Precondition, StorageBackend};
use garland::testing::{Faults, FaultyStorage, PausedClock};
use garland::{Error, ErrorKind, Result, Timestamp};

use crate::world::{self, Copies, append, auditor, check, journal, memory, refused, signer};

#[tokio::test]
async fn l1_a_head_is_made_at_every_n_entries_and_at_the_end() {
    let store = memory();
    let copies = Arc::new(Copies::default());
    let auditor = auditor(&store, &copies, 10);
    assert_eq!(auditor.seal_now().await.unwrap(), None, "nothing to sign");
    append(&store, 1..=25).await;
    let last = auditor.seal_now().await.unwrap().unwrap();
    assert_eq!(copies.sizes(), [10, 20, 25]);
    assert_eq!(last, copies.last());
    assert_eq!(auditor.seal_now().await.unwrap(), None);
    append(&store, 26..=26).await;
    auditor.seal_now().await.unwrap();
    assert_eq!(copies.sizes(), [10, 20, 25, 26]);
    let recorded: Vec<_> = auditor.heads(0).try_collect().await.unwrap();
    assert_eq!(recorded, copies.all());
    let later: Vec<_> = auditor.heads(20).try_collect().await.unwrap();
    assert_eq!(later, copies.all()[2..]);
}

#[tokio::test]
async fn l1_journals_have_heads_of_their_own() {
    let store = memory();
    append(&store, 1..=2).await;
    let mut heads = Vec::new();
    for name in ["thread", "thread/1", "thread/10", "Fäden"] {
        let journal: JournalName = name.parse().unwrap();
        let mut batch = Batch::new(Timestamp::from_millis(0));
        batch.append(journal.clone(), name).unwrap();
        store.commit(batch).await.unwrap();
        let auditor = Auditor::new(store.clone(), journal.clone(), signer(), world::clock());
        let head = auditor.seal_now().await.unwrap().unwrap();
        assert_eq!(head.size(), 1, "{name}");
        let options = VerifyOptions::default();
        let report = verify(
            &store,
            &journal,
            &*signer(),
            std::slice::from_ref(&head),
            &options,
        )
        .await
        .unwrap();
        assert!(report.is_intact() && report.heads == 2, "{name}: {report}");
        heads.push(head);
    }
    let long = JournalName::parse("ä".repeat(450)).unwrap();
    let mut batch = Batch::new(Timestamp::from_millis(0));
    batch.append(long.clone(), "x").unwrap();
    store.commit(batch).await.unwrap();
    let auditor = Auditor::new(store, long, signer(), world::clock());
    assert_eq!(auditor.seal_now().await.unwrap().unwrap().size(), 1);
}

#[tokio::test]
async fn a_restart_reads_only_what_is_new() {
    let database: Arc<dyn StorageBackend> = Arc::new(Memory::new());
    let store = world::store(Arc::clone(&database));
    append(&store, 1..=2_500).await;
    let copies = Arc::new(Copies::default());
    auditor(&store, &copies, 1_000).seal_now().await.unwrap();
    append(&store, 2_501..=2_510).await;
    let faults = Faults::none();
    let counted = world::store(Arc::new(FaultyStorage::new(database, faults.clone())));
    auditor(&counted, &copies, 1_000).seal_now().await.unwrap();
    assert_eq!(copies.sizes(), [1_000, 2_000, 2_500, 2_510]);
    // The end, the last head, one page of entries, the commit.
    assert_eq!(faults.steps(), 4);
}

#[tokio::test]
async fn l1_heads_of_many_at_once_never_fork() {
    let store = memory();
    let copies = Arc::new(Copies::default());
    let tasks: Vec<_> = (0..6_u64)
        .map(|task| {
            let (store, copies) = (store.clone(), Arc::clone(&copies));
            tokio::spawn(async move {
                for round in 0..10 {
                    append(&store, [task * 100 + round]).await;
                    auditor(&store, &copies, 3 + task).seal_now().await.unwrap();
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    let report = check(&store, &copies.all()).await;
    assert!(report.is_intact(), "{report}");
    assert_eq!((report.end.sequence, report.vouched), (60, 60));
}

#[tokio::test(start_paused = true)]
async fn l1_a_head_is_made_after_n_entries_or_t_seconds() {
    let store = memory();
    let copies = Arc::new(Copies::default());
    let clock = Arc::new(PausedClock::starting(Timestamp::from_millis(1_000)));
    let options = AuditorOptions::default()
        .with_entries(5)
        .with_interval(Duration::from_secs(60));
    let auditor = Auditor::new(store.clone(), journal(), signer(), clock)
        .with_sink(Arc::clone(&copies) as Arc<dyn HeadSink>)
        .with_options(options);
    let running = tokio::spawn(async move { auditor.run().await });
    tokio::time::advance(Duration::from_secs(600)).await;
    assert!(copies.sizes().is_empty(), "an empty journal has no head");
    // Fewer than five wait for the time.
    append(&store, 1..=2).await;
    settle().await;
    tokio::time::sleep(Duration::from_secs(59)).await;
    assert!(copies.sizes().is_empty());
    append(&store, 3..=3).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(copies.sizes(), [3], "a minute after the first");
    // Five do not wait.
    append(&store, 4..=8).await;
    settle().await;
    assert_eq!(copies.sizes(), [3, 8]);
    tokio::time::sleep(Duration::from_secs(600)).await;
    assert_eq!(copies.sizes(), [3, 8], "nothing new, no head");
    assert!(!running.is_finished());
    running.abort();
}

/// Lets what is woken run, without time going by.
async fn settle() {
    for _ in 0..200 {
        tokio::task::yield_now().await;
    }
}

#[derive(Debug)]
struct Failing {
    kind: ErrorKind,
}

#[async_trait]
impl HeadSink for Failing {
    async fn take(&self, _: &SignedHead) -> Result<()> {
        Err(Error::new(self.kind, "sink.take", "no room"))
    }
}

#[async_trait]
impl HeadVerifier for Failing {
    async fn verify(&self, _: &str, _: &HeadSignature) -> Result<bool> {
        Err(Error::new(self.kind, "kms.verify", "no answer"))
    }
}

#[async_trait]
impl HeadSigner for Failing {
    async fn sign(&self, _: &str, _: &str) -> Result<HeadSignature> {
        Err(Error::new(self.kind, "kms.sign", "no answer"))
    }
}

#[tokio::test]
async fn l1_a_head_that_the_host_did_not_take_is_not_recorded() {
    let store = memory();
    append(&store, 1..=3).await;
    let kind = ErrorKind::Full;
    let copies = Arc::new(Copies::default());
    let failing = auditor(&store, &copies, 10).with_sink(Arc::new(Failing { kind }));
    refused(failing.seal_now().await, kind);
    let recorded: Vec<_> = failing.heads(0).try_collect().await.unwrap();
    assert!(recorded.is_empty());
    let good = auditor(&store, &copies, 10);
    assert_eq!(good.seal_now().await.unwrap().unwrap().size(), 3);
    let report = check(&store, &copies.all()).await;
    assert!(report.is_intact(), "the head of the failed try is true too");
}

#[tokio::test]
async fn a_signer_that_fails_signs_nothing_and_a_verifier_that_fails_accepts_nothing() {
    let store = memory();
    append(&store, 1..=3).await;
    let kind = ErrorKind::Unavailable;
    let failing = Arc::new(Failing { kind });
    let auditor = Auditor::new(
        store.clone(),
        journal(),
        Arc::clone(&failing) as _,
        world::clock(),
    );
    refused(auditor.seal_now().await, kind);
    let copies = Arc::new(Copies::default());
    world::auditor(&store, &copies, 10)
        .seal_now()
        .await
        .unwrap();
    let options = VerifyOptions::default();
    let heads = copies.all();
    refused(
        verify(&store, &journal(), &*failing, &heads, &options).await,
        kind,
    );
}

#[tokio::test(start_paused = true)]
async fn a_run_waits_for_what_passes_and_ends_with_what_does_not() {
    let store = memory();
    append(&store, 1..=3).await;
    let passing = ErrorKind::Unavailable;
    let copies = Arc::new(Copies::default());
    let waiting = auditor(&store, &copies, 1).with_sink(Arc::new(Failing { kind: passing }));
    let waited = tokio::time::timeout(Duration::from_secs(3_600), waiting.run()).await;
    assert!(waited.is_err(), "{waited:?}");
    assert!(copies.all().len() > 1, "tried again");
    let kind = ErrorKind::Denied;
    let ending = auditor(&store, &copies, 1).with_sink(Arc::new(Failing { kind }));
    assert_eq!(ending.run().await.kind(), kind);
}

#[tokio::test]
async fn a_verification_tells_how_far_it_is_and_begins_where_it_may() {
    let store = memory();
    append(&store, 1..=2_500).await;
    let copies = Arc::new(Copies::default());
    auditor(&store, &copies, 1_200).seal_now().await.unwrap();
    let heads = copies.all();
    let seen = Arc::new(std::sync::Mutex::new(Vec::new()));
    let told = Arc::clone(&seen);
    let tell = move |progress: VerifyProgress| {
        told.lock().unwrap().push((progress.entry, progress.last));
    };
    let options = VerifyOptions::default().with_progress(tell);
    let signer = signer();
    let whole = verify(&store, &journal(), &*signer, &heads, &options)
        .await
        .unwrap();
    assert!(whole.is_intact());
    let expected = [(1_000, 2_500), (2_000, 2_500), (2_500, 2_500)];
    assert_eq!(seen.lock().unwrap().split_off(0), expected);
    let since = options.with_since(heads[1].clone());
    let rest = verify(&store, &journal(), &*signer, &heads[2..], &since)
        .await
        .unwrap();
    assert!(rest.is_intact(), "{rest}");
    assert_eq!((rest.from, rest.end), (2_400, whole.end));
    assert_eq!(seen.lock().unwrap().split_off(0), [(2_500, 2_500)]);
    // To compare an earlier head it has to begin earlier.
    let all = verify(&store, &journal(), &*signer, &heads[..1], &since)
        .await
        .unwrap();
    assert!(all.is_intact() && all.from == 0, "{all}");
    // A forged beginning is none.
    let text = heads[1].to_string().replace("\n2400\n", "\n2399\n");
    let forged = VerifyOptions::default().with_since(text.parse().unwrap());
    let report = verify(&store, &journal(), &*signer, &[], &forged)
        .await
        .unwrap();
    assert!(!report.is_intact(), "{report}");
}

#[tokio::test]
async fn l1_an_entry_is_committed_with_its_change_or_not_at_all() {
    const PLACES: Collection<String> = Collection::new("places");
    let store = memory();
    let change = |precondition| {
        let mut batch = Batch::new(Timestamp::from_millis(1));
        let (id, value) = ("venue".parse().unwrap(), "Old Mill".to_owned());
        batch
            .put_with(&PLACES, id, &value, precondition, Vec::new())
            .unwrap();
        batch.append(journal(), "venue.chosen").unwrap();
        batch
    };
    store.commit(change(Precondition::Absent)).await.unwrap();
    let again = store.commit(change(Precondition::Absent)).await;
    refused(again, ErrorKind::Conflict);
    let end = store.journal_head(&journal()).await.unwrap();
    assert_eq!(end.sequence, 1, "no change, no entry");
}

#[tokio::test]
async fn l1_heads_are_keyed_by_the_organization() {
    let store = memory();
    append(&store, 1..=3).await;
    let keys = world::keys(&store);
    let key = keys.shared("audit").await.unwrap();
    let heads = Arc::new(HmacHeads::new(key));
    let auditor = Auditor::new(store.clone(), journal(), heads, world::clock());
    let head = auditor.seal_now().await.unwrap().unwrap();
    // After a restart the key is the same.
    let again = HmacHeads::new(world::keys(&store).shared("audit").await.unwrap());
    let options = VerifyOptions::default();
    let report = verify(&store, &journal(), &again, &[head], &options)
        .await
        .unwrap();
    assert!(report.is_intact(), "{report}");
}
