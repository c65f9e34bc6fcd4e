//! Renames recognised by content (`spec/sync.md` §6).

use std::collections::{HashMap, HashSet};

use crate::connector::{HashAlgorithm, Likeness, VersionRef};
use crate::error::Result;

use super::desk::Desk;
use super::options::Relation;
use super::replicas::{ReplicaIndex, ReplicaSet};
use super::states::States;
use super::walk::{Row, Walk};

/// Paths that a tracked rename has settled.
#[derive(Debug, Default)]
pub(super) struct Renames {
    settled: HashSet<Box<str>>,
}

impl Renames {
    /// Finds renames and plans them: pairs of a path that one replica lost and one that it got, where
    /// everybody else can follow.
    pub(super) fn plan(desk: &mut Desk<'_, '_, '_>) -> Result<Self> {
        let mut renames = Self::default();
        let movers = match desk.planner.relation() {
            Relation::Peers => desk.scope.sides.len(),
            Relation::Mirror => 1,
            Relation::Backup => 0,
        };
        let mut moves = Moves::collect(desk, movers);
        for moved in &mut moves {
            for (lost, found) in moved.pairs() {
                let (Some(old), Some(new)) = (moved.lost.get(lost), moved.found.get(found)) else {
                    continue;
                };
                if renames.settled(&old.path) || renames.settled(&new.path) {
                    continue;
                }
                if follow(desk, moved.replica, &old.path, &new.path)? {
                    renames.settled.insert(old.path.clone());
                    renames.settled.insert(new.path.clone());
                }
            }
        }
        Ok(renames)
    }

    /// Tells whether nothing more is to be done for a path.
    pub(super) fn settled(&self, path: &str) -> bool {
        !self.settled.is_empty() && self.settled.contains(path)
    }
}

/// Plans what the others do after `mover` has renamed `old` to `new`. Returns false, with nothing planned,
/// if one of them cannot follow or none has to rename.
fn follow(desk: &mut Desk<'_, '_, '_>, mover: ReplicaIndex, old: &str, new: &str) -> Result<bool> {
    let (old_cells, new_cells) = (desk.scope.cells(old), desk.scope.cells(new));
    let (old_row, new_row) = (Row::new(old, &old_cells), Row::new(new, &new_cells));
    let is_peers = desk.planner.relation() == Relation::Peers;
    let states = |row| {
        if is_peers {
            States::of_peers(row)
        } else {
            States::of_pair(row)
        }
    };
    let (was, is) = (states(old_row), states(new_row));
    let (mut renaming, mut copying) = (ReplicaSet::EMPTY, ReplicaSet::EMPTY);
    for other in desk.scope.members().without(mover.into()).iter() {
        let free = is.absent.contains(other);
        if was.unchanged.contains(other) && free && desk.can_take(new, other) {
            renaming.insert(other);
        } else if is_peers && was.absent.contains(other) && free {
            if desk.can_take(new, other) {
                copying.insert(other);
            }
        } else {
            let moved = was.deleted.contains(other) && is.created.contains(other);
            if !(is_peers && moved && new_row.compare(mover, other) == Likeness::Same) {
                return Ok(false);
            }
        }
    }
    if renaming.is_empty() {
        return Ok(false);
    }
    desk.draft.rename(old, new, renaming)?;
    let source = (mover, new_row.size(mover));
    desk.draft.copy(new, source, copying, ReplicaSet::EMPTY)?;
    Ok(true)
}

/// What one replica lost and found.
struct Moves<'w> {
    replica: ReplicaIndex,
    precision: std::time::Duration,
    lost: Vec<Trace<'w>>,
    found: Vec<Trace<'w>>,
}

struct Trace<'w> {
    path: Box<str>,
    version: VersionRef<'w>,
}

impl<'w> Moves<'w> {
    /// Walks through the scope and notes what each of the first `movers` members lost and found.
    fn collect(desk: &Desk<'_, 'w, '_>, movers: usize) -> Vec<Self> {
        let sides = desk.scope.sides.iter().take(movers);
        let mut moves: Vec<Self> = sides
            .map(|side| Self {
                replica: side.index,
                precision: side.replica.precision,
                lost: Vec::new(),
                found: Vec::new(),
            })
            .collect();
        if movers == 0 {
            return moves;
        }
        let is_peers = desk.planner.relation() == Relation::Peers;
        let mut walk = Walk::new(desk.scope);
        while walk.advance() {
            let of_movers = walk.cells().iter().take(movers);
            if of_movers
                .clone()
                .all(|cell| cell.listed.is_some() && cell.base.is_some())
                && !is_peers
            {
                continue;
            }
            let Some(row) = walk.row() else { continue };
            let states = if is_peers {
                States::of_peers(row)
            } else {
                States::of_pair(row)
            };
            for (moved, cell) in moves.iter_mut().zip(of_movers) {
                let trace = |version| Trace {
                    path: row.path.into(),
                    version,
                };
                if states.deleted.contains(cell.index) {
                    moved.lost.extend(cell.base.map(trace));
                } else if states.created.contains(cell.index) {
                    moved.found.extend(cell.listed.map(trace));
                }
            }
        }
        moves
    }

    /// Returns places in `lost` and `found` that are one file, by rising old path, then new path.
    fn pairs(&self) -> Vec<(usize, usize)> {
        let mut pairs = self.pairs_by_id();
        let (lost, found): (HashSet<_>, HashSet<_>) = pairs.iter().copied().unzip();
        let by_content = self.pairs_by_content(|at| !lost.contains(&at), |at| !found.contains(&at));
        pairs.extend(by_content);
        pairs.sort_unstable();
        pairs
    }

    fn pairs_by_id(&self) -> Vec<(usize, usize)> {
        let lost = unique_ids(&self.lost);
        let found = unique_ids(&self.found);
        let both = lost
            .iter()
            .filter_map(|(id, &old)| Some((old?, (*found.get(id)?)?)));
        let unchanged = |&(old, new): &(usize, usize)| {
            let pair = self.lost.get(old).zip(self.found.get(new));
            pair.is_some_and(|(old, new)| !old.version.changed(new.version, self.precision))
        };
        both.filter(unchanged).collect()
    }

    fn pairs_by_content(
        &self,
        lost_counts: impl Fn(usize) -> bool,
        found_counts: impl Fn(usize) -> bool,
    ) -> Vec<(usize, usize)> {
        let lost = contents(&self.lost, lost_counts);
        let found = contents(&self.found, found_counts);
        let mut by_digest: HashMap<(u64, HashAlgorithm, &[u8]), Vec<usize>> = HashMap::new();
        for (at, content) in lost.iter().enumerate() {
            for (algorithm, digest) in content.strong() {
                let key = (content.version.size, algorithm, digest);
                by_digest.entry(key).or_default().push(at);
            }
        }
        // How many found files each lost content could be.
        let mut suitors = vec![0; lost.len()];
        let mut matches = Vec::new();
        for content in &found {
            let mut mine = Vec::new();
            for (algorithm, digest) in content.strong() {
                let key = (content.version.size, algorithm, digest);
                for &at in by_digest.get(&key).into_iter().flatten() {
                    let shared = lost.get(at).and_then(|lost| {
                        lost.version.hashes.strongest_shared(content.version.hashes)
                    });
                    if shared == Some((algorithm, true)) {
                        mine.push(at);
                        if let Some(suitors) = suitors.get_mut(at) {
                            *suitors += content.places.len();
                        }
                    }
                }
            }
            matches.push((content, mine));
        }
        let unique = |(content, mine): &(&Content<'_>, Vec<usize>)| {
            let (&[new], &[at]) = (&*content.places, &**mine) else {
                return None;
            };
            let &[old] = &*lost.get(at)?.places else {
                return None;
            };
            (suitors.get(at) == Some(&1)).then_some((old, new))
        };
        matches.iter().filter_map(unique).collect()
    }
}

/// Returns, for each platform id, the one place that has it, or `None` if several have.
fn unique_ids<'w>(traces: &[Trace<'w>]) -> HashMap<&'w str, Option<usize>> {
    let mut ids = HashMap::new();
    for (at, trace) in traces.iter().enumerate() {
        if let Some(id) = trace.version.id {
            ids.entry(id)
                .and_modify(|place| *place = None)
                .or_insert(Some(at));
        }
    }
    ids
}

/// Files that look alike: equal size and the very same hashes.
struct Content<'w> {
    version: VersionRef<'w>,
    places: Vec<usize>,
}

impl<'w> Content<'w> {
    fn strong(&self) -> impl Iterator<Item = (HashAlgorithm, &'w [u8])> + use<'w> {
        self.version
            .hashes
            .iter()
            .filter(|(algorithm, _)| algorithm.is_strong())
    }
}

/// Sorts files that are not empty by content, in order of first appearance.
fn contents<'w>(traces: &[Trace<'w>], counts: impl Fn(usize) -> bool) -> Vec<Content<'w>> {
    let mut places = HashMap::new();
    let mut contents: Vec<Content<'w>> = Vec::new();
    for (at, trace) in traces.iter().enumerate() {
        let version = trace.version;
        if version.size == 0 || !counts(at) {
            continue;
        }
        let key = (version.size, version.hashes.as_bytes());
        let place = *places.entry(key).or_insert(contents.len());
        match contents.get_mut(place) {
            Some(content) => content.places.push(at),
            None => contents.push(Content {
                version,
                places: vec![at],
            }),
        }
    }
    contents
}
