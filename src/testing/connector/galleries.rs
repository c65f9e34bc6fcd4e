//! Rules of galleries.

use std::time::Duration;

use crate::connector::{
    FileStore, Gallery, GalleryAccess, GalleryHost, GalleryId, GalleryItem, GalleryItemId,
    GallerySpec, GalleryState, NewGalleryItem,
};
use crate::error::ErrorKind;

use super::account::{Account, all_pages, key, kind, path, put};

pub(super) async fn a_gallery_is_made_once_for_a_key(account: &Account) {
    let Some(host) = account.first().galleries() else {
        return;
    };
    let spec = GallerySpec::new("Ada & Grace").with_description("Lisbon");
    let made = host.create_gallery(&key("one"), &spec).await.unwrap();
    assert_eq!((made.state, &made.spec), (GalleryState::Draft, &spec));
    assert_eq!(made.url, None, "nobody sees a draft");
    let again = host.create_gallery(&key("one"), &spec).await.unwrap();
    assert_eq!(again, made);
    let other = GallerySpec::new("Another");
    let answer = host.create_gallery(&key("one"), &other).await;
    assert_eq!(kind(answer), ErrorKind::Conflict);
    let second = host.create_gallery(&key("two"), &spec).await.unwrap();
    assert_ne!(second.id, made.id, "a title is no key");
    assert_eq!(galleries(host).await.len(), 2);
}

pub(super) async fn every_gallery_and_item_is_on_one_page(account: &Account) {
    let (Some(files), Some(host)) = (account.files(), account.first().galleries()) else {
        return;
    };
    let mut made = Vec::new();
    for number in 0..9 {
        let spec = GallerySpec::new(format!("Gallery {number}"));
        let key = key(&format!("key-{number}"));
        made.push(host.create_gallery(&key, &spec).await.unwrap());
    }
    let mut listed = galleries(host).await;
    made.sort_by(|a, b| a.id.cmp(&b.id));
    listed.sort_by(|a, b| a.id.cmp(&b.id));
    assert_eq!(listed, made);
    let names: Vec<String> = (0..9).map(|number| format!("day/{number}.jpg")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let (gallery, added) = filled(files, host, &names).await;
    assert_eq!(items(host, &gallery.id).await, added);
}

pub(super) async fn a_gallery_becomes_what_it_is_told(account: &Account) {
    let (Some(files), Some(host)) = (account.files(), account.first().galleries()) else {
        return;
    };
    let (gallery, added) = filled(files, host, &["a.jpg"]).await;
    let cover = added.first().map(|item| item.id.clone());
    let spec = GallerySpec::new("New title").with_cover(cover);
    let updated = host.update_gallery(&gallery.id, &spec).await.unwrap();
    assert_eq!(updated.spec, spec);
    assert_eq!(host.gallery(&gallery.id).await.unwrap(), updated);
    let spec = spec.with_cover(GalleryItemId::new("no-such-item"));
    let answer = host.update_gallery(&gallery.id, &spec).await;
    assert_eq!(kind(answer), ErrorKind::NotFound);
    assert_eq!(host.gallery(&gallery.id).await.unwrap(), updated);
}

pub(super) async fn a_file_is_in_a_gallery_once(account: &Account) {
    let (Some(files), Some(host)) = (account.files(), account.first().galleries()) else {
        return;
    };
    let (gallery, added) = filled(files, host, &["a.jpg", "b.jpg"]).await;
    let again = NewGalleryItem::new(path("a.jpg")).with_caption("The rings");
    let again = host.add_item(&gallery.id, &again).await.unwrap();
    assert_eq!(added.first().map(|item| &item.id), Some(&again.id));
    assert_eq!(again.item.caption, "The rings");
    assert_eq!(items(host, &gallery.id).await.len(), 2);
    let missing = NewGalleryItem::new(path("missing.jpg"));
    let answer = host.add_item(&gallery.id, &missing).await;
    assert_eq!(kind(answer), ErrorKind::NotFound);
    let set = NewGalleryItem::new(path("b.jpg")).with_set("Ceremony");
    let answer = host.add_item(&gallery.id, &set).await;
    if host.facts().sets {
        assert_eq!(answer.unwrap().item, set);
    } else {
        assert_eq!(kind(answer), ErrorKind::Unsupported);
    }
}

pub(super) async fn items_stand_in_the_order_they_are_given(account: &Account) {
    let (Some(files), Some(host)) = (account.files(), account.first().galleries()) else {
        return;
    };
    let (gallery, added) = filled(files, host, &["a.jpg", "b.jpg", "c.jpg"]).await;
    let [a, b, c] = added.as_slice() else {
        unreachable!("three were added")
    };
    let order = [c.id.clone(), a.id.clone()];
    let answer = host.order_items(&gallery.id, &order).await;
    if !host.facts().ordering {
        assert_eq!(kind(answer), ErrorKind::Unsupported);
        return;
    }
    answer.unwrap();
    let expected = [c.clone(), a.clone(), b.clone()];
    assert_eq!(items(host, &gallery.id).await, expected);
    let twice = [a.id.clone(), a.id.clone()];
    let answer = host.order_items(&gallery.id, &twice).await;
    assert_eq!(kind(answer), ErrorKind::InvalidInput);
    let foreign = [a.id.clone(), GalleryItemId::new("no-such-item")];
    let answer = host.order_items(&gallery.id, &foreign).await;
    assert_eq!(kind(answer), ErrorKind::NotFound);
    assert_eq!(items(host, &gallery.id).await, expected);
}

pub(super) async fn a_removed_item_is_gone_and_the_others_stay(account: &Account) {
    let (Some(files), Some(host)) = (account.files(), account.first().galleries()) else {
        return;
    };
    let (gallery, mut added) = filled(files, host, &["a.jpg", "b.jpg"]).await;
    let gone = added.remove(0);
    for _ in 0..2 {
        host.remove_item(&gallery.id, &gone.id).await.unwrap();
        assert_eq!(items(host, &gallery.id).await, added);
    }
    if gallery.folder.is_none() {
        assert!(files.stat(&path("a.jpg")).await.unwrap().is_some());
    }
}

pub(super) async fn a_gallery_is_published_and_hidden_again(account: &Account) {
    let (Some(files), Some(host)) = (account.files(), account.first().galleries()) else {
        return;
    };
    let (gallery, added) = filled(files, host, &["a.jpg"]).await;
    for _ in 0..2 {
        let access = GalleryAccess::default();
        let shown = host.publish_gallery(&gallery.id, &access).await.unwrap();
        assert_eq!(shown.state, GalleryState::Published);
        let url = shown.url.clone().unwrap();
        assert!(
            !format!("{shown:?}").contains(&url),
            "whoever has it may look"
        );
        assert_eq!(host.gallery(&gallery.id).await.unwrap(), shown);
    }
    for _ in 0..2 {
        let hidden = host.unpublish_gallery(&gallery.id).await.unwrap();
        assert_eq!((hidden.state, hidden.url), (GalleryState::Draft, None));
    }
    assert_eq!(items(host, &gallery.id).await, added);
}

pub(super) async fn a_gallery_is_never_more_open_than_asked_for(account: &Account) {
    let Some(host) = account.first().galleries() else {
        return;
    };
    let spec = GallerySpec::new("Locked");
    let gallery = host.create_gallery(&key("locked"), &spec).await.unwrap();
    let access = GalleryAccess::default().with_password("hunter2");
    assert!(!format!("{access:?}").contains("hunter2"));
    let answer = host.publish_gallery(&gallery.id, &access).await;
    if host.facts().passwords {
        assert!(answer.unwrap().has_password);
    } else {
        assert_eq!(kind(answer), ErrorKind::Unsupported);
        let gallery = host.gallery(&gallery.id).await.unwrap();
        assert_eq!(gallery.state, GalleryState::Draft);
    }
}

pub(super) async fn a_gallery_ends_at_its_time_and_opens_again_when_told(account: &Account) {
    let (Some(host), Some(now)) = (account.first().galleries(), account.advance(Duration::ZERO))
    else {
        return;
    };
    let spec = GallerySpec::new("Until tomorrow");
    let gallery = host.create_gallery(&key("ends"), &spec).await.unwrap();
    let day = Duration::from_secs(24 * 3600);
    let end = now.saturating_add(day);
    let access = GalleryAccess::default().with_expires(end);
    let answer = host.publish_gallery(&gallery.id, &access).await;
    if !host.facts().expiry {
        assert_eq!(kind(answer), ErrorKind::Unsupported);
        return;
    }
    let shown = answer.unwrap();
    assert_eq!(
        (shown.state, shown.expires),
        (GalleryState::Published, Some(end))
    );
    account.advance(day);
    let ended = host.gallery(&gallery.id).await.unwrap();
    assert_eq!((ended.state, ended.url), (GalleryState::Expired, None));
    let answer = host.publish_gallery(&gallery.id, &access).await;
    assert_eq!(kind(answer), ErrorKind::InvalidInput);
    let access = GalleryAccess::default();
    let shown = host.publish_gallery(&gallery.id, &access).await.unwrap();
    assert_eq!(
        (shown.state, shown.expires),
        (GalleryState::Published, None)
    );
}

pub(super) async fn favourites_are_told_where_there_are_some(account: &Account) {
    let Some(host) = account.first().galleries() else {
        return;
    };
    let spec = GallerySpec::new("Unseen");
    let gallery = host.create_gallery(&key("unseen"), &spec).await.unwrap();
    let answer = host.favourites(&gallery.id, None).await;
    if host.facts().favourites {
        let page = answer.unwrap();
        assert_eq!((page.items, page.next), (Vec::new(), None));
    } else {
        assert_eq!(kind(answer), ErrorKind::Unsupported);
    }
}

pub(super) async fn a_gallery_that_is_not_there_is_not_found(account: &Account) {
    let Some(host) = account.first().galleries() else {
        return;
    };
    let id = GalleryId::new("no-such-gallery");
    let spec = GallerySpec::new("x");
    let access = GalleryAccess::default();
    assert_eq!(kind(host.gallery(&id).await), ErrorKind::NotFound);
    assert_eq!(kind(host.items(&id, None).await), ErrorKind::NotFound);
    let answer = host.update_gallery(&id, &spec).await;
    assert_eq!(kind(answer), ErrorKind::NotFound);
    let answer = host.publish_gallery(&id, &access).await;
    assert_eq!(kind(answer), ErrorKind::NotFound);
    let answer = host.unpublish_gallery(&id).await;
    assert_eq!(kind(answer), ErrorKind::NotFound);
}

/// A gallery with these files in it, in this order.
async fn filled(
    files: &dyn FileStore,
    host: &dyn GalleryHost,
    names: &[&str],
) -> (Gallery, Vec<GalleryItem>) {
    let spec = GallerySpec::new("Filled");
    let gallery = host.create_gallery(&key("filled"), &spec).await.unwrap();
    let mut added = Vec::new();
    for name in names {
        put(files, name, "picture").await;
        let item = NewGalleryItem::new(path(name));
        let made = host.add_item(&gallery.id, &item).await.unwrap();
        assert_eq!(made.item, item);
        added.push(made);
    }
    (gallery, added)
}

async fn galleries(host: &dyn GalleryHost) -> Vec<Gallery> {
    all_pages(async |after| host.galleries(after.as_ref()).await).await
}

async fn items(host: &dyn GalleryHost, id: &GalleryId) -> Vec<GalleryItem> {
    all_pages(async |after| host.items(id, after.as_ref()).await).await
}
