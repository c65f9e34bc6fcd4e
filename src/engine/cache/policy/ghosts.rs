//! What left lately, by the hash of its key, and why.

const WAYS: usize = 8;

/// Why an entry left.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Side {
    /// It came from the window and was not taken in: a larger window would have kept it.
    Newcomer = 0,
    /// It was in the main part and had to give way: a smaller window would have kept it.
    Resident = 1,
}

/// One that came again.
#[derive(Clone, Copy, Debug)]
pub(super) struct Return {
    pub(super) side: Side,
    /// How many left by the same side since, roughly.
    pub(super) after: u64,
}

/// A table of hashes, eight to a line of the processor's cache, of which the oldest gives way.
///
/// 8 bytes for each entry of the cache: a tag of the hash, the side, and how many had left before.
#[derive(Debug)]
pub(super) struct Ghosts {
    /// INVARIANT: a power of two of them, at least one.
    sets: Vec<Set>,
    ever: u32,
    /// How many left by each side lately.
    lately: [u64; 2],
}

/// The last to leave comes first, and free places come last: then nothing looks for the oldest.
#[derive(Clone, Copy, Debug, Default)]
#[repr(align(64))]
struct Set {
    /// A part of the hash and, in the lowest bit, the side; 0 is none.
    tags: [u32; WAYS],
    /// How many had left before.
    at: [u32; WAYS],
}

impl Set {
    fn push(&mut self, tag: u32, at: u32) {
        let [a, b, c, d, e, f, g, _] = self.tags;
        self.tags = [tag, a, b, c, d, e, f, g];
        let [a, b, c, d, e, f, g, _] = self.at;
        self.at = [at, a, b, c, d, e, f, g];
    }

    /// Takes out the one whose tag is `tag` but for the side.
    fn take(&mut self, tag: u32) -> Option<(u32, u32)> {
        // All eight are compared at once, and mostly that is all.
        let tags = self.tags.iter();
        if !tags.fold(false, |any, own| any | (own | 1 == tag | 1)) {
            return None;
        }
        let place = self.tags.iter().position(|own| own | 1 == tag | 1)?;
        let taken = (*self.tags.get(place)?, *self.at.get(place)?);
        if let (Some(tags), Some(at)) = (self.tags.get_mut(place..), self.at.get_mut(place..)) {
            tags.rotate_left(1);
            at.rotate_left(1);
        }
        if let (Some(tag), Some(at)) = (self.tags.last_mut(), self.at.last_mut()) {
            (*tag, *at) = (0, 0);
        }
        Some(taken)
    }
}

impl Ghosts {
    pub(super) fn new() -> Self {
        Self {
            sets: vec![Set::default()],
            ever: 0,
            lately: [0; 2],
        }
    }

    /// Makes room for about as many as there are `entries`.
    pub(super) fn grow(&mut self, entries: usize) {
        while self.sets.len() * WAYS < entries {
            // As in the sketch: one bit more of the hash leads to a copy of the old set.
            self.sets.extend_from_within(..);
        }
    }

    /// Remembers one more.
    #[inline]
    pub(super) fn push(&mut self, hash: u64, side: Side) {
        let most = (self.sets.len() * WAYS) as u64;
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
        if let Some(set) = self.set(hash) {
            set.push(tag(hash, side), ever);
        }
    }

    /// Takes back one that came again, unless more than `most` left since.
    pub(super) fn take(&mut self, hash: u64, most: u64) -> Option<Return> {
        let (ever, [newcomers, residents]) = (self.ever, self.lately);
        let (tag, at) = self.set(hash)?.take(tag(hash, Side::Resident))?;
        let (side, of_side) = match tag & 1 {
            0 => (Side::Newcomer, newcomers),
            _ => (Side::Resident, residents),
        };
        let since = u64::from(ever.wrapping_sub(at));
        let after = since * of_side / (newcomers + residents).max(1);
        (since <= most).then_some(Return { side, after })
    }

    /// How many left by `side` lately.
    pub(super) fn count(&self, side: Side) -> u64 {
        let [newcomers, residents] = self.lately;
        match side {
            Side::Newcomer => newcomers,
            Side::Resident => residents,
        }
    }

    fn set(&mut self, hash: u64) -> Option<&mut Set> {
        let mask = self.sets.len() - 1;
        let at = (hash >> 32) as usize & mask;
        self.sets.get_mut(at)
    }
}

/// The lower half of the hash, of which the set knows nothing, with the side; never 0.
fn tag(hash: u64, side: Side) -> u32 {
    #[expect(clippy::cast_possible_truncation, reason = "half the hash is meant")]
    let half = hash as u32;
    (half | 2) & !1 | side as u32
}
