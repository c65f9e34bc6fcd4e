//! What is told, and who owns the task.

use garland::bandwidth::{Bandwidth, BandwidthEvent, Cause, Class, Direction, Rate, Stream, Why};
use tokio::runtime::{Builder, Handle};

use super::world::{builder, mb, ms};

#[tokio::test(start_paused = true)]
async fn who_was_given_what_and_why() {
    let bandwidth = builder().upload(mb(4)).build().unwrap();
    let mut events = bandwidth.subscribe();
    let lane = bandwidth
        .join(&Stream::upload("acme", "gdrive").with_cap(mb(3)))
        .unwrap();
    let who = lane.who().clone();
    match events.next().await {
        Some(BandwidthEvent::Joined {
            who: joined, class, ..
        }) => {
            assert_eq!((joined, class), (who.clone(), Class::Normal));
        }
        other => panic!("{other:?}"),
    }
    match events.next().await {
        Some(BandwidthEvent::Rate {
            who: given,
            rate,
            why,
            cause,
            ..
        }) => {
            let found = (given, rate, why, cause);
            assert_eq!(found, (who.clone(), Some(mb(3)), Why::Cap, Cause::Joined));
        }
        other => panic!("{other:?}"),
    }
    lane.set_class(Class::Background);
    lane.set_class(Class::Background);
    match events.next().await {
        Some(BandwidthEvent::Class { class, .. }) => assert_eq!(class, Class::Background),
        other => panic!("{other:?}"),
    }
    lane.take(1_000).await;
    drop(lane);
    match events.next().await {
        Some(BandwidthEvent::Left {
            who: left, bytes, ..
        }) => {
            assert_eq!((left, bytes), (who, 1_000));
        }
        other => panic!("{other:?}"),
    }
    drop(bandwidth);
    assert_eq!(events.next().await, None);
}

#[tokio::test(start_paused = true)]
async fn who_is_too_slow_is_told_how_much_is_lost() {
    let bandwidth = builder().build().unwrap();
    let mut events = bandwidth.subscribe();
    for _ in 0..2_500 {
        drop(bandwidth.join(&Stream::upload("acme", "gdrive")).unwrap());
    }
    assert_eq!(
        events.next().await,
        Some(BandwidthEvent::Missed(5_000 - 4_096))
    );
    assert!(matches!(
        events.next().await,
        Some(BandwidthEvent::Joined { .. } | BandwidthEvent::Left { .. })
    ));
}

#[tokio::test(start_paused = true)]
async fn the_task_ends_with_the_last_handle_and_lane() {
    let tasks = || Handle::current().metrics().num_alive_tasks();
    let bandwidth = builder().upload(mb(1)).build().unwrap();
    assert_eq!(tasks(), 0);
    let lane = bandwidth.join(&Stream::upload("acme", "gdrive")).unwrap();
    let clone = bandwidth.clone();
    assert_eq!(tasks(), 1);
    drop(bandwidth);
    drop(clone);
    tokio::time::sleep(ms(500)).await;
    assert_eq!(tasks(), 1);
    lane.take(10).await;
    drop(lane);
    tokio::time::sleep(ms(1)).await;
    assert_eq!(tasks(), 0);
}

#[test]
fn lanes_outlive_a_runtime_and_are_served_in_the_next() {
    let runtime = || {
        let mut builder = Builder::new_current_thread();
        builder.enable_time().start_paused(true).build().unwrap()
    };
    let clock = std::sync::Arc::new(garland::SystemClock::new());
    let bandwidth = Bandwidth::builder()
        .clock(clock)
        .upload(Rate::megabytes(1_000))
        .build()
        .unwrap();
    // Made outside any runtime: nothing can run yet.
    let lane = bandwidth.join(&Stream::upload("acme", "gdrive")).unwrap();
    for round in 1..=3 {
        runtime().block_on(lane.take(1_000));
        assert_eq!(lane.taken(), round * 1_000);
        bandwidth.set_capacity(lane.who().direction, Some(Rate::ZERO));
        bandwidth.set_capacity(lane.who().direction, Some(Rate::megabytes(1_000)));
    }
}

/// Threads join, take, change and leave at once; everybody comes to an end, and nothing is left behind.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_threads_at_once() {
    let bandwidth = Bandwidth::builder()
        .upload(Rate::bytes(1 << 50))
        .build()
        .unwrap();
    let tasks = (0..8_u64).map(|task| {
        let bandwidth = bandwidth.clone();
        tokio::spawn(async move {
            let mut bytes = 0;
            for round in 0..300_u64 {
                let stream = Stream::upload(format!("studio-{}", round % 5), "gdrive");
                let lane = bandwidth.join(&stream).unwrap();
                lane.take(1_000).await;
                match (task + round) % 11 {
                    0 => bandwidth.set_capacity(Direction::Upload, None),
                    1 => bandwidth.set_capacity(Direction::Upload, Some(Rate::bytes(1 << 50))),
                    2 => lane.set_class(Class::Background),
                    3 => drop(bandwidth.snapshot()),
                    _ => {}
                }
                lane.take(1_000).await;
                bytes += lane.taken();
            }
            bytes
        })
    });
    for task in tasks.collect::<Vec<_>>() {
        assert_eq!(task.await.unwrap(), 600_000);
    }
    assert!(bandwidth.snapshot().upload.organizations.is_empty());
}
