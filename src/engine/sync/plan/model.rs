//! The plan as a value.

use serde::{Deserialize, Serialize};

use crate::connector::FilePath;

use super::options::{ConflictStrategy, PlanOptions, Relation};
use super::replicas::{ReplicaIndex, ReplicaSet};
use super::world::WorldDigest;

/// Everything that has to happen for the replicas to agree, and everything that was left alone and why.
///
/// A plan is plain data: it can be printed (a summary; [`Plan::listing`] has every line), stored as JSON
/// with the names of the replicas, and carried out later. It belongs to the [`World`](super::World) it was
/// made from, whose digest it keeps; versions are looked up there and not repeated here.
///
/// The order of [`actions`](Plan::actions) is a safe order to carry them out.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Plan {
    /// How the replicas stand to each other.
    pub relation: Relation,
    /// What settled conflicts where no override did.
    pub strategy: ConflictStrategy,
    /// The options it was made with.
    pub options: PlanOptions,
    /// The digest of the world it was made from.
    pub world: WorldDigest,
    /// The names of the replicas, in order.
    pub replicas: Vec<Box<str>>,
    /// What is to be done, by kind, then path bytes.
    pub actions: Vec<Action>,
    /// Where versions or names stood against each other, by path bytes.
    pub conflicts: Vec<Conflict>,
    /// What was left alone although the other side no longer has it or has another version, by path bytes.
    pub kept: Vec<Kept>,
    /// Names of which a replica has another spelling than [`actions`](Plan::actions) and
    /// [`conflicts`](Plan::conflicts) use, by path bytes.
    pub spellings: Vec<Spelling>,
    /// How much it is.
    pub counts: Counts,
    /// The guards that refused. Not empty: the plan is for reading only and is never carried out.
    pub refused: Vec<Refusal>,
}

impl Plan {
    /// Tells whether there is nothing to do and nothing to tell.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.actions.is_empty()
            && self.conflicts.is_empty()
            && self.kept.is_empty()
            && self.refused.is_empty()
    }

    /// Returns how `replica` spells a path of this plan in its listing.
    #[must_use]
    pub fn listed_path<'p>(&'p self, path: &'p FilePath, replica: ReplicaIndex) -> &'p FilePath {
        let key = |spelling: &Spelling| (&spelling.path, spelling.replica).cmp(&(path, replica));
        let at = self.spellings.binary_search_by(key).ok();
        at.and_then(|at| self.spellings.get(at))
            .map_or(path, |spelling| &spelling.listed)
    }

    /// Returns the name of a replica, or an empty text for one that is not in this plan.
    #[must_use]
    pub fn name(&self, replica: ReplicaIndex) -> &str {
        self.replicas.get(replica.get()).map_or("", |name| name)
    }
}

/// One step, on one path, on one or more replicas. Its precondition is that every entry it touches is still
/// as listed.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Action {
    /// Read and hash the file on each replica, because what is known cannot tell whether they are equal.
    Verify {
        /// The file.
        path: FilePath,
        /// Where.
        replicas: ReplicaSet,
    },
    /// Move the file into the replica's recovery folder.
    Recover {
        /// The file.
        path: FilePath,
        /// Where.
        replicas: ReplicaSet,
        /// What takes its place.
        why: RecoverReason,
    },
    /// Give the file another name.
    Rename {
        /// The file.
        path: FilePath,
        /// Its new name.
        new_path: FilePath,
        /// Where.
        replicas: ReplicaSet,
    },
    /// Copy the file, creating or replacing it.
    Copy {
        /// The file.
        path: FilePath,
        /// The replica it is read from.
        from: ReplicaIndex,
        /// The replicas it is written to.
        to: ReplicaSet,
    },
    /// Merge the versions and write the result; the inputs go to the recovery folder.
    Merge {
        /// The file.
        path: FilePath,
        /// One holder of each version.
        from: ReplicaSet,
        /// The replicas the result is written to.
        to: ReplicaSet,
    },
    /// Delete the file.
    Delete {
        /// The file.
        path: FilePath,
        /// Where.
        replicas: ReplicaSet,
    },
    /// Record what is there as agreed; no file is touched.
    Agree {
        /// The file.
        path: FilePath,
        /// Where.
        replicas: ReplicaSet,
    },
}

impl Action {
    /// Returns the path.
    #[must_use]
    pub fn path(&self) -> &FilePath {
        match self {
            Self::Verify { path, .. }
            | Self::Recover { path, .. }
            | Self::Rename { path, .. }
            | Self::Copy { path, .. }
            | Self::Merge { path, .. }
            | Self::Delete { path, .. }
            | Self::Agree { path, .. } => path,
        }
    }

    /// Returns the replicas it changes or, for `verify` and `agree`, concerns.
    #[must_use]
    pub fn replicas(&self) -> ReplicaSet {
        match self {
            Self::Verify { replicas, .. }
            | Self::Recover { replicas, .. }
            | Self::Rename { replicas, .. }
            | Self::Delete { replicas, .. }
            | Self::Agree { replicas, .. } => *replicas,
            Self::Copy { to, .. } | Self::Merge { to, .. } => *to,
        }
    }
}

/// What takes the place of a file that is moved to the recovery folder.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum RecoverReason {
    /// Another version.
    Overwrite,
    /// Nothing: it is deleted, but nobody had agreed on it.
    Delete,
}

/// Versions, or names, that stand against each other on one path.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Conflict {
    /// The path.
    pub path: FilePath,
    /// What stands against what.
    pub kind: ConflictKind,
    /// What the plan makes of it.
    pub resolution: Resolution,
    /// The holders of each version, by first holder. Empty for a name.
    pub versions: Vec<ReplicaSet>,
    /// Who has deleted the file; one-way: the source, where it does not have it.
    pub deleted: ReplicaSet,
    /// The first holder of the version that keeps the path, if one does.
    pub winner: Option<ReplicaIndex>,
    /// Who cannot take the name. Empty for versions.
    pub replicas: ReplicaSet,
}

/// What stands against what. Ordered as the codes are.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ConflictKind {
    /// Made in two places.
    CreateCreate,
    /// Made in one place, there before in another.
    CreateModify,
    /// Deleted in one place, changed in another.
    DeleteModify,
    /// On a mirror, not in its source, and never was.
    Extraneous,
    /// A file here, a folder there.
    FileDirectory,
    /// Changed in two places.
    ModifyModify,
    /// The replica has the name in another spelling, which it cannot tell apart.
    NameCollision,
    /// The replica does not take such a name.
    NameInvalid,
    /// Changed on the target, though not in its source.
    TargetModify,
}

/// What a plan makes of a conflict.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Resolution {
    /// Left to a person.
    Manual,
    /// One version wins, the others go to the recovery folder.
    Overwrite,
    /// All but one version get a new name.
    Duplicate,
    /// The versions are merged.
    Merge,
    /// Nothing for now: the listing is incomplete, or there is no possible new name.
    Deferred,
    /// The target keeps its version.
    Kept,
    /// The path is not written to the replicas that cannot take its name.
    Skipped,
}

/// A file that was left alone on one replica.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Kept {
    /// The file.
    pub path: FilePath,
    /// Where.
    pub replica: ReplicaIndex,
    /// Why.
    pub why: KeptReason,
}

/// Why a file was left alone.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum KeptReason {
    /// A listing broke off, so that what is missing from it may be there.
    Incomplete,
    /// The source's version is not known to be newer.
    NotNewer,
}

/// A name that a replica lists in another spelling of the same text.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Spelling {
    /// The spelling in the plan.
    pub path: FilePath,
    /// The replica that lists another.
    pub replica: ReplicaIndex,
    /// What it lists.
    pub listed: FilePath,
}

/// How much there is to do: for each kind the pairs of action and replica it changes.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Counts {
    /// Paths to verify.
    pub verify: u64,
    /// Files to move to a recovery folder.
    pub recover: u64,
    /// Files to rename.
    pub rename: u64,
    /// Files to write by copying.
    pub copy: u64,
    /// Files to write by merging.
    pub merge: u64,
    /// Files to delete, those that go to a recovery folder instead included.
    pub delete: u64,
    /// Paths to record as agreed.
    pub agree: u64,
    /// Bytes to write by copying.
    pub bytes: u64,
}

/// A guard that refused, and the replica it protects.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Refusal {
    /// The replica lists nothing though it held files before.
    EmptyReplica {
        /// Which.
        replica: ReplicaIndex,
    },
    /// More would be deleted than [`PlanOptions::delete_limit`] allows.
    DeleteLimit {
        /// On which replica.
        replica: ReplicaIndex,
        /// How many.
        files: u64,
    },
    /// More would be overwritten or merged than [`PlanOptions::change_limit`] allows.
    ChangeLimit {
        /// On which replica.
        replica: ReplicaIndex,
        /// How many.
        files: u64,
    },
}
