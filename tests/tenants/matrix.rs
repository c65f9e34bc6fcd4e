//! Every call, with the ids of another organization and with such as exist nowhere.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::{FutureExt as _, StreamExt as _};
use garland::backends::{Memory, Sqlite};
use garland::connector::FilePath;
use garland::permission::Actor;
use garland::privacy::Coverage;
use garland::section::SectionView;
use garland::storage::{Batch, JournalName};

use crate::calls::{Call, Case, all};
use crate::dump::Dump;
use crate::furnish::{Known, NOTED};
use crate::furnish_studio::ALIKE;
use crate::ground::START;
use crate::world::World;

/// Everything that the second organization has, wherever it is.
#[derive(Eq, PartialEq)]
struct Belongings {
    database: Dump,
    accounts: Vec<BTreeMap<FilePath, Bytes>>,
    unfinished: usize,
    disk: BTreeMap<FilePath, Bytes>,
}

impl Belongings {
    async fn of_the_second(world: &World) -> Self {
        let accounts = &world.b.accounts;
        let accounts = [&accounts.card, &accounts.archive, &accounts.locker];
        let mut disk = world.disk.contents();
        let ours = format!("uploads/{}/", world.b.id());
        disk.retain(|path, _| path.as_str().starts_with(&ours));
        assert!(!disk.is_empty());
        Self {
            database: Dump::of(&world.tap, world.b.id()).await,
            accounts: accounts.map(|account| account.contents()).into(),
            unfinished: accounts
                .map(|account| account.unfinished_uploads())
                .iter()
                .sum(),
            disk,
        }
    }
}

/// What the second organization keeps, and the first never writes.
const CONTENTS: [&str; 15] = [
    "bella-address",
    "bella-here",
    "bella-is here",
    "bella-lawsuit",
    "bella-drawings",
    "bella-reason",
    "bella-title",
    "bella-before",
    "bella-subtitle",
    "bella-stored",
    "bella-pattern",
    "bella-usual",
    "bella-suspect",
    "bella-phone",
    "bella-venue",
];

/// As [`make`], of a caller who has no names in common with the others.
async fn make_first(
    world: &World,
    call: &Call,
    known: &Known,
) -> (String, BTreeMap<String, usize>) {
    let (answer, left) = make(world, call, known).await;
    let name = call.covers.join(", ");
    for word in ["bella", "xenia"] {
        assert!(!answer.contains(word), "{name} tells of {word}: {answer}");
    }
    (answer, left)
}

/// Lets the first organization make a call, and returns what came of it and what it has left in its database.
async fn make(world: &World, call: &Call, known: &Known) -> (String, BTreeMap<String, usize>) {
    let case = Case { world, known };
    let name = call.covers.join(", ");
    let belongings = Belongings::of_the_second(world).await;
    let before = Dump::of(&world.tap, world.a.id()).await.counts();
    let answer = (call.run)(case).await;
    let asked = world.tap.asked();
    assert!(
        asked
            .iter()
            .all(|organization| organization == world.a.id()),
        "{name} has asked the database of {asked:?}"
    );
    for word in CONTENTS {
        assert!(!answer.contains(word), "{name} tells of {word}: {answer}");
    }
    let answer = case.without_ids(&answer);
    let after = Belongings::of_the_second(world).await;
    assert!(belongings == after, "{name} has changed what is another's");
    let mut left = Dump::of(&world.tap, world.a.id()).await.counts();
    for (place, count) in &mut left {
        *count = count.wrapping_sub(before.get(place).copied().unwrap_or_default());
    }
    left.retain(|_, more| *more > 0);
    let left = left.into_iter();
    (
        answer,
        left.map(|(place, more)| (case.without_ids(&place), more))
            .collect(),
    )
}

/// What differs, call by call.
#[derive(Debug, Default)]
struct Differences(Vec<String>);

impl Differences {
    /// Answers to calls without ids tell of the caller's own things, which need not be the same twice.
    fn compare<T: Debug + PartialEq>(&mut self, call: &Call, theirs: &T, nobodys: &T) {
        if call.takes_ids && theirs != nobodys {
            let name = call.covers.join(", ");
            self.0.push(format!(
                "{name}\n  theirs:  {theirs:?}\n  nobody's: {nobodys:?}"
            ));
        }
    }

    #[track_caller]
    fn are_none(self) {
        assert!(self.0.is_empty(), "{}", self.0.join("\n"));
    }
}

/// Each call in two worlds that are alike but for the ids that it is told: nothing but those can make a difference.
/// Then those that are told none, for they too must leave alone what is another's.
#[tokio::test]
async fn a1_every_call_answers_for_what_is_anothers_as_for_what_is_not_there() {
    let mut differences = Differences::default();
    let nobodys = World::elsewhere().await.theirs;
    let (with_ids, without): (Vec<_>, Vec<_>) = all().into_iter().partition(|call| call.takes_ids);
    for call in &with_ids {
        let world = World::on(Arc::new(Memory::new())).await;
        let theirs = make_first(&world, call, &world.theirs).await;
        let world = World::on(Arc::new(Memory::new())).await;
        let nobodys = make_first(&world, call, &nobodys).await;
        differences.compare(call, &theirs, &nobodys);
    }
    differences.are_none();
    let world = World::on(Arc::new(Memory::new())).await;
    for call in &without {
        make(&world, call, &nobodys).await;
    }
    println!(
        "{} calls with ids, {} without",
        with_ids.len(),
        without.len()
    );
    assert!(with_ids.len() >= 80 && without.len() >= 30);
}

/// The same on SQLite, in one world after the other, and with nobody's ids first.
#[tokio::test]
async fn a1_every_call_answers_alike_on_sqlite() {
    let mut differences = Differences::default();
    for theirs_first in [true, false] {
        let folder = tempfile::tempdir().unwrap();
        let database = Sqlite::open(folder.path().join("studio.db")).await.unwrap();
        let world = World::on(Arc::new(database.clone())).await;
        let nobodys = World::elsewhere().await.theirs;
        let mut order = [&world.theirs, &nobodys];
        if !theirs_first {
            order.reverse();
        }
        for call in all() {
            let (first, _) = make(&world, &call, order[0]).await;
            let (second, _) = make(&world, &call, order[1]).await;
            differences.compare(&call, &first, &second);
        }
        drop(world);
        database.close().await;
    }
    differences.are_none();
}

/// The matrix would prove little if there were little to be found.
#[tokio::test]
async fn a1_the_other_organization_has_something_of_everything() {
    let world = World::on(Arc::new(Memory::new())).await;
    let dump = Dump::of(&world.tap, world.b.id()).await;
    for data in Coverage::garland().unwrap().all() {
        let records = dump.records.get(&data.collection);
        assert!(
            records.is_some_and(|records| !records.is_empty()),
            "no {}",
            data.collection
        );
    }
    assert_eq!(dump.journals.len(), 2);
}

#[tokio::test]
async fn a1_a_watcher_is_not_woken_by_what_another_organization_does() {
    let world = World::on(Arc::new(Memory::new())).await;
    let mut wakes = world.a.store.watch();
    while wakes.next().now_or_never().is_some() {}
    for (tenant, woken) in [(&world.b, false), (&world.a, true)] {
        let mut batch = Batch::new(START);
        let event = garland::journal::Event::new(NOTED);
        batch.append(JournalName::main(), &event).unwrap();
        tenant.store.commit(batch).await.unwrap();
        assert_eq!(wakes.next().now_or_never().is_some(), woken);
    }
}

/// What decides is kept in memory, and there it is each organization's own too, whoever asked first.
#[tokio::test]
async fn a1_what_is_remembered_of_one_organization_is_not_given_to_another() {
    let world = World::on(Arc::new(Memory::new())).await;
    for tenant in [&world.b, &world.a, &world.b] {
        let own = tenant.id().as_str();
        let state = tenant.organization.permission_snapshot(None).await.unwrap();
        let members: Vec<_> = state.members().map(|member| member.id()).collect();
        assert_eq!(members, [ALIKE, &format!("{own}-member")]);
        let member = Actor::User(ALIKE.to_owned());
        let sections = tenant.organization.sections().acting_as(member);
        let seen = sections.list(None).await.unwrap();
        let title =
            |view: &SectionView| view.configuration.as_map()["customization"]["title"].clone();
        let titles: Vec<_> = seen.iter().map(title).collect();
        assert_eq!(titles, [format!("{own}-title"), format!("{own}-title")]);
    }
}

/// Such a difference is found: as a call that asked for the other organization would make.
#[tokio::test]
async fn the_matrix_finds_a_call_that_reaches_over() {
    let calls = [
        Call {
            covers: &["reads"],
            takes_ids: true,
            run: |case| {
                Box::pin(async move {
                    let hold = &case.known.hold;
                    let found = case
                        .world
                        .b
                        .store
                        .get(&garland::privacy::LEGAL_HOLDS, hold)
                        .await;
                    crate::calls::answer(found.map(|found| found.is_some()))
                })
            },
        },
        Call {
            covers: &["changes"],
            takes_ids: true,
            run: |case| {
                Box::pin(async move {
                    case.world
                        .b
                        .accounts
                        .card
                        .put("graffiti.txt", "hello")
                        .unwrap();
                    String::new()
                })
            },
        },
        Call {
            covers: &["tells"],
            takes_ids: true,
            run: |_| Box::pin(async move { "bella-card is not yours".to_owned() }),
        },
    ];
    let nobodys = World::elsewhere().await.theirs;
    for call in calls {
        let name = call.covers[0];
        let world = World::on(Arc::new(Memory::new())).await;
        let made = std::panic::AssertUnwindSafe(make_first(&world, &call, &nobodys)).catch_unwind();
        assert!(made.await.is_err(), "what `{name}` does was not found");
    }
}
