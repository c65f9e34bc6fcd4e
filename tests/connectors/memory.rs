//! What the account in memory promises to tests beyond the seam.

use std::time::Duration;

use garland::connector::{
    ChangeHint, Favourite, FileFacts, FileStore, GalleryAccess, GalleryHost, GallerySpec, Hashes,
    MediaSource, Metric, NewGalleryItem, Post, PostMedia, Publisher, SubscriptionRequest,
    UploadRequest, WebhookSecret, WebhookSource,
};
use garland::platforms::{MemoryOptions, MemoryPlatform};
use garland::{ErrorKind, Timestamp};

use crate::tools::{path, put, read};

#[tokio::test]
async fn an_account_that_is_full_takes_nothing_more_and_loses_nothing() {
    let options = MemoryOptions::new(FileFacts::default()).with_capacity(10);
    let account = MemoryPlatform::new(options);
    put(&account, "a", "12345678").await.unwrap();
    let error = put(&account, "b", "123").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Full);
    assert_eq!(account.contents().len(), 1);
    account.expire_uploads();
    put(&account, "b", "12").await.unwrap();
}

#[tokio::test]
async fn a_file_that_changes_while_it_is_read_ends_the_read() {
    use futures_util::StreamExt as _;

    let account = MemoryPlatform::new(MemoryOptions::default().with_piece_size(2));
    account.put("a", "1234").unwrap();
    let mut reader = account.read(&path("a"), Default::default()).await.unwrap();
    assert_eq!(reader.bytes.next().await.unwrap().unwrap(), "12");
    account.put("a", "5678").unwrap();
    let error = reader.bytes.next().await.unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Changed);
}

#[tokio::test]
async fn rot_changes_bytes_and_no_evidence() {
    let account = MemoryPlatform::default();
    let moment = Timestamp::from_millis(1_000);
    let before = account.put_at("a", "12345", moment).unwrap();
    assert!(account.rot("a"));
    assert_eq!(account.stat(&path("a")).await.unwrap(), Some(before));
    assert_ne!(read(&account, "a").await.unwrap(), b"12345");
    assert!(!account.rot("missing"));
}

#[tokio::test]
async fn a_platform_that_checks_hashes_takes_no_other_bytes() {
    let account = MemoryPlatform::default();
    let mut session = account
        .upload(UploadRequest::new(path("a"), 1))
        .await
        .unwrap();
    session.write("x".into()).await.unwrap();
    let other = Hashes::new().with(garland::connector::HashAlgorithm::Md5, &[0; 16]);
    let error = session.finish(&other).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    assert!(account.contents().is_empty());
}

#[tokio::test]
async fn favourites_come_back_page_by_page_and_outlive_the_end_of_a_gallery() {
    let account = MemoryPlatform::new(MemoryOptions::default().with_page_size(2));
    let key = "sneak-peek".parse().unwrap();
    let gallery = account
        .create_gallery(&key, &GallerySpec::new("Sneak peek"))
        .await
        .unwrap()
        .id;
    let mut marks = Vec::new();
    for number in 0..5 {
        let name = format!("{number}.jpg");
        account.put(&name, "picture").unwrap();
        let item = NewGalleryItem::new(path(&name));
        let item = account.add_item(&gallery, &item).await.unwrap().id;
        marks.push(Favourite::new(item, "Album").with_note(format!("number {number}")));
    }
    let draft = account.mark(&gallery, marks[0].clone()).unwrap_err();
    assert_eq!(draft.kind(), ErrorKind::NotFound, "nobody sees a draft");
    let end = account.advance(Duration::from_secs(60));
    let end = end.saturating_add(Duration::from_secs(3600));
    let access = GalleryAccess::default().with_password("lisbon");
    let ends = access.clone().with_expires(end);
    account.publish_gallery(&gallery, &ends).await.unwrap();
    for mark in &marks {
        account.mark(&gallery, mark.clone()).unwrap();
    }
    assert!(account.opens(&gallery, Some("lisbon")));
    assert!(!account.opens(&gallery, Some("porto")) && !account.opens(&gallery, None));
    account.advance(Duration::from_secs(3600));
    assert!(!account.opens(&gallery, Some("lisbon")), "it has ended");
    account.publish_gallery(&gallery, &access).await.unwrap();
    assert!(account.opens(&gallery, Some("lisbon")));
    let (mut read, mut after) = (Vec::new(), None);
    loop {
        let page = account.favourites(&gallery, after.as_ref()).await.unwrap();
        assert!(page.items.len() <= 2);
        read.extend(page.items);
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(read, marks);
}

#[tokio::test]
async fn a_gallery_follows_its_files() {
    let account = MemoryPlatform::default();
    let key = "key".parse().unwrap();
    let spec = GallerySpec::new("Day");
    let gallery = account.create_gallery(&key, &spec).await.unwrap().id;
    account.put("a.jpg", "a").unwrap();
    let item = NewGalleryItem::new(path("a.jpg"));
    let item = account.add_item(&gallery, &item).await.unwrap();
    let anything = garland::connector::Expect::Anything;
    let (from, to) = (path("a.jpg"), path("day/b.jpg"));
    account.rename(&from, &anything, &to).await.unwrap();
    let items = account.items(&gallery, None).await.unwrap().items;
    assert_eq!((&items[0].id, &items[0].item.file), (&item.id, &to));
    assert!(account.remove("day/b.jpg").unwrap());
    assert_eq!(account.items(&gallery, None).await.unwrap().items, []);
}

#[tokio::test]
async fn a_post_is_out_once_and_is_counted() {
    let account = MemoryPlatform::new(MemoryOptions::default().with_job_steps(0));
    let media = PostMedia::new(MediaSource::Url("https://x.test/a".into()), "image/jpeg");
    let post = Post::new("Golden hour").with_media(media);
    let key = "campaign-1".parse().unwrap();
    for _ in 0..3 {
        let job = account.publish(&key, &post, None).await.unwrap();
        account.publish_status(&job).await.unwrap();
    }
    let [(id, out)] = &account.posts()[..] else {
        panic!("posted more than once: {:?}", account.posts())
    };
    assert_eq!(*out, post);
    assert!(account.count(id, Metric::Likes, 40) && account.count(id, Metric::Likes, 2));
    let insights = account.insights(id).await.unwrap();
    assert_eq!(insights.counts.get(&Metric::Likes), Some(&42));
    assert_eq!(
        insights.counts.get(&Metric::Views),
        None,
        "not counted is not zero"
    );
}

#[tokio::test]
async fn a_delivery_is_good_for_five_minutes_and_for_its_subscriber() {
    let account = MemoryPlatform::default();
    let secret = WebhookSecret::new("0123456789abcdef0123456789abcdef");
    let request = SubscriptionRequest::new("https://studio.test/hook", secret);
    let key = "hook".parse().unwrap();
    let subscription = account.subscribe(&key, &request).await.unwrap();
    let hints = [ChangeHint::File(path("a.jpg")), ChangeHint::Contacts];
    let delivery = account.deliver(&subscription.id, &hints).unwrap();
    let now = account.advance(Duration::ZERO);
    let verify = |now| account.verify(Some(&subscription), &delivery, now);
    assert_eq!(verify(now).unwrap().hints, hints);
    let late = now.saturating_add(Duration::from_secs(300));
    assert!(verify(late).is_ok());
    let late = now.saturating_add(Duration::from_secs(301));
    assert_eq!(verify(late).unwrap_err().kind(), ErrorKind::Denied);
    let early = Timestamp::from_millis(now.as_millis() - 301_000);
    assert_eq!(verify(early).unwrap_err().kind(), ErrorKind::Denied);
    account.unsubscribe(&subscription.id).await.unwrap();
    let error = account.deliver(&subscription.id, &hints).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
}
