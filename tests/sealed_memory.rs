//! What sealing and opening hold: at most four chunks a worker, whatever the length.

use std::io::{self, Read as _};

use bytes::Bytes;
use futures_util::stream::BoxStream;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use garland::crypto::{ChunkSize, Pass, Purpose, SealContext, SealKey, SecretKey, SystemEntropy};
use garland::{OrganizationId, Result};

#[global_allocator]
static MEMORY: peak_alloc::PeakAlloc = peak_alloc::PeakAlloc;

const CHUNK: usize = 1 << 16;
const LENGTH: usize = 24 * CHUNK + 5;

/// Runs alone in its program: memory is counted for all of it.
#[test]
fn four_chunks_a_worker_are_enough() {
    let context = SealContext::new(&OrganizationId::default(), "film", "v1", Purpose::Body);
    let key = SealKey::new(
        SecretKey::generate(&SystemEntropy::new()).unwrap(),
        context.unwrap(),
    );
    let chunk = ChunkSize::default();
    let mut object = Vec::new();
    let zeros = || io::repeat(0).take(LENGTH as u64);
    let whole = Pass::new().with_chunk(chunk);
    key.seal_all(&whole, &SystemEntropy::new(), zeros(), &mut object)
        .unwrap();

    for workers in 1..=4 {
        let pass = Pass::new().with_chunk(chunk).with_workers(workers);
        let sealing = held(|| {
            key.seal_all(&pass, &SystemEntropy::new(), zeros(), io::sink())
                .unwrap();
        });
        let opening = held(|| {
            key.open_all(&pass, object.as_slice(), io::sink()).unwrap();
        });
        println!("{workers} workers: sealing {sealing}, opening {opening} chunks");
        assert!(sealing.max(opening) <= 4.0 * workers_as_float(workers));
    }

    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let drain = |mut stream: BoxStream<'static, Result<Bytes>>| {
        runtime.block_on(async { while stream.try_next().await.unwrap().is_some() {} });
    };
    // The threads of the runtime are there before anything is counted.
    runtime.block_on(async { tokio::task::spawn_blocking(|| ()).await.unwrap() });
    let pieces = |length: usize| {
        let count = length.div_ceil(CHUNK / 8);
        // Each takes memory of its own, as what comes from a disk or a network does.
        stream::iter((0..count).map(|_| Ok(Bytes::from(vec![0; CHUNK / 8])))).boxed()
    };
    let sealing = held(|| {
        let plain = pieces(LENGTH);
        drain(
            key.seal_stream(plain, chunk, &SystemEntropy::new())
                .unwrap(),
        );
    });
    let object = Bytes::from(object);
    let opening = held(|| {
        let cuts = (0..object.len()).step_by(CHUNK / 8);
        let object = object.clone();
        let pieces = cuts.map(move |at| {
            let piece = object.slice(at..object.len().min(at + CHUNK / 8));
            Ok(Bytes::from(piece.to_vec()))
        });
        drain(key.open_stream(stream::iter(pieces)));
    });
    println!("a stream: sealing {sealing}, opening {opening} chunks");
    assert!(sealing.max(opening) <= 4.0);
}

/// How many chunks `work` held at most.
#[expect(clippy::cast_precision_loss, reason = "a figure for people")]
fn held(work: impl FnOnce()) -> f64 {
    MEMORY.reset_peak_usage();
    let before = MEMORY.current_usage();
    work();
    MEMORY.peak_usage().saturating_sub(before) as f64 / CHUNK as f64
}

fn workers_as_float(workers: usize) -> f64 {
    f64::from(u32::try_from(workers).unwrap())
}
