//! A process that dies anywhere leaves heads that fit, and the next one goes on.

use std::sync::Arc;

use garland::backends::Memory;
use garland::storage::StorageBackend;
use garland::testing::{Faults, FaultyStorage, Moment};

use crate::world::{self, Copies, append, auditor, check};

#[tokio::test]
async fn l1_after_a_crash_at_any_step_the_heads_fit() {
    let mut crashed = 0;
    for moment in [Moment::Before, Moment::After] {
        for step in 1.. {
            let database: Arc<dyn StorageBackend> = Arc::new(Memory::new());
            let store = world::store(Arc::clone(&database));
            append(&store, 1..=7).await;
            let copies = Arc::new(Copies::default());
            let faults = Faults::crash_at(step, moment);
            let shaky = world::store(Arc::new(FaultyStorage::new(database, faults.clone())));
            let sealed = auditor(&shaky, &copies, 3).seal_now().await;
            if !faults.is_crashed() {
                assert_eq!(copies.sizes(), [3, 6, 7]);
                break;
            }
            crashed += 1;
            assert!(sealed.is_err(), "step {step}");
            append(&store, 8..=9).await;
            auditor(&store, &copies, 3).seal_now().await.unwrap();
            let report = check(&store, &copies.all()).await;
            assert!(report.is_intact(), "step {step}: {report}");
            assert_eq!(report.vouched, 9, "step {step}");
        }
    }
    // The end, the last head, and a page and a commit for each of three heads, twice.
    assert_eq!(crashed, 2 * (2 + 3 * 2));
}
