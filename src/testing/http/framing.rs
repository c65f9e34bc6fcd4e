//! Where a body ends.

/// How many bytes a line of chunked framing may have.
const LONGEST_LINE: usize = 16 << 10;

/// How a body is told from what follows it ([RFC 9112, 6](https://www.rfc-editor.org/rfc/rfc9112#section-6)).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Framing {
    /// So many bytes are to come.
    Length(u64),
    /// Chunks.
    Chunked(Chunked),
    /// All there is until the connection is closed.
    UntilClosed,
}

/// What a chunked body has next.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Chunked {
    /// A line with the size of a chunk.
    Size,
    /// So many bytes of a chunk.
    Data(u64),
    /// The line end after a chunk.
    End,
    /// Lines up to an empty one.
    Trailers,
    Done,
}

/// What stands at the front of what has come.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Piece {
    /// So many bytes of the body itself.
    Data(usize),
    /// So many bytes around it.
    Frame(usize),
    /// The body is over.
    Over,
    /// Nothing can be told before more has come.
    More,
    /// This is no body.
    Broken,
}

impl Framing {
    pub(super) const EMPTY: Self = Self::Length(0);

    /// Tells what stands at the front of `bytes`, and takes it as passed.
    pub(super) fn next(&mut self, bytes: &[u8]) -> Piece {
        match self {
            Self::Length(0) | Self::Chunked(Chunked::Done) => Piece::Over,
            _ if bytes.is_empty() => Piece::More,
            Self::UntilClosed => Piece::Data(bytes.len()),
            Self::Length(left) => Piece::Data(take(left, bytes)),
            Self::Chunked(state) => state.next(bytes),
        }
    }
}

impl Chunked {
    fn next(&mut self, bytes: &[u8]) -> Piece {
        if let Self::Data(left) = self {
            let data = take(left, bytes);
            if *left == 0 {
                *self = Self::End;
            }
            return Piece::Data(data);
        }
        let Some(end) = bytes.iter().position(|byte| *byte == b'\n') else {
            return if bytes.len() > LONGEST_LINE {
                Piece::Broken
            } else {
                Piece::More
            };
        };
        let line = bytes.get(..end).unwrap_or_default().trim_ascii();
        *self = match self {
            Self::Size => match size(line) {
                Some(0) => Self::Trailers,
                Some(size) => Self::Data(size),
                None => return Piece::Broken,
            },
            Self::Trailers if line.is_empty() => Self::Done,
            Self::Trailers => Self::Trailers,
            _ => Self::Size,
        };
        Piece::Frame(end + 1)
    }
}

/// Takes as many of the bytes left as there are.
fn take(left: &mut u64, bytes: &[u8]) -> usize {
    let data = usize::try_from(*left)
        .unwrap_or(usize::MAX)
        .min(bytes.len());
    *left -= data as u64;
    data
}

fn size(line: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(line).ok()?;
    let digits = text.split(';').next()?.trim();
    u64::from_str_radix(digits, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::{Chunked, Framing, Piece};

    /// The body of a message that comes in pieces of `step` bytes, and what follows it.
    fn body(mut framing: Framing, message: &[u8], step: usize) -> (Vec<u8>, Vec<u8>) {
        let (mut buffer, mut body) = (Vec::new(), Vec::new());
        let mut pieces = message.chunks(step);
        loop {
            match framing.next(&buffer) {
                Piece::Data(count) => body.extend(buffer.drain(..count)),
                Piece::Frame(count) => drop(buffer.drain(..count)),
                Piece::More => match pieces.next() {
                    Some(piece) => buffer.extend(piece),
                    None => panic!("not over"),
                },
                Piece::Over => {
                    buffer.extend(pieces.flatten());
                    return (body, buffer);
                }
                Piece::Broken => panic!("broken"),
            }
        }
    }

    #[test]
    fn chunks_end_where_they_end_however_they_come() {
        let message = b"4\r\nfirs\r\n6;x=y\r\nt look\r\n0\r\nmood: fine\r\n\r\nGET";
        for step in 1..message.len() {
            let (body, rest) = body(Framing::Chunked(Chunked::Size), message, step);
            assert_eq!((&body[..], &rest[..]), (&b"first look"[..], &b"GET"[..]));
        }
        let (first, rest) = body(Framing::Length(5), b"first look", 2);
        assert_eq!((&first[..], &rest[..]), (&b"first"[..], &b" look"[..]));
        let mut broken = Framing::Chunked(Chunked::Size);
        assert_eq!(broken.next(b"no size\r\n"), Piece::Broken);
    }
}
