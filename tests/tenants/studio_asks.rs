//! The entry points of people, weddings and sections.

use std::sync::Arc;

use async_trait::async_trait;
use futures_util::TryStreamExt as _;
use garland::permission::Actor;
use garland::section::{
    Partner, PartnerAttempt, PartnerCall, PartnerOptions, PartnerTransport, Partners, QueueOptions,
    SectionService,
};
use garland::storage::{Precondition, Version};
use garland::team::Directory;
use garland::wedding::Role;
use garland::{Organization, Result};
use serde_json::{Value, json};

use crate::calls::answer;
use crate::entry_points::{Ask, name};

const ANY: Precondition = Precondition::Any;

fn record(handle: &Organization, there: bool) -> Value {
    json!({"id": name(there, "ann"), "organizationId": handle.id().as_str(), "sectionType": "photos"})
}

fn statement(id: &str) -> Value {
    json!({"id": id, "effect": "deny", "subject": {"member": "bo"}, "verbs": ["download_original"],
        "object": {"kinds": ["file"]}})
}

fn title() -> Value {
    json!({"customization": {"title": "x"}})
}

/// One entry: the methods, the handle they are of, and the call.
macro_rules! ask {
    ($name:literal, |$of:ident: $kind:ident, $id:ident, $handle:ident, $there:ident| $call:expr) => {
        (
            &[$name] as &'static [&'static str],
            (|$handle, $there| {
                Box::pin(async move {
                    let ($of, $id): ($kind, String) = ($kind::of($handle), name($there, "ann"));
                    _ = (&$of, &$id);
                    answer::<_>($call.await)
                })
            }) as Ask,
        )
    };
}

trait Of {
    fn of(handle: &Organization) -> Self;
}

impl Of for Directory {
    fn of(handle: &Organization) -> Self {
        handle.team()
    }
}

/// Takes whatever it is given; nothing may come so far where nobody may anything.
#[derive(Debug)]
struct Takes;

#[async_trait]
impl PartnerTransport for Takes {
    async fn attempt(&self, _: PartnerCall<'_>) -> PartnerAttempt {
        PartnerAttempt::Delivered
    }
}

impl Of for Partners {
    fn of(handle: &Organization) -> Self {
        handle.partners(Arc::new(Takes), PartnerOptions::default())
    }
}

impl Of for SectionService {
    fn of(handle: &Organization) -> Self {
        handle.sections()
    }
}

async fn queued(handle: &Organization, id: &str) -> Result<()> {
    let queue = handle.sections().queue(QueueOptions::default());
    let actor = Actor::User("guest-7".into());
    let queued = queue
        .patch(actor, id, None, &title(), Version::new(1))
        .await;
    queue.shutdown().await?;
    queued.map(drop)
}

async fn marked(handle: &Organization, id: &str) -> Result<()> {
    let queue = handle.sections().queue(QueueOptions::default());
    let marked = queue.mark(id, None).await;
    queue.shutdown().await?;
    marked
}

pub(crate) fn asks() -> Vec<(&'static [&'static str], Ask)> {
    let mut all = team();
    all.extend(sections());
    all.extend(about_sections());
    all.extend(partners());
    all
}

fn partners() -> Vec<(&'static [&'static str], Ask)> {
    vec![
        ask!("Partners::put", |of: Partners, id, handle, there| async {
            let crm = Partner::new("https://crm.example.com/hook", "crm-key");
            of.put(&id, &crm, ANY).await
        }),
        ask!("Partners::get", |of: Partners, id, handle, there| {
            of.get(&id)
        }),
        ask!("Partners::resume", |of: Partners, id, handle, there| {
            of.resume(&id)
        }),
        ask!(
            "Partners::deliver",
            |of: Partners, id, handle, there| async {
                // One that was never put, as it goes on for as long as there is one.
                of.deliver(&format!("{id}-unheard-of")).await
            }
        ),
        ask!("Partners::remove", |of: Partners, id, handle, there| {
            of.remove(&id, ANY)
        }),
    ]
}

fn team() -> Vec<(&'static [&'static str], Ask)> {
    vec![
        ask!(
            "Directory::put_member",
            |team: Directory, id, handle, there| async {
                team.put_member(&record(handle, there), ANY).await
            }
        ),
        ask!(
            "Directory::change_role",
            |team: Directory, id, handle, there| { team.change_role(&id, Role::Admin, ANY) }
        ),
        ask!(
            "Directory::change_access",
            |team: Directory, id, handle, there| { team.change_access(&id, &[], ANY) }
        ),
        ask!(
            "Directory::remove_member",
            |team: Directory, id, handle, there| { team.remove_member(&id, ANY) }
        ),
        ask!("Directory::member", |team: Directory, id, handle, there| {
            team.member(&id)
        }),
        ask!(
            "Directory::members",
            |team: Directory, id, handle, there| { team.members().try_collect::<Vec<_>>() }
        ),
        ask!(
            "Directory::put_wedding",
            |team: Directory, id, handle, there| async {
                team.put_wedding(&record(handle, there), ANY).await
            }
        ),
        ask!(
            "Directory::remove_wedding",
            |team: Directory, id, handle, there| { team.remove_wedding(&id, ANY) }
        ),
        ask!(
            "Directory::wedding",
            |team: Directory, id, handle, there| team.wedding(&id)
        ),
        ask!(
            "Directory::put_statement",
            |team: Directory, id, handle, there| async {
                team.put_statement(&statement(&id), ANY).await
            }
        ),
        ask!(
            "Directory::remove_statement",
            |team: Directory, id, handle, there| { team.remove_statement(&id, ANY) }
        ),
        ask!(
            "Directory::statement",
            |team: Directory, id, handle, there| team.statement(&id)
        ),
        ask!(
            "Directory::statements",
            |team: Directory, id, handle, there| { team.statements().try_collect::<Vec<_>>() }
        ),
        ask!(
            "Directory::weddings",
            |team: Directory, id, handle, there| { team.weddings().try_collect::<Vec<_>>() }
        ),
    ]
}

fn sections() -> Vec<(&'static [&'static str], Ask)> {
    vec![
        ask!(
            "SectionService::read",
            |of: SectionService, id, handle, there| of.read(&id, None)
        ),
        ask!(
            "SectionService::list",
            |of: SectionService, id, handle, there| of.list(None)
        ),
        ask!(
            "SectionService::create",
            |of: SectionService, id, handle, there| async {
                of.create(&record(handle, there)).await
            }
        ),
        ask!(
            "SectionService::patch",
            |of: SectionService, id, handle, there| async {
                of.patch(&id, None, &title(), Version::new(1)).await
            }
        ),
        ask!(
            "SectionService::remove",
            |of: SectionService, id, handle, there| { of.remove(&id, Version::new(1)) }
        ),
        ask!(
            "SectionService::personalize",
            |of: SectionService, id, handle, there| async move {
                // Only a person has an arrangement.
                let person = of.acting_as(Actor::User("guest-7".into()));
                person.personalize(&id, None, &title(), ANY).await
            }
        ),
        ask!(
            "SectionService::arrangement",
            |of: SectionService, id, handle, there| async move {
                let person = of.acting_as(Actor::User("guest-7".into()));
                person.arrangement(&id).await
            }
        ),
        ask!(
            "SectionService::history",
            |of: SectionService, id, handle, there| { of.history(&id).try_collect::<Vec<_>>() }
        ),
        ask!(
            "SectionService::undo",
            |of: SectionService, id, handle, there| {
                of.undo(&id, None, "change", Version::new(1))
            }
        ),
        ask!(
            "SectionService::erase_history",
            |of: SectionService, id, handle, there| { of.erase_history(&id) }
        ),
        (
            &["SectionQueue::patch", "SectionQueue::shutdown"],
            (|handle, there| {
                Box::pin(async move { answer(queued(handle, &name(there, "ann")).await) })
            }) as Ask,
        ),
        ask!(
            "SectionQueue::mark",
            |of: SectionService, id, handle, there| marked(handle, &id)
        ),
    ]
}

fn about_sections() -> Vec<(&'static [&'static str], Ask)> {
    vec![
        (&["Organization::watch_sections"], |handle, _| {
            // A person watches only what they see.
            Box::pin(async move { answer(handle.watch_sections("guest-7", None, None).await) })
        }),
        (&["Organization::permission_snapshot"], |handle, _| {
            Box::pin(async move { answer(handle.permission_snapshot(None).await) })
        }),
        ask!(
            "SectionService::keep_template",
            |of: SectionService, id, handle, there| { of.keep_template(&id, "Name", None, ANY) }
        ),
        ask!(
            "SectionService::template",
            |of: SectionService, id, handle, there| of.template(&id)
        ),
        ask!(
            "SectionService::templates",
            |of: SectionService, id, handle, there| { of.templates().try_collect::<Vec<_>>() }
        ),
        ask!(
            "SectionService::use_template",
            |of: SectionService, id, handle, there| { of.use_template(&id, "june") }
        ),
        ask!(
            "SectionService::copy",
            |of: SectionService, id, handle, there| of.copy(None, &id)
        ),
        ask!(
            "SectionService::remove_template",
            |of: SectionService, id, handle, there| { of.remove_template(&id, ANY) }
        ),
        ask!(
            "SectionService::recompute",
            |of: SectionService, id, handle, there| async { of.recompute(&[(&id, None)]).await }
        ),
        ask!(
            "SectionService::results",
            |of: SectionService, id, handle, there| { of.results(&id, None) }
        ),
        ask!(
            "SectionService::sync_organization",
            |of: SectionService, id, handle, there| {
                of.sync_organization().try_collect::<Vec<_>>()
            }
        ),
        ask!(
            "SectionService::check",
            |of: SectionService, id, handle, there| of.check()
        ),
        ask!(
            "SectionService::check_results",
            |of: SectionService, id, handle, there| { of.check_results() }
        ),
    ]
}
