//! From the subscription to the sync.

use std::time::Duration;

use garland::connector::ChangeHint;
use garland::testing::{Faults, Moment};
use garland::{Error, ErrorKind};

use crate::office::{DAY, Office};

const ACCOUNT: &str = "zoë drive";

#[tokio::test(start_paused = true)]
async fn what_a_platform_tells_is_kept_until_somebody_has_looked() {
    let office = Office::new();
    let inbox = office.inbox();
    assert!(inbox.subscribe(ACCOUNT).await.unwrap().is_some());
    let hint = ChangeHint::File("day/1.jpg".parse().unwrap());
    let delivery = office.delivery(std::slice::from_ref(&hint)).await;
    assert_eq!(inbox.receive(&delivery).await.status, 200);
    assert_eq!(office.hints().await, [hint.clone()]);

    let failed = inbox
        .act(async |_, _| Err(Error::new(ErrorKind::Unavailable, "test.act", "no")))
        .await;
    assert_eq!(failed.unwrap_err().kind(), ErrorKind::Unavailable);
    assert_eq!(office.hints().await, [hint.clone()], "it was not acted on");

    let elsewhere = office.inbox();
    let acted = elsewhere
        .act(async |account, hints| {
            assert_eq!(
                (account.name().as_str(), hints),
                (ACCOUNT, vec![hint.clone()])
            );
            // More comes while somebody looks.
            let more = office.delivery(&[ChangeHint::Files]).await;
            assert_eq!(inbox.receive(&more).await.status, 200);
            Ok(())
        })
        .await;
    assert_eq!(acted.unwrap(), 1);
    assert_eq!(
        office.hints().await,
        [ChangeHint::Files],
        "what came meanwhile stays"
    );
    assert_eq!(inbox.act(async |_, _| Ok(())).await.unwrap(), 1);
    assert_eq!(inbox.act(async |_, _| Ok(())).await.unwrap(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_subscription_is_made_once_and_renewed_before_it_ends() {
    let office = Office::new();
    let inbox = office.inbox();
    let until = inbox.subscribe(ACCOUNT).await.unwrap();
    assert_eq!(office.inbox().subscribe(ACCOUNT).await.unwrap(), until);
    office.delivery(&[ChangeHint::Files]).await;
    for _ in 0..30 {
        office.pass(DAY).await;
        let tended = inbox.tend().await.unwrap();
        assert!(
            tended.failed.is_empty() && tended.made.is_empty(),
            "{tended:?}"
        );
        assert_eq!(
            inbox
                .receive(&office.delivery(&[ChangeHint::Files]).await)
                .await
                .status,
            200
        );
    }
    assert!(inbox.subscribe(ACCOUNT).await.unwrap() > until);
}

#[tokio::test(start_paused = true)]
async fn a_subscription_that_has_ended_is_made_anew_and_what_was_missed_is_looked_for() {
    let office = Office::new();
    let inbox = office.inbox();
    inbox.subscribe(ACCOUNT).await.unwrap();
    let old = office.delivery(&[ChangeHint::Files]).await;
    office.pass(DAY * 30).await;
    let tended = inbox.tend().await.unwrap();
    assert_eq!(tended.made.len(), 1, "{tended:?}");
    assert!(
        office.hints().await.contains(&ChangeHint::Files),
        "what was missed"
    );
    assert_eq!(
        inbox.receive(&old).await.status,
        404,
        "the old address is no more"
    );
    assert_eq!(
        inbox
            .receive(&office.delivery(&[ChangeHint::Contacts]).await)
            .await
            .status,
        200
    );
}

#[tokio::test(start_paused = true)]
async fn an_account_of_which_nothing_is_heard_is_looked_at() {
    let office = Office::new();
    let inbox = office.inbox();
    inbox.subscribe(ACCOUNT).await.unwrap();
    assert!(inbox.tend().await.unwrap().looked.is_empty());
    office.pass(Duration::from_secs(3_600)).await;
    assert_eq!(inbox.tend().await.unwrap().looked.len(), 1);
    assert_eq!(
        office.hints().await,
        [ChangeHint::Contacts, ChangeHint::Files]
    );
    assert!(
        inbox.tend().await.unwrap().looked.is_empty(),
        "not again at once"
    );
}

#[tokio::test(start_paused = true)]
async fn after_the_end_nothing_is_taken_and_nothing_is_left() {
    let office = Office::new();
    let inbox = office.inbox();
    inbox.subscribe(ACCOUNT).await.unwrap();
    let delivery = office.delivery(&[ChangeHint::Files]).await;
    inbox.receive(&delivery).await;
    inbox.unsubscribe(ACCOUNT).await.unwrap();
    inbox.unsubscribe(ACCOUNT).await.unwrap();
    assert_eq!(inbox.receive(&delivery).await.status, 404);
    assert_eq!(office.hints().await, []);
}

/// Wherever the process dies: one subscription results, and no delivery that was answered with 200 is lost.
#[tokio::test(start_paused = true)]
async fn a_crash_at_any_step_loses_nothing() {
    for moment in [Moment::Before, Moment::After] {
        for step in 1..40 {
            let office = Office::new();
            let faults = Faults::crash_at(step, moment);
            let dying = office.inbox_over(&faults);
            let mut promised = false;
            if dying.subscribe(ACCOUNT).await.is_ok() {
                let delivery = office.delivery(&[ChangeHint::Files]).await;
                promised = dying.receive(&delivery).await.status == 200;
            }
            office.pass(Duration::from_secs(300)).await;
            let inbox = office.inbox();
            inbox.subscribe(ACCOUNT).await.unwrap();
            if promised {
                assert_eq!(
                    office.hints().await,
                    [ChangeHint::Files],
                    "{moment:?} {step}"
                );
            }
            let delivery = office.delivery(&[ChangeHint::Contacts]).await;
            assert_eq!(
                inbox.receive(&delivery).await.status,
                200,
                "{moment:?} {step}"
            );
        }
    }
}
