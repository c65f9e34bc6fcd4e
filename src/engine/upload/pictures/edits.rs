//! Changes to a file that leave every byte where it is.

use std::ops::Range;

use crate::upload::delivery::Delivery;
use crate::upload::verdict::Reason;
use crate::upload::window::Checked;

/// What is written over a place.
#[derive(Clone, Debug, Eq, PartialEq)]
enum Fill {
    Zeros,
    Bytes(Vec<u8>),
}

/// Places of a file that are written over, and places that may not be.
#[derive(Debug, Default)]
pub(super) struct Edits {
    places: Vec<(Range<u64>, Fill)>,
    held: Vec<Range<u64>>,
}

impl Edits {
    /// Writes zeros over a place.
    pub(super) fn blank(&mut self, place: Range<u64>) {
        if !place.is_empty() {
            self.places.push((place, Fill::Zeros));
        }
    }

    /// Writes as many other bytes over those from `at` on.
    pub(super) fn replace(&mut self, at: u64, bytes: Vec<u8>) {
        let end = at.saturating_add(bytes.len() as u64);
        self.places.push((at..end, Fill::Bytes(bytes)));
    }

    /// Says that a place has to stay as it is.
    pub(super) fn hold(&mut self, place: Range<u64>) {
        if !place.is_empty() {
            self.held.push(place);
        }
    }

    /// Returns how many places are written over so far.
    pub(super) fn count(&self) -> usize {
        self.places.len()
    }

    /// Returns what is blanked, in order and without overlaps.
    pub(super) fn blanked(&self) -> Vec<Range<u64>> {
        let zeros = self.places.iter().filter(|(_, fill)| *fill == Fill::Zeros);
        let mut places: Vec<_> = zeros.map(|(place, _)| place.clone()).collect();
        places.sort_by_key(|place| place.start);
        let mut merged: Vec<Range<u64>> = Vec::with_capacity(places.len());
        for place in places {
            match merged.last_mut() {
                Some(last) if place.start <= last.end => last.end = last.end.max(place.end),
                _ => merged.push(place),
            }
        }
        merged
    }

    /// Makes the copy of a file of `size` bytes.
    ///
    /// Places that are blanked may overlap. A file in which other places do is none that a writer makes:
    /// what is left out of it would be what is kept.
    pub(super) fn apply(self, size: u64) -> Checked<Delivery> {
        let Self {
            mut places,
            mut held,
        } = self;
        places.sort_by_key(|(place, _)| place.start);
        held.sort_by_key(|place| place.start);
        let mut merged: Vec<(Range<u64>, Fill)> = Vec::with_capacity(places.len());
        for (place, fill) in places {
            match merged.last_mut() {
                Some((last, Fill::Zeros)) if fill == Fill::Zeros && place.start <= last.end => {
                    last.end = last.end.max(place.end);
                }
                Some((last, _)) if place.start < last.end => {
                    return Err(Reason::Malformed.into());
                }
                _ => merged.push((place, fill)),
            }
        }
        // Both in order: the next place that may overlap is never before the last one that did not.
        let mut rest = merged.iter().map(|(place, _)| place).peekable();
        for place in held {
            while rest.next_if(|edit| edit.end <= place.start).is_some() {}
            if rest.peek().is_some_and(|edit| edit.start < place.end) {
                return Err(Reason::Malformed.into());
            }
        }
        if merged.len() * 2 >= Delivery::MAX_PIECES {
            return Err(Reason::Unsupported.into());
        }
        let (mut copy, mut at) = (Delivery::default(), 0);
        for (place, fill) in merged {
            if place.end > size {
                return Err(Reason::Truncated.into());
            }
            copy.keep(at..place.start);
            match fill {
                Fill::Zeros => copy.zeros(place.end - place.start),
                Fill::Bytes(bytes) => copy.insert(bytes),
            }
            at = place.end;
        }
        copy.keep(at..size);
        Ok(copy)
    }
}
