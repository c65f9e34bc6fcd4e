//! Files that people hand in. The bytes of every organization lie on one disk.

use std::time::Duration;

use bytes::Bytes;
use futures_util::TryStreamExt as _;
use garland::upload::{Copy, Declared, UploadState};

use super::{Call, answer, calls};

pub(super) fn calls() -> Vec<Call> {
    calls! {
        ids {
            ["upload::Uploads::get"] => |case| Box::pin(async move {
                let (clean, held) = (case.known.clean, case.known.quarantined);
                let uploads = &case.a().uploads;
                answer(uploads.get(clean).await) + &answer(uploads.get(held).await)
            }),
            ["upload::Uploads::check"] => |case| Box::pin(async move {
                let (open, held) = (case.known.receiving, case.known.quarantined);
                let uploads = &case.a().uploads;
                answer(uploads.check(open).await) + &answer(uploads.check(held).await)
            }),
            ["upload::Uploads::read"] => |case| Box::pin(async move {
                let uploads = &case.a().uploads;
                let delivered = uploads.read(case.known.clean, Copy::Delivered, None).await;
                let original = uploads.read(case.known.clean, Copy::Original, Some(0..4)).await;
                answer(delivered) + &answer(original)
            }),
            ["upload::Uploads::remove"] => |case| Box::pin(async move {
                let uploads = &case.a().uploads;
                let all = [case.known.clean, case.known.quarantined, case.known.receiving];
                let mut answers = String::new();
                for id in all {
                    answers += &answer(uploads.remove(id).await);
                }
                answers
            }),
            ["upload::Uploads::begin", "upload::Incoming::abort"] => |case| Box::pin(async move {
                let declared = Declared::new("vows.txt", "text/plain");
                let by = case.known.user.clone();
                let mut incoming = case.a().uploads.begin(by, &declared).await.unwrap();
                incoming.write(Bytes::from("for better, for worse")).await.unwrap();
                answer(incoming.abort().await)
            }),
        }
        none {
            ["upload::Uploads::all"] => |case| Box::pin(async move {
                answer(case.a().uploads.all().try_collect::<Vec<_>>().await)
            }),
            [
                "upload::Uploads::begin",
                "upload::Incoming::write",
                "upload::Incoming::finish"
            ] => |case| Box::pin(async move {
                let declared = Declared::new("vows.txt", "text/plain");
                let by = case.known.user.clone();
                let mut incoming = case.a().uploads.begin(by, &declared).await.unwrap();
                incoming.write(Bytes::from("for better, for worse")).await.unwrap();
                answer(incoming.finish().await)
            }),
            ["upload::Uploads::in_state"] => |case| Box::pin(async move {
                let mut all = Vec::new();
                for state in [UploadState::Receiving, UploadState::Quarantined, UploadState::Clean] {
                    let found = case.a().uploads.in_state(state);
                    all.extend(found.try_collect::<Vec<_>>().await.unwrap());
                }
                answer(Ok(all))
            }),
            ["upload::Uploads::sweep"] => |case| Box::pin(async move {
                case.world.clock.forward(Duration::from_secs(3_600));
                answer(case.a().uploads.sweep(Duration::ZERO).await)
            }),
        }
    }
}
