//! The order of a plan, and what becomes one in it (`spec/sync.md` §9).

use std::cmp::Ordering;

use super::model::{Action, Conflict, Resolution};
use super::replicas::{ReplicaIndex, ReplicaSet};

/// Orders actions of one kind and joins those that are alike but for the replica.
pub(super) fn actions(actions: &mut Vec<Action>) {
    actions.sort_by(compare);
    actions.dedup_by(|next, kept| join(kept, next));
    actions.shrink_to_fit();
}

/// Orders conflicts and joins names that several replicas cannot take.
pub(super) fn conflicts(conflicts: &mut Vec<Conflict>) {
    conflicts.sort_by(|a, b| {
        let order = (&a.path, a.kind).cmp(&(&b.path, b.kind));
        order.then_with(|| compare_versions(a, b))
    });
    conflicts.dedup_by(|next, kept| {
        let alike = next.resolution == Resolution::Skipped
            && kept.resolution == Resolution::Skipped
            && (&next.path, next.kind) == (&kept.path, kept.kind);
        if alike {
            kept.replicas = kept.replicas.or(next.replicas);
        }
        alike
    });
}

fn compare(a: &Action, b: &Action) -> Ordering {
    let new_path = |action: &Action| match action {
        Action::Rename { new_path, .. } => Some(new_path.clone()),
        _ => None,
    };
    a.path()
        .cmp(b.path())
        .then_with(|| new_path(a).cmp(&new_path(b)))
        .then_with(|| a.replicas().first().cmp(&b.replicas().first()))
}

/// Takes `next` into `kept` if they are alike. A merge stays one for each target, as each has its own input.
fn join(kept: &mut Action, next: &Action) -> bool {
    if kept.path() != next.path() {
        return false;
    }
    let (set, more) = match (kept, next) {
        (Action::Verify { replicas, .. }, Action::Verify { replicas: more, .. })
        | (Action::Delete { replicas, .. }, Action::Delete { replicas: more, .. })
        | (Action::Agree { replicas, .. }, Action::Agree { replicas: more, .. }) => {
            (replicas, more)
        }
        (
            Action::Recover { replicas, why, .. },
            Action::Recover {
                replicas: more,
                why: other,
                ..
            },
        ) if why == other => (replicas, more),
        (
            Action::Rename {
                replicas, new_path, ..
            },
            Action::Rename {
                replicas: more,
                new_path: other,
                ..
            },
        ) if new_path == other => (replicas, more),
        (
            Action::Copy { to, from, .. },
            Action::Copy {
                to: more,
                from: other,
                ..
            },
        ) if from == other => (to, more),
        _ => return false,
    };
    *set = set.or(*more);
    true
}

fn compare_versions(a: &Conflict, b: &Conflict) -> Ordering {
    let list = |set: &ReplicaSet| -> Vec<ReplicaIndex> { set.iter().collect() };
    let versions = |conflict: &Conflict| -> Vec<_> { conflict.versions.iter().map(list).collect() };
    versions(a).cmp(&versions(b))
}
