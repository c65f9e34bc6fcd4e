//! The conformance suite on sealed accounts of every kind.

use std::sync::Arc;
use std::time::Duration;

use garland::connector::{
    ChunkRules, FileFacts, HashAlgorithm, LastChunk, NameRules, PlatformConnector, UnicodeForm,
};
use garland::crypto::SealedOptions;
use garland::platforms::{MemoryOptions, MemoryPlatform};
use garland::testing::{Account, Faults, FaultyConnector, connector};

use crate::world::{Studio, options, sealed_names};

/// The suite on an account in memory: names in clear, directly; names sealed, with wrappers inside and outside.
async fn memory(inner: MemoryOptions) {
    one(&inner, &options(), false).await;
    one(&inner, &sealed_names(), true).await;
}

/// Facts of an account that takes small chunks, so that there are many without much to seal.
fn facts() -> FileFacts {
    FileFacts::default().with_chunks(ChunkRules::new(1, 1, 1 << 20, 20_000))
}

async fn one(inner: &MemoryOptions, options: &SealedOptions, wraps: bool) {
    connector(async || {
        let platform = MemoryPlatform::new(inner.clone().with_page_size(7));
        let studio = Studio::new();
        let open = || -> Arc<dyn PlatformConnector> {
            let account: Arc<dyn PlatformConnector> = Arc::new(platform.clone());
            if !wraps {
                return Arc::new(studio.sealed(account, options.clone()));
            }
            let inside = FaultyConnector::new("inside", account, Faults::none());
            let sealed = studio.sealed(Arc::new(inside), options.clone());
            Arc::new(FaultyConnector::new(
                "outside",
                Arc::new(sealed),
                Faults::none(),
            ))
        };
        let expiring = platform.clone();
        Account::shared(open(), open())
            .with_expire_cursors(move || expiring.expire_cursors())
            .with_resumes_behind(true)
    })
    .await;
}

#[tokio::test]
async fn memory_as_it_comes() {
    let inner = MemoryOptions::new(facts());
    memory(inner.clone()).await;
    one(&inner, &options(), true).await;
    one(&inner, &sealed_names(), false).await;
}

#[tokio::test]
async fn memory_that_can_do_nothing_more_than_files() {
    let options = MemoryOptions::bare(facts());
    memory(options.with_resumable(false).with_copies(false)).await;
}

#[tokio::test]
async fn memory_that_ignores_case_and_normalises_names() {
    let names = NameRules::default()
        .with_case_sensitive(false)
        .with_unicode(UnicodeForm::Nfc);
    memory(MemoryOptions::new(facts().with_names(names))).await;
}

#[tokio::test]
async fn memory_like_a_fat_card() {
    let facts = facts()
        .with_names(NameRules::windows())
        .with_time_precision(Duration::from_secs(2))
        .with_lists_in_order(true)
        .with_max_file_size(u64::from(u32::MAX));
    memory(MemoryOptions::bare(facts)).await;
}

#[tokio::test]
async fn memory_that_keeps_no_times_and_reports_every_hash() {
    let facts = facts()
        .with_time_precision(None)
        .with_hashes(&HashAlgorithm::ALL);
    memory(MemoryOptions::new(facts)).await;
}

#[tokio::test]
async fn memory_with_aligned_chunks() {
    let chunks = ChunkRules::new(256, 256, 4096, 1024).with_max_count(40);
    memory(MemoryOptions::new(FileFacts::default().with_chunks(chunks))).await;
}

#[tokio::test]
async fn memory_whose_last_chunk_has_a_minimum() {
    let chunks = ChunkRules::new(4, 5_000, 60_000, 20_000).with_last(LastChunk::AtLeastMinimum);
    memory(MemoryOptions::new(FileFacts::default().with_chunks(chunks))).await;
}

#[tokio::test]
async fn memory_whose_server_cuts_the_chunks() {
    let chunks = ChunkRules::new(1, 10, 1000, 100).with_chosen_by_server(true);
    memory(MemoryOptions::new(FileFacts::default().with_chunks(chunks))).await;
}

#[tokio::test]
async fn memory_whose_feed_tells_ids_only() {
    let options = MemoryOptions::new(facts());
    memory(options.with_deletes_by_id(true).with_revisions(false)).await;
}

#[cfg(all(feature = "local", unix))]
#[tokio::test]
async fn a_folder() {
    use garland::platforms::{LocalFolder, LocalOptions};

    let pieces = LocalOptions::default().with_piece_size(20_000);
    for options in [options(), sealed_names(), SealedOptions::default()] {
        connector(async || {
            let root = tempfile::tempdir().unwrap();
            let studio = Studio::new();
            let open = || {
                let folder = LocalFolder::open_with(root.path(), pieces.clone()).unwrap();
                studio.sealed(Arc::new(folder), options.clone())
            };
            Account::new(open(), open())
                .with_resumes_behind(true)
                .keeping(root)
        })
        .await;
    }
}
