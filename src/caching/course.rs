//! One load, and those who wait for it.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::future::Future;
use std::mem::take;
use std::panic::resume_unwind;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, TryLockError, Weak};
use std::task::{Context, Poll, Wake, Waker};

use futures_util::future::BoxFuture;

use super::flight::{Ended, Landed};

/// A place at a load that many wait for: whoever waits drives it, and it ends when nobody waits any more.
///
/// All who wait are woken when it can go on, so that none depends on another that is not asked any more. Who comes
/// while another drives is woken when that one is done: `futures_util::future::Shared` does not do so, and leaves
/// those asleep whose driver is dropped just then (<https://github.com/rust-lang/futures-rs/issues/2706>).
pub(super) struct Load<V> {
    course: Arc<Course<V>>,
    place: u64,
}

/// A load that may have ended.
pub(super) struct WeakLoad<V>(Weak<Course<V>>);

struct Course<V> {
    /// Held by whoever drives. Nobody waits for it.
    loading: Mutex<Option<BoxFuture<'static, Ended<V>>>>,
    landed: OnceLock<Landed<V>>,
    /// Apart, as the load holds its waker: it must not hold itself.
    waiters: Arc<Waiters>,
}

#[derive(Debug, Default)]
struct Waiters {
    next: AtomicU64,
    seats: Mutex<Seats>,
}

#[derive(Debug, Default)]
struct Seats {
    by_place: HashMap<u64, Seat>,
    /// The places of those who were turned away, and of some who are not any more.
    turned_away: Vec<u64>,
}

#[derive(Debug)]
struct Seat {
    waker: Waker,
    /// Another drove when this one came.
    turned_away: bool,
}

impl<V> Load<V> {
    pub(super) fn new(loading: BoxFuture<'static, Ended<V>>) -> Self {
        let course = Course {
            loading: Mutex::new(Some(loading)),
            landed: OnceLock::new(),
            waiters: Arc::default(),
        };
        Self {
            course: Arc::new(course),
            place: 0,
        }
    }

    pub(super) fn downgrade(&self) -> WeakLoad<V> {
        WeakLoad(Arc::downgrade(&self.course))
    }
}

impl<V> WeakLoad<V> {
    /// One place more, if anybody waits still. It may be the last by the time it is dropped, and the load with it.
    pub(super) fn upgrade(&self) -> Option<Load<V>> {
        let course = self.0.upgrade()?;
        let place = course.waiters.next.fetch_add(1, Ordering::Relaxed) + 1;
        Some(Load { course, place })
    }
}

impl<V: Clone> Future for Load<V> {
    type Output = Landed<V>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Landed<V>> {
        let (course, waiters) = (&*self.course, &self.course.waiters);
        if let Some(landed) = course.landed.get() {
            return Poll::Ready(landed.clone());
        }
        let waker = context.waker();
        let held = course.hold().or_else(|| {
            waiters.sit(self.place, waker, true);
            // Whoever holds it from here on sees the seat when done.
            course.hold()
        });
        let Some(mut loading) = held else {
            return Poll::Pending;
        };
        waiters.sit(self.place, waker, false);
        let ended = match loading.as_mut() {
            Some(future) => {
                let all = Waker::from(Arc::clone(waiters));
                future.as_mut().poll(&mut Context::from_waker(&all))
            }
            None => {
                drop(loading);
                let landed = course.landed.get().cloned();
                return landed.map_or(Poll::Pending, Poll::Ready);
            }
        };
        let Poll::Ready((landed, thrown)) = ended else {
            drop(loading);
            waiters.wake_turned_away();
            return Poll::Pending;
        };
        // Nobody else sets it: the future is gone after this.
        let landed = course.landed.get_or_init(|| landed);
        let done = loading.take();
        drop(loading);
        drop(done);
        waiters.wake_all();
        if let Some(thrown) = thrown {
            resume_unwind(thrown);
        }
        Poll::Ready(landed.clone())
    }
}

impl<V> Course<V> {
    /// The load, if nobody drives it now.
    fn hold(&self) -> Option<MutexGuard<'_, Option<BoxFuture<'static, Ended<V>>>>> {
        match self.loading.try_lock() {
            Ok(loading) => Some(loading),
            Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        }
    }
}

impl Waiters {
    /// Takes a seat, to be woken once.
    fn sit(&self, place: u64, waker: &Waker, turned_away: bool) {
        let waker = waker.clone();
        let mut seats = self.seats();
        if turned_away {
            seats.turned_away.push(place);
        }
        let seat = Seat { waker, turned_away };
        let old = seats.by_place.insert(place, seat);
        drop(seats);
        // Outside of the lock: it may be the last of a task that waits here too.
        drop(old);
    }

    fn leave(&self, place: u64) {
        let old = self.seats().by_place.remove(&place);
        drop(old);
    }

    fn wake_all(&self) {
        let seats = take(&mut *self.seats());
        for seat in seats.by_place.into_values() {
            seat.waker.wake();
        }
    }

    fn wake_turned_away(&self) {
        let mut seats = self.seats();
        let places = take(&mut seats.turned_away);
        let turned_away = |place: &u64| match seats.by_place.entry(*place) {
            Entry::Occupied(seat) if seat.get().turned_away => Some(seat.remove()),
            _ => None,
        };
        let woken: Vec<Seat> = places.iter().filter_map(turned_away).collect();
        drop(seats);
        for seat in woken {
            seat.waker.wake();
        }
    }

    fn seats(&self) -> MutexGuard<'_, Seats> {
        self.seats.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Wake for Waiters {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.wake_all();
    }
}

impl<V> Drop for Load<V> {
    fn drop(&mut self) {
        self.course.waiters.leave(self.place);
    }
}
