//! Secrets: C6 and C8.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use garland::crypto::{
    KeyFile, KeyProvider, KeyRing, Passphrase, PasswordPolicy, Passwords, SecretBytes, SecretKey,
};
use garland::journal::Event;
use garland::storage::JournalName;

use crate::world::{body, clock, entropy, make, memory, ring_with, store};

/// Tells, without specialization, whether a type has a trait: the inherent item wins where there is one.
macro_rules! has {
    ($name:ident, $($bound:tt)+) => {
        mod $name {
            pub(super) struct Probe<T: ?Sized>(pub(super) std::marker::PhantomData<T>);
            pub(super) trait Without {
                const HAS: bool = false;
            }
            impl<T: ?Sized> Without for Probe<T> {}
            impl<T: ?Sized + $($bound)+> Probe<T> {
                #[allow(dead_code, reason = "where no type has the trait, nobody asks")]
                pub(super) const HAS: bool = true;
            }
        }
    };
}

has!(debug, std::fmt::Debug);
has!(display, std::fmt::Display);
has!(serialize, serde::Serialize);
has!(equal, PartialEq);
has!(copies, Copy);

macro_rules! shown {
    ($type:ty) => {{
        #[allow(unused_imports, reason = "of no use where the type has the trait")]
        use copies::Without as _;
        #[allow(unused_imports, reason = "of no use where the type has the trait")]
        use debug::Without as _;
        #[allow(unused_imports, reason = "of no use where the type has the trait")]
        use display::Without as _;
        #[allow(unused_imports, reason = "of no use where the type has the trait")]
        use equal::Without as _;
        #[allow(unused_imports, reason = "of no use where the type has the trait")]
        use serialize::Without as _;
        [
            <debug::Probe<$type>>::HAS,
            <display::Probe<$type>>::HAS,
            <serialize::Probe<$type>>::HAS,
            <equal::Probe<$type>>::HAS,
            <copies::Probe<$type>>::HAS,
        ]
    }};
}

#[test]
fn c8_secrets_cannot_be_printed_serialized_copied_or_compared_with_equals() {
    assert_eq!(shown!(SecretKey), [false; 5]);
    assert_eq!(shown!(SecretBytes), [false; 5]);
    assert_eq!(shown!(Option<SecretKey>), [false; 5]);
    assert_eq!(shown!(u8), [true; 5], "the probe itself");
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Every form in which a secret might be shown.
fn forms(secret: &[u8]) -> Vec<String> {
    let decimal = |bytes: &[u8]| {
        let numbers: Vec<String> = bytes.iter().map(u8::to_string).collect();
        numbers.join(", ")
    };
    let mut forms = vec![hex(&secret[..8]), decimal(&secret[..8])];
    forms.push(hex(&secret[..8]).to_uppercase());
    if let Ok(text) = std::str::from_utf8(secret) {
        forms.push(text.to_owned());
    }
    forms
}

#[tokio::test]
async fn c8_planted_secrets_show_nowhere() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("studio.key");
    let file = KeyFile::create(&path, entropy()).await.unwrap();
    let planted = "a-passphrase-nobody-should-see";
    let passphrase = SecretBytes::from(planted);
    let root = Passphrase::new(&passphrase, garland::crypto::Kdf::default(), entropy())
        .await
        .unwrap();
    let text = fs::read_to_string(&path).unwrap();
    let root_key = text.lines().nth(1).unwrap().to_owned();

    let backend = memory();
    let kept = store(&backend, "a");
    let ring = ring_with(&backend, "a", Arc::new(file));
    let key = make(&ring, &kept, &body("x")).await;
    let rotation = ring.start_rotation();
    let mut said = vec![
        format!("{rotation:?}"),
        format!("{ring:?}"),
        format!("{root:?}"),
    ];
    said.push(format!("{:?}", rotation.report().await.unwrap()));
    said.push(format!("{:?}", ring.epochs().await.unwrap()));
    let passwords = Passwords::new(PasswordPolicy::default(), entropy()).unwrap();
    let hash = passwords.hash(&passphrase).await.unwrap();
    said.push(format!("{passwords:?} {hash:?}"));

    // Errors of every kind that there are here.
    let mut errors = Vec::new();
    errors.extend(ring.key(&body("unknown")).await.err());
    errors.extend(ring.retire(9).await.err());
    errors.extend(KeyFile::create(&path, entropy()).await.err());
    let wrong = KeyRing::unlock(
        kept.clone(),
        &passphrase,
        garland::crypto::Kdf::default(),
        clock(),
        entropy(),
    );
    errors.extend(wrong.await.err());
    let epoch = garland::crypto::KekId::new([1; 16]);
    let wrapped = root.wrap(&"a".parse().unwrap(), epoch, &key).await.unwrap();
    errors.extend(
        root.unwrap(&"b".parse().unwrap(), epoch, &wrapped)
            .await
            .err(),
    );
    let stored = garland::crypto::PasswordHash::stored(planted);
    errors.extend(passwords.verify(&passphrase, &stored).await.err());
    assert_eq!(errors.len(), 6);
    said.extend(errors.iter().map(|error| format!("{error} {error:?}")));

    // What is in the database and the journal.
    for collection in ["file_keys", "key_epochs"] {
        let query = garland::storage::Query::all(collection.parse().unwrap());
        let page = kept.query(&query).await.unwrap();
        assert!(!page.records.is_empty());
        said.extend(
            page.records
                .iter()
                .map(|record| record.value.as_str().to_owned()),
        );
    }
    for entry in kept
        .read_journal(&JournalName::main(), 0, 100)
        .await
        .unwrap()
    {
        let event: Event = entry.event.read().unwrap();
        said.push(format!("{event:?}"));
    }

    let mut secrets = forms(key.expose());
    secrets.extend(forms(planted.as_bytes()));
    secrets.push(root_key[..16].to_owned());
    for said in &said {
        for secret in &secrets {
            assert!(!said.contains(secret.as_str()), "{secret} in {said}");
        }
    }
}

/// Words that name evidence: what is compared with them must not tell by its time where it differs.
const EVIDENCE: [&str; 9] = [
    "mac",
    "hmac",
    "tag",
    "digest",
    "commitment",
    "signature",
    "challenge",
    "expose",
    "checksum",
];

/// Comparisons whose time tells nothing, and why.
const HARMLESS: [(&str, &str); 3] = [
    (
        "Some(sent) if sent == tag",
        "both are our own, of a chunk that is about to be sent again",
    ),
    (
        "sent.get(algorithm) == Some(digest)",
        "of bytes that both sides have",
    ),
    ("if name == signature", "the name of a field"),
];

fn sources(folder: &Path, found: &mut Vec<std::path::PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// Lines of code, without comments, up to the tests of a file, in which evidence stands next to `==`.
fn suspicious(source: &str) -> Vec<(usize, String)> {
    let code = source.split("#[cfg(test)]\nmod tests").next().unwrap();
    let lines = code.lines().enumerate();
    let lines = lines.map(|(at, line)| (at + 1, line.split("//").next().unwrap().to_owned()));
    let compares = |line: &str| line.contains(" == ") || line.contains(" != ");
    let names = |line: &str| {
        let words = line.split(|character: char| !character.is_alphanumeric());
        words.into_iter().any(|word| EVIDENCE.contains(&word))
    };
    let harmless = |line: &str| HARMLESS.iter().any(|(code, _)| line.contains(code));
    // A length is no secret.
    lines
        .filter(|(_, line)| compares(line) && names(line) && !line.contains(".len()"))
        .filter(|(_, line)| !harmless(line))
        .collect()
}

#[test]
fn c6_evidence_is_never_compared_with_equals() {
    assert_eq!(suspicious("if tag == other {").len(), 1);
    assert_eq!(suspicious("a.expose() != b.expose()").len(), 1);
    assert_eq!(suspicious("// tag == other\nif stage == other {").len(), 0);
    let mut files = Vec::new();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/engine/crypto");
    sources(&root, &mut files);
    assert!(files.len() > 20, "only {} files", files.len());
    let mut found = Vec::new();
    for file in files {
        let source = fs::read_to_string(&file).unwrap();
        let lines = suspicious(&source).into_iter();
        found.extend(lines.map(|(line, text)| format!("{}:{line}: {text}", file.display())));
    }
    assert!(
        found.is_empty(),
        "use `same` or `is`, or name it in HARMLESS with its reason:\n{}",
        found.join("\n")
    );
}
