//! One subscriber.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until, timeout};

use crate::clock::{Clock, Timestamp};
use crate::error::{Error, ErrorKind, Result};
use crate::permission::Snapshot;

use super::super::policy::ArrangedAt;
use super::cursor::Cursor;
use super::follower::Follower;
use super::own::Own;
use super::published::Published;
use super::request::WatchRequest;
use super::service::{Shared, denied};
use super::update::Update;
use super::view::{Scope, Step, ViewState};

/// Tells one subscriber what differs. To stop, drop it.
pub struct Subscription {
    shared: Arc<Shared>,
    request: WatchRequest,
    /// Held, so that it goes on following.
    _follower: Arc<Follower>,
    published: watch::Receiver<Arc<Published>>,
    view: ViewState,
    /// The generation that the view is of.
    generation: u64,
    /// Up to where the member's own arrangements were read.
    arranged: ArrangedAt,
    /// The failure that was told last.
    fault: u64,
    /// What was told last; nothing before the first update.
    told: Option<Cursor>,
    /// When the resolver was asked last.
    asked: Duration,
    reader: Reader,
    /// Until when nothing is told after a question that was not answered, in however many calls.
    waits: Option<Instant>,
    end: Option<End>,
}

/// Why a subscription is over.
#[derive(Clone, Copy, Debug)]
enum End {
    Removed,
    Refused,
    Resume,
}

impl Subscription {
    /// Waits for the state of the organization and goes on from the client's cursor.
    pub(super) async fn begin(
        shared: Arc<Shared>,
        follower: Arc<Follower>,
        request: WatchRequest,
    ) -> Result<Self> {
        let mut published = follower.watch();
        let first = first(&mut published, |_| true).await?;
        let is_known = |snapshot: &Snapshot| snapshot.member(&request.member).is_some();
        let cursor_at = request.cursor.as_ref().map_or(0, |cursor| cursor.revision);
        let first = match first.snapshot.as_ref() {
            Some(snapshot) if !is_known(snapshot) => {
                // Perhaps they are too new to have been noticed.
                let (now, _) = shared.policy.look(&request.organization).await?;
                if !is_known(&now) {
                    return Err(denied(&request, "there is no such member"));
                }
                let soon = self::first(&mut published, is_known);
                let soon = timeout(shared.options.interval, soon).await;
                soon.map_err(|_| denied(&request, "there is no such member"))??
            }
            Some(snapshot) if cursor_at > snapshot.revision() => {
                // Told by another process, which was quicker: what is older would take things back.
                let (now, _) = shared.policy.look(&request.organization).await?;
                let least = now.revision().min(cursor_at);
                let soon = self::first(&mut published, |state| state.revision() >= least);
                let soon = timeout(shared.options.interval, soon).await;
                soon.map_err(|_| behind(cursor_at))??
            }
            _ => first,
        };
        let Some(snapshot) = &first.snapshot else {
            let cause = first.fault.as_ref();
            return Err(cause.map_or_else(over, |(_, cause)| unread(cause)));
        };
        // After the state, so that all is in it that the state knows of.
        let own = Own::read(&shared.policy.store(&request.organization), &request.member).await?;
        let now = shared.clock.now();
        let empty = ViewState::new(Arc::clone(&request.member), request.wedding.clone(), own);
        let cursor = request.cursor.as_ref();
        let known = cursor.and_then(|cursor| resumed(&first, snapshot, &empty, cursor, now));
        Ok(Self {
            told: request.cursor.filter(|_| known.is_some()),
            generation: 0,
            arranged: first.arranged.by(&request.member),
            view: known.unwrap_or(empty),
            fault: 0,
            asked: shared.clock.elapsed(),
            reader: Reader::new(Arc::clone(&shared.clock)),
            waits: None,
            end: None,
            published,
            _follower: follower,
            request,
            shared,
        })
    }

    /// Returns what the client was told last; nothing if that is nothing, or nothing that is still known.
    #[must_use]
    pub const fn cursor(&self) -> Option<Cursor> {
        self.told
    }

    /// Returns the next update, as soon as there is one.
    ///
    /// # Errors
    /// - [`ErrorKind::Denied`]: the member is no more, or the resolver says no. It is over, and what was told is to be
    ///   forgotten.
    /// - Those of the database and of the resolver. Nothing is told meanwhile; the next call goes on waiting.
    ///
    /// # Cancel safety
    ///
    /// Safe to drop: no update is lost, and none comes twice.
    pub async fn next(&mut self) -> Result<Update> {
        let reading = self.reader.begin();
        let options = &self.shared.options;
        let stalled = options.stall.is_some_and(|most| reading.idle > most);
        if let Some(until) = self.waits {
            sleep_until(until).await;
            self.waits = None;
        }
        loop {
            if let Some(end) = self.end {
                return self.ended(end);
            }
            let published = Arc::clone(&*self.published.borrow_and_update());
            match (&published.fault, &published.snapshot) {
                _ if published.is_closed => self.end = Some(End::Resume),
                (Some((number, cause)), _) if *number != self.fault => {
                    self.fault = *number;
                    return Err(unread(cause));
                }
                // What cannot be followed may be out of date, so nothing is told of it.
                (None, Some(snapshot)) => {
                    if let Some(update) = self.look(&published, snapshot, stalled).await? {
                        return Ok(update);
                    }
                }
                _ => {}
            }
            let is_faulty = published.fault.is_some();
            // Whoever waits holds no earlier states.
            drop(published);
            if self.end.is_none() {
                self.wait(is_faulty).await;
            }
        }
    }

    /// Works out what is to be told, and asks whether it may be.
    async fn look(
        &mut self,
        published: &Published,
        snapshot: &Snapshot,
        stalled: bool,
    ) -> Result<Option<Update>> {
        if snapshot.member(&self.request.member).is_none() {
            self.end = Some(End::Removed);
            return Ok(None);
        }
        self.read_own(published).await?;
        let step = self.step(published, snapshot);
        let is_first = self.told.is_none();
        let tells = step.tells() || is_first;
        let elapsed = self.shared.clock.elapsed();
        if tells || elapsed.saturating_sub(self.asked) >= self.shared.options.recheck {
            match self.shared.ask(&self.request).await {
                Ok(()) => self.asked = elapsed,
                Err(error) if error.kind() == ErrorKind::Denied => {
                    self.end = Some(End::Refused);
                    return Ok(None);
                }
                Err(error) => {
                    self.put_off();
                    return Err(error);
                }
            }
        }
        if tells && stalled && !is_first {
            self.end = Some(End::Resume);
            return Ok(None);
        }
        // From here to the end nothing waits, so what is taken is told.
        let told = self.view.take(step, snapshot);
        self.generation = published.generation;
        let update = if is_first {
            Update::Snapshot(self.view.picture(told, snapshot))
        } else if let Some(difference) = told {
            Update::Difference(difference)
        } else {
            return Ok(None);
        };
        self.told = match &update {
            Update::Snapshot(picture) => Some(picture.cursor),
            Update::Difference(difference) => Some(difference.cursor),
            Update::Resume(cursor) => Some(*cursor),
        };
        Ok(Some(update))
    }

    /// Reads what the member has arranged for themselves, if they may have arranged something since.
    async fn read_own(&mut self, published: &Published) -> Result<()> {
        let arranged = published.arranged.by(&self.request.member);
        if arranged == self.arranged {
            return Ok(());
        }
        let store = self.shared.policy.store(&self.request.organization);
        let own = Own::read(&store, &self.request.member).await;
        let own = own.inspect_err(|_| self.put_off())?;
        self.arranged = arranged;
        if self.view.arrange(own) {
            // Whatever the states have in common, the view is of none of them.
            self.generation = 0;
        }
        Ok(())
    }

    /// Has the next call wait before it asks again.
    fn put_off(&mut self) {
        self.waits = Some(Instant::now() + self.shared.options.interval);
    }

    fn step(&self, published: &Published, snapshot: &Snapshot) -> Step {
        let now = self.shared.clock.now();
        // A view that was made out of a cursor has no generation, nor one that was arranged anew.
        let since = (self.generation > 0).then(|| published.since(self.generation));
        match since.flatten() {
            Some(changed) => self.view.step(snapshot, now, Scope::Changed(&changed)),
            None => self.view.step(snapshot, now, Scope::All),
        }
    }

    /// Waits until there may be something to tell.
    async fn wait(&mut self, is_faulty: bool) {
        let options = &self.shared.options;
        let asked = self.shared.clock.elapsed().saturating_sub(self.asked);
        // Due and put off while there is a fault: as long as a look at the database takes to be tried again.
        let mut pause = options.recheck.saturating_sub(asked);
        if is_faulty {
            pause = pause.max(options.interval);
        } else {
            // In pieces, as the clock may be put forward, or back to before what was told began to hold. A look at what
            // is in memory costs little.
            pause = pause.min(options.interval);
            if let Some(next) = self.view.next_wake() {
                pause = pause.min(next.saturating_since(self.shared.clock.now()));
            }
        }
        // A pause of nothing would keep others from their turn.
        let pause = sleep(pause.max(Duration::from_millis(1)));
        tokio::select! {
            changed = self.published.changed() => {
                if changed.is_err() {
                    self.end = Some(End::Resume);
                }
            }
            () = pause => {}
        }
    }

    fn ended(&self, end: End) -> Result<Update> {
        match (end, self.told) {
            (End::Removed, _) => Err(denied(&self.request, "there is no such member")),
            (End::Refused, _) => Err(denied(&self.request, "the resolver said no")),
            (End::Resume, Some(cursor)) => Ok(Update::Resume(cursor)),
            (End::Resume, None) => Err(over()),
        }
    }
}

fn behind(cursor: u64) -> Error {
    let message = "the state of the organization is not yet as new as the cursor";
    Error::new(ErrorKind::Unavailable, "section.watch", message).with_context("cursor", cursor)
}

/// Waits for a state that will do; or for a fault while there is none, or the end.
async fn first(
    published: &mut watch::Receiver<Arc<Published>>,
    will_do: impl Fn(&Snapshot) -> bool + Send + Sync,
) -> Result<Arc<Published>> {
    let found = published
        .wait_for(|now| {
            let is_lost = now.snapshot.is_none() && now.fault.is_some();
            now.snapshot.as_ref().is_some_and(&will_do) || is_lost || now.is_closed
        })
        .await;
    Ok(Arc::clone(&*found.map_err(|_| over())?))
}

/// Makes out what a client was told; nothing if that is not possible.
fn resumed(
    published: &Published,
    snapshot: &Snapshot,
    empty: &ViewState,
    cursor: &Cursor,
    now: Timestamp,
) -> Option<ViewState> {
    let at = |snapshot: &Snapshot, now| {
        let mut view = empty.clone();
        let step = view.step(snapshot, now, Scope::All);
        view.take(step, snapshot);
        (view.digest(snapshot) == cursor.digest).then_some(view)
    };
    at(snapshot, now).or_else(|| at(published.at(cursor)?, cursor.at))
}

/// Knows when a subscriber last waited for something.
#[derive(Debug)]
struct Reader {
    clock: Arc<dyn Clock>,
    /// Milliseconds.
    last: Arc<AtomicU64>,
}

/// A subscriber waits.
struct Reading {
    clock: Arc<dyn Clock>,
    last: Arc<AtomicU64>,
    /// How long it had not.
    idle: Duration,
}

impl Reader {
    fn new(clock: Arc<dyn Clock>) -> Self {
        let last = Arc::new(AtomicU64::new(millis(clock.elapsed())));
        Self { clock, last }
    }

    fn begin(&self) -> Reading {
        let last = Duration::from_millis(self.last.load(Ordering::Relaxed));
        Reading {
            idle: self.clock.elapsed().saturating_sub(last),
            clock: Arc::clone(&self.clock),
            last: Arc::clone(&self.last),
        }
    }
}

impl Drop for Reading {
    fn drop(&mut self) {
        let now = millis(self.clock.elapsed());
        self.last.store(now, Ordering::Relaxed);
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

fn over() -> Error {
    let message = "subscriptions have ended";
    Error::new(ErrorKind::Cancelled, "section.watch", message)
}

fn unread(cause: &Arc<Error>) -> Error {
    let message = "what decides in the organization cannot be read";
    Error::new(cause.kind(), "section.watch", message).with_source(Arc::clone(cause))
}

impl fmt::Debug for Subscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscription")
            .field("request", &self.request)
            .field("told", &self.told)
            .finish_non_exhaustive()
    }
}
