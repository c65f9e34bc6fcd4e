//! The database goes away at every single step of a refresh, for good or for a while.

use std::sync::Arc;
use std::time::Duration;

use garland::backends::Memory;
use garland::oauth::{AccountState, OAuthOptions, ReconnectReason};
use garland::storage::StorageBackend;
use garland::testing::{Faults, FaultyStorage, Moment};

use crate::fake::Habit;
use crate::world::{World, name, service, text};

const HOUR: Duration = Duration::from_secs(3600);

/// What the next process finds.
#[derive(Debug, Eq, PartialEq)]
enum End {
    Works,
    Asks,
}

struct Crash {
    end: End,
    /// Whether the first process was gone before it had to touch the database so often.
    is_past: bool,
    spent: bool,
    stored: bool,
}

/// One process connects, the database goes away for it at `step` of the refresh, and it dies. Then comes another.
async fn crash(habit: Habit, step: u64, moment: Moment) -> Crash {
    let memory: Arc<dyn StorageBackend> = Arc::new(Memory::new());
    let world = World::with(habit, Arc::clone(&memory), OAuthOptions::default()).await;
    let first = text(&world.connect().await.token().await.unwrap());
    let faults = Faults::crash_at(step, moment);
    let faulty: Arc<dyn StorageBackend> =
        Arc::new(FaultyStorage::new(Arc::clone(&memory), faults.clone()));
    let clock = Arc::new(world.clock.clone());
    let provider = world.fake.provider();
    let dying = service(&faulty, clock, provider, OAuthOptions::default());
    world.clock.forward(HOUR);
    let got = match dying.account(&name()).await {
        Ok(account) => account.token().await.map(drop),
        Err(error) => Err(error),
    };
    let is_past = !faults.is_crashed();
    drop(dying);
    let spent = world.fake.refreshes() > 0;

    // The lease of the dead runs out.
    world.clock.forward(Duration::from_secs(61));
    let next = world.other().account(&name()).await.unwrap();
    let stored = next.record().await.unwrap().generation > 1;
    let end = match next.token().await {
        Ok(token) => {
            assert_ne!(text(&token), first);
            End::Works
        }
        Err(_) => {
            let state = next.record().await.unwrap().state;
            assert_eq!(
                state,
                AccountState::NeedsReconnect(ReconnectReason::Refused)
            );
            let last = world.events().await.pop().unwrap();
            assert_eq!(last, "oauth.needs_reconnect", "it is said");
            End::Asks
        }
    };
    assert!(!is_past || got.is_ok());
    Crash {
        end,
        is_past,
        spent,
        stored,
    }
}

#[tokio::test]
async fn no_crash_loses_an_account_that_its_provider_does_not_end() {
    let mut steps = 0;
    for habit in [Habit::Stays, Habit::Forgiving, Habit::Strict] {
        for moment in [Moment::Before, Moment::After] {
            for step in 1.. {
                let crash = crash(habit, step, moment).await;
                // With a provider that forgets the old token at once, the answer it gave to the dead is gone with them.
                let is_gone = habit == Habit::Strict && crash.spent && !crash.stored;
                let expected = if is_gone { End::Asks } else { End::Works };
                assert_eq!(crash.end, expected, "{habit:?}, step {step}, {moment:?}");
                steps += 1;
                if crash.is_past {
                    break;
                }
            }
        }
    }
    println!("{steps} crashes");
    assert!(steps >= 6 * 8, "{steps}");
}

/// The process lives on, and so does the account, with the strictest provider.
#[tokio::test]
async fn no_single_fault_of_the_database_loses_an_account() {
    use garland::ErrorKind;
    use garland::testing::{FaultKind, FaultRule, Operation};

    for kind in [
        FaultKind::Error(ErrorKind::Unavailable),
        FaultKind::LostAnswer(ErrorKind::Timeout),
    ] {
        for operation in [Operation::Commit, Operation::Get] {
            if !kind.befalls(operation) {
                continue;
            }
            for nth in 1.. {
                let memory: Arc<dyn StorageBackend> = Arc::new(Memory::new());
                let faults = Faults::none();
                let faulty = FaultyStorage::new(memory, faults.clone());
                let options = OAuthOptions::default();
                let world = World::with(Habit::Strict, Arc::new(faulty), options).await;
                let account = world.connect().await;
                world.clock.forward(HOUR);
                faults.add_rule(FaultRule::new(operation, kind).nth(nth));
                let first = account.token().await;
                if first.is_err() {
                    // A lease whose taking was not heard of has to run out first.
                    world.clock.forward(Duration::from_secs(61));
                    account.token().await.unwrap();
                }
                world.oauth.close().await.unwrap();
                let is_past = faults.injected().is_empty();
                faults.heal();
                let record = account.record().await.unwrap();
                assert_eq!(
                    record.state,
                    AccountState::Connected,
                    "{operation:?} {nth} {kind:?}"
                );
                assert_eq!(record.generation, 2);
                assert_eq!(world.fake.refreshes(), 1);
                if is_past {
                    break;
                }
            }
        }
    }
}
