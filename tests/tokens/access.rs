//! Access tokens: what is taken, and everything that is not.

use std::time::Duration;

use garland::crypto::tokens::{
    DenyReason, Grant, KeySet, KeyUse, KnownPermissions, TokenKeys, TokenPolicy, TokenService,
};
use garland::permission::Actor;
use garland::testing::crypto::jws_sign;
use garland::{Clock, ErrorKind, OrganizationId};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::world::{
    ACCESS, REFRESH, START, World, entropy, grant, key, keys, policy, reason, service, user,
};

const HEADER: &str = r#"{"alg":"HS256","typ":"at+jwt","kid":"k1"}"#;

fn claims() -> Value {
    json!({
        "iss": "garland", "aud": "garland-api", "sub": "u1", "org": "o1", "perms": ["files:read"],
        "iat": START / 1_000 - 60, "nbf": START / 1_000 - 60, "exp": START / 1_000 + 600, "jti": "j1",
    })
}

fn sign(header: &str, payload: &str) -> String {
    jws_sign(ACCESS.as_bytes(), header, payload.as_bytes()).unwrap()
}

/// The claims with one of them as it is given.
fn with(name: &str, value: Value) -> String {
    let mut claims = claims();
    claims[name] = value;
    sign(HEADER, &claims.to_string())
}

async fn check(token: &str) -> Option<DenyReason> {
    World::new().refuses(token).await
}

#[tokio::test]
async fn t1_one_algorithm_and_no_key_from_the_token() {
    let payload = claims().to_string();
    assert_eq!(check(&sign(HEADER, &payload)).await, None);
    for (header, expected) in [
        (
            r#"{"alg":"none","typ":"at+jwt","kid":"k1"}"#,
            DenyReason::Algorithm,
        ),
        (
            r#"{"alg":"HS384","typ":"at+jwt","kid":"k1"}"#,
            DenyReason::Algorithm,
        ),
        (
            r#"{"alg":"RS256","typ":"at+jwt","kid":"k1"}"#,
            DenyReason::Algorithm,
        ),
        (
            r#"{"alg":"hs256","typ":"at+jwt","kid":"k1"}"#,
            DenyReason::Algorithm,
        ),
        (r#"{"typ":"at+jwt","kid":"k1"}"#, DenyReason::Header),
        (
            r#"{"alg":"HS256","typ":"JWT","kid":"k1"}"#,
            DenyReason::Type,
        ),
        (
            r#"{"alg":"HS256","typ":"rt+jwt","kid":"k1"}"#,
            DenyReason::Type,
        ),
        (r#"{"alg":"HS256","kid":"k1"}"#, DenyReason::Type),
        (r#"{"alg":"HS256","typ":"at+jwt"}"#, DenyReason::Key),
        (
            r#"{"alg":"HS256","typ":"at+jwt","kid":"k2"}"#,
            DenyReason::Key,
        ),
        (
            r#"{"alg":"HS256","typ":"at+jwt","kid":"r1"}"#,
            DenyReason::Key,
        ),
        (
            r#"{"alg":"HS256","typ":"at+jwt","kid":"../k1"}"#,
            DenyReason::Key,
        ),
        (
            r#"{"alg":"HS256","typ":"at+jwt","kid":"k1","cty":"JWT"}"#,
            DenyReason::Header,
        ),
        (
            r#"{"alg":"HS256","typ":"at+jwt","kid":"k1","x":1}"#,
            DenyReason::Header,
        ),
    ] {
        assert_eq!(
            check(&sign(header, &payload)).await,
            Some(expected),
            "{header}"
        );
    }
    for field in ["jwk", "jku", "x5u", "x5c", "x5t", "crit", "zip", "b64"] {
        for value in ["{}", "\"\"", "[]", "false"] {
            let header =
                format!(r#"{{"alg":"HS256","typ":"at+jwt","kid":"k1","{field}":{value}}}"#);
            let denied = check(&sign(&header, &payload)).await;
            assert_eq!(denied, Some(DenyReason::Header), "{header}");
        }
    }
    // The same header in other words is taken; the key is still found by its name.
    let spaced = r#" { "kid" : "\u006b1" , "typ":"at+jwt", "alg":"HS256" } "#;
    assert_eq!(check(&sign(spaced, &payload)).await, None);
}

#[tokio::test]
async fn t3_every_claim_is_there_and_right() {
    for name in ["iss", "aud", "sub", "org", "iat", "exp", "jti", "perms"] {
        let mut claims = claims();
        claims.as_object_mut().unwrap().remove(name);
        let token = sign(HEADER, &claims.to_string());
        assert_eq!(
            check(&token).await,
            Some(DenyReason::Claims),
            "without {name}"
        );
        assert_eq!(
            check(&with(name, Value::Null)).await,
            Some(DenyReason::Claims),
            "null {name}"
        );
    }
    let now = START / 1_000;
    for (name, value, expected) in [
        ("iss", json!("Garland"), Some(DenyReason::Issuer)),
        ("iss", json!(["garland"]), Some(DenyReason::Claims)),
        ("aud", json!("other"), Some(DenyReason::Audience)),
        ("aud", json!([]), Some(DenyReason::Audience)),
        ("aud", json!(["other"]), Some(DenyReason::Audience)),
        ("aud", json!(["other", "garland-api"]), None),
        ("aud", json!(["garland-api", 1]), Some(DenyReason::Claims)),
        ("sub", json!(""), Some(DenyReason::Claims)),
        ("sub", json!("a\nb"), Some(DenyReason::Claims)),
        ("sub", json!("x".repeat(257)), Some(DenyReason::Claims)),
        ("sub", json!("Zoë"), None),
        ("org", json!(""), Some(DenyReason::Claims)),
        ("org", json!("../o1"), Some(DenyReason::Claims)),
        ("jti", json!(""), Some(DenyReason::Claims)),
        ("jti", json!(7), Some(DenyReason::Claims)),
        ("exp", json!(now), Some(DenyReason::Expired)),
        ("exp", json!(now + 1), None),
        ("exp", json!(-1), Some(DenyReason::Claims)),
        ("exp", json!(now as f64 + 600.0), Some(DenyReason::Claims)),
        (
            "exp",
            json!((now + 600).to_string()),
            Some(DenyReason::Claims),
        ),
        ("exp", json!(u64::MAX), Some(DenyReason::Claims)),
        ("exp", json!(now - 60 + 86_400), None),
        ("exp", json!(now - 60 + 86_401), Some(DenyReason::Lifetime)),
        ("iat", json!(now), None),
        ("iat", json!(now + 1), Some(DenyReason::NotYet)),
        ("iat", json!(now - 86_400), Some(DenyReason::Lifetime)),
        ("iat", json!(-1), Some(DenyReason::Claims)),
        ("nbf", json!(now), None),
        ("nbf", json!(now + 1), Some(DenyReason::NotYet)),
        ("nbf", json!(null), Some(DenyReason::Claims)),
        ("nbf", json!(1.5), Some(DenyReason::Claims)),
        ("ims", json!(1_000), Some(DenyReason::Claims)),
        ("svc", json!("yes"), Some(DenyReason::Claims)),
        ("perms", json!("files:read"), Some(DenyReason::Claims)),
        ("perms", json!([["files:read"]]), Some(DenyReason::Claims)),
        ("unknown", json!({"a": [1]}), None),
    ] {
        assert_eq!(
            check(&with(name, value.clone())).await,
            expected,
            "{name} {value}"
        );
    }
    for payload in ["", "[]", "null", "\"a\"", "{", "{}x"] {
        assert_eq!(
            check(&sign(HEADER, payload)).await,
            Some(DenyReason::Claims),
            "{payload}"
        );
    }
    // A claim is said once, whether it is known or not.
    for name in ["exp", "perms", "sub", "stranger"] {
        let mut payload = with_text(name);
        payload.push_str(&format!(r#","{name}":1,"{name}":1}}"#));
        assert_eq!(
            check(&sign(HEADER, &payload)).await,
            Some(DenyReason::Claims),
            "{name}"
        );
    }
}

/// The claims but one, as text without the end.
fn with_text(but: &str) -> String {
    let mut claims = claims();
    claims.as_object_mut().unwrap().remove(but);
    let text = claims.to_string();
    text.trim_end_matches('}').to_owned()
}

#[tokio::test]
async fn t3_a_token_ends_to_the_second_and_by_the_verifiers_clock() {
    let world = World::new();
    let issued = world.sign_in("u1").await;
    assert_eq!(issued.expires().as_millis(), START + 600_000);
    world.pass(599);
    assert_eq!(world.refuses(issued.access()).await, None);
    world.pass(1);
    assert_eq!(
        world.refuses(issued.access()).await,
        Some(DenyReason::Expired)
    );
    let lenient = policy().with_leeway(Duration::from_secs(30));
    let lenient = service(&world.backend, &world.clock, lenient, keys());
    assert!(lenient.verify(issued.access()).await.is_ok());
    world.pass(30);
    assert_eq!(
        reason(lenient.verify(issued.access()).await),
        DenyReason::Expired
    );
    // One that is stricter than the maker takes less.
    let strict = policy()
        .with_access_life(Duration::from_secs(60))
        .with_max_access_life(Duration::from_secs(60));
    let strict = service(&world.backend, &world.clock, strict, keys());
    let long = world.sign_in("u1").await;
    assert_eq!(
        reason(strict.verify(long.access()).await),
        DenyReason::Lifetime
    );
    let early = world.sign_in("u1").await;
    world.clock.back(Duration::from_secs(1));
    assert_eq!(
        world.refuses(early.access()).await,
        Some(DenyReason::NotYet)
    );
}

#[tokio::test]
async fn t4_what_is_not_known_is_not_granted() {
    let unknown = with("perms", json!(["files:read", "files:delete"]));
    assert_eq!(check(&unknown).await, Some(DenyReason::Permission));
    for name in [
        "cnf",
        "cond",
        "conditions",
        "role",
        "roles",
        "scope",
        "act",
        "groups",
    ] {
        let denied = check(&with(name, json!("admin"))).await;
        assert_eq!(denied, Some(DenyReason::Claims), "{name}");
    }
    let world = World::new();
    let wide = grant("u1").with_permissions(["files:delete".parse().unwrap()]);
    let error = world.tokens.issue(&wide).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    let nothing = world
        .tokens
        .verify(&with("perms", json!([])))
        .await
        .unwrap();
    assert!(nothing.permissions().is_empty() && !nothing.may("files:read"));
    // What a session was given and is no longer known is not given again.
    let issued = world.sign_in("u1").await;
    let fewer = KnownPermissions::parse(["msg:send"]).unwrap();
    let fewer = TokenPolicy::new("garland", "garland-api", fewer);
    let fewer = service(&world.backend, &world.clock, fewer, keys());
    assert_eq!(
        reason(fewer.verify(issued.access()).await),
        DenyReason::Permission
    );
    assert_eq!(
        reason(fewer.refresh(issued.refresh(), "web").await),
        DenyReason::Permission
    );
}

#[tokio::test]
async fn a1_a_checked_token_says_who_and_where() {
    let world = World::new();
    let studio: OrganizationId = "studio-7".parse().unwrap();
    let service = Grant::new(Actor::Service("importer".into()), studio.clone(), "cron");
    let issued = world.tokens.issue(&service).await.unwrap();
    let verified = world.tokens.verify(issued.access()).await.unwrap();
    assert_eq!(verified.actor(), &Actor::Service("importer".into()));
    assert_eq!(verified.organization(), &studio);
    assert_eq!(verified.session(), Some(issued.session()));
    assert_eq!(verified.issued(), world.clock.now());
    assert_eq!(verified.expires(), issued.expires());
    let issued = world.sign_in("importer").await;
    let verified = world.tokens.verify(issued.access()).await.unwrap();
    assert_eq!(verified.actor(), &user("importer"));
    let host = Grant::new(Actor::Host, studio, "web");
    let error = world.tokens.issue(&host).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
}

#[tokio::test]
async fn t2_keys_have_one_purpose_and_policies_have_bounds() {
    let world = World::new();
    let make = |keys: TokenKeys, policy: TokenPolicy| {
        let clock = std::sync::Arc::new(world.clock.clone());
        TokenService::new(
            std::sync::Arc::clone(&world.backend),
            keys,
            policy,
            clock,
            entropy(),
        )
    };
    let set = |purpose, id: &str, secret: &str| KeySet::new(key(purpose, id, secret));
    let swapped = TokenKeys {
        access: set(KeyUse::Refresh, "k1", ACCESS),
        refresh: set(KeyUse::Access, "r1", REFRESH),
    };
    let one_secret = TokenKeys {
        access: set(KeyUse::Access, "k1", ACCESS),
        refresh: set(KeyUse::Refresh, "r1", ACCESS),
    };
    for keys in [swapped, one_secret] {
        assert_eq!(
            make(keys, policy()).unwrap_err().kind(),
            ErrorKind::InvalidInput
        );
    }
    let day = Duration::from_secs(86_400);
    for policy in [
        policy().with_max_access_life(day + Duration::from_secs(1)),
        policy().with_access_life(day * 2),
        policy().with_access_life(Duration::ZERO),
        policy().with_leeway(Duration::from_secs(61)),
        policy().with_session_life(day * 367),
        policy().with_reuse_leeway(Duration::from_secs(61)),
        TokenPolicy::new("", "garland-api", crate::world::known()),
    ] {
        assert_eq!(
            make(keys(), policy).unwrap_err().kind(),
            ErrorKind::InvalidInput
        );
    }
    assert!(make(keys(), policy()).is_ok());
}

#[tokio::test]
async fn t2_a_key_follows_another_with_an_overlap() {
    let world = World::new();
    let old = world.sign_in("u1").await;
    let until = world.clock.now().saturating_add(Duration::from_secs(300));
    let after = |until| TokenKeys {
        access: KeySet::new(key(
            KeyUse::Access,
            "k2",
            "the-next-key-is-made-of-32-bytes",
        ))
        .with_older(key(KeyUse::Access, "k1", ACCESS), until)
        .unwrap(),
        refresh: keys().refresh,
    };
    let rotated = service(&world.backend, &world.clock, policy(), after(until));
    let new = rotated.issue(&grant("u1")).await.unwrap();
    assert!(rotated.verify(old.access()).await.is_ok());
    assert!(rotated.verify(new.access()).await.is_ok());
    assert_eq!(world.refuses(new.access()).await, Some(DenyReason::Key));
    world.pass(300);
    assert_eq!(reason(rotated.verify(old.access()).await), DenyReason::Key);
    assert!(rotated.verify(new.access()).await.is_ok());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn t3_what_is_signed_is_taken_and_says_the_same(
        sub in "[^\\p{Cc}]{1,60}",
        org in "[A-Za-z0-9._-]{1,64}",
        client in "[a-z]{1,20}",
        wide in any::<bool>(),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            let world = World::new();
            let organization: OrganizationId = org.parse().unwrap();
            let names: &[&str] = if wide { &["files:read", "msg:send"] } else { &[] };
            let granted = Grant::new(user(&sub), organization.clone(), client)
                .with_permissions(names.iter().map(|name| name.parse().unwrap()));
            let issued = world.tokens.issue(&granted).await.unwrap();
            let verified = world.tokens.verify(issued.access()).await.unwrap();
            assert_eq!(verified.actor(), &user(&sub));
            assert_eq!(verified.organization(), &organization);
            let found: Vec<_> = verified.permissions().iter().map(|one| one.as_str()).collect();
            assert_eq!(found, names);
        });
    }

    #[test]
    fn t1_any_other_byte_is_refused(at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            let world = World::new();
            let issued = world.sign_in("u1").await;
            let mut bytes = issued.access().as_bytes().to_vec();
            let at = at.index(bytes.len());
            prop_assume!(bytes[at] != byte);
            bytes[at] = byte;
            let changed = String::from_utf8_lossy(&bytes);
            prop_assert!(world.refuses(&changed).await.is_some(), "byte {at} as {byte}");
            Ok(())
        })?;
    }

    #[test]
    fn t1_no_text_is_a_token(text in ".{0,200}", payload in ".{0,200}", header in ".{0,80}") {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            let world = World::new();
            for token in [text, sign(&header, &payload), sign(HEADER, &payload)] {
                prop_assert!(world.refuses(&token).await.is_some());
                prop_assert!(world.tokens.refresh(&token, "web").await.is_err());
            }
            Ok(())
        })?;
    }
}

#[tokio::test]
async fn t1_every_byte_matters() {
    let world = World::new();
    let issued = world.sign_in("u1").await;
    let good = issued.access();
    for at in 0..good.len() {
        for byte in [b'A', b'-', b'.', b'=', b' '] {
            let mut bytes = good.as_bytes().to_vec();
            if bytes[at] == byte {
                continue;
            }
            bytes[at] = byte;
            let changed = String::from_utf8(bytes).unwrap();
            assert!(
                world.refuses(&changed).await.is_some(),
                "byte {at} as {byte}"
            );
        }
        assert!(world.refuses(&good[..at]).await.is_some(), "cut at {at}");
        assert!(
            world.refuses(&good[at + 1..]).await.is_some(),
            "without {at}"
        );
    }
}
