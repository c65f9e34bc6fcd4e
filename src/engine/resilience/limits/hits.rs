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

/// A few passes, oldest first, in as many bytes as a line of the cache has.
#[derive(Debug)]
pub(super) struct Few {
    hits: [Hit; Self::MOST],
    count: u32,
}

impl Few {
    const MOST: usize = 5;

    fn hits(&self) -> &[Hit] {
        let count = usize::try_from(self.count).unwrap_or(Self::MOST);
        self.hits.get(..count).unwrap_or(&self.hits)
    }

    /// Adds a pass; false if there is no more room.
    fn push(&mut self, hit: Hit) -> bool {
        let free = usize::try_from(self.count).ok();
        match free.and_then(|free| self.hits.get_mut(free)) {
            Some(free) => *free = hit,
            None => return false,
        }
        self.count += 1;
        true
    }

    /// Adds to the last pass if that was at the same time.
    fn merge(&mut self, hit: Hit) -> bool {
        let last = self.count.checked_sub(1).map(index);
        match last.and_then(|last| self.hits.get_mut(last)) {
            Some(last) if last.at() == hit.at() => {
                last.cost = last.cost.saturating_add(hit.cost);
                true
            }
            _ => false,
        }
    }

    /// Keeps what has not left the longest window.
    fn settle(&mut self, longest: u64, now: u64) {
        let kept = self
            .hits()
            .iter()
            .filter(|hit| !gone(hit.at(), longest, now));
        let kept = u32::try_from(kept.count()).unwrap_or(0);
        let left = usize::try_from(self.count.saturating_sub(kept)).unwrap_or(0);
        self.hits.rotate_left(left.min(Self::MOST));
        self.count = kept;
    }
}

/// Many passes, oldest first. What most checks read stands close together at its beginning.
#[derive(Debug)]
#[repr(C)]
pub(super) struct Log {
    hits: VecDeque<Hit>,
    newest: u64,
    /// What the budget was charged with for this log.
    charged: u32,
    windows: [Window; MOST_LIMITS],
}

/// What one limit sees of the log: all from `head` on, which passed first at `at` and cost `sum`.
#[derive(Clone, Copy, Debug)]
struct Window {
    at: u64,
    head: u32,
    sum: u32,
}

impl Window {
    /// Stands for a time when there is none: no clock comes so far.
    const NEVER: u64 = u64::MAX;
}

impl Log {
    fn of(few: &Few, rules: &Rules, charged: usize) -> Self {
        let mut log = Self {
            hits: VecDeque::with_capacity(2 * Few::MOST),
            newest: 0,
            charged: u32::try_from(charged).unwrap_or(u32::MAX),
            windows: [Window {
                at: Window::NEVER,
                head: 0,
                sum: 0,
            }; MOST_LIMITS],
        };
        for hit in few.hits() {
            log.push(*hit, rules);
        }
        log
    }

    fn bytes(capacity: usize) -> usize {
        size_of::<Self>().saturating_add(capacity.saturating_mul(size_of::<Hit>()))
    }

    /// Adds to the last pass, which was at the same time.
    fn merge(&mut self, hit: Hit, rules: &Rules) {
        if let Some(last) = self.hits.back_mut() {
            last.cost = last.cost.saturating_add(hit.cost);
        }
        for (window, _) in self.windows.iter_mut().zip(&rules.rules) {
            window.sum = window.sum.saturating_add(hit.cost);
        }
    }

    fn push(&mut self, hit: Hit, rules: &Rules) {
        self.newest = hit.at();
        for (window, _) in self.windows.iter_mut().zip(&rules.rules) {
            window.sum = window.sum.saturating_add(hit.cost);
            window.at = window.at.min(hit.at());
        }
        self.hits.push_back(hit);
    }

    /// Moves every window up to `now`, and forgets what the longest has left behind.
    fn settle(&mut self, rules: &Rules, now: u64) {
        for (window, rule) in self.windows.iter_mut().zip(&rules.rules) {
            while window.at != Window::NEVER && gone(window.at, rule.window, now) {
                let left = self.hits.get(index(window.head));
                window.sum = window.sum.saturating_sub(left.map_or(0, |hit| hit.cost));
                window.head = window.head.saturating_add(1);
                let next = self.hits.get(index(window.head));
                window.at = next.map_or(Window::NEVER, |hit| hit.at());
            }
        }
        let forgotten = self.windows.get(rules.longest).map_or(0, |own| own.head);
        if forgotten > 0 {
            self.hits.drain(..index(forgotten).min(self.hits.len()));
            for window in &mut self.windows {
                window.head = window.head.saturating_sub(forgotten);
            }
        }
    }

    /// Makes room for one more pass, as far as the budget goes.
    fn make_room(&mut self, budget: &Budget) -> bool {
        let capacity = self.hits.capacity();
        if self.hits.len() < capacity {
            return true;
        }
        let more = capacity.saturating_mul(size_of::<Hit>());
        let charged = u32::try_from(more).ok();
        let charged = charged.and_then(|more| self.charged.checked_add(more));
        let Some(charged) = charged.filter(|_| budget.take(more)) else {
            return false;
        };
        self.charged = charged;
        self.hits.reserve_exact(capacity);
        true
    }

    /// Gives back half of a log that is three quarters empty.
    fn shrink(&mut self, budget: &Budget) {
        let capacity = self.hits.capacity();
        if capacity > 8 * Few::MOST && self.hits.len() < capacity / 4 {
            self.hits.shrink_to(capacity / 2);
            let needed = u32::try_from(Self::bytes(capacity / 2)).unwrap_or(u32::MAX);
            let less = self.charged.saturating_sub(needed);
            self.charged = self.charged.saturating_sub(less);
            budget.give(index(less));
        }
    }
}

fn index(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

fn gone(at: u64, window: u64, now: u64) -> bool {
    at.saturating_add(window) <= now
}

/// What is remembered of one key, in 16 bytes.
#[derive(Debug, Default)]
pub(super) enum State {
    #[default]
    Empty,
    One {
        cost: u32,
        at: u64,
    },
    Few {
        until: Coarse,
        few: Box<Few>,
    },
    Many {
        until: Coarse,
        log: Box<Log>,
    },
}

/// A time rounded up to about a second, so that a sweep can pass by a busy key without looking at its log.
#[derive(Clone, Copy, Debug)]
pub(super) struct Coarse(u32);

impl Coarse {
    const BITS: u32 = 30;

    fn after(at: u64) -> Self {
        Self(u32::try_from((at >> Self::BITS) + 1).unwrap_or(u32::MAX))
    }

    fn at(self) -> u64 {
        u64::from(self.0) << Self::BITS
    }
}

impl State {
    pub(super) fn is_empty(&self) -> bool {
        matches!(self, Self::Empty)
    }

    /// Empties what is surely idle at `now`, without a look at logs: a key that passed more than once is
    /// noticed about a second late.
    pub(super) fn sweep(&mut self, rules: &Rules, now: u64, budget: &Budget) {
        let last = match self {
            Self::Empty => return,
            Self::One { at, .. } => *at,
            Self::Few { until, .. } | Self::Many { until, .. } => until.at(),
        };
        if gone(last, rules.longest(), now) {
            self.settle(rules, now, budget);
        }
    }

    /// Forgets what no limit counts any more at `now`. Afterwards every window ends at `now`.
    pub(super) fn settle(&mut self, rules: &Rules, now: u64, budget: &Budget) {
        let longest = rules.longest();
        let less = match self {
            Self::One { at, .. } if gone(*at, longest, now) => Self::Empty,
            Self::Empty | Self::One { .. } => return,
            Self::Few { few, .. } => {
                let first = few.hits().first();
                if first.is_some_and(|hit| !gone(hit.at(), longest, now)) {
                    return;
                }
                few.settle(longest, now);
                match few.hits() {
                    [] => Self::Empty,
                    [one] => Self::one(*one),
                    _ => return,
                }
            }
            Self::Many { log, .. } => {
                log.settle(rules, now);
                match (log.hits.len(), log.hits.front()) {
                    (0, _) | (_, None) => Self::Empty,
                    (1, Some(hit)) => Self::one(*hit),
                    _ => {
                        log.shrink(budget);
                        return;
                    }
                }
            }
        };
        self.replace(less, budget);
    }

    /// Returns what the limit of number `number` counts, and when the first of it passed. To be called
    /// on a settled state.
    pub(super) fn used(&self, number: usize, rule: &Rule, now: u64) -> (u32, Option<u64>) {
        match self {
            Self::One { cost, at } if !gone(*at, rule.window, now) => (*cost, Some(*at)),
            Self::Empty | Self::One { .. } => (0, None),
            Self::Few { few, .. } => {
                let mut counted = few
                    .hits()
                    .iter()
                    .filter(|hit| !gone(hit.at(), rule.window, now));
                let first = counted.next();
                let sum = counted.map(|hit| hit.cost).fold(0, u32::saturating_add);
                let (cost, at) = first.map_or((0, None), |hit| (hit.cost, Some(hit.at())));
                (sum.saturating_add(cost), at)
            }
            Self::Many { log, .. } => match log.windows.get(number) {
                Some(window) if window.at != Window::NEVER => (window.sum, Some(window.at)),
                _ => (0, None),
            },
        }
    }

    /// Returns when the last pass was.
    pub(super) fn newest(&self) -> Option<u64> {
        match self {
            Self::Empty => None,
            Self::One { at, .. } => Some(*at),
            Self::Few { few, .. } => few.hits().last().map(|hit| hit.at()),
            Self::Many { log, .. } => Some(log.newest),
        }
    }

    /// Returns when `excess` of what the limit of number `number` counts has left its window. Every
    /// pass costs at least 1, so that this looks at no more than `excess` of them.
    pub(super) fn frees(&self, number: usize, rule: &Rule, now: u64, excess: u32) -> u64 {
        let last = match self {
            Self::Empty => None,
            Self::One { at, .. } => Some(*at),
            Self::Few { few, .. } => {
                let counted = few.hits().iter();
                let counted = counted.filter(|hit| !gone(hit.at(), rule.window, now));
                frees(counted, excess)
            }
            Self::Many { log, .. } => {
                let window = log.windows.get(number);
                let (at, head) = window.map_or((0, 0), |window| (window.at, window.head));
                if excess == 1 {
                    return at.saturating_add(rule.window);
                }
                frees(log.hits.range(index(head).min(log.hits.len())..), excess)
            }
        };
        last.map_or(0, |at| at.saturating_add(rule.window))
    }

    /// Adds a pass at `now`, or returns false where there is no memory for it. To be called on a
    /// settled state.
    #[must_use]
    pub(super) fn push(&mut self, rules: &Rules, now: u64, cost: u32, budget: &Budget) -> bool {
        let hit = Hit::new(now, cost);
        let more = match self {
            Self::Empty => Self::one(hit),
            Self::One { cost: own, at } if *at == now => {
                *own = own.saturating_add(cost);
                return true;
            }
            Self::One { cost: first, at } => {
                if !budget.take(size_of::<Few>()) {
                    return false;
                }
                let mut few = Few {
                    hits: [Hit::new(*at, *first); Few::MOST],
                    count: 1,
                };
                few.push(hit);
                Self::Few {
                    until: Coarse::after(now),
                    few: Box::new(few),
                }
            }
            Self::Few { until, few } => {
                *until = Coarse::after(now);
                if few.merge(hit) || few.push(hit) {
                    return true;
                }
                let charged = Log::bytes(2 * Few::MOST);
                if !budget.take(charged) {
                    return false;
                }
                let mut log = Log::of(few, rules, charged);
                // What left a shorter window is not counted twice: the windows move up first.
                log.settle(rules, now);
                log.push(hit, rules);
                Self::Many {
                    until: Coarse::after(now),
                    log: Box::new(log),
                }
            }
            Self::Many { until, log } => {
                *until = Coarse::after(now);
                if log.newest == now {
                    log.merge(hit, rules);
                    return true;
                }
                if !log.make_room(budget) {
                    return false;
                }
                log.push(hit, rules);
                return true;
            }
        };
        self.replace(more, budget);
        true
    }

    fn one(hit: Hit) -> Self {
        Self::One {
            cost: hit.cost,
            at: hit.at(),
        }
    }

    /// Takes another form, and gives back what this one was charged with.
    fn replace(&mut self, other: Self, budget: &Budget) {
        match std::mem::replace(self, other) {
            Self::Empty | Self::One { .. } => {}
            Self::Few { .. } => budget.give(size_of::<Few>()),
            Self::Many { log, .. } => budget.give(index(log.charged)),
        }
    }
}

/// When the pass was with which `excess` is reached.
fn frees<'a>(mut counted: impl Iterator<Item = &'a Hit>, excess: u32) -> Option<u64> {
    let mut freed = 0_u32;
    let last = counted.find(|hit| {
        freed = freed.saturating_add(hit.cost);
        freed >= excess
    });
    last.map(|hit| hit.at())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r1_a_state_takes_16_bytes_and_a_few_passes_one_line() {
        assert_eq!(size_of::<Hit>(), 12);
        assert_eq!(size_of::<State>(), 16);
        assert_eq!(size_of::<Few>(), 64);
        assert!(size_of::<Log>() <= 128);
    }

    #[test]
    fn a_coarse_time_is_never_before_the_fine_one() {
        for at in [0, 1, 1 << 30, (1 << 30) - 1, u64::from(u32::MAX) << 28] {
            let coarse = Coarse::after(at).at();
            assert!(coarse >= at && coarse - at <= 1 << 30, "{at}");
        }
    }
}
