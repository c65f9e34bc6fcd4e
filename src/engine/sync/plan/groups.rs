//! Groups of equal content among the holders of a path (`spec/sync.md` §3).

use super::replicas::{ReplicaIndex, ReplicaSet};
use super::states::Bond;

/// The holders of a path, sorted by content.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Groups {
    /// One set for each content, by first holder.
    pub(super) groups: Vec<ReplicaSet>,
    /// Those that have to be read before anything can be said.
    pub(super) undecided: ReplicaSet,
}

impl Groups {
    /// Sorts `holders` by the bonds between them.
    pub(super) fn new(
        holders: ReplicaSet,
        bond: impl Fn(ReplicaIndex, ReplicaIndex) -> Bond,
    ) -> Self {
        let classes = join(holders.iter().map(Into::into).collect(), |a, b| {
            pairs(a, b).any(|(a, b)| bond(a, b) == Bond::Same)
        });
        let link = |a: ReplicaSet, b: ReplicaSet| {
            let bonds = || pairs(a, b).map(|(a, b)| bond(a, b));
            if bonds().any(|bond| matches!(bond, Bond::Different | Bond::Apart)) {
                Link::Apart
            } else if bonds().any(|bond| bond == Bond::Weak) {
                Link::Weak
            } else {
                Link::Unknown
            }
        };
        let mut undecided = ReplicaSet::EMPTY;
        for (at, &class) in classes.iter().enumerate() {
            if pairs(class, class).any(|(a, b)| a != b && bond(a, b) == Bond::Different) {
                undecided = undecided.or(class);
            }
            for &other in classes.iter().skip(at + 1) {
                if link(class, other) == Link::Unknown {
                    undecided = undecided.or(class).or(other);
                }
            }
        }
        let within = |group: ReplicaSet| {
            let inside = classes
                .iter()
                .filter(move |class| class.and(group) == **class);
            inside.copied()
        };
        let groups = join(classes.clone(), |a, b| {
            within(a).any(|a| within(b).any(|b| link(a, b) == Link::Weak))
        });
        for &group in &groups {
            if within(group).any(|a| within(group).any(|b| a != b && link(a, b) == Link::Apart)) {
                undecided = undecided.or(group);
            }
        }
        Self { groups, undecided }
    }
}

/// What two classes are to each other.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Link {
    Apart,
    Weak,
    Unknown,
}

fn pairs(a: ReplicaSet, b: ReplicaSet) -> impl Iterator<Item = (ReplicaIndex, ReplicaIndex)> {
    a.iter().flat_map(move |x| b.iter().map(move |y| (x, y)))
}

/// Unites sets that are joined, also by way of others. The result is ordered by first member.
fn join(sets: Vec<ReplicaSet>, joined: impl Fn(ReplicaSet, ReplicaSet) -> bool) -> Vec<ReplicaSet> {
    let mut united: Vec<ReplicaSet> = Vec::with_capacity(sets.len());
    for set in sets {
        let mut whole = set;
        united.retain(|&other| {
            let meets = joined(other, set);
            if meets {
                whole = whole.or(other);
            }
            !meets
        });
        united.push(whole);
    }
    united.sort_by_key(|set| set.first());
    united
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Groups replicas 0 to 3 by the bonds given, all others being `rest`.
    fn group(rest: Bond, bonds: &[(usize, usize, Bond)]) -> (Vec<Vec<usize>>, Vec<usize>) {
        let holders: ReplicaSet = (0..4).filter_map(ReplicaIndex::new).collect();
        let groups = Groups::new(holders, |a, b| {
            let pair = (a.get().min(b.get()), a.get().max(b.get()));
            let known = bonds.iter().find(|(x, y, _)| (*x, *y) == pair);
            known.map_or(rest, |known| known.2)
        });
        let list = |set: ReplicaSet| set.iter().map(ReplicaIndex::get).collect();
        let listed = groups.groups.into_iter().map(list).collect();
        (listed, list(groups.undecided))
    }

    #[test]
    fn same_joins_transitively_and_different_keeps_apart() {
        let bonds = [(0, 2, Bond::Same), (2, 3, Bond::Same)];
        assert_eq!(
            group(Bond::Different, &bonds).1,
            [0, 2, 3],
            "0 and 3 differ"
        );
        let bonds = [(0, 2, Bond::Same), (2, 3, Bond::Same), (0, 3, Bond::Weak)];
        assert_eq!(
            group(Bond::Different, &bonds),
            (vec![vec![0, 2, 3], vec![1]], vec![])
        );
    }

    #[test]
    fn weak_bonds_join_unless_something_stands_between() {
        assert_eq!(group(Bond::Weak, &[]).0, [[0, 1, 2, 3]]);
        let (_, undecided) = group(Bond::Weak, &[(1, 2, Bond::Apart)]);
        assert_eq!(undecided, [0, 1, 2, 3]);
    }

    #[test]
    fn without_evidence_both_are_undecided() {
        let bonds = [(1, 2, Bond::Unknown)];
        assert_eq!(group(Bond::Different, &bonds).1, [1, 2]);
    }
}
