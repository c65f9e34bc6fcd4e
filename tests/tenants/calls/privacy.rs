//! What is known about people.

use std::time::Duration;

use futures_util::TryStreamExt as _;
use garland::audit::AUDIT_SIDE_RECORDS;
use garland::privacy::{
    HoldScope, LEGAL_HOLDS, PersonalSource as _, RetentionPlan, RetentionRule, Subject,
    UploadedFiles,
};
use serde_json::json;

use super::{Call, answer, calls};
use crate::ground::START;

pub(super) fn calls() -> Vec<Call> {
    calls! {
        ids {
            ["privacy::Privacy::plan_erasure"] => |case| Box::pin(async move {
                let subject = Subject::new(case.known.subject.clone());
                answer(case.a().privacy.plan_erasure(&subject).await)
            }),
            ["privacy::Privacy::erase"] => |case| Box::pin(async move {
                let subject = Subject::new(case.known.subject.clone());
                let plan = case.a().privacy.plan_erasure(&subject).await.unwrap();
                let proof = case.a().privacy.erase(&plan, &case.known.user).await;
                answer(proof.map(|proof| (proof.record.places, proof.record.holders.len())))
            }),
            [
                "privacy::UploadedFiles::count",
                "privacy::UploadedFiles::erase",
                "privacy::UploadedFiles::export"
            ] => |case| Box::pin(async move {
                let files = UploadedFiles::new(case.a().uploads.clone());
                let subject = Subject::new(format!("{}-user", case.known.name).parse().unwrap());
                let export = files.export(&subject).try_collect::<Vec<_>>().await;
                let counts = (files.count(&subject).await.unwrap(), export.unwrap());
                let mut holds = case.a().privacy.hold_check(&subject).await.unwrap();
                let erased = files.erase(&subject, &mut holds).await;
                answer(erased.map(|erased| (counts, erased)))
            }),
            [
                "privacy::Privacy::hold_check",
                "privacy::HoldCheck::person",
                "privacy::HoldCheck::record"
            ] => |case| Box::pin(async move {
                let subject = Subject::new(case.known.held.clone());
                let (held, sides) = (LEGAL_HOLDS, AUDIT_SIDE_RECORDS);
                let mut check = case.a().privacy.hold_check(&subject).await.unwrap();
                let person = answer(check.person().await);
                let side = case.known.side.id().parse().unwrap();
                let side = answer(check.record(sides.name(), &side).await);
                person + &side + &answer(check.record(held.name(), &case.known.hold).await)
            }),
            ["privacy::Privacy::erasures"] => |case| Box::pin(async move {
                let subject = Subject::new(case.known.erased.clone());
                answer(case.a().privacy.erasures(&subject).await)
            }),
            ["privacy::Privacy::verify_erasure"] => |case| Box::pin(async move {
                let subject = Subject::new(case.known.subject.clone());
                answer(case.a().privacy.verify_erasure(&subject).await)
            }),
            ["privacy::Privacy::export"] => |case| Box::pin(async move {
                let subject = Subject::new(case.known.subject.clone())
                    .also(case.known.restricted.clone())
                    .also(case.known.name.parse().unwrap());
                answer(case.a().privacy.export(&subject).try_collect::<Vec<_>>().await)
            }),
            ["privacy::Privacy::place_hold"] => |case| Box::pin(async move {
                let scope = HoldScope::Subject(case.known.subject.clone());
                let (id, by) = (case.known.hold.clone(), &case.known.user);
                let placed = case.a().privacy.place_hold(id.clone(), scope, "a case", by).await;
                case.a().privacy.lift_hold(&id, by).await.unwrap();
                answer(placed)
            }),
            ["privacy::Privacy::lift_hold"] => |case| Box::pin(async move {
                let by = &case.known.user;
                answer(case.a().privacy.lift_hold(&case.known.hold, by).await)
            }),
            ["privacy::Privacy::restriction"] => |case| Box::pin(async move {
                answer(case.a().privacy.restriction(&case.known.restricted).await)
            }),
            ["privacy::Privacy::release"] => |case| Box::pin(async move {
                let (subject, by) = (&case.known.restricted, &case.known.user);
                answer(case.a().privacy.release(subject, by).await)
            }),
            ["privacy::Privacy::restrict"] => |case| Box::pin(async move {
                let (subject, by) = (&case.known.subject, &case.known.user);
                answer(case.a().privacy.restrict(subject, "asks for it", by).await)
            }),
            ["privacy::Privacy::apply_retention"] => |case| Box::pin(async move {
                let plan: RetentionPlan = serde_json::from_value(json!({
                    "at": START, "held": {}, "undated": {}, "is_cut": false, "items": [
                        {"collection": "token_sessions", "id": case.known.session.to_string(), "version": 1, "since": START},
                        {"collection": "privacy_restrictions", "id": case.known.restricted, "version": 1, "since": START},
                    ]})).unwrap();
                answer(case.a().privacy.apply_retention(&plan, &case.known.user).await)
            }),
        }
        none {
            ["privacy::Privacy::holds"] => |case| Box::pin(async move {
                answer(case.a().privacy.holds().await)
            }),
            ["privacy::Privacy::incident"] => |case| Box::pin(async move {
                let end = START.saturating_add(Duration::from_secs(86_400));
                answer(case.a().privacy.incident(START..=end).await)
            }),
            ["privacy::Privacy::plan_retention"] => |case| Box::pin(async move {
                let rules = ["token_sessions"]
                    .map(|name| RetentionRule::new(name.parse().unwrap(), Duration::ZERO));
                answer(case.a().privacy.plan_retention(&rules).await)
            }),
        }
    }
}
