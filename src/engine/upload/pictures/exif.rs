//! The little of Exif that matters here: is there a position, and which way is up.

/// What an Exif block says ([CIPA DC-008](https://www.cipa.jp/std/documents/e/DC-008-Translation-2023-E.pdf), 4.6).
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Exif {
    /// There is a pointer to positions.
    pub(super) location: bool,
    /// 1 to 8; 1 is upright.
    pub(super) orientation: Option<u16>,
}

/// Reads an Exif block, which begins with a TIFF header. Whatever is broken is not there.
pub(super) fn read(block: &[u8]) -> Exif {
    read_checked(block).unwrap_or_default()
}

fn read_checked(block: &[u8]) -> Option<Exif> {
    let little = match block.get(..4)? {
        b"II*\0" => true,
        b"MM\0*" => false,
        _ => return None,
    };
    let short = |at: usize| {
        let bytes = block.get(at..at.checked_add(2)?)?.try_into().ok()?;
        Some(if little {
            u16::from_le_bytes(bytes)
        } else {
            u16::from_be_bytes(bytes)
        })
    };
    let long = |at: usize| {
        let bytes = block.get(at..at.checked_add(4)?)?.try_into().ok()?;
        let long = if little {
            u32::from_le_bytes(bytes)
        } else {
            u32::from_be_bytes(bytes)
        };
        usize::try_from(long).ok()
    };
    let mut exif = Exif::default();
    let first = long(4)?;
    for entry in 0..usize::from(short(first)?) {
        let at = first.checked_add(2)?.checked_add(entry.checked_mul(12)?)?;
        match short(at) {
            Some(0x8825) => exif.location = true,
            Some(0x0112) => exif.orientation = short(at + 8).filter(|way| (1..=8).contains(way)),
            Some(_) => {}
            None => break,
        }
    }
    Some(exif)
}

/// An Exif block that says only which way is up, or `None` for upright.
pub(super) fn upright(orientation: Option<u16>) -> Option<Vec<u8>> {
    let orientation = orientation.filter(|way| *way != 1)?;
    let mut block = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0".to_vec();
    block.extend_from_slice(&u32::from(orientation).to_le_bytes());
    block.extend_from_slice(&[0; 4]);
    Some(block)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let block = upright(Some(6)).unwrap();
        assert_eq!(block.len(), 26);
        let exif = read(&block);
        assert_eq!((exif.location, exif.orientation), (false, Some(6)));
        assert_eq!(upright(Some(1)), None);
        for cut in 0..block.len() {
            read(&block[..cut]);
        }
    }
}
