//! A session that is out.

use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use crate::engine::resilience::pool::permits::Permit;

use super::events::CloseReason;
use super::factory::SessionFactory;
use super::pool::Inner;
use super::shelf::Open;

/// A session of a pool, for one user at a time.
///
/// [`release`](Self::release) gives it back for the next. Dropped without that it is closed: a call that failed or was
/// cancelled may have left half an answer on the wire, which nobody after it must read as his own.
#[must_use = "the session is closed at once if it is not kept"]
pub struct PooledSession<F: SessionFactory> {
    // In this order they are dropped: the session is closed, then forgotten, then somebody else has room.
    open: Open<F::Session>,
    loan: Loan<F>,
    permit: Permit,
}

impl<F: SessionFactory> PooledSession<F> {
    pub(super) fn new(open: Open<F::Session>, pool: Arc<Inner<F>>, permit: Permit) -> Self {
        let number = pool.lend();
        Self {
            open,
            loan: Loan {
                pool,
                number,
                as_good: false,
            },
            permit,
        }
    }

    /// Gives the session back, ready for the next: nothing of the last call is under way on it.
    pub fn release(self) {
        let Self {
            open,
            mut loan,
            permit,
        } = self;
        loan.as_good = true;
        loan.pool.put(open);
        drop(loan);
        // Last, so that who waits finds the session.
        drop(permit);
    }
}

impl<F: SessionFactory> Deref for PooledSession<F> {
    type Target = F::Session;

    fn deref(&self) -> &F::Session {
        &self.open.session
    }
}

impl<F: SessionFactory> DerefMut for PooledSession<F> {
    fn deref_mut(&mut self) -> &mut F::Session {
        &mut self.open.session
    }
}

impl<F: SessionFactory> fmt::Debug for PooledSession<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PooledSession")
            .field("pool", &self.loan.pool)
            .finish_non_exhaustive()
    }
}

/// The entry of a session that is out.
struct Loan<F: SessionFactory> {
    pool: Arc<Inner<F>>,
    number: u64,
    as_good: bool,
}

impl<F: SessionFactory> Drop for Loan<F> {
    fn drop(&mut self) {
        self.pool.returned(self.number);
        if !self.as_good {
            self.pool.closed(CloseReason::Broken);
        }
    }
}
