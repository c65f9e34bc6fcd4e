//! What is remembered of keys, whether they are held or not.

use super::ghosts::{Ghosts, Side, WAYS};
use super::sketch::Counts;

/// Everything is halved after this many counts for each entry that is held.
const SAMPLE: u64 = 10;

/// One that came again.
#[derive(Clone, Copy, Debug)]
pub(super) struct Return {
    pub(super) side: Side,
    /// How many left by the same side since, roughly.
    pub(super) after: u64,
}

/// How often keys were asked for, and which of them left lately, by the hash.
///
/// All about one key lies in one line of the processor's cache, 16 bytes for each entry that is held.
#[derive(Debug)]
pub(super) struct Past {
    /// INVARIANT: a power of two of them, at least one.
    lines: Vec<Line>,
    /// The most entries that were held.
    entries: usize,
    counted: u64,
    /// As many counts as there are between two halvings.
    most: u64,
    fades: u8,
    /// How many left ever, and by each side lately.
    ever: u32,
    lately: [u64; 2],
}

#[derive(Clone, Copy, Debug, Default)]
#[repr(align(64))]
struct Line {
    counts: Counts,
    ghosts: Ghosts,
}

impl Past {
    pub(super) fn new() -> Self {
        Self {
            lines: vec![Line::default()],
            entries: 0,
            counted: 0,
            most: SAMPLE,
            fades: 0,
            ever: 0,
            lately: [0; 2],
        }
    }

    /// Makes room for the past of `entries`.
    #[inline]
    pub(super) fn grow(&mut self, entries: usize) {
        if entries > self.entries {
            self.entries = entries;
            self.most = entries as u64 * SAMPLE;
            while self.lines.len() * WAYS < entries {
                // A key's line is named by the low bits of half its hash, so that one bit more leads to a copy of its
                // old line.
                self.lines.extend_from_within(..);
            }
        }
    }

    /// Counts one that comes. Returns how often it was asked for lately, 1 to 15, sometimes more and never less; and
    /// how it left, unless more than `most` left since.
    #[inline]
    pub(super) fn come(&mut self, hash: u64, most: u64) -> (u8, Option<Return>) {
        self.pass(1);
        let Some(line) = self.line(hash) else {
            return (0, None);
        };
        let count = line.counts.add(hash, 1);
        let back = if line.ghosts.may_have(hash) {
            self.come_back(hash, most)
        } else {
            None
        };
        (count, back)
    }

    #[cold]
    fn come_back(&mut self, hash: u64, most: u64) -> Option<Return> {
        let (side, at) = self.line(hash)?.ghosts.take(hash)?;
        let [newcomers, residents] = self.lately;
        let of_side = match side {
            Side::Newcomer => newcomers,
            Side::Resident => residents,
        };
        let since = u64::from(self.ever.wrapping_sub(at));
        let after = since * of_side / (newcomers + residents).max(1);
        (since <= most).then_some(Return { side, after })
    }

    /// Remembers one that leaves, with uses for which time has passed already.
    #[inline]
    pub(super) fn leave(&mut self, hash: u64, uses: u64, side: Side) {
        let most = (self.lines.len() * WAYS) as u64;
        let [newcomers, residents] = &mut self.lately;
        if *newcomers + *residents >= most {
            *newcomers /= 2;
            *residents /= 2;
        }
        match side {
            Side::Newcomer => *newcomers += 1,
            Side::Resident => *residents += 1,
        }
        self.ever = self.ever.wrapping_add(1);
        let ever = self.ever;
        if let Some(line) = self.line(hash) {
            if uses > 0 {
                line.counts.add(hash, uses);
            }
            line.ghosts.push(hash, side, ever);
        }
    }

    /// Lets the time of some uses pass. Everything is halved now and then, so that old fame fades.
    #[inline]
    pub(super) fn pass(&mut self, uses: u64) {
        self.counted += uses;
        if self.counted >= self.most {
            self.fade();
        }
    }

    /// How often everything was halved until now.
    #[inline]
    pub(super) fn fades(&self) -> u8 {
        self.fades
    }

    /// How many left by `side` lately.
    pub(super) fn left(&self, side: Side) -> u64 {
        let [newcomers, residents] = self.lately;
        match side {
            Side::Newcomer => newcomers,
            Side::Resident => residents,
        }
    }

    #[inline]
    fn line(&mut self, hash: u64) -> Option<&mut Line> {
        let mask = self.lines.len() - 1;
        let at = (hash >> 32) as usize & mask;
        self.lines.get_mut(at)
    }

    #[cold]
    fn fade(&mut self) {
        self.counted /= 2;
        self.fades = self.fades.wrapping_add(1);
        for line in &mut self.lines {
            line.counts.halve();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::split_mix;

    #[test]
    fn counts_are_never_less_until_they_fade() {
        let mut past = Past::new();
        past.grow(1_000);
        let mut state = 7;
        let hashes: Vec<u64> = (0..1_000).map(|_| split_mix(&mut state)).collect();
        for hash in hashes.iter().chain(&hashes).chain(&hashes[..500]) {
            past.come(*hash, 0);
        }
        let counts: Vec<u8> = hashes.iter().map(|hash| count(&mut past, *hash)).collect();
        assert!(counts[..500].iter().all(|count| *count >= 3));
        assert!(counts[500..].iter().all(|count| *count >= 2));
        let close = counts.iter().filter(|count| **count <= 3).count();
        assert!(close > 950, "{close} of 1000");
        past.fade();
        assert!(hashes.iter().all(|hash| count(&mut past, *hash) >= 1));
        assert_eq!(past.fades(), 1);
    }

    #[test]
    fn counts_survive_growth_and_stop_at_fifteen() {
        let mut past = Past::new();
        past.grow(4);
        let hash = 0xfeed_beef_1234_5678;
        past.leave(hash, 7, Side::Resident);
        assert_eq!(count(&mut past, hash), 7);
        past.grow(5_000);
        assert_eq!(count(&mut past, hash), 7);
        past.leave(hash, 90, Side::Resident);
        assert_eq!(count(&mut past, hash), 15);
    }

    #[test]
    fn the_last_four_to_leave_come_again_with_their_side() {
        let mut past = Past::new();
        for n in 1..=6_u64 {
            let side = if n % 2 == 0 {
                Side::Resident
            } else {
                Side::Newcomer
            };
            past.leave(n << 8, 0, side);
        }
        let mut come = |n: u64| past.come(n << 8, 5).1.map(|back| back.side);
        assert_eq!([come(1), come(2)], [None, None]);
        assert_eq!(
            [come(4), come(5)],
            [Some(Side::Resident), Some(Side::Newcomer)]
        );
        assert_eq!([come(4), come(5)], [None, None]);
        past.leave(7 << 8, 0, Side::Newcomer);
        let mut come = |n: u64, most| past.come(n << 8, most).1.map(|back| back.side);
        assert_eq!(come(3, 3), None);
        assert_eq!(come(6, 1), Some(Side::Resident));
        assert_eq!(come(7, 0), Some(Side::Newcomer));
    }

    fn count(past: &mut Past, hash: u64) -> u8 {
        past.line(hash).unwrap().counts.add(hash, 0)
    }
}
