//! A world in memory that carries plans out, and knows what every file really holds.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use garland::Timestamp;
use garland::connector::{FilePath, FileVersion, HashAlgorithm, Hashes};
use garland::sync::{
    Action, Inventory, Plan, Planner, RecoverReason, Relation, Replica, ReplicaIndex, ReplicaSet,
    World,
};

/// What a file really holds. Merging makes a new one out of others.
pub(crate) type Content = u64;

/// What a replica tells about its files.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Manners {
    pub(crate) hash: Option<HashAlgorithm>,
    pub(crate) ignores_case: bool,
    pub(crate) no_colons: bool,
    pub(crate) precise: bool,
    pub(crate) incomplete: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct Stored {
    pub(crate) content: Content,
    pub(crate) version: FileVersion,
}

pub(crate) type Files = BTreeMap<FilePath, Stored>;
type Base = BTreeMap<FilePath, FileVersion>;

#[derive(Clone, Debug, Default)]
pub(crate) struct Place {
    pub(crate) name: String,
    pub(crate) manners: Manners,
    pub(crate) files: Files,
    /// There, but not in the listing, which broke off.
    pub(crate) unlisted: Files,
    pub(crate) base: Base,
    pub(crate) source_base: Base,
    pub(crate) recovered: BTreeSet<Content>,
}

#[derive(Clone, Debug)]
pub(crate) struct Model {
    pub(crate) relation: Relation,
    pub(crate) places: Vec<Place>,
    /// What went into merges.
    pub(crate) merged: BTreeSet<Content>,
}

/// What a replica with these manners tells about a content.
pub(crate) fn version(manners: Manners, content: Content, touched: i64) -> FileVersion {
    // Contents of equal size are far apart in time, so that times never lie.
    let size = if content == 0 { 0 } else { 100 + content % 3 };
    let mut millis = 1_750_000_000_000 + i64::try_from(content).unwrap() * 100_000 + touched * 900;
    if !manners.precise {
        millis -= millis % 2_000;
    }
    let hashes = manners.hash.map_or_else(Hashes::new, |algorithm| {
        Hashes::new().with(algorithm, &content.to_le_bytes())
    });
    FileVersion::new(size)
        .with_modified(Timestamp::from_millis(millis))
        .with_hashes(hashes)
}

impl Model {
    pub(crate) fn world(&self) -> World {
        let replicas = self.places.iter().map(|place| {
            let versions = |files: &Files| {
                let files = files.iter();
                inventory(files.map(|(path, stored)| (path, &stored.version)))
            };
            let mut replica = Replica::new(place.name.as_str())
                .with_listing(versions(&place.files))
                .with_base(inventory(&place.base))
                .with_source_base(inventory(&place.source_base))
                .with_incomplete(place.manners.incomplete);
            replica.names.case_sensitive = !place.manners.ignores_case;
            if place.manners.no_colons {
                replica.names.forbidden = ":".into();
            }
            if !place.manners.precise {
                replica.precision = Duration::from_secs(2);
            }
            replica
        });
        World::new(replicas.collect()).unwrap()
    }

    pub(crate) fn plan(&self, planner: &Planner<'_>) -> Plan {
        planner.plan(&self.world()).unwrap()
    }

    /// Carries out the first `steps` actions, and records the bases of paths that are done with.
    pub(crate) fn carry_out(&mut self, plan: &Plan, steps: usize) {
        let before = self.clone();
        for action in plan.actions.iter().take(steps) {
            self.step(action);
        }
        let open: BTreeSet<&FilePath> = plan.actions.iter().skip(steps).flat_map(touched).collect();
        for action in plan.actions.iter().take(steps) {
            if matches!(action, Action::Verify { .. }) {
                continue;
            }
            for path in touched(action) {
                if !open.contains(path) {
                    self.record(&before, path, involved(action));
                }
            }
        }
    }

    fn step(&mut self, action: &Action) {
        match action {
            Action::Verify { path, replicas } => {
                for replica in replicas.iter() {
                    let stored = self.place(replica).files.get_mut(path).unwrap();
                    let digest = stored.content.to_le_bytes();
                    let hashes = std::mem::take(&mut stored.version.hashes);
                    stored.version.hashes = hashes.with(HashAlgorithm::Blake3, &digest);
                }
            }
            Action::Recover {
                path,
                replicas,
                why,
            } => {
                assert!(*why == RecoverReason::Overwrite || self.relation == Relation::Mirror);
                for replica in replicas.iter() {
                    let place = self.place(replica);
                    let stored = place.files.remove(path).unwrap();
                    place.recovered.insert(stored.content);
                }
            }
            Action::Rename {
                path,
                new_path,
                replicas,
            } => {
                for replica in replicas.iter() {
                    let stored = self.place(replica).files.remove(path).unwrap();
                    self.write(replica, new_path, stored);
                }
            }
            Action::Copy { path, from, to } => {
                let content = self.place(*from).files.get(path).unwrap().content;
                self.write_all(path, *to, content);
            }
            Action::Merge { path, from, to } => {
                let mut content = 3_000;
                for replica in from.iter() {
                    let input = self.place(replica).files.get(path).unwrap().content;
                    self.merged.insert(input);
                    content += input;
                }
                self.write_all(path, *to, content);
            }
            Action::Delete { path, replicas } => {
                for replica in replicas.iter() {
                    self.place(replica).files.remove(path).unwrap();
                }
            }
            Action::Agree { .. } => {}
            other => panic!("the model knows no {other:?}"),
        }
    }

    fn write_all(&mut self, path: &FilePath, to: ReplicaSet, content: Content) {
        for replica in to.iter() {
            let version = version(self.place(replica).manners, content, 0);
            self.write(replica, path, Stored { content, version });
        }
    }

    fn write(&mut self, replica: ReplicaIndex, path: &FilePath, stored: Stored) {
        assert!(
            self.relation == Relation::Peers || replica.get() > 0,
            "the source is never written"
        );
        let place = self.place(replica);
        assert!(
            !place.unlisted.contains_key(path),
            "`{path}` may be there unseen"
        );
        assert!(place.fits(path), "{} cannot hold `{path}`", place.name);
        place.files.insert(path.clone(), stored);
    }

    /// Records what is there now as agreed, unless it is unknown who holds the path.
    fn record(&mut self, before: &Self, path: &FilePath, involved: ReplicaSet) {
        let unknown = |place: &Place| place.manners.incomplete && !place.files.contains_key(path);
        if self.relation == Relation::Peers {
            if !before.places.iter().any(unknown) {
                for place in &mut self.places {
                    set(&mut place.base, path, place.files.get(path));
                }
            }
            return;
        }
        let (source, targets) = self.places.split_first_mut().unwrap();
        for (at, target) in (1..).zip(targets) {
            let concerned = ReplicaIndex::new(at).is_some_and(|target| involved.contains(target));
            let lost = before.places.get(at).is_some_and(unknown)
                || before.places.first().is_some_and(unknown);
            if concerned && !lost {
                set(&mut target.base, path, target.files.get(path));
                set(&mut target.source_base, path, source.files.get(path));
            }
        }
    }

    /// Returns every content that can still be had.
    pub(crate) fn kept(&self) -> BTreeSet<Content> {
        let mut kept = self.merged.clone();
        for place in &self.places {
            kept.extend(place.files.values().map(|stored| stored.content));
            kept.extend(place.unlisted.values().map(|stored| stored.content));
            kept.extend(&place.recovered);
        }
        kept
    }

    /// Returns the contents that somebody holds as agreed, which a change or a delete elsewhere may replace.
    pub(crate) fn agreed(&self) -> BTreeSet<Content> {
        let mut agreed = BTreeSet::new();
        for place in &self.places {
            let precision = Duration::from_millis(if place.manners.precise { 1 } else { 2_000 });
            for (path, stored) in &place.files {
                let base = place.base.get(path);
                let changed =
                    |base: &FileVersion| base.as_ref().changed(stored.version.as_ref(), precision);
                if base.is_some_and(|base| !changed(base)) {
                    agreed.insert(stored.content);
                }
            }
        }
        agreed
    }

    fn place(&mut self, replica: ReplicaIndex) -> &mut Place {
        self.places.get_mut(replica.get()).unwrap()
    }
}

impl Place {
    /// Tells whether the file system would take the name as a new or replaced file.
    pub(crate) fn fits(&self, path: &FilePath) -> bool {
        let key = |path: &str| {
            if self.manners.ignores_case {
                path.to_lowercase()
            } else {
                path.to_owned()
            }
        };
        let path = path.as_str();
        let folder = |path: &str| format!("{}/", key(path));
        let clash = |other: &str| {
            let same = key(other) == key(path) && other != path;
            let above = folder(path).starts_with(&folder(other)) && key(other) != key(path);
            let below = folder(other).starts_with(&folder(path)) && key(other) != key(path);
            same || above || below
        };
        let mut others = self.files.keys().chain(self.unlisted.keys());
        let forbidden = self.manners.no_colons && path.contains(':');
        !forbidden && !others.any(|other| clash(other.as_str()))
    }
}

fn set(base: &mut Base, path: &FilePath, stored: Option<&Stored>) {
    match stored {
        Some(stored) => base.insert(path.clone(), stored.version.clone()),
        None => base.remove(path),
    };
}

fn touched(action: &Action) -> Vec<&FilePath> {
    match action {
        Action::Rename { path, new_path, .. } => vec![path, new_path],
        other => vec![other.path()],
    }
}

fn involved(action: &Action) -> ReplicaSet {
    action.replicas()
}

fn inventory<'a>(files: impl IntoIterator<Item = (&'a FilePath, &'a FileVersion)>) -> Inventory {
    let mut builder = Inventory::builder();
    for (path, version) in files {
        builder.push(path, version.as_ref());
    }
    builder.finish().unwrap()
}
