//! Restriction, and what a report of a breach is made from.

use std::collections::BTreeSet;

use garland::Timestamp;
use garland::journal::{Event, EventKind};
use garland::permission::{Actor, Resource};
use garland::storage::{Batch, JournalName};

use crate::world::{NOW, Studio, anna, id, staff};

#[tokio::test(start_paused = true)]
async fn g4_a_restriction_is_seen_recorded_and_taken_back() {
    let studio = Studio::new();
    let privacy = &studio.privacy;
    assert_eq!(privacy.restriction(&id("u-anna")).await.unwrap(), None);
    let own = Actor::User("u-anna".into());
    privacy
        .restrict(&id("u-anna"), "disputes it", &own)
        .await
        .unwrap();
    let found = privacy.restriction(&id("u-anna")).await.unwrap().unwrap();
    assert_eq!((found.since, found.reason.as_str()), (NOW, "disputes it"));
    assert_eq!(privacy.restriction(&id("u-ben")).await.unwrap(), None);
    privacy.release(&id("u-anna"), &staff()).await.unwrap();
    privacy.release(&id("u-anna"), &staff()).await.unwrap();
    assert_eq!(privacy.restriction(&id("u-anna")).await.unwrap(), None);
    let (kinds, text) = studio.told().await;
    assert_eq!(kinds, ["privacy.restricted", "privacy.released"]);
    assert!(
        !text.contains("u-anna") && !text.contains("disputes"),
        "{text}"
    );
    assert!(text.contains(&privacy.pseudonym(&anna()).unwrap()));
}

#[tokio::test(start_paused = true)]
async fn g5_an_incident_report_tells_who_did_what_to_what() {
    const READ: EventKind = EventKind::new("file.read");
    const SENT: EventKind = EventKind::new("file.sent");
    let studio = Studio::new();
    // The clocks of those who commit need not agree.
    let acts = [
        (5, READ, "u-1", "f1"),
        (20, READ, "u-2", "f2"),
        (12, SENT, "u-2", "f3"),
        (30, READ, "u-3", "f4"),
        (10, READ, "u-1", "f3"),
    ];
    for (at, kind, who, file) in acts {
        let mut batch = Batch::new(Timestamp::from_millis(at));
        let event = Event::new(kind)
            .by(Actor::User(who.into()))
            .about(Resource::new("file", file));
        batch.append(JournalName::main(), &event).unwrap();
        studio.store.commit(batch).await.unwrap();
    }
    let mut batch = Batch::new(Timestamp::from_millis(11));
    batch
        .append("other".parse().unwrap(), "not an event of ours")
        .unwrap();
    studio.store.commit(batch).await.unwrap();
    let span = Timestamp::from_millis(10)..=Timestamp::from_millis(20);
    let report = studio.privacy.incident(span.clone()).await.unwrap();
    assert_eq!(report.entries, 3);
    assert_eq!(report.users().collect::<Vec<_>>(), ["u-1", "u-2"]);
    let files = BTreeSet::from(["f2".to_owned(), "f3".to_owned()]);
    assert_eq!(report.resources["file"], files);
    assert_eq!(
        (report.kinds["file.read"], report.kinds["file.sent"]),
        (2, 1)
    );
    assert!(!report.is_cut);
    let wider = studio
        .privacy
        .clone()
        .with_journal("other".parse().unwrap());
    assert_eq!(wider.incident(span).await.unwrap().entries, 4);
}
