//! The merger at work in a sync.

use garland::backends::Memory;
use garland::platforms::MemoryPlatform;
use garland::sync::{ConflictStrategy, SyncOptions, SyncReport, XmpMerger};
use garland::{ErrorKind, Orchestrator, Timestamp};

use crate::said::{array, get, sidecar};

/// Syncs a laptop and the studio after both have edited one sidecar.
async fn both_edited(laptop: &str, studio: &str) -> (SyncReport, Vec<u8>, Vec<u8>) {
    let [first, second] = [(); 2].map(|()| MemoryPlatform::default());
    for (account, content, seconds) in [(&first, laptop, 1), (&second, studio, 60)] {
        let modified = Timestamp::from_millis(1_750_000_000_000 + seconds * 1_000);
        let content = content.to_owned();
        account.put_at("day/IMG_1.xmp", content, modified).unwrap();
    }
    let builder = Orchestrator::builder().storage(Memory::new());
    let builder = builder.connector("laptop", first.clone());
    let orchestrator = builder.connector("studio", second.clone()).build().await;
    let orchestrator = orchestrator.unwrap();
    let options = SyncOptions::default()
        .with_strategy(ConflictStrategy::Merge)
        .with_merger(XmpMerger::new());
    let sync = orchestrator.sync("laptop").with("studio").options(options);
    let report = sync.run().await.unwrap();
    let content = |account: &MemoryPlatform| account.get("day/IMG_1.xmp").unwrap().to_vec();
    (report, content(&first), content(&second))
}

#[tokio::test]
async fn two_people_rate_and_tag_one_picture_and_both_are_heard() {
    let laptop = sidecar("xmp:Rating='3'", &array("dc:subject", "Bag", &["rings"]));
    let studio = sidecar("xmp:Rating='5'", &array("dc:subject", "Bag", &["vows"]));
    let (report, first, second) = both_edited(&laptop, &studio).await;
    assert!(report.is_complete(), "{report}");
    assert_eq!(first, second);
    assert_eq!(get(&first, "dc:subject"), ["vows", "rings"]);
    assert_eq!(get(&first, "xmp:Rating"), ["5"]);
}

#[tokio::test]
async fn a_sidecar_that_cannot_be_read_is_reported_and_left_alone() {
    let laptop = "<x:xmpmeta";
    let studio = sidecar("xmp:Rating='5'", "");
    let (report, first, second) = both_edited(laptop, &studio).await;
    let [failed] = &report.failed[..] else {
        panic!("{report}")
    };
    assert_eq!(failed.path.as_str(), "day/IMG_1.xmp");
    assert_eq!(failed.error.kind(), ErrorKind::InvalidInput);
    assert_eq!((first, second), (laptop.into(), studio.into_bytes()));
}
