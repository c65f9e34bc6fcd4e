//! Hashing beside the transfer, off the runtime's own threads.

use tokio::sync::mpsc;

use crate::connector::{ContentHasher, HashAlgorithm, Hashes};
use crate::error::{Error, ErrorKind, Result};

use super::budget::Piece;
use super::source::LAG;

/// What is cheaper to hash at once than to hand to another thread.
const INLINE: usize = 64 << 10;

/// Hashes all pieces that come, until no more can.
pub(super) async fn hash(
    algorithms: Vec<HashAlgorithm>,
    mut pieces: mpsc::Receiver<Piece>,
) -> Result<Hashes> {
    let mut hasher = ContentHasher::new(algorithms);
    let mut waiting = Vec::with_capacity(LAG);
    while pieces.recv_many(&mut waiting, LAG).await > 0 {
        let size: usize = waiting.iter().map(|piece| piece.bytes.len()).sum();
        if size <= INLINE {
            waiting
                .drain(..)
                .for_each(|piece| hasher.update(&piece.bytes));
            continue;
        }
        let work = move || {
            waiting
                .drain(..)
                .for_each(|piece| hasher.update(&piece.bytes));
            (hasher, waiting)
        };
        (hasher, waiting) = tokio::task::spawn_blocking(work).await.map_err(|cause| {
            Error::new(
                ErrorKind::Unexpected,
                "transfer.hash",
                "hashing was stopped",
            )
            .with_source(cause)
        })?;
    }
    Ok(hasher.finish())
}
