//! Tokens, the keys that sign them, and those who try others.

use garland::crypto::tokens::{
    Grant, KeySet, KeyUse, KnownPermissions, SigningKey, TOKEN_REVOCATIONS, TOKEN_SESSIONS,
    TokenKeys, TokenPolicy, TokenService,
};
use garland::crypto::{SecretBytes, SecretKey, SystemEntropy};
use garland::permission::Actor;

use crate::day::{Day, entropy};

pub(crate) async fn live(day: &mut Day) {
    let keys = |day: &mut Day, purpose| {
        let root = SecretKey::generate(&SystemEntropy::new()).unwrap();
        day.planted.plant("signing key", root.expose());
        KeySet::new(SigningKey::derive(purpose, "2027".parse().unwrap(), &root).unwrap())
    };
    let keys = TokenKeys {
        access: keys(day, KeyUse::Access),
        refresh: keys(day, KeyUse::Refresh),
    };
    day.print(&keys);
    day.print(&keys.access);
    day.print(keys.access.signing());
    let known = KnownPermissions::parse(["files:read"]).unwrap();
    let policy = TokenPolicy::new("https://studio.test", "studio-api", known);
    day.print(&policy);
    day.print(&policy.permissions);
    day.print(keys.access.signing().id());
    let tokens = TokenService::new(day.backend(), keys, policy, day.clock(), entropy()).unwrap();
    day.print(&tokens);
    let grant = Grant::new(Actor::User("u1".into()), day.organization("studio"), "web");
    let grant = grant.with_permissions(["files:read".parse().unwrap()]);
    day.print(&grant);
    day.print(&grant.permissions[0]);
    let issued = tokens.issue(&grant).await.unwrap();
    day.print(&issued);
    let refreshed = tokens.refresh(issued.refresh(), "web").await.unwrap();
    for issued in [&issued, &refreshed] {
        day.planted
            .plant("access token", issued.access().as_bytes());
        day.planted
            .plant("refresh token", issued.refresh().as_bytes());
    }
    let verified = tokens.verify(refreshed.access()).await.unwrap();
    day.print(&verified);
    let bent = refreshed.access().replace('e', "f");
    let refused = tokens.verify(&bent).await;
    day.fails(refused);
    let bent = refreshed.refresh().replace('A', "B");
    let refused = tokens.refresh(&format!("{bent}x"), "web").await;
    day.fails(refused);
    let reused = tokens.refresh(issued.refresh(), "web").await;
    day.fails(reused);
    let over = tokens.verify(refreshed.access()).await;
    day.fails(over);
    let again = tokens.issue(&grant).await.unwrap();
    day.planted.plant("access token", again.access().as_bytes());
    day.planted
        .plant("refresh token", again.refresh().as_bytes());
    let verified = tokens.verify(again.access()).await.unwrap();
    tokens.revoke(&verified).await.unwrap();
    let store = day.store("studio");
    day.print_all(&store, &TOKEN_SESSIONS).await;
    day.print_all(&store, &TOKEN_REVOCATIONS).await;
    let id = format!("token/{}", verified.id()).parse().unwrap();
    let revoked = store.get(&TOKEN_REVOCATIONS, &id).await.unwrap().unwrap();
    day.print(&revoked.value.what);
    let wrong = SecretBytes::from("short");
    let short = SigningKey::new(KeyUse::Access, "2028".parse().unwrap(), &wrong);
    day.fails(short);
}
