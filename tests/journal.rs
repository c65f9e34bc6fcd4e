//! Journals are followed without gap or repetition, verified, and exported.

use std::sync::Arc;
use std::time::Duration;

use futures_util::{FutureExt, StreamExt, TryStreamExt};
use garland::backends::Memory;
use garland::journal::{
    Break, Chain, Event, EventKind, Subscription, SubscriptionOptions, export, verify,
};
use garland::storage::{Batch, JournalEntry, JournalHead, JournalName, StorageBackend, Store};
use garland::{ErrorKind, OrganizationId, Timestamp};
use proptest::prelude::*;

fn store() -> Store {
    Store::new(Arc::new(Memory::new()), OrganizationId::default())
}

async fn append(store: &Store, events: impl IntoIterator<Item = u64>) {
    let mut batch = Batch::new(Timestamp::from_millis(5));
    for event in events {
        batch.append(JournalName::main(), &event).unwrap();
    }
    store.commit(batch).await.unwrap();
}

fn subscribe(store: &Store, after: u64) -> Subscription {
    let options = SubscriptionOptions::default().with_page(3);
    Subscription::new(store.clone(), JournalName::main(), after, options)
}

async fn entries(store: &Store) -> Vec<JournalEntry> {
    store
        .read_journal(&JournalName::main(), 0, 10_000)
        .await
        .unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_subscription_waits_and_is_woken() {
    let store = store();
    let mut subscription = subscribe(&store, 0);
    assert!(subscription.next().now_or_never().is_none());
    append(&store, [7, 8]).await;
    let start = tokio::time::Instant::now();
    for number in 1..=2 {
        assert_eq!(subscription.next().await.unwrap().sequence, number);
        assert_eq!(subscription.position(), number);
    }
    assert_eq!(start.elapsed(), Duration::ZERO, "woken, not polled");
    // What is written elsewhere in the organization wakes it for nothing.
    let mut batch = Batch::new(Timestamp::from_millis(0));
    batch.append("other".parse().unwrap(), &1).unwrap();
    store.commit(batch).await.unwrap();
    assert!(subscription.next().now_or_never().is_none());
}

#[tokio::test(start_paused = true)]
async fn without_wakes_a_subscription_looks_at_intervals() {
    let database = Arc::new(doubles::Failing::deaf());
    let store = Store::new(database, OrganizationId::default());
    let mut subscription = subscribe(&store, 0);
    let asked = tokio::time::timeout(Duration::from_secs(1), subscription.next());
    assert!(asked.await.is_err());
    append(&store, [7]).await;
    let start = tokio::time::Instant::now();
    assert_eq!(subscription.next().await.unwrap().sequence, 1);
    assert_eq!(start.elapsed(), SubscriptionOptions::default().interval);
}

#[tokio::test(start_paused = true)]
async fn a_cursor_ahead_of_the_journal_is_told() {
    let store = store();
    append(&store, [1, 2]).await;
    let error = subscribe(&store, 3).next().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Expired, "{error:?}");
    assert!(subscribe(&store, 2).next().now_or_never().is_none());
}

#[tokio::test(start_paused = true)]
async fn an_error_is_told_and_the_subscription_goes_on() {
    let faulty = Arc::new(doubles::Failing::default());
    let store = Store::new(
        Arc::clone(&faulty) as Arc<dyn StorageBackend>,
        OrganizationId::default(),
    );
    append(&store, [1, 2, 3, 4]).await;
    let mut entries = subscribe(&store, 0).into_stream();
    for number in 1..=3 {
        assert_eq!(entries.next().await.unwrap().unwrap().sequence, number);
    }
    faulty.fail_reads(2);
    let start = tokio::time::Instant::now();
    for _ in 0..2 {
        let error = entries.next().await.unwrap().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable);
    }
    assert_eq!(entries.next().await.unwrap().unwrap().sequence, 4);
    assert!(start.elapsed() >= Duration::from_secs(5), "no hot loop");
}

#[tokio::test]
async fn what_was_tampered_with_is_found() {
    let store = store();
    append(&store, 1..=50).await;
    append(&store, 51..=90).await;
    let good = entries(&store).await;
    let intact = verify(&store, &JournalName::main(), &[]).await.unwrap();
    assert!(intact.is_intact());
    assert_eq!(intact.head.sequence, 90);
    assert_eq!(intact.to_string(), "90 entries are intact");

    let head = JournalHead::new(90, good[89].hash);
    let check = async |entries: Vec<JournalEntry>, head: JournalHead, known: &[JournalHead]| {
        let stored = doubles::Fixed { entries, head };
        let store = Store::new(Arc::new(stored), OrganizationId::default());
        let found = verify(&store, &JournalName::main(), known).await.unwrap();
        (found.head.sequence, found.broken)
    };
    let at = |number: usize| JournalHead::new(number as u64, good[number - 1].hash);
    assert_eq!(
        check(good.clone(), head, &[at(90), at(7)]).await,
        (90, None)
    );

    // Changed, taken out, swapped, put in twice.
    let mut changed = good.clone();
    changed[9].event = garland::storage::Json::of(&99).unwrap();
    let (intact, broken) = check(changed.clone(), head, &[]).await;
    assert_eq!(intact, 9);
    assert!(matches!(broken, Some(Break::Hash { sequence: 10, .. })));
    let mut moved = good.clone();
    moved[20].at = Timestamp::from_millis(6);
    assert_eq!(check(moved, head, &[]).await.0, 20);
    let mut shorter = good.clone();
    shorter.remove(30);
    let gap = Break::Gap {
        expected: 31,
        found: 32,
    };
    assert_eq!(check(shorter, head, &[]).await, (30, Some(gap)));
    let mut swapped = good.clone();
    swapped.swap(3, 4);
    let gap = Break::Gap {
        expected: 4,
        found: 5,
    };
    assert_eq!(check(swapped, head, &[]).await, (3, Some(gap)));
    let mut twice = good.clone();
    twice.insert(5, good[4].clone());
    let gap = Break::Gap {
        expected: 6,
        found: 5,
    };
    assert_eq!(check(twice, head, &[]).await, (5, Some(gap)));

    // The tail cut off, with and without the end; the end behind the entries.
    let cut = good[..80].to_vec();
    let wrong = Break::Head {
        recorded: head,
        last: at(80),
    };
    assert_eq!(check(cut.clone(), head, &[]).await, (80, Some(wrong)));
    let wrong = Break::Rewritten {
        known: head,
        found: None,
    };
    assert_eq!(check(cut.clone(), at(80), &[]).await, (80, None));
    assert_eq!(check(cut, at(80), &[head]).await, (80, Some(wrong)));
    let wrong = Break::Head {
        recorded: at(80),
        last: at(81),
    };
    assert_eq!(check(good.clone(), at(80), &[]).await, (80, Some(wrong)));
    let (_, wrong) = check(good.clone(), JournalHead::new(90, good[3].hash), &[]).await;
    assert!(matches!(wrong, Some(Break::Head { .. })));

    // Built anew from entry 10 on, so that the chain itself is whole.
    let mut chain = at(9);
    for entry in &mut changed[9..] {
        *entry =
            JournalEntry::following(&chain.hash, entry.sequence, entry.at, entry.event.clone());
        chain = JournalHead::new(entry.sequence, entry.hash);
    }
    assert_eq!(check(changed.clone(), chain, &[]).await, (90, None));
    let wrong = Break::Rewritten {
        known: at(50),
        found: Some(changed[49].hash),
    };
    assert_eq!(
        check(changed, chain, &[at(5), at(50), head]).await,
        (49, Some(wrong))
    );
}

#[tokio::test]
async fn appending_meanwhile_does_not_disturb_a_verification() {
    let store = store();
    append(&store, 0..100).await;
    let writer = tokio::spawn({
        let store = store.clone();
        async move {
            for number in 0..400 {
                append(&store, [number]).await;
                tokio::task::yield_now().await;
            }
        }
    });
    while !writer.is_finished() {
        let found = verify(&store, &JournalName::main(), &[]).await.unwrap();
        assert_eq!(found.broken, None);
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn an_export_can_be_verified_without_the_database() {
    let store = store();
    const KIND: EventKind = EventKind::new("thing.made");
    for number in 0..2_500_u64 {
        let mut batch = Batch::new(Timestamp::from_millis(5));
        let event = Event::new(KIND)
            .with_data(&format!("line\n{number}"))
            .unwrap();
        batch.append(JournalName::main(), &event).unwrap();
        store.commit(batch).await.unwrap();
    }
    let pieces: Vec<_> = export(store.clone(), JournalName::main(), 0)
        .try_collect()
        .await
        .unwrap();
    assert_eq!(pieces.len(), 3, "a page a piece");
    let text = String::from_utf8(pieces.concat()).unwrap();
    let mut chain = Chain::default();
    for line in text.lines() {
        chain.follow(&serde_json::from_str(line).unwrap()).unwrap();
    }
    assert_eq!(
        chain.head(),
        store.journal_head(&JournalName::main()).await.unwrap()
    );
    let first = text.lines().next().unwrap();
    assert!(
        first.starts_with(r#"{"sequence":1,"at":5,"event":{"kind":"thing.made","actor":"host","data":"line\n0"},"hash":""#),
        "{first}"
    );
    let rest: Vec<_> = export(store, JournalName::main(), 2_500)
        .try_collect()
        .await
        .unwrap();
    assert!(rest.is_empty());
}

/// What happens to a subscriber and around it.
#[derive(Clone, Debug)]
enum Happening {
    Append(usize),
    Take(usize),
    /// Asks for the next entry and drops the future after so many polls.
    Drop(usize),
    Reconnect,
    Fail,
}

fn happening() -> impl Strategy<Value = Happening> {
    prop_oneof![
        (1_usize..9).prop_map(Happening::Append),
        (1_usize..7).prop_map(Happening::Take),
        (0_usize..4).prop_map(Happening::Drop),
        Just(Happening::Reconnect),
        Just(Happening::Fail),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_entry_comes_once_and_in_order(happenings in prop::collection::vec(happening(), 1..60)) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        runtime.block_on(async {
            let faulty = Arc::new(doubles::Failing::default());
            let store = Store::new(
                Arc::clone(&faulty) as Arc<dyn StorageBackend>,
                OrganizationId::default(),
            );
            let mut subscription = subscribe(&store, 0);
            let (mut written, mut seen) = (0_u64, Vec::new());
            for happening in happenings {
                match happening {
                    Happening::Append(number) => {
                        append(&store, written + 1..=written + number as u64).await;
                        written += number as u64;
                    }
                    Happening::Take(number) => {
                        for _ in 0..number.min(usize::try_from(written).unwrap() - seen.len()) {
                            let entry = loop {
                                if let Ok(entry) = subscription.next().await {
                                    break entry;
                                }
                            };
                            seen.push(entry);
                        }
                    }
                    Happening::Drop(polls) => {
                        let mut next = Box::pin(subscription.next());
                        for _ in 0..polls {
                            if let Some(outcome) = (&mut next).now_or_never() {
                                seen.extend(outcome.ok());
                                break;
                            }
                            tokio::task::yield_now().await;
                        }
                    }
                    Happening::Reconnect => {
                        let position = subscription.position();
                        subscription = subscribe(&store, position);
                    }
                    Happening::Fail => faulty.fail_reads(1),
                }
            }
            while (seen.len() as u64) < written {
                seen.extend(subscription.next().await.ok());
            }
            faulty.fail_reads(0);
            assert!(subscription.next().now_or_never().is_none());
            let numbers: Vec<u64> = seen.iter().map(|entry| entry.event.read().unwrap()).collect();
            assert_eq!(numbers, (1..=written).collect::<Vec<_>>());
        });
    }
}

/// Databases that lack something.
mod doubles {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use async_trait::async_trait;
    use futures_util::stream::{self, BoxStream, StreamExt};
    use garland::backends::Memory;
    use garland::storage::{
        Batch, CollectionName, Committed, JournalEntry, JournalHead, JournalName, Query, Record,
        RecordId, RecordPage, StorageBackend, Wake, wakes_of,
    };
    use garland::{Error, ErrorKind, OrganizationId, Result};

    /// Wakes nobody if it is deaf, and fails to read journals as often as it is told.
    #[derive(Debug, Default)]
    pub(super) struct Failing {
        memory: Memory,
        failures: AtomicUsize,
        deaf: bool,
    }

    impl Failing {
        pub(super) fn deaf() -> Self {
            Self {
                deaf: true,
                ..Self::default()
            }
        }

        pub(super) fn fail_reads(&self, times: usize) {
            self.failures.store(times, Ordering::Relaxed);
        }
    }

    #[async_trait]
    impl StorageBackend for Failing {
        async fn commit(&self, organization: &OrganizationId, batch: Batch) -> Result<Committed> {
            self.memory.commit(organization, batch).await
        }
        async fn get(
            &self,
            organization: &OrganizationId,
            collection: &CollectionName,
            id: &RecordId,
        ) -> Result<Option<Record>> {
            self.memory.get(organization, collection, id).await
        }
        async fn query(&self, organization: &OrganizationId, query: &Query) -> Result<RecordPage> {
            self.memory.query(organization, query).await
        }
        async fn journal_head(
            &self,
            organization: &OrganizationId,
            journal: &JournalName,
        ) -> Result<JournalHead> {
            self.memory.journal_head(organization, journal).await
        }
        async fn read_journal(
            &self,
            organization: &OrganizationId,
            journal: &JournalName,
            after: u64,
            limit: usize,
        ) -> Result<Vec<JournalEntry>> {
            tokio::task::yield_now().await;
            let fewer = |times: usize| times.checked_sub(1);
            let order = Ordering::Relaxed;
            if self.failures.fetch_update(order, order, fewer).is_ok() {
                return Err(Error::new(ErrorKind::Unavailable, "test", "told to fail"));
            }
            let memory = &self.memory;
            memory
                .read_journal(organization, journal, after, limit)
                .await
        }
        fn watch(&self) -> BoxStream<'static, Wake> {
            if self.deaf {
                return stream::empty().boxed();
            }
            self.memory.watch()
        }
        fn watch_one(&self, organization: &OrganizationId) -> BoxStream<'static, ()> {
            wakes_of(self.watch(), organization)
        }
    }

    /// A journal as somebody left it.
    #[derive(Debug)]
    pub(super) struct Fixed {
        pub(super) entries: Vec<JournalEntry>,
        pub(super) head: JournalHead,
    }

    #[async_trait]
    impl StorageBackend for Fixed {
        async fn commit(&self, _: &OrganizationId, _: Batch) -> Result<Committed> {
            unimplemented!()
        }
        async fn get(
            &self,
            _: &OrganizationId,
            _: &CollectionName,
            _: &RecordId,
        ) -> Result<Option<Record>> {
            unimplemented!()
        }
        async fn query(&self, _: &OrganizationId, _: &Query) -> Result<RecordPage> {
            unimplemented!()
        }
        async fn read_journal(
            &self,
            _: &OrganizationId,
            _: &JournalName,
            after: u64,
            _: usize,
        ) -> Result<Vec<JournalEntry>> {
            // By position, as tampering may have changed the numbers.
            let position = self
                .entries
                .iter()
                .position(|entry| entry.sequence == after);
            let first = if after == 0 {
                0
            } else {
                position.map_or(usize::MAX, |at| at + 1)
            };
            Ok(self.entries.get(first..).unwrap_or_default().to_vec())
        }
        async fn journal_head(&self, _: &OrganizationId, _: &JournalName) -> Result<JournalHead> {
            Ok(self.head)
        }
        fn watch(&self) -> BoxStream<'static, Wake> {
            stream::empty().boxed()
        }
        fn watch_one(&self, _: &OrganizationId) -> BoxStream<'static, ()> {
            stream::empty().boxed()
        }
    }
}
