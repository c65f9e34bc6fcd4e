//! What a host says before the first transfer.

use std::sync::Arc;

use tokio::sync::broadcast;

use crate::clock::{Clock, SystemClock};
use crate::error::Result;
use crate::wedding::{UtcOnly, Zones};

use super::calendar::EventWindow;
use super::class::Policy;
use super::events::KEPT;
use super::handle::Bandwidth;
use super::hub::{Hub, State};
use super::rate::Rate;
use super::settings::{Direction, Share};
use super::timetable::Timetable;

/// Makes a [`Bandwidth`]. What is wrong is told by [`build`](Self::build).
#[derive(Debug)]
#[must_use]
pub struct BandwidthBuilder {
    clock: Option<Arc<dyn Clock>>,
    zones: Option<Arc<dyn Zones>>,
    state: State,
    organizations: Vec<(Direction, String, Share)>,
    platforms: Vec<(Direction, String, String, Share)>,
    timetables: Vec<(Direction, Timetable)>,
}

impl BandwidthBuilder {
    pub(super) fn new() -> Self {
        Self {
            clock: None,
            zones: None,
            state: State::new(),
            organizations: Vec::new(),
            platforms: Vec::new(),
            timetables: Vec::new(),
        }
    }

    /// Sets what goes up together. Default: as much as there is.
    pub fn upload(mut self, capacity: Rate) -> Self {
        self.state.upload.set_fixed(Some(capacity));
        self
    }

    /// Sets what comes down together. Default: as much as there is.
    pub fn download(mut self, capacity: Rate) -> Self {
        self.state.download.set_fixed(Some(capacity));
        self
    }

    /// Sets what a link carries by weekday and local time; the lesser of this and the capacity holds. Default: none.
    pub fn timetable(mut self, direction: Direction, timetable: Timetable) -> Self {
        self.timetables.push((direction, timetable));
        self
    }

    /// Sets the share of an organization. Default: weight 1, no guarantee of its own, no limit.
    pub fn organization(
        mut self,
        direction: Direction,
        organization: impl Into<String>,
        share: Share,
    ) -> Self {
        self.organizations
            .push((direction, organization.into(), share));
        self
    }

    /// Sets the share of a platform within an organization. Default: weight 1, no guarantee of its own, no limit.
    pub fn platform(
        mut self,
        direction: Direction,
        organization: impl Into<String>,
        platform: impl Into<String>,
        share: Share,
    ) -> Self {
        self.platforms
            .push((direction, organization.into(), platform.into(), share));
        self
    }

    /// Sets what classes are worth. Default: [`Policy::default`].
    pub fn policy(mut self, policy: Policy) -> Self {
        self.state.policy = policy;
        self
    }

    /// Sets the events of an organization, during which its transfers are raised. Default: none.
    pub fn events(mut self, organization: &str, events: Vec<EventWindow>) -> Self {
        self.state.calendar.set(organization, events);
        self
    }

    /// Sets how many organizations are raised for an event at once, at most. Default: no limit.
    pub fn max_escalated(mut self, organizations: usize) -> Self {
        self.state.calendar.set_most(organizations);
        self
    }

    /// Sets whether more may be guaranteed than can be kept. Default: it is refused.
    pub fn allow_overcommit(mut self, allow: bool) -> Self {
        self.state.allow_overcommit = allow;
        self
    }

    /// Sets where time comes from. Default: the machine's own clock.
    ///
    /// Its [`elapsed`](Clock::elapsed) has to run as fast as tokio's timers, which waits are slept with: while it stands
    /// still nothing passes that has to wait, and rates stay as they are. In tests,
    /// `testing::PausedClock` and tokio's paused time go together.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = Some(clock);
        self
    }

    /// Sets what is known of time zones. Default: UTC only.
    pub fn zones(mut self, zones: Arc<dyn Zones>) -> Self {
        self.zones = Some(zones);
        self
    }

    /// Makes the handle. Nothing runs before the first transfer joins.
    ///
    /// # Errors
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput): a weight below 1, or a guarantee above the limit of the same
    /// node. [`LimitExceeded`](crate::ErrorKind::LimitExceeded), naming the node: guarantees that cannot all be kept,
    /// unless that is allowed. [`NotFound`](crate::ErrorKind::NotFound): the zone of a timetable.
    pub fn build(self) -> Result<Bandwidth> {
        let clock = self.clock.unwrap_or_else(|| Arc::new(SystemClock::new()));
        let zones = self.zones.unwrap_or_else(|| Arc::new(UtcOnly::new()));
        let (events, _) = broadcast::channel(KEPT);
        let mut state = self.state;
        let now = clock.now();
        for (direction, timetable) in self.timetables {
            timetable.at(now, &*zones)?;
            state.side_mut(direction).set_timetable(Some(timetable));
        }
        state.look(now, &*zones, &events);
        let admit = !state.allow_overcommit;
        for (direction, organization, share) in self.organizations {
            let side = state.side_mut(direction);
            side.set_organization(&organization, share, admit)?;
        }
        for (direction, organization, platform, share) in self.platforms {
            let side = state.side_mut(direction);
            side.set_platform((&organization, &platform), share, admit)?;
        }
        state.settle();
        Ok(Bandwidth::of(Hub::new(clock, zones, events, state)))
    }
}
