//! Transfers share the link by who they are and how urgent.

use std::sync::Arc;
use std::time::Duration;

use garland::bandwidth::{Bandwidth, Class, Rate};
use garland::platforms::MemoryPlatform;
use garland::transfer::TransferOptions;
use tokio::time::Instant;

use crate::account::{Drive, card, clock, film, over};

const FILM: usize = 2_000_000;

fn upload(rate: Rate) -> Bandwidth {
    let link = Bandwidth::builder().clock(Arc::new(clock()));
    link.upload(rate).build().unwrap()
}

fn drive() -> Drive {
    Drive(Arc::new(MemoryPlatform::default()))
}

fn as_class(class: Class) -> TransferOptions {
    TransferOptions::default().with_class(class)
}

#[tokio::test(start_paused = true)]
async fn what_goes_to_a_platform_takes_its_time_and_what_stays_here_does_not() {
    let studio = over(upload(Rate::megabytes(1)))
        .connector("card", card(FILM))
        .connector("drive", drive())
        .connector("disk", MemoryPlatform::default())
        .build()
        .await
        .unwrap();
    let begun = Instant::now();
    let moved = film(&studio, "card", "disk", TransferOptions::default()).await;
    moved.unwrap().destinations.remove(0).unwrap();
    assert!(begun.elapsed() < Duration::from_millis(100));

    let begun = Instant::now();
    let moved = film(&studio, "card", "drive", TransferOptions::default()).await;
    moved.unwrap().destinations.remove(0).unwrap();
    let took = begun.elapsed().as_secs_f64();
    assert!((1.8..2.2).contains(&took), "{took}");
    // And nothing of it is left on the link.
    let snapshot = studio.bandwidth().snapshot();
    assert!(snapshot.upload.organizations.is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_emergency_goes_before_an_archive_and_the_archive_is_not_lost() {
    let studio = over(upload(Rate::megabytes(1)))
        .connector("card", card(FILM))
        .connector("drive", drive())
        .connector("other", drive())
        .build()
        .await
        .unwrap();
    let begun = Instant::now();
    let took = |class, to: &'static str| {
        let studio = studio.clone();
        async move {
            let moved = film(&studio, "card", to, as_class(class)).await.unwrap();
            assert!(moved.destinations.iter().all(Result::is_ok), "{moved:?}");
            begun.elapsed().as_secs_f64()
        }
    };
    let (archive, emergency) = tokio::join!(
        took(Class::Background, "drive"),
        took(Class::Emergency, "other")
    );
    assert!((1.8..2.3).contains(&emergency), "{emergency}");
    assert!((3.8..4.3).contains(&archive), "{archive}");
}

#[tokio::test(start_paused = true)]
async fn a_link_that_opens_later_lets_a_transfer_go_on_and_one_given_up_leaves_it() {
    let studio = over(upload(Rate::ZERO))
        .connector("card", card(FILM))
        .connector("drive", drive())
        .build()
        .await
        .unwrap();
    let normal = || film(&studio, "card", "drive", TransferOptions::default());
    let waited = tokio::time::timeout(Duration::from_secs(3_600), normal()).await;
    assert!(
        waited.is_err(),
        "nothing passes a link that carries nothing"
    );
    let link = studio.bandwidth();
    assert!(link.snapshot().upload.organizations.is_empty());

    let open = async {
        tokio::time::sleep(Duration::from_secs(60)).await;
        let up = garland::bandwidth::Direction::Upload;
        link.set_capacity(up, Some(Rate::megabytes(2)));
    };
    let begun = Instant::now();
    let (moved, ()) = tokio::join!(normal(), open);
    assert!(moved.unwrap().destinations.iter().all(Result::is_ok));
    let took = begun.elapsed().as_secs_f64();
    assert!((60.9..61.3).contains(&took), "{took}");
}

#[tokio::test(start_paused = true)]
async fn what_is_shared_is_told_by_class() {
    let studio = over(upload(Rate::megabytes(1)))
        .connector("card", card(FILM))
        .connector("drive", drive())
        .build()
        .await
        .unwrap();
    let (moved, counted) = tokio::join!(
        film(&studio, "card", "drive", as_class(Class::Interactive)),
        async {
            tokio::time::sleep(Duration::from_secs(1)).await;
            studio.metrics()
        }
    );
    moved.unwrap();
    let labels = [("direction", "upload"), ("class", "interactive")];
    let gauge = |name: &str| counted.gauge(&format!("garland_bandwidth_{name}"), &labels);
    assert_eq!(gauge("streams"), Some(1.0));
    assert_eq!(gauge("bytes_per_second"), Some(1e6));
    let after = studio.metrics();
    assert_eq!(after.gauge("garland_bandwidth_streams", &labels), Some(0.0));
}
