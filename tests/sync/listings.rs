//! Listings that break off: nothing follows from what they lack.

use garland::ErrorKind;
use garland::connector::FileFacts;
use garland::platforms::{MemoryOptions, MemoryPlatform};
use garland::sync::{KeptReason, Relation};
use garland::testing::{FaultKind, FaultRule, Faults, Operation};
use garland::transfer::RetryPolicy;

use crate::tools::{Desk, files, listed, shaky};

fn account() -> MemoryPlatform {
    let facts = FileFacts::default().with_lists_in_order(true);
    let options = MemoryOptions::new(facts).with_page_size(2);
    // A place that tells what changed is not listed again.
    MemoryPlatform::new(options.with_change_feed(false))
}

/// A desk that does not list again what broke off.
fn desk(relation: Relation) -> Desk {
    let once = RetryPolicy::default().with_attempts(1);
    Desk::new(relation).transfer(|transfer| transfer.with_retry(once))
}

fn cut(label: &str) -> FaultRule {
    let rule = FaultRule::new(Operation::ListPage, FaultKind::CutListing);
    // One page comes, the second does not.
    rule.at(label).nth(2).always()
}

#[tokio::test(start_paused = true)]
async fn no_delete_follows_from_a_listing_that_breaks_off() {
    for relation in [Relation::Peers, Relation::Mirror] {
        let (card, drive) = (account(), account());
        for name in ["a", "b", "c", "d", "e", "f"] {
            card.put(name, name).unwrap();
        }
        let faults = Faults::none();
        let desk = desk(relation)
            .place("card", shaky("card", &card, &faults))
            .place("drive", drive.clone());
        desk.settle().await;
        let all = listed(&card);

        // What was deleted for certain waits too, as it may have been moved to where nobody could look.
        card.remove("a").unwrap();
        faults.add_rule(cut("card"));
        let report = desk.run().await.unwrap();
        assert!(!report.is_complete());
        assert_eq!(report.done.delete, 0, "{relation:?}: {report}");
        assert_eq!(listed(&drive), all);
        let incomplete = report.replicas[0].incomplete.as_ref().unwrap();
        assert_eq!(incomplete.kind(), ErrorKind::Unavailable);
        assert!(
            incomplete.to_string().contains("connector `card`"),
            "{incomplete}"
        );
        assert!(report.replicas[1].incomplete.is_none());
        let lines = report.to_string();
        assert!(
            lines.contains("card: listing broke off, so nothing was deleted"),
            "{lines}"
        );

        faults.heal();
        let report = desk.settle().await;
        assert_eq!(report.done.delete, 1);
        assert_eq!(listed(&drive), listed(&card));
        assert_eq!(listed(&drive).len(), 5);
        desk.at_rest().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_delete_that_is_held_back_is_told() {
    let (card, drive) = (account(), account());
    for name in ["a", "b", "c", "d"] {
        card.put(name, name).unwrap();
    }
    let faults = Faults::none();
    let desk = desk(Relation::Peers)
        .place("card", shaky("card", &card, &faults))
        .place("drive", drive.clone());
    desk.settle().await;
    drive.remove("a").unwrap();
    drive.put("new", "from the drive").unwrap();
    faults.add_rule(cut("card"));
    let report = desk.run().await.unwrap();
    let kept: Vec<_> = report
        .kept
        .iter()
        .map(|kept| (kept.path.as_str(), kept.why))
        .collect();
    assert_eq!(kept, [("a", KeptReason::Incomplete)]);
    assert_eq!(card.get("a").unwrap(), "a");
    assert_eq!(
        card.get("new"),
        None,
        "there may be another one that was not listed"
    );
    faults.heal();
    desk.settle().await;
    let all = files([
        ("b", "b"),
        ("c", "c"),
        ("d", "d"),
        ("new", "from the drive"),
    ]);
    assert_eq!(listed(&card), all);
    assert_eq!(listed(&drive), all);
}

#[tokio::test(start_paused = true)]
async fn a_listing_that_breaks_off_once_is_made_again() {
    let (card, drive) = (account(), account());
    for name in ["a", "b", "c", "d"] {
        card.put(name, name).unwrap();
    }
    let faults = Faults::none().with_rule(cut("card").times(1));
    let desk = Desk::peers()
        .place("card", shaky("card", &card, &faults))
        .place("drive", drive.clone());
    desk.settle().await;
    assert_eq!(faults.injected().len(), 1);
    assert_eq!(listed(&drive), listed(&card));
}

#[tokio::test(start_paused = true)]
async fn what_a_broken_listing_does_show_is_copied_all_the_same() {
    let (card, drive) = (account(), account());
    for name in ["a", "b", "c", "d"] {
        card.put(name, name).unwrap();
    }
    let faults = Faults::none().with_rule(cut("card"));
    let desk = desk(Relation::Backup)
        .place("card", shaky("card", &card, &faults))
        .place("drive", drive.clone());
    desk.run().await.unwrap();
    assert_eq!(listed(&drive), files([("a", "a"), ("b", "b")]));
    faults.heal();
    desk.settle().await;
    assert_eq!(listed(&drive), listed(&card));
}
