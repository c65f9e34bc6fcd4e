//! The guards that refuse a dangerous plan (`spec/sync.md` §8).

use super::draft::Finished;
use super::model::Refusal;
use super::options::{Limit, PlanOptions, Relation};
use super::tally::Tally;
use super::world::{Replica, World};

/// Returns every refusal, by guard and then by replica.
pub(super) fn check(
    world: &World,
    relation: Relation,
    options: &PlanOptions,
    plan: &Finished,
) -> Vec<Refusal> {
    let mut refused = Vec::new();
    if !options.allow_empty {
        refused.extend(empty_replicas(world, relation));
    }
    let over = |limit: Limit, touched: &Tally| {
        let replicas = world.indexed();
        let files = replicas.map(|(replica, it)| (replica, it, touched.of(replica)));
        let over = files.filter(|(_, it, files)| limit.is_exceeded(*files, known(it)));
        over.map(|(replica, _, files)| (replica, files))
            .collect::<Vec<_>>()
    };
    let deletes = over(options.delete_limit, &plan.deleted);
    let changes = over(options.change_limit, &plan.changed);
    refused.extend(
        deletes
            .into_iter()
            .map(|(replica, files)| Refusal::DeleteLimit { replica, files }),
    );
    refused.extend(
        changes
            .into_iter()
            .map(|(replica, files)| Refusal::ChangeLimit { replica, files }),
    );
    refused
}

/// Returns replicas that list nothing though there was something before: a card that is not mounted, an
/// account that lost its rights.
fn empty_replicas(world: &World, relation: Relation) -> Vec<Refusal> {
    let is_empty = |replica: &Replica| replica.listing.is_empty() && !replica.incomplete;
    let lost_all = |at: usize, replica: &Replica| {
        if relation == Relation::Peers {
            return is_empty(replica) && !replica.base.is_empty();
        }
        let had = |target: &Replica| {
            let mirrored = relation == Relation::Mirror && !target.listing.is_empty();
            mirrored || !target.source_base.is_empty()
        };
        at == 0 && is_empty(replica) && world.replicas().iter().skip(1).any(had)
    };
    let replicas = world.indexed();
    let lost = replicas.filter(|(replica, it)| lost_all(replica.get(), it));
    lost.map(|(replica, _)| Refusal::EmptyReplica { replica })
        .collect()
}

fn known(replica: &Replica) -> u64 {
    replica.base.len().max(replica.listing.len()) as u64
}
