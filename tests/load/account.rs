//! An account in memory that is on a platform elsewhere, and a studio that has some.

use std::sync::Arc;

use async_trait::async_trait;
use garland::backends::Memory;
use garland::bandwidth::Bandwidth;
use garland::connector::{
    AuthKind, Category, Expect, FilePath, FileStore, FileVersion, Health, Platform,
    PlatformConnector,
};
use garland::permission::TrustedHost;
use garland::platforms::MemoryPlatform;
use garland::testing::PausedClock;
use garland::transfer::{Destination, Moved, TransferJob, TransferOptions};
use garland::{Chance, Orchestrator, OrchestratorBuilder, Organization, Result, Timestamp};

static DRIVE: Platform = Platform::new("drive", "Drive", Category::Cloud, AuthKind::OAuth2);

/// As the account within, but on a platform.
#[derive(Clone, Debug)]
pub(crate) struct Drive(pub(crate) Arc<dyn PlatformConnector>);

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

pub(crate) fn clock() -> PausedClock {
    PausedClock::starting(Timestamp::from_millis(1_000_000))
}

pub(crate) fn studio() -> OrchestratorBuilder {
    Orchestrator::builder()
        .storage(Memory::new())
        .permissions(TrustedHost::new())
        .clock(clock())
        .chance(Chance::seeded(1))
}

/// The same over a link.
pub(crate) fn over(link: Bandwidth) -> OrchestratorBuilder {
    studio().bandwidth(link)
}

/// A card on this machine with a file of so many bytes.
pub(crate) fn card(bytes: usize) -> MemoryPlatform {
    let card = MemoryPlatform::default();
    card.put("film.mov", vec![7; bytes]).unwrap();
    card
}

/// Moves the film of one account to another.
pub(crate) async fn film(
    studio: &Organization,
    from: &str,
    to: &str,
    options: TransferOptions,
) -> Result<Moved> {
    let path: FilePath = "film.mov".parse()?;
    let source = studio.connector(from).await?;
    let there = source.files()?.stat(&path).await?;
    let version = there.map_or_else(|| FileVersion::new(0), |entry| entry.version);
    let destination = Destination::new(studio.connector(to).await?, path.clone(), Expect::Anything);
    let job = TransferJob::new(source, path, version).to(destination);
    studio.transfer(&job, options).await
}
