//! The handle that counts calls and decides which of them fail.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use crate::error::{Error, ErrorKind};

use super::dice::Dice;
use super::kind::{FaultKind, FaultRule, Moment, Operation};

/// Decides which I/O calls fail, and how. A clone is the same handle.
///
/// # Example
///
/// ```
/// use std::sync::Arc;
/// use garland::connector::{FilePath, PlatformConnector};
/// use garland::platforms::MemoryPlatform;
/// use garland::testing::{Faults, FaultyConnector, Moment};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> garland::Result<()> {
/// let card = MemoryPlatform::default();
/// let faults = Faults::crash_at(2, Moment::Before);
/// let shaky = FaultyConnector::new("card", Arc::new(card), faults.clone());
/// assert!(shaky.check().await.is_ok());
/// assert!(shaky.check().await.is_err(), "the second call crashes");
/// assert!(shaky.check().await.is_err(), "and so does every later one");
/// faults.heal();
/// assert!(shaky.check().await.is_ok());
/// assert_eq!(faults.steps(), 4);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Faults(Arc<Shared>);

struct Shared {
    state: Mutex<State>,
    crashed: watch::Sender<bool>,
}

#[derive(Debug, Default)]
struct State {
    steps: u64,
    crash: Option<(u64, Moment)>,
    is_down: bool,
    chance: Option<Chance>,
    rules: Vec<(FaultRule, u64)>,
    injected: Vec<Injected>,
}

#[derive(Debug)]
struct Chance {
    dice: Dice,
    rate: f64,
    kinds: Vec<FaultKind>,
}

/// A fault that was injected.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Injected {
    /// Which of all calls it was, from 1.
    pub step: u64,
    /// Through which wrapped thing.
    pub label: Box<str>,
    /// The call.
    pub operation: Operation,
    /// What it was about: a path, a link's id, a collection or a journal. May be empty.
    pub subject: Box<str>,
    /// What went wrong; `None` for the crash itself.
    pub kind: Option<FaultKind>,
}

impl fmt::Display for Injected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            step,
            label,
            operation,
            subject,
            kind,
        } = self;
        write!(f, "step {step}: {label} {operation:?} `{subject}`: ")?;
        match kind {
            Some(kind) => write!(f, "{kind:?}"),
            None => f.write_str("crash"),
        }
    }
}

/// What the handle has decided for one call.
#[derive(Debug)]
pub(super) enum Verdict {
    Pass,
    /// An error, before or after the effect.
    Fail(Moment, Error),
    /// A fault of this kind; the word is chance for its details.
    Fault(FaultKind, u64),
}

impl Faults {
    /// Lets every call pass, and counts it.
    #[must_use]
    pub fn none() -> Self {
        Self::new(State::default())
    }

    /// Fails the call at `step` (from 1) before or after its effect, and every later call on every
    /// thing that shares this handle, until [`heal`](Self::heal): as if the process had died.
    ///
    /// The errors are [`ErrorKind::Unexpected`], which nobody retries. Their message says `crash`.
    #[must_use]
    pub fn crash_at(step: u64, moment: Moment) -> Self {
        Self::new(State {
            crash: Some((step, moment)),
            ..State::default()
        })
    }

    /// Lets a share of all calls (`rate`, 0 to 1) fail in one of `kinds`, the same for one seed and
    /// one order of calls.
    #[must_use]
    pub fn seeded(seed: u64, rate: f64, kinds: &[FaultKind]) -> Self {
        Self::new(State {
            chance: Some(Chance {
                dice: Dice::new(seed),
                rate,
                kinds: kinds.to_vec(),
            }),
            ..State::default()
        })
    }

    /// Adds a fault at a place of the test's choice. A rule goes before chance.
    #[must_use]
    pub fn with_rule(self, rule: FaultRule) -> Self {
        self.add_rule(rule);
        self
    }

    /// Adds a fault while the handle is in use.
    pub fn add_rule(&self, rule: FaultRule) {
        self.state().rules.push((rule, 0));
    }

    /// Returns how many calls were made.
    #[must_use]
    pub fn steps(&self) -> u64 {
        self.state().steps
    }

    /// Returns the faults injected so far, in order.
    #[must_use]
    pub fn injected(&self) -> Vec<Injected> {
        self.state().injected.clone()
    }

    /// Tells whether the crash has happened and is not healed.
    #[must_use]
    pub fn is_crashed(&self) -> bool {
        self.state().is_down
    }

    /// Waits for the crash. A test drops its run then, as a process that dies drops everything.
    pub async fn crashed(&self) {
        let mut crashed = self.0.crashed.subscribe();
        // The sender lives as long as this handle, so waiting cannot fail.
        let _ = crashed.wait_for(|&crashed| crashed).await;
    }

    /// Lets everything work from here on: no crash, no chance, no rules. Counting goes on.
    pub fn heal(&self) {
        {
            let mut state = self.state();
            state.crash = None;
            state.is_down = false;
            state.chance = None;
            state.rules.clear();
        }
        self.0.crashed.send_replace(false);
    }

    fn new(state: State) -> Self {
        Self(Arc::new(Shared {
            state: Mutex::new(state),
            crashed: watch::Sender::new(false),
        }))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts a call and decides about it.
    pub(super) fn step(&self, label: &str, operation: Operation, subject: &str) -> Verdict {
        let verdict = self.state().decide(label, operation, subject);
        if matches!(verdict, Verdict::Fail(..)) {
            self.0.crashed.send_replace(true);
        }
        verdict
    }
}

impl State {
    fn decide(&mut self, label: &str, operation: Operation, subject: &str) -> Verdict {
        self.steps += 1;
        if self.is_down {
            return Verdict::Fail(Moment::Before, crash());
        }
        if let Some((_, moment)) = self.crash.filter(|&(step, _)| step == self.steps) {
            self.is_down = true;
            self.note(label, operation, subject, None);
            return Verdict::Fail(moment, crash());
        }
        let ruled = self.ruled(label, operation, subject);
        let Some((kind, word)) = ruled.or_else(|| self.thrown(operation)) else {
            return Verdict::Pass;
        };
        self.note(label, operation, subject, Some(kind));
        Verdict::Fault(kind, word)
    }

    /// The first rule that applies. Every rule that matches counts the call.
    fn ruled(
        &mut self,
        label: &str,
        operation: Operation,
        subject: &str,
    ) -> Option<(FaultKind, u64)> {
        let is =
            |wanted: &Option<Box<str>>, given: &str| wanted.as_deref().is_none_or(|w| w == given);
        let mut found = None;
        for (rule, seen) in &mut self.rules {
            if rule.operation == operation && is(&rule.subject, subject) && is(&rule.label, label) {
                *seen += 1;
                let since = seen.checked_sub(rule.nth);
                let due = since.is_some_and(|since| since < rule.times);
                if found.is_none() && due && rule.kind.befalls(operation) {
                    found = Some((rule.kind, *seen));
                }
            }
        }
        found
    }

    fn thrown(&mut self, operation: Operation) -> Option<(FaultKind, u64)> {
        let chance = self.chance.as_mut()?;
        if !chance.dice.chance(chance.rate) {
            return None;
        }
        let possible: Vec<FaultKind> = chance
            .kinds
            .iter()
            .copied()
            .filter(|kind| kind.befalls(operation))
            .collect();
        let kind = chance.dice.pick(&possible)?;
        Some((kind, chance.dice.word()))
    }

    fn note(&mut self, label: &str, operation: Operation, subject: &str, kind: Option<FaultKind>) {
        self.injected.push(Injected {
            step: self.steps,
            label: label.into(),
            operation,
            subject: subject.into(),
            kind,
        });
    }
}

impl fmt::Debug for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.state();
        f.debug_struct("Faults")
            .field("steps", &state.steps)
            .field("injected", &state.injected)
            .finish_non_exhaustive()
    }
}

fn crash() -> Error {
    Error::new(ErrorKind::Unexpected, "faults.crash", "injected crash")
}
