//! The world for Cedar: people, sections, roles and section types as entities, and two ways to write the policies.

use cedar_policy::{
    Authorizer, Context, Decision, Entities, Entity, EntityTypeName, EntityUid, PolicySet, Request,
    RestrictedExpression,
};
use garland::Timestamp;
use garland::wedding::{Role, SectionKind};
use garland_peers::Result;
use serde_json::{Value, json};

use crate::world::{self, Answer, Bound};

/// One policy for each rule, so that the answer names what let in and what kept out.
const BY_RULE: &str = include_str!("../../../../../tests/cedar/sections.cedar");

/// One policy with all rules that count in this world, for a plain yes or no.
const IN_ONE: &str = r#"
permit (principal, action == Action::"section.view", resource)
when
{
    principal.organization == resource.organization &&
    context.wedding.organization == principal.organization &&
    (resource.roles.contains(principal.role) ||
     (!principal.role.restricted.contains(resource.sectionType) &&
      (principal.role in resource.roles ||
       (principal.full.contains(context.wedding) &&
        !(resource.sectionType in SectionTypes::"protected"))))) &&
    (!(resource has phases) || resource.phases.contains(context.phase)) &&
    (!(resource has minimumRole) || principal.role.rank >= resource.minimumRole.rank) &&
    (!(resource has window) ||
     (resource.window.start <= context.now && context.now <= resource.window.end)) &&
    (!(resource has fieldEquals) ||
     (principal.hasTag(resource.fieldEquals.tag) &&
      principal.getTag(resource.fieldEquals.tag) == resource.fieldEquals.value))
};
"#;

/// Cedar with all that decides.
#[derive(Debug)]
pub(crate) struct ByCedar {
    policies: PolicySet,
    entities: Entities,
    context: Context,
    users: Vec<EntityUid>,
    sections: Vec<EntityUid>,
    actions: [EntityUid; 3],
    types: [EntityTypeName; 2],
}

impl ByCedar {
    pub(crate) fn by_rule() -> Result<Self> {
        Self::new(BY_RULE)
    }

    pub(crate) fn in_one() -> Result<Self> {
        Self::new(IN_ONE)
    }

    fn new(policies: &str) -> Result<Self> {
        let users = (0..world::USERS).map(user);
        let sections = (0..world::SECTIONS).map(|n| section(n, &world::bound(n)));
        let june = json!({
            "uid": uid("Wedding", "june"), "attrs": { "organization": "studio" }, "parents": [],
        });
        let all: Vec<Value> = tables()
            .chain(users)
            .chain(sections)
            .chain([june])
            .collect();
        let name = |kind: &str, id: &str| -> Result<EntityUid> {
            Ok(EntityUid::from_json(uid(kind, id))?)
        };
        let users = (0..world::USERS).map(|n| name("User", &world::user_id(n)));
        let sections = (0..world::SECTIONS).map(|n| name("section", &world::section_id(n)));
        Ok(Self {
            policies: policies.parse()?,
            entities: Entities::from_json_value(json!(all), None)?,
            context: context()?,
            users: users.collect::<Result<_>>()?,
            sections: sections.collect::<Result<_>>()?,
            actions: [
                name("Action", "section.view")?,
                name("Action", "section.edit")?,
                name("Action", "section.hide")?,
            ],
            types: ["User".parse()?, "section".parse()?],
        })
    }

    /// Whether one person may see one section, from names and a context at hand.
    pub(crate) fn sees(&self, user: usize, section: usize) -> Result<bool> {
        let (user, section) = (self.users[user].clone(), self.sections[section].clone());
        self.may(user, &self.actions[0], section, self.context.clone())
    }

    pub(crate) fn answer(&self, user: usize, section: usize) -> Result<Answer> {
        let mut answer = Answer::default();
        for (may, action) in answer.iter_mut().zip(&self.actions) {
            let (user, section) = (self.users[user].clone(), self.sections[section].clone());
            *may = self.may(user, action, section, self.context.clone())?;
        }
        Ok(answer)
    }

    /// The same from ids as text, and a context of its own.
    pub(crate) fn sees_by_ids(&self, user: &str, section: &str) -> Result<bool> {
        let [users, sections] = &self.types;
        let user = EntityUid::from_type_name_and_id(users.clone(), user.parse()?);
        let section = EntityUid::from_type_name_and_id(sections.clone(), section.parse()?);
        self.may(user, &self.actions[0], section, context()?)
    }

    fn may(
        &self,
        user: EntityUid,
        action: &EntityUid,
        section: EntityUid,
        context: Context,
    ) -> Result<bool> {
        let request = Request::new(user, action.clone(), section, context, None)?;
        let answer = Authorizer::new().is_authorized(&request, &self.policies, &self.entities);
        if answer.diagnostics().errors().next().is_some() {
            return Err(format!("{:?}", answer.diagnostics()).into());
        }
        Ok(answer.decision() == Decision::Allow)
    }

    /// Another state with section 7 as edited; this one stays for whoever still reads it.
    pub(crate) fn with_edit(&self) -> Result<Self> {
        let entity = Entity::from_json_value(section(7, &world::edited()), None)?;
        Ok(Self {
            policies: self.policies.clone(),
            entities: self.entities.clone().upsert_entities([entity], None)?,
            context: self.context.clone(),
            users: self.users.clone(),
            sections: self.sections.clone(),
            actions: self.actions.clone(),
            types: self.types.clone(),
        })
    }
}

fn context() -> Result<Context> {
    let june = EntityUid::from_json(uid("Wedding", "june"))?;
    let now = Timestamp::from_millis(world::NOW).to_string();
    let pairs = [
        ("wedding", RestrictedExpression::new_entity_uid(june)),
        (
            "phase",
            RestrictedExpression::new_string(world::PHASE.to_owned()),
        ),
        ("now", RestrictedExpression::new_datetime(now)),
    ];
    let pairs = pairs.map(|(name, value)| (name.to_owned(), value));
    Ok(Context::from_pairs(pairs)?)
}

fn uid(kind: &str, id: &str) -> Value {
    json!({ "type": kind, "id": id })
}

fn reference(kind: &str, id: &str) -> Value {
    json!({ "__entity": uid(kind, id) })
}

fn roles(roles: &[Role]) -> Vec<Value> {
    roles
        .iter()
        .map(|role| reference("Role", role.as_str()))
        .collect()
}

fn tables() -> impl Iterator<Item = Value> {
    let roles = Role::ALL.into_iter().map(|role| {
        let acts_as = role.acts_also_as();
        let acts_as = acts_as.iter().map(|other| uid("Role", other.as_str()));
        let restricted = SectionKind::ALL
            .into_iter()
            .filter(|kind| kind.is_restricted_for(role))
            .map(|kind| reference("SectionType", kind.as_str()));
        json!({
            "uid": uid("Role", role.as_str()),
            "attrs": { "rank": role.rank(), "restricted": restricted.collect::<Vec<_>>() },
            "parents": acts_as.chain([uid("Roles", "all")]).collect::<Vec<_>>(),
        })
    });
    let protected = SectionKind::ALL
        .into_iter()
        .filter(|kind| kind.is_protected());
    let protected = protected.map(|kind| {
        let parents = [uid("SectionTypes", "protected")];
        json!({ "uid": uid("SectionType", kind.as_str()), "attrs": {}, "parents": parents })
    });
    let actions = ["section.view", "section.edit", "section.hide"].map(|name| {
        json!({ "uid": uid("Action", name), "attrs": {}, "parents": [uid("Action", "section")] })
    });
    roles.chain(protected).chain(actions)
}

fn user(n: usize) -> Value {
    let at = |level| -> Vec<Value> {
        let june = (world::level(n) == level).then(|| reference("Wedding", "june"));
        june.into_iter().collect()
    };
    json!({
        "uid": uid("User", &world::user_id(n)), "parents": [],
        "attrs": {
            "organization": "studio", "role": reference("Role", world::role(n).as_str()),
            "full": at("full"), "limited": at("limited"),
        },
        "tags": { "value:tier": world::tier(n), "text:tier": world::tier(n) },
    })
}

fn section(n: usize, bound: &Bound) -> Value {
    let mut attributes = json!({
        "organization": "studio", "sectionType": reference("SectionType", world::section_type(n)),
        "roles": roles(&bound.roles), "canEdit": roles(&[world::EDITS]), "canHide": roles(&[world::HIDES]),
    });
    if let Some(phases) = bound.phases {
        attributes["phases"] = json!(phases);
    }
    if let Some(floor) = bound.minimum {
        attributes["minimumRole"] = reference("Role", floor.as_str());
    }
    if let Some([start, end]) = bound.window {
        let at = |at: &str| json!({ "__extn": { "fn": "datetime", "arg": at } });
        attributes["window"] = json!({ "start": at(start), "end": at(end) });
    }
    if let Some(tier) = bound.tier {
        attributes["fieldEquals"] = json!({ "tag": "value:tier", "value": tier });
    }
    json!({ "uid": uid("section", &world::section_id(n)), "attrs": attributes, "parents": [] })
}
