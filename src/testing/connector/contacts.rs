//! Rules of books. They hold for whatever is in them; an account may come with clients and jobs.

use crate::connector::{ClientId, ContactBook, ContactChange, ContactCursor, JobId};
use crate::error::ErrorKind;

use super::account::{Account, kind};

pub(super) async fn the_books_are_told_from_the_beginning_to_the_end(account: &Account) {
    let Some(book) = account.first().contacts() else {
        return;
    };
    let (all, end) = follow(book, None).await;
    let (again, _) = follow(book, None).await;
    assert_eq!(all, again);
    let (rest, _) = follow(book, Some(stored(&end))).await;
    assert_eq!(rest, [], "nothing has changed since");
}

pub(super) async fn a_record_of_the_books_is_what_is_told_of_it(account: &Account) {
    let Some(book) = account.first().contacts() else {
        return;
    };
    for change in follow(book, None).await.0 {
        match change {
            ContactChange::Client(client) => {
                assert!(!format!("{client:?}").contains(&client.name));
                assert_eq!(book.client(&client.id).await.unwrap(), client);
            }
            ContactChange::Job(job) => {
                assert_eq!(book.job(&job.id).await.unwrap(), job);
            }
            ContactChange::ClientGone(id) => {
                assert_eq!(kind(book.client(&id).await), ErrorKind::NotFound);
            }
            ContactChange::JobGone(id) => {
                assert_eq!(kind(book.job(&id).await), ErrorKind::NotFound);
            }
        }
    }
    let answer = book.client(&ClientId::new("no-such-client")).await;
    assert_eq!(kind(answer), ErrorKind::NotFound);
    let answer = book.job(&JobId::new("no-such-job")).await;
    assert_eq!(kind(answer), ErrorKind::NotFound);
}

pub(super) async fn a_cursor_of_the_books_that_is_foreign_or_ran_out_is_refused(account: &Account) {
    let Some(book) = account.first().contacts() else {
        return;
    };
    let (all, cursor) = follow(book, None).await;
    let foreign = ContactCursor::new("\u{1f470} not a cursor");
    let answer = book.contact_changes(Some(&foreign)).await;
    assert_eq!(kind(answer), ErrorKind::InvalidInput);
    if account.expire_cursors() {
        let answer = book.contact_changes(Some(&cursor)).await;
        assert_eq!(kind(answer), ErrorKind::Expired);
        assert_eq!(follow(book, None).await.0, all);
    }
}

/// Everything after a cursor, and where it ends.
async fn follow(
    book: &dyn ContactBook,
    mut since: Option<ContactCursor>,
) -> (Vec<ContactChange>, ContactCursor) {
    let mut all = Vec::new();
    loop {
        let page = book.contact_changes(since.as_ref()).await.unwrap();
        all.extend(page.changes);
        if !page.more {
            return (all, page.next);
        }
        since = Some(stored(&page.next));
    }
}

/// The cursor as another process reads it.
fn stored(cursor: &ContactCursor) -> ContactCursor {
    serde_json::from_str(&serde_json::to_string(cursor).unwrap()).unwrap()
}
