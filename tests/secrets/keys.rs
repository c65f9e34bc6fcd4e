//! Roots, epochs, keys of files, what they seal, and what is kept about people.

use std::fs;
use std::ops::Range;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::stream::BoxStream;
use futures_util::{FutureExt as _, StreamExt as _, TryStreamExt as _};
use garland::OrganizationId;
use garland::audit::{
    self, AUDIT_HEADS, AUDIT_SIDE_RECORDS, AUDIT_SUBJECTS, Auditor, HeadRecord, HmacHeads,
    SubjectVault, VerifyOptions,
};
use garland::crypto::{
    ChunkSize, FILE_KEYS, FileKey, Header, KEY_EPOCHS, Kdf, KekId, KeyFile, KeyName, KeyProvider,
    KeyRing, Pass, Passphrase, PassphraseRecord, Purpose, SealKey, SealedReader, SecretBytes,
    SecretKey, SystemEntropy, WrapRecord,
};
use garland::storage::{Batch, IndexName, JournalName, Precondition, Query, Record, Store};

use crate::day::{Day, entropy};

const PASSPHRASE: &str = "four candles and a veil, 1987";
const CONTENT: &[u8] = b"the bride's address is 12 Larch Lane, and the code of the gate is 4711";
const NOTE: &str = "the groom's mother must not sit beside his father";

/// Overhears the keys of epochs on their way to the root.
#[derive(Clone, Debug)]
struct Overheard {
    root: Arc<dyn KeyProvider>,
    keys: Arc<Mutex<Vec<[u8; 32]>>>,
}

#[async_trait]
impl KeyProvider for Overheard {
    async fn wrap(
        &self,
        organization: &OrganizationId,
        epoch: KekId,
        key: &SecretKey,
    ) -> garland::Result<Vec<u8>> {
        self.keys.lock().unwrap().push(*key.expose());
        self.root.wrap(organization, epoch, key).await
    }

    async fn unwrap(
        &self,
        organization: &OrganizationId,
        epoch: KekId,
        wrapped: &[u8],
    ) -> garland::Result<SecretKey> {
        self.root.unwrap(organization, epoch, wrapped).await
    }
}

pub(crate) async fn live(day: &mut Day) {
    let path = day.vault.path().join("root.key");
    let file = KeyFile::create(&path, entropy()).await.unwrap();
    for line in fs::read_to_string(&path).unwrap().lines().skip(1) {
        let word = line.rsplit(' ').next().unwrap();
        if word.len() >= 40 {
            day.planted.plant("key file", word.as_bytes());
        }
    }
    day.print(&file);
    fs::write(
        day.vault.path().join("bad.key"),
        fs::read_to_string(&path).unwrap().replace('a', "b"),
    )
    .unwrap();
    let bad = KeyFile::open(day.vault.path().join("bad.key"), entropy()).await;
    day.fails(bad);

    day.planted.plant("passphrase", PASSPHRASE.as_bytes());
    let words = SecretBytes::from(PASSPHRASE);
    let spoken = Passphrase::new(&words, Kdf::default(), entropy())
        .await
        .unwrap();
    day.print(&spoken);
    day.print(spoken.record());
    let record = *spoken.record();

    let root = Overheard {
        root: Arc::new(file),
        keys: Arc::default(),
    };
    let store = day.store("studio");
    let ring = KeyRing::new(
        store.clone(),
        Arc::new(root.clone()),
        day.clock(),
        entropy(),
    );
    let names: Vec<_> = (0..3)
        .map(|n| KeyName::new(format!("file-{n}"), "v1", Purpose::Body))
        .collect();
    for name in &names {
        let mut batch = Batch::new(day.clock.now());
        let key = ring.create(&mut batch, name).await.unwrap();
        day.print(&batch);
        day.print(name);
        store.commit(batch).await.unwrap();
        day.planted.plant("key of a file", key.expose());
        seal(day, key, name);
    }
    let mut rotation = ring.start_rotation();
    day.print(&rotation);
    while let Some(event) = rotation.next_event().await {
        day.print(&event);
    }
    day.print(&rotation.report().await.unwrap());
    day.print_all(&store, &FILE_KEYS).await;
    day.print_all(&store, &KEY_EPOCHS).await;
    bundles(day, &ring, &store).await;
    let spoken = Overheard {
        root: Arc::new(spoken),
        ..root.clone()
    };
    ring.change_root(Arc::new(spoken)).await.unwrap();
    day.print(&ring.epochs().await.unwrap());
    day.print(&ring);
    wrong_words(day, &record, &names).await;
    people(day, &ring).await;
    ring.erase("file-0").await.unwrap();
    let gone = ring.key(&names[0]).await.map(|_| ());
    day.fails(gone);
    let epochs = root.keys.lock().unwrap().clone();
    assert!(epochs.len() >= 2, "the keys of epochs were not overheard");
    for key in epochs {
        day.planted.plant("key of an epoch", &key);
    }
}

/// Seals with a key, and opens what was bent.
fn seal(day: &mut Day, key: SecretKey, name: &KeyName) {
    day.planted.plant("content", CONTENT);
    let context = name.context(&day.organization("studio")).unwrap();
    day.print(&context);
    let key = SealKey::new(key, context);
    day.print(&key);
    let mut sealed = Vec::new();
    let entropy = SystemEntropy::new();
    let passed = key
        .seal_all(&Pass::new(), &entropy, CONTENT, &mut sealed)
        .unwrap();
    day.print(&Pass::new());
    day.print(&passed);
    partly(day, &key, &sealed);
    let (mut out, mut halves) = (Vec::new(), (Vec::new(), Vec::new()));
    let mut sealer = key.seal(ChunkSize::default(), &entropy).unwrap();
    sealer.update(CONTENT, &mut out).unwrap();
    day.print(&sealer);
    let mut opener = key.open();
    let (first, second) = sealed.split_at(sealed.len() / 2);
    opener.update(first, &mut halves.0).unwrap();
    day.print(&opener);
    opener.update(second, &mut halves.1).unwrap();
    day.print(&opener);
    day.print(&Header::parse(sealed.first_chunk().unwrap()).unwrap());
    assert!(
        day.planted.found_in(&sealed).is_empty(),
        "the object shows what it seals"
    );
    let last = sealed.len() - 1;
    sealed[last] ^= 1;
    let mut out = Vec::new();
    let opened = key.open_all(&Pass::new(), sealed.as_slice(), &mut out);
    day.fails(opened);
    assert_eq!(out, b"", "what was not checked must not leave");
}

/// Reads a part of what is sealed, from the middle.
fn partly(day: &mut Day, key: &SealKey, sealed: &[u8]) {
    let (object, length) = (Bytes::copy_from_slice(sealed), sealed.len() as u64);
    let source = move |range: Range<u64>| -> BoxStream<'static, garland::Result<Bytes>> {
        let at = |place: u64| usize::try_from(place).unwrap();
        let piece = object.slice(at(range.start)..at(range.end));
        futures_util::stream::iter([Ok(piece)]).boxed()
    };
    let reader = SealedReader::open(source, length, key);
    let reader = reader.now_or_never().unwrap().unwrap();
    day.print(&reader);
    let part = reader.read(4..20).try_collect::<Vec<_>>();
    assert_eq!(
        part.now_or_never().unwrap().unwrap().concat(),
        CONTENT[4..20]
    );
}

/// Keys on their way elsewhere, and lines of a bundle that nobody can use.
async fn bundles(day: &mut Day, ring: &KeyRing, store: &Store) {
    let bundle: Vec<Bytes> = ring.export().try_collect().await.unwrap();
    let bundle = String::from_utf8(bundle.concat()).unwrap();
    // A bundle lies beside the objects, for anybody to see.
    day.hear(&bundle);
    let bent = bundle.replace("474c4e4b", "474c4e4c");
    assert_ne!(bent, bundle);
    let report = ring
        .import(futures_util::stream::iter([Ok(Bytes::from(bent))]))
        .await
        .unwrap();
    assert!(report.refused > 0);
    day.print(&report.refusals[0]);
    day.print(&report);
    let record = store
        .query(&Query::all(FILE_KEYS.name().clone()))
        .await
        .unwrap()
        .records
        .remove(0);
    let value: serde_json::Value = record.value.read().unwrap();
    let wrap = value["wrap"].as_str().unwrap();
    let bytes: Vec<u8> = (0..wrap.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&wrap[at..at + 2], 16).unwrap())
        .collect();
    let wrap = WrapRecord::parse(&bytes).unwrap();
    day.print(&wrap);
    let wrong = SecretKey::generate(&SystemEntropy::new()).unwrap();
    let context = KeyName::new("file-1", "v1", Purpose::Body)
        .context(store.organization())
        .unwrap();
    day.fails(wrap.unwrap(&wrong, &context).map(drop));

    // One that a rotation cannot read.
    let Record {
        id, value: good, ..
    } = record;
    let mut bent: FileKey = good.read().unwrap();
    bent.wrap.replace_range(100..104, "0000");
    let kek = bent.wrap[16..48].to_owned();
    for value in [bent, good.read().unwrap()] {
        let mut batch = Batch::new(day.clock.now());
        let epoch = vec![(IndexName::new("epoch"), kek.parse().unwrap())];
        let any = Precondition::Any;
        batch
            .put_with(&FILE_KEYS, id.clone(), &value, any, epoch)
            .unwrap();
        store.commit(batch).await.unwrap();
        let report = ring.rotate().await.unwrap();
        for failed in &report.failures {
            day.print(failed);
        }
        day.print(&report);
    }
}

async fn wrong_words(day: &mut Day, record: &PassphraseRecord, names: &[KeyName]) {
    let wrong = "four candles and a whale, 1987";
    day.planted.plant("wrong passphrase", wrong.as_bytes());
    let root = Passphrase::open(&SecretBytes::from(wrong), *record, entropy())
        .await
        .unwrap();
    let ring = KeyRing::new(day.store("studio"), Arc::new(root), day.clock(), entropy());
    let refused = ring.key(&names[1]).await.map(|_| ());
    day.fails(refused);
}

async fn people(day: &mut Day, ring: &KeyRing) {
    day.planted
        .plant("what is recorded about a person", NOTE.as_bytes());
    let store = day.store("studio");
    let vault = SubjectVault::new(store.clone(), ring.clone(), day.clock(), entropy());
    let subject = "guest-12".parse().unwrap();
    let mut batch = Batch::new(day.clock.now());
    let side = vault.seal(&mut batch, &subject, NOTE).await.unwrap();
    batch.append(JournalName::main(), &side).unwrap();
    store.commit(batch).await.unwrap();
    day.print(&side);
    day.print(&vault);
    day.print(&subject);
    day.print_all(&store, &AUDIT_SUBJECTS).await;
    day.print_all(&store, &AUDIT_SIDE_RECORDS).await;
    // Only whoever may see it opens it, and even then it is not printed.
    day.print(&vault.open(&side).await.unwrap().unwrap());
    let mut bent = side.to_string();
    bent.replace_range(5..9, "0000");
    if let Ok(bent) = bent.parse() {
        assert!(vault.open(&bent).await.unwrap().is_none());
    }
    let heads = HmacHeads::new(ring.shared("audit-heads").await.unwrap());
    day.planted.plant(
        "key of heads",
        ring.shared("audit-heads").await.unwrap().expose(),
    );
    day.print(&heads);
    let main = JournalName::main();
    let auditor = Auditor::new(
        store.clone(),
        main.clone(),
        Arc::new(heads.clone()),
        day.clock(),
    );
    day.print(&auditor);
    day.print(auditor.origin());
    day.print(&vault.holder(&subject).await.unwrap());
    let head = auditor.seal_now().await.unwrap();
    day.print(&head);
    day.print_all(&store, &AUDIT_HEADS).await;
    let head = head.unwrap();
    for record in store
        .query(&Query::all(AUDIT_HEADS.name().clone()))
        .await
        .unwrap()
        .records
    {
        let record: HeadRecord = record.value.read().unwrap();
        day.print(&record.frontier);
    }
    day.print(head.checkpoint());
    day.print(&head.signatures()[0]);
    let proof = audit::prove(&store, &main, 2, &head).await.unwrap();
    day.print(&proof.path);
    day.print(&proof);
    let growth = audit::prove_growth(&store, &main, &head, &head)
        .await
        .unwrap();
    day.print(&growth.path);
    day.print(&growth);
    let options = VerifyOptions::default().with_since(head.clone());
    let report = audit::verify(&store, &main, &heads, std::slice::from_ref(&head), &options);
    day.print(&report.await.unwrap());
    day.print(&options);
    // Heads of somebody else's key: what is said of them.
    let other = HmacHeads::new(SecretKey::generate(&SystemEntropy::new()).unwrap());
    let broken = audit::verify(&store, &main, &other, &[head], &VerifyOptions::default()).await;
    day.print(&broken.unwrap().broken.unwrap());
    let lines: Vec<_> = audit::export(&store, &main, None).collect().await;
    let report = audit::verify_export(futures_util::stream::iter(lines), &heads, &[]).await;
    day.print(&report.unwrap());
}
