//! Nothing that could be used is kept, logged or printed.

use std::sync::Arc;

use garland::OrganizationId;
use garland::backends::{Memory, Sqlite};
use garland::crypto::tokens::DenyReason;
use garland::storage::StorageBackend;

use crate::world::{ACCESS, REFRESH, World, keys, policy, reason};

#[tokio::test]
async fn c8_the_database_has_no_token_in_it() {
    let folder = tempfile::tempdir().unwrap();
    let database = Sqlite::open(folder.path().join("studio.db")).await.unwrap();
    let world = World::on(Arc::new(database.clone()));
    let issued = world.sign_in("u1").await;
    let next = world.tokens.refresh(issued.refresh(), "web").await.unwrap();
    let verified = world.tokens.verify(next.access()).await.unwrap();
    world.tokens.revoke(&verified).await.unwrap();
    world.tokens.sign_out(&verified).await.unwrap();
    database.close().await;
    let mut secrets = vec![ACCESS, REFRESH];
    for token in [
        issued.access(),
        issued.refresh(),
        next.access(),
        next.refresh(),
    ] {
        secrets.push(token);
        // The part behind the last dot is enough to know one by.
        secrets.push(token.rsplit('.').next().unwrap());
    }
    let mut files = 0;
    for file in std::fs::read_dir(folder.path()).unwrap() {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        files += 1;
        for secret in &secrets {
            let found = bytes
                .windows(secret.len())
                .any(|part| part == secret.as_bytes());
            assert!(!found, "a token is in the database");
        }
    }
    assert!(files > 0);
}

#[tokio::test]
async fn c8_nothing_that_is_printed_tells_a_token() {
    let world = World::new();
    let issued = world.sign_in("u1").await;
    let verified = world.tokens.verify(issued.access()).await.unwrap();
    let spent = world.tokens.refresh(issued.refresh(), "web").await.unwrap();
    let denied = world
        .tokens
        .refresh(issued.refresh(), "web")
        .await
        .unwrap_err();
    let error = garland::Error::from(world.tokens.verify(spent.refresh()).await.unwrap_err());
    let shown = format!(
        "{issued:?} {spent:?} {verified:?} {denied:?} {denied} {error:?} {:?} {:?} {:?} {:?}",
        world.tokens,
        keys(),
        policy(),
        world.backend
    );
    assert!(
        !shown.contains(ACCESS) && !shown.contains(REFRESH),
        "{shown}"
    );
    for token in [issued.access(), issued.refresh(), spent.refresh()] {
        let body = token.rsplit('.').next().unwrap();
        assert!(!shown.contains(body), "{shown}");
    }
}

#[tokio::test]
async fn r2_every_refusal_sounds_the_same() {
    let world = World::new();
    let issued = world.sign_in("u1").await;
    world
        .tokens
        .end_session(&OrganizationId::default(), issued.session())
        .await
        .unwrap();
    let closed: Arc<dyn StorageBackend> = {
        let memory = Memory::new();
        // Whoever had it open before is shut out.
        drop(memory.reopen());
        Arc::new(memory)
    };
    let closed = World::on(closed);
    let mut said = Vec::new();
    for (denied, expected) in [
        (world.tokens.verify("x").await, DenyReason::Malformed),
        (
            world.tokens.verify(issued.access()).await,
            DenyReason::Revoked,
        ),
        (
            closed.tokens.verify(issued.access()).await,
            DenyReason::Storage,
        ),
    ] {
        let denied = denied.unwrap_err();
        assert_eq!(denied.reason(), expected);
        assert!(std::error::Error::source(&denied).is_none());
        let text = denied.to_string();
        let error = garland::Error::from(denied);
        said.push((text, format!("{error:?}")));
    }
    assert_eq!(
        reason(world.tokens.refresh(issued.refresh(), "web").await),
        DenyReason::Revoked
    );
    said.dedup();
    assert_eq!(said.len(), 1, "{said:?}");
}

/// The sources of everything that compares evidence: none goes by `==`.
#[test]
fn c6_evidence_is_compared_in_constant_time() {
    let sources = [
        include_str!("../../src/engine/crypto/tokens/jws.rs"),
        include_str!("../../src/engine/crypto/tokens/refresh.rs"),
        include_str!("../../src/engine/crypto/tokens/service.rs"),
        include_str!("../../src/engine/crypto/tokens/key.rs"),
        include_str!("../../src/engine/crypto/pkce.rs"),
        include_str!("../../src/engine/crypto/authorization.rs"),
        include_str!("../../src/engine/crypto/presigned.rs"),
    ];
    for source in sources {
        let product = source.split("#[cfg(test)]").next().unwrap();
        assert!(product.contains("same(") || product.contains("is_same_secret"));
        for line in product
            .lines()
            .filter(|line| line.contains("==") || line.contains("!="))
        {
            let evidence = [
                "tag",
                "digest",
                "mac",
                "challenge",
                "verifier",
                "secret",
                "current",
            ];
            let compared = |word: &str| {
                line.split("==").chain(line.split("!=")).any(|side| {
                    let side = side.trim();
                    side.ends_with(word) || side.starts_with(word)
                })
            };
            assert!(!evidence.iter().any(|word| compared(word)), "{line}");
        }
    }
}
