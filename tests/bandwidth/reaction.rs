//! How soon a change is felt.

use std::time::Duration;

use garland::bandwidth::{Class, Stream};

use super::world::{Busy, builder, mb, ms, near};

fn normal(organization: &str) -> Stream {
    Stream::upload(organization, "gdrive")
}

#[tokio::test(start_paused = true)]
async fn joining_and_leaving_are_felt_within_150_ms() {
    let bandwidth = builder().upload(mb(1)).build().unwrap();
    let one = Busy::join(&bandwidth, &normal("acme"));
    tokio::time::sleep(Duration::from_secs(2)).await;

    let other = Busy::join(&bandwidth, &normal("bella"));
    tokio::time::sleep(ms(150)).await;
    // From here on both have exactly half.
    let (x, y) = tokio::join!(one.rate(ms(4_194)), other.rate(ms(4_194)));
    near(x, 0.5e6, 0.032);
    near(y, 0.5e6, 0.032);

    drop(other);
    tokio::time::sleep(ms(150)).await;
    near(one.rate(ms(4_194)).await, 1e6, 0.016);
}

#[tokio::test(start_paused = true)]
async fn rates_change_within_five_milliseconds() {
    let bandwidth = builder().upload(mb(8)).build().unwrap();
    let first = bandwidth.join(&normal("acme")).unwrap();
    tokio::time::sleep(ms(1_000)).await;
    let _busy = Busy::with(first, 1_000);
    tokio::time::sleep(ms(1_001)).await;
    let second = bandwidth.join(&normal("bella")).unwrap();
    let third = bandwidth.join(&normal("casa")).unwrap();
    tokio::time::sleep(ms(5)).await;
    let expected = mb(8).as_bytes() / 3;
    assert_eq!(second.rate().unwrap().as_bytes(), expected);
    drop(third);
    tokio::time::sleep(ms(5)).await;
    assert_eq!(second.rate(), Some(mb(4)));
}

#[tokio::test(start_paused = true)]
async fn an_emergency_has_the_whole_link_at_once() {
    let bandwidth = builder().upload(mb(8)).build().unwrap();
    let others: Vec<_> = (0..40)
        .map(|n| Busy::join(&bandwidth, &normal(&format!("studio-{n}"))))
        .collect();
    tokio::time::sleep(Duration::from_secs(5)).await;
    let urgent = bandwidth
        .join(&normal("acme").with_class(Class::Emergency))
        .unwrap();
    let begun = tokio::time::Instant::now();
    for _ in 0..1_000 {
        urgent.take(8_000).await;
    }
    // As on an empty link: a second.
    near(begun.elapsed().as_secs_f64(), 1.0, 0.01);
    drop((urgent, others));
}

#[tokio::test(start_paused = true)]
async fn another_class_is_felt_at_once() {
    let bandwidth = builder().upload(mb(9)).build().unwrap();
    let one = bandwidth.join(&normal("acme")).unwrap();
    let other = bandwidth.join(&normal("acme")).unwrap();
    one.set_class(Class::Interactive);
    tokio::time::sleep(ms(5)).await;
    assert_eq!((one.rate(), other.rate()), (Some(mb(6)), Some(mb(3))));
    other.set_class(Class::Emergency);
    tokio::time::sleep(ms(5)).await;
    assert_eq!((one.rate(), other.rate()), (Some(mb(0)), Some(mb(9))));
}
