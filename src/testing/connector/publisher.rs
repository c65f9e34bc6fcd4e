//! Rules of publishing.

use std::sync::Arc;
use std::time::Duration;

use crate::connector::{
    MediaSource, Post, PostId, PostMedia, PublishJobId, PublishStatus, Publisher, Severity,
};
use crate::error::ErrorKind;

use super::account::{Account, POLLS, key, kind, path, put};

pub(super) async fn a_post_is_published_once_for_a_key(account: &Account) {
    let Some(publisher) = account.first().publisher() else {
        return;
    };
    let post = post(account).await;
    let job = publisher.publish(&key("one"), &post, None).await.unwrap();
    for _ in 0..2 {
        let again = publisher.publish(&key("one"), &post, None).await;
        assert_eq!(again.unwrap(), job);
        let end = end(publisher, &job).await;
        let PublishStatus::Published(published) = &end else {
            unreachable!("the post came to {end:?}")
        };
        publisher.insights(&published.id).await.unwrap();
    }
    let mut other = post.clone();
    other.caption.push('!');
    let answer = publisher.publish(&key("one"), &other, None).await;
    assert_eq!(kind(answer), ErrorKind::Conflict);
    let answer = publisher.cancel_publish(&job).await;
    assert_eq!(kind(answer), ErrorKind::Conflict, "it is out");
}

pub(super) async fn a_post_that_does_not_fit_is_told_and_refused(account: &Account) {
    let Some(publisher) = account.first().publisher() else {
        return;
    };
    let fitting = post(account).await;
    let is_error = |severity: Severity| severity == Severity::Error;
    let findings = publisher.validate(&fitting).await.unwrap();
    assert!(!findings.iter().any(|finding| is_error(finding.severity)));
    let nothing = Post::default();
    let findings = publisher.validate(&nothing).await.unwrap();
    assert!(findings.iter().any(|finding| is_error(finding.severity)));
    assert!(findings.iter().all(|finding| !finding.code.is_empty()));
    let answer = publisher.publish(&key("nothing"), &nothing, None).await;
    assert_eq!(kind(answer), ErrorKind::InvalidInput);
    let mut long = fitting;
    long.caption = "x".repeat(1_000_000);
    let findings = publisher.validate(&long).await.unwrap();
    assert!(findings.iter().any(|finding| is_error(finding.severity)));
}

pub(super) async fn a_source_of_media_that_is_not_taken_is_refused(account: &Account) {
    let Some(publisher) = account.first().publisher() else {
        return;
    };
    let facts = publisher.facts();
    assert!(
        facts.takes_files || facts.takes_urls,
        "a post needs a picture"
    );
    let url = "https://example.org/secret/a.jpg";
    let source = MediaSource::Url(url.to_owned());
    assert!(!format!("{source:?}").contains("secret"));
    if !facts.takes_urls {
        let post = Post::new("x").with_media(PostMedia::new(source, "image/jpeg"));
        let answer = publisher.publish(&key("url"), &post, None).await;
        assert_eq!(kind(answer), ErrorKind::Unsupported);
    }
    if account.files().is_some() {
        let source = MediaSource::File {
            connector: Arc::clone(account.first_shared()),
            path: path("missing.jpg"),
        };
        let post = Post::new("x").with_media(PostMedia::new(source, "image/jpeg"));
        let answer = publisher.publish(&key("file"), &post, None).await;
        let expected = if facts.takes_files {
            ErrorKind::NotFound
        } else {
            ErrorKind::Unsupported
        };
        assert_eq!(kind(answer), expected);
    }
}

pub(super) async fn a_post_waits_for_its_time_and_can_be_stopped(account: &Account) {
    let (Some(publisher), Some(now)) =
        (account.first().publisher(), account.advance(Duration::ZERO))
    else {
        return;
    };
    let post = post(account).await;
    let (hour, day) = (Duration::from_secs(3600), Duration::from_secs(24 * 3600));
    let at = now.saturating_add(day);
    let answer = publisher.publish(&key("waits"), &post, Some(at)).await;
    if !publisher.facts().schedules {
        assert_eq!(kind(answer), ErrorKind::Unsupported);
        return;
    }
    let waits = answer.unwrap();
    let stopped = publisher.publish(&key("stops"), &post, Some(at)).await;
    let stopped = stopped.unwrap();
    for _ in 0..POLLS {
        let status = publisher.publish_status(&waits).await.unwrap();
        assert_eq!(status, PublishStatus::Scheduled(at));
    }
    for _ in 0..2 {
        publisher.cancel_publish(&stopped).await.unwrap();
    }
    account.advance(day + hour);
    let status = end(publisher, &stopped).await;
    assert_eq!(status, PublishStatus::Cancelled);
    let status = end(publisher, &waits).await;
    assert!(matches!(status, PublishStatus::Published(_)), "{status:?}");
    let answer = publisher.publish(&key("late"), &post, Some(now)).await;
    assert_eq!(kind(answer), ErrorKind::InvalidInput);
}

pub(super) async fn a_post_that_is_not_there_is_not_found(account: &Account) {
    let Some(publisher) = account.first().publisher() else {
        return;
    };
    let job = PublishJobId::new("no-such-job");
    let answer = publisher.publish_status(&job).await;
    assert_eq!(kind(answer), ErrorKind::NotFound);
    let answer = publisher.cancel_publish(&job).await;
    assert_eq!(kind(answer), ErrorKind::NotFound);
    let answer = publisher.insights(&PostId::new("no-such-post")).await;
    assert_eq!(kind(answer), ErrorKind::NotFound);
}

/// A post with one picture that every platform takes.
async fn post(account: &Account) -> Post {
    let publisher = account.first().publisher();
    let takes_files = publisher.is_some_and(|publisher| publisher.facts().takes_files);
    let source = match account.files().filter(|_| takes_files) {
        Some(files) => {
            put(files, "post/a.jpg", "picture").await;
            MediaSource::File {
                connector: Arc::clone(account.first_shared()),
                path: path("post/a.jpg"),
            }
        }
        None => MediaSource::Url("https://example.org/a.jpg".to_owned()),
    };
    let media = PostMedia::new(source, "image/jpeg")
        .with_size(7)
        .with_pixels(1080, 1350)
        .with_alt_text("The couple under an arch of flowers");
    Post::new("Ada & Grace in Lisbon").with_media(media)
}

async fn end(publisher: &dyn Publisher, job: &PublishJobId) -> PublishStatus {
    for _ in 0..POLLS {
        match publisher.publish_status(job).await.unwrap() {
            PublishStatus::Scheduled(_) | PublishStatus::Processing => {}
            end => return end,
        }
        tokio::task::yield_now().await;
    }
    unreachable!("the post does not come to its end")
}
