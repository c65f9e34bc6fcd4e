//! What is asked for, restricted, held and erased about people.

use std::sync::Arc;
use std::time::Duration;

use futures_util::TryStreamExt as _;
use garland::audit::SubjectVault;
use garland::crypto::{KeyFile, KeyRing};
use garland::journal::{Event, EventKind};
use garland::permission::Actor;
use garland::privacy::{
    Coverage, Finder, HoldScope, LEGAL_HOLDS, OnErasure, PRIVACY_ERASURES, PRIVACY_RESTRICTIONS,
    PersonalData, Privacy, Redaction, RetentionRule, Subject,
};
use garland::storage::{Batch, Collection, JournalName};
use serde_json::{Value, json};

use crate::day::{Day, entropy};

const GUESTS: Collection<Value> = Collection::new("guests");
const GONE: &str = "guest-of-honour-77";
const NOTE: &str = "was seen with the best man behind the marquee";
const KEPT: &str = "sent back the presents of her first wedding";

pub(crate) async fn live(day: &mut Day) {
    let path = day.vault.path().join("people.key");
    let root = KeyFile::create(&path, entropy()).await.unwrap();
    let store = day.store("people");
    let ring = KeyRing::new(store.clone(), Arc::new(root), day.clock(), entropy());
    let vault = SubjectVault::new(store.clone(), ring.clone(), day.clock(), entropy());
    for (who, note) in [(GONE, NOTE), ("guest-13", KEPT)] {
        day.planted
            .plant("what is known about a person", note.as_bytes());
        let mut batch = Batch::new(day.clock.now());
        let subject = who.parse().unwrap();
        let side = vault.seal(&mut batch, &subject, note).await.unwrap();
        let event = Event::new(EventKind::new("test.noted")).with_data(&side);
        batch.append(JournalName::main(), &event.unwrap()).unwrap();
        store.commit(batch).await.unwrap();
    }
    let key = ring.shared("privacy").await.unwrap();
    day.planted.plant("key of pseudonyms", key.expose());
    let guests = PersonalData::found_by(GUESTS.name().clone(), Finder::Id, "who comes");
    let guests = guests.with_time("at".parse().unwrap());
    let coverage = Coverage::garland().unwrap().with(guests).unwrap();
    for data in coverage.all() {
        day.print(data);
        day.print(&data.erasure);
        for finder in &data.finders {
            day.print(finder);
        }
    }
    day.print(&coverage);
    let fields = vec!["seated.*.who".parse().unwrap()];
    day.print(&fields[0]);
    let redaction = Redaction::new(fields);
    day.print(&redaction);
    day.print(&OnErasure::Redact(redaction));
    let privacy = Privacy::new(store.clone(), vault.clone(), coverage, key, day.clock());
    day.print(&privacy);

    let (staff, person) = (
        Actor::User("staff-1".into()),
        Subject::new(GONE.parse().unwrap()),
    );
    let export: Vec<_> = privacy.export(&person).try_collect().await.unwrap();
    let export = export.concat();
    assert!(
        !day.planted.found_in(&export).is_empty(),
        "they are given what is known of them"
    );
    let kept = GONE.parse().unwrap();
    privacy
        .restrict(&kept, "disputes it", &staff)
        .await
        .unwrap();
    day.print(&privacy.restriction(&kept).await.unwrap());
    day.print_all(&store, &PRIVACY_RESTRICTIONS).await;
    let hold = "case-1".parse().unwrap();
    let scope = HoldScope::Subject(GONE.parse().unwrap());
    privacy
        .place_hold(hold, scope, "a lawsuit", &staff)
        .await
        .unwrap();
    day.print_all(&store, &LEGAL_HOLDS).await;
    day.print(&privacy.holds().await.unwrap()[0].1.scope);
    let plan = privacy.plan_erasure(&person).await.unwrap();
    day.hear(&plan.to_string());
    day.fails(privacy.erase(&plan, &staff).await);
    privacy
        .lift_hold(&"case-1".parse().unwrap(), &staff)
        .await
        .unwrap();
    let plan = privacy.plan_erasure(&person).await.unwrap();
    day.print(&plan);
    day.print(&plan.steps[0]);
    let proof = privacy.erase(&plan, &staff).await.unwrap();
    day.print(&proof);
    day.hear(&proof.to_string());
    day.print(&person);
    day.print(&privacy.verify_erasure(&person).await.unwrap());
    day.print_all(&store, &PRIVACY_ERASURES).await;
    let rule = RetentionRule::new(GUESTS.name().clone(), Duration::ZERO);
    day.print(&rule);
    let mut batch = Batch::new(day.clock.now());
    let guest = json!({"at": 5, "note": KEPT.len()});
    batch
        .put(&GUESTS, "guest-13".parse().unwrap(), &guest)
        .unwrap();
    store.commit(batch).await.unwrap();
    day.print(&privacy.hold_check(&person).await.unwrap());
    let plan = privacy.plan_retention(&[rule]).await.unwrap();
    day.print(&plan.items[0]);
    day.print(&plan);
    let all = garland::Timestamp::from_millis(0)..=day.clock.now();
    day.print(&privacy.incident(all).await.unwrap());
    let after: Vec<_> = privacy.export(&person).try_collect().await.unwrap();
    assert!(
        day.planted.found_in(&after.concat()).is_empty(),
        "something is left"
    );
    // Whoever was erased is not named in the file of the database any more.
    day.erased.push(GONE.as_bytes().to_vec());
}
