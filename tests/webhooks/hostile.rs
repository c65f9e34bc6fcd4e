//! Requests that nobody should believe.

use garland::ErrorKind;
use garland::connector::{ChangeHint, WebhookDelivery};
use garland::storage::{Query, RecordId};
use garland::testing::{FaultKind, FaultRule, Faults, Operation};
use garland::webhooks::WEBHOOK_HINTS;
use tokio::task::JoinSet;

use crate::office::Office;

const ACCOUNT: &str = "zoë drive";

#[tokio::test(start_paused = true)]
async fn what_is_not_proven_is_refused_and_leaves_nothing() {
    let office = Office::new();
    let inbox = office.inbox();
    inbox.subscribe(ACCOUNT).await.unwrap();
    let good = office.delivery(&[ChangeHint::Files]).await;
    let mut touched = good.clone();
    touched.body = [&good.body[..], b" "].concat().into();
    let mut bare = good.clone();
    bare.headers.clear();
    let (place, _) = good.url.rsplit_once('/').unwrap();
    let mut elsewhere = good.clone();
    elsewhere.url = format!("{place}/0197");
    let mut unknown = good.clone();
    unknown.url = good.url.replace("drive", "card");
    let mut large = good.clone();
    large.body = vec![b' '; (1 << 20) + 1].into();
    for (delivery, status) in [
        (touched, 401),
        (bare, 401),
        (elsewhere, 404),
        (unknown, 404),
        (large, 413),
        (WebhookDelivery::new("GET", "/", ""), 404),
        (WebhookDelivery::new("POST", "", ""), 404),
    ] {
        assert_eq!(
            inbox.receive(&delivery).await.status,
            status,
            "{delivery:?}"
        );
    }
    assert_eq!(office.hints().await, []);
    assert_eq!(inbox.receive(&good).await.status, 200);
}

#[tokio::test(start_paused = true)]
async fn a_handshake_is_answered_while_the_platform_is_being_asked() {
    let office = Office::new();
    let inbox = office.inbox();
    inbox.subscribe(ACCOUNT).await.unwrap();
    let url = office.delivery(&[]).await.url;
    let reply = inbox
        .receive(&WebhookDelivery::new(
            "GET",
            format!("{url}?challenge=abc1"),
            "",
        ))
        .await;
    assert_eq!((reply.status, &reply.body[..]), (200, &b"abc1"[..]));
}

#[tokio::test(start_paused = true)]
async fn a_delivery_that_comes_again_is_counted_once_and_many_at_once_are_all_kept() {
    let office = Office::new();
    let inbox = office.inbox();
    inbox.subscribe(ACCOUNT).await.unwrap();
    let mut deliveries = Vec::new();
    for number in 0..12 {
        let path = format!("{number}.jpg").parse().unwrap();
        deliveries.push(office.delivery(&[ChangeHint::File(path)]).await);
    }
    deliveries.extend(deliveries.clone());
    let mut tasks = JoinSet::new();
    for delivery in deliveries {
        let inbox = office.inbox();
        tasks.spawn(async move { inbox.receive(&delivery).await.status });
    }
    let statuses = tasks.join_all().await;
    // One that could not be kept is asked for again; none is answered and lost.
    let kept = office.hints().await.len();
    assert!(
        statuses.iter().all(|status| matches!(status, 200 | 503)),
        "{statuses:?}"
    );
    assert_eq!(kept, 12, "{statuses:?}");
    let id = RecordId::parse(ACCOUNT).unwrap();
    let record = office
        .store()
        .get(&WEBHOOK_HINTS, &id)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(record.value.deliveries, 12);
}

#[tokio::test(start_paused = true)]
async fn a_database_that_fails_has_the_platform_try_again() {
    let office = Office::new();
    office.inbox().subscribe(ACCOUNT).await.unwrap();
    let delivery = office.delivery(&[ChangeHint::Files]).await;
    let fails = FaultKind::Error(ErrorKind::Unavailable);
    let rule = FaultRule::new(Operation::Commit, fails).always();
    let inbox = office.inbox_over(&Faults::none().with_rule(rule));
    assert_eq!(inbox.receive(&delivery).await.status, 503);
    assert_eq!(office.hints().await, []);
    assert_eq!(office.inbox().receive(&delivery).await.status, 200);
}

#[tokio::test(start_paused = true)]
async fn no_secret_and_no_address_is_kept_in_the_clear() {
    let office = Office::new();
    let inbox = office.inbox();
    inbox.subscribe(ACCOUNT).await.unwrap();
    inbox
        .receive(&office.delivery(&[ChangeHint::Files]).await)
        .await;
    let all = office.everything().await;
    assert!(
        all.contains("active") && all.contains("webhooks.hinted"),
        "{all}"
    );
    assert!(
        !all.contains("hooks.example.com") && !all.contains("subscription-"),
        "{all}"
    );
    let page = Query::all("webhook_deliveries".parse().unwrap());
    assert_eq!(office.store().query(&page).await.unwrap().records.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_is_meant_for_one_organization_never_reaches_another() {
    let office = Office::new();
    let (store, theirs) = office.elsewhere();
    office.inbox().subscribe(ACCOUNT).await.unwrap();
    let delivery = office.delivery(&[ChangeHint::Files]).await;
    assert_eq!(theirs.receive(&delivery).await.status, 404);
    assert_eq!(theirs.act(async |_, _| Ok(())).await.unwrap(), 0);
    assert!(theirs.tend().await.unwrap().looked.is_empty());
    theirs.unsubscribe(ACCOUNT).await.unwrap();
    for name in ["webhook_subscriptions", "webhook_hints"] {
        let query = Query::all(name.parse().unwrap());
        assert!(
            store.query(&query).await.unwrap().records.is_empty(),
            "{name}"
        );
    }
    assert_eq!(office.inbox().receive(&delivery).await.status, 200);
}
