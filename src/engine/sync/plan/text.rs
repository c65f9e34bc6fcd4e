//! The stored form of a plan: JSON in which replicas are called by their names.

use serde::de::{Deserializer, Error as _};
use serde::ser::{SerializeStruct, Serializer};
use serde::{Deserialize, Serialize};

use crate::connector::FilePath;

use super::model::{
    Action, Conflict, ConflictKind, Counts, Kept, KeptReason, Plan, RecoverReason, Refusal,
    Resolution, Spelling,
};
use super::options::{ConflictStrategy, PlanOptions, Relation};
use super::replicas::{ReplicaIndex, ReplicaSet};
use super::world::WorldDigest;

/// A plan as it is read. It is written field by field, so that a long one is not copied for it.
#[derive(Deserialize)]
struct PlanText {
    relation: Relation,
    strategy: ConflictStrategy,
    options: PlanOptions,
    world: WorldDigest,
    replicas: Vec<Box<str>>,
    actions: Vec<ActionText<Box<str>>>,
    conflicts: Vec<ConflictText<Box<str>>>,
    kept: Vec<KeptText<Box<str>>>,
    spellings: Vec<SpellingText<Box<str>>>,
    counts: Counts,
    refused: Vec<RefusalText<Box<str>>>,
}

#[derive(Deserialize, Serialize)]
#[serde(tag = "do", rename_all = "snake_case")]
enum ActionText<N> {
    Verify {
        path: FilePath,
        replicas: Vec<N>,
    },
    Recover {
        path: FilePath,
        replicas: Vec<N>,
        why: RecoverReason,
    },
    Rename {
        path: FilePath,
        new_path: FilePath,
        replicas: Vec<N>,
    },
    Copy {
        path: FilePath,
        from: N,
        to: Vec<N>,
    },
    Merge {
        path: FilePath,
        from: Vec<N>,
        to: Vec<N>,
    },
    Delete {
        path: FilePath,
        replicas: Vec<N>,
    },
    Agree {
        path: FilePath,
        replicas: Vec<N>,
    },
}

#[derive(Deserialize, Serialize)]
#[serde(bound(deserialize = "N: Deserialize<'de>"))]
struct ConflictText<N> {
    path: FilePath,
    kind: ConflictKind,
    resolution: Resolution,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    versions: Vec<Vec<N>>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    deleted: Vec<N>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    winner: Option<N>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    replicas: Vec<N>,
}

#[derive(Deserialize, Serialize)]
struct KeptText<N> {
    path: FilePath,
    replica: N,
    why: KeptReason,
}

#[derive(Deserialize, Serialize)]
struct SpellingText<N> {
    path: FilePath,
    replica: N,
    listed: FilePath,
}

#[derive(Deserialize, Serialize)]
#[serde(tag = "guard", rename_all = "snake_case")]
enum RefusalText<N> {
    EmptyReplica { replica: N },
    DeleteLimit { replica: N, files: u64 },
    ChangeLimit { replica: N, files: u64 },
}

impl Serialize for Plan {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let names = Names(&self.replicas);
        let mut plan = serializer.serialize_struct("Plan", 11)?;
        plan.serialize_field("relation", &self.relation)?;
        plan.serialize_field("strategy", &self.strategy)?;
        plan.serialize_field("options", &self.options)?;
        plan.serialize_field("world", &self.world)?;
        plan.serialize_field("replicas", &self.replicas)?;
        plan.serialize_field("actions", &Each(&self.actions, |it| names.action(it)))?;
        plan.serialize_field("conflicts", &Each(&self.conflicts, |it| names.conflict(it)))?;
        plan.serialize_field("kept", &Each(&self.kept, |it| names.kept(it)))?;
        plan.serialize_field("spellings", &Each(&self.spellings, |it| names.spelling(it)))?;
        plan.serialize_field("counts", &self.counts)?;
        plan.serialize_field("refused", &Each(&self.refused, |it| names.refusal(it)))?;
        plan.end()
    }
}

impl<'de> Deserialize<'de> for Plan {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = PlanText::deserialize(deserializer)?;
        let names = Names(&text.replicas);
        let unknown = || D::Error::custom("a replica is named that the plan does not list");
        let actions = text.actions.into_iter().map(|it| names.read_action(it));
        let conflicts = text.conflicts.into_iter().map(|it| names.read_conflict(it));
        let kept = text.kept.into_iter().map(|it| names.read_kept(it));
        let spellings = text.spellings.into_iter().map(|it| names.read_spelling(it));
        let refused = text.refused.into_iter().map(|it| names.read_refusal(&it));
        Ok(Self {
            actions: actions.collect::<Option<_>>().ok_or_else(unknown)?,
            conflicts: conflicts.collect::<Option<_>>().ok_or_else(unknown)?,
            kept: kept.collect::<Option<_>>().ok_or_else(unknown)?,
            spellings: spellings.collect::<Option<_>>().ok_or_else(unknown)?,
            refused: refused.collect::<Option<_>>().ok_or_else(unknown)?,
            relation: text.relation,
            strategy: text.strategy,
            options: text.options,
            world: text.world,
            counts: text.counts,
            replicas: text.replicas,
        })
    }
}

/// A list written item by item in its text form.
struct Each<'a, T, F>(&'a [T], F);

impl<'a, T, U: Serialize, F: Fn(&'a T) -> U> Serialize for Each<'a, T, F> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(&self.1))
    }
}

/// Both ways between places and names.
struct Names<'a>(&'a [Box<str>]);

impl<'a> Names<'a> {
    fn one(&self, replica: ReplicaIndex) -> &'a str {
        self.0.get(replica.get()).map_or("", |name| name)
    }

    fn all(&self, replicas: ReplicaSet) -> Vec<&'a str> {
        replicas.iter().map(|replica| self.one(replica)).collect()
    }

    fn action(&self, action: &Action) -> ActionText<&'a str> {
        match action {
            Action::Verify { path, replicas } => ActionText::Verify {
                path: path.clone(),
                replicas: self.all(*replicas),
            },
            Action::Recover {
                path,
                replicas,
                why,
            } => ActionText::Recover {
                path: path.clone(),
                replicas: self.all(*replicas),
                why: *why,
            },
            Action::Rename {
                path,
                new_path,
                replicas,
            } => ActionText::Rename {
                path: path.clone(),
                new_path: new_path.clone(),
                replicas: self.all(*replicas),
            },
            Action::Copy { path, from, to } => ActionText::Copy {
                path: path.clone(),
                from: self.one(*from),
                to: self.all(*to),
            },
            Action::Merge { path, from, to } => ActionText::Merge {
                path: path.clone(),
                from: self.all(*from),
                to: self.all(*to),
            },
            Action::Delete { path, replicas } => ActionText::Delete {
                path: path.clone(),
                replicas: self.all(*replicas),
            },
            Action::Agree { path, replicas } => ActionText::Agree {
                path: path.clone(),
                replicas: self.all(*replicas),
            },
        }
    }

    fn conflict(&self, conflict: &Conflict) -> ConflictText<&'a str> {
        ConflictText {
            path: conflict.path.clone(),
            kind: conflict.kind,
            resolution: conflict.resolution,
            versions: conflict.versions.iter().map(|v| self.all(*v)).collect(),
            deleted: self.all(conflict.deleted),
            winner: conflict.winner.map(|winner| self.one(winner)),
            replicas: self.all(conflict.replicas),
        }
    }

    fn kept(&self, kept: &Kept) -> KeptText<&'a str> {
        KeptText {
            path: kept.path.clone(),
            replica: self.one(kept.replica),
            why: kept.why,
        }
    }

    fn spelling(&self, spelling: &Spelling) -> SpellingText<&'a str> {
        SpellingText {
            path: spelling.path.clone(),
            replica: self.one(spelling.replica),
            listed: spelling.listed.clone(),
        }
    }

    fn refusal(&self, refusal: &Refusal) -> RefusalText<&'a str> {
        match *refusal {
            Refusal::EmptyReplica { replica } => RefusalText::EmptyReplica {
                replica: self.one(replica),
            },
            Refusal::DeleteLimit { replica, files } => RefusalText::DeleteLimit {
                replica: self.one(replica),
                files,
            },
            Refusal::ChangeLimit { replica, files } => RefusalText::ChangeLimit {
                replica: self.one(replica),
                files,
            },
        }
    }

    fn find(&self, name: &str) -> Option<ReplicaIndex> {
        ReplicaIndex::new(self.0.iter().position(|other| **other == *name)?)
    }

    fn find_all(&self, names: &[Box<str>]) -> Option<ReplicaSet> {
        names.iter().map(|name| self.find(name)).collect()
    }

    fn read_action(&self, text: ActionText<Box<str>>) -> Option<Action> {
        Some(match text {
            ActionText::Verify { path, replicas } => Action::Verify {
                path,
                replicas: self.find_all(&replicas)?,
            },
            ActionText::Recover {
                path,
                replicas,
                why,
            } => Action::Recover {
                path,
                replicas: self.find_all(&replicas)?,
                why,
            },
            ActionText::Rename {
                path,
                new_path,
                replicas,
            } => Action::Rename {
                path,
                new_path,
                replicas: self.find_all(&replicas)?,
            },
            ActionText::Copy { path, from, to } => Action::Copy {
                path,
                from: self.find(&from)?,
                to: self.find_all(&to)?,
            },
            ActionText::Merge { path, from, to } => Action::Merge {
                path,
                from: self.find_all(&from)?,
                to: self.find_all(&to)?,
            },
            ActionText::Delete { path, replicas } => Action::Delete {
                path,
                replicas: self.find_all(&replicas)?,
            },
            ActionText::Agree { path, replicas } => Action::Agree {
                path,
                replicas: self.find_all(&replicas)?,
            },
        })
    }

    fn read_conflict(&self, text: ConflictText<Box<str>>) -> Option<Conflict> {
        let versions = text.versions.iter().map(|names| self.find_all(names));
        Some(Conflict {
            path: text.path,
            kind: text.kind,
            resolution: text.resolution,
            versions: versions.collect::<Option<_>>()?,
            deleted: self.find_all(&text.deleted)?,
            winner: match text.winner {
                Some(name) => Some(self.find(&name)?),
                None => None,
            },
            replicas: self.find_all(&text.replicas)?,
        })
    }

    fn read_kept(&self, text: KeptText<Box<str>>) -> Option<Kept> {
        Some(Kept {
            path: text.path,
            replica: self.find(&text.replica)?,
            why: text.why,
        })
    }

    fn read_spelling(&self, text: SpellingText<Box<str>>) -> Option<Spelling> {
        Some(Spelling {
            path: text.path,
            replica: self.find(&text.replica)?,
            listed: text.listed,
        })
    }

    fn read_refusal(&self, text: &RefusalText<Box<str>>) -> Option<Refusal> {
        Some(match text {
            RefusalText::EmptyReplica { replica } => Refusal::EmptyReplica {
                replica: self.find(replica)?,
            },
            RefusalText::DeleteLimit { replica, files } => Refusal::DeleteLimit {
                replica: self.find(replica)?,
                files: *files,
            },
            RefusalText::ChangeLimit { replica, files } => Refusal::ChangeLimit {
                replica: self.find(replica)?,
                files: *files,
            },
        })
    }
}
