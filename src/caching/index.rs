//! Where the entry of a key is, by the hash of the key.

/// Numbers of entries by hash, in one line of the processor's cache for most questions.
///
/// A place holds half of the hash and the number. The entry of a hash stands in the first free place from the one
/// that its half hash names, and when one leaves, those behind it move up: no place is ever marked as having been
/// used. Whoever asks compares the keys, so that hashes may meet.
///
/// 8 bytes a place, of which at most half are taken.
///
/// Source: D. E. Knuth, "The Art of Computer Programming", volume 3, section 6.4, algorithms L and R.
#[derive(Debug)]
pub(super) struct Index {
    /// INVARIANT: a power of two of them, at least one of them free.
    places: Box<[u64]>,
    taken: usize,
}

/// A place that is free.
#[derive(Clone, Copy, Debug)]
pub(super) struct Vacancy(usize);

/// No entry has the number 0.
const FREE: u64 = 0;

impl Index {
    pub(super) fn new() -> Self {
        Self {
            places: vec![FREE; 8].into(),
            taken: 0,
        }
    }

    /// Finds the entry of this hash that `is` the one, or the place for it.
    #[inline]
    pub(super) fn seek(&self, hash: u64, mut is: impl FnMut(u32) -> bool) -> Result<u32, Vacancy> {
        let mask = self.mask();
        let tag = tag(hash);
        let mut at = home(tag) & mask;
        while let Some(place) = self.places.get(at)
            && *place != FREE
        {
            if place >> 32 == tag && is(number(*place)) {
                return Ok(number(*place));
            }
            at = (at + 1) & mask;
        }
        Err(Vacancy(at))
    }

    /// Takes in an entry, which is not there yet, and whose number is not 0. The index is as it was when the vacancy
    /// was found.
    #[inline]
    pub(super) fn insert(&mut self, vacancy: Vacancy, hash: u64, number: u32) {
        let place = tag(hash) << 32 | u64::from(number);
        self.taken += 1;
        if self.taken * 2 > self.places.len() {
            self.grow();
            self.put(place);
        } else {
            self.set(vacancy.0, place);
        }
    }

    /// Takes out the entry of this hash and number.
    #[inline]
    pub(super) fn remove(&mut self, hash: u64, number: u32) {
        let mask = self.mask();
        let wanted = tag(hash) << 32 | u64::from(number);
        let mut free = home(tag(hash)) & mask;
        while let Some(place) = self.places.get(free)
            && *place != wanted
        {
            if *place == FREE {
                return;
            }
            free = (free + 1) & mask;
        }
        self.taken -= 1;
        let mut at = free;
        loop {
            at = (at + 1) & mask;
            let next = self.places.get(at).copied().unwrap_or(FREE);
            if next == FREE {
                break;
            }
            // It may move up unless it stands behind the gap because its home does.
            let from_home = at.wrapping_sub(home(next >> 32)) & mask;
            if from_home >= at.wrapping_sub(free) & mask {
                self.set(free, next);
                free = at;
            }
        }
        self.set(free, FREE);
    }

    fn put(&mut self, place: u64) {
        let mask = self.mask();
        let mut at = home(place >> 32) & mask;
        while self.places.get(at).is_some_and(|place| *place != FREE) {
            at = (at + 1) & mask;
        }
        self.set(at, place);
    }

    fn set(&mut self, at: usize, place: u64) {
        if let Some(old) = self.places.get_mut(at) {
            *old = place;
        }
    }

    #[cold]
    fn grow(&mut self) {
        let places = vec![FREE; self.places.len() * 2];
        let old = std::mem::replace(&mut self.places, places.into());
        for place in old.iter().filter(|place| **place != FREE) {
            self.put(*place);
        }
    }

    fn mask(&self) -> usize {
        self.places.len() - 1
    }
}

/// The half of the hash that is kept.
fn tag(hash: u64) -> u64 {
    hash & 0xffff_ffff
}

fn home(tag: u64) -> usize {
    usize::try_from(tag).unwrap_or(0)
}

fn number(place: u64) -> u32 {
    #[expect(clippy::cast_possible_truncation, reason = "its lower half is meant")]
    let number = place as u32;
    number
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;
    use crate::id::split_mix;

    #[test]
    fn agrees_with_a_map_however_hashes_meet() {
        for few in [7, 600, u64::from(u32::MAX)] {
            let mut state = few;
            let mut index = Index::new();
            let mut map: HashMap<u32, u64> = HashMap::new();
            for _ in 0..20_000 {
                let draw = split_mix(&mut state);
                let number = 1 + u32::try_from(draw % 900).unwrap();
                let hash = (split_mix(&mut state) % few) | (draw << 32);
                if let Some(hash) = map.remove(&number) {
                    assert_eq!(index.seek(hash, |n| n == number).ok(), Some(number));
                    index.remove(hash, number);
                    assert!(index.seek(hash, |n| n == number).is_err());
                } else {
                    index.remove(hash, number);
                    let vacancy = index.seek(hash, |n| n == number).unwrap_err();
                    index.insert(vacancy, hash, number);
                    map.insert(number, hash);
                }
            }
            assert!(index.places.len() >= index.taken * 2);
            assert_eq!(index.taken, map.len());
            for (number, hash) in map {
                assert_eq!(index.seek(hash, |n| n == number).ok(), Some(number));
            }
        }
    }
}
