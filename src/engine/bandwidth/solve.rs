//! From who takes part to rates, and from what they do to what they can use.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::broadcast::Sender;

use super::arena::{Slot, Spec};
use super::calendar::effective_class;
use super::class::Policy;
use super::demand::{Demand, TICK};
use super::events::{BandwidthEvent, Cause, Place, Who, Why};
use super::rate::Rate;
use super::settings::{Direction, Share};
use super::side::{Member, Organization, Platform, Side, tell};

/// What decides besides who takes part.
#[derive(Debug)]
pub(super) struct Rules<'a> {
    pub(super) policy: &'a Policy,
    pub(super) raised: &'a BTreeSet<Arc<str>>,
}

impl Side {
    /// Works out all rates and has them hold from now on.
    pub(super) fn solve(
        &mut self,
        rules: &Rules<'_>,
        now: Duration,
        events: &Sender<BandwidthEvent>,
    ) {
        let Some(cause) = self.dirty.take() else {
            return;
        };
        self.gather(rules);
        // Only what something bounds is in the arena.
        let capacity = self.capacity.map_or(f64::INFINITY, Rate::as_f64);
        self.arena.solve(capacity);
        self.apply(cause, now, events);
        self.report_short(events);
    }

    /// Looks at what transfers did, and marks the side if that changes what they can use.
    pub(super) fn observe(&mut self, now: Duration) {
        let platforms = self.organizations.values_mut();
        let platforms = platforms.flat_map(|organization| organization.platforms.values_mut());
        let members = platforms.flat_map(|platform| platform.streams.values_mut());
        let mut moved = false;
        for member in members.filter(|member| member.rate.is_finite()) {
            let over = now.saturating_sub(member.looked.1);
            // Who has just joined has not shown yet what it can do.
            if over < TICK {
                continue;
            }
            let taken = member.gate.taken();
            let bytes = Rate::bytes(taken.saturating_sub(member.looked.0)).as_f64();
            member.looked = (taken, now);
            member.demand.observe(bytes, member.gate.has_waited(), over);
            moved |= member.demand.has_moved(member.solved_for);
        }
        if moved {
            self.mark(Cause::Demand);
        }
    }

    fn gather(&mut self, rules: &Rules<'_>) {
        let Self {
            arena,
            organizations,
            capacity,
            ..
        } = self;
        arena.clear();
        arena.group(spec(&Share::default()));
        for (name, organization) in organizations {
            let raised = rules.raised.contains(name);
            organization.at = arena.group(spec(&organization.share));
            let free = capacity.is_none() && organization.share.cap.is_none();
            for platform in organization.platforms.values_mut() {
                platform.at = arena.group(spec(&platform.share));
                let free = free && platform.share.cap.is_none();
                for member in platform.streams.values_mut() {
                    if free && member.cap.is_none() {
                        member.at = None;
                        continue;
                    }
                    let class = effective_class(member.class, raised);
                    let standing = rules.policy.standing(class);
                    let spec = Spec {
                        weight: f64::from(member.weight) * f64::from(standing.multiplier()),
                        min: member.min.map(Rate::as_f64),
                        cap: member.cap.map_or(f64::INFINITY, Rate::as_f64),
                    };
                    member.solved_for = member.demand.estimate();
                    member.at = Some(arena.leaf(spec, member.solved_for, standing.tier()));
                }
                arena.close();
            }
            arena.close();
        }
        arena.close();
    }

    fn apply(&mut self, cause: Cause, now: Duration, events: &Sender<BandwidthEvent>) {
        let slots = self.arena.slots();
        let heard = events.receiver_count() > 0;
        self.paced = 0;
        for (name, organization) in &mut self.organizations {
            let full = is_full(slots.get(organization.at));
            for (platform_name, platform) in &mut organization.platforms {
                let full = full || is_full(slots.get(platform.at));
                for (id, member) in &mut platform.streams {
                    let slot = member.at.and_then(|at| slots.get(at));
                    self.paced += usize::from(slot.is_some());
                    let rate = slot.map_or(f64::INFINITY, Slot::rate);
                    member.why = why(slot, full, member);
                    let old = member.take_rate(rate, now);
                    if heard && is_told(old, rate) {
                        let who = Who {
                            stream: *id,
                            direction: self.direction,
                            organization: Arc::clone(name),
                            platform: Arc::clone(platform_name),
                        };
                        tell(events, || BandwidthEvent::Rate {
                            who,
                            rate: member.told(),
                            why: member.why,
                            cause,
                        });
                    }
                }
            }
        }
    }

    /// Tells where guarantees do not fit, or fit again.
    fn report_short(&mut self, events: &Sender<BandwidthEvent>) {
        if self.short.is_empty() && self.arena.short().is_empty() {
            return;
        }
        let mut short = BTreeMap::new();
        for found in self.arena.short() {
            if let Some(place) = self.place(found.index) {
                let amounts = (Rate::from_f64(found.asked), Rate::from_f64(found.granted));
                short.insert(place, amounts);
            }
        }
        let direction: Direction = self.direction;
        for (place, (asked, granted)) in &short {
            if self.short.get(place) != Some(&(*asked, *granted)) {
                tell(events, || BandwidthEvent::Overcommitted {
                    direction,
                    place: place.clone(),
                    asked: *asked,
                    granted: *granted,
                });
            }
        }
        for place in self.short.keys().filter(|place| !short.contains_key(place)) {
            tell(events, || BandwidthEvent::Recovered {
                direction,
                place: place.clone(),
            });
        }
        self.short = short;
    }

    fn place(&self, index: usize) -> Option<Place> {
        if index == 0 {
            return Some(Place::Link);
        }
        // Places grow in the order of the maps.
        let before = |organization: &&Organization| organization.at <= index;
        let own = self.organizations.values().take_while(before).count();
        let (name, organization) = self.organizations.iter().nth(own.checked_sub(1)?)?;
        if organization.at == index {
            return Some(Place::Organization(Arc::clone(name)));
        }
        let is_it = |platform: &Platform| platform.at == index;
        let mut platforms = organization.platforms.iter();
        let (platform, _) = platforms.find(|(_, platform)| is_it(platform))?;
        Some(Place::Platform(Arc::clone(name), Arc::clone(platform)))
    }
}

impl Member {
    /// Takes on a rate, and returns the old one.
    #[expect(
        clippy::float_cmp,
        reason = "only a rate that is the very same needs no work"
    )]
    fn take_rate(&mut self, rate: f64, now: Duration) -> f64 {
        let old = std::mem::replace(&mut self.rate, rate);
        if old != rate {
            self.gate.set_rate(now, rate);
        }
        if old.is_infinite() && rate.is_finite() {
            // What it did while nothing bounded it says nothing of what it could do.
            self.demand = Demand::new();
            self.looked = (self.gate.taken(), now);
        }
        old
    }
}

fn spec(share: &Share) -> Spec {
    Spec {
        weight: f64::from(share.weight),
        min: share.min.map(Rate::as_f64),
        cap: share.cap.map_or(f64::INFINITY, Rate::as_f64),
    }
}

/// What two rates may differ by that are the same.
fn noise(rate: f64) -> f64 {
    1e-9 * rate.max(1.0)
}

fn is_full(group: Option<&Slot>) -> bool {
    group.is_some_and(|slot| slot.rate() >= slot.spec().cap - noise(slot.rate()))
}

fn why(slot: Option<&Slot>, group_is_full: bool, member: &Member) -> Why {
    let Some(slot) = slot else {
        return Why::Unlimited;
    };
    let rate = slot.rate() + noise(slot.rate());
    if slot.rate() <= 0.0 {
        Why::Nothing
    } else if rate >= member.solved_for {
        Why::Demand
    } else if rate >= slot.spec().cap {
        Why::Cap
    } else if group_is_full {
        Why::GroupCap
    } else if slot.floor() > 0.0 && slot.rate() <= slot.floor() + noise(slot.rate()) {
        Why::Guarantee
    } else {
        Why::Share
    }
}

/// Whether a change is worth telling.
fn is_told(old: f64, new: f64) -> bool {
    match (old.is_finite(), new.is_finite()) {
        (true, true) => (old - new).abs() > old.min(new) * 0.01,
        (one, other) => one != other,
    }
}
