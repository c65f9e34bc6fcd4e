//! Deciding about calls, and keeping count of them.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;

use crate::testing::faults::Dice;

use super::fault::HttpFault;
use super::rule::HttpRule;

/// How many calls are remembered one by one; all are counted.
const REMEMBERED: usize = 10_000;

/// A call that went through, printed without its query, in which platforms carry secrets.
#[derive(Clone, Eq, PartialEq)]
#[non_exhaustive]
pub struct HttpCall {
    /// Which of all calls it was, from 1.
    pub number: u64,
    /// The method.
    pub method: Box<str>,
    /// Path and query as sent.
    pub target: Box<str>,
    /// The status that the client was told, `None` if it was told none.
    pub status: Option<u16>,
    /// What went wrong.
    pub fault: Option<HttpFault>,
}

impl fmt::Debug for HttpCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.target.split('?').next().unwrap_or_default();
        write!(f, "{}: {} {path}", self.number, self.method)?;
        if let Some(status) = self.status {
            write!(f, " -> {status}")?;
        }
        match &self.fault {
            Some(fault) => write!(f, " ({fault:?})"),
            None => Ok(()),
        }
    }
}

/// What was decided for a call.
#[derive(Debug)]
pub(super) struct Decision {
    pub(super) number: u64,
    pub(super) fault: Option<HttpFault>,
    /// The rules that want to see the answer, as long as they are not thrown away.
    watching: Vec<usize>,
    healed: u64,
    /// An answer of before that is to come again.
    pub(super) again: Option<Bytes>,
}

impl Decision {
    /// Whether a rule wants to see the answer.
    pub(super) fn is_watched(&self) -> bool {
        !self.watching.is_empty()
    }
}

/// What all connections share.
#[derive(Debug)]
pub(super) struct Decisions(Mutex<State>);

#[derive(Debug)]
struct State {
    dice: Dice,
    rules: Vec<Ruled>,
    /// Counts the times that the rules were thrown away, so that a late answer is not kept for another rule.
    healed: u64,
    calls: VecDeque<HttpCall>,
    count: u64,
    injected: u64,
    strayed: u64,
}

#[derive(Debug)]
struct Ruled {
    rule: HttpRule,
    seen: u64,
    last: Option<Bytes>,
}

impl Decisions {
    pub(super) fn new(seed: u64) -> Self {
        Self(Mutex::new(State {
            dice: Dice::new(seed),
            rules: Vec::new(),
            healed: 0,
            calls: VecDeque::new(),
            count: 0,
            injected: 0,
            strayed: 0,
        }))
    }

    pub(super) fn add(&self, rule: HttpRule) {
        self.state().rules.push(Ruled {
            rule,
            seen: 0,
            last: None,
        });
    }

    pub(super) fn heal(&self) {
        let mut state = self.state();
        state.rules.clear();
        state.healed += 1;
    }

    pub(super) fn calls(&self) -> Vec<HttpCall> {
        self.state().calls.iter().cloned().collect()
    }

    pub(super) fn count(&self) -> u64 {
        self.state().count
    }

    pub(super) fn injected(&self) -> u64 {
        self.state().injected
    }

    pub(super) fn strayed(&self) -> u64 {
        self.state().strayed
    }

    /// Notes a call that came to where the proxy's redirects lead.
    pub(super) fn stray(&self) {
        self.state().strayed += 1;
    }

    /// Counts a call, and decides about it. The first rule that applies wins; every rule that means the call counts it.
    pub(super) fn decide(&self, method: &str, target: &str) -> Decision {
        let mut state = self.state();
        state.count += 1;
        let number = state.count;
        let mut decision = Decision {
            number,
            fault: None,
            watching: Vec::new(),
            healed: state.healed,
            again: None,
        };
        let State { dice, rules, .. } = &mut *state;
        for (index, ruled) in rules.iter_mut().enumerate() {
            if !ruled.rule.means(method, target) {
                continue;
            }
            ruled.seen += 1;
            let repeats = ruled.rule.fault == HttpFault::Repeat;
            if repeats {
                decision.watching.push(index);
            }
            let since = ruled.seen.checked_sub(ruled.rule.nth);
            let due = since.is_some_and(|since| since < ruled.rule.times);
            let due = due && (ruled.rule.rate >= 1.0 || dice.chance(ruled.rule.rate));
            if !due || decision.fault.is_some() || (repeats && ruled.last.is_none()) {
                continue;
            }
            decision.fault = Some(ruled.rule.fault.clone());
            decision.again = ruled.last.clone().filter(|_| repeats);
        }
        if state.calls.len() == REMEMBERED {
            state.calls.pop_front();
        }
        state.calls.push_back(HttpCall {
            number,
            method: method.into(),
            target: target.into(),
            status: None,
            fault: None,
        });
        decision
    }

    /// Notes that a fault has struck.
    pub(super) fn struck(&self, number: u64, fault: &HttpFault) {
        let mut state = self.state();
        state.injected += 1;
        if let Some(call) = state.call(number) {
            call.fault = Some(fault.clone());
        }
    }

    /// Notes what the client was told.
    pub(super) fn told(&self, number: u64, status: u16) {
        if let Some(call) = self.state().call(number) {
            call.status = Some(status);
        }
    }

    /// Keeps an answer for the rules that were watching.
    pub(super) fn keep(&self, decision: &Decision, answer: &Bytes) {
        let mut state = self.state();
        if state.healed != decision.healed {
            return;
        }
        for index in &decision.watching {
            if let Some(ruled) = state.rules.get_mut(*index) {
                ruled.last = Some(answer.clone());
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn call(&mut self, number: u64) -> Option<&mut HttpCall> {
        let mut latest = self.calls.iter_mut().rev();
        latest.find(|call| call.number == number)
    }
}
