//! Files that do not take part.

use garland::sync::{PathFilter, Relation};

use crate::tools::{Desk, files, listed, plain};

#[cfg(feature = "filter")]
fn filter() -> impl PathFilter + 'static {
    garland::sync::Patterns::excluding(["*.tmp", "previews/", "!keep.tmp"]).unwrap()
}

#[cfg(not(feature = "filter"))]
fn filter() -> impl PathFilter + 'static {
    #[derive(Debug)]
    struct ByHand;
    impl PathFilter for ByHand {
        fn includes(&self, path: &str) -> bool {
            path == "keep.tmp" || !(path.ends_with(".tmp") || path.contains("previews/"))
        }
    }
    ByHand
}

#[tokio::test(start_paused = true)]
async fn what_is_left_out_is_neither_copied_nor_deleted_nor_forgotten() {
    for relation in [Relation::Peers, Relation::Mirror] {
        let (card, drive) = (plain(), plain());
        for name in ["a.jpg", "a.tmp", "day/previews/p.jpg", "keep.tmp"] {
            card.put(name, name).unwrap();
        }
        let mut desk = Desk::new(relation)
            .place("card", card.clone())
            .place("drive", drive.clone());
        desk.settle().await;
        let everything = ["a.jpg", "a.tmp", "day/previews/p.jpg", "keep.tmp"];
        assert_eq!(desk.agreed().await, everything);

        let all = desk.clone();
        desk = desk.options(|options| options.with_filter(filter()));
        card.remove("a.tmp").unwrap();
        card.put("day/previews/p.jpg", "edited").unwrap();
        card.put("b.tmp", "b.tmp").unwrap();
        card.put("keep.tmp", "edited").unwrap();
        drive.put("of the drive.tmp", "x").unwrap();
        let report = desk.settle().await;
        assert_eq!(report.replicas[0].files, 2);
        let left = files([
            ("a.jpg", "a.jpg"),
            ("a.tmp", "a.tmp"),
            ("day/previews/p.jpg", "day/previews/p.jpg"),
            ("keep.tmp", "edited"),
            ("of the drive.tmp", "x"),
        ]);
        assert_eq!(listed(&drive), left, "{relation:?}");
        assert_eq!(card.get("of the drive.tmp"), None);
        assert_eq!(desk.agreed().await, everything, "nothing is forgotten");
        desk.at_rest().await;

        // Taken in again, the delete and the edit are what they were: nothing has to be guessed.
        drive.remove("of the drive.tmp").unwrap();
        let report = all.settle().await;
        assert_eq!(drive.get("a.tmp"), None, "{relation:?}: {report}");
        assert_eq!(drive.get("day/previews/p.jpg").unwrap(), "edited");
        assert_eq!(drive.get("b.tmp").unwrap(), "b.tmp");
        assert_eq!(report.conflicts.len(), 0, "{report}");
    }
}
