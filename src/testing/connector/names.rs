//! Rules of names, as the account states them.

use crate::connector::{Expect, FilePath, UnicodeForm};
use crate::error::ErrorKind;

use super::account::{Account, kind, list, path, put, put_if, read, stat};

pub(super) async fn case_tells_names_apart_as_stated(account: &Account) {
    let Some(files) = account.files() else { return };
    put(files, "Day/a.jpg", "one").await;
    if files.facts().names.case_sensitive {
        put_if(files, "Day/A.JPG", "two", Expect::Absent)
            .await
            .unwrap();
        put_if(files, "day/a.jpg", "three", Expect::Absent)
            .await
            .unwrap();
        assert_eq!(list(files).await.len(), 3);
        assert_eq!(read(files, "Day/a.jpg").await, b"one");
        return;
    }
    for other in ["Day/A.JPG", "day/a.jpg"] {
        let answer = put_if(files, other, "two", Expect::Absent).await;
        assert_eq!(kind(answer), ErrorKind::AlreadyExists);
        assert_eq!(read(files, other).await, b"one");
    }
    assert_eq!(list(files).await.len(), 1);
    // Only the spelling changes.
    let (from, to) = (path("Day/a.jpg"), path("Day/A.jpg"));
    files.rename(&from, &Expect::Anything, &to).await.unwrap();
    assert_eq!(read(files, "Day/A.jpg").await, b"one");
    assert_eq!(list(files).await.len(), 1);
}

pub(super) async fn spellings_tell_names_apart_as_stated(account: &Account) {
    let Some(files) = account.files() else { return };
    let (composed, decomposed) = ("caf\u{e9}.jpg", "cafe\u{301}.jpg");
    put(files, decomposed, "one").await;
    let answer = put_if(files, composed, "two", Expect::Absent).await;
    if files.facts().names.unicode == UnicodeForm::AsWritten {
        answer.unwrap();
        assert_eq!(read(files, decomposed).await, b"one");
        assert_eq!(list(files).await.len(), 2);
    } else {
        assert_eq!(kind(answer), ErrorKind::AlreadyExists);
        assert_eq!(read(files, composed).await, b"one");
        assert_eq!(list(files).await.len(), 1);
    }
}

pub(super) async fn every_name_that_is_allowed_comes_back(account: &Account) {
    let Some(files) = account.files() else { return };
    let rules = &files.facts().names;
    let longest = "n".repeat(rules.max_name);
    let names = [
        "a b.jpg",
        ".hidden",
        "...",
        "100%41 of it.jpg",
        "plus+and&equals=.jpg",
        "quote'd \"twice\".jpg",
        "back\\slash.jpg",
        "colon:star*question?.jpg",
        "tab\tand\nline.jpg",
        "trailing dot.",
        "trailing space ",
        "-rf",
        "~tilde #hash",
        "aux.jpg",
        "\u{e9}t\u{e9}.jpg",
        "\u{1f48d}\u{1f470}.jpg",
        "\u{5d0}\u{5d1}.jpg",
        &longest,
    ];
    let mut expected: Vec<FilePath> = Vec::new();
    for name in names.into_iter().filter(|name| rules.allows(name)) {
        let inside = format!("day/{name}");
        put(files, &inside, "x").await;
        assert_eq!(read(files, &inside).await, b"x", "{name:?}");
        assert_eq!(stat(files, &inside).await.unwrap().path, path(&inside));
        expected.push(path(&inside));
    }
    let mut listed: Vec<_> = list(files)
        .await
        .into_iter()
        .map(|entry| entry.path)
        .collect();
    listed.sort();
    expected.sort();
    assert_eq!(listed, expected);
}

pub(super) async fn a_name_that_is_not_allowed_is_refused(account: &Account) {
    let Some(files) = account.files() else { return };
    let rules = &files.facts().names;
    put(files, "there.txt", "x").await;
    let mut names = vec!["n".repeat(rules.max_name + 1)];
    names.extend(rules.forbidden.chars().map(|c| format!("a{c}b")));
    names.extend(
        rules
            .reserved
            .iter()
            .map(|stem| format!("{}.txt", stem.to_lowercase())),
    );
    if rules.no_trailing_dot_or_space {
        names.extend(["dot.".to_owned(), "space ".to_owned()]);
    }
    for name in names {
        for at in [name.clone(), format!("{name}/below.txt")] {
            let answer = put_if(files, &at, "x", Expect::Absent).await;
            assert_eq!(kind(answer), ErrorKind::InvalidInput, "{at:?}");
            let answer = files
                .rename(&path("there.txt"), &Expect::Anything, &path(&at))
                .await;
            assert_eq!(kind(answer), ErrorKind::InvalidInput, "{at:?}");
        }
    }
    assert_eq!(list(files).await.len(), 1);
}
