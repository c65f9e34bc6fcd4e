//! A crash at any step leaves a file that can be checked, or nothing.

use std::sync::Arc;

use garland::testing::{Faults, FaultyConnector, FaultyStorage, Moment};
use garland::upload::{Copy, Reason, UploadState, Uploads};

use crate::world::{IDLE, World, is_open, note, read, send};

/// How a day goes: one good file in and out, one that is refused, one that is removed.
async fn day(uploads: &Uploads) -> garland::Result<()> {
    let good = send(uploads, b"see you at two").await?;
    uploads.check(good.id).await?;
    read(uploads, &good, Copy::Delivered).await?;
    let bad = send(uploads, b"a\x01binary, at length").await?;
    uploads.check(bad.id).await?;
    let gone = send(uploads, b"changed my mind").await?;
    uploads.check(gone.id).await?;
    uploads.remove(gone.id).await?;
    let mut cut = uploads.begin(crate::world::zoe(), &note()).await?;
    cut.write(bytes::Bytes::from("and then I was called away"))
        .await?;
    cut.abort().await
}

#[tokio::test(start_paused = true)]
async fn u8_a_crash_at_any_step_leaves_quarantine_or_nothing() {
    let world = World::new();
    let quiet = Faults::none();
    let shaky = |world: &World, faults: &Faults| {
        let backend = FaultyStorage::new(world.backend(), faults.clone());
        let disk = FaultyConnector::new("disk", Arc::new(world.disk.clone()), faults.clone());
        world.service(Arc::new(backend), Arc::new(disk), World::options())
    };
    day(&shaky(&world, &quiet)).await.unwrap();
    world.check_books().await;
    let steps = quiet.steps();
    assert!(steps > 60, "{steps}");
    let mut survivors = 0;
    for moment in [Moment::Before, Moment::After] {
        for step in 1..=steps {
            let world = World::new();
            let faults = Faults::crash_at(step, moment);
            let crashed = day(&shaky(&world, &faults)).await;
            assert!(crashed.is_err(), "{moment:?} {step}");

            // Another process, later.
            let uploads = world.uploads();
            for record in world.records().await {
                if record.state != UploadState::Clean {
                    assert!(
                        read(&uploads, &record, Copy::Original).await.is_err(),
                        "{moment:?} {step}"
                    );
                }
            }
            tokio::time::sleep(IDLE).await;
            uploads.sweep(IDLE).await.unwrap();
            world.check_books().await;
            for record in world.records().await {
                assert!(!is_open(record.state), "{moment:?} {step}: {record:?}");
                let checked = uploads.check(record.id).await.unwrap();
                survivors += 1;
                match checked.state {
                    UploadState::Clean => {
                        let text = read(&uploads, &checked, Copy::Original).await.unwrap();
                        let whole = text == b"see you at two" || text == b"changed my mind";
                        assert!(whole, "{moment:?} {step}: {text:?}");
                    }
                    state => assert_eq!(state, UploadState::Rejected(Reason::ContentMismatch)),
                }
            }
            world.check_books().await;
            assert_eq!(
                uploads.sweep(IDLE).await.unwrap(),
                garland::upload::Swept::default()
            );
        }
    }
    assert!(survivors > 0);
}
