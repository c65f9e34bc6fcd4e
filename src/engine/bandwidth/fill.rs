//! Sharing one amount among siblings: weighted max-min between what each has and the most it can take.

/// One sibling.
#[derive(Clone, Copy, Debug)]
pub(super) struct Vessel {
    /// Its place in the arena.
    pub(super) index: usize,
    /// What it has.
    pub(super) base: f64,
    /// The most it can have.
    pub(super) top: f64,
    /// Its weight, above 0.
    pub(super) weight: f64,
}

/// Where the slope of the whole changes: a level, and by how much.
type Edge = (f64, f64);

/// Room for the work, kept between calls.
#[derive(Debug, Default)]
pub(super) struct Filler {
    vessels: Vec<Vessel>,
    edges: Vec<Edge>,
}

impl Filler {
    /// Begins anew, without siblings.
    pub(super) fn clear(&mut self) {
        self.vessels.clear();
    }

    /// Makes room for so many siblings, each of whom begins and ends somewhere.
    pub(super) fn reserve(&mut self, siblings: usize) {
        self.vessels.reserve(siblings);
        self.edges.reserve(siblings.saturating_mul(2));
    }

    /// Adds a sibling that has room.
    pub(super) fn add(&mut self, vessel: Vessel) {
        self.vessels.push(vessel);
    }

    /// Shares `amount`, at most the room of all, and tells by how much each sibling grows.
    pub(super) fn pour(&mut self, amount: f64, mut grown: impl FnMut(usize, f64)) {
        let room: f64 = self.vessels.iter().map(|v| v.top - v.base).sum();
        if amount >= room {
            for vessel in &self.vessels {
                grown(vessel.index, vessel.top - vessel.base);
            }
            return;
        }
        if let [only] = self.vessels.as_slice() {
            grown(only.index, amount);
            return;
        }
        let level = self.level(amount);
        for vessel in &self.vessels {
            let share = (level * vessel.weight).max(vessel.base).min(vessel.top);
            grown(vessel.index, share - vessel.base);
        }
    }

    /// Finds the level at which the siblings together have grown by `amount`: from the lowest edge up, each taking part
    /// from where it is above what it has to where it is full.
    fn level(&mut self, amount: f64) -> f64 {
        self.edges.clear();
        for vessel in &self.vessels {
            self.edges
                .push((vessel.base / vessel.weight, vessel.weight));
            self.edges
                .push((vessel.top / vessel.weight, -vessel.weight));
        }
        self.edges
            .sort_unstable_by(|(one, _), (other, _)| one.total_cmp(other));
        let (mut level, mut slope, mut filled) = (0.0, 0.0, 0.0);
        for (edge, change) in &self.edges {
            if slope > 0.0 {
                let step = (edge - level) * slope;
                if filled + step >= amount {
                    return level + (amount - filled) / slope;
                }
                filled += step;
            }
            level = *edge;
            slope += change;
        }
        level
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn poured(amount: f64, vessels: &[(f64, f64, f64)]) -> Vec<f64> {
        let mut filler = Filler::default();
        for (index, (base, top, weight)) in vessels.iter().copied().enumerate() {
            filler.add(Vessel {
                index,
                base,
                top,
                weight,
            });
        }
        let mut grown = vec![0.0; vessels.len()];
        filler.pour(amount, |index, by| grown[index] = by);
        grown
    }

    #[test]
    fn what_one_has_counts_towards_its_share() {
        assert_eq!(
            poured(30.0, &[(10.0, 100.0, 1.0), (0.0, 100.0, 1.0)]),
            [10.0, 20.0]
        );
    }

    #[test]
    fn who_has_more_than_the_level_keeps_it_and_who_is_full_stops() {
        let vessels = [
            (50.0, 100.0, 1.0),
            (0.0, 5.0, 1.0),
            (0.0, 100.0, 2.0),
            (0.0, f64::INFINITY, 1.0),
        ];
        assert_eq!(poured(35.0, &vessels), [0.0, 5.0, 20.0, 10.0]);
    }

    #[test]
    fn an_amount_for_all_fills_all() {
        assert_eq!(poured(9.0, &[(1.0, 4.0, 1.0), (2.0, 8.0, 3.0)]), [3.0, 6.0]);
    }
}
