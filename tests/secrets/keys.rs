//! Roots, epochs, keys of files, what they seal, and what is kept about people.

use std::fs;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use garland::OrganizationId;
use garland::audit::{Auditor, HmacHeads, SubjectVault};
use garland::crypto::{
    Kdf, KekId, KeyFile, KeyName, KeyProvider, KeyRing, Pass, Passphrase, PassphraseRecord,
    Purpose, SealKey, SecretBytes, SecretKey, SystemEntropy,
};
use garland::storage::{Batch, JournalName};

use crate::day::Day;

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
    let entropy = Arc::new(SystemEntropy::new());
    let path = day.vault.path().join("root.key");
    let file = KeyFile::create(&path, entropy.clone()).await.unwrap();
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
    let bad = KeyFile::open(day.vault.path().join("bad.key"), entropy.clone()).await;
    day.fails(bad);

    day.planted.plant("passphrase", PASSPHRASE.as_bytes());
    let words = SecretBytes::from(PASSPHRASE);
    let spoken = Passphrase::new(&words, Kdf::default(), entropy.clone())
        .await
        .unwrap();
    day.print(&spoken);
    let record = *spoken.record();

    let root = Overheard {
        root: Arc::new(file),
        keys: Arc::default(),
    };
    let store = day.store("studio");
    let ring = KeyRing::new(
        store.clone(),
        Arc::new(root.clone()),
        day.clock.clone(),
        entropy.clone(),
    );
    let names: Vec<_> = (0..3)
        .map(|n| KeyName::new(format!("file-{n}"), "v1", Purpose::Body))
        .collect();
    for name in &names {
        let mut batch = Batch::new(day.clock.now());
        let key = ring.create(&mut batch, name).await.unwrap();
        day.print(&batch);
        store.commit(batch).await.unwrap();
        day.planted.plant("key of a file", key.expose());
        seal(day, key, name);
    }
    day.print(&ring.rotate().await.unwrap());
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
    let key = SealKey::new(key, context);
    let mut sealed = Vec::new();
    let entropy = SystemEntropy::new();
    let passed = key
        .seal_all(&Pass::new(), &entropy, CONTENT, &mut sealed)
        .unwrap();
    day.print(&passed);
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

async fn wrong_words(day: &mut Day, record: &PassphraseRecord, names: &[KeyName]) {
    let wrong = "four candles and a whale, 1987";
    day.planted.plant("wrong passphrase", wrong.as_bytes());
    let entropy = Arc::new(SystemEntropy::new());
    let root = Passphrase::open(&SecretBytes::from(wrong), *record, entropy.clone())
        .await
        .unwrap();
    let ring = KeyRing::new(
        day.store("studio"),
        Arc::new(root),
        day.clock.clone(),
        entropy,
    );
    let refused = ring.key(&names[1]).await.map(|_| ());
    day.fails(refused);
}

async fn people(day: &mut Day, ring: &KeyRing) {
    day.planted
        .plant("what is recorded about a person", NOTE.as_bytes());
    let (store, entropy) = (day.store("studio"), Arc::new(SystemEntropy::new()));
    let vault = SubjectVault::new(store.clone(), ring.clone(), day.clock.clone(), entropy);
    let subject = "guest-12".parse().unwrap();
    let mut batch = Batch::new(day.clock.now());
    let side = vault.seal(&mut batch, &subject, NOTE).await.unwrap();
    batch.append(JournalName::main(), &side).unwrap();
    store.commit(batch).await.unwrap();
    day.print(&side);
    day.print(&vault);
    let heads = HmacHeads::new(ring.shared("audit-heads").await.unwrap());
    day.planted.plant(
        "key of heads",
        ring.shared("audit-heads").await.unwrap().expose(),
    );
    day.print(&heads);
    let auditor = Auditor::new(
        store,
        JournalName::main(),
        Arc::new(heads),
        day.clock.clone(),
    );
    let head = auditor.seal_now().await.unwrap();
    day.print(&head);
}
