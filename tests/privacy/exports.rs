//! A person is given everything about them.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt};
use garland::ErrorKind;
use garland::backends::Memory;
use garland::privacy::HoldScope;
use garland::storage::StorageBackend;
use garland::testing::{FaultKind, FaultRule, Faults, FaultyStorage, Operation};
use serde_json::{Value, json};

use crate::world::{NOW, Studio, anna, id, staff};

async fn lines(studio: &Studio) -> Vec<Value> {
    let pieces: Vec<Bytes> = studio.privacy.export(&anna()).try_collect().await.unwrap();
    let text = String::from_utf8(pieces.concat()).unwrap();
    assert!(text.ends_with('\n'));
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[tokio::test(start_paused = true)]
async fn g1_an_export_holds_everything_about_one_and_nothing_of_others() {
    let studio = Studio::new();
    studio.furnish().await;
    studio
        .privacy
        .restrict(&id("u-anna"), "asked for it", &staff())
        .await
        .unwrap();
    let lines = lines(&studio).await;
    let at = NOW.as_millis();
    let first = json!({"subject": {"version": 1, "ids": ["u-anna", "crm-12"], "at": at}});
    assert_eq!(lines[0], first);
    assert_eq!(lines.last().unwrap()["end"]["lines"], lines.len() - 1);
    let records: Vec<_> = lines
        .iter()
        .filter_map(|line| line.get("record"))
        .map(|record| format!("{}/{}", record["collection"], record["id"]).replace('"', ""))
        .collect();
    let expected = [
        "guests/u-anna",
        "invoices/crm-12",
        "messages/u-anna-m0",
        "messages/u-anna-m1",
        "messages/u-anna-m2",
        "notes/u-anna/1",
        "privacy_restrictions/u-anna",
        "tables/t1",
    ];
    assert_eq!(records, expected, "the guest once, though found twice");
    let sides: Vec<_> = lines.iter().filter_map(|line| line.get("side")).collect();
    assert_eq!(sides, [&json!({"at": at, "value": "Anna"})]);
    let entries: Vec<_> = lines
        .iter()
        .filter_map(|line| line.get("entry"))
        .map(|entry| &entry["sequence"])
        .collect();
    assert_eq!(entries, [2, 3], "by her, and about her");
    let pictures: Vec<_> = lines.iter().filter_map(|line| line.get("source")).collect();
    assert_eq!(
        pictures,
        [&json!({"source": "pictures", "value": "Anna.jpg"})]
    );
    assert_eq!(lines.len(), 1 + 8 + 1 + 2 + 1 + 1);
}

#[tokio::test(start_paused = true)]
async fn g1_a_legal_hold_is_not_told_to_whom_it_is_on() {
    let studio = Studio::new();
    studio.furnish().await;
    let scope = HoldScope::Subject(id("u-anna"));
    let hold = "case-1".parse().unwrap();
    studio
        .privacy
        .place_hold(hold, scope, "a lawsuit", &staff())
        .await
        .unwrap();
    for line in lines(&studio).await {
        let text = line.to_string();
        assert!(
            !text.contains("case-1") && !text.contains("lawsuit"),
            "{text}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn g1_an_export_that_fails_has_no_last_line() {
    let database: Arc<dyn StorageBackend> = Arc::new(Memory::new());
    let studio = Studio::over(Arc::clone(&database), Arc::default());
    studio.furnish().await;
    let gone = FaultKind::Error(ErrorKind::Unavailable);
    let rule = FaultRule::new(Operation::Query, gone).on("messages");
    let faults = Faults::none().with_rule(rule);
    let shaky = FaultyStorage::new(database, faults);
    let shaky = Studio::over(Arc::new(shaky), Arc::default());
    let pieces: Vec<_> = shaky.privacy.export(&anna()).collect().await;
    assert!(pieces.last().unwrap().is_err());
    let good = pieces.iter().filter_map(|piece| piece.as_ref().ok());
    let text = String::from_utf8(good.flatten().copied().collect()).unwrap();
    assert_eq!(text.lines().count(), 3, "what came before: {text}");
    assert!(!text.contains("\"end\""), "{text}");
}
