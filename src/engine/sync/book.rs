//! What is known of each path while a plan is carried out, and what may be recorded of it. Pure.

use std::collections::{BTreeMap, HashMap, HashSet};

use crate::connector::{ConnectorName, FileEntry, FilePath};

use super::plan::{Action, Plan, Relation, ReplicaIndex, ReplicaSet, Resolution, World};
use super::state::BaseRecord;

/// What one action did, as the book takes it in.
#[derive(Debug, Default)]
pub(super) struct Effects {
    /// What is now at a path on a replica; `None` if nothing.
    pub(super) now: Vec<(FilePath, ReplicaIndex, Option<FileEntry>)>,
}

/// The book of one plan.
#[derive(Debug)]
pub(super) struct Book {
    relation: Relation,
    names: Vec<ConnectorName>,
    world: World,
    /// Other spellings: where a replica lists the path of the plan.
    listed: HashMap<(FilePath, ReplicaIndex), FilePath>,
    /// How many actions are still to come, for paths that have more than one.
    waiting: HashMap<FilePath, u32>,
    /// Who cannot take a path's name.
    barred: HashMap<FilePath, ReplicaSet>,
    now: HashMap<FilePath, BTreeMap<ReplicaIndex, Option<FileEntry>>>,
    touched: HashMap<FilePath, ReplicaSet>,
    spoiled: HashSet<FilePath>,
}

/// What is to be recorded of a path: for which target (one-way), and what is held.
#[derive(Debug)]
pub(super) struct Agreed {
    pub(super) target: Option<ReplicaIndex>,
    pub(super) path: FilePath,
    pub(super) record: BaseRecord,
}

impl Book {
    pub(super) fn new(world: World, plan: &Plan, names: Vec<ConnectorName>) -> Self {
        let mut waiting: HashMap<FilePath, u32> = HashMap::new();
        let mut seen: HashSet<&FilePath> = HashSet::new();
        let paths = || plan.actions.iter().flat_map(paths);
        let several: HashSet<&FilePath> = paths().filter(|path| !seen.insert(path)).collect();
        for path in paths().filter(|path| several.contains(path)) {
            *waiting.entry(path.clone()).or_default() += 1;
        }
        let mut barred: HashMap<FilePath, ReplicaSet> = HashMap::new();
        for conflict in plan
            .conflicts
            .iter()
            .filter(|c| c.resolution == Resolution::Skipped)
        {
            let set = barred.entry(conflict.path.clone()).or_default();
            *set = set.or(conflict.replicas);
        }
        let listed = plan
            .spellings
            .iter()
            .map(|spelling| {
                (
                    (spelling.path.clone(), spelling.replica),
                    spelling.listed.clone(),
                )
            })
            .collect();
        Self {
            relation: plan.relation,
            names,
            world,
            listed,
            waiting,
            barred,
            now: HashMap::new(),
            touched: HashMap::new(),
            spoiled: HashSet::new(),
        }
    }

    /// Returns what is at `path` on `replica`, as listed or as left by an action: in its own spelling.
    pub(super) fn current(&self, path: &FilePath, replica: ReplicaIndex) -> Option<FileEntry> {
        if let Some(now) = self.now.get(path).and_then(|now| now.get(&replica)) {
            return now.clone();
        }
        let listed = self.spelled(path, replica);
        let version = self.world.replica(replica)?.listing.get(listed.as_str())?;
        Some(FileEntry::new(listed, version.to_version()))
    }

    /// Returns where `path` is, or would be, on `replica`.
    pub(super) fn spelled(&self, path: &FilePath, replica: ReplicaIndex) -> FilePath {
        self.listed
            .get(&(path.clone(), replica))
            .unwrap_or(path)
            .clone()
    }

    /// Tells whether an earlier action on one of the action's paths failed.
    pub(super) fn is_spoiled(&self, action: &Action) -> bool {
        paths(action).any(|path| self.spoiled.contains(path))
    }

    /// Takes in an action that was carried out, or was not; gives what may be recorded now.
    pub(super) fn close(&mut self, action: &Action, effects: Effects, done: bool) -> Vec<Agreed> {
        for (path, replica, entry) in effects.now {
            self.now.entry(path).or_default().insert(replica, entry);
        }
        let mut agreed = Vec::new();
        for path in paths(action) {
            let touched = self.touched.entry(path.clone()).or_default();
            *touched = touched.or(action.replicas());
            if !done || matches!(action, Action::Verify { .. }) {
                self.spoiled.insert(path.clone());
            }
            let last = match self.waiting.get_mut(path) {
                Some(waiting) => {
                    *waiting = waiting.saturating_sub(1);
                    *waiting == 0
                }
                None => true,
            };
            if last {
                if !self.spoiled.contains(path) {
                    self.settle(path, &mut agreed);
                }
                self.waiting.remove(path);
                self.touched.remove(path);
                self.now.remove(path);
            }
        }
        agreed
    }

    fn settle(&self, path: &FilePath, agreed: &mut Vec<Agreed>) {
        let all = (0..self.names.len()).map_while(ReplicaIndex::new);
        if self.relation == Relation::Peers {
            let barred = self.barred.get(path).copied().unwrap_or_default();
            let record = self.common(path, all.collect(), barred);
            agreed.extend(record.map(|record| Agreed {
                target: None,
                path: path.clone(),
                record,
            }));
            return;
        }
        let Some(source) = ReplicaIndex::new(0) else {
            return;
        };
        let touched = self.touched.get(path).copied().unwrap_or_default();
        for target in touched.iter().filter(|target| *target != source) {
            let pair = ReplicaSet::from(source).or(target.into());
            if let Some(record) = self.common(path, pair, ReplicaSet::EMPTY) {
                agreed.push(Agreed {
                    target: Some(target),
                    path: path.clone(),
                    record,
                });
            }
        }
    }

    /// What `replicas` hold together: all of them, but for those that are barred; or nobody anything.
    /// `None` where that is not so, or not known.
    fn common(
        &self,
        path: &FilePath,
        replicas: ReplicaSet,
        barred: ReplicaSet,
    ) -> Option<BaseRecord> {
        let mut held = Vec::new();
        let mut lacking = false;
        for replica in replicas.iter() {
            match self.current(path, replica) {
                Some(entry) => {
                    let spelling = (entry.path != *path).then_some(entry.path);
                    held.push((
                        self.names.get(replica.get())?.clone(),
                        spelling,
                        entry.version,
                    ));
                }
                None if self.is_unknown(path, replica) => return None,
                None => lacking |= !barred.contains(replica),
            }
        }
        (held.is_empty() || !lacking).then(|| BaseRecord::new(held))
    }

    /// Tells whether nothing is known of `path` on `replica`, because its listing broke off.
    fn is_unknown(&self, path: &FilePath, replica: ReplicaIndex) -> bool {
        let touched = self
            .now
            .get(path)
            .is_some_and(|now| now.contains_key(&replica));
        !touched
            && self
                .world
                .replica(replica)
                .is_some_and(|replica| replica.incomplete)
    }
}

/// The paths an action is about.
pub(super) fn paths(action: &Action) -> impl Iterator<Item = &FilePath> {
    let new_path = match action {
        Action::Rename { new_path, .. } => Some(new_path),
        _ => None,
    };
    std::iter::once(action.path()).chain(new_path)
}
