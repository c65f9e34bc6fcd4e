//! An export says all there is, and whoever has it can check it alone.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::{TryStreamExt, stream};
use garland::audit::{
    AuditBreak, ExportReport, SignedHead, SubjectId, SubjectVault, export, verify_export,
};
use garland::journal::{Break, Event};
use garland::storage::{Batch, Store};
use garland::{Error, ErrorKind, Result, Timestamp};

use crate::world::{ACTED, Copies, append, auditor, journal, memory, signer, vault};

async fn lines(store: &Store, vault: Option<SubjectVault>) -> String {
    let pieces: Vec<Bytes> = export(store, &journal(), vault)
        .try_collect()
        .await
        .unwrap();
    String::from_utf8(pieces.concat()).unwrap()
}

async fn checked(text: &str, heads: &[SignedHead]) -> Result<ExportReport> {
    // In pieces that end anywhere.
    let pieces: Vec<Result<Bytes>> = text
        .as_bytes()
        .chunks(97)
        .map(|piece| Ok(Bytes::copy_from_slice(piece)))
        .collect();
    verify_export(stream::iter(pieces), &*signer(), heads).await
}

/// 15 entries, the fifth of which tells of the first key, and heads of 5, 10 and 13.
async fn studio() -> (Store, SubjectVault, Vec<SignedHead>) {
    let store = memory();
    let vault = vault(&store);
    append(&store, 1..=4).await;
    for (subject, value) in [("u-anna", "nuts"), ("u-ben", "seat 7")] {
        let subject: SubjectId = subject.parse().unwrap();
        let mut batch = Batch::new(Timestamp::from_millis(5));
        let side = vault.seal(&mut batch, &subject, value).await.unwrap();
        let event = Event::new(ACTED).with_data(&side).unwrap();
        batch.append(journal(), &event).unwrap();
        store.commit(batch).await.unwrap();
    }
    append(&store, 7..=12).await;
    let copies = Arc::new(Copies::default());
    auditor(&store, &copies, 5).seal_now().await.unwrap();
    append(&store, 13..=14).await;
    (store, vault, copies.all())
}

#[tokio::test]
async fn an_export_holds_everything_and_is_checked_alone() {
    let (store, vault, heads) = studio().await;
    let text = lines(&store, Some(vault.clone())).await;
    assert_eq!(text.lines().count(), 1 + 15 + 3 + 2);
    assert!(text.contains("\"nuts\""));
    let report = checked(&text, &heads[2..]).await.unwrap();
    assert!(report.is_intact(), "{report:?}");
    assert_eq!(report.origin, "garland/studio-7/main");
    assert_eq!((report.end.sequence, report.vouched), (15, 13));
    assert_eq!((report.heads, report.sides), (4, 2));
    // Without what is personal, and after an erasure, it is as valid.
    let bare = lines(&store, None).await;
    assert!(!bare.contains("nuts"));
    assert!(checked(&bare, &heads).await.unwrap().is_intact());
    let mut batch = Batch::new(Timestamp::from_millis(6));
    let anna = "u-anna".parse().unwrap();
    vault.shred(&mut batch, &anna).await.unwrap();
    store.commit(batch).await.unwrap();
    let rest = lines(&store, Some(vault)).await;
    let report = checked(&rest, &heads).await.unwrap();
    assert!(report.is_intact() && report.sides == 1, "{report:?}");
}

#[tokio::test]
async fn l3_a_bent_export_is_found() {
    let (store, vault, heads) = studio().await;
    let text = lines(&store, Some(vault)).await;
    let all: Vec<&str> = text.lines().collect();
    let joined = |lines: &[&str]| format!("{}\n", lines.join("\n"));
    let broken = async |text: &str| checked(text, &heads[2..]).await.unwrap().broken;
    // Edited.
    let edited = text.replace("\"data\":3", "\"data\":4");
    assert!(matches!(
        broken(&edited).await,
        Some(AuditBreak::Chain(Break::Hash { sequence: 3, .. }))
    ));
    // Removed, swapped, doubled.
    let mut less = all.clone();
    less.remove(3);
    let gap = |expected, found| Some(AuditBreak::Chain(Break::Gap { expected, found }));
    assert_eq!(broken(&joined(&less)).await, gap(3, 4));
    let mut swapped = all.clone();
    swapped.swap(2, 3);
    assert_eq!(broken(&joined(&swapped)).await, gap(2, 3));
    let mut doubled = all.clone();
    doubled.insert(3, all[2]);
    assert_eq!(broken(&joined(&doubled)).await, gap(3, 2));
    // Cut, at a line and within one.
    let cut = AuditBreak::Cut { end: 3, signed: 13 };
    assert_eq!(broken(&joined(&all[..4])).await, Some(cut));
    let torn = checked(&text[..text.len() - 9], &heads).await;
    assert_eq!(torn.unwrap_err().kind(), ErrorKind::Corrupt);
    // A head of somebody else, and one in the wrong place.
    let forged = text.replace("\\n13\\n", "\\n11\\n");
    assert_eq!(broken(&forged).await, Some(AuditBreak::Forged { size: 11 }));
    let at = all.iter().position(|line| line.contains("\"head\""));
    let mut moved = all.clone();
    moved.swap(at.unwrap(), at.unwrap() + 1);
    assert!(broken(&joined(&moved)).await.is_some());
    // Another value beside an entry, and a value beside another entry.
    let kind = async |text: &str| checked(text, &heads).await.map_err(|error| error.kind());
    let lied = text.replace("\"value\":\"nuts\"", "\"value\":\"none\"");
    assert_eq!(kind(&lied).await, Err(ErrorKind::Corrupt));
    let beside: Vec<usize> = (0..all.len())
        .filter(|at| all[*at].contains("\"side\":{"))
        .collect();
    let mut crossed = all.clone();
    crossed.swap(beside[0], beside[1]);
    assert_eq!(kind(&joined(&crossed)).await, Err(ErrorKind::Corrupt));
    // Not an export at all.
    for text in ["", "\n", "{}\n", &joined(&all[1..]), "{\"audit\":{}}\n"] {
        assert_eq!(kind(text).await, Err(ErrorKind::Corrupt), "{text:.40}");
    }
    let newer = text.replace("\"version\":1", "\"version\":2");
    assert_eq!(kind(&newer).await, Err(ErrorKind::Unsupported));
}

#[tokio::test]
async fn an_error_of_the_lines_is_told() {
    let broken = Error::new(ErrorKind::Unavailable, "disk.read", "gone");
    let found = verify_export(stream::iter([Err(broken)]), &*signer(), &[]).await;
    assert_eq!(found.unwrap_err().kind(), ErrorKind::Unavailable);
    let endless = stream::iter((0..17 * 16).map(|_| Ok(Bytes::from(vec![b' '; 1 << 16]))));
    let found = verify_export(endless, &*signer(), &[]).await;
    assert_eq!(found.unwrap_err().kind(), ErrorKind::LimitExceeded);
}
