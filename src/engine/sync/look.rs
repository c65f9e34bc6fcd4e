//! Looking at the world: every listing, everything that was agreed, and the plan that follows.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;

use crate::connector::ConnectorName;
use crate::engine::transfer::Mover;
use crate::error::{Error, Result};

use super::doubt;
use super::engine::{Engine, stopped};
use super::events::SyncEvent;
use super::inventory::Inventory;
use super::plan::{Plan, Planner, Relation, Replica, World};
use super::progress::Phase;
use super::report::ReplicaReport;
use super::scan::{Blocked, Learned, Scan, Tally, scan};

/// What looking at the world gave.
pub(super) struct Prepared {
    pub(super) world: World,
    pub(super) plan: Plan,
    pub(super) replicas: Vec<ReplicaReport>,
}

impl Engine {
    /// Looks at the world and plans.
    pub(super) async fn prepare(
        &self,
        mover: &Mover,
        learned: &BTreeMap<usize, Learned>,
        in_doubt: bool,
    ) -> Result<Prepared> {
        self.events.emit(SyncEvent::Phase { phase: Phase::Scan });
        let bases = self.load_bases();
        let scans = self.scan_all(mover, learned);
        let (mut bases, mut scans) = tokio::try_join!(bases, scans)?;
        self.events.emit(SyncEvent::Phase { phase: Phase::Plan });
        let mut blocked = Blocked::default();
        scans.iter().for_each(|scan| blocked.extend(&scan.blocked));
        if !blocked.is_empty() {
            let pairs = bases.iter_mut().flat_map(|(base, source)| [base, source]);
            for inventory in pairs.chain(scans.iter_mut().map(|scan| &mut scan.listing)) {
                *inventory = without(inventory, &blocked);
            }
        }
        let mut replicas = Vec::with_capacity(self.places.len());
        let mut reports = Vec::with_capacity(self.places.len());
        for ((place, scan), (base, source_base)) in self.places.iter().zip(scans).zip(bases) {
            let facts = place.files()?.facts();
            let replica = Replica::new(place.name().as_str())
                .with_listing(scan.listing)
                .with_base(base)
                .with_source_base(source_base)
                .with_names(facts.names.clone())
                .with_precision(facts.time_precision.unwrap_or(Duration::from_millis(1)))
                .with_incomplete(scan.report.incomplete.is_some());
            replicas.push(replica);
            reports.push(scan.report);
        }
        let options = Arc::clone(&self.options);
        let work = move || {
            let world = World::new(replicas.clone())?;
            // The plan is made from what can be believed; it is carried out on what is listed.
            let believed = if in_doubt {
                doubt::cast(&mut replicas, options.relation);
                World::new(replicas)?
            } else {
                world.clone()
            };
            let overrides = |path: &str| options.strategy_for(path);
            let plan = Planner::new(options.relation, options.strategy)
                .with_options(options.plan.clone())
                .with_overrides(&overrides)
                .plan(&believed)?;
            Ok::<_, Error>((world, plan))
        };
        let (world, plan) = tokio::task::spawn_blocking(work).await.map_err(stopped)??;
        self.events.emit(SyncEvent::Planned {
            counts: plan.counts,
            conflicts: plan.conflicts.len() as u64,
        });
        Ok(Prepared {
            world,
            plan,
            replicas: reports,
        })
    }

    /// Reads base and source base of every place.
    async fn load_bases(&self) -> Result<Vec<(Inventory, Inventory)>> {
        let mut tasks = JoinSet::new();
        let targets: Vec<usize> = (1..self.names.len()).collect();
        for (index, agreement) in self.agreements.iter().enumerate() {
            let (agreement, store) = (agreement.clone(), self.environment.store.clone());
            let options = Arc::clone(&self.options);
            let names: Vec<ConnectorName> = match self.options.relation {
                Relation::Peers => self.names.clone(),
                _ => {
                    let target = targets
                        .get(index)
                        .and_then(|&target| self.names.get(target));
                    self.names
                        .first()
                        .into_iter()
                        .chain(target)
                        .cloned()
                        .collect()
                }
            };
            tasks.spawn(async move {
                let refs: Vec<_> = names.iter().collect();
                let includes = |path: &str| options.includes(path);
                agreement
                    .load(&store, &refs, &includes)
                    .await
                    .map(|loaded| (index, loaded))
            });
        }
        let mut loaded = BTreeMap::new();
        while let Some(done) = tasks.join_next().await {
            let (index, inventories) = done.map_err(stopped)??;
            loaded.insert(index, inventories);
        }
        if self.options.relation == Relation::Peers {
            let all = loaded.remove(&0).unwrap_or_default();
            return Ok(all
                .into_iter()
                .map(|base| (base, Inventory::default()))
                .collect());
        }
        let mut bases = vec![(Inventory::default(), Inventory::default())];
        for pair in loaded.into_values() {
            let mut pair = pair.into_iter();
            let source_base = pair.next().unwrap_or_default();
            bases.push((pair.next().unwrap_or_default(), source_base));
        }
        Ok(bases)
    }

    async fn scan_all(
        &self,
        mover: &Mover,
        learned: &BTreeMap<usize, Learned>,
    ) -> Result<Vec<Scan>> {
        let mut tasks = JoinSet::new();
        let tally = Arc::new(Tally::new(
            self.events.clone(),
            Arc::clone(&self.environment.clock),
        ));
        for (index, place) in self.places.iter().enumerate() {
            let (place, options) = (place.clone(), Arc::clone(&self.options));
            let (calls, tally) = (mover.calls().clone(), Arc::clone(&tally));
            let learned = learned.get(&index).cloned().unwrap_or_default();
            tasks.spawn(async move {
                let scan = scan(&place, &options, &calls, &learned, &tally).await?;
                Ok::<_, Error>((index, scan))
            });
        }
        let mut scans = BTreeMap::new();
        while let Some(done) = tasks.join_next().await {
            let (index, scan) = done.map_err(stopped)??;
            scans.insert(index, scan);
        }
        Ok(scans.into_values().collect())
    }
}

/// Takes out every path that is one of `names` or lies below one.
fn without(inventory: &Inventory, names: &Blocked) -> Inventory {
    let blocked = inventory
        .iter()
        .filter(|(path, _)| names.covers(path.as_str()));
    inventory.amended(&blocked.map(|(path, _)| (path, None)).collect())
}
