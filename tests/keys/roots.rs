//! Roots: in a file, in a head, and one after the other.

use std::path::Path;
use std::sync::Arc;

use garland::crypto::{
    Kdf, KekId, KeyFile, KeyProvider, KeyRing, Passphrase, PassphraseRecord, SecretBytes, SecretKey,
};
use garland::testing::{FaultKind, FaultRule, Faults, FaultyStorage, Moment, Operation};
use garland::{Error, ErrorKind};

use crate::world::{
    Backend, TestRoot, body, clock, entropy, events, make, make_many, memory, organization,
    ring_on, ring_with, store,
};

async fn key_file(path: &Path) -> Result<KeyFile, Error> {
    KeyFile::open(path, entropy()).await
}

#[tokio::test]
async fn a_key_file_opens_what_it_has_wrapped_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let (one, two) = (folder.path().join("one"), folder.path().join("two"));
    let made = KeyFile::create(&one, entropy()).await.unwrap();
    let other = KeyFile::create(&two, entropy()).await.unwrap();
    let again = key_file(&one).await.unwrap();
    let key = SecretKey::from_bytes(&[7; 32]).unwrap();
    let (ours, epoch) = (organization("a"), KekId::new([1; 16]));
    let wrapped = made.wrap(&ours, epoch, &key).await.unwrap();
    assert!(again.unwrap(&ours, epoch, &wrapped).await.unwrap().is(&key));
    let kind = |result: garland::Result<SecretKey>| result.err().map(|error| error.kind());
    assert_eq!(
        kind(other.unwrap(&ours, epoch, &wrapped).await),
        Some(ErrorKind::NotFound)
    );
    let foreign = again.unwrap(&organization("b"), epoch, &wrapped).await;
    assert_eq!(kind(foreign), Some(ErrorKind::Corrupt));
    let late = again.unwrap(&ours, KekId::new([2; 16]), &wrapped).await;
    assert_eq!(kind(late), Some(ErrorKind::Corrupt));
    for at in 0..wrapped.len() {
        let mut changed = wrapped.clone();
        changed[at] ^= 1;
        let opened = again.unwrap(&ours, epoch, &changed).await;
        assert!(opened.is_err(), "byte {at}");
    }
    let text = std::fs::read_to_string(&one).unwrap();
    let secret = text.lines().nth(1).unwrap();
    for shown in [format!("{made:?}"), format!("{again:?}")] {
        assert!(!shown.contains(secret) && !shown.contains(&secret[..8]));
    }
}

#[tokio::test]
async fn a_key_file_is_never_replaced_and_leaves_nothing_else_behind() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("studio.key");
    KeyFile::create(&path, entropy()).await.unwrap();
    let before = std::fs::read(&path).unwrap();
    let refused = KeyFile::create(&path, entropy()).await.err().unwrap();
    assert_eq!(refused.kind(), ErrorKind::AlreadyExists);
    assert_eq!(std::fs::read(&path).unwrap(), before);
    let names: Vec<_> = std::fs::read_dir(folder.path()).unwrap().collect();
    assert_eq!(names.len(), 1, "{names:?}");
    let lost = folder.path().join("missing").join("studio.key");
    let missing = KeyFile::create(&lost, entropy()).await.err().unwrap();
    assert_eq!(missing.kind(), ErrorKind::NotFound);
    let missing = key_file(&lost).await.err().unwrap();
    assert_eq!(missing.kind(), ErrorKind::NotFound);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_that_create_one_key_file_one_does() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("studio.key");
    let mut running = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let path = path.clone();
        running.spawn(async move { KeyFile::create(&path, entropy()).await.is_ok() });
    }
    let made = running.join_all().await;
    assert_eq!(made.iter().filter(|made| **made).count(), 1);
    key_file(&path).await.unwrap();
}

#[cfg(unix)]
#[tokio::test]
async fn a_key_file_that_others_can_read_is_refused() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("studio.key");
    KeyFile::create(&path, entropy()).await.unwrap();
    let mode = |mode| {
        let permissions = std::fs::Permissions::from_mode(mode);
        std::fs::set_permissions(&path, permissions).unwrap();
    };
    let made = std::fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(made & 0o7777, 0o600);
    for shared in [0o640, 0o604, 0o620, 0o602, 0o610, 0o644, 0o666] {
        mode(shared);
        let refused = key_file(&path).await.err().unwrap();
        assert_eq!(refused.kind(), ErrorKind::Denied, "{shared:o}");
        assert!(refused.to_string().contains("chmod 600"), "{refused}");
    }
    mode(0o400);
    key_file(&path).await.unwrap();
}

#[tokio::test]
async fn a_wrong_file_is_told_from_a_damaged_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("studio.key");
    KeyFile::create(&path, entropy()).await.unwrap();
    let good = std::fs::read_to_string(&path).unwrap();
    let secret = good.lines().nth(1).unwrap().to_owned();
    let flipped = if secret.starts_with('0') { "1" } else { "0" };
    let damaged = good.replacen(&secret[..1], flipped, 1);
    let cases = [
        ("a photo\n".to_owned(), ErrorKind::Corrupt, "not a key file"),
        (String::new(), ErrorKind::Corrupt, "not a key file"),
        ("x".repeat(5_000), ErrorKind::Corrupt, "not a key file"),
        (
            good.replace("version 1", "version 2"),
            ErrorKind::Unsupported,
            "version",
        ),
        (
            format!("{}\n", good.lines().next().unwrap()),
            ErrorKind::Corrupt,
            "cut off",
        ),
        (
            good.replace(&secret, &damaged_line(&secret, flipped)),
            ErrorKind::Corrupt,
            "checksum",
        ),
        (
            good.replace(&secret, &secret[..62]),
            ErrorKind::Corrupt,
            "checksum",
        ),
        (format!("{good}{good}"), ErrorKind::Corrupt, "checksum"),
    ];
    drop(damaged);
    for (text, kind, says) in cases {
        std::fs::write(&path, &text).unwrap();
        let refused = key_file(&path).await.err().unwrap();
        assert_eq!(refused.kind(), kind, "{refused}");
        assert!(refused.to_string().contains(says), "{refused}");
        assert!(!format!("{refused:?}").contains(&secret[..16]), "{refused}");
    }
    // What an editor on another system does to it is no harm.
    std::fs::write(&path, good.replace('\n', "\r\n")).unwrap();
    key_file(&path).await.unwrap();
    std::fs::write(&path, good.trim_end()).unwrap();
    key_file(&path).await.unwrap();
}

fn damaged_line(secret: &str, first: &str) -> String {
    format!("{first}{}", &secret[1..])
}

/// Cheap for a test (its crate is optimized), and as strong as new secrets must be.
fn cheap() -> Kdf {
    Kdf::default()
}

async fn unlock(backend: &Backend, passphrase: &str, kdf: Kdf) -> garland::Result<KeyRing> {
    let passphrase = SecretBytes::from(passphrase);
    KeyRing::unlock(store(backend, "a"), &passphrase, kdf, clock(), entropy()).await
}

async fn record(backend: &Backend) -> PassphraseRecord {
    let epochs = ring_on(backend, "a", 0).epochs().await.unwrap();
    let wrapped = base64(&epochs.last().unwrap().wrapped);
    PassphraseRecord::read(&wrapped).unwrap()
}

fn base64(text: &str) -> Vec<u8> {
    const DIGITS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut bits = Vec::new();
    for digit in text.bytes().filter(|byte| *byte != b'=') {
        let value = DIGITS.iter().position(|known| *known == digit).unwrap();
        bits.extend((0..6).rev().map(|bit| value >> bit & 1));
    }
    let byte = |bits: &[usize]| bits.iter().fold(0, |sum, bit| sum * 2 + *bit);
    let bytes = bits.chunks_exact(8).map(byte);
    bytes.map(|byte| u8::try_from(byte).unwrap()).collect()
}

#[tokio::test]
async fn a_passphrase_opens_after_a_restart_and_a_wrong_one_does_not() {
    let pbkdf2 = Kdf::Pbkdf2HmacSha256 {
        iterations: 600_000,
    };
    for kdf in [cheap(), pbkdf2] {
        let backend = memory();
        let ring = unlock(&backend, "blaue Stunde", kdf).await.unwrap();
        let key = make(&ring, &store(&backend, "a"), &body("x")).await;
        let again = unlock(&backend, "blaue Stunde", kdf).await.unwrap();
        assert!(again.key(&body("x")).await.unwrap().is(&key));
        let wrong = unlock(&backend, "blaue stunde", kdf).await.err().unwrap();
        assert_eq!(wrong.kind(), ErrorKind::Unauthenticated);
        assert!(!format!("{wrong:?}").contains("stunde"));
        assert_eq!(record(&backend).await.kdf, kdf);
        let changes = events(&store(&backend, "a")).await;
        assert!(!changes.contains(&"keys.root_changed".to_owned()));
    }
}

#[tokio::test]
async fn c4_new_secrets_with_weak_or_absurd_parameters_are_refused() {
    for (iterations, kind) in [
        (1, ErrorKind::Refused),
        (599_999, ErrorKind::Refused),
        (10_000_001, ErrorKind::LimitExceeded),
    ] {
        let kdf = Kdf::Pbkdf2HmacSha256 { iterations };
        let backend = memory();
        let refused = unlock(&backend, "blaue Stunde", kdf).await.err().unwrap();
        assert_eq!(refused.kind(), kind, "{iterations}");
        let passphrase = SecretBytes::from("blaue Stunde");
        let refused = Passphrase::new(&passphrase, kdf, entropy()).await;
        assert_eq!(refused.err().unwrap().kind(), kind, "{iterations}");
    }
    let empty = unlock(&memory(), "", cheap()).await.err().unwrap();
    assert_eq!(empty.kind(), ErrorKind::InvalidInput);
}

/// Puts an organization under a passphrase as an older program would have.
async fn under_an_old_record(backend: &Backend, kdf: Kdf) -> SecretKey {
    let mut old = record_of(kdf);
    old.salt = [3; 32];
    let root = Passphrase::open(&SecretBytes::from("blaue Stunde"), old, entropy())
        .await
        .unwrap();
    let ring = ring_with(backend, "a", Arc::new(root));
    make(&ring, &store(backend, "a"), &body("x")).await
}

/// A record can only be read, so it is written by hand.
fn record_of(kdf: Kdf) -> PassphraseRecord {
    let (function, numbers) = match kdf {
        Kdf::Pbkdf2HmacSha256 { iterations } => (2, [iterations, 0, 0]),
        Kdf::Argon2id {
            memory,
            passes,
            lanes,
        } => (1, [memory, passes, lanes]),
        other => panic!("unknown: {other}"),
    };
    let mut bytes = b"GLNP\x01".to_vec();
    bytes.extend([function, 0, 0]);
    bytes.extend(numbers.into_iter().flat_map(u32::to_be_bytes));
    bytes.extend([3; 32]);
    PassphraseRecord::read(&bytes).unwrap()
}

#[tokio::test]
async fn c4_an_old_record_is_upgraded_at_the_next_unlock() {
    let backend = memory();
    let weak = Kdf::Pbkdf2HmacSha256 { iterations: 1_000 };
    let key = under_an_old_record(&backend, weak).await;
    assert_eq!(record(&backend).await.kdf, weak);
    let wrong = unlock(&backend, "wrong", cheap()).await.err().unwrap();
    assert_eq!(wrong.kind(), ErrorKind::Unauthenticated);
    assert_eq!(
        record(&backend).await.kdf,
        weak,
        "a wrong one changes nothing"
    );

    let ring = unlock(&backend, "blaue Stunde", cheap()).await.unwrap();
    assert!(ring.key(&body("x")).await.unwrap().is(&key));
    let upgraded = record(&backend).await;
    assert_eq!(upgraded.kdf, cheap());
    assert_ne!(upgraded.salt, [3; 32]);
    let again = unlock(&backend, "blaue Stunde", cheap()).await.unwrap();
    assert!(again.key(&body("x")).await.unwrap().is(&key));
    assert_eq!(record(&backend).await, upgraded, "once is enough");
    let told = events(&store(&backend, "a")).await;
    let changes = told.iter().filter(|kind| *kind == "keys.root_changed");
    assert_eq!(changes.count(), 1);
}

#[tokio::test]
async fn c4_an_absurd_record_is_refused_before_any_work() {
    for kdf in [
        Kdf::Pbkdf2HmacSha256 {
            iterations: u32::MAX,
        },
        Kdf::Argon2id {
            memory: u32::MAX,
            passes: 2,
            lanes: 1,
        },
        Kdf::Argon2id {
            memory: 19 << 10,
            passes: u32::MAX,
            lanes: 1,
        },
    ] {
        let passphrase = SecretBytes::from("blaue Stunde");
        let refused = Passphrase::open(&passphrase, record_of(kdf), entropy()).await;
        assert_eq!(refused.err().unwrap().kind(), ErrorKind::LimitExceeded);
    }
}

#[tokio::test]
async fn a_change_to_a_passphrase_that_broke_off_is_gone_on_with() {
    let backend = memory();
    let (ring, kept) = (ring_on(&backend, "a", 1), store(&backend, "a"));
    // Two batches of epochs, and a crash between them.
    let mut keys = Vec::new();
    for file in 0..60 {
        ring.begin_epoch().await.unwrap();
        keys.push(make(&ring, &kept, &body(file)).await);
    }
    let root = Passphrase::new(&SecretBytes::from("blaue Stunde"), cheap(), entropy()).await;
    let faults = Faults::none().with_rule(
        FaultRule::new(Operation::Commit, FaultKind::Error(ErrorKind::Unavailable)).nth(2),
    );
    let faulty: Backend = Arc::new(FaultyStorage::new(Arc::clone(&backend), faults));
    let changing = ring_on(&faulty, "a", 1);
    let broken = changing.change_root(Arc::new(root.unwrap())).await;
    assert_eq!(broken.unwrap_err().kind(), ErrorKind::Unavailable);

    let unlocked = unlock(&backend, "blaue Stunde", cheap()).await.unwrap();
    assert!(unlocked.key(&body(59)).await.unwrap().is(&keys[59]));
    assert!(
        unlocked.key(&body(0)).await.is_err(),
        "under the former root"
    );
    let both = unlocked.with_former_root(Arc::new(TestRoot(1)));
    for (file, key) in keys.iter().enumerate() {
        assert!(both.key(&body(file)).await.unwrap().is(key));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn several_may_unlock_at_once_for_the_first_time_and_to_upgrade() {
    let backend = memory();
    for kdf in [
        cheap(),
        Kdf::Argon2id {
            memory: 20 << 10,
            passes: 2,
            lanes: 1,
        },
    ] {
        let mut running = tokio::task::JoinSet::new();
        for _ in 0..3 {
            let backend = Arc::clone(&backend);
            running.spawn(async move { unlock(&backend, "blaue Stunde", kdf).await.unwrap() });
        }
        let rings = running.join_all().await;
        assert_eq!(rings.len(), 3);
        assert_eq!(record(&backend).await.kdf, kdf);
        let ring = unlock(&backend, "blaue Stunde", kdf).await.unwrap();
        ring.shared("names").await.unwrap();
    }
}

#[tokio::test]
async fn a_passphrase_for_keys_under_another_kind_of_root_says_so() {
    let backend = memory();
    let ring = ring_on(&backend, "a", 1);
    ring.begin_epoch().await.unwrap();
    let refused = unlock(&backend, "blaue Stunde", cheap()).await;
    assert_eq!(refused.err().unwrap().kind(), ErrorKind::NotFound);
}

#[tokio::test]
async fn the_root_is_changed_without_touching_keys() {
    let backend = memory();
    let (ring, kept) = (ring_on(&backend, "a", 1), store(&backend, "a"));
    let keys = make_many(&ring, &kept, 5).await;
    ring.begin_epoch().await.unwrap();
    make(&ring, &kept, &body("new")).await;
    let before = crate::world::wraps(&kept).await;
    let sibling = ring.clone();
    assert_eq!(ring.change_root(Arc::new(TestRoot(2))).await.unwrap(), 2);
    assert_eq!(ring.change_root(Arc::new(TestRoot(2))).await.unwrap(), 0);
    assert_eq!(crate::world::wraps(&kept).await, before);
    for ring in [&ring, &sibling, &ring_on(&backend, "a", 2)] {
        for (file, key) in keys.iter().enumerate() {
            assert!(ring.key(&body(file)).await.unwrap().is(key));
        }
    }
    sibling.begin_epoch().await.unwrap();
    let outdated = ring_on(&backend, "a", 1);
    let refused = outdated.key(&body(0)).await.err().unwrap();
    assert_eq!(refused.kind(), ErrorKind::NotFound, "{refused}");
    let refused = outdated.begin_epoch().await.err().unwrap();
    assert_eq!(refused.kind(), ErrorKind::NotFound, "nothing under it");
    let told = events(&kept).await;
    assert_eq!(
        told.iter()
            .filter(|kind| *kind == "keys.root_changed")
            .count(),
        1
    );
}

#[tokio::test]
async fn both_roots_are_read_while_one_takes_over_from_the_other() {
    // Sixty epochs are two batches, so that a crash can fall between them.
    const EPOCHS: u64 = 60;
    let mut between = 0;
    for step in 1..=20 {
        for moment in [Moment::Before, Moment::After] {
            let backend = memory();
            let (ring, kept) = (ring_on(&backend, "a", 1), store(&backend, "a"));
            let mut keys = Vec::new();
            for file in 0..EPOCHS {
                ring.begin_epoch().await.unwrap();
                keys.push(make(&ring, &kept, &body(file)).await);
            }
            let faults = Faults::crash_at(step, moment);
            let faulty: Backend = Arc::new(FaultyStorage::new(Arc::clone(&backend), faults));
            let changing = ring_on(&faulty, "a", 1);
            let outcome = changing.change_root(Arc::new(TestRoot(2))).await;
            let new = ring_on(&backend, "a", 2);
            between += usize::from(
                outcome.is_err()
                    && new.key(&body(EPOCHS - 1)).await.is_ok()
                    && new.key(&body(0)).await.is_err(),
            );
            let both = ring_on(&backend, "a", 2).with_former_root(Arc::new(TestRoot(1)));
            for (file, key) in keys.iter().enumerate().step_by(7) {
                assert!(both.key(&body(file)).await.unwrap().is(key));
            }
            // It goes on, from either side.
            let again = ring_on(&backend, "a", 1);
            again.change_root(Arc::new(TestRoot(2))).await.unwrap();
            for (file, key) in keys.iter().enumerate() {
                assert!(new.key(&body(file)).await.unwrap().is(key));
            }
        }
    }
    println!("{between} crashes between the batches");
    assert!(between >= 2);
}

#[tokio::test]
async fn a_root_that_does_not_give_back_what_it_took_is_not_believed() {
    #[derive(Debug)]
    struct Forgetful;
    #[async_trait::async_trait]
    impl KeyProvider for Forgetful {
        async fn wrap(
            &self,
            _: &garland::OrganizationId,
            _: KekId,
            _: &SecretKey,
        ) -> garland::Result<Vec<u8>> {
            Ok(vec![9])
        }
        async fn unwrap(
            &self,
            _: &garland::OrganizationId,
            _: KekId,
            wrapped: &[u8],
        ) -> garland::Result<SecretKey> {
            match wrapped {
                [9] => SecretKey::from_bytes(&[0; 32]),
                _ => Err(Error::new(ErrorKind::NotFound, "forgetful.unwrap", "no")),
            }
        }
    }
    let backend = memory();
    let (ring, kept) = (ring_on(&backend, "a", 1), store(&backend, "a"));
    let key = make(&ring, &kept, &body("x")).await;
    let refused = ring.change_root(Arc::new(Forgetful)).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Unexpected);
    let found = ring_on(&backend, "a", 1).key(&body("x")).await.unwrap();
    assert!(found.is(&key));
}

#[tokio::test]
async fn c4_a_record_that_is_stronger_than_asked_is_never_weakened() {
    let argon2 = |memory, passes| Kdf::Argon2id {
        memory,
        passes,
        lanes: 1,
    };
    let pbkdf2 = |iterations| Kdf::Pbkdf2HmacSha256 { iterations };
    for (kept, asked, then) in [
        (
            argon2(20 << 10, 2),
            argon2(19 << 10, 2),
            argon2(20 << 10, 2),
        ),
        (
            argon2(19 << 10, 3),
            argon2(20 << 10, 2),
            argon2(20 << 10, 3),
        ),
        (
            argon2(19 << 10, 2),
            argon2(19 << 10, 3),
            argon2(19 << 10, 3),
        ),
        (pbkdf2(600_001), pbkdf2(600_000), pbkdf2(600_001)),
        (pbkdf2(600_000), pbkdf2(600_001), pbkdf2(600_001)),
        // Nobody can say which of two functions costs more.
        (argon2(19 << 10, 2), pbkdf2(600_000), argon2(19 << 10, 2)),
        (pbkdf2(600_000), argon2(19 << 10, 2), pbkdf2(600_000)),
        // One that is weak is left, whatever takes its place.
        (
            argon2(64 << 10, 1),
            argon2(19 << 10, 2),
            argon2(64 << 10, 2),
        ),
        (argon2(16 << 10, 3), pbkdf2(600_000), pbkdf2(600_000)),
    ] {
        let backend = memory();
        let key = under_an_old_record(&backend, kept).await;
        let ring = unlock(&backend, "blaue Stunde", asked).await.unwrap();
        assert!(ring.key(&body("x")).await.unwrap().is(&key));
        let found = record(&backend).await.kdf;
        assert_eq!(found, then, "kept {kept}, asked {asked}");
    }
}
