//! Who goes first.

use std::collections::BTreeMap;

use garland::resilience::pool::{Permit, Permits, Priority};
use garland::{ErrorKind, Result};
use proptest::prelude::*;

use crate::world::poll;

type Waiting<'a> = std::pin::Pin<Box<dyn Future<Output = Result<Permit>> + Send + 'a>>;

fn wait(permits: &Permits, level: u8) -> Waiting<'_> {
    let mut wait: Waiting<'_> = Box::pin(permits.acquire(Priority::new(level)));
    assert!(poll(&mut wait).is_pending());
    wait
}

/// Gives the one permit back until nobody waits, and returns who got it, by the number of the wait.
fn served(mut held: Permit, mut waits: BTreeMap<usize, Waiting<'_>>) -> Vec<usize> {
    let mut order = Vec::new();
    while !waits.is_empty() {
        drop(held);
        let ready = waits.iter_mut().find_map(|(who, wait)| match poll(wait) {
            std::task::Poll::Ready(permit) => Some((*who, permit.unwrap())),
            std::task::Poll::Pending => None,
        });
        let (who, permit) = ready.expect("the permit went to nobody");
        waits.remove(&who);
        order.push(who);
        held = permit;
    }
    order
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whoever comes in whatever order is served by priority, then by time of arrival; some give up meanwhile.
    #[test]
    fn the_order_is_exact(comers in prop::collection::vec((0_u8..5, prop::bool::weighted(0.2)), 1..40)) {
        let permits = Permits::new(1);
        let held = permits.try_acquire().unwrap();
        let mut waits: BTreeMap<usize, _> = comers
            .iter()
            .enumerate()
            .map(|(who, (level, _))| (who, wait(&permits, *level)))
            .collect();
        prop_assert_eq!(permits.waiting(), comers.len());
        waits.retain(|who, _| !comers[*who].1);
        let mut expected: Vec<usize> = waits.keys().copied().collect();
        expected.sort_by_key(|who| (std::cmp::Reverse(comers[*who].0), *who));
        prop_assert_eq!(served(held, waits), expected);
        prop_assert_eq!((permits.in_use(), permits.waiting()), (0, 0));
    }

    /// With ageing, nobody is passed by more later ones than the levels between them are worth.
    #[test]
    fn ageing_bounds_who_passes(levels in prop::collection::vec(0_u8..5, 1..40), places in 0_u32..6) {
        let permits = Permits::with_ageing(1, places);
        let held = permits.try_acquire().unwrap();
        let waits = (0..).zip(levels.iter().map(|level| wait(&permits, *level))).collect();
        let order = served(held, waits);
        for (at, who) in order.iter().enumerate() {
            let passed = order[..at].iter().filter(|other| *other > who);
            for level in 0_u8..5 {
                let of_level = passed.clone().filter(|other| levels[**other] == level).count();
                let worth = u32::from(level.saturating_sub(levels[*who])) * places;
                prop_assert!(of_level <= usize::try_from(worth).unwrap());
            }
        }
    }
}

#[test]
fn ageing_with_an_endless_stream_of_urgent_calls_starves_nobody() {
    let strict = Permits::new(1);
    let ageing = Permits::with_ageing(1, 10);
    for (permits, bound) in [(&ageing, 39), (&strict, 1_000)] {
        let mut held = permits.try_acquire().unwrap();
        let mut patient = wait(permits, 0);
        let mut passed = 0;
        for _ in 0..1_000 {
            let mut urgent = wait(permits, 4);
            drop(held);
            held = match poll(&mut urgent) {
                std::task::Poll::Ready(permit) => permit.unwrap(),
                std::task::Poll::Pending => break,
            };
            passed += 1;
        }
        assert_eq!(passed, bound);
        assert_eq!(poll(&mut patient).is_ready(), bound < 1_000);
    }
}

#[test]
fn nobody_slips_past_those_who_wait() {
    let permits = Permits::new(1);
    let held = permits.try_acquire().unwrap();
    let mut first = wait(&permits, 0);
    drop(held);
    // The permit is granted already, though nobody has asked for it yet.
    assert!(permits.try_acquire().is_none());
    let _second = wait(&permits, 255);
    assert!(poll(&mut first).is_ready());
}

#[test]
fn a_line_that_everybody_left_is_no_line() {
    let permits = Permits::new(1);
    let held = permits.try_acquire().unwrap();
    drop((wait(&permits, 1), wait(&permits, 2)));
    drop(held);
    assert_eq!((permits.in_use(), permits.waiting()), (0, 0));
    let held = permits.try_acquire().expect("nobody waits");
    let granted = wait(&permits, 0);
    drop(held);
    drop(granted);
    assert!(permits.try_acquire().is_some());
}

#[test]
fn a_raised_limit_lets_the_first_in_and_a_lowered_one_takes_nothing_away() {
    let permits = Permits::new(0);
    assert!(permits.try_acquire().is_none());
    let mut low = wait(&permits, 1);
    let mut high = wait(&permits, 2);
    let mut middle = wait(&permits, 1);
    permits.set_limit(2);
    assert!(poll(&mut middle).is_pending());
    let (std::task::Poll::Ready(Ok(first)), std::task::Poll::Ready(Ok(second))) =
        (poll(&mut high), poll(&mut low))
    else {
        panic!("not the first two");
    };
    permits.set_limit(1);
    assert_eq!((permits.in_use(), permits.limit()), (2, 1));
    drop(first);
    assert!(poll(&mut middle).is_pending());
    drop(second);
    assert!(poll(&mut middle).is_ready());
    permits.set_limit(usize::MAX);
    assert_eq!(permits.limit(), Permits::MOST);
}

#[tokio::test]
async fn a_closed_set_sends_away_who_waits_and_keeps_what_was_granted() {
    let permits = Permits::new(2);
    let (held, other) = (
        permits.try_acquire().unwrap(),
        permits.try_acquire().unwrap(),
    );
    let mut granted = wait(&permits, 1);
    let mut waits = wait(&permits, 0);
    drop(other);
    permits.close();
    let refused = match poll(&mut waits) {
        std::task::Poll::Ready(Err(error)) => error,
        other => panic!("{other:?}"),
    };
    assert_eq!(refused.kind(), ErrorKind::Refused);
    let refused = permits.acquire(Priority::EMERGENCY).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Refused);
    assert!(permits.try_acquire().is_none());

    let mut drained = Box::pin(permits.drained());
    assert!(poll(&mut drained).is_pending());
    drop(held);
    assert!(poll(&mut drained).is_pending());
    // Granted before the set was closed, and given up without ever being asked for.
    drop(granted);
    assert!(poll(&mut drained).is_ready());
    granted = Box::pin(permits.acquire(Priority::NORMAL));
    assert!(poll(&mut granted).is_ready());
    assert_eq!((permits.in_use(), permits.waiting()), (0, 0));
}
