//! Dropbox's content hash.
//!
//! Source: [Content hash][page]. The content is split into blocks of 4 MiB, of which the last may be
//! shorter; the digest is the SHA-256 of the blocks' SHA-256 digests, one after the other. An empty
//! file has no block, so its digest is the SHA-256 of nothing.
//!
//! [page]: https://www.dropbox.com/developers/reference/content-hash

use sha2::{Digest, Sha256};

/// A Dropbox content hash in the making.
pub(super) type Dropbox = Blocks<{ 4 * 1024 * 1024 }>;

/// SHA-256 over the SHA-256 of each block of `SIZE` bytes.
#[derive(Clone)]
pub(super) struct Blocks<const SIZE: usize> {
    whole: Sha256,
    block: Sha256,
    /// Bytes in `block`. INVARIANT: below `SIZE`.
    filled: usize,
}

impl<const SIZE: usize> Blocks<SIZE> {
    pub(super) fn new() -> Self {
        Self {
            whole: Sha256::new(),
            block: Sha256::new(),
            filled: 0,
        }
    }

    pub(super) fn update(&mut self, mut data: &[u8]) {
        while !data.is_empty() {
            let (part, rest) = data.split_at(data.len().min(SIZE - self.filled));
            self.block.update(part);
            self.filled += part.len();
            if self.filled == SIZE {
                self.whole.update(self.block.finalize_reset());
                self.filled = 0;
            }
            data = rest;
        }
    }

    pub(super) fn finish(mut self) -> [u8; 32] {
        if self.filled > 0 {
            self.whole.update(self.block.finalize());
        }
        self.whole.finalize().into()
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;
    use crate::connector::hashes::{from_hex, to_hex};

    const BLOCK: usize = 4 * 1024 * 1024;

    fn sha256(data: &[u8]) -> [u8; 32] {
        Sha256::digest(data).into()
    }

    /// The vendor's description, step by step.
    fn slow(content: &[u8], block: usize) -> [u8; 32] {
        let digests: Vec<[u8; 32]> = content.chunks(block).map(sha256).collect();
        sha256(&digests.concat())
    }

    /// Source: the vendor's page, the image of the Milky Way (9,711,423 bytes).
    #[test]
    fn the_published_block_digests_give_the_published_hash() {
        let blocks = [
            "2a846fa617c3361fc117e1c5c1e1838c336b6a5cef982c1a2d9bdf68f2f1992a",
            "c68469027410ea393eba6551b9fa1e26db775f00eae70a0c3c129a0011a39cf9",
            "7376192de020925ce6c5ef5a8a0405e931b0a9a8c75517aacd9ca24a8a56818b",
        ];
        let digests: Vec<_> = blocks.into_iter().map(|b| from_hex(b).unwrap()).collect();
        assert_eq!(
            to_hex(&sha256(&digests.concat())),
            "485291fa0ee50c016982abbfa943957bcd231aae0492ccbaa22c58e3997b35e0"
        );
    }

    /// Source: the vectors that rclone keeps for its Dropbox backend, `n` times the letter A
    /// (<https://github.com/rclone/rclone/blob/master/backend/dropbox/dbhash/dbhash_test.go>).
    #[test]
    fn published_vectors_are_met_around_the_border_of_a_block() {
        let published = [
            (
                0,
                "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
            ),
            (
                1,
                "1cd6ef71e6e0ff46ad2609d403dc3fee244417089aa4461245a4e4fe23a55e42",
            ),
            (
                BLOCK - 1,
                "647c8627d70f7a7d13ce96b1e7710a771a55d41a62c3da490d92e56044d311fa",
            ),
            (
                BLOCK,
                "d4d63bac5b866c71620185392a8a6218ac1092454a2d16f820363b69852befa3",
            ),
            (
                BLOCK + 1,
                "8f553da8d00d0bf509d8470e242888be33019c20c0544811f5b2b89e98360b92",
            ),
        ];
        let content = vec![b'A'; BLOCK + 1];
        for (length, digest) in published {
            let mut hash = Dropbox::new();
            hash.update(&content[..length]);
            assert_eq!(to_hex(&hash.finish()), digest, "{length} bytes");
        }
    }

    proptest! {
        // Blocks of 64 bytes, so that borders are met often.
        #[test]
        fn the_description_is_met_however_the_content_is_cut(
            pieces in vec(vec(any::<u8>(), 0..200), 0..6),
            blocks in 0..4_usize,
            over in 0..3_usize,
        ) {
            let mut content = pieces.concat();
            let mut hash = Blocks::<64>::new();
            for piece in &pieces {
                hash.update(piece);
            }
            prop_assert_eq!(hash.finish(), slow(&content, 64));

            // One byte less than whole blocks up to one byte more.
            content.resize((blocks * 64 + over).saturating_sub(1), 7);
            let mut hash = Blocks::<64>::new();
            hash.update(&content);
            prop_assert_eq!(hash.finish(), slow(&content, 64));
        }
    }
}
