//! Counts go where the host has said.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use garland::backends::Memory;
use garland::connector::{AuthKind, Category, FileStore, Health, Platform, PlatformConnector};
use garland::resilience::pool::PoolOptions;
use garland::resilience::{AdaptiveOptions, ResilienceOptions};
use garland::telemetry::{Label, Metrics};
use garland::{ErrorKind, Orchestrator, OrganizationId, Result};

use super::tools::{Answer, Script, World, s, stat};

#[derive(Clone, Debug, Default)]
struct Names(Arc<Mutex<Vec<&'static str>>>);

impl Names {
    fn has(&self, name: &str) -> bool {
        self.0.lock().unwrap().contains(&name)
    }
}

impl Metrics for Names {
    fn add(&self, name: &'static str, _: &[Label], _: u64) {
        self.0.lock().unwrap().push(name);
    }
    fn set(&self, _: &'static str, _: &[Label], _: f64) {}
    fn record(&self, _: &'static str, _: &[Label], _: f64) {}
}

#[tokio::test(start_paused = true)]
async fn the_place_that_a_host_gave_a_pool_is_kept() {
    let world = World::new(1);
    let (own, whole) = (Names::default(), Names::default());
    let pool = PoolOptions::default().with_metrics(Arc::new(own.clone()));
    let adaptive = AdaptiveOptions::default().with_pool(pool);
    let options = ResilienceOptions::default()
        .with_adaptive(adaptive)
        .with_metrics(Arc::new(whole.clone()));
    let script = Script::new(&world, |_, number| match number {
        1 => Answer::Limited(Some(s(1))),
        _ => Answer::Good,
    });
    let account = world.with(options).apply("clients", script.connector());
    stat(&account).await.unwrap();
    assert!(own.has("garland_pool_calls_total"));
    assert!(!whole.has("garland_pool_calls_total"));
    assert!(whole.has("garland_resilience_events_total"));
}

#[tokio::test(start_paused = true)]
async fn a_call_that_has_used_up_its_deadline_counts_as_refused() {
    let world = World::new(1);
    let whole = Names::default();
    let options = ResilienceOptions::default()
        .with_timeout(None)
        .with_metrics(Arc::new(whole.clone()));
    let script = Script::new(&world, |_, _| Answer::Never);
    let account = world.with(options).apply("clients", script.connector());
    let error = stat(&account).await.unwrap_err();
    assert_eq!(error.operation(), "resilience.retry");
    assert!(whole.has("garland_resilience_refusals_total"));
}

static DRIVE: Platform = Platform::new("drive", "Drive", Category::Cloud, AuthKind::OAuth2);

/// As the account within, but not on this machine.
#[derive(Debug)]
struct Drive(Arc<dyn PlatformConnector>);

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

#[tokio::test(start_paused = true)]
async fn the_place_that_a_host_gave_the_layers_is_kept() {
    let world = World::new(1);
    let (own, whole) = (Names::default(), Names::default());
    let options = ResilienceOptions::default().with_metrics(Arc::new(own.clone()));
    let script = Script::new(&world, |_, _| Answer::Bad(ErrorKind::Denied));
    let studio = Orchestrator::builder()
        .storage(Memory::new())
        .clock(world.clock)
        .metrics(whole.clone())
        .resilience(options)
        .connector_of(
            &OrganizationId::default(),
            "clients",
            Arc::new(Drive(script.connector())),
        )
        .build()
        .await
        .unwrap();
    let account = studio.connector("clients").await.unwrap();
    stat(account.connector()).await.unwrap_err();
    assert!(own.has("garland_pool_calls_total"));
    assert!(!whole.has("garland_pool_calls_total"));
}
