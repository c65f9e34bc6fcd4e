//! Small worlds for syncs: accounts in memory, what people did to them, and what must not get lost.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use garland::backends::Memory;
use garland::connector::{FileFacts, FilePath, HashAlgorithm, PlatformConnector};
use garland::platforms::{MemoryOptions, MemoryPlatform};
use garland::sync::{
    ConflictStrategy, MergeInput, Merger, PlanOptions, Relation, SyncOptions, SyncReport,
};
use garland::testing::{Faults, FaultyConnector, FaultyStorage, PausedClock};
use garland::transfer::{RetryPolicy, TransferOptions};
use garland::{Chance, Orchestrator, Result, SyncRequest, Timestamp};

pub(crate) const NAMES: [&str; 3] = ["card", "drive", "nas"];
pub(crate) const START: i64 = 1_750_000_000_000;

/// Some accounts, the database, and how they are synced.
#[derive(Clone)]
pub(crate) struct World {
    pub(crate) accounts: Vec<MemoryPlatform>,
    pub(crate) database: Memory,
    pub(crate) relation: Relation,
    pub(crate) strategy: ConflictStrategy,
    pub(crate) options: PlanOptions,
    pub(crate) clock: PausedClock,
}

impl World {
    pub(crate) fn new(accounts: Vec<MemoryPlatform>) -> Self {
        Self {
            accounts,
            database: Memory::new(),
            relation: Relation::Peers,
            strategy: ConflictStrategy::ManualReview,
            options: PlanOptions::default(),
            clock: PausedClock::starting(Timestamp::from_millis(START)),
        }
    }

    /// Puts a file somewhere, `at` seconds after the start.
    pub(crate) fn put(&self, account: usize, path: &str, content: &str, at: i64) {
        let modified = Timestamp::from_millis(START + at * 1_000);
        self.accounts[account]
            .put_at(path, content.to_owned(), modified)
            .unwrap();
    }

    /// The sync as a program sees it, every call passing through `faults`.
    pub(crate) async fn request(&self, faults: &Faults) -> SyncRequest {
        let database: Arc<dyn garland::storage::StorageBackend> = Arc::new(self.database.clone());
        let mut builder = Orchestrator::builder()
            .storage(FaultyStorage::new(database, faults.clone()))
            .clock(self.clock)
            .chance(Chance::seeded(1));
        for (name, account) in NAMES.iter().zip(&self.accounts) {
            let account: Arc<dyn PlatformConnector> = Arc::new(account.clone());
            builder = builder.connector(name, FaultyConnector::new(*name, account, faults.clone()));
        }
        let studio = builder.build().await.unwrap();
        let request = NAMES
            .iter()
            .take(self.accounts.len())
            .skip(1)
            .fold(studio.sync(NAMES[0]), |request, name| request.with(name));
        let retry = RetryPolicy::default().with_base(Duration::from_millis(10));
        let transfer = TransferOptions::default()
            .with_retry(retry)
            .with_resume_from(8)
            .with_stall(Duration::from_secs(20));
        let options = SyncOptions::default()
            .with_strategy(self.strategy)
            .with_plan(self.options.clone())
            .with_transfer(transfer)
            .with_merger(Lines);
        request.relation(self.relation).options(options)
    }

    /// Runs the sync without faults.
    pub(crate) async fn run(&self) -> Result<SyncReport> {
        self.request(&Faults::none()).await.run().await
    }

    /// What each account lists.
    pub(crate) fn listed(&self) -> Vec<BTreeMap<FilePath, Bytes>> {
        self.accounts.iter().map(MemoryPlatform::listed).collect()
    }

    /// Every content anywhere, recovery folders included, with merged files taken apart.
    pub(crate) fn contents(&self) -> BTreeSet<String> {
        let all = self
            .accounts
            .iter()
            .flat_map(|account| account.contents().into_values());
        all.flat_map(|content| {
            let text = String::from_utf8(content.to_vec()).unwrap();
            let lines: Vec<_> = text.split('\n').map(str::to_owned).collect();
            lines.into_iter().chain([text])
        })
        .collect()
    }
}

/// Every kind of account.
pub(crate) const ANY: [u64; 5] = [0, 1, 2, 3, 4];
/// Those that report strong hashes: only there can a flipped bit be seen by everybody.
pub(crate) const HASHING: [u64; 2] = [1, 2];

/// Kinds of accounts: plain, with hashes of two kinds, with coarse times, without ids, chunked.
pub(crate) fn options(kind: u64) -> MemoryOptions {
    let facts = FileFacts::default();
    match kind % 5 {
        0 => MemoryOptions::new(facts).with_revisions(false),
        1 => MemoryOptions::new(facts.with_hashes(&[HashAlgorithm::Sha256])),
        2 => MemoryOptions::new(facts.with_hashes(&[HashAlgorithm::Md5])).with_ids(false),
        3 => MemoryOptions::new(facts.with_time_precision(Duration::from_secs(2)))
            .with_resumable(false),
        _ => {
            MemoryOptions::new(facts.with_chunks(garland::connector::ChunkRules::new(4, 4, 64, 8)))
                .with_piece_size(5)
        }
    }
}

/// Merges by putting one version under the other.
#[derive(Debug)]
pub(crate) struct Lines;

impl Merger for Lines {
    fn merge(&self, _: &FilePath, inputs: &[MergeInput]) -> Result<Bytes> {
        let mut lines: Vec<&[u8]> = inputs
            .iter()
            .flat_map(|i| i.content.split(|b| *b == b'\n'))
            .collect();
        lines.sort_unstable();
        lines.dedup();
        Ok(lines.join(&b'\n').into())
    }
}

/// Dice for tests.
pub(crate) struct Dice(Chance);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(Chance::seeded(seed))
    }

    /// A number below `end`.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.0.word() % end
    }

    pub(crate) fn pick<T: Copy>(&mut self, all: &[T]) -> T {
        let index = usize::try_from(self.below(all.len() as u64)).unwrap();
        all[index]
    }
}

/// A world that was in sync once and has been worked on since, and the contents that must survive.
pub(crate) struct Worked {
    pub(crate) world: World,
    pub(crate) must_survive: BTreeSet<String>,
    /// Everything that was ever written by somebody.
    pub(crate) known: BTreeSet<String>,
}

const PATHS: [&str; 7] = [
    "a.jpg",
    "b.xmp",
    "day/c.jpg",
    "day/d.xmp",
    "e",
    "day/f.raw",
    "g.xmp",
];
const STRATEGIES: [ConflictStrategy; 5] = [
    ConflictStrategy::NewerWins,
    ConflictStrategy::SourceWins,
    ConflictStrategy::Duplicate,
    ConflictStrategy::Merge,
    ConflictStrategy::ManualReview,
];
const RELATIONS: [Relation; 4] = [
    Relation::Peers,
    Relation::Peers,
    Relation::Mirror,
    Relation::Backup,
];

/// Makes the world of a seed; the same seed gives the same world.
pub(crate) async fn worked(seed: u64, kinds: &[u64]) -> Worked {
    let mut dice = Dice::new(seed);
    let accounts = (0..2 + dice.below(2)).map(|_| MemoryPlatform::new(options(dice.pick(kinds))));
    let mut world = World::new(accounts.collect());
    world.relation = dice.pick(&RELATIONS);
    world.strategy = dice.pick(&STRATEGIES);
    world.options = PlanOptions::default()
        .with_allow_empty(true)
        .with_track_renames(dice.below(2) == 0);
    let count = world.accounts.len() as u64;
    let mut known = BTreeSet::new();
    for (number, path) in PATHS.iter().enumerate() {
        if dice.below(4) > 0 {
            let content = format!("first {number} of {seed}");
            let account = if world.relation == Relation::Peers {
                dice.below(count)
            } else {
                0
            };
            known.insert(content.clone());
            world.put(usize::try_from(account).unwrap(), path, &content, 0);
        }
    }
    let report = world.run().await.unwrap();
    assert!(report.failed.is_empty(), "seed {seed}: {report}");
    let before = world.listed();
    for (index, account) in world.accounts.iter().enumerate() {
        for path in PATHS {
            let version = dice.below(3);
            let at = 60 + i64::try_from(dice.below(3)).unwrap() * 60;
            match dice.below(6) {
                0 => {
                    let content = format!("edit {version} of {path} in {seed}");
                    known.insert(content.clone());
                    world.put(index, path, &content, at);
                }
                1 => drop(account.remove(path).unwrap()),
                2 => {
                    if let Some(content) = account.get(path) {
                        account.remove(path).unwrap();
                        let moved = format!("moved/{path}");
                        let at = Timestamp::from_millis(START);
                        account.put_at(&moved, content, at).unwrap();
                    }
                }
                _ => {}
            }
        }
    }
    let now = world.listed();
    let mut must_survive = BTreeSet::new();
    for (index, files) in now.iter().enumerate() {
        for (path, content) in files {
            // A version that nobody has touched may go when somebody deletes or replaces it.
            if before[index].get(path) != Some(content) {
                must_survive.insert(String::from_utf8(content.to_vec()).unwrap());
            }
        }
    }
    for (path, content) in &before[0] {
        let everywhere = |files: &Vec<BTreeMap<FilePath, Bytes>>| {
            files.iter().all(|files| files.get(path) == Some(content))
        };
        if everywhere(&before) && everywhere(&now) {
            must_survive.insert(String::from_utf8(content.to_vec()).unwrap());
        }
    }
    Worked {
        world,
        must_survive,
        known,
    }
}

impl Worked {
    /// Checks what must hold whatever happened: nothing lost, and nothing there that nobody wrote.
    pub(crate) fn check(&self, when: &str) {
        let there = self.world.contents();
        for content in &self.must_survive {
            assert!(
                there.contains(content),
                "{when}: `{content}` is lost; left: {there:#?}"
            );
        }
        for (account, files) in self.world.listed().into_iter().enumerate() {
            for (path, content) in files {
                let text = String::from_utf8(content.to_vec()).unwrap();
                let whole = text.split('\n').all(|line| self.known.contains(line));
                assert!(whole, "{when}: {path} on {} holds `{text}`", NAMES[account]);
            }
        }
    }

    /// Runs without faults until nothing is left to do, then checks everything.
    pub(crate) async fn come_to_rest(&self, when: &str) {
        let mut done = false;
        for _ in 0..4 {
            let report = match self.world.run().await {
                Ok(report) => report,
                Err(error) => panic!("{when}: {error:?}"),
            };
            assert!(report.failed.is_empty(), "{when}: {report}");
            if report.plan.actions.is_empty() {
                done = true;
                break;
            }
        }
        assert!(done, "{when}: does not come to rest");
        self.check(when);
    }
}
