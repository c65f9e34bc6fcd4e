//! How long it takes to work out and store what everybody in an organization sees, and to see an edit.
//!
//! Run with `cargo bench --bench sections`. A database is a file in a temporary folder, as a host has it.

use std::hint::black_box;
use std::sync::Arc;

use divan::counter::ItemsCount;
use futures_util::TryStreamExt as _;
use garland::backends::Sqlite;
use garland::permission::{PermissionResolver, TrustedHost};
use garland::section::{PolicyOptions, SectionService, StoredPolicy};
use garland::storage::{Precondition, StorageBackend, Store, Version};
use garland::team::Directory;
use garland::wedding::{UtcOnly, Zones};
use garland::{Chance, Clock, OrganizationId, SystemClock};
use serde_json::json;
use tokio::runtime::Runtime;

fn main() {
    divan::main();
}

/// Less where the bench only has to run, as in tests.
fn scale(size: usize) -> usize {
    if cfg!(debug_assertions) {
        size / 50
    } else {
        size
    }
}

struct Studio {
    runtime: Runtime,
    sections: SectionService,
    policy: StoredPolicy,
    backend: Arc<Sqlite>,
    organization: OrganizationId,
    /// Kept, as the database lies in it.
    _folder: tempfile::TempDir,
}

impl Studio {
    /// One that has read nothing.
    fn another_policy(&self) -> StoredPolicy {
        let (clock, zones) = (Arc::new(SystemClock::new()), Arc::new(UtcOnly::new()));
        let backend = Arc::<Sqlite>::clone(&self.backend);
        StoredPolicy::new(backend, zones, clock, PolicyOptions::default())
    }
}

const ROLES: [&str; 6] = [
    "admin",
    "coordinator",
    "photographer",
    "couple",
    "vendor",
    "guest",
];

fn studio(members: usize, sections: usize) -> Studio {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_time()
        .build()
        .expect("a runtime");
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("studio.db");
    let backend = Arc::new(runtime.block_on(Sqlite::open(path)).expect("a database"));
    let (service, policy) = runtime.block_on(furnish(&backend, members, sections));
    Studio {
        runtime,
        sections: service,
        policy,
        backend,
        organization: OrganizationId::default(),
        _folder: folder,
    }
}

async fn furnish(
    backend: &Arc<Sqlite>,
    members: usize,
    sections: usize,
) -> (SectionService, StoredPolicy) {
    let backend: Arc<dyn StorageBackend> = Arc::<Sqlite>::clone(backend);
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let zones: Arc<dyn Zones> = Arc::new(UtcOnly::new());
    let trusted: Arc<dyn PermissionResolver> = Arc::new(TrustedHost::new());
    let store = Store::new(Arc::clone(&backend), OrganizationId::default());
    let options = PolicyOptions::default();
    let policy = StoredPolicy::new(backend, Arc::clone(&zones), Arc::clone(&clock), options);
    let team = Directory::new(
        store.clone(),
        Arc::clone(&trusted),
        Arc::clone(&clock),
        zones,
    );
    let service = SectionService::new(store, policy.clone(), trusted, clock, Chance::seeded(1));
    for number in 0..members {
        let member = json!({"id": format!("m{number}"), "organizationId": "default", "role": ROLES[number % 6]});
        team.put_member(&member, Precondition::Absent)
            .await
            .expect("a member");
    }
    for number in 0..sections {
        let (one, other) = (ROLES[number % 6], ROLES[number / 6 % 6]);
        let mut section = json!({
            "id": format!("s{number}"), "organizationId": "default", "sectionType": format!("type {number}"),
            "visibility": {"roles": [one, other]},
            "permissions": {"canEdit": [other], "canHide": [one]},
            "layout": {"position": number % 65_536},
        });
        if number % 4 == 0 {
            section["visibility"]["conditions"] = json!({"minimumRole": "vendor"});
        }
        service.create(&section).await.expect("a section");
    }
    (service, policy)
}

/// Every member's results anew, stored; a result is what one member sees of one section.
#[divan::bench(args = [(100, 1_000)], sample_count = 20, sample_size = 1)]
fn sync_organization(bencher: divan::Bencher<'_, '_>, (members, sections): (usize, usize)) {
    let (members, sections) = (scale(members), scale(sections));
    let studio = studio(members, sections);
    bencher
        .counter(ItemsCount::new(members * sections))
        .bench_local(|| {
            let done: Vec<_> = studio
                .runtime
                .block_on(studio.sections.sync_organization().try_collect())
                .expect("it is done");
            assert_eq!(done.last().map(|last| last.done), Some(members as u64));
            black_box(done)
        });
}

/// From a change of one section to a state that has it.
#[divan::bench(args = [1_000], sample_count = 50, sample_size = 1)]
fn patch_and_see(bencher: divan::Bencher<'_, '_>, sections: usize) {
    let studio = studio(scale(1_000), scale(sections));
    let mut version = Version::new(1);
    let mut position = 0_u16;
    bencher.bench_local(|| {
        position = position.wrapping_add(1);
        let changes = json!({"layout": {"position": position}, "visibility": {"roles": ["guest", ROLES[usize::from(position) % 5]]}});
        studio.runtime.block_on(async {
            let patched = studio.sections.patch("s1", None, &changes, version).await.expect("it is patched");
            version = patched.version;
            let state = studio.policy.state(&studio.organization, Some(patched.revision));
            black_box(state.await.expect("it is seen"))
        })
    });
}

/// Reading all that decides, from nothing.
#[divan::bench(args = [1_000], sample_count = 20, sample_size = 1)]
fn load(bencher: divan::Bencher<'_, '_>, sections: usize) {
    let studio = studio(scale(1_000), scale(sections));
    bencher
        .with_inputs(|| studio.another_policy())
        .bench_local_values(|policy| {
            let state = policy.state(&studio.organization, None);
            black_box(studio.runtime.block_on(state).expect("it is read"))
        });
}
