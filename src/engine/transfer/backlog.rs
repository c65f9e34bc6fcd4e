//! What a lane puts together for its next write.

use std::collections::VecDeque;

use bytes::{Bytes, BytesMut};

/// Bytes that have come from the source and not yet been taken by the platform.
#[derive(Default)]
pub(super) struct Backlog {
    /// Where in the file the backlog begins.
    pub(super) start: u64,
    pieces: VecDeque<Bytes>,
    length: u64,
}

impl Backlog {
    pub(super) fn end(&self) -> u64 {
        self.start + self.length
    }

    pub(super) fn push(&mut self, bytes: Bytes) {
        self.length += bytes.len() as u64;
        self.pieces.push_back(bytes);
    }

    pub(super) fn forget_before(&mut self, position: u64) {
        while self.start < position {
            let Some(mut first) = self.pieces.pop_front() else {
                return;
            };
            let drop = position - self.start;
            let length = first.len() as u64;
            if drop < length {
                let _ = first.split_to(usize::try_from(drop).unwrap_or(usize::MAX));
                self.pieces.push_front(first);
            }
            self.start += drop.min(length);
            self.length -= drop.min(length);
        }
    }

    /// Returns the first `length` bytes without taking them away; without copying where they lie in one piece.
    pub(super) fn copy(&self, length: u64) -> Bytes {
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        match self.pieces.front() {
            Some(first) if first.len() >= length => first.slice(..length),
            _ => {
                let mut chunk = BytesMut::with_capacity(length);
                for piece in &self.pieces {
                    let part = piece.len().min(length - chunk.len());
                    chunk.extend_from_slice(piece.get(..part).unwrap_or_default());
                }
                chunk.freeze()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_backlog_cuts_any_pieces_into_any_chunks() {
        let mut backlog = Backlog::default();
        for part in [&b"abc"[..], b"d", b"efgh"] {
            backlog.push(Bytes::from_static(part));
        }
        assert_eq!(backlog.copy(2), "ab");
        assert_eq!(backlog.copy(6), "abcdef");
        backlog.forget_before(2);
        assert_eq!((backlog.start, backlog.end()), (2, 8));
        assert_eq!(backlog.copy(3), "cde");
        backlog.forget_before(4);
        assert_eq!(backlog.copy(4), "efgh");
        backlog.forget_before(8);
        assert_eq!((backlog.length, backlog.pieces.len()), (0, 0));
    }
}
