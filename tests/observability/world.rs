//! A small sync in which something happens: a copy, a conflict, a call that is tried again.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use futures_util::TryStreamExt as _;
use garland::backends::Memory;
use garland::permission::Actor;
use garland::platforms::MemoryPlatform;
use garland::section::{
    Partner, PartnerAttempt, PartnerCall, PartnerOptions, PartnerTransport, PolicyOptions,
    QueueOptions,
};
use garland::storage::{Precondition, StorageBackend};
use garland::sync::{ConflictStrategy, SyncOptions, SyncReport};
use garland::telemetry::MetricsSnapshot;
use garland::testing::{FaultKind, FaultRule, Faults, FaultyConnector, Operation, PausedClock};
use garland::transfer::{RetryPolicy, TransferOptions};
use garland::{Chance, ErrorKind, Orchestrator, Timestamp};
use serde_json::json;

/// A password that must not come up anywhere.
pub(crate) const CONTENT: &str = "correct horse battery staple";

/// Syncs two accounts over `storage`, on this thread, and returns what was counted besides. A database with threads of its
/// own needs time that passes.
pub(crate) fn sync_over(
    storage: impl StorageBackend,
    paused: bool,
) -> (SyncReport, MetricsSnapshot) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(paused)
        .build()
        .unwrap();
    runtime.block_on(async {
        let [card, archive] = [(); 2].map(|()| MemoryPlatform::default());
        card.put("day/IMG_1.jpg", CONTENT).unwrap();
        card.put_at("both.txt", "one", Timestamp::from_millis(1_000))
            .unwrap();
        archive
            .put_at("both.txt", "other", Timestamp::from_millis(900_000))
            .unwrap();
        let busy = FaultKind::Error(ErrorKind::Unavailable);
        let faults = Faults::none().with_rule(FaultRule::new(Operation::Upload, busy));
        let archive = FaultyConnector::new("archive", Arc::new(archive), faults);
        let retry = RetryPolicy::default().with_base(Duration::from_millis(10));
        let options = SyncOptions::default()
            .with_strategy(ConflictStrategy::NewerWins)
            .with_transfer(TransferOptions::default().with_retry(retry));
        let builder = Orchestrator::builder();
        #[cfg(feature = "metrics")]
        let builder = builder.metrics(garland::telemetry::Facade::new());
        let studio = builder
            .storage(storage)
            .connector("card", card)
            .connector("archive", archive)
            .clock(PausedClock::starting(Timestamp::from_millis(1_000_000)))
            .chance(Chance::seeded(1))
            .build()
            .await
            .unwrap();
        let request = studio.sync("card").with("archive").options(options);
        request.plan().await.unwrap();
        let report = request.run().await.unwrap();
        assert!(report.is_complete(), "{report}");
        (report, studio.metrics())
    })
}

/// The same over a database in memory.
pub(crate) fn sync() -> (SyncReport, MetricsSnapshot) {
    sync_over(Memory::new(), true)
}

/// Takes what it is told at the second try.
#[derive(Debug, Default)]
struct Slow(AtomicU64);

#[async_trait]
impl PartnerTransport for Slow {
    async fn attempt(&self, _: PartnerCall<'_>) -> PartnerAttempt {
        match self.0.fetch_add(1, Ordering::SeqCst) {
            0 => PartnerAttempt::Retry { after: None },
            _ => PartnerAttempt::Delivered,
        }
    }
}

/// What happens to a section: made, changed, in vain and at once and in a queue, worked out, and told.
pub(crate) fn sections() -> MetricsSnapshot {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    runtime.block_on(async {
        let studio = Orchestrator::builder()
            .storage(Memory::new())
            .clock(PausedClock::starting(Timestamp::from_millis(1_000_000)))
            .chance(Chance::seeded(1))
            .stored_permissions(PolicyOptions::default())
            .build()
            .await
            .unwrap();
        let (team, sections) = (studio.team(), studio.sections());
        let ann = json!({"id": "ann", "organizationId": "default", "role": "couple"});
        let new = Precondition::Absent;
        team.put_member(&ann, new).await.unwrap();
        team.member("ann").await.unwrap().unwrap();
        let members: Vec<_> = team.members().try_collect().await.unwrap();
        assert_eq!(members.len(), 1);
        let transport = Arc::new(Slow::default());
        let partners = studio.partners(transport, PartnerOptions::default());
        let settings = json!({"syncSections": ["budget"]});
        let crm = Partner::new("https://crm.example.com", "key").with_settings(settings);
        partners.put("crm", &crm, new).await.unwrap();
        let budget = json!({"id": "b", "organizationId": "default", "sectionType": "budget",
            "visibility": {"roles": ["couple"]}, "customization": {"title": CONTENT}});
        let made = sections.create(&budget).await.unwrap();
        let title = json!({"customization": {"title": "x"}});
        let first = sections.patch("b", None, &title, made.version).await;
        sections
            .patch("b", None, &title, made.version)
            .await
            .unwrap_err();
        let guest = studio.as_actor(Actor::User("guest".into()));
        guest.sections().read("b", None).await.unwrap_err();
        sections.read("none", None).await.unwrap_err();
        let queue = sections.queue(QueueOptions::default());
        let roles = json!({"visibility": {"roles": ["couple", "guest"]}});
        let at = first.unwrap().version;
        let ticket = queue.patch(Actor::Host, "b", None, &roles, at).await;
        queue.mark("ann", None).await.unwrap();
        ticket.unwrap().accepted().await.unwrap();
        queue.shutdown().await.unwrap();
        let all = sections.sync_organization();
        all.try_for_each(|_| std::future::ready(Ok(())))
            .await
            .unwrap();
        let told = partners.deliver("crm");
        let told = tokio::time::timeout(Duration::from_secs(60), told).await;
        assert!(
            told.is_err(),
            "it goes on for as long as there is a partner"
        );
        studio.metrics()
    })
}
