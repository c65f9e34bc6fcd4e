//! The conformance suite, on each connector, bare and wrapped.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use garland::connector::{
    ChangeHint, ChunkRules, Client, ClientId, ContactChange, FileFacts, GalleryFacts,
    HashAlgorithm, Job, JobDate, JobId, JobState, LastChunk, NameRules, PlatformConnector,
    PublisherFacts, UnicodeForm,
};
use garland::platforms::{MemoryOptions, MemoryPlatform};
use garland::testing::{
    Account, FaultKind, FaultRule, Faults, FaultyConnector, Operation, connector,
};

/// The suite on an account in memory, as it is and through a wrapper that lets everything pass.
async fn memory(options: MemoryOptions) {
    let platform = || {
        let platform = MemoryPlatform::new(options.clone().with_page_size(7));
        keep_books(&platform);
        platform
    };
    connector(async || {
        let platform = platform();
        with_a_hand_in(&platform, Account::new(platform.clone(), platform.clone()))
    })
    .await;
    connector(async || {
        let platform = platform();
        let shared: Arc<dyn PlatformConnector> = Arc::new(platform.clone());
        let wrap = |label: &str| FaultyConnector::new(label, Arc::clone(&shared), Faults::none());
        with_a_hand_in(&platform, Account::new(wrap("first"), wrap("second")))
    })
    .await;
}

/// Says how cursors expire, time passes and deliveries are made.
fn with_a_hand_in(platform: &MemoryPlatform, account: Account) -> Account {
    let [expiring, ticking, telling] = [(); 3].map(|()| platform.clone());
    account
        .with_expire_cursors(move || expiring.expire_cursors())
        .with_clock(move |by| ticking.advance(by))
        .with_deliveries(move |subscription| {
            let hints = [ChangeHint::Files, ChangeHint::Contacts];
            let delivery = telling.deliver(&subscription.id, &hints).unwrap();
            (delivery, telling.advance(Duration::ZERO))
        })
}

/// More clients and jobs than fit on a page, some changed and some gone.
fn keep_books(platform: &MemoryPlatform) {
    for number in 0..10 {
        let client = ClientId::new(format!("client-{number}"));
        let job = JobId::new(format!("job-{number}"));
        let day = format!("2026-06-{:02}", number + 1).parse().unwrap();
        let record = Client::new(client.clone(), format!("Somebody called {number}"));
        let record = record.with_email(format!("{number}@example.org"));
        platform.note_contact(ContactChange::Client(record));
        let record = Job::new(job.clone(), "A wedding")
            .with_state(JobState::Booked, "Contract signed")
            .with_clients(vec![client.clone()])
            .with_dates(vec![JobDate::new("Wedding", day)]);
        platform.note_contact(ContactChange::Job(record));
        if number % 4 == 3 {
            platform.note_contact(ContactChange::JobGone(job));
            platform.note_contact(ContactChange::ClientGone(client));
        }
    }
}

#[tokio::test]
async fn memory_as_it_comes() {
    memory(MemoryOptions::default()).await;
}

#[tokio::test]
async fn memory_that_can_do_nothing_more_than_files() {
    let options = MemoryOptions::bare(FileFacts::default());
    memory(options.with_resumable(false).with_copies(false)).await;
}

#[tokio::test]
async fn memory_that_ignores_case() {
    let names = NameRules::default().with_case_sensitive(false);
    memory(MemoryOptions::new(FileFacts::default().with_names(names))).await;
}

#[tokio::test]
async fn memory_that_normalises_names() {
    let names = NameRules::default()
        .with_case_sensitive(false)
        .with_unicode(UnicodeForm::Nfc);
    memory(MemoryOptions::new(FileFacts::default().with_names(names))).await;
}

#[tokio::test]
async fn memory_like_a_fat_card() {
    let facts = FileFacts::default()
        .with_names(NameRules::windows())
        .with_time_precision(Duration::from_secs(2))
        .with_lists_in_order(true)
        .with_max_file_size(u64::from(u32::MAX));
    memory(MemoryOptions::bare(facts)).await;
}

#[tokio::test]
async fn memory_that_keeps_no_times() {
    let facts = FileFacts::default().with_time_precision(None);
    memory(MemoryOptions::new(facts)).await;
}

#[tokio::test]
async fn memory_with_aligned_chunks() {
    let chunks = ChunkRules::new(256, 256, 4096, 1024).with_max_count(40);
    memory(MemoryOptions::new(FileFacts::default().with_chunks(chunks))).await;
}

#[tokio::test]
async fn memory_whose_last_chunk_has_a_minimum() {
    for maximum in [300, 1000] {
        let chunks = ChunkRules::new(4, 100, maximum, 300).with_last(LastChunk::AtLeastMinimum);
        memory(MemoryOptions::new(FileFacts::default().with_chunks(chunks))).await;
    }
}

#[tokio::test]
async fn memory_whose_server_cuts_the_chunks() {
    let chunks = ChunkRules::new(1, 10, 1000, 100).with_chosen_by_server(true);
    memory(MemoryOptions::new(FileFacts::default().with_chunks(chunks))).await;
}

#[tokio::test]
async fn memory_that_reports_every_hash() {
    let facts = FileFacts::default().with_hashes(&HashAlgorithm::ALL);
    memory(MemoryOptions::new(facts)).await;
}

#[tokio::test]
async fn memory_whose_feed_tells_ids_only() {
    let options = MemoryOptions::default();
    memory(options.with_deletes_by_id(true).with_revisions(false)).await;
}

/// The suite is worth something only if it catches connectors that break their promises.
#[tokio::test]
async fn an_account_that_breaks_a_promise_is_caught() {
    use FaultKind::{CorruptRead, CorruptWrite, CutListing, LyingHash, TruncatedRead};
    use Operation::{Finish, ListPage, ReadPiece, Stat, Write};

    let broken = [
        (Write, CorruptWrite),
        (ReadPiece, CorruptRead),
        (ReadPiece, TruncatedRead),
        (ListPage, CutListing),
        (Finish, LyingHash),
        (Stat, LyingHash),
    ];
    for (operation, kind) in broken {
        let suite = connector(async move || {
            let facts = FileFacts::default().with_hashes(&[HashAlgorithm::Sha256]);
            let account: Arc<dyn PlatformConnector> =
                Arc::new(MemoryPlatform::new(MemoryOptions::new(facts)));
            let faults = Faults::none().with_rule(FaultRule::new(operation, kind).always());
            let wrap = || FaultyConnector::new("broken", Arc::clone(&account), faults.clone());
            Account::new(wrap(), wrap())
        });
        let ended = AssertUnwindSafe(suite).catch_unwind().await;
        assert!(ended.is_err(), "{kind:?} in {operation:?}");
    }
}

#[tokio::test]
async fn memory_whose_galleries_can_do_little() {
    let facts = GalleryFacts::default();
    memory(MemoryOptions::default().with_gallery_facts(facts)).await;
}

#[tokio::test]
async fn memory_that_fetches_media_and_keeps_no_post_waiting() {
    let facts = PublisherFacts::default().with_takes_urls(true);
    memory(MemoryOptions::default().with_publisher_facts(facts)).await;
}

#[tokio::test]
async fn memory_whose_jobs_are_done_at_once() {
    memory(MemoryOptions::default().with_job_steps(0)).await;
}

#[cfg(all(feature = "local", unix))]
mod local {
    use garland::platforms::{Durability, LocalFolder, LocalOptions};

    use super::*;

    /// The suite on a folder of its own for each rule.
    async fn local(options: LocalOptions) {
        connector(async || {
            let root = tempfile::tempdir().unwrap();
            let open = || LocalFolder::open_with(root.path(), options.clone()).unwrap();
            Account::new(open(), open()).keeping(root)
        })
        .await;
    }

    #[tokio::test]
    async fn a_folder() {
        local(LocalOptions::default()).await;
    }

    #[tokio::test]
    async fn a_folder_on_a_runtime_with_one_thread_to_block() {
        let run = || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_time()
                .max_blocking_threads(1)
                .build()
                .unwrap();
            runtime.block_on(local(LocalOptions::default()));
        };
        std::thread::spawn(run).join().unwrap();
    }

    #[tokio::test]
    async fn a_folder_that_writes_each_file_through() {
        let options = LocalOptions::default().with_durability(Durability::EachFile);
        local(options.with_page_size(3).with_piece_size(4096)).await;
    }

    #[tokio::test]
    async fn a_folder_whose_links_are_followed() {
        let options = LocalOptions::default().with_durability(Durability::None);
        local(options.with_follow_links(true)).await;
    }

    #[tokio::test]
    async fn a_folder_through_the_wrapper() {
        connector(async || {
            let root = tempfile::tempdir().unwrap();
            let wrap = |label: &str| {
                let folder = Arc::new(LocalFolder::open(root.path()).unwrap());
                FaultyConnector::new(label, folder, Faults::none())
            };
            Account::new(wrap("first"), wrap("second")).keeping(root)
        })
        .await;
    }
}
