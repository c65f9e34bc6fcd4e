//! Values in a smaller form, where they have one.

use std::fmt;

use crate::error::Result;

/// Makes stored forms of values, and values of stored forms.
pub(super) trait Packing<V>: fmt::Debug + Send + Sync {
    /// Returns a smaller form, if there is one that is worth it.
    fn pack(&self, value: &V) -> Option<V>;
    /// Returns the value again.
    fn unpack(&self, stored: &V) -> Result<V>;
}

#[cfg(feature = "compression")]
pub(super) use self::lz4::Lz4;

#[cfg(feature = "compression")]
mod lz4 {
    use bytes::Bytes;
    use lz4_flex::block::{compress_prepend_size, decompress_size_prepended};

    use super::Packing;
    use crate::error::{Error, ErrorKind, Result};

    /// LZ4 blocks, behind their length.
    #[derive(Debug)]
    pub(in super::super) struct Lz4 {
        pub(in super::super) min_bytes: usize,
    }

    impl Packing<Bytes> for Lz4 {
        fn pack(&self, value: &Bytes) -> Option<Bytes> {
            // The block keeps its length in four bytes.
            if value.len() < self.min_bytes
                || u32::try_from(value.len()).is_err()
                || is_packed(value)
            {
                return None;
            }
            let packed = compress_prepend_size(value);
            // An eighth is what makes up for unpacking it at every read.
            (packed.len() <= value.len() - value.len() / 8).then(|| packed.into())
        }

        fn unpack(&self, stored: &Bytes) -> Result<Bytes> {
            let unpacked = decompress_size_prepended(stored).map_err(|cause| {
                Error::new(
                    ErrorKind::Corrupt,
                    "cache.unpack",
                    "a stored value cannot be read",
                )
                .with_source(cause)
            })?;
            Ok(unpacked.into())
        }
    }

    /// Whether the bytes are of a kind that is packed already: JPEG, MP4 and its kin, ZIP.
    fn is_packed(bytes: &[u8]) -> bool {
        bytes.starts_with(&[0xff, 0xd8, 0xff])
            || bytes.starts_with(b"PK\x03\x04")
            || bytes.starts_with(b"PK\x05\x06")
            || bytes.get(4..8) == Some(b"ftyp")
    }
}
