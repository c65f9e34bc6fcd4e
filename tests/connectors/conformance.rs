//! The conformance suite, on each connector, bare and wrapped.

use std::sync::Arc;
use std::time::Duration;

use garland::connector::{
    ChunkRules, FileFacts, HashAlgorithm, LastChunk, NameRules, PlatformConnector, UnicodeForm,
};
use garland::platforms::{MemoryOptions, MemoryPlatform};
use garland::testing::{
    Account, FaultKind, FaultRule, Faults, FaultyConnector, Operation, connector,
};

/// The suite on an account in memory, as it is and through a wrapper that lets everything pass.
async fn memory(options: MemoryOptions) {
    let account = || {
        let platform = MemoryPlatform::new(options.clone().with_page_size(7));
        let expiring = platform.clone();
        (platform, move || expiring.expire_cursors())
    };
    connector(async || {
        let (platform, expire) = account();
        Account::new(platform.clone(), platform).with_expire_cursors(expire)
    })
    .await;
    connector(async || {
        let (platform, expire) = account();
        let shared: Arc<dyn PlatformConnector> = Arc::new(platform);
        let wrap = |label: &str| FaultyConnector::new(label, Arc::clone(&shared), Faults::none());
        Account::new(wrap("first"), wrap("second")).with_expire_cursors(expire)
    })
    .await;
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
        let ended = tokio::spawn(suite).await;
        assert!(
            ended.is_err_and(|end| end.is_panic()),
            "{kind:?} in {operation:?}"
        );
    }
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
