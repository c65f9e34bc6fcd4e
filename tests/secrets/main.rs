//! Plants secrets everywhere and looks for them in everything that leaves: what is said, printed, thrown and stored.
#![cfg(all(
    feature = "crypto",
    feature = "outbound",
    feature = "sqlite",
    feature = "testing",
    feature = "upload"
))]

mod day;
mod grants;
mod keys;
mod outbound;
mod passwords;
mod people;
mod planted;
mod printed;
mod said;
mod sealed;
mod tokens;
mod uploads;
mod webhooks;

use std::sync::OnceLock;

use day::{Day, End};
use garland::storage::{Batch, Collection};
use garland::{Error, ErrorKind};
use said::Said;

/// Hears all that is said in the process: there can be one only.
fn said() -> &'static Said {
    static SAID: OnceLock<Said> = OnceLock::new();
    SAID.get_or_init(|| {
        let said = Said::default();
        tracing::subscriber::set_global_default(said.clone()).unwrap();
        said
    })
}

/// Looks everywhere, and returns what was found where.
fn search(end: &End) -> Vec<String> {
    let text = said().text().into_bytes();
    let places = [("said", &text), ("printed or thrown", &end.heard)];
    let files = end.files.iter().map(|(place, bytes)| (*place, bytes));
    let mut finds = Vec::new();
    for (place, text) in places.into_iter().chain(files) {
        assert!(
            !text.is_empty(),
            "nothing in {place}: the test looks at nothing"
        );
        let found = end.planted.found_in(text).into_iter();
        finds.extend(found.map(|secret| format!("{secret} in {place}")));
    }
    finds
}

#[tokio::test(flavor = "multi_thread")]
async fn c8_planted_secrets_turn_up_nowhere() {
    said();
    let mut day = Day::begin().await;
    keys::live(&mut day).await;
    tokens::live(&mut day).await;
    passwords::live(&mut day).await;
    webhooks::live(&mut day).await;
    grants::live(&mut day).await;
    sealed::live(&mut day).await;
    uploads::live(&mut day).await;
    people::live(&mut day).await;
    outbound::live(&mut day).await;
    let end = day.end().await;

    println!(
        "{} secrets, {} types printed",
        end.planted.len(),
        end.printed.len()
    );
    assert!(
        end.planted.len() >= 50,
        "only {} secrets were planted",
        end.planted.len()
    );
    assert_eq!(search(&end), Vec::<String>::new());
    for erased in &end.erased {
        for (place, bytes) in &end.files {
            let left = bytes.windows(erased.len()).any(|window| window == erased);
            assert!(!left, "{} is still in {place}", erased.escape_ascii());
        }
    }
    let missing = printed::missing(&end.printed);
    assert_eq!(
        missing,
        Vec::<String>::new(),
        "print them in the course of the day, or say why not"
    );
}

/// The search finds what it looks for, in whatever way it got out.
#[tokio::test(flavor = "multi_thread")]
async fn what_gets_out_is_found() {
    const LEAKS: Collection<String> = Collection::new("leaks");
    said();
    let secret = |way: &str| format!("the secret of {way}, 0123456789");
    let mut day = Day::begin().await;
    for way in [
        "a log", "a span", "a print", "an error", "a cause", "a record", "nobody",
    ] {
        day.planted.plant(way, secret(way).as_bytes());
    }
    tracing::trace!(token = %secret("a log"), "signed in");
    let hex: String = secret("a span")
        .bytes()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    drop(tracing::info_span!("sealing", key = hex).entered());
    day.print(&Some(secret("a print").into_bytes()));
    let cause = Error::new(ErrorKind::Corrupt, "test.read", secret("a cause"));
    let error = Error::new(ErrorKind::Corrupt, "test.open", "not opened")
        .with_context("key", secret("an error"))
        .with_source(cause);
    day.fails(Err::<(), _>(error));
    let store = day.store("studio");
    let mut batch = Batch::new(day.clock.now());
    batch
        .put(&LEAKS, "one".parse().unwrap(), &secret("a record"))
        .unwrap();
    store.commit(batch).await.unwrap();
    let mut found: Vec<String> = search(&day.end().await)
        .iter()
        .map(|find| find.split_once(" in ").unwrap().0.to_owned())
        .collect();
    found.sort();
    found.dedup();
    assert_eq!(
        found,
        [
            "a cause", "a log", "a print", "a record", "a span", "an error"
        ]
    );
}
