//! Rules of share links.

use crate::connector::{LinkOptions, LinkScope};
use crate::error::ErrorKind;

use super::account::{Account, kind, path, put};

pub(super) async fn a_link_is_made_listed_and_revoked(account: &Account) {
    let (Some(files), Some(links)) = (account.files(), account.first().links()) else {
        return;
    };
    put(files, "day/a.txt", "a").await;
    put(files, "day/b.txt", "b").await;
    let target = path("day/a.txt");
    let mut made = None;
    for scope in [LinkScope::Organization, LinkScope::Anyone] {
        let options = LinkOptions::default().with_scope(scope);
        match links.create_link(&target, &options).await {
            Ok(link) => made = Some(link),
            Err(error) => assert_eq!(error.kind(), ErrorKind::Unsupported, "{error:?}"),
        }
    }
    let Some(link) = made else { return };
    assert_eq!(link.path, target);
    assert!(!link.url.is_empty());
    assert!(links.links(&target).await.unwrap().contains(&link));
    assert_eq!(links.links(&path("day/b.txt")).await.unwrap(), []);
    for _ in 0..2 {
        links.revoke_link(&link.id).await.unwrap();
        assert!(!links.links(&target).await.unwrap().contains(&link));
    }
}

pub(super) async fn a_link_to_nothing_is_refused(account: &Account) {
    let Some(links) = account.first().links() else {
        return;
    };
    let options = LinkOptions::default();
    let answer = links.create_link(&path("missing.txt"), &options).await;
    assert_eq!(kind(answer), ErrorKind::NotFound);
}
