//! What the journal tells of a run.

use garland::platforms::MemoryPlatform;
use garland::storage::{ChainHash, JournalEntry};
use garland::sync::ConflictStrategy;
use garland::testing::{FaultKind, FaultRule, Faults, Moment, Operation};
use garland::{ErrorKind, Timestamp};
use serde_json::{Value, json};

use crate::tools::{Desk, listed, plain, shaky};
use crate::world::START;

fn put(account: &MemoryPlatform, path: &str, content: &str, seconds: i64) {
    let at = Timestamp::from_millis(START + seconds * 1_000);
    account.put_at(path, content.to_owned(), at).unwrap();
}

/// Every event, after a look at the chain.
async fn events(desk: &Desk) -> Vec<Value> {
    let journal = "main".parse().unwrap();
    let entries = desk
        .store()
        .read_journal(&journal, 0, 10_000)
        .await
        .unwrap();
    let mut previous = ChainHash::START;
    for (number, entry) in (1..).zip(&entries) {
        let expected = JournalEntry::following(&previous, number, entry.at, entry.event.clone());
        assert_eq!(*entry, expected);
        previous = entry.hash;
    }
    let head = desk.store().journal_head(&journal).await.unwrap();
    assert_eq!((head.sequence, head.hash), (entries.len() as u64, previous));
    let events = entries
        .iter()
        .map(|entry| serde_json::from_str(entry.event.as_str()).unwrap());
    events.collect()
}

/// The acts among some events, in the order of path.
fn acts(events: &[Value]) -> Vec<Value> {
    let acts = events.iter().filter(|event| event["kind"] == "sync.acts");
    let mut acts: Vec<Value> = acts
        .flat_map(|event| event["acts"].as_array().unwrap().clone())
        .collect();
    acts.sort_by_key(|act| (act["path"].to_string(), act["do"].to_string()));
    acts
}

#[tokio::test(start_paused = true)]
async fn every_act_of_a_run_is_in_the_journal() {
    let (card, drive, nas) = (plain(), plain(), plain());
    for name in ["deleted", "both", "moved"] {
        put(&card, name, &format!("{name} base"), 0);
    }
    let desk = Desk::peers()
        .place("card", card.clone())
        .place("drive", drive.clone())
        .place("nas", nas.clone())
        .options(|options| {
            let plan = options.plan.clone().with_track_renames(true);
            options
                .with_strategy(ConflictStrategy::NewerWins)
                .with_plan(plan)
        });
    let first = desk.settle().await;
    let told = events(&desk).await;
    assert_eq!(
        told[0],
        json!({"kind": "sync.started", "run": first.run, "places": ["card", "drive", "nas"]})
    );
    let copied = |path: &str, from: &str, on: &[&str]| json!({"do": "copy", "path": path, "from": from, "on": on});
    let to = ["drive", "nas"];
    assert_eq!(
        acts(&told),
        [
            copied("both", "card", &to),
            copied("deleted", "card", &to),
            copied("moved", "card", &to)
        ]
    );
    let last = told.last().unwrap();
    assert_eq!(
        (&last["kind"], &last["failed"]),
        (&json!("sync.finished"), &json!(0))
    );
    assert_eq!(last["done"]["copy"], 6);

    card.remove("deleted").unwrap();
    let content = card.get("moved").unwrap();
    card.remove("moved").unwrap();
    card.put_at("new name", content, Timestamp::from_millis(START))
        .unwrap();
    put(&card, "both", "older", 60);
    put(&drive, "both", "newer", 120);
    let before = told.len();
    desk.settle().await;
    let told = events(&desk).await;
    assert_eq!(
        acts(&told[before..]),
        [
            copied("both", "drive", &["card", "nas"]),
            json!({"do": "recover", "path": "both", "on": ["card"]}),
            json!({"do": "delete", "path": "deleted", "on": to}),
            json!({"do": "rename", "path": "moved", "new_path": "new name", "on": to}),
        ]
    );
    let before = told.len();
    desk.at_rest().await;
    assert_eq!(acts(&events(&desk).await[before..]), [] as [Value; 0]);
}

#[tokio::test(start_paused = true)]
async fn the_journal_tells_only_what_was_done() {
    let (card, drive, nas) = (plain(), plain(), plain());
    put(&card, "a", "a", 0);
    let denied = FaultRule::new(Operation::Upload, FaultKind::Error(ErrorKind::Denied));
    let faults = Faults::none().with_rule(denied.at("drive").always());
    let desk = Desk::peers()
        .place("card", card.clone())
        .place("drive", shaky("drive", &drive, &faults))
        .place("nas", nas.clone());
    let report = desk.run().await.unwrap();
    assert_eq!(report.failed.len(), 1);
    let told = events(&desk).await;
    let act = json!({"do": "copy", "path": "a", "from": "card", "on": ["nas"]});
    assert_eq!(acts(&told), [act]);
    assert_eq!(told.last().unwrap()["failed"], 1);
}

#[tokio::test(start_paused = true)]
async fn steps_finished_for_a_dead_run_are_told_too() {
    let (card, drive, nas) = (plain(), plain(), plain());
    put(&card, "a.jpg", "base", 0);
    let faults = Faults::none();
    let desk = Desk::peers()
        .place("card", card.clone())
        .place("drive", shaky("drive", &drive, &faults))
        .place("nas", shaky("nas", &nas, &faults))
        .options(|options| options.with_strategy(ConflictStrategy::Duplicate));
    desk.settle().await;
    let before = events(&desk).await.len();
    put(&card, "a.jpg", "by the card", 120);
    put(&drive, "a.jpg", "by the others", 60);
    put(&nas, "a.jpg", "by the others", 60);
    // The loser gets its new name on drive; before nas has it too, the process dies.
    let hang = FaultKind::Hang(Moment::Before);
    faults.add_rule(FaultRule::new(Operation::Rename, hang).at("nas").always());
    let run = tokio::time::timeout(std::time::Duration::from_secs(5), desk.run());
    assert!(run.await.is_err());
    faults.heal();
    tokio::time::sleep(std::time::Duration::from_secs(31)).await;
    let report = desk.settle().await;
    assert_eq!(report.resumed, 1);
    let copy = "a (conflict drive 20250615T150740Z).jpg";
    for account in [&card, &drive, &nas] {
        assert_eq!(account.get(copy).unwrap(), "by the others");
        assert_eq!(account.get("a.jpg").unwrap(), "by the card");
    }
    let told = acts(&events(&desk).await[before..]);
    let renamed = json!({"do": "rename", "path": "a.jpg", "new_path": copy, "on": ["nas"]});
    assert!(told.contains(&renamed), "{told:#?}");
    assert_eq!(listed(&card), listed(&nas));
}

#[tokio::test(start_paused = true)]
async fn a_run_that_ends_badly_says_so() {
    let (card, drive) = (plain(), plain());
    for name in ["a", "b"] {
        put(&card, name, name, 0);
    }
    let desk = Desk::peers()
        .place("card", card.clone())
        .place("drive", drive.clone());
    desk.settle().await;
    card.remove("a").unwrap();
    card.remove("b").unwrap();
    let error = desk.run().await.unwrap_err();
    let told = events(&desk).await;
    let last = told.last().unwrap();
    assert_eq!(
        (&last["kind"], &last["error"]),
        (&json!("sync.finished"), &json!(error.to_string()))
    );
}
