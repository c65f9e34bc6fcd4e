//! Sessions under everything at once.

use std::sync::atomic::Ordering;

use garland::Chance;
use garland::resilience::pool::{PooledSession, Priority, SessionOptions};
use tokio::time::{Duration, sleep, timeout};

use crate::world::{Desk, Does, below, sessions};

const MAX: usize = 5;

/// Users that come and give up at random, a factory that does all it can, retirements, and a watch: never more open than
/// there may be, and nothing lost.
#[tokio::test(start_paused = true)]
async fn never_more_than_there_may_be_and_none_lost() {
    for seed in 0x5e55_u64..0x5e55 + 8 {
        println!("seed {seed:#x}");
        let chance = Chance::seeded(seed);
        let desk = Desk::default();
        let options = SessionOptions::default()
            .with_max(MAX)
            .with_min_idle(3)
            .with_wait(Duration::from_millis(300))
            .with_connect_timeout(Duration::from_millis(200))
            .with_validate_timeout(Duration::from_millis(100))
            .with_validate_after(Duration::from_millis(50))
            .with_idle_timeout(Duration::from_millis(900))
            .with_lifetime(Duration::from_millis(1_200))
            .with_maintain_every(Duration::from_millis(70));
        let pool = sessions(&desk, options);
        let users = (0..3_000).map(|_| {
            let (pool, chance, desk) = (pool.clone(), chance.clone(), desk.clone());
            async move {
                let millis = |bound| Duration::from_millis(below(&chance, bound));
                sleep(millis(60_000)).await;
                let does = || match below(&chance, 8) {
                    0 => Does::Fails,
                    1 => Does::Hangs,
                    2 => Does::Panics,
                    3 => Does::Takes(5),
                    _ => Does::Works,
                };
                *desk.connects.lock().unwrap() = does();
                *desk.validates.lock().unwrap() = does();
                let call = async {
                    if let Ok(session) = pool.get(Priority::NORMAL).await {
                        sleep(millis(200)).await;
                        if below(&chance, 10) > 0 {
                            session.release();
                        }
                    }
                };
                // Whoever gives up gives up.
                let _ = timeout(millis(500), call).await;
            }
        });
        let users = futures_util::future::join_all(users);
        tokio::select! {
            () = pool.maintain() => unreachable!("it goes on until the pool is closed"),
            _ = users => {}
        }
        *desk.connects.lock().unwrap() = Does::Works;
        *desk.validates.lock().unwrap() = Does::Works;
        let most = desk.live.most.load(Ordering::SeqCst);
        assert!(most <= MAX, "{most} at once");
        let stats = pool.stats();
        assert_eq!((stats.in_use, stats.waiting), (0, 0), "{stats:?}");
        assert_eq!((stats.open, stats.idle), (desk.live(), desk.live()));
        assert!(
            stats.reused > 300 && stats.opened > 300 && stats.connect_failed > 50,
            "{stats:?}"
        );
        assert!(
            stats.closed.retired > 0 && stats.closed.invalid > 30,
            "{stats:?}"
        );
        let mut all = Vec::new();
        for _ in 0..MAX {
            all.push(pool.get(Priority::NORMAL).await.expect("a turn is lost"));
        }
        all.into_iter().for_each(PooledSession::release);
        pool.close().await;
        assert_eq!(desk.live(), 0);
    }
}
