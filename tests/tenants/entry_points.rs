//! Every way into an organization, as one table: whoever may nothing gets nothing by any of them, and changes nothing.
//!
//! The handles of a host, and what they give without asking, are read from the source: a method that is new has to stand in
//! the table.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::future::BoxFuture;
use garland::backends::Memory;
use garland::connector::{Expect, FilePath, NamedConnector};
use garland::journal::Event;
use garland::permission::{
    Action, Actor, Decision, PermissionResolver, PermissionSnapshot, Reason, Resource,
};
use garland::platforms::MemoryPlatform;
use garland::privacy::Coverage;
use garland::storage::{Batch, JournalName, StorageBackend as _};
use garland::sync::Choice;
use garland::transfer::{Destination, TransferJob, TransferOptions};
use garland::upload::UploadsOptions;
use garland::{Error, ErrorKind, Orchestrator, Organization, OrganizationId, Result};

use crate::calls::answer;
use crate::dump::Dump;
use crate::furnish::{NOTED, path};
use crate::ground::{Dice, Root, START, SetClock};
use crate::studio_asks;
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
    async fn snapshot(
        &self,
        _: &OrganizationId,
        _: Option<u64>,
    ) -> Result<Arc<dyn PermissionSnapshot>> {
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

#[derive(Debug, PartialEq)]
struct Belongings {
    database: Dump,
    accounts: Vec<BTreeMap<FilePath, Bytes>>,
    unfinished: usize,
}

impl Closed {
    async fn with(resolver: Resolver) -> Self {
        let tap = Tap::new(Arc::new(Memory::new()));
        let accounts = [(); 3].map(|()| MemoryPlatform::default());
        let [card, archive, locker] = accounts;
        card.put("first-look.jpg", "a picture").unwrap();
        archive.put("old.jpg", "another").unwrap();
        let mut batch = Batch::new(START);
        batch
            .append(JournalName::main(), &Event::new(NOTED))
            .unwrap();
        tap.commit(&OrganizationId::default(), batch).await.unwrap();
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

    /// Whatever there is, byte for byte.
    async fn belongings(&self) -> Belongings {
        let accounts = [&self.card, &self.archive, &self.locker];
        let default = OrganizationId::default();
        Belongings {
            database: Dump::of(&self.tap, &default).await,
            accounts: accounts.map(|account| account.contents()).into(),
            unfinished: accounts
                .map(|account| account.unfinished_uploads())
                .iter()
                .sum(),
        }
    }
}

/// A call of the handle, of accounts that are there or of such as are not.
pub(crate) type Ask = for<'a> fn(&'a Organization, bool) -> BoxFuture<'a, String>;

pub(crate) fn name(there: bool, name: &str) -> String {
    let no = if there { "" } else { "no-" };
    format!("{no}{name}")
}

fn sync(handle: &Organization, there: bool) -> garland::SyncRequest {
    handle
        .sync(&name(there, "card"))
        .with(&name(there, "archive"))
}

/// An account as somebody has it who was given none: only its name.
async fn account(handle: &Organization, there: bool, alike: &str) -> NamedConnector {
    let name = name(there, alike);
    let nobodys =
        || NamedConnector::new(name.parse().unwrap(), Arc::new(MemoryPlatform::default()));
    let own = handle.connector(&name).await;
    own.unwrap_or_else(|_| nobodys())
}

/// Every entry point, by the methods that it calls.
fn asks() -> Vec<(&'static [&'static str], Ask)> {
    let mut all = accounts();
    all.extend(studio_asks::asks());
    all
}

/// The names of all methods that are asked.
pub(crate) fn asked() -> BTreeSet<&'static str> {
    let all = asks().into_iter();
    all.flat_map(|(what, _)| what.iter().copied()).collect()
}

fn accounts() -> Vec<(&'static [&'static str], Ask)> {
    vec![
        (&["Organization::connector"], |handle, there| {
            Box::pin(async move { answer(handle.connector(&name(there, "card")).await) })
        }),
        (&["Organization::connectors"], |handle, _| {
            Box::pin(async move { answer(handle.connectors().await) })
        }),
        (&["Organization::store"], |handle, _| {
            Box::pin(async move { answer(handle.store().await) })
        }),
        (&["Organization::sessions"], |handle, _| {
            Box::pin(async move { answer(handle.sessions().await) })
        }),
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
                let (from, file) = (account(handle, there, "card").await, path("first-look.jpg"));
                let to = Destination::new(
                    account(handle, there, "archive").await,
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
        let before = closed.belongings().await;
        // Whoever they are: the host has no way around its own resolver.
        for actor in [
            Actor::User("guest-7".into()),
            Actor::Service("importer".into()),
            Actor::Host,
        ] {
            let handle = closed.studio.as_actor(actor);
            gets_nothing(resolver, &closed, &handle).await;
        }
        assert_eq!(closed.belongings().await, before, "{resolver:?}");
    }
}

async fn gets_nothing(resolver: Resolver, closed: &Closed, handle: &Organization) {
    for (what, ask) in asks() {
        let mut answers = Vec::new();
        for there in [true, false] {
            let answer = ask(handle, there).await;
            // Whoever watches tries again when the permissions can be read.
            let is_unread = resolver == Resolver::Fails
                && what.contains(&"Organization::watch_sections")
                && answer.starts_with("unavailable: permissions cannot be read");
            assert!(
                answer.starts_with("denied: ") || is_unread,
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
}

/// A studio in which all may everything lets the same calls through, so that it is the resolver that denies.
#[tokio::test]
async fn the_same_calls_are_let_through_where_they_may() {
    let world = World::on(Arc::new(Memory::new())).await;
    let handle = world.a.organization.as_actor(Actor::User("guest-7".into()));
    for (what, ask) in asks() {
        let answer = ask(&handle, true).await;
        // That somebody is no member is found behind the resolver.
        let is_let_through =
            !answer.starts_with("denied: ") || answer.contains("there is no such member");
        assert!(is_let_through, "{what:?}: {answer}");
    }
}

/// What asks nothing, and why it need not.
const APART: &[(&str, &str)] = &[
    (
        "Orchestrator::bandwidth",
        "only the host has an orchestrator; the link is shared by all of its organizations",
    ),
    ("Orchestrator::builder", "there is nothing yet"),
    ("Orchestrator::enter", "gives the handle of an actor"),
    (
        "Orchestrator::metrics",
        "only the host has an orchestrator; no count names an organization",
    ),
    (
        "Orchestrator::organization",
        "gives the handle of another organization",
    ),
    (
        "Orchestrator::resilience",
        "only the host has an orchestrator; it looks at how accounts are doing",
    ),
    (
        "Orchestrator::tokens",
        "only the host has an orchestrator; it lets people in before there is anybody to ask about",
    ),
    ("Organization::as_actor", "gives the handle of an actor"),
    ("Organization::id", "says whose handle it is"),
    (
        "Organization::sections",
        "gives what asks at each call; its own calls stand in this table",
    ),
    (
        "Organization::team",
        "gives what asks at each call; its own calls stand in this table",
    ),
    (
        "Organization::partners",
        "gives what asks at each call; its own calls stand in this table",
    ),
    ("Partners::acting_as", "gives the handle of an actor"),
    ("Partners::new", "binds what a host has"),
    ("Directory::acting_as", "gives the handle of an actor"),
    ("Directory::new", "binds what a host has"),
    ("SectionService::acting_as", "gives the handle of an actor"),
    ("SectionService::new", "binds what a host has"),
    (
        "SectionService::queue",
        "gives what asks at each call; its own calls stand in this table",
    ),
    ("SectionQueue::is_empty", "counts what waits"),
    ("SectionQueue::len", "counts what waits"),
    ("SyncRequest::on_conflict", "builds"),
    ("SyncRequest::options", "builds"),
    ("SyncRequest::relation", "builds"),
    ("SyncRequest::to", "builds"),
    ("SyncRequest::with", "builds"),
];

/// The handles that are had without asking: the host's own, and what it or one of these gives while it asks nothing.
const HANDLES: [&str; 7] = [
    "Orchestrator",
    "Organization",
    "SyncRequest",
    "Directory",
    "Partners",
    "SectionService",
    "SectionQueue",
];

/// What else a method may give that asks nothing.
const HARMLESS: [&str; 10] = [
    "&Bandwidth",
    "MetricsSnapshot",
    "Option<&Resilience>",
    "bool",
    "usize",
    "Self",
    "Organization",
    "OrchestratorBuilder",
    "&OrganizationId",
    "Result<&TokenService>",
];

/// The public methods in some source, by type, with what they return and whether they wait.
fn methods(source: &str) -> Vec<(String, String, bool)> {
    let mut methods = Vec::new();
    let mut owner = None;
    let mut lines = source.lines().peekable();
    while let Some(line) = lines.next() {
        if let Some(rest) = line.strip_prefix("impl ") {
            let name = rest.trim_end_matches(" {");
            owner = (!name.contains(' ')).then(|| name.to_owned());
        } else if line == "}" {
            owner = None;
        }
        let Some((owner, head)) = owner.as_ref().zip(line.strip_prefix("    pub ")) else {
            continue;
        };
        let waits = head.starts_with("async ");
        let Some((_, head)) = head.split_once("fn ") else {
            continue;
        };
        let mut head = head.to_owned();
        while !head.ends_with('{') {
            head.push_str(lines.next().expect("a method has a body").trim());
        }
        let name: String = head
            .chars()
            .take_while(|c| c.is_alphanumeric() || *c == '_')
            .collect();
        let returns = head.rsplit_once(") -> ").map_or("", |(_, returns)| returns);
        let returns = returns.trim_end_matches('{').trim().to_owned();
        methods.push((format!("{owner}::{name}"), returns, waits));
    }
    methods
}

/// All sources of the crate.
fn sources() -> Vec<String> {
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
    let mut sources = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                sources.push(fs::read_to_string(path).unwrap());
            }
        }
    }
    sources
}

#[test]
fn a1_every_entry_point_stands_in_the_table() {
    let mut found = BTreeMap::new();
    for (name, returns, waits) in sources().iter().flat_map(|source| methods(source)) {
        if HANDLES
            .iter()
            .any(|handle| name.split("::").next() == Some(*handle))
        {
            found.insert(name, (returns, waits));
        }
    }
    assert!(
        found.len() >= 28,
        "the sources were not understood: {found:?}"
    );
    let asked = asked();
    let apart: BTreeSet<&str> = APART.iter().map(|(name, _)| *name).collect();
    let names: BTreeSet<&str> = found.keys().map(String::as_str).collect();
    let known: BTreeSet<&str> = asked.union(&apart).copied().collect();
    assert_eq!(
        names, known,
        "ask them in this file, or say here why they need not"
    );
    assert!(asked.is_disjoint(&apart));
    // What asks nothing neither waits for anything nor gives what reaches anything, but for handles of this table.
    for name in names {
        let (returns, waits) = &found[name];
        let gives = HARMLESS.contains(&returns.as_str()) || HANDLES.contains(&returns.as_str());
        // A stream asks before its first item.
        let gives = gives || returns.starts_with("BoxStream") && asked.contains(name);
        assert!(
            *waits || gives,
            "{name} gives {returns}, whether it may or not"
        );
        assert!(!*waits || asked.contains(name), "{name} asks nothing");
    }
}

#[test]
fn a_new_method_is_noticed() {
    let source = "impl Organization {\n    /// Says.\n    pub const fn id(&self) -> &OrganizationId {\n    }\n    \
        pub async fn guests(\n        &self,\n        day: (u8, u8),\n    ) -> Result<Guests> {\n    }\n    \
        pub(super) fn hidden(&self) -> Store {\n    }\n}\nimpl fmt::Debug for Organization {\n    \
        pub fn no(&self) {\n    }\n}\n";
    let found: Vec<_> = methods(source)
        .into_iter()
        .map(|(name, returns, waits)| format!("{name} {returns} {waits}"))
        .collect();
    assert_eq!(
        found,
        [
            "Organization::id &OrganizationId false",
            "Organization::guests Result<Guests> true"
        ]
    );
}
