//! One reading at a time for one organization, shared by all who wait for it.

use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, Shared};
use tokio::time::timeout;

use crate::error::{Error, ErrorKind};
use crate::id::OrganizationId;
use crate::storage::Wake;

use super::reader::{Loaded, Reader};

/// How often somebody who waits for a reading looks whether it can go on.
const LOOK: Duration = Duration::from_millis(250);

/// What a reading gives; its error is that of all who wait.
pub(super) type Landed = Result<Arc<Loaded>, Arc<Error>>;

/// A reading under way. Whoever waits drives it, so it goes on when the one who began it is dropped.
#[derive(Clone, Debug)]
pub(super) struct Flight {
    pub(super) number: u64,
    landed: Shared<BoxFuture<'static, Landed>>,
}

impl Flight {
    /// Waits for what it gives.
    ///
    /// `Shared` forgets to wake those who wait when the one who drives is dropped at the wrong moment
    /// (<https://github.com/rust-lang/futures-rs/issues/2706>), so each looks for itself now and then.
    pub(super) async fn land(&self) -> Landed {
        loop {
            if let Ok(landed) = timeout(LOOK, self.landed.clone()).await {
                return landed;
            }
        }
    }
}

/// What is known of every organization.
#[derive(Debug)]
pub(super) struct Views {
    /// Most organizations kept.
    most: usize,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    slots: HashMap<OrganizationId, Slot>,
    /// Counts readings.
    flights: u64,
    /// Counts questions, to tell who was asked for last.
    turn: u64,
}

#[derive(Debug, Default)]
struct Slot {
    loaded: Option<Arc<Loaded>>,
    flight: Option<Flight>,
    /// Something may have been written that is not in `loaded`.
    is_dirty: bool,
    /// A wake-up came after the reading under way began, which may have missed what it was about.
    is_woken: bool,
    /// The turn of the last question.
    used: u64,
}

impl Views {
    pub(super) fn new(most: usize) -> Self {
        Self {
            most,
            state: Mutex::default(),
        }
    }

    /// Returns the number of the last reading that has begun.
    pub(super) fn flights(&self) -> u64 {
        self.state().flights
    }

    /// Returns what is known of an organization, if nothing was written since that is known of.
    pub(super) fn known(&self, organization: &OrganizationId) -> Option<Arc<Loaded>> {
        let mut state = self.state();
        state.turn = state.turn.saturating_add(1);
        let turn = state.turn;
        let slot = state.slots.get_mut(organization)?;
        slot.used = turn;
        slot.loaded.clone().filter(|_| !slot.is_dirty)
    }

    /// Returns the reading under way, or begins one.
    pub(super) fn fly(self: &Arc<Self>, organization: &OrganizationId, reader: Reader) -> Flight {
        let mut state = self.state();
        state.make_room(organization, self.most);
        let number = state.flights.saturating_add(1);
        state.turn = state.turn.saturating_add(1);
        let turn = state.turn;
        let slot = state.slots.entry(organization.clone()).or_default();
        slot.used = turn;
        if let Some(flight) = &slot.flight {
            return flight.clone();
        }
        // What is written from here on may be missed by the reading. Until it lands, what is known stays as old as it is:
        // the reading may be left alone by all who waited for it.
        slot.is_woken = false;
        let old = slot.loaded.clone();
        let (views, organization) = (Arc::downgrade(self), organization.clone());
        let landed = async move {
            // Those who wait share the reading: a panic would be that of all of them, and of whoever comes after.
            let reading = AssertUnwindSafe(reader.refresh(old)).catch_unwind();
            let read = reading.await.unwrap_or_else(|_| Err(panicked()));
            let landed = read.map(Arc::new).map_err(Arc::new);
            Self::land(&views, &organization, number, &landed);
            landed
        };
        let landed = landed.boxed().shared();
        let flight = Flight { number, landed };
        slot.flight = Some(flight.clone());
        state.flights = number;
        flight
    }

    fn land(views: &Weak<Self>, organization: &OrganizationId, number: u64, landed: &Landed) {
        let Some(views) = views.upgrade() else {
            return;
        };
        let mut state = views.state();
        let Some(slot) = state.slots.get_mut(organization) else {
            return;
        };
        // The organization may have been forgotten and asked for again meanwhile.
        let ours = |flight: &mut Flight| flight.number == number;
        let Some(flight) = slot.flight.take_if(ours) else {
            return;
        };
        match landed {
            Ok(loaded) => {
                slot.loaded = Some(Arc::clone(loaded));
                slot.is_dirty = slot.is_woken;
            }
            Err(_) => slot.is_dirty = true,
        }
        drop(state);
        // Outside the lock, as it may be the last to hold the future.
        drop(flight);
    }

    /// Takes note of a wake-up.
    pub(super) fn wake(&self, wake: &Wake) {
        let mut state = self.state();
        match wake {
            Wake::Organization(organization) => {
                if let Some(slot) = state.slots.get_mut(organization) {
                    slot.wake();
                }
            }
            Wake::All => {
                for slot in state.slots.values_mut() {
                    slot.wake();
                }
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Slot {
    fn wake(&mut self) {
        (self.is_dirty, self.is_woken) = (true, true);
    }
}

impl State {
    /// Forgets those asked for least recently, until one more fits.
    fn make_room(&mut self, wanted: &OrganizationId, most: usize) {
        while self.slots.len() >= most && !self.slots.contains_key(wanted) {
            let oldest = self.slots.iter().min_by_key(|(_, slot)| slot.used);
            let Some(oldest) = oldest.map(|(organization, _)| organization.clone()) else {
                return;
            };
            self.slots.remove(&oldest);
        }
    }
}

/// What was thrown is not told, as nobody knows what is in it.
fn panicked() -> Error {
    let message = "the database panicked while the state of the organization was read";
    Error::new(ErrorKind::Unexpected, "section.policy", message)
}

/// Whether what was read is young enough.
pub(super) fn is_fresh(loaded: &Loaded, now: Duration, freshness: Duration) -> bool {
    now.saturating_sub(loaded.as_of) < freshness
}
