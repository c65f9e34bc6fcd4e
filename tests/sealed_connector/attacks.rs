//! What the one who runs the account can do to objects, and what comes of it.

use std::sync::Arc;

use bytes::Bytes;
use garland::ErrorKind;
use garland::backends::Memory;
use garland::connector::{
    Expect, FileStore, PlatformConnector as _, ReadOptions, SkipReason, UploadRequest,
};
use garland::crypto::{Replaced, SEALED_FILES, SealedOptions};
use garland::platforms::{MemoryOptions, MemoryPlatform};
use garland::storage::{Batch, Json, Query, StorageBackend, Write};

use crate::world::{
    CHUNK, Studio, content, kind, list, names, options, path, put, put_as, read, read_with,
    sealed_names,
};

fn both() -> [SealedOptions; 2] {
    [options(), sealed_names()]
}

/// The name of the only object, or of the one that is longest.
fn object(account: &MemoryPlatform) -> String {
    let listed = account.listed();
    let longest = listed.iter().max_by_key(|(_, content)| content.len());
    longest.unwrap().0.to_string()
}

#[tokio::test(start_paused = true)]
async fn c1_an_object_that_was_cut_lengthened_or_changed_is_refused() {
    for options in both() {
        let account = MemoryPlatform::default();
        let sealed = Studio::new().sealed(Arc::new(account.clone()), options);
        let plain = content(2 * CHUNK + 100, 1);
        put(&sealed, "a.jpg", &plain).await.unwrap();
        let name = object(&account);
        let whole = account.get(&name).unwrap();
        let chunk = usize::try_from(CHUNK).unwrap() + 16;
        let mut bad: Vec<Bytes> = [
            0,
            1,
            71,
            72,
            88,
            72 + chunk,
            72 + 2 * chunk,
            whole.len() - 1,
        ]
        .map(|length| whole.slice(..length))
        .to_vec();
        bad.push([&whole[..], b"x"].concat().into());
        bad.push([&whole[..], &whole[72..72 + chunk]].concat().into());
        let flips = (0..72).chain([72, 72 + chunk - 1, 72 + chunk, whole.len() - 1]);
        for at in flips {
            let mut flipped = whole.to_vec();
            flipped[at] ^= 1;
            bad.push(flipped.into());
        }
        let (first, second) = (72..72 + chunk, 72 + chunk..72 + 2 * chunk);
        let swapped = [&whole[..72], &whole[second.clone()], &whole[first.clone()]].concat();
        bad.push([&swapped[..], &whole[second.end..]].concat().into());
        bad.push(
            [&whole[..second.start], &whole[first], &whole[second.end..]]
                .concat()
                .into(),
        );
        for bytes in bad {
            account.put(&name, bytes).unwrap();
            assert_eq!(kind(read(&sealed, "a.jpg").await), ErrorKind::Corrupt);
            let listed = list(&sealed).await.unwrap();
            assert!(
                listed
                    .entries
                    .iter()
                    .all(|entry| entry.version.hashes.is_empty())
            );
        }
        account.put(&name, whole).unwrap();
        assert!(read(&sealed, "a.jpg").await.unwrap() == plain);
    }
}

#[tokio::test(start_paused = true)]
async fn of_a_spoiled_object_no_byte_of_the_spoiled_chunk_comes() {
    use futures_util::StreamExt as _;
    let account = MemoryPlatform::new(MemoryOptions::default().with_piece_size(1_000));
    let sealed = Studio::new().sealed(Arc::new(account.clone()), options());
    let plain = content(3 * CHUNK, 1);
    put(&sealed, "a.jpg", &plain).await.unwrap();
    let name = object(&account);
    let mut bytes = account.get(&name).unwrap().to_vec();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    account.put(&name, bytes).unwrap();
    let mut reader = sealed
        .read(&path("a.jpg"), ReadOptions::default())
        .await
        .unwrap();
    let mut came = Vec::new();
    let error = loop {
        match reader
            .bytes
            .next()
            .await
            .expect("it must not end as if all were well")
        {
            Ok(piece) => came.extend_from_slice(&piece),
            Err(error) => break error,
        }
    };
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    assert!(came == plain[..usize::try_from(CHUNK).unwrap()]);
    assert!(reader.bytes.next().await.is_none());
}

#[tokio::test(start_paused = true)]
async fn objects_that_changed_places_are_refused() {
    for options in both() {
        let account = MemoryPlatform::default();
        let sealed = Studio::new().sealed(Arc::new(account.clone()), options);
        for (name, seed) in [("a.jpg", 1), ("b.jpg", 2)] {
            put(&sealed, name, &content(500, seed)).await.unwrap();
        }
        let objects: Vec<_> = account.listed().into_iter().collect();
        account
            .put(objects[0].0.as_str(), objects[1].1.clone())
            .unwrap();
        account
            .put(objects[1].0.as_str(), objects[0].1.clone())
            .unwrap();
        for name in ["a.jpg", "b.jpg"] {
            let error = read(&sealed, name).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Corrupt);
            assert!(
                error
                    .to_string()
                    .contains("not one that was sealed for this path"),
                "{error}"
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_older_version_that_is_put_back_is_refused() {
    for replaced in [Replaced::Keep, Replaced::Erase] {
        let account = MemoryPlatform::default();
        let studio = Studio::new();
        let sealed = studio.sealed(Arc::new(account.clone()), options().with_replaced(replaced));
        put(&sealed, "a.jpg", &content(500, 1)).await.unwrap();
        let old = account.get("a.jpg.sealed").unwrap();
        put(&sealed, "a.jpg", &content(500, 2)).await.unwrap();
        let new = account.get("a.jpg.sealed").unwrap();
        account.put("a.jpg.sealed", old).unwrap();
        let error = read(&sealed, "a.jpg").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt);
        let says = error
            .to_string()
            .contains("an older version of the file was put back");
        assert_eq!(says, replaced == Replaced::Keep, "{error}");
        let kept = usize::from(replaced == Replaced::Keep);
        assert_eq!(studio.file_keys().await, 1 + kept);
        account.put("a.jpg.sealed", new).unwrap();
        assert!(read(&sealed, "a.jpg").await.unwrap() == content(500, 2));
    }
}

#[tokio::test(start_paused = true)]
async fn a3_an_object_or_a_record_of_another_tenant_does_not_open() {
    let database: Arc<dyn StorageBackend> = Arc::new(Memory::new());
    let [ours, theirs] = ["ours", "theirs"].map(|name| Studio::on(Arc::clone(&database), name));
    let [our_drive, their_drive] = [MemoryPlatform::default(), MemoryPlatform::default()];
    let our_files = ours.sealed(Arc::new(our_drive.clone()), options());
    let their_files = theirs.sealed(Arc::new(their_drive.clone()), options());
    put(&our_files, "a.jpg", &content(500, 1)).await.unwrap();
    put(&their_files, "a.jpg", &content(500, 2)).await.unwrap();

    // Their object in the place of ours.
    let object = their_drive.get("a.jpg.sealed").unwrap();
    our_drive.put("a.jpg.sealed", object.clone()).unwrap();
    assert_eq!(kind(read(&our_files, "a.jpg").await), ErrorKind::Corrupt);

    // Somebody who writes into the database brings their records and keys over as well.
    for collection in ["sealed_files", "file_keys", "key_epochs"] {
        let query = Query::all(collection.parse().unwrap());
        for record in theirs.store().query(&query).await.unwrap().records {
            let mut batch = Batch::new(garland::Timestamp::from_millis(0));
            batch.push(Write::Put {
                collection: collection.parse().unwrap(),
                id: record.id,
                value: record.value,
                indexes: Vec::new(),
                precondition: garland::storage::Precondition::Any,
            });
            ours.store().commit(batch).await.unwrap();
        }
    }
    let fresh = ours.sealed(Arc::new(our_drive), options());
    assert_eq!(kind(read(&fresh, "a.jpg").await), ErrorKind::Corrupt);

    // The same account seen by another organization holds nothing that is theirs to see.
    let stranger = Studio::on(database, "stranger").sealed(Arc::new(their_drive), options());
    assert_eq!(kind(read(&stranger, "a.jpg").await), ErrorKind::Corrupt);
    let listed = list(&stranger).await.unwrap();
    assert!(listed.entries.is_empty());
    assert_eq!(listed.skipped[0].reason, SkipReason::NotSealed);
}

#[tokio::test(start_paused = true)]
async fn what_was_not_sealed_is_passed_over_and_never_handed_out() {
    for options in both() {
        let account = MemoryPlatform::default();
        let sealed = Studio::new().sealed(Arc::new(account.clone()), options.clone());
        put(&sealed, "ours.jpg", &content(10, 1)).await.unwrap();
        account
            .put("holiday.jpg", "a picture of somebody else")
            .unwrap();
        account
            .put("notes.txt.sealed", "not sealed at all")
            .unwrap();
        account.put("folder/x", "x").unwrap();
        let listed = list(&sealed).await.unwrap();
        assert_eq!(listed.entries.len(), 1);
        let mut skipped: Vec<_> = listed
            .skipped
            .iter()
            .map(|one| (&*one.name, one.reason))
            .collect();
        skipped.sort_by_key(|(name, _)| *name);
        let notes = match options.names {
            garland::crypto::SealedNames::Clear => "notes.txt",
            _ => "/notes.txt.sealed",
        };
        let mut expected =
            ["/folder/x", "/holiday.jpg", notes].map(|name| (name, SkipReason::NotSealed));
        expected.sort_by_key(|(name, _)| *name);
        assert_eq!(skipped, expected);
        assert_eq!(
            kind(read(&sealed, "holiday.jpg").await),
            ErrorKind::NotFound
        );
        assert_eq!(sealed.stat(&path("holiday.jpg")).await.unwrap(), None);
    }
    let account = MemoryPlatform::default();
    let sealed = Studio::new().sealed(Arc::new(account.clone()), options());
    account
        .put("a.sealed", "not sealed at all, though its name says so")
        .unwrap();
    let (a, b) = (path("a"), path("b"));
    assert_eq!(kind(read(&sealed, "a").await), ErrorKind::Corrupt);
    assert_eq!(kind(sealed.stat(&a).await), ErrorKind::Corrupt);
    assert_eq!(
        kind(sealed.delete(&a, &Expect::Anything).await),
        ErrorKind::Corrupt
    );
    assert_eq!(
        kind(sealed.rename(&a, &Expect::Anything, &b).await),
        ErrorKind::Corrupt
    );
    assert!(account.get("a.sealed").is_some());
}

#[tokio::test(start_paused = true)]
async fn the_account_sees_neither_names_nor_contents_nor_hashes() {
    let account = MemoryPlatform::default();
    let studio = Studio::new();
    let sealed = studio.sealed(Arc::new(account.clone()), sealed_names());
    let secret = Bytes::from("the bride's sister does not know yet".repeat(2_000));
    let request = UploadRequest::new(path("Wedding Zo\u{eb}/vows.txt"), secret.len() as u64)
        .with_media_type(Some("text/plain".into()));
    let entry = put_as(&sealed, request, &secret).await.unwrap();
    assert_eq!(entry.media_type.as_deref(), Some("text/plain"));
    put(
        &sealed,
        ".garland/recovered/run-1/Wedding/cake.jpg",
        &secret,
    )
    .await
    .unwrap();
    let hash = blake3::hash(&secret);
    let mut seen = String::new();
    for (path, content) in account.contents() {
        seen.push_str(path.as_str());
        seen.push_str(&String::from_utf8_lossy(&content));
    }
    let files = account.list();
    let pages: Vec<_> = futures_util::TryStreamExt::try_collect(files)
        .await
        .unwrap();
    seen.push_str(&format!("{pages:?}"));
    for word in [
        "vows",
        "Wedding",
        "Zo\u{eb}",
        "bride",
        "cake",
        "text/plain",
        "run-1",
    ] {
        assert!(!seen.contains(word), "{word}");
    }
    // The database knows names, but nothing of contents.
    let query = Query::all(SEALED_FILES.name().clone());
    let records = studio.store().query(&query).await.unwrap().records;
    let kept: String = records
        .iter()
        .map(|record| Json::as_str(&record.value))
        .collect();
    assert!(kept.contains("vows.txt"));
    for word in [hash.to_hex().as_str(), "blake3", "text/plain", "bride"] {
        assert!(!kept.contains(word), "{word}");
    }
    let said = format!("{sealed:?} {entry:?}");
    assert!(!said.contains("bride"));
    assert_eq!(names(&sealed).await, ["Wedding Zo\u{eb}/vows.txt"]);
    let listed = list(&sealed).await.unwrap();
    let hashes = &listed.entries[0].version.hashes;
    assert_eq!(
        hashes.get(garland::connector::HashAlgorithm::Blake3),
        Some(&hash.as_bytes()[..])
    );
}

#[tokio::test(start_paused = true)]
async fn hashes_are_told_only_of_the_object_that_they_were_told_for() {
    let account = MemoryPlatform::default();
    let sealed = Studio::new().sealed(Arc::new(account.clone()), options());
    put(&sealed, "a.jpg", &content(500, 1)).await.unwrap();
    let told = sealed.stat(&path("a.jpg")).await.unwrap().unwrap();
    assert!(!told.version.hashes.is_empty());
    let object = account.get("a.jpg.sealed").unwrap();
    account.put("a.jpg.sealed", object).unwrap();
    let told = sealed.stat(&path("a.jpg")).await.unwrap().unwrap();
    assert!(told.version.hashes.is_empty());
}

#[tokio::test(start_paused = true)]
async fn what_would_publish_ciphertext_is_not_offered() {
    let sealed = Studio::new().sealed(Arc::new(MemoryPlatform::default()), options());
    assert!(sealed.files().is_some() && sealed.changes().is_some());
    assert!(sealed.links().is_none() && sealed.galleries().is_none());
    assert!(sealed.presets().is_none() && sealed.publisher().is_none());
    assert!(sealed.contacts().is_none() && sealed.webhooks().is_none());
    let whole = read_with(&sealed, "none", ReadOptions::default()).await;
    assert_eq!(kind(whole), ErrorKind::NotFound);
}
