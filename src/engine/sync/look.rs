//! Looking at the world: every listing, everything that was agreed, and the plan that follows.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;

use crate::connector::{ConnectorName, NamedConnector};
use crate::engine::transfer::Mover;
use crate::error::{Error, Result};
use crate::id::Ids;

use super::confirm;
use super::doubt;
use super::engine::{Engine, Environment, stopped};
use super::events::SyncEvent;
use super::inventory::Inventory;
use super::plan::{Plan, Planner, Relation, Replica, World};
use super::progress::Phase;
use super::report::{Listed, ReplicaReport};
use super::scan::{Blocked, Learned, Look, Scan, Tally};
use super::snapshot::Shelf;

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
        remembers: bool,
    ) -> Result<Prepared> {
        self.events.emit(SyncEvent::Phase { phase: Phase::Scan });
        let bases = self.load_bases();
        let scans = self.scan_all(mover, learned, in_doubt, remembers);
        let (mut bases, mut scans) = tokio::try_join!(bases, scans)?;
        self.confirm_all(mover, learned, remembers, &bases, &mut scans)
            .await?;
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
        in_doubt: bool,
        remembers: bool,
    ) -> Result<Vec<Scan>> {
        let mut tasks = JoinSet::new();
        let tally = Arc::new(Tally::new(
            self.events.clone(),
            Arc::clone(&self.environment.clock),
        ));
        for (index, place) in self.places.iter().enumerate() {
            let (engine, place) = (self.clone(), place.clone());
            let (calls, tally) = (mover.calls().clone(), Arc::clone(&tally));
            let learned = learned.get(&index).cloned().unwrap_or_default();
            tasks.spawn(async move {
                let look = Look {
                    shelf: engine.shelf(&place),
                    place: &place,
                    options: &engine.options,
                    calls: &calls,
                    learned: &learned,
                    tally: &tally,
                    remembers,
                    whole: in_doubt.then_some(Listed::WholeInDoubt),
                };
                Ok::<_, Error>((index, look.scan().await?))
            });
        }
        let mut scans = BTreeMap::new();
        while let Some(done) = tasks.join_next().await {
            let (index, scan) = done.map_err(stopped)??;
            scans.insert(index, scan);
        }
        Ok(scans.into_values().collect())
    }

    /// Asks about what a feed may not have told yet; lists a place whose feed is too far behind.
    async fn confirm_all(
        &self,
        mover: &Mover,
        learned: &BTreeMap<usize, Learned>,
        remembers: bool,
        bases: &[(Inventory, Inventory)],
        scans: &mut [Scan],
    ) -> Result<()> {
        let none = Learned::new();
        for (index, scan) in scans.iter_mut().enumerate() {
            let Some(place) = self.places.get(index) else {
                continue;
            };
            // The source of a mirror is compared with what it held for each target.
            let mut held: Vec<&Inventory> = Vec::new();
            match (self.options.relation, index) {
                (Relation::Peers, _) | (_, 1..) => {
                    held.extend(bases.get(index).map(|pair| &pair.0))
                }
                (_, 0) => held.extend(bases.iter().skip(1).map(|pair| &pair.1)),
            }
            let learned = learned.get(&index).unwrap_or(&none);
            if confirm::confirm(place, mover.calls(), &self.options, scan, &held).await? {
                scan.learn(learned);
                continue;
            }
            let (clock, calls) = (Arc::clone(&self.environment.clock), mover.calls());
            let look = Look {
                shelf: self.shelf(place),
                place,
                options: &self.options,
                calls,
                learned,
                tally: &Tally::new(self.events.clone(), clock),
                remembers,
                whole: Some(Listed::WholeInDoubt),
            };
            *scan = look.scan().await?;
        }
        Ok(())
    }

    fn shelf(&self, place: &NamedConnector) -> Shelf {
        let Environment {
            store,
            clock,
            chance,
            ..
        } = &self.environment;
        Shelf {
            store: store.clone(),
            clock: Arc::clone(clock),
            ids: Ids::new(Arc::clone(clock), chance.clone()),
            place: place.name().clone(),
        }
    }
}

/// Takes out every path that is one of `names` or lies below one.
fn without(inventory: &Inventory, names: &Blocked) -> Inventory {
    let blocked = inventory
        .iter()
        .filter(|(path, _)| names.covers(path.as_str()));
    inventory.amended(&blocked.map(|(path, _)| (path, None)).collect())
}
