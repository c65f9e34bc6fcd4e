//! Somebody who may nothing gets nothing from the handle of their own organization.

use std::collections::BTreeSet;
use std::sync::Arc;

use async_trait::async_trait;
use futures_util::future::BoxFuture;
use garland::backends::Memory;
use garland::connector::{Expect, NamedConnector};
use garland::permission::{
    Action, Actor, Decision, PermissionResolver, PermissionSnapshot, Reason, Resource,
};
use garland::platforms::MemoryPlatform;
use garland::privacy::Coverage;
use garland::sync::Choice;
use garland::transfer::{Destination, TransferJob, TransferOptions};
use garland::upload::UploadsOptions;
use garland::{Error, ErrorKind, Orchestrator, Organization, OrganizationId, Result};

use crate::calls::answer;
use crate::furnish::path;
use crate::ground::{Dice, Root, SetClock};
use crate::tap::Tap;
use crate::world::{World, policy, token_keys};

/// What a host's resolver may do that must never let anybody in.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Resolver {
    Denies,
    /// Its own database does not answer.
    Fails,
    /// Says nothing.
    IsSilent,
    /// Answers for fewer resources than it was asked about, or for more.
    Miscounts(usize),
}

const RESOLVERS: [Resolver; 5] = [
    Resolver::Denies,
    Resolver::Fails,
    Resolver::IsSilent,
    Resolver::Miscounts(0),
    Resolver::Miscounts(9),
];

#[async_trait]
impl PermissionResolver for Resolver {
    async fn snapshot(&self, _: &OrganizationId) -> Result<Arc<dyn PermissionSnapshot>> {
        match self {
            Self::Fails => {
                let message = "the database of permissions is down";
                Err(Error::new(ErrorKind::Unavailable, "test.snapshot", message))
            }
            _ => Ok(Arc::new(*self)),
        }
    }
}

impl PermissionSnapshot for Resolver {
    fn revision(&self) -> u64 {
        1
    }

    fn decide(&self, _: &Actor, _: &Action, resources: &[Resource]) -> Vec<Decision> {
        let (yes, no) = (
            Reason::new("yes", "why not"),
            Reason::new("no", "nobody may"),
        );
        match self {
            Self::Denies => vec![Decision::deny(no); resources.len()],
            Self::Fails | Self::IsSilent => Vec::new(),
            Self::Miscounts(count) => vec![Decision::allow(yes); *count],
        }
    }
}

/// A studio with accounts, where nobody may anything.
struct Closed {
    tap: Tap,
    card: MemoryPlatform,
    archive: MemoryPlatform,
    locker: MemoryPlatform,
    studio: Orchestrator,
}

impl Closed {
    async fn with(resolver: Resolver) -> Self {
        let tap = Tap::new(Arc::new(Memory::new()));
        let accounts = [(); 3].map(|()| MemoryPlatform::default());
        let [card, archive, locker] = accounts;
        card.put("first-look.jpg", "a picture").unwrap();
        let studio = Orchestrator::builder()
            .storage(tap.clone())
            .permissions(resolver)
            .connector("card", card.clone())
            .connector("archive", archive.clone())
            .sealed("vault", locker.clone(), Default::default())
            .clock(SetClock::default())
            .entropy(Dice::new(3))
            .root(Root { binds: true })
            .tokens(token_keys(), policy())
            .build()
            .await
            .unwrap();
        Self {
            tap,
            card,
            archive,
            locker,
            studio,
        }
    }

    fn contents(&self) -> Vec<usize> {
        let all = [&self.card, &self.archive, &self.locker];
        all.map(|account| account.contents().len()).into()
    }
}

/// A call of the handle, of accounts that are there or of such as are not.
type Ask = for<'a> fn(&'a Organization, bool) -> BoxFuture<'a, String>;

fn name(there: bool, name: &str) -> String {
    let no = if there { "" } else { "no-" };
    format!("{no}{name}")
}

fn sync(handle: &Organization, there: bool) -> garland::SyncRequest {
    handle
        .sync(&name(there, "card"))
        .with(&name(there, "archive"))
}

fn account(handle: &Organization, there: bool, alike: &str) -> NamedConnector {
    let name = name(there, alike);
    let nobodys =
        || NamedConnector::new(name.parse().unwrap(), Arc::new(MemoryPlatform::default()));
    handle.connector(&name).unwrap_or_else(|_| nobodys())
}

/// Everything that a handle gives or does, with the functions of the listing that it calls.
fn asks() -> Vec<(&'static [&'static str], Ask)> {
    vec![
        (&["Organization::keys"], |handle, _| {
            Box::pin(async move { answer(handle.keys().await) })
        }),
        (&["Organization::auditor"], |handle, _| {
            Box::pin(async move { answer(handle.auditor().await) })
        }),
        (&["Organization::heads"], |handle, _| {
            Box::pin(async move { answer(handle.heads().await) })
        }),
        (&["Organization::subjects"], |handle, _| {
            Box::pin(async move { answer(handle.subjects().await) })
        }),
        (&["Organization::privacy"], |handle, _| {
            Box::pin(async move { answer(handle.privacy(Coverage::garland().unwrap()).await) })
        }),
        (&["Organization::uploads"], |handle, there| {
            Box::pin(async move {
                let options = UploadsOptions::default();
                answer(handle.uploads(&name(there, "card"), options).await)
            })
        }),
        (&["Organization::sealed"], |handle, there| {
            Box::pin(async move { answer(handle.sealed(&name(there, "vault")).await) })
        }),
        (
            &["Organization::sync", "SyncRequest::plan"],
            |handle, there| Box::pin(async move { answer(sync(handle, there).plan().await) }),
        ),
        (&["SyncRequest::run"], |handle, there| {
            Box::pin(async move { answer(sync(handle, there).run().await) })
        }),
        (&["SyncRequest::apply"], |handle, there| {
            Box::pin(async move {
                let plan = World::elsewhere().await.theirs.plan;
                answer(sync(handle, there).apply(&plan).await)
            })
        }),
        (&["SyncRequest::start"], |handle, there| {
            Box::pin(async move { answer(sync(handle, there).start(None).await) })
        }),
        (&["SyncRequest::conflicts"], |handle, there| {
            Box::pin(async move { answer(sync(handle, there).conflicts().await) })
        }),
        (&["SyncRequest::resolve"], |handle, there| {
            Box::pin(async move {
                let file = path("first-look.jpg");
                answer(sync(handle, there).resolve(&file, Choice::KeepAll).await)
            })
        }),
        (&["Organization::transfer"], |handle, there| {
            Box::pin(async move {
                let (from, file) = (account(handle, there, "card"), path("first-look.jpg"));
                let to = Destination::new(
                    account(handle, there, "archive"),
                    file.clone(),
                    Expect::Anything,
                );
                let job = TransferJob::new(from, file, Default::default()).to(to);
                answer(handle.transfer(&job, TransferOptions::default()).await)
            })
        }),
    ]
}

#[tokio::test]
async fn r2_whoever_may_nothing_gets_nothing() {
    for resolver in RESOLVERS {
        let closed = Closed::with(resolver).await;
        let handle = closed.studio.as_actor(Actor::User("guest-7".into()));
        let before = closed.contents();
        for (what, ask) in asks() {
            let mut answers = Vec::new();
            for there in [true, false] {
                let answer = ask(&handle, there).await;
                assert!(
                    answer.starts_with("denied: "),
                    "{resolver:?} {what:?}: {answer}"
                );
                assert!(!answer.contains("is down"), "{what:?}: {answer}");
                answers.push(answer.replace("no-", ""));
            }
            // Nor do they learn what there is.
            assert_eq!(answers[0], answers[1], "{resolver:?} {what:?}");
        }
        assert_eq!(
            closed.tap.asked(),
            BTreeSet::new(),
            "{resolver:?}: the database was asked"
        );
        assert_eq!(closed.contents(), before, "{resolver:?}");
    }
}

/// A studio in which all may everything lets the same calls through, so that it is the resolver that denies.
#[tokio::test]
async fn the_same_calls_are_let_through_where_they_may() {
    let world = World::on(Arc::new(Memory::new())).await;
    let handle = world.a.organization.as_actor(Actor::User("guest-7".into()));
    for (what, ask) in asks() {
        let answer = ask(&handle, true).await;
        assert!(!answer.starts_with("denied: "), "{what:?}: {answer}");
    }
}

/// What the handle does without asking is for the host's own use; everything else is asked above.
#[test]
fn a1_every_call_of_the_handle_is_asked() {
    let hosts = [
        "Organization::as_actor",
        "Organization::connector",
        "Organization::connectors",
        "Organization::id",
        "Organization::store",
    ];
    let asked = asks();
    let asked = asked.iter().flat_map(|(what, _)| what.iter().copied());
    let known: BTreeSet<&str> = asked.chain(hosts).collect();
    let found: BTreeSet<String> = crate::listing::methods(&["Organization", "SyncRequest"]);
    let found = found.iter().map(String::as_str).collect();
    assert_eq!(known, found);
}
