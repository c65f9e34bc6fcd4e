//! quickXorHash, the content hash of OneDrive for Business and SharePoint.
//!
//! Source: [Code snippets: quickXorHash algorithm][page]. The digest is 160 bits wide and begins as
//! zeros. Byte `i` of the content is combined by exclusive or with the eight bits from bit
//! `11 * i mod 160` on, wrapping around; bit 0 is the lowest bit of the first digest byte. At the end
//! the length in bytes, a little-endian 64-bit number, is combined with the last eight digest bytes.
//!
//! 11 and 160 share no factor, so two bytes go to the same place exactly when they lie a multiple of
//! 160 apart. The content is therefore folded row by row into 160 lanes, which compiles to wide
//! instructions, and the lanes are shifted into place once, at the end.
//!
//! [page]: https://learn.microsoft.com/en-us/onedrive/developer/code-snippets/quickxorhash

const LANES: usize = 160;
const SHIFT: u32 = 11;

/// A quickXorHash in the making.
#[derive(Clone)]
pub(super) struct QuickXor {
    lanes: [u8; LANES],
    /// Where the next byte goes. INVARIANT: below `LANES`.
    next: usize,
    length: u64,
}

impl QuickXor {
    pub(super) const fn new() -> Self {
        Self {
            lanes: [0; LANES],
            next: 0,
            length: 0,
        }
    }

    pub(super) fn update(&mut self, data: &[u8]) {
        // A head that ends the row begun by an earlier call, whole rows, and the start of a new row.
        let (head, rest) = data.split_at(data.len().min((LANES - self.next) % LANES));
        let (rows, tail) = rest.as_chunks::<LANES>();

        xor(self.lanes.iter_mut().skip(self.next), head);
        // A copy on the stack stays in registers over all rows.
        let mut lanes = self.lanes;
        for row in rows {
            xor(lanes.iter_mut(), row);
        }
        xor(lanes.iter_mut(), tail);

        self.lanes = lanes;
        self.next = (self.next + data.len() % LANES) % LANES;
        self.length = self.length.wrapping_add(data.len() as u64);
    }

    pub(super) fn finish(&self) -> [u8; 20] {
        // Horner's scheme: rotating once for each lane leaves lane `i` rotated by `11 * i`.
        let mut sum = Wide::default();
        for &lane in self.lanes.iter().rev() {
            sum = sum.rotate();
            sum.low ^= u128::from(lane);
        }
        // The last eight bytes begin at bit 96.
        sum.low ^= u128::from(self.length) << 96;
        sum.high ^= (self.length >> 32) as u32;
        sum.to_bytes()
    }
}

/// A number of 160 bits.
#[derive(Clone, Copy, Default)]
struct Wide {
    low: u128,
    high: u32,
}

impl Wide {
    const fn rotate(self) -> Self {
        Self {
            low: self.low << SHIFT | (self.high >> (u32::BITS - SHIFT)) as u128,
            high: self.high << SHIFT | (self.low >> (u128::BITS - SHIFT)) as u32,
        }
    }

    fn to_bytes(self) -> [u8; 20] {
        let mut bytes = [0; 20];
        let (low, high) = bytes.split_at_mut(16);
        low.copy_from_slice(&self.low.to_le_bytes());
        high.copy_from_slice(&self.high.to_le_bytes());
        bytes
    }
}

fn xor<'a>(lanes: impl Iterator<Item = &'a mut u8>, bytes: &[u8]) {
    for (lane, byte) in lanes.zip(bytes) {
        *lane ^= byte;
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;
    use crate::connector::hashes::{from_hex, to_hex};

    fn hash(data: &[u8]) -> [u8; 20] {
        let mut hash = QuickXor::new();
        hash.update(data);
        hash.finish()
    }

    /// The vendor's description, bit by bit.
    fn slow(data: &[u8]) -> [u8; 20] {
        let mut bits = [false; 160];
        for (index, byte) in data.iter().enumerate() {
            for bit in 0..8 {
                bits[(index * 11 + bit) % 160] ^= byte >> bit & 1 == 1;
            }
        }
        let mut digest = [0; 20];
        for (index, bit) in bits.into_iter().enumerate() {
            digest[index / 8] |= u8::from(bit) << (index % 8);
        }
        for (index, byte) in (data.len() as u64).to_le_bytes().into_iter().enumerate() {
            digest[12 + index] ^= byte;
        }
        digest
    }

    /// Source: the vectors that rclone keeps for its OneDrive backend, here in hexadecimal
    /// (<https://github.com/rclone/rclone/blob/master/backend/onedrive/quickxorhash/quickxorhash_test.go>).
    const PUBLISHED: [(&str, &str); 7] = [
        ("4a", "4a00000000000000000000000100000000000000"),
        ("b5b4", "b5a0050000000000000000000200000000000000"),
        (
            "8106b26c4a92ff85250dcf1ee08266",
            "8030802cd8a00449fca3102567c0333c000e4198",
        ),
        (
            "d9fbb1841257b695857bc74e7dd19e1f",
            "3bdb472c0821812bd8a21285c8c3319cd0876878",
        ),
        (
            "a90ef4441fbe24047996336fde526dd4fa6a1133ec724a297e89c8b6ed7c0abdc4",
            "16425a7a0ff4679f9eb9285894ba44dad261f8ba",
        ),
        (
            "31bec41af6b6ac41397c43432fce4ff81b1aa471048efdbfb225612a3bc041ed367de13154e41291\
             f9ae63353f91317531a2a33e6285ff0f9c6efc1f7562fc69",
            "9f56a73f935fbc3e170d85887913d6dd990fbf56",
        ),
        (
            "3dfc4c714774bc85ba55b1c6fee8ff6345baa84a0a9b2043d2761e6c429acca68a1be51a0ea04472\
             64236df41e56754bba874ca0fa7b3fb4d1d61b57e67d959e41e1db6c43ca827c0bf6502a248da907\
             d7be1f378ee75fe1156bf5ec490ae77c52f822a7a69565368fac91d58d084c0a9fdd1271afaa0d28\
             37939590cdaaa805ef034b5e2940e180d33bd6c0c15410865f134e4766e96c3d62338767b93d1ecb\
             82fe9685c41d32f47ea31e51c122d9ab202269e535a9307a70f3cf4c79eda070caadc0b29085181d\
             67717e32602aff39a09c4b938a8bfd34587fb0350537",
            "417fd81291b4803b26844a4275686cc43cec7d51",
        ),
    ];

    #[test]
    fn published_vectors_are_met() {
        for (content, digest) in PUBLISHED {
            let content = from_hex(content).unwrap();
            assert_eq!(to_hex(&hash(&content)), digest);
            assert_eq!(to_hex(&slow(&content)), digest);
        }
    }

    #[test]
    fn the_length_fills_all_eight_bytes() {
        let hash = QuickXor {
            length: 0x0102_0304_0506_0708,
            ..QuickXor::new()
        };
        assert_eq!(
            to_hex(&hash.finish()),
            "0000000000000000000000000807060504030201"
        );
    }

    proptest! {
        #[test]
        fn the_description_is_met_around_whole_rows(
            mut content in vec(any::<u8>(), 0..=3 * LANES + 2),
            rows in 0..=3_usize,
            over in 0..5_usize,
        ) {
            prop_assert_eq!(hash(&content), slow(&content));
            // Two bytes less than whole rows up to two bytes more.
            content.resize((rows * LANES + over).saturating_sub(2), 0xA5);
            prop_assert_eq!(hash(&content), slow(&content));
        }

        #[test]
        fn a_cut_anywhere_changes_nothing(
            pieces in vec(vec(any::<u8>(), 0..2 * LANES), 0..6),
        ) {
            let mut cut = QuickXor::new();
            for piece in &pieces {
                cut.update(piece);
            }
            prop_assert_eq!(cut.finish(), slow(&pieces.concat()));
        }
    }
}
