//! Crashes at every step, and faults at random: nothing is lost, and the next run comes to rest.

use garland::testing::{FaultKind, Faults, Moment};

use crate::world::{ANY, HASHING, worked};

/// How many seeded worlds are crashed at every step.
const EVERY_STEP: u64 = 40;
/// How many more worlds are crashed at some steps.
const SOME_STEPS: u64 = 360;
/// How many of their steps.
const STEPS: u64 = 8;

async fn steps_of(seed: u64) -> u64 {
    let worked = worked(seed, &ANY).await;
    let faults = Faults::none();
    worked.world.request(&faults).await.run().await.unwrap();
    worked.check(&format!("seed {seed}, no faults"));
    worked
        .come_to_rest(&format!("seed {seed}, no faults"))
        .await;
    faults.steps()
}

async fn crash(seed: u64, step: u64, moment: Moment) {
    let mut worked = worked(seed, &ANY).await;
    let faults = Faults::crash_at(step, moment);
    let when = format!("seed {seed}, crash {moment:?} step {step}");
    let outcome = worked.world.request(&faults).await.run().await;
    assert!(
        outcome.is_err() || !faults.is_crashed() || !outcome.unwrap().is_complete(),
        "{when}"
    );
    worked.check(&when);
    worked.world.database = worked.world.database.reopen();
    worked.come_to_rest(&when).await;
}

#[tokio::test(start_paused = true)]
async fn a_crash_at_any_step_loses_nothing() {
    let mut covered = 0;
    for seed in 0..EVERY_STEP {
        for step in 1..=steps_of(seed).await {
            for moment in [Moment::Before, Moment::After] {
                crash(seed, step, moment).await;
                covered += 1;
            }
        }
    }
    for seed in EVERY_STEP..EVERY_STEP + SOME_STEPS {
        let steps = steps_of(seed).await;
        for number in 0..STEPS {
            let step = 1 + (seed * 7 + number * 13) % steps;
            let moment = if number % 2 == 0 {
                Moment::Before
            } else {
                Moment::After
            };
            crash(seed, step, moment).await;
            covered += 1;
        }
    }
    println!(
        "crashes: {} seeds, {covered} crash points covered",
        EVERY_STEP + SOME_STEPS
    );
}

async fn at_random(
    accounts: &[u64],
    kinds: &[FaultKind],
    rate: f64,
    seeds: std::ops::Range<u64>,
) -> usize {
    let mut injected = 0;
    for seed in seeds {
        let mut worked = worked(seed, accounts).await;
        let faults = Faults::seeded(seed, rate, kinds);
        let when = format!("seed {seed}, rate {rate}");
        // Whether the run ends well depends on the faults; what it leaves behind does not.
        let _ = worked.world.request(&faults).await.run().await;
        let log: Vec<_> = faults.injected().iter().map(ToString::to_string).collect();
        injected += log.len();
        let when = format!("{when}: {log:#?}");
        worked.check(&when);
        worked.world.database = worked.world.database.reopen();
        worked.come_to_rest(&when).await;
    }
    injected
}

#[tokio::test(start_paused = true)]
async fn a_bad_connection_loses_nothing() {
    let injected = at_random(&ANY, &FaultKind::PASSING, 0.05, 1_000..1_400).await;
    println!("passing faults: 400 seeds, {injected} faults injected");
}

#[tokio::test(start_paused = true)]
async fn faults_of_every_kind_lose_nothing() {
    let injected = at_random(&HASHING, &FaultKind::ALL, 0.04, 2_000..2_400).await;
    println!("faults of every kind: 400 seeds, {injected} faults injected");
}

#[tokio::test(start_paused = true)]
async fn every_fault_that_can_be_seen_without_hashes_loses_nothing() {
    let seen = |kind: &FaultKind| {
        !matches!(
            kind,
            FaultKind::CorruptRead | FaultKind::CorruptWrite | FaultKind::LyingHash
        )
    };
    let kinds: Vec<_> = FaultKind::ALL.into_iter().filter(seen).collect();
    let injected = at_random(&ANY, &kinds, 0.04, 3_000..3_400).await;
    println!("faults that can be seen: 400 seeds, {injected} faults injected");
}
