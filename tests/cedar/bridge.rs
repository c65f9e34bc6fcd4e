//! The bridge by itself: what becomes a request, and that nothing but a clean permit gives anything.

use std::sync::Arc;

use garland::permission::cedar::cedar_policy::RestrictedExpression;
use garland::permission::cedar::{CedarPolicies, CedarResolver};
use garland::permission::{
    Action, Actor, Decision, PermissionResolver, PermissionSnapshot, Resource, authorize,
};
use garland::wedding::parse_instant;
use garland::{ErrorKind, OrganizationId, Timestamp};
use serde_json::{Value, json};

use crate::Still;

const RUN: Action = Action::new("sync.run");

fn now() -> Timestamp {
    parse_instant("2026-06-20T10:00:00Z").unwrap()
}

fn studio() -> OrganizationId {
    "studio".parse().unwrap()
}

fn resolver(policies: CedarPolicies) -> CedarResolver {
    let resolver = CedarResolver::new(Arc::new(Still(now())));
    resolver.put(&studio(), policies).unwrap();
    resolver
}

fn parse(policies: &str, entities: Value) -> CedarPolicies {
    CedarPolicies::parse(1, policies, entities).unwrap()
}

async fn picture(resolver: &CedarResolver) -> Arc<dyn PermissionSnapshot> {
    resolver.snapshot(&studio(), None).await.unwrap()
}

fn card() -> Resource {
    Resource::new("connector", "card")
}

fn ann() -> Actor {
    Actor::User("ann".into())
}

/// What `policies` say of Ann and the card: the code and the text of the reason.
async fn told(policies: &str) -> (bool, String, String) {
    let entities = json!([
        { "uid": { "type": "connector", "id": "card" }, "attrs": { "size": 5 }, "parents": [] },
    ]);
    let resolver = resolver(parse(policies, entities));
    let found = picture(&resolver).await.decide(&ann(), &RUN, &[card()]);
    let [Decision { allow, reasons, .. }] = &found[..] else {
        panic!("{found:?}");
    };
    let [reason] = &reasons[..] else {
        panic!("{reasons:?}");
    };
    (*allow, reason.code.to_string(), reason.text.clone())
}

#[tokio::test]
async fn a_decision_names_the_policies() {
    let of = |allow, code: &str, text: &str| (allow, code.to_owned(), text.to_owned());
    let permit = r#"@id("all") permit(principal, action, resource);"#;
    let forbid = r#"@id("none") forbid(principal, action, resource);"#;
    assert_eq!(
        told(permit).await,
        of(true, "cedar_permit", "permitted by all")
    );
    assert_eq!(
        told("").await,
        of(false, "cedar_no_permit", "no policy permits it")
    );
    let both = format!("{permit} {forbid}");
    assert_eq!(
        told(&both).await,
        of(false, "cedar_forbid", "forbidden by none")
    );
    let unnamed = "permit(principal, action, resource);";
    assert_eq!(
        told(unnamed).await,
        of(true, "cedar_permit", "permitted by policy0")
    );
}

/// Cedar passes over a policy that fails, so that a `forbid` that fails forbids nothing. Here it denies.
#[tokio::test]
async fn a_policy_that_fails_denies() {
    let permit = r#"@id("all") permit(principal, action, resource);"#;
    for failing in [
        // An attribute that is not there, another type, a number too large.
        r#"@id("odd") forbid(principal, action, resource) when { resource.locked };"#,
        r#"@id("odd") forbid(principal, action, resource) when { resource.size like "5" };"#,
        r#"@id("odd") forbid(principal, action, resource) unless { resource.size + 9223372036854775807 > 0 };"#,
        r#"@id("odd") forbid(principal, action, resource) when { principal.blocked };"#,
        r#"@id("odd") permit(principal, action, resource) when { resource.locked };"#,
    ] {
        let (allow, code, text) = told(&format!("{permit} {failing}")).await;
        assert!(!allow, "{failing}");
        assert_eq!(
            (&*code, &*text),
            ("cedar_error", "cannot be evaluated: odd"),
            "{failing}"
        );
    }
    // One that says what it needs does not fail.
    let careful =
        r#"forbid(principal, action, resource) when { resource has locked && resource.locked };"#;
    assert!(told(&format!("{permit} {careful}")).await.0);
    // What fails for others does not deny this.
    let elsewhere =
        r#"forbid(principal == User::"bo", action, resource) when { resource.locked };"#;
    assert!(told(&format!("{permit} {elsewhere}")).await.0);
}

#[tokio::test]
async fn every_actor_is_a_principal_of_its_own() {
    let policies = r#"
        @id("host") permit(principal == Host::"host", action, resource);
        @id("user") permit(principal == User::"7", action, resource);
        @id("service") permit(principal == Service::"7", action == Action::"keys.manage", resource);
    "#;
    let resolver = resolver(parse(policies, json!([])));
    let picture = picture(&resolver).await;
    let ask =
        |actor: &Actor, action| picture.decide(actor, &Action::new(action), &[card()])[0].allow;
    let (user, service) = (Actor::User("7".into()), Actor::Service("7".into()));
    for (actor, action, allow) in [
        (&Actor::Host, "sync.run", true),
        (&user, "sync.run", true),
        (&Actor::User("host".into()), "sync.run", false),
        (&service, "sync.run", false),
        (&service, "keys.manage", true),
        (&Actor::User("7\" || true".into()), "sync.run", false),
    ] {
        assert_eq!(ask(actor, action), allow, "{actor} {action}");
    }
}

#[tokio::test]
async fn all_resources_of_a_question_are_decided_in_their_order() {
    let policies = r#"
        permit(principal, action, resource is connector) when { context.organization == "studio" };
        forbid(principal, action, resource == connector::"tape");
    "#;
    let resolver = resolver(parse(policies, json!([])));
    let resources = [
        card(),
        Resource::new("connector", "tape"),
        Resource::new("no name of a type", "card"),
        Resource::new("folder", "card"),
        Resource::new("connector", "c\"ard\u{0}"),
    ];
    let found = resolver
        .decide(&studio(), None, &ann(), &RUN, &resources)
        .await
        .unwrap();
    let codes: Vec<_> = found
        .iter()
        .map(|decision| &*decision.reasons[0].code)
        .collect();
    let wanted = [
        "cedar_permit",
        "cedar_forbid",
        "cedar_kind",
        "cedar_no_permit",
        "cedar_permit",
    ];
    assert_eq!(codes, wanted);
    assert!(
        picture(&resolver)
            .await
            .decide(&ann(), &RUN, &[])
            .is_empty()
    );
    let denied = authorize(&resolver, &studio(), &ann(), &RUN, &resources).await;
    assert_eq!(denied.unwrap_err().kind(), ErrorKind::Denied);
    authorize(&resolver, &studio(), &ann(), &RUN, &resources[..1])
        .await
        .unwrap();
}

#[tokio::test]
async fn the_context_has_the_instant_and_what_the_host_adds() {
    let policies = r#"
        permit(principal, action, resource) when {
            context.now == datetime("2026-06-20T10:00:00Z") && context.phase == "wedding_day"
        };
    "#;
    let text = |text: &str| RestrictedExpression::new_string(text.to_owned());
    // What every question has is not to be replaced.
    let policies = parse(policies, json!([]))
        .with_context("phase", text("wedding_day"))
        .with_context("now", text("never"))
        .with_context("organization", text("another"));
    let resolver = resolver(policies);
    let found = picture(&resolver).await.decide(&ann(), &RUN, &[card()]);
    assert!(found[0].allow, "{found:?}");
    // Time may change any answer of Cedar's, so none is kept.
    let next = Timestamp::from_millis(now().as_millis() + 1);
    assert_eq!(found[0].valid_until, Some(next));
}

#[tokio::test]
async fn an_instant_that_cedar_does_not_have_denies() {
    let policies = parse("permit(principal, action, resource);", json!([]));
    let resolver = CedarResolver::new(Arc::new(Still(Timestamp::from_millis(i64::MAX))));
    resolver.put(&studio(), policies).unwrap();
    let found = picture(&resolver)
        .await
        .decide(&ann(), &RUN, &[card(), card()]);
    let codes: Vec<_> = found
        .iter()
        .map(|decision| &*decision.reasons[0].code)
        .collect();
    assert_eq!(codes, ["cedar_context", "cedar_context"]);
    assert!(found.iter().all(|decision| !decision.allow));
}

#[tokio::test]
async fn names_may_stand_in_a_namespace() {
    let policies = r#"
        permit(principal == Studio::User::"ann", action == Studio::Action::"sync.run", resource is Studio::connector);
    "#;
    let here = parse(policies, json!([]));
    assert!(
        !picture(&resolver(here.clone()))
            .await
            .decide(&ann(), &RUN, &[card()])[0]
            .allow
    );
    let there = here.clone().with_namespace("Studio").unwrap();
    assert!(
        picture(&resolver(there))
            .await
            .decide(&ann(), &RUN, &[card()])[0]
            .allow
    );
    let none = here.with_namespace("no name").unwrap_err();
    assert_eq!(none.kind(), ErrorKind::InvalidInput);
}

#[tokio::test]
async fn organizations_and_revisions_are_apart() {
    let open = |revision| {
        CedarPolicies::parse(revision, "permit(principal, action, resource);", json!([])).unwrap()
    };
    let resolver = CedarResolver::new(Arc::new(Still(now())));
    let other: OrganizationId = "other".parse().unwrap();
    resolver.put(&studio(), open(5)).unwrap();
    // Another organization has none of it.
    let none = resolver.snapshot(&other, None).await.unwrap_err();
    assert_eq!(none.kind(), ErrorKind::NotFound);
    let denied = authorize(&resolver, &other, &ann(), &RUN, &[card()])
        .await
        .unwrap_err();
    assert_eq!(denied.kind(), ErrorKind::Denied);
    // An older state is never given, and never put back.
    assert_eq!(
        resolver
            .snapshot(&studio(), Some(5))
            .await
            .unwrap()
            .revision(),
        5
    );
    let behind = resolver.snapshot(&studio(), Some(6)).await.unwrap_err();
    assert_eq!(behind.kind(), ErrorKind::Unavailable);
    for revision in [4, 5] {
        let older = resolver.put(&studio(), open(revision)).unwrap_err();
        assert_eq!(older.kind(), ErrorKind::Conflict);
    }
    // A picture stays as it was taken.
    let before = picture(&resolver).await;
    resolver
        .put(&studio(), CedarPolicies::parse(6, "", json!([])).unwrap())
        .unwrap();
    assert!(before.decide(&ann(), &RUN, &[card()])[0].allow);
    assert!(!picture(&resolver).await.decide(&ann(), &RUN, &[card()])[0].allow);
}

#[test]
fn what_cannot_be_read_is_an_error() {
    for (policies, entities) in [
        ("permit(", json!([])),
        ("", json!([{ "uid": 7 }])),
        ("", json!({})),
    ] {
        let error = CedarPolicies::parse(1, policies, entities).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        assert!(std::error::Error::source(&error).is_some(), "{error}");
    }
}
