//! Plants secrets everywhere and looks for them in everything that leaves: what is said, printed, thrown and stored.
#![cfg(all(feature = "crypto", feature = "sqlite", feature = "testing"))]

mod day;
mod keys;
mod planted;
mod said;
mod tokens;

use day::Day;
use said::Said;

#[tokio::test(flavor = "multi_thread")]
async fn c8_planted_secrets_turn_up_nowhere() {
    let said = Said::default();
    tracing::subscriber::set_global_default(said.clone()).unwrap();
    let mut day = Day::begin().await;
    keys::live(&mut day).await;
    tokens::live(&mut day).await;
    let end = day.end().await;

    assert!(
        end.planted.len() >= 15,
        "only {} secrets were planted",
        end.planted.len()
    );
    let places = [
        ("said", said.text().into_bytes()),
        ("printed or thrown", end.heard),
    ];
    for (place, text) in places.into_iter().chain(end.files) {
        assert!(
            !text.is_empty(),
            "nothing in {place}: the test looks at nothing"
        );
        let found = end.planted.found_in(&text);
        assert!(found.is_empty(), "{found:?} in {place}");
    }
}
