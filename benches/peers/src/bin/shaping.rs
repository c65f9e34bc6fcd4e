//! How exactly garland's links hold a rate, beside `governor` and `async-speed-limit`, and at what cost.
//!
//! All take 64 KiB at a time on one thread, for five seconds of real time: first one stream of 8 MB/s, then four that share
//! as much 1 : 2 : 4 : 8. The peers have one limiter a stream, each given its part; garland divides one link by weight.
//! Errors are of what passed against what should have, the worst stream of the best round; the busiest 100 ms are
//! against the rate; CPU is that of the whole process (Linux), the least of the rounds, which are interleaved.
//!   shaping               three rounds
//!   shaping --rounds 1    fewer

use std::cell::RefCell;
use std::num::NonZeroU32;
use std::rc::Rc;
use std::time::{Duration, Instant};

use async_speed_limit::Limiter;
use garland::bandwidth::{Bandwidth, Rate, Stream};
use garland_peers::measure::{figure, ratio};
use garland_peers::{Arguments, Result};
use governor::{Quota, RateLimiter};
use tokio::runtime::{Builder, Runtime};
use tokio::task::LocalSet;

const RATE: u32 = 8_000_000;
const CHUNK: u32 = 65_536;
const SECONDS: u64 = 5;
const ONE: &[u32] = &[1];
const FOUR: &[u32] = &[1, 2, 4, 8];

/// What passed, and when, of one stream.
type Log = Rc<RefCell<Vec<(Duration, u32)>>>;

/// What one round showed.
#[derive(Clone, Copy)]
struct Shape {
    /// Of the stream that was furthest off, as a part of what it should have had.
    error: f64,
    /// The same in chunks.
    chunks: f64,
    busiest: f64,
    cpu: Duration,
}

fn main() -> Result<()> {
    let rounds = Arguments::of_process().number("--rounds", 3)?;
    for (name, weights) in [("one", ONE), ("four", FOUR)] {
        let mut best: [Option<Shape>; 3] = [None; 3];
        for _ in 0..rounds {
            let shapes = [garland(weights)?, governor(weights)?, speed_limit(weights)?];
            for (best, shape) in best.iter_mut().zip(shapes) {
                *best = Some(best.map_or(shape, |best| best.or(shape)));
            }
        }
        let programs = ["", "-governor", "-async-speed-limit"];
        for (program, shape) in programs.iter().zip(best.iter().flatten()) {
            let label = |what: &str| format!("shaping-{name}-{what}{program}");
            figure(&label("error"), shape.error * 100.0, "%");
            figure(&label("error-chunks"), shape.chunks, "chunks");
            figure(&label("busiest-100ms"), shape.busiest * 100.0, "%");
            figure(&label("cpu"), shape.cpu.as_secs_f64() * 1e3, "ms");
        }
        if let [Some(own), Some(peer), _] = best {
            let cost = own.cpu.as_secs_f64() / peer.cpu.as_secs_f64();
            ratio(&format!("shaping-{name}-cpu"), cost);
        }
    }
    figure("shaping-reaction", reaction()?.as_secs_f64() * 1e3, "ms");
    Ok(())
}

fn garland(weights: &[u32]) -> Result<Shape> {
    let runtime = runtime()?;
    let bandwidth = Bandwidth::builder()
        .upload(Rate::bytes(u64::from(RATE)))
        .build()?;
    let lanes: garland::Result<Vec<_>> = weights
        .iter()
        .map(|weight| bandwidth.join(&Stream::upload("acme", "gdrive").with_weight(*weight)))
        .collect();
    let lanes = lanes?.into_iter().map(Rc::new);
    measure(
        &runtime,
        weights,
        lanes.collect(),
        |lane, bytes| async move {
            lane.take(usize::try_from(bytes).unwrap_or(usize::MAX))
                .await;
        },
    )
}

fn governor(weights: &[u32]) -> Result<Shape> {
    let all: u32 = weights.iter().sum();
    let limiters: Option<Vec<_>> = weights
        .iter()
        .map(|weight| {
            // A burst of two chunks: with the default of a second it lets twice as much pass in the first.
            let rate = NonZeroU32::new(RATE / all * weight)?;
            let quota = Quota::per_second(rate).allow_burst(NonZeroU32::new(2 * CHUNK)?);
            Some(Rc::new(RateLimiter::direct(quota)))
        })
        .collect();
    let limiters = limiters.ok_or("a rate of nothing")?;
    measure(
        &runtime()?,
        weights,
        limiters,
        |limiter, bytes| async move {
            if let Some(bytes) = NonZeroU32::new(bytes) {
                // One chunk always fits into the burst.
                let _ = limiter.until_n_ready(bytes).await;
            }
        },
    )
}

fn speed_limit(weights: &[u32]) -> Result<Shape> {
    let all: u32 = weights.iter().sum();
    let limiters: Vec<_> = weights
        .iter()
        .map(|weight| Rc::new(<Limiter>::new(f64::from(RATE / all * weight))))
        .collect();
    measure(
        &runtime()?,
        weights,
        limiters,
        |limiter, bytes| async move {
            limiter
                .consume(usize::try_from(bytes).unwrap_or(usize::MAX))
                .await;
        },
    )
}

/// From the moment a second stream joins until it is given its half.
fn reaction() -> Result<Duration> {
    let bandwidth = Bandwidth::builder()
        .upload(Rate::bytes(u64::from(RATE)))
        .build()?;
    let first = bandwidth.join(&Stream::upload("acme", "gdrive"))?;
    runtime()?.block_on(async {
        for _ in 0..50 {
            first.take(65_536).await;
        }
        let begun = now();
        let second = bandwidth.join(&Stream::upload("bella", "gdrive"))?;
        let half = Rate::bytes(u64::from(RATE / 2));
        while second.rate() != Some(half) {
            tokio::task::yield_now().await;
        }
        Ok(begun.elapsed())
    })
}

fn runtime() -> Result<Runtime> {
    Ok(Builder::new_current_thread().enable_time().build()?)
}

/// Has every stream take as much as it can, and holds what passed against its part.
fn measure<L, F>(
    runtime: &Runtime,
    weights: &[u32],
    limiters: Vec<Rc<L>>,
    take: impl Fn(Rc<L>, u32) -> F + Copy + 'static,
) -> Result<Shape>
where
    L: 'static,
    F: Future<Output = ()> + 'static,
{
    let logs: Vec<Log> = limiters.iter().map(|_| Log::default()).collect();
    let before = cpu()?;
    let begun = now();
    let local = LocalSet::new();
    for (limiter, log) in limiters.into_iter().zip(&logs) {
        let log = Rc::clone(log);
        local.spawn_local(async move {
            loop {
                take(Rc::clone(&limiter), CHUNK).await;
                log.borrow_mut().push((begun.elapsed(), CHUNK));
            }
        });
    }
    let time = Duration::from_secs(SECONDS);
    local.block_on(runtime, async { tokio::time::sleep(time).await });
    let cpu = cpu()?.saturating_sub(before);
    let all: u32 = weights.iter().sum();
    let mut shape = Shape {
        error: 0.0,
        chunks: 0.0,
        busiest: 0.0,
        cpu,
    };
    for (log, weight) in logs.iter().zip(weights) {
        let log = log.borrow();
        let rate = f64::from(RATE) * f64::from(*weight) / f64::from(all);
        let passed: f64 = log
            .iter()
            .filter(|(at, _)| *at <= time)
            .map(|(_, bytes)| f64::from(*bytes))
            .sum();
        let apart = passed - rate * time.as_secs_f64();
        if (apart / rate).abs() > (shape.error * time.as_secs_f64()).abs() {
            shape.error = apart / rate / time.as_secs_f64();
        }
        shape.chunks = shape.chunks.max(apart.abs() / f64::from(CHUNK));
        shape.busiest = shape.busiest.max(busiest(&log) / (rate * 0.1));
    }
    Ok(shape)
}

/// The most bytes that passed in any tenth of a second.
fn busiest(log: &[(Duration, u32)]) -> f64 {
    let window = Duration::from_millis(100);
    let windows = log.iter().enumerate().map(|(first, (from, _))| {
        let inside = log.iter().skip(first);
        let inside = inside.take_while(|(at, _)| *at < *from + window);
        inside.map(|(_, bytes)| f64::from(*bytes)).sum::<f64>()
    });
    windows.fold(0.0, f64::max)
}

impl Shape {
    /// The better of two rounds, in each respect.
    fn or(self, other: Self) -> Self {
        let error = if other.error.abs() < self.error.abs() {
            other.error
        } else {
            self.error
        };
        Self {
            error,
            chunks: self.chunks.min(other.chunks),
            busiest: self.busiest.min(other.busiest),
            cpu: self.cpu.min(other.cpu),
        }
    }
}

/// How long the threads of this process were on a processor, timers of a peer's own among them.
fn cpu() -> Result<Duration> {
    let mut nanos = 0;
    for thread in std::fs::read_dir("/proc/self/task")? {
        let stat = std::fs::read_to_string(thread?.path().join("schedstat"))?;
        nanos += stat
            .split(' ')
            .next()
            .ok_or("an empty schedstat")?
            .parse::<u64>()?;
    }
    Ok(Duration::from_nanos(nanos))
}

#[expect(clippy::disallowed_methods, reason = "a bench measures real time")]
fn now() -> Instant {
    Instant::now()
}
