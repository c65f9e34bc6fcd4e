//! Keys of files, epochs, and what carries them elsewhere.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{TryStreamExt as _, stream};
use garland::crypto::{Kdf, KeyRing, SecretBytes};
use garland::storage::Batch;

use super::{Call, answer, calls};
use crate::ground::{Dice, Root, START};

const YEAR: Duration = Duration::from_secs(365 * 86_400);

pub(super) fn calls() -> Vec<Call> {
    calls! {
        ids {
            ["crypto::KeyRing::key"] => |case| Box::pin(async move {
                let key = case.a().keys.key(&case.known.key).await;
                answer(key.map(|key| case.is_known(&key)))
            }),
            ["crypto::KeyRing::keys"] => |case| Box::pin(async move {
                let names = [case.known.key.clone(), case.known.spare.clone()];
                let keys = case.a().keys.keys(&names).await.unwrap();
                answer(Ok(keys.iter().map(Option::is_some).collect::<Vec<_>>()))
            }),
            ["crypto::KeyRing::shared"] => |case| Box::pin(async move {
                let key = case.a().keys.shared(&case.known.label).await;
                answer(key.map(|key| case.is_known(&key)))
            }),
            ["crypto::KeyRing::create"] => |case| Box::pin(async move {
                let mut batch = Batch::new(START);
                let key = case.a().keys.create(&mut batch, &case.known.spare).await.unwrap();
                let made = case.a().store.commit(batch).await;
                answer(made.map(|_| case.is_known(&key)))
            }),
            ["crypto::KeyRing::destroy"] => |case| Box::pin(async move {
                let mut batch = Batch::new(START);
                case.a().keys.destroy(&mut batch, &case.known.spare).unwrap();
                answer(case.a().store.commit(batch).await.map(drop))
            }),
            ["crypto::KeyRing::erase"] => |case| Box::pin(async move {
                answer(case.a().keys.erase(&case.known.key.file).await)
            }),
            ["crypto::KeyRing::retire"] => |case| Box::pin(async move {
                answer(case.a().keys.retire(case.known.epoch).await)
            }),
            ["crypto::KeyRing::export_file"] => |case| Box::pin(async move {
                let lines = case.a().keys.export_file(&case.known.key.file).unwrap();
                answer(lines.try_collect::<Vec<_>>().await)
            }),
            ["crypto::KeyRing::import"] => |case| Box::pin(async move {
                let bundle = stream::iter([Ok(case.known.bundle.clone())]);
                answer(case.a().keys.import(bundle).await)
            }),
            // The same under the caller's own name.
            ["crypto::KeyRing::import"] => |case| Box::pin(async move {
                let text = String::from_utf8(case.known.bundle.to_vec()).unwrap();
                let (first, rest) = text.split_once('\n').unwrap();
                let first = first.replace(case.known.name, case.id().as_str());
                let bundle = Bytes::from(format!("{first}\n{rest}"));
                let report = case.a().keys.import(stream::iter([Ok(bundle)])).await;
                answer(report.map(|report| (report.added, report.known, report.destroyed)))
            }),
        }
        none {
            ["crypto::KeyRing::epochs"] => |case| Box::pin(async move {
                answer(case.a().keys.epochs().await)
            }),
            ["crypto::KeyRing::begin_epoch"] => |case| Box::pin(async move {
                answer(case.a().keys.begin_epoch().await)
            }),
            ["crypto::KeyRing::is_due"] => |case| Box::pin(async move {
                answer(case.a().keys.is_due(YEAR).await)
            }),
            ["crypto::KeyRing::change_root"] => |case| Box::pin(async move {
                answer(case.a().keys.change_root(Arc::new(Root { binds: true })).await)
            }),
            ["crypto::KeyRing::export"] => |case| Box::pin(async move {
                answer(case.a().keys.export().try_collect::<Vec<_>>().await)
            }),
            ["crypto::KeyRing::rotate"] => |case| Box::pin(async move {
                answer(case.a().keys.rotate().await)
            }),
            ["crypto::KeyRing::rotate_if_older_than"] => |case| Box::pin(async move {
                answer(case.a().keys.rotate_if_older_than(Duration::ZERO).await)
            }),
            [
                "crypto::KeyRing::start_rotation",
                "crypto::Rotation::next_event",
                "crypto::Rotation::report"
            ] => |case| Box::pin(async move {
                let mut rotation = case.a().keys.start_rotation();
                let mut events = Vec::new();
                while let Some(event) = rotation.next_event().await {
                    events.push(event);
                }
                answer(rotation.report().await.map(|report| (report, events)))
            }),
            ["crypto::KeyRing::retire_former"] => |case| Box::pin(async move {
                answer(case.a().keys.retire_former().await)
            }),
            ["crypto::KeyRing::unlock"] => |case| Box::pin(async move {
                let words = SecretBytes::from("four candles and a veil, 1987");
                let (store, clock) = (case.a().store.clone(), Arc::new(case.world.clock.clone()));
                let ring = KeyRing::unlock(store, &words, Kdf::default(), clock, Arc::new(Dice::new(1)));
                answer(ring.await)
            }),
        }
    }
}
