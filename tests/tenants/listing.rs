//! The listing of the public API holds the matrix to be complete: whatever can reach a database is called in it.

use std::collections::BTreeSet;

use crate::calls::all;
use crate::entry_points::asked;

const LISTING: &str = include_str!("../../api/garland.txt");

/// Rooms whose functions have no organization of their own, and why.
const ROOMS: &[(&str, &str)] = &[
    (
        "bandwidth::",
        "shares one link between organizations that the host names; reaches no database",
    ),
    (
        "cache::",
        "holds what one host or one account puts in; reaches no database",
    ),
    (
        "oauth::",
        "reaches nothing but through a store and a ring of keys that are bound; tests/oauth/tenants.rs asks it across",
    ),
    (
        "webhooks::",
        "reaches nothing but through a store and a ring of keys that are bound; tests/webhooks asks it across",
    ),
    (
        "resilience::",
        "stands around an account that is given; reaches no database",
    ),
    (
        "telemetry::",
        "counts under fixed names, in which no organization stands",
    ),
    (
        "connector::",
        "the seam of accounts, which know no organization; which has which is for the registry",
    ),
    (
        "section::Partners",
        "reach nothing but through a store that is bound; the handle that gives them has rows of its own",
    ),
    ("testing::", "suites and doubles for tests"),
    ("platforms::", "accounts, as the seam"),
    (
        "backends::",
        "take the organization as an argument; held to it by the suite of the storage seam",
    ),
];

/// What needs no call in the matrix, and why.
const APART: &[(&str, &str)] = &[
    (
        "Orchestrator::bandwidth",
        "the host's own; shares a link between organizations",
    ),
    (
        "Orchestrator::metrics",
        "the host's own; counts under fixed names",
    ),
    (
        "Orchestrator::resilience",
        "the host's own; looks at how accounts are doing",
    ),
    (
        "Orchestrator::organization",
        "the host itself names the organization here",
    ),
    (
        "OrchestratorBuilder::build",
        "puts together what the host gave; reads nothing",
    ),
    ("Organization::id", "says whose handle it is"),
    (
        "Organization::partners",
        "gives a service of the room of sections",
    ),
    ("SyncRun::cancel", "stops a run that the caller began"),
    ("audit::Auditor::origin", "says what its heads are called"),
    (
        "audit::Auditor::run",
        "is `seal_now` again and again, for ever",
    ),
    (
        "audit::HmacHeads::sign",
        "has a key in memory and nothing else",
    ),
    (
        "audit::HmacHeads::verify",
        "has a key in memory and nothing else",
    ),
    (
        "crypto::presigned::Presigner::sign",
        "signs what the host says; reads nothing",
    ),
    (
        "crypto::Rotation::cancel",
        "stops a rotation that the caller began",
    ),
    (
        "crypto::SealedConnector::account",
        "gives what the host has wrapped",
    ),
    ("crypto::SealedConnector::contacts", "is `None`"),
    (
        "crypto::SealedConnector::facts",
        "says what the account can do",
    ),
    (
        "crypto::SealedConnector::files",
        "gives the facet that the matrix calls",
    ),
    ("crypto::SealedConnector::galleries", "is `None`"),
    ("crypto::SealedConnector::links", "is `None`"),
    (
        "crypto::SealedConnector::platform",
        "says what the account is",
    ),
    ("crypto::SealedConnector::presets", "is `None`"),
    ("crypto::SealedConnector::publisher", "is `None`"),
    ("crypto::SealedConnector::webhooks", "is `None`"),
    (
        "journal::Subscription::into_stream",
        "is `next` again and again",
    ),
    (
        "journal::Subscription::position",
        "says how far it has read",
    ),
    (
        "privacy::Privacy::pseudonym",
        "computes a digest; reads nothing",
    ),
    ("privacy::UploadedFiles::name", "is a constant"),
    (
        "section::LiveSections::close",
        "ends what the host has begun",
    ),
    ("section::LiveSections::followed", "counts"),
    ("section::SectionQueue::is_empty", "counts what waits"),
    ("section::SectionQueue::len", "counts what waits"),
    ("section::Subscription::cursor", "says how far it has come"),
    (
        "storage::Lease::fence",
        "names a lease that the caller holds",
    ),
    ("storage::Store::organization", "says whose store it is"),
    (
        "upload::Incoming::id",
        "says which upload the caller has begun",
    ),
];

/// What waits in the rooms of people and sections and is no entry point, and why.
const BEHIND: &[(&str, &str)] = &[
    (
        "section::LiveSections::subscribe",
        "is what `Organization::watch_sections` calls",
    ),
    (
        "section::PartnerSecrets::signer",
        "is what a host implements",
    ),
    (
        "section::PartnerTransport::attempt",
        "is what a host implements",
    ),
    (
        "section::StoredPolicy::decide",
        "is the resolver that is asked",
    ),
    (
        "section::StoredPolicy::snapshot",
        "is the resolver that is asked",
    ),
    (
        "section::StoredPolicy::state",
        "is the host's own; `Organization::permission_snapshot` asks",
    ),
    (
        "section::Subscription::next",
        "is of one who was let in, and is asked again",
    ),
    (
        "section::Ticket::accepted",
        "is the answer to one who was asked",
    ),
    (
        "section::WebhookTransport::attempt",
        "sends what the host gives it; reaches no database",
    ),
];

/// One line of the listing.
struct Function {
    /// The type or trait it belongs to; empty for a free function.
    owner: String,
    name: String,
    arguments: String,
    returns: String,
    waits: bool,
}

impl Function {
    fn read(line: &str) -> Option<Self> {
        let (kind, head) = line.strip_prefix("pub ")?.split_once("fn garland::")?;
        let is_async = match kind.trim() {
            "async" => true,
            "" | "const" => false,
            _ => return None,
        };
        let open = head.find('(')?;
        // Between the name and the arguments there may be parameters: of the type, or of the function.
        let mut depth = 0_usize;
        let path: String = head[..open]
            .chars()
            .filter(|&c| {
                depth = if c == '<' { depth + 1 } else { depth };
                let shown = depth == 0;
                depth = if c == '>' { depth - 1 } else { depth };
                shown
            })
            .collect();
        let mut depth = 0_usize;
        let close = head
            .char_indices()
            .skip_while(|&(at, _)| at < open)
            .find_map(|(at, c)| {
                depth = match c {
                    '(' => depth + 1,
                    ')' => depth - 1,
                    _ => depth,
                };
                (depth == 0).then_some(at)
            })?;
        let (owner, name) = path.rsplit_once("::").unwrap_or(("", &path));
        let is_type = owner.rsplit("::").next()?.starts_with(char::is_uppercase);
        let returns = head[close + 1..].to_owned();
        Some(Self {
            owner: if is_type {
                owner.to_owned()
            } else {
                String::new()
            },
            name: if is_type {
                name.to_owned()
            } else {
                path.clone()
            },
            arguments: head[open + 1..close].to_owned(),
            waits: is_async
                || returns.contains("BoxStream<")
                || returns.contains("dyn core::future"),
            returns,
        })
    }

    fn path(&self) -> String {
        match self.owner.as_str() {
            "" => self.name.clone(),
            owner => format!("{owner}::{}", self.name),
        }
    }

    fn is_method(&self) -> bool {
        let first = self.arguments.split(',').next().unwrap_or_default();
        first.ends_with("self")
    }

    fn takes(&self, types: &BTreeSet<String>) -> bool {
        self.arguments.contains("garland::storage::StorageBackend")
            || types.iter().any(|name| names(&self.arguments, name))
    }
}

/// Whether a type stands in a signature, and not only as the beginning of another's name.
fn names(text: &str, name: &str) -> bool {
    text.match_indices(&format!("garland::{name}"))
        .any(|(at, found)| {
            !text[at + found.len()..].starts_with(|c: char| c.is_alphanumeric() || c == ':')
        })
}

fn every(listing: &str) -> impl Iterator<Item = Function> {
    listing.lines().filter_map(Function::read)
}

fn functions(listing: &str) -> Vec<Function> {
    let read = every(listing);
    read.filter(|function| {
        !ROOMS
            .iter()
            .any(|(room, _)| function.path().starts_with(room))
    })
    .collect()
}

/// Every type that can be waited for: it, or what its methods give out.
fn waiting(functions: &[Function]) -> BTreeSet<String> {
    let mut waiting: BTreeSet<String> = BTreeSet::new();
    loop {
        let before = waiting.len();
        for function in functions.iter().filter(|function| function.is_method()) {
            if function.waits || waiting.iter().any(|name| names(&function.returns, name)) {
                waiting.insert(function.owner.clone());
            }
        }
        if waiting.len() == before {
            return waiting;
        }
    }
}

/// Every type that can reach a database: a store, what is made with one, and what such a type gives out.
fn services(functions: &[Function]) -> BTreeSet<String> {
    let waiting = waiting(functions);
    let mut services = BTreeSet::from(["storage::Store".to_owned()]);
    loop {
        let before = services.len();
        for function in functions
            .iter()
            .filter(|function| !function.owner.is_empty())
        {
            let makes = !function.is_method() && function.returns.contains("Self");
            let is_given = function
                .arguments
                .contains("impl garland::storage::StorageBackend");
            if makes && function.takes(&services) || is_given {
                services.insert(function.owner.clone());
            }
            if services.contains(&function.owner) {
                let given = waiting.iter().filter(|name| names(&function.returns, name));
                services.extend(given.cloned());
            }
        }
        if services.len() == before {
            return services;
        }
    }
}

const DERIVED: [&str; 4] = ["clone", "deref", "drop", "fmt"];

/// What the matrix has to call.
fn required(functions: &[Function]) -> BTreeSet<String> {
    let services = services(functions);
    let reaches = |function: &&Function| {
        if function.owner.is_empty() {
            return function.takes(&services);
        }
        let builds = function.returns.trim() == "-> Self" || function.name.starts_with("with_");
        services.contains(&function.owner)
            && (function.is_method() || function.waits)
            && !builds
            && !DERIVED.contains(&function.name.as_str())
    };
    functions
        .iter()
        .filter(reaches)
        .map(Function::path)
        .collect()
}

#[test]
fn a1_the_matrix_calls_whatever_reaches_a_database() {
    let required = required(&functions(LISTING));
    assert!(
        required.len() >= 100,
        "the listing was not understood: {required:#?}"
    );
    let covered: BTreeSet<String> = all()
        .iter()
        .flat_map(|call| call.covers.iter().map(|name| (*name).to_owned()))
        .collect();
    let apart: BTreeSet<String> = APART.iter().map(|(name, _)| (*name).to_owned()).collect();
    let known = &covered | &apart;
    let missing: Vec<_> = required.difference(&known).collect();
    assert_eq!(
        missing,
        Vec::<&String>::new(),
        "call them in tests/tenants/calls, or say here why not"
    );
    let stale: Vec<_> = known.difference(&required).collect();
    assert_eq!(
        stale,
        Vec::<&String>::new(),
        "these are not in the listing, or reach nothing"
    );
    let both: Vec<_> = covered.intersection(&apart).collect();
    assert_eq!(
        both,
        Vec::<&String>::new(),
        "these are called, so there is nothing to excuse"
    );
    println!("{} of {} are called", covered.len(), required.len());
}

/// Whatever of the rooms of people and sections can be waited for stands among the entry points, of whatever type it is.
#[test]
fn a1_every_call_about_people_and_sections_is_an_entry_point() {
    let rooms = ["section::", "team::"];
    let waiting = every(LISTING).filter(|function| {
        let path = function.path();
        function.waits && rooms.iter().any(|room| path.starts_with(room))
    });
    let found: BTreeSet<String> = waiting.map(|function| function.path()).collect();
    assert!(
        found.len() >= 40,
        "the listing was not understood: {found:#?}"
    );
    let behind: BTreeSet<String> = BEHIND.iter().map(|(path, _)| (*path).to_owned()).collect();
    let entered = asked();
    let missing: Vec<_> = found
        .difference(&behind)
        .filter(|path| !entered.contains(path.split_once("::").map_or("", |(_, name)| name)))
        .collect();
    assert_eq!(
        missing,
        Vec::<&String>::new(),
        "ask them in tests/tenants/studio_asks.rs, or say here why not"
    );
    let stale: Vec<_> = behind.difference(&found).collect();
    assert_eq!(stale, Vec::<&String>::new(), "these are not in the listing");
}

#[test]
fn a_service_that_is_new_is_noticed() {
    let new = "pub fn garland::guests::GuestBook::new(garland::storage::Store) -> Self\n\
        pub async fn garland::guests::GuestBook::get(&self, &str) -> garland::Result<()>\n\
        pub const fn garland::guests::Desk::new(garland::guests::GuestBook) -> Self\n\
        pub const fn garland::guests::Desk::seat(&self, u8) -> u8\n\
        pub fn garland::guests::GuestBook::page(&self) -> garland::guests::Page\n\
        pub async fn garland::guests::Page::next(&mut self) -> garland::Result<()>\n\
        pub async fn garland::guests::count(&garland::guests::GuestBook) -> garland::Result<u64>\n\
        pub fn garland::guests::GuestBook::fmt(&self, &mut core::fmt::Formatter<'_>) -> core::fmt::Result\n\
        pub async fn garland::other::Thing::act(&self) -> garland::Result<()>\n";
    let found = required(&functions(new));
    let wanted = [
        "Desk::seat",
        "GuestBook::get",
        "GuestBook::page",
        "Page::next",
        "count",
    ];
    assert_eq!(found, wanted.map(|name| format!("guests::{name}")).into());
}
