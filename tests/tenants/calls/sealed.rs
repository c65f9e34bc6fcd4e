//! Accounts whose files are sealed.

use std::time::Duration;

use bytes::Bytes;
use futures_util::TryStreamExt as _;
use garland::connector::{ChangeFeed, Expect, FileStore as _, PlatformConnector as _, ReadOptions};

use super::{Call, answer, calls};
use crate::furnish::{path, upload};
use crate::ground::START;

pub(super) fn calls() -> Vec<Call> {
    calls! {
        ids {
            ["crypto::SealedConnector::stat"] => |case| Box::pin(async move {
                answer(case.a().sealed.stat(&case.known.sealed.path).await)
            }),
            ["crypto::SealedConnector::read"] => |case| Box::pin(async move {
                let options = ReadOptions::default();
                let reader = case.a().sealed.read(&case.known.sealed.path, options).await;
                match reader {
                    Ok(reader) => answer(reader.bytes.try_collect::<Vec<Bytes>>().await),
                    Err(error) => answer(Err::<(), _>(error)),
                }
            }),
            ["crypto::SealedConnector::delete"] => |case| Box::pin(async move {
                let expect = Expect::Version(case.known.sealed.version.clone());
                answer(case.a().sealed.delete(&case.known.sealed.path, &expect).await)
            }),
            ["crypto::SealedConnector::rename"] => |case| Box::pin(async move {
                let (from, to) = (&case.known.sealed.path, path("mine.txt"));
                answer(case.a().sealed.rename(from, &Expect::Anything, &to).await)
            }),
            ["crypto::SealedConnector::copy"] => |case| Box::pin(async move {
                let entry = &case.known.sealed;
                let to = path("mine.txt");
                let sealed = &case.a().sealed;
                answer(sealed.copy(&entry.path, &entry.version, &to, &Expect::Anything).await)
            }),
            ["crypto::SealedConnector::resume_upload"] => |case| Box::pin(async move {
                answer(case.a().sealed.resume_upload(&case.known.sealed_token).await)
            }),
            ["crypto::SealedConnector::changes"] => |case| Box::pin(async move {
                answer(ChangeFeed::changes(&case.a().sealed, &case.known.cursor).await)
            }),
            ["crypto::SealedConnector::upload"] => |case| Box::pin(async move {
                let entry = upload(&case.a().sealed, case.known.sealed.path.as_str(), b"mine").await;
                answer(case.a().sealed.delete(&entry.path, &Expect::Anything).await)
            }),
        }
        none {
            ["crypto::SealedConnector::list"] => |case| Box::pin(async move {
                answer(case.a().sealed.list().try_collect::<Vec<_>>().await)
            }),
            ["crypto::SealedConnector::start"] => |case| Box::pin(async move {
                answer(case.a().sealed.start().await)
            }),
            ["crypto::SealedConnector::persist"] => |case| Box::pin(async move {
                answer(case.a().sealed.persist().await)
            }),
            ["crypto::SealedConnector::check"] => |case| Box::pin(async move {
                answer(case.a().sealed.check().await)
            }),
            ["crypto::SealedConnector::tidy"] => |case| Box::pin(async move {
                case.world.clock.forward(Duration::from_secs(3 * 86_400));
                answer(case.a().sealed.tidy(START).await)
            }),
            ["crypto::SealedConnector::prune"] => |case| Box::pin(async move {
                answer(case.a().sealed.prune(START.saturating_add(Duration::from_secs(9))).await)
            }),
        }
    }
}
