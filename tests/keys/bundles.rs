//! Bundles: wrapped keys beside what they open.

use bytes::Bytes;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use garland::ErrorKind;
use garland::crypto::{FileKey, ImportReport, KeyName, KeyRing, Purpose, SecretKey};
use proptest::prelude::*;

use crate::world::{
    Backend, body, destroy, events, make, make_many, memory, ring_on, store, wraps,
};

async fn exported(ring: &KeyRing) -> String {
    let pieces: Vec<Bytes> = ring.export().try_collect().await.unwrap();
    String::from_utf8(pieces.concat()).unwrap()
}

async fn imported(ring: &KeyRing, text: &str) -> garland::Result<ImportReport> {
    // In pieces that end anywhere.
    let pieces: Vec<_> = text
        .as_bytes()
        .chunks(1_000)
        .map(|piece| Ok(Bytes::copy_from_slice(piece)))
        .collect();
    ring.import(stream::iter(pieces)).await
}

async fn with_keys(count: usize) -> (Backend, KeyRing, Vec<SecretKey>) {
    let backend = memory();
    let ring = ring_on(&backend, "a", 1);
    let keys = make_many(&ring, &store(&backend, "a"), count).await;
    (backend, ring, keys)
}

fn counts(report: &ImportReport) -> (u64, u64, u64, u64, bool) {
    let ImportReport {
        added,
        known,
        destroyed,
        refused,
        complete,
        ..
    } = *report;
    (added, known, destroyed, refused, complete)
}

#[tokio::test]
async fn a_lost_database_is_restored_from_bundle_and_root() {
    let (backend, ring, mut keys) = with_keys(200).await;
    let kept = store(&backend, "a");
    let shared = ring.shared("names").await.unwrap();
    ring.begin_epoch().await.unwrap();
    keys.push(make(&ring, &kept, &body(200)).await);
    destroy(&ring, &kept, &body(7)).await;
    let text = exported(&ring).await;
    for (_, value) in wraps(&kept).await {
        assert!(text.contains(&value.wrap));
    }
    let clear = keys.iter().chain([&shared]).map(|key| {
        let hex = key.expose().iter().map(|byte| format!("{byte:02x}"));
        hex.collect::<String>()
    });
    for key in clear {
        assert!(!text.contains(&key[..16]), "a key in clear");
    }

    let fresh = memory();
    let restored = ring_on(&fresh, "a", 1);
    let report = imported(&restored, &text).await.unwrap();
    assert_eq!(counts(&report), (201, 0, 0, 0, true), "{report:?}");
    for (file, key) in keys.iter().enumerate() {
        match restored.key(&body(file)).await {
            Ok(found) => assert!(found.is(key)),
            Err(error) => assert_eq!((error.kind(), file), (ErrorKind::NotFound, 7)),
        }
    }
    assert!(restored.shared("names").await.unwrap().is(&shared));
    assert_eq!(
        restored.epochs().await.unwrap().len(),
        1,
        "former epochs do not come back"
    );
    let told = events(&store(&fresh, "a")).await;
    assert_eq!(
        told,
        [
            "keys.epoch_begun",
            "keys.imported",
            "keys.imported",
            "keys.imported"
        ]
    );

    let again = imported(&restored, &text).await.unwrap();
    assert_eq!(counts(&again), (0, 201, 0, 0, true));
    assert_eq!(events(&store(&fresh, "a")).await.len(), told.len());
}

#[tokio::test]
async fn what_is_here_is_never_replaced_and_what_was_destroyed_stays_so() {
    let (backend, ring, keys) = with_keys(5).await;
    let kept = store(&backend, "a");
    let text = exported(&ring).await;
    ring.rotate().await.unwrap();
    ring.retire(1).await.unwrap();
    destroy(&ring, &kept, &body(1)).await;
    destroy(&ring, &kept, &body(2)).await;
    let anew = make(&ring, &kept, &body(2)).await;
    let before = wraps(&kept).await;
    let report = imported(&ring, &text).await.unwrap();
    assert_eq!(counts(&report), (0, 3, 1, 1, true), "{report:?}");
    assert_eq!(report.refusals[0].kind, ErrorKind::AlreadyExists);
    assert_eq!(wraps(&kept).await, before);
    assert!(ring.key(&body(2)).await.unwrap().is(&anew));
    assert!(ring.key(&body(0)).await.unwrap().is(&keys[0]));
    assert!(ring.key(&body(1)).await.is_err());
}

#[tokio::test]
async fn a3_a_bundle_of_another_organization_or_root_is_refused() {
    let (_, ring, _) = with_keys(3).await;
    let text = exported(&ring).await;
    let refused = imported(&ring_on(&memory(), "b", 1), &text).await;
    assert_eq!(refused.unwrap_err().kind(), ErrorKind::Refused);
    // Whoever changes the name in the first line gets nothing for it.
    let forged = text.replacen("\"a\"", "\"b\"", 1);
    let backend = memory();
    let report = imported(&ring_on(&backend, "b", 1), &forged).await.unwrap();
    assert_eq!(counts(&report), (0, 0, 0, 4, false), "{report:?}");
    assert!(wraps(&store(&backend, "b")).await.is_empty());

    let backend = memory();
    let report = imported(&ring_on(&backend, "a", 2), &text).await.unwrap();
    assert_eq!(counts(&report), (0, 0, 0, 4, false), "{report:?}");
    assert!(wraps(&store(&backend, "a")).await.is_empty());
}

#[tokio::test]
async fn what_is_no_bundle_says_so() {
    let ring = ring_on(&memory(), "a", 1);
    for (text, kind) in [
        ("", ErrorKind::Corrupt),
        ("\n\n", ErrorKind::Corrupt),
        ("hello\n", ErrorKind::Corrupt),
        ("{\"end\":{\"epochs\":0,\"keys\":0}}\n", ErrorKind::Corrupt),
        (
            "{\"begin\":{\"version\":2,\"organization\":\"a\"}}\n",
            ErrorKind::Unsupported,
        ),
    ] {
        let refused = imported(&ring, text).await.unwrap_err();
        assert_eq!(refused.kind(), kind, "{text:?}");
    }
    let endless = stream::repeat_with(|| Ok(Bytes::from_static(&[b'x'; 4_096])));
    let refused = ring.import(endless).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Corrupt);
}

#[tokio::test]
async fn a_damaged_line_stops_no_other_and_a_cut_is_told() {
    let (_, ring, _) = with_keys(30).await;
    let text = exported(&ring).await;
    let lines: Vec<&str> = text.lines().collect();
    let cut = lines[..20].join("\n");
    let report = imported(&ring_on(&memory(), "a", 1), &cut).await.unwrap();
    assert_eq!(counts(&report), (18, 0, 0, 0, false));
    let mut damaged: Vec<String> = lines.iter().map(|line| (*line).to_owned()).collect();
    damaged[5] = damaged[5].replace("\"body\"", "\"thumb\"");
    damaged[9].truncate(40);
    damaged[12] = "something else".to_owned();
    let report = imported(&ring_on(&memory(), "a", 1), &damaged.join("\n")).await;
    let report = report.unwrap();
    assert_eq!(counts(&report), (27, 0, 0, 3, false), "{report:?}");
    let lines: Vec<u64> = report.refusals.iter().map(|refusal| refusal.line).collect();
    assert_eq!(lines, [6, 10, 13]);
}

#[tokio::test]
async fn the_bundle_of_a_file_has_that_file_only() {
    let (backend, ring, _) = with_keys(3).await;
    let kept = store(&backend, "a");
    let thumb = KeyName::new("1", "2", Purpose::Thumb);
    make(&ring, &kept, &thumb).await;
    let pieces: Vec<Bytes> = ring.export_file("1").unwrap().try_collect().await.unwrap();
    let text = String::from_utf8(pieces.concat()).unwrap();
    let fresh = memory();
    let restored = ring_on(&fresh, "a", 1);
    let report = imported(&restored, &text).await.unwrap();
    assert_eq!(counts(&report), (2, 0, 0, 0, true));
    restored.key(&thumb).await.unwrap();
    assert!(restored.key(&body(0)).await.is_err());
}

#[tokio::test]
async fn an_export_through_a_rotation_and_the_end_of_its_epoch_is_whole() {
    let (backend, ring, keys) = with_keys(1_500).await;
    let mut pieces = ring.export();
    let mut text = Vec::new();
    // The beginning, and a first page of keys; then everything moves on.
    for _ in 0..2 {
        text.extend(pieces.next().await.unwrap().unwrap());
    }
    ring.rotate().await.unwrap();
    ring.retire(1).await.unwrap();
    while let Some(piece) = pieces.next().await {
        text.extend(piece.unwrap());
    }
    let fresh = memory();
    let restored = ring_on(&fresh, "a", 1);
    let text = String::from_utf8(text).unwrap();
    let report = imported(&restored, &text).await.unwrap();
    assert_eq!(counts(&report), (1_500, 0, 0, 0, true));
    for (file, key) in keys.iter().enumerate().step_by(50) {
        assert!(restored.key(&body(file)).await.unwrap().is(key));
    }
    drop(backend);
}

#[tokio::test]
async fn two_may_import_at_once() {
    let (_, ring, keys) = with_keys(150).await;
    let text = exported(&ring).await;
    let fresh = memory();
    let (one, two) = (ring_on(&fresh, "a", 1), ring_on(&fresh, "a", 1));
    let (first, second) =
        futures_util::future::join(imported(&one, &text), imported(&two, &text)).await;
    let (first, second) = (first.unwrap(), second.unwrap());
    assert_eq!(first.added + second.added, 150);
    assert_eq!(first.known + second.known, 150);
    for (file, key) in keys.iter().enumerate() {
        assert!(one.key(&body(file)).await.unwrap().is(key));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever is done to a line, no import takes a key that was not in the bundle.
    #[test]
    fn no_change_of_a_bundle_brings_another_key(at in 0usize..4_000, to in any::<u8>()) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let (_, ring, keys) = with_keys(4).await;
            let mut text = exported(&ring).await.into_bytes();
            let at = at % text.len();
            text[at] = to;
            let fresh = memory();
            let restored = ring_on(&fresh, "a", 1);
            let bundle = stream::iter([Ok(Bytes::from(text))]);
            if let Ok(report) = restored.import(bundle).await {
                let values: Vec<FileKey> =
                    wraps(&store(&fresh, "a")).await.into_iter().map(|(_, value)| value).collect();
                assert_eq!(values.len() as u64, report.added);
                for value in values {
                    let file: usize = value.file.parse().unwrap();
                    let found = restored.key(&body(file)).await.unwrap();
                    assert!(found.is(&keys[file]));
                }
            }
        });
    }
}
