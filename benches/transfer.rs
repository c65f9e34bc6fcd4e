//! What sharing a link costs while nothing bounds it: transfers to a platform against the same to a folder, which shares none.
//!
//! `cargo bench --features testing --bench transfer`. Ratios are of runs that took turns in one program, the best of each:
//! speed with the link over speed without, of one large file and of many small ones.
#![expect(clippy::print_stdout, reason = "figures are its product")]
#![expect(clippy::disallowed_methods, reason = "a bench measures real time")]

use std::time::{Duration, Instant};

use async_trait::async_trait;
use garland::backends::Memory;
use garland::connector::{
    AuthKind, Category, Expect, FileStore, Health, Platform, PlatformConnector,
};
use garland::permission::TrustedHost;
use garland::platforms::MemoryPlatform;
use garland::resilience::ResilienceOptions;
use garland::transfer::{Destination, TransferJob, TransferOptions};
use garland::{Orchestrator, Result};

static DRIVE: Platform = Platform::new("drive", "Drive", Category::Cloud, AuthKind::OAuth2);

/// Without optimization nothing is measured, only run once.
const LARGE: usize = if cfg!(debug_assertions) {
    1 << 20
} else {
    256 << 20
};
const SMALL: usize = if cfg!(debug_assertions) { 10 } else { 4_000 };
const ROUNDS: usize = if cfg!(debug_assertions) { 1 } else { 9 };

/// Memory that says of itself that it is on a platform.
#[derive(Debug)]
struct Drive(MemoryPlatform);

#[async_trait]
impl PlatformConnector for Drive {
    fn platform(&self) -> &'static Platform {
        &DRIVE
    }

    async fn check(&self) -> Result<Health> {
        self.0.check().await
    }

    fn files(&self) -> Option<&dyn FileStore> {
        self.0.files()
    }
}

fn main() -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .map_err(|cause| {
            let kind = garland::ErrorKind::Unavailable;
            garland::Error::new(kind, "bench.transfer", "no runtime").with_source(cause)
        })?;
    runtime.block_on(run())
}

async fn run() -> Result<()> {
    let card = MemoryPlatform::default();
    card.put("large.mov", vec![7; LARGE])?;
    for number in 0..SMALL {
        card.put(&format!("small-{number}.xmp"), vec![7; 4_096])?;
    }
    let studio = Orchestrator::builder()
        .storage(Memory::new())
        .permissions(TrustedHost::new())
        .resilience(None::<ResilienceOptions>)
        .connector("card", card)
        .connector("folder", MemoryPlatform::default())
        .connector("drive", Drive(MemoryPlatform::default()))
        .build()
        .await?;
    let small: Vec<String> = (0..SMALL).map(|n| format!("small-{n}.xmp")).collect();
    for (what, files) in [
        ("one large file", vec!["large.mov".to_owned()]),
        ("small files", small),
    ] {
        let (mut without, mut with) = (Duration::MAX, Duration::MAX);
        for _ in 0..ROUNDS {
            without = without.min(carry(&studio, "folder", &files).await?);
            with = with.min(carry(&studio, "drive", &files).await?);
        }
        println!(
            "{what}: {:.1} ms without, {:.1} ms with a link, {:.3} of its speed",
            without.as_secs_f64() * 1e3,
            with.as_secs_f64() * 1e3,
            without.as_secs_f64() / with.as_secs_f64()
        );
    }
    Ok(())
}

async fn carry(studio: &Orchestrator, to: &str, files: &[String]) -> Result<Duration> {
    let (source, target) = (studio.connector("card").await?, studio.connector(to).await?);
    let mut jobs = Vec::new();
    for file in files {
        let path: garland::connector::FilePath = file.parse()?;
        let Some(entry) = source.files()?.stat(&path).await? else {
            continue;
        };
        let destination = Destination::new(target.clone(), path.clone(), Expect::Anything);
        jobs.push(TransferJob::new(source.clone(), path, entry.version).to(destination));
    }
    let begun = Instant::now();
    for job in &jobs {
        for arrived in studio
            .transfer(job, TransferOptions::default())
            .await?
            .destinations
        {
            arrived?;
        }
    }
    Ok(begun.elapsed())
}
