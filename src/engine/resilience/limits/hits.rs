//! What is remembered of one key: when it passed, and what that cost.
//!
//! Most keys of a busy host have passed once within their window, so that one pass costs no allocation.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::decision::MOST_LIMITS;
use super::limit::Limit;

/// A limit in the units of the log: nanoseconds of the shard's own time.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rule {
    pub(super) max: u32,
    pub(super) window: u64,
}

/// The limits of a limiter, with the one whose window is the longest.
#[derive(Debug)]
pub(super) struct Rules {
    pub(super) rules: Vec<Rule>,
    longest: usize,
}

impl Rules {
    pub(super) fn new(limits: &[Limit]) -> Self {
        let rules: Vec<Rule> = limits
            .iter()
            .map(|limit| Rule {
                max: limit.max(),
                window: u64::try_from(limit.window().as_nanos()).unwrap_or(u64::MAX),
            })
            .collect();
        let windows = rules.iter().map(|rule| rule.window).enumerate();
        let longest = windows.max_by_key(|(_, window)| *window);
        let longest = longest.map_or(0, |(at, _)| at);
        Self { rules, longest }
    }

    pub(super) fn longest(&self) -> u64 {
        self.rules.get(self.longest).map_or(0, |rule| rule.window)
    }
}

/// Memory that logs may take, shared by all shards. Touched only when a log grows or goes.
#[derive(Debug)]
pub(super) struct Budget {
    used: AtomicUsize,
    most: usize,
}

impl Budget {
    pub(super) fn new(most: usize) -> Self {
        Self {
            used: AtomicUsize::new(0),
            most,
        }
    }

    pub(super) fn used(&self) -> usize {
        self.used.load(Ordering::Relaxed)
    }

    fn take(&self, bytes: usize) -> bool {
        let more = |used: usize| used.checked_add(bytes).filter(|sum| *sum <= self.most);
        let (set, get) = (Ordering::Relaxed, Ordering::Relaxed);
        self.used.try_update(set, get, more).is_ok()
    }

    fn give(&self, bytes: usize) {
        self.used.fetch_sub(bytes, Ordering::Relaxed);
    }
}

/// One pass, in 12 bytes: times are kept as two halves, so that nothing is lost to alignment.
#[derive(Clone, Copy, Debug)]
struct Hit {
    high: u32,
    low: u32,
    cost: u32,
}

impl Hit {
    #[expect(clippy::cast_possible_truncation, reason = "the two halves of a time")]
    fn new(at: u64, cost: u32) -> Self {
        Self {
            high: (at >> 32) as u32,
            low: at as u32,
            cost,
        }
    }

    fn at(self) -> u64 {
        u64::from(self.high) << 32 | u64::from(self.low)
    }
}

/// More than one pass, oldest first.
#[derive(Debug)]
pub(super) struct Log {
    hits: VecDeque<Hit>,
    windows: [Window; MOST_LIMITS],
    /// What the budget was charged with for this log.
    charged: usize,
}

/// What one limit sees of the log: all from `head` on, which cost `sum`.
#[derive(Clone, Copy, Debug, Default)]
struct Window {
    head: usize,
    sum: u32,
}

impl Log {
    /// How many hits there is room for at first.
    const FIRST: usize = 4;

    fn bytes(capacity: usize) -> usize {
        size_of::<Self>().saturating_add(capacity.saturating_mul(size_of::<Hit>()))
    }

    /// Moves every window up to `now`, and forgets what the longest has left behind.
    fn settle(&mut self, rules: &Rules, now: u64) {
        for (window, rule) in self.windows.iter_mut().zip(&rules.rules) {
            while let Some(hit) = self.hits.get(window.head)
                && gone(hit.at(), rule, now)
            {
                window.sum = window.sum.saturating_sub(hit.cost);
                window.head += 1;
            }
        }
        let forgotten = self.windows.get(rules.longest).map_or(0, |own| own.head);
        if forgotten > 0 {
            self.hits.drain(..forgotten.min(self.hits.len()));
            for window in &mut self.windows {
                window.head = window.head.saturating_sub(forgotten);
            }
        }
    }
}

fn gone(at: u64, rule: &Rule, now: u64) -> bool {
    at.saturating_add(rule.window) <= now
}

/// What is remembered of one key.
#[derive(Debug, Default)]
pub(super) enum State {
    #[default]
    Empty,
    One {
        cost: u32,
        at: u64,
    },
    Many(Box<Log>),
}

impl State {
    pub(super) fn is_empty(&self) -> bool {
        matches!(self, Self::Empty)
    }

    /// Forgets what no limit counts any more at `now`. Afterwards every window ends at `now`.
    pub(super) fn settle(&mut self, rules: &Rules, now: u64, budget: &Budget) {
        match self {
            Self::Empty => {}
            Self::One { at, .. } => {
                if at.saturating_add(rules.longest()) <= now {
                    *self = Self::Empty;
                }
            }
            Self::Many(log) => {
                log.settle(rules, now);
                let less = match (log.hits.len(), log.hits.front()) {
                    (1, Some(hit)) => Self::One {
                        cost: hit.cost,
                        at: hit.at(),
                    },
                    (0, _) => Self::Empty,
                    (length, _) => {
                        shrink(log, length, budget);
                        return;
                    }
                };
                budget.give(log.charged);
                *self = less;
            }
        }
    }

    /// Returns what the limit of number `index` counts, and when the first of it passed. To be called
    /// on a settled state.
    pub(super) fn used(&self, index: usize, rule: &Rule, now: u64) -> (u32, Option<u64>) {
        match self {
            Self::One { cost, at } if !gone(*at, rule, now) => (*cost, Some(*at)),
            Self::Empty | Self::One { .. } => (0, None),
            Self::Many(log) => {
                let window = log.windows.get(index).copied().unwrap_or_default();
                (window.sum, log.hits.get(window.head).map(|hit| hit.at()))
            }
        }
    }

    /// Returns when the last pass was.
    pub(super) fn newest(&self) -> Option<u64> {
        match self {
            Self::Empty => None,
            Self::One { at, .. } => Some(*at),
            Self::Many(log) => log.hits.back().map(|hit| hit.at()),
        }
    }

    /// Returns when `excess` of what the limit of number `index` counts has left its window. Every
    /// pass costs at least 1, so that this looks at no more than `excess` of them.
    pub(super) fn frees(&self, index: usize, rule: &Rule, excess: u32) -> u64 {
        match self {
            Self::Empty => 0,
            Self::One { at, .. } => at.saturating_add(rule.window),
            Self::Many(log) => {
                let head = log.windows.get(index).map_or(0, |window| window.head);
                let mut freed = 0_u32;
                let last = log.hits.iter().skip(head).find(|hit| {
                    freed = freed.saturating_add(hit.cost);
                    freed >= excess
                });
                last.map_or(0, |hit| hit.at().saturating_add(rule.window))
            }
        }
    }

    /// Adds a pass at `now`, or returns false where there is no memory for it. To be called on a
    /// settled state.
    #[must_use]
    pub(super) fn push(&mut self, rules: &Rules, now: u64, cost: u32, budget: &Budget) -> bool {
        match self {
            Self::Empty => *self = Self::One { cost, at: now },
            Self::One { cost: own, at } if *at == now => *own = own.saturating_add(cost),
            Self::One { cost: first, at } => {
                let charged = Log::bytes(Log::FIRST);
                if !budget.take(charged) {
                    return false;
                }
                let first = Hit::new(*at, *first);
                let mut windows = [Window::default(); MOST_LIMITS];
                for (window, rule) in windows.iter_mut().zip(&rules.rules) {
                    *window = if gone(first.at(), rule, now) {
                        Window { head: 1, sum: cost }
                    } else {
                        let sum = first.cost.saturating_add(cost);
                        Window { head: 0, sum }
                    };
                }
                let mut hits = VecDeque::with_capacity(Log::FIRST);
                hits.extend([first, Hit::new(now, cost)]);
                *self = Self::Many(Box::new(Log {
                    hits,
                    windows,
                    charged,
                }));
            }
            Self::Many(log) => {
                if !add(log, now, cost, budget) {
                    return false;
                }
                let counted = log.windows.iter_mut().zip(&rules.rules);
                counted.for_each(|(window, _)| window.sum = window.sum.saturating_add(cost));
            }
        }
        true
    }
}

fn add(log: &mut Log, now: u64, cost: u32, budget: &Budget) -> bool {
    if let Some(last) = log.hits.back_mut()
        && last.at() == now
    {
        last.cost = last.cost.saturating_add(cost);
        return true;
    }
    let capacity = log.hits.capacity();
    if log.hits.len() == capacity {
        let more = capacity.saturating_mul(size_of::<Hit>());
        if !budget.take(more) {
            return false;
        }
        log.charged = log.charged.saturating_add(more);
        log.hits.reserve_exact(capacity);
    }
    log.hits.push_back(Hit::new(now, cost));
    true
}

/// Gives back half of a log that is three quarters empty.
fn shrink(log: &mut Log, length: usize, budget: &Budget) {
    let capacity = log.hits.capacity();
    if capacity > 4 * Log::FIRST && length < capacity / 4 {
        log.hits.shrink_to(capacity / 2);
        let less = log.charged.saturating_sub(Log::bytes(capacity / 2));
        log.charged = log.charged.saturating_sub(less);
        budget.give(less);
    }
}
