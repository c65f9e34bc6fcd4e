//! One direction: who takes part, and what they were promised.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::broadcast::Sender;

use crate::clock::Timestamp;
use crate::error::Result;
use crate::wedding::Zones;

use super::arena::Arena;
use super::check::{Bounds, check_promises};
use super::class::Class;
use super::demand::Demand;
use super::events::{BandwidthEvent, Cause, Place, StreamId, Who, Why};
use super::gate::Gate;
use super::rate::Rate;
use super::settings::{Direction, Share, Stream};
use super::timetable::{Scheduled, Timetable};

/// How long a link goes on as it was when its timetable cannot be read.
const AGAIN: Duration = Duration::from_secs(60);

/// All of one direction.
#[derive(Debug)]
pub(super) struct Side {
    pub(super) direction: Direction,
    /// What the host says it carries.
    fixed: Option<Rate>,
    timetable: Option<Timetable>,
    /// What the timetable says, and since when that is known.
    scheduled: Option<(Timestamp, Scheduled)>,
    /// The lesser of both: what holds.
    pub(super) capacity: Option<Rate>,
    pub(super) organizations: BTreeMap<Arc<str>, Organization>,
    /// Sum of what organizations are promised.
    asked: u128,
    /// Why rates have to be worked out again.
    pub(super) dirty: Option<Cause>,
    /// How many transfers do not pass freely.
    pub(super) paced: usize,
    pub(super) arena: Arena,
    /// Where guarantees do not fit, with what was asked and granted.
    pub(super) short: BTreeMap<Place, (Rate, Rate)>,
}

#[derive(Debug, Default)]
pub(super) struct Organization {
    pub(super) share: Share,
    pub(super) platforms: BTreeMap<Arc<str>, Platform>,
    /// Sum of what platforms are promised.
    asked: u128,
    /// Its place in the arena.
    pub(super) at: usize,
}

#[derive(Debug, Default)]
pub(super) struct Platform {
    pub(super) share: Share,
    pub(super) streams: BTreeMap<StreamId, Member>,
    /// Sum of what transfers are promised.
    asked: u128,
    /// Its place in the arena.
    pub(super) at: usize,
}

/// A transfer that takes part.
#[derive(Debug)]
pub(super) struct Member {
    pub(super) gate: Arc<Gate>,
    pub(super) class: Class,
    pub(super) weight: u32,
    pub(super) min: Option<Rate>,
    pub(super) cap: Option<Rate>,
    pub(super) demand: Demand,
    /// The demand its rate was worked out for.
    pub(super) solved_for: f64,
    /// Infinite if nothing bounds it.
    pub(super) rate: f64,
    pub(super) why: Why,
    /// How many bytes it had taken when it was last looked at, and when that was.
    pub(super) looked: (u64, Duration),
    /// Its place in the arena; nothing if it passes freely.
    pub(super) at: Option<usize>,
}

impl Organization {
    fn promise(&self) -> u128 {
        promise(&self.share, self.asked)
    }

    fn is_idle(&self) -> bool {
        self.platforms.is_empty() && self.share == Share::default()
    }
}

impl Platform {
    fn promise(&self) -> u128 {
        promise(&self.share, self.asked)
    }

    fn is_idle(&self) -> bool {
        self.streams.is_empty() && self.share == Share::default()
    }
}

impl Member {
    /// Its rate as it is told.
    pub(super) fn told(&self) -> Option<Rate> {
        self.rate.is_finite().then(|| Rate::from_f64(self.rate))
    }
}

/// What a group is promised whose children are promised `asked`: its own guarantee is the last word.
fn promise(share: &Share, asked: u128) -> u128 {
    share.min.map_or(asked, |min| u128::from(min.as_bytes()))
}

fn bounds(share: &Share) -> Bounds {
    Bounds {
        min: share.min.map(Rate::as_f64),
        cap: share.cap.map(Rate::as_f64),
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "sums of rates are told to people, and compared with rates"
)]
fn float(sum: u128) -> f64 {
    sum as f64
}

impl Side {
    pub(super) fn new(direction: Direction) -> Self {
        Self {
            direction,
            fixed: None,
            timetable: None,
            scheduled: None,
            capacity: None,
            organizations: BTreeMap::new(),
            asked: 0,
            dirty: None,
            paced: 0,
            arena: Arena::default(),
            short: BTreeMap::new(),
        }
    }

    /// Has rates worked out again. The first cause is the one that is told.
    pub(super) fn mark(&mut self, cause: Cause) {
        self.dirty.get_or_insert(cause);
    }

    pub(super) fn set_fixed(&mut self, capacity: Option<Rate>) {
        self.fixed = capacity;
    }

    pub(super) fn set_timetable(&mut self, timetable: Option<Timetable>) {
        self.timetable = timetable;
        self.scheduled = None;
    }

    /// Looks what the timetable says, if that may have changed, and takes on the capacity that holds.
    pub(super) fn look(
        &mut self,
        now: Timestamp,
        zones: &dyn Zones,
        events: &Sender<BandwidthEvent>,
    ) {
        if let Some(timetable) = &self.timetable {
            let holds = |(since, scheduled): &(Timestamp, Scheduled)| {
                *since <= now && scheduled.until.is_none_or(|until| now < until)
            };
            if !self.scheduled.as_ref().is_some_and(holds) {
                let scheduled = timetable.at(now, zones).unwrap_or_else(|error| {
                    // The zone was known when the timetable was set; there is nobody to return this to.
                    tracing::warn!(%error, "the link goes on as it was");
                    Scheduled {
                        capacity: self.scheduled.and_then(|(_, scheduled)| scheduled.capacity),
                        until: Some(now.saturating_add(AGAIN)),
                    }
                });
                self.scheduled = Some((now, scheduled));
            }
        }
        let scheduled = self.scheduled.and_then(|(_, scheduled)| scheduled.capacity);
        let capacity = [self.fixed, scheduled].into_iter().flatten().min();
        if capacity != self.capacity {
            self.capacity = capacity;
            self.mark(Cause::Capacity);
            tell(events, || BandwidthEvent::CapacityChanged {
                direction: self.direction,
                capacity,
            });
        }
    }

    /// When the timetable has to be read again.
    pub(super) fn next_look(&self) -> Option<Timestamp> {
        self.scheduled.and_then(|(_, scheduled)| scheduled.until)
    }

    /// Sets the share of an organization.
    pub(super) fn set_organization(&mut self, name: &str, share: Share, admit: bool) -> Result<()> {
        share.check(name)?;
        let (before, asked) = self.organizations.get(name).map_or((0, 0), |organization| {
            (organization.promise(), organization.asked)
        });
        if admit {
            check_promises(name, float(asked), bounds(&share), None)?;
            self.admit_to_link(promise(&share, asked).saturating_sub(before))?;
        }
        let organization = self.organizations.entry(name.into()).or_default();
        organization.share = share;
        self.asked = self.asked - before + organization.promise();
        if organization.is_idle() {
            self.organizations.remove(name);
        }
        self.mark(Cause::Settings);
        Ok(())
    }

    /// Sets the share of a platform of an organization.
    pub(super) fn set_platform(
        &mut self,
        (organization, platform): (&str, &str),
        share: Share,
        admit: bool,
    ) -> Result<()> {
        let name = format!("{organization}/{platform}");
        share.check(&name)?;
        if admit {
            let asked = self.platform(organization, platform).map_or(0, |p| p.asked);
            check_promises(&name, float(asked), bounds(&share), None)?;
            let before = self
                .platform(organization, platform)
                .map_or(0, Platform::promise);
            let more = promise(&share, asked).saturating_sub(before);
            self.admit_to_organization(organization, more)?;
        }
        self.change(organization, platform, |platform| platform.share = share);
        self.mark(Cause::Settings);
        Ok(())
    }

    /// Takes a transfer in. One that nothing bounds passes freely at once.
    pub(super) fn join(
        &mut self,
        id: StreamId,
        stream: &Stream,
        now: Duration,
        admit: bool,
    ) -> Result<(Arc<Gate>, Who)> {
        stream.check()?;
        let min = stream.min.map_or(0, |min| u128::from(min.as_bytes()));
        let (organization, platform) = (stream.organization.as_str(), stream.platform.as_str());
        if admit && min > 0 {
            let own = self.platform(organization, platform);
            let share = own.map(|own| own.share).unwrap_or_default();
            let asked = own.map_or(0, |own| own.asked);
            let name = format!("{organization}/{platform}");
            check_promises(&name, float(asked + min), bounds(&share), None)?;
            let more = promise(&share, asked + min) - promise(&share, asked);
            self.admit_to_organization(organization, more)?;
        }
        let free = self.passes_freely(organization, platform, stream.cap);
        let gate = Arc::new(Gate::new(now));
        if free {
            gate.set_rate(now, f64::INFINITY);
        } else {
            self.paced += 1;
            self.mark(Cause::Joined);
        }
        let demand = Demand::new();
        let member = Member {
            gate: Arc::clone(&gate),
            class: stream.class,
            weight: stream.weight,
            min: stream.min,
            cap: stream.cap,
            solved_for: demand.estimate(),
            demand,
            rate: if free { f64::INFINITY } else { 0.0 },
            why: if free { Why::Unlimited } else { Why::Nothing },
            looked: (0, now),
            at: None,
        };
        self.change(organization, platform, |platform| {
            platform.streams.insert(id, member);
            platform.asked += min;
        });
        let shared = self.organizations.get_key_value(organization);
        let (organization, platform) = match shared {
            Some((name, own)) => {
                let key = own.platforms.get_key_value(platform);
                (
                    Arc::clone(name),
                    key.map_or_else(|| platform.into(), |(name, _)| Arc::clone(name)),
                )
            }
            None => (organization.into(), platform.into()),
        };
        let who = Who {
            stream: id,
            direction: self.direction,
            organization,
            platform,
        };
        Ok((gate, who))
    }

    /// Lets a transfer go.
    pub(super) fn leave(&mut self, who: &Who) {
        let gone = self.change(&who.organization, &who.platform, |platform| {
            let gone = platform.streams.remove(&who.stream)?;
            platform.asked -= gone.min.map_or(0, |min| u128::from(min.as_bytes()));
            Some(gone)
        });
        if gone.is_some_and(|gone| gone.rate.is_finite()) {
            self.paced = self.paced.saturating_sub(1);
            self.mark(Cause::Left);
        }
    }

    /// Changes the class of a transfer, and tells whether it had another.
    pub(super) fn set_class(&mut self, who: &Who, class: Class) -> bool {
        let Some(member) = self.member_mut(who) else {
            return false;
        };
        let changed = std::mem::replace(&mut member.class, class) != class;
        if changed {
            self.mark(Cause::Class);
        }
        changed
    }

    pub(super) fn member(&self, who: &Who) -> Option<&Member> {
        let platform = self.platform(&who.organization, &who.platform)?;
        platform.streams.get(&who.stream)
    }

    fn member_mut(&mut self, who: &Who) -> Option<&mut Member> {
        let organization = self.organizations.get_mut(&*who.organization)?;
        let platform = organization.platforms.get_mut(&*who.platform)?;
        platform.streams.get_mut(&who.stream)
    }

    fn platform(&self, organization: &str, platform: &str) -> Option<&Platform> {
        self.organizations
            .get(organization)?
            .platforms
            .get(platform)
    }

    fn passes_freely(&self, organization: &str, platform: &str, cap: Option<Rate>) -> bool {
        let organization = self.organizations.get(organization);
        let platform = organization.and_then(|own| own.platforms.get(platform));
        let caps = [
            self.capacity,
            organization.and_then(|own| own.share.cap),
            platform.and_then(|own| own.share.cap),
            cap,
        ];
        caps.iter().all(Option::is_none)
    }

    fn admit_to_organization(&self, name: &str, more: u128) -> Result<()> {
        if more == 0 {
            return Ok(());
        }
        let own = self.organizations.get(name);
        let share = own.map(|own| own.share).unwrap_or_default();
        let asked = own.map_or(0, |own| own.asked);
        check_promises(name, float(asked + more), bounds(&share), None)?;
        self.admit_to_link(promise(&share, asked + more) - promise(&share, asked))
    }

    fn admit_to_link(&self, more: u128) -> Result<()> {
        if more == 0 {
            return Ok(());
        }
        let bounds = Bounds {
            min: None,
            cap: None,
        };
        let capacity = self.capacity.map(Rate::as_f64);
        check_promises(
            &self.direction.to_string(),
            float(self.asked + more),
            bounds,
            capacity,
        )
    }

    /// Changes a platform, which is made if there is none and forgotten if nothing is left to know about it, and keeps
    /// the sums above it right.
    fn change<T>(
        &mut self,
        organization: &str,
        platform: &str,
        change: impl FnOnce(&mut Platform) -> T,
    ) -> T {
        let own = match self.organizations.get_mut(organization) {
            Some(own) => own,
            None => self.organizations.entry(organization.into()).or_default(),
        };
        let own_before = own.promise();
        let place = match own.platforms.get_mut(platform) {
            Some(place) => place,
            None => own.platforms.entry(platform.into()).or_default(),
        };
        let before = place.promise();
        let result = change(place);
        own.asked = own.asked - before + place.promise();
        if place.is_idle() {
            own.platforms.remove(platform);
        }
        self.asked = self.asked - own_before + own.promise();
        if own.is_idle() {
            self.organizations.remove(organization);
        }
        result
    }
}

/// Makes and sends an event, if anybody listens.
pub(super) fn tell(events: &Sender<BandwidthEvent>, event: impl FnOnce() -> BandwidthEvent) {
    if events.receiver_count() > 0 {
        // The last listener may just have gone.
        let _ = events.send(event());
    }
}
