//! Records, journals and leases themselves.

use std::sync::Arc;
use std::time::Duration;

use futures_util::{FutureExt as _, StreamExt as _, TryStreamExt as _};
use garland::crypto::tokens::TOKEN_SESSIONS;
use garland::privacy::LEGAL_HOLDS;
use garland::storage::{Batch, Lease, Precondition, Query, RecordId, Version};
use garland::sync::SYNC_CONFLICTS;

use super::{Call, answer, calls};
use crate::ground::START;

const MINUTE: Duration = Duration::from_secs(60);

pub(super) fn calls() -> Vec<Call> {
    calls! {
        ids {
            ["storage::Store::get"] => |case| Box::pin(async move {
                let id = RecordId::parse(case.known.session.to_string()).unwrap();
                answer(case.a().store.get(&TOKEN_SESSIONS, &id).await)
            }),
            ["storage::Store::query"] => |case| Box::pin(async move {
                let query = Query::all(LEGAL_HOLDS.name().clone()).prefix(case.known.hold.as_str());
                answer(case.a().store.query(&query).await)
            }),
            ["storage::Store::all"] => |case| Box::pin(async move {
                let query = Query::all(LEGAL_HOLDS.name().clone()).prefix(case.known.name);
                let all = case.a().store.all(&LEGAL_HOLDS, query);
                answer(all.try_collect::<Vec<_>>().await)
            }),
            ["storage::Store::commit"] => |case| Box::pin(async move {
                let mut batch = Batch::new(START);
                let at = Precondition::At(Version::new(1));
                batch.delete(&LEGAL_HOLDS, case.known.hold.clone(), at);
                answer(case.a().store.commit(batch).await)
            }),
            ["storage::Store::journal_head"] => |case| Box::pin(async move {
                answer(case.a().store.journal_head(&case.known.journal).await)
            }),
            ["storage::Store::read_journal"] => |case| Box::pin(async move {
                answer(case.a().store.read_journal(&case.known.journal, 0, 100).await)
            }),
            [
                "storage::Lease::acquire",
                "storage::Lease::renew",
                "storage::Lease::release"
            ] => |case| Box::pin(async move {
                let (store, clock) = (case.a().store.clone(), Arc::new(case.world.clock.clone()));
                let id = case.known.lease.clone();
                let lease = Lease::acquire(store, clock, id, case.known.run, MINUTE).await;
                let mut lease = match lease {
                    Ok(lease) => lease,
                    Err(error) => return answer(Err::<(), _>(error)),
                };
                answer(lease.renew().await) + &answer(lease.release().await)
            }),
        }
        none {
            ["storage::Store::write_count"] => |case| Box::pin(async move {
                answer(Ok(case.a().store.write_count(&SYNC_CONFLICTS)))
            }),
            ["storage::Store::watch"] => |case| Box::pin(async move {
                answer(Ok(case.a().store.watch().next().now_or_never()))
            }),
        }
    }
}
