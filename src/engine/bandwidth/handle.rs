//! The handle of a host.

use std::fmt;
use std::sync::Arc;

use crate::error::Result;

use super::builder::BandwidthBuilder;
use super::calendar::EventWindow;
use super::class::Policy;
use super::events::{BandwidthEvent, BandwidthEvents, Cause, StreamId};
use super::hub::{Hub, State};
use super::lane::Lane;
use super::rate::Rate;
use super::settings::{Direction, Share, Stream};
use super::side::tell;
use super::snapshot::Snapshot;
use super::timetable::Timetable;

/// Shares links among the transfers of all organizations: two of them, up and down.
///
/// Cheap to clone; clones are the same. Every setting can be changed while transfers run, and holds for them within
/// some milliseconds: rates are worked out anew when a transfer joins, leaves or changes its class, when a setting, a
/// timetable or an event says something else, and ten times a second where transfers can use more or less than before.
/// One task does that. It starts with the first transfer that anything bounds, or the first change, in the runtime of
/// whoever makes it, and ends with the last handle and lane. If that runtime ends or is no longer driven, whoever waits
/// takes the task over into his own, within two seconds. So does a transfer that nothing bounds, at the next full MiB
/// that it takes once something was due for half a second.
///
/// A transfer that has to wait needs a tokio runtime with time enabled, and a runtime in which anything of this is called
/// has to be such a one. Settings may also be changed outside of any: where no task runs, whoever changes one works rates
/// out himself, and of several changes within milliseconds leaves the last to whoever comes next.
///
/// # Example
///
/// ```
/// use garland::bandwidth::{Bandwidth, Class, Direction, Rate, Share, Stream};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> garland::Result<()> {
/// let bandwidth = Bandwidth::builder()
///     .upload(Rate::megabytes(100))
///     .organization(Direction::Upload, "acme", Share::default().with_weight(2).with_min(Rate::megabytes(30)))
///     .build()?;
///
/// let lane = bandwidth.join(&Stream::upload("acme", "gdrive").with_class(Class::Background))?;
/// for chunk in [[0_u8; 4_096]; 3] {
///     lane.take(chunk.len()).await;
///     // Send it.
/// }
/// assert_eq!(lane.taken(), 12_288);
///
/// bandwidth.set_capacity(Direction::Upload, Some(Rate::megabytes(50)));
/// drop(lane);
/// assert!(bandwidth.snapshot().upload.organizations.is_empty());
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Bandwidth(Arc<Hub>);

impl fmt::Debug for Bandwidth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bandwidth").finish_non_exhaustive()
    }
}

impl Bandwidth {
    /// Begins to say how links are shared. Nothing is bounded unless it is said.
    pub fn builder() -> BandwidthBuilder {
        BandwidthBuilder::new()
    }

    pub(super) fn of(hub: Hub) -> Self {
        Self(Arc::new(hub))
    }

    /// Lets a transfer take part, until the lane is dropped.
    ///
    /// To be called inside a tokio runtime with time enabled, in which the task may start, or outside of any.
    ///
    /// # Errors
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput): a weight below 1, or a guarantee above the limit.
    /// [`LimitExceeded`](crate::ErrorKind::LimitExceeded), naming the node: with its guarantee, more would be guaranteed
    /// there than the node is guaranteed, may have, or, for the link, carries now; not with
    /// [`allow_overcommit`](BandwidthBuilder::allow_overcommit).
    pub fn join(&self, stream: &Stream) -> Result<Lane> {
        let mut state = self.0.state();
        let was_due = state.is_due();
        self.0.look(&mut state);
        let id = StreamId(state.next_stream);
        let admit = !state.allow_overcommit;
        let now = self.0.clock.elapsed();
        let side = state.side_mut(stream.direction);
        let joined = side.join(id, stream, now, admit);
        if let Ok((_, who)) = &joined {
            state.next_stream += 1;
            tell(&self.0.events, || BandwidthEvent::Joined {
                who: who.clone(),
                class: stream.class,
            });
        }
        // The look may have found something to work out, whether this one is admitted or not.
        let due = state.is_due();
        let timed = state.next_look().is_some();
        drop(state);
        self.0.wake_if_due(was_due, due);
        if timed {
            self.0.start();
        }
        let (gate, who) = joined?;
        Ok(Lane::new(Arc::clone(&self.0), gate, who))
    }

    /// Listens to what happens from now on.
    #[must_use]
    pub fn subscribe(&self) -> BandwidthEvents {
        BandwidthEvents(self.0.events.subscribe())
    }

    /// Returns who has what now.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        let mut state = self.0.state();
        let was_due = state.is_due();
        self.0.look(&mut state);
        let due = state.is_due();
        let snapshot = Snapshot {
            upload: state.upload.shares(&state.raised),
            download: state.download.shares(&state.raised),
        };
        drop(state);
        self.0.wake_if_due(was_due, due);
        snapshot
    }

    /// Sets what a link carries; nothing means as much as there is. Never refused: a link may carry less than was
    /// guaranteed, and guarantees are then kept by tiers, then in proportion. With a timetable, the lesser of both holds.
    pub fn set_capacity(&self, direction: Direction, capacity: Option<Rate>) {
        self.change(|state| state.side_mut(direction).set_fixed(capacity));
    }

    /// Sets what a link carries by weekday and local time.
    ///
    /// # Errors
    /// [`NotFound`](crate::ErrorKind::NotFound): there is no such zone. Nothing was changed.
    pub fn set_timetable(&self, direction: Direction, timetable: Option<Timetable>) -> Result<()> {
        if let Some(timetable) = &timetable {
            timetable.at(self.0.clock.now(), &*self.0.zones)?;
        }
        self.change(|state| state.side_mut(direction).set_timetable(timetable));
        Ok(())
    }

    /// Sets the share of an organization. The default share is that of one nothing was said about.
    ///
    /// # Errors
    /// As [`join`](Self::join). Nothing was changed.
    pub fn set_organization(
        &self,
        direction: Direction,
        organization: &str,
        share: Share,
    ) -> Result<()> {
        self.change(|state| {
            let admit = !state.allow_overcommit;
            let side = state.side_mut(direction);
            side.set_organization(organization, share, admit)
        })
    }

    /// Sets the share of a platform within an organization. The default share is that of one nothing was said about.
    ///
    /// # Errors
    /// As [`join`](Self::join). Nothing was changed.
    pub fn set_platform(
        &self,
        direction: Direction,
        organization: &str,
        platform: &str,
        share: Share,
    ) -> Result<()> {
        self.change(|state| {
            let admit = !state.allow_overcommit;
            let side = state.side_mut(direction);
            side.set_platform((organization, platform), share, admit)
        })
    }

    /// Sets what classes are worth.
    pub fn set_policy(&self, policy: Policy) {
        self.change(|state| {
            state.policy = policy;
            state.mark(Cause::Settings);
        });
    }

    /// Sets the events of an organization, in the place of those it had.
    pub fn set_events(&self, organization: &str, events: Vec<EventWindow>) {
        self.change(|state| {
            state.calendar.set(organization, events);
            state.forget_raised();
        });
    }

    /// Sets how many organizations are raised for an event at once, at most; those whose event starts first go first.
    pub fn set_max_escalated(&self, organizations: usize) {
        self.change(|state| {
            state.calendar.set_most(organizations);
            state.forget_raised();
        });
    }

    /// Sets whether more may be guaranteed than can be kept. What was admitted stays.
    pub fn set_allow_overcommit(&self, allow: bool) {
        self.0.state().allow_overcommit = allow;
    }

    fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let mut state = self.0.state();
        let result = change(&mut state);
        self.0.look(&mut state);
        drop(state);
        self.0.wake();
        result
    }
}
