//! Wake-ups within one process.
//!
//! A watcher has a list of the organizations it has not been told of yet, and each is in it once, however much is
//! written. So a storm in one organization neither fills the list nor keeps another waiting, and whoever watches a single
//! organization is not woken by any other.

use std::collections::{HashMap, HashSet, VecDeque};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll, Waker};

use futures_util::stream::{BoxStream, Stream, StreamExt as _};

use crate::id::OrganizationId;
use crate::storage::Wake;

/// Most organizations that wait for a slow watcher; one that has not taken more is told to look at everything.
const WAITING: usize = 4_096;

/// Tells every watcher.
#[derive(Clone, Debug)]
pub(super) struct Wakes(Arc<Hub>);

impl Wakes {
    pub(super) fn new() -> Self {
        Self(Arc::default())
    }

    pub(super) fn wake(&self, wake: &Wake) {
        let wakers: Vec<Waker> = {
            let table = self.0.table();
            let all = table.of_all.values();
            match wake {
                Wake::Organization(organization) => {
                    let of_one = table.of_one.get(organization);
                    let of_one = of_one.into_iter().flat_map(HashMap::values);
                    all.chain(of_one)
                        .filter_map(|watcher| watcher.put(organization))
                        .collect()
                }
                Wake::All => {
                    let of_one = table.of_one.values().flat_map(HashMap::values);
                    all.chain(of_one)
                        .filter_map(|watcher| watcher.put_all())
                        .collect()
                }
            }
        };
        // Outside the locks, as whoever is woken may look at once.
        wakers.into_iter().for_each(Waker::wake);
    }

    /// Whether anybody watches.
    #[cfg(feature = "sqlite")]
    pub(super) fn are_watched(&self) -> bool {
        let table = self.0.table();
        !table.of_all.is_empty() || !table.of_one.is_empty()
    }

    /// Watches all organizations.
    pub(super) fn watch(&self) -> BoxStream<'static, Wake> {
        Watcher::new(&self.0, None).boxed()
    }

    /// Watches one organization.
    pub(super) fn watch_one(&self, organization: &OrganizationId) -> BoxStream<'static, ()> {
        let watcher = Watcher::new(&self.0, Some(organization.clone()));
        watcher.map(|_| ()).boxed()
    }
}

/// Knows who watches. The streams end when it goes.
#[derive(Debug, Default)]
struct Hub(Mutex<Table>);

type Row = HashMap<u64, Arc<Mailbox>>;

#[derive(Debug, Default)]
struct Table {
    /// The number of the last watcher.
    last: u64,
    of_all: Row,
    of_one: HashMap<OrganizationId, Row>,
}

impl Hub {
    fn table(&self) -> MutexGuard<'_, Table> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Hub {
    fn drop(&mut self) {
        let table = self.0.get_mut().unwrap_or_else(PoisonError::into_inner);
        let of_one = table.of_one.values().flat_map(HashMap::values);
        for watcher in table.of_all.values().chain(of_one) {
            if let Some(waker) = watcher.close() {
                waker.wake();
            }
        }
    }
}

/// What one watcher is to be told.
#[derive(Debug, Default)]
struct Mailbox(Mutex<Letters>);

#[derive(Debug, Default)]
struct Letters {
    /// First come, first told, so that one that comes again and again keeps none waiting.
    order: VecDeque<OrganizationId>,
    known: HashSet<OrganizationId>,
    /// Any may have something; nothing else is told then.
    all: bool,
    is_closed: bool,
    waker: Option<Waker>,
}

impl Mailbox {
    /// Returns whom to wake.
    fn put(&self, organization: &OrganizationId) -> Option<Waker> {
        let mut letters = self.letters();
        if letters.all || !letters.known.insert(organization.clone()) {
            return None;
        }
        letters.order.push_back(organization.clone());
        if letters.order.len() > WAITING {
            letters.forget();
            letters.all = true;
        }
        letters.waker.take()
    }

    fn put_all(&self) -> Option<Waker> {
        let mut letters = self.letters();
        letters.forget();
        letters.all = true;
        letters.waker.take()
    }

    fn close(&self) -> Option<Waker> {
        let mut letters = self.letters();
        letters.is_closed = true;
        letters.waker.take()
    }

    fn letters(&self) -> MutexGuard<'_, Letters> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Letters {
    fn take(&mut self) -> Option<Wake> {
        if std::mem::take(&mut self.all) {
            return Some(Wake::All);
        }
        let organization = self.order.pop_front()?;
        self.known.remove(&organization);
        Some(Wake::Organization(organization))
    }

    /// Gives the memory back too.
    fn forget(&mut self) {
        (self.order, self.known) = (VecDeque::new(), HashSet::new());
    }
}

/// Listens until it is dropped.
#[derive(Debug)]
struct Watcher {
    number: u64,
    /// Nothing for all of them.
    organization: Option<OrganizationId>,
    mailbox: Arc<Mailbox>,
    hub: Weak<Hub>,
}

impl Watcher {
    fn new(hub: &Arc<Hub>, organization: Option<OrganizationId>) -> Self {
        let mailbox = Arc::<Mailbox>::default();
        let mut table = hub.table();
        table.last = table.last.saturating_add(1);
        let number = table.last;
        let row = match &organization {
            Some(organization) => table.of_one.entry(organization.clone()).or_default(),
            None => &mut table.of_all,
        };
        row.insert(number, Arc::clone(&mailbox));
        Self {
            number,
            organization,
            mailbox,
            hub: Arc::downgrade(hub),
        }
    }
}

impl Stream for Watcher {
    type Item = Wake;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Wake>> {
        let mut letters = self.mailbox.letters();
        if let Some(wake) = letters.take() {
            return Poll::Ready(Some(wake));
        }
        if letters.is_closed {
            return Poll::Ready(None);
        }
        letters.waker = Some(context.waker().clone());
        Poll::Pending
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        let Some(hub) = self.hub.upgrade() else {
            return;
        };
        let mut table = hub.table();
        match &self.organization {
            Some(organization) => {
                if let Some(row) = table.of_one.get_mut(organization) {
                    row.remove(&self.number);
                    if row.is_empty() {
                        table.of_one.remove(organization);
                    }
                }
            }
            None => _ = table.of_all.remove(&self.number),
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    fn organization(name: &str) -> OrganizationId {
        name.parse().unwrap()
    }

    fn of(name: &str) -> Wake {
        Wake::Organization(organization(name))
    }

    fn told(watcher: &mut BoxStream<'static, Wake>) -> Vec<Wake> {
        std::iter::from_fn(|| watcher.next().now_or_never())
            .map(|wake| wake.expect("it goes on"))
            .collect()
    }

    #[test]
    fn a_storm_is_one_wake_up_and_does_not_hide_another_organization() {
        let wakes = Wakes::new();
        let mut watcher = wakes.watch();
        for _ in 0..10_000 {
            wakes.wake(&of("stormy"));
        }
        wakes.wake(&of("calm"));
        wakes.wake(&of("stormy"));
        assert_eq!(told(&mut watcher), [of("stormy"), of("calm")]);
        wakes.wake(&of("stormy"));
        assert_eq!(told(&mut watcher), [of("stormy")]);
        assert!(told(&mut watcher).is_empty());
    }

    #[test]
    fn one_that_comes_again_and_again_keeps_none_waiting() {
        let wakes = Wakes::new();
        let mut watcher = wakes.watch();
        wakes.wake(&of("stormy"));
        wakes.wake(&of("calm"));
        let mut polls = 0;
        while watcher.next().now_or_never().flatten() != Some(of("calm")) {
            wakes.wake(&of("stormy"));
            polls += 1;
        }
        assert_eq!(polls, 1);
    }

    #[test]
    fn whoever_watches_one_organization_is_not_woken_by_another() {
        let wakes = Wakes::new();
        let mut watcher = wakes.watch_one(&organization("calm"));
        let (waker, woken) = counted();
        let mut context = Context::from_waker(&waker);
        assert!(watcher.poll_next_unpin(&mut context).is_pending());
        for _ in 0..10_000 {
            wakes.wake(&of("stormy"));
        }
        assert_eq!(woken.count(), 0);
        wakes.wake(&of("calm"));
        wakes.wake(&of("calm"));
        assert_eq!(woken.count(), 1);
        assert!(watcher.poll_next_unpin(&mut context).is_ready());
        assert!(watcher.poll_next_unpin(&mut context).is_pending());
        wakes.wake(&Wake::All);
        assert_eq!(woken.count(), 2);
        assert!(watcher.poll_next_unpin(&mut context).is_ready());
    }

    #[test]
    fn more_organizations_than_are_kept_are_all_of_them() {
        let wakes = Wakes::new();
        let (mut watcher, mut one) = (wakes.watch(), wakes.watch_one(&organization("calm")));
        for number in 0..WAITING {
            wakes.wake(&of(&format!("o{number}")));
        }
        assert_eq!(told(&mut watcher).len(), WAITING);
        for number in 0..=WAITING {
            wakes.wake(&of(&format!("o{number}")));
        }
        wakes.wake(&of("late"));
        assert_eq!(told(&mut watcher), [Wake::All]);
        wakes.wake(&of("late"));
        assert_eq!(told(&mut watcher), [of("late")]);
        assert_eq!(one.next().now_or_never(), None);
    }

    #[test]
    fn a_watcher_that_goes_leaves_nothing_and_all_end_with_the_database() {
        let wakes = Wakes::new();
        let (all, one) = (wakes.watch(), wakes.watch_one(&organization("calm")));
        drop((all, one));
        let table = wakes.0.table();
        assert!(table.of_all.is_empty() && table.of_one.is_empty());
        drop(table);
        let (mut all, mut one) = (wakes.watch(), wakes.watch_one(&organization("calm")));
        let other = wakes.clone();
        drop(wakes);
        other.wake(&of("calm"));
        drop(other);
        // What came before the end is told before it.
        assert_eq!(all.next().now_or_never(), Some(Some(of("calm"))));
        assert_eq!(all.next().now_or_never(), Some(None));
        assert_eq!(one.next().now_or_never(), Some(Some(())));
        assert_eq!(one.next().now_or_never(), Some(None));
    }

    /// Counts how often it is woken.
    #[derive(Debug, Default)]
    struct Count(std::sync::atomic::AtomicUsize);

    impl Count {
        fn count(&self) -> usize {
            self.0.load(std::sync::atomic::Ordering::SeqCst)
        }
    }

    impl std::task::Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        }
    }

    fn counted() -> (Waker, Arc<Count>) {
        let count = Arc::<Count>::default();
        (Waker::from(Arc::clone(&count)), count)
    }
}
