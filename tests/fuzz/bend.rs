//! Bends samples: bits, bytes, numbers, lengths, pieces moved within one and between two.

/// `SplitMix64`: the same inputs for the same seed, everywhere.
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn word(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// Below `end`; 0 if that is 0.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.word() >> 1).unwrap() % end.max(1)
    }

    fn byte(&mut self) -> u8 {
        self.word().to_le_bytes()[0]
    }
}

/// Numbers at which parsers count wrong.
const NUMBERS: [u64; 14] = [
    0,
    1,
    15,
    16,
    17,
    0x7F,
    0x80,
    0xFF,
    0x7FFF,
    0xFFFF,
    0x7FFF_FFFF,
    0xFFFF_FFFF,
    0x7FFF_FFFF_FFFF_FFFF,
    u64::MAX,
];

/// Makes one input out of the samples.
pub(crate) fn bend(corpus: &[Vec<u8>], dice: &mut Dice) -> Vec<u8> {
    let mut bytes = corpus[dice.below(corpus.len())].clone();
    let other = &corpus[dice.below(corpus.len())];
    // Most inputs are bent once or twice: those get furthest.
    let times = 1 + dice.below(2) + dice.below(2) * dice.below(6);
    for _ in 0..times {
        once(&mut bytes, other, dice);
    }
    let most = 1_024 + 2 * corpus.iter().map(Vec::len).max().unwrap_or(0);
    bytes.truncate(most);
    bytes
}

fn once(bytes: &mut Vec<u8>, other: &[u8], dice: &mut Dice) {
    let at = place(bytes.len(), dice);
    match dice.below(12) {
        0 | 1 => {
            if let Some(byte) = bytes.get_mut(at) {
                *byte ^= 1 << dice.below(8);
            }
        }
        2 => {
            let value = dice.byte();
            if let Some(byte) = bytes.get_mut(at) {
                *byte = value;
            }
        }
        3 => {
            let number = NUMBERS[dice.below(NUMBERS.len())];
            let wide = 1 << dice.below(4);
            let number = if dice.below(2) == 0 {
                number.to_be_bytes()[8 - wide..].to_vec()
            } else {
                number.to_le_bytes()[..wide].to_vec()
            };
            bytes
                .iter_mut()
                .skip(at)
                .zip(number)
                .for_each(|(to, from)| *to = from);
        }
        4 => bytes.truncate(at),
        5 => {
            let count = dice.below(40);
            let filler = dice.byte();
            bytes.extend(std::iter::repeat_n(filler, count));
        }
        // A piece goes, comes twice, or trades places.
        6 => _ = bytes.drain(at..at + dice.below(bytes.len() - at + 1)),
        7 => {
            let piece = bytes[at..at + dice.below((bytes.len() - at + 1).min(300))].to_vec();
            bytes.splice(at..at, piece);
        }
        8 => {
            let half = bytes.len() / 2;
            let (left, right) = bytes.split_at_mut(half);
            let from = at.min(half);
            let count = dice.below((half - from).min(right.len()) + 1);
            left[from..from + count].swap_with_slice(&mut right[..count]);
        }
        // A piece of another sample, in place of this one's or between.
        9 | 10 => {
            let from = place(other.len(), dice);
            let piece = &other[from..from + dice.below(other.len() - from + 1)];
            let until = if dice.below(2) == 0 {
                (at + piece.len()).min(bytes.len())
            } else {
                at
            };
            bytes.splice(at..until, piece.iter().copied());
        }
        _ => {
            let noise: Vec<u8> = (0..dice.below(24)).map(|_| dice.byte()).collect();
            bytes.splice(at..at, noise);
        }
    }
}

/// Half of the places are among the first bytes, where the fields are, or the last, where the end is.
fn place(length: usize, dice: &mut Dice) -> usize {
    match dice.below(4) {
        0 => dice.below(length.min(128) + 1),
        1 => length - dice.below(length.min(64) + 1),
        _ => dice.below(length + 1),
    }
}
