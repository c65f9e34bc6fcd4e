//! One run at a time: the leases that a run holds on what it changes.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{join_all, try_join_all};

use crate::clock::Clock;
use crate::error::{Error, ErrorKind, Result};
use crate::id::RunId;
use crate::storage::{Lease, RecordId, Store};

use super::state::Agreement;

/// How long a run may be silent before another may take its place.
const LEASE: Duration = Duration::from_secs(30);
/// How often it says that it is still there.
const RENEW: Duration = Duration::from_secs(5);

/// Takes the lease of every agreement, always in the order of their names, so that two runs never
/// wait for each other.
pub(super) async fn take(
    store: &Store,
    clock: &Arc<dyn Clock>,
    agreements: &[Agreement],
    run: RunId,
) -> Result<Vec<Lease>> {
    let names: BTreeSet<&str> = agreements.iter().map(Agreement::as_str).collect();
    let mut leases = Vec::with_capacity(names.len());
    for name in names {
        let id = RecordId::parse(format!("sync/{name}"))?;
        match Lease::acquire(store.clone(), Arc::clone(clock), id, run, LEASE).await {
            Ok(lease) => leases.push(lease),
            Err(error) => {
                release(leases).await?;
                return Err(error);
            }
        }
    }
    Ok(leases)
}

/// Keeps leases, and returns only when one is lost: whoever has it then must not be disturbed.
pub(super) async fn hold(leases: &mut [Lease], clock: &dyn Clock) -> Error {
    let mut renewed = clock.elapsed();
    loop {
        tokio::time::sleep(RENEW).await;
        let began = clock.elapsed();
        let left = LEASE.saturating_sub(began.saturating_sub(renewed));
        let renewing = try_join_all(leases.iter_mut().map(Lease::renew));
        match tokio::time::timeout(left, renewing).await {
            Ok(Ok(_)) => renewed = began,
            Ok(Err(error)) if error.is_retryable() => {}
            Ok(Err(error)) => return error,
            Err(_) => {
                let late = "the lease has run out, because the database did not answer";
                return Error::new(ErrorKind::Locked, "sync.run", late);
            }
        }
    }
}

pub(super) async fn release(leases: Vec<Lease>) -> Result<()> {
    for released in join_all(leases.into_iter().map(Lease::release)).await {
        released?;
    }
    Ok(())
}
