//! Whoever has the database file bends it; whoever has a head finds it.

use std::path::PathBuf;
use std::sync::Arc;

use garland::audit::{
    AUDIT_HEADS, AuditBreak, Auditor, HmacHeads, SignedHead, VerifyOptions, verify,
};
use garland::backends::Sqlite;
use garland::journal::Break;
use garland::storage::{ChainHash, JournalEntry, Json, StorageBackend, Store};
use garland::{Error, Timestamp};
use rusqlite::{Connection, params};

use crate::world::{self, Copies, append, auditor, check, clock, journal, key};

/// 60 entries with a head after every 10, then 3 without.
struct Desk {
    _folder: tempfile::TempDir,
    path: PathBuf,
    heads: Vec<SignedHead>,
}

impl Desk {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("studio.db");
        let database = Sqlite::open(&path).await.unwrap();
        let store = world::store(Arc::new(database.clone()));
        let copies = Arc::new(Copies::default());
        append(&store, 1..=60).await;
        auditor(&store, &copies, 10).seal_now().await.unwrap();
        append(&store, 61..=63).await;
        database.close().await;
        assert_eq!(copies.sizes(), [10, 20, 30, 40, 50, 60]);
        Self {
            _folder: folder,
            path,
            heads: copies.all(),
        }
    }

    fn bend(&self, bend: impl FnOnce(&mut Connection)) {
        let mut connection = Connection::open(&self.path).unwrap();
        bend(&mut connection);
    }

    async fn open(&self) -> (Store, Sqlite) {
        let database = Sqlite::open(&self.path).await.unwrap();
        let backend: Arc<dyn StorageBackend> = Arc::new(database.clone());
        (world::store(backend), database)
    }

    async fn found(&self, heads: &[SignedHead]) -> Option<AuditBreak> {
        let (store, database) = self.open().await;
        let report = check(&store, heads).await;
        database.close().await;
        report.broken
    }

    fn last(&self) -> &[SignedHead] {
        &self.heads[5..]
    }
}

fn run(connection: &Connection, sql: &str) -> usize {
    connection.execute(sql, []).unwrap()
}

fn entries(connection: &Connection) -> Vec<JournalEntry> {
    let sql = "SELECT sequence, at, event, hash FROM journal_entries ORDER BY sequence";
    let mut statement = connection.prepare(sql).unwrap();
    let rows = statement.query_map([], |row| {
        let sequence: i64 = row.get(0)?;
        let hash: Vec<u8> = row.get(3)?;
        Ok(JournalEntry::stored(
            u64::try_from(sequence).unwrap(),
            Timestamp::from_millis(row.get(1)?),
            Json::stored(row.get::<_, String>(2)?),
            ChainHash::new(hash.try_into().unwrap()),
        ))
    });
    rows.unwrap().map(Result::unwrap).collect()
}

/// Writes the journal anew, as the backend would have: every hash and the end follow.
fn rebuild(connection: &mut Connection, bend: impl FnOnce(&mut Vec<JournalEntry>)) {
    let mut all = entries(connection);
    bend(&mut all);
    let transaction = connection.transaction().unwrap();
    run(&transaction, "DELETE FROM journal_entries");
    let mut hash = ChainHash::START;
    let mut last = 0;
    for (entry, sequence) in all.into_iter().zip(1_u64..) {
        let entry = JournalEntry::following(&hash, sequence, entry.at, entry.event);
        let number = i64::try_from(sequence).unwrap();
        transaction
            .execute(
                "INSERT INTO journal_entries VALUES ('studio-7', 'main', ?1, ?2, ?3, ?4)",
                params![
                    number,
                    entry.at.as_millis(),
                    entry.event.as_str(),
                    entry.hash.as_bytes()
                ],
            )
            .unwrap();
        (hash, last) = (entry.hash, number);
    }
    transaction
        .execute(
            "UPDATE journal_heads SET sequence = ?1, hash = ?2",
            params![last, hash.as_bytes()],
        )
        .unwrap();
    transaction.commit().unwrap();
}

/// Makes all the heads anew, with a key of the forger's own.
async fn forge_heads(desk: &Desk) {
    desk.bend(|connection| {
        let sql = "DELETE FROM records WHERE collection = 'audit_heads'";
        assert!(run(connection, sql) > 0);
    });
    let (store, database) = desk.open().await;
    let forger = Arc::new(HmacHeads::new(key(66)));
    let auditor = Auditor::new(store, journal(), forger, clock());
    auditor.seal_now().await.unwrap().unwrap();
    database.close().await;
}

fn edited(entries: &mut [JournalEntry], at: usize) {
    let event = entries[at - 1].event.as_str().replace(
        &format!("\"data\":{at}"),
        &format!("\"data\":{}", 1_000 + at),
    );
    assert_ne!(event, entries[at - 1].event.as_str());
    entries[at - 1].event = Json::stored(event);
}

#[tokio::test]
async fn l3_a_journal_that_nobody_bent_is_intact() {
    let desk = Desk::new().await;
    let (store, _database) = desk.open().await;
    let report = check(&store, &desk.heads).await;
    assert!(report.is_intact(), "{report}");
    assert_eq!((report.end.sequence, report.vouched), (63, 60));
    assert_eq!(report.heads, 12, "the host's copies and the recorded ones");
    assert_eq!(
        report.to_string(),
        "entries 1 to 63 are intact, 12 heads vouch for 60"
    );
}

#[tokio::test]
async fn l3_a_change_is_found_and_named() {
    for (column, value) in [("event", "'{}'"), ("at", "0"), ("hash", "zeroblob(32)")] {
        for at in [1, 33, 60, 63] {
            let desk = Desk::new().await;
            let sql =
                format!("UPDATE journal_entries SET {column} = {value} WHERE sequence = {at}");
            desk.bend(|connection| assert_eq!(run(connection, &sql), 1));
            let found = desk.found(desk.last()).await;
            assert!(
                matches!(found, Some(AuditBreak::Chain(Break::Hash { sequence, .. })) if sequence == at),
                "{column} of {at}: {found:?}"
            );
        }
    }
}

#[tokio::test]
async fn l3_a_removal_is_found_and_named() {
    for at in [1_u64, 33, 60] {
        let desk = Desk::new().await;
        let sql = format!("DELETE FROM journal_entries WHERE sequence = {at}");
        desk.bend(|connection| assert_eq!(run(connection, &sql), 1));
        let gap = Break::Gap {
            expected: at,
            found: at + 1,
        };
        assert_eq!(
            desk.found(desk.last()).await,
            Some(AuditBreak::Chain(gap)),
            "{at}"
        );
        // With the numbers closed up, the hash tells.
        let sql = format!(
            "UPDATE journal_entries SET sequence = -sequence WHERE sequence > {at};
             UPDATE journal_entries SET sequence = -sequence - 1 WHERE sequence < 0;
             UPDATE journal_heads SET sequence = sequence - 1;"
        );
        desk.bend(|connection| connection.execute_batch(&sql).unwrap());
        let found = desk.found(desk.last()).await;
        assert!(
            matches!(found, Some(AuditBreak::Chain(Break::Hash { sequence, .. })) if sequence == at),
            "{at}: {found:?}"
        );
    }
}

#[tokio::test]
async fn l3_an_insertion_is_found_and_named() {
    for at in [1, 33, 60] {
        let desk = Desk::new().await;
        let sql = format!(
            "UPDATE journal_entries SET sequence = -sequence WHERE sequence >= {at};
             UPDATE journal_entries SET sequence = -sequence + 1 WHERE sequence < 0;
             INSERT INTO journal_entries SELECT organization, journal, {at}, at, event, hash
                 FROM journal_entries WHERE sequence = {at} + 1;
             UPDATE journal_heads SET sequence = sequence + 1;"
        );
        desk.bend(|connection| connection.execute_batch(&sql).unwrap());
        let found = desk.found(desk.last()).await;
        // The copy itself fits where it stands; the one it was made of does not any more.
        assert!(
            matches!(found, Some(AuditBreak::Chain(Break::Hash { sequence, .. })) if sequence == at + 1),
            "{at}: {found:?}"
        );
    }
}

#[tokio::test]
async fn l3_a_swap_is_found_and_named() {
    for (one, other) in [(1, 2), (20, 50), (62, 63)] {
        let desk = Desk::new().await;
        let sql = format!(
            "UPDATE journal_entries SET sequence = -{other} WHERE sequence = {one};
             UPDATE journal_entries SET sequence = {one} WHERE sequence = {other};
             UPDATE journal_entries SET sequence = {other} WHERE sequence = -{other};"
        );
        desk.bend(|connection| connection.execute_batch(&sql).unwrap());
        let found = desk.found(desk.last()).await;
        assert!(
            matches!(found, Some(AuditBreak::Chain(Break::Hash { sequence, .. })) if sequence == one),
            "{one}: {found:?}"
        );
    }
}

#[tokio::test]
async fn l3_a_tail_cut_off_is_found() {
    for keep in [0_u64, 1, 45, 59] {
        let desk = Desk::new().await;
        let cut = |connection: &mut Connection| {
            rebuild(connection, |entries| {
                entries.truncate(usize::try_from(keep).unwrap());
            });
        };
        desk.bend(cut);
        // The recorded heads tell, and the host's own even when those are gone.
        let next = keep / 10 * 10 + 10;
        let told = |signed| Some(AuditBreak::Cut { end: keep, signed });
        assert_eq!(desk.found(&[]).await, told(next));
        assert_eq!(desk.found(desk.last()).await, told(60));
        desk.bend(|connection| {
            run(
                connection,
                "DELETE FROM records WHERE collection = 'audit_heads'",
            );
        });
        assert_eq!(desk.found(desk.last()).await, told(60));
        assert_eq!(
            desk.found(&[]).await,
            None,
            "only a head kept elsewhere tells"
        );
    }
}

#[tokio::test]
async fn l3_entries_without_a_recorded_end_are_found() {
    let desk = Desk::new().await;
    desk.bend(|connection| {
        run(connection, "UPDATE journal_heads SET sequence = 61");
    });
    let found = desk.found(desk.last()).await;
    assert!(
        matches!(found, Some(AuditBreak::Chain(Break::Head { .. }))),
        "{found:?}"
    );
}

#[tokio::test]
async fn l3_a_journal_built_anew_is_found_between_two_heads() {
    let desk = Desk::new().await;
    desk.bend(|connection| rebuild(connection, |entries| edited(entries, 33)));
    let rewritten = |after, upto| Some(AuditBreak::Rewritten { after, upto });
    assert_eq!(desk.found(desk.last()).await, rewritten(30, 40));
    assert_eq!(desk.found(&[]).await, rewritten(30, 40));
    let report = {
        let (store, _database) = desk.open().await;
        check(&store, &[]).await.to_string()
    };
    assert!(report.contains("of the entries 31 to 40"), "{report}");
    // Without the recorded heads, what the host kept narrows it down.
    desk.bend(|connection| {
        let sql = "DELETE FROM records WHERE collection = 'audit_heads'";
        run(connection, sql);
    });
    assert_eq!(desk.found(&desk.heads).await, rewritten(30, 40));
    assert_eq!(desk.found(desk.last()).await, rewritten(0, 60));
}

#[tokio::test]
async fn l3_a_rebuilt_journal_with_rebuilt_heads_is_found_by_the_copy_of_the_host() {
    let desk = Desk::new().await;
    desk.bend(|connection| rebuild(connection, |entries| edited(entries, 33)));
    forge_heads(&desk).await;
    // The forger has no key, so the recorded head betrays itself.
    assert_eq!(desk.found(&[]).await, Some(AuditBreak::Forged { size: 63 }));
    // And even if it did not, the copy that the host kept does.
    let (store, _database) = desk.open().await;
    let options = VerifyOptions::default().with_recorded(false);
    let report = verify(&store, &journal(), &*world::signer(), desk.last(), &options)
        .await
        .unwrap();
    assert_eq!(
        report.broken,
        Some(AuditBreak::Rewritten { after: 0, upto: 60 })
    );
}

#[tokio::test]
async fn l3_a_forger_with_the_key_is_found_by_the_copy_of_the_host() {
    let desk = Desk::new().await;
    desk.bend(|connection| {
        rebuild(connection, |entries| edited(entries, 33));
        run(
            connection,
            "DELETE FROM records WHERE collection = 'audit_heads'",
        );
    });
    let (store, database) = desk.open().await;
    let copies = Arc::new(Copies::default());
    auditor(&store, &copies, 10).seal_now().await.unwrap();
    database.close().await;
    assert_eq!(desk.found(&[]).await, None, "nothing here can tell");
    // Two genuine heads of one size that differ: there are two journals.
    assert_eq!(
        desk.found(desk.last()).await,
        Some(AuditBreak::Fork { size: 60 })
    );
}

#[tokio::test]
async fn l3_a_fork_is_found() {
    let desk = Desk::new().await;
    // One journal goes on here, another there, both from entry 30 and both with the key.
    let other = Desk::new().await;
    other.bend(|connection| {
        rebuild(connection, |entries| {
            entries.truncate(30);
            let more = entries.clone();
            entries.extend(more);
        });
        run(
            connection,
            "DELETE FROM records WHERE collection = 'audit_heads' AND id > 'main/00000000000000000030'",
        );
    });
    let (store, database) = other.open().await;
    let copies = Arc::new(Copies::default());
    let forked = auditor(&store, &copies, 10).seal_now().await.unwrap();
    database.close().await;
    let forked = forked.unwrap();
    assert_eq!((forked.size(), copies.sizes()), (60, vec![40, 50, 60]));
    // Each is fine by itself.
    assert_eq!(desk.found(desk.last()).await, None);
    assert_eq!(other.found(&copies.all()).await, None);
    // Together they are not, from whichever side one looks.
    let both = [desk.heads[5].clone(), forked.clone()];
    assert_eq!(desk.found(&both).await, Some(AuditBreak::Fork { size: 60 }));
    assert_eq!(
        other.found(&both).await,
        Some(AuditBreak::Fork { size: 60 })
    );
    assert_eq!(
        other.found(&desk.heads[3..4]).await,
        Some(AuditBreak::Fork { size: 40 }),
        "the recorded head of the other journal is genuine too"
    );
}

#[tokio::test]
async fn l3_a_bent_record_of_a_head_is_found() {
    for (what, with) in [
        ("garland/studio-7", "garland/studio-8"),
        ("time ", "time 1"),
        ("\"peaks\":[\"", "\"peaks\":[\"00"),
        ("\"size\":40", "\"size\":41"),
    ] {
        let desk = Desk::new().await;
        let mut bent = 0;
        desk.bend(|connection| {
            bent = connection
                .execute(
                    "UPDATE records SET value = replace(value, ?1, ?2)
                     WHERE collection = ?3 AND id = 'main/00000000000000000040'",
                    params![what, with, AUDIT_HEADS.name().as_str()],
                )
                .unwrap();
        });
        assert_eq!(bent, 1);
        let (store, _database) = desk.open().await;
        let options = VerifyOptions::default();
        let found = verify(&store, &journal(), &*world::signer(), &[], &options).await;
        let caught = match &found {
            Ok(report) => matches!(report.broken, Some(AuditBreak::Forged { size: 40 | 41 })),
            Err(error) => error.kind() == garland::ErrorKind::Corrupt,
        };
        assert!(caught, "{what}: {found:?}");
    }
}

#[tokio::test]
async fn l3_nothing_bent_is_ever_signed() {
    let bends: [(&str, &str); 5] = [
        (
            "edit",
            "UPDATE journal_entries SET event = '{}' WHERE sequence = 62",
        ),
        ("delete", "DELETE FROM journal_entries WHERE sequence = 61"),
        (
            "cut",
            "DELETE FROM journal_entries WHERE sequence > 50;
             UPDATE journal_heads SET sequence = 50,
                 hash = (SELECT hash FROM journal_entries WHERE sequence = 50);",
        ),
        (
            "head",
            "UPDATE records SET value = replace(value, 'time 1', 'time 2')
             WHERE collection = 'audit_heads' AND id = 'main/00000000000000000060'",
        ),
        ("end", "UPDATE journal_heads SET hash = zeroblob(32)"),
    ];
    for (name, sql) in bends {
        let desk = Desk::new().await;
        desk.bend(|connection| connection.execute_batch(sql).unwrap());
        let (store, _database) = desk.open().await;
        let copies = Arc::new(Copies::default());
        let sealed = auditor(&store, &copies, 1_000).seal_now().await;
        let kind = sealed.as_ref().map_err(Error::kind);
        assert_eq!(kind, Err(garland::ErrorKind::Corrupt), "{name}: {sealed:?}");
        assert!(copies.all().is_empty(), "{name}");
    }
}

#[tokio::test]
async fn l3_heads_on_the_way_to_a_break_cover_nothing_of_it() {
    let desk = Desk::new().await;
    let (store, database) = desk.open().await;
    append(&store, 64..=80).await;
    database.close().await;
    desk.bend(|connection| {
        let sql = "UPDATE journal_entries SET event = '{}' WHERE sequence = 75";
        assert_eq!(run(connection, sql), 1);
    });
    let (store, database) = desk.open().await;
    let copies = Arc::new(Copies::default());
    let sealed = auditor(&store, &copies, 10).seal_now().await;
    world::refused(sealed, garland::ErrorKind::Corrupt);
    // What was whole until then is signed and recorded, and true.
    assert_eq!(copies.sizes(), [70]);
    database.close().await;
    let found = desk.found(&copies.all()).await;
    assert!(
        matches!(
            found,
            Some(AuditBreak::Chain(Break::Hash { sequence: 75, .. }))
        ),
        "{found:?}"
    );
}

#[tokio::test]
async fn l3_older_entries_bent_before_the_next_head_are_found_afterwards() {
    let desk = Desk::new().await;
    desk.bend(|connection| {
        let sql = "UPDATE journal_entries SET event = '{}' WHERE sequence = 5";
        assert_eq!(run(connection, sql), 1);
    });
    let (store, database) = desk.open().await;
    let copies = Arc::new(Copies::default());
    // The next head continues the last one and vouches for what was true then.
    auditor(&store, &copies, 10).seal_now().await.unwrap();
    database.close().await;
    let found = desk.found(&copies.all()).await;
    assert!(
        matches!(
            found,
            Some(AuditBreak::Chain(Break::Hash { sequence: 5, .. }))
        ),
        "{found:?}"
    );
}

#[tokio::test]
async fn l3_a_head_that_is_not_ours_is_told() {
    let desk = Desk::new().await;
    let text = desk.heads[0].to_string();
    let (store, _database) = desk.open().await;
    // A digit of the size: still a head by its form.
    let bent: SignedHead = text.replace("\n10\n", "\n11\n").parse().unwrap();
    let report = check(&store, std::slice::from_ref(&bent)).await;
    assert_eq!(report.broken, Some(AuditBreak::Forged { size: 11 }));
    // A genuine head of another journal.
    let other = "other".parse().unwrap();
    let options = VerifyOptions::default();
    let report = verify(
        &store,
        &other,
        &*world::signer(),
        &desk.heads[..1],
        &options,
    )
    .await
    .unwrap();
    assert_eq!(
        report.broken,
        Some(AuditBreak::Foreign {
            origin: "garland/studio-7/main".into()
        })
    );
}
