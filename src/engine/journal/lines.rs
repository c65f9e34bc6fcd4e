//! Cuts what comes in pieces into lines.

use bytes::{Buf as _, BytesMut};

/// Pieces as they come. No byte is searched twice, however small they are.
#[derive(Debug, Default)]
pub(crate) struct Lines {
    buffer: BytesMut,
    /// How far the buffer has been searched for the end of a line.
    searched: usize,
}

impl Lines {
    pub(crate) fn push(&mut self, piece: &[u8]) {
        self.buffer.extend_from_slice(piece);
    }

    /// Takes the next whole line, without its end.
    pub(crate) fn next(&mut self) -> Option<BytesMut> {
        let new = self.buffer.get(self.searched..).unwrap_or_default();
        let Some(end) = new.iter().position(|byte| *byte == b'\n') else {
            self.searched = self.buffer.len();
            return None;
        };
        let line = self.buffer.split_to(self.searched.saturating_add(end));
        self.buffer.advance(1);
        self.searched = 0;
        Some(line)
    }

    /// What came behind the last end of a line, once [`next`](Self::next) has given all.
    pub(crate) fn rest(&self) -> &[u8] {
        &self.buffer
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_the_same_in_pieces_of_any_size() {
        let text = b"first\n\nthird, which is longer\nrest";
        for size in 1..=text.len() {
            let (mut lines, mut found) = (Lines::default(), Vec::new());
            for piece in text.chunks(size) {
                lines.push(piece);
                while let Some(line) = lines.next() {
                    found.push(line);
                }
            }
            assert_eq!(found, [&b"first"[..], b"", b"third, which is longer"]);
            assert_eq!(lines.rest(), b"rest", "pieces of {size} bytes");
        }
    }
}
