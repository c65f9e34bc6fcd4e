//! The handle of an organization: its accounts, its services, its syncs.

use std::sync::Arc;

use garland::SyncRequest;
use garland::connector::{ConnectorName, Expect, FilePath, FileVersion, NamedConnector};
use garland::platforms::MemoryPlatform;
use garland::privacy::Coverage;
use garland::sync::Choice;
use garland::transfer::{Destination, TransferJob, TransferOptions};
use garland::upload::UploadsOptions;

use super::{Call, Case, answer, calls};
use crate::furnish::path;

/// A sync of accounts that the caller has under no such name.
fn foreign(case: Case<'_>) -> SyncRequest {
    let [card, archive] = ["card", "archive"].map(|alike| format!("{}-{alike}", case.known.name));
    case.a().organization.sync(&card).with(&archive)
}

/// The caller's own sync, for which the other organization has conflicts, marks and plans as well.
fn own(case: Case<'_>) -> SyncRequest {
    case.a().organization.sync("card").with("archive")
}

/// An account of the other under its name, if there is such an organization.
async fn account(case: Case<'_>, alike: &str) -> NamedConnector {
    let name: ConnectorName = format!("{}-{alike}", case.known.name).parse().unwrap();
    let theirs = case.world.b.organization.connector(name.as_str()).await;
    theirs.unwrap_or_else(|_| NamedConnector::new(name, Arc::new(MemoryPlatform::default())))
}

fn job(from: NamedConnector, to: NamedConnector, file: &FilePath) -> TransferJob {
    let job = TransferJob::new(from, file.clone(), FileVersion::default());
    job.to(Destination::new(to, path("stolen.jpg"), Expect::Absent))
}

pub(super) fn calls() -> Vec<Call> {
    calls! {
        ids {
            ["Organization::connector"] => |case| Box::pin(async move {
                let name = format!("{}-card", case.known.name);
                answer(case.a().organization.connector(&name).await)
            }),
            ["Organization::uploads"] => |case| Box::pin(async move {
                let name = format!("{}-card", case.known.name);
                let options = UploadsOptions::default();
                answer(case.a().organization.uploads(&name, options).await)
            }),
            ["Organization::sealed"] => |case| Box::pin(async move {
                let name = format!("{}-vault", case.known.name);
                answer(case.a().organization.sealed(&name).await)
            }),
            ["Organization::transfer"] => |case| Box::pin(async move {
                let ours = case.a().organization.connector("card").await.unwrap();
                let theirs = account(case, "card").await;
                let options = TransferOptions::default();
                let [take, give] = [
                    job(theirs.clone(), ours.clone(), &case.known.conflict),
                    job(ours, theirs, &case.known.conflict),
                ];
                let take = case.a().organization.transfer(&take, options.clone()).await;
                let give = case.a().organization.transfer(&give, options).await;
                answer(take) + &answer(give)
            }),
            // Their account under the name of the caller's own.
            ["Organization::transfer"] => |case| Box::pin(async move {
                let theirs = Arc::clone(account(case, "card").await.connector());
                let theirs = NamedConnector::new("card".parse().unwrap(), theirs);
                let ours = case.a().organization.connector("archive").await.unwrap();
                let job = job(theirs, ours, &case.known.conflict);
                let options = TransferOptions::default();
                answer(case.a().organization.transfer(&job, options).await)
            }),
            // An upload that the other has on its way, from and to accounts of the same names.
            ["Organization::transfer"] => |case| Box::pin(async move {
                let file = &case.known.in_flight;
                let entry = case.a().accounts.card.put(file.as_str(), "mine").unwrap();
                let card = case.a().organization.connector("card").await.unwrap();
                let archive = case.a().organization.connector("archive").await.unwrap();
                let to = Destination::new(archive, file.clone(), Expect::Absent);
                let job = TransferJob::new(card, file.clone(), entry.version).to(to);
                let moved = case.a().organization.transfer(&job, TransferOptions::default()).await;
                let moved = moved.map(|moved| moved.destinations.iter().map(Result::is_ok).collect::<Vec<_>>());
                answer(moved) + &format!("{:?}", case.a().accounts.archive.get(file.as_str()))
            }),
            ["Organization::sync", "SyncRequest::plan"] => |case| Box::pin(async move {
                answer(foreign(case).plan().await)
            }),
            ["SyncRequest::run"] => |case| Box::pin(async move {
                answer(foreign(case).run().await)
            }),
            ["SyncRequest::apply"] => |case| Box::pin(async move {
                answer(foreign(case).apply(&case.known.plan).await)
            }),
            // Their plan for the caller's accounts of the same names.
            ["SyncRequest::apply"] => |case| Box::pin(async move {
                answer(own(case).apply(&case.known.plan).await)
            }),
            ["SyncRequest::start"] => |case| Box::pin(async move {
                answer(foreign(case).start(Some(case.known.plan.clone())).await)
            }),
            ["SyncRequest::conflicts"] => |case| Box::pin(async move {
                answer(foreign(case).conflicts().await)
            }),
            ["SyncRequest::resolve"] => |case| Box::pin(async move {
                answer(own(case).resolve(&case.known.conflict, Choice::KeepAll).await)
            }),
        }
        none {
            ["Organization::connectors"] => |case| Box::pin(async move {
                answer(case.a().organization.connectors().await)
            }),
            ["Organization::store"] => |case| Box::pin(async move {
                let store = case.a().organization.store().await;
                answer(store.map(|store| store.organization() == case.id()))
            }),
            [
                "Organization::auditor",
                "Organization::heads",
                "Organization::keys",
                "Organization::privacy",
                "Organization::subjects"
            ] => |case| Box::pin(async move {
                let organization = &case.a().organization;
                let auditor = answer(organization.auditor().await);
                let heads = answer(organization.heads().await);
                let keys = answer(organization.keys().await);
                let privacy = answer(organization.privacy(Coverage::garland().unwrap()).await);
                auditor + &heads + &keys + &privacy + &answer(organization.subjects().await)
            }),
            ["SyncRequest::conflicts"] => |case| Box::pin(async move {
                answer(own(case).conflicts().await)
            }),
            ["SyncRequest::start", "SyncRun::next_event", "SyncRun::report"] => |case| Box::pin(async move {
                let mut run = own(case).start(None).await.unwrap();
                let mut events = Vec::new();
                while let Some(event) = run.next_event().await {
                    events.push(event);
                }
                answer(run.report().await.map(|report| (report, events)))
            }),
        }
    }
}
