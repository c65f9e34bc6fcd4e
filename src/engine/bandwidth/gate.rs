//! Where the bytes of one transfer pass: what its lane and the allocator share.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, Semaphore};

use crate::clock::Clock;

use super::pacer::Pacer;

/// The longest, in seconds, that anybody sleeps without looking whether the task that changes rates still runs.
const LONGEST: f64 = 1.0;
/// How many bytes, at most, pass without a look whether still nothing bounds them.
const LOOK: u64 = 1 << 20;

/// The gate of one transfer.
#[derive(Debug)]
pub(super) struct Gate {
    /// Nothing bounds it: bytes are only counted.
    open: AtomicBool,
    taken: AtomicU64,
    /// Somebody has waited since it was last asked.
    waited: AtomicBool,
    pacer: Mutex<Pacer>,
    /// The wait under way has become shorter.
    changed: Notify,
    /// Who has it may wait at the pacer; the others queue in the order they came.
    turn: Semaphore,
}

impl Gate {
    pub(super) fn new(now: Duration) -> Self {
        Self {
            open: AtomicBool::new(false),
            taken: AtomicU64::new(0),
            waited: AtomicBool::new(false),
            pacer: Mutex::new(Pacer::new(now.as_secs_f64())),
            changed: Notify::new(),
            turn: Semaphore::new(1),
        }
    }

    /// Lets `bytes` pass at once if nothing bounds it. `look` is called now and then.
    pub(super) fn pass_freely(&self, bytes: usize, look: impl FnOnce()) -> bool {
        let open = self.open.load(Ordering::Relaxed);
        if open {
            let (before, after) = self.count(bytes);
            if before / LOOK != after / LOOK {
                look();
            }
        }
        open
    }

    pub(super) fn taken(&self) -> u64 {
        self.taken.load(Ordering::Relaxed)
    }

    /// Counts bytes that pass, and returns how many had passed before and have now.
    fn count(&self, bytes: usize) -> (u64, u64) {
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        let before = self.taken.fetch_add(bytes, Ordering::Relaxed);
        (before, before.wrapping_add(bytes))
    }

    /// Tells whether somebody has waited since this was last asked, or waits now.
    pub(super) fn has_waited(&self) -> bool {
        let waits = self.pacer().is_waiting();
        self.waited.swap(false, Ordering::Relaxed) || waits
    }

    /// Changes the rate; an infinite one opens the gate.
    pub(super) fn set_rate(&self, now: Duration, rate: f64) {
        let sooner = self.pacer().set_rate(now.as_secs_f64(), rate);
        self.open.store(rate.is_infinite(), Ordering::Relaxed);
        if sooner {
            self.changed.notify_one();
        }
    }

    /// Waits until `bytes`, above 0, may pass. `must_wait` is called before every sleep.
    pub(super) async fn pass(&self, clock: &dyn Clock, bytes: usize, must_wait: impl Fn()) {
        // Never closed. INVARIANT: who has the turn is the only one who waits at the pacer.
        let Ok(_turn) = self.turn.acquire().await else {
            return;
        };
        let wait = Wait::begin(self, clock, bytes);
        loop {
            let left = wait.left(clock);
            if left <= 0.0 {
                return wait.pass(bytes);
            }
            self.waited.store(true, Ordering::Relaxed);
            must_wait();
            let timer = tokio::time::sleep(Duration::from_secs_f64(left.min(LONGEST)));
            tokio::select! {
                () = timer => {}
                () = self.changed.notified() => {}
            }
        }
    }

    fn pacer(&self) -> MutexGuard<'_, Pacer> {
        self.pacer.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A wait at the pacer, whose bytes are given back if it is dropped before they have passed.
struct Wait<'a>(&'a Gate);

impl<'a> Wait<'a> {
    #[expect(
        clippy::cast_precision_loss,
        reason = "nobody takes 2^53 bytes at a time"
    )]
    fn begin(gate: &'a Gate, clock: &dyn Clock, bytes: usize) -> Self {
        gate.pacer()
            .begin(clock.elapsed().as_secs_f64(), bytes as f64);
        Self(gate)
    }

    fn left(&self, clock: &dyn Clock) -> f64 {
        self.0.pacer().left(clock.elapsed().as_secs_f64())
    }

    fn pass(self, bytes: usize) {
        self.0.pacer().pass();
        self.0.count(bytes);
    }
}

impl Drop for Wait<'_> {
    /// After the bytes have passed there is nothing to give back.
    fn drop(&mut self) {
        self.0.pacer().give_back();
    }
}
