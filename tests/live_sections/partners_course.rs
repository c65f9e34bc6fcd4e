//! How far partners are told within one entry of the journal, and what entries are nothing to them.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use garland::Timestamp;
use garland::journal::{Event, EventKind};
use garland::permission::{Resource, TrustedHost};
use garland::section::{
    Partners, SECTION_CHANGED, SECTION_REMOVED, SECTION_RESULTS_CHANGED, SectionService,
};
use garland::storage::{Batch, JournalName, Precondition, StorageBackend};
use garland::team::{Directory, MEMBER_CHANGED, MEMBER_REMOVED, WEDDING_CHANGED, WEDDING_REMOVED};
use serde_json::{Value, json};

use super::partners::{Endpoint, Mood, crm, delivering, partners, settle};
use super::wired::Wired;
use super::world::{World, member, section, sections, wedding};

/// More than are read at once.
const MANY: usize = 200;

/// Results of some in a wedding, or of one in some weddings; and a partner that is told of what comes then.
async fn stored(world: &World, users: &[String], weddings: &[String]) -> SectionService {
    for user in users {
        world.desk().member(member(user, "couple")).await;
    }
    for id in weddings {
        world.desk().wedding(wedding(id, "2026-06-20", "UTC")).await;
    }
    let service = sections(world);
    service
        .create(&section("b", "budget", &["couple"]))
        .await
        .unwrap();
    let here = users.iter().map(|user| (user.as_str(), None));
    let there = users.iter().flat_map(|user| {
        let weddings = weddings.iter();
        weddings.map(|wedding| (user.as_str(), Some(wedding.as_str())))
    });
    let pairs: Vec<_> = here.chain(there).collect();
    service.recompute(&pairs).await.unwrap();
    service
}

async fn with_crm(world: &World, endpoint: &Arc<Endpoint>) -> Partners {
    let partners = partners(world, endpoint);
    let settings = crm(json!({"syncSections": ["budget"]}));
    partners
        .put("crm", &settings, Precondition::Absent)
        .await
        .unwrap();
    partners
}

fn names(prefix: &str, count: usize) -> Vec<String> {
    (0..count)
        .map(|number| format!("{prefix}{number:03}"))
        .collect()
}

/// Of whom, and of which wedding, statements were taken.
fn stated(endpoint: &Endpoint) -> Vec<(String, Option<String>)> {
    let taken = endpoint.taken.lock().unwrap();
    let text = |value: &Value| value.as_str().map(ToOwned::to_owned);
    let of = |body: &Value| (text(&body["userId"]).unwrap(), text(&body["weddingId"]));
    taken.iter().map(|(_, body)| of(body)).collect()
}

#[tokio::test(start_paused = true)]
async fn a_restart_goes_on_behind_the_last_statement_of_an_entry() {
    let (june, ann) = (vec!["june".to_owned()], vec!["ann".to_owned()]);
    for (users, weddings) in [
        (names("m", MANY), june),
        (ann.clone(), names("w", MANY)),
        (ann, names("w", 2)),
    ] {
        let (world, endpoint) = (World::new(), Endpoint::new());
        let service = stored(&world, &users, &weddings).await;
        let partners = with_crm(&world, &endpoint).await;
        let mut wanted: Vec<_> = Vec::new();
        if weddings.len() == 1 {
            let moved = wedding("june", "2027-06-20", "UTC");
            world.desk().wedding(moved).await;
            wanted.extend(
                users
                    .iter()
                    .map(|user| (user.clone(), Some("june".to_owned()))),
            );
        } else {
            world.desk().member(member("ann", "guest")).await;
            wanted.push(("ann".to_owned(), None));
            let all = weddings.iter().cloned().map(Some);
            wanted.extend(all.map(|wedding| ("ann".to_owned(), wedding)));
        }
        for upto in [1, 2, 100, 110, 150] {
            endpoint.is(Mood::TakesOnly(upto));
            let task = delivering(&partners);
            settle().await;
            task.abort();
            // The next statement is of another revision.
            world.desk().aside().await;
            let count = upto.min(wanted.len());
            assert_eq!(stated(&endpoint), wanted[..count], "{upto}");
        }
        endpoint.is(Mood::Takes);
        let task = delivering(&partners);
        settle().await;
        assert_eq!(stated(&endpoint), wanted);
        // And on with the next entry, from its beginning.
        service
            .recompute(&[(users[0].as_str(), None)])
            .await
            .unwrap();
        settle().await;
        wanted.push((users[0].clone(), None));
        assert_eq!(stated(&endpoint), wanted);
        let (_, place) = partners.get("crm").await.unwrap().unwrap();
        assert_eq!((place.part, place.pair), (0, None));
        task.abort();
    }
}

/// What the database is asked for one change of a wedding, with results of that many in others.
async fn asked(others: usize) -> u64 {
    let (world, endpoint) = (World::new(), Endpoint::new());
    let wired = Arc::new(Wired::new(&world.inner));
    let service = stored(&world, &names("m", others), &["may".to_owned()]).await;
    let june = || wedding("june", "2026-06-20", "UTC");
    world.desk().wedding(june()).await;
    world.desk().member(member("ann", "couple")).await;
    service.recompute(&[("ann", Some("june"))]).await.unwrap();
    let world = world.through(Arc::clone(&wired) as Arc<dyn StorageBackend>);
    let partners = with_crm(&world, &endpoint).await;
    let task = delivering(&partners);
    settle().await;
    let before = wired.calls.load(Ordering::SeqCst);
    world.desk().wedding(june()).await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    task.abort();
    let there = ("ann".to_owned(), Some("june".to_owned()));
    assert_eq!(stated(&endpoint), [there]);
    wired.calls.load(Ordering::SeqCst) - before
}

#[tokio::test(start_paused = true)]
async fn a_change_of_a_wedding_reads_nothing_of_others() {
    assert_eq!(asked(MANY).await, asked(1).await);
}

#[tokio::test(start_paused = true)]
async fn what_is_written_down_of_a_wedding_besides_its_day_is_nothing_to_partners() {
    let (world, endpoint) = (World::new(), Endpoint::new());
    let team = Directory::new(
        world.desk().0,
        Arc::new(TrustedHost::new()),
        Arc::clone(&world.clock) as Arc<dyn garland::Clock>,
        Arc::clone(&world.zones),
    );
    let any = Precondition::Any;
    let june = || wedding("june", "2026-06-20", "UTC");
    team.put_wedding(&june(), any).await.unwrap();
    world.desk().member(member("ann", "couple")).await;
    let service = sections(&world);
    service.recompute(&[("ann", Some("june"))]).await.unwrap();
    let partners = with_crm(&world, &endpoint).await;
    let task = delivering(&partners);
    let mut named = june();
    named["title"] = json!("Ann and Bo");
    team.put_wedding(&named, any).await.unwrap();
    settle().await;
    assert_eq!(stated(&endpoint), []);
    let there = || ("ann".to_owned(), Some("june".to_owned()));
    let mut wanted = Vec::new();
    for (field, value) in [
        ("date", json!("2026-06-21")),
        ("endDate", json!("2026-06-22")),
        ("timeZone", json!("Africa/Cairo")),
    ] {
        named[field] = value;
        team.put_wedding(&named, any).await.unwrap();
        settle().await;
        wanted.push(there());
        assert_eq!(stated(&endpoint), wanted, "{field}");
    }
    team.remove_wedding("june", any).await.unwrap();
    settle().await;
    wanted.push(there());
    team.put_wedding(&named, any).await.unwrap();
    settle().await;
    wanted.push(there());
    assert_eq!(stated(&endpoint), wanted, "removed, and made again");
    task.abort();
}

/// An entry that a host wrote, about what nothing can be stored of.
async fn foreign(world: &World, kind: EventKind, subject: &'static str, id: &str) {
    let mut batch = Batch::new(Timestamp::from_millis(0));
    let event = Event::new(kind).about(Resource::new(subject, id));
    let data = json!({"version": 1, "change": id, "results": [[id, null], ["ann", id]]});
    let event = event.with_data(&data).unwrap();
    batch.append(JournalName::main(), &event).unwrap();
    world.desk().0.commit(batch).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn entries_about_what_nothing_can_be_stored_of_do_not_stop_a_partner() {
    let (world, endpoint) = (World::new(), Endpoint::new());
    let service = stored(&world, &["ann".to_owned()], &[]).await;
    let partners = with_crm(&world, &endpoint).await;
    let settings = crm(json!({"syncLayout": true, "syncSections": ["budget"]}));
    partners
        .put("crm", &settings, Precondition::Any)
        .await
        .unwrap();
    let task = delivering(&partners);
    for length in [0, 880, 898, 900, 901, 2_000] {
        let id = "x".repeat(length);
        for (kind, subject) in [
            (MEMBER_CHANGED, "member"),
            (MEMBER_REMOVED, "member"),
            (WEDDING_CHANGED, "wedding"),
            (WEDDING_REMOVED, "wedding"),
            (SECTION_CHANGED, "section"),
            (SECTION_RESULTS_CHANGED, "organization"),
        ] {
            foreign(&world, kind, subject, &id).await;
        }
    }
    foreign(&world, SECTION_REMOVED, "section", &"\0".repeat(9)).await;
    foreign(&world, SECTION_REMOVED, "section", &"x".repeat(901)).await;
    settle().await;
    let strange = endpoint.taken.lock().unwrap().len();
    service.recompute(&[("ann", None)]).await.unwrap();
    settle().await;
    assert_eq!(endpoint.taken.lock().unwrap().len(), strange + 1);
    assert_eq!(stated(&endpoint).pop(), Some(("ann".to_owned(), None)));
    task.abort();
}
