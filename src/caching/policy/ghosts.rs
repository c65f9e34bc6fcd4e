//! What left lately, by the hash of its key, and why.

pub(super) const WAYS: usize = 4;

/// Why an entry left.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Side {
    /// It came from the window and was not taken in: a larger window would have kept it.
    Newcomer = 0,
    /// It was in the main part and had to give way: a smaller window would have kept it.
    Resident = 1,
}

/// A few that left, of which the oldest gives way to the next.
///
/// The last to leave comes first, and free places come last: then nothing looks for the oldest.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Ghosts {
    /// A part of the hash and, in the lowest bit, the side; 0 is none.
    tags: [u32; WAYS],
    /// How many had left before.
    at: [u32; WAYS],
}

impl Ghosts {
    #[inline]
    pub(super) fn push(&mut self, hash: u64, side: Side, at: u32) {
        let [a, b, c, _] = self.tags;
        self.tags = [tag(hash, side), a, b, c];
        let [a, b, c, _] = self.at;
        self.at = [at, a, b, c];
    }

    /// Whether one of this hash may be there. All are compared at once, and mostly there is none.
    #[inline]
    pub(super) fn may_have(&self, hash: u64) -> bool {
        let wanted = tag(hash, Side::Resident);
        let tags = self.tags.iter();
        tags.fold(false, |any, own| any | (own | 1 == wanted))
    }

    /// Takes out one that came again, with its side and how many had left before.
    pub(super) fn take(&mut self, hash: u64) -> Option<(Side, u32)> {
        let wanted = tag(hash, Side::Resident);
        let place = self.tags.iter().position(|own| own | 1 == wanted)?;
        let (tags, at) = (self.tags.get_mut(place..)?, self.at.get_mut(place..)?);
        tags.rotate_left(1);
        at.rotate_left(1);
        let (tag, at) = (tags.last_mut()?, at.last_mut()?);
        let side = match std::mem::take(tag) & 1 {
            0 => Side::Newcomer,
            _ => Side::Resident,
        };
        Some((side, std::mem::take(at)))
    }
}

/// The lower half of the hash with the side; never 0.
fn tag(hash: u64, side: Side) -> u32 {
    #[expect(clippy::cast_possible_truncation, reason = "half the hash is meant")]
    let half = hash as u32;
    (half | 2) & !1 | side as u32
}
