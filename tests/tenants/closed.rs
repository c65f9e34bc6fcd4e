//! When the database fails, whoever decides who may come in lets nobody in, and what cannot be recorded is not done.

use std::error::Error as _;
use std::fmt::Debug;
use std::sync::Arc;

use garland::audit::{self, VerifyOptions};
use garland::backends::Memory;
use garland::connector::{FileStore as _, ReadOptions};
use garland::crypto::tokens::{Denied, Grant, TokenService};
use garland::storage::{Batch, JournalName};
use garland::testing::{FaultKind, FaultRule, Faults, FaultyStorage, Operation};
use garland::upload::Copy;
use garland::{Error, ErrorKind, Result};

use crate::dump::Dump;
use crate::furnish::{delivery, request};
use crate::ground::{Dice, START};
use crate::world::{World, policy, token_keys};

const DATABASE: [Operation; 5] = [
    Operation::Get,
    Operation::Query,
    Operation::Commit,
    Operation::ReadJournal,
    Operation::JournalHead,
];

struct Failing {
    world: World,
    faults: Faults,
    /// As a process that has just begun has it: it remembers nothing.
    tokens: TokenService,
}

impl Failing {
    async fn new() -> Self {
        let faults = Faults::none();
        let backend = FaultyStorage::new(Arc::new(Memory::new()), faults.clone());
        let world = World::on(Arc::new(backend)).await;
        let tokens = TokenService::new(
            Arc::new(world.tap.clone()),
            token_keys(),
            policy(),
            Arc::new(world.clock.clone()),
            Arc::new(Dice::new(77)),
        );
        Self {
            tokens: tokens.unwrap(),
            world,
            faults,
        }
    }

    fn fail(&self, operations: &[Operation], kind: ErrorKind) {
        for operation in operations {
            let rule = FaultRule::new(*operation, FaultKind::Error(kind));
            self.faults.add_rule(rule.always());
        }
    }
}

/// Whoever stands outside hears one sentence, whatever the reason.
#[track_caller]
fn is_shut<T: Debug>(gate: &str, outcome: Result<T, Denied>) {
    let denied = match outcome {
        Ok(value) => panic!("{gate} lets in: {value:?}"),
        Err(denied) => denied,
    };
    assert_eq!(denied.to_string(), "access denied", "{gate}");
    assert!(denied.source().is_none(), "{gate} tells more by its source");
    let error = Error::from(denied);
    assert_eq!(error.to_string(), "access denied in token.check", "{gate}");
    assert_eq!(error.kind(), ErrorKind::Denied, "{gate}");
    assert!(
        error.source().is_none() && error.retry_after().is_none(),
        "{gate}"
    );
}

#[tokio::test]
async fn r2_a_database_that_fails_lets_nobody_in() {
    for kind in [
        ErrorKind::Unavailable,
        ErrorKind::Timeout,
        ErrorKind::Corrupt,
    ] {
        let failing = Failing::new().await;
        let (world, tokens) = (&failing.world, &failing.tokens);
        let theirs = &world.theirs;
        failing.fail(&DATABASE, kind);

        // As somebody hears it who shows nothing of ours.
        is_shut("verify", tokens.verify("not a token").await);
        is_shut("verify", tokens.verify(&theirs.access).await);
        is_shut("refresh", tokens.refresh(&theirs.refresh, "web").await);
        is_shut(
            "sign_out_refresh",
            tokens.sign_out_refresh(&theirs.refresh).await,
        );
        let states = &world.b.states;
        is_shut(
            "finish",
            states.finish(&theirs.browser, &theirs.state).await,
        );
        let use_it = request(&theirs.grant);
        is_shut(
            "redeem",
            world.presigner.redeem(&theirs.grant_text, &use_it).await,
        );

        let grant = Grant::new(theirs.user.clone(), world.b.id().clone(), "web");
        assert_eq!(tokens.issue(&grant).await.unwrap_err().kind(), kind);
        let begun = states.begin(&theirs.browser, "payments").await;
        assert_eq!(begun.map(drop).unwrap_err().kind(), kind);

        // It was not the tokens: once the database is back, all of them are good.
        failing.faults.heal();
        tokens.verify(&theirs.access).await.unwrap();
        tokens.refresh(&theirs.refresh, "web").await.unwrap();
        states.finish(&theirs.browser, &theirs.state).await.unwrap();
        world
            .presigner
            .redeem(&theirs.grant_text, &use_it)
            .await
            .unwrap();
    }
}

/// Each call to the database alone, wherever a gate makes it.
#[tokio::test]
async fn r2_a_gate_stays_shut_whichever_call_fails() {
    let mut shut = 0;
    for operation in DATABASE {
        let failing = Failing::new().await;
        let (world, tokens) = (&failing.world, &failing.tokens);
        let theirs = &world.theirs;
        failing.fail(&[operation], ErrorKind::Unavailable);
        let seen = || failing.faults.injected().len();
        let mut gate = |name: &str, before: usize, outcome: Result<(), Denied>| {
            // Who did not meet the fault may come in; who met it may not.
            if seen() > before {
                is_shut(name, outcome);
                shut += 1;
            } else {
                outcome.unwrap();
            }
        };
        let before = seen();
        gate(
            "verify",
            before,
            tokens.verify(&theirs.access).await.map(drop),
        );
        let before = seen();
        let states = &world.b.states;
        gate(
            "finish",
            before,
            states
                .finish(&theirs.browser, &theirs.state)
                .await
                .map(drop),
        );
        let before = seen();
        let redeemed = world
            .presigner
            .redeem(&theirs.grant_text, &request(&theirs.grant))
            .await;
        gate("redeem", before, redeemed.map(drop));
        let before = seen();
        gate(
            "refresh",
            before,
            tokens.refresh(&theirs.refresh, "web").await.map(drop),
        );
        let before = seen();
        gate(
            "sign out",
            before,
            tokens.sign_out_refresh(&theirs.refresh).await,
        );
    }
    assert!(shut >= 8, "only {shut} gates met a fault");
}

#[tokio::test]
async fn r2_nothing_is_signed_opened_or_accepted_when_the_database_fails() {
    let failing = Failing::new().await;
    let (world, known) = (&failing.world, &failing.world.theirs);
    let tenant = &world.b;
    failing.fail(&DATABASE, ErrorKind::Unavailable);
    let fails = |what: &str, result: Result<()>| {
        let error = result.err();
        let error = error.unwrap_or_else(|| panic!("{what} goes on without a database"));
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{what}: {error}");
    };
    let main = JournalName::main();
    fails(
        "signing",
        tenant
            .auditor(&main, &world.clock)
            .seal_now()
            .await
            .map(drop),
    );
    fails(
        "the key of heads",
        tenant.organization.heads().await.map(drop),
    );
    let options = VerifyOptions::default();
    let verified = audit::verify(&tenant.store, &main, &tenant.heads, &[], &options).await;
    fails("verifying", verified.map(drop));
    fails("a key", tenant.keys.key(&known.key).await.map(drop));
    fails(
        "a side record",
        tenant.subjects.open(&known.side).await.map(drop),
    );
    let webhook = delivery("another");
    let accepted = tenant
        .deliveries
        .accept("payments", &webhook, Batch::new(START))
        .await;
    fails("a webhook", accepted.map(drop));
    let read = tenant
        .uploads
        .read(known.clean, Copy::Delivered, None)
        .await;
    fails("an upload", read.map(drop));
    fails(
        "a check",
        tenant.uploads.check(known.quarantined).await.map(drop),
    );
    let options = ReadOptions::default();
    let read = tenant.sealed.read(&known.sealed.path, options).await;
    fails("a sealed file", read.map(drop));
    let restriction = tenant.privacy.restriction(&known.restricted).await;
    fails("a restriction", restriction.map(drop));
}

#[tokio::test]
async fn r2_what_cannot_be_recorded_is_not_done() {
    let failing = Failing::new().await;
    let (world, known) = (&failing.world, &failing.world.theirs);
    let tenant = &world.b;
    let before = Dump::of(&world.tap, tenant.id()).await;
    let files = world.disk.contents();
    failing.fail(&[Operation::Commit], ErrorKind::Unavailable);
    let person = known.subject.clone();
    let erasure = tenant.privacy.plan_erasure(&person.clone().into()).await;
    let (by, session) = (&known.user, known.session);
    let acts = [
        ("rotate", tenant.keys.rotate().await.map(drop)),
        ("begin_epoch", tenant.keys.begin_epoch().await.map(drop)),
        (
            "erase a key",
            tenant.keys.erase(&known.key.file).await.map(drop),
        ),
        (
            "end_session",
            world.tokens().end_session(tenant.id(), session).await,
        ),
        (
            "erase a person",
            tenant.privacy.erase(&erasure.unwrap(), by).await.map(drop),
        ),
        (
            "restrict",
            tenant.privacy.restrict(&person, "asks for it", by).await,
        ),
        (
            "release",
            tenant.privacy.release(&known.restricted, by).await,
        ),
        ("lift_hold", tenant.privacy.lift_hold(&known.hold, by).await),
        ("remove an upload", tenant.uploads.remove(known.clean).await),
        (
            "clear an upload",
            tenant.uploads.check(known.quarantined).await.map(drop),
        ),
    ];
    for (what, outcome) in acts {
        assert_eq!(
            outcome.unwrap_err().kind(),
            ErrorKind::Unavailable,
            "{what}"
        );
    }
    let after = Dump::of(&world.tap, tenant.id()).await;
    assert!(before == after, "something was done");
    // The bytes of an upload go only after that is recorded.
    assert_eq!(files, world.disk.contents());
}
