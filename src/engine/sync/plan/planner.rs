//! The planner: from a world to a plan.

use std::fmt;

use crate::connector::FilePath;
use crate::error::Result;

use super::desk::Desk;
use super::draft::Draft;
use super::guards;
use super::model::{Action, Conflict, Plan, Spelling};
use super::options::{ConflictStrategy, PlanOptions, Relation};
use super::renames::Renames;
use super::scope::Scope;
use super::states::is_quiet;
use super::walk::Walk;
use super::world::World;
use super::{one_way, peers};

/// Makes plans: a pure function of the world and the wishes kept here, without clock, I/O or chance.
///
/// # Example
///
/// ```
/// use garland::connector::{FilePath, FileVersion};
/// use garland::sync::{ConflictStrategy, Inventory, Planner, Relation, Replica, World};
///
/// let mut listing = Inventory::builder();
/// listing.push(&FilePath::parse("ceremony/IMG_0001.jpg")?, FileVersion::new(9).as_ref());
/// let world = World::new(vec![
///     Replica::new("card").with_listing(listing.finish()?),
///     Replica::new("archive"),
/// ])?;
/// let plan = Planner::new(Relation::Backup, ConflictStrategy::NewerWins).plan(&world)?;
/// assert_eq!((plan.counts.copy, plan.counts.bytes), (1, 9));
/// # Ok::<(), garland::Error>(())
/// ```
#[derive(Clone)]
pub struct Planner<'o> {
    relation: Relation,
    strategy: ConflictStrategy,
    options: PlanOptions,
    overrides: Option<&'o Overrides<'o>>,
}

type Overrides<'o> = dyn Fn(&str) -> Option<ConflictStrategy> + 'o;

impl<'o> Planner<'o> {
    /// Makes a planner with the default options.
    #[must_use]
    pub fn new(relation: Relation, strategy: ConflictStrategy) -> Self {
        Self {
            relation,
            strategy,
            options: PlanOptions::default(),
            overrides: None,
        }
    }

    /// Sets the options.
    #[must_use]
    pub fn with_options(mut self, options: PlanOptions) -> Self {
        self.options = options;
        self
    }

    /// Sets what is asked about each path in conflict; where it answers `None`, the strategy of the run holds.
    #[must_use]
    pub fn with_overrides(
        mut self,
        overrides: &'o (dyn Fn(&str) -> Option<ConflictStrategy> + 'o),
    ) -> Self {
        self.overrides = Some(overrides);
        self
    }

    /// Plans how the replicas of `world` come to agree.
    ///
    /// Takes time in proportion to the entries, O(n log n) where much is new, and memory in proportion to
    /// what is to be done.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput): a new name is not a path. A guard that
    /// refuses is no error: see [`Plan::refused`].
    pub fn plan(&self, world: &World) -> Result<Plan> {
        let mut draft = Draft::default();
        let scopes = self.scopes(world);
        for scope in &scopes {
            self.plan_scope(scope, &mut draft)?;
        }
        let finished = draft.finish();
        let refused = guards::check(world, self.relation, &self.options, &finished);
        Ok(Plan {
            relation: self.relation,
            strategy: self.strategy,
            options: self.options.clone(),
            world: world.digest(),
            replicas: world
                .replicas()
                .iter()
                .map(|replica| replica.name.clone())
                .collect(),
            spellings: spellings(&scopes, &finished.actions, &finished.conflicts)?,
            actions: finished.actions,
            conflicts: finished.conflicts,
            kept: finished.kept,
            counts: finished.counts,
            refused,
        })
    }

    pub(super) fn relation(&self) -> Relation {
        self.relation
    }

    pub(super) fn options(&self) -> &PlanOptions {
        &self.options
    }

    pub(super) fn strategy_for(&self, path: &str) -> ConflictStrategy {
        let wish = self.overrides.and_then(|overrides| overrides(path));
        wish.unwrap_or(self.strategy)
    }

    fn scopes<'w>(&self, world: &'w World) -> Vec<Scope<'w>> {
        if self.relation == Relation::Peers {
            return vec![Scope::peers(world)];
        }
        let mut replicas = world.indexed();
        let Some(source) = replicas.next() else {
            return Vec::new();
        };
        replicas
            .map(|target| Scope::one_way(source, target))
            .collect()
    }

    fn plan_scope(&self, scope: &Scope<'_>, draft: &mut Draft) -> Result<()> {
        let mut desk = Desk::new(scope, self, draft);
        let is_peers = self.relation == Relation::Peers;
        let renames = if self.options.track_renames && !scope.partial {
            Renames::plan(&mut desk)?
        } else {
            Renames::default()
        };
        let mut walk = Walk::new(scope);
        while walk.advance() {
            if is_quiet(walk.cells(), !is_peers) {
                continue;
            }
            let Some(row) = walk.row() else { continue };
            match (renames.settled(row.path), is_peers) {
                (false, true) => peers::settle(&mut desk, row)?,
                (false, false) => one_way::settle(&mut desk, row)?,
                // Who cannot take a name is told all the same.
                (true, true) => drop(peers::takers(&mut desk, row)?),
                (true, false) => drop(one_way::takers(&mut desk, row)?),
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Planner<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Planner")
            .field("relation", &self.relation)
            .field("strategy", &self.strategy)
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}

/// Notes the spellings behind the paths of actions and conflicts.
fn spellings(
    scopes: &[Scope<'_>],
    actions: &[Action],
    conflicts: &[Conflict],
) -> Result<Vec<Spelling>> {
    let sides = || scopes.iter().flat_map(|scope| &scope.sides);
    if sides().all(|side| side.view.moved().is_empty()) {
        return Ok(Vec::new());
    }
    let acted = actions.iter().map(Action::path);
    let told = conflicts.iter().map(|conflict| &conflict.path);
    let mut touched: Vec<&str> = acted.chain(told).map(FilePath::as_str).collect();
    touched.sort_unstable();
    let mut spellings = Vec::new();
    for side in sides() {
        for moved in side.view.moved() {
            if touched.binary_search(&&*moved.shown).is_ok() {
                spellings.push(Spelling {
                    path: FilePath::parse(&*moved.shown)?,
                    replica: side.index,
                    listed: FilePath::parse(&*moved.listed)?,
                });
            }
        }
    }
    spellings.sort_by(|a, b| (&a.path, a.replica, &a.listed).cmp(&(&b.path, b.replica, &b.listed)));
    spellings.dedup();
    Ok(spellings)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connector::{FileVersion, NameRules, UnicodeForm};
    use crate::engine::sync::{Inventory, Replica, ReplicaIndex, Resolution};

    fn replica(name: &str, files: &[(&str, u64)]) -> Replica {
        let mut builder = Inventory::builder();
        for (path, size) in files {
            let path = FilePath::parse(*path).unwrap();
            builder.push(&path, FileVersion::new(*size).as_ref());
        }
        Replica::new(name).with_listing(builder.finish().unwrap())
    }

    #[test]
    fn an_override_holds_for_its_path_only() {
        let files = |size| [("mine.jpg", size), ("raw.jpg", size)];
        let replicas = vec![replica("a", &files(1)), replica("b", &files(2))];
        let world = World::new(replicas).unwrap();
        let wish = |path: &str| (path == "mine.jpg").then_some(ConflictStrategy::ManualReview);
        let planner = Planner::new(Relation::Peers, ConflictStrategy::SourceWins);
        let plan = planner.with_overrides(&wish).plan(&world).unwrap();
        let resolutions: Vec<_> = plan.conflicts.iter().map(|it| it.resolution).collect();
        assert_eq!(resolutions, [Resolution::Manual, Resolution::Overwrite]);
    }

    #[test]
    fn replicas_called_alike_get_different_conflict_names() {
        let replicas = ["a", "b", "B"].into_iter().zip(1..);
        let replicas = replicas.map(|(name, size)| replica(name, &[("p.jpg", size)]));
        let world = World::new(replicas.collect()).unwrap();
        let planner = Planner::new(Relation::Peers, ConflictStrategy::Duplicate);
        let plan = planner.plan(&world).unwrap();
        let new_names = plan.actions.iter().filter_map(|action| match action {
            Action::Rename { new_path, .. } => Some(new_path.as_str()),
            _ => None,
        });
        let expected = ["p (conflict B undated) 2.jpg", "p (conflict b undated).jpg"];
        assert_eq!(new_names.collect::<Vec<_>>(), expected);
    }

    #[test]
    fn a_plan_tells_how_a_replica_spells_its_paths() {
        let (composed, decomposed) = ("caf\u{e9}.jpg", "cafe\u{301}.jpg");
        let mac = NameRules::default().with_unicode(UnicodeForm::Nfc);
        let world = World::new(vec![
            replica("mac", &[(composed, 0)]).with_names(mac),
            replica("nas", &[(decomposed, 0)]),
        ]);
        let planner = Planner::new(Relation::Peers, ConflictStrategy::NewerWins);
        let plan = planner.plan(&world.unwrap()).unwrap();
        let path = plan.actions.first().unwrap().path();
        let index = |at| ReplicaIndex::new(at).unwrap();
        assert_eq!(path.as_str(), decomposed);
        assert_eq!(plan.listed_path(path, index(0)).as_str(), composed);
        assert_eq!(plan.listed_path(path, index(1)).as_str(), decomposed);
    }
}
