//! Nothing that a queue takes is lost, doubled or taken out of order, whatever fails.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use garland::section::{
    BatchItem, BatchQueue, ConfigurationChange, ConfigurationEntry, Flush, FlushId, Patch, Trigger,
};
use proptest::prelude::*;
use serde_json::json;

use super::worlds::patch;

/// What happens next, so many milliseconds after what happened before.
#[derive(Clone, Debug)]
enum Step {
    Push(usize, Patch, usize),
    Tick,
    Begin,
    Accept,
    Fail(u64),
    /// An answer that comes late, or twice.
    Stray(bool),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (0..3usize, patch(), 0..3usize).prop_map(|(id, patch, by)| Step::Push(id, patch, by)),
        1 => Just(Step::Tick),
        3 => Just(Step::Begin),
        2 => Just(Step::Accept),
        2 => (0..3_000u64).prop_map(Step::Fail),
        1 => any::<bool>().prop_map(Step::Stray),
    ]
}

const IDS: [&str; 3] = ["c1", "c2", "c3"];
const AUTHORS: [&str; 3] = ["ann", "bo", "cy"];

/// What was given to the queue, in order, with the flush that it was promised.
type Given = Vec<(FlushId, &'static str, Patch, &'static str, Duration)>;

#[derive(Default)]
struct Driver {
    queue: BatchQueue<ConfigurationChange>,
    given: Given,
    accepted: Vec<Arc<Flush<ConfigurationEntry>>>,
    under_way: Option<Arc<Flush<ConfigurationEntry>>>,
    last: Option<FlushId>,
}

impl Driver {
    fn take(&mut self, now: Duration, step: Step) -> Result<(), TestCaseError> {
        match step {
            Step::Push(id, patch, by) => {
                let change = ConfigurationChange::new(IDS[id], patch.clone(), AUTHORS[by]);
                let flush = self.queue.push(now, change).unwrap();
                self.given.push((flush, IDS[id], patch, AUTHORS[by], now));
            }
            Step::Tick => self.queue.tick(now),
            Step::Begin => self.begin(now)?,
            Step::Accept => {
                if let Some(flush) = self.under_way.take() {
                    prop_assert!(self.queue.accepted(flush.id));
                    self.last = Some(flush.id);
                    self.accepted.push(flush);
                }
            }
            Step::Fail(wait) => {
                if let Some(flush) = self.under_way.take() {
                    let again = now + Duration::from_millis(wait);
                    prop_assert!(self.queue.failed(flush.id, again));
                    prop_assert_eq!(self.queue.due(), Some(again));
                }
            }
            Step::Stray(good) => {
                if let Some(id) = self.last {
                    let taken = if good {
                        self.queue.accepted(id)
                    } else {
                        self.queue.failed(id, now)
                    };
                    prop_assert!(!taken);
                }
            }
        }
        let done: usize = self.accepted.iter().map(|flush| flush.received).sum();
        prop_assert_eq!(self.queue.len() + done, self.given.len());
        Ok(())
    }

    fn begin(&mut self, now: Duration) -> Result<(), TestCaseError> {
        let due = self.queue.due();
        let begun = self.queue.begin(now);
        if self.under_way.is_some() {
            prop_assert_eq!(begun, None, "one is under way");
            return Ok(());
        }
        prop_assert_eq!(begun.is_some(), due.is_some_and(|due| due <= now));
        self.under_way = begun;
        Ok(())
    }

    /// Shuts down, and retries until everything is accepted.
    fn finish(&mut self, now: Duration, fails: &[bool]) -> Result<(), TestCaseError> {
        self.queue.shutdown(now);
        let late = ConfigurationChange::new("c1", Patch::default(), "late");
        prop_assert_eq!(self.queue.push(now, late), None);
        let mut fails = fails.iter();
        let mut now = now;
        loop {
            now = now.max(self.queue.due().unwrap_or(now));
            self.begin(now)?;
            if self.under_way.is_none() {
                break;
            }
            let step = match fails.next() {
                Some(true) => Step::Fail(10),
                _ => Step::Accept,
            };
            self.take(now, step)?;
        }
        prop_assert!(self.queue.is_empty());
        prop_assert_eq!(self.queue.pending().count(), 0);
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn nothing_is_lost_or_doubled(
        steps in prop::collection::vec((0..1_500u64, step()), 0..60),
        fails in prop::collection::vec(any::<bool>(), 0..10),
    ) {
        let mut driver = Driver::default();
        let mut now = Duration::ZERO;
        for (wait, step) in steps {
            now += Duration::from_millis(wait);
            driver.take(now, step)?;
        }
        driver.finish(now, &fails)?;
        let Driver { given, accepted, .. } = driver;

        // In order, each once.
        let ids: Vec<FlushId> = accepted.iter().map(|flush| flush.id).collect();
        prop_assert!(ids.is_sorted_by(|one, other| one < other));

        for flush in &accepted {
            let items: Given = given.iter().filter(|item| item.0 == flush.id).cloned().collect();
            prop_assert_eq!(items.len(), flush.received);
            let arrived = items[0].4;
            let end = arrived + ConfigurationChange::WINDOW;
            match flush.trigger {
                Trigger::Time => prop_assert_eq!(flush.at, end),
                Trigger::Count => prop_assert_eq!(flush.received, ConfigurationChange::ITEMS),
                _ => prop_assert!(flush.at < end),
            }
            prop_assert!(flush.received <= ConfigurationChange::ITEMS);
            prop_assert!(items.iter().all(|item| item.4 < end), "one came after the window");
            prop_assert_eq!(&flush.items, &merged(&items));
        }
        let flushed: usize = accepted.iter().map(|flush| flush.received).sum();
        prop_assert_eq!(flushed, given.len());

        // One write after the other gives what all changes in the order of arrival give.
        for id in IDS {
            let stored = garland::section::Configuration::try_from(json!({ "id": id })).unwrap();
            let entries = accepted.iter().flat_map(|flush| &flush.items).filter(|entry| &*entry.config_id == id);
            let written = entries.fold(stored.clone(), |stored, entry| entry.patch.apply(&stored));
            let changes = given.iter().filter(|item| item.1 == id);
            let wanted = changes.fold(stored, |stored, item| item.2.apply(&stored));
            prop_assert_eq!(written, wanted);
        }
    }
}

/// What the entries of these items must be, as (configuration, patch, authors, count) in the order of arrival.
fn merged(items: &Given) -> Vec<ConfigurationEntry> {
    let mut first: Vec<&str> = Vec::new();
    let mut by_id: BTreeMap<&str, Vec<ConfigurationEntry>> = BTreeMap::new();
    for (_, id, patch, by, _) in items {
        if !first.contains(id) {
            first.push(id);
        }
        let mut alone = Vec::new();
        ConfigurationChange::new(*id, patch.clone(), *by).merge_into(&mut alone);
        by_id.entry(id).or_default().extend(alone);
    }
    let merge = |entries: Vec<ConfigurationEntry>| {
        let merged = entries.len();
        let mut authors: Vec<Arc<str>> = Vec::new();
        for author in entries.iter().flat_map(|entry| &entry.by) {
            if !authors.contains(author) {
                authors.push(Arc::clone(author));
            }
        }
        let patches = entries.iter().map(|entry| &entry.patch);
        let patch = patches.fold(Patch::default(), |patch, later| patch.then(later));
        let mut entry = entries.into_iter().next().unwrap();
        (entry.patch, entry.by, entry.merged) = (patch, authors, merged);
        entry
    };
    first
        .into_iter()
        .filter_map(|id| by_id.remove(id))
        .map(merge)
        .collect()
}
