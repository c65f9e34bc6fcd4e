//! Links and webhooks.

use garland::ErrorKind::*;
use garland::Timestamp;
use garland::connector::{
    ChangeHint, Expect, LinkOptions, LinkScope, PlatformConnector as _, Subscription,
    SubscriptionId, WebhookDelivery,
};
use serde_json::Value;

use super::conformance::delivery;
use super::fake::{ACCOUNT, Fault};
use super::setup::{Setup, builder, path, put};
use crate::support::shared;

fn open() -> LinkOptions {
    LinkOptions::default().with_scope(LinkScope::Anyone)
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_millis(1_900_000_000_000 + second * 1_000)
}

#[tokio::test]
async fn a_link_that_is_there_is_given_again_only_if_it_is_no_wider() {
    let setup = Setup::new().await;
    put(setup.files(), "a.jpg", "a", Expect::Absent)
        .await
        .unwrap();
    let (links, a) = (setup.dropbox.links().unwrap(), path("a.jpg"));
    let made = links
        .create_link(&a, &open().with_expires(at(60)))
        .await
        .unwrap();
    assert_eq!(made.expires, Some(at(60)));
    assert!(made.url.contains("rlkey") && !format!("{made:?}").contains("rlkey"));
    for fits in [
        open(),
        open().with_expires(at(60)),
        open().with_expires(at(61)),
    ] {
        assert_eq!(links.create_link(&a, &fits).await.unwrap(), made);
    }
    for narrower in [
        open().with_expires(at(59)),
        open().with_password("a password"),
        LinkOptions::default(),
    ] {
        let refused = links.create_link(&a, &narrower).await.unwrap_err();
        assert_eq!(refused.kind(), Unsupported, "{narrower:?}");
    }
    setup.fake.world().links[0].access = "editor".to_owned();
    let wider = links.create_link(&a, &open()).await.unwrap_err();
    assert_eq!(wider.kind(), Unsupported);
    assert_eq!(setup.fake.world().links.len(), 1);
}

#[tokio::test]
async fn a_link_asks_for_its_password_and_ends_in_time() {
    let setup = Setup::new().await;
    put(setup.files(), "day/a.jpg", "a", Expect::Absent)
        .await
        .unwrap();
    let options = LinkOptions::default()
        .with_expires(at(0))
        .with_password("a password");
    let links = setup.dropbox.links().unwrap();
    let made = links.create_link(&path("day"), &options).await.unwrap();
    let kept = setup.fake.world().links[0].clone();
    assert!(kept.has_password && kept.audience == "team" && kept.access == "viewer");
    assert_eq!(kept.expires.as_deref(), Some("2030-03-17T17:46:40Z"));
    assert_eq!(links.links(&path("day")).await.unwrap(), [made]);
    assert_eq!(links.links(&path("day/a.jpg")).await.unwrap(), []);
}

#[tokio::test]
async fn what_the_plan_does_not_allow_is_not_made_wider_instead() {
    let setup = Setup::new().await;
    setup.fake.world().is_team = false;
    put(setup.files(), "a.jpg", "a", Expect::Absent)
        .await
        .unwrap();
    let (links, a) = (setup.dropbox.links().unwrap(), path("a.jpg"));
    for options in [
        LinkOptions::default(),
        open().with_password("a password"),
        open().with_expires(at(0)),
    ] {
        let refused = links.create_link(&a, &options).await.unwrap_err();
        assert_eq!(refused.kind(), Unsupported);
    }
    // What Dropbox makes wider than asked is ended again.
    setup.fake.world().is_team = true;
    let made = links
        .create_link(&a, &LinkOptions::default())
        .await
        .unwrap();
    let other = serde_json::json!({"url": made.url, "name": "a.jpg", "link_permissions": {
        "effective_audience": {".tag": "public"}, "require_password": false}});
    setup.fake.plan(
        "sharing/create_shared_link_with_settings",
        Fault::Answer(200, other),
    );
    let refused = links.create_link(&a, &LinkOptions::default()).await;
    assert_eq!(refused.unwrap_err().kind(), Unsupported);
    assert_eq!(setup.fake.world().links.len(), 0);
}

#[tokio::test]
async fn a_link_to_what_was_deleted_has_ended() {
    let setup = Setup::new().await;
    put(setup.files(), "a.jpg", "a", Expect::Absent)
        .await
        .unwrap();
    let links = setup.dropbox.links().unwrap();
    let made = links.create_link(&path("a.jpg"), &open()).await.unwrap();
    setup.fake.world().take("/a.jpg");
    links.revoke_link(&made.id).await.unwrap();
    assert_eq!(links.links(&path("a.jpg")).await.unwrap(), []);
    let wrong = links.revoke_link("https://www.dropbox.com/scl/fi/1").await;
    assert_eq!(wrong.unwrap_err().kind(), InvalidInput);
}

#[tokio::test]
async fn a_challenge_is_echoed_and_nothing_else() {
    let setup = Setup::new().await;
    let hooks = setup.dropbox.webhooks().unwrap();
    let call = |query: &str| {
        let delivery = WebhookDelivery::new("GET", format!("https://studio.example/h{query}"), "");
        hooks.verify(None, &delivery, Timestamp::default())
    };
    let read = call("?challenge=dBXchallenge-1").unwrap();
    assert_eq!(
        (read.reply.status, read.reply.media_type),
        (200, "text/plain")
    );
    assert_eq!(
        (&*read.reply.body, read.hints.len()),
        (&b"dBXchallenge-1"[..], 0)
    );
    let long = format!("?challenge={}", "x".repeat(257));
    for wrong in [
        "",
        "?challenge=",
        "?challenge=a&challenge=b",
        "?challenge=%00",
        &long,
    ] {
        assert_eq!(call(wrong).unwrap_err().kind(), Denied, "{wrong}");
    }
}

#[tokio::test]
async fn news_of_other_accounts_is_no_hint() {
    let setup = Setup::with(|builder| builder.account_id(ACCOUNT)).await;
    let subscription = Subscription::new(SubscriptionId::new("app"));
    let hooks = setup.dropbox.webhooks().unwrap();
    let hints = |account: &str| {
        let read = hooks.verify(
            Some(&subscription),
            &delivery(account),
            Timestamp::default(),
        );
        read.unwrap().hints
    };
    assert_eq!(hints(ACCOUNT), [ChangeHint::Files]);
    assert_eq!(hints("dbid:another"), []);
}

#[tokio::test]
async fn published_vectors_of_deliveries_hold() {
    let Some(list) = shared("vectors of webhooks", "vectors/security/webhooks.json") else {
        return;
    };
    let text = std::fs::read(list).unwrap();
    let vectors: Value = serde_json::from_slice(&text).unwrap();
    let setup = Setup::new().await;
    let subscription = Subscription::new(SubscriptionId::new("app"));
    let mut count = 0;
    for entry in vectors["entries"].as_array().unwrap() {
        if entry["scheme"] != "dropbox" {
            continue;
        }
        let secret = entry["secret"].as_str().unwrap();
        let secret = garland::connector::WebhookSecret::new(secret);
        let account = builder(&setup.server.base(""))
            .app_secret(secret)
            .build()
            .unwrap();
        let body = entry["body"].as_str().unwrap().to_owned();
        let mut delivery = WebhookDelivery::new("POST", "https://studio.example/h", body);
        for (name, value) in entry["headers"].as_object().unwrap() {
            delivery = delivery.with_header(name, value.as_str().unwrap());
        }
        let hooks = account.webhooks().unwrap();
        let read = hooks.verify(Some(&subscription), &delivery, Timestamp::default());
        assert_eq!(read.is_ok(), entry["valid"] == true, "{entry}");
        count += 1;
    }
    assert!(count > 0);
}
