//! What all handles share, and the task that keeps rates right.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::Notify;
use tokio::sync::broadcast::Sender;
use tokio::task::JoinHandle;

use crate::clock::{Clock, Timestamp};
use crate::wedding::Zones;

use super::calendar::Calendar;
use super::class::Policy;
use super::demand::TICK;
use super::events::{BandwidthEvent, Cause};
use super::settings::Direction;
use super::side::{Side, tell};
use super::solve::Rules;

/// The least time between two solves. Timers are late by up to a millisecond, and changes are to wait for 5 at most.
const PAUSE: Duration = Duration::from_millis(4);
/// How many times as long as a solve took nothing is solved again, so that it takes a fifth of a core at most.
const REST: u32 = 4;
/// The longest rest, which keeps reaction within its bound. Solves that take more than a quarter of it, 15 ms, are rare
/// enough for reaction to go before: they may take a larger part of a core.
const LONGEST_REST: Duration = Duration::from_millis(60);
/// The longest that wall-clock edges are slept for without looking, as the wall clock may jump.
const LONGEST_SLEEP: Duration = Duration::from_secs(60);
/// How late the task may be before it is taken to stand still. A wrong guess costs a task that is made anew.
const PATIENCE: Duration = Duration::from_millis(500);

/// Everything behind a [`Bandwidth`](super::Bandwidth).
#[derive(Debug)]
pub(super) struct Hub {
    pub(super) clock: Arc<dyn Clock>,
    pub(super) zones: Arc<dyn Zones>,
    pub(super) events: Sender<BandwidthEvent>,
    state: Mutex<State>,
    driver: Mutex<Option<Driver>>,
    /// When the task stands still if it has done nothing by then, in milliseconds of the clock.
    overdue: AtomicU64,
}

/// The task, and what wakes it.
#[derive(Debug)]
struct Driver {
    task: JoinHandle<()>,
    /// Its own: a wake-up must not go to a task that stands still.
    wake: Arc<Notify>,
}

/// What changes.
#[derive(Debug)]
pub(super) struct State {
    pub(super) policy: Policy,
    pub(super) allow_overcommit: bool,
    pub(super) upload: Side,
    pub(super) download: Side,
    pub(super) calendar: Calendar,
    /// Organizations whose event holds.
    pub(super) raised: BTreeSet<Arc<str>>,
    /// From when to when that is known; nothing when the calendar was changed.
    raised_for: Option<(Timestamp, Option<Timestamp>)>,
    pub(super) next_stream: u64,
    /// When rates may be worked out again.
    rested: Duration,
    /// When demand is looked at next.
    next_tick: Duration,
}

impl State {
    pub(super) fn new() -> Self {
        Self {
            policy: Policy::default(),
            allow_overcommit: false,
            upload: Side::new(Direction::Upload),
            download: Side::new(Direction::Download),
            calendar: Calendar::default(),
            raised: BTreeSet::new(),
            raised_for: None,
            next_stream: 0,
            rested: Duration::ZERO,
            next_tick: Duration::ZERO,
        }
    }

    pub(super) fn side(&self, direction: Direction) -> &Side {
        match direction {
            Direction::Upload => &self.upload,
            Direction::Download => &self.download,
        }
    }

    pub(super) fn side_mut(&mut self, direction: Direction) -> &mut Side {
        match direction {
            Direction::Upload => &mut self.upload,
            Direction::Download => &mut self.download,
        }
    }

    /// Has both sides worked out again.
    pub(super) fn mark(&mut self, cause: Cause) {
        self.upload.mark(cause);
        self.download.mark(cause);
    }

    /// Tells whether rates have to be worked out again.
    pub(super) fn is_due(&self) -> bool {
        self.upload.dirty.is_some() || self.download.dirty.is_some()
    }

    /// Takes what was said before the first transfer as it is: there is nothing to work out.
    pub(super) fn settle(&mut self) {
        (self.upload.dirty, self.download.dirty) = (None, None);
    }

    /// Forgets who is raised, as the calendar was changed.
    pub(super) fn forget_raised(&mut self) {
        self.raised_for = None;
    }

    /// Takes on what the calendar and the timetables say now.
    pub(super) fn look(
        &mut self,
        now: Timestamp,
        zones: &dyn Zones,
        events: &Sender<BandwidthEvent>,
    ) {
        let holds = |(since, until): (Timestamp, Option<Timestamp>)| {
            since <= now && until.is_none_or(|until| now < until)
        };
        if !self.raised_for.is_some_and(holds) {
            self.raised_for = Some((now, self.calendar.next_change(now)));
            let raised = self.calendar.raised(now);
            for organization in raised.symmetric_difference(&self.raised) {
                tell(events, || BandwidthEvent::Escalated {
                    organization: Arc::clone(organization),
                    raised: raised.contains(organization),
                });
            }
            if raised != self.raised {
                self.raised = raised;
                self.mark(Cause::Escalation);
            }
        }
        self.upload.look(now, zones, events);
        self.download.look(now, zones, events);
    }

    pub(super) fn next_look(&self) -> Option<Timestamp> {
        let raised = self.raised_for.and_then(|(_, until)| until);
        let edges = [raised, self.upload.next_look(), self.download.next_look()];
        edges.into_iter().flatten().min()
    }
}

impl Hub {
    pub(super) fn new(
        clock: Arc<dyn Clock>,
        zones: Arc<dyn Zones>,
        events: Sender<BandwidthEvent>,
        state: State,
    ) -> Self {
        Self {
            clock,
            zones,
            events,
            state: Mutex::new(state),
            driver: Mutex::new(None),
            overdue: AtomicU64::new(u64::MAX),
        }
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn look(&self, state: &mut State) {
        state.look(self.clock.now(), &*self.zones, &self.events);
    }

    /// Has the task look at what has changed, starting it where there is none.
    pub(super) fn wake(self: &Arc<Self>) {
        let driver = self.driver();
        if let Some(driver) = driver.as_deref().and_then(Option::as_ref) {
            // Before it is woken: it sets this anew when it has done what it was woken for.
            let overdue = overdue(self.clock.elapsed());
            self.overdue.fetch_min(overdue, Ordering::Relaxed);
            driver.wake.notify_one();
        }
    }

    /// As [`wake`](Self::wake), if rates have to be worked out. A task that knew it before needs no reminder.
    pub(super) fn wake_if_due(self: &Arc<Self>, was_due: bool, due: bool) {
        match (was_due, due) {
            (false, true) => self.wake(),
            (true, true) => self.start(),
            _ => {}
        }
    }

    /// Starts the task where there is none, or where it stands still.
    pub(super) fn start(self: &Arc<Self>) {
        drop(self.driver());
    }

    /// Starts the task if something should have been done long ago. For those whom nothing bounds: they never wait, and
    /// would pass by what was said after their task had ended.
    pub(super) fn start_if_overdue(self: &Arc<Self>) {
        if self.is_overdue(self.clock.elapsed()) {
            self.start();
        }
    }

    fn is_overdue(&self, now: Duration) -> bool {
        self.overdue.load(Ordering::Relaxed) < millis(now)
    }

    /// Returns the task. It ends with the last handle, or with its runtime, and stands still while nobody drives that;
    /// then whoever comes next starts it in his own. Outside a runtime there is none to start, and what is due is done
    /// at once.
    fn driver(self: &Arc<Self>) -> Option<MutexGuard<'_, Option<Driver>>> {
        let mut driver = self.driver.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.clock.elapsed();
        let runs = driver.as_ref().is_some_and(|own| !own.task.is_finished());
        if runs && !self.is_overdue(now) {
            return Some(driver);
        }
        let Ok(runtime) = Handle::try_current() else {
            drop(driver);
            self.step_alone();
            return None;
        };
        let wake = Arc::new(Notify::new());
        let task = runtime.spawn(drive(Arc::downgrade(self), Arc::clone(&wake)));
        self.overdue.store(overdue(now), Ordering::Relaxed);
        if let Some(old) = driver.replace(Driver { task, wake }) {
            old.task.abort();
        }
        Some(driver)
    }

    /// Does what is due where there is no task to do it. Nobody is on the way to what is left, so that whoever comes
    /// when its time has come does it.
    fn step_alone(&self) {
        let wait = self.step();
        let due = wait.map(|wait| self.clock.elapsed().saturating_add(wait));
        self.overdue
            .store(due.map_or(u64::MAX, millis), Ordering::Relaxed);
    }

    /// Does what is due, and returns how long nothing will be.
    fn step(&self) -> Option<Duration> {
        let mut state = self.state();
        let state = &mut *state;
        self.look(state);
        let now = self.clock.elapsed();
        let paced = state.upload.paced + state.download.paced;
        if now >= state.next_tick && paced > 0 {
            state.next_tick = now + TICK;
            state.upload.observe(now);
            state.download.observe(now);
        }
        if state.is_due() && now >= state.rested {
            let rules = Rules {
                policy: &state.policy,
                raised: &state.raised,
            };
            state.upload.solve(&rules, now, &self.events);
            state.download.solve(&rules, now, &self.events);
            let end = self.clock.elapsed();
            let rest = end.saturating_sub(now).saturating_mul(REST);
            state.rested = end + rest.clamp(PAUSE, LONGEST_REST);
        }
        let now = self.clock.elapsed();
        let paced = state.upload.paced + state.download.paced;
        let dues = [
            state.is_due().then_some(state.rested),
            (paced > 0).then_some(state.next_tick),
        ];
        let due = dues.into_iter().flatten().min();
        let edge = state.next_look().map(|edge| {
            let left = edge.saturating_since(self.clock.now());
            left.min(LONGEST_SLEEP)
        });
        let left = due.map(|due| due.saturating_sub(now));
        let wait = [left, edge].into_iter().flatten().min();
        let next = wait.map_or(u64::MAX, |wait| overdue(now.saturating_add(wait)));
        self.overdue.store(next, Ordering::Relaxed);
        wait
    }
}

impl Drop for Hub {
    fn drop(&mut self) {
        let driver = self
            .driver
            .get_mut()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(driver) = driver.take() {
            driver.task.abort();
        }
    }
}

/// When the task stands still if it has not done by then what is due at `due`.
fn overdue(due: Duration) -> u64 {
    millis(due.saturating_add(PATIENCE))
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// Steps whenever something is due or has changed. It does not keep what it works for alive.
async fn drive(hub: Weak<Hub>, wake: Arc<Notify>) {
    loop {
        let Some(wait) = hub.upgrade().map(|hub| hub.step()) else {
            return;
        };
        match wait {
            Some(wait) => tokio::select! {
                () = wake.notified() => {}
                () = tokio::time::sleep(wait) => {}
            },
            None => wake.notified().await,
        }
    }
}
