//! A million waits, most of them given up: no permit is lost, none is made.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

use futures_util::stream::{FuturesUnordered, StreamExt as _};
use garland::Chance;
use garland::resilience::pool::{Outcome, Permits, PoolOptions, Priority};
use tokio::time::{Duration, timeout};

use crate::world::{below, pool};

/// In each of two tests, on one thread and on several.
const CANCELLATIONS: u64 = 500_000;

/// How many hold a permit, and how many ever did at once.
#[derive(Default)]
struct Census {
    now: AtomicUsize,
    most: AtomicUsize,
    cancelled: AtomicU64,
    served: AtomicU64,
}

impl Census {
    fn enter(&self) {
        let now = self.now.fetch_add(1, Ordering::SeqCst) + 1;
        self.most.fetch_max(now, Ordering::SeqCst);
        self.served.fetch_add(1, Ordering::Relaxed);
    }

    fn leave(&self) {
        self.now.fetch_sub(1, Ordering::SeqCst);
    }
}

/// One who asks for permits, and gives up at any moment: before, in the line, or when it was just granted.
async fn asks(permits: Permits, chance: Chance, census: Arc<Census>) {
    while census.cancelled.load(Ordering::Relaxed) < CANCELLATIONS {
        let priority = Priority::new(u8::try_from(below(&chance, 5)).unwrap());
        let patience = below(&chance, 4);
        let patient = patience == 3;
        let given_up = async {
            for _ in 0..patience {
                tokio::task::yield_now().await;
            }
            if patient {
                std::future::pending::<()>().await;
            }
        };
        let permit = tokio::select! {
            biased;
            () = given_up => None,
            permit = permits.acquire(priority) => Some(permit.unwrap()),
        };
        match permit {
            None => {
                census.cancelled.fetch_add(1, Ordering::Relaxed);
            }
            Some(permit) => {
                census.enter();
                for _ in 0..below(&chance, 3) {
                    tokio::task::yield_now().await;
                }
                census.leave();
                drop(permit);
            }
        }
    }
}

fn whole(permits: &Permits, census: &Census) {
    assert_eq!((permits.in_use(), permits.waiting()), (0, 0));
    let all: Vec<_> = std::iter::from_fn(|| permits.try_acquire()).collect();
    assert_eq!(all.len(), permits.limit());
    assert!(census.cancelled.load(Ordering::SeqCst) >= CANCELLATIONS);
    assert!(census.served.load(Ordering::SeqCst) > 1_000);
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn on_one_thread() {
    let seed = 0x5eed_0001;
    println!("seed {seed:#x}");
    let (permits, census) = (Permits::new(3), Arc::new(Census::default()));
    let mut all: FuturesUnordered<_> = (0..24)
        .map(|who| {
            asks(
                permits.clone(),
                Chance::seeded(seed + who),
                Arc::clone(&census),
            )
        })
        .collect();
    // Time passes only when nobody can go on.
    let ended = timeout(Duration::from_secs(1), async {
        while all.next().await.is_some() {}
    });
    ended.await.expect("they wait for a permit that is lost");
    whole(&permits, &census);
    assert!(census.most.load(Ordering::SeqCst) <= 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn on_several_threads_while_the_limit_moves() {
    let seed = 0x5eed_0002;
    println!("seed {seed:#x}");
    let (permits, census) = (Permits::with_ageing(3, 8), Arc::new(Census::default()));
    let mut all: tokio::task::JoinSet<()> = (0..24)
        .map(|who| {
            asks(
                permits.clone(),
                Chance::seeded(seed + who),
                Arc::clone(&census),
            )
        })
        .collect();
    let over = Arc::new(AtomicBool::new(false));
    let moving = {
        let (permits, over) = (permits.clone(), Arc::clone(&over));
        async move {
            let chance = Chance::seeded(seed);
            while !over.load(Ordering::SeqCst) {
                permits.set_limit(usize::try_from(below(&chance, 6)).unwrap());
                tokio::task::yield_now().await;
            }
            permits.set_limit(3);
        }
    };
    let ending = async {
        while let Some(ended) = all.join_next().await {
            ended.unwrap();
            over.store(true, Ordering::SeqCst);
        }
    };
    tokio::join!(moving, ending);
    whole(&permits, &census);
    assert!(census.most.load(Ordering::SeqCst) <= 5);
}

/// The same through a pool, by timers, with calls that end in all ways.
#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn through_a_pool() {
    let seed = 0x5eed_0003;
    println!("seed {seed:#x}");
    let pool = pool(PoolOptions::default().with_max(6));
    let chance = Chance::seeded(seed);
    let calls: FuturesUnordered<_> = (0..20_000)
        .map(|_| {
            let (pool, chance) = (pool.clone(), chance.clone());
            async move {
                let millis = |bound| Duration::from_millis(below(&chance, bound));
                tokio::time::sleep(millis(600_000)).await;
                let call = async {
                    let permit = pool.acquire(Priority::NORMAL).await.unwrap();
                    tokio::time::sleep(millis(400)).await;
                    match below(&chance, 40) {
                        0 => permit.done(Outcome::RateLimited),
                        1 => permit.done(Outcome::Unavailable),
                        2 => drop(permit),
                        _ => permit.done(Outcome::Answered),
                    }
                };
                // Whoever gives up gives up.
                let _ = timeout(millis(600), call).await;
            }
        })
        .collect();
    calls.collect::<()>().await;
    let stats = pool.stats();
    assert_eq!((stats.in_use, stats.waiting), (0, 0));
    assert!(stats.outcomes.answered > 5_000, "{stats:?}");
    assert!(stats.outcomes.cancelled > 1_000, "{stats:?}");
    let all: Vec<_> = std::iter::from_fn(|| pool.try_acquire()).collect();
    assert_eq!(all.len(), stats.limit);
}
