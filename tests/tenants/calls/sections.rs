//! What people see of weddings: sections, their past, templates, results, subscriptions, and what decides.

use std::sync::Arc;

use futures_util::TryStreamExt as _;
use garland::OrganizationId;
use garland::permission::{
    Action, Actor, PermissionResolver as _, Resource, Snapshot, TrustedHost,
};
use garland::section::{
    LiveOptions, LiveSections, PolicyOptions, QueueOptions, SectionService, StoredPolicy,
    Subscription, Update, WatchRequest,
};
use garland::storage::{Precondition, Version};
use garland::wedding::UtcOnly;
use serde_json::{Value, json};

use super::{Call, Case, answer, calls};
use crate::furnish_studio::ALIKE;

const ANY: Precondition = Precondition::Any;
const ONE: Version = Version::new(1);

fn sections(case: Case<'_>) -> SectionService {
    case.a().organization.sections()
}

/// As a person by this id.
fn acting(case: Case<'_>, id: &str) -> SectionService {
    sections(case).acting_as(Actor::User(id.to_owned()))
}

/// One of the things that the other organization has under a name of its own.
fn of(case: Case<'_>, what: &str) -> String {
    format!("{}-{what}", case.known.name)
}

fn title() -> Value {
    json!({"customization": {"title": "ours"}})
}

/// A section by this id, of a type by the same name.
fn section(case: Case<'_>, id: &str) -> Value {
    json!({"id": id, "organizationId": case.id().as_str(), "sectionType": id})
}

/// That something of the caller's own is in an answer, so that what is not there could have been.
#[track_caller]
fn tells(case: Case<'_>, what: &str, answer: String) -> String {
    let own = format!("{}-{what}", case.id());
    assert!(answer.contains(&own), "nothing of {own}: {answer}");
    answer
}

fn policy(case: Case<'_>) -> StoredPolicy {
    let (backend, clock) = (case.world.tap.clone(), case.world.clock.clone());
    let (zones, options) = (UtcOnly::new(), PolicyOptions::default());
    StoredPolicy::new(Arc::new(backend), Arc::new(zones), Arc::new(clock), options)
}

fn live(case: Case<'_>) -> LiveSections {
    let clock = Arc::new(case.world.clock.clone());
    let resolver = Arc::new(TrustedHost::new());
    LiveSections::new(policy(case), resolver, clock, LiveOptions::default())
}

/// What a subscription tells first, without when.
async fn first(subscription: garland::Result<Subscription>) -> String {
    let mut subscription = match subscription {
        Ok(subscription) => subscription,
        Err(error) => return answer::<()>(Err(error)),
    };
    let told = subscription.next().await.map(|update| match update {
        Update::Snapshot(all) => format!("all {:?} {:?}", all.phase, all.sections),
        other => format!("{other:?}"),
    });
    answer(told)
}

/// Whatever a state knows under these ids, and all it has.
fn known(state: &Snapshot, [member, wedding, section]: [&str; 3]) -> String {
    let found = (
        state.member(member).map(|found| found.id().to_owned()),
        state.wedding(wedding).map(|found| found.id().to_owned()),
        state.section(section).map(|found| found.id().to_owned()),
    );
    let members: Vec<_> = state.members().map(|found| found.id()).collect();
    let weddings: Vec<_> = state.weddings().map(|found| found.id()).collect();
    let sections: Vec<_> = state.sections().map(|found| found.id()).collect();
    format!("{found:?} {members:?} {weddings:?} {sections:?}")
}

pub(super) fn calls() -> Vec<Call> {
    let mut all = about_sections();
    all.extend(about_templates());
    all.extend(about_results());
    all.extend(about_watching());
    all
}

fn about_sections() -> Vec<Call> {
    calls! {
        ids {
            ["section::SectionService::read"] => |case| Box::pin(async move {
                let (id, wedding) = (of(case, "section"), of(case, "wedding"));
                let host = answer(sections(case).read(&id, Some(&wedding)).await);
                let member = acting(case, &of(case, "member"));
                host + &answer(member.read(&id, Some(&wedding)).await)
            }),
            // The caller's own member in their wedding, and their member in the caller's.
            ["section::SectionService::list"] => |case| Box::pin(async move {
                let (theirs, ours) = (of(case, "member"), acting(case, ALIKE));
                let ours = ours.list(Some(&of(case, "wedding"))).await;
                let ours = ours.map(|all| all.into_iter().map(|view| view.id).collect::<Vec<_>>());
                answer(ours) + &answer(acting(case, &theirs).list(Some(ALIKE)).await)
            }),
            ["section::SectionService::patch"] => |case| Box::pin(async move {
                let wedding = of(case, "wedding");
                let (service, id) = (sections(case), of(case, "section"));
                answer(service.patch(&id, Some(&wedding), &title(), ONE).await)
            }),
            ["section::SectionService::create"] => |case| Box::pin(async move {
                let id = of(case, "section");
                let mut theirs = section(case, &id);
                theirs["weddingId"] = json!(of(case, "wedding"));
                let in_wedding = answer(sections(case).create(&theirs).await);
                let made = sections(case).create(&section(case, &id)).await;
                let made = answer(made.map(|made| made.version));
                let gone = sections(case).remove(&id, ONE).await;
                in_wedding + &made + &answer(gone.map(|gone| gone.version))
            }),
            // A record that says it is theirs.
            ["section::SectionService::create"] => |case| Box::pin(async move {
                let mut theirs = section(case, &of(case, "section"));
                theirs["organizationId"] = json!(case.known.name);
                answer(sections(case).create(&theirs).await)
            }),
            ["section::SectionService::remove"] => |case| Box::pin(async move {
                answer(sections(case).remove(&of(case, "section"), ONE).await)
            }),
            ["section::SectionService::personalize"] => |case| Box::pin(async move {
                let (id, wedding) = (of(case, "section"), of(case, "wedding"));
                let theirs = acting(case, &of(case, "member"));
                let theirs = answer(theirs.personalize(&id, Some(&wedding), &title(), ANY).await);
                let ours = acting(case, ALIKE);
                theirs + &answer(ours.personalize(&id, None, &title(), ANY).await)
            }),
            ["section::SectionService::arrangement"] => |case| Box::pin(async move {
                let id = of(case, "section");
                let theirs = acting(case, &of(case, "member"));
                answer(theirs.arrangement(&id).await) + &answer(acting(case, ALIKE).arrangement(&id).await)
            }),
            ["section::SectionService::history"] => |case| Box::pin(async move {
                // What the caller has made and removed under the same id is the caller's own.
                let past = sections(case).history(&of(case, "section"));
                let past = past.try_filter(|entry| std::future::ready(entry.change == "1"));
                answer(past.try_collect::<Vec<_>>().await)
            }),
            ["section::SectionService::undo"] => |case| Box::pin(async move {
                answer(sections(case).undo(&of(case, "section"), None, "1", ONE).await)
            }),
            ["section::SectionService::erase_history"] => |case| Box::pin(async move {
                answer(sections(case).erase_history(&of(case, "section")).await)
            }),
            [
                "section::SectionService::queue",
                "section::SectionQueue::patch",
                "section::SectionQueue::mark",
                "section::SectionQueue::shutdown"
            ] => |case| Box::pin(async move {
                let (id, wedding) = (of(case, "section"), of(case, "wedding"));
                let queue = sections(case).queue(QueueOptions::default());
                let member = Actor::User(of(case, "member"));
                let patched = queue.patch(member, &id, Some(&wedding), &title(), ONE).await;
                let marked = queue.mark(&of(case, "member"), Some(&wedding)).await;
                // By the host it is taken, and found not to be there when it is stored.
                let stored = queue.patch(Actor::Host, &id, None, &title(), ONE).await.unwrap();
                let shut = answer(queue.shutdown().await);
                answer(patched.map(drop)) + &answer(marked) + &answer(stored.accepted().await) + &shut
            }),
        }
        none {
            // Under an id that the other has as well, the caller's own is there.
            [
                "section::SectionService::read",
                "section::SectionService::list",
                "section::SectionService::history",
                "section::SectionService::arrangement"
            ] => |case| Box::pin(async move {
                let (host, member) = (sections(case), acting(case, ALIKE));
                let read = tells(case, "title", answer(host.read(ALIKE, Some(ALIKE)).await));
                let seen = tells(case, "subtitle", answer(member.read(ALIKE, Some(ALIKE)).await));
                let all = tells(case, "title", answer(host.list(Some(ALIKE)).await));
                let theirs = tells(case, "title", answer(member.list(None).await));
                let past = host.history(ALIKE).try_collect::<Vec<_>>().await;
                let past = tells(case, "before", answer(past));
                let own = tells(case, "subtitle", answer(member.arrangement(ALIKE).await));
                [read, seen, all, theirs, past, own].concat()
            }),
            // And whatever is done to it is done to the caller's.
            [
                "section::SectionService::patch",
                "section::SectionService::undo",
                "section::SectionService::personalize",
                "section::SectionService::queue",
                "section::SectionQueue::patch",
                "section::SectionQueue::shutdown",
                "section::Ticket::accepted"
            ] => |case| Box::pin(async move {
                let (host, member) = (sections(case), acting(case, ALIKE));
                let version = host.read(ALIKE, None).await.unwrap().version;
                let title = json!({"customization": {"title": format!("ours, {version:?}")}});
                let patched = member.patch(ALIKE, Some(ALIKE), &title, version).await.unwrap();
                let change = patched.change.clone().unwrap();
                let undone = host.undo(ALIKE, None, &change, patched.version).await.unwrap();
                let own = member.personalize(ALIKE, None, &title, ANY).await.unwrap();
                let queue = host.queue(QueueOptions::default());
                let actor = Actor::User(ALIKE.to_owned());
                let ticket = queue.patch(actor, ALIKE, None, &title, undone.version).await.unwrap();
                queue.shutdown().await.unwrap();
                answer(Ok((patched, undone, own, ticket.accepted().await.unwrap())))
            }),
            ["section::SectionService::erase_history", "section::SectionService::remove"] => |case| Box::pin(async move {
                let host = sections(case);
                let erased = host.erase_history(ALIKE).await.unwrap();
                assert!(erased > 0);
                let found = host.read(ALIKE, None).await.unwrap();
                let removed = host.remove(ALIKE, found.version).await.unwrap();
                // Its arrangements went with it, and nobody else's.
                assert_eq!(acting(case, ALIKE).arrangement(ALIKE).await.unwrap(), None);
                let again = serde_json::to_value(found.configuration).unwrap();
                answer(Ok((erased, removed, host.create(&again).await.unwrap())))
            }),
        }
    }
}

fn about_templates() -> Vec<Call> {
    calls! {
        ids {
            ["section::SectionService::template"] => |case| Box::pin(async move {
                answer(sections(case).template(&of(case, "template")).await)
            }),
            ["section::SectionService::use_template"] => |case| Box::pin(async move {
                let ours = sections(case).use_template(ALIKE, &of(case, "wedding")).await;
                answer(ours) + &answer(sections(case).use_template(&of(case, "template"), ALIKE).await)
            }),
            ["section::SectionService::remove_template"] => |case| Box::pin(async move {
                answer(sections(case).remove_template(&of(case, "template"), ANY).await)
            }),
            // Of their wedding nothing is kept, under whatever name.
            ["section::SectionService::keep_template"] => |case| Box::pin(async move {
                let (id, wedding) = (of(case, "template"), of(case, "wedding"));
                let kept = sections(case).keep_template(&id, "Ours", Some(&wedding), ANY).await;
                let kept = answer(kept.map(|kept| kept.version));
                let found = sections(case).template(&id).await;
                let found = found.map(|found| found.map(|found| found.value.sections.len()));
                sections(case).remove_template(&id, ANY).await.unwrap();
                kept + &answer(found)
            }),
            ["section::SectionService::copy"] => |case| Box::pin(async move {
                let wedding = of(case, "wedding");
                let take = answer(sections(case).copy(Some(&wedding), ALIKE).await);
                take + &answer(sections(case).copy(None, &wedding).await)
            }),
        }
        none {
            ["section::SectionService::template", "section::SectionService::templates"] => |case| Box::pin(async move {
                let one = tells(case, "pattern", answer(sections(case).template(ALIKE).await));
                let all = sections(case).templates().try_collect::<Vec<_>>().await;
                one + &tells(case, "usual", answer(all))
            }),
            [
                "section::SectionService::keep_template",
                "section::SectionService::use_template",
                "section::SectionService::copy",
                "section::SectionService::remove_template"
            ] => |case| Box::pin(async move {
                let (host, own) = (sections(case), format!("{}-wedding", case.id()));
                let mut made = host.use_template(ALIKE, ALIKE).await.unwrap();
                let copied = host.copy(Some(ALIKE), &own).await.unwrap();
                assert_eq!((made.len(), copied.len()), (1, 1));
                host.remove_template(ALIKE, ANY).await.unwrap();
                let name = format!("{}-usual", case.id());
                let kept = host.keep_template(ALIKE, &name, Some(ALIKE), ANY).await.unwrap();
                made.extend(copied);
                for id in &made {
                    host.remove(id, ONE).await.unwrap();
                }
                answer(Ok((kept, made)))
            }),
        }
    }
}

fn about_results() -> Vec<Call> {
    calls! {
        ids {
            ["section::SectionService::results"] => |case| Box::pin(async move {
                let (member, wedding) = (of(case, "member"), of(case, "wedding"));
                let host = sections(case);
                let theirs = answer(host.results(&member, Some(&wedding)).await);
                theirs + &answer(host.results(&member, None).await)
                    + &answer(host.results(ALIKE, Some(&wedding)).await)
            }),
            ["section::SectionService::recompute"] => |case| Box::pin(async move {
                let (member, wedding) = (of(case, "member"), of(case, "wedding"));
                let pairs = [(&*member, None), (&*member, Some(&*wedding)), (ALIKE, Some(&*wedding))];
                let done = answer(sections(case).recompute(&pairs).await);
                done + &answer(sections(case).results(&member, None).await)
            }),
        }
        none {
            [
                "section::SectionService::check",
                "section::SectionService::check_results"
            ] => |case| Box::pin(async move {
                let check = answer(sections(case).check().await);
                check + &tells(case, "member", answer(sections(case).check_results().await))
            }),
            [
                "section::SectionService::recompute",
                "section::SectionService::results"
            ] => |case| Box::pin(async move {
                let host = sections(case);
                let own = format!("{}-member", case.id());
                host.recompute(&[(ALIKE, None), (&own, None)]).await.unwrap();
                let alike = answer(host.results(ALIKE, None).await);
                alike + &tells(case, "member", answer(host.results(&own, None).await))
            }),
            ["section::SectionService::sync_organization"] => |case| Box::pin(async move {
                let steps = sections(case).sync_organization();
                answer(steps.try_collect::<Vec<_>>().await)
            }),
        }
    }
}

fn about_watching() -> Vec<Call> {
    calls! {
        ids {
            ["Organization::watch_sections"] => |case| Box::pin(async move {
                let organization = &case.a().organization;
                let (member, wedding) = (of(case, "member"), of(case, "wedding"));
                let after = Some(case.known.watched);
                first(organization.watch_sections(&member, Some(&wedding), after).await).await
            }),
            // The caller's own member, from where theirs of the same id stands.
            ["section::LiveSections::subscribe", "section::Subscription::next"] => |case| Box::pin(async move {
                let (live, wedding) = (live(case), of(case, "wedding"));
                let request = || WatchRequest::new(case.id().clone(), ALIKE).after(case.known.watched);
                let there = first(live.subscribe(request().wedding(wedding)).await).await;
                let own = first(live.subscribe(request()).await).await;
                assert!(own.contains("all"), "{own}");
                there + &own
            }),
            ["Organization::permission_snapshot"] => |case| Box::pin(async move {
                let ids = ["member", "wedding", "section"].map(|what| of(case, what));
                let state = case.a().organization.permission_snapshot(None).await;
                answer(state.map(|state| known(&state, ids.each_ref().map(String::as_str))))
            }),
            [
                "section::StoredPolicy::state",
                "section::StoredPolicy::decide",
                "section::StoredPolicy::snapshot"
            ] => |case| Box::pin(async move {
                let ids = ["member", "wedding", "section"].map(|what| of(case, what));
                let (policy, organization) = (policy(case), case.id());
                let state = policy.state(organization, None).await.unwrap();
                let known = known(&state, ids.each_ref().map(String::as_str));
                let theirs = Actor::User(of(case, "member"));
                let ours = Actor::User(ALIKE.to_owned());
                let (read, on) = (Action::new("section.read"), [Resource::new("section", &ids[2])]);
                let snapshot = policy.snapshot(organization, None).await.unwrap();
                let mut decided = snapshot.decide(&theirs, &read, &on);
                decided.extend(snapshot.decide(&ours, &read, &on));
                decided.extend(policy.decide(organization, None, &theirs, &read, &on).await.unwrap());
                assert!(decided.iter().all(|decision| !decision.allow), "{decided:?}");
                answer(Ok((known, decided)))
            }),
        }
        none {
            ["Organization::sections", "Organization::watch_sections"] => |case| Box::pin(async move {
                let organization: &OrganizationId = case.id();
                let own = format!("{organization}-member");
                let handle = &case.a().organization;
                let alike = first(handle.watch_sections(ALIKE, None, None).await).await;
                alike + &tells(case, "section", first(handle.watch_sections(&own, None, None).await).await)
            }),
            ["Organization::permission_snapshot"] => |case| Box::pin(async move {
                let state = case.a().organization.permission_snapshot(None).await;
                let state = answer(state.map(|state| known(&state, [ALIKE; 3])));
                tells(case, "member", state)
            }),
        }
    }
}
