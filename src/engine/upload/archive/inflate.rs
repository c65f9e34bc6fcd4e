//! Unpacking with a count and an end.

use std::io::{Read, Seek};
use std::ops::Range;

use flate2::{Decompress, FlushDecompress, Status};

use crate::upload::window::{Checked, Window};

/// How packed bytes are wrapped.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in crate::engine::upload) enum Wrapping {
    /// Bare ([RFC 1951](https://www.rfc-editor.org/rfc/rfc1951)).
    Bare,
    /// With a header and a sum ([RFC 1950](https://www.rfc-editor.org/rfc/rfc1950)).
    Zlib,
}

/// How an unpacking ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in crate::engine::upload) enum Inflated {
    /// At its end, having read so many packed bytes.
    Whole { read: u64 },
    /// Before its end, as more came out than is allowed.
    TooLarge,
    /// At something that is no packed byte, or where the bytes ended.
    Broken,
}

/// Unpacks a range and hands over what comes out, at most `most` bytes in all.
pub(in crate::engine::upload) fn inflate<R: Read + Seek>(
    file: &mut Window<R>,
    range: Range<u64>,
    most: u64,
    wrapping: Wrapping,
    mut take: impl FnMut(&[u8]) -> Checked<()>,
) -> Checked<Inflated> {
    let mut engine = Decompress::new(wrapping == Wrapping::Zlib);
    let mut out = vec![0; 32 * 1024];
    let mut at = range.start;
    loop {
        let rest = usize::try_from(range.end.saturating_sub(at)).unwrap_or(usize::MAX);
        let packed = if rest == 0 {
            &[][..]
        } else {
            file.some(at, 1)?
        };
        let packed = packed.get(..rest.min(packed.len())).unwrap_or_default();
        let before = (engine.total_in(), engine.total_out());
        let Ok(status) = engine.decompress(packed, &mut out, FlushDecompress::None) else {
            return Ok(Inflated::Broken);
        };
        let (read, made) = (engine.total_in() - before.0, engine.total_out() - before.1);
        at += read;
        if engine.total_out() > most {
            return Ok(Inflated::TooLarge);
        }
        let made = usize::try_from(made).unwrap_or(out.len());
        take(out.get(..made).unwrap_or_default())?;
        if status == Status::StreamEnd {
            return Ok(Inflated::Whole {
                read: engine.total_in(),
            });
        }
        if read == 0 && made == 0 {
            return Ok(Inflated::Broken);
        }
    }
}
