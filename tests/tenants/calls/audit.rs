//! Side records, heads, proofs and journals.

use futures_util::TryStreamExt as _;
use garland::audit::{self, VerifyOptions};
use garland::journal::{self, Subscription, SubscriptionOptions};
use garland::storage::{Batch, JournalName};

use super::{Call, answer, calls};
use crate::ground::START;

pub(super) fn calls() -> Vec<Call> {
    calls! {
        ids {
            ["audit::SubjectVault::open"] => |case| Box::pin(async move {
                answer(case.a().subjects.open(&case.known.side).await)
            }),
            ["audit::SubjectVault::about"] => |case| Box::pin(async move {
                let about = case.a().subjects.about(&case.known.subject).await.unwrap();
                answer(about.try_collect::<Vec<_>>().await)
            }),
            ["audit::SubjectVault::holder"] => |case| Box::pin(async move {
                answer(case.a().subjects.holder(&case.known.subject).await)
            }),
            ["audit::SubjectVault::shred"] => |case| Box::pin(async move {
                let mut batch = Batch::new(START);
                let shred = case.a().subjects.shred(&mut batch, &case.known.subject).await;
                case.a().store.commit(batch).await.unwrap();
                answer(shred)
            }),
            ["audit::SubjectVault::count"] => |case| Box::pin(async move {
                answer(case.a().subjects.count(&case.known.holder).await)
            }),
            ["audit::SubjectVault::sweep"] => |case| Box::pin(async move {
                answer(case.a().subjects.sweep(&case.known.holder).await)
            }),
            ["audit::SubjectVault::seal"] => |case| Box::pin(async move {
                let (mut batch, subject) = (Batch::new(START), &case.known.erased);
                let side = case.a().subjects.seal(&mut batch, subject, "their own").await.unwrap();
                case.a().store.commit(batch).await.unwrap();
                let holder = case.a().subjects.holder(subject).await.unwrap().unwrap();
                let opened = case.a().subjects.open(&side).await;
                let value = opened.map(|opened| opened.map(|opened| opened.value));
                answer(value.map(|value| (value, holder == case.known.holder)))
            }),
            ["audit::Auditor::seal_now"] => |case| Box::pin(async move {
                let auditor = case.a().auditor(&case.known.journal, &case.world.clock);
                answer(auditor.seal_now().await)
            }),
            ["audit::Auditor::heads"] => |case| Box::pin(async move {
                let auditor = case.a().auditor(&case.known.journal, &case.world.clock);
                answer(auditor.heads(0).try_collect::<Vec<_>>().await)
            }),
            ["audit::verify"] => |case| Box::pin(async move {
                let (store, heads) = (&case.a().store, &case.known.signed);
                let options = VerifyOptions::default();
                let journal = &case.known.journal;
                answer(audit::verify(store, journal, &case.a().heads, heads, &options).await)
            }),
            ["audit::prove"] => |case| Box::pin(async move {
                let (store, head) = (&case.a().store, &case.known.signed[1]);
                answer(audit::prove(store, &case.known.journal, 2, head).await)
            }),
            ["audit::prove_growth"] => |case| Box::pin(async move {
                let (store, [old, new]) = (&case.a().store, &case.known.signed);
                answer(audit::prove_growth(store, &case.known.journal, old, new).await)
            }),
            ["audit::export"] => |case| Box::pin(async move {
                let vault = Some(case.a().subjects.clone());
                let lines = audit::export(&case.a().store, &case.known.journal, vault);
                answer(lines.try_collect::<Vec<_>>().await)
            }),
            ["journal::verify"] => |case| Box::pin(async move {
                let store = &case.a().store;
                answer(journal::verify(store, &case.known.journal, &case.known.ends).await)
            }),
            ["journal::export"] => |case| Box::pin(async move {
                let (store, journal) = (case.a().store.clone(), case.known.journal.clone());
                answer(journal::export(store, journal, 0).try_collect::<Vec<_>>().await)
            }),
            ["journal::Subscription::next"] => |case| Box::pin(async move {
                let (store, journal) = (case.a().store.clone(), case.known.journal.clone());
                let after = case.known.ends[1].sequence;
                let options = SubscriptionOptions::default();
                answer(Subscription::new(store, journal, after, options).next().await)
            }),
        }
        none {
            ["audit::Auditor::seal_now", "audit::Auditor::heads"] => |case| Box::pin(async move {
                let auditor = case.a().auditor(&JournalName::main(), &case.world.clock);
                let sealed = auditor.seal_now().await;
                let heads = auditor.heads(0).try_collect::<Vec<_>>().await.unwrap();
                answer(sealed.map(|head| (head, heads)))
            }),
            ["audit::export"] => |case| Box::pin(async move {
                let vault = Some(case.a().subjects.clone());
                let lines = audit::export(&case.a().store, &JournalName::main(), vault);
                answer(lines.try_collect::<Vec<_>>().await)
            }),
        }
    }
}
