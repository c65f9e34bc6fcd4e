//! What the journal tells of a run.

use garland::connector::{FileFacts, HashAlgorithm};
use garland::journal;
use garland::platforms::{MemoryOptions, MemoryPlatform};
use garland::storage::JournalName;
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
    let (store, journal) = (desk.store(), JournalName::main());
    let verified = journal::verify(&store, &journal, &[]).await.unwrap();
    assert!(verified.is_intact(), "{verified}");
    let entries = store.read_journal(&journal, 0, 10_000).await.unwrap();
    assert_eq!(verified.head.sequence, entries.len() as u64);
    let events = entries
        .iter()
        .map(|entry| serde_json::from_str(entry.event.as_str()).unwrap());
    events.collect()
}

/// The acts among some events, in the order of path.
fn acts(events: &[Value]) -> Vec<Value> {
    let acts = events.iter().filter(|event| event["kind"] == "sync.acts");
    let mut acts: Vec<Value> = acts
        .flat_map(|event| event["data"]["acts"].as_array().unwrap().clone())
        .collect();
    acts.sort_by_key(|act| (act["path"].to_string(), act["do"].to_string()));
    acts
}

#[tokio::test(start_paused = true)]
async fn every_act_of_a_run_is_in_the_journal() {
    let facts = FileFacts::default().with_hashes(&[HashAlgorithm::Sha256]);
    let account = || MemoryPlatform::new(MemoryOptions::new(facts.clone()));
    let (card, drive, nas) = (account(), account(), account());
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
        json!({
            "kind": "sync.started",
            "actor": "host",
            "subject": {"kind": "sync", "id": "peers:card+drive+nas"},
            "data": {"run": first.run, "places": ["card", "drive", "nas"]},
        })
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
    assert_eq!(last["kind"], "sync.finished");
    let last = &last["data"];
    assert_eq!(
        (&last["failed"], &last["done"]["copy"]),
        (&json!(0), &json!(6))
    );

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
    assert_eq!(told.last().unwrap()["data"]["failed"], 1);
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
        (&last["kind"], &last["data"]["error"]),
        (&json!("sync.finished"), &json!(error.to_string()))
    );
}

#[tokio::test(start_paused = true)]
async fn a_step_that_cannot_be_finished_yet_holds_up_no_other_file() {
    let (card, drive, nas) = (plain(), plain(), plain());
    put(&card, "a.jpg", "base", 0);
    let faults = Faults::none();
    let desk = Desk::peers()
        .place("card", card.clone())
        .place("drive", shaky("drive", &drive, &faults))
        .place("nas", shaky("nas", &nas, &faults))
        .options(|options| options.with_strategy(ConflictStrategy::Duplicate));
    desk.settle().await;
    put(&card, "a.jpg", "by the card", 120);
    put(&drive, "a.jpg", "by the others", 60);
    put(&nas, "a.jpg", "by the others", 60);
    let denied = FaultKind::Error(ErrorKind::Denied);
    faults.add_rule(FaultRule::new(Operation::Rename, denied).at("nas").always());
    put(&card, "b.jpg", "other", 0);
    for _ in 0..3 {
        let report = desk.run().await.unwrap();
        let failed = report
            .failed
            .iter()
            .map(|f| (f.path.as_str(), f.error.kind()));
        assert_eq!(
            failed.collect::<Vec<_>>(),
            [("a.jpg", ErrorKind::Denied)],
            "{report}"
        );
        assert_eq!(nas.get("b.jpg").unwrap(), "other");
        assert_eq!(nas.get("a.jpg").unwrap(), "by the others");
        assert_eq!(card.get("a.jpg").unwrap(), "by the card");
    }
    faults.heal();
    desk.settle().await;
    assert_eq!(listed(&card), listed(&drive));
    assert_eq!(listed(&card), listed(&nas));
    assert_eq!(
        listed(&card).len(),
        3,
        "the loser has one new name, not several"
    );
    desk.at_rest().await;
}

#[tokio::test(start_paused = true)]
async fn what_is_pruned_is_told() {
    let (card, drive) = (plain(), plain());
    put(&card, "a", "base", 0);
    let desk = Desk::peers()
        .place("card", card.clone())
        .place("drive", drive.clone())
        .options(|options| options.with_strategy(ConflictStrategy::NewerWins));
    desk.settle().await;
    put(&card, "a", "older", 60);
    put(&drive, "a", "newer", 120);
    let run = desk.settle().await.run;
    tokio::time::sleep(std::time::Duration::from_secs(31 * 24 * 60 * 60)).await;
    let before = events(&desk).await.len();
    desk.settle().await;
    let place = format!(".garland/recovered/{run}/a");
    assert_eq!(
        acts(&events(&desk).await[before..]),
        [json!({"do": "prune", "path": place, "on": ["card"]})]
    );
}
