//! Grants of one upload or download.

use std::sync::Arc;
use std::time::Duration;

use garland::backends::Memory;
use garland::crypto::presigned::{
    PRESIGNED_USES, PresignedGrant, PresignedMethod, PresignedRequest, Presigner,
};
use garland::crypto::tokens::{DenyReason, KeySet, KeyUse};
use garland::storage::{Query, StorageBackend};
use garland::testing::{FaultKind, FaultRule, Faults, FaultyStorage, Operation};
use garland::{Clock, ErrorKind, OrganizationId, Timestamp};
use proptest::prelude::*;
use tokio::task::JoinSet;

use crate::world::{SetClock, Shared, entropy, key, reason};

const KEY: &str = "a-key-for-grants-of-32-bytes-x9!";

fn presigner(backend: Arc<dyn StorageBackend>, clock: &SetClock) -> Presigner {
    let keys = KeySet::new(key(KeyUse::Presign, "p1", KEY));
    Presigner::new(backend, keys, Arc::new(clock.clone()), entropy()).unwrap()
}

fn grant(until: Timestamp) -> PresignedGrant {
    let upload = PresignedMethod::Upload;
    let studio = OrganizationId::default();
    PresignedGrant::new(upload, studio, "obj-7", 1_000, "image/jpeg", until)
}

fn request(grant: &PresignedGrant) -> PresignedRequest<'_> {
    PresignedRequest {
        method: grant.method,
        organization: &grant.organization,
        object: &grant.object,
        size: grant.max_size,
        media_type: &grant.media_type,
    }
}

fn soon(clock: &SetClock) -> Timestamp {
    clock.now().saturating_add(Duration::from_secs(900))
}

#[tokio::test]
async fn u7_any_other_field_is_refused() {
    let clock = SetClock::default();
    let presigner = presigner(Arc::new(Memory::new()), &clock);
    let grant = grant(soon(&clock));
    let text = presigner.sign(&grant).unwrap();
    let rival: OrganizationId = "rival".parse().unwrap();
    let good = request(&grant);
    let download = PresignedMethod::Download;
    for other in [
        PresignedRequest {
            method: download,
            ..good
        },
        PresignedRequest {
            organization: &rival,
            ..good
        },
        PresignedRequest {
            object: "obj-8",
            ..good
        },
        PresignedRequest { object: "", ..good },
        PresignedRequest {
            size: 1_001,
            ..good
        },
        PresignedRequest {
            size: u64::MAX,
            ..good
        },
        PresignedRequest {
            media_type: "image/png",
            ..good
        },
        PresignedRequest {
            media_type: "image/jpeg; x=y",
            ..good
        },
    ] {
        assert_eq!(
            reason(presigner.redeem(&text, &other).await),
            DenyReason::Binding,
            "{other:?}"
        );
    }
    // None of that has spent it.
    assert_eq!(presigner.redeem(&text, &good).await.unwrap(), grant);
    assert_eq!(
        reason(presigner.redeem(&text, &good).await),
        DenyReason::Reused
    );
}

#[tokio::test]
async fn u7_any_other_byte_is_refused() {
    let clock = SetClock::default();
    let presigner = presigner(Arc::new(Memory::new()), &clock);
    let grant = grant(soon(&clock));
    let text = presigner.sign(&grant).unwrap();
    for at in 0..text.len() {
        for byte in [b'A', b'B', b'.', b'='] {
            let mut bytes = text.as_bytes().to_vec();
            if bytes[at] == byte {
                continue;
            }
            bytes[at] = byte;
            let changed = String::from_utf8(bytes).unwrap();
            let denied = presigner.redeem(&changed, &request(&grant)).await;
            assert!(denied.is_err(), "byte {at} as {byte}");
        }
        assert!(
            presigner
                .redeem(&text[..at], &request(&grant))
                .await
                .is_err(),
            "cut at {at}"
        );
    }
    assert!(presigner.redeem(&text, &request(&grant)).await.is_ok());
}

#[tokio::test]
async fn u7_fifteen_minutes_at_most() {
    let clock = SetClock::default();
    clock.forward(Duration::from_secs(10));
    let presigner = presigner(Arc::new(Memory::new()), &clock);
    let now = clock.now();
    for until in [
        now,
        Timestamp::from_millis(0),
        soon(&clock).saturating_add(Duration::from_millis(1)),
    ] {
        let error = presigner.sign(&grant(until)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
    }
    let grant = grant(soon(&clock));
    let [one, two] = [(); 2].map(|()| presigner.sign(&grant).unwrap());
    clock.forward(Duration::from_millis(899_999));
    assert!(presigner.redeem(&one, &request(&grant)).await.is_ok());
    clock.forward(Duration::from_millis(1));
    assert_eq!(
        reason(presigner.redeem(&two, &request(&grant)).await),
        DenyReason::Expired
    );
    // A clock that was set back does not make it longer.
    clock.back(Duration::from_secs(901));
    assert_eq!(
        reason(presigner.redeem(&two, &request(&grant)).await),
        DenyReason::Lifetime
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn u7_of_many_at_once_one_is_let_in() {
    let clock = SetClock::default();
    let shared = Shared::new(Arc::new(Memory::new()), false);
    let presigner = presigner(shared, &clock);
    let grant = grant(soon(&clock));
    for _ in 0..5 {
        let text = presigner.sign(&grant).unwrap().to_string();
        let mut tasks = JoinSet::new();
        for _ in 0..50 {
            let (presigner, grant, text) = (presigner.clone(), grant.clone(), text.clone());
            tasks.spawn(async move { presigner.redeem(&text, &request(&grant)).await.is_ok() });
        }
        let winners = tasks.join_all().await.into_iter().filter(|won| *won);
        assert_eq!(winners.count(), 1);
        // So that there is something to sweep in the next round.
        clock.forward(Duration::from_secs(2 * 3_600));
        let fresh = self::grant(soon(&clock));
        let text = presigner.sign(&fresh).unwrap();
        assert!(presigner.redeem(&text, &request(&fresh)).await.is_ok());
        clock.back(Duration::from_secs(2 * 3_600));
    }
}

#[tokio::test]
async fn u7_uses_are_forgotten_when_they_have_run_out() {
    let clock = SetClock::default();
    let memory = Memory::new();
    let presigner = presigner(Arc::new(memory.clone()), &clock);
    for _ in 0..10 {
        let grant = grant(soon(&clock));
        let text = presigner.sign(&grant).unwrap();
        presigner.redeem(&text, &request(&grant)).await.unwrap();
    }
    clock.forward(Duration::from_secs(2 * 3_600));
    let grant = grant(soon(&clock));
    let text = presigner.sign(&grant).unwrap();
    presigner.redeem(&text, &request(&grant)).await.unwrap();
    let query = Query::all(PRESIGNED_USES.name().clone());
    let page = memory.query(&grant.organization, &query).await.unwrap();
    assert_eq!(page.records.len(), 10 + 1 - 8);
}

#[tokio::test]
async fn u7_a_database_that_fails_lets_nobody_in() {
    let clock = SetClock::default();
    let broken = FaultKind::Error(ErrorKind::Unavailable);
    let rule = FaultRule::new(Operation::Commit, broken).always();
    let faults = Faults::none().with_rule(rule);
    let faulty = FaultyStorage::new(Arc::new(Memory::new()), faults);
    let presigner = presigner(Arc::new(faulty), &clock);
    let grant = grant(soon(&clock));
    let text = presigner.sign(&grant).unwrap();
    assert_eq!(
        reason(presigner.redeem(&text, &request(&grant)).await),
        DenyReason::Storage
    );
}

#[test]
fn u7_keys_of_another_purpose_are_refused() {
    let keys = KeySet::new(key(KeyUse::Access, "p1", KEY));
    let clock = Arc::new(SetClock::default());
    let made = Presigner::new(Arc::new(Memory::new()), keys, clock, entropy());
    assert_eq!(made.unwrap_err().kind(), ErrorKind::InvalidInput);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn u7_a_grant_comes_back_as_it_was_and_fits_no_other(
        one in (any::<bool>(), "[a-z.]{1,10}", ".{1,20}", any::<u64>(), "[a-z/]{1,20}"),
        two in (any::<bool>(), "[a-z.]{1,10}", ".{1,20}", any::<u64>(), "[a-z/]{1,20}"),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let clock = SetClock::default();
            let presigner = presigner(Arc::new(Memory::new()), &clock);
            let make = |(upload, organization, object, size, media): (bool, String, String, u64, String)| {
                let method = if upload { PresignedMethod::Upload } else { PresignedMethod::Download };
                let organization = organization.parse().unwrap();
                PresignedGrant::new(method, organization, object, size, media, soon(&clock))
            };
            let (one, two) = (make(one), make(two));
            let text = presigner.sign(&one).unwrap();
            let mut other = request(&two);
            other.size = two.max_size.max(one.max_size.saturating_add(1));
            if one != two && other.size > one.max_size {
                prop_assert!(presigner.redeem(&text, &other).await.is_err());
            }
            let taken = presigner.redeem(&text, &request(&one)).await;
            prop_assert_eq!(taken.unwrap(), one);
            Ok(())
        })?;
    }
}
