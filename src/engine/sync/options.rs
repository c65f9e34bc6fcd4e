//! How a sync is run.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use unicode_normalization::UnicodeNormalization;

use crate::engine::transfer::TransferOptions;

use super::merge::Merger;
use super::plan::{ConflictStrategy, PlanOptions, Relation};

/// Decides which paths take part in a sync; see [`SyncOptions::filter`].
pub trait PathFilter: fmt::Debug + Send + Sync {
    /// Tells whether the file at `path`, spelled in Unicode's NFC, takes part.
    fn includes(&self, path: &str) -> bool;
}

/// Chooses a strategy path by path; see [`SyncOptions::overrides`].
pub trait StrategyOverride: fmt::Debug + Send + Sync {
    /// Returns the strategy for the file at `path`, or `None` for that of the run.
    fn strategy(&self, path: &str) -> Option<ConflictStrategy>;
}

/// How a sync is run.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SyncOptions {
    /// How the places stand to each other. Default [`Relation::Peers`].
    pub relation: Relation,
    /// What settles conflicts. Default [`ConflictStrategy::ManualReview`]: nothing is chosen for you.
    pub strategy: ConflictStrategy,
    /// What the planner is told.
    pub plan: PlanOptions,
    /// How files are moved.
    pub transfer: TransferOptions,
    /// Which paths take part; all by default. What does not take part is neither copied nor deleted, nor remembered.
    pub filter: Option<Arc<dyn PathFilter>>,
    /// Strategies for single paths; the first that answers counts.
    pub overrides: Vec<Arc<dyn StrategyOverride>>,
    /// What merges files under [`ConflictStrategy::Merge`]; without it such a file fails and is reported.
    pub merger: Option<Arc<dyn Merger>>,
    /// How often the places are listed and planned anew in one run, where something had to be hashed or
    /// changed meanwhile. Default 3, at least 1.
    pub rounds: u32,
    /// How long recovered files are kept. Default 30 days.
    pub keep_recovered: Duration,
    /// After how long a place whose platform tells what changed is listed as a whole all the same, for what a feed may
    /// have left out. Default 7 days; zero lists it each time.
    pub whole_listing_after: Duration,
    /// What this sync is remembered under; by default its relation and the names of its places.
    pub name: Option<String>,
}

impl Default for SyncOptions {
    fn default() -> Self {
        Self {
            relation: Relation::Peers,
            strategy: ConflictStrategy::ManualReview,
            plan: PlanOptions::default(),
            transfer: TransferOptions::default(),
            filter: None,
            overrides: Vec::new(),
            merger: None,
            rounds: 3,
            keep_recovered: Duration::from_secs(30 * 24 * 60 * 60),
            whole_listing_after: Duration::from_secs(7 * 24 * 60 * 60),
            name: None,
        }
    }
}

impl SyncOptions {
    /// Sets [`SyncOptions::relation`].
    #[must_use]
    pub fn with_relation(mut self, relation: Relation) -> Self {
        self.relation = relation;
        self
    }

    /// Sets [`SyncOptions::strategy`].
    #[must_use]
    pub fn with_strategy(mut self, strategy: ConflictStrategy) -> Self {
        self.strategy = strategy;
        self
    }

    /// Sets [`SyncOptions::plan`].
    #[must_use]
    pub fn with_plan(mut self, plan: PlanOptions) -> Self {
        self.plan = plan;
        self
    }

    /// Sets [`SyncOptions::transfer`].
    #[must_use]
    pub fn with_transfer(mut self, transfer: TransferOptions) -> Self {
        self.transfer = transfer;
        self
    }

    /// Sets [`SyncOptions::filter`].
    #[must_use]
    pub fn with_filter(mut self, filter: impl PathFilter + 'static) -> Self {
        self.filter = Some(Arc::new(filter));
        self
    }

    /// Adds to [`SyncOptions::overrides`].
    #[must_use]
    pub fn with_override(mut self, chooser: impl StrategyOverride + 'static) -> Self {
        self.overrides.push(Arc::new(chooser));
        self
    }

    /// Sets [`SyncOptions::merger`].
    #[must_use]
    pub fn with_merger(mut self, merger: impl Merger + 'static) -> Self {
        self.merger = Some(Arc::new(merger));
        self
    }

    /// Sets [`SyncOptions::rounds`].
    #[must_use]
    pub fn with_rounds(mut self, rounds: u32) -> Self {
        self.rounds = rounds.max(1);
        self
    }

    /// Sets [`SyncOptions::keep_recovered`].
    #[must_use]
    pub fn with_keep_recovered(mut self, time: Duration) -> Self {
        self.keep_recovered = time;
        self
    }

    /// Sets [`SyncOptions::whole_listing_after`].
    #[must_use]
    pub fn with_whole_listing_after(mut self, time: Duration) -> Self {
        self.whole_listing_after = time;
        self
    }

    /// Sets [`SyncOptions::name`].
    #[must_use]
    pub fn with_name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    pub(crate) fn strategy_for(&self, path: &str) -> Option<ConflictStrategy> {
        self.overrides
            .iter()
            .find_map(|chooser| chooser.strategy(path))
    }

    pub(crate) fn includes(&self, path: &str) -> bool {
        // Places may spell one name differently; the filter is always asked with the same spelling,
        // or a file could take part in one place and be missing in another.
        self.filter.as_ref().is_none_or(|filter| {
            if path.is_ascii() {
                filter.includes(path)
            } else {
                filter.includes(&path.nfc().collect::<String>())
            }
        })
    }
}
