//! Rules of webhooks: what is not proven to be genuine is refused.

use std::time::Duration;

use bytes::Bytes;

use crate::clock::Timestamp;
use crate::connector::{
    Subscription, SubscriptionRequest, WebhookDelivery, WebhookSecret, WebhookSource,
};
use crate::error::ErrorKind;

use super::account::{Account, key, kind};

const CALLBACK: &str = "https://studio.example.org/hooks/0123456789abcdef";
const SECRET: &str = "0123456789abcdef0123456789abcdef";

pub(super) async fn a_subscription_is_made_once_for_a_key(account: &Account) {
    let Some(source) = account.first().webhooks() else {
        return;
    };
    let made = subscribe(source).await;
    assert_eq!(subscribe(source).await.id, made.id);
    let secret = made.secret.as_ref().map_or(SECRET, WebhookSecret::expose);
    assert!(!format!("{made:?}").contains(secret));
    let request = request(CALLBACK);
    let text = format!("{request:?}");
    assert!(!text.contains(SECRET) && !text.contains(CALLBACK), "{text}");
}

pub(super) async fn a_subscription_lasts_until_its_end_and_longer_when_renewed(account: &Account) {
    let (Some(source), Some(now)) = (account.first().webhooks(), account.advance(Duration::ZERO))
    else {
        return;
    };
    let made = subscribe(source).await;
    let Some(end) = made.expires else { return };
    assert!(end > now);
    account.advance(end.saturating_since(now) / 2);
    let renewed = source.renew(&made).await.unwrap();
    let later = renewed.expires.unwrap();
    assert!(later > end, "{later} is not after {end}");
    account.advance(later.saturating_since(now));
    assert_eq!(kind(source.renew(&renewed).await), ErrorKind::Expired);
    for _ in 0..2 {
        source.unsubscribe(&renewed.id).await.unwrap();
    }
}

pub(super) async fn a_genuine_delivery_is_read_the_same_every_time(account: &Account) {
    let Some((source, subscription, delivery, now)) = delivered(account).await else {
        return;
    };
    let read = source.verify(Some(&subscription), &delivery, now).unwrap();
    assert!(!read.hints.is_empty());
    assert!((200..300).contains(&read.reply.status));
    let again = source.verify(Some(&subscription), &delivery, now);
    assert_eq!(again.unwrap(), read);
}

pub(super) async fn a_delivery_that_was_touched_is_refused(account: &Account) {
    let Some((source, subscription, delivery, now)) = delivered(account).await else {
        return;
    };
    let refused = |delivery: &WebhookDelivery, what: &str| {
        let answer = source.verify(Some(&subscription), delivery, now);
        assert!(answer.is_err(), "taken though {what}");
        assert_eq!(kind(answer), ErrorKind::Denied, "{what}");
    };
    let genuine = source.verify(Some(&subscription), &delivery, now).unwrap();
    for index in 0..delivery.headers.len() {
        let mut less = delivery.clone();
        let (name, value) = less.headers.remove(index);
        if account.is_unproven(&name) {
            continue;
        }
        // What the signature does not cover may be missing; it must then change nothing.
        if let Ok(read) = source.verify(Some(&subscription), &less, now) {
            assert_eq!(read, genuine, "without {name}");
            continue;
        }
        refused(&less, "a header is missing");
        refused(&delivery.clone().with_header(name, value), "one is doubled");
        for at in 0..value_length(&delivery, index) {
            let mut bent = delivery.clone();
            let (_, value) = bent.headers.get_mut(index).unwrap();
            let flip = |(place, c): (usize, char)| match (place == at, c) {
                (false, c) => c,
                (true, '0') => '1',
                (true, _) => '0',
            };
            *value = value.chars().enumerate().map(flip).collect();
            refused(&bent, "a character of a header is another");
        }
    }
    if !account.signs_bodies() {
        return;
    }
    for at in 0..delivery.body.len() {
        let mut bent = delivery.clone();
        let mut body = bent.body.to_vec();
        *body.get_mut(at).unwrap() ^= 1;
        bent.body = body.into();
        refused(&bent, "a bit of the body is another");
        let mut short = delivery.clone();
        short.body = short.body.slice(..at);
        refused(&short, "the body is cut");
    }
}

pub(super) async fn a_delivery_that_is_not_proven_is_refused(account: &Account) {
    let Some(source) = account.first().webhooks() else {
        return;
    };
    let subscription = subscribe(source).await;
    let now = account.advance(Duration::ZERO).unwrap_or_default();
    for body in ["", "{}", "null", "\u{0}", r#"{"hints":[["files",""]]}"#] {
        let delivery = WebhookDelivery::new("POST", CALLBACK, Bytes::from(body));
        for subscription in [None, Some(&subscription)] {
            let answer = source.verify(subscription, &delivery, now);
            assert_eq!(kind(answer), ErrorKind::Denied, "{body}");
        }
    }
    let Some((source, subscription, delivery, now)) = delivered(account).await else {
        return;
    };
    let answer = source.verify(None, &delivery, now);
    assert_eq!(kind(answer), ErrorKind::Denied, "without its subscription");
    let mut other = subscription;
    if other.secret.is_some() {
        other.secret = Some(WebhookSecret::new("another secret of thirty-two ch."));
        let answer = source.verify(Some(&other), &delivery, now);
        assert_eq!(kind(answer), ErrorKind::Denied, "by another secret");
    }
}

async fn subscribe(source: &dyn WebhookSource) -> Subscription {
    let request = request(CALLBACK);
    source.subscribe(&key("hook"), &request).await.unwrap()
}

fn request(callback: &str) -> SubscriptionRequest {
    SubscriptionRequest::new(callback, WebhookSecret::new(SECRET))
}

/// A genuine delivery and when it came; `None` if nobody said how one is made.
async fn delivered(
    account: &Account,
) -> Option<(&dyn WebhookSource, Subscription, WebhookDelivery, Timestamp)> {
    let source = account.first().webhooks()?;
    let subscription = subscribe(source).await;
    let (delivery, now) = account.deliver(&subscription)?;
    Some((source, subscription, delivery, now))
}

fn value_length(delivery: &WebhookDelivery, index: usize) -> usize {
    let header = delivery.headers.get(index);
    header.map_or(0, |(_, value)| value.chars().count())
}
