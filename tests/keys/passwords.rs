//! Passwords: C5.

use std::sync::Arc;

use garland::ErrorKind;
use garland::crypto::{PasswordHash, PasswordPolicy, Passwords, SecretBytes};

use crate::world::entropy;

fn passwords() -> Passwords {
    Passwords::new(PasswordPolicy::default(), entropy()).unwrap()
}

fn typed(text: &str) -> SecretBytes {
    SecretBytes::from(text)
}

async fn kind_of(password: &str, stored: &str) -> ErrorKind {
    let stored = PasswordHash::stored(stored);
    let verdict = passwords().verify(&typed(password), &stored).await;
    verdict.unwrap_err().kind()
}

#[tokio::test]
async fn c5_a_password_is_hashed_with_argon2id_and_its_own_salt() {
    let passwords = passwords();
    let one = passwords.hash(&typed("Hochzeit 2026")).await.unwrap();
    let two = passwords.hash(&typed("Hochzeit 2026")).await.unwrap();
    assert_ne!(one, two);
    for stored in [&one, &two] {
        assert!(
            stored
                .as_str()
                .starts_with("$argon2id$v=19$m=19456,t=2,p=1$")
        );
        let right = passwords.verify(&typed("Hochzeit 2026"), stored).await;
        let right = right.unwrap();
        assert!(right.ok && !right.needs_rehash);
        for wrong in ["hochzeit 2026", "Hochzeit 2026 ", "", "Hochzeit 202"] {
            let wrong = passwords.verify(&typed(wrong), stored).await.unwrap();
            assert!(!wrong.ok && !wrong.needs_rehash);
        }
    }
    assert_eq!(format!("{one:?}"), "PasswordHash(argon2id)");
    let shown = format!("{:?}", PasswordHash::stored("plain old password"));
    assert_eq!(shown, "PasswordHash(unknown)");
}

#[tokio::test]
async fn c5_a_hash_of_old_parameters_or_scheme_is_to_be_hashed_anew() {
    let older = Passwords::new(PasswordPolicy::default(), entropy()).unwrap();
    let stored = older.hash(&typed("Rosen")).await.unwrap();
    for (policy, old) in [
        (PasswordPolicy::default(), false),
        (PasswordPolicy::default().with_memory(20 << 10), true),
        (PasswordPolicy::default().with_passes(3), true),
    ] {
        let now = Passwords::new(policy, entropy()).unwrap();
        let verdict = now.verify(&typed("Rosen"), &stored).await.unwrap();
        assert_eq!((verdict.ok, verdict.needs_rehash), (true, old));
        let wrong = now.verify(&typed("Nelken"), &stored).await.unwrap();
        assert!(!wrong.ok && !wrong.needs_rehash);
    }
    // From the tests of the reference implementation: argon2i and version 16, "password".
    let other = [
        "$argon2i$v=19$m=256,t=2,p=1$c29tZXNhbHQ$iekCn0Y3spW+sCcFanM2xBT63UP2sghkUoHLIUpWRS8",
        "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
        "$argon2i$m=256,t=2,p=1$c29tZXNhbHQ$/U3YPXYsSb3q9XxHvc0MLxur+GP960kN9j7emXX8zwY",
    ];
    for stored in other {
        let stored = PasswordHash::stored(stored);
        let verdict = passwords().verify(&typed("password"), &stored).await;
        let verdict = verdict.unwrap();
        assert!(verdict.ok && verdict.needs_rehash, "{}", stored.as_str());
    }
}

#[test]
fn c5_a_weak_or_absurd_policy_is_refused() {
    let policy = PasswordPolicy::default;
    for (policy, kind) in [
        (policy().with_memory(19_455), ErrorKind::Refused),
        (policy().with_passes(1), ErrorKind::Refused),
        (
            policy().with_memory((1 << 20) + 1),
            ErrorKind::LimitExceeded,
        ),
        (policy().with_passes(33), ErrorKind::LimitExceeded),
        (policy().with_lanes(0), ErrorKind::LimitExceeded),
        (policy().with_lanes(17), ErrorKind::LimitExceeded),
        (policy().with_at_once(0), ErrorKind::InvalidInput),
        (policy().with_longest(0), ErrorKind::InvalidInput),
    ] {
        let refused = Passwords::new(policy.clone(), entropy()).err().unwrap();
        assert_eq!(refused.kind(), kind, "{policy:?}");
    }
}

#[tokio::test]
async fn c5_a_stored_hash_that_asks_for_too_much_is_refused_before_any_work() {
    for stored in [
        "$argon2id$v=19$m=4294967295,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
        "$argon2id$v=19$m=19456,t=4294967295,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
        "$argon2id$v=19$m=1000000,t=2,p=200$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
    ] {
        assert_eq!(kind_of("password", stored).await, ErrorKind::LimitExceeded);
    }
}

#[tokio::test]
async fn what_is_no_hash_is_an_error_and_never_a_panic() {
    for stored in [
        "",
        "$",
        "password",
        "$argon2id",
        "$argon2id$",
        "$argon2id$v=19",
        "$argon2id$v=19$m=19456,t=2,p=1",
        "$argon2id$v=19$m=19456,t=2,p=1$",
        "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHQ",
        "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHQ$",
        "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHQ$!!!!",
        "$argon2id$v=18$m=19456,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
        "$argon2id$v=19$m=19456,t=2,p=1,keyid=AAAA$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
        "$argon2id$v=19$m=-1,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
        "$argon2x$v=19$m=19456,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
        "$argon2id$v=19$m=19456,t=2,p=1$ä$ß",
        "$pbkdf2-sha256$i=600000$c29tZXNhbHQ$nf65EOgLrQMR",
        "$2b$",
        "$2b$10$",
        "$2b$10$ÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄ",
        "$2b$xx$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy",
        "$2b$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhW",
        "$2b$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWyy",
        "$2b$10$!!!!!!!!!!!!!!!!!!!!!!IjZAgcfl7p92ldGxad68LJZdL17lhWy0",
    ] {
        let kind = kind_of("password", stored).await;
        assert!(
            matches!(
                kind,
                ErrorKind::Corrupt | ErrorKind::Unsupported | ErrorKind::LimitExceeded
            ),
            "{stored}: {kind}"
        );
    }
}

#[tokio::test]
async fn a_password_is_refused_when_it_is_too_long_and_never_cut() {
    let passwords = passwords();
    let long = "x".repeat(1_024);
    let stored = passwords.hash(&typed(&long)).await.unwrap();
    assert!(passwords.verify(&typed(&long), &stored).await.unwrap().ok);
    let longer = format!("{long}x");
    for refused in [
        passwords.hash(&typed(&longer)).await.err(),
        passwords.verify(&typed(&longer), &stored).await.err(),
        passwords.verify_absent(&typed(&longer)).await.err(),
        passwords.hash(&typed("")).await.err(),
    ] {
        assert_eq!(refused.unwrap().kind(), ErrorKind::InvalidInput);
    }
}

/// "abc" as jBCrypt's tests have it.
#[cfg(feature = "bcrypt")]
const ABC: &str = "$2a$10$WvvTPHKwdBJ3uk0Z37EMR.hLA2W6N9AEBhEgrAOljy2Ae5MtaSIUi";

/// 72 times "x", as the `crypt` of a C library gives it.
#[cfg(feature = "bcrypt")]
const LONGEST: &str = "$2b$10$WvvTPHKwdBJ3uk0Z37EMR.zIRnNgicQYJN69sBiJeMP29wWovj5k.";

#[cfg(feature = "bcrypt")]
#[tokio::test]
async fn c5_bcrypt_is_read_and_to_be_hashed_anew() {
    let passwords = passwords();
    for prefix in ["$2a$", "$2b$", "$2y$"] {
        let stored = PasswordHash::stored(ABC.replace("$2a$", prefix));
        let verdict = passwords.verify(&typed("abc"), &stored).await.unwrap();
        assert!(verdict.ok && verdict.needs_rehash);
        let verdict = passwords.verify(&typed("abd"), &stored).await.unwrap();
        assert!(!verdict.ok && !verdict.needs_rehash);
    }
}

#[cfg(feature = "bcrypt")]
#[tokio::test]
async fn c5_bcrypt_over_72_bytes_or_with_a_zero_byte_is_refused() {
    let long = "x".repeat(73);
    for password in [&long, "a\0b", "\0", "abc\0"] {
        assert_eq!(kind_of(password, ABC).await, ErrorKind::InvalidInput);
    }
    // 72 bytes are all looked at.
    let stored = PasswordHash::stored(LONGEST);
    for (password, right) in [(72, true), (71, false)] {
        let password = typed(&"x".repeat(password));
        let verdict = passwords().verify(&password, &stored).await.unwrap();
        assert_eq!(verdict.ok, right);
    }
    let last = format!("{}y", "x".repeat(71));
    let verdict = passwords().verify(&typed(&last), &stored).await.unwrap();
    assert!(!verdict.ok);
}

#[cfg(feature = "bcrypt")]
#[tokio::test]
async fn c5_bcrypt_that_is_too_cheap_too_dear_or_broken_is_refused() {
    for (stored, kind) in [
        (ABC.replace("$10$", "$09$"), ErrorKind::Refused),
        (ABC.replace("$10$", "$04$"), ErrorKind::Refused),
        (ABC.replace("$10$", "$17$"), ErrorKind::LimitExceeded),
        (ABC.replace("$10$", "$31$"), ErrorKind::LimitExceeded),
        (ABC.replace("$2a$", "$2x$"), ErrorKind::Unsupported),
        (ABC.replace("$2a$", "$2$"), ErrorKind::Unsupported),
    ] {
        assert_eq!(kind_of("password", &stored).await, kind, "{stored}");
    }
}

#[tokio::test]
async fn the_bound_on_waiting_is_kept_and_room_comes_back() {
    let policy = PasswordPolicy::default().with_at_once(1).with_waiting(1);
    let passwords = Passwords::new(policy, entropy()).unwrap();
    let password = typed("Rosen");
    let calls = (0..6).map(|_| passwords.hash(&password));
    let outcomes = futures_util::future::join_all(calls).await;
    let refused: Vec<_> = outcomes
        .iter()
        .filter_map(|one| one.as_ref().err())
        .collect();
    assert_eq!(refused.len(), 4);
    for error in refused {
        assert_eq!(error.kind(), ErrorKind::RateLimited);
    }
    // Also when callers go away before it is their turn, or before they are done.
    for _ in 0..10 {
        let calls = (0..2).map(|_| passwords.hash(&password));
        let left = futures_util::future::join_all(calls);
        drop(futures_util::FutureExt::now_or_never(left));
    }
    let mut tries = 0;
    while passwords.hash(&password).await.is_err() {
        tokio::task::yield_now().await;
        tries += 1;
        assert!(tries < 10_000_000, "room is lost");
    }
}

#[tokio::test]
async fn an_unknown_user_takes_a_turn_as_any_other() {
    // Time is not measured in tests; that a hash is computed shows in the room it takes.
    let passwords = passwords();
    let absent = passwords.verify_absent(&typed("Rosen")).await.unwrap();
    assert!(!absent.ok && !absent.needs_rehash);
    let policy = PasswordPolicy::default().with_at_once(1).with_waiting(0);
    let busy = Passwords::new(policy, entropy()).unwrap();
    let stored = passwords.hash(&typed("Rosen")).await.unwrap();
    let rosen = typed("Rosen");
    let (first, second) =
        futures_util::future::join(busy.verify_absent(&rosen), busy.verify(&rosen, &stored)).await;
    assert!(first.is_ok());
    assert_eq!(second.unwrap_err().kind(), ErrorKind::RateLimited);
}

#[tokio::test]
async fn without_chance_there_is_no_hash() {
    #[derive(Debug)]
    struct Nothing;
    impl garland::crypto::Entropy for Nothing {
        fn fill(&self, _: &mut [u8]) -> garland::Result<()> {
            let kind = ErrorKind::Unavailable;
            Err(garland::Error::new(
                kind,
                "nothing.fill",
                "nothing to be had",
            ))
        }
    }
    let passwords = Passwords::new(PasswordPolicy::default(), Arc::new(Nothing)).unwrap();
    let refused = passwords.hash(&typed("Rosen")).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Unavailable);
}
