//! The memory that bytes may take between a source and its destinations.

use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::error::{Error, ErrorKind, Result};

/// What one file has to hold, so that it moves in pieces of some size.
const LEAST: u32 = 64 << 10;

/// Some bytes on their way. The memory they take is given back when the last holder drops them.
#[derive(Clone, Debug)]
pub(super) struct Piece {
    pub(super) bytes: Bytes,
    _memory: Option<Arc<Held>>,
}

/// The memory of a piece, of the share of its file and of all that there is.
#[derive(Debug)]
struct Held {
    _own: OwnedSemaphorePermit,
    _all: OwnedSemaphorePermit,
}

impl Piece {
    /// Bytes that only one short channel holds, which bounds them enough.
    pub(super) fn unbudgeted(bytes: Bytes) -> Self {
        Self {
            bytes,
            _memory: None,
        }
    }
}

/// What one file may hold of the memory of its mover.
#[derive(Debug)]
pub(super) struct Budget {
    all: Arc<Semaphore>,
    own: Arc<Semaphore>,
    /// The largest piece, in bytes. INVARIANT: no more than either has.
    largest: u32,
}

impl Budget {
    /// Makes the share of one file of `all`, which began with `size` bytes, when `together` files may move at one place.
    ///
    /// All of them have half of the memory at most, and one alone a quarter. So while one place takes nothing for hours,
    /// files between others still find some; not while two such places have both halves.
    pub(super) fn new(all: &Arc<Semaphore>, size: u32, together: usize) -> Self {
        let share = Self::share(size, together);
        Self {
            all: Arc::clone(all),
            own: Arc::new(Semaphore::new(usize::try_from(share).unwrap_or(1 << 20))),
            largest: (share / 2).max(1),
        }
    }

    /// How many files may move at one place, at most, so that half of `size` bytes is enough for all of them.
    pub(super) fn most_files(size: u32) -> usize {
        usize::try_from(size / 2 / LEAST).unwrap_or(1).max(1)
    }

    fn share(size: u32, together: usize) -> u32 {
        let files = u32::try_from(together).unwrap_or(u32::MAX).max(2);
        (size / 2 / files).max(1)
    }

    /// Takes as much from the front of `bytes` as is one piece, and waits for the memory of it.
    pub(super) async fn piece(&self, bytes: &mut Bytes) -> Result<Piece> {
        let largest = usize::try_from(self.largest).unwrap_or(usize::MAX);
        let part = bytes.split_to(bytes.len().min(largest));
        let size = u32::try_from(part.len()).unwrap_or(self.largest);
        // The own share first: who waits for that stands in nobody's way.
        let own = take(&self.own, size).await?;
        let all = take(&self.all, size).await?;
        Ok(Piece {
            bytes: part,
            _memory: Some(Arc::new(Held {
                _own: own,
                _all: all,
            })),
        })
    }
}

async fn take(memory: &Arc<Semaphore>, bytes: u32) -> Result<OwnedSemaphorePermit> {
    let taken = Arc::clone(memory).acquire_many_owned(bytes).await;
    taken.map_err(|cause| {
        let closed = "the memory budget is closed";
        Error::new(ErrorKind::Unexpected, "transfer.read", closed).with_source(cause)
    })
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    #[test]
    fn all_files_of_a_place_together_hold_half_and_one_a_quarter() {
        let mib = 1 << 20;
        assert_eq!(Budget::share(24 * mib, 1), 6 * mib);
        assert_eq!(Budget::share(24 * mib, 4), 3 * mib);
        assert_eq!(Budget::share(mib, 4), 128 << 10);
        assert_eq!(Budget::share(0, 0), 1);
        for size in [0, mib, 3 * mib, 24 * mib, u32::MAX] {
            let most = Budget::most_files(size);
            let share = Budget::share(size, most);
            assert!(share >= LEAST.min(size / 4), "{size}");
            let all = u64::from(share) * most as u64;
            assert!(all <= u64::from(size / 2).max(1), "{size}");
        }
    }

    #[test]
    fn a_file_waits_for_its_own_pieces_and_not_for_those_of_others() {
        let size = 1 << 20;
        let all = Arc::new(Semaphore::new(1 << 20));
        let (one, other) = (Budget::new(&all, size, 4), Budget::new(&all, size, 4));
        let mut bytes = Bytes::from(vec![7; 1 << 20]);
        let mut held = Vec::new();
        while let Some(piece) = one.piece(&mut bytes.clone()).now_or_never() {
            held.push(piece.unwrap());
        }
        assert_eq!(held.len(), 2);
        let piece = other.piece(&mut bytes).now_or_never();
        assert_eq!(piece.unwrap().unwrap().bytes.len(), 64 << 10);
        assert_eq!(bytes.len(), (1 << 20) - (64 << 10));
        held.pop();
        assert!(one.piece(&mut bytes).now_or_never().is_some());
        drop(held);
        assert_eq!(all.available_permits(), 1 << 20);
    }
}
