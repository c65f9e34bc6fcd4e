//! Members, weddings and statements of rights.

use futures_util::TryStreamExt as _;
use garland::permission::Actor;
use garland::storage::Precondition;
use garland::team::{Access, Directory};
use garland::wedding::{AccessLevel, Role};
use serde_json::{Value, json};

use super::{Call, Case, answer, calls};
use crate::furnish_studio::ALIKE;

const ANY: Precondition = Precondition::Any;

fn team(case: Case<'_>) -> Directory {
    case.a().organization.team()
}

/// One of the things that the other organization has under a name of its own.
fn of(case: Case<'_>, what: &str) -> String {
    format!("{}-{what}", case.known.name)
}

/// That something of the caller's own is in an answer, so that what is not there could have been.
#[track_caller]
fn tells(case: Case<'_>, what: &str, answer: String) -> String {
    let own = format!("{}-{what}", case.id());
    assert!(answer.contains(&own), "nothing of {own}: {answer}");
    answer
}

fn record(organization: &str, id: &str) -> Value {
    json!({"id": id, "organizationId": organization})
}

fn statement(id: &str, member: &str) -> Value {
    json!({"id": id, "effect": "deny", "subject": {"member": member}, "verbs": ["print"],
        "object": {"kinds": ["picture"]}})
}

pub(super) fn calls() -> Vec<Call> {
    let mut all = theirs();
    all.extend(alike());
    all
}

fn theirs() -> Vec<Call> {
    calls! {
        ids {
            ["team::Directory::member"] => |case| Box::pin(async move {
                answer(team(case).member(&of(case, "member")).await)
            }),
            ["team::Directory::wedding"] => |case| Box::pin(async move {
                answer(team(case).wedding(&of(case, "wedding")).await)
            }),
            ["team::Directory::statement"] => |case| Box::pin(async move {
                answer(team(case).statement(&of(case, "statement")).await)
            }),
            ["team::Directory::change_role"] => |case| Box::pin(async move {
                answer(team(case).change_role(&of(case, "member"), Role::Admin, ANY).await)
            }),
            ["team::Directory::remove_member"] => |case| Box::pin(async move {
                answer(team(case).remove_member(&of(case, "member"), ANY).await)
            }),
            ["team::Directory::remove_wedding"] => |case| Box::pin(async move {
                answer(team(case).remove_wedding(&of(case, "wedding"), ANY).await)
            }),
            ["team::Directory::remove_statement"] => |case| Box::pin(async move {
                answer(team(case).remove_statement(&of(case, "statement"), ANY).await)
            }),
            // Whoever lets their own member into another's wedding lets them in nowhere.
            ["team::Directory::change_access"] => |case| Box::pin(async move {
                let access = [Access::new(of(case, "wedding"), AccessLevel::Full)];
                let theirs = answer(team(case).change_access(&of(case, "member"), &access, ANY).await);
                let let_in = team(case).change_access(ALIKE, &access, ANY).await;
                let member = Actor::User(ALIKE.to_owned());
                let member = case.a().organization.sections().acting_as(member);
                let seen = member.list(Some(&of(case, "wedding"))).await;
                let seen = seen.map(|all| all.into_iter().map(|view| view.id).collect::<Vec<_>>());
                let own = [Access::new(ALIKE, AccessLevel::Full)];
                team(case).change_access(ALIKE, &own, ANY).await.unwrap();
                theirs + &answer(let_in.map(drop)) + &answer(seen)
            }),
            ["team::Directory::put_member"] => |case| Box::pin(async move {
                let id = of(case, "member");
                let theirs = record(case.known.name, &id);
                let theirs = answer(team(case).put_member(&theirs, ANY).await);
                let fresh = Precondition::Absent;
                let put = team(case).put_member(&record(case.id().as_str(), &id), fresh).await;
                let gone = team(case).remove_member(&id, ANY).await;
                theirs + &answer(put.map(|put| put.version)) + &answer(gone.map(|gone| gone.version))
            }),
            ["team::Directory::put_wedding"] => |case| Box::pin(async move {
                let id = of(case, "wedding");
                let theirs = record(case.known.name, &id);
                let theirs = answer(team(case).put_wedding(&theirs, ANY).await);
                let fresh = Precondition::Absent;
                let put = team(case).put_wedding(&record(case.id().as_str(), &id), fresh).await;
                let gone = team(case).remove_wedding(&id, ANY).await;
                theirs + &answer(put.map(|put| put.version)) + &answer(gone.map(|gone| gone.version))
            }),
            ["team::Directory::put_statement"] => |case| Box::pin(async move {
                let (id, member) = (of(case, "statement"), of(case, "member"));
                let fresh = Precondition::Absent;
                let put = team(case).put_statement(&statement(&id, &member), fresh).await;
                let gone = team(case).remove_statement(&id, ANY).await;
                answer(put.map(|put| put.version)) + &answer(gone.map(|gone| gone.version))
            }),
        }
        none {}
    }
}

/// What the caller has under an id that the other has as well.
fn alike() -> Vec<Call> {
    calls! {
        ids {}
        none {
            [
                "Organization::team",
                "team::Directory::member",
                "team::Directory::members"
            ] => |case| Box::pin(async move {
                let all = team(case).members().try_collect::<Vec<_>>().await;
                let one = tells(case, "phone", answer(team(case).member(ALIKE).await));
                one + &tells(case, "member", answer(all))
            }),
            ["team::Directory::wedding", "team::Directory::weddings"] => |case| Box::pin(async move {
                let all = team(case).weddings().try_collect::<Vec<_>>().await;
                let one = tells(case, "venue", answer(team(case).wedding(ALIKE).await));
                one + &tells(case, "wedding", answer(all))
            }),
            ["team::Directory::statement", "team::Directory::statements"] => |case| Box::pin(async move {
                let all = team(case).statements().try_collect::<Vec<_>>().await;
                let one = tells(case, "suspect", answer(team(case).statement(ALIKE).await));
                one + &tells(case, "statement", answer(all))
            }),
            [
                "team::Directory::change_role",
                "team::Directory::change_access",
                "team::Directory::put_member",
                "team::Directory::remove_member"
            ] => |case| Box::pin(async move {
                let team = team(case);
                let role = answer(team.change_role(ALIKE, Role::Guest, ANY).await);
                let access = answer(team.change_access(ALIKE, &[], ANY).await);
                let gone = answer(team.remove_member(ALIKE, ANY).await);
                let mut again = record(case.id().as_str(), ALIKE);
                again["role"] = json!("couple");
                role + &access + &gone + &answer(team.put_member(&again, Precondition::Absent).await)
            }),
            ["team::Directory::put_wedding", "team::Directory::remove_wedding"] => |case| Box::pin(async move {
                let gone = answer(team(case).remove_wedding(ALIKE, ANY).await);
                let again = record(case.id().as_str(), ALIKE);
                gone + &answer(team(case).put_wedding(&again, Precondition::Absent).await)
            }),
            ["team::Directory::put_statement", "team::Directory::remove_statement"] => |case| Box::pin(async move {
                let gone = answer(team(case).remove_statement(ALIKE, ANY).await);
                let again = statement(ALIKE, ALIKE);
                let again = team(case).put_statement(&again, Precondition::Absent).await;
                gone + &answer(again)
            }),
        }
    }
}
