//! The world for Casbin: what decides stands in the matcher, over attributes of the person, the section and the moment.
//!
//! That suits it best: with a policy a role and section, it goes through thousands of them for each decision. What a role acts
//! as is worked out beforehand, and instants are seconds, since its numbers have 32 bits.

use casbin::rhai::{self, Dynamic};
use casbin::{CoreApi, DefaultModel, Enforcer, MemoryAdapter, MgmtApi};
use garland::wedding::{Role, SectionKind, parse_instant};
use garland_peers::Result;
use serde_json::{Value, json};

use crate::world::{self, Answer, Bound};

const MODEL: &str = r#"
[request_definition]
r = sub, obj, act, env

[policy_definition]
p = act

[policy_effect]
e = some(where (p.eft == allow))

[matchers]
m = r.act == p.act && (r.sub.role in r.obj.opens || r.sub.level == "full" && r.sub.role in r.obj.opensWithAccess) && r.env.phase in r.obj.phases && r.sub.rank >= r.obj.rank && r.env.now >= r.obj.start && r.env.now <= r.obj.end && (r.obj.tier == "" || r.obj.tier == r.sub.tier) && (r.act == "view" || r.act == "edit" && r.sub.role in r.obj.edits || r.act == "hide" && r.sub.role in r.obj.hides)
"#;

/// Casbin with all that decides.
pub(crate) struct ByCasbin {
    enforcer: Enforcer,
    users: Vec<Dynamic>,
    sections: Vec<Dynamic>,
    moment: Dynamic,
    actions: [Dynamic; 3],
}

impl ByCasbin {
    pub(crate) async fn new() -> Result<Self> {
        let model = DefaultModel::from_str(MODEL).await?;
        let mut enforcer = Enforcer::new(model, MemoryAdapter::default()).await?;
        let actions = ["view", "edit", "hide"];
        for action in actions {
            enforcer.add_policy(vec![action.to_owned()]).await?;
        }
        let users = (0..world::USERS).map(|n| dynamic(&user(n)));
        let sections = (0..world::SECTIONS).map(|n| dynamic(&section(n, &world::bound(n))));
        Ok(Self {
            enforcer,
            users: users.collect::<Result<_>>()?,
            sections: sections.collect::<Result<_>>()?,
            moment: dynamic(&json!({ "phase": world::PHASE, "now": world::NOW / 1_000 }))?,
            actions: actions.map(Dynamic::from),
        })
    }

    pub(crate) fn sees(&self, user: usize, section: usize) -> Result<bool> {
        self.may(&self.users[user], &self.sections[section], 0)
    }

    pub(crate) fn answer(&self, user: usize, section: usize) -> Result<Answer> {
        let mut answer = Answer::default();
        for (action, may) in answer.iter_mut().enumerate() {
            *may = self.may(&self.users[user], &self.sections[section], action)?;
        }
        Ok(answer)
    }

    /// A decision on section 7 as edited: what has changed is what is handed over.
    pub(crate) fn sees_edited(&self, user: usize) -> Result<bool> {
        let edited = dynamic(&section(7, &world::edited()))?;
        self.may(&self.users[user], &edited, 0)
    }

    fn may(&self, user: &Dynamic, section: &Dynamic, action: usize) -> Result<bool> {
        let asked = vec![
            user.clone(),
            section.clone(),
            self.actions[action].clone(),
            self.moment.clone(),
        ];
        Ok(self.enforcer.enforce(asked)?)
    }
}

fn dynamic(value: &Value) -> Result<Dynamic> {
    Ok(rhai::serde::to_dynamic(value)?)
}

fn user(n: usize) -> Value {
    let role = world::role(n);
    json!({ "role": role.as_str(), "rank": role.rank(), "level": world::level(n), "tier": world::tier(n) })
}

fn section(n: usize, bound: &Bound) -> Value {
    let kind: Option<SectionKind> = world::section_type(n).parse().ok();
    let restricted = |role: Role| kind.is_some_and(|kind| kind.is_restricted_for(role));
    let protected = kind.is_some_and(SectionKind::is_protected);
    let acts_as =
        |role: Role, list: &[Role]| list.iter().any(|own| role.acts_also_as().contains(*own));
    let those = |wanted: &dyn Fn(Role) -> bool| -> Vec<&str> {
        let roles = Role::ALL.into_iter().filter(|role| wanted(*role));
        roles.map(Role::as_str).collect()
    };
    let listed =
        |role: Role, list: &[Role]| list.contains(&role) || !protected && acts_as(role, list);
    let seconds = |at: &str| parse_instant(at).map(|at| at.as_millis() / 1_000);
    let [start, end] = bound.window.map_or([None, None], |ends| ends.map(seconds));
    json!({
        "opens": those(&|role| bound.roles.contains(&role) || acts_as(role, &bound.roles) && !restricted(role)),
        "opensWithAccess": those(&|role| !protected && !restricted(role)),
        "phases": bound.phases.map_or_else(|| json!([world::PHASE]), |phases| json!(phases)),
        "rank": bound.minimum.map_or(0, Role::rank),
        "start": start.unwrap_or_default(), "end": end.unwrap_or(i64::from(i32::MAX)),
        "tier": bound.tier.unwrap_or_default(),
        "edits": those(&|role| {
            role == Role::Admin || role == Role::Coordinator && !protected || listed(role, &[world::EDITS])
        }),
        "hides": those(&|role| listed(role, &[world::HIDES])),
    })
}
